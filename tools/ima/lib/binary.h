/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of binary lists. */
#ifndef IMATALLY_BINARY_H
#define IMATALLY_BINARY_H

#include "window.h"

/*
 * Read the entry at the window's start.  Its length in bytes, or -1 with w->error
 * filled in.
 */
ssize_t imatally_binary_entry(struct imatally_window *w,
			      struct imatally_entry *entry);

/*
 * Whether the window begins with an entry of that layout whose template is
 * known; or, for !@strict, with one whose template has a name at all.
 */
bool imatally_binary_begins(struct imatally_window *w,
			    struct imatally_layout layout, bool strict);
/* How many bytes tell that. */
#define IMATALLY_BINARY_BEGINNING \
	(4 + IMATALLY_MAX_DIGEST + 4 + IMATALLY_MAX_TEMPLATE_NAME)

#endif /* IMATALLY_BINARY_H */
