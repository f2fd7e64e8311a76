// SPDX-License-Identifier: GPL-2.0-only
/* Writing files whole, or not at all. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imatally.h"

/* Like open(2) for writing, but at a name that nobody else writes to or has made. */
static FILE *open_new(char *template)
{
	int fd = mkostemp(template, O_CLOEXEC);
	mode_t mask = umask(0);
	FILE *file = NULL;

	umask(mask);
	if (fd >= 0 && !fchmod(fd, 0666 & ~mask))
		file = fdopen(fd, "wb");
	if (!file && fd >= 0)
		close(fd);
	return file;
}

int output_write(const char *path, const void *data, size_t len)
{
	char *temporary;
	FILE *file;
	bool done;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		complain("out of memory");
		return -1;
	}
	file = open_new(temporary);
	done = file && fwrite(data, 1, len, file) == len &&
	       !fflush(file) && !fsync(fileno(file));
	if (file && fclose(file))
		done = false;
	if (!done || rename(temporary, path)) {
		complain("%s: %s", path, strerror(errno));
		unlink(temporary);
		done = false;
	}
	free(temporary);
	return done ? 0 : -1;
}
