// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's templates (security/integrity/ima/ima_template.c).  Entries in a
 * custom format have the format string in place of a name.
 */

#include <string.h>

#include "template.h"

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

static const struct imatally_field_type types[] = {
	{ "d", IMATALLY_SHAPE_DIGEST },
	{ "n", IMATALLY_SHAPE_NAME },
	{ "d-ng", IMATALLY_SHAPE_NAMED_DIGEST },
	{ "d-ngv2", IMATALLY_SHAPE_NAMED_DIGEST },
	{ "n-ng", IMATALLY_SHAPE_NAME },
	{ "sig", IMATALLY_SHAPE_BYTES },
	{ "buf", IMATALLY_SHAPE_BYTES },
	{ "txt", IMATALLY_SHAPE_TEXT },
	{ "d-modsig", IMATALLY_SHAPE_NAMED_DIGEST },
	{ "modsig", IMATALLY_SHAPE_BYTES },
	{ "evmsig", IMATALLY_SHAPE_BYTES },
	{ "iuid", IMATALLY_SHAPE_U32 },
	{ "igid", IMATALLY_SHAPE_U32 },
	{ "imode", IMATALLY_SHAPE_U16 },
	{ "xattrnames", IMATALLY_SHAPE_STRING },
	{ "xattrlengths", IMATALLY_SHAPE_BYTES },
	{ "xattrvalues", IMATALLY_SHAPE_BYTES },
};

static const struct imatally_field_type *find_type(const char *id, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (imatally_is(id, len, types[i].id))
			return &types[i];
	return NULL;
}

static bool parse_format(struct imatally_template *t, const char *format,
			 size_t len)
{
	const char *end = format + len;

	t->nr_fields = 0;
	for (;;) {
		const char *bar = memchr(format, '|', end - format);
		const char *stop = bar ? bar : end;
		const struct imatally_field_type *type =
			find_type(format, stop - format);

		if (!type || t->nr_fields == IMATALLY_MAX_FIELDS)
			return false;
		t->field[t->nr_fields++] = type;
		if (!bar)
			return true;
		format = bar + 1;
	}
}

bool imatally_template_find(struct imatally_template *t, const char *name,
			    size_t len)
{
	const char *format = name;
	size_t i, format_len = len;

	if (t->name_len == len && !memcmp(t->name, name, len))
		return len;
	t->name_len = 0;
	if (len > sizeof(t->name))
		return false;
	for (i = 0; i < ARRAY_SIZE(templates); i++) {
		if (!imatally_is(name, len, templates[i].name))
			continue;
		format = templates[i].format;
		format_len = strlen(format);
	}
	if (!parse_format(t, format, format_len))
		return false;
	t->is_ima = imatally_is(name, len, "ima");
	memcpy(t->name, name, len);
	t->name_len = len;
	return true;
}
