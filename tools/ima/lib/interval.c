// SPDX-License-Identifier: GPL-2.0-only
/* Combining intervals, so that a list of records takes no more memory than others. */

#include <string.h>

#include "interval.h"

bool imatally_interval_is_plain(const struct imatally_interval *iv)
{
	return iv->has_from && iv->has_to && !iv->lost && !iv->lost_handover &&
	       !iv->put_back && !iv->inserted && !iv->failed && !iv->dropped &&
	       !iv->accounts_disagree && !iv->unjudged && iv->has_rest &&
	       !iv->rest && iv->from_kernel == iv->to_kernel;
}

void imatally_interval_add(struct imatally_interval *sum,
			   const struct imatally_interval *next)
{
	sum->combined += next->combined;
	sum->has_to = next->has_to;
	sum->to = next->to;
	sum->to_event = next->to_event;
	sum->to_kernel = next->to_kernel;
	sum->kernel_start = next->kernel_start;
	sum->present += next->present;
	sum->put_back += next->put_back;
	sum->lost += next->lost;
	sum->lost_handover += next->lost_handover;
	sum->by_counter |= next->by_counter;
	sum->at_most |= next->at_most;
	sum->inserted += next->inserted;
	sum->unproved += next->unproved;
	sum->failed += next->failed;
	sum->without_tpm += next->without_tpm;
	sum->dropped += next->dropped;
	sum->unread += next->unread;
	sum->trimmed += next->trimmed;
	sum->accounts_disagree |= next->accounts_disagree;
	sum->vanished |= next->vanished;
	sum->has_to_counter = next->has_to_counter;
	sum->to_counter = next->to_counter;
	sum->has_counter &= next->has_counter;
	sum->counter += next->counter;
	sum->has_ima &= next->has_ima;
	sum->ima += next->ima;
	sum->has_others &= next->has_others;
	sum->others += next->others;
	sum->has_rest &= next->has_rest;
	sum->rest += next->rest;
	sum->is_split &= next->is_split;
	sum->unjudged |= next->unjudged;
}

/* What may be combined: more if that is not enough. */
enum reach { PLAIN, OF_ONE_KERNEL, ANY, NR_REACHES };

static bool may_combine(const struct imatally_interval *iv,
			const struct imatally_interval *next, enum reach reach)
{
	switch (reach) {
	case PLAIN:
		return imatally_interval_is_plain(iv) &&
		       imatally_interval_is_plain(next);
	case OF_ONE_KERNEL:
		if (iv->from_kernel != next->to_kernel)
			return false;
		break;
	default:
		break;
	}
	/* those at the ends of the list have a meaning of their own */
	return iv->has_from && next->has_to;
}

/* Combine pairs.  Returns how many are left. */
static size_t halve(struct imatally_interval *iv, size_t nr, enum reach reach)
{
	size_t i = 0, left = 0;

	while (i < nr) {
		struct imatally_interval *last = &iv[left++];

		*last = iv[i++];
		if (i < nr && may_combine(last, &iv[i], reach))
			imatally_interval_add(last, &iv[i++]);
	}
	return left;
}

size_t imatally_intervals_combine(struct imatally_interval *iv, size_t nr,
				  size_t *proved)
{
	size_t wanted = nr / 4 * 3;
	enum reach reach = PLAIN;

	while (nr > wanted && reach < NR_REACHES) {
		size_t first = halve(iv, *proved, reach);
		size_t rest = halve(iv + *proved, nr - *proved, reach);

		memmove(iv + first, iv + *proved, rest * sizeof(*iv));
		*proved = first;
		/* no more of that kind */
		if (first + rest == nr)
			reach++;
		nr = first + rest;
	}
	return nr;
}
