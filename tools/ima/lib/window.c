// SPDX-License-Identifier: GPL-2.0-only
/* See window.h. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "window.h"

#define FIRST_SIZE 65536
/*
 * A key has at most a megabyte, the fields of files much less.  In an ASCII list
 * it takes twice as much.
 */
#define MAX_MIB 4

void imatally_window_over_buffer(struct imatally_window *w, const void *buf,
				 size_t len)
{
	w->buf = buf;
	w->end = len;
	w->size = len;
}

bool imatally_window_over_file(struct imatally_window *w, FILE *file)
{
	w->own = malloc(FIRST_SIZE);
	w->file = file;
	w->buf = w->own;
	w->size = FIRST_SIZE;
	return w->own;
}

void imatally_window_free(struct imatally_window *w)
{
	free(w->own);
}

void imatally_window_go_on_in(struct imatally_window *w, FILE *file)
{
	w->file = file;
	w->start = 0;
	w->end = 0;
	w->offset = 0;
}

/*
 * The buffer is only doubled once it is full of bytes that were actually read,
 * so that a wrong length in the list costs no memory.
 */
enum imatally_status imatally_window_fill(struct imatally_window *w,
					  size_t need)
{
	if (!w->file)
		return IMATALLY_OK;

	while (w->end - w->start < need) {
		size_t n;

		if (w->start) {
			memmove(w->own, w->own + w->start, w->end - w->start);
			w->end -= w->start;
			w->start = 0;
		}
		if (w->end == w->size) {
			size_t size = w->size * 2;
			uint8_t *buf;

			if (size > MAX_MIB << 20)
				return IMATALLY_ERR_MALFORMED;
			buf = realloc(w->own, size);
			if (!buf)
				return IMATALLY_ERR_NOMEM;
			w->own = buf;
			w->buf = buf;
			w->size = size;
		}
		n = fread(w->own + w->end, 1, w->size - w->end, w->file);
		if (!n)
			return ferror(w->file) ? IMATALLY_ERR_IO : IMATALLY_OK;
		w->end += n;
	}
	return IMATALLY_OK;
}

int imatally_window_malformed(struct imatally_window *w, size_t pos,
			      const char *fmt, ...)
{
	char text[sizeof(w->error.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	imatally_fail_at(&w->error, IMATALLY_ERR_MALFORMED, w->index,
			 w->offset + pos, "%s", text);
	return -1;
}

int imatally_window_fail(struct imatally_window *w, enum imatally_status status,
			 size_t pos)
{
	const char *text = "read error";

	if (status == IMATALLY_ERR_NOMEM)
		text = "out of memory";
	else if (status == IMATALLY_ERR_CRYPTO)
		text = "libcrypto failed to hash";
	else if (status == IMATALLY_ERR_MALFORMED)
		return imatally_window_malformed(w, 0,
						 "an entry of more than %d MiB",
						 MAX_MIB);
	imatally_fail_at(&w->error, status, w->index, w->offset + pos, "%s",
			 text);
	return -1;
}

bool imatally_window_set_template(struct imatally_window *w,
				  struct imatally_entry *entry,
				  const char *name, size_t len)
{
	struct imatally_template *t = &w->template;
	unsigned int i;

	if (!imatally_template_find(t, name, len))
		return false;
	entry->is_ima = t->is_ima;
	entry->nr_fields = t->nr_fields;
	for (i = 0; i < t->nr_fields; i++)
		entry->fields[i].id = t->field[i]->id;
	return true;
}
