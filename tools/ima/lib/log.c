// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a list sequentially through a window over its file.  Its format is
 * detected from its first entry.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ascii.h"
#include "binary.h"
#include "log.h"

struct imatally_part {
	FILE *file;
	off_t base;		/* offset of the list in it; -1 for a pipe */
	uint64_t size;		/* from there on; 0 if it is not known */
};

struct imatally_log {
	struct imatally_part *parts;
	size_t nr_parts, part;
	uint64_t before;	/* bytes in the parts before this one */
	bool begun;		/* the layout of the part is known */
	struct imatally_ascii *ascii;	/* for ASCII lists */
	bool failed;
	struct imatally_window window;
};

struct imatally_log *imatally_log_open_buffer(const void *buf, size_t len)
{
	struct imatally_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	imatally_window_over_buffer(&log->window, buf, len);
	return log;
}

struct imatally_log *imatally_log_open_file(FILE *file)
{
	struct imatally_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	if (imatally_window_over_file(&log->window, file) &&
	    !imatally_log_add_file(log, file))
		return log;
	imatally_log_close(log);
	return NULL;
}

static uint64_t size_of(FILE *file, off_t base)
{
	struct stat st;

	if (base < 0 || fstat(fileno(file), &st) || !S_ISREG(st.st_mode) ||
	    st.st_size < base)
		return 0;
	return st.st_size - base;
}

enum imatally_status imatally_log_add_file(struct imatally_log *log, FILE *file)
{
	struct imatally_part *grown =
		realloc(log->parts, (log->nr_parts + 1) * sizeof(*grown));

	if (!grown)
		return IMATALLY_ERR_NOMEM;
	log->parts = grown;
	grown[log->nr_parts].file = file;
	grown[log->nr_parts].base = ftello(file);
	grown[log->nr_parts].size = size_of(file, grown[log->nr_parts].base);
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
	imatally_window_free(&log->window);
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

/* Continue at @offset of a part.  False if its file cannot seek. */
static bool enter_part(struct imatally_log *log, size_t part, uint64_t offset)
{
	off_t base = log->parts[part].base;

	if (base < 0 || offset > INT64_MAX - (uint64_t)base ||
	    fseeko(log->parts[part].file, base + offset, SEEK_SET))
		return false;
	log->part = part;
	imatally_window_go_on_in(&log->window, log->parts[part].file);
	return true;
}

enum imatally_status imatally_log_seek(struct imatally_log *log,
				       uint64_t offset, uint64_t index,
				       struct imatally_error *err)
{
	struct imatally_window *w = &log->window;
	size_t i, part = 0;

	log->before = 0;
	if (!w->file) {
		w->end = w->size;
		w->start = offset < w->end ? offset : w->end;
	} else {
		for (; part + 1 < log->nr_parts && log->parts[part].size &&
		       offset >= log->parts[part].size; part++) {
			log->before += log->parts[part].size;
			offset -= log->parts[part].size;
		}
		/* the later ones from their start, and this one last */
		for (i = log->nr_parts; i-- > part;)
			if (!enter_part(log, i, i == part ? offset : 0))
				return imatally_fail(err, IMATALLY_ERR_IO,
						     "the list cannot be read a second time");
	}
	w->offset = offset;
	w->index = index;
	log->begun = false;
	log->failed = false;
	return IMATALLY_OK;
}

uint64_t imatally_log_before(const struct imatally_log *log)
{
	return log->before;
}

struct imatally_layout imatally_log_layout(const struct imatally_log *log)
{
	return log->window.layout;
}

/*
 * Try all layouts that a kernel writes.  If none fits, use the most likely one,
 * so that the parser reports what is wrong.
 */
static void find_binary_layout(struct imatally_window *w)
{
	static const uint32_t lens[] = { 20, 32, 48, 64 };
	bool strict = true;
	size_t i;

	do {
		for (i = 0; i < 2 * ARRAY_SIZE(lens); i++) {
			w->layout.big_endian = i % 2;
			w->layout.digest_len = lens[i / 2];
			if (imatally_binary_begins(w, w->layout, strict))
				return;
		}
		strict = !strict;
	} while (!strict);
	w->layout.big_endian = false;
	w->layout.digest_len = IMATALLY_SHA1_SIZE;
}

/* The length of the first template digest tells the bank. */
static void find_ascii_layout(struct imatally_window *w)
{
	const char *text = (const char *)imatally_window_start(w);
	size_t have = imatally_window_len(w), len = 3;

	w->layout.is_ascii = true;
	while (len < have && imatally_hex_digit(text[len]) >= 0)
		len++;
	w->layout.digest_len = (len - 3) / 2;
	switch (w->layout.digest_len) {
	case 20: case 32: case 48: case 64:
		break;
	default:
		w->layout.digest_len = IMATALLY_SHA1_SIZE;
	}
}

/* 0, or -1 with the error in the window */
static int find_layout(struct imatally_log *log)
{
	struct imatally_window *w = &log->window;
	enum imatally_status status =
		imatally_window_fill(w, IMATALLY_BINARY_BEGINNING);

	if (status)
		return imatally_window_fail(w, status, 0);
	log->begun = true;
	w->layout = (struct imatally_layout){ 0 };
	if (!imatally_ascii_begins((const char *)imatally_window_start(w),
				   imatally_window_len(w))) {
		find_binary_layout(w);
		return 0;
	}
	find_ascii_layout(w);
	imatally_ascii_free(log->ascii);
	log->ascii = imatally_ascii_new();
	return log->ascii ? 0 :
		imatally_window_fail(w, IMATALLY_ERR_NOMEM, 0);
}

/*
 * Go to the next part at the end of one.  1; 0 at the end of the list, or -1.
 */
static int find_more(struct imatally_log *log)
{
	struct imatally_window *w = &log->window;
	enum imatally_status status;

	if (imatally_window_len(w))
		return 1;
	status = imatally_window_fill(w, 1);
	while (!status && !imatally_window_len(w) &&
	       log->part + 1 < log->nr_parts) {
		log->before += w->offset;
		imatally_window_go_on_in(w, log->parts[++log->part].file);
		log->begun = false;
		status = imatally_window_fill(w, 1);
	}
	if (status)
		return imatally_window_fail(w, status, 0);
	return imatally_window_len(w) > 0;
}

/* 1 with @entry filled in, 0 at the end, -1 with the error in the window */
static int next(struct imatally_log *log, struct imatally_entry *entry)
{
	struct imatally_window *w = &log->window;
	int more = find_more(log);
	ssize_t len;

	if (more <= 0)
		return more;
	if (!log->begun && find_layout(log))
		return -1;

	entry->index = w->index;
	entry->offset = w->offset;
	entry->is_ascii = w->layout.is_ascii;
	entry->unknown_template = false;
	len = entry->is_ascii ? imatally_ascii_entry(log->ascii, w, entry) :
				imatally_binary_entry(w, entry);
	if (len < 0)
		return -1;
	imatally_window_take(w, len);
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
		*err = log->window.error;
	}
	return got;
}
