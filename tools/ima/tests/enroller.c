// SPDX-License-Identifier: GPL-2.0-only
/* See enroller.h. */

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <tss2/tss2_mu.h>

#include "enroller.h"
#include "test.h"

static const char *curve_of(int bits)
{
	switch (bits) {
	case 224:
		return "P-224";
	case 256:
		return "P-256";
	case 384:
		return "P-384";
	default:
		return "P-521";
	}
}

EVP_PKEY *make_key(const char *type, int bits)
{
	EVP_PKEY *key = strcmp(type, "RSA") ? EVP_EC_gen(curve_of(bits)) :
					      EVP_RSA_gen(bits);

	assert_non_null(key);
	return key;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

X509 *make_certificate(const struct certificate *what, EVP_PKEY *key,
		       const struct ca *issuer)
{
	static long serial = 0x1000;
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				   (const uint8_t *)what->subject, -1, -1, 0);
	X509_set_issuer_name(certificate,
			     issuer ? X509_get_subject_name(issuer->certificate) :
				      name);
	X509_gmtime_adj(X509_getm_notBefore(certificate), what->from);
	X509_gmtime_adj(X509_getm_notAfter(certificate), what->until);
	X509_set_pubkey(certificate, key);
	add_extension(certificate, NID_basic_constraints,
		      what->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (what->usage)
		add_extension(certificate, NID_ext_key_usage, what->usage);
	assert_true(X509_sign(certificate, issuer ? issuer->key : key,
			      EVP_get_digestbyname(what->digest ? what->digest :
								  "SHA256")) > 0);
	return certificate;
}

void ca_init(struct ca *ca, const char *subject, const struct ca *issuer)
{
	const struct certificate what = {
		.subject = subject, .is_ca = true, .from = -60, .until = 3600,
	};

	ca->key = make_key("EC", 256);
	ca->certificate = make_certificate(&what, ca->key, issuer);
}

void ca_free(struct ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
}

void keep_der(struct imatally_bytes *bytes, X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	assert_true(len > 0);
	free(bytes->data);
	bytes->data = malloc(len);
	memcpy(bytes->data, der, len);
	bytes->len = len;
	OPENSSL_free(der);
	X509_free(certificate);
}

static UINT16 number_of(EVP_PKEY *key, const char *which, uint8_t *out,
			size_t size)
{
	BIGNUM *number = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, which, &number), 1);
	assert_int_equal(BN_bn2binpad(number, out, size), size);
	BN_free(number);
	return size;
}

void public_area(TPMT_PUBLIC *area, EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	size_t size = (bits + 7) / 8;

	memset(area, 0, sizeof(*area));
	area->nameAlg = TPM2_ALG_SHA256;
	area->objectAttributes = AK_ATTRIBUTES;
	if (EVP_PKEY_is_a(key, "RSA")) {
		area->type = TPM2_ALG_RSA;
		area->parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
		area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
		area->parameters.rsaDetail.scheme.details.anySig.hashAlg =
			TPM2_ALG_SHA256;
		area->parameters.rsaDetail.keyBits = bits;
		area->unique.rsa.size = number_of(key, OSSL_PKEY_PARAM_RSA_N,
						  area->unique.rsa.buffer, size);
		return;
	}
	area->type = TPM2_ALG_ECC;
	area->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	area->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	area->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	area->parameters.eccDetail.curveID =
		bits == 256 ? TPM2_ECC_NIST_P256 :
		bits == 384 ? TPM2_ECC_NIST_P384 : TPM2_ECC_NIST_P521;
	area->unique.ecc.x.size = number_of(key, OSSL_PKEY_PARAM_EC_PUB_X,
					    area->unique.ecc.x.buffer, size);
	area->unique.ecc.y.size = number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y,
					    area->unique.ecc.y.buffer, size);
}

void keep_public(struct imatally_bytes *bytes, const TPMT_PUBLIC *area)
{
	TPM2B_PUBLIC sized = { .size = 0, .publicArea = *area };
	uint8_t data[sizeof(sized)];
	size_t len = 0;

	assert_int_equal(Tss2_MU_TPM2B_PUBLIC_Marshal(&sized, data, sizeof(data),
						      &len), 0);
	free(bytes->data);
	bytes->data = malloc(len);
	memcpy(bytes->data, data, len);
	bytes->len = len;
}
