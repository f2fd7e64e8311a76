// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that what IMA could not record for want of memory is counted: lets each
 * allocation of measuring a file fail in turn, and each of making a record.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "equations.h"
#include "machine.h"
#include "measurement_list.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FAILSLAB	"/sys/kernel/debug/failslab/"

/* What became of a call whose Nth allocation was to fail */
enum outcome { FAILED, SUCCEEDED, NOT_REACHED, NR_OUTCOMES };

static int fail_nth(int fd, int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	return pwrite(fd, text, len, 0) == len ? 0 : -errno;
}

/* Has the Nth allocation failed? The kernel counts down to 0. */
static int left(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : -1;
}

/* Open a file, which tcb policies measure, with its Nth allocation failing. */
static enum outcome open_failing(const char *path, int n)
{
	int control = open(FAIL_NTH, O_RDWR);
	int fd, rest;

	if (control < 0 || fail_nth(control, n))
		return NR_OUTCOMES;
	fd = open(path, O_RDONLY);
	rest = left(control);
	fail_nth(control, 0);
	close(control);
	if (fd >= 0)
		close(fd);
	if (rest)
		return NOT_REACHED;
	return fd < 0 ? FAILED : SUCCEEDED;
}

/* Ask for a record, with the Nth allocation failing. */
static enum outcome request_failing(int n)
{
	int control = open(FAIL_NTH, O_RDWR);
	int fd = open(REQUEST_FILE, O_WRONLY);
	int rest, written;

	if (control < 0 || fd < 0 || fail_nth(control, n))
		return NR_OUTCOMES;
	written = write(fd, "1", 1);
	rest = left(control);
	fail_nth(control, 0);
	close(control);
	close(fd);
	if (rest)
		return NOT_REACHED;
	return written < 0 ? FAILED : SUCCEEDED;
}

FIXTURE(memory) {
	char dir[32];
};

FIXTURE_SETUP(memory)
{
	const char *why = why_no_records();

	snprintf(self->dir, sizeof(self->dir), "/tmp/memory-XXXXXX");
	if (why)
		SKIP(return, "%s", why);
	if (access(FAIL_NTH, W_OK) || access(FAILSLAB, F_OK))
		SKIP(return, "needs a kernel with CONFIG_FAILSLAB, and debugfs");
	ASSERT_EQ(0, file_write(FAILSLAB "ignore-gfp-wait", "N"));
	/* no stack in the kernel log each time */
	ASSERT_EQ(0, file_write(FAILSLAB "verbose", "0"));
	ASSERT_EQ(0, mount_measured(self->dir));
}

FIXTURE_TEARDOWN(memory)
{
	unmount_measured(self->dir);
}

/* Is the file in the list? Where the path finds no memory, by its last name. */
static bool is_measured(const struct list *list, const char *path)
{
	return list_find_last(list, path, NULL) >= 0 ||
	       list_find_last(list, strrchr(path, '/') + 1, NULL) >= 0;
}

/* The list between two requests, the newest one of which is the last entry */
static struct interval since(struct __test_metadata *_metadata,
			     struct list *list, long *from)
{
	struct interval interval;
	long to;

	ASSERT_EQ(0, file_write(REQUEST_FILE, "1"));
	ASSERT_EQ(0, list_read(list));
	to = list_find_last(list, "pcr_counter", "request");
	ASSERT_EQ(list->count - 1, to);
	interval = interval_between(list, *from, to);
	*from = to;
	return interval;
}

TEST_F(memory, each_attempt_that_leaves_no_entry_is_counted)
{
	unsigned int count[NR_OUTCOMES] = {};
	enum outcome outcome = SUCCEEDED;
	struct interval interval;
	unsigned int missing = 0;
	struct list list;
	char path[64];
	long from;
	int n, fd;

	ASSERT_EQ(0, file_write(REQUEST_FILE, "1"));
	ASSERT_EQ(0, list_read(&list));
	from = list_find_last(&list, "pcr_counter", "request");
	list_free(&list);

	for (n = 1; outcome != NOT_REACHED; n++) {
		snprintf(path, sizeof(path), "%s/file-%d", self->dir, n);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		ASSERT_LE(0, fd);
		ASSERT_EQ(1, write(fd, "x", 1));
		close(fd);

		outcome = open_failing(path, n);
		ASSERT_NE(NR_OUTCOMES, outcome);
		count[outcome]++;

		interval = since(_metadata, &list, &from);
		EXPECT_TRUE(interval_closes(&interval));
		EXPECT_EQ(0, interval.failed);
		if (is_measured(&list, path)) {
			EXPECT_EQ(0, interval.dropped);
		} else {
			missing++;
			/* a file that is not opened is not measured */
			EXPECT_EQ(outcome == SUCCEEDED, interval.dropped) {
				TH_LOG("allocation %d", n);
			}
		}
		list_free(&list);
	}

	TH_LOG("%d allocations, %u opens failed, %u measurements missing",
	       n - 2, count[FAILED], missing);
	/* else nothing was tested */
	EXPECT_LT(count[FAILED], missing);
}

TEST_F(memory, records_survive_or_are_counted)
{
	enum outcome outcome = SUCCEEDED;
	unsigned int dropped = 0;
	struct interval interval;
	struct list list;
	bool was_made;
	long from;
	int n;

	ASSERT_EQ(0, file_write(REQUEST_FILE, "1"));
	ASSERT_EQ(0, list_read(&list));
	from = list_find_last(&list, "pcr_counter", "request");

	for (n = 1; outcome != NOT_REACHED; n++) {
		size_t before = list.count;

		list_free(&list);
		outcome = request_failing(n);
		ASSERT_NE(NR_OUTCOMES, outcome);

		/* a record that was made lies in between */
		ASSERT_EQ(0, list_read(&list));
		if (list.count > before)
			from = list_find_last(&list, "pcr_counter", "request");
		else
			EXPECT_EQ(FAILED, outcome);
		was_made = list.count > before;
		list_free(&list);

		interval = since(_metadata, &list, &from);
		EXPECT_TRUE(interval_closes(&interval)) {
			TH_LOG("allocation %d", n);
		}
		if (!was_made)
			dropped += interval.dropped;
	}
	list_free(&list);

	TH_LOG("%d allocations, %u records dropped", n - 2, dropped);
	EXPECT_LT(0, dropped);
}

TEST_HARNESS_MAIN
