// SPDX-License-Identifier: GPL-2.0-only
/*
 * See credential.h.  Part 1, "Credential Protection", with the seed as in the
 * annexes on RSA ("Secret Sharing", RSAES_OAEP) and ECC (one-pass ECDH).
 */

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "credential.h"
#include "private.h"

static const struct imatally_ek_kind kinds[] = {
	/* templates L-1 and H-1, L-2 and H-2, H-3 to H-7 without SM2 */
	{ NULL, 2048, "SHA256", 32, "AES-128-CFB", 16 },
	{ "prime256v1", 256, "SHA256", 32, "AES-128-CFB", 16 },
	{ "secp384r1", 384, "SHA384", 48, "AES-256-CFB", 32 },
	{ "secp521r1", 521, "SHA512", 64, "AES-256-CFB", 32 },
	{ NULL, 3072, "SHA384", 48, "AES-256-CFB", 32 },
	{ NULL, 4096, "SHA384", 48, "AES-256-CFB", 32 },
};

#define MAX_COORDINATE 66	/* in bytes, of P-521 */
#define MAX_NAME (2 + EVP_MAX_MD_SIZE)

const struct imatally_ek_kind *imatally_ek_kind(EVP_PKEY *ek)
{
	char group[32] = "";
	size_t i, len;

	if (EVP_PKEY_is_a(ek, "EC") &&
	    !EVP_PKEY_get_group_name(ek, group, sizeof(group), &len))
		return NULL;
	if (!group[0] && !EVP_PKEY_is_a(ek, "RSA"))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].bits == EVP_PKEY_get_bits(ek) &&
		    !strcmp(kinds[i].group ? kinds[i].group : "", group))
			return &kinds[i];
	return NULL;
}

/* Bytes to be joined */

struct joined {
	uint8_t data[1024];
	size_t len;
};

static void join(struct joined *to, const void *data, size_t len)
{
	memcpy(to->data + to->len, data, len);
	to->len += len;
}

/* A TPM2B: the size in two bytes, and the data */
static void join_sized(struct joined *to, const void *data, size_t len)
{
	const uint8_t size[] = { len >> 8, len };

	join(to, size, sizeof(size));
	join(to, data, len);
}

/* Key derivation */

static bool derive(const char *kdf_name, const OSSL_PARAM *params, uint8_t *out,
		   size_t size)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdf_name, NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool done = ctx && EVP_KDF_derive(ctx, out, size, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done;
}

/* KDFa of Part 1: the counter mode of SP 800-108 with HMAC */
static bool kdfa(const struct imatally_ek_kind *kind, const uint8_t *key,
		 const char *label, const struct imatally_bytes *context,
		 uint8_t *out, size_t size)
{
	OSSL_PARAM params[7], *p = params;

	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE,
						(char *)"counter", 0);
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC,
						(char *)"HMAC", 0);
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						(char *)kind->digest, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						 (uint8_t *)key,
						 kind->digest_size);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
						 (char *)label, strlen(label));
	if (context)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
							 context->data,
							 context->len);
	*p = OSSL_PARAM_construct_end();
	return derive("KBKDF", params, out, size);
}

/* KDFe of Part 1: the one-step derivation of SP 800-56C with a hash */
static bool kdfe(const struct imatally_ek_kind *kind, const uint8_t *z,
		 size_t z_len, const struct joined *info, uint8_t *out)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)kind->digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (uint8_t *)z, z_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
						  (uint8_t *)info->data,
						  info->len),
		OSSL_PARAM_construct_end(),
	};

	return derive("SSKDF", params, out, kind->digest_size);
}

/* The seed, and what only the EK can make it from.  The label has its NUL. */

static const char identity[] = "IDENTITY";

static bool share_by_rsa(EVP_PKEY *ek, const struct imatally_ek_kind *kind,
			 uint8_t *seed, struct joined *shared)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ek, NULL);
	void *label = OPENSSL_memdup(identity, sizeof(identity));
	uint8_t encrypted[4096 / 8];
	size_t len = sizeof(encrypted);
	bool done;

	done = ctx && label && RAND_priv_bytes(seed, kind->digest_size) == 1 &&
	       EVP_PKEY_encrypt_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, kind->digest, NULL) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, kind->digest, NULL) == 1;
	if (done && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label,
						     sizeof(identity)) == 1)
		label = NULL;	/* now the context's */
	done = done && !label &&
	       EVP_PKEY_encrypt(ctx, encrypted, &len, seed,
				kind->digest_size) == 1;
	if (done)
		join_sized(shared, encrypted, len);
	OPENSSL_free(label);
	EVP_PKEY_CTX_free(ctx);
	return done;
}

static bool coordinate(EVP_PKEY *key, const char *which, uint8_t *out,
		       size_t size)
{
	BIGNUM *number = NULL;
	bool done = EVP_PKEY_get_bn_param(key, which, &number) == 1 &&
		    BN_bn2binpad(number, out, (int)size) == (int)size;

	BN_free(number);
	return done;
}

static bool agree(EVP_PKEY *own, EVP_PKEY *ek, uint8_t *z, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	bool done = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		    EVP_PKEY_derive_set_peer(ctx, ek) == 1 &&
		    EVP_PKEY_derive(ctx, z, len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return done;
}

static bool share_by_ecdh(EVP_PKEY *ek, const struct imatally_ek_kind *kind,
			  uint8_t *seed, struct joined *shared)
{
	uint8_t x[MAX_COORDINATE], y[MAX_COORDINATE], ek_x[MAX_COORDINATE];
	uint8_t z[MAX_COORDINATE];
	size_t size = (kind->bits + 7) / 8, z_len = sizeof(z);
	EVP_PKEY *own = EVP_EC_gen(kind->group);
	struct joined info = { .len = 0 }, point = { .len = 0 };
	bool done;

	done = own && coordinate(own, OSSL_PKEY_PARAM_EC_PUB_X, x, size) &&
	       coordinate(own, OSSL_PKEY_PARAM_EC_PUB_Y, y, size) &&
	       coordinate(ek, OSSL_PKEY_PARAM_EC_PUB_X, ek_x, size) &&
	       agree(own, ek, z, &z_len);
	if (done) {
		join(&info, identity, sizeof(identity));
		join(&info, x, size);
		join(&info, ek_x, size);
		done = kdfe(kind, z, z_len, &info, seed);
	}
	if (done) {
		join_sized(&point, x, size);
		join_sized(&point, y, size);
		join_sized(shared, point.data, point.len);
	}
	OPENSSL_cleanse(z, sizeof(z));
	EVP_PKEY_free(own);
	return done;
}

/* The credential */

/* With an initialization vector of zeroes; @size bytes, as the text has. */
static bool encrypt(const struct imatally_ek_kind *kind, const uint8_t *key,
		    const struct joined *text, uint8_t *out)
{
	static const uint8_t iv[EVP_MAX_IV_LENGTH];
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, kind->cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool done;

	done = cipher && ctx &&
	       EVP_EncryptInit_ex2(ctx, cipher, key, iv, NULL) == 1 &&
	       EVP_EncryptUpdate(ctx, out, &len, text->data, text->len) == 1 &&
	       (size_t)len == text->len;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return done;
}

/*
 * credentialBlob: HMAC(encIdentity || Name), encIdentity.  The keys are derived
 * from @seed.
 */
static bool protect(const struct imatally_ek_kind *kind, const uint8_t *seed,
		    const struct imatally_bytes *name, const uint8_t *secret,
		    size_t secret_size, struct joined *blob)
{
	uint8_t key[EVP_MAX_KEY_LENGTH], mac_key[EVP_MAX_MD_SIZE];
	struct joined plain = { .len = 0 }, covered = { .len = 0 };
	struct joined id = { .len = 0 };
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t size = 0;
	bool done;

	join_sized(&plain, secret, secret_size);
	done = kdfa(kind, seed, "STORAGE", name, key, kind->key_size) &&
	       encrypt(kind, key, &plain, covered.data) &&
	       kdfa(kind, seed, "INTEGRITY", NULL, mac_key, kind->digest_size);
	if (done) {
		covered.len = plain.len;
		join(&covered, name->data, name->len);
		done = EVP_Q_mac(NULL, "HMAC", NULL, kind->digest, NULL, mac_key,
				 kind->digest_size, covered.data, covered.len,
				 mac, sizeof(mac), &size);
	}
	if (done) {
		join_sized(&id, mac, size);
		join(&id, covered.data, plain.len);
		join_sized(blob, id.data, id.len);
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(mac_key, sizeof(mac_key));
	OPENSSL_cleanse(&plain, sizeof(plain));
	return done;
}

static bool keep(struct imatally_bytes *bytes, const struct joined *from)
{
	bytes->data = malloc(from->len);
	if (!bytes->data)
		return false;
	memcpy(bytes->data, from->data, from->len);
	bytes->len = from->len;
	return true;
}

enum imatally_status imatally_credential_make(EVP_PKEY *ek,
					      const struct imatally_bytes *name,
					      const uint8_t *secret, size_t size,
					      struct imatally_challenge *challenge,
					      struct imatally_error *err)
{
	const struct imatally_ek_kind *kind = imatally_ek_kind(ek);
	struct joined blob = { .len = 0 }, shared = { .len = 0 };
	uint8_t seed[EVP_MAX_MD_SIZE];
	bool done;

	memset(challenge, 0, sizeof(*challenge));
	done = kind && name->len <= MAX_NAME && size <= kind->digest_size &&
	       (kind->group ? share_by_ecdh(ek, kind, seed, &shared) :
			      share_by_rsa(ek, kind, seed, &shared)) &&
	       protect(kind, seed, name, secret, size, &blob);
	OPENSSL_cleanse(seed, sizeof(seed));
	if (!done)
		return imatally_fail(err, IMATALLY_ERR_CRYPTO,
				     "libcrypto failed to make the challenge");
	if (keep(&challenge->credential, &blob) &&
	    keep(&challenge->secret, &shared))
		return IMATALLY_OK;
	imatally_challenge_free(challenge);
	return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
}
