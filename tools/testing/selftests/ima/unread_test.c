// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that a user who makes files fail to be read is told apart from a kernel
 * that loses measurements
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "equations.h"
#include "fuse_server.h"
#include "machine.h"
#include "measurement_list.h"
#include "request.h"

#define USER	1000

/* Map a file as a library is mapped, which tcb policies measure. */
static int map_file(const char *path)
{
	void *map;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0)
		return errno;
	map = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return errno;
	close(fd);
	return 0;
}

/* Become the user, for good. */
static void become_user(void)
{
	if (setgid(USER) || setuid(USER))
		_exit(1);
}

FIXTURE(unread) {
	char dir[32];
	pid_t server;
	struct list before;
	long first;
};

/*
 * @file:	name of a file, see fuse_server.h
 * @execute:	execute it instead of mapping it
 * @unread:	how much "unread" moves
 * @entries:	how many entries there are
 */
FIXTURE_VARIANT(unread) {
	const char *file;
	bool execute;
	int unread;
	int entries;
};

FIXTURE_VARIANT_ADD(unread, io_error) {
	.file = "5", .unread = 1,
};

/* As if there were no memory */
FIXTURE_VARIANT_ADD(unread, no_memory) {
	.file = "12", .unread = 1,
};

FIXTURE_VARIANT_ADD(unread, interrupted) {
	.file = "4", .unread = 1,
};

/* As if a hash were missing */
FIXTURE_VARIANT_ADD(unread, no_entry) {
	.file = "2", .unread = 1,
};

/* The kernel measures this one with a digest of zeros. */
FIXTURE_VARIANT_ADD(unread, invalid) {
	.file = "22", .entries = 1,
};

FIXTURE_VARIANT_ADD(unread, unknown_hash) {
	.file = FUSE_FILE_HASH, .unread = 1,
};

FIXTURE_VARIANT_ADD(unread, killed_while_it_is_mapped) {
	.file = FUSE_FILE_KILLS,
};

FIXTURE_VARIANT_ADD(unread, killed_while_it_is_executed) {
	.file = FUSE_FILE_KILLS, .execute = true,
};

FIXTURE_VARIANT_ADD(unread, nothing) {
	.file = FUSE_FILE_GOOD, .entries = 1,
};

FIXTURE_SETUP(unread)
{
	const char *reason = why_no_requests();
	int fd;

	if (!reason && access("/dev/fuse", R_OK | W_OK))
		reason = "needs FUSE";
	if (!reason && !strcmp(variant->file, FUSE_FILE_HASH) &&
	    !file_has("/proc/kallsyms", " ima_appraise_measurement", ""))
		reason = "needs CONFIG_IMA_APPRAISE, which reads this xattr";
	if (reason)
		SKIP(return, "%s", reason);

	snprintf(self->dir, sizeof(self->dir), "/tmp/ima_unread.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chown(self->dir, USER, USER));
	fd = fuse_mount(self->dir, USER);
	ASSERT_LE(0, fd);

	self->server = fork();
	ASSERT_LE(0, self->server);
	if (!self->server) {
		become_user();
		fuse_serve(fd);
	}
	close(fd);
	self->first = request(_metadata, &self->before);
}

FIXTURE_TEARDOWN(unread)
{
	int status;

	if (!self->server)
		return;
	umount2(self->dir, MNT_DETACH);
	waitpid(self->server, &status, 0);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	rmdir(self->dir);
	list_free(&self->before);
}

TEST_F(unread, moves_by_what_a_user_does_and_dropped_does_not)
{
	bool kills = !strcmp(variant->file, FUSE_FILE_KILLS);
	struct interval interval;
	struct list list;
	char path[64];
	int status;
	pid_t pid;
	long last;

	snprintf(path, sizeof(path), "%s/%s", self->dir, variant->file);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		become_user();
		if (!variant->execute)
			_exit(map_file(path));
		execl(path, path, NULL);
		_exit(errno);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(kills, WIFSIGNALED(status));
	/* The file is used all the same. */
	if (!kills)
		EXPECT_EQ(0, WEXITSTATUS(status));

	last = request(_metadata, &list);
	interval = interval_between(&list, self->first, last);
	EXPECT_EQ(0, interval.dropped);
	EXPECT_EQ(variant->unread, interval.unread);
	EXPECT_EQ(0, interval.lost);
	EXPECT_EQ(0, interval.failed);
	EXPECT_EQ(variant->entries,
		  list_find_last(&list, path, NULL) > self->first);
	list_free(&list);
}

/*
 * A rule that asks for an fs-verity digest, and a file without one. Only the
 * first policy that is loaded has an effect until the next boot.
 */
TEST(a_file_without_a_verity_digest_is_unread)
{
	static const char * const rules[] = {
		"measure func=CRITICAL_DATA label=tpm\n",
		"measure func=MMAP_CHECK mask=MAY_EXEC digest_type=verity template=ima-ngv2\n",
	};
	char dir[] = "/tmp/ima_verity.XXXXXX", path[64];
	struct list before, list;
	struct interval interval;
	int fd, status;
	unsigned int i;
	long first, last;
	pid_t pid;

	if (geteuid())
		SKIP(return, "needs root");
	if (access(REQUEST_FILE, F_OK))
		SKIP(return, NO_FILE);
	if (!getenv("VERITY_POLICY"))
		SKIP(return, "needs VERITY_POLICY=1, since it replaces the policy");

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, dprintf(fd, "no verity digest\n"));
	close(fd);
	ASSERT_EQ(0, chmod(dir, 0755));

	/* A rule per write, and the policy is in effect when it is closed. */
	fd = open(IMA_DIR "/policy", O_WRONLY);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		ASSERT_EQ((ssize_t)strlen(rules[i]),
			  write(fd, rules[i], strlen(rules[i])));
	ASSERT_EQ(0, close(fd));

	first = request(_metadata, &before);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		become_user();
		_exit(map_file(path));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));

	last = request(_metadata, &list);
	interval = interval_between(&list, first, last);
	EXPECT_EQ(0, interval.dropped);
	EXPECT_EQ(1, interval.unread);
	unlink(path);
	rmdir(dir);
	list_free(&before);
	list_free(&list);
}

TEST_HARNESS_MAIN
