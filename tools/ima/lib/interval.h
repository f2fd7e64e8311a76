/* SPDX-License-Identifier: GPL-2.0-only */
/* Combining intervals. */
#ifndef IMATALLY_INTERVAL_H
#define IMATALLY_INTERVAL_H

#include "imatally.h"

/*
 * Combine neighbours until fewer are left: at first those that show nothing, in the
 * end any.  None is combined across the first *@proved of them.  Returns how many
 * are left, and in *@proved, how many of those.
 */
size_t imatally_intervals_combine(struct imatally_interval *iv, size_t nr,
				  size_t *proved);

#endif /* IMATALLY_INTERVAL_H */
