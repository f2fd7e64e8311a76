/* SPDX-License-Identifier: GPL-2.0-only */
/* jwt.c: JSON Web Tokens (RFC 7519), in the compact form of RFC 7515. */
#ifndef PROGRAMS_JWT_H
#define PROGRAMS_JWT_H

#include <jansson.h>

struct jwt_key;

/*
 * Read a private key in PEM, without a passphrase; "-" is standard input.  Its
 * kind chooses the algorithm of RFC 7518 and RFC 8037: ES256 (P-256), ES384
 * (P-384), RS256 (RSA), PS256 (RSASSA-PSS) or EdDSA (Ed25519).  To be freed;
 * NULL after an error message.
 */
struct jwt_key *jwt_key_read(const char *path);
void jwt_key_free(struct jwt_key *key);

/*
 * Return the token with @claims, signed with @key; if that is NULL, it is not
 * signed and says so (alg none).  To be freed; NULL after an error message, and
 * when @claims is NULL, which stands for a lack of memory.
 */
char *jwt_make(const json_t *claims, const struct jwt_key *key);

/* In base64url without padding.  To be freed; NULL when out of memory. */
char *jwt_base64url(const void *data, size_t len);

#endif /* PROGRAMS_JWT_H */
