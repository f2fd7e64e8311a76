// SPDX-License-Identifier: GPL-2.0-only
/* Opening what the user names, and saying what is wrong with it. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "imatally.h"

#define TEXT_MAX (1 << 20)

static _Thread_local struct complaint last;

void complain(const char *fmt, ...)
{
	va_list ap;

	memset(&last, 0, sizeof(last));
	va_start(ap, fmt);
	vsnprintf(last.text, sizeof(last.text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "imatally: %s\n", last.text);
}

void complain_about(const char *name, const struct imatally_error *err)
{
	if (!err->in_log) {
		complain("%s: %s", name, err->text);
		return;
	}
	complain("%s: entry %" PRIu64 ", offset %" PRIu64 ": %s", name,
		 err->entry, err->offset, err->text);
	last.in_log = true;
	last.entry = err->entry;
	last.offset = err->offset;
}

const struct complaint *last_complaint(void)
{
	return last.text[0] ? &last : NULL;
}

const char *input_name(const char *path)
{
	return strcmp(path, "-") ? path : "(standard input)";
}

FILE *input_open(const char *path)
{
	FILE *file;

	if (!strcmp(path, "-"))
		return stdin;
	file = fopen(path, "rb");
	if (!file)
		complain("%s: %s", path, strerror(errno));
	return file;
}

void input_close(FILE *file)
{
	if (file != stdin)
		fclose(file);
}

char *input_read(const char *path, size_t *len)
{
	FILE *file = input_open(path);
	char *text;

	if (!file)
		return NULL;
	text = malloc(TEXT_MAX + 1);
	if (!text) {
		complain("out of memory");
		input_close(file);
		return NULL;
	}
	*len = fread(text, 1, TEXT_MAX + 1, file);
	if (ferror(file) || *len > TEXT_MAX) {
		complain("%s: %s", input_name(path),
			 ferror(file) ? "read error" :
					"larger than a megabyte: not what is expected here");
		free(text);
		text = NULL;
	}
	input_close(file);
	return text;
}

int finish_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	complain("can't write the output");
	return EXIT_ERROR;
}
