// SPDX-License-Identifier: GPL-2.0-only
/* Mainline's kexec events: what they say about a list, and the one that can be made. */

#include "../lib/kexec_event.h"
#include "../lib/stock.h"
#include "mklog.h"
#include "test.h"

static struct machine m;

static int setup(void **state)
{
	(void)state;
	machine_init(&m, 1, NULL);
	machine_boot(&m, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_free(&m);
	memset(&m, 0, sizeof(m));
	return 0;
}

/* Have @see look at each entry of the list. */
static void read_list(void (*see)(void *of, const struct imatally_entry *entry),
		      void *of)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	struct imatally_entry entry;
	struct imatally_error err;

	while (imatally_log_next(log, &entry, &err) > 0)
		see(of, &entry);
	imatally_log_close(log);
}

static void add_event(const char *name, const char *text)
{
	machine_buffer(&m, name, text, strlen(text));
}

static void see_stock(void *stock, const struct imatally_entry *entry)
{
	imatally_stock_entry(stock, entry);
}

static void an_event_may_lack_its_count(void **state)
{
	struct imatally_stock stock = { 0 };

	(void)state;
	add_event("kexec_load", "kexec_segment_size=4096;");
	add_event("kexec_execute", "kexec_segment_size=4096;ima_runtime_measurements_count=x;");
	read_list(see_stock, &stock);
	assert_true(stock.executed);
	assert_int_equal(stock.nr_findings, 0);
}

/* Anyone can have files measured, and whoever hands over the list can invent any. */
static void few_findings_are_enough(void **state)
{
	struct imatally_stock stock = { 0 };
	char text[100];
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		snprintf(text, sizeof(text),
			 "kexec_segment_size=1;ima_runtime_measurements_count=%d;",
			 1000 * (i + 1));
		add_event("kexec_load", text);
	}
	read_list(see_stock, &stock);
	assert_int_equal(stock.nr_findings, ARRAY_SIZE(stock.finding));
}

static void see_event(void *event, const struct imatally_entry *entry)
{
	imatally_kexec_event_see(event, entry);
}

static bool can_make(void)
{
	struct imatally_kexec_event event = { 0 };
	struct imatally_entry entry;

	read_list(see_event, &event);
	return imatally_kexec_event_make(&event, &entry);
}

#define LOAD "kexec_segment_size=4096;ima_binary_runtime_size=100;ima_runtime_measurements_count=2;"

static void the_event_is_made_like_the_one_before(void **state)
{
	struct imatally_kexec_event event = { 0 };
	struct imatally_entry entry;

	(void)state;
	assert_false(can_make());
	add_event("kexec_load", LOAD);
	machine_measure(&m, 3);
	read_list(see_event, &event);
	assert_true(imatally_kexec_event_make(&event, &entry));
	assert_int_equal(entry.nr_fields, 3);
	assert_string_equal((const char *)entry.fields[1].data, "kexec_execute");
	assert_memory_equal(entry.fields[2].data, "kexec_segment_size=4096;", 24);
	assert_non_null(memmem(entry.fields[2].data, entry.fields[2].len,
			       "measurements_count=6;", 21));
}

/* An entry with that name, but not from the kernel */
static void expect_none(const char *alg, size_t alg_len, const char *template,
			const char *text)
{
	struct machine_field field[] = {
		{ alg, alg_len }, { "kexec_load", 11 }, { text, strlen(text) },
	};

	teardown(NULL);
	setup(NULL);
	machine_add(&m, 10, template, field, 3);
	assert_false(can_make());
}

static void other_entries_are_no_event(void **state)
{
	static const char digest[40] = "sha256:";
	static const char long_name[] =
		"d-ng|n-ng|buf|n-ng|n-ng|n-ng|n-ng";
	char text[200];

	(void)state;
	memset(text, '9', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_none(digest, sizeof(digest), "ima-buf", text);
	expect_none(digest, sizeof(digest), "ima-buf", LOAD "more");
	expect_none(digest, sizeof(digest), "ima-buf", "");
	expect_none("no algorithm", 12, "ima-buf", LOAD);
	expect_none("md5:\0", 5, "ima-buf", LOAD);
	expect_none(digest, sizeof(digest) - 1, "ima-buf", LOAD);
	expect_none(digest, sizeof(digest), long_name, LOAD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_may_lack_its_count),
		TEST(few_findings_are_enough),
		TEST(the_event_is_made_like_the_one_before),
		TEST(other_entries_are_no_event),
	};

	return cmocka_run_group_tests_name("stock", tests, NULL, NULL);
}
