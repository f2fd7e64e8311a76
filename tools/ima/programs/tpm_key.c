// SPDX-License-Identifier: GPL-2.0-only
/* Key templates and context files. */

#include <errno.h>
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
