// SPDX-License-Identifier: GPL-2.0-only
/* Manifests that are valid, and errors for those that are not. */

#include "attester.h"
#include "test.h"

static struct imatally_evidence evidence;
static struct imatally_error err;

static enum imatally_status parse(const char *text, size_t len)
{
	enum imatally_status status;

	status = imatally_evidence_parse(&evidence, text, len, &err);
	if (status)
		assert_null(evidence.pcrs.pcr);
	imatally_evidence_free(&evidence);
	return status;
}

#define HEAD "\"format\": \"imatally-evidence\", \"version\": 1"
#define PCRS "\"pcrs\": {\"sha1\": {\"10\": \"000102030405060708090a0b0c0d0e0f10111213\"}}"
#define QUOTE "\"quote\": {\"attest\": \"ff\", \"signature\": \"00\"}"
#define SIGNED "\"attest\": \"ff\", \"signature\": \"00\""
#define BOOT "\"boot\": {\"pcrs\": {\"0x1234\": {\"0\": \"00\", \"9\": \"11\"}}, " SIGNED "}"
#define EXCHANGE "{\"command\": \"00\", \"response\": \"\"}"

static void the_least_that_is_one(void **state)
{
	static const char *const good[] = {
		"{" HEAD ", " PCRS ", " QUOTE "}",
		"{" HEAD ", " PCRS ", " QUOTE ", \"counter\": {\"hash\": \"sha256\", \"exchanges\": [" EXCHANGE "], " SIGNED "}}",
		"{" HEAD ", " PCRS ", \"counter\": {\"hash\": \"sha256\", \"exchanges\": [" EXCHANGE "], " SIGNED "}}",
		"{" HEAD ", " PCRS ", " QUOTE ", \"of a later minor\": [1]}",
		"{" HEAD ", " PCRS ", " QUOTE ", " BOOT "}",
		"{" HEAD ", " PCRS ", " QUOTE ", \"firmware_log\": {\"sha256\": \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}}",
		"{" HEAD ", \"pcrs\": {\"0x1234\": {\"0\": \"00\", \"23\": \"11\"}}, " QUOTE "}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (parse(good[i], strlen(good[i])))
			fail_msg("%s: %s", good[i], err.text);
}

static void what_is_wrong_is_told(void **state)
{
	static const struct {
		const char *text, *reason;
	} bad[] = {
		{ "", "line 1" },
		{ "[]", "format" },
		{ "{}", "format" },
		{ "{\"format\": 1}", "format" },
		{ "{\"format\": \"something\"}", "format" },
		{ "{\"format\": \"imatally-evidence\"}", "\"version\": an integer" },
		{ "{\"format\": \"imatally-evidence\", \"version\": 2}", "version 2" },
		{ "{\"format\": \"imatally-evidence\", \"version\": 1.0}", "\"version\"" },
		{ "{" HEAD "}", "\"pcrs\": an object" },
		{ "{" HEAD ", " HEAD "}", "duplicate" },
		{ "{" HEAD ", \"a\": \"\xff\"}", "not UTF-8" },
		{ "{" HEAD ", \"a\": \"\\u0000\"}", "a string contains a NUL" },
		{ "{" HEAD ", \"a\": 100000000000000000000}", "number out of range" },
		{ "{" HEAD ", " PCRS ", \"counter\": {\"hash\": \"sha256\", \"exchanges\": 1}}",
		  "\"exchanges\": an array expected" },
		{ "{" HEAD ", \"pcrs\": {}, " QUOTE "}", "\"pcrs\": no PCR values" },
		{ "{" HEAD ", \"pcrs\": {\"md5\": {}}, " QUOTE "}", "\"pcrs\": unknown hash" },
		{ "{" HEAD ", \"pcrs\": {\"sha1\": []}, " QUOTE "}", "an object expected" },
		{ "{" HEAD ", \"pcrs\": {\"sha1\": {\"24\": \"00\"}}, " QUOTE "}", "0 to 23" },
		{ "{" HEAD ", \"pcrs\": {\"sha1\": {\"-1\": \"00\"}}, " QUOTE "}", "0 to 23" },
		{ "{" HEAD ", \"pcrs\": {\"sha1\": {\"\": \"00\"}}, " QUOTE "}", "0 to 23" },
		{ "{" HEAD ", \"pcrs\": {\"sha1\": {\"10x\": \"00\"}}, " QUOTE "}", "0 to 23" },
		{ "{" HEAD ", \"pcrs\": {\"sha1\": {\"10\": 0}}, " QUOTE "}", "PCR 10: a string" },
		{ "{" HEAD ", \"pcrs\": {\"sha1\": {\"10\": \"00\"}}, " QUOTE "}", "PCR 10: not a sha1 digest" },
		{ "{" HEAD ", " PCRS "}", "neither \"quote\" nor \"counter\"" },
		{ "{" HEAD ", " PCRS ", \"quote\": \"ff\"}", "\"quote\": an object" },
		{ "{" HEAD ", " PCRS ", \"quote\": {\"attest\": \"ff\"}}", "\"signature\": a string" },
		{ "{" HEAD ", " PCRS ", \"quote\": {\"attest\": \"f\"}}", "\"attest\": not an even number" },
		{ "{" HEAD ", " PCRS ", \"quote\": {\"attest\": \"fg\"}}", "\"attest\": not an even number" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"no_counter\": 1}", "\"no_counter\": a string" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"boot\": 1}", "\"boot\": an object" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"boot\": {" SIGNED "}}", "\"pcrs\": an object" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"boot\": {" PCRS ", " SIGNED "}}", "\"boot\": PCR index from 0 to 9" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"boot\": {\"pcrs\": {\"0x1234\": {\"0\": \"00\"}}}}", "\"attest\": a string" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"firmware_log\": 1}", "\"firmware_log\": an object" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"firmware_log\": {}}", "\"sha256\": a string" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"firmware_log\": {\"sha256\": \"00\"}}", "not a SHA-256 digest" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"counter\": 1}", "\"counter\": an object" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"counter\": {\"hash\": \"md5\"}}", "\"hash\": unknown hash" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"counter\": {\"hash\": \"sha256\", \"exchanges\": []}}", "1 to 50" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"counter\": {\"hash\": \"sha256\", \"exchanges\": [1]}}", "\"command\"" },
		{ "{" HEAD ", " PCRS ", " QUOTE ", \"counter\": {\"hash\": \"sha256\", \"exchanges\": [" EXCHANGE "]}}", "\"attest\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i].text, strlen(bad[i].text)) !=
		    IMATALLY_ERR_MALFORMED)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(err.text, bad[i].reason))
			fail_msg("%s: no \"%s\" in: %s", bad[i].text,
				 bad[i].reason, err.text);
	}
}

/* The file may be a secret to which somebody has led the verifier. */
static void what_is_no_manifest_is_not_quoted(void **state)
{
	static const char *const secrets[] = {
		"SECRET:$6$salt$hash:19000:0:99999:7:::",
		"{\"SECRET\": 1, \"SECRET\": 2}",
		"{\"format\": \"SECRET\"}",
		"{\"a\": SECRET}",
		"{" HEAD ", \"pcrs\": {\"SECRET\": {}}, " QUOTE "}",
		"{" HEAD ", \"pcrs\": {\"sha1\": {\"SECRET\": \"00\"}}, " QUOTE "}",
		"{" HEAD ", \"pcrs\": {\"sha1\": {\"10\": \"SECRET\"}}, " QUOTE "}",
		"{" HEAD ", " PCRS ", \"quote\": {\"attest\": \"SECRET\"}}",
		"{" HEAD ", " PCRS ", " QUOTE ", \"counter\": {\"hash\": \"SECRET\"}}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(secrets); i++) {
		assert_int_equal(parse(secrets[i], strlen(secrets[i])),
				 IMATALLY_ERR_MALFORMED);
		if (strcasestr(err.text, "SECRET"))
			fail_msg("quoted: %s", err.text);
	}
}

static void the_reason_for_no_counter_is_kept(void **state)
{
	static const struct {
		const char *member;
		enum imatally_no_counter why;
	} reasons[] = {
		{ "", IMATALLY_NO_COUNTER_UNKNOWN },
		{ ", \"no_counter\": \"sessions\"", IMATALLY_NO_COUNTER_SESSIONS },
		{ ", \"no_counter\": \"tpm\"", IMATALLY_NO_COUNTER_TPM },
		{ ", \"no_counter\": \"of a later minor\"", IMATALLY_NO_COUNTER_UNKNOWN },
	};
	char text[512], *again;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		snprintf(text, sizeof(text), "{" HEAD ", " PCRS ", " QUOTE "%s}",
			 reasons[i].member);
		assert_int_equal(imatally_evidence_parse(&evidence, text,
							 strlen(text), &err),
				 IMATALLY_OK);
		assert_int_equal(evidence.no_counter, reasons[i].why);
		again = imatally_evidence_format(&evidence);
		assert_int_equal(!strstr(again, "no_counter"),
				 reasons[i].why == IMATALLY_NO_COUNTER_UNKNOWN);
		free(again);
		imatally_evidence_free(&evidence);
	}
}

static void it_has_no_more_banks_than_a_tpm(void **state)
{
	char text[1024] = "{" HEAD ", " QUOTE ", \"pcrs\": {";
	unsigned int alg;

	(void)state;
	for (alg = 1; alg <= IMATALLY_MAX_BANKS + 1; alg++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len,
			 "%s\"0x%x\": {\"0\": \"00\"}}}", alg > 1 ? ", " : "",
			 0x1000 + alg);
		if (alg <= IMATALLY_MAX_BANKS)
			assert_int_equal(parse(text, strlen(text)), IMATALLY_OK);
		else
			assert_int_equal(parse(text, strlen(text)),
					 IMATALLY_ERR_MALFORMED);
		text[strlen(text) - 2] = '\0';
	}
	assert_string_equal(err.text, "\"pcrs\": PCR 0: values of more than 16 banks: give those of a single TPM");
}

static void cut_anywhere_it_is_none(void **state)
{
	static const char nonce[] = "nonce";
	struct attester tpm;
	struct machine m;
	char *text;
	size_t len;

	(void)state;
	machine_init(&m, 2, NULL);
	machine_boot(&m, true);
	attester_init(&tpm, TPM2_ALG_ECDSA, TPM2_ALG_SHA256);
	attester_attest(&tpm, &m, nonce);
	text = imatally_evidence_format(&tpm.evidence);
	assert_non_null(text);
	assert_int_equal(parse(text, strlen(text)), IMATALLY_OK);
	for (len = strlen(text) - 1; len--;)
		assert_int_equal(parse(text, len), IMATALLY_ERR_MALFORMED);
	free(text);
	attester_free(&tpm);
	machine_free(&m);
}

/* Neither takes memory before it is refused. */
static void it_is_neither_deep_nor_wide(void **state)
{
	static char text[20001];

	(void)state;
	memset(text, '[', 3000);
	assert_int_equal(parse(text, strlen(text)), IMATALLY_ERR_MALFORMED);
	assert_non_null(strstr(err.text, "nested too deeply"));
	memset(text, ',', 20000);
	assert_int_equal(parse(text, strlen(text)), IMATALLY_ERR_MALFORMED);
	assert_string_equal(err.text, "more than 10000 values");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_that_is_one),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(what_is_no_manifest_is_not_quoted),
		cmocka_unit_test(the_reason_for_no_counter_is_kept),
		cmocka_unit_test(it_has_no_more_banks_than_a_tpm),
		cmocka_unit_test(cut_anywhere_it_is_none),
		cmocka_unit_test(it_is_neither_deep_nor_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
