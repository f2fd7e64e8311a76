// SPDX-License-Identifier: GPL-2.0-only
/* Evidence that is authentic, and all kinds that are not. */

#include "attester.h"
#include "test.h"

#define NONCE "from the verifier"

static struct machine m;
static struct attester tpm;
static struct imatally_ak *ak;
static struct imatally_attested attested;
static struct imatally_error err;

static int setup(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	machine_boot(&m, true);
	machine_measure(&m, 3);
	attester_init(&tpm, TPM2_ALG_ECDSA, TPM2_ALG_SHA256);
	attester_attest(&tpm, &m, NONCE);
	ak = attester_ak(&tpm);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	imatally_ak_free(ak);
	attester_free(&tpm);
	machine_free(&m);
	return 0;
}

static enum imatally_status check_with(const char *nonce)
{
	return imatally_evidence_check(&tpm.evidence, ak,
				       (const uint8_t *)nonce,
				       nonce ? strlen(nonce) : 0, &attested,
				       &err);
}

/* It was changed before the TPM signed it. */
static void expect_refusal_of_signed(const char *reason)
{
	attester_sign(&tpm);
	assert_int_equal(check_with(NONCE), IMATALLY_ERR_NOT_AUTHENTIC);
	if (!strstr(err.text, reason))
		fail_msg("no \"%s\" in: %s", reason, err.text);
}

/* It was changed after the TPM signed it. */
static void expect_refusal(const char *reason)
{
	assert_int_equal(check_with(NONCE), IMATALLY_ERR_NOT_AUTHENTIC);
	if (!strstr(err.text, reason))
		fail_msg("no \"%s\" in: %s", reason, err.text);
}

static void every_kind_of_key_verifies(void **state)
{
	static const struct {
		uint16_t scheme, hash;
	} kinds[] = {
		{ TPM2_ALG_RSASSA, TPM2_ALG_SHA256 },
		{ TPM2_ALG_RSAPSS, TPM2_ALG_SHA256 },
		{ TPM2_ALG_RSAPSS, TPM2_ALG_SHA384 },
		{ TPM2_ALG_ECDSA, TPM2_ALG_SHA256 },
		{ TPM2_ALG_ECDSA, TPM2_ALG_SHA384 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		teardown(state);
		machine_init(&m, 2, NULL);
		machine_boot(&m, true);
		attester_init(&tpm, kinds[i].scheme, kinds[i].hash);
		attester_attest(&tpm, &m, NONCE);
		ak = attester_ak(&tpm);
		assert_int_equal(check_with(NONCE), IMATALLY_OK);
		assert_true(attested.has_counter);
		assert_int_equal(attested.counter, m.counter);
		assert_int_equal(attested.clock.clock, 1000000);
		assert_int_equal(attested.clock.reset, 5);
		assert_int_equal(attested.clock.restart, 1);
	}
}

static void a_manifest_keeps_everything(void **state)
{
	char *text = imatally_evidence_format(&tpm.evidence), *again;
	struct imatally_evidence parsed;

	(void)state;
	assert_non_null(text);
	assert_int_equal(imatally_evidence_parse(&parsed, text, strlen(text),
						 &err), IMATALLY_OK);
	imatally_evidence_free(&tpm.evidence);
	tpm.evidence = parsed;
	assert_int_equal(check_with(NONCE), IMATALLY_OK);
	assert_int_equal(attested.counter, m.counter);
	again = imatally_evidence_format(&parsed);
	assert_string_equal(again, text);
	free(again);
	free(text);
}

static void the_counter_may_be_absent(void **state)
{
	(void)state;
	imatally_evidence_drop_counter(&tpm.evidence);
	assert_int_equal(check_with(NONCE), IMATALLY_OK);
	assert_false(attested.has_counter);
}

static void the_quote_may_be_absent(void **state)
{
	(void)state;
	imatally_evidence_drop_quote(&tpm.evidence);
	assert_int_equal(check_with(NONCE), IMATALLY_OK);
	assert_int_equal(attested.counter, m.counter);
	assert_int_equal(attested.clock.clock, 1000000);
	tpm.evidence.pcrs.pcr[1].bank.value[0] ^= 1;
	expect_refusal("the attested counter: the value of PCR 10 in bank sha256 differs");
	tpm.evidence.pcrs.pcr[1].bank.value[0] ^= 1;
	assert_int_equal(check_with("another one"), IMATALLY_ERR_NOT_AUTHENTIC);

	imatally_evidence_drop_counter(&tpm.evidence);
	expect_refusal("they are not signed");
}

static void another_nonce(void **state)
{
	(void)state;
	assert_int_equal(check_with("from the verifieR"),
			 IMATALLY_ERR_NOT_AUTHENTIC);
	assert_non_null(strstr(err.text, "nonce"));
	/* "from the verifier" in hexadecimal, which it answers instead */
	assert_non_null(strstr(err.text, "66726f6d20746865207665726966696572"));
	assert_int_equal(check_with("from the"),
			 IMATALLY_ERR_NOT_AUTHENTIC);
	assert_int_equal(check_with("from the verifier "),
			 IMATALLY_ERR_NOT_AUTHENTIC);
	assert_int_equal(check_with(""), IMATALLY_ERR_NOT_AUTHENTIC);
	assert_int_equal(check_with(NULL), IMATALLY_OK);
}

static void another_ak(void **state)
{
	static const uint16_t schemes[] = { TPM2_ALG_ECDSA, TPM2_ALG_RSASSA };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(schemes); i++) {
		struct attester other;

		imatally_ak_free(ak);
		attester_init(&other, schemes[i], TPM2_ALG_SHA256);
		ak = attester_ak(&other);
		expect_refusal("not by this AK");
		attester_free(&other);
	}
}

static void flip_each_bit(struct imatally_bytes *bytes)
{
	size_t i;

	for (i = 0; i < bytes->len * 8; i++) {
		bytes->data[i / 8] ^= 1 << i % 8;
		if (check_with(NONCE) != IMATALLY_ERR_NOT_AUTHENTIC)
			fail_msg("bit %zu of %zu bytes was not noticed", i,
				 bytes->len);
		bytes->data[i / 8] ^= 1 << i % 8;
	}
}

static void cut_each_byte(struct imatally_bytes *bytes)
{
	size_t len = bytes->len;

	while (bytes->len--)
		assert_int_equal(check_with(NONCE), IMATALLY_ERR_NOT_AUTHENTIC);
	bytes->len = len;
}

static void every_bit_counts(void **state)
{
	struct imatally_evidence *ev = &tpm.evidence;
	struct imatally_bytes *const all[] = {
		&ev->quote.attest, &ev->quote.signature,
		&ev->audit.attest, &ev->audit.signature,
		&ev->exchange[0].command, &ev->exchange[0].response,
		&ev->exchange[1].command, &ev->exchange[1].response,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		flip_each_bit(all[i]);
		cut_each_byte(all[i]);
	}
	assert_int_equal(check_with(NONCE), IMATALLY_OK);
}

static void every_pcr_value_counts(void **state)
{
	struct imatally_pcrs *pcrs = &tpm.evidence.pcrs;
	size_t i;

	(void)state;
	for (i = 0; i < pcrs->nr; i++) {
		struct imatally_pcr *pcr = &pcrs->pcr[i];

		pcr->bank.value[pcr->bank.len - 1] ^= 1;
		expect_refusal("the PCR values are not the quoted ones");
		pcr->bank.value[pcr->bank.len - 1] ^= 1;
		pcr->index = 11;
		expect_refusal("the evidence has no value of it");
		pcr->index = 10;
		pcr->bank.alg ^= 0x100;
		expect_refusal("the evidence has no value of it");
		pcr->bank.alg ^= 0x100;
	}
	pcrs->nr--;
	expect_refusal("the evidence has no value of it");
}

static void a_value_that_is_not_quoted(void **state)
{
	TPML_PCR_SELECTION *selection = &tpm.quote.attested.quote.pcrSelect;
	struct imatally_pcrs *pcrs = &tpm.evidence.pcrs;

	(void)state;
	attester_read(&tpm, &m, NONCE);
	selection->count = 1;
	pcrs->nr = 1;
	attester_quote(&tpm);
	pcrs->nr = 2;
	expect_refusal_of_signed("it covers 1 of 2 PCR values");
}

/* A TPM quotes a bank twice if requested. */
static void a_bank_quoted_twice_stands_for_no_other(void **state)
{
	TPML_PCR_SELECTION *selection = &tpm.quote.attested.quote.pcrSelect;
	struct imatally_pcr *pcr, saved;

	(void)state;
	attester_read(&tpm, &m, NONCE);
	pcr = tpm.evidence.pcrs.pcr;
	saved = pcr[1];
	selection->pcrSelections[1] = selection->pcrSelections[0];
	pcr[1] = pcr[0];
	attester_quote(&tpm);
	pcr[1] = saved;
	pcr[1].bank.value[0] ^= 1;
	expect_refusal_of_signed("twice");
}

static void something_else_that_was_signed(void **state)
{
	struct imatally_attestation quote;

	(void)state;
	quote = tpm.evidence.quote;
	tpm.evidence.quote = tpm.evidence.audit;
	tpm.evidence.audit = quote;
	expect_refusal("the quote: it is another attestation structure (type 0x8016)");
	tpm.evidence.audit = tpm.evidence.quote;
	tpm.evidence.quote = quote;

	quote = tpm.evidence.audit;
	tpm.evidence.audit = tpm.evidence.quote;
	expect_refusal("the attested counter: it is another attestation structure (type 0x8018)");
	tpm.evidence.audit = quote;
}

static void a_key_that_is_not_restricted(void **state)
{
	(void)state;
	attester_read(&tpm, &m, NONCE);
	tpm.quote.magic = 0x12345678;
	attester_sign(&tpm);
	/* libtss2-mu refuses to marshal or unmarshal it */
	assert_int_equal(check_with(NONCE), IMATALLY_ERR_NOT_AUTHENTIC);
	assert_non_null(strstr(err.text, "not created by a TPM"));
}

static void a_sha1_signature_is_refused(void **state)
{
	(void)state;
	tpm.hash = TPM2_ALG_SHA1;
	attester_read(&tpm, &m, NONCE);
	expect_refusal_of_signed("not trusted (0x0004)");
}

static void a_counter_for_another_nonce(void **state)
{
	(void)state;
	attester_read(&tpm, &m, NONCE);
	tpm.audit.extraData.buffer[0] ^= 1;
	expect_refusal_of_signed("the attested counter: wrong nonce");
}

/* What booted, in a quote of its own */

static void what_booted_may_be_absent(void **state)
{
	(void)state;
	assert_int_equal(tpm.evidence.boot_pcrs.nr, 20);
	imatally_evidence_drop_boot(&tpm.evidence);
	assert_int_equal(check_with(NONCE), IMATALLY_OK);
}

static void what_booted_does_not_depend_on_the_other_quote(void **state)
{
	(void)state;
	imatally_evidence_drop_quote(&tpm.evidence);
	assert_int_equal(check_with(NONCE), IMATALLY_OK);
	tpm.evidence.boot_pcrs.pcr[3].bank.value[0] ^= 1;
	expect_refusal("the quote of PCRs 0 to 9: the PCR values are not the quoted ones");
}

static void every_value_of_what_booted_counts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < tpm.evidence.boot_pcrs.nr; i++) {
		tpm.evidence.boot_pcrs.pcr[i].bank.value[1] ^= 1;
		expect_refusal("the quote of PCRs 0 to 9: the PCR values");
		tpm.evidence.boot_pcrs.pcr[i].bank.value[1] ^= 1;
	}
	tpm.evidence.boot_pcrs.nr--;
	expect_refusal("or the evidence has no value of it");
	tpm.evidence.boot_pcrs.nr++;
	tpm.boot.attested.quote.pcrSelect.count--;
	expect_refusal_of_signed("it covers 10 of 20 PCR values");
}

static void what_booted_for_another_nonce(void **state)
{
	(void)state;
	attester_read(&tpm, &m, NONCE);
	tpm.boot.extraData.buffer[0] ^= 1;
	expect_refusal_of_signed("the quote of PCRs 0 to 9: wrong nonce");
	/* also if any nonce will do */
	assert_int_equal(check_with(NULL), IMATALLY_ERR_NOT_AUTHENTIC);
}

static void what_booted_at_another_time(void **state)
{
	(void)state;
	attester_read(&tpm, &m, NONCE);
	tpm.boot.clockInfo.resetCount--;
	expect_refusal_of_signed("the quote of PCRs 0 to 9: it is not from the same boot");
	attester_read(&tpm, &m, NONCE);
	tpm.boot.clockInfo.restartCount++;
	expect_refusal_of_signed("the quote of PCRs 0 to 9: it is not from the same boot");
}

static void what_booted_signed_by_another_ak(void **state)
{
	struct attester other;

	(void)state;
	attester_init(&other, TPM2_ALG_ECDSA, TPM2_ALG_SHA256);
	attester_attest(&other, &m, NONCE);
	imatally_evidence_drop_boot(&tpm.evidence);
	tpm.evidence.boot_pcrs = other.evidence.boot_pcrs;
	tpm.evidence.boot_quote = other.evidence.boot_quote;
	memset(&other.evidence.boot_pcrs, 0, sizeof(other.evidence.boot_pcrs));
	memset(&other.evidence.boot_quote, 0, sizeof(other.evidence.boot_quote));
	attester_free(&other);
	expect_refusal("the quote of PCRs 0 to 9: ");
}

static void something_else_signed_as_what_booted(void **state)
{
	(void)state;
	attester_read(&tpm, &m, NONCE);
	tpm.boot.type = TPM2_ST_ATTEST_SESSION_AUDIT;
	expect_refusal_of_signed("the quote of PCRs 0 to 9: it is another attestation structure");
}

/* The TPM signs the digest of an old session with a new nonce. */
static void a_counter_that_was_read_before(void **state)
{
	struct attester old = tpm;
	struct imatally_bytes *command;

	(void)state;
	memset(&old.evidence, 0, sizeof(old.evidence));
	attester_read(&tpm, &m, NONCE);
	attester_read(&old, &m, "from another time");
	imatally_evidence_free(&tpm.evidence);
	tpm.evidence = old.evidence;
	tpm.audit.attested = old.audit.attested;
	expect_refusal_of_signed("did not start with the nonce");

	/* a read without it is not enough either */
	attester_read(&tpm, &m, NONCE);
	command = &tpm.evidence.exchange[0].command;
	command->data[3] ^= 1;
	attester_audit(&tpm);
	expect_refusal_of_signed("did not start with the nonce");
}

static void a_counter_of_another_boot(void **state)
{
	(void)state;
	attester_read(&tpm, &m, NONCE);
	tpm.audit.clockInfo.resetCount++;
	expect_refusal_of_signed("not from the same boot as the values of the IMA PCR");
	attester_read(&tpm, &m, NONCE);
	tpm.audit.clockInfo.restartCount--;
	expect_refusal_of_signed("not from the same boot as the values of the IMA PCR");
}

static void a_counter_read_with_other_values(void **state)
{
	struct imatally_bytes *response;

	(void)state;
	attester_read(&tpm, &m, NONCE);
	response = &tpm.evidence.exchange[1].response;
	response->data[response->len - 1] ^= 1;
	attester_audit(&tpm);
	expect_refusal_of_signed("the attested counter: the value of PCR 10 in bank sha256 differs");

	attester_read(&tpm, &m, NONCE);
	response = &tpm.evidence.exchange[1].response;
	response->len -= 34;		/* one digest less than selected */
	response->data[8 + 4 + 16 + 3] = 1;
	attester_audit(&tpm);
	expect_refusal_of_signed("sha256 differs");

	attester_read(&tpm, &m, NONCE);
	response = &tpm.evidence.exchange[1].response;
	response->data = realloc(response->data, response->len + 2);
	memset(response->data + response->len, 0, 2);
	response->len += 2;		/* an additional empty one */
	response->data[8 + 4 + 16 + 3] = 3;
	attester_audit(&tpm);
	expect_refusal_of_signed("more values than it selects");
}

static void another_command_in_the_session(void **state)
{
	struct imatally_exchange *exchange;

	(void)state;
	attester_read(&tpm, &m, NONCE);
	exchange = &tpm.evidence.exchange[1];
	exchange->command.data[3] ^= 1;
	exchange->response.data[7] ^= 1;
	attester_audit(&tpm);
	expect_refusal_of_signed("something other than TPM2_PCR_Read");

	/* a command that failed */
	attester_read(&tpm, &m, NONCE);
	tpm.evidence.exchange[1].response.data[3] = 1;
	attester_audit(&tpm);
	expect_refusal_of_signed("something other than TPM2_PCR_Read");

	/* no read */
	attester_read(&tpm, &m, NONCE);
	exchange = &tpm.evidence.exchange[1];
	tpm.evidence.nr_exchanges = 1;
	free(exchange->command.data);
	free(exchange->response.data);
	attester_audit(&tpm);
	expect_refusal_of_signed("it covers 0 of 2 PCR values");
}

/* A TPM that returns one value at a time. */
static void read_in_two(uint32_t counter_moves)
{
	struct imatally_exchange *exchange;
	struct machine half = m;
	struct attester other = tpm;
	unsigned int i;

	attester_read(&tpm, &m, NONCE);
	exchange = calloc(3, sizeof(*exchange));
	exchange[0] = tpm.evidence.exchange[0];
	half.nr_banks = 1;
	for (i = 0; i < 2; i++) {
		memset(&other.evidence, 0, sizeof(other.evidence));
		half.bank[0] = m.bank[i];
		half.counter = m.counter + i * counter_moves;
		attester_read(&other, &half, NONCE);
		exchange[1 + i] = other.evidence.exchange[1];
		memset(&other.evidence.exchange[1], 0, sizeof(*exchange));
		imatally_evidence_free(&other.evidence);
	}
	free(tpm.evidence.exchange[1].command.data);
	free(tpm.evidence.exchange[1].response.data);
	free(tpm.evidence.exchange);
	tpm.evidence.exchange = exchange;
	tpm.evidence.nr_exchanges = 3;
	attester_audit(&tpm);
}

static void a_read_may_take_several_commands(void **state)
{
	(void)state;
	read_in_two(0);
	attester_sign(&tpm);
	assert_int_equal(check_with(NONCE), IMATALLY_OK);
	assert_int_equal(attested.counter, m.counter);

	read_in_two(1);
	expect_refusal_of_signed("PCRs were updated between the reads");
}

static void an_audit_session_of_sha1_is_refused(void **state)
{
	(void)state;
	tpm.evidence.audit_alg = TPM2_ALG_SHA1;
	attester_audit(&tpm);
	expect_refusal_of_signed("the attested counter: the hash algorithm of the session is not trusted (0x0004)");
}

/* Time */

static void follows(struct imatally_attested before,
		    struct imatally_attested now, const char *reason,
		    bool reboot)
{
	bool rebooted;

	if (reason) {
		assert_int_equal(imatally_attested_follows(&now, &before,
							   &rebooted, &err),
				 IMATALLY_ERR_NOT_AUTHENTIC);
		if (!strstr(err.text, reason))
			fail_msg("no \"%s\" in: %s", reason, err.text);
		return;
	}
	assert_int_equal(imatally_attested_follows(&now, &before, &rebooted,
						   &err), IMATALLY_OK);
	assert_int_equal(rebooted, reboot);
}

static struct imatally_attested at(uint64_t clock, uint32_t reset,
				   uint32_t restart, bool safe,
				   uint32_t counter)
{
	return (struct imatally_attested){
		.clock = { clock, reset, restart, safe },
		.has_counter = counter, .counter = counter,
	};
}

static void time_does_not_go_back(void **state)
{
	const struct imatally_attested before = at(1000, 5, 2, true, 100);

	(void)state;
	follows(before, at(2000, 5, 2, true, 200), NULL, false);
	follows(before, at(2000, 5, 2, true, 99), "pcrUpdateCounter decreased by 1", false);
	follows(before, at(2000, 5, 2, true, 0), NULL, false);
	follows(before, at(999, 5, 2, true, 200), "clock went back by 1 ms", false);
	follows(before, at(999, 5, 2, false, 200), "clock went back by 1 ms", false);
	follows(before, at(2000, 4, 3, true, 200), "resetCount decreased by 1", false);
	follows(before, at(2000, 5, 1, true, 200), "restartCount decreased by 1", false);
	/* suspended, rebooted: only a reset restarts the counter */
	follows(before, at(2000, 5, 3, true, 200), NULL, true);
	follows(before, at(2000, 5, 3, true, 20), "pcrUpdateCounter decreased", true);
	follows(before, at(2000, 6, 0, true, 20), NULL, true);
	/* after a power loss, the clock may go back, and says so */
	follows(before, at(999, 6, 0, false, 20), NULL, true);
	follows(before, at(999, 6, 0, true, 20), "clock went back", true);
	/* obfuscated counts wrap */
	follows(at(1000, UINT32_MAX, UINT32_MAX, true, 9),
		at(2000, UINT32_MAX, 0, true, 9), NULL, true);
	follows(at(1000, UINT32_MAX, 7, true, 9), at(2000, 0, 7, true, 9), NULL,
		true);
	follows(at(1000, 0, 7, true, 9), at(2000, UINT32_MAX, 7, true, 9),
		"resetCount decreased by 1", true);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_key_verifies),
		TEST(a_manifest_keeps_everything),
		TEST(the_counter_may_be_absent),
		TEST(the_quote_may_be_absent),
		TEST(another_nonce),
		TEST(another_ak),
		TEST(every_bit_counts),
		TEST(every_pcr_value_counts),
		TEST(a_value_that_is_not_quoted),
		TEST(a_bank_quoted_twice_stands_for_no_other),
		TEST(something_else_that_was_signed),
		TEST(a_key_that_is_not_restricted),
		TEST(a_sha1_signature_is_refused),
		TEST(what_booted_may_be_absent),
		TEST(what_booted_does_not_depend_on_the_other_quote),
		TEST(every_value_of_what_booted_counts),
		TEST(what_booted_for_another_nonce),
		TEST(what_booted_at_another_time),
		TEST(what_booted_signed_by_another_ak),
		TEST(something_else_signed_as_what_booted),
		TEST(a_counter_for_another_nonce),
		TEST(a_counter_that_was_read_before),
		TEST(a_counter_of_another_boot),
		TEST(a_counter_read_with_other_values),
		TEST(another_command_in_the_session),
		TEST(a_read_may_take_several_commands),
		TEST(an_audit_session_of_sha1_is_refused),
		cmocka_unit_test(time_does_not_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
