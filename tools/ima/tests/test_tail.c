// SPDX-License-Identifier: GPL-2.0-only
/* A counter read together with the PCR values, at the end of the list. */

#include "../lib/reconcile.h"
#include "test.h"

#include "mklog.h"

static struct machine m;
static struct imatally_pcrs pcrs;
static struct imatally_result result;
static uint32_t counter;

/* Read the PCRs and the counter. */
static void read_tpm(void)
{
	char *text = machine_pcrread(&m);
	struct imatally_error err;

	imatally_pcrs_free(&pcrs);
	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, text, strlen(text),
						   &err), IMATALLY_OK);
	counter = m.counter;
	free(text);
}

static void verify(void)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	struct imatally_verifier *v = imatally_verifier_new(&pcrs);
	struct imatally_error err;

	imatally_verifier_set_counter(v, counter);
	assert_int_equal(imatally_verifier_run(v, log, &result, &err),
			 IMATALLY_OK);
	imatally_verifier_free(v);
	imatally_log_close(log);
}

static int setup(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	machine_boot(&m, true);
	machine_measure(&m, 4);
	machine_record(&m, "request");
	machine_measure(&m, 3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	imatally_result_free(&result);
	imatally_pcrs_free(&pcrs);
	machine_free(&m);
	return 0;
}

static const struct imatally_interval *last(void)
{
	return &result.interval[result.nr_intervals - 1];
}

static void nothing_but_ima(void **state)
{
	(void)state;
	read_tpm();
	verify();
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
	assert_true(last()->has_rest);
	assert_int_equal(last()->counter, 4 * 2);
	assert_int_equal(last()->ima, 4 * 2);
	assert_int_equal(last()->rest, 0);
	assert_false(result.has_findings);
}

static void others_or_unexplained(void **state)
{
	const struct imatally_finding *f;

	(void)state;
	machine_others(&m, 3);
	read_tpm();
	verify();
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
	assert_int_equal(last()->rest, 3 * 2);
	f = find_finding(&result, IMATALLY_REST);
	assert_non_null(f);
	assert_int_equal(f->count, 3 * 2);
	assert_int_equal(f->from.index, 6);
	assert_int_equal(f->to.place, IMATALLY_AT_END);
}

static void fewer_than_were_made(void **state)
{
	(void)state;
	read_tpm();
	counter -= 2;
	verify();
	assert_int_equal(last()->rest, -2);
	assert_non_null(find_finding(&result, IMATALLY_UNEXPLAINED));
}

static void a_log_that_went_on(void **state)
{
	(void)state;
	read_tpm();
	machine_others(&m, 1);
	machine_measure(&m, 5);
	verify();
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
	assert_int_equal(result.tail, 5);
	assert_int_equal(last()->ima, 4 * 2);
	assert_int_equal(last()->rest, 0);
}

/*
 * The counter is compared with the record before the values, not the last one.
 */
static void a_record_after_the_values(void **state)
{
	(void)state;
	machine_others(&m, 1);
	read_tpm();
	machine_record(&m, "request");
	machine_measure(&m, 2);
	verify();
	/* that record is not proved */
	assert_int_equal(result.records, 2);
	assert_int_equal(last()->rest, 2);
	assert_non_null(find_finding(&result, IMATALLY_REST));
	assert_int_equal(find_finding(&result, IMATALLY_REST)->from.index, 6);
	assert_int_equal(find_finding(&result, IMATALLY_REST)->to.index, 10);
	assert_int_equal(find_finding(&result, IMATALLY_REST)->count, 2);
}

static void a_tpm_that_could_not_be_read(void **state)
{
	(void)state;
	m.tpm_error = "EIO";
	machine_record(&m, "request");
	read_tpm();
	verify();
	assert_false(last()->has_counter);
	assert_non_null(find_finding(&result, IMATALLY_UNJUDGED));
	assert_string_equal(find_finding(&result, IMATALLY_UNJUDGED)->word, "EIO");
}

static void a_tpm_that_counts_otherwise(void **state)
{
	struct imatally_mark mark = { .index = 7 };
	struct imatally_interval iv = { 0 };

	(void)state;
	mark.record.keys = 1U << IMATALLY_KEY_COUNTER |
			   1U << IMATALLY_KEY_BANKS | 1U << IMATALLY_KEY_STEP;
	mark.record.value[IMATALLY_KEY_COUNTER] = 100;
	mark.record.value[IMATALLY_KEY_BANKS] = 2;
	mark.record.value[IMATALLY_KEY_STEP] = 1;
	imatally_reconcile_end(&mark, 10, 103, &iv);
	assert_int_equal(iv.counter, 3);
	assert_int_equal(iv.ima, 3);
	assert_false(iv.has_rest);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_STEP);

	memset(&iv, 0, sizeof(iv));
	mark.record.keys = 1U << IMATALLY_KEY_COUNTER;
	imatally_reconcile_end(&mark, 10, 103, &iv);
	assert_false(iv.has_ima);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_KEYS);

	/* what an extend adds could not be measured */
	memset(&iv, 0, sizeof(iv));
	mark.record.keys |= 1U << IMATALLY_KEY_BANKS;
	imatally_reconcile_end(&mark, 10, 106, &iv);
	assert_int_equal(iv.ima, 6);
	assert_false(iv.has_rest);
	assert_int_equal(iv.unjudged, IMATALLY_UNJUDGED_KEYS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_but_ima),
		TEST(others_or_unexplained),
		TEST(fewer_than_were_made),
		TEST(a_log_that_went_on),
		TEST(a_record_after_the_values),
		TEST(a_tpm_that_could_not_be_read),
		cmocka_unit_test(a_tpm_that_counts_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
