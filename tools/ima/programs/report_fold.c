// SPDX-License-Identifier: GPL-2.0-only
/* Combining intervals of a list with many records to fewer rows. */

#include "report.h"

/* Return whether an interval needs a row of its own. */
static bool is_remarkable(const struct imatally_interval *iv)
{
	return !iv->has_from || !iv->has_to || iv->lost || iv->lost_handover ||
	       iv->put_back || iv->inserted || iv->failed || iv->dropped ||
	       iv->accounts_disagree || iv->unjudged || !iv->has_rest ||
	       iv->rest || iv->from_kernel != iv->to_kernel;
}

static void add(struct imatally_interval *sum,
		const struct imatally_interval *iv)
{
	sum->has_to = iv->has_to;
	sum->to = iv->to;
	sum->to_event = iv->to_event;
	sum->to_kernel = iv->to_kernel;
	sum->present += iv->present;
	sum->put_back += iv->put_back;
	sum->lost += iv->lost;
	sum->lost_handover += iv->lost_handover;
	sum->by_counter |= iv->by_counter;
	sum->at_most |= iv->at_most;
	sum->inserted += iv->inserted;
	sum->failed += iv->failed;
	sum->dropped += iv->dropped;
	sum->accounts_disagree |= iv->accounts_disagree;
	sum->has_to_counter = iv->has_to_counter;
	sum->to_counter = iv->to_counter;
	sum->has_counter &= iv->has_counter;
	sum->counter += iv->counter;
	sum->has_ima &= iv->has_ima;
	sum->ima += iv->ima;
	sum->has_others &= iv->has_others;
	sum->others += iv->others;
	sum->has_rest &= iv->has_rest;
	sum->rest += iv->rest;
	sum->is_split &= iv->is_split;
	sum->unjudged |= iv->unjudged;
}

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
	quiet = nr > rows && !is_remarkable(&iv[i]);
	for (i++; i < nr; i++) {
		quiet = quiet && !is_remarkable(&iv[i]);
		if (!quiet && fold->nr >= at_least)
			break;
		add(&fold->sum, &iv[i]);
		fold->nr++;
	}
	return true;
}
