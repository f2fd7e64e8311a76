// SPDX-License-Identifier: GPL-2.0-only
/* What an entry is. */

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

bool imatally_entry_is_named(const struct imatally_entry *entry,
			     const char *name)
{
	const struct imatally_field *field;
	size_t len = strlen(name);

	if (entry->name_field < 0)
		return false;
	field = &entry->fields[entry->name_field];
	/* the terminator is part of the field, but for the template "ima" */
	return (field->len == len ||
		(field->len == len + 1 && !field->data[len])) &&
	       !memcmp(field->data, name, len);
}

bool imatally_entry_is_violation(const struct imatally_entry *entry)
{
	static const uint8_t zero[IMATALLY_MAX_DIGEST];

	return !memcmp(entry->digest, zero, entry->digest_len);
}

bool imatally_entry_is_boot_aggregate(const struct imatally_entry *entry)
{
	/*
	 * Files are named by their path, which begins with '/'.  Keys are named
	 * by their keyring, which user space chooses; they have a buf field.
	 * What a violation says of itself is in no digest.
	 */
	const struct imatally_field *buf;

	if (!imatally_entry_is_named(entry, "boot_aggregate") ||
	    imatally_entry_is_violation(entry))
		return false;
	buf = imatally_entry_field(entry, "buf");
	return !buf || !buf->len;
}

uint64_t imatally_entry_locate(const struct imatally_entry *entry,
			       const void *at)
{
	/* what an ASCII list shows is not as long as what it stands for */
	if (entry->is_ascii)
		return entry->data_offset;
	return entry->data_offset + ((const uint8_t *)at - entry->data);
}
