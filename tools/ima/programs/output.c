// SPDX-License-Identifier: GPL-2.0-only
/* Writing files whole, or not at all. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imatally.h"

int output_write(const char *path, const void *data, size_t len)
{
	char *temporary;
	FILE *file;
	bool done;

	if (asprintf(&temporary, "%s.new", path) < 0) {
		complain("out of memory");
		return -1;
	}
	file = fopen(temporary, "wbe");
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
