// SPDX-License-Identifier: GPL-2.0
/*
 * Tests the records that user space requests, and uses them to test that
 * updates by others are accounted for
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "equations.h"
#include "machine.h"
#include "measurement_list.h"
#include "request.h"
#include "tpm2.h"

#define NOBODY	65534

static long last_request(struct __test_metadata *_metadata, struct list *list)
{
	long index;

	ASSERT_EQ(0, list_read(list));
	index = list_find_last(list, "pcr_counter", NULL);
	ASSERT_LE(0, index);
	return index;
}

FIXTURE(request) {
	bool tpm;
};

FIXTURE_SETUP(request)
{
	const char *reason = why_no_requests();

	if (reason)
		SKIP(return, "%s", reason);
	self->tpm = tpm2_present();
}

FIXTURE_TEARDOWN(request)
{
}

TEST_F(request, makes_one_record)
{
	struct list before, after;
	long first, second;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	first = request(_metadata, &before);
	second = request(_metadata, &after);

	EXPECT_EQ(second, next_record(&after, first));
	list_free(&before);
	list_free(&after);
}

TEST_F(request, anything_else_is_refused_and_not_logged)
{
	static const char * const inputs[] = {
		"0", "2", "x", "\n", "11", "1 ", " 1", "1\n\n", "on", "request\n",
	};
	struct list before, after;
	unsigned int i;
	long last;

	last = last_request(_metadata, &before);
	for (i = 0; i < ARRAY_SIZE(inputs); i++) {
		int ret = file_write(REQUEST_FILE, inputs[i]);

		EXPECT_EQ(-EINVAL, ret) {
			TH_LOG("input %u: %d", i, ret);
		}
	}
	EXPECT_EQ(last, last_request(_metadata, &after));
	list_free(&before);
	list_free(&after);
}

TEST_F(request, without_privilege_it_is_refused)
{
	struct stat st;
	int status;
	pid_t pid;

	ASSERT_EQ(0, stat(REQUEST_FILE, &st));
	EXPECT_EQ(0600, st.st_mode & 07777);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		_exit(open(REQUEST_FILE, O_WRONLY) >= 0 || errno != EACCES ||
		      open(REQUEST_FILE, O_RDONLY) >= 0 || errno != EACCES);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(request, reading_gives_the_last_record)
{
	char text[4096] = {};
	struct list list;
	long last;
	FILE *f;

	last = last_request(_metadata, &list);
	f = fopen(REQUEST_FILE, "re");
	ASSERT_NE(NULL, f);
	EXPECT_LT(0, fread(text, 1, sizeof(text) - 1, f));
	fclose(f);

	ASSERT_EQ('\n', text[strlen(text) - 1]);
	text[strlen(text) - 1] = '\0';
	EXPECT_STREQ(list.entries[last].text, text);
	list_free(&list);
}

/* Read the text of a record, without its newline. */
static void read_record(struct __test_metadata *_metadata, int fd, char *text,
			size_t size)
{
	ssize_t len = read(fd, text, size - 1);

	ASSERT_LT(0, len);
	ASSERT_EQ('\n', text[len - 1]);
	text[len - 1] = '\0';
}

/* Another agent may have requested a record since. */
TEST_F(request, reading_through_the_file_that_wrote_gives_its_record)
{
	char text[4096];
	struct list list;
	long mine, last;
	int fd, i;

	fd = open(REQUEST_FILE, O_RDWR);
	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(2, write(fd, "1\n", 2));
		mine = last_request(_metadata, &list);
		list_free(&list);
		last = request(_metadata, &list);
		EXPECT_LT(mine, last);

		read_record(_metadata, fd, text, sizeof(text));
		EXPECT_STREQ(list.entries[mine].text, text);
		EXPECT_EQ(0, read(fd, text, sizeof(text)));

		/* From the start again */
		EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
		read_record(_metadata, fd, text, sizeof(text));
		EXPECT_STREQ(list.entries[mine].text, text);
		list_free(&list);
	}

	/* A request that is refused changes nothing. */
	EXPECT_EQ(-1, write(fd, "2", 1));
	EXPECT_EQ(0, read(fd, text, sizeof(text)));
	close(fd);
}

TEST_F(request, reading_again_from_the_start_gives_the_last_record)
{
	char text[4096];
	struct list list;
	long last;
	int fd, i;

	fd = open(REQUEST_FILE, O_RDONLY);
	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		last = request(_metadata, &list);
		ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
		/* In two parts, which are of the same record */
		ASSERT_EQ(10, read(fd, text, 10));
		ASSERT_EQ(0, file_write(REQUEST_FILE, "1"));
		read_record(_metadata, fd, text + 10, sizeof(text) - 10);
		EXPECT_STREQ(list.entries[last].text, text);
		list_free(&list);
	}
	close(fd);
}

TEST_F(request, without_a_tpm_the_record_has_the_error)
{
	char error[32];
	struct list list;

	if (self->tpm)
		SKIP(return, "needs a machine without a TPM 2.0");

	ASSERT_EQ(0, file_write(REQUEST_FILE, "1"));

	ASSERT_EQ(0, list_read(&list));
	ASSERT_TRUE(record_value(&list.entries[list.count - 1], "error", error,
				 sizeof(error)));
	EXPECT_TRUE(!strcmp(error, "ENODEV") || !strcmp(error, "EOPNOTSUPP"));
	EXPECT_EQ(-1, record_number(&list.entries[list.count - 1], "updates"));
	EXPECT_EQ(-1, record_number(&list.entries[list.count - 1], "banks"));
	EXPECT_EQ(0, record_number(&list.entries[list.count - 1], "protected"));
	/* The log says so only once. */
	EXPECT_EQ(1, kernel_log_count(WARNING));
	list_free(&list);
}

TEST_F(request, neighbouring_records_close)
{
	struct interval interval;
	struct list list, before;
	long first, second;

	if (!self->tpm)
		SKIP(return, NO_TPM);
	first = request(_metadata, &before);
	second = request(_metadata, &list);
	interval = interval_between(&list, first, second);
	EXPECT_TRUE(interval_closes(&interval));
	EXPECT_EQ(0, interval.failed);
	EXPECT_EQ(0, interval.dropped);
	list_free(&before);
	list_free(&list);
}

TEST(without_a_rule_a_request_finds_nothing)
{
	char byte;
	int fd;

	if (geteuid())
		SKIP(return, "needs root");
	if (access(REQUEST_FILE, F_OK))
		SKIP(return, NO_FILE);
	if (policy_wants_records())
		SKIP(return, "needs a policy without critical data labelled tpm");

	EXPECT_EQ(-ENOENT, file_write(REQUEST_FILE, "1"));
	fd = open(REQUEST_FILE, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, read(fd, &byte, 1));
	close(fd);
}

/*
 * User space updates PCRs. Each command adds @per_bank to the counter for each
 * of the TPM's banks, plus @fixed. Refused commands and banks that are off add
 * nothing.
 */
FIXTURE(others) {
	struct list before;
	long first;
};

FIXTURE_VARIANT(others) {
	const char *dev;
	unsigned int pcr;
	bool event;
	uint16_t ids[4];
	unsigned int count;
	int per_bank;
	int fixed;
	bool refused;
};

#define EXTEND(device, index, expected, ...)				\
	.dev = device, .pcr = index, .ids = { __VA_ARGS__ },		\
	.count = ARRAY_SIZE(((uint16_t []){ __VA_ARGS__ })), .fixed = expected

FIXTURE_VARIANT_ADD(others, event_of_pcr_11) {
	.dev = TPMRM_DEV, .pcr = 11, .event = true, .per_bank = 1,
};

FIXTURE_VARIANT_ADD(others, event_of_pcr_11_by_tpm0) {
	.dev = TPM_DEV, .pcr = 11, .event = true, .per_bank = 1,
};

FIXTURE_VARIANT_ADD(others, event_of_pcr_16_never_counts) {
	.dev = TPMRM_DEV, .pcr = 16, .event = true,
};

FIXTURE_VARIANT_ADD(others, event_of_pcr_23_never_counts) {
	.dev = TPM_DEV, .pcr = 23, .event = true,
};

FIXTURE_VARIANT_ADD(others, extend_one_bank) {
	EXTEND(TPMRM_DEV, 11, 1, TPM2_ALG_SHA256)
};

FIXTURE_VARIANT_ADD(others, extend_one_bank_by_tpm0) {
	EXTEND(TPM_DEV, 11, 1, TPM2_ALG_SHA256)
};

FIXTURE_VARIANT_ADD(others, extend_one_bank_named_twice) {
	EXTEND(TPMRM_DEV, 11, 2, TPM2_ALG_SHA256, TPM2_ALG_SHA256)
};

FIXTURE_VARIANT_ADD(others, extend_pcr_16_never_counts) {
	EXTEND(TPMRM_DEV, 16, 0, TPM2_ALG_SHA256, TPM2_ALG_SHA256)
};

FIXTURE_VARIANT_ADD(others, extend_pcr_23_never_counts) {
	EXTEND(TPMRM_DEV, 23, 0, TPM2_ALG_SHA256)
};

FIXTURE_VARIANT_ADD(others, extend_pcr_17_is_refused) {
	EXTEND(TPMRM_DEV, 17, 0, TPM2_ALG_SHA256), .refused = true
};

FIXTURE_VARIANT_ADD(others, extend_nothing) {
	.dev = TPMRM_DEV, .pcr = 11,
};

FIXTURE_SETUP(others)
{
	const char *reason = why_no_counted_requests();

	if (reason)
		SKIP(return, "%s", reason);
	if (!getenv("EXTEND_PCRS"))
		SKIP(return, "needs EXTEND_PCRS=1, since it extends PCRs 11, 16 and 23");
	self->first = request(_metadata, &self->before);
}

FIXTURE_TEARDOWN(others)
{
	list_free(&self->before);
}

TEST_F(others, updates_are_accounted)
{
	char hex[2 * 64 + 1];
	struct interval interval;
	struct list list;
	long second;
	int i, ret;

	if (variant->count &&
	    (tpm2_pcr_hex("sha256", 11, hex, sizeof(hex)) || !*hex))
		SKIP(return, "needs a TPM with a sha256 bank");

	for (i = 0; i < 3; i++) {
		if (variant->event)
			ret = tpm2_pcr_event(variant->dev, variant->pcr, "selftest");
		else
			ret = tpm2_pcr_extend(variant->dev, variant->pcr,
					      variant->ids, variant->count);
		EXPECT_EQ(variant->refused, ret > 0);
		EXPECT_LE(0, ret);
	}

	second = request(_metadata, &list);
	interval = interval_between(&list, self->first, second);
	EXPECT_TRUE(interval_closes(&interval));
	EXPECT_EQ(0, interval.unexplained);
	EXPECT_EQ(3 * (variant->fixed + variant->per_bank *
		       record_number(&list.entries[second], "banks")),
		  interval.others);
	list_free(&list);
}

/*
 * For each PCR except IMA's own, the account matches what the TPM counts,
 * whether the PCR counts, never counts, or can't be extended by user space.
 */
FIXTURE(every_pcr) {
	struct list list;
};

FIXTURE_VARIANT(every_pcr) {
	const char *dev;
};

FIXTURE_VARIANT_ADD(every_pcr, by_tpm0) {
	.dev = TPM_DEV,
};

FIXTURE_VARIANT_ADD(every_pcr, by_tpmrm0) {
	.dev = TPMRM_DEV,
};

FIXTURE_SETUP(every_pcr)
{
	const char *reason = why_no_counted_requests();

	if (reason)
		SKIP(return, "%s", reason);
	if (!getenv("EXTEND_ALL_PCRS"))
		SKIP(return, "needs EXTEND_ALL_PCRS=1, since it also extends the firmware's PCRs");
}

FIXTURE_TEARDOWN(every_pcr)
{
	list_free(&self->list);
}

TEST_F_TIMEOUT(every_pcr, is_accounted, 120)
{
	const uint16_t alg = TPM2_ALG_SHA256;
	char hex[2 * 64 + 1];
	struct interval interval;
	unsigned int pcr, counting = 0;
	long first, second;
	int ret;

	if (tpm2_pcr_hex("sha256", 0, hex, sizeof(hex)) || !*hex)
		SKIP(return, "needs a TPM with a sha256 bank");

	first = request(_metadata, &self->list);
	for (pcr = 0; pcr < 24; pcr++) {
		if (pcr == 10)
			continue;

		ret = tpm2_pcr_extend(variant->dev, pcr, &alg, 1);
		ASSERT_LE(0, ret);

		list_free(&self->list);
		second = request(_metadata, &self->list);
		interval = interval_between(&self->list, first, second);
		EXPECT_TRUE(interval_closes(&interval)) {
			TH_LOG("PCR %u", pcr);
		}
		EXPECT_EQ(0, interval.unexplained);
		EXPECT_GE(!ret, interval.others) {
			TH_LOG("PCR %u: %lld updates", pcr, interval.others);
		}
		counting += interval.others;
		first = second;
	}
	/* The PCRs of the firmware and of the static OS always count. */
	EXPECT_LE(15, counting);
}

/* A violation is an entry like any other, and extends the PCR. */
FIXTURE(violation) {
	char dir[32];
	char path[64];
	struct list before;
	long first;
};

FIXTURE_VARIANT(violation) {
	int first_open;
	int second_open;
};

FIXTURE_VARIANT_ADD(violation, of_a_file_that_is_read_and_then_written) {
	.first_open = O_RDONLY, .second_open = O_WRONLY,
};

FIXTURE_VARIANT_ADD(violation, of_a_file_that_is_written_and_then_read) {
	.first_open = O_WRONLY, .second_open = O_RDONLY,
};

FIXTURE_SETUP(violation)
{
	const char *reason = why_no_counted_requests();
	int fd;

	if (reason)
		SKIP(return, "%s", reason);

	snprintf(self->dir, sizeof(self->dir), "/tmp/ima_violation.XXXXXX");
	ASSERT_EQ(0, mount_measured(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/file", self->dir);
	fd = open(self->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, dprintf(fd, "%d\n", getpid()));
	close(fd);
	self->first = request(_metadata, &self->before);
}

FIXTURE_TEARDOWN(violation)
{
	if (*self->dir)
		unmount_measured(self->dir);
	list_free(&self->before);
}

TEST_F(violation, is_an_entry_that_counts)
{
	struct interval interval;
	struct list list;
	int first, second, found = 0;
	long index, last;

	first = open(self->path, variant->first_open);
	ASSERT_LE(0, first);
	second = open(self->path, variant->second_open);
	ASSERT_LE(0, second);
	close(second);
	close(first);

	last = request(_metadata, &list);
	for (index = self->first; index < last; index++)
		found += !strcmp(list.entries[index].name, self->path);
	if (!found)
		SKIP(goto out, "needs a policy that measures what root reads, such as tcb");

	/* The file and the violation */
	EXPECT_EQ(2, found);
	interval = interval_between(&list, self->first, last);
	EXPECT_TRUE(interval_closes(&interval));
	EXPECT_EQ(0, interval.unexplained);
	EXPECT_EQ(0, interval.others);
	EXPECT_EQ(0, interval.failed);
out:
	list_free(&list);
}

/* If someone else extends IMA's PCR, the replay fails, and records show why. */
TEST(extends_of_the_ima_pcr_are_those_of_others)
{
	const char *reason = why_no_counted_requests();
	const uint16_t alg = TPM2_ALG_SHA256;
	struct list before, list;
	struct interval interval;
	long first, second;

	if (reason)
		SKIP(return, "%s", reason);
	if (!getenv("EXTEND_IMA_PCR"))
		SKIP(return, "needs EXTEND_IMA_PCR=1, since it breaks the replay of the list");

	first = request(_metadata, &before);
	ASSERT_EQ(0, tpm2_pcr_extend(TPMRM_DEV, 10, &alg, 1));
	ASSERT_EQ(0, tpm2_pcr_extend(TPM_DEV, 10, &alg, 1));
	second = request(_metadata, &list);

	interval = interval_between(&list, first, second);
	EXPECT_TRUE(interval_closes(&interval));
	EXPECT_EQ(2, interval.others);
	list_free(&before);
	list_free(&list);
}

TEST_HARNESS_MAIN
