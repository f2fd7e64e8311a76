/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CA, the certificates that it makes, and keys as a TPM would have them, for
 * tests.
 */
#ifndef TESTS_ENROLLER_H
#define TESTS_ENROLLER_H

#include <openssl/x509.h>
#include <tss2/tss2_tpm2_types.h>

#include "imatally-enroll.h"

#define EK_USAGE "2.23.133.8.1"

/* A certificate to be made.  Times are in seconds from now. */
struct certificate {
	const char *subject;
	const char *usage;	/* extended key usage, an OID, or NULL */
	bool is_ca;
	long from, until;
	const char *digest;	/* NULL is SHA-256 */
};

struct ca {
	EVP_PKEY *key;
	X509 *certificate;
};

/* @type is "RSA" with @bits, or "EC" with the curve of @bits. */
EVP_PKEY *make_key(const char *type, int bits);
X509 *make_certificate(const struct certificate *what, EVP_PKEY *key,
		       const struct ca *issuer);

/* A self-signed one, unless there is an @issuer. */
void ca_init(struct ca *ca, const char *subject, const struct ca *issuer);
void ca_free(struct ca *ca);

/* In DER; the certificate is freed. */
void keep_der(struct imatally_bytes *bytes, X509 *certificate);

/* The public area of an AK with this key. */
#define AK_ATTRIBUTES                                                     \
	(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT |              \
	 TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |                 \
	 TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH)
void public_area(TPMT_PUBLIC *area, EVP_PKEY *key);
/* As a TPM2B_PUBLIC, which replaces @bytes. */
void keep_public(struct imatally_bytes *bytes, const TPMT_PUBLIC *area);

#endif /* TESTS_ENROLLER_H */
