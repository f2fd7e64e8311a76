// SPDX-License-Identifier: GPL-2.0-only
/* Enrollment: its files, the checks of a request, and the answer. */

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_mu.h>

#include "credential.h"
#include "imatally-enroll.h"
#include "json_file.h"
#include "json_whole.h"
#include "private.h"
#include "public.h"
#include "trust.h"

#define REQUEST "imatally-enrollment-request"
#define CHALLENGE "imatally-enrollment-challenge"
#define ANSWER "imatally-enrollment-answer"
#define PENDING "imatally-enrollment-pending"
#define ENROLLMENT "imatally-enrollment"

/* More than any of them needs: a certificate fits into an NV index */
#define MAX_CERTIFICATE 16384
#define MAX_STRUCTURE 4096	/* of the TPM */

/* Of the secret: the EK with the smallest nameAlg has to take it. */
#define SECRET_SIZE 32

static void free_bytes(struct imatally_bytes *bytes)
{
	free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}

/* Read a member with 1 to @max bytes. */
static enum imatally_status read_some(struct imatally_bytes *bytes,
				      const json_t *root, const char *name,
				      size_t max, struct imatally_error *err)
{
	enum imatally_status status =
		imatally_json_bytes(bytes, root, name, err);

	if (!status && (!bytes->len || bytes->len > max))
		status = imatally_fail(err, IMATALLY_ERR_MALFORMED,
				       "\"%s\": 1 to %zu bytes expected", name,
				       max);
	return status;
}

/* Read two members with bytes, which are all that a file has. */
static enum imatally_status read_two(const char *text, size_t len,
				     const char *format,
				     struct imatally_bytes *first,
				     const char *first_name, size_t first_max,
				     struct imatally_bytes *second,
				     const char *second_name, size_t second_max,
				     struct imatally_error *err)
{
	json_t *root = imatally_json_open(text, len, format,
					  IMATALLY_ENROLL_VERSION, err);
	enum imatally_status status;

	if (!root)
		return err->status;
	status = read_some(first, root, first_name, first_max, err);
	if (!status && second)
		status = read_some(second, root, second_name, second_max, err);
	json_decref(root);
	return status;
}

/* @root is freed, and may be NULL. */
static char *dump(json_t *root, bool good)
{
	char *text = good ? json_text(root, JSON_INDENT(2)) : NULL;

	json_decref(root);
	return text;
}

/* The request */

enum imatally_status imatally_request_parse(struct imatally_request *request,
					    const char *text, size_t len,
					    struct imatally_error *err)
{
	enum imatally_status status;

	memset(request, 0, sizeof(*request));
	status = read_two(text, len, REQUEST, &request->ek_certificate,
			  "ek_certificate", MAX_CERTIFICATE,
			  &request->ak_public, "ak_public", MAX_STRUCTURE, err);
	if (status)
		imatally_request_free(request);
	return status;
}

char *imatally_request_format(const struct imatally_request *request)
{
	json_t *root = imatally_json_new(REQUEST, IMATALLY_ENROLL_VERSION);

	return dump(root, imatally_json_put_bytes(root, "ek_certificate",
						  &request->ek_certificate) &&
			  imatally_json_put_bytes(root, "ak_public",
						  &request->ak_public));
}

void imatally_request_free(struct imatally_request *request)
{
	free_bytes(&request->ek_certificate);
	free_bytes(&request->ak_public);
}

bool imatally_ek_is_certified(const struct imatally_bytes *ek_certificate,
			      const struct imatally_bytes *ek_public)
{
	X509 *certificate = imatally_certificate(ek_certificate);
	EVP_PKEY *certified, *key = NULL;
	TPM2B_PUBLIC area;
	bool same;

	certified = certificate ? X509_get0_pubkey(certificate) : NULL;
	if (imatally_public_unmarshal(ek_public, &area))
		key = imatally_public_key(&area.publicArea);
	same = certified && key && EVP_PKEY_eq(certified, key) == 1;
	EVP_PKEY_free(key);
	X509_free(certificate);
	return same;
}

/* The challenge and the answer */

enum imatally_status imatally_challenge_parse(struct imatally_challenge *challenge,
					      const char *text, size_t len,
					      struct imatally_error *err)
{
	enum imatally_status status;

	memset(challenge, 0, sizeof(*challenge));
	status = read_two(text, len, CHALLENGE, &challenge->credential,
			  "credential", MAX_STRUCTURE, &challenge->secret,
			  "secret", MAX_STRUCTURE, err);
	if (status)
		imatally_challenge_free(challenge);
	return status;
}

char *imatally_challenge_format(const struct imatally_challenge *challenge)
{
	json_t *root = imatally_json_new(CHALLENGE, IMATALLY_ENROLL_VERSION);

	return dump(root, imatally_json_put_bytes(root, "credential",
						  &challenge->credential) &&
			  imatally_json_put_bytes(root, "secret",
						  &challenge->secret));
}

void imatally_challenge_free(struct imatally_challenge *challenge)
{
	free_bytes(&challenge->credential);
	free_bytes(&challenge->secret);
}

enum imatally_status imatally_answer_parse(struct imatally_bytes *answer,
					   const char *text, size_t len,
					   struct imatally_error *err)
{
	enum imatally_status status;

	memset(answer, 0, sizeof(*answer));
	status = read_two(text, len, ANSWER, answer, "answer", SECRET_SIZE, NULL,
			  NULL, 0, err);
	if (status)
		free_bytes(answer);
	return status;
}

char *imatally_answer_format(const struct imatally_bytes *answer)
{
	json_t *root = imatally_json_new(ANSWER, IMATALLY_ENROLL_VERSION);

	return dump(root, imatally_json_put_bytes(root, "answer", answer));
}

/* The enrollment, pending or not */

static enum imatally_status read_digest(uint8_t digest[32], const json_t *root,
					const char *name,
					struct imatally_error *err)
{
	struct imatally_bytes bytes = { 0 };
	enum imatally_status status;

	status = imatally_json_bytes(&bytes, root, name, err);
	if (!status && bytes.len != 32)
		status = imatally_fail(err, IMATALLY_ERR_MALFORMED,
				       "\"%s\": 32 bytes expected", name);
	if (!status)
		memcpy(digest, bytes.data, 32);
	free(bytes.data);
	return status;
}

static enum imatally_status read_text(char **text, const json_t *root,
				      const char *name,
				      struct imatally_error *err)
{
	json_t *value = imatally_json_member(root, name, JSON_STRING, err);

	if (!value)
		return err->status;
	*text = strdup(json_string_value(value));
	if (!*text)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	return IMATALLY_OK;
}

static enum imatally_status
read_enrollment(struct imatally_enrollment *enrollment, const json_t *root,
		struct imatally_error *err)
{
	if ((enrollment->is_pending &&
	     read_digest(enrollment->answer_sha256, root, "answer_sha256",
			 err)) ||
	    read_text(&enrollment->ak, root, "ak", err) ||
	    imatally_json_bytes(&enrollment->ak_name, root, "ak_name", err) ||
	    read_digest(enrollment->ek_sha256, root, "ek_sha256", err) ||
	    read_digest(enrollment->ek_certificate_sha256, root,
			"ek_certificate_sha256", err) ||
	    read_text(&enrollment->ek_issuer, root, "ek_issuer", err) ||
	    read_text(&enrollment->ek_serial, root, "ek_serial", err) ||
	    read_text(&enrollment->time, root, "time", err) ||
	    read_text(&enrollment->version, root, "imatally", err))
		return err->status;
	return IMATALLY_OK;
}

enum imatally_status
imatally_enrollment_parse(struct imatally_enrollment *enrollment,
			  bool is_pending, const char *text, size_t len,
			  struct imatally_error *err)
{
	enum imatally_status status;
	json_t *root;

	memset(enrollment, 0, sizeof(*enrollment));
	enrollment->is_pending = is_pending;
	root = imatally_json_open(text, len, is_pending ? PENDING : ENROLLMENT,
				  IMATALLY_ENROLL_VERSION, err);
	if (!root)
		return err->status;
	status = read_enrollment(enrollment, root, err);
	json_decref(root);
	if (status)
		imatally_enrollment_free(enrollment);
	return status;
}

static bool put_digest(json_t *root, const char *name, const uint8_t digest[32])
{
	return !json_object_set_new(root, name, json_hex(digest, 32));
}

static bool put_text(json_t *root, const char *name, const char *text)
{
	return !json_object_set_new(root, name, json_string(text));
}

char *imatally_enrollment_format(const struct imatally_enrollment *enrollment)
{
	json_t *root = imatally_json_new(enrollment->is_pending ? PENDING :
								  ENROLLMENT,
					 IMATALLY_ENROLL_VERSION);

	return dump(root,
		    (!enrollment->is_pending ||
		     put_digest(root, "answer_sha256",
				enrollment->answer_sha256)) &&
		    put_text(root, "ak", enrollment->ak) &&
		    imatally_json_put_bytes(root, "ak_name",
					    &enrollment->ak_name) &&
		    put_digest(root, "ek_sha256", enrollment->ek_sha256) &&
		    put_digest(root, "ek_certificate_sha256",
			       enrollment->ek_certificate_sha256) &&
		    put_text(root, "ek_issuer", enrollment->ek_issuer) &&
		    put_text(root, "ek_serial", enrollment->ek_serial) &&
		    put_text(root, "time", enrollment->time) &&
		    put_text(root, "imatally", enrollment->version));
}

void imatally_enrollment_free(struct imatally_enrollment *enrollment)
{
	free(enrollment->ak);
	free_bytes(&enrollment->ak_name);
	free(enrollment->ek_issuer);
	free(enrollment->ek_serial);
	free(enrollment->time);
	free(enrollment->version);
	memset(enrollment, 0, sizeof(*enrollment));
}

/* In UTC, as in RFC 3339; to be freed.  NULL when out of memory. */
static char *now(void)
{
	time_t seconds = time(NULL);
	char text[32];
	struct tm parts;

	if (!gmtime_r(&seconds, &parts) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
		return NULL;
	return strdup(text);
}

/* The AK of a request */

#define REFUSE_AK(err, fmt, ...)                                          \
	imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC, "the AK: " fmt,    \
		      ##__VA_ARGS__)

static enum imatally_status check_attributes(TPMA_OBJECT attributes,
					     struct imatally_error *err)
{
	static const struct {
		TPMA_OBJECT attribute;
		const char *without;
	} needed[] = {
		{ TPMA_OBJECT_RESTRICTED,
		  "it is not restricted: it signs anything, not only what its TPM made" },
		{ TPMA_OBJECT_SIGN_ENCRYPT, "it is not a signing key" },
		{ TPMA_OBJECT_FIXEDTPM, "it is not fixedTPM: it may be in other TPMs" },
		{ TPMA_OBJECT_FIXEDPARENT, "it is not fixedParent" },
		{ TPMA_OBJECT_SENSITIVEDATAORIGIN,
		  "it is not sensitiveDataOrigin: its private key came from elsewhere" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (!(attributes & needed[i].attribute))
			return REFUSE_AK(err, "%s", needed[i].without);
	if (attributes & TPMA_OBJECT_DECRYPT)
		return REFUSE_AK(err, "it is a decryption key");
	return IMATALLY_OK;
}

/* The Name of Part 1: nameAlg, and the digest of the public area */
static enum imatally_status name_of(const struct imatally_bytes *public_area,
				    uint16_t alg, struct imatally_bytes *name,
				    struct imatally_error *err)
{
	EVP_MD *md = imatally_alg_fetch(alg);
	unsigned int size = 0;
	bool done;

	name->data = malloc(2 + EVP_MAX_MD_SIZE);
	if (!name->data) {
		EVP_MD_free(md);
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	}
	name->data[0] = alg >> 8;
	name->data[1] = alg & 0xff;
	/* without the size of the TPM2B_PUBLIC */
	done = md && EVP_Digest(public_area->data + 2, public_area->len - 2,
				name->data + 2, &size, md, NULL) == 1;
	name->len = 2 + size;
	EVP_MD_free(md);
	return done ? IMATALLY_OK :
		      imatally_fail(err, IMATALLY_ERR_CRYPTO,
				    "libcrypto failed to hash the AK's public area");
}

static enum imatally_status check_ak(const struct imatally_bytes *public_area,
				     struct imatally_enrollment *enrollment,
				     struct imatally_error *err)
{
	enum imatally_status status;
	TPM2B_PUBLIC area;
	EVP_PKEY *key;
	bool weak;

	if (!imatally_public_unmarshal(public_area, &area))
		return REFUSE_AK(err, "\"ak_public\" is not a TPM2B_PUBLIC");
	status = check_attributes(area.publicArea.objectAttributes, err);
	if (status)
		return status;
	if (!imatally_alg_is_trusted(area.publicArea.nameAlg))
		return REFUSE_AK(err,
				 "the hash algorithm of its Name is not trusted (0x%04x)",
				 area.publicArea.nameAlg);
	key = imatally_public_key(&area.publicArea);
	enrollment->ak = key ? imatally_public_pem(public_area) : NULL;
	weak = key && EVP_PKEY_get_security_bits(key) < 112;
	EVP_PKEY_free(key);
	if (!enrollment->ak)
		return REFUSE_AK(err, "it is neither an RSA nor an ECC key of a supported curve");
	if (weak)
		return REFUSE_AK(err, "its key is too short");
	return name_of(public_area, area.publicArea.nameAlg,
		       &enrollment->ak_name, err);
}

/* The EK of a request */

static bool hash(const void *data, size_t len, uint8_t digest[32])
{
	return EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) == 1;
}

static bool describe_ek(const struct imatally_bytes *der, X509 *certificate,
			struct imatally_enrollment *enrollment)
{
	BIGNUM *serial = ASN1_INTEGER_to_BN(
		X509_get0_serialNumber(certificate), NULL);
	char *digits = serial ? BN_bn2hex(serial) : NULL;
	unsigned char *key = NULL;
	int len = i2d_PUBKEY(X509_get0_pubkey(certificate), &key);
	bool done;

	enrollment->ek_issuer = imatally_distinguished_name(
		X509_get_issuer_name(certificate));
	enrollment->ek_serial = digits ? strdup(digits) : NULL;
	done = len > 0 && hash(key, len, enrollment->ek_sha256) &&
	       hash(der->data, der->len, enrollment->ek_certificate_sha256) &&
	       enrollment->ek_issuer && enrollment->ek_serial;
	OPENSSL_free(key);
	OPENSSL_free(digits);
	BN_free(serial);
	return done;
}

/* Returns the certificate if it is good, to be freed; NULL with @err. */
static X509 *check_ek(const struct imatally_request *request,
		      const struct imatally_trust *trust,
		      struct imatally_enrollment *enrollment,
		      struct imatally_error *err)
{
	X509 *certificate = imatally_certificate(&request->ek_certificate);
	enum imatally_status status;
	EVP_PKEY *key;

	if (!certificate) {
		imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC,
			      "the EK certificate: it is not an X.509 certificate");
		return NULL;
	}
	status = imatally_trust_check(trust, certificate, err);
	key = X509_get0_pubkey(certificate);
	if (!status && (!key || !imatally_ek_kind(key)))
		status = imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC,
				       "the EK certificate: its key is of no kind that the TCG EK Credential Profile defines");
	if (!status &&
	    !describe_ek(&request->ek_certificate, certificate, enrollment))
		status = imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	if (!status)
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* The protocol */

static enum imatally_status
make(X509 *certificate, struct imatally_challenge *challenge,
     struct imatally_enrollment *enrollment, struct imatally_error *err)
{
	uint8_t secret[SECRET_SIZE];
	enum imatally_status status;

	if (RAND_priv_bytes(secret, sizeof(secret)) != 1 ||
	    !hash(secret, sizeof(secret), enrollment->answer_sha256))
		return imatally_fail(err, IMATALLY_ERR_CRYPTO,
				     "libcrypto failed to make a secret");
	status = imatally_credential_make(X509_get0_pubkey(certificate),
					  &enrollment->ak_name, secret,
					  sizeof(secret), challenge, err);
	OPENSSL_cleanse(secret, sizeof(secret));
	return status;
}

enum imatally_status
imatally_challenge_make(const struct imatally_request *request,
			const struct imatally_trust *trust,
			struct imatally_challenge *challenge,
			struct imatally_enrollment *enrollment,
			struct imatally_error *err)
{
	enum imatally_status status;
	X509 *certificate = NULL;

	memset(challenge, 0, sizeof(*challenge));
	memset(enrollment, 0, sizeof(*enrollment));
	enrollment->is_pending = true;
	enrollment->time = now();
	enrollment->version = strdup(IMATALLY_VERSION);
	status = enrollment->time && enrollment->version ? IMATALLY_OK :
		imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	if (!status)
		status = check_ak(&request->ak_public, enrollment, err);
	if (!status) {
		certificate = check_ek(request, trust, enrollment, err);
		status = certificate ? make(certificate, challenge, enrollment,
					    err) : err->status;
	}
	X509_free(certificate);
	if (status)
		imatally_enrollment_free(enrollment);
	return status;
}

enum imatally_status
imatally_enrollment_complete(struct imatally_enrollment *enrollment,
			     const struct imatally_bytes *answer,
			     struct imatally_error *err)
{
	uint8_t digest[32];
	char *time;

	if (!hash(answer->data, answer->len, digest))
		return imatally_fail(err, IMATALLY_ERR_CRYPTO,
				     "libcrypto failed to hash the answer");
	if (!enrollment->is_pending ||
	    CRYPTO_memcmp(digest, enrollment->answer_sha256, sizeof(digest)))
		return imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC,
				     "the answer is not that to this challenge");
	time = now();
	if (!time)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	free(enrollment->time);
	enrollment->time = time;
	enrollment->is_pending = false;
	return IMATALLY_OK;
}
