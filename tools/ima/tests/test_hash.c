// SPDX-License-Identifier: GPL-2.0-only
/* Hashes are the ones that EVP computes, for messages of any length. */

#include <openssl/evp.h>

#include "../lib/private.h"
#include "test.h"

/* Three blocks of the largest */
#define LONGEST (3 * 128)

static const uint16_t algs[] = {
	IMATALLY_ALG_SHA1, IMATALLY_ALG_SHA256, IMATALLY_ALG_SHA384,
	IMATALLY_ALG_SHA512, IMATALLY_ALG_SM3_256, IMATALLY_ALG_SHA3_256,
};

static void fill(uint8_t *data, size_t len)
{
	while (len--)
		data[len] = len * 7 + 1;
}

static void every_length_is_hashed_as_by_evp(void **state)
{
	uint8_t expected[EVP_MAX_MD_SIZE], digest[EVP_MAX_MD_SIZE];
	struct imatally_hash hash;
	size_t i, len;
	EVP_MD *md;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(algs); i++) {
		md = imatally_alg_fetch(algs[i]);
		assert_non_null(md);
		assert_int_equal(imatally_hash_init(&hash, algs[i]),
				 IMATALLY_OK);
		for (len = 0; len <= LONGEST; len++) {
			/* of that size, so that a sanitizer notices more */
			uint8_t *data = malloc(len + 1);

			fill(data, len);
			EVP_Digest(data, len, expected, NULL, md, NULL);
			assert_true(imatally_hash(&hash, data, len, digest));
			assert_memory_equal(digest, expected, hash.size);
			free(data);
		}
		imatally_hash_free(&hash);
		EVP_MD_free(md);
	}
}

static void an_extend_hashes_value_and_digest(void **state)
{
	uint8_t both[2 * EVP_MAX_MD_SIZE], expected[EVP_MAX_MD_SIZE];
	struct imatally_hash hash;
	EVP_MD *md;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(algs); i++) {
		md = imatally_alg_fetch(algs[i]);
		assert_int_equal(imatally_hash_init(&hash, algs[i]),
				 IMATALLY_OK);
		fill(both, sizeof(both));
		EVP_Digest(both, 2 * hash.size, expected, NULL, md, NULL);
		assert_true(imatally_extend(&hash, both, both + hash.size));
		assert_memory_equal(both, expected, hash.size);
		imatally_hash_free(&hash);
		EVP_MD_free(md);
	}
}

static void an_unknown_algorithm_is_refused(void **state)
{
	struct imatally_hash hash;

	(void)state;
	assert_int_equal(imatally_hash_init(&hash, 0x1234),
			 IMATALLY_ERR_CRYPTO);
	/* which does no harm */
	imatally_hash_free(&hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_is_hashed_as_by_evp),
		cmocka_unit_test(an_extend_hashes_value_and_digest),
		cmocka_unit_test(an_unknown_algorithm_is_refused),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
