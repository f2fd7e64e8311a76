/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of ASCII lists. */
#ifndef IMATALLY_ASCII_H
#define IMATALLY_ASCII_H

#include "window.h"

/* What reading text takes. */
struct imatally_ascii;

/* NULL if out of memory. */
struct imatally_ascii *imatally_ascii_new(void);
void imatally_ascii_free(struct imatally_ascii *ascii);

/* Whether an entry may begin so; no binary one does, its PCR is too high. */
bool imatally_ascii_begins(const char *text, size_t len);

/*
 * Read the entry at the window's start.  Its length in bytes, or -1 with w->error
 * filled in.  The entry's data is in @ascii until the next one is read.
 */
ssize_t imatally_ascii_entry(struct imatally_ascii *ascii,
			     struct imatally_window *w,
			     struct imatally_entry *entry);

#endif /* IMATALLY_ASCII_H */
