// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the records that a policy loaded by user space asks for. Only the first
 * such rule has an effect until the next boot, so each variant needs its own
 * boot, and those that come too late are skipped.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "machine.h"
#include "measurement_list.h"

FIXTURE(policy) {
};

FIXTURE_VARIANT(policy) {
	const char *options;
	unsigned int pcr;
	bool readable;
};

FIXTURE_VARIANT_ADD(policy, of_the_label) {
	.options = "", .pcr = 10,
};

FIXTURE_VARIANT_ADD(policy, with_a_readable_template) {
	.options = " template=ima-txt", .pcr = 10, .readable = true,
};

FIXTURE_VARIANT_ADD(policy, with_another_pcr) {
	.options = " pcr=11", .pcr = 11,
};

/* The record is made in ima-buf. */
FIXTURE_VARIANT_ADD(policy, with_a_template_that_cannot_hold_it) {
	.options = " template=ima-ng", .pcr = 10,
};

FIXTURE_SETUP(policy)
{
	if (geteuid())
		SKIP(return, "needs root");
	if (!kernel_has_records())
		SKIP(return, "needs a kernel with CONFIG_IMA_UPDATE_COUNTER");
	if (!getenv("LOAD_POLICY"))
		SKIP(return, "needs LOAD_POLICY=1, since it adds a rule to the policy");
	if (policy_wants_records())
		SKIP(return, "needs a policy without critical data labelled tpm");
	if (access(IMA_DIR "/policy", W_OK))
		SKIP(return, "needs a kernel that accepts a policy");
}

FIXTURE_TEARDOWN(policy)
{
}

TEST_F(policy, loaded_by_user_space_makes_a_record)
{
	char rule[128], pcr[1024];
	const struct list_entry *record;
	struct list list;
	long index;

	snprintf(rule, sizeof(rule), "measure func=CRITICAL_DATA label=tpm%s\n",
		 variant->options);
	ASSERT_EQ(0, file_write(IMA_DIR "/policy", rule));

	ASSERT_EQ(0, list_read(&list));
	index = list_find_last(&list, "pcr_counter", "policy");
	ASSERT_LE(0, index);
	EXPECT_EQ(index, list_find_last(&list, "pcr_counter", NULL));
	record = &list.entries[index];

	EXPECT_EQ(index, record_number(record, "entries"));
	EXPECT_EQ(variant->pcr, record->pcr);
	/* The value is that of the default PCR, whichever PCR is extended. */
	if (record_value(record, "pcr", pcr, sizeof(pcr)))
		EXPECT_EQ(0, strncmp(pcr, "10:", 3));

	EXPECT_EQ(variant->readable,
		  file_has(IMA_DIR "/ascii_runtime_measurements",
			   " pcr_counter version=1;event=policy;", ""));
	list_free(&list);
}

TEST_HARNESS_MAIN
