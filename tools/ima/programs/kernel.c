// SPDX-License-Identifier: GPL-2.0-only
/* Requests to the kernel of the measured machine. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "kernel.h"

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
