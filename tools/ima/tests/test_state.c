// SPDX-License-Identifier: GPL-2.0-only
/* With states, verifying in steps gives the same verdict as at once. */

#include <openssl/evp.h>

#include "mklog.h"
#include "test.h"

static struct machine m;
static struct imatally_result whole, result;
static char *state;		/* after the last step, or NULL */
static const char *values;	/* PCR values, if not those of the machine */

static struct imatally_pcrs machine_values(void)
{
	struct imatally_pcrs pcrs = { 0 };
	char *pcrread = values ? strdup(values) : machine_pcrread(&m);
	struct imatally_error err;

	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, pcrread,
						   strlen(pcrread), &err),
			 IMATALLY_OK);
	free(pcrread);
	return pcrs;
}

/* Verify the current list and PCRs, from the state on if there is one. */
static void step(void)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	struct imatally_pcrs pcrs = machine_values();
	struct imatally_verifier *v = imatally_verifier_new(&pcrs);
	struct imatally_error err;
	const char *kept;
	size_t len;

	imatally_verifier_keep_state(v);
	if (state)
		assert_int_equal(imatally_verifier_set_state(v, state,
							     strlen(state),
							     &err),
				 IMATALLY_OK);
	imatally_result_free(&result);
	if (imatally_verifier_run(v, log, &result, &err))
		fail_msg("entry %u: %s", (unsigned int)err.entry, err.text);
	kept = imatally_verifier_state(v, &len);
	free(state);
	state = kept ? strndup(kept, len) : NULL;
	imatally_verifier_free(v);
	imatally_log_close(log);

	log = imatally_log_open_buffer(m.log, m.len);
	imatally_result_free(&whole);
	assert_int_equal(imatally_verify(log, &pcrs, &whole, &err), IMATALLY_OK);
	imatally_log_close(log);
	imatally_pcrs_free(&pcrs);
}

/*
 * Compare everything except earlier intervals and the entries that were read.
 */
static void expect_as_whole(void)
{
	const struct imatally_interval *last, *other;
	size_t i;

	assert_int_equal(result.verdict, whole.verdict);
	assert_int_equal(result.entries, whole.entries);
	assert_int_equal(result.records, whole.records);
	assert_int_equal(result.kernels, whole.kernels);
	assert_int_equal(result.lost, whole.lost);
	assert_int_equal(result.trimmed, whole.trimmed);
	assert_int_equal(result.dropped, whole.dropped);
	assert_int_equal(result.failed, whole.failed);
	assert_int_equal(result.by_counter, whole.by_counter);
	assert_int_equal(result.at_most, whole.at_most);
	assert_int_equal(result.tail, whole.tail);
	assert_int_equal(result.restarted, whole.restarted);
	assert_int_equal(result.has_findings, whole.has_findings);
	assert_int_equal(result.nr_findings, whole.nr_findings);
	for (i = 0; i < whole.nr_findings; i++) {
		const struct imatally_finding *a = &result.finding[i];
		const struct imatally_finding *b = &whole.finding[i];

		assert_int_equal(a->kind, b->kind);
		assert_int_equal(a->severity, b->severity);
		/* values in between show it earlier */
		if (a->kind == IMATALLY_PADDED)
			continue;
		assert_int_equal(a->from.place, b->from.place);
		assert_int_equal(a->from.index, b->from.index);
		assert_int_equal(a->from.kernel, b->from.kernel);
		assert_int_equal(a->from.event, b->from.event);
		assert_int_equal(a->to.place, b->to.place);
		assert_int_equal(a->to.index, b->to.index);
		assert_int_equal(a->count, b->count);
		assert_int_equal(a->pcr, b->pcr);
		assert_int_equal(a->alg, b->alg);
		assert_int_equal(a->by_counter, b->by_counter);
		assert_string_equal(a->word, b->word);
	}
	assert_int_equal(result.nr_targets, whole.nr_targets);
	for (i = 0; i < whole.nr_targets; i++) {
		assert_int_equal(result.target[i].pcr, whole.target[i].pcr);
		assert_int_equal(result.target[i].in_log,
				 whole.target[i].in_log);
		assert_int_equal(result.target[i].match, whole.target[i].match);
	}
	assert_true(result.nr_intervals <= whole.nr_intervals);
	for (i = 1; i <= result.nr_intervals; i++) {
		last = &result.interval[result.nr_intervals - i];
		other = &whole.interval[whole.nr_intervals - i];
		assert_memory_equal(last, other, sizeof(*last));
	}
}

static void expect_resumed(uint64_t entries)
{
	assert_int_equal(result.resumption, IMATALLY_RESUMED);
	assert_int_equal(result.resumed, entries);
	expect_as_whole();
}

static void start_padded(unsigned int banks, bool padded)
{
	machine_free(&m);
	machine_init(&m, banks, NULL);
	m.bank[banks - 1].padded = padded;
	machine_boot(&m, true);
	free(state);
	state = NULL;
	step();
	assert_int_equal(result.resumption, IMATALLY_NO_STATE);
	assert_non_null(state);
}

static void start(unsigned int banks)
{
	start_padded(banks, false);
}

static int teardown(void **unused)
{
	(void)unused;
	machine_free(&m);
	memset(&m, 0, sizeof(m));
	imatally_result_free(&result);
	imatally_result_free(&whole);
	free(state);
	state = NULL;
	return 0;
}

/* Another event of a machine */
static void happen(unsigned int what)
{
	switch (what) {
	case 0:
		machine_measure(&m, 3);
		break;
	case 1:
		machine_record(&m, "request");
		break;
	case 2:
		machine_others(&m, 1);
		break;
	case 3:
		machine_measure_as(&m, 11, "/into/eleven");
		break;
	case 4:
		machine_violation(&m);
		break;
	case 5:
		machine_record(&m, "kexec_execute");
		machine_kexec(&m, m.nr_entries, true);
		break;
	case 6:
		machine_record(&m, "kexec_load");
		machine_kexec(&m, m.nr_entries, false);
		break;
	case 7:
		machine_measure(&m, 5);
		machine_delete(&m, m.nr_entries - 3, 2);
		machine_record(&m, "request");
		break;
	case 8:
		m.tpm_fails = true;
		machine_measure(&m, 1);
		m.tpm_fails = false;
		machine_record(&m, "request");
		break;
	case 9:
		m.tpm_error = "EIO";
		machine_record(&m, "request");
		m.tpm_error = NULL;
		machine_measure(&m, 1);
		break;
	case 10:
		m.dropped++;
		break;
	case 11:	/* the new kernel loses entries before its first record */
		machine_kexec(&m, m.nr_entries, false);
		machine_measure(&m, 3);
		machine_delete(&m, m.nr_entries - 2, 1);
		machine_record(&m, "policy");
		break;
	case 12:	/* others update PCRs, and the list is cut */
		machine_measure(&m, 2);
		m.counter++;
		machine_kexec(&m, m.nr_entries - 1, true);
		break;
	default:
		machine_buffer(&m, "pcr_counter", "\x30\x82", 2);
	}
}

static void steps_are_judged_as_the_whole(void **unused)
{
	unsigned int run, i, resumed = 0, seed = 1;

	(void)unused;
	for (run = 0; run < 200; run++) {
		start_padded(run % 3 + 1, run % 6 == 5);
		for (i = 0; i < 12; i++) {
			/* a simple generator is sufficient */
			seed = seed * 48271ULL % 2147483647;
			happen(seed / 7 % 14);
			step();
			expect_as_whole();
			resumed += result.resumption == IMATALLY_RESUMED;
		}
	}
	assert_true(resumed > 1000);
}

static void only_new_entries_are_new(void **unused)
{
	(void)unused;
	start(2);
	step();
	expect_resumed(2);
	machine_measure(&m, 10);
	step();
	expect_resumed(2);
	step();
	expect_resumed(12);
}

static void what_was_lost_before_is_told_again(void **unused)
{
	(void)unused;
	start(2);
	happen(7);
	step();
	assert_int_equal(result.verdict, IMATALLY_INCOMPLETE);
	assert_int_equal(result.resumption, IMATALLY_ANEW_DIFFERS);
	machine_measure(&m, 1);
	step();
	expect_resumed(m.nr_entries - 1);
	assert_int_equal(result.verdict, IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 2);
}

/* A deletion appears only in the record after it. */
static void what_user_space_deleted_is_told_when_it_is_known(void **unused)
{
	(void)unused;
	start(2);
	machine_measure(&m, 10);
	machine_record(&m, "request");
	machine_delete(&m, 0, 6);
	step();
	assert_int_equal(result.lost, 6);
	assert_int_equal(result.trimmed, 0);
	m.trimmed = 6;
	machine_record(&m, "request");
	step();
	expect_resumed(m.nr_entries - 1);
	assert_int_equal(result.trimmed, 6);
	machine_measure(&m, 1);
	step();
	expect_resumed(m.nr_entries - 1);
	assert_int_equal(result.trimmed, 6);
}

/* Old values, with a list that has grown. */
static void the_state_ends_where_the_values_do(void **unused)
{
	struct machine before;

	(void)unused;
	start(2);
	machine_measure(&m, 5);
	before = m;
	machine_measure(&m, 4);
	memcpy(m.bank, before.bank, sizeof(m.bank));
	step();
	assert_int_equal(result.tail, 4);
	expect_resumed(2);
	step();
	expect_resumed(7);
	assert_int_equal(result.tail, 4);
}

static const struct imatally_finding *last_finding(void)
{
	assert_true(result.nr_findings);
	return &result.finding[result.nr_findings - 1];
}

static void entries_that_stay_unproved_are_found(void **unused)
{
	struct machine before;

	(void)unused;
	start(2);
	machine_measure(&m, 5);
	step();
	before = m;
	machine_measure(&m, 4);
	memcpy(m.bank, before.bank, sizeof(m.bank));
	step();
	assert_int_equal(last_finding()->kind, IMATALLY_TAIL);
	assert_false(result.has_findings);
	/* no extend reaches the TPM */
	machine_measure(&m, 2);
	memcpy(m.bank, before.bank, sizeof(m.bank));
	step();
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
	assert_true(result.has_findings);
	assert_int_equal(find_finding(&result, IMATALLY_STANDS_STILL)->count, 4);
	assert_int_equal(find_finding(&result, IMATALLY_STANDS_STILL)->pcr, 10);
}

static void values_that_reach_less_far_than_before_are_found(void **unused)
{
	struct machine before;
	struct machine_bank bank[MACHINE_BANKS];

	(void)unused;
	start(2);
	machine_measure(&m, 5);
	step();
	before = m;
	machine_measure(&m, 1);
	memcpy(bank, m.bank, sizeof(bank));
	machine_measure(&m, 3);
	memcpy(m.bank, before.bank, sizeof(m.bank));
	step();
	machine_measure(&m, 1);
	memcpy(m.bank, bank, sizeof(m.bank));
	step();
	assert_int_equal(find_finding(&result, IMATALLY_STILL_TAIL)->count, 3);
}

static void another_log_is_verified_anew(void **unused)
{
	(void)unused;
	start(2);
	machine_measure(&m, 5);
	step();
	machine_free(&m);
	machine_init(&m, 2, NULL);
	machine_boot(&m, true);
	step();
	assert_int_equal(result.resumption, IMATALLY_ANEW_SHORTER);
	expect_as_whole();
	step();
	expect_resumed(2);

	machine_free(&m);
	machine_init(&m, 2, NULL);
	machine_measure(&m, 9);
	step();
	assert_int_equal(result.resumption, IMATALLY_ANEW_OTHER_LOG);
	expect_as_whole();
	assert_int_equal(result.verdict, IMATALLY_COMPLETE_NOT_COUNTED);
}

static void a_bank_that_is_new_is_verified_anew(void **unused)
{
	unsigned int banks;

	(void)unused;
	start(3);
	for (banks = 1; banks <= 3; banks++) {
		machine_measure(&m, 1);
		step();
		expect_resumed(m.nr_entries - 1);
	}
	/* a state with SHA-1 only, of a list without records */
	machine_free(&m);
	machine_init(&m, 3, NULL);
	machine_boot(&m, false);
	m.nr_banks = 1;
	free(state);
	state = NULL;
	step();
	m.nr_banks = 3;
	step();
	assert_int_equal(result.resumption, IMATALLY_ANEW_BANK);
	expect_as_whole();
}

/* A PCR whose first entry comes after the end of the state */
static void a_value_in_another_bank_is_verified_anew(void **unused)
{
	char *pcrread, text[256];

	(void)unused;
	start(1);
	machine_measure_as(&m, 11, "/into/eleven");
	pcrread = machine_pcrread(&m);
	snprintf(text, sizeof(text), "sha1:\n%.*s\nsha256:\n 11: 0x%064d\n",
		 (int)strcspn(strstr(pcrread, "    10"), "\n"),
		 strstr(pcrread, "    10"), 1);
	free(pcrread);
	values = text;
	step();
	values = NULL;
	assert_int_equal(result.resumption, IMATALLY_ANEW_BANK);
	assert_int_equal(result.verdict, IMATALLY_MISMATCH);
	expect_as_whole();
}

/* A changed entry after the end of the state, and values that do not match. */
static void a_difference_is_looked_at_from_the_start(void **unused)
{
	(void)unused;
	start(2);
	machine_measure(&m, 5);
	m.log[m.len - 3] ^= 1;
	step();
	assert_int_equal(result.verdict, IMATALLY_MISMATCH);
	assert_int_equal(result.resumption, IMATALLY_ANEW_DIFFERS);
	expect_as_whole();
	assert_null(state);
}

static enum imatally_status load(const char *text, size_t len)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_verifier *v = imatally_verifier_new(&pcrs);
	struct imatally_error err;
	enum imatally_status status;

	status = imatally_verifier_set_state(v, text, len, &err);
	imatally_verifier_free(v);
	return status;
}

static void damage_anywhere_is_found(void **unused)
{
	size_t i, len;

	(void)unused;
	start(2);
	len = strlen(state);
	assert_int_equal(load(state, len), IMATALLY_OK);
	for (i = 0; i < len; i++) {
		assert_int_equal(load(state, i), IMATALLY_ERR_MALFORMED);
		state[i] ^= 1;
		assert_int_equal(load(state, len), IMATALLY_ERR_MALFORMED);
		state[i] ^= 1;
	}
}

/* Replace a text in the state, update the checksum, and load it. */
static enum imatally_status load_with(const char *text, const char *by)
{
	char *at = strstr(state, text), forged[1 << 16];
	unsigned char digest[32];
	char hex[2 * sizeof(digest) + 1];
	size_t len, size;

	assert_non_null(at);
	len = snprintf(forged, sizeof(forged), "%.*s%s%s", (int)(at - state),
		       state, by, at + strlen(text));
	len = strchr(forged, '\n') - forged;
	EVP_Q_digest(NULL, "SHA256", NULL, forged, len, digest, &size);
	len += sprintf(forged + len, "\nsha256:%s\n",
		       imatally_hex_from_bytes(hex, digest, size));
	return load(forged, len);
}

static void expect_refused(const char *const pairs[][2], size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (load_with(pairs[i][0], pairs[i][1]) !=
		    IMATALLY_ERR_MALFORMED)
			fail_msg("%s instead of %s passes", pairs[i][1],
				 pairs[i][0]);
}

static void a_forged_state_is_checked(void **unused)
{
	static const char *const pairs[][2] = {
		{ "\"version\":1", "\"version\":2" },
		{ "\"version\":1", "\"version\":\"1\"" },
		{ "\"index\":", "\"index\":-" },
		{ "\"index\":1,", "\"index\":9223372036854775807," },
		{ "\"log_pcr\":10", "\"log_pcr\":24" },
		{ "\"log_pcr\":10", "\"log_pcr\":10,\"log_pcr\":10" },
		{ "\"log_pcr\":10", "\"log_pcr\":10,\"more\":1" },
		{ "\"entries_of_pcr\":[0,", "\"entries_of_pcr\":[" },
		{ "\"entries_of_pcr\":[0,", "\"entries_of_pcr\":[-1," },
		{ "\"alg\":4", "\"alg\":5" },
		{ "\"own\":[\"00", "\"own\":[\"0g" },
		{ "\"own\":[\"00", "\"own\":[\"" },
		{ "\"padded\":null", "\"padded\":[]" },
		{ "\"last_record\":{", "\"last_record\":{\"x\":0," },
		{ "\"text\":\"76", "\"text\":\"77" },
		{ "\"number\":1", "\"number\":0" },
		{ "\"start\":0", "\"start\":2" },
		{ "\"severities\":[", "\"severities\":[true," },
		{ "\"severities\":[false", "\"severities\":[0" },
		{ "\"findings\":[", "\"findings\":[{}" },
		{ "{", "[{" },
	};

	(void)unused;
	start(2);
	assert_int_equal(load_with("\"log_pcr\":10", "\"log_pcr\":11"),
			 IMATALLY_OK);
	expect_refused(pairs, sizeof(pairs) / sizeof(pairs[0]));
}

/* A newer version may have saved findings that this one does not know. */
static void a_finding_with_unknown_words_is_refused(void **unused)
{
	static const char *const pairs[][2] = {
		{ "\"kind\":\"lost\"", "\"kind\":\"mislaid\"" },
		{ "\"kind\":\"lost\"", "\"kind\":\"\"" },
		{ "\"severity\":\"loss\"", "\"severity\":\"losses\"" },
		{ "\"place\":\"record\"", "\"place\":\"nowhere\"" },
		{ "\"event\":\"request\"", "\"event\":\"requests\"" },
		{ "\"from\":{", "\"from\":{\"more\":1," },
	};

	(void)unused;
	start(2);
	happen(7);
	step();
	assert_int_equal(load(state, strlen(state)), IMATALLY_OK);
	expect_refused(pairs, sizeof(pairs) / sizeof(pairs[0]));
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(steps_are_judged_as_the_whole),
		TEST(only_new_entries_are_new),
		TEST(what_was_lost_before_is_told_again),
		TEST(what_user_space_deleted_is_told_when_it_is_known),
		TEST(the_state_ends_where_the_values_do),
		TEST(entries_that_stay_unproved_are_found),
		TEST(values_that_reach_less_far_than_before_are_found),
		TEST(another_log_is_verified_anew),
		TEST(a_bank_that_is_new_is_verified_anew),
		TEST(a_value_in_another_bank_is_verified_anew),
		TEST(a_difference_is_looked_at_from_the_start),
		TEST(damage_anywhere_is_found),
		TEST(a_forged_state_is_checked),
		TEST(a_finding_with_unknown_words_is_refused),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
