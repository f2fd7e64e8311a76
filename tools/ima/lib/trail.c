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
	uint8_t digest[NR_MODES][IMATALLY_MAX_DIGEST];
};

struct imatally_trail {
	const struct imatally_hash *hash;
	uint8_t start[NR_MODES][IMATALLY_MAX_DIGEST];
	bool lost;
	unsigned int tries;	/* in all searches; not reset by a restart */
	size_t nr_steps;
	struct step step[MAX_STEPS];
};

/* A search in progress */
struct search {
	struct imatally_trail *trail;
	const uint8_t *goal;
	enum mode mode;
	struct imatally_left_out *left_out;
};

struct imatally_trail *imatally_trail_new(const struct imatally_hash *hash)
{
	static const uint8_t zero[IMATALLY_MAX_DIGEST];
	const uint8_t *const start[NR_MODES] = { zero, zero };
	struct imatally_trail *trail = malloc(sizeof(*trail));

	if (!trail)
		return NULL;
	trail->hash = hash;
	trail->tries = 0;
	imatally_trail_restart(trail, start);
	return trail;
}

void imatally_trail_free(struct imatally_trail *trail)
{
	free(trail);
}

/*
 * Copy the digests or values of both modes.  Where only one was possible, the
 * other one begins later and has the same until then.
 */
static void copy(uint8_t to[NR_MODES][IMATALLY_MAX_DIGEST],
		 const uint8_t *const from[NR_MODES], size_t size)
{
	enum mode mode;

	for (mode = 0; mode < NR_MODES; mode++)
		memcpy(to[mode], from[mode] ? from[mode] : from[!mode], size);
}

void imatally_trail_restart(struct imatally_trail *trail,
			    const uint8_t *const value[NR_MODES])
{
	copy(trail->start, value, trail->hash->size);
	trail->nr_steps = 0;
	trail->lost = false;
}

void imatally_trail_lose(struct imatally_trail *trail)
{
	trail->lost = true;
}

void imatally_trail_add(struct imatally_trail *trail, uint64_t index,
			const uint8_t *const digest[NR_MODES])
{
	struct step *step;

	if (trail->nr_steps == MAX_STEPS) {
		trail->lost = true;
		return;
	}
	step = &trail->step[trail->nr_steps++];
	step->index = index;
	copy(step->digest, digest, trail->hash->size);
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
		    !imatally_extend(trail->hash, own,
				     trail->step[i].digest[search->mode]))
			return IMATALLY_SEARCH_GIVEN_UP;
		trail->tries++;
	}
	if (!more && !memcmp(own, search->goal, trail->hash->size))
		return IMATALLY_SEARCH_FOUND;
	return IMATALLY_SEARCH_NONE;
}

/* Return whether the modes differ anywhere in the trail. */
static bool differ(const struct imatally_trail *trail)
{
	size_t size = trail->hash->size, i;

	if (memcmp(trail->start[MODE_OWN], trail->start[MODE_PADDED], size))
		return true;
	for (i = 0; i < trail->nr_steps; i++)
		if (memcmp(trail->step[i].digest[MODE_OWN],
			   trail->step[i].digest[MODE_PADDED], size))
			return true;
	return false;
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
	enum mode modes = differ(trail) ? NR_MODES : 1;
	unsigned int nr;

	left_out->nr = 0;
	if (trail->lost)
		return IMATALLY_SEARCH_GIVEN_UP;
	for (nr = 0; nr <= at_most && nr <= trail->nr_steps; nr++) {
		if (nr > IMATALLY_MAX_LEFT_OUT)
			return IMATALLY_SEARCH_GIVEN_UP;
		for (search.mode = 0; search.mode < modes; search.mode++) {
			found = try(&search, 0, trail->start[search.mode], nr);
			if (found != IMATALLY_SEARCH_NONE)
				return found;
		}
	}
	return found;
}
