// SPDX-License-Identifier: GPL-2.0-only
/* Properties of entries. */

#include <string.h>

#include "private.h"

const struct imatally_field *
imatally_entry_field(const struct imatally_entry *entry, const char *id)
{
	unsigned int i;

	for (i = 0; i < entry->nr_fields; i++)
		if (!strcmp(entry->fields[i].id, id))
			return &entry->fields[i];
	return NULL;
}

/* A name includes its terminator, except in the template "ima". */
static inline bool is_name(const struct imatally_field *field, const char *name,
		    size_t len)
{
	return (field->len == len ||
		(field->len == len + 1 && !field->data[len])) &&
	       !memcmp(field->data, name, len);
}

/* Inline, so that the length of a constant name is one, too. */
static inline const struct imatally_field *
find_name(const struct imatally_entry *entry, const char *name)
{
	size_t len = strlen(name);
	unsigned int i;

	for (i = 0; i < entry->nr_fields; i++)
		if (is_name(&entry->fields[i], name, len))
			return &entry->fields[i];
	return NULL;
}

bool imatally_entry_is_named(const struct imatally_entry *entry,
			     const char *name)
{
	return find_name(entry, name);
}

bool imatally_entry_is_violation(const struct imatally_entry *entry)
{
	static const uint8_t zero[IMATALLY_MAX_DIGEST];

	/* the first byte tells most of the others */
	return !entry->digest[0] &&
	       !memcmp(entry->digest, zero, entry->digest_len);
}

#define EARLY "boot_aggregate"
#define LATE "boot_aggregate_late"	/* CONFIG_IMA_INIT_LATE_SYNC of Linux 7.3 */

bool imatally_entry_is_boot_aggregate(const struct imatally_entry *entry)
{
	/*
	 * The name of a key is that of its keyring, which user space chooses,
	 * but such an entry has more fields with content.  No digest covers the
	 * fields of a violation.
	 */
	const struct imatally_field *name = NULL;
	unsigned int i, others = 0;

	for (i = 0; i < entry->nr_fields && !name; i++) {
		const struct imatally_field *field = &entry->fields[i];

		/* asked several times of each entry: look at the length first */
		if (field->len - strlen(EARLY) <= 1 ? is_name(field, EARLY, strlen(EARLY)) :
		    field->len - strlen(LATE) <= 1 && is_name(field, LATE, strlen(LATE)))
			name = field;
	}
	if (!name || imatally_entry_is_violation(entry))
		return false;
	for (i = 0; i < entry->nr_fields; i++)
		others += &entry->fields[i] != name && entry->fields[i].len;
	/* only the digest */
	return others <= 1;
}

uint64_t imatally_entry_locate(const struct imatally_entry *entry,
			       const void *at)
{
	/* in an ASCII list, the text of a byte has another length */
	if (entry->is_ascii)
		return entry->data_offset;
	return entry->data_offset + ((const uint8_t *)at - entry->data);
}
