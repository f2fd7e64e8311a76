// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a replay into a SHA-1 and a SHA-256 bank has to hash, and nothing else:
 * hash_cost WAY ENTRIES LEN does that ENTRIES times for LEN bytes of template
 * data.  WAY is "compressions", the compression functions without padding and
 * digests, which nothing can be faster than; "imatally", as the verifier hashes;
 * or one of the ways that libcrypto offers, to choose from.
 */

/* The low-level functions are among the ways. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tools/ima/lib/private.h"

#define EXTEND_SHA1 (2 * SHA_DIGEST_LENGTH)
#define EXTEND_SHA256 (2 * SHA256_DIGEST_LENGTH)

static const uint8_t *data;
static size_t len;
/* of a PCR and an extended digest, SHA-1 and SHA-256 */
static uint8_t value1[EXTEND_SHA1], value256[EXTEND_SHA256];

/* Compressions only */

/* A message ends with a one bit and its length in 8 bytes. */
static size_t blocks(size_t size)
{
	return (size + 1 + 8 + SHA_CBLOCK - 1) / SHA_CBLOCK;
}

static void compressions(void)
{
	static SHA256_CTX sha256;
	static SHA_CTX sha1;
	size_t i;

	for (i = blocks(len) + blocks(EXTEND_SHA1); i--;)
		SHA1_Transform(&sha1, data);
	for (i = blocks(len) + blocks(EXTEND_SHA256); i--;)
		SHA256_Transform(&sha256, data);
}

/* The verifier's way */

static void imatally(void)
{
	static struct imatally_hash sha1, sha256;

	if (!sha1.size && (!imatally_hash_init(&sha1, IMATALLY_ALG_SHA1) ||
			   !imatally_hash_init(&sha256, IMATALLY_ALG_SHA256)))
		exit(1);
	imatally_hash(&sha1, data, len, value1 + SHA_DIGEST_LENGTH);
	imatally_hash(&sha256, data, len, value256 + SHA256_DIGEST_LENGTH);
	imatally_extend(&sha1, value1, value1 + SHA_DIGEST_LENGTH);
	imatally_extend(&sha256, value256, value256 + SHA256_DIGEST_LENGTH);
}

/* Ways of libcrypto */

typedef void hash_fn(bool is_sha1, const uint8_t *in, size_t size, uint8_t *out);

static void with(hash_fn *hash)
{
	hash(true, data, len, value1 + SHA_DIGEST_LENGTH);
	hash(false, data, len, value256 + SHA256_DIGEST_LENGTH);
	hash(true, value1, EXTEND_SHA1, value1);
	hash(false, value256, EXTEND_SHA256, value256);
}

static void hash_low_level(bool is_sha1, const uint8_t *in, size_t size,
			   uint8_t *out)
{
	SHA256_CTX sha256;
	SHA_CTX sha1;

	if (is_sha1) {
		SHA1_Init(&sha1);
		SHA1_Update(&sha1, in, size);
		SHA1_Final(out, &sha1);
	} else {
		SHA256_Init(&sha256);
		SHA256_Update(&sha256, in, size);
		SHA256_Final(out, &sha256);
	}
}

static void hash_one_shot(bool is_sha1, const uint8_t *in, size_t size,
			  uint8_t *out)
{
	if (is_sha1)
		SHA1(in, size, out);
	else
		SHA256(in, size, out);
}

/* 0 for SHA-256, 1 for SHA-1 */
static EVP_MD *fetched[2];
static EVP_MD_CTX *initialized[2], *context[2];

static void fetch(void)
{
	int i;

	for (i = 0; i < 2 && !fetched[i]; i++) {
		fetched[i] = EVP_MD_fetch(NULL, i ? "SHA1" : "SHA2-256", NULL);
		initialized[i] = EVP_MD_CTX_new();
		context[i] = EVP_MD_CTX_new();
		if (!fetched[i] || !context[i] || !initialized[i] ||
		    !EVP_DigestInit_ex(initialized[i], fetched[i], NULL))
			exit(1);
	}
}

static void hash_evp_copy(bool is_sha1, const uint8_t *in, size_t size,
			  uint8_t *out)
{
	EVP_MD_CTX_copy_ex(context[is_sha1], initialized[is_sha1]);
	EVP_DigestUpdate(context[is_sha1], in, size);
	EVP_DigestFinal_ex(context[is_sha1], out, NULL);
}

static void hash_evp_init(bool is_sha1, const uint8_t *in, size_t size,
			  uint8_t *out)
{
	EVP_DigestInit_ex2(context[is_sha1], fetched[is_sha1], NULL);
	EVP_DigestUpdate(context[is_sha1], in, size);
	EVP_DigestFinal_ex(context[is_sha1], out, NULL);
}

static void hash_evp_digest(bool is_sha1, const uint8_t *in, size_t size,
			    uint8_t *out)
{
	EVP_Digest(in, size, out, NULL, fetched[is_sha1], NULL);
}

static void low_level(void)
{
	with(hash_low_level);
}

static void one_shot(void)
{
	with(hash_one_shot);
}

static void evp_copy(void)
{
	with(hash_evp_copy);
}

static void evp_init(void)
{
	with(hash_evp_init);
}

static void evp_digest(void)
{
	with(hash_evp_digest);
}

static const struct {
	const char *name;
	void (*one)(void);
} ways[] = {
	{ "compressions", compressions }, { "imatally", imatally },
	{ "low-level", low_level },	  { "one-shot", one_shot },
	{ "evp-copy", evp_copy },	  { "evp-init", evp_init },
	{ "evp-digest", evp_digest },
};

int main(int argc, char *argv[])
{
	unsigned long entries;
	size_t i;

	if (argc == 4) {
		entries = strtoul(argv[2], NULL, 10);
		len = strtoul(argv[3], NULL, 10);
		data = calloc(1, len + SHA_CBLOCK);
		if (!data)
			return 1;
		fetch();
		for (i = 0; i < ARRAY_SIZE(ways); i++) {
			if (strcmp(argv[1], ways[i].name))
				continue;
			while (entries--)
				ways[i].one();
			return 0;
		}
	}
	fprintf(stderr, "Usage: hash_cost WAY ENTRIES LEN, where WAY is one of\n");
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		fprintf(stderr, "  %s\n", ways[i].name);
	return 2;
}
