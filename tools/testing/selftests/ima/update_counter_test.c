// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the promises of IMA's records of the TPM's PCR update counter on the
 * measurement list of the running kernel, with one test per promise. Tests that
 * need what the machine lacks are skipped with the reason.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "equations.h"
#include "machine.h"
#include "measurement_list.h"
#include "request.h"
#include "tpm2.h"

#define FILES	16
#define HEX_MAX	(2 * 64 + 1)

FIXTURE(records) {
	struct list list;
	bool tpm;	/* IMA had a TPM 2.0 at boot, and it is still there */
	long start;	/* this kernel's boot_aggregate */
	long boot;	/* this kernel's boot record */
};

FIXTURE_SETUP(records)
{
	const char *reason = why_no_records();
	char error[32];
	int ret;

	if (reason)
		SKIP(return, "%s", reason);

	ret = list_read(&self->list);
	if (ret == -EPROTO)
		SKIP(return, "needs templates d-ng|n-ng..., in native byte order");
	ASSERT_EQ(0, ret) {
		TH_LOG("cannot read IMA's list: %s", strerror(-ret));
	}
	self->start = list_find_start(&self->list);
	self->boot = list_find_last(&self->list, "pcr_counter", "boot");
	if (self->boot < self->start)
		SKIP(return, "needs a policy that is in effect at boot");

	self->tpm = tpm2_present() &&
		    !record_value(&self->list.entries[self->boot], "error",
				  error, sizeof(error));
}

FIXTURE_TEARDOWN(records)
{
	list_free(&self->list);
}

/* The record follows the first entry of this kernel. */
TEST_F(records, boot_record_follows_the_boot_aggregate)
{
	const struct list_entry *boot;

	ASSERT_LE(0, self->start);
	ASSERT_EQ(self->start + 1, self->boot);

	boot = &self->list.entries[self->boot];
	EXPECT_EQ(self->start, record_number(boot, "carried"));
	EXPECT_EQ(self->start + 1, record_number(boot, "entries"));
	/* A TPM 1.2 is extended as well, and its record has no banks. */
	if (self->tpm)
		EXPECT_EQ(record_number(boot, "banks") > 0,
			  record_number(boot, "extends"));
	EXPECT_EQ(0, record_number(boot, "failed"));
}

TEST_F(records, has_all_keys_in_order)
{
	static const char * const keys[] = {
		"version", "event", "pcrUpdateCounter", "updates", "uncertain",
		"banks", "step", "resets", "restarts", "entries", "carried",
		"trimmed", "extends", "failed", "dropped", "unread",
		"protected", "before", "pcr",
	};
	char *text, *pair, *save = NULL;
	unsigned int i = 0;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	ASSERT_LE(0, self->boot);

	text = strdup(self->list.entries[self->boot].text);
	ASSERT_NE(NULL, text);
	EXPECT_EQ(';', text[strlen(text) - 1]);

	for (pair = strtok_r(text, ";", &save); pair;
	     pair = strtok_r(NULL, ";", &save)) {
		ASSERT_GT(ARRAY_SIZE(keys), i);
		EXPECT_EQ(0, strncmp(pair, keys[i], strlen(keys[i])));
		EXPECT_EQ('=', pair[strlen(keys[i])]);
		i++;
	}
	EXPECT_EQ(ARRAY_SIZE(keys), i);
	free(text);
}

TEST_F(records, index_in_the_list_is_entries)
{
	size_t i;
	int records = 0;
	long gap = 0;

	for (i = 0; i < self->list.count; i++) {
		const struct list_entry *entry = &self->list.entries[i];
		char event[32];

		if (!entry->text)
			continue;
		records++;

		/* Entries that kexec could not carry over are missing here. */
		ASSERT_TRUE(record_value(entry, "event", event, sizeof(event)));
		if (!strcmp(event, "kexec_execute"))
			gap = record_number(entry, "entries") - i;
		else
			gap = 0;
		EXPECT_LE(0, gap);
		EXPECT_EQ((long long)i + gap, record_number(entry, "entries"));
	}
	EXPECT_LT(0, records);
}

TEST_F(records, entries_are_carried_or_extended)
{
	size_t i;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	for (i = self->start; i < self->list.count; i++) {
		const struct list_entry *entry = &self->list.entries[i];

		if (!entry->text)
			continue;
		EXPECT_EQ(record_number(entry, "entries"),
			  record_number(entry, "carried") +
			  record_number(entry, "extends") +
			  record_number(entry, "failed"));
	}
}

/* Since boot, each entry has incremented the TPM's counter by one per bank. */
TEST_F(records, counter_at_boot_agrees_with_the_tpm)
{
	const struct list_entry *boot;
	long long expected;
	struct list now;
	uint32_t counter;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	ASSERT_LE(0, self->boot);
	boot = &self->list.entries[self->boot];

	ASSERT_EQ(0, read_together(&now, &counter));
	expected = (uint32_t)(record_number(boot, "pcrUpdateCounter") +
			      record_number(boot, "banks") *
			      ((long long)now.count - self->boot));
	list_free(&now);

	EXPECT_LE(expected, counter);
	if (counter > expected)
		SKIP(return, "something else extends PCRs: counter is %u, entries explain %lld",
		     counter, expected);
}

TEST_F(records, banks_are_those_of_the_tpm)
{
	const struct list_entry *boot;
	char pcr[1024], expected[HEX_MAX];
	static const char * const algs[] = {
		"sha1", "sha256", "sha384", "sha512", "sm3",
	};
	char *bank, *save = NULL;
	unsigned int index;
	size_t i, known = 0;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	ASSERT_LE(0, self->boot);
	boot = &self->list.entries[self->boot];

	ASSERT_TRUE(record_value(boot, "pcr", pcr, sizeof(pcr)));
	index = strtoul(pcr, NULL, 10);

	ASSERT_NE(NULL, strchr(pcr, ':'));

	for (bank = strtok_r(strchr(pcr, ':') + 1, ",", &save); bank;
	     bank = strtok_r(NULL, ",", &save)) {
		char *hex = strchr(bank, ':');

		ASSERT_NE(NULL, hex);
		*hex++ = '\0';
		if (!strncmp(bank, "0x", 2))
			continue;
		known++;
		ASSERT_EQ(0, tpm2_pcr_hex(bank, index, expected, sizeof(expected))) {
			TH_LOG("cannot read PCR %u of bank %s", index, bank);
		}
		EXPECT_EQ(strlen(expected), strlen(hex));
	}

	/* No bank is missing. The TPM refuses unknown algorithms. */
	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (!tpm2_pcr_hex(algs[i], index, expected, sizeof(expected)) &&
		    *expected)
			known--;
	EXPECT_EQ(0, known);
}

TEST_F(records, counter_moves_with_the_list)
{
	char dir[] = "/tmp/ima_update_counter.XXXXXX";
	struct list before, after;
	uint32_t from, to;
	long long banks;
	int ret, ret_before, ret_after;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	ASSERT_LE(0, self->boot);
	banks = record_number(&self->list.entries[self->boot], "banks");

	ASSERT_EQ(0, mount_measured(dir));

	ret_before = read_together(&before, &from);
	ret = measure_files(dir, FILES);
	ret_after = read_together(&after, &to);

	unmount_measured(dir);
	ASSERT_EQ(0, ret_before);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, ret_after);

	if (after.count < before.count + FILES)
		SKIP(goto out, "needs a policy that measures what root reads, such as tcb");

	EXPECT_LE(banks * (long long)(after.count - before.count), to - from);
	if (to - from > banks * (long long)(after.count - before.count))
		SKIP(goto out, "something else extends PCRs");
out:
	list_free(&before);
	list_free(&after);
}

FIXTURE(kexec) {
	char image[256];
	long records;
	bool tpm;
};

static long count_records(const char *event)
{
	struct list list;
	char value[32];
	long count = 0;
	size_t i;

	if (list_read(&list))
		return -1;
	for (i = 0; i < list.count; i++)
		count += list.entries[i].text &&
			 record_value(&list.entries[i], "event", value, sizeof(value)) &&
			 !strcmp(value, event);
	list_free(&list);
	return count;
}

FIXTURE_SETUP(kexec)
{
	const char *image = getenv("KERNEL_IMAGE");
	const char *reason = why_no_records();
	struct utsname uts;

	if (reason)
		SKIP(return, "%s", reason);

	ASSERT_EQ(0, uname(&uts));
	if (image)
		snprintf(self->image, sizeof(self->image), "%s", image);
	else
		snprintf(self->image, sizeof(self->image), "/boot/vmlinuz-%s",
			 uts.release);
	if (access(self->image, R_OK))
		SKIP(return, "needs a kernel image: no %s", self->image);

	self->records = count_records("kexec_load");
	ASSERT_LE(0, self->records);
	self->tpm = tpm2_present();
}

FIXTURE_TEARDOWN(kexec)
{
}

TEST_F_TIMEOUT(kexec, load_makes_one_record, 120)
{
	int ret;

	if (file_number("/sys/kernel/kexec_loaded") != 0)
		SKIP(return, NO_KEXEC);
	ret = load_and_unload(self->image, 0);
	if (ret)
		SKIP(return, "kexec_file_load of %s: %s", self->image, strerror(-ret));
	EXPECT_EQ(self->records + 1, count_records("kexec_load"));
}

/* The record agrees with the TPM as long as nothing else is measured. */
TEST_F_TIMEOUT(kexec, load_record_agrees_with_the_tpm, 120)
{
	char before[HEX_MAX], expected[HEX_MAX + 64], pcr[1024];
	struct list list, now;
	uint32_t counter;
	unsigned int index;
	long record;
	int ret;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	if (file_number("/sys/kernel/kexec_loaded") != 0)
		SKIP(return, NO_KEXEC);

	/* The image is measured when it is first read. */
	ret = load_and_unload(self->image, 0);
	if (ret)
		SKIP(return, "kexec_file_load of %s: %s", self->image, strerror(-ret));

	ASSERT_EQ(0, read_together(&now, &counter));
	record = list_find_last(&now, "pcr_counter", "kexec_load");
	ASSERT_LE(0, record);
	ASSERT_TRUE(record_value(&now.entries[record], "pcr", pcr, sizeof(pcr)));
	index = strtoul(pcr, NULL, 10);
	if (tpm2_pcr_hex("sha256", index, before, sizeof(before)) || !*before)
		SKIP(return, "needs a TPM with a sha256 bank");

	ret = load_and_unload(self->image, 0);
	if (ret)
		SKIP(return, "kexec_file_load of %s: %s", self->image, strerror(-ret));

	ASSERT_EQ(0, list_read(&list));
	record = list_find_last(&list, "pcr_counter", "kexec_load");
	ASSERT_LE(0, record);
	if ((size_t)record != now.count)
		SKIP(goto out, "needs a quiet machine: something else was measured");

	EXPECT_EQ(counter, record_number(&list.entries[record], "pcrUpdateCounter"));
	snprintf(expected, sizeof(expected), "sha256:%s", before);
	ASSERT_TRUE(record_value(&list.entries[record], "pcr", pcr, sizeof(pcr)));
	EXPECT_NE(NULL, strstr(pcr, expected)) {
		TH_LOG("pcr=%s lacks %s", pcr, expected);
	}
out:
	list_free(&list);
	list_free(&now);
}

/* A crash kernel does not take over the list. */
TEST_F_TIMEOUT(kexec, load_of_a_crash_kernel_makes_no_record, 120)
{
	int ret;

	if (file_number("/sys/kernel/kexec_crash_size") <= 0)
		SKIP(return, "needs memory reserved by crashkernel=");
	if (file_number("/sys/kernel/kexec_crash_loaded") != 0)
		SKIP(return, "needs no crash kernel loaded yet");
	ret = load_and_unload(self->image, KEXEC_FILE_ON_CRASH);
	if (ret)
		SKIP(return, "kexec_file_load of %s: %s", self->image, strerror(-ret));
	EXPECT_EQ(self->records, count_records("kexec_load"));
}

/* After a kexec, the old kernel's last entry is its record. */
TEST_F(records, execute_record_is_the_last_of_its_kernel)
{
	const struct list_entry *execute, *boot;
	long index;

	index = list_find_last(&self->list, "pcr_counter", "kexec_execute");
	if (index < 0)
		SKIP(return, "needs a kernel that was booted by kexec from one with records");

	EXPECT_EQ(self->start, index + 1);
	ASSERT_EQ(self->start + 1, self->boot);
	execute = &self->list.entries[index];
	boot = &self->list.entries[self->boot];

	/* All entries that arrived are counted as carried. */
	EXPECT_EQ(index + 1, record_number(boot, "carried"));

	if (!self->tpm || record_number(execute, "pcrUpdateCounter") < 0)
		return;
	/* The record's own extend and that of the boot aggregate. */
	EXPECT_LE(2 * record_number(boot, "banks"),
		  (uint32_t)(record_number(boot, "pcrUpdateCounter") -
			     record_number(execute, "pcrUpdateCounter")));
}

/* A TPM may count differently, but this one follows the specification. */
TEST_F(records, step_is_one_per_bank)
{
	const struct list_entry *boot;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	ASSERT_LE(0, self->boot);
	boot = &self->list.entries[self->boot];

	EXPECT_LT(0, record_number(boot, "banks"));
	EXPECT_EQ(record_number(boot, "banks"), record_number(boot, "step"));
}

TEST_F_TIMEOUT(records, resume_makes_a_record, 120)
{
	struct list before, list;
	long index;

	if (!getenv("SUSPEND"))
		SKIP(return, "needs SUSPEND=1, since it suspends the machine for a few seconds");
	if (!file_has("/sys/power/state", "mem", "") ||
	    access("/sys/class/rtc/rtc0/wakealarm", W_OK))
		SKIP(return, "needs suspend to RAM and an RTC that can wake the machine");

	ASSERT_EQ(0, list_read(&before));
	ASSERT_EQ(0, file_write("/sys/class/rtc/rtc0/wakealarm", "+4"));
	ASSERT_EQ(0, file_write("/sys/power/state", "mem"));

	ASSERT_EQ(0, list_read(&list));
	index = list_find_last(&list, "pcr_counter", "resume");
	ASSERT_LE((long)before.count, index);
	if (self->tpm) {
		EXPECT_LT(record_number(&list.entries[self->boot], "pcrUpdateCounter"),
			  record_number(&list.entries[index], "pcrUpdateCounter"));
		/* A resume of the TPM is a restart. */
		EXPECT_EQ(record_number(&list.entries[self->boot], "resets"),
			  record_number(&list.entries[index], "resets"));
		EXPECT_LT(record_number(&list.entries[self->boot], "restarts"),
			  record_number(&list.entries[index], "restarts"));
	}
	list_free(&before);
	list_free(&list);
}

/* The TPM keeps running, so its counter can be judged. */
FIXTURE(not_restarted) {
	struct list list;
	long first;
};

FIXTURE_VARIANT(not_restarted) {
	const char *needs;	/* the file that starts this, */
	const char *state;	/* and what it has to accept */
};

FIXTURE_VARIANT_ADD(not_restarted, suspend_to_idle) {
	.needs = "/sys/power/state", .state = "freeze",
};

FIXTURE_VARIANT_ADD(not_restarted, suspend_that_is_given_up) {
	.needs = "/sys/power/pm_test", .state = "freezer",
};

FIXTURE_VARIANT_ADD(not_restarted, snapshot_that_is_not_taken) {
	.needs = "/dev/snapshot",
};

FIXTURE_SETUP(not_restarted)
{
	const char *reason = why_no_counted_requests();

	if (!reason && !getenv("SUSPEND"))
		reason = "needs SUSPEND=1, since it suspends the machine for a few seconds";
	if (reason)
		SKIP(return, "%s", reason);
	if (access(variant->needs, W_OK) ||
	    (variant->state && !file_has(variant->needs, variant->state, "")))
		SKIP(return, "needs %s", variant->needs);

	self->first = request(_metadata, &self->list);
}

FIXTURE_TEARDOWN(not_restarted)
{
	list_free(&self->list);
}

TEST_F_TIMEOUT(not_restarted, nothing_but_the_record_changes, 120)
{
	const struct list_entry *resume, *before;
	struct interval interval;
	struct list list;
	long i, index;
	int fd;

	if (!variant->state) {
		fd = open(variant->needs, O_RDONLY);
		ASSERT_LE(0, fd);
		close(fd);
	} else if (!strcmp(variant->state, "freeze")) {
		ASSERT_EQ(0, file_write("/sys/class/rtc/rtc0/wakealarm", "+4"));
		ASSERT_EQ(0, file_write(variant->needs, variant->state));
	} else {
		ASSERT_EQ(0, file_write(variant->needs, variant->state));
		ASSERT_EQ(0, file_write("/sys/power/state", "mem"));
		ASSERT_EQ(0, file_write(variant->needs, "none"));
	}

	ASSERT_EQ(0, list_read(&list));
	index = list_find_last(&list, "pcr_counter", "resume");
	ASSERT_LT(self->first, index);
	resume = &list.entries[index];

	/* The last record before that has both numbers */
	for (i = self->first; i >= 0; i--)
		if (list.entries[i].text &&
		    record_number(&list.entries[i], "resets") >= 0)
			break;
	ASSERT_LE(0, i);
	before = &list.entries[i];
	EXPECT_EQ(record_number(before, "resets"),
		  record_number(resume, "resets"));
	EXPECT_EQ(record_number(before, "restarts"),
		  record_number(resume, "restarts"));
	EXPECT_LE(0, record_number(resume, "restarts"));

	interval = interval_between(&list, self->first, index);
	EXPECT_TRUE(interval_closes(&interval));
	EXPECT_EQ(0, interval.unexplained);
	list_free(&list);
}

TEST_F(records, without_a_tpm_the_record_says_so)
{
	const struct list_entry *boot;
	char error[32];

	if (self->tpm)
		SKIP(return, "needs a machine without a TPM 2.0");
	ASSERT_LE(0, self->boot);
	boot = &self->list.entries[self->boot];

	ASSERT_TRUE(record_value(boot, "error", error, sizeof(error)));
	/* IMA does not see a TPM whose driver was loaded later. */
	if (access("/sys/class/tpm/tpm0", F_OK) || strcmp(error, "EOPNOTSUPP"))
		EXPECT_STREQ("ENODEV", error);
	EXPECT_EQ(-1, record_number(boot, "pcrUpdateCounter"));
	EXPECT_FALSE(record_value(boot, "pcr", error, sizeof(error)));
	EXPECT_EQ(1, kernel_log_count(WARNING));
}

TEST(without_a_rule_there_is_no_record_and_no_message)
{
	struct list list;

	if (geteuid())
		SKIP(return, "needs root");
	if (!kernel_has_records())
		SKIP(return, "needs a kernel with CONFIG_IMA_UPDATE_COUNTER");
	if (policy_wants_records() ||
	    file_has("/proc/cmdline", "ima_policy=", "critical_data"))
		SKIP(return, "needs a policy without critical data labelled tpm");

	ASSERT_EQ(0, list_read(&list));
	EXPECT_EQ(-1, list_find_last(&list, "pcr_counter", NULL));
	EXPECT_EQ(0, kernel_log_count(WARNING));
	list_free(&list);
}

TEST_HARNESS_MAIN
