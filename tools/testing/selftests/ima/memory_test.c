// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that measurements that IMA could not record for lack of memory are
 * counted. Each allocation fails in turn while a file is measured and while a
 * record is made, and some fail while a kernel is loaded. This is done for slab
 * allocations and for page allocations, since kernels differ in where they build
 * commands to the TPM.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "equations.h"
#include "machine.h"
#include "measurement_list.h"

#define SECONDS		600
#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"

/*
 * A full slab needs another page, and a failure of that allocation has no
 * effect. Each N is tried several times, so that the intended allocations are
 * hit.
 */
#define ATTEMPTS	4

/* 6.12 builds each command to the TPM in a page, later kernels in a slab. */
#define NO_PAGES	"needs a kernel that allocates pages for this"

/* The outcome of a call whose Nth allocation should fail */
enum outcome { FAILED, SUCCEEDED, NOT_REACHED, NR_OUTCOMES };

static int fail_nth(int fd, int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	return pwrite(fd, text, len, 0) == len ? 0 : -errno;
}

/* Return how many allocations are left until one fails, 0 if one has failed. */
static int left(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : -1;
}

/*
 * Call a function with its Nth allocation failing. The files that this needs
 * are opened before, because opening them allocates as well.
 */
static enum outcome call_failing(int n, int (*call)(void *arg), void *arg)
{
	int control = open(FAIL_NTH, O_RDWR);
	int ret, rest;

	if (control < 0 || fail_nth(control, n))
		return NR_OUTCOMES;
	ret = call(arg);
	rest = left(control);
	fail_nth(control, 0);
	close(control);
	if (rest)
		return NOT_REACHED;
	return ret < 0 ? FAILED : SUCCEEDED;
}

/* Open a file, which tcb policies measure. */
static int open_file(void *path)
{
	int fd = open(path, O_RDONLY);

	return fd < 0 ? fd : close(fd);
}

/* Load a kernel, which makes a record, and unload it. */
static int load(void *image)
{
	return load_and_unload(image, 0);
}

/* Request a record. */
static int request(void *fd)
{
	return write(*(int *)fd, "1", 1);
}

FIXTURE(memory) {
	char dir[32];
	struct list list;
	long from;	/* the last record that was requested */
};

FIXTURE_VARIANT(memory) {
	const char *slabs;	/* N: these fail even if they may wait */
	const char *pages;
};

FIXTURE_VARIANT_ADD(memory, slabs) {
	.slabs = "N",
	.pages = "Y",
};

FIXTURE_VARIANT_ADD(memory, pages) {
	.slabs = "Y",
	.pages = "N",
};

/* Request a record, read the list, and find the record at its end. */
static void read_list(struct __test_metadata *_metadata,
		      struct _test_data_memory *self)
{
	ASSERT_EQ(0, file_write(REQUEST_FILE, "1"));
	list_free(&self->list);
	ASSERT_EQ(0, list_read(&self->list));
	self->from = list_find_last(&self->list, "pcr_counter", "request");
	ASSERT_EQ(self->list.count - 1, self->from);
}

FIXTURE_SETUP(memory)
{
	const char *why = why_no_records();

	snprintf(self->dir, sizeof(self->dir), "/tmp/memory-XXXXXX");
	if (why)
		SKIP(return, "%s", why);
	if (access(FAIL_NTH, W_OK) || access(DEBUGFS "failslab", F_OK) ||
	    access(DEBUGFS "fail_page_alloc", F_OK))
		SKIP(return, "needs CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC and debugfs");
	ASSERT_EQ(0, file_write(DEBUGFS "failslab/ignore-gfp-wait", variant->slabs));
	ASSERT_EQ(0, file_write(DEBUGFS "fail_page_alloc/ignore-gfp-wait", variant->pages));
	ASSERT_EQ(0, file_write(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", variant->pages));
	ASSERT_EQ(0, file_write(DEBUGFS "fail_page_alloc/min-order", "0"));
	/* no stack trace in the kernel log for each failure */
	ASSERT_EQ(0, file_write(DEBUGFS "failslab/verbose", "0"));
	ASSERT_EQ(0, file_write(DEBUGFS "fail_page_alloc/verbose", "0"));
	ASSERT_EQ(0, mount_measured(self->dir));
	read_list(_metadata, self);
}

FIXTURE_TEARDOWN(memory)
{
	list_free(&self->list);
	unmount_measured(self->dir);
}

/*
 * Is the file in the list? If there is no memory for its path, the entry only
 * has its last component.
 */
static bool is_measured(const struct list *list, const char *path)
{
	return list_find_last(list, path, NULL) >= 0 ||
	       list_find_last(list, strrchr(path, '/') + 1, NULL) >= 0;
}

/* Compare the last record with a new one. The equations always hold. */
static struct interval since(struct __test_metadata *_metadata,
			     struct _test_data_memory *self, int n)
{
	long from = self->from;
	struct interval interval;

	read_list(_metadata, self);
	interval = interval_between(&self->list, from, self->from);
	EXPECT_TRUE(interval_closes(&interval)) {
		TH_LOG("allocation %d", n);
	}
	return interval;
}

TEST_F_TIMEOUT(memory, each_attempt_that_leaves_no_entry_is_counted, SECONDS)
{
	unsigned int count[NR_OUTCOMES] = {};
	unsigned int missing = 0, failed = 0;
	int i, n, fd, not_reached = 0;
	struct interval interval;
	enum outcome outcome;
	char path[64];

	for (i = 0; not_reached < ATTEMPTS; i++) {
		n = 1 + i / ATTEMPTS;
		snprintf(path, sizeof(path), "%s/file-%d", self->dir, i);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		ASSERT_LE(0, fd);
		ASSERT_EQ(1, write(fd, "x", 1));
		close(fd);

		outcome = call_failing(n, open_file, path);
		ASSERT_NE(NR_OUTCOMES, outcome);
		not_reached = outcome == NOT_REACHED ? not_reached + 1 : 0;
		count[outcome]++;

		interval = since(_metadata, self, n);
		failed += interval.failed;
		if (is_measured(&self->list, path)) {
			EXPECT_EQ(0, interval.dropped + interval.unread);
			EXPECT_GE(1, interval.failed);
		} else {
			missing++;
			/* a file that can't be opened need not be measured */
			EXPECT_EQ(outcome == SUCCEEDED,
				  interval.dropped + interval.unread) {
				TH_LOG("allocation %d", n);
			}
			EXPECT_EQ(0, interval.failed);
		}
	}

	TH_LOG("%d attempts, %d allocations: %u opens failed, %u missing, %u extends failed",
	       i, n, count[FAILED], missing, failed);
	if (*variant->pages == 'N' && !(missing + failed))
		SKIP(return, NO_PAGES);
	/* otherwise nothing was tested */
	EXPECT_LT(count[FAILED], missing + failed);
}

TEST_F_TIMEOUT(memory, records_survive_or_are_counted, SECONDS)
{
	int i, n, fd, not_reached = 0;
	unsigned int missing = 0;
	struct interval interval;
	bool was_made, is_right;
	enum outcome outcome;
	long from;

	fd = open(REQUEST_FILE, O_WRONLY);
	ASSERT_LE(0, fd);

	for (i = 0; not_reached < ATTEMPTS; i++) {
		n = 1 + i / ATTEMPTS;
		from = self->from;
		outcome = call_failing(n, request, &fd);
		ASSERT_NE(NR_OUTCOMES, outcome);
		not_reached = outcome == NOT_REACHED ? not_reached + 1 : 0;

		interval = since(_metadata, self, n);
		was_made = self->from == from + 2;
		EXPECT_EQ(from + 1 + was_made, self->from);
		EXPECT_EQ(!was_made, interval.dropped) {
			TH_LOG("allocation %d", n);
		}
		/* the request fails only if the record is missing */
		is_right = was_made && !interval.failed &&
			   record_number(&self->list.entries[from + 1],
					 "pcrUpdateCounter") >= 0;
		EXPECT_EQ(was_made, outcome != FAILED) {
			TH_LOG("allocation %d", n);
		}
		missing += !is_right;
	}
	close(fd);

	TH_LOG("%d attempts, %d allocations: %u records missing or incomplete",
	       i, n, missing);
	if (*variant->pages == 'N' && !missing)
		SKIP(return, NO_PAGES);
	EXPECT_LT(0, missing);
}

/*
 * There are too many allocations to try each one. Those in IMA come before the
 * kernel is copied. Whatever fails, the next load works and its record is made.
 */
TEST_F_TIMEOUT(memory, loads_that_fail_lose_nothing, SECONDS)
{
	char *image = getenv("KERNEL_IMAGE");
	unsigned int count[NR_OUTCOMES] = {};
	enum outcome outcome = SUCCEEDED;
	long from;
	int n;

	if (!image)
		SKIP(return, "needs KERNEL_IMAGE=FILE, which it loads for kexec");
	if (*variant->pages == 'N')
		SKIP(return, "a load allocates thousands of pages");

	for (n = 1; outcome != NOT_REACHED; n += 1 + n / 8) {
		outcome = call_failing(n, load, image);
		ASSERT_NE(NR_OUTCOMES, outcome);
		count[outcome]++;
		since(_metadata, self, n);
	}
	TH_LOG("%u loads failed, %u did not", count[FAILED], count[SUCCEEDED]);
	EXPECT_LT(0, count[FAILED]);

	from = self->from;
	EXPECT_EQ(0, load(image));
	since(_metadata, self, 0);
	EXPECT_LT(from, list_find_last(&self->list, "pcr_counter", "kexec_load"));
}

TEST_HARNESS_MAIN
