// SPDX-License-Identifier: GPL-2.0-only
/* Hash algorithms: ids of the TPM, names, implementations of libcrypto. */

#include <string.h>

#include "private.h"

static const struct alg {
	uint16_t id;
	const char *kernel_name;	/* hash_algo_name[] */
	const char *tools_name;		/* used by tpm2-tools */
	const char *crypto_name;	/* used by libcrypto */
	size_t size;
} algs[] = {
	{ IMATALLY_ALG_SHA1, "sha1", "sha1", "SHA1", 20 },
	{ IMATALLY_ALG_SHA256, "sha256", "sha256", "SHA2-256", 32 },
	{ IMATALLY_ALG_SHA384, "sha384", "sha384", "SHA2-384", 48 },
	{ IMATALLY_ALG_SHA512, "sha512", "sha512", "SHA2-512", 64 },
	{ IMATALLY_ALG_SM3_256, "sm3", "sm3_256", "SM3", 32 },
	{ IMATALLY_ALG_SHA3_256, "sha3-256", "sha3_256", "SHA3-256", 32 },
	{ IMATALLY_ALG_SHA3_384, "sha3-384", "sha3_384", "SHA3-384", 48 },
	{ IMATALLY_ALG_SHA3_512, "sha3-512", "sha3_512", "SHA3-512", 64 },
};

static const struct alg *find(uint16_t id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].id == id)
			return &algs[i];
	return NULL;
}

uint16_t imatally_alg_from_name(const char *name, size_t len)
{
	uint16_t id = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (imatally_is(name, len, algs[i].kernel_name) ||
		    imatally_is(name, len, algs[i].tools_name))
			return algs[i].id;

	/*
	 * 0x and up to four digits: an algorithm without a name in the kernel
	 */
	if (len < 3 || len > 6 || memcmp(name, "0x", 2))
		return 0;
	for (i = 2; i < len; i++) {
		int digit = imatally_hex_digit(name[i]);

		if (digit < 0)
			return 0;
		id = id << 4 | digit;
	}
	return id;
}

const char *imatally_alg_name(uint16_t alg, char name[IMATALLY_ALG_NAME_SIZE])
{
	const struct alg *a = find(alg);

	if (a)
		snprintf(name, IMATALLY_ALG_NAME_SIZE, "%s", a->kernel_name);
	else
		snprintf(name, IMATALLY_ALG_NAME_SIZE, "0x%04x", alg);
	return name;
}

size_t imatally_alg_size(uint16_t alg)
{
	const struct alg *a = find(alg);

	return a ? a->size : 0;
}

EVP_MD *imatally_alg_fetch(uint16_t alg)
{
	const struct alg *a = find(alg);

	return a ? EVP_MD_fetch(NULL, a->crypto_name, NULL) : NULL;
}

bool imatally_alg_is_trusted(uint16_t alg)
{
	switch (alg) {
	case IMATALLY_ALG_SHA256:
	case IMATALLY_ALG_SHA384:
	case IMATALLY_ALG_SHA512:
	case IMATALLY_ALG_SHA3_256:
	case IMATALLY_ALG_SHA3_384:
	case IMATALLY_ALG_SHA3_512:
		return true;
	default:
		return false;
	}
}
