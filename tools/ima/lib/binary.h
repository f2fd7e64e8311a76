/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of binary lists. */
#ifndef IMATALLY_BINARY_H
#define IMATALLY_BINARY_H

#include "window.h"

/*
 * Parse the entry at the start of the window.  Returns its length in bytes, or
 * -1 with w->error filled in.
 */
ssize_t imatally_binary_entry(struct imatally_window *w,
			      struct imatally_entry *entry);

/*
 * Return whether the window begins with an entry in @layout whose template is
 * known or, if @strict is false, whose template name is printable.
 */
bool imatally_binary_begins(struct imatally_window *w,
			    struct imatally_layout layout, bool strict);
/* The number of bytes that this looks at. */
#define IMATALLY_BINARY_BEGINNING \
	(4 + IMATALLY_MAX_DIGEST + 4 + IMATALLY_MAX_TEMPLATE_NAME)

#endif /* IMATALLY_BINARY_H */
