// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TPM's endorsement key (EK) and its certificate.  Indices and templates
 * are those of the TCG EK Credential Profile.
 */

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>

#include "commands.h"
#include "tpm_access.h"

/* What each TPM returns of an index at once, in bytes */
#define NV_CHUNK 512

#define NV_MAX 16384	/* of what is read of an index, in bytes */

#define DIGEST(...) {							\
	.size = sizeof((const BYTE[]){ __VA_ARGS__ }),			\
	.buffer = { __VA_ARGS__ },					\
}

/* PolicySecret(TPM_RH_ENDORSEMENT), "PolicyA" */
static const TPM2B_DIGEST policy_a = DIGEST(
	0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8,
	0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
	0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64,
	0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa);

/* PolicyOR(PolicyA, PolicyAuthorizeNV(index I-1, I-2 or I-3)), "PolicyB" */
static const TPM2B_DIGEST policy_b_sha256 = DIGEST(
	0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06,
	0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
	0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90,
	0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0);

static const TPM2B_DIGEST policy_b_sha384 = DIGEST(
	0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc,
	0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
	0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4,
	0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
	0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15,
	0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12);

static const TPM2B_DIGEST policy_b_sha512 = DIGEST(
	0xb8, 0x22, 0x1c, 0xa6, 0x9e, 0x85, 0x50, 0xa4,
	0x91, 0x4d, 0xe3, 0xfa, 0xa6, 0xa1, 0x8c, 0x07,
	0x2c, 0xc0, 0x12, 0x08, 0x07, 0x3a, 0x92, 0x8d,
	0x5d, 0x66, 0xd5, 0x9e, 0xf7, 0x9e, 0x49, 0xa4,
	0x29, 0xc4, 0x1a, 0x6b, 0x26, 0x95, 0x71, 0xd5,
	0x7e, 0xdb, 0x25, 0xfb, 0xdb, 0x18, 0x38, 0x42,
	0x56, 0x08, 0xb4, 0x13, 0xcd, 0x61, 0x6a, 0x5f,
	0x6d, 0xb5, 0xb6, 0x07, 0x1a, 0xf9, 0x9b, 0xea);

static const struct profile {
	TPM2_HANDLE index;	/* of the certificate */
	TPM2_HANDLE nonce;	/* 0 in the high range */
	TPM2_HANDLE template;
	int bits;		/* of the key */
	TPM2_ECC_CURVE curve;	/* 0 for RSA */
	TPM2_ALG_ID name_alg;
	UINT16 aes_bits;
	const TPM2B_DIGEST *policy;
} profiles[] = {
	/* L-1 and L-2 */
	{ 0x01c00002, 0x01c00003, 0x01c00004, 2048, 0,
	  TPM2_ALG_SHA256, 128, &policy_a },
	{ 0x01c0000a, 0x01c0000b, 0x01c0000c, 256, TPM2_ECC_NIST_P256,
	  TPM2_ALG_SHA256, 128, &policy_a },
	/* H-1 to H-4, H-6 and H-7 */
	{ 0x01c00012, 0, 0x01c00013, 2048, 0,
	  TPM2_ALG_SHA256, 128, &policy_b_sha256 },
	{ 0x01c00014, 0, 0x01c00015, 256, TPM2_ECC_NIST_P256,
	  TPM2_ALG_SHA256, 128, &policy_b_sha256 },
	{ 0x01c00016, 0, 0x01c00017, 384, TPM2_ECC_NIST_P384,
	  TPM2_ALG_SHA384, 256, &policy_b_sha384 },
	{ 0x01c00018, 0, 0x01c00019, 521, TPM2_ECC_NIST_P521,
	  TPM2_ALG_SHA512, 256, &policy_b_sha512 },
	{ 0x01c0001c, 0, 0x01c0001d, 3072, 0,
	  TPM2_ALG_SHA384, 256, &policy_b_sha384 },
	{ 0x01c0001e, 0, 0x01c0001f, 4096, 0,
	  TPM2_ALG_SHA384, 256, &policy_b_sha384 },
};

/* NV indices */

static int read_nv(struct tpm *tpm, ESYS_TR nv, struct imatally_bytes *bytes)
{
	TPM2B_NV_PUBLIC *public;
	UINT16 size;
	TSS2_RC rc;

	rc = Esys_NV_ReadPublic(tpm->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE,
				ESYS_TR_NONE, &public, NULL);
	if (rc)
		return tpm_failed(tpm, "TPM2_NV_ReadPublic", rc);
	size = public->nvPublic.dataSize;
	Esys_Free(public);
	if (size > NV_MAX)
		size = NV_MAX;
	bytes->data = malloc(size + 1);
	if (!bytes->data) {
		complain("out of memory");
		return -1;
	}
	while (bytes->len < size) {
		UINT16 left = size - bytes->len;
		TPM2B_MAX_NV_BUFFER *part;

		rc = Esys_NV_Read(tpm->esys, nv, nv, ESYS_TR_PASSWORD,
				  ESYS_TR_NONE, ESYS_TR_NONE,
				  left < NV_CHUNK ? left : NV_CHUNK, bytes->len,
				  &part);
		if (rc)
			return tpm_failed(tpm, "TPM2_NV_Read", rc);
		if (!part->size || part->size > left) {
			Esys_Free(part);
			complain("TPM2_NV_Read: the TPM returned another size");
			return -1;
		}
		memcpy(bytes->data + bytes->len, part->buffer, part->size);
		bytes->len += part->size;
		Esys_Free(part);
	}
	return 0;
}

/*
 * Read an index; *@found says whether there is one, which is required if
 * @required.  Free bytes->data, also after an error message.
 */
static int find_nv(struct tpm *tpm, TPM2_HANDLE index, bool required,
		   bool *found, struct imatally_bytes *bytes)
{
	char command[64];
	ESYS_TR nv;
	TSS2_RC rc;
	int ret;

	memset(bytes, 0, sizeof(*bytes));
	*found = false;
	rc = Esys_TR_FromTPMPublic(tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, &nv);
	if (!required && tpm_plain_code(rc) == TPM2_RC_HANDLE)
		return 0;
	if (rc) {
		snprintf(command, sizeof(command), "NV index 0x%08x", index);
		return tpm_failed(tpm, command, rc);
	}
	ret = read_nv(tpm, nv, bytes);
	Esys_TR_Close(tpm->esys, &nv);
	*found = !ret;
	return ret;
}

/* The certificate */

/* Return an X.509 certificate in DER or, from a file, PEM; NULL if it is none. */
static X509 *parse_certificate(const struct imatally_bytes *bytes, bool pem_too)
{
	const unsigned char *at = bytes->data;
	X509 *certificate = d2i_X509(NULL, &at, (long)bytes->len);
	BIO *bio = NULL;

	if (!certificate && pem_too)
		bio = BIO_new_mem_buf(bytes->data, (int)bytes->len);
	if (bio)
		certificate = PEM_read_bio_X509(bio, NULL, NULL, (char *)"");
	BIO_free(bio);
	return certificate;
}

/* Replace @bytes by the certificate alone: an index may be longer than it. */
static int keep_certificate(struct imatally_bytes *bytes, bool from_file,
			    const char *where, X509 **certificate)
{
	unsigned char *der = NULL;
	int len;

	*certificate = parse_certificate(bytes, from_file);
	free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
	if (!*certificate) {
		complain("%s: not an X.509 certificate", where);
		return -1;
	}
	/* the encoding that was parsed, if it was DER */
	len = i2d_X509(*certificate, &der);
	if (len <= 0) {
		complain("out of memory");
		return -1;
	}
	len = tpm_keep_bytes(bytes, der, len);
	OPENSSL_free(der);
	return len;
}

/* Return an NV index; 0 if @where is none. */
static TPM2_HANDLE nv_index(const char *where)
{
	char *end;
	unsigned long index = strtoul(where, &end, 16);

	if (*end || strncmp(where, "0x", 2) || index >> 24 != TPM2_HT_NV_INDEX)
		return 0;
	return index;
}

static int first_certificate(struct tpm *tpm, struct imatally_bytes *bytes,
			     char where[32])
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++) {
		bool found;

		if (find_nv(tpm, profiles[i].index, false, &found, bytes))
			return -1;
		snprintf(where, 32, "NV index 0x%08x", profiles[i].index);
		if (found)
			return 0;
	}
	complain("the TPM holds no EK certificate: if its manufacturer publishes it, give the file with --ek-cert");
	return -1;
}

static int read_certificate(struct tpm *tpm, const char *where,
			    struct imatally_bytes *bytes, X509 **certificate)
{
	TPM2_HANDLE index = where ? nv_index(where) : 0;
	bool from_file = where && !index, found;
	char first[32];

	memset(bytes, 0, sizeof(*bytes));
	*certificate = NULL;
	if (from_file)
		bytes->data = (uint8_t *)input_read(where, &bytes->len);
	if (from_file ? !bytes->data :
	    index ? find_nv(tpm, index, true, &found, bytes) :
		    first_certificate(tpm, bytes, first))
		return -1;
	return keep_certificate(bytes, from_file, where ? where : first,
				certificate);
}

/* The key */

/*
 * Return 1 and keep a key as the EK if the certificate is its, 0 if not, -1
 * after an error message.  A key that is not kept is removed.
 */
static int try_key(struct tpm *tpm, ESYS_TR key, bool is_transient,
		   const struct imatally_bytes *certificate)
{
	struct imatally_bytes public = { 0 };
	int ret = tpm_public(tpm, key, &public);

	if (!ret && imatally_ek_is_certified(certificate, &public)) {
		tpm->ek = key;
		tpm->ek_is_transient = is_transient;
		ret = 1;
	} else if (is_transient) {
		Esys_FlushContext(tpm->esys, key);
	} else {
		Esys_TR_Close(tpm->esys, &key);
	}
	free(public.data);
	return ret;
}

/* The handles for keys of the endorsement hierarchy that the TPM keeps */
#define FIRST_KEPT 0x81010000
#define LAST_KEPT 0x8101ffff

/* As above, for the keys that the TPM keeps, except the AK */
static int try_kept(struct tpm *tpm, const struct imatally_bytes *certificate)
{
	TPMS_CAPABILITY_DATA *capability;
	const TPML_HANDLE *handles;
	TPM2_HANDLE ak;
	int ret = 0;
	TSS2_RC rc;
	UINT32 i;

	rc = Esys_TR_GetTpmHandle(tpm->esys, tpm->ak, &ak);
	if (rc)
		return tpm_failed(tpm, "the AK's handle", rc);
	rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
				ESYS_TR_NONE, TPM2_CAP_HANDLES, FIRST_KEPT,
				TPM2_MAX_CAP_HANDLES, NULL, &capability);
	if (rc)
		return tpm_failed(tpm, "TPM2_GetCapability", rc);
	handles = &capability->data.handles;
	for (i = 0; i < handles->count && !ret; i++) {
		TPM2_HANDLE handle = handles->handle[i];
		ESYS_TR key;

		/* another reference to the AK would be the same object */
		if (handle < FIRST_KEPT || handle > LAST_KEPT || handle == ak)
			continue;
		rc = Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE,
					   ESYS_TR_NONE, ESYS_TR_NONE, &key);
		if (!rc)
			ret = try_key(tpm, key, false, certificate);
	}
	Esys_Free(capability);
	return ret;
}

static void fill_template(const struct profile *profile, TPMT_PUBLIC *public)
{
	const TPMT_SYM_DEF_OBJECT aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = profile->aes_bits,
		.mode.aes = TPM2_ALG_CFB,
	};
	bool is_low = profile->nonce;

	memset(public, 0, sizeof(*public));
	public->nameAlg = profile->name_alg;
	public->authPolicy = *profile->policy;
	public->objectAttributes =
		TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
		TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
		(is_low ? 0 : TPMA_OBJECT_USERWITHAUTH);
	if (profile->curve) {
		TPMS_ECC_PARMS *ecc = &public->parameters.eccDetail;

		public->type = TPM2_ALG_ECC;
		ecc->symmetric = aes;
		ecc->scheme.scheme = TPM2_ALG_NULL;
		ecc->curveID = profile->curve;
		ecc->kdf.scheme = TPM2_ALG_NULL;
		public->unique.ecc.x.size = is_low ? profile->bits / 8 : 0;
		public->unique.ecc.y.size = is_low ? profile->bits / 8 : 0;
	} else {
		TPMS_RSA_PARMS *rsa = &public->parameters.rsaDetail;

		public->type = TPM2_ALG_RSA;
		rsa->symmetric = aes;
		rsa->scheme.scheme = TPM2_ALG_NULL;
		rsa->keyBits = profile->bits;
		public->unique.rsa.size = is_low ? profile->bits / 8 : 0;
	}
}

/* A nonce goes to the start of the template's unique field. */
static int add_nonce(struct tpm *tpm, const struct profile *profile,
		     TPMT_PUBLIC *public)
{
	struct imatally_bytes nonce;
	bool found;
	int ret = find_nv(tpm, profile->nonce, false, &found, &nonce);
	size_t max = profile->bits / 8;

	if (!ret && found)
		memcpy(profile->curve ? public->unique.ecc.x.buffer :
					public->unique.rsa.buffer,
		       nonce.data, nonce.len < max ? nonce.len : max);
	free(nonce.data);
	return ret;
}

/* The TPM may have a template of its own, which replaces that of the profile. */
static int get_template(struct tpm *tpm, const struct profile *profile,
			TPM2B_PUBLIC *template)
{
	struct imatally_bytes own;
	size_t at = 0;
	bool found;
	int ret = find_nv(tpm, profile->template, false, &found, &own);

	memset(template, 0, sizeof(*template));
	if (!ret && !found) {
		fill_template(profile, &template->publicArea);
		if (profile->nonce)
			ret = add_nonce(tpm, profile, &template->publicArea);
	} else if (!ret &&
		   Tss2_MU_TPMT_PUBLIC_Unmarshal(own.data, own.len, &at,
						 &template->publicArea)) {
		complain("NV index 0x%08x: not a template", profile->template);
		ret = -1;
	}
	free(own.data);
	return ret;
}

/* As try_key(), for the key that a template makes */
static int try_profile(struct tpm *tpm, const struct profile *profile,
		       const struct imatally_bytes *certificate)
{
	TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	TPML_PCR_SELECTION no_pcr = { 0 };
	TPM2B_DATA no_data = { 0 };
	TPM2B_PUBLIC template;
	ESYS_TR key;
	TSS2_RC rc;

	if (get_template(tpm, profile, &template))
		return -1;
	Esys_TR_SetAuth(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
			&tpm->auth[TPM_AUTH_ENDORSEMENT]);
	rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
				ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				&sensitive, &template, &no_data, &no_pcr, &key,
				NULL, NULL, NULL, NULL);
	if (rc)
		return tpm_failed_with(tpm, TPM_AUTH_ENDORSEMENT,
				       "TPM2_CreatePrimary", rc);
	return try_key(tpm, key, true, certificate);
}

static bool is_kind(const struct profile *profile, EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, profile->curve ? "EC" : "RSA") &&
	       EVP_PKEY_get_bits(key) == profile->bits;
}

int tpm_load_ek(struct tpm *tpm, const char *where,
		struct imatally_bytes *certificate)
{
	EVP_PKEY *key;
	X509 *x509;
	size_t i;
	int ret;

	ret = read_certificate(tpm, where, certificate, &x509);
	if (!ret)
		ret = try_kept(tpm, certificate);
	key = x509 ? X509_get0_pubkey(x509) : NULL;
	for (i = 0; i < ARRAY_SIZE(profiles) && key && !ret; i++)
		if (is_kind(&profiles[i], key))
			ret = try_profile(tpm, &profiles[i], certificate);
	X509_free(x509);
	if (ret > 0)
		return 0;
	if (!ret)
		complain("the EK certificate is not of a key that this TPM keeps or makes from the templates of the TCG: its endorsement seed was changed, or the certificate is of another TPM");
	free(certificate->data);
	memset(certificate, 0, sizeof(*certificate));
	return -1;
}

/* Activation */

/* A session that satisfies PolicyA.  -1 after an error message. */
static int start_policy(struct tpm *tpm, ESYS_TR *session)
{
	TPMT_SYM_DEF no_encryption = { .algorithm = TPM2_ALG_NULL };
	TSS2_RC rc;

	rc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   NULL, TPM2_SE_POLICY, &no_encryption,
				   TPM2_ALG_SHA256, session);
	if (rc) {
		*session = ESYS_TR_NONE;
		return tpm_failed(tpm, "TPM2_StartAuthSession", rc);
	}
	/* so that it is still there to be flushed, in any case */
	Esys_TRSess_SetAttributes(tpm->esys, *session,
				  TPMA_SESSION_CONTINUESESSION, 0xff);
	Esys_TR_SetAuth(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
			&tpm->auth[TPM_AUTH_ENDORSEMENT]);
	rc = Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, *session,
			       ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       NULL, NULL, NULL, 0, NULL, NULL);
	return rc ? tpm_failed_with(tpm, TPM_AUTH_ENDORSEMENT,
				    "TPM2_PolicySecret", rc) : 0;
}

/* EKs of the low range have no authorization value, only a policy. */
static int needs_policy(struct tpm *tpm, bool *needed)
{
	TPM2B_PUBLIC *public;
	TSS2_RC rc;

	rc = Esys_ReadPublic(tpm->esys, tpm->ek, ESYS_TR_NONE, ESYS_TR_NONE,
			     ESYS_TR_NONE, &public, NULL, NULL);
	if (rc)
		return tpm_failed(tpm, "TPM2_ReadPublic", rc);
	*needed = !(public->publicArea.objectAttributes &
		    TPMA_OBJECT_USERWITHAUTH);
	Esys_Free(public);
	return 0;
}

static int unmarshal(const struct imatally_challenge *challenge,
		     TPM2B_ID_OBJECT *credential, TPM2B_ENCRYPTED_SECRET *secret)
{
	size_t at = 0, secret_at = 0;

	memset(credential, 0, sizeof(*credential));
	memset(secret, 0, sizeof(*secret));
	if (!Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(challenge->credential.data,
					       challenge->credential.len, &at,
					       credential) &&
	    at == challenge->credential.len &&
	    !Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(challenge->secret.data,
						      challenge->secret.len,
						      &secret_at, secret) &&
	    secret_at == challenge->secret.len)
		return 0;
	complain("the challenge is malformed");
	return -1;
}

/* These codes of the TPM say that the challenge is not for these keys. */
static bool is_for_others(TSS2_RC rc)
{
	switch (tpm_plain_code(rc)) {
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_VALUE:
	case TPM2_RC_SIZE:
	case TPM2_RC_ECC_POINT:
	case TPM2_RC_FAILURE:	/* of RSAES_OAEP, in libtpms */
		return true;
	default:
		return false;
	}
}

static int activate(struct tpm *tpm, ESYS_TR ek_session,
		    const TPM2B_ID_OBJECT *credential,
		    const TPM2B_ENCRYPTED_SECRET *secret,
		    struct imatally_bytes *answer)
{
	TPM2B_DIGEST *opened;
	TSS2_RC rc;
	int ret;

	rc = Esys_ActivateCredential(tpm->esys, tpm->ak, tpm->ek,
				     ESYS_TR_PASSWORD, ek_session, ESYS_TR_NONE,
				     credential, secret, &opened);
	if (is_for_others(rc)) {
		complain("the challenge is for another AK, another EK or another TPM (%s)",
			 Tss2_RC_Decode(rc));
		return -1;
	}
	if (rc)
		return tpm_failed(tpm, "TPM2_ActivateCredential", rc);
	ret = tpm_keep_bytes(answer, opened->buffer, opened->size);
	Esys_Free(opened);
	return ret;
}

int tpm_activate(struct tpm *tpm, const struct imatally_challenge *challenge,
		 struct imatally_bytes *answer)
{
	ESYS_TR session = ESYS_TR_NONE;
	TPM2B_ENCRYPTED_SECRET secret;
	TPM2B_ID_OBJECT credential;
	bool has_policy = false;
	int ret = -1;

	if (unmarshal(challenge, &credential, &secret) ||
	    needs_policy(tpm, &has_policy))
		return -1;
	if (!has_policy || !start_policy(tpm, &session))
		ret = activate(tpm, has_policy ? session : ESYS_TR_PASSWORD,
			       &credential, &secret, answer);
	if (session != ESYS_TR_NONE)
		Esys_FlushContext(tpm->esys, session);
	return ret;
}
