// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's templates (security/integrity/ima/ima_template.c): which fields
 * stand in an entry.  A custom format is logged under the format itself.
 */

#include <string.h>

#include "private.h"

static const struct {
	const char *name, *format;
} templates[] = {
	{ "ima", "d|n" },
	{ "ima-ng", "d-ng|n-ng" },
	{ "ima-ngv2", "d-ngv2|n-ng" },
	{ "ima-sig", "d-ng|n-ng|sig" },
	{ "ima-sigv2", "d-ngv2|n-ng|sig" },
	{ "ima-buf", "d-ng|n-ng|buf" },
	{ "ima-txt", "d-ng|n-ng|txt" },
	{ "ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig" },
	{ "evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|"
		     "iuid|igid|imode" },
};

static const char *const known_fields[] = {
	"d",	   "n",	     "d-ng",	 "d-ngv2", "n-ng",
	"sig",	   "buf",    "txt",	 "d-modsig", "modsig",
	"evmsig",  "iuid",   "igid",	 "imode",  "xattrnames",
	"xattrlengths", "xattrvalues",
};

static const char *known_field(const char *id, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_fields); i++)
		if (strlen(known_fields[i]) == len &&
		    !memcmp(known_fields[i], id, len))
			return known_fields[i];
	return NULL;
}

static bool parse_format(struct imatally_entry *entry, const char *format,
			 size_t len)
{
	const char *end = format + len;

	entry->nr_fields = 0;
	for (;;) {
		const char *bar = memchr(format, '|', end - format);
		const char *stop = bar ? bar : end;
		const char *id = known_field(format, stop - format);

		if (!id || entry->nr_fields == IMATALLY_MAX_FIELDS)
			return false;
		strcpy(entry->fields[entry->nr_fields++].id, id);
		if (!bar)
			return true;
		format = bar + 1;
	}
}

bool imatally_template_fields(struct imatally_entry *entry)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(templates); i++) {
		const char *name = templates[i].name;

		if (strlen(name) == entry->template_name_len &&
		    !memcmp(name, entry->template_name, strlen(name)))
			return parse_format(entry, templates[i].format,
					    strlen(templates[i].format));
	}
	return parse_format(entry, entry->template_name,
			    entry->template_name_len);
}
