// SPDX-License-Identifier: GPL-2.0-only
/* See public.h. */

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "imatally-enroll.h"
#include "private.h"
#include "public.h"

bool imatally_public_unmarshal(const struct imatally_bytes *bytes,
			       TPM2B_PUBLIC *public_area)
{
	size_t at = 0;

	memset(public_area, 0, sizeof(*public_area));
	return !Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes->data, bytes->len, &at,
					       public_area) &&
	       at == bytes->len;
}

static bool push_rsa(OSSL_PARAM_BLD *build, const TPMT_PUBLIC *public_area,
		     BIGNUM **n)
{
	uint32_t exponent = public_area->parameters.rsaDetail.exponent;

	*n = BN_bin2bn(public_area->unique.rsa.buffer,
		       public_area->unique.rsa.size, NULL);
	return *n && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, *n) &&
	       OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E,
					exponent ? exponent : 65537);
}

/* An uncompressed point: 4, x, y.  A TPM may omit leading zeroes. */
static bool push_ecc(OSSL_PARAM_BLD *build, const TPMT_PUBLIC *public_area,
		     uint8_t *point)
{
	static const struct {
		TPM2_ECC_CURVE id;
		const char *name;
		size_t size;
	} curves[] = {
		{ TPM2_ECC_NIST_P256, "prime256v1", 32 },
		{ TPM2_ECC_NIST_P384, "secp384r1", 48 },
		{ TPM2_ECC_NIST_P521, "secp521r1", 66 },
	};
	const TPM2B_ECC_PARAMETER *x = &public_area->unique.ecc.x;
	const TPM2B_ECC_PARAMETER *y = &public_area->unique.ecc.y;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(curves); i++) {
		size_t size = curves[i].size;

		if (curves[i].id != public_area->parameters.eccDetail.curveID)
			continue;
		if (x->size > size || y->size > size)
			return false;
		memset(point, 0, 1 + 2 * size);
		point[0] = POINT_CONVERSION_UNCOMPRESSED;
		memcpy(point + 1 + size - x->size, x->buffer, x->size);
		memcpy(point + 1 + 2 * size - y->size, y->buffer, y->size);
		return OSSL_PARAM_BLD_push_utf8_string(build,
						       OSSL_PKEY_PARAM_GROUP_NAME,
						       curves[i].name, 0) &&
		       OSSL_PARAM_BLD_push_octet_string(build,
							OSSL_PKEY_PARAM_PUB_KEY,
							point, 1 + 2 * size);
	}
	return false;
}

EVP_PKEY *imatally_public_key(const TPMT_PUBLIC *public_area)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[1 + 2 * TPM2_MAX_ECC_KEY_BYTES];
	bool is_rsa = public_area->type == TPM2_ALG_RSA;
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *pkey = NULL;
	BIGNUM *n = NULL;

	if (build && (is_rsa ? push_rsa(build, public_area, &n) :
			       public_area->type == TPM2_ALG_ECC &&
			       push_ecc(build, public_area, point)))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params)
		ctx = EVP_PKEY_CTX_new_from_name(NULL, is_rsa ? "RSA" : "EC",
						 NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	return pkey;
}

char *imatally_public_pem(const struct imatally_bytes *bytes)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL, *data;
	EVP_PKEY *pkey = NULL;
	TPM2B_PUBLIC area;
	long len;

	if (imatally_public_unmarshal(bytes, &area))
		pkey = imatally_public_key(&area.publicArea);
	if (pkey && bio && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
		len = BIO_get_mem_data(bio, &data);
		pem = strndup(data, len);
	}
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return pem;
}
