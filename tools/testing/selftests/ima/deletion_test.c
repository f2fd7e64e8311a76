// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests that the records count the entries that user space deletes from the
 * list, either by number or after staging them
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "machine.h"
#include "measurement_list.h"
#include "request.h"

#define LIST_FILE	IMA_DIR "/binary_runtime_measurements"
#define STAGED_FILE	LIST_FILE "_staged"
#define MAX_ROUNDS	10	/* other entries may be added while staging */

FIXTURE(deletion) {
	struct list before;
	long long trimmed;
};

FIXTURE_SETUP(deletion)
{
	const char *reason = why_no_requests();
	struct stat st;
	long index;

	if (reason)
		SKIP(return, "%s", reason);
	if (stat(LIST_FILE, &st) || !(st.st_mode & 0200))
		SKIP(return, "needs a kernel that lets user space delete entries");
	if (!getenv("DELETE_ENTRIES"))
		SKIP(return, "needs DELETE_ENTRIES=1, since it deletes entries of the list");

	index = request(_metadata, &self->before);
	self->trimmed = record_number(&self->before.entries[index], "trimmed");
	ASSERT_LE(0, self->trimmed);
}

FIXTURE_TEARDOWN(deletion)
{
	list_free(&self->before);
}

/* The rest of the list begins after the deleted entries, without a gap. */
TEST_F(deletion, trimmed_is_what_was_deleted)
{
	const struct list_entry *record;
	struct list list;
	long index;

	ASSERT_LE(3, self->before.count);
	ASSERT_EQ(0, file_write(LIST_FILE, "3\n"));

	index = request(_metadata, &list);
	record = &list.entries[index];
	EXPECT_EQ(self->trimmed + 3, record_number(record, "trimmed"));
	EXPECT_EQ(index, record_number(record, "entries") -
			 record_number(record, "trimmed"));
	list_free(&list);
}

TEST_F(deletion, staged_entries_are_trimmed_when_they_are_deleted)
{
	const struct list_entry *record;
	struct list list;
	long index;

	if (access(STAGED_FILE, F_OK))
		SKIP(return, "needs CONFIG_IMA_STAGING");

	ASSERT_EQ(0, file_write(STAGED_FILE, "A\n"));
	index = request(_metadata, &list);
	EXPECT_GT(self->before.count, list.count);
	EXPECT_EQ(self->trimmed,
		  record_number(&list.entries[index], "trimmed"));
	list_free(&list);

	ASSERT_EQ(0, file_write(STAGED_FILE, "D\n"));
	index = request(_metadata, &list);
	record = &list.entries[index];
	EXPECT_LE(self->trimmed + (long long)self->before.count,
		  record_number(record, "trimmed"));
	EXPECT_EQ(index, record_number(record, "entries") -
			 record_number(record, "trimmed"));
	list_free(&list);
}

/*
 * An agent stages and deletes until nothing is left. This must not add records,
 * or it would never end. The next record then covers all deleted entries.
 */
TEST_F(deletion, staging_ends_when_nothing_is_left)
{
	const struct list_entry *record;
	struct list list;
	int ret, rounds;

	if (access(STAGED_FILE, F_OK))
		SKIP(return, "needs CONFIG_IMA_STAGING");

	for (rounds = 0; rounds < MAX_ROUNDS; rounds++) {
		ret = file_write(STAGED_FILE, "A\n");
		if (ret == -ENOENT)
			break;
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0, file_write(STAGED_FILE, "D\n"));
	}
	EXPECT_LT(rounds, MAX_ROUNDS);
	ASSERT_EQ(0, list_read(&list));
	EXPECT_EQ(0, list.count);
	list_free(&list);

	ASSERT_EQ(0, request(_metadata, &list));
	record = &list.entries[0];
	EXPECT_LE(self->trimmed + (long long)self->before.count,
		  record_number(record, "trimmed"));
	EXPECT_EQ(record_number(record, "entries"),
		  record_number(record, "trimmed"));
	list_free(&list);
}

TEST_HARNESS_MAIN
