// SPDX-License-Identifier: GPL-2.0-only
/* Opening and reading files given by the user. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

#define TEXT_MAX (1 << 20)

/* NULL with errno set on an error, also if @fd is the result of one */
static FILE *open_fd(int fd)
{
	FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

const char *input_name(const char *path)
{
	return strcmp(path, "-") ? path : "(standard input)";
}

FILE *input_open(const char *path)
{
	/* a separate stream for standard input, to be closed like any other */
	FILE *file = strcmp(path, "-") ? fopen(path, "rb") :
					 open_fd(dup(STDIN_FILENO));

	if (!file)
		complain("%s: %s", input_name(path), strerror(errno));
	return file;
}

FILE *input_open_within(const char *path)
{
	/* without O_NONBLOCK, opening a FIFO would block */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
			    O_NOFOLLOW);
	struct stat st;
	FILE *file;

	if (fd < 0 && errno == ELOOP) {
		complain("%s: a symbolic link is not followed, since it may lead out of the directory",
			 path);
		return NULL;
	}

	if (fd >= 0 && !fstat(fd, &st) && !S_ISREG(st.st_mode)) {
		complain("%s: not a regular file", path);
		close(fd);
		return NULL;
	}
	file = open_fd(fd);
	if (!file)
		complain("%s: %s", path, strerror(errno));
	return file;
}

/* Read a whole file, and close it. */
static char *read_all(FILE *file, const char *path, size_t *len)
{
	char *text;

	if (!file)
		return NULL;
	text = malloc(TEXT_MAX + 1);
	if (!text) {
		complain("out of memory");
		fclose(file);
		return NULL;
	}
	*len = fread(text, 1, TEXT_MAX + 1, file);
	if (ferror(file) || *len > TEXT_MAX) {
		complain("%s: %s", input_name(path),
			 ferror(file) ? "read error" :
					"larger than a megabyte");
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

char *input_read(const char *path, size_t *len)
{
	return read_all(input_open(path), path, len);
}

char *input_read_within(const char *path, size_t *len)
{
	return read_all(input_open_within(path), path, len);
}
