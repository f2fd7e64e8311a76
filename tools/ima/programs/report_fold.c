// SPDX-License-Identifier: GPL-2.0-only
/* Combining intervals of a list with many records to fewer rows. */

#include "report.h"

bool fold_next(struct fold *fold, const struct imatally_result *result,
	       size_t rows)
{
	const struct imatally_interval *iv = result->interval;
	size_t i = fold->first + fold->nr, nr = result->nr_intervals;
	/* a limit that applies even if all of them are remarkable */
	size_t at_least = nr / (10 * rows) + 1;
	bool quiet;

	if (i >= nr)
		return false;
	fold->first = i;
	fold->nr = 1;
	fold->sum = iv[i];
	quiet = nr > rows && imatally_interval_is_plain(&iv[i]);
	for (i++; i < nr; i++) {
		quiet = quiet && imatally_interval_is_plain(&iv[i]);
		if (!quiet && fold->nr >= at_least)
			break;
		imatally_interval_add(&fold->sum, &iv[i]);
		fold->nr++;
	}
	return true;
}
