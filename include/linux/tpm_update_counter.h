/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The count of PCR updates that a TPM 2.0 keeps (pcrUpdateCounter)
 *
 * For built-in users, which select TCG_TPM2_UPDATE_COUNTER.
 */

#ifndef _LINUX_TPM_UPDATE_COUNTER_H
#define _LINUX_TPM_UPDATE_COUNTER_H

#include <linux/errno.h>
#include <linux/tpm.h>
#include <linux/types.h>

/**
 * struct tpm_update_counter - counts of the updates of a TPM's PCRs
 * @updates:		increments of pcrUpdateCounter that are expected from
 *			the commands that the TPM acknowledged to this kernel
 *			since the chip was registered
 * @uncertain:		increments that are expected from commands whose outcome
 *			is unknown
 * @update_counter:	pcrUpdateCounter, the TPM's count of updates of all PCRs
 *			in all banks, except for PCRs that never count
 * @protected:		whether pcrUpdateCounter is read in an HMAC session, which
 *			proves as much as the chip's null key. False only if the
 *			kernel or the chip offers no session. If a session
 *			fails, the read fails, too.
 * @bank_mask:		BIT(i) is set if @digests[i] was returned
 * @digests:		@digests[i] is the PCR's value in allocated_banks[i]
 */
struct tpm_update_counter {
	u64 updates;
	u64 uncertain;
	u32 update_counter;
	bool protected;
	u32 bank_mask;
	struct tpm_digest digests[TPM2_MAX_PCR_BANKS];
};

/**
 * struct tpm_start_counts - how often a TPM was started
 * @resets:	resetCount, the number of TPM Resets since the last TPM2_Clear.
 *		The TPM starts anew, and its PCRs with it.
 * @restarts:	restartCount, the number of TPM Restarts and TPM Resumes since
 *		the last TPM Reset or TPM2_Clear
 */
struct tpm_start_counts {
	u32 resets;
	u32 restarts;
};

#ifdef CONFIG_TCG_TPM2_UPDATE_COUNTER
int tpm_get_update_counter(struct tpm_chip *chip, u32 pcr_idx,
			   struct tpm_update_counter *counter);
int tpm_get_start_counts(struct tpm_chip *chip,
			 struct tpm_start_counts *counts);
#else
static inline int tpm_get_update_counter(struct tpm_chip *chip, u32 pcr_idx,
					 struct tpm_update_counter *counter)
{
	return -EOPNOTSUPP;
}

static inline int tpm_get_start_counts(struct tpm_chip *chip,
				       struct tpm_start_counts *counts)
{
	return -EOPNOTSUPP;
}
#endif

#endif /* _LINUX_TPM_UPDATE_COUNTER_H */
