/* SPDX-License-Identifier: GPL-2.0-only */
/* public.c: public areas of keys in a TPM. */
#ifndef IMATALLY_PUBLIC_H
#define IMATALLY_PUBLIC_H

#include <openssl/evp.h>
#include <tss2/tss2_tpm2_types.h>

#include "imatally-evidence.h"

/*
 * Unmarshal a TPM2B_PUBLIC, which must be all of @bytes.  False if it is none.
 */
bool imatally_public_unmarshal(const struct imatally_bytes *bytes,
			       TPM2B_PUBLIC *public_area);

/*
 * Return the key; to be freed with EVP_PKEY_free().  NULL if it is no RSA or ECC
 * key (NIST P-256, P-384, P-521), or when out of memory.
 */
EVP_PKEY *imatally_public_key(const TPMT_PUBLIC *public_area);

#endif /* IMATALLY_PUBLIC_H */
