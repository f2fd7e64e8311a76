// SPDX-License-Identifier: GPL-2.0-only
/* Template digests, as computed by the kernel's ima_calc_field_array_hash(). */

#include <stdlib.h>
#include <string.h>

#include "private.h"

static const uint16_t algs[] = {
	IMATALLY_ALG_SHA1,     IMATALLY_ALG_SHA256,   IMATALLY_ALG_SHA384,
	IMATALLY_ALG_SHA512,   IMATALLY_ALG_SM3_256,  IMATALLY_ALG_SHA3_256,
	IMATALLY_ALG_SHA3_384, IMATALLY_ALG_SHA3_512,
};

struct imatally_digester {
	/* libcrypto may lack SM3 and SHA-3 */
	struct imatally_hash hash[ARRAY_SIZE(algs)];
	size_t last;			/* the last one that matched */
};

struct imatally_digester *imatally_digester_new(void)
{
	struct imatally_digester *digester = calloc(1, sizeof(*digester));
	size_t i;

	if (!digester)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(algs); i++) {
		enum imatally_status status =
			imatally_hash_init(&digester->hash[i], algs[i]);

		if (!status || (status == IMATALLY_ERR_CRYPTO &&
				algs[i] >= IMATALLY_ALG_SM3_256))
			continue;
		imatally_digester_free(digester);
		return NULL;
	}
	return digester;
}

void imatally_digester_free(struct imatally_digester *digester)
{
	size_t i;

	if (!digester)
		return;
	for (i = 0; i < ARRAY_SIZE(algs); i++)
		imatally_hash_free(&digester->hash[i]);
	free(digester);
}

/*
 * For "ima", the kernel hashes only the digest and the name, which is padded to
 * IMA_EVENT_NAME_LEN_MAX + 1 bytes.
 */
static bool hash_ima(const struct imatally_hash *hash,
		     const struct imatally_entry *entry, uint8_t *digest)
{
	uint8_t data[IMATALLY_SHA1_SIZE + IMATALLY_MAX_IMA_NAME + 1] = { 0 };
	size_t len = entry->fields[0].len;

	memcpy(data, entry->fields[0].data, len);
	memcpy(data + len, entry->fields[1].data, entry->fields[1].len);
	return imatally_hash(hash, data, len + IMATALLY_MAX_IMA_NAME + 1,
			     digest);
}

/*
 * Otherwise, it hashes every field with its length in front, exactly the
 * template data in the list.
 */
bool imatally_hash_entry(const struct imatally_hash *hash,
			 const struct imatally_entry *entry, uint8_t *digest)
{
	if (entry->is_ima)
		return hash_ima(hash, entry, digest);
	return imatally_hash(hash, entry->data, entry->data_len, digest);
}

/* 1, 0 or -1; a shorter digest is padded with zeroes */
static int check(const struct imatally_hash *hash,
		 const struct imatally_entry *entry)
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };

	if (!imatally_hash_entry(hash, entry, digest))
		return -1;
	return !memcmp(digest, entry->digest, entry->digest_len);
}

/* Can the digest of the entry be of that algorithm, or padded SHA-1? */
static bool may_be(const struct imatally_digester *digester, size_t alg,
		   const struct imatally_entry *entry)
{
	return digester->hash[alg].size &&
	       (digester->hash[alg].size == entry->digest_len ||
		algs[alg] == IMATALLY_ALG_SHA1);
}

int imatally_digester_check(struct imatally_digester *digester,
			    const struct imatally_entry *entry)
{
	int right = 0;
	size_t i;

	if (may_be(digester, digester->last, entry))
		right = check(&digester->hash[digester->last], entry);
	for (i = 0; i < ARRAY_SIZE(algs) && !right; i++) {
		if (i == digester->last || !may_be(digester, i, entry))
			continue;
		right = check(&digester->hash[i], entry);
		if (right > 0)
			digester->last = i;
	}
	return right;
}
