/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads IMA's binary measurement list and the records of the TPM's PCR update
 * counter in it
 */
#ifndef MEASUREMENT_LIST_H
#define MEASUREMENT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMA_DIR "/sys/kernel/security/ima"

/**
 * struct list_entry - an entry of the measurement list
 * @pcr:	PCR that the entry extends
 * @name:	name of the event: a path, "boot_aggregate", "pcr_counter"
 * @text:	text of a counter record, NULL for other entries
 */
struct list_entry {
	uint32_t pcr;
	char *name;
	char *text;
};

struct list {
	size_t count;
	struct list_entry *entries;
};

/**
 * list_read - read the current list
 * @list: output: the list, to be freed with list_free()
 *
 * Return: 0 or a negative errno, -EPROTO if the list can't be parsed.
 */
int list_read(struct list *list);
void list_free(struct list *list);

/**
 * list_find_last - find the last entry with a name
 * @list: the list
 * @name: name of the entry
 * @event: event of the counter record, or NULL for any entry
 *
 * Return: the index of the entry, or -1.
 */
long list_find_last(const struct list *list, const char *name,
		    const char *event);

/**
 * list_find_start - find the first entry of the running kernel
 * @list: the list
 *
 * Return: the index of the boot aggregate, or -1.
 */
long list_find_start(const struct list *list);

/**
 * record_value - look up a key of a counter record
 * @entry: the record
 * @key: the key
 * @value: buffer for the value, which is truncated if it does not fit
 * @size: size of the buffer
 *
 * Return: whether the record has the key.
 */
bool record_value(const struct list_entry *entry, const char *key, char *value,
		  size_t size);

/* Look up a number. Return -1 if the key is missing or is not a number. */
long long record_number(const struct list_entry *entry, const char *key);

#endif
