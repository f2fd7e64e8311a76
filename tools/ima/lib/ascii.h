/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of ASCII lists. */
#ifndef IMATALLY_ASCII_H
#define IMATALLY_ASCII_H

#include "window.h"

/* State of the parser. */
struct imatally_ascii;

/* NULL when out of memory. */
struct imatally_ascii *imatally_ascii_new(void);
void imatally_ascii_free(struct imatally_ascii *ascii);

/*
 * Return whether an ASCII entry can begin with @text.  No binary entry begins
 * like this: its PCR index would be too large.
 */
bool imatally_ascii_begins(const char *text, size_t len);

/*
 * Parse the entry at the start of the window.  Returns its length in bytes, or
 * -1 with w->error filled in.  @entry points into @ascii until the next call.
 */
ssize_t imatally_ascii_entry(struct imatally_ascii *ascii,
			     struct imatally_window *w,
			     struct imatally_entry *entry);

#endif /* IMATALLY_ASCII_H */
