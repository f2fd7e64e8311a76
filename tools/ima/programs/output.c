// SPDX-License-Identifier: GPL-2.0-only
/* Writing files completely or not at all, and flushing standard output. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

/*
 * Create a file like open(2), but with a name that cannot exist or be guessed.
 */
static FILE *open_new(char *template)
{
	int fd = mkostemp(template, O_CLOEXEC);
	mode_t mask = umask(0);
	FILE *file = NULL;

	umask(mask);
	if (fd >= 0 && !fchmod(fd, 0666 & ~mask))
		file = fdopen(fd, "wb");
	if (!file && fd >= 0) {
		close(fd);
		unlink(template);
	}
	return file;
}

int output_open(struct output *output, const char *path)
{
	struct stat there;

	output->path = path;
	output->is_new = false;
	/* do not replace links and devices such as /dev/stdout */
	if (!lstat(path, &there) && !S_ISREG(there.st_mode)) {
		complain("%s: not replaced, since it is not a regular file", path);
		return -1;
	}
	if (asprintf(&output->temporary, "%s.XXXXXX", path) < 0) {
		complain("out of memory");
		return -1;
	}
	output->file = open_new(output->temporary);
	if (output->file)
		return 0;
	complain("%s: %s", path, strerror(errno));
	free(output->temporary);
	return -1;
}

/*
 * Give a file its name unless there is a file of that name.  Some file systems
 * support only one of the two ways.
 */
static int rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if ((errno != EINVAL && errno != ENOSYS) || link(from, to))
		return -1;
	unlink(from);
	return 0;
}

int output_close(struct output *output, bool wanted)
{
	bool done = wanted && !ferror(output->file) &&
		    !fflush(output->file) && !fsync(fileno(output->file));

	if (fclose(output->file))
		done = false;
	if (!done || (output->is_new ?
			      rename_new(output->temporary, output->path) :
			      rename(output->temporary, output->path))) {
		if (wanted)
			complain("%s: %s", output->path, strerror(errno));
		unlink(output->temporary);
		done = false;
	}
	free(output->temporary);
	return done ? 0 : -1;
}

int output_write(const char *path, const void *data, size_t len)
{
	struct output output;

	if (output_open(&output, path))
		return -1;
	fwrite(data, 1, len, output.file);
	return output_close(&output, true);
}

int output_write_new(const char *path, const void *data, size_t len)
{
	struct output output;

	if (output_open(&output, path))
		return -1;
	output.is_new = true;
	fwrite(data, 1, len, output.file);
	return output_close(&output, true);
}

int output_text_new(const char *path, char *text)
{
	int ret = -1;

	if (text)
		ret = output_write_new(path, text, strlen(text));
	else
		complain("out of memory");
	free(text);
	return ret;
}

int finish_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	complain("cannot write to standard output");
	return EXIT_ERROR;
}
