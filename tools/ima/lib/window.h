/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A window over the input: the bytes that were read and not yet consumed, and
 * where in the log they are.  binary.c and ascii.c read an entry from its start,
 * log.c moves it on; the window calls neither.
 */
#ifndef IMATALLY_WINDOW_H
#define IMATALLY_WINDOW_H

#include "private.h"
#include "template.h"

/* Over a buffer of the caller's, the window is the whole of it. */
struct imatally_window {
	FILE *file;		/* of the part; NULL: the caller's buffer */
	uint8_t *own;		/* to free */
	const uint8_t *buf;
	size_t start, end, size;	/* of a buffer: its length */
	uint64_t offset;	/* of buf[start] in the part */
	uint64_t index;		/* of the entry that begins there */
	struct imatally_layout layout;
	struct imatally_template template;	/* the last entry's */
	struct imatally_error error;	/* if something failed */
};

/* @w is zeroes.  To be freed; false when out of memory. */
bool imatally_window_over_file(struct imatally_window *w, FILE *file);
/* @buf stays the caller's. */
void imatally_window_over_buffer(struct imatally_window *w, const void *buf,
				 size_t len);
void imatally_window_free(struct imatally_window *w);

/* Empty it, and fill it from @file from now on. */
void imatally_window_go_on_in(struct imatally_window *w, FILE *file);

/* What is in it.  The next imatally_window_fill() may move it. */
static inline const uint8_t *
imatally_window_start(const struct imatally_window *w)
{
	return w->buf + w->start;
}

static inline size_t imatally_window_len(const struct imatally_window *w)
{
	return w->end - w->start;
}

/* Have @need bytes in the window, or as many as there are. */
enum imatally_status imatally_window_fill(struct imatally_window *w,
					  size_t need);

/* The entry of @len bytes at its start is read: go on behind it. */
void imatally_window_take(struct imatally_window *w, size_t len);

/* Fail since byte @pos of the window is not what it should be.  -1 */
int imatally_window_malformed(struct imatally_window *w, size_t pos,
			      const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Fail there for a reason that is not in the input.  -1 */
int imatally_window_fail(struct imatally_window *w, enum imatally_status status,
			 size_t pos);

/*
 * Set the entry's template and its fields' ids.  False if no such template is
 * known.
 */
bool imatally_window_set_template(struct imatally_window *w,
				  struct imatally_entry *entry,
				  const char *name, size_t len);

#endif /* IMATALLY_WINDOW_H */
