// SPDX-License-Identifier: GPL-2.0-only
/* A stream over the end of a list, at the offsets of the whole list. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet.h"

struct increment {
	int fd;
	uint64_t offset, at;
	bool *missed;
	/* What was read last: glibc asks an unbuffered stream for single bytes. */
	uint64_t first;
	size_t nr;
	char block[16384];
};

/* Have the block begin at @inc->at.  Returns -1 with errno. */
static int read_block(struct increment *inc)
{
	ssize_t got = pread(inc->fd, inc->block, sizeof(inc->block),
			    inc->at - inc->offset);

	if (got < 0)
		return -1;
	inc->first = inc->at;
	inc->nr = got;
	return 0;
}

static ssize_t read_increment(void *cookie, char *buf, size_t size)
{
	struct increment *inc = cookie;
	size_t left;

	if (inc->at < inc->offset) {
		*inc->missed = true;
		errno = EIO;
		return -1;
	}
	if ((inc->at < inc->first || inc->at >= inc->first + inc->nr) &&
	    read_block(inc))
		return -1;
	left = inc->first + inc->nr - inc->at;
	if (size > left)
		size = left;
	memcpy(buf, inc->block + (inc->at - inc->first), size);
	inc->at += size;
	return size;
}

static int seek_increment(void *cookie, off64_t *to, int whence)
{
	struct increment *inc = cookie;
	struct stat st;
	off64_t base = 0;

	if (whence == SEEK_CUR) {
		base = inc->at;
	} else if (whence == SEEK_END) {
		if (fstat(inc->fd, &st))
			return -1;
		base = inc->offset + st.st_size;
	}
	if (base + *to < 0) {
		errno = EINVAL;
		return -1;
	}
	*to += base;
	inc->at = *to;
	return 0;
}

static int close_increment(void *cookie)
{
	free(cookie);
	return 0;
}

FILE *fleet_increment_open(FILE *data, uint64_t offset, bool *missed)
{
	static const cookie_io_functions_t functions = {
		.read = read_increment, .seek = seek_increment,
		.close = close_increment,
	};
	struct increment *inc = malloc(sizeof(*inc));
	FILE *file;

	*missed = false;
	if (!inc)
		return NULL;
	inc->fd = fileno(data);
	inc->offset = offset;
	inc->at = 0;
	inc->missed = missed;
	inc->first = 0;
	inc->nr = 0;
	file = fopencookie(inc, "r", functions);
	if (!file) {
		free(inc);
		return NULL;
	}
	/* with a buffer, fseek(3) would read from an aligned offset below */
	setvbuf(file, NULL, _IONBF, 0);
	return file;
}
