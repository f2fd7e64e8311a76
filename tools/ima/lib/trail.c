// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding failed extends: the digests since the last known value of a PCR, and
 * the search for those that must be left out to obtain its next known value.
 */

#include <stdlib.h>
#include <string.h>

#include "private.h"

/*
 * Limits on entries between two records and on attempted extends: about a
 * second for the whole list, since a forged one can cause a search at each
 * record.
 */
#define MAX_STEPS 4096
#define MAX_TRIES (1 << 22)

struct step {
	uint64_t index;
	uint8_t digest[IMATALLY_MAX_DIGEST];
};

struct imatally_trail {
	const struct imatally_hash *hash;
	uint8_t start[IMATALLY_MAX_DIGEST];
	bool lost;
	unsigned int tries;	/* in all searches; not reset by a restart */
	size_t nr_steps;
	struct step step[MAX_STEPS];
};

/* A search in progress */
struct search {
	struct imatally_trail *trail;
	const uint8_t *goal;
	struct imatally_left_out *left_out;
};

struct imatally_trail *imatally_trail_new(const struct imatally_hash *hash)
{
	struct imatally_trail *trail = malloc(sizeof(*trail));

	if (!trail)
		return NULL;
	trail->hash = hash;
	trail->tries = 0;
	memset(trail->start, 0, sizeof(trail->start));
	imatally_trail_restart(trail, trail->start);
	return trail;
}

void imatally_trail_free(struct imatally_trail *trail)
{
	free(trail);
}

void imatally_trail_restart(struct imatally_trail *trail, const uint8_t *value)
{
	memmove(trail->start, value, trail->hash->size);
	trail->nr_steps = 0;
	trail->lost = false;
}

void imatally_trail_lose(struct imatally_trail *trail)
{
	trail->lost = true;
}

void imatally_trail_add(struct imatally_trail *trail, uint64_t index,
			const uint8_t *digest)
{
	struct step *step;

	if (trail->nr_steps == MAX_STEPS) {
		trail->lost = true;
		return;
	}
	step = &trail->step[trail->nr_steps++];
	step->index = index;
	memcpy(step->digest, digest, trail->hash->size);
}

/* Starting with @value, leave out exactly @more of the steps from @first on. */
static enum imatally_search try(struct search *search, size_t first,
				const uint8_t *value, unsigned int more)
{
	struct imatally_trail *trail = search->trail;
	struct imatally_left_out *left_out = search->left_out;
	uint8_t own[IMATALLY_MAX_DIGEST];
	enum imatally_search found;
	size_t i;

	memcpy(own, value, trail->hash->size);
	for (i = first; i + more <= trail->nr_steps; i++) {
		if (more) {
			left_out->index[left_out->nr++] = trail->step[i].index;
			found = try(search, i + 1, own, more - 1);
			if (found != IMATALLY_SEARCH_NONE)
				return found;
			left_out->nr--;
		}
		if (i == trail->nr_steps)
			break;
		if (trail->tries == MAX_TRIES ||
		    !imatally_extend(trail->hash, own, trail->step[i].digest))
			return IMATALLY_SEARCH_GIVEN_UP;
		trail->tries++;
	}
	if (!more && !memcmp(own, search->goal, trail->hash->size))
		return IMATALLY_SEARCH_FOUND;
	return IMATALLY_SEARCH_NONE;
}

enum imatally_search imatally_trail_search(struct imatally_trail *trail,
					   const uint8_t *goal,
					   uint64_t at_most,
					   struct imatally_left_out *left_out)
{
	struct search search = {
		.trail = trail, .goal = goal, .left_out = left_out,
	};
	enum imatally_search found = IMATALLY_SEARCH_NONE;
	unsigned int nr;

	left_out->nr = 0;
	if (trail->lost)
		return IMATALLY_SEARCH_GIVEN_UP;
	for (nr = 0; nr <= at_most && nr <= trail->nr_steps; nr++) {
		if (nr > IMATALLY_MAX_LEFT_OUT)
			return IMATALLY_SEARCH_GIVEN_UP;
		found = try(&search, 0, trail->start, nr);
		if (found != IMATALLY_SEARCH_NONE)
			break;
	}
	return found;
}
