// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a list front to back, through a window over its file.  How the list is
 * written, its first entry tells.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define WINDOW 65536

struct imatally_log *imatally_log_open_buffer(const void *buf, size_t len)
{
	struct imatally_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->buf = buf;
	log->end = len;
	log->size = len;
	return log;
}

struct imatally_log *imatally_log_open_file(FILE *file)
{
	struct imatally_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->own = malloc(WINDOW);
	if (!log->own || imatally_log_add_file(log, file)) {
		imatally_log_close(log);
		return NULL;
	}
	log->file = file;
	log->buf = log->own;
	log->size = WINDOW;
	return log;
}

enum imatally_status imatally_log_add_file(struct imatally_log *log,
					   FILE *file)
{
	struct imatally_part *grown =
		realloc(log->parts, (log->nr_parts + 1) * sizeof(*grown));

	if (!grown)
		return IMATALLY_ERR_NOMEM;
	log->parts = grown;
	grown[log->nr_parts].file = file;
	grown[log->nr_parts].base = ftello(file);
	log->nr_parts++;
	return IMATALLY_OK;
}

size_t imatally_log_part(const struct imatally_log *log)
{
	return log->part;
}

void imatally_log_close(struct imatally_log *log)
{
	if (!log)
		return;
	imatally_ascii_free(log->ascii);
	free(log->parts);
	free(log->own);
	free(log);
}

bool imatally_log_can_seek(const struct imatally_log *log)
{
	size_t i;

	for (i = 0; i < log->nr_parts; i++)
		if (log->parts[i].base < 0)
			return false;
	return true;
}

/* Be at @offset of a part.  False if its file can't seek. */
static bool enter_part(struct imatally_log *log, size_t part, uint64_t offset)
{
	off_t base = log->parts[part].base;

	if (base < 0 || offset > INT64_MAX - (uint64_t)base ||
	    fseeko(log->parts[part].file, base + offset, SEEK_SET))
		return false;
	log->part = part;
	log->file = log->parts[part].file;
	log->start = 0;
	log->end = 0;
	return true;
}

enum imatally_status imatally_log_seek(struct imatally_log *log,
				       uint64_t offset, uint64_t index,
				       struct imatally_error *err)
{
	size_t i;

	if (!log->file) {
		log->end = log->size;
		log->start = offset < log->end ? offset : log->end;
	} else {
		for (i = log->nr_parts; i-- > 0;)
			if (!enter_part(log, i, i ? 0 : offset))
				return imatally_fail(err, IMATALLY_ERR_IO,
						     "the log can't be read again");
	}
	log->offset = offset;
	log->index = index;
	log->begun = false;
	log->failed = false;
	return IMATALLY_OK;
}

struct imatally_layout imatally_log_layout(const struct imatally_log *log)
{
	return log->layout;
}

/*
 * The window at most doubles when it is full of bytes that did arrive: a length
 * that lies costs nothing.
 */
enum imatally_status imatally_log_fill(struct imatally_log *log, size_t need)
{
	if (!log->file)
		return IMATALLY_OK;

	while (log->end - log->start < need) {
		size_t n;

		if (log->start) {
			memmove(log->own, log->own + log->start,
				log->end - log->start);
			log->end -= log->start;
			log->start = 0;
		}
		if (log->end == log->size) {
			size_t size = log->size * 2;
			uint8_t *buf = size > log->size ?
					       realloc(log->own, size) : NULL;

			if (!buf)
				return IMATALLY_ERR_NOMEM;
			log->own = buf;
			log->buf = buf;
			log->size = size;
		}
		n = fread(log->own + log->end, 1, log->size - log->end,
			  log->file);
		if (!n)
			return ferror(log->file) ? IMATALLY_ERR_IO :
						   IMATALLY_OK;
		log->end += n;
	}
	return IMATALLY_OK;
}

int imatally_log_fail(struct imatally_log *log, enum imatally_status status,
		      size_t pos, const char *fmt, ...)
{
	char text[sizeof(log->error.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	imatally_fail_at(&log->error, status, log->index, log->offset + pos,
			 "%s", text);
	return -1;
}

int imatally_log_fail_to_fill(struct imatally_log *log,
			      enum imatally_status status, size_t pos)
{
	return imatally_log_fail(log, status, pos,
				 status == IMATALLY_ERR_NOMEM ?
					 "out of memory" : "read error");
}

bool imatally_log_set_template(struct imatally_log *log,
			       struct imatally_entry *entry, const char *name,
			       size_t len)
{
	struct imatally_template *t = &log->template;
	unsigned int i;

	if (!imatally_template_find(t, name, len))
		return false;
	entry->is_ima = t->is_ima;
	entry->nr_fields = t->nr_fields;
	for (i = 0; i < t->nr_fields; i++)
		entry->fields[i].id = t->field[i]->id;
	return true;
}

/*
 * Try what a kernel may have written.  If nothing fits, the likeliest is left,
 * so that the parser says what is wrong with it.
 */
static void find_binary_layout(struct imatally_log *log)
{
	static const uint32_t lens[] = { 20, 32, 48, 64 };
	bool strict = true;
	size_t i;

	do {
		for (i = 0; i < 2 * ARRAY_SIZE(lens); i++) {
			log->layout.big_endian = i % 2;
			log->layout.digest_len = lens[i / 2];
			if (imatally_binary_begins(log, log->layout, strict))
				return;
		}
		strict = !strict;
	} while (!strict);
	log->layout.big_endian = false;
	log->layout.digest_len = IMATALLY_SHA1_SIZE;
}

/* Its first template digest tells whose list it is. */
static int find_ascii_layout(struct imatally_log *log)
{
	const char *text = (const char *)log->buf + log->start;
	size_t have = log->end - log->start, len = 3;

	log->layout.is_ascii = true;
	while (len < have && imatally_hex_digit(text[len]) >= 0)
		len++;
	log->layout.digest_len = (len - 3) / 2;
	switch (log->layout.digest_len) {
	case 20: case 32: case 48: case 64:
		break;
	default:
		log->layout.digest_len = IMATALLY_SHA1_SIZE;
	}
	imatally_ascii_free(log->ascii);
	log->ascii = imatally_ascii_new();
	return log->ascii ? 0 :
		imatally_log_fail(log, IMATALLY_ERR_NOMEM, 0, "out of memory");
}

static int find_layout(struct imatally_log *log)
{
	enum imatally_status status =
		imatally_log_fill(log, IMATALLY_BINARY_BEGINNING);

	if (status)
		return imatally_log_fail_to_fill(log, status, 0);
	log->begun = true;
	log->layout = (struct imatally_layout){ 0 };
	if (imatally_ascii_begins((const char *)log->buf + log->start,
				  log->end - log->start))
		return find_ascii_layout(log);
	find_binary_layout(log);
	return 0;
}

/* Go to where more of the log is, if there is more.  -1 with log->error */
static int find_more(struct imatally_log *log)
{
	enum imatally_status status = imatally_log_fill(log, 1);

	while (!status && log->start == log->end &&
	       log->part + 1 < log->nr_parts) {
		log->file = log->parts[++log->part].file;
		log->offset = 0;
		log->begun = false;
		status = imatally_log_fill(log, 1);
	}
	if (status)
		return imatally_log_fail_to_fill(log, status, 0);
	return log->start < log->end;
}

/* 1 with @entry filled in, 0 at the end, -1 with log->error */
static int next(struct imatally_log *log, struct imatally_entry *entry)
{
	int more = find_more(log);
	ssize_t len;

	if (more <= 0)
		return more;
	if (!log->begun && find_layout(log))
		return -1;

	entry->index = log->index;
	entry->offset = log->offset;
	entry->is_ascii = log->layout.is_ascii;
	len = entry->is_ascii ? imatally_ascii_entry(log, entry) :
				imatally_binary_entry(log, entry);
	if (len < 0)
		return -1;
	log->start += len;
	log->offset += len;
	log->index++;
	return 1;
}

int imatally_log_next(struct imatally_log *log, struct imatally_entry *entry,
		      struct imatally_error *err)
{
	int got = -1;

	if (!log->failed)
		got = next(log, entry);
	if (got < 0) {
		log->failed = true;
		*err = log->error;
	}
	return got;
}
