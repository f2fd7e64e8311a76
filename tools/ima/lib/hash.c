// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hashing of millions of short inputs.  SHA-1 and SHA-2 go to sha.c.  For the
 * others, an algorithm is fetched once, and every hash starts from a copy of an
 * initialized context, which is the fastest way with EVP.
 */

#include <openssl/err.h>
#include <string.h>

#include "private.h"

/* Fetch hash->md. */
static enum imatally_status fetch(struct imatally_hash *hash, uint16_t alg)
{
	bool lacks;

	if (!hash->size)
		return IMATALLY_ERR_CRYPTO;
	ERR_set_mark();
	hash->md = imatally_alg_fetch(alg);
	lacks = !hash->md &&
		ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_UNSUPPORTED;
	ERR_pop_to_mark();
	if (lacks)
		return IMATALLY_ERR_CRYPTO;
	return hash->md ? IMATALLY_OK : IMATALLY_ERR_NOMEM;
}

enum imatally_status imatally_hash_init(struct imatally_hash *hash,
					uint16_t alg)
{
	enum imatally_status status;

	*hash = (struct imatally_hash){
		.sha = imatally_sha(alg), .size = imatally_alg_size(alg),
	};
	if (hash->sha)
		return IMATALLY_OK;
	status = fetch(hash, alg);
	if (!status) {
		hash->initialized = EVP_MD_CTX_new();
		hash->ctx = EVP_MD_CTX_new();
		if (!hash->initialized || !hash->ctx ||
		    !EVP_DigestInit_ex(hash->initialized, hash->md, NULL))
			status = IMATALLY_ERR_NOMEM;
	}
	if (status)
		imatally_hash_free(hash);
	return status;
}

void imatally_hash_free(struct imatally_hash *hash)
{
	EVP_MD_CTX_free(hash->ctx);
	EVP_MD_CTX_free(hash->initialized);
	EVP_MD_free(hash->md);
	*hash = (struct imatally_hash){ 0 };
}

bool imatally_hash_evp(const struct imatally_hash *hash, const void *data,
		       size_t len, uint8_t *digest)
{
	return EVP_MD_CTX_copy_ex(hash->ctx, hash->initialized) &&
	       EVP_DigestUpdate(hash->ctx, data, len) &&
	       EVP_DigestFinal_ex(hash->ctx, digest, NULL);
}

bool imatally_extend_evp(const struct imatally_hash *hash, uint8_t *value,
			 const uint8_t *digest)
{
	uint8_t both[2 * IMATALLY_MAX_DIGEST];

	memcpy(both, value, hash->size);
	memcpy(both + hash->size, digest, hash->size);
	return imatally_hash_evp(hash, both, 2 * hash->size, value);
}
