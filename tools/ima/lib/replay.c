// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay of the list into PCRs as the kernel extended them: template digests as
 * in ima_calc_field_array_hash(), ff..ff for a violation, and zero-padded SHA-1
 * in a bank whose algorithm the kernel does not have.  An extend is PCR = H(PCR
 * || digest) (TPM 2.0 Part 1, section 17.2 "Extend of a PCR").
 */

#include <stdlib.h>
#include <string.h>

#include "replay.h"

struct imatally_replay *imatally_replay_new(void)
{
	struct imatally_replay *replay = calloc(1, sizeof(*replay));

	if (!replay)
		return NULL;
	if (imatally_hash_init(&replay->sha1, IMATALLY_ALG_SHA1)) {
		free(replay);
		return NULL;
	}
	replay->digester = imatally_digester_new();
	if (!replay->digester) {
		imatally_replay_free(replay);
		return NULL;
	}
	return replay;
}

void imatally_replay_free(struct imatally_replay *replay)
{
	unsigned int i;

	if (!replay)
		return;
	imatally_trail_free(replay->trail);
	for (i = 0; i < replay->nr_banks; i++)
		imatally_hash_free(&replay->bank[i].hash);
	imatally_hash_free(&replay->sha1);
	imatally_digester_free(replay->digester);
	free(replay);
}

static inline struct bank *find_bank(const struct imatally_replay *replay,
				     uint16_t alg)
{
	unsigned int i;

	for (i = 0; i < replay->nr_banks; i++)
		if (replay->bank[i].alg == alg)
			return (struct bank *)&replay->bank[i];
	return NULL;
}

struct bank *imatally_replay_bank(const struct imatally_replay *replay,
				  uint16_t alg)
{
	return find_bank(replay, alg);
}

bool imatally_replay_has_bank(const struct imatally_replay *replay,
			      uint16_t alg)
{
	return imatally_replay_bank(replay, alg);
}

void imatally_replay_assume_own(struct imatally_replay *replay)
{
	replay->assume_own = true;
}

/* A kernel may lack any algorithm but SHA-1. */
static bool may_pad(const struct imatally_replay *replay,
		    const struct bank *bank)
{
	return bank->alg != IMATALLY_ALG_SHA1 && !replay->assume_own;
}

enum imatally_status imatally_replay_add_bank(struct imatally_replay *replay,
					      uint16_t alg, bool from_start)
{
	enum imatally_status status;
	struct bank *bank;
	unsigned int i;

	if (imatally_replay_bank(replay, alg))
		return IMATALLY_OK;
	if (replay->nr_banks == IMATALLY_MAX_BANKS)
		return IMATALLY_ERR_CRYPTO;
	bank = &replay->bank[replay->nr_banks];
	memset(bank, 0, sizeof(*bank));
	status = imatally_hash_init(&bank->hash, alg);
	if (status)
		return status;
	bank->alg = alg;
	bank->possible[MODE_OWN] = true;
	bank->possible[MODE_PADDED] = may_pad(replay, bank);
	for (i = 0; i <= IMATALLY_MAX_PCR; i++)
		bank->pcr[i].known = from_start;
	replay->nr_banks++;
	return IMATALLY_OK;
}

/* Compute what a kernel in @mode extends for an entry. */
static bool digest_for(const struct bank *bank, enum mode mode,
		       const struct imatally_entry *entry, bool violation,
		       const uint8_t *sha1, uint8_t *digest)
{
	if (violation) {
		memset(digest, 0xff, bank->hash.size);
		return true;
	}
	if (mode == MODE_PADDED || bank->alg == IMATALLY_ALG_SHA1) {
		memset(digest, 0, bank->hash.size);
		memcpy(digest, sha1, IMATALLY_SHA1_SIZE);
		return true;
	}
	return imatally_hash_entry(&bank->hash, entry, digest);
}

enum imatally_status imatally_replay_extend(struct imatally_replay *replay,
					    const struct imatally_entry *entry,
					    bool *altered)
{
	uint8_t digest[IMATALLY_MAX_BANKS][NR_MODES][IMATALLY_MAX_DIGEST];
	uint8_t sha1[IMATALLY_SHA1_SIZE] = { 0 };
	bool violation = imatally_entry_is_violation(entry);
	unsigned int i;
	enum mode mode;

	*altered = false;
	if (!violation) {
		int right;

		if (!imatally_hash_entry(&replay->sha1, entry, sha1))
			return IMATALLY_ERR_CRYPTO;
		right = entry->digest_len == sizeof(sha1) ?
				!memcmp(sha1, entry->digest, sizeof(sha1)) :
				imatally_digester_check(replay->digester, entry);
		if (right < 0)
			return IMATALLY_ERR_CRYPTO;
		*altered = !right;
	}

	/*
	 * The digests of all banks first, and then the extends: a processor
	 * works ahead on what does not depend on what it has just computed.
	 */
	for (i = 0; i < replay->nr_banks; i++) {
		const struct bank *bank = &replay->bank[i];

		for (mode = 0; mode < NR_MODES; mode++)
			if (bank->pcr[entry->pcr].known &&
			    bank->possible[mode] &&
			    !digest_for(bank, mode, entry, violation, sha1,
					digest[i][mode]))
				return IMATALLY_ERR_CRYPTO;
	}
	for (i = 0; i < replay->nr_banks; i++) {
		struct bank *bank = &replay->bank[i];
		const uint8_t *with[NR_MODES] = { NULL };

		for (mode = 0; mode < NR_MODES; mode++) {
			if (!bank->pcr[entry->pcr].known ||
			    !bank->possible[mode])
				continue;
			with[mode] = digest[i][mode];
			if (!imatally_extend(&bank->hash,
					     bank->pcr[entry->pcr].value[mode],
					     with[mode]))
				return IMATALLY_ERR_CRYPTO;
		}
		if (replay->trail && bank == replay->trail_bank &&
		    entry->pcr == replay->trail_pcr &&
		    bank->pcr[entry->pcr].known)
			imatally_trail_add(replay->trail, entry->index, with);
	}
	return IMATALLY_OK;
}

static bool same(const struct bank *bank, uint32_t pcr, enum mode mode,
		 const struct imatally_bank_value *value)
{
	const uint8_t *replayed = bank->pcr[pcr].value[mode];

	/* the first byte tells most of the others */
	return bank->possible[mode] && replayed[0] == value->value[0] &&
	       !memcmp(replayed, value->value, bank->hash.size);
}

enum imatally_match
imatally_replay_compare(const struct imatally_replay *replay, uint32_t pcr,
			const struct imatally_bank_value *value)
{
	const struct bank *bank = find_bank(replay, value->alg);

	if (!bank || pcr > IMATALLY_MAX_PCR || !bank->pcr[pcr].known)
		return IMATALLY_MATCH_UNKNOWN;
	if (value->len == bank->hash.size && (same(bank, pcr, MODE_OWN, value) ||
					 same(bank, pcr, MODE_PADDED, value)))
		return IMATALLY_MATCH_SAME;
	return IMATALLY_MATCH_DIFFERENT;
}

bool imatally_replay_settle(struct imatally_replay *replay, uint32_t pcr,
			    const struct imatally_bank_value *value)
{
	struct bank *bank = imatally_replay_bank(replay, value->alg);
	bool own, padded;

	if (!bank)
		return false;
	own = same(bank, pcr, MODE_OWN, value);
	padded = same(bank, pcr, MODE_PADDED, value);
	/* before the first extend, both match */
	if (own != padded) {
		bank->possible[MODE_OWN] = own;
		bank->possible[MODE_PADDED] = padded;
	}
	return padded && !own;
}

bool imatally_replay_leads(const struct imatally_replay *replay,
			   const struct imatally_entry *entry,
			   const struct imatally_bank_value *from,
			   const struct imatally_bank_value *to)
{
	const struct bank *bank = imatally_replay_bank(replay, from->alg);
	uint8_t sha1[IMATALLY_SHA1_SIZE];
	enum mode mode;

	if (!bank || from->len != bank->hash.size ||
	    to->len != bank->hash.size ||
	    !imatally_hash_entry(&replay->sha1, entry, sha1))
		return false;
	for (mode = 0; mode < NR_MODES; mode++) {
		uint8_t digest[IMATALLY_MAX_DIGEST];
		uint8_t value[IMATALLY_MAX_DIGEST];

		memcpy(value, from->value, bank->hash.size);
		if (digest_for(bank, mode, entry, false, sha1, digest) &&
		    imatally_extend(&bank->hash, value, digest) &&
		    !memcmp(value, to->value, bank->hash.size))
			return true;
	}
	return false;
}

enum imatally_match
imatally_replay_extend_value(const struct imatally_replay *replay,
			     const struct imatally_entry *entry,
			     struct imatally_bank_value *value)
{
	const struct bank *bank = imatally_replay_bank(replay, value->alg);
	const struct imatally_bank_value from = *value;
	enum imatally_match match = IMATALLY_MATCH_UNKNOWN;
	uint8_t sha1[IMATALLY_SHA1_SIZE];
	enum mode mode;

	if (!bank || value->len != bank->hash.size ||
	    !bank->pcr[entry->pcr].known ||
	    !imatally_hash_entry(&replay->sha1, entry, sha1))
		return IMATALLY_MATCH_UNKNOWN;
	for (mode = 0; mode < NR_MODES; mode++) {
		struct imatally_bank_value made = from;
		uint8_t digest[IMATALLY_MAX_DIGEST];

		if (!bank->possible[mode])
			continue;
		if (!digest_for(bank, mode, entry, false, sha1, digest) ||
		    !imatally_extend(&bank->hash, made.value, digest))
			return IMATALLY_MATCH_UNKNOWN;
		if (same(bank, entry->pcr, mode, &made))
			return IMATALLY_MATCH_SAME;
		if (match == IMATALLY_MATCH_UNKNOWN)
			*value = made;
		match = IMATALLY_MATCH_DIFFERENT;
	}
	return match;
}

void imatally_replay_new_kernel(struct imatally_replay *replay)
{
	unsigned int i, pcr;

	for (i = 0; i < replay->nr_banks; i++) {
		struct bank *bank = &replay->bank[i];
		enum mode was;

		/* if both are still possible, their values differ: keep them */
		if (!may_pad(replay, bank) ||
		    (bank->possible[MODE_OWN] && bank->possible[MODE_PADDED]))
			continue;
		was = bank->possible[MODE_OWN] ? MODE_OWN : MODE_PADDED;
		for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++)
			memcpy(bank->pcr[pcr].value[!was],
			       bank->pcr[pcr].value[was], bank->hash.size);
		bank->possible[!was] = true;
	}
}

void imatally_replay_restart(struct imatally_replay *replay, uint32_t pcr,
			     const struct imatally_bank_value *value)
{
	struct bank *bank = imatally_replay_bank(replay, value->alg);

	if (!bank || pcr > IMATALLY_MAX_PCR || value->len != bank->hash.size)
		return;
	memcpy(bank->pcr[pcr].value[MODE_OWN], value->value, bank->hash.size);
	memcpy(bank->pcr[pcr].value[MODE_PADDED], value->value, bank->hash.size);
	bank->pcr[pcr].known = true;
	imatally_replay_confirm(replay, pcr, value->alg);
}

void imatally_replay_restart_after(struct imatally_replay *replay,
				   const struct imatally_entry *entry,
				   const struct imatally_bank_value *from)
{
	struct bank *bank = imatally_replay_bank(replay, from->alg);
	uint8_t sha1[IMATALLY_SHA1_SIZE], digest[IMATALLY_MAX_DIGEST];
	enum mode mode;

	if (!bank || from->len != bank->hash.size ||
	    !imatally_hash_entry(&replay->sha1, entry, sha1))
		return;
	for (mode = 0; mode < NR_MODES; mode++) {
		uint8_t *value = bank->pcr[entry->pcr].value[mode];

		if (!bank->possible[mode])
			continue;
		memcpy(value, from->value, from->len);
		if (!digest_for(bank, mode, entry, false, sha1, digest) ||
		    !imatally_extend(&bank->hash, value, digest))
			return;
	}
	bank->pcr[entry->pcr].known = true;
	imatally_replay_confirm(replay, entry->pcr, from->alg);
}

void imatally_replay_forget(struct imatally_replay *replay)
{
	unsigned int i, pcr;

	for (i = 0; i < replay->nr_banks; i++)
		for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++)
			replay->bank[i].pcr[pcr].known = false;
	if (replay->trail)
		imatally_trail_lose(replay->trail);
}

enum imatally_status imatally_replay_follow(struct imatally_replay *replay,
					    uint32_t pcr, uint16_t alg)
{
	const struct bank *bank = imatally_replay_bank(replay, alg);

	replay->trail = imatally_trail_new(&bank->hash);
	replay->trail_bank = bank;
	replay->trail_pcr = pcr;
	return replay->trail ? IMATALLY_OK : IMATALLY_ERR_NOMEM;
}

static bool is_followed(const struct imatally_replay *replay, uint32_t pcr,
			uint16_t alg)
{
	return replay->trail && pcr == replay->trail_pcr &&
	       alg == replay->trail_bank->alg;
}

void imatally_replay_confirm(struct imatally_replay *replay, uint32_t pcr,
			     uint16_t alg)
{
	const struct bank *bank = replay->trail_bank;
	const uint8_t *value[NR_MODES] = { NULL };
	enum mode mode;

	if (!is_followed(replay, pcr, alg))
		return;
	for (mode = 0; mode < NR_MODES; mode++)
		if (bank->possible[mode])
			value[mode] = bank->pcr[pcr].value[mode];
	imatally_trail_restart(replay->trail, value);
}

enum imatally_search
imatally_replay_search(struct imatally_replay *replay,
		       uint32_t pcr, const struct imatally_bank_value *value,
		       uint64_t at_most, struct imatally_left_out *left_out)
{
	if (!is_followed(replay, pcr, value->alg) ||
	    value->len != replay->trail_bank->hash.size)
		return IMATALLY_SEARCH_GIVEN_UP;
	return imatally_trail_search(replay->trail, value->value, at_most,
				     left_out);
}
