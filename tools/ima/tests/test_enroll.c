// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that are enrolled, and all kinds that are not.  That a TPM opens the
 * challenges, and no other, is in tests/imatally/test_enroll.py.
 */

#include <openssl/pem.h>

#include "enroller.h"
#include "test.h"

static const struct certificate ek_certificate = {
	.subject = "a TPM", .usage = EK_USAGE, .from = -60, .until = 3600,
};

static struct ca root, intermediate;
static EVP_PKEY *ek, *ak;
static TPMT_PUBLIC ak_area;
static struct imatally_trust *trust;
static struct imatally_request request;
static struct imatally_challenge challenge;
static struct imatally_enrollment enrollment;
static struct imatally_error err;

static void trust_in(struct imatally_trust *into, X509 *certificate)
{
	struct imatally_bytes der = { 0 };

	X509_up_ref(certificate);
	keep_der(&der, certificate);
	assert_int_equal(imatally_trust_add(into, der.data, der.len, &err),
			 IMATALLY_OK);
	free(der.data);
}

static int setup(void **state)
{
	(void)state;
	ca_init(&root, "the root", NULL);
	ca_init(&intermediate, "the intermediate", &root);
	trust = imatally_trust_new();
	trust_in(trust, root.certificate);
	trust_in(trust, intermediate.certificate);
	ek = make_key("EC", 256);
	ak = make_key("EC", 256);
	public_area(&ak_area, ak);
	keep_public(&request.ak_public, &ak_area);
	keep_der(&request.ek_certificate,
		 make_certificate(&ek_certificate, ek, &intermediate));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	imatally_request_free(&request);
	imatally_challenge_free(&challenge);
	imatally_enrollment_free(&enrollment);
	imatally_trust_free(trust);
	EVP_PKEY_free(ek);
	EVP_PKEY_free(ak);
	ca_free(&root);
	ca_free(&intermediate);
	return 0;
}

static enum imatally_status make(void)
{
	imatally_challenge_free(&challenge);
	imatally_enrollment_free(&enrollment);
	return imatally_challenge_make(&request, trust, &challenge, &enrollment,
				       &err);
}

static void expect_refusal(const char *reason)
{
	assert_int_equal(make(), IMATALLY_ERR_NOT_AUTHENTIC);
	if (!strstr(err.text, reason))
		fail_msg("no \"%s\" in: %s", reason, err.text);
	assert_null(challenge.credential.data);
	assert_null(enrollment.ak);
}

/* ---- What is enrolled */

static void every_kind_of_ek_is_challenged(void **state)
{
	static const struct {
		const char *type;
		int bits;
		size_t digest, secret;	/* in bytes, of the challenge */
	} kinds[] = {
		{ "RSA", 2048, 32, 256 },
		{ "RSA", 3072, 48, 384 },
		{ "RSA", 4096, 48, 512 },
		{ "EC", 256, 32, 2 * (2 + 32) },
		{ "EC", 384, 48, 2 * (2 + 48) },
		{ "EC", 521, 64, 2 * (2 + 66) },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		EVP_PKEY_free(ek);
		ek = make_key(kinds[i].type, kinds[i].bits);
		keep_der(&request.ek_certificate,
			 make_certificate(&ek_certificate, ek, &intermediate));
		assert_int_equal(make(), IMATALLY_OK);
		assert_int_equal(challenge.secret.len, 2 + kinds[i].secret);
		assert_int_equal(challenge.credential.len,
				 2 + 2 + kinds[i].digest + 2 + 32);
	}
}

static void every_kind_of_ak_is_enrolled(void **state)
{
	static const struct {
		const char *type;
		int bits;
		uint16_t name_alg;
	} kinds[] = {
		{ "RSA", 2048, TPM2_ALG_SHA256 },
		{ "EC", 256, TPM2_ALG_SHA256 },
		{ "EC", 384, TPM2_ALG_SHA384 },
		{ "EC", 521, TPM2_ALG_SHA512 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct imatally_ak *read;

		EVP_PKEY_free(ak);
		ak = make_key(kinds[i].type, kinds[i].bits);
		public_area(&ak_area, ak);
		ak_area.nameAlg = kinds[i].name_alg;
		keep_public(&request.ak_public, &ak_area);
		assert_int_equal(make(), IMATALLY_OK);
		assert_true(enrollment.is_pending);
		assert_int_equal(enrollment.ak_name.data[1], kinds[i].name_alg);
		assert_int_equal(imatally_ak_from_pem(&read, enrollment.ak,
						      strlen(enrollment.ak),
						      &err), IMATALLY_OK);
		imatally_ak_free(read);
	}
}

static void enrollment_describes_the_ek(void **state)
{
	uint8_t digest[32];

	(void)state;
	assert_int_equal(make(), IMATALLY_OK);
	assert_string_equal(enrollment.ek_issuer, "CN=the intermediate");
	EVP_Digest(request.ek_certificate.data, request.ek_certificate.len,
		   digest, NULL, EVP_sha256(), NULL);
	assert_memory_equal(enrollment.ek_certificate_sha256, digest, 32);
}

static void each_challenge_has_a_secret_of_its_own(void **state)
{
	uint8_t before[32];

	(void)state;
	assert_int_equal(make(), IMATALLY_OK);
	memcpy(before, enrollment.answer_sha256, 32);
	assert_int_equal(make(), IMATALLY_OK);
	assert_memory_not_equal(before, enrollment.answer_sha256, 32);
}

static void ek_is_told_from_another_key(void **state)
{
	struct imatally_bytes public = { 0 };
	TPMT_PUBLIC area;

	(void)state;
	public_area(&area, ek);
	keep_public(&public, &area);
	assert_true(imatally_ek_is_certified(&request.ek_certificate, &public));
	assert_false(imatally_ek_is_certified(&request.ek_certificate,
					      &request.ak_public));
	assert_false(imatally_ek_is_certified(&public, &public));
	free(public.data);
}

/* ---- The AK */

static void ak_that_may_be_elsewhere_is_refused(void **state)
{
	static const struct {
		TPMA_OBJECT without, with;
		const char *reason;
	} wrong[] = {
		{ TPMA_OBJECT_RESTRICTED, 0, "it is not restricted" },
		{ TPMA_OBJECT_SIGN_ENCRYPT, 0, "it is not a signing key" },
		{ TPMA_OBJECT_FIXEDTPM, 0, "it is not fixedTPM" },
		{ TPMA_OBJECT_FIXEDPARENT, 0, "it is not fixedParent" },
		{ TPMA_OBJECT_SENSITIVEDATAORIGIN, 0,
		  "it is not sensitiveDataOrigin" },
		{ 0, TPMA_OBJECT_DECRYPT, "it is a decryption key" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		ak_area.objectAttributes = (AK_ATTRIBUTES & ~wrong[i].without) |
					   wrong[i].with;
		keep_public(&request.ak_public, &ak_area);
		expect_refusal(wrong[i].reason);
	}
}

static void ak_whose_name_proves_nothing_is_refused(void **state)
{
	(void)state;
	ak_area.nameAlg = TPM2_ALG_SHA1;
	keep_public(&request.ak_public, &ak_area);
	expect_refusal("the hash algorithm of its Name is not trusted (0x0004)");
	ak_area.nameAlg = TPM2_ALG_NULL;
	keep_public(&request.ak_public, &ak_area);
	expect_refusal("the hash algorithm of its Name is not trusted (0x0010)");
}

static void ak_that_is_too_short_is_refused(void **state)
{
	(void)state;
	EVP_PKEY_free(ak);
	ak = make_key("RSA", 1024);
	public_area(&ak_area, ak);
	keep_public(&request.ak_public, &ak_area);
	expect_refusal("its key is too short");
}

static void ak_of_another_type_is_refused(void **state)
{
	(void)state;
	ak_area.parameters.eccDetail.curveID = TPM2_ECC_BN_P256;
	keep_public(&request.ak_public, &ak_area);
	expect_refusal("neither an RSA nor an ECC key of a supported curve");
	ak_area.type = TPM2_ALG_KEYEDHASH;
	ak_area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
	ak_area.unique.keyedHash.size = 0;
	keep_public(&request.ak_public, &ak_area);
	expect_refusal("neither an RSA nor an ECC key of a supported curve");
}

static void ak_off_its_curve_is_refused(void **state)
{
	(void)state;
	ak_area.unique.ecc.y.buffer[31] ^= 1;
	keep_public(&request.ak_public, &ak_area);
	expect_refusal("neither an RSA nor an ECC key");
}

static void public_area_that_is_cut_or_longer_is_refused(void **state)
{
	struct imatally_bytes *public = &request.ak_public;
	size_t whole = public->len;

	(void)state;
	public->data = realloc(public->data, whole + 1);
	public->data[whole] = 0;
	public->len++;
	expect_refusal("\"ak_public\" is not a TPM2B_PUBLIC");
	for (public->len = 1; public->len < whole; public->len++)
		expect_refusal("\"ak_public\" is not a TPM2B_PUBLIC");
}

/* ---- The EK certificate */

static void use(const struct certificate *what, const struct ca *issuer)
{
	keep_der(&request.ek_certificate, make_certificate(what, ek, issuer));
}

static void certificate_out_of_time_is_refused(void **state)
{
	struct certificate what = ek_certificate;

	(void)state;
	what.until = -30;
	use(&what, &intermediate);
	expect_refusal("certificate has expired (\"CN=a TPM\", 0 above it)");
	what.from = 30;
	what.until = 3600;
	use(&what, &intermediate);
	expect_refusal("certificate is not yet valid");
}

static void ca_out_of_time_is_refused(void **state)
{
	const struct certificate what = {
		.subject = "the old CA", .is_ca = true,
		.from = -60, .until = -30,
	};
	struct ca old = { .key = make_key("EC", 256) };

	(void)state;
	old.certificate = make_certificate(&what, old.key, &root);
	trust_in(trust, old.certificate);
	use(&ek_certificate, &old);
	expect_refusal("certificate has expired (\"CN=the old CA\", 1 above it)");
	ca_free(&old);
}

static void certificate_for_something_else_is_refused(void **state)
{
	struct certificate what = ek_certificate;

	(void)state;
	what.usage = NULL;
	use(&what, &intermediate);
	expect_refusal("it is not for an EK: the extended key usage 2.23.133.8.1 is missing");
	what.usage = "clientAuth,2.23.133.8.3";
	use(&what, &intermediate);
	expect_refusal("it is not for an EK");
}

static void chain_without_a_trusted_end_is_refused(void **state)
{
	X509 *own = make_certificate(&ek_certificate, ek, &intermediate);

	(void)state;
	imatally_trust_free(trust);
	trust = imatally_trust_new();
	expect_refusal("the CA certificates do not include that of \"CN=the intermediate\"");
	trust_in(trust, root.certificate);
	expect_refusal("the CA certificates do not include that of \"CN=the intermediate\"");
	imatally_trust_free(trust);
	trust = imatally_trust_new();
	trust_in(trust, intermediate.certificate);
	expect_refusal("the CA certificates do not include that of \"CN=the root\"");
	trust_in(trust, own);
	keep_der(&request.ek_certificate, own);
	expect_refusal("the CA certificates do not include that of \"CN=the root\"");
}

static void ca_that_only_has_the_name_is_refused(void **state)
{
	struct ca forged;

	(void)state;
	ca_init(&forged, "the intermediate", NULL);
	use(&ek_certificate, &forged);
	expect_refusal("certificate signature failure");
	ca_free(&forged);
}

static void certificate_of_its_own_is_refused(void **state)
{
	(void)state;
	use(&ek_certificate, NULL);
	expect_refusal("self-signed certificate");
}

static void owner_of_a_certificate_is_no_ca(void **state)
{
	struct ca owner = { .key = make_key("EC", 256) };

	(void)state;
	owner.certificate = make_certificate(&ek_certificate, owner.key,
					     &intermediate);
	trust_in(trust, owner.certificate);
	use(&(struct certificate){ .subject = "another", .usage = EK_USAGE,
				   .from = -60, .until = 3600 }, &owner);
	expect_refusal("invalid CA certificate");
	ca_free(&owner);
}

static void sha1_in_the_chain_is_refused(void **state)
{
	struct certificate what = ek_certificate;

	(void)state;
	what.digest = "SHA1";
	use(&what, &intermediate);
	expect_refusal("CA signature digest algorithm too weak");
}

static void key_outside_of_the_profile_is_refused(void **state)
{
	(void)state;
	EVP_PKEY_free(ek);
	ek = make_key("EC", 224);
	use(&ek_certificate, &intermediate);
	expect_refusal("its key is of no kind that the TCG EK Credential Profile defines");
	EVP_PKEY_free(ek);
	ek = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	use(&ek_certificate, &intermediate);
	expect_refusal("its key is of no kind that the TCG EK Credential Profile defines");
	EVP_PKEY_free(ek);
	ek = make_key("RSA", 1024);
	use(&ek_certificate, &intermediate);
	expect_refusal("EE certificate key too weak");
}

static void certificate_that_is_changed_is_refused(void **state)
{
	struct imatally_bytes *der = &request.ek_certificate;
	size_t whole = der->len;

	(void)state;
	der->data[der->len - 1] ^= 1;
	assert_int_equal(make(), IMATALLY_ERR_NOT_AUTHENTIC);
	der->data[der->len - 1] ^= 1;
	der->len--;
	expect_refusal("it is not an X.509 certificate");
	der->data = realloc(der->data, whole + 1);
	der->data[whole] = 0;
	der->len = whole + 1;
	expect_refusal("it is not an X.509 certificate");
	der->len = whole;
	assert_int_equal(make(), IMATALLY_OK);
}

static void name_in_a_certificate_is_printed_safely(void **state)
{
	struct ca forged;
	const char *c;

	(void)state;
	ca_init(&forged, "\x1b[2J\n\xc3\xa9", NULL);
	use(&ek_certificate, &forged);
	expect_refusal("the CA certificates do not include that of");
	for (c = err.text; *c; c++)
		assert_true(*c >= 0x20 && *c < 0x7f);
	ca_free(&forged);
}

/* ---- The CA certificates */

static void cas_are_read_from_pem(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	(void)state;
	imatally_trust_free(trust);
	trust = imatally_trust_new();
	BIO_puts(bio, "a comment\n");
	PEM_write_bio_X509(bio, root.certificate);
	PEM_write_bio_X509(bio, intermediate.certificate);
	len = BIO_get_mem_data(bio, &text);
	assert_int_equal(imatally_trust_add(trust, text, len, &err), IMATALLY_OK);
	assert_int_equal(make(), IMATALLY_OK);
	BIO_free(bio);
}

static void what_is_no_certificate_is_not_trusted(void **state)
{
	static const char *const texts[] = {
		"", "nothing",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(imatally_trust_add(trust, texts[i],
						    strlen(texts[i]), &err),
				 IMATALLY_ERR_MALFORMED);
		assert_string_equal(err.text,
				    "no certificate, neither in PEM nor in DER");
	}
}

/* ---- The answer */

static const struct imatally_bytes right = { (uint8_t *)"right", 5 };

static void expect_answer(void)
{
	assert_int_equal(make(), IMATALLY_OK);
	EVP_Digest(right.data, right.len, enrollment.answer_sha256, NULL,
		   EVP_sha256(), NULL);
}

static void right_answer_enrolls_once(void **state)
{
	(void)state;
	expect_answer();
	assert_int_equal(imatally_enrollment_complete(&enrollment, &right, &err),
			 IMATALLY_OK);
	assert_false(enrollment.is_pending);
	assert_int_equal(imatally_enrollment_complete(&enrollment, &right, &err),
			 IMATALLY_ERR_NOT_AUTHENTIC);
}

static void wrong_answer_is_refused(void **state)
{
	static const struct imatally_bytes wrong[] = {
		{ (uint8_t *)"wrong", 5 }, { (uint8_t *)"right", 4 },
		{ (uint8_t *)"right\0", 6 }, { (uint8_t *)"", 0 },
	};
	size_t i;

	(void)state;
	expect_answer();
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(imatally_enrollment_complete(&enrollment,
							      &wrong[i], &err),
				 IMATALLY_ERR_NOT_AUTHENTIC);
		assert_string_equal(err.text,
				    "the answer is not that to this challenge");
		assert_true(enrollment.is_pending);
	}
}

/* ---- Files */

static void files_keep_everything(void **state)
{
	struct imatally_enrollment parsed;
	struct imatally_request again;
	struct imatally_challenge other;
	struct imatally_bytes answer;
	char *text, *same;
	int i;

	(void)state;
	expect_answer();
	text = imatally_request_format(&request);
	assert_int_equal(imatally_request_parse(&again, text, strlen(text), &err),
			 IMATALLY_OK);
	assert_int_equal(again.ak_public.len, request.ak_public.len);
	assert_memory_equal(again.ak_public.data, request.ak_public.data,
			    again.ak_public.len);
	assert_memory_equal(again.ek_certificate.data,
			    request.ek_certificate.data,
			    again.ek_certificate.len);
	imatally_request_free(&again);
	free(text);

	text = imatally_challenge_format(&challenge);
	assert_int_equal(imatally_challenge_parse(&other, text, strlen(text),
						  &err), IMATALLY_OK);
	assert_memory_equal(other.secret.data, challenge.secret.data,
			    other.secret.len);
	imatally_challenge_free(&other);
	free(text);

	text = imatally_answer_format(&right);
	assert_int_equal(imatally_answer_parse(&answer, text, strlen(text), &err),
			 IMATALLY_OK);
	assert_int_equal(answer.len, right.len);
	assert_memory_equal(answer.data, right.data, right.len);
	free(text);

	for (i = 0; i < 2; i++) {
		text = imatally_enrollment_format(&enrollment);
		assert_int_equal(imatally_enrollment_parse(&parsed,
							   enrollment.is_pending,
							   text, strlen(text),
							   &err), IMATALLY_OK);
		same = imatally_enrollment_format(&parsed);
		assert_string_equal(same, text);
		imatally_enrollment_free(&parsed);
		free(same);
		/* the other kind is refused */
		assert_int_equal(imatally_enrollment_parse(&parsed,
							   !enrollment.is_pending,
							   text, strlen(text),
							   &err),
				 IMATALLY_ERR_MALFORMED);
		free(text);
		imatally_enrollment_complete(&enrollment, &answer, &err);
	}
	free(answer.data);
}

#define HEAD(kind) "{\"format\": \"imatally-enrollment" kind "\", \"version\": 1"

static void malformed_files_are_refused(void **state)
{
	static const struct {
		const char *text, *reason;
	} requests[] = {
		{ "", "the file ends too early" },
		{ "[]", "\"format\" is not" },
		{ "{\"format\": \"imatally-enrollment-request\", \"version\": 2}",
		  "version 2 is not supported" },
		{ HEAD("-answer") "}",
		  "\"format\" is not \"imatally-enrollment-request\"" },
		{ HEAD("-request") "}", "\"ek_certificate\": a string expected" },
		{ HEAD("-request") ", \"ek_certificate\": \"\", \"ak_public\": \"00\"}",
		  "\"ek_certificate\": 1 to 16384 bytes expected" },
		{ HEAD("-request") ", \"ek_certificate\": \"0x\", \"ak_public\": \"00\"}",
		  "\"ek_certificate\": not an even number of hexadecimal digits" },
		{ HEAD("-request") ", \"ek_certificate\": \"00\"}",
		  "\"ak_public\": a string expected" },
		{ HEAD("-request") ", \"ek_certificate\": \"00\", \"ak_public\": \"\"}",
		  "\"ak_public\": 1 to 4096 bytes expected" },
	};
	struct imatally_enrollment parsed;
	struct imatally_request again;
	struct imatally_bytes answer;
	static const char pending[] =
		HEAD("-pending") ", \"answer_sha256\": \"00\"}";
	static const char long_answer[] = HEAD("-answer") ", \"answer\": \""
		"000000000000000000000000000000000000000000000000000000000000000000\"}";
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		const char *text = requests[i].text;

		assert_int_equal(imatally_request_parse(&again, text,
							strlen(text), &err),
				 IMATALLY_ERR_MALFORMED);
		if (!strstr(err.text, requests[i].reason))
			fail_msg("no \"%s\" in: %s", requests[i].reason,
				 err.text);
	}
	assert_int_equal(imatally_enrollment_parse(&parsed, true, pending,
						   strlen(pending), &err),
			 IMATALLY_ERR_MALFORMED);
	assert_string_equal(err.text, "\"answer_sha256\": 32 bytes expected");
	assert_int_equal(imatally_answer_parse(&answer, long_answer,
					       strlen(long_answer), &err),
			 IMATALLY_ERR_MALFORMED);
	assert_string_equal(err.text, "\"answer\": 1 to 32 bytes expected");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_ek_is_challenged),
		TEST(every_kind_of_ak_is_enrolled),
		TEST(enrollment_describes_the_ek),
		TEST(each_challenge_has_a_secret_of_its_own),
		TEST(ek_is_told_from_another_key),
		TEST(ak_that_may_be_elsewhere_is_refused),
		TEST(ak_whose_name_proves_nothing_is_refused),
		TEST(ak_that_is_too_short_is_refused),
		TEST(ak_of_another_type_is_refused),
		TEST(ak_off_its_curve_is_refused),
		TEST(public_area_that_is_cut_or_longer_is_refused),
		TEST(certificate_out_of_time_is_refused),
		TEST(ca_out_of_time_is_refused),
		TEST(certificate_for_something_else_is_refused),
		TEST(chain_without_a_trusted_end_is_refused),
		TEST(ca_that_only_has_the_name_is_refused),
		TEST(certificate_of_its_own_is_refused),
		TEST(owner_of_a_certificate_is_no_ca),
		TEST(sha1_in_the_chain_is_refused),
		TEST(key_outside_of_the_profile_is_refused),
		TEST(certificate_that_is_changed_is_refused),
		TEST(name_in_a_certificate_is_printed_safely),
		TEST(cas_are_read_from_pem),
		TEST(what_is_no_certificate_is_not_trusted),
		TEST(right_answer_enrolls_once),
		TEST(wrong_answer_is_refused),
		TEST(files_keep_everything),
		TEST(malformed_files_are_refused),
	};

	return cmocka_run_group_tests_name("enroll", tests, NULL, NULL);
}
