// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that the equations hold between each pair of neighbouring records under
 * load: some processes measure files, some update PCRs in all ways that count
 * and that don't, and one requests records. Readers of the list and of the last
 * record always find them complete.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "equations.h"
#include "machine.h"
#include "measurement_list.h"
#include "tpm2.h"

#define MEASURERS	8
#define UPDATERS	4
#define OTHERS		(UPDATERS + 3)
#define SECONDS		3600

/* These children run until they are killed. They exit early only on errors. */
static void update_pcrs(unsigned int who)
{
	static const unsigned int pcrs[] = { 11, 16, 23 };
	static const uint16_t twice[] = { TPM2_ALG_SHA256, TPM2_ALG_SHA256 };
	static const uint16_t all[] = {
		TPM2_ALG_SHA1, TPM2_ALG_SHA256, TPM2_ALG_SHA384, TPM2_ALG_SHA512,
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret; i++) {
		unsigned int pcr = pcrs[i % ARRAY_SIZE(pcrs)];

		switch (who) {
		case 0:
			ret = tpm2_pcr_extend(TPMRM_DEV, pcr, twice, ARRAY_SIZE(twice));
			break;
		case 1:	/* some of these banks are off */
			ret = tpm2_pcr_extend(TPMRM_DEV, pcr, all, ARRAY_SIZE(all));
			break;
		case 2:
			ret = tpm2_pcr_event(TPMRM_DEV, pcr, "load");
			break;
		default:
			ret = tpm2_pcr_event(TPM_DEV, pcr, "load");
			break;
		}
	}
	_exit(1);
}

static void request_records(void)
{
	while (!file_write(REQUEST_FILE, "1"))
		usleep(20000);
	_exit(1);
}

/* The list never gets shorter, and can be parsed at any time. */
static void read_list(unsigned int who)
{
	struct list list;
	size_t count = 0;

	while (!list_read(&list)) {
		if (list.count < count)
			break;
		count = list.count;
		list_free(&list);
	}
	_exit(1);
}

/* The last record is always complete, even while it is replaced. */
static void read_last_record(unsigned int who)
{
	static const char first[] = "version=1;event=";
	char text[4096];
	ssize_t len;
	int fd;

	for (;;) {
		fd = open(REQUEST_FILE, O_RDONLY);
		if (fd < 0)
			break;
		len = read(fd, text, sizeof(text));
		close(fd);
		if (len < (ssize_t)sizeof(first) ||
		    memcmp(text, first, sizeof(first) - 1) ||
		    memcmp(&text[len - 2], ";\n", 2) ||
		    memchr(text, '\n', len - 1))
			break;
	}
	_exit(1);
}

static pid_t start(void (*child)(unsigned int), unsigned int who)
{
	pid_t pid = fork();

	if (!pid) {
		if (child)
			child(who);
		else
			request_records();
	}
	return pid;
}

FIXTURE(load) {
};

FIXTURE_SETUP(load)
{
	const char *reason = why_no_counted_requests();

	if (reason)
		SKIP(return, "%s", reason);
	if (!getenv("LOAD_ENTRIES"))
		SKIP(return, "needs LOAD_ENTRIES=N, since it measures N files and extends PCRs");
}

FIXTURE_TEARDOWN(load)
{
}

TEST_F_TIMEOUT(load, neighbouring_records_close, SECONDS)
{
	int files = atoi(getenv("LOAD_ENTRIES")) / MEASURERS;
	char dir[] = "/tmp/ima_load.XXXXXX";
	pid_t measurers[MEASURERS], others[OTHERS];
	long first, from, to, records = 0;
	long long explained = 0;
	unsigned int i;
	struct list list;
	int status, ret;

	ASSERT_LT(0, files);
	ASSERT_EQ(0, file_write(REQUEST_FILE, "1"));
	ASSERT_EQ(0, list_read(&list));
	first = list_find_last(&list, "pcr_counter", "request");
	list_free(&list);

	ASSERT_EQ(0, mount_measured(dir));
	for (i = 0; i < UPDATERS; i++)
		others[i] = start(update_pcrs, i);
	others[UPDATERS] = start(NULL, 0);
	others[UPDATERS + 1] = start(read_list, 0);
	others[UPDATERS + 2] = start(read_last_record, 0);

	for (i = 0; i < MEASURERS; i++) {
		measurers[i] = fork();
		if (!measurers[i])
			_exit(measure_files(dir, files) ? 1 : 0);
	}
	for (i = 0; i < MEASURERS; i++) {
		ASSERT_LT(0, measurers[i]);
		ASSERT_EQ(measurers[i], waitpid(measurers[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		ASSERT_LT(0, others[i]);
		kill(others[i], SIGTERM);
		ASSERT_EQ(others[i], waitpid(others[i], &status, 0));
		/* The child ended because of this signal, not of an error. */
		EXPECT_TRUE(WIFSIGNALED(status)) {
			TH_LOG("child %u exited early", i);
		}
	}
	unmount_measured(dir);

	/* This also waits for a TPM command of a killed child to complete. */
	ret = file_write(REQUEST_FILE, "1");
	EXPECT_EQ(0, ret);

	ASSERT_EQ(0, list_read(&list));
	for (from = first; (to = next_record(&list, from)) >= 0; from = to) {
		struct interval interval = interval_between(&list, from, to);

		records++;
		explained += interval.others;
		EXPECT_TRUE(interval_closes(&interval)) {
			TH_LOG("entries %ld to %ld: lost %lld, unexplained %lld, disagreement %lld",
			       from, to, interval.lost, interval.unexplained,
			       interval.disagreement);
		}
		EXPECT_EQ(0, interval.uncertain);
		EXPECT_EQ(0, interval.failed);
		EXPECT_EQ(to, record_number(&list.entries[to], "entries"));
	}
	TH_LOG("%zu entries, %ld records, %lld updates by others", list.count,
	       records, explained);
	EXPECT_LE(MEASURERS * files, (long long)list.count);
	EXPECT_LT(1, records);
	EXPECT_LT(0, explained);
	list_free(&list);
}

TEST_HARNESS_MAIN
