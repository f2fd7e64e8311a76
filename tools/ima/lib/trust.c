// SPDX-License-Identifier: GPL-2.0-only
/* See trust.h. */

#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "trust.h"

/* id-tcg-kp-EKCertificate of the TCG EK Credential Profile */
#define EK_USAGE "2.23.133.8.1"

/*
 * OpenSSL's: RSA keys of 2048 bits, curves of 224 and SHA-224 are the least, in
 * all of the chain.
 */
#define SECURITY_LEVEL 2

struct imatally_trust {
	X509_STORE *store;
};

struct imatally_trust *imatally_trust_new(void)
{
	struct imatally_trust *trust = calloc(1, sizeof(*trust));

	if (trust)
		trust->store = X509_STORE_new();
	if (trust && trust->store)
		return trust;
	free(trust);
	return NULL;
}

void imatally_trust_free(struct imatally_trust *trust)
{
	if (!trust)
		return;
	X509_STORE_free(trust->store);
	free(trust);
}

/* Takes over the certificate, which may be NULL. */
static bool add(struct imatally_trust *trust, X509 *certificate)
{
	bool done = certificate &&
		    X509_STORE_add_cert(trust->store, certificate) == 1;

	X509_free(certificate);
	return done;
}

enum imatally_status imatally_trust_add(struct imatally_trust *trust,
					const void *data, size_t len,
					struct imatally_error *err)
{
	struct imatally_bytes der = { (uint8_t *)data, len };
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(data, (int)len) : NULL;
	X509 *certificate = imatally_certificate(&der);
	bool is_der = certificate, added = bio;
	unsigned int nr = 0;

	while (added) {
		/* a passphrase is given, lest it ask for one */
		if (!is_der)
			certificate = PEM_read_bio_X509(bio, NULL, NULL, (char *)"");
		if (!certificate)
			break;
		added = add(trust, certificate);
		nr++;
		if (is_der)
			break;
	}
	BIO_free(bio);
	if (!added)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	if (!nr)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "no certificate, neither in PEM nor in DER");
	return IMATALLY_OK;
}

X509 *imatally_certificate(const struct imatally_bytes *der)
{
	const unsigned char *at = der->data;
	X509 *certificate;

	if (der->len > LONG_MAX)
		return NULL;
	certificate = d2i_X509(NULL, &at, (long)der->len);
	if (certificate && at == der->data + der->len)
		return certificate;
	X509_free(certificate);
	return NULL;
}

char *imatally_distinguished_name(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *data;
	long len;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(bio, &data);
		text = malloc(len + 1);
		if (text)
			imatally_printable(text, len + 1, data, len);
	}
	BIO_free(bio);
	return text;
}

/*
 * A CA may certify other keys too, whose owners could open a challenge without a
 * TPM.
 */
static bool is_for_ek(X509 *certificate)
{
	EXTENDED_KEY_USAGE *usages =
		X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	bool found = false;
	char text[32];
	int i;

	for (i = 0; i < sk_ASN1_OBJECT_num(usages) && !found; i++)
		found = OBJ_obj2txt(text, sizeof(text),
				    sk_ASN1_OBJECT_value(usages, i), 1) > 0 &&
			!strcmp(text, EK_USAGE);
	sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
	return found;
}

/* The error is about this certificate of the chain. */
static enum imatally_status refuse(X509_STORE_CTX *ctx,
				   struct imatally_error *err)
{
	int why = X509_STORE_CTX_get_error(ctx);
	X509 *certificate = X509_STORE_CTX_get_current_cert(ctx);
	bool no_issuer = why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
			 why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
	char *name = NULL;

	if (certificate)
		name = imatally_distinguished_name(
			no_issuer ? X509_get_issuer_name(certificate) :
				    X509_get_subject_name(certificate));
	if (no_issuer)
		imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC,
			      "the EK certificate: the CA certificates do not include that of \"%.120s\"",
			      name ? name : "");
	else
		imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC,
			      "the EK certificate: %s (\"%.120s\", %d above it)",
			      X509_verify_cert_error_string(why),
			      name ? name : "",
			      X509_STORE_CTX_get_error_depth(ctx));
	free(name);
	return err->status;
}

enum imatally_status imatally_trust_check(const struct imatally_trust *trust,
					  X509 *certificate,
					  struct imatally_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum imatally_status status = IMATALLY_OK;

	if (!ctx ||
	    X509_STORE_CTX_init(ctx, trust->store, certificate, NULL) != 1) {
		status = imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
		goto out;
	}
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx),
					 SECURITY_LEVEL);
	if (X509_verify_cert(ctx) != 1)
		status = refuse(ctx, err);
	else if (!is_for_ek(certificate))
		status = imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC,
				       "the EK certificate: it is not for an EK: the extended key usage " EK_USAGE " is missing");
out:
	X509_STORE_CTX_free(ctx);
	return status;
}
