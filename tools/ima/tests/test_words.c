// SPDX-License-Identifier: GPL-2.0-only
/* Every finding has a sentence for people and a name for programs. */

#include "../programs/report.h"
#include "test.h"

#define AT(where, n) { .place = IMATALLY_AT_##where, .index = (n), .kernel = 2, \
		       .event = IMATALLY_EVENT_REQUEST }

static const struct {
	struct imatally_finding finding;
	const char *text;	/* a part of it */
	const char *word;
} cases[] = {
	{ { IMATALLY_ALTERED, .from = AT(ENTRY, 7), .to = AT(ENTRY, 7) },
	  "entry 7", "altered" },
	{ { IMATALLY_INSERTED, .from = AT(START, 0), .to = AT(RECORD, 9), .count = 2 },
	  "2 entries", "inserted" },
	{ { IMATALLY_ACCOUNTS, .from = AT(RECORD, 1), .to = AT(RECORD, 9) },
	  "entry 9 (request)", "accounts_disagree" },
	{ { IMATALLY_DIFFERS_AT_RECORD, .from = AT(RECORD, 1), .to = AT(RECORD, 9),
	    .pcr = 10, .alg = IMATALLY_ALG_SHA1 },
	  "PCR 10, sha1", "differs_at_record" },
	{ { IMATALLY_DIFFERS_FAILED, .from = AT(RECORD, 1), .to = AT(RECORD, 9),
	    .count = 1, .pcr = 10, .alg = IMATALLY_ALG_SHA256 },
	  "no choice of 1 failed extend explains it", "differs_despite_failed" },
	{ { IMATALLY_DIFFERS_AT_END, .from = AT(START, 0), .to = AT(END, 0),
	    .pcr = 10, .alg = IMATALLY_ALG_SHA256 },
	  "has no record that shows", "differs_at_end" },
	{ { IMATALLY_DIFFERS_AT_END, .from = AT(RECORD, 9), .to = AT(END, 0) },
	  "matches up to entry 9", "differs_at_end" },
	{ { IMATALLY_LOST, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 1 },
	  "1 entry lost between entry 1 (request) and entry 9", "lost" },
	{ { IMATALLY_LOST, .from = AT(ENTRY, 4), .to = AT(BOOT_AGGREGATE, 5),
	    .count = 3, .by_counter = true },
	  "exact if nothing else", "lost" },
	{ { IMATALLY_LOST, .from = AT(ENTRY, 4), .to = AT(BOOT_AGGREGATE, 5),
	    .count = 3, .by_counter = true, .at_most = true },
	  "at most 3 entries lost", "lost" },
	{ { IMATALLY_DROPPED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 4 },
	  "4 measurements dropped", "dropped" },
	{ { IMATALLY_FAILED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 1 },
	  "1", "failed" },
	{ { IMATALLY_FAILED_ENTRY, .from = AT(ENTRY, 6), .to = AT(ENTRY, 6) },
	  "entry 6", "failed_entry" },
	{ { IMATALLY_RESET, .from = AT(RECORD, 1), .to = AT(RECORD, 9) },
	  "the TPM was reset", "tpm_reset" },
	{ { IMATALLY_REST, .from = AT(RECORD, 1), .to = AT(END, 0), .count = 4 },
	  "4 updates of PCRs by others or unexplained", "others_or_unexplained" },
	{ { IMATALLY_UNEXPLAINED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 2 },
	  "2 ", "unexplained" },
	{ { IMATALLY_UNEXPLAINED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = -2 },
	  "the TPM counted 2 updates fewer than were made", "unexplained" },
	{ { IMATALLY_UNJUDGED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .word = "EIO",
	    .count = IMATALLY_UNJUDGED_ERROR | IMATALLY_UNJUDGED_KEYS |
		     IMATALLY_UNJUDGED_RESUME | IMATALLY_UNJUDGED_STEP |
		     IMATALLY_UNJUDGED_BANKS | IMATALLY_UNJUDGED_EVENT },
	  "EIO", "unjudged" },
	{ { IMATALLY_NOT_SEARCHED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 20 },
	  "which 20 extends failed", "failed_not_searched" },
	{ { IMATALLY_UNPROTECTED, .from = AT(RECORD, 1), .to = AT(RECORD, 9) },
	  "entry 9 (request)", "unprotected_read" },
	{ { IMATALLY_NEWER_RECORD, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 2,
	    .word = "colour" },
	  "record of version 2, newer than this imatally", "newer_record" },
	{ { IMATALLY_UNREADABLE_RECORD, .from = AT(ENTRY, 3), .to = AT(ENTRY, 3) },
	  "entry 3 is a record with invalid text", "unreadable_record" },
	{ { IMATALLY_FOREIGN, .from = AT(ENTRY, 3), .to = AT(ENTRY, 3) },
	  "entry 3 is named pcr_counter", "foreign_record" },
	{ { IMATALLY_BANK_UNSUPPORTED, .from = AT(END, 0), .to = AT(END, 0),
	    .alg = 0x4321 },
	  "bank 0x4321 was not compared", "bank_unsupported" },
	{ { IMATALLY_BANK_ADRIFT, .from = AT(RECORD, 1), .to = AT(END, 0), .pcr = 10,
	    .alg = IMATALLY_ALG_SHA384 },
	  "PCR 10, sha384: not compared", "bank_adrift" },
	{ { IMATALLY_PCR_NOT_GIVEN, .from = AT(START, 0), .to = AT(END, 0), .pcr = 11 },
	  "PCR 11 was not compared", "pcr_not_given" },
	{ { IMATALLY_OTHERS, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 2 },
	  "2 updates of PCRs by others", "others" },
	{ { IMATALLY_TAIL, .from = AT(END, 0), .to = AT(END, 0), .count = 2 },
	  "2 entries at the end", "tail" },
	{ { IMATALLY_PADDED, .from = AT(ENTRY, 3), .to = AT(ENTRY, 3),
	    .alg = IMATALLY_ALG_SHA512 },
	  "bank sha512 holds zero-padded", "padded_sha1" },
	{ { IMATALLY_UNKNOWN_KEY, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .word = "colour" },
	  "key \"colour\" is unknown", "unknown_key" },
	{ { IMATALLY_UNKNOWN_EVENT, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .word = "moon" },
	  "event \"moon\" is unknown", "unknown_event" },
	{ { IMATALLY_FOREIGN, .from = AT(ENTRY, 3), .to = AT(ENTRY, 3), .count = 1 },
	  "or a record that the template of a rule cut off", "foreign_record" },
	{ { IMATALLY_KEY_VANISHED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .word = "dropped" },
	  "key \"dropped\" is missing", "key_vanished" },
	{ { IMATALLY_NO_START, .from = AT(RECORD, 1), .to = AT(RECORD, 9) },
	  "does not begin with its boot_aggregate", "no_boot_aggregate" },
	{ { IMATALLY_NOT_ARRIVED, .from = AT(START, 0), .to = AT(BOOT_AGGREGATE, 0) },
	  "what was extended before entry 0 (boot_aggregate of kernel 2) did not arrive",
	  "not_arrived" },
	{ { IMATALLY_STARTED_ANEW, .from = AT(RECORD, 1), .to = AT(RECORD, 9) },
	  "the TPM was started anew", "tpm_started_anew" },
	{ { IMATALLY_UNREAD, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 3 },
	  "3 files were used although they could not be read", "unread" },
	{ { IMATALLY_RECORD_ELSEWHERE, .from = AT(ENTRY, 3), .to = AT(ENTRY, 3), .pcr = 11 },
	  "entry 3: a record in PCR 11, which was not judged", "record_elsewhere" },
	{ { IMATALLY_NOT_PROVED, .from = AT(RECORD, 1), .to = AT(RECORD, 9), .count = 1 },
	  "1 entry of PCRs that no value proves", "inserted_not_proved" },
	{ { IMATALLY_STILL_TAIL, .from = AT(END, 0), .to = AT(END, 0), .count = 7, .pcr = 10 },
	  "7 entries are not covered by the value of PCR 10, although they were in the list",
	  "still_not_covered" },
	{ { IMATALLY_RESETTABLE, .from = AT(END, 0), .to = AT(END, 0), .count = 2, .pcr = 16 },
	  "2 entries in PCR 16, which anyone can reset: its value does not prove them",
	  "resettable_pcr" },
	{ { IMATALLY_EARLIER_GONE, .from = AT(END, 0), .to = AT(END, 0), .pcr = 10 },
	  "the last entry of PCR 10 in the list of the previous evidence is not in this one",
	  "earlier_entry_missing" },
	{ { IMATALLY_RECORDS_NOT_PROVED, .from = AT(START, 0), .to = AT(RECORD, 9) },
	  "nothing proves the records of the kernels before entry 9", "records_not_proved" },
	{ { IMATALLY_STANDS_STILL, .from = AT(END, 0), .to = AT(END, 0), .count = 7, .pcr = 10 },
	  "PCR 10 has not changed since 7 entries were added", "pcr_stands_still" },
	{ { IMATALLY_CUT_AT_KEXEC, .from = AT(START, 0), .to = AT(ENTRY, 30) },
	  "the list before entry 30 was cut at kexec", "cut_at_kexec" },
	{ { IMATALLY_FEWER_THAN_EVENT, .from = AT(START, 0), .to = AT(ENTRY, 30), .count = 2 },
	  "2 entries are missing before entry 30", "fewer_than_event" },
	{ { IMATALLY_NAMED_ONLY, .from = AT(ENTRY, 8), .to = AT(RECORD, 9), .count = 3 },
	  "entry 8 and 2 more are named boot_aggregate", "named_boot_aggregate" },
	{ { IMATALLY_UNKNOWN_TEMPLATE, .from = AT(ENTRY, 3), .to = AT(ENTRY, 3), .word = "new" },
	  "template \"new\" is unknown", "unknown_template" },
	{ { IMATALLY_TWO_MOMENTS, .from = AT(ENTRY, 300), .to = AT(ENTRY, 301), .pcr = 10 },
	  "after 300 and after 301 entries", "two_moments" },
	{ { IMATALLY_BOOT_AGGREGATE, .from = AT(ENTRY, 0), .to = AT(ENTRY, 0),
	    .alg = IMATALLY_ALG_SHA1 },
	  "entry 0: this boot_aggregate is not the sha1 digest of PCRs 0 to 7", "boot_aggregate_differs" },
	{ { IMATALLY_BOOT_AGGREGATE, .from = AT(ENTRY, 4), .to = AT(ENTRY, 4),
	    .alg = IMATALLY_ALG_SHA256 },
	  "the sha256 digest of PCRs 0 to 9", "boot_aggregate_differs" },
	{ { IMATALLY_BOOT_NOT_COMPARED, .from = AT(ENTRY, 4), .to = AT(ENTRY, 4),
	    .alg = IMATALLY_ALG_SHA256 },
	  "not all of their values in bank sha256 are known", "boot_aggregate_not_compared" },
	{ { IMATALLY_BOOT_NOT_COMPARED, .from = AT(ENTRY, 4), .to = AT(ENTRY, 4) },
	  "no digest of a known form", "boot_aggregate_not_compared" },
	{ { IMATALLY_BOOT_PCR_DIFFERS, .pcr = 4, .alg = IMATALLY_ALG_SHA256 },
	  "PCR 4, sha256: what booted is not what is known", "boot_pcr_differs" },
	{ { IMATALLY_BOOT_PCR_MISSING, .pcr = 9, .alg = IMATALLY_ALG_SHA384 },
	  "PCR 9, sha384", "boot_pcr_missing" },
};

static char text[1000];

static FILE *begin(void)
{
	memset(text, 0, sizeof(text));
	return fmemopen(text, sizeof(text), "w");
}

static void expect(FILE *to, const char *part)
{
	fclose(to);
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void every_finding_has_a_sentence(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		FILE *to = begin();

		put_finding(to, &cases[i].finding);
		expect(to, cases[i].text);
		assert_true(strlen(text) > 20);
		assert_null(strstr(text, "(null)"));
		assert_int_not_equal(text[strlen(text) - 1], '\n');
	}
}

static void every_finding_has_a_word(void **state)
{
	bool met[100] = { false };
	unsigned int kind;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		kind = cases[i].finding.kind;
		assert_in_range(kind, 1, ARRAY_SIZE(met) - 1);
		met[kind] = true;
		assert_string_equal(imatally_kind_name(kind), cases[i].word);
	}
	for (kind = 0; kind < ARRAY_SIZE(met); kind++)
		if (!met[kind] && imatally_kind_name(kind))
			fail_msg("kind %u is not tested", kind);
}

static void other_words(void **state)
{
	unsigned int i;

	(void)state;
	assert_string_equal(imatally_verdict_name(IMATALLY_COMPLETE_NOT_COUNTED),
			    "complete_not_counted");
	assert_string_equal(imatally_severity_name(IMATALLY_LOSS), "loss");
	for (i = 0; i <= IMATALLY_FAULT; i++)
		assert_non_null(imatally_severity_name(i));
	for (i = 0; i <= IMATALLY_MATCH_DIFFERENT; i++)
		assert_non_null(imatally_match_name(i));
	for (i = 0; i <= IMATALLY_AT_END; i++)
		assert_non_null(imatally_place_name(i));
	for (i = 1; i <= IMATALLY_UNJUDGED_EVENT; i <<= 1)
		assert_non_null(imatally_unjudged_name(i));
	for (i = IMATALLY_NO_STATE + 1; i <= IMATALLY_ANEW_PIPE; i++)
		assert_non_null(imatally_resumption_name(i));
	/* invalid values */
	assert_null(imatally_resumption_name(IMATALLY_NO_STATE));
	assert_null(imatally_verdict_name(3));
	assert_null(imatally_severity_name(IMATALLY_FAULT + 1));
	assert_null(imatally_kind_name(0));
	assert_null(imatally_match_name(IMATALLY_MATCH_DIFFERENT + 1));
	assert_null(imatally_place_name(IMATALLY_AT_END + 1));
	assert_null(imatally_unjudged_name(IMATALLY_UNJUDGED_EVENT << 1));
}

static struct imatally_finding fault_of_boot = {
	.kind = IMATALLY_BOOT_PCR_DIFFERS, .severity = IMATALLY_FAULT,
}, both_faults[] = {
	{ .kind = IMATALLY_BOOT_PCR_DIFFERS, .severity = IMATALLY_FAULT },
	{ .kind = IMATALLY_ALTERED, .severity = IMATALLY_FAULT },
};

static void verdicts_and_matches(void **state)
{
	static const struct {
		struct imatally_result result;
		const char *text;
	} verdicts[] = {
		{ { .verdict = IMATALLY_COMPLETE }, "complete" },
		{ { .verdict = IMATALLY_COMPLETE_NOT_COUNTED },
		  "complete (not counted)" },
		{ { .verdict = IMATALLY_MISMATCH },
		  "mismatch: the list has no consistent reading" },
		{ { .verdict = IMATALLY_MISMATCH, .finding = &fault_of_boot,
		    .nr_findings = 1 },
		  "mismatch: what booted is not what was expected" },
		{ { .verdict = IMATALLY_MISMATCH, .finding = both_faults,
		    .nr_findings = 2 },
		  "mismatch: the list has no consistent reading" },
		{ { .verdict = IMATALLY_INCOMPLETE, .lost = 2, .at_most = true,
		    .dropped = 1, .failed = 3 },
		  "incomplete: at most 2 entries lost, 1 measurement dropped, 3 entries whose extend failed" },
		{ { .verdict = IMATALLY_INCOMPLETE, .lost = 6, .trimmed = 5,
		    .dropped = 2 },
		  "incomplete: 6 entries lost (trimmed: user space deleted 5 from the start), 2 measurements dropped" },
		{ { .verdict = IMATALLY_INCOMPLETE, .not_arrived = true, .dropped = 1 },
		  "incomplete: what was extended before a kernel did not arrive, 1 measurement dropped" },
		{ { .verdict = IMATALLY_INCOMPLETE },
		  "incomplete: the PCR values do not prove the whole list" },
	};
	static const struct {
		struct imatally_target target;
		const char *text;
	} matches[] = {
		{ { .match = IMATALLY_MATCH_SAME }, "matches the replay" },
		{ { .match = IMATALLY_MATCH_DIFFERENT, .matched_after = 1 },
		  "matches the replay after 1 entry" },
		{ { .match = IMATALLY_MATCH_UNKNOWN }, "not compared" },
		{ { .match = IMATALLY_MATCH_DIFFERENT },
		  "does not match the replay" },
	};
	FILE *to;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(verdicts); i++) {
		to = begin();
		put_verdict(to, &verdicts[i].result);
		fclose(to);
		assert_string_equal(text, verdicts[i].text);
	}
	for (i = 0; i < ARRAY_SIZE(matches); i++) {
		to = begin();
		put_match(to, &matches[i].target);
		fclose(to);
		assert_string_equal(text, matches[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_finding_has_a_sentence),
		cmocka_unit_test(every_finding_has_a_word),
		cmocka_unit_test(other_words),
		cmocka_unit_test(verdicts_and_matches),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
