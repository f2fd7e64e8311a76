// SPDX-License-Identifier: GPL-2.0-only
/* See jwt.h. */

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "jwt.h"

/* RFC 7518, sections 3.3 and 3.5 */
#define MIN_RSA_BITS 2048

struct algorithm {
	const char *name;
	int type;		/* of the key, as EVP_PKEY_get_base_id() has it */
	const char *group;	/* of an elliptic curve, or NULL */
	const char *digest;	/* NULL if the signature includes it */
	size_t half;		/* size of the numbers r and s of ECDSA, or 0 */
};

static const struct algorithm algorithms[] = {
	{ "ES256", EVP_PKEY_EC, "prime256v1", "SHA256", 32 },
	{ "ES384", EVP_PKEY_EC, "secp384r1", "SHA384", 48 },
	{ "RS256", EVP_PKEY_RSA, NULL, "SHA256", 0 },
	{ "PS256", EVP_PKEY_RSA_PSS, NULL, "SHA256", 0 },
	{ "EdDSA", EVP_PKEY_ED25519, NULL, NULL, 0 },
};

struct jwt_key {
	const struct algorithm *algorithm;
	EVP_PKEY *key;
	/* SHA-256 of the public key's DER SubjectPublicKeyInfo */
	unsigned char fingerprint[IMATALLY_FINGERPRINT_SIZE];
};

/* ---- The key */

static bool has_group(const EVP_PKEY *key, const char *group)
{
	char name[64];

	return EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
	       !strcmp(name, group);
}

/* NULL if there is none for this kind of key */
static const struct algorithm *algorithm_for(const EVP_PKEY *key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++) {
		const struct algorithm *found = &algorithms[i];

		if (EVP_PKEY_get_base_id(key) == found->type &&
		    (!found->group || has_group(key, found->group)))
			return found;
	}
	return NULL;
}

static bool is_too_short(const EVP_PKEY *key)
{
	int type = EVP_PKEY_get_base_id(key);

	return (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) &&
	       EVP_PKEY_get_bits(key) < MIN_RSA_BITS;
}

static bool get_fingerprint(struct jwt_key *key)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key->key, &der);
	bool done = len > 0 && EVP_Digest(der, len, key->fingerprint, NULL,
					  EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return done;
}

/* Without it, libcrypto would ask for one on the terminal. */
static int no_passphrase(char *buf __attribute__((unused)),
			 int size __attribute__((unused)),
			 int writing __attribute__((unused)),
			 void *data __attribute__((unused)))
{
	return -1;
}

static EVP_PKEY *parse_pem(const char *text, size_t len)
{
	BIO *bio = BIO_new_mem_buf(text, len);
	EVP_PKEY *key = NULL;

	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

/* 0, or -1 after an error message */
static int set_key(struct jwt_key *key, const char *name)
{
	if (!key->key)
		complain("%s: not a private key in PEM without a passphrase", name);
	else if (!(key->algorithm = algorithm_for(key->key)))
		complain("%s: a key of P-256, P-384, RSA, RSASSA-PSS or Ed25519 expected",
			 name);
	else if (is_too_short(key->key))
		complain("%s: an RSA key of %d bits, at least %d expected", name,
			 EVP_PKEY_get_bits(key->key), MIN_RSA_BITS);
	else if (!get_fingerprint(key))
		complain("%s: libcrypto failed to hash the public key", name);
	else
		return 0;
	return -1;
}

struct jwt_key *jwt_key_read(const char *path)
{
	struct jwt_key *key;
	size_t len = 0;
	char *text = input_read(path, &len);

	if (!text)
		return NULL;
	key = calloc(1, sizeof(*key));
	if (!key) {
		complain("out of memory");
	} else {
		key->key = parse_pem(text, len);
		if (set_key(key, input_name(path))) {
			jwt_key_free(key);
			key = NULL;
		}
	}
	OPENSSL_cleanse(text, len);
	free(text);
	return key;
}

void jwt_key_free(struct jwt_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

/* ---- The token */

char *jwt_base64url(const void *data, size_t len)
{
	char *text = malloc(4 * ((len + 2) / 3) + 1), *c;

	if (!text)
		return NULL;
	EVP_EncodeBlock((unsigned char *)text, data, len);
	for (c = text; *c && *c != '='; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
	}
	*c = '\0';
	return text;
}

/* NULL when out of memory, and if @value is NULL */
static char *encode_json(const json_t *value)
{
	char *text = json_text(value, JSON_COMPACT);
	char *encoded = text ? jwt_base64url(text, strlen(text)) : NULL;

	free(text);
	return encoded;
}

static char *make_header(const struct jwt_key *key)
{
	json_t *header = json_object();
	char *text;

	header = js_with(header, "alg",
			 json_string(key ? key->algorithm->name : "none"));
	/* RFC 9782 */
	header = js_with(header, "typ", json_string("eat+jwt"));
	if (key)
		header = js_with(header, "kid",
				 json_hex(key->fingerprint,
					  sizeof(key->fingerprint)));
	text = encode_json(header);
	json_decref(header);
	return text;
}

/*
 * Replace a signature in DER by the numbers r and s of it, one after the other
 * (RFC 7518, section 3.4).  Returns the new length, or 0.
 */
static size_t from_der(unsigned char *signature, size_t len, size_t half)
{
	const unsigned char *der = signature;
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, len);
	bool done = parsed &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, half) > 0 &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + half,
				 half) > 0;

	ECDSA_SIG_free(parsed);
	return done ? 2 * half : 0;
}

static bool begin_signature(EVP_MD_CTX *ctx, const struct jwt_key *key)
{
	EVP_PKEY_CTX *options;

	if (EVP_DigestSignInit_ex(ctx, &options, key->algorithm->digest, NULL,
				  NULL, key->key, NULL) != 1)
		return false;
	if (key->algorithm->type != EVP_PKEY_RSA_PSS)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(options,
						RSA_PSS_SALTLEN_DIGEST) > 0;
}

/* Return the signature of @text in base64url, or NULL. */
static char *sign(const struct jwt_key *key, const char *text)
{
	const unsigned char *data = (const unsigned char *)text;
	/* r and s are shorter in the token than in DER */
	size_t len = EVP_PKEY_get_size(key->key);
	unsigned char *signature = malloc(len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *encoded = NULL;

	if (!signature || !ctx || !begin_signature(ctx, key) ||
	    EVP_DigestSign(ctx, signature, &len, data, strlen(text)) != 1)
		len = 0;
	if (len && key->algorithm->half)
		len = from_der(signature, len, key->algorithm->half);
	if (len)
		encoded = jwt_base64url(signature, len);
	EVP_MD_CTX_free(ctx);
	free(signature);
	ERR_clear_error();
	return encoded;
}

/* Return "@first.@second", or NULL when out of memory or if one of them is NULL. */
static char *joined(const char *first, const char *second)
{
	char *text;

	return first && second && asprintf(&text, "%s.%s", first, second) >= 0 ?
		       text : NULL;
}

char *jwt_make(const json_t *claims, const struct jwt_key *key)
{
	char *header = make_header(key), *payload = encode_json(claims);
	char *covered = joined(header, payload), *token = NULL;
	char *signature = NULL;

	if (covered && key)
		signature = sign(key, covered);
	if (covered && key && !signature)
		complain("libcrypto failed to sign with the key of --ear-key");
	else if (!(token = joined(covered, key ? signature : "")))
		complain("out of memory");
	free(header);
	free(payload);
	free(covered);
	free(signature);
	return token;
}
