// SPDX-License-Identifier: GPL-2.0-only
/* Every equation between two consecutive records. */

#include "../lib/reconcile.h"
#include "test.h"

/*
 * Two records of version 1, two banks: of the same kernel, at entries 1 and 11,
 * and of two kernels, where the second one starts at entry 21 and its record is
 * entry 22.  All equations hold.
 */
static struct imatally_mark first, second, other;
static struct imatally_span within, across;

#define SET(mark, key, number) \
	((mark).record.value[IMATALLY_KEY_##key] = (number))
#define ADD(mark, key, number) \
	((mark).record.value[IMATALLY_KEY_##key] += (number))
#define LACK(mark, key) \
	((mark).record.keys &= ~(1U << IMATALLY_KEY_##key))

static void all_keys(struct imatally_mark *mark)
{
	memset(mark, 0, sizeof(*mark));
	mark->record.keys = (1U << IMATALLY_NR_KEYS) - 1;
	LACK(*mark, ERROR);
	mark->record.pcr.nr = 1;
	SET(*mark, BANKS, 2);
	SET(*mark, STEP, 2);
}

static int setup(void **state)
{
	(void)state;
	all_keys(&first);
	first.index = 1;
	first.kernel = 1;
	SET(first, COUNTER, 29);
	SET(first, UPDATES, 2);
	SET(first, ENTRIES, 1);
	SET(first, EXTENDS, 1);

	second = first;
	second.index = 11;
	second.record.event = IMATALLY_EVENT_KEXEC_LOAD;
	ADD(second, COUNTER, 20);
	ADD(second, UPDATES, 20);
	ADD(second, ENTRIES, 10);
	ADD(second, EXTENDS, 10);

	all_keys(&other);
	other.index = 22;
	other.kernel = 2;
	/* entries 11 to 20, followed by a boot_aggregate */
	SET(other, COUNTER, 49 + 2 * 10 + 2);
	SET(other, UPDATES, 2);
	SET(other, ENTRIES, 22);
	SET(other, CARRIED, 21);
	SET(other, EXTENDS, 1);

	within = (struct imatally_span){ .from = &first, .to = &second,
					 .replay = IMATALLY_MATCH_SAME };
	across = (struct imatally_span){ .from = &second, .to = &other,
					 .kernel_start = 21,
					 .replay = IMATALLY_MATCH_SAME };
	return 0;
}

static struct imatally_interval judge(const struct imatally_span *span)
{
	struct imatally_interval iv;

	imatally_reconcile(span, &iv);
	return iv;
}

static void expect_clean(const struct imatally_interval *iv)
{
	assert_int_equal(iv->lost, 0);
	assert_int_equal(iv->lost_handover, 0);
	assert_int_equal(iv->inserted, 0);
	assert_int_equal(iv->failed, 0);
	assert_int_equal(iv->dropped, 0);
	assert_false(iv->accounts_disagree);
	assert_int_equal(iv->rest, 0);
	assert_int_equal(iv->others, 0);
	assert_int_equal(iv->unjudged, 0);
}

static void closed_accounts_find_nothing(void **state)
{
	struct imatally_interval iv = judge(&within);

	(void)state;
	expect_clean(&iv);
	assert_int_equal(iv.present, 10);
	assert_int_equal(iv.counter, 20);
	assert_int_equal(iv.ima, 20);
	assert_true(iv.has_others && iv.has_rest && iv.is_split);

	iv = judge(&across);
	expect_clean(&iv);
	assert_int_equal(iv.present, 11);
	assert_int_equal(iv.counter, 22);
	assert_int_equal(iv.ima, 22);
}

static void the_first_record_is_counted_from_its_kernels_start(void **state)
{
	struct imatally_interval iv;

	(void)state;
	within.to = &first;
	within.from = NULL;
	iv = judge(&within);
	expect_clean(&iv);
	assert_false(iv.has_counter);
	ADD(first, ENTRIES, 3);
	ADD(first, EXTENDS, 3);
	iv = judge(&within);
	assert_int_equal(iv.lost, 3);
	assert_false(iv.accounts_disagree);
	SET(first, CARRIED, 3);
	SET(first, EXTENDS, 1);
	iv = judge(&within);
	assert_int_equal(iv.lost, 0);
	assert_int_equal(iv.lost_handover, 3);
}

static void entries_against_present(void **state)
{
	struct imatally_interval iv;

	(void)state;
	second.index -= 4;
	iv = judge(&within);
	assert_int_equal(iv.lost, 4);
	assert_int_equal(iv.inserted, 0);
	second.index += 7;
	iv = judge(&within);
	assert_int_equal(iv.lost, 0);
	assert_int_equal(iv.inserted, 3);
	SET(second, ENTRIES, 0);
	SET(second, EXTENDS, 0);
	assert_true(judge(&within).accounts_disagree);
}

static void counter_against_updates(void **state)
{
	struct imatally_interval iv;

	(void)state;
	ADD(second, COUNTER, 3);
	iv = judge(&within);
	assert_int_equal(iv.rest, 3);
	assert_int_equal(iv.others, 0);
	ADD(second, UNCERTAIN, 2);
	assert_int_equal(judge(&within).rest, 1);
	ADD(second, UNCERTAIN, 2);
	assert_int_equal(judge(&within).rest, 0);
	ADD(second, COUNTER, -5);
	assert_int_equal(judge(&within).rest, -2);
}

static void updates_against_extends(void **state)
{
	struct imatally_interval iv;

	(void)state;
	ADD(second, COUNTER, 6);
	ADD(second, UPDATES, 6);
	iv = judge(&within);
	assert_int_equal(iv.others, 6);
	assert_int_equal(iv.rest, 0);
	assert_int_equal(iv.unjudged, 0);
}

static void without_updates_the_rest_is_not_split(void **state)
{
	struct imatally_interval iv;

	(void)state;
	LACK(second, UPDATES);
	ADD(second, COUNTER, 5);
	iv = judge(&within);
	assert_int_equal(iv.rest, 5);
	assert_false(iv.is_split);
	assert_false(iv.has_others);
	assert_int_equal(iv.unjudged, 0);
}

static void entries_against_extends_and_failed(void **state)
{
	struct imatally_interval iv;

	(void)state;
	ADD(second, EXTENDS, -2);
	assert_true(judge(&within).accounts_disagree);
	ADD(second, FAILED, 2);
	ADD(second, COUNTER, -4);
	ADD(second, UPDATES, -4);
	iv = judge(&within);
	assert_false(iv.accounts_disagree);
	assert_int_equal(iv.failed, 2);
	assert_int_equal(iv.rest, 0);
	/* not without a TPM: there are no extends */
	SET(second, EXTENDS, 1);
	SET(second, FAILED, 0);
	assert_true(judge(&within).accounts_disagree);
	LACK(second, COUNTER);
	second.record.keys |= 1U << IMATALLY_KEY_ERROR;
	strcpy(second.record.error, "ENODEV");
	assert_false(judge(&within).accounts_disagree);
}

static void dropped(void **state)
{
	struct imatally_interval iv;

	(void)state;
	ADD(first, DROPPED, 1);
	ADD(second, DROPPED, 3);
	iv = judge(&within);
	assert_int_equal(iv.dropped, 2);
	assert_int_equal(iv.lost, 0);
	ADD(other, DROPPED, 1);
	assert_int_equal(judge(&across).dropped, 1);
}

static void no_more_is_deleted_than_there_was(void **state)
{
	(void)state;
	SET(second, TRIMMED, 11);
	assert_false(judge(&within).accounts_disagree);
	SET(second, TRIMMED, 12);
	assert_true(judge(&within).accounts_disagree);
}

static void nothing_follows_an_execute_record(void **state)
{
	(void)state;
	assert_false(judge(&within).accounts_disagree);
	first.record.event = IMATALLY_EVENT_KEXEC_EXECUTE;
	assert_true(judge(&within).accounts_disagree);
}

static void what_only_grows_may_not_shrink(void **state)
{
	static const enum imatally_key keys[] = {
		IMATALLY_KEY_UNCERTAIN, IMATALLY_KEY_TRIMMED,
		IMATALLY_KEY_DROPPED, IMATALLY_KEY_CARRIED,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		setup(state);
		first.record.value[keys[i]] = 1;
		if (!judge(&within).accounts_disagree)
			fail_msg("%s", imatally_key_name(keys[i]));
	}
}

static void what_can_not_be_judged_says_why(void **state)
{
	struct imatally_interval iv;

	LACK(second, COUNTER);
	iv = judge(&within);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_ERROR);
	assert_false(iv.has_counter || iv.has_rest);

	setup(state);
	LACK(second, BANKS);
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_KEYS);
	setup(state);
	LACK(first, EXTENDS);
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_KEYS);
	setup(state);
	SET(second, BANKS, 1);
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_BANKS);

	setup(state);
	second.record.event = IMATALLY_EVENT_RESUME;
	ADD(second, COUNTER, 4);
	iv = judge(&within);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_RESUME);
	assert_int_equal(iv.counter, 24);
	assert_false(iv.has_rest);

	setup(state);
	SET(second, STEP, 3);
	ADD(second, COUNTER, 10);
	iv = judge(&within);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_STEP);
	assert_int_equal(iv.ima, 30);
	assert_false(iv.has_rest || iv.has_others);
}

static void kexec_counts_what_the_counter_saw_and_the_log_lacks(void **state)
{
	struct imatally_interval iv;

	(void)state;
	ADD(other, COUNTER, 2 * 196);
	/* no entry is missing: updates by others */
	iv = judge(&across);
	assert_int_equal(iv.lost_handover, 0);
	assert_int_equal(iv.rest, 392);
	assert_false(iv.is_split);

	across.replay = IMATALLY_MATCH_DIFFERENT;
	iv = judge(&across);
	assert_int_equal(iv.lost_handover, 196);
	assert_true(iv.by_counter);
	assert_false(iv.at_most);
	assert_int_equal(iv.rest, 0);

	ADD(other, COUNTER, 1);
	iv = judge(&across);
	assert_int_equal(iv.lost_handover, 196);
	assert_true(iv.at_most);
	assert_int_equal(iv.rest, 1);

	/* fewer than entries in the list, which a loss does not explain */
	ADD(other, COUNTER, -395);
	iv = judge(&across);
	assert_int_equal(iv.lost_handover, 0);
	assert_int_equal(iv.rest, -2);
}

/* A TPM that counts an extend once, and a kernel that expects it per bank */
static void kexec_counts_by_the_measured_step(void **state)
{
	struct imatally_interval iv;

	(void)state;
	SET(second, STEP, 1);
	SET(other, STEP, 1);
	SET(other, COUNTER, 49 + 10 + 1 + 1);
	across.replay = IMATALLY_MATCH_DIFFERENT;
	iv = judge(&across);
	assert_int_equal(iv.lost_handover, 1);
	assert_true(iv.by_counter);
	assert_true(iv.at_most);
	assert_false(iv.has_others);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_STEP);
}

static void kexec_after_an_execute_record_is_unexplained(void **state)
{
	struct imatally_interval iv;

	(void)state;
	second.record.event = IMATALLY_EVENT_KEXEC_EXECUTE;
	ADD(other, COUNTER, 7);
	ADD(other, UPDATES, 4);
	iv = judge(&across);
	assert_true(iv.is_split);
	assert_int_equal(iv.rest, 3);
	assert_int_equal(iv.others, 4);
}

/* It is the last entry of its kernel: no more can have been handed over. */
static void kexec_hands_over_what_the_execute_record_counts(void **state)
{
	(void)state;
	second.index = 20;
	second.record.event = IMATALLY_EVENT_KEXEC_EXECUTE;
	SET(second, ENTRIES, 20);
	assert_false(judge(&across).accounts_disagree);
	SET(second, TRIMMED, 1);
	assert_true(judge(&across).accounts_disagree);
	SET(other, CARRIED, 20);
	SET(other, ENTRIES, 21);
	assert_false(judge(&across).accounts_disagree);
	SET(other, CARRIED, 22);
	SET(other, ENTRIES, 23);
	assert_true(judge(&across).accounts_disagree);
	/* a kernel without records came between */
	second.index = 19;
	assert_false(judge(&across).accounts_disagree);
}

/* Nothing was handed over, and the replay does not lead to this record. */
static void entries_in_front_need_a_boot_record_to_explain_them(void **state)
{
	(void)state;
	SET(other, CARRIED, 0);
	SET(other, ENTRIES, 1);
	across.from_whole = true;
	across.replay = IMATALLY_MATCH_DIFFERENT;
	other.record.event = IMATALLY_EVENT_BOOT;
	assert_int_equal(judge(&across).inserted, 0);
	other.record.event = IMATALLY_EVENT_RESUME;
	assert_int_not_equal(judge(&across).inserted, 0);
	across.replay = IMATALLY_MATCH_SAME;
	assert_int_equal(judge(&across).inserted, 0);
}

static void kexec_counts_what_was_carried(void **state)
{
	struct imatally_interval iv;

	(void)state;
	ADD(other, CARRIED, 5);
	ADD(other, ENTRIES, 5);
	iv = judge(&across);
	assert_int_equal(iv.lost_handover, 5);
	assert_false(iv.by_counter);
	/* known to be lost before */
	across.from_lost = 5;
	assert_int_equal(judge(&across).lost_handover, 0);
	across.from_lost = 6;
	assert_int_equal(judge(&across).lost_handover, 0);
	across.from_lost = 2;
	assert_int_equal(judge(&across).lost_handover, 3);
	ADD(other, CARRIED, -7);
	ADD(other, ENTRIES, -7);
	across.from_lost = 0;
	/* user space may have deleted entries in the meantime */
	assert_int_equal(judge(&across).inserted, 0);
	second.record.event = IMATALLY_EVENT_KEXEC_EXECUTE;
	assert_int_equal(judge(&across).inserted, 0);
	/* the PCR tells that they are invented */
	across.replay = IMATALLY_MATCH_DIFFERENT;
	assert_int_equal(judge(&across).inserted, 2);
	/* they may be of a PCR that nothing proves */
	across.unproved = 1;
	assert_int_equal(judge(&across).inserted, 1);
	assert_int_equal(judge(&across).unproved, 1);
	/* the TPM could not be read: a later value tells */
	other.record.pcr.nr = 0;
	across.replay = IMATALLY_MATCH_UNKNOWN;
	assert_int_equal(imatally_handed_more(&across), 2);
	assert_int_equal(imatally_reconcile(&across, &iv), 2);
	assert_int_equal(iv.inserted, 0);
	assert_int_equal(iv.unproved, 0);
}

/* Firmware starts the TPM, which moves the counter as if entries were lost. */
static void a_kexec_after_a_restart_of_the_tpm_loses_nothing(void **state)
{
	static const struct imatally_record none;
	struct imatally_record starts = none;
	struct imatally_interval iv;

	(void)state;
	starts.keys = 1U << IMATALLY_KEY_RESETS | 1U << IMATALLY_KEY_RESTARTS;
	starts.value[IMATALLY_KEY_RESETS] = 3;
	starts.value[IMATALLY_KEY_RESTARTS] = 1;
	other.record.event = IMATALLY_EVENT_BOOT;
	SET(other, RESETS, 3);
	SET(other, RESTARTS, 1);
	ADD(other, COUNTER, 20);
	across.starts = &starts;
	across.replay = IMATALLY_MATCH_DIFFERENT;
	assert_int_equal(judge(&across).lost_handover, 10);
	SET(other, RESTARTS, 2);
	iv = judge(&across);
	assert_int_equal(iv.lost_handover, 0);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_RESUME);
	/* no record says how often it was started before */
	across.starts = NULL;
	assert_int_equal(judge(&across).lost_handover, 10);
}

static void kexec_counts_what_the_kernel_before_made(void **state)
{
	(void)state;
	/* that kernel had been handed fewer than are in the list, and deleted 3 */
	across.from_start = 4;
	SET(second, CARRIED, 1);
	SET(second, TRIMMED, 3);
	assert_int_equal(judge(&across).lost_handover, 6);
	/* no list arrived: what is here was saved elsewhere */
	SET(other, CARRIED, 0);
	SET(other, ENTRIES, 1);
	across.begins_part = true;
	assert_int_equal(judge(&across).lost_handover, 0);
	assert_int_equal(judge(&across).inserted, 0);
	/* and if it was not, it was inserted, unless it is in the PCR */
	across.begins_part = false;
	assert_int_equal(judge(&across).inserted, 0);
	across.replay = IMATALLY_MATCH_DIFFERENT;
	assert_int_equal(judge(&across).inserted, 21);
	across.from_whole = true;
	assert_int_equal(judge(&across).inserted, 0);
	ADD(other, COUNTER, -5);
	assert_int_equal(judge(&across).inserted, 10);
}

static void the_counter_wraps(void **state)
{
	struct imatally_interval iv;

	(void)state;
	SET(first, COUNTER, UINT32_MAX - 3);
	SET(second, COUNTER, 16);
	iv = judge(&within);
	assert_int_equal(iv.counter, 20);
	assert_int_equal(iv.rest, 0);
	/* the TPM counted fewer than it acknowledged */
	SET(second, COUNTER, 15);
	assert_int_equal(judge(&within).rest, -1);
	SET(second, COUNTER, UINT32_MAX - 4);
	SET(other, COUNTER, 17);
	iv = judge(&across);
	assert_int_equal(iv.counter, 22);
	assert_int_equal(iv.rest, 0);
}

static void a_key_that_vanishes_is_seen(void **state)
{
	static const enum imatally_key may[] = {
		IMATALLY_KEY_STEP, IMATALLY_KEY_RESETS, IMATALLY_KEY_RESTARTS,
		IMATALLY_KEY_BEFORE, IMATALLY_KEY_PCR,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(may); i++)
		second.record.keys &= ~(1U << may[i]);
	assert_int_equal(judge(&within).vanished, 0);
	LACK(second, UNREAD);
	assert_int_equal(judge(&within).vanished, 1U << IMATALLY_KEY_UNREAD);
	/* another kernel may lack it */
	LACK(other, PROTECTED);
	assert_int_equal(judge(&across).vanished, 0);
	/* the chip is gone */
	setup(NULL);
	LACK(second, COUNTER);
	LACK(second, UPDATES);
	LACK(second, UNCERTAIN);
	LACK(second, BANKS);
	assert_int_not_equal(judge(&within).vanished, 0);
	second.record.keys |= 1U << IMATALLY_KEY_ERROR;
	strcpy(second.record.error, "ENODEV");
	assert_int_equal(judge(&within).vanished, 0);
}

static void a_suspend_that_kept_the_tpm_running_is_judged(void **state)
{
	(void)state;
	second.record.event = IMATALLY_EVENT_RESUME;
	within.starts = &first.record;
	assert_int_equal(judge(&within).unjudged, 0);
	ADD(second, RESTARTS, 1);
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_RESUME);
	ADD(second, RESTARTS, -1);
	ADD(second, RESETS, 1);
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_RESUME);
	ADD(second, RESETS, -1);
	LACK(second, RESETS);
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_RESUME);
}

static void an_unknown_step_or_event_is_not_judged(void **state)
{
	(void)state;
	LACK(second, STEP);
	ADD(second, COUNTER, 3);
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_KEYS);
	assert_false(judge(&within).has_rest);
	setup(NULL);
	second.record.event = IMATALLY_EVENT_UNKNOWN;
	assert_int_equal(judge(&within).unjudged, IMATALLY_UNJUDGED_EVENT);
}

static void entries_that_nothing_proves_are_in_doubt(void **state)
{
	struct imatally_interval iv;

	(void)state;
	ADD(second, ENTRIES, 3);
	ADD(second, EXTENDS, 3);
	within.unproved = 2;
	iv = judge(&within);
	assert_int_equal(iv.lost, 3);
	/* only those in excess are in doubt */
	ADD(second, ENTRIES, -4);
	iv = judge(&within);
	assert_int_equal(iv.unproved, 1);
	assert_int_equal(iv.inserted, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(closed_accounts_find_nothing),
		TEST(the_first_record_is_counted_from_its_kernels_start),
		TEST(entries_against_present),
		TEST(counter_against_updates),
		TEST(updates_against_extends),
		TEST(without_updates_the_rest_is_not_split),
		TEST(entries_against_extends_and_failed),
		TEST(dropped),
		TEST(no_more_is_deleted_than_there_was),
		TEST(nothing_follows_an_execute_record),
		TEST(what_only_grows_may_not_shrink),
		TEST(what_can_not_be_judged_says_why),
		TEST(kexec_counts_what_the_counter_saw_and_the_log_lacks),
		TEST(kexec_counts_by_the_measured_step),
		TEST(kexec_after_an_execute_record_is_unexplained),
		TEST(kexec_hands_over_what_the_execute_record_counts),
		TEST(entries_in_front_need_a_boot_record_to_explain_them),
		TEST(kexec_counts_what_was_carried),
		TEST(a_kexec_after_a_restart_of_the_tpm_loses_nothing),
		TEST(kexec_counts_what_the_kernel_before_made),
		TEST(the_counter_wraps),
		TEST(a_key_that_vanishes_is_seen),
		TEST(a_suspend_that_kept_the_tpm_running_is_judged),
		TEST(an_unknown_step_or_event_is_not_judged),
		TEST(entries_that_nothing_proves_are_in_doubt),
	};

	return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
