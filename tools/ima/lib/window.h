/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A window over the input: the bytes that were read and not yet consumed, and
 * their position in the list.  binary.c and ascii.c parse an entry at its
 * start, and log.c advances it.  The window depends on none of them.
 */
#ifndef IMATALLY_WINDOW_H
#define IMATALLY_WINDOW_H

#include "private.h"
#include "template.h"

/* For a list in memory, the window is the whole buffer. */
struct imatally_window {
	FILE *file;		/* the current part; NULL if in memory */
	uint8_t *own;		/* buf, if it has to be freed */
	const uint8_t *buf;
	size_t start, end, size;	/* bytes [start, end) are valid */
	uint64_t offset;	/* of buf[start] in the part */
	uint64_t index;		/* of the entry that begins there */
	struct imatally_layout layout;
	struct imatally_template template;	/* of the last entry */
	struct imatally_error error;	/* of the last failure */
};

/* Initialize a zeroed window.  False when out of memory; to be freed anyway. */
bool imatally_window_over_file(struct imatally_window *w, FILE *file);
/* @buf is not copied. */
void imatally_window_over_buffer(struct imatally_window *w, const void *buf,
				 size_t len);
void imatally_window_free(struct imatally_window *w);

/* Discard the contents, and continue with @file. */
void imatally_window_go_on_in(struct imatally_window *w, FILE *file);

/* Its contents, valid until the next imatally_window_fill(). */
static inline const uint8_t *
imatally_window_start(const struct imatally_window *w)
{
	return w->buf + w->start;
}

static inline size_t imatally_window_len(const struct imatally_window *w)
{
	return w->end - w->start;
}

/*
 * Read until @need bytes are in the window, or the input ends.  Returns
 * IMATALLY_ERR_MALFORMED if an entry is larger than any kernel makes it.
 */
enum imatally_status imatally_window_fill(struct imatally_window *w,
					  size_t need);

/* Consume the entry at its start, which is @len bytes long. */
static inline void imatally_window_take(struct imatally_window *w, size_t len)
{
	w->start += len;
	w->offset += len;
	w->index++;
}

/* Fail because of malformed input at byte @pos of the window.  Returns -1. */
int imatally_window_malformed(struct imatally_window *w, size_t pos,
			      const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Fail there for another reason than the input.  Returns -1. */
int imatally_window_fail(struct imatally_window *w, enum imatally_status status,
			 size_t pos);

/*
 * Set the template of the entry and the ids of its fields.  False if the
 * template is unknown.
 */
bool imatally_window_set_template(struct imatally_window *w,
				  struct imatally_entry *entry,
				  const char *name, size_t len);

#endif /* IMATALLY_WINDOW_H */
