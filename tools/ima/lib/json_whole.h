/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON that is whole or NULL, also when memory runs out while it is made. */
#ifndef IMATALLY_JSON_WHOLE_H
#define IMATALLY_JSON_WHOLE_H

#include <jansson.h>
#include <stdlib.h>

#include "imatally.h"

/* Append @value, and free it.  Returns @array, or NULL after freeing both. */
static inline json_t *json_append(json_t *array, json_t *value)
{
	if (!array)
		json_decref(value);
	else if (!json_array_append_new(array, value))
		return array;
	json_decref(array);
	return NULL;
}

/* A string of hexadecimal digits, or NULL. */
static inline json_t *json_hex(const uint8_t *data, size_t len)
{
	char *digits = malloc(2 * len + 1);
	json_t *value;

	if (!digits)
		return NULL;
	value = json_string(imatally_hex_from_bytes(digits, data, len));
	free(digits);
	return value;
}

/*
 * Like json_dumps(), which leaves out a key if there is no memory for it.  This one
 * measures first, and has no need of memory when it writes.
 */
static inline char *json_text(const json_t *value, size_t flags)
{
	size_t len = value ? json_dumpb(value, NULL, 0, flags) : 0;
	char *text = len ? malloc(len + 1) : NULL;

	if (!text)
		return NULL;
	text[len] = '\0';
	if (json_dumpb(value, text, len, flags) == len)
		return text;
	free(text);
	return NULL;
}

#endif /* IMATALLY_JSON_WHOLE_H */
