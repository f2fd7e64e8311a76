/* SPDX-License-Identifier: GPL-2.0-only */
/* A replay's insides, for replay.c and for state.c that keeps them. */
#ifndef IMATALLY_REPLAY_H
#define IMATALLY_REPLAY_H

#include "private.h"

/* What the kernel may have extended into a bank. */
enum mode { MODE_OWN, MODE_PADDED, NR_MODES };

struct bank {
	uint16_t alg;
	struct imatally_hash hash;
	bool possible[NR_MODES];	/* of this kernel */
	struct {
		bool known;
		uint8_t value[NR_MODES][IMATALLY_MAX_DIGEST];
	} pcr[IMATALLY_MAX_PCR + 1];
};

struct imatally_replay {
	struct imatally_hash sha1;
	bool assume_own;
	struct imatally_digester *digester;	/* for a bank's own list */
	unsigned int nr_banks;
	struct bank bank[IMATALLY_MAX_BANKS];
	struct imatally_trail *trail;	/* of trail_pcr in bank[0], or NULL */
	uint32_t trail_pcr;
};

/* NULL if it is not replayed. */
struct bank *imatally_replay_bank(const struct imatally_replay *replay,
				  uint16_t alg);

#endif /* IMATALLY_REPLAY_H */
