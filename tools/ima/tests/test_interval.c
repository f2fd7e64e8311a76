// SPDX-License-Identifier: GPL-2.0-only
/* A limit on the intervals in a result. */

#include "mklog.h"
#include "test.h"

#define MAX 20

static struct machine m;
static char *pcrread;
static struct imatally_result whole, limited;

static void start(void)
{
	machine_free(&m);
	machine_init(&m, 1, NULL);
	machine_boot(&m, true);
	free(pcrread);
	pcrread = NULL;
}

static int teardown(void **state)
{
	(void)state;
	machine_free(&m);
	memset(&m, 0, sizeof(m));
	free(pcrread);
	pcrread = NULL;
	imatally_result_free(&whole);
	imatally_result_free(&limited);
	return 0;
}

static void verify(size_t max, struct imatally_result *result)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_verifier *v;
	struct imatally_error err;

	imatally_result_free(result);
	assert_false(imatally_pcrs_add_pcrread(&pcrs, pcrread, strlen(pcrread),
					       &err));
	v = imatally_verifier_new(&pcrs);
	if (max)
		imatally_verifier_set_max_intervals(v, max);
	assert_false(imatally_verifier_run(v, log, result, &err));
	imatally_verifier_free(v);
	imatally_pcrs_free(&pcrs);
	imatally_log_close(log);
}

/* Each interval is the sum of those that it combines. */
static void expect_sums(void)
{
	size_t i, j = 0;

	assert_int_equal(limited.verdict, whole.verdict);
	assert_int_equal(limited.lost, whole.lost);
	for (i = 0; i < limited.nr_intervals; i++) {
		const struct imatally_interval *iv = &limited.interval[i];
		struct imatally_interval sum = whole.interval[j++];

		while (sum.combined < iv->combined) {
			assert_true(j < whole.nr_intervals);
			imatally_interval_add(&sum, &whole.interval[j++]);
		}
		assert_memory_equal(iv, &sum, sizeof(sum));
	}
	assert_int_equal(j, whole.nr_intervals);
}

static void compare(void)
{
	if (!pcrread)
		pcrread = machine_pcrread(&m);
	verify(0, &whole);
	verify(MAX, &limited);
	assert_true(limited.nr_intervals > MAX / 4);
	assert_true(limited.nr_intervals <= MAX);
	expect_sums();
}

static void few_are_all_kept(void **state)
{
	int i;

	(void)state;
	start();
	for (i = 0; i < MAX - 2; i++)
		machine_record(&m, "request");
	compare();
	assert_int_equal(whole.nr_intervals, MAX);
	assert_int_equal(limited.nr_intervals, MAX);
}

static void those_that_show_something_stay_alone(void **state)
{
	size_t i, remarkable = 0;

	(void)state;
	start();
	for (i = 0; i < 500; i++) {
		machine_measure(&m, 2);
		if (i % 100 == 50)
			machine_delete(&m, m.nr_entries - 1, 1);
		machine_record(&m, "request");
	}
	compare();
	assert_int_equal(limited.lost, 5);
	for (i = 0; i < limited.nr_intervals; i++) {
		if (!limited.interval[i].lost)
			continue;
		assert_int_equal(limited.interval[i].combined, 1);
		remarkable++;
	}
	assert_int_equal(remarkable, 5);
}

static void more_than_fit_are_combined(void **state)
{
	int i;

	(void)state;
	start();
	for (i = 0; i < 400; i++) {
		machine_measure(&m, 2);
		machine_delete(&m, m.nr_entries - 1, 1);
		machine_record(&m, "request");
	}
	compare();
	assert_int_equal(limited.lost, 400);
	/* the ends of the list are no part of another interval */
	assert_int_equal(limited.interval[0].combined, 1);
	assert_int_equal(limited.interval[limited.nr_intervals - 1].combined, 1);
}

static void kernels_are_combined_last(void **state)
{
	size_t i;
	int kernel;

	(void)state;
	start();
	for (kernel = 0; kernel < 5; kernel++) {
		for (i = 0; i < 40; i++) {
			m.dropped++;
			machine_record(&m, "request");
		}
		machine_kexec(&m, m.nr_entries, true);
	}
	compare();
	for (i = 0; i < limited.nr_intervals; i++)
		if (limited.interval[i].from_kernel !=
		    limited.interval[i].to_kernel)
			assert_int_equal(limited.interval[i].combined, 1);

	start();
	for (kernel = 0; kernel < 100; kernel++)
		machine_kexec(&m, m.nr_entries, true);
	compare();
}

/* What is after the values is withdrawn, so it must not be combined before. */
static void what_is_proved_is_not_combined_with_the_rest(void **state)
{
	size_t proved;
	int i;

	(void)state;
	for (proved = 1; proved < 300; proved = 2 * proved + 1) {
		start();
		for (i = 0; i < 300; i++) {
			machine_measure(&m, 1);
			machine_record(&m, "request");
			if (i == (int)proved)
				pcrread = machine_pcrread(&m);
		}
		verify(0, &whole);
		verify(MAX, &limited);
		assert_int_equal(whole.records, proved + 2);
		expect_sums();
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(few_are_all_kept),
		TEST(those_that_show_something_stay_alone),
		TEST(more_than_fit_are_combined),
		TEST(kernels_are_combined_last),
		TEST(what_is_proved_is_not_combined_with_the_rest),
	};

	return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
