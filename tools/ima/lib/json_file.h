/* SPDX-License-Identifier: GPL-2.0-only */
/* json_file.c: files in JSON, with bytes in hexadecimal. */
#ifndef IMATALLY_JSON_FILE_H
#define IMATALLY_JSON_FILE_H

#include <jansson.h>

#include "imatally-evidence.h"

/*
 * Parse an object whose "format" and "version" are these.  NULL with @err filled
 * in; to be freed with json_decref().
 */
json_t *imatally_json_open(const char *text, size_t len, const char *format,
			   int version, struct imatally_error *err);

/* Return an object with "format" and "version", NULL when out of memory. */
json_t *imatally_json_new(const char *format, int version);

/*
 * Return the required member @name of an object, which must be of that type.
 * NULL with @err filled in.
 */
json_t *imatally_json_member(const json_t *object, const char *name,
			     json_type type, struct imatally_error *err);

/* Read a required member with bytes. */
enum imatally_status imatally_json_bytes(struct imatally_bytes *bytes,
					 const json_t *object, const char *name,
					 struct imatally_error *err);

/* False when out of memory */
bool imatally_json_put_bytes(json_t *object, const char *name,
			     const struct imatally_bytes *bytes);

#endif /* IMATALLY_JSON_FILE_H */
