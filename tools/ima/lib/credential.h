/* SPDX-License-Identifier: GPL-2.0-only */
/* credential.c: TPM2_MakeCredential without a TPM. */
#ifndef IMATALLY_CREDENTIAL_H
#define IMATALLY_CREDENTIAL_H

#include <openssl/evp.h>

#include "imatally-enroll.h"

/*
 * What the TCG EK Credential Profile fixes for a kind of EK, by the key in its
 * certificate
 */
struct imatally_ek_kind {
	const char *group;	/* libcrypto's name of the curve, NULL for RSA */
	int bits;		/* of the key */
	const char *digest;	/* nameAlg */
	size_t digest_size;	/* in bytes */
	const char *cipher;	/* of the key as a parent */
	size_t key_size;	/* of that cipher, in bytes */
};

/* NULL if the profile has no such EK. */
const struct imatally_ek_kind *imatally_ek_kind(EVP_PKEY *ek);

/*
 * Make a credential of the EK @ek for the object with this Name: its TPM returns
 * @secret, @size bytes and no longer than a digest, if it has that object.
 */
enum imatally_status imatally_credential_make(EVP_PKEY *ek,
					      const struct imatally_bytes *name,
					      const uint8_t *secret, size_t size,
					      struct imatally_challenge *challenge,
					      struct imatally_error *err);

#endif /* IMATALLY_CREDENTIAL_H */
