/* SPDX-License-Identifier: GPL-2.0-only */
/* Replay of the list into PCRs; state.c accesses the structures directly. */
#ifndef IMATALLY_REPLAY_H
#define IMATALLY_REPLAY_H

#include "private.h"

struct bank {
	uint16_t alg;
	struct imatally_hash hash;
	bool possible[NR_MODES];	/* for the current kernel */
	struct {
		bool known;
		uint8_t value[NR_MODES][IMATALLY_MAX_DIGEST];
	} pcr[IMATALLY_MAX_PCR + 1];
};

struct imatally_replay {
	struct imatally_hash sha1;
	bool assume_own;
	struct imatally_digester *digester;	/* for the list of a bank */
	unsigned int nr_banks;
	struct bank bank[IMATALLY_MAX_BANKS];
	struct imatally_trail *trail;	/* of trail_pcr in trail_bank, or NULL */
	const struct bank *trail_bank;
	uint32_t trail_pcr;
};

struct imatally_replay *imatally_replay_new(void);
void imatally_replay_free(struct imatally_replay *replay);

/*
 * Also replay bank @alg.  With @from_start, all PCRs are zero; otherwise their
 * values are unknown until imatally_replay_restart().  Returns
 * IMATALLY_ERR_CRYPTO if libcrypto cannot compute @alg, IMATALLY_ERR_NOMEM when
 * out of memory.
 */
enum imatally_status imatally_replay_add_bank(struct imatally_replay *replay,
					      uint16_t alg, bool from_start);
bool imatally_replay_has_bank(const struct imatally_replay *replay,
			      uint16_t alg);

/*
 * Replay only the own digests of each bank, not padded SHA-1 (see
 * imatally_replay_compare()); IMATALLY_MATCH_DIFFERENT is then inconclusive.
 * To be called before banks are added.
 */
void imatally_replay_assume_own(struct imatally_replay *replay);

/*
 * Extend the PCR of the entry in all banks, as the kernel did.  *@altered is
 * set if the template digest in the list is not the digest of the entry's data.
 */
enum imatally_status imatally_replay_extend(struct imatally_replay *replay,
					    const struct imatally_entry *entry,
					    bool *altered);

/*
 * Compare with a known value of a PCR.  A kernel without the algorithm of a
 * bank extends zero-padded SHA-1 digests there.  Since nothing in the list says
 * so, both are replayed until a known value tells them apart, and either one
 * counts as IMATALLY_MATCH_SAME.
 */
enum imatally_match
imatally_replay_compare(const struct imatally_replay *replay, uint32_t pcr,
			const struct imatally_bank_value *bank);

/*
 * Determine from a known value that matches which kind of digests the current
 * kernel extends.  Returns true if it is padded SHA-1.
 */
bool imatally_replay_settle(struct imatally_replay *replay, uint32_t pcr,
			    const struct imatally_bank_value *bank);

/*
 * Return whether an extend of @entry leads from one value of a PCR to another.
 */
bool imatally_replay_leads(const struct imatally_replay *replay,
			   const struct imatally_entry *entry,
			   const struct imatally_bank_value *from,
			   const struct imatally_bank_value *to);

/*
 * Extend @value by @entry and compare with the replay.  If it differs, and the
 * kernel may have extended either kind of digests, @value has the bank's own.
 */
enum imatally_match
imatally_replay_extend_value(const struct imatally_replay *replay,
			     const struct imatally_entry *entry,
			     struct imatally_bank_value *value);

/* Another kernel begins here, which may have other algorithms. */
void imatally_replay_new_kernel(struct imatally_replay *replay);

/* Continue from a known value of a PCR, whatever was replayed. */
void imatally_replay_restart(struct imatally_replay *replay, uint32_t pcr,
			     const struct imatally_bank_value *bank);

/*
 * The same if @from was the value before @entry, the last one: with each kind of
 * digests that the kernel may have extended.
 */
void imatally_replay_restart_after(struct imatally_replay *replay,
				   const struct imatally_entry *entry,
				   const struct imatally_bank_value *from);

/* Entries are missing here: values are unknown until a restart. */
void imatally_replay_forget(struct imatally_replay *replay);

/* From here on, keep a trail of @pcr in bank @alg, which is replayed. */
enum imatally_status imatally_replay_follow(struct imatally_replay *replay,
					    uint32_t pcr, uint16_t alg);
/*
 * The replayed value of @pcr is correct: restart the trail, if it is of @alg.
 */
void imatally_replay_confirm(struct imatally_replay *replay, uint32_t pcr,
			     uint16_t alg);
/*
 * Search the trail of the followed PCR, from its last confirmed or known value;
 * see imatally_trail_search().
 */
enum imatally_search
imatally_replay_search(struct imatally_replay *replay,
		       uint32_t pcr, const struct imatally_bank_value *value,
		       uint64_t at_most, struct imatally_left_out *left_out);

/* NULL if @alg is not replayed. */
struct bank *imatally_replay_bank(const struct imatally_replay *replay,
				  uint16_t alg);

#endif /* IMATALLY_REPLAY_H */
