/* SPDX-License-Identifier: GPL-2.0-only */
/* What the library's modules share among themselves. */
#ifndef IMATALLY_PRIVATE_H
#define IMATALLY_PRIVATE_H

#include <openssl/evp.h>

#include "imatally.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* error.c */
enum imatally_status imatally_fail(struct imatally_error *err,
				   enum imatally_status status, const char *fmt,
				   ...) __attribute__((format(printf, 3, 4)));
/* Like imatally_fail(), at a place in the log. */
enum imatally_status imatally_fail_at(struct imatally_error *err,
				      enum imatally_status status,
				      uint64_t entry, uint64_t offset,
				      const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * Copy @len bytes to @out of @size bytes so that they can be printed anywhere:
 * what is not printable ASCII becomes '?', what does not fit is left out.
 */
const char *imatally_printable(char *out, size_t size, const void *in,
			       size_t len);

/* hex.c */
/* Value of a hexadecimal digit, or -1. */
int imatally_hex_digit(char c);
/* Decode 2 * @size digits.  False if one of them is none. */
bool imatally_hex_decode(uint8_t *out, size_t size, const char *digits);

/* alg.c */
/* To be freed with EVP_MD_free(); NULL if libcrypto does not have it. */
EVP_MD *imatally_alg_fetch(uint16_t alg);

/* template.c */
#define IMATALLY_MAX_TEMPLATE_NAME 255

/*
 * Find a template's fields: fill in the ids of entry->fields and nr_fields.
 * False if it is unknown, or a format with an unknown field.
 */
bool imatally_template_fields(struct imatally_entry *entry);

#endif /* IMATALLY_PRIVATE_H */
