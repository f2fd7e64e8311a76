// SPDX-License-Identifier: GPL-2.0-only
/* Verdicts on lists of a machine. */

#include <endian.h>

#include "../lib/verifier.h"
#include "mklog.h"
#include "test.h"

static struct machine m;
static struct imatally_result result;

/* Verify the current list and PCRs of the machine. */
static enum imatally_verdict verdict_with(const char *pcrread)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;

	imatally_result_free(&result);
	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, pcrread,
						   strlen(pcrread), &err),
			 IMATALLY_OK);
	if (imatally_verify(log, &pcrs, &result, &err))
		fail_msg("entry %u, offset %u: %s", (unsigned int)err.entry,
			 (unsigned int)err.offset, err.text);
	imatally_pcrs_free(&pcrs);
	imatally_log_close(log);
	return result.verdict;
}

static enum imatally_verdict verdict(void)
{
	char *pcrread = machine_pcrread(&m);
	enum imatally_verdict v = verdict_with(pcrread);

	free(pcrread);
	return v;
}

/* The same for a list in two parts, of which the first has @len bytes. */
static enum imatally_verdict verdict_in_parts(size_t len)
{
	FILE *first = fmemopen(m.log, len, "r");
	FILE *second = fmemopen(m.log + len, m.len - len, "r");
	struct imatally_pcrs pcrs = { 0 };
	char *pcrread = machine_pcrread(&m);
	struct imatally_error err;
	struct imatally_log *log;

	assert_true(first && second);
	imatally_result_free(&result);
	log = imatally_log_open_file(first);
	assert_int_equal(imatally_log_add_file(log, second), IMATALLY_OK);
	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, pcrread,
						   strlen(pcrread), &err),
			 IMATALLY_OK);
	assert_int_equal(imatally_verify(log, &pcrs, &result, &err),
			 IMATALLY_OK);
	imatally_pcrs_free(&pcrs);
	imatally_log_close(log);
	free(pcrread);
	fclose(first);
	fclose(second);
	return result.verdict;
}

/* The only finding of that kind. */
static const struct imatally_finding *finding(enum imatally_kind kind)
{
	const struct imatally_finding *found = NULL;
	size_t i;

	for (i = 0; i < result.nr_findings; i++) {
		if (result.finding[i].kind != kind)
			continue;
		if (found)
			fail_msg("kind %d twice", kind);
		found = &result.finding[i];
	}
	return found;
}

static void expect_between(enum imatally_kind kind, int64_t count,
			   uint64_t from, uint64_t to)
{
	const struct imatally_finding *f = finding(kind);

	assert_non_null(f);
	assert_int_equal(f->count, count);
	assert_int_equal(f->from.index, from);
	assert_int_equal(f->to.index, to);
}

static void start(unsigned int banks)
{
	machine_free(&m);
	machine_init(&m, banks, NULL);
	machine_boot(&m, true);
}

static int teardown(void **state)
{
	(void)state;
	machine_free(&m);
	memset(&m, 0, sizeof(m));
	imatally_result_free(&result);
	return 0;
}

static void complete_over_two_kexecs(void **state)
{
	unsigned int banks;

	(void)state;
	for (banks = 1; banks <= 4; banks++) {
		start(banks);
		machine_measure(&m, 20);
		machine_violation(&m);
		machine_record(&m, "kexec_load");
		machine_measure(&m, 5);
		machine_record(&m, "kexec_execute");
		machine_kexec(&m, m.nr_entries, true);
		machine_measure(&m, 7);
		machine_record(&m, "kexec_load");
		machine_kexec(&m, m.nr_entries, true);
		machine_measure(&m, 3);
		assert_int_equal(verdict(), IMATALLY_COMPLETE);
		assert_int_equal(result.records, 6);
		assert_int_equal(result.kernels, 3);
		assert_int_equal(result.lost, 0);
		assert_false(result.has_findings);
		assert_int_equal(result.nr_intervals, 7);
	}
}

static void not_counted_without_records(void **state)
{
	(void)state;
	machine_init(&m, 1, NULL);
	machine_boot(&m, false);
	machine_measure(&m, 5);
	machine_kexec(&m, m.nr_entries, false);
	assert_int_equal(verdict(), IMATALLY_COMPLETE_NOT_COUNTED);
	machine_delete(&m, 3, 1);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_non_null(finding(IMATALLY_DIFFERS_AT_END));
}

/* Hashing in a bank of which no value was given would tell nothing new. */
static void a_bank_that_is_not_given_is_not_replayed(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	struct imatally_verifier *v;
	struct imatally_log *log;
	unsigned int given;

	(void)state;
	machine_init(&m, 3, NULL);
	machine_boot(&m, true);
	machine_measure(&m, 5);
	machine_record(&m, "request");
	for (given = 0; given < 3; given++) {
		char *hex = malloc(2 * m.bank[given].size + 1);
		uint16_t alg = imatally_alg_from_name(m.bank[given].alg,
						      strlen(m.bank[given].alg));

		imatally_hex_from_bytes(hex, m.bank[given].pcr[10],
					m.bank[given].size);
		assert_int_equal(imatally_pcrs_add_hex(&pcrs, 10, alg, hex,
						       strlen(hex), &err),
				 IMATALLY_OK);
		log = imatally_log_open_buffer(m.log, m.len);
		v = imatally_verifier_new(&pcrs);
		imatally_result_free(&result);
		assert_int_equal(imatally_verifier_run(v, log, &result, &err),
				 IMATALLY_OK);
		assert_int_equal(result.verdict, IMATALLY_COMPLETE);
		assert_int_equal(v->reading.replay->nr_banks, 1);
		imatally_verifier_free(v);
		imatally_log_close(log);
		imatally_pcrs_free(&pcrs);
		memset(&pcrs, 0, sizeof(pcrs));
		free(hex);
	}
}

/* The newest entries are cut, including the execute record. */
static void a_cut_list_is_counted_by_the_counter(void **state)
{
	unsigned int banks;

	(void)state;
	for (banks = 1; banks <= 4; banks++) {
		const struct imatally_finding *lost;

		start(banks);
		machine_measure(&m, 68);
		machine_record(&m, "kexec_load");
		assert_int_equal(m.nr_entries, 71);
		machine_measure(&m, 195);
		machine_record(&m, "kexec_execute");
		machine_kexec(&m, 71, true);
		machine_measure(&m, 3);
		assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
		assert_int_equal(result.lost, 196);
		expect_between(IMATALLY_LOST, 196, 70, 71);
		lost = finding(IMATALLY_LOST);
		assert_int_equal(lost->from.place, IMATALLY_AT_RECORD);
		assert_int_equal(lost->from.event,
				 IMATALLY_EVENT_KEXEC_LOAD);
		assert_int_equal(lost->to.place,
				 IMATALLY_AT_BOOT_AGGREGATE);
		assert_int_equal(lost->to.kernel, 2);
		assert_true(lost->by_counter);
		assert_false(lost->at_most);
		/* nothing proves that record of kernel 1 */
		expect_between(IMATALLY_RECORDS_NOT_PROVED, 0, 0, 72);

		/* and with some of the newer ones kept */
		start(banks);
		machine_record(&m, "kexec_load");
		machine_measure(&m, 10);
		machine_kexec(&m, 6, true);
		assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
		expect_between(IMATALLY_LOST, 7, 5, 6);
	}
}

static void others_make_it_at_most(void **state)
{
	(void)state;
	start(2);
	machine_record(&m, "kexec_load");
	machine_measure(&m, 10);
	m.counter++;
	machine_kexec(&m, 3, true);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_LOST, 10, 2, 3);
	assert_true(finding(IMATALLY_LOST)->at_most);
	assert_true(result.has_findings);
}

/* A kernel that keeps the last entry when the list is cut. */
static void a_cut_before_the_execute_record_is_exact(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 10);
	machine_record(&m, "kexec_load");
	machine_measure(&m, 30);
	machine_others(&m, 5);
	machine_record(&m, "kexec_execute");
	machine_delete(&m, 15, 28);
	machine_kexec(&m, m.nr_entries, true);
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_LOST, 28, 12, 15);
	assert_false(finding(IMATALLY_LOST)->by_counter);
	assert_int_equal(result.lost, 28);
}

static void deletions_between_records_are_counted_and_located(void **state)
{
	unsigned int from, count;

	(void)state;
	for (from = 2; from < 12; from++) {
		for (count = 1; from + count <= 12; count++) {
			start(2);
			machine_measure(&m, 10);
			machine_record(&m, "request");
			machine_measure(&m, 2);
			machine_delete(&m, from, count);
			assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
			assert_int_equal(result.lost, count);
			expect_between(IMATALLY_LOST, count, 1, 12 - count);
		}
	}
}

static void deletions_elsewhere(void **state)
{
	(void)state;
	/* after the last record, entries are not counted */
	start(2);
	machine_measure(&m, 10);
	machine_delete(&m, 5, 1);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);

	/* a boot_aggregate */
	start(2);
	machine_delete(&m, 0, 1);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 1);

	/* of the second kernel */
	start(2);
	machine_kexec(&m, m.nr_entries, true);
	machine_delete(&m, 2, 1);
	/* no kernel loses it, and keeps the boot record after it */
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_int_equal(finding(IMATALLY_NO_START)->to.index, 2);
	assert_int_equal(result.lost, 1);

	/* before and after the first kernel's last record, and after kexec */
	start(2);
	machine_measure(&m, 10);
	machine_kexec(&m, m.nr_entries, true);
	machine_delete(&m, 5, 3);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 3);

	/* a record in between */
	start(2);
	machine_measure(&m, 3);
	machine_record(&m, "request");
	machine_measure(&m, 3);
	machine_record(&m, "request");
	machine_delete(&m, 5, 1);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_LOST, 1, 1, 8);
}

/* A kernel that deleted the first 6 of its 12 entries, according to records. */
static void start_trimmed(void)
{
	start(2);
	machine_measure(&m, 10);
	m.trimmed = 6;
	machine_record(&m, "request");
}

/* @lost entries are missing, of which @trimmed were deleted from the start. */
static void expect_incomplete(uint64_t lost, uint64_t trimmed)
{
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, lost);
	assert_int_equal(result.trimmed, trimmed);
}

static void the_front_of_a_trimmed_list_is_missed(void **state)
{
	(void)state;
	start_trimmed();
	machine_measure(&m, 2);
	machine_delete(&m, 0, 6);
	expect_incomplete(6, 6);
	assert_int_equal(finding(IMATALLY_LOST)->from.place, IMATALLY_AT_START);
}

/* More is missing than was deleted: both are reported. */
static void user_space_deleted_only_what_the_kernel_says(void **state)
{
	(void)state;
	start_trimmed();
	machine_measure(&m, 8);
	machine_record(&m, "request");
	machine_delete(&m, 14, 3);
	machine_delete(&m, 0, 8);
	expect_incomplete(11, 6);

	/* a part of the deleted entries was given */
	start_trimmed();
	machine_delete(&m, 0, 4);
	expect_incomplete(4, 4);

	/* all of them were given */
	start_trimmed();
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(result.trimmed, 0);
}

/* Entries missing in the middle were not deleted from the start. */
static void an_entry_amid_was_not_deleted_by_user_space(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	machine_boot(&m, false);
	machine_measure(&m, 10);
	m.trimmed = 6;
	machine_record(&m, "request");
	machine_delete(&m, 3, 2);
	expect_incomplete(2, 0);
}

static void kernels_delete_one_after_the_other(void **state)
{
	(void)state;
	/* 5 of the first kernel, then 4 of what it handed over */
	start(2);
	machine_measure(&m, 10);
	machine_delete(&m, 0, 5);
	m.trimmed = 5;
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, true);
	machine_delete(&m, 0, 4);
	m.trimmed = 4;
	machine_record(&m, "request");
	expect_incomplete(9, 9);

	/* all that it was handed, up to its boot_aggregate */
	start(2);
	machine_measure(&m, 10);
	machine_record(&m, "kexec_execute");
	m.trimmed = m.nr_entries;
	machine_delete(&m, 0, m.nr_entries);
	machine_kexec(&m, 0, false);
	m.carried = m.trimmed = 13;
	m.entries = 14;
	machine_record(&m, "request");
	expect_incomplete(13, 13);
}

static void insertions_are_a_mismatch(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 4);
	m.entries -= 1;
	m.extends -= 1;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	expect_between(IMATALLY_INSERTED, 1, 1, 6);
}

static void an_altered_entry_is_named(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 10);
	machine_record(&m, "request");
	m.log[m.start[6] - 2] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	expect_between(IMATALLY_ALTERED, 0, 5, 5);
	assert_non_null(finding(IMATALLY_DIFFERS_AT_RECORD));
}

/* Replace an entry by one of the same length with a correct digest. */
static void forge(uint64_t index)
{
	struct machine forged;

	machine_init(&forged, 2, NULL);
	machine_measure_as(&forged, 10, "/bin/fileX");
	assert_int_equal(m.start[index + 1] - m.start[index], forged.len);
	memcpy(m.log + m.start[index], forged.log, forged.len);
	machine_free(&forged);
}

/* Only the PCRs show it. */
static void a_forged_entry_is_located_between_records(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 3);
	machine_record(&m, "request");
	machine_measure(&m, 5);
	machine_record(&m, "request");
	forge(7);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	expect_between(IMATALLY_DIFFERS_AT_RECORD, 0, 5, 11);
	assert_null(finding(IMATALLY_ALTERED));
}

/* The counter shows that the difference is not a loss. */
static void an_edit_before_a_kexec_is_no_loss(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 3);
	forge(3);
	machine_kexec(&m, m.nr_entries, true);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

static void a_longer_log_matches_by_its_prefix(void **state)
{
	char *early;

	(void)state;
	start(2);
	machine_measure(&m, 10);
	early = machine_pcrread(&m);
	machine_measure(&m, 3);
	machine_record(&m, "request");
	assert_int_equal(verdict_with(early), IMATALLY_COMPLETE);
	assert_int_equal(result.tail, 4);
	assert_int_equal(result.target[10].matched_after, 12);
	/* a shorter one does not */
	machine_delete(&m, 11, 5);
	assert_int_equal(verdict_with(early), IMATALLY_MISMATCH);
	free(early);
}

static void untouched_pcrs_prove_nothing(void **state)
{
	struct machine fresh;
	char *zero;

	(void)state;
	start(2);
	machine_init(&fresh, 2, NULL);
	zero = machine_pcrread(&fresh);
	assert_int_equal(verdict_with(zero), IMATALLY_MISMATCH);
	free(zero);
	machine_free(&fresh);
}

static void failed_extends_are_passed_with_the_records_help(void **state)
{
	uint64_t found = 0;
	size_t i;

	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.tpm_fails = true;
	machine_measure(&m, 2);
	m.tpm_fails = false;
	machine_measure(&m, 3);
	machine_record(&m, "request");
	machine_measure(&m, 3);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_FAILED, 2, 1, 10);
	assert_int_equal(result.failed, 2);
	assert_int_equal(result.lost, 0);
	/* the failed entries are found */
	for (i = 0; i < result.nr_findings; i++)
		if (result.finding[i].kind == IMATALLY_FAILED_ENTRY)
			found |= 1ULL << result.finding[i].from.index;
	assert_int_equal(found, 1 << 5 | 1 << 6);
}

/* No record counts failures after the last kernel's last record. */
static void extends_that_fail_until_a_kexec_are_found(void **state)
{
	uint64_t found = 0;
	size_t i;

	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.tpm_fails = true;
	machine_measure(&m, 1);
	machine_record(&m, "kexec_execute");
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, true);
	machine_measure(&m, 3);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	for (i = 0; i < result.nr_findings; i++)
		if (result.finding[i].kind == IMATALLY_FAILED_ENTRY)
			found |= 1ULL << result.finding[i].from.index;
	assert_int_equal(found, 1 << 5 | 1 << 6);
}

/* Each kernel may know other algorithms than the one before, but rarely does. */
static void failed_extends_are_found_in_a_padded_bank(void **state)
{
	(void)state;
	machine_init(&m, 3, "sha384");
	m.bank[0].padded = true;
	machine_boot(&m, true);
	machine_measure(&m, 3);
	m.tpm_fails = true;
	machine_record(&m, "kexec_execute");
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, true);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_FAILED_ENTRY, 0, 5, 5);
}

/* No value has shown yet what the kernel extends into the bank. */
static void failed_extends_are_found_in_a_bank_that_may_be_padded(void **state)
{
	(void)state;
	machine_init(&m, 3, "sha384");
	m.bank[0].padded = true;
	m.tpm_fails = true;
	machine_boot(&m, false);
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, true);
	machine_measure(&m, 1);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_FAILED_ENTRY, 0, 0, 0);
}

/* Nothing says how many entries there were, so this one may be invented. */
static void an_extend_that_nothing_counts_did_not_fail(void **state)
{
	(void)state;
	start(2);
	machine_record(&m, "request");
	m.tpm_fails = true;
	machine_measure(&m, 1);
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, false);
	/* user space may have deleted an entry, and put it in front again */
	m.entries--;
	m.carried--;
	machine_record(&m, "boot");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_null(finding(IMATALLY_FAILED_ENTRY));
}

/*
 * The kernel was handed two entries that are missing.  One was put in, so that the
 * list is no longer than what was handed over.
 */
static void an_extend_in_the_place_of_a_missing_one_did_not_fail(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 3);
	machine_record(&m, "kexec_load");
	machine_record(&m, "kexec_execute");
	m.tpm_fails = true;
	machine_measure(&m, 1);
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, false);
	m.entries--;
	m.carried--;
	machine_record(&m, "boot");
	machine_delete(&m, 1, 2);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_null(finding(IMATALLY_FAILED_ENTRY));
}

static void entries_that_were_handed_to_no_kernel_may_be_invented(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	m.tpm_fails = true;
	machine_boot(&m, false);
	machine_measure(&m, 1);
	m.tpm_fails = false;
	m.carried = 0;
	m.entries = 0;
	m.failed = 0;
	machine_boot(&m, true);
	machine_measure(&m, 1);
	assert_int_equal(verdict_in_parts(m.start[2]), IMATALLY_MISMATCH);

	/* to the counter, nothing is missing before the second kernel */
	start(2);
	machine_measure(&m, 2);
	machine_record(&m, "kexec_execute");
	m.tpm_fails = true;
	machine_measure(&m, 1);
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, false);
	m.entries -= m.carried;
	m.carried = 0;
	machine_record(&m, "boot");
	assert_int_equal(verdict_in_parts(m.start[6]), IMATALLY_MISMATCH);
}

/* The search needs a bank of which a value of the IMA PCR was given. */
static void failed_extends_are_found_in_a_bank_with_the_ima_pcr(void **state)
{
	char *pcrread, text[32768];

	(void)state;
	machine_init(&m, 2, "sha256");
	machine_boot(&m, true);
	machine_measure(&m, 3);
	m.tpm_fails = true;
	machine_record(&m, "kexec_execute");
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, true);
	pcrread = machine_pcrread(&m);
	snprintf(text, sizeof(text), "  sha1:\n    11: 0x%040u\n%s", 0, pcrread);
	free(pcrread);
	assert_int_equal(verdict_with(text), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_FAILED_ENTRY, 0, 5, 5);
	assert_int_equal(result.lost, 0);
}

/*
 * An entry was lost, and another one was not extended: the counter moved as if
 * an entry had been exchanged for another, which it may have been.
 */
static void a_failed_extend_may_hide_a_loss_before_a_kexec(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.tpm_fails = true;
	machine_measure(&m, 1);
	m.tpm_fails = false;
	machine_delete(&m, 3, 1);
	machine_kexec(&m, m.nr_entries, true);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/*
 * The boot_aggregate was moved behind its record, and an entry of another PCR
 * inserted: the next record seems to be the first one of a kernel that begins
 * with it.  Without the boot_aggregate, the list would lead to that record.
 */
static void a_failed_extend_that_records_count_explains_no_more(void **state)
{
	struct machine before;
	uint8_t boot[4096];
	size_t len;

	(void)state;
	start(2);
	len = m.start[1];
	assert_true(len <= sizeof(boot));
	memcpy(boot, m.log, len);
	memmove(m.log, m.log + len, m.start[2] - len);
	memcpy(m.log + m.start[2] - len, boot, len);
	before = m;
	machine_measure_as(&m, 23, "inserted");
	m.entries = before.entries;
	m.extends = before.extends;
	m.updates = before.updates;
	m.counter = before.counter;
	machine_measure(&m, 1);
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_null(finding(IMATALLY_FAILED_ENTRY));
}

static void failed_extends_explain_no_reset(void **state)
{
	unsigned int i;

	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.tpm_fails = true;
	machine_measure(&m, 2);
	m.tpm_fails = false;
	for (i = 0; i < m.nr_banks; i++)
		memset(m.bank[i].pcr[10], 0, sizeof(m.bank[i].pcr[10]));
	machine_record(&m, "request");
	machine_measure(&m, 3);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	expect_between(IMATALLY_DIFFERS_FAILED, 2, 1, 7);
}

static void too_many_failed_extends_are_not_searched_for(void **state)
{
	unsigned int i;

	(void)state;
	start(2);
	for (i = 0; i < 40; i++) {
		machine_measure(&m, 3);
		m.tpm_fails = true;
		machine_measure(&m, 1);
		m.tpm_fails = false;
	}
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_NOT_SEARCHED, 40, 1, 162);
}

/* A single search would be possible, but not all of them. */
static void the_search_for_failed_extends_ends_for_the_whole_log(void **state)
{
	bool not_searched[8] = { false };
	uint64_t found[8] = { 0 };
	uint64_t record[9];
	size_t i, j;

	(void)state;
	start(2);
	record[0] = 1;
	for (i = 0; i < 8; i++) {
		machine_measure(&m, 10);
		m.tpm_fails = true;
		machine_measure(&m, 10);
		m.tpm_fails = false;
		machine_record(&m, "request");
		record[i + 1] = m.nr_entries - 1;
	}
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.failed, 80);
	for (i = 0; i < result.nr_findings; i++) {
		const struct imatally_finding *f = &result.finding[i];

		for (j = 0; j < 7 && f->from.index >= record[j + 1]; j++)
			;
		if (f->kind == IMATALLY_FAILED_ENTRY)
			found[j]++;
		if (f->kind == IMATALLY_NOT_SEARCHED)
			not_searched[j] = true;
	}
	assert_int_equal(found[0], 10);
	assert_false(not_searched[0]);
	assert_int_equal(found[7], 0);
	assert_true(not_searched[7]);
}

static void a_gap_is_passed_at_the_next_record_that_can(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 5);
	m.tpm_error = "EIO";
	machine_record(&m, "request");
	m.tpm_error = NULL;
	machine_measure(&m, 3);
	machine_record(&m, "request");
	machine_delete(&m, 3, 2);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 2);
	/* but it does not excuse what comes later */
	machine_measure(&m, 2);
	machine_record(&m, "request");
	forge(m.nr_entries - 2);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_non_null(finding(IMATALLY_DIFFERS_AT_RECORD));
}

/* Execute a kernel whose list is cut before the execute record. */
static void kexec_with_a_gap(void)
{
	unsigned int at;

	machine_record(&m, "kexec_load");
	at = m.nr_entries;
	machine_measure(&m, 5);
	machine_record(&m, "kexec_execute");
	machine_delete(&m, at, 5);
	machine_kexec(&m, m.nr_entries, true);
}

/*
 * The execute record is part of what the PCR values prove, and counts what its
 * kernel lost.  What the kernels before it lost, only their own records tell.
 */
static void a_gap_proves_the_records_of_one_kernel(void **state)
{
	const struct imatally_finding *unproved;

	(void)state;
	start(2);
	kexec_with_a_gap();
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 5);
	assert_null(finding(IMATALLY_RECORDS_NOT_PROVED));

	kexec_with_a_gap();
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 10);
	unproved = finding(IMATALLY_RECORDS_NOT_PROVED);
	assert_non_null(unproved);
	assert_int_equal(unproved->to.kernel, 2);
	assert_int_equal(unproved->to.event, IMATALLY_EVENT_KEXEC_EXECUTE);
}

static void dropped_measurements_are_incomplete(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.dropped = 4;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_DROPPED, 4, 1, 5);
}

static void others_are_a_note_and_unexplained_ones_a_finding(void **state)
{
	(void)state;
	/* the driver saw them */
	start(2);
	machine_others(&m, 3);
	m.updates += 6;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_between(IMATALLY_OTHERS, 6, 1, 2);
	assert_false(result.has_findings);
	/* the driver did not see them */
	start(2);
	machine_others(&m, 3);
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_between(IMATALLY_UNEXPLAINED, 6, 1, 2);
	assert_true(result.has_findings);
}

static void a_read_that_lost_its_session_is_a_finding(void **state)
{
	(void)state;
	start(2);
	m.protected = true;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_false(result.has_findings);
	m.protected = false;
	machine_record(&m, "request");
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_between(IMATALLY_UNPROTECTED, 0, 2, 3);
	assert_true(result.has_findings);
	/* another kernel may lack HMAC sessions */
	m.protected = true;
	machine_record(&m, "kexec_execute");
	m.protected = false;
	machine_kexec(&m, m.nr_entries, true);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_between(IMATALLY_UNPROTECTED, 0, 2, 3);
}

static void accounts_that_disagree_are_a_mismatch(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.extends--;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	expect_between(IMATALLY_ACCOUNTS, 0, 1, 5);
}

static void an_error_record_leaves_its_intervals_unjudged(void **state)
{
	const struct imatally_finding *f = NULL;
	size_t i;

	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.tpm_error = "EIO";
	machine_record(&m, "request");
	m.tpm_error = NULL;
	machine_measure(&m, 3);
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_true(result.has_findings);
	for (i = 0; i < result.nr_findings; i++) {
		f = &result.finding[i];
		assert_int_equal(f->kind, IMATALLY_UNJUDGED);
		assert_string_equal(f->word, "EIO");
	}
	assert_int_equal(result.nr_findings, 2);
}

/* User space can reset PCR 23, extend it and have it quoted. */
static void an_invented_log_in_another_pcr_is_none(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_verifier *v;
	struct imatally_error err;
	struct imatally_log *log;
	char *pcrread;

	(void)state;
	machine_init(&m, 2, NULL);
	machine_measure_as(&m, 23, "boot_aggregate");
	machine_measure_as(&m, 23, "/bin/innocent");
	pcrread = machine_pcrread(&m);
	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, pcrread,
						   strlen(pcrread), &err),
			 IMATALLY_OK);
	free(pcrread);

	log = imatally_log_open_buffer(m.log, m.len);
	assert_int_equal(imatally_verify(log, &pcrs, &result, &err),
			 IMATALLY_ERR_USAGE);
	assert_string_equal(err.text, "no entry extends PCR 10: set the PCR that IMA extends on that machine");
	imatally_log_close(log);

	/* unless it is the PCR that IMA extends */
	log = imatally_log_open_buffer(m.log, m.len);
	v = imatally_verifier_new(&pcrs);
	assert_int_equal(imatally_verifier_set_pcr(v, 24), IMATALLY_ERR_USAGE);
	assert_int_equal(imatally_verifier_set_pcr(v, UINT32_MAX),
			 IMATALLY_ERR_USAGE);
	assert_int_equal(imatally_verifier_set_pcr(v, 23), IMATALLY_OK);
	assert_int_equal(imatally_verifier_run(v, log, &result, &err),
			 IMATALLY_OK);
	assert_int_equal(result.verdict, IMATALLY_COMPLETE_NOT_COUNTED);
	imatally_verifier_free(v);
	imatally_log_close(log);
	imatally_pcrs_free(&pcrs);
}

/* Rename the templates of entries with a buffer, which no digest covers. */
static void rename_buffers(const char *name)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	uint8_t *renamed = malloc(2 * m.len), *p = renamed;
	struct imatally_entry entry;
	struct imatally_error err;
	size_t len = strlen(name);
	/* as the machine's list has it, on any machine that runs this */
	uint32_t size = htole32(len);

	while (imatally_log_next(log, &entry, &err) > 0) {
		const uint8_t *start = m.log + entry.offset;
		const uint8_t *end = entry.data + entry.data_len;
		const uint8_t *template = (const uint8_t *)entry.template_name;

		if (!imatally_entry_field(&entry, "buf")) {
			memcpy(p, start, end - start);
			p += end - start;
			continue;
		}
		memcpy(p, start, template - 4 - start);
		p += template - 4 - start;
		memcpy(p, &size, sizeof(size));
		memcpy(p + sizeof(size), name, len);
		p += sizeof(size) + len;
		template += entry.template_name_len;
		memcpy(p, template, end - template);
		p += end - template;
	}
	imatally_log_close(log);
	free(m.log);
	m.log = renamed;
	m.len = p - renamed;
}

static void no_name_of_a_template_hides_a_record(void **state)
{
	static const char *const names[] = {
		"ima-sig", "ima-txt", "d-ng|sig|buf", "sig|sig|sig", "d|n|n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		start(2);
		m.dropped = 14;
		machine_record(&m, "request");
		m.dropped = 0;
		/*
		 * a key in a keyring of that name is not the start of a kernel
		 */
		machine_buffer(&m, "boot_aggregate", "key", 3);
		assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
		assert_int_equal(result.dropped, 14);
		rename_buffers(names[i]);
		assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
		assert_int_equal(result.dropped, 14);
		assert_int_equal(result.kernels, 1);
	}
}

static void padded_banks_and_other_pcrs_are_told(void **state)
{
	(void)state;
	machine_init(&m, 3, NULL);
	m.bank[2].padded = true;
	machine_boot(&m, true);
	machine_measure_as(&m, 11, "/into/eleven");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(finding(IMATALLY_PADDED)->alg, IMATALLY_ALG_SHA384);
	assert_false(result.has_findings);
	/* a wrong value of that PCR */
	m.bank[0].pcr[11][0] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_int_equal(finding(IMATALLY_DIFFERS_AT_END)->pcr, 11);
}

static void some_banks_may_be_missing(void **state)
{
	struct machine one;
	char *pcrread;

	(void)state;
	start(2);
	machine_measure(&m, 5);
	machine_record(&m, "request");
	machine_measure_as(&m, 11, "/into/eleven");
	/* only sha256 is given */
	one = m;
	one.bank[0] = m.bank[1];
	one.nr_banks = 1;
	pcrread = machine_pcrread(&one);
	assert_int_equal(verdict_with(pcrread), IMATALLY_COMPLETE);
	free(pcrread);
	/* a bank that is not in the records cannot be replayed after a gap */
	start(2);
	machine_measure(&m, 5);
	m.nr_banks = 1;
	machine_record(&m, "request");
	m.nr_banks = 2;
	machine_delete(&m, 3, 1);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(finding(IMATALLY_BANK_ADRIFT)->alg,
			 IMATALLY_ALG_SHA256);
}

static void a_keyring_of_the_records_name_is_no_record(void **state)
{
	(void)state;
	start(2);
	machine_buffer(&m, "pcr_counter", "\x30\x82", 2);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_between(IMATALLY_FOREIGN, 0, 2, 2);
}

static void errors_are_no_verdict(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	struct imatally_log *log;
	char *pcrread;

	(void)state;
	start(2);
	pcrread = machine_pcrread(&m);
	imatally_pcrs_add_pcrread(&pcrs, pcrread, strlen(pcrread), &err);
	free(pcrread);

	log = imatally_log_open_buffer(m.log, 0);
	assert_int_equal(imatally_verify(log, &pcrs, &result, &err),
			 IMATALLY_ERR_MALFORMED);
	assert_non_null(strstr(err.text, "empty"));
	imatally_log_close(log);

	/* no value of the IMA PCR */
	pcrs.pcr[0] = pcrs.pcr[3];
	pcrs.nr = 1;
	log = imatally_log_open_buffer(m.log, m.start[2]);
	assert_int_equal(imatally_verify(log, &pcrs, &result, &err),
			 IMATALLY_ERR_USAGE);
	imatally_log_close(log);
	imatally_pcrs_free(&pcrs);
}

/* What it would have said is in the next record. */
static void a_record_that_was_cut_off_is_an_entry(void **state)
{
	char text[2048];
	unsigned int lost;

	(void)state;
	for (lost = 0; lost < 2; lost++) {
		start(2);
		machine_measure(&m, 2);
		m.dropped = lost;
		machine_record_text(&m, "kexec_load", text, sizeof(text));
		machine_buffer(&m, "pcr_counter", text, 100);
		machine_measure(&m, 1);
		machine_record(&m, "request");
		assert_int_equal(verdict(), lost ? IMATALLY_INCOMPLETE :
						   IMATALLY_COMPLETE);
		assert_int_equal(result.records, 2);
		assert_int_equal(result.dropped, lost);
		expect_between(IMATALLY_UNREADABLE_RECORD, 0, 4, 4);
		assert_true(result.has_findings);
	}
	/* an edit is noticed */
	m.log[m.start[5] - 1] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

static void findings_are_bounded(void **state)
{
	unsigned int i;

	(void)state;
	start(1);
	machine_measure(&m, 1020);
	for (i = 0; i < m.nr_entries; i++)
		m.log[m.start[i] + 4] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_int_equal(result.nr_findings, IMATALLY_MAX_FINDINGS);
	assert_int_equal(result.findings_not_kept,
			 1022 - IMATALLY_MAX_FINDINGS);
}

/* Losses are reported in order, however many notes there are. */
static void losses_do_not_drown_in_notes(void **state)
{
	const struct imatally_finding *last;
	unsigned int i;

	(void)state;
	start(1);
	for (i = 0; i < IMATALLY_MAX_FINDINGS + 20; i++) {
		machine_others(&m, 1);
		m.updates++;
		machine_record(&m, "request");
	}
	machine_measure(&m, 10);
	machine_record(&m, "request");
	machine_delete(&m, m.nr_entries - 5, 3);
	for (i = 0; i < 10; i++) {
		machine_others(&m, 1);
		m.updates++;
		machine_record(&m, "request");
	}
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.nr_findings, IMATALLY_MAX_FINDINGS);
	assert_int_equal(result.findings_not_kept, 20 + 1 + 10);
	last = &result.finding[result.nr_findings - 1];
	assert_int_equal(last->severity, IMATALLY_LOSS);
	assert_int_equal(last->count, 3);
	assert_int_equal(last[-1].severity, IMATALLY_NOTE);
	assert_true(last[-1].to.index < last->from.index);
}

/* Return whether byte @at of the list is in the name of a template. */
static bool is_template_name(size_t at)
{
	unsigned int i = 0;

	while (m.start[i + 1] <= at)
		i++;
	at -= m.start[i];
	return at >= 28 && at < 28U + m.log[m.start[i] + 24];
}

/* With any byte changed, the list is not complete. */
static void no_changed_byte_goes_unseen(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	char *pcrread;
	size_t i;

	(void)state;
	start(2);
	machine_measure(&m, 2);
	machine_violation(&m);
	machine_record(&m, "kexec_load");
	machine_kexec(&m, m.nr_entries, true);
	pcrread = machine_pcrread(&m);
	imatally_pcrs_add_pcrread(&pcrs, pcrread, strlen(pcrread), &err);
	for (i = 0; i < m.len; i++) {
		struct imatally_log *log;

		/* no digest covers the data of a violation, and a name */
		if ((i >= m.start[4] + 24 && i < m.start[5]) ||
		    is_template_name(i))
			continue;
		m.log[i] ^= 1;
		log = imatally_log_open_buffer(m.log, m.len);
		imatally_result_free(&result);
		if (!imatally_verify(log, &pcrs, &result, &err) &&
		    result.verdict != IMATALLY_MISMATCH)
			fail_msg("byte %u: verdict %u", (unsigned int)i,
				 result.verdict);
		imatally_log_close(log);
		m.log[i] ^= 1;
	}
	assert_int_equal(verdict_with(pcrread), IMATALLY_COMPLETE);
	free(pcrread);
	imatally_pcrs_free(&pcrs);
}

/* Add a record by hand: the current one of the machine, with changes. */
static void add_text(uint32_t pcr, const char *text)
{
	struct machine_field field[] = {
		{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
		{ "pcr_counter", 12 },
		{ text, strlen(text) },
	};

	machine_add(&m, pcr, "ima-buf", field, 3);
}

/* Replace the first @from in @text, which has room. */
static void replace(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	assert_non_null(at);
	memmove(at + strlen(to), at + strlen(from),
		strlen(at + strlen(from)) + 1);
	memcpy(at, to, strlen(to));
}

static void a_record_after_the_values_is_not_judged(void **state)
{
	char *pcrread;

	(void)state;
	start(2);
	machine_measure(&m, 2);
	pcrread = machine_pcrread(&m);
	m.dropped = 5;
	m.entries += 7;
	machine_record(&m, "request");
	machine_record(&m, "boot");
	assert_int_equal(verdict_with(pcrread), IMATALLY_COMPLETE);
	assert_int_equal(result.records, 1);
	assert_int_equal(result.kernels, 1);
	assert_int_equal(result.tail, 2);
	assert_int_equal(result.nr_findings, 1);
	assert_int_equal(result.nr_intervals, 2);
	free(pcrread);

	/* nor does it make the list counted */
	machine_free(&m);
	machine_init(&m, 2, NULL);
	machine_boot(&m, false);
	pcrread = machine_pcrread(&m);
	machine_record(&m, "request");
	assert_int_equal(verdict_with(pcrread), IMATALLY_COMPLETE_NOT_COUNTED);
	free(pcrread);

	/* but an entry that is not what its digest says was altered */
	m.log[m.start[1] + 4] ^= 1;
	pcrread = machine_pcrread(&m);
	assert_int_equal(verdict_with(pcrread), IMATALLY_MISMATCH);
	free(pcrread);
}

static void a_key_that_vanishes_is_a_mismatch(void **state)
{
	char text[2048];

	(void)state;
	start(2);
	text[machine_record_text(&m, "request", text, sizeof(text))] = 0;
	replace(text, "unread=0;", "");
	add_text(10, text);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_string_equal(finding(IMATALLY_KEY_VANISHED)->word, "unread");
	/* these may be missing */
	start(2);
	m.without_step = true;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_null(finding(IMATALLY_KEY_VANISHED));
	assert_int_equal(finding(IMATALLY_UNJUDGED)->count,
			 IMATALLY_UNJUDGED_KEYS);
}

static void a_name_begins_no_kernel(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 2);
	machine_measure_as(&m, 10, "boot_aggregate");
	machine_measure_as(&m, 10, "boot_aggregate_late");
	machine_measure_as(&m, 10, "pcr_counter");
	machine_record(&m, "request");
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, false);
	machine_measure_as(&m, 10, "boot_aggregate");
	machine_measure(&m, 1);
	machine_record(&m, "policy");
	machine_measure_as(&m, 10, "boot_aggregate");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(result.kernels, 2);
	assert_false(result.has_findings);
	expect_between(IMATALLY_FOREIGN, 1, 6, 6);
	/* before each record, and at the end */
	assert_int_equal(result.nr_findings, 4);
	assert_int_equal(result.finding[1].kind, IMATALLY_NAMED_ONLY);
	assert_int_equal(result.finding[1].count, 2);
	assert_int_equal(result.finding[1].from.index, 4);
	assert_int_equal(result.finding[2].from.index, 10);
	assert_int_equal(result.finding[3].from.index, 13);
	assert_int_equal(result.interval[3].kernel_start, 9);
	/* more than are remembered */
	start(1);
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, false);
	while (m.nr_entries < 400)
		machine_measure_as(&m, 10, "boot_aggregate");
	machine_record(&m, "policy");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(result.kernels, 2);
}

static void records_in_another_pcr_are_judged_on_request_only(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_verifier *v;
	struct imatally_error err;
	struct imatally_log *log;
	char text[2048], *pcrread;

	(void)state;
	start(2);
	m.dropped = 5;
	text[machine_record_text(&m, "request", text, sizeof(text))] = 0;
	add_text(11, text);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(finding(IMATALLY_RECORD_ELSEWHERE)->pcr, 11);
	assert_true(result.has_findings);

	pcrread = machine_pcrread(&m);
	imatally_pcrs_add_pcrread(&pcrs, pcrread, strlen(pcrread), &err);
	free(pcrread);
	v = imatally_verifier_new(&pcrs);
	assert_int_equal(imatally_verifier_set_pcr(v, 24), IMATALLY_ERR_USAGE);
	assert_int_equal(imatally_verifier_set_record_pcr(v, 16),
			 IMATALLY_ERR_USAGE);
	assert_int_equal(imatally_verifier_set_record_pcr(v, 11), IMATALLY_OK);
	log = imatally_log_open_buffer(m.log, m.len);
	imatally_result_free(&result);
	assert_int_equal(imatally_verifier_run(v, log, &result, &err),
			 IMATALLY_OK);
	assert_int_equal(result.verdict, IMATALLY_INCOMPLETE);
	assert_int_equal(result.dropped, 5);
	assert_false(result.has_findings);
	imatally_log_close(log);
	imatally_verifier_free(v);

	/* without its value nothing proves them */
	pcrs.nr = 11;
	v = imatally_verifier_new(&pcrs);
	imatally_verifier_set_record_pcr(v, 11);
	log = imatally_log_open_buffer(m.log, m.len);
	imatally_result_free(&result);
	assert_int_equal(imatally_verifier_run(v, log, &result, &err),
			 IMATALLY_ERR_USAGE);
	imatally_log_close(log);
	imatally_verifier_free(v);
	imatally_pcrs_free(&pcrs);
}

/* kexec_load hands over no list, and the PCR was extended before. */
static void what_did_not_arrive_is_incomplete(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 4);
	machine_kexec(&m, 0, true);
	machine_measure(&m, 2);
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_true(result.not_arrived);
	assert_int_equal(result.lost, 0);
	assert_int_equal(finding(IMATALLY_NOT_ARRIVED)->to.index, 0);
	/* the boot_aggregate is proved nevertheless */
	m.log[m.start[1] - 3] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	/* the PCR was zero: nothing is missing, and something was altered */
	start(2);
	machine_record(&m, "request");
	m.log[m.start[1] - 3] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/* The same if the TPM can't be read after the boot_aggregate. */
static void the_value_before_a_kernel_is_enough(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 4);
	m.tpm_error = "ETIME";
	machine_kexec(&m, 0, true);
	m.tpm_error = NULL;
	machine_measure(&m, 2);
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_true(result.not_arrived);
	assert_int_equal(result.lost, 0);
	m.log[m.start[1] - 3] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	/* an edit of a list that was handed over and counted is none */
	start(2);
	machine_measure(&m, 3);
	forge(3);
	m.tpm_error = "ETIME";
	machine_kexec(&m, m.nr_entries, true);
	m.tpm_error = NULL;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/* It is not known yet which digests this kernel extends. */
static void the_value_before_a_kernel_is_enough_in_a_padded_bank(void **state)
{
	unsigned int i;

	(void)state;
	machine_init(&m, 3, NULL);
	m.bank[2].padded = true;
	for (i = 0; i < m.nr_banks; i++)
		memset(m.bank[i].pcr[10], 1, m.bank[i].size);
	m.tpm_error = "EIO";
	machine_boot(&m, true);
	m.tpm_error = NULL;
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_true(result.not_arrived);
}

/* A kernel without a TPM extends nothing, so the PCR begins with the next one. */
static void a_loss_before_the_first_kernel_with_a_tpm_is_incomplete(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	m.tpm_error = "ENODEV";
	m.tpm_fails = true;
	machine_boot(&m, false);
	machine_measure(&m, 4);
	m.failed = 0;
	machine_record(&m, "kexec_execute");
	m.tpm_error = NULL;
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, true);
	machine_delete(&m, 3, 1);
	machine_measure(&m, 1);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 1);
	/* nor did that kernel make records */
	machine_delete(&m, 4, 1);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 2);
}

/* The TPM can't be read for the boot record, but for the next one. */
static void a_cut_list_is_counted_by_a_later_record(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 4);
	machine_record(&m, "request");
	machine_measure(&m, 3);
	m.tpm_error = "EIO";
	machine_kexec(&m, m.nr_entries - 2, true);
	m.tpm_error = NULL;
	machine_measure(&m, 2);
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(result.lost, 2);
	assert_true(result.by_counter);
	expect_between(IMATALLY_LOST, 2, 7, 8);
	/* an edit is no loss */
	start(2);
	machine_measure(&m, 4);
	machine_record(&m, "request");
	machine_measure(&m, 3);
	forge(7);
	m.tpm_error = "EIO";
	machine_kexec(&m, m.nr_entries, true);
	m.tpm_error = NULL;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/* Entries that user space deleted and put in front again */
static void a_list_may_be_longer_than_what_was_handed_over(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	machine_boot(&m, false);
	machine_measure(&m, 4);
	machine_kexec(&m, m.nr_entries, false);
	m.entries -= 2;
	m.carried -= 2;
	machine_record(&m, "boot");
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(result.kernels, 2);
	m.log[m.start[2] - 3] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/* The TPM cannot be read for the first record after them. */
static void a_later_value_tells_whether_a_longer_list_is_invented(void **state)
{
	unsigned int lost;

	(void)state;
	for (lost = 0; lost < 2; lost++) {
		machine_free(&m);
		machine_init(&m, 2, NULL);
		machine_boot(&m, false);
		machine_measure(&m, 4);
		machine_kexec(&m, m.nr_entries, false);
		m.entries -= 2;
		m.carried -= 2;
		m.tpm_error = "EIO";
		machine_record(&m, "request");
		m.tpm_error = NULL;
		machine_measure(&m, 2);
		if (lost)
			machine_delete(&m, 7, 1);
		machine_record(&m, "request");
		assert_int_equal(verdict(), lost ? IMATALLY_MISMATCH :
						   IMATALLY_COMPLETE);
		if (lost)
			expect_between(IMATALLY_INSERTED, 2, 0, 6);
	}
}

/* The kernel in between has no records, and user space deletes in it. */
static void deleted_entries_may_be_put_back_into_their_place(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 2);
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, false);
	machine_kexec(&m, m.nr_entries, false);
	m.entries -= 3;
	m.carried -= 3;
	machine_record(&m, "boot");
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	m.log[m.start[3] - 3] ^= 1;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

static void a_resume_that_restarted_nothing_excuses_nothing(void **state)
{
	unsigned int i;

	(void)state;
	start(2);
	machine_measure(&m, 2);
	m.counter += 3;
	machine_record(&m, "resume");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_between(IMATALLY_UNEXPLAINED, 3, 1, 4);
	for (i = 0; i < 2; i++) {
		start(2);
		machine_measure(&m, 2);
		memset(m.bank[0].pcr[10], 0, 64);
		memset(m.bank[1].pcr[10], 0, 64);
		m.resets += i;
		machine_record(&m, "resume");
		assert_int_equal(verdict(), i ? IMATALLY_INCOMPLETE :
						IMATALLY_MISMATCH);
	}
}

/* After suspend to RAM, the PCRs are what they were. */
static void a_restart_resets_no_pcr(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 3);
	m.counter += 4;
	m.restarts++;
	machine_record(&m, "resume");
	machine_measure(&m, 1);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	forge(3);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/* The record of the resume has no values: the next one shows the reset. */
/* The TPM's counts are not the kernel's: an earlier kernel may have read them. */
static void a_resume_is_compared_with_any_kernel(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 2);
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, false);
	machine_measure(&m, 1);
	memset(m.bank[0].pcr[10], 0, 64);
	memset(m.bank[1].pcr[10], 0, 64);
	machine_record(&m, "resume");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_null(finding(IMATALLY_RESET));
}

static void lists_of_two_boots_are_told(void **state)
{
	unsigned int i, j;

	(void)state;
	/* by resetCount, or if no record has it, by the counter */
	for (i = 0; i < 2; i++) {
		machine_free(&m);
		machine_init(&m, 2, NULL);
		m.tpm_error = i ? "EIO" : NULL;
		machine_boot(&m, true);
		m.tpm_error = NULL;
		machine_measure(&m, 1);
		machine_record(&m, "request");
		for (j = 0; j < m.nr_banks; j++)
			memset(m.bank[j].pcr[10], 0, 64);
		m.counter = i ? 0 : m.counter + 20;
		m.resets++;
		machine_kexec(&m, m.nr_entries, false);
		m.entries -= m.carried;
		m.carried = 0;
		machine_record(&m, "boot");
		machine_measure(&m, 2);
		assert_int_equal(verdict(), IMATALLY_MISMATCH);
		expect_between(IMATALLY_STARTED_ANEW, 0, 3, 5);
		assert_int_equal(finding(IMATALLY_STARTED_ANEW)->severity,
				 IMATALLY_FINDING);
	}
}

/* The kernel before made no records, and the machine slept on disk. */
static void a_reset_may_come_before_a_kexec(void **state)
{
	unsigned int i;

	(void)state;
	start(2);
	machine_measure(&m, 2);
	machine_record(&m, "kexec_execute");
	for (i = 0; i < m.nr_banks; i++)
		memset(m.bank[i].pcr[10], 0, 64);
	m.counter += 20;
	m.resets++;
	machine_kexec(&m, m.nr_entries, true);
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_RESET, 0, 4, 6);
	/* firmware moved the counter, and no entry was lost */
	assert_int_equal(result.lost, 0);

	/* no record before says how often the TPM was started */
	machine_free(&m);
	machine_init(&m, 2, NULL);
	m.tpm_error = "EIO";
	machine_boot(&m, true);
	m.tpm_error = NULL;
	machine_measure(&m, 2);
	machine_record(&m, "request");
	for (i = 0; i < m.nr_banks; i++)
		memset(m.bank[i].pcr[10], 0, 64);
	machine_kexec(&m, m.nr_entries, true);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_RESET, 0, 4, 6);
}

/* The record of a resume is missing, so the counter does not tell what else is. */
static void a_restart_may_come_before_a_cut(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 2);
	m.counter += 4;
	m.restarts++;
	machine_record(&m, "resume");
	machine_measure(&m, 2);
	machine_kexec(&m, 4, true);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_true(result.not_arrived);
	assert_int_equal(result.lost, 0);
}

/*
 * User space deleted the first entries, and kexec cut the last ones.  An entry that
 * was put in is in the place of neither.
 */
static void what_was_cut_is_not_replaced(void **state)
{
	unsigned int put_in;

	(void)state;
	for (put_in = 0; put_in < 2; put_in++) {
		start_trimmed();
		machine_measure(&m, 3);
		machine_delete(&m, 13 + put_in, 3 - put_in);
		machine_delete(&m, 0, 6);
		machine_kexec(&m, m.nr_entries, false);
		m.entries -= put_in;
		m.carried -= put_in;
		machine_record(&m, "boot");
		assert_int_equal(verdict(), put_in ? IMATALLY_MISMATCH :
						     IMATALLY_INCOMPLETE);
		if (put_in)
			expect_between(IMATALLY_INSERTED, 1, 6, 9);
		else
			assert_int_equal(result.lost, 6 + 3);
	}
}

/* Whoever extends the PCR again after a reset does not change resetCount. */
static void a_pcr_that_goes_on_after_a_reset_is_forged(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		start(2);
		machine_measure(&m, 2);
		m.resets += i;
		m.restarts++;
		machine_kexec(&m, m.nr_entries, true);
		assert_int_equal(verdict(), i ? IMATALLY_MISMATCH :
						IMATALLY_COMPLETE);
		expect_between(IMATALLY_STARTED_ANEW, 0, 1, 5);
	}
	/* a resume record that says so may be among what was lost */
	start(2);
	machine_measure(&m, 2);
	m.resets++;
	machine_kexec(&m, m.nr_entries - 1, true);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_STARTED_ANEW, 0, 1, 4);
}

/* Verify with what a quote signs besides the PCR values. */
static enum imatally_verdict verdict_with_starts(uint32_t resets,
						 uint32_t restarts)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	char *pcrread = machine_pcrread(&m);
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_verifier *v;
	struct imatally_error err;

	imatally_result_free(&result);
	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, pcrread,
						   strlen(pcrread), &err),
			 IMATALLY_OK);
	v = imatally_verifier_new(&pcrs);
	imatally_verifier_set_starts(v, resets, restarts);
	assert_int_equal(imatally_verifier_run(v, log, &result, &err),
			 IMATALLY_OK);
	imatally_verifier_free(v);
	imatally_pcrs_free(&pcrs);
	imatally_log_close(log);
	free(pcrread);
	return result.verdict;
}

static void a_quote_of_another_boot_is_a_mismatch(void **state)
{
	(void)state;
	start(2);
	m.resets = 7;
	m.restarts = 2;
	machine_measure(&m, 2);
	machine_record(&m, "resume");
	machine_measure(&m, 1);
	assert_int_equal(verdict_with_starts(7, 2), IMATALLY_COMPLETE);
	assert_null(finding(IMATALLY_STARTED_ANEW));
	/* the list of an earlier boot, or before TPM2_Clear */
	assert_int_equal(verdict_with_starts(8, 0), IMATALLY_MISMATCH);
	assert_int_equal(verdict_with_starts(0, 0), IMATALLY_MISMATCH);
	expect_between(IMATALLY_STARTED_ANEW, 0, 4, 0);
	/* the machine woke up, and has not written its record yet */
	assert_int_equal(verdict_with_starts(7, 3), IMATALLY_COMPLETE);
	expect_between(IMATALLY_STARTED_ANEW, 0, 4, 0);
	/* the TPM adds constants for this AK */
	assert_int_equal(verdict_with_starts(0xfedcba98, 2), IMATALLY_COMPLETE);
	assert_int_equal(verdict_with_starts(7, 0x76543210), IMATALLY_COMPLETE);
	assert_null(finding(IMATALLY_STARTED_ANEW));
	/* the TPM could not be asked after the last resume */
	m.tpm_error = "EIO";
	machine_record(&m, "resume");
	m.tpm_error = NULL;
	assert_int_equal(verdict_with_starts(8, 0), IMATALLY_COMPLETE);
	expect_between(IMATALLY_STARTED_ANEW, 0, 6, 0);
}

static void a_reset_shows_at_a_later_record(void **state)
{
	(void)state;
	start(2);
	machine_measure(&m, 2);
	memset(m.bank[0].pcr[10], 0, 64);
	memset(m.bank[1].pcr[10], 0, 64);
	m.tpm_error = "EIO";
	machine_record(&m, "resume");
	m.tpm_error = NULL;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	expect_between(IMATALLY_RESET, 0, 1, 5);
}

/* Entries of a kernel without records whose extends failed */
static void failed_extends_before_the_first_record_are_found(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	m.tpm_fails = true;
	machine_boot(&m, false);
	m.tpm_fails = false;
	machine_kexec(&m, m.nr_entries, true);
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(finding(IMATALLY_FAILED_ENTRY)->from.index, 0);
	assert_int_equal(result.kernels, 2);
	/* of the kernel's own first entry, too */
	machine_free(&m);
	machine_init(&m, 2, NULL);
	m.tpm_fails = true;
	machine_measure_as(&m, 10, "boot_aggregate");
	m.tpm_fails = false;
	machine_record(&m, "boot");
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_int_equal(finding(IMATALLY_FAILED_ENTRY)->from.index, 0);
}

/* The record of the kernel before was copied behind a forged start. */
static void a_start_contradicts_the_records_of_its_kernel(void **state)
{
	char text[2048];

	(void)state;
	start(2);
	machine_measure(&m, 2);
	/* an entry that is not extended, as if its extend had failed */
	m.tpm_fails = true;
	text[machine_record_text(&m, "boot", text, sizeof(text))] = 0;
	replace(text, "entries=4;", "entries=1;");
	machine_measure_as(&m, 10, "boot_aggregate");
	add_text(10, text);
	m.tpm_fails = false;
	m.entries -= 2;
	m.failed -= 2;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/*
 * User space may have deleted the boot_aggregate and lost it, but then the replay
 * differs, and the record is a later one.
 */
static void the_boot_aggregate_of_a_part_was_extended(void **state)
{
	unsigned int with_error;
	size_t len;

	(void)state;
	for (with_error = 0; with_error < 2; with_error++) {
		machine_free(&m);
		machine_init(&m, 2, NULL);
		machine_boot(&m, false);
		m.tpm_fails = true;
		machine_measure_as(&m, 16, "inserted");
		m.tpm_fails = false;
		m.entries--;
		m.failed--;
		m.tpm_error = with_error ? "EIO" : NULL;
		machine_record(&m, "boot");
		m.tpm_error = NULL;
		machine_measure(&m, 2);
		assert_int_equal(verdict_in_parts(m.start[2]),
				 IMATALLY_MISMATCH);
		assert_int_equal(finding(IMATALLY_NO_START)->to.index, 2);
	}

	/* the same part twice */
	start(2);
	machine_measure(&m, 2);
	len = m.len;
	m.len += len - m.start[1];
	m.log = realloc(m.log, m.len);
	assert_non_null(m.log);
	memcpy(m.log + len, m.log + m.start[1], m.len - len);
	assert_int_equal(verdict_in_parts(len), IMATALLY_MISMATCH);
	assert_int_equal(finding(IMATALLY_NO_START)->to.index, 4);
}

static void a_boot_record_follows_its_boot_aggregate(void **state)
{
	(void)state;
	start(2);
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, true);
	machine_delete(&m, 3, 1);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_non_null(finding(IMATALLY_NO_START));
}

static void values_of_two_moments_prove_the_first(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_verifier *v;
	struct machine_bank bank;
	struct imatally_error err;
	struct imatally_log *log;
	char *pcrread;

	(void)state;
	start(2);
	machine_measure(&m, 2);
	bank = m.bank[0];
	machine_measure(&m, 1);
	m.bank[0] = bank;
	pcrread = machine_pcrread(&m);
	assert_int_equal(verdict_with(pcrread), IMATALLY_COMPLETE);
	assert_int_equal(finding(IMATALLY_TWO_MOMENTS)->from.index, 4);
	assert_int_equal(finding(IMATALLY_TWO_MOMENTS)->to.index, 5);
	assert_int_equal(result.tail, 1);
	/* a quote is of one moment */
	imatally_pcrs_add_pcrread(&pcrs, pcrread, strlen(pcrread), &err);
	free(pcrread);
	v = imatally_verifier_new(&pcrs);
	imatally_verifier_set_one_moment(v);
	log = imatally_log_open_buffer(m.log, m.len);
	imatally_result_free(&result);
	imatally_verifier_run(v, log, &result, &err);
	assert_int_equal(result.verdict, IMATALLY_MISMATCH);
	imatally_log_close(log);
	imatally_verifier_free(v);
	imatally_pcrs_free(&pcrs);
}

/*
 * A record that was put in again: the replay goes on from its values, and comes
 * to the value of the second bank once more.
 */
static void a_doubled_record_leads_to_no_later_moment(void **state)
{
	uint8_t record[4096];
	struct machine_bank bank;
	size_t len;

	(void)state;
	start(2);
	bank = m.bank[0];
	machine_measure(&m, 1);
	m.bank[0] = bank;
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	len = m.start[2] - m.start[1];
	assert_true(len <= sizeof(record));
	memcpy(record, m.log + m.start[1], len);
	m.log = realloc(m.log, m.len + len);
	assert_non_null(m.log);
	memmove(m.log + m.start[2] + len, m.log + m.start[2],
		m.len - m.start[2]);
	memcpy(m.log + m.start[2], record, len);
	m.len += len;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
}

/* Add one of mainline's events. */
static void add_event(const char *name, unsigned int count)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "kexec_segment_size=4096;ima_binary_runtime_size=812;ima_runtime_measurements_count=%u;",
		 count);
	machine_buffer(&m, name, text, strlen(text));
}

static void events_of_stock_kernels_explain_a_mismatch(void **state)
{
	(void)state;
	machine_init(&m, 1, NULL);
	machine_boot(&m, false);
	add_event("kexec_load", 1);
	machine_measure(&m, 4);
	add_event("kexec_execute", 6);
	machine_kexec(&m, m.nr_entries, false);
	assert_int_equal(verdict(), IMATALLY_COMPLETE_NOT_COUNTED);
	assert_int_equal(result.nr_findings, 0);
	machine_delete(&m, 3, 2);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_int_equal(finding(IMATALLY_FEWER_THAN_EVENT)->count, 2);
	assert_int_equal(finding(IMATALLY_FEWER_THAN_EVENT)->to.index, 4);
	assert_null(finding(IMATALLY_CUT_AT_KEXEC));
	machine_delete(&m, 4, 1);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_int_equal(finding(IMATALLY_CUT_AT_KEXEC)->to.index, 4);
}

static void unread_files_are_a_finding(void **state)
{
	(void)state;
	start(2);
	m.unread = 3;
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_between(IMATALLY_UNREAD, 3, 1, 2);
	assert_true(result.has_findings);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(complete_over_two_kexecs),
		TEST(not_counted_without_records),
		TEST(a_bank_that_is_not_given_is_not_replayed),
		TEST(a_cut_list_is_counted_by_the_counter),
		TEST(others_make_it_at_most),
		TEST(a_cut_before_the_execute_record_is_exact),
		TEST(deletions_between_records_are_counted_and_located),
		TEST(deletions_elsewhere),
		TEST(the_front_of_a_trimmed_list_is_missed),
		TEST(user_space_deleted_only_what_the_kernel_says),
		TEST(an_entry_amid_was_not_deleted_by_user_space),
		TEST(kernels_delete_one_after_the_other),
		TEST(insertions_are_a_mismatch),
		TEST(an_altered_entry_is_named),
		TEST(a_forged_entry_is_located_between_records),
		TEST(an_edit_before_a_kexec_is_no_loss),
		TEST(a_longer_log_matches_by_its_prefix),
		TEST(untouched_pcrs_prove_nothing),
		TEST(failed_extends_are_passed_with_the_records_help),
		TEST(extends_that_fail_until_a_kexec_are_found),
		TEST(failed_extends_are_found_in_a_padded_bank),
		TEST(failed_extends_are_found_in_a_bank_that_may_be_padded),
		TEST(an_extend_that_nothing_counts_did_not_fail),
		TEST(an_extend_in_the_place_of_a_missing_one_did_not_fail),
		TEST(entries_that_were_handed_to_no_kernel_may_be_invented),
		TEST(failed_extends_are_found_in_a_bank_with_the_ima_pcr),
		TEST(a_failed_extend_may_hide_a_loss_before_a_kexec),
		TEST(a_failed_extend_that_records_count_explains_no_more),
		TEST(failed_extends_explain_no_reset),
		TEST(too_many_failed_extends_are_not_searched_for),
		TEST(the_search_for_failed_extends_ends_for_the_whole_log),
		TEST(a_gap_is_passed_at_the_next_record_that_can),
		TEST(a_gap_proves_the_records_of_one_kernel),
		TEST(dropped_measurements_are_incomplete),
		TEST(others_are_a_note_and_unexplained_ones_a_finding),
		TEST(a_read_that_lost_its_session_is_a_finding),
		TEST(accounts_that_disagree_are_a_mismatch),
		TEST(an_error_record_leaves_its_intervals_unjudged),
		TEST(an_invented_log_in_another_pcr_is_none),
		TEST(no_name_of_a_template_hides_a_record),
		TEST(padded_banks_and_other_pcrs_are_told),
		TEST(some_banks_may_be_missing),
		TEST(a_keyring_of_the_records_name_is_no_record),
		TEST(errors_are_no_verdict),
		TEST(a_record_that_was_cut_off_is_an_entry),
		TEST(findings_are_bounded),
		TEST(losses_do_not_drown_in_notes),
		TEST(no_changed_byte_goes_unseen),
		TEST(a_record_after_the_values_is_not_judged),
		TEST(a_key_that_vanishes_is_a_mismatch),
		TEST(a_name_begins_no_kernel),
		TEST(records_in_another_pcr_are_judged_on_request_only),
		TEST(what_did_not_arrive_is_incomplete),
		TEST(the_value_before_a_kernel_is_enough),
		TEST(the_value_before_a_kernel_is_enough_in_a_padded_bank),
		TEST(a_loss_before_the_first_kernel_with_a_tpm_is_incomplete),
		TEST(a_cut_list_is_counted_by_a_later_record),
		TEST(a_list_may_be_longer_than_what_was_handed_over),
		TEST(a_resume_that_restarted_nothing_excuses_nothing),
		TEST(a_later_value_tells_whether_a_longer_list_is_invented),
		TEST(deleted_entries_may_be_put_back_into_their_place),
		TEST(a_resume_is_compared_with_any_kernel),
		TEST(lists_of_two_boots_are_told),
		TEST(a_restart_resets_no_pcr),
		TEST(a_reset_may_come_before_a_kexec),
		TEST(a_restart_may_come_before_a_cut),
		TEST(what_was_cut_is_not_replaced),
		TEST(a_pcr_that_goes_on_after_a_reset_is_forged),
		TEST(a_quote_of_another_boot_is_a_mismatch),
		TEST(a_reset_shows_at_a_later_record),
		TEST(failed_extends_before_the_first_record_are_found),
		TEST(a_start_contradicts_the_records_of_its_kernel),
		TEST(the_boot_aggregate_of_a_part_was_extended),
		TEST(a_boot_record_follows_its_boot_aggregate),
		TEST(values_of_two_moments_prove_the_first),
		TEST(a_doubled_record_leads_to_no_later_moment),
		TEST(events_of_stock_kernels_explain_a_mismatch),
		TEST(unread_files_are_a_finding),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
