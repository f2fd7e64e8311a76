// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory: the first allocation fails, then the second, and so on until
 * none fails in a run.  The library must report it each time, and not leak
 * memory (which sanitizers detect) or give a verdict.
 *
 * The same is repeated with allocations of libcrypto and jansson, which do not
 * always report the reason: jansson may report an invalid token, and a signature
 * that cannot be verified is reported as invalid.  But a list must not be judged
 * differently.
 */

#include <openssl/crypto.h>
#include <jansson.h>

#include "attester.h"
#include "enroller.h"
#include "test.h"

#define VECTOR "vectors/two-kernels/"

void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *p, size_t size);

static unsigned long countdown;	/* until the allocation that fails; 0 for none */
static bool others_too, failed;

static bool fails(void)
{
	if (!countdown || --countdown)
		return false;
	failed = true;
	return true;
}

/* Called instead of malloc() etc. because of --wrap */
void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fails() ? NULL : __real_calloc(nr, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

static void *jansson_malloc(size_t size)
{
	return others_too && fails() ? NULL : __real_malloc(size);
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return others_too && fails() ? NULL : __real_malloc(size);
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return others_too && fails() ? NULL : __real_realloc(p, size);
}

static void crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Something to run, and its status */
typedef enum imatally_status (*job)(void);

/* A bank that EVP computes, and whose value does not match */
#define ANOTHER_BANK "  sha3_256:\n    10: 0x" \
	"1111111111111111111111111111111111111111111111111111111111111111\n"

static char list[8192], pcr_text[8192];
static size_t list_len, pcr_len;
static struct machine m;
static struct attester tpm;
static struct imatally_ak *ak;
static char *manifest;
static struct imatally_request request;
static struct imatally_bytes ca_der;

static size_t slurp(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	assert_non_null(file);
	len = fread(buf, 1, size, file);
	fclose(file);
	return len;
}

static void ask_for_enrollment(void)
{
	const struct certificate what = {
		.subject = "a TPM", .usage = EK_USAGE, .from = -60, .until = 3600,
	};
	struct ca ca;
	EVP_PKEY *key = make_key("EC", 256);
	TPMT_PUBLIC area;

	ca_init(&ca, "the root", NULL);
	public_area(&area, key);
	keep_public(&request.ak_public, &area);
	keep_der(&request.ek_certificate, make_certificate(&what, key, &ca));
	X509_up_ref(ca.certificate);
	keep_der(&ca_der, ca.certificate);
	EVP_PKEY_free(key);
	ca_free(&ca);
}

static int setup(void **state)
{
	(void)state;
	ask_for_enrollment();
	list_len = slurp(VECTOR "list", list, sizeof(list));
	pcr_len = slurp(VECTOR "pcrs", pcr_text, sizeof(pcr_text));
	machine_init(&m, 2, NULL);
	machine_boot(&m, true);
	attester_init(&tpm, TPM2_ALG_ECDSA, TPM2_ALG_SHA256);
	attester_attest(&tpm, &m, "nonce");
	ak = attester_ak(&tpm);
	manifest = imatally_evidence_format(&tpm.evidence);
	return !manifest;
}

static int teardown(void **state)
{
	(void)state;
	imatally_request_free(&request);
	free(ca_der.data);
	free(manifest);
	imatally_ak_free(ak);
	attester_free(&tpm);
	machine_free(&m);
	return 0;
}

static void each_allocation_fails(job run, bool with_others)
{
	unsigned long n = 0;

	/* allocate what is kept for all runs */
	assert_int_equal(run(), IMATALLY_OK);
	others_too = with_others;
	do {
		enum imatally_status status;

		countdown = ++n;
		failed = false;
		status = run();
		countdown = 0;
		if (failed && !with_others && status != IMATALLY_ERR_NOMEM)
			fail_msg("allocation %lu fails: status %d", n, status);
		if (!failed && status != IMATALLY_OK)
			fail_msg("no allocation fails: status %d", status);
	} while (failed);
	others_too = false;
	print_message("%lu allocations\n", n - 1);
}

static enum imatally_status parse_pcrs(struct imatally_pcrs *pcrs,
				       struct imatally_error *err)
{
	return imatally_pcrs_add_pcrread(pcrs, pcr_text, pcr_len, err);
}

static enum imatally_status read_pcrs(void)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	enum imatally_status status = parse_pcrs(&pcrs, &err);

	imatally_pcrs_free(&pcrs);
	return status;
}

/*
 * Verify @log, which may be NULL, with the PCR values of the vector, and close
 * it.
 */
static enum imatally_status verify(struct imatally_log *log,
				   struct imatally_result *result)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	enum imatally_status status;

	if (!log)
		return IMATALLY_ERR_NOMEM;
	status = parse_pcrs(&pcrs, &err);
	if (!status)
		status = imatally_verify(log, &pcrs, result, &err);
	imatally_pcrs_free(&pcrs);
	imatally_log_close(log);
	return status;
}

static enum imatally_status judge(struct imatally_log *log)
{
	struct imatally_result result;
	enum imatally_status status = verify(log, &result);

	if (!status) {
		assert_int_equal(result.verdict, IMATALLY_COMPLETE);
		assert_int_equal(result.entries, 25);
		assert_int_equal(result.nr_intervals, 7);
		assert_false(result.has_findings);
		imatally_result_free(&result);
	}
	return status;
}

static enum imatally_status verify_buffer(void)
{
	return judge(imatally_log_open_buffer(list, list_len));
}

static enum imatally_status verify_file(void)
{
	FILE *file = fmemopen(list, list_len, "rb");
	enum imatally_status status = judge(imatally_log_open_file(file));

	fclose(file);
	return status;
}

/* libcrypto is not to seem to lack the algorithm of the bank that differs */
static enum imatally_status verify_another_bank(void)
{
	struct imatally_result result;
	enum imatally_status status;
	size_t len = pcr_len;

	memcpy(pcr_text + len, ANOTHER_BANK, sizeof(ANOTHER_BANK));
	pcr_len += strlen(ANOTHER_BANK);
	status = verify(imatally_log_open_buffer(list, list_len), &result);
	pcr_len = len;
	if (!status) {
		assert_int_equal(result.verdict, IMATALLY_MISMATCH);
		imatally_result_free(&result);
	}
	return status;
}

/* An entry that is larger than the window */
static enum imatally_status read_large_entry(void)
{
	static char big[300000];
	struct imatally_error err;
	struct imatally_entry entry;
	enum imatally_status status = IMATALLY_OK;
	struct imatally_log *log;
	FILE *file;

	memcpy(big, "\x0a\0\0\0digestdigestdigestdi\x04\0\0\0n-ng", 32);
	memcpy(big + 32, "\xbc\x93\x04\0\xb8\x93\x04\0", 8);
	file = fmemopen(big, sizeof(big), "rb");
	log = imatally_log_open_file(file);
	if (!log)
		status = IMATALLY_ERR_NOMEM;
	else if (imatally_log_next(log, &entry, &err) < 0)
		status = err.status;
	imatally_log_close(log);
	fclose(file);
	return status;
}

/* A list that does not match and has no explanation */
static enum imatally_status verify_what_was_altered(void)
{
	struct imatally_result result;
	enum imatally_status status;
	static char copy[8192];

	memcpy(copy, list, list_len);
	copy[4] ^= 1;
	memcpy(memmem(copy, list_len, "/ramfs/one", 10), "/ramfs/two", 10);
	status = verify(imatally_log_open_buffer(copy, list_len), &result);
	if (!status) {
		assert_int_equal(result.verdict, IMATALLY_MISMATCH);
		imatally_result_free(&result);
	}
	return status;
}

static enum imatally_status parse_evidence(void)
{
	struct imatally_evidence evidence;
	struct imatally_error err;
	enum imatally_status status = imatally_evidence_parse(
		&evidence, manifest, strlen(manifest), &err);

	/* after an error, it is empty and may be freed */
	imatally_evidence_free(&evidence);
	return status;
}

static enum imatally_status format_evidence(void)
{
	char *text = imatally_evidence_format(&tpm.evidence);

	if (!text)
		return IMATALLY_ERR_NOMEM;
	/* jansson 2.14 may omit a part of a string, which makes it invalid */
	if (!others_too)
		assert_string_equal(text, manifest);
	free(text);
	return IMATALLY_OK;
}

static enum imatally_status check_evidence(void)
{
	struct imatally_attested attested;
	struct imatally_error err;

	return imatally_evidence_check(&tpm.evidence, ak,
				       (const uint8_t *)"nonce", 5, &attested,
				       &err);
}

/* From the request to the enrollment that is read again */
static enum imatally_status enroll(void)
{
	struct imatally_enrollment enrollment = { 0 }, again = { 0 };
	struct imatally_trust *trust = imatally_trust_new();
	struct imatally_challenge challenge = { 0 };
	struct imatally_error err;
	enum imatally_status status = IMATALLY_ERR_NOMEM;
	char *text = NULL;

	if (trust)
		status = imatally_trust_add(trust, ca_der.data, ca_der.len, &err);
	if (!status)
		status = imatally_challenge_make(&request, trust, &challenge,
						 &enrollment, &err);
	if (!status) {
		text = imatally_enrollment_format(&enrollment);
		status = text ? imatally_enrollment_parse(&again, true, text,
							  strlen(text), &err) :
				IMATALLY_ERR_NOMEM;
	}
	if (!status)
		assert_string_equal(again.ak, enrollment.ak);
	free(text);
	imatally_enrollment_free(&again);
	imatally_enrollment_free(&enrollment);
	imatally_challenge_free(&challenge);
	imatally_trust_free(trust);
	return status;
}

static void the_library_says_so(void **state)
{
	(void)state;
	each_allocation_fails(read_pcrs, false);
	each_allocation_fails(verify_buffer, false);
	each_allocation_fails(verify_file, false);
	each_allocation_fails(verify_another_bank, false);
	each_allocation_fails(read_large_entry, false);
	each_allocation_fails(verify_what_was_altered, false);
	each_allocation_fails(parse_evidence, false);
	each_allocation_fails(format_evidence, false);
	each_allocation_fails(check_evidence, false);
	each_allocation_fails(enroll, false);
}

static void no_wrong_answer_comes_of_it_elsewhere(void **state)
{
	(void)state;
	each_allocation_fails(verify_buffer, true);
	each_allocation_fails(verify_another_bank, true);
	each_allocation_fails(verify_what_was_altered, true);
	each_allocation_fails(parse_evidence, true);
	each_allocation_fails(format_evidence, true);
	each_allocation_fails(check_evidence, true);
	/* not enroll(): OpenSSL 3.0 crashes in EVP_KDF_CTX_new() */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_says_so),
		cmocka_unit_test(no_wrong_answer_comes_of_it_elsewhere),
	};

	if (!CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc,
				      crypto_free))
		return 1;
	json_set_alloc_funcs(jansson_malloc, free);
	return cmocka_run_group_tests_name("nomem", tests, setup, teardown);
}
