/* SPDX-License-Identifier: GPL-2.0-only */
/* What the PCRs should be by the log; for state.c, how a replay is kept. */
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

struct imatally_replay *imatally_replay_new(void);
void imatally_replay_free(struct imatally_replay *replay);

/*
 * Replay bank @alg too.  From the log's start: all PCRs are zero now.
 * Otherwise unknown, until imatally_replay_restart().
 * IMATALLY_ERR_CRYPTO if libcrypto can't compute @alg.
 */
enum imatally_status imatally_replay_add_bank(struct imatally_replay *replay,
					      uint16_t alg, bool from_start);
bool imatally_replay_has_bank(const struct imatally_replay *replay,
			      uint16_t alg);

/*
 * Replay every bank's own digests alone, and no padded SHA-1 (see
 * imatally_replay_compare()): IMATALLY_MATCH_DIFFERENT then says nothing.  To be
 * called before the banks are added.
 */
void imatally_replay_assume_own(struct imatally_replay *replay);

/*
 * Extend the entry's PCR in all banks as the kernel did.  *@altered is set if
 * the template digest in the log is not that of the entry's data.
 */
enum imatally_status imatally_replay_extend(struct imatally_replay *replay,
					    const struct imatally_entry *entry,
					    bool *altered);

/*
 * Compare with a PCR's true value.  A kernel that lacks a bank's algorithm
 * extends zero-padded SHA-1 digests there; as nothing in the log says so, both
 * are replayed until a true value tells them apart, and either counts as
 * IMATALLY_MATCH_SAME.
 */
enum imatally_match
imatally_replay_compare(const struct imatally_replay *replay, uint32_t pcr,
			const struct imatally_bank_value *bank);

/*
 * Learn from a true value that compared as the same which kind of digests this
 * kernel extends.  Returns true if they are padded SHA-1.
 */
bool imatally_replay_settle(struct imatally_replay *replay, uint32_t pcr,
			    const struct imatally_bank_value *bank);

/* Another kernel begins here: it may have other algorithms. */
void imatally_replay_new_kernel(struct imatally_replay *replay);

/* Go on from a PCR's true value, whatever was replayed. */
void imatally_replay_restart(struct imatally_replay *replay, uint32_t pcr,
			     const struct imatally_bank_value *bank);

/* Entries are missing here: no value is known until a restart. */
void imatally_replay_forget(struct imatally_replay *replay);

/* Keep a trail of @pcr, in the first bank, from here on. */
enum imatally_status imatally_replay_follow(struct imatally_replay *replay,
					    uint32_t pcr);
/* What is replayed for @pcr is the true value: @alg's trail begins here. */
void imatally_replay_confirm(struct imatally_replay *replay, uint32_t pcr,
			     uint16_t alg);
/*
 * imatally_trail_search() in the trail of the followed PCR, since the last value
 * of its that was confirmed or set.
 */
enum imatally_search
imatally_replay_search(struct imatally_replay *replay, uint32_t pcr,
		       const struct imatally_bank_value *value,
		       uint64_t at_most, struct imatally_left_out *left_out);

/* NULL if it is not replayed. */
struct bank *imatally_replay_bank(const struct imatally_replay *replay,
				  uint16_t alg);

#endif /* IMATALLY_REPLAY_H */
