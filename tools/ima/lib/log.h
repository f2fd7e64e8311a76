/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the readers of the two kinds of lists share: a window over the input.
 * log.c keeps it and finds out how the list is written; binary.c and ascii.c
 * read one entry from its start.
 */
#ifndef IMATALLY_LOG_H
#define IMATALLY_LOG_H

#include "private.h"
#include "template.h"

struct imatally_part {
	FILE *file;
	off_t base;		/* where in it the list starts, or -1: a pipe */
};

/*
 * Bytes [start, end) of buf were read and not yet consumed.  Over a buffer of
 * the caller's, the window is the whole of it.
 */
struct imatally_log {
	FILE *file;		/* of the part; NULL: the caller's buffer */
	struct imatally_part *parts;
	size_t nr_parts, part;
	uint8_t *own;		/* to free */
	const uint8_t *buf;
	size_t start, end, size;	/* of a buffer: its length */
	uint64_t offset;	/* of buf[start] in the part */
	uint64_t index;		/* of the next entry */
	bool begun;		/* the part's layout is known */
	struct imatally_ascii *ascii;	/* if it is ASCII */
	struct imatally_layout layout;
	struct imatally_template template;	/* the last entry's */
	bool failed;
	struct imatally_error error;
};

/*
 * Have @need bytes in the window, or as many as there are.  The window may
 * move.
 */
enum imatally_status imatally_log_fill(struct imatally_log *log, size_t need);

/* Fail at byte @pos of the window.  -1 */
int imatally_log_fail(struct imatally_log *log, enum imatally_status status,
		      size_t pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Fail as imatally_log_fill() did. */
int imatally_log_fail_to_fill(struct imatally_log *log,
			      enum imatally_status status, size_t pos);

/*
 * Set the entry's template and its fields' ids.  False if no such template is
 * known.
 */
bool imatally_log_set_template(struct imatally_log *log,
			       struct imatally_entry *entry, const char *name,
			       size_t len);

/*
 * binary.c: read the entry at the window's start.  Its length in bytes, or -1
 * with log->error filled in.
 */
ssize_t imatally_binary_entry(struct imatally_log *log,
			      struct imatally_entry *entry);

/*
 * Whether the window begins with an entry of that layout whose template is
 * known; or, for !@strict, with one whose template has a name at all.
 */
bool imatally_binary_begins(struct imatally_log *log,
			    struct imatally_layout layout, bool strict);
/* How many bytes tell that. */
#define IMATALLY_BINARY_BEGINNING \
	(4 + IMATALLY_MAX_DIGEST + 4 + IMATALLY_MAX_TEMPLATE_NAME)

/* ascii.c: what reading text takes.  NULL if out of memory. */
struct imatally_ascii *imatally_ascii_new(void);
void imatally_ascii_free(struct imatally_ascii *ascii);
/* Whether an entry may begin so; no binary one does, its PCR is too high. */
bool imatally_ascii_begins(const char *text, size_t len);
/* As imatally_binary_entry() */
ssize_t imatally_ascii_entry(struct imatally_log *log,
			     struct imatally_entry *entry);

#endif /* IMATALLY_LOG_H */
