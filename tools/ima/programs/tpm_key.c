// SPDX-License-Identifier: GPL-2.0-only
/* Key templates, PEM and context files. */

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "commands.h"
#include "tpm_key.h"

int tpm_key_template(const char *alg, TPM2B_PUBLIC *template)
{
	TPMT_PUBLIC *public = &template->publicArea;

	memset(template, 0, sizeof(*template));
	public->nameAlg = TPM2_ALG_SHA256;
	/* restricted: it only signs structures that the TPM created */
	public->objectAttributes =
		TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT |
		TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
		/* or wrong passwords for other keys would lock this one */
		TPMA_OBJECT_NODA;
	if (!strcmp(alg, "ecc")) {
		TPMS_ECC_PARMS *ecc = &public->parameters.eccDetail;

		public->type = TPM2_ALG_ECC;
		ecc->symmetric.algorithm = TPM2_ALG_NULL;
		ecc->scheme.scheme = TPM2_ALG_ECDSA;
		ecc->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
		ecc->curveID = TPM2_ECC_NIST_P256;
		ecc->kdf.scheme = TPM2_ALG_NULL;
	} else if (!strcmp(alg, "rsa") || !strcmp(alg, "rsapss")) {
		TPMS_RSA_PARMS *rsa = &public->parameters.rsaDetail;

		public->type = TPM2_ALG_RSA;
		rsa->symmetric.algorithm = TPM2_ALG_NULL;
		rsa->scheme.scheme = strcmp(alg, "rsa") ? TPM2_ALG_RSAPSS :
							  TPM2_ALG_RSASSA;
		rsa->scheme.details.anySig.hashAlg = TPM2_ALG_SHA256;
		rsa->keyBits = 2048;
	} else {
		complain("--ak-alg %s: ecc, rsa or rsapss expected", alg);
		return -1;
	}
	return 0;
}

/* PEM */

static bool push_rsa(OSSL_PARAM_BLD *build, const TPMT_PUBLIC *public,
		     BIGNUM **n)
{
	uint32_t exponent = public->parameters.rsaDetail.exponent;

	*n = BN_bin2bn(public->unique.rsa.buffer, public->unique.rsa.size, NULL);
	return *n && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, *n) &&
	       OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E,
					exponent ? exponent : 65537);
}

/* An uncompressed point: 4, x, y.  A TPM may omit leading zeroes. */
static bool push_ecc(OSSL_PARAM_BLD *build, const TPMT_PUBLIC *public,
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
	const TPM2B_ECC_PARAMETER *x = &public->unique.ecc.x;
	const TPM2B_ECC_PARAMETER *y = &public->unique.ecc.y;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(curves); i++) {
		size_t size = curves[i].size;

		if (curves[i].id != public->parameters.eccDetail.curveID)
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

static EVP_PKEY *public_key(const TPMT_PUBLIC *public)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[1 + 2 * TPM2_MAX_ECC_KEY_BYTES];
	bool is_rsa = public->type == TPM2_ALG_RSA;
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *pkey = NULL;
	BIGNUM *n = NULL;

	if (build && (is_rsa ? push_rsa(build, public, &n) :
			       public->type == TPM2_ALG_ECC &&
			       push_ecc(build, public, point)))
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

char *tpm_key_pem(const TPMT_PUBLIC *public)
{
	EVP_PKEY *pkey = public_key(public);
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL, *data;
	long len;

	if (pkey && bio && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
		len = BIO_get_mem_data(bio, &data);
		pem = strndup(data, len);
	}
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return pem;
}

/* Context files: magic, version, and the fields of TPMS_CONTEXT */

#define CONTEXT_MAGIC 0xbadcc0de
#define CONTEXT_VERSION 1
#define CONTEXT_HEADER 24	/* what precedes the size of the blob */

int tpm_context_read(const char *path, TPMS_CONTEXT *context)
{
	UINT32 magic = 0, version = 0;
	size_t len, at = 0;
	const uint8_t *data;
	char *text;
	TSS2_RC rc;

	text = input_read(path, &len);
	if (!text)
		return -1;
	data = (const uint8_t *)text;
	memset(context, 0, sizeof(*context));
	rc = Tss2_MU_UINT32_Unmarshal(data, len, &at, &magic) ||
	     Tss2_MU_UINT32_Unmarshal(data, len, &at, &version) ||
	     Tss2_MU_UINT32_Unmarshal(data, len, &at, &context->hierarchy) ||
	     Tss2_MU_UINT32_Unmarshal(data, len, &at, &context->savedHandle) ||
	     Tss2_MU_UINT64_Unmarshal(data, len, &at, &context->sequence) ||
	     Tss2_MU_TPM2B_CONTEXT_DATA_Unmarshal(data, len, &at,
						  &context->contextBlob);
	free(text);
	if (!rc && magic == CONTEXT_MAGIC && version == CONTEXT_VERSION)
		return 0;
	complain("--ak %s: neither a persistent handle (0x81...) nor a saved context (tpm2_createak -c)",
		 path);
	return -1;
}

int tpm_context_write(const char *path, const TPMS_CONTEXT *context)
{
	uint8_t data[CONTEXT_HEADER + sizeof(TPM2B_CONTEXT_DATA)];
	size_t len = 0;

	if (Tss2_MU_UINT32_Marshal(CONTEXT_MAGIC, data, sizeof(data), &len) ||
	    Tss2_MU_UINT32_Marshal(CONTEXT_VERSION, data, sizeof(data), &len) ||
	    Tss2_MU_UINT32_Marshal(context->hierarchy, data, sizeof(data),
				   &len) ||
	    Tss2_MU_UINT32_Marshal(context->savedHandle, data, sizeof(data),
				   &len) ||
	    Tss2_MU_UINT64_Marshal(context->sequence, data, sizeof(data),
				   &len) ||
	    Tss2_MU_TPM2B_CONTEXT_DATA_Marshal(&context->contextBlob, data,
					       sizeof(data), &len)) {
		complain("%s: the context of the AK cannot be saved", path);
		return -1;
	}
	return output_write_new(path, data, len);
}
