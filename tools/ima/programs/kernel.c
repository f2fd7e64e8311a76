// SPDX-License-Identifier: GPL-2.0-only
/* Requests to the kernel of the measured machine. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "kernel.h"

/* How long to wait for a program that has a list open for writing. */
#define BUSY_SECONDS 30

int kernel_request_record(const char *ima)
{
	static const char no_rule[] =
		"the IMA policy has no rule for records (measure func=CRITICAL_DATA label=tpm)";
	char path[4096];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/update_counter", ima);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0) {
		complain("%s: %s", path, strerror(errno));
		return -1;
	}
	if (write(fd, "1\n", 2) != 2) {
		complain("%s: %s", path,
			 errno == ENOENT ? no_rule : strerror(errno));
		ret = -1;
	}
	close(fd);
	return ret;
}

long long kernel_count_entries(const char *ima)
{
	long long count = -1;
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/runtime_measurements_count", ima);
	file = input_open(path);
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &count) != 1 || count < 0) {
		complain("%s: not a number", path);
		count = -1;
	}
	fclose(file);
	return count;
}

/*
 * Nobody can delete entries while a list is open for reading, and nobody can
 * open one for reading while it is open for writing.
 */
static int open_when_free(const char *path)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	int fd, waited;

	for (waited = 0; waited < BUSY_SECONDS * 100; waited++) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 || errno != EBUSY)
			return fd;
		nanosleep(&pause, NULL);
	}
	return -1;
}

/* 0, with *@file NULL if the file is missing and may be; -1 after a message */
static int open_list(const char *ima, const char *name, bool may_be_missing,
		     FILE **file)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", ima, name);
	fd = open_when_free(path);
	*file = fd < 0 ? NULL : fdopen(fd, "rb");
	if (*file || (may_be_missing && errno == ENOENT))
		return 0;
	if (errno == EBUSY)
		complain("%s: another program has had the list open to delete entries for %d seconds",
			 path, BUSY_SECONDS);
	else
		complain("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int kernel_open_list(const char *ima, struct kernel_list *list)
{
	*list = (struct kernel_list){ 0 };
	if (!open_list(ima, "binary_runtime_measurements_staged", true,
		       &list->staged) &&
	    !open_list(ima, "binary_runtime_measurements", false, &list->rest))
		return 0;
	kernel_close_list(list);
	return -1;
}

static int copy(FILE *from, FILE *to)
{
	static char buf[1 << 16];
	size_t len;

	/* whether it can be written is found out when @to is closed */
	while ((len = fread(buf, 1, sizeof(buf), from)) && !ferror(to))
		fwrite(buf, 1, len, to);
	if (!ferror(from))
		return 0;
	complain("the measurement list: read error");
	return -1;
}

int kernel_copy_list(const struct kernel_list *list, FILE *to)
{
	if (list->staged && copy(list->staged, to))
		return -1;
	return copy(list->rest, to);
}

void kernel_close_list(struct kernel_list *list)
{
	if (list->staged)
		fclose(list->staged);
	if (list->rest)
		fclose(list->rest);
	*list = (struct kernel_list){ 0 };
}
