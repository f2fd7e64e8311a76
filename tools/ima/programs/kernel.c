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

size_t kernel_read_list(const struct kernel_list *list, void *buf, size_t len)
{
	size_t have = list->staged ? fread(buf, 1, len, list->staged) : 0;

	if (have < len && (!list->staged || !ferror(list->staged)))
		have += fread((char *)buf + have, 1, len - have, list->rest);
	return have;
}

int kernel_rewind_list(const struct kernel_list *list)
{
	if ((!list->staged || !fseeko(list->staged, 0, SEEK_SET)) &&
	    !fseeko(list->rest, 0, SEEK_SET))
		return 0;
	complain("the measurement list: %s", strerror(errno));
	return -1;
}

bool kernel_list_failed(const struct kernel_list *list)
{
	return (list->staged && ferror(list->staged)) || ferror(list->rest);
}

int kernel_copy_list(const struct kernel_list *list, FILE *to)
{
	static char buf[1 << 16];
	size_t len;

	while ((len = kernel_read_list(list, buf, sizeof(buf))))
		if (fwrite(buf, 1, len, to) != len)
			return 0;	/* found out when @to is closed */
	if (!kernel_list_failed(list))
		return 0;
	complain("the measurement list: read error");
	return -1;
}

void kernel_close_list(struct kernel_list *list)
{
	if (list->staged)
		fclose(list->staged);
	if (list->rest)
		fclose(list->rest);
	*list = (struct kernel_list){ 0 };
}
