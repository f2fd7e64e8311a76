// SPDX-License-Identifier: GPL-2.0-only
/*
 * The account of PCR updates: by how much the commands that the TPM has
 * acknowledged should have moved its pcrUpdateCounter.
 *
 * Every command of the kernel, of /dev/tpm0 and of /dev/tpmrm0 passes through
 * tpm_transmit(), where it is accounted. Whoever compares the account with the
 * counter sees updates that went past this kernel.
 *
 * These commands move the counter, by the reference code of the TPM 2.0 Library
 * Specification:
 *
 *	TPM2_PCR_Extend			one for each digest, if its bank holds
 *					the PCR
 *	TPM2_PCR_Event,			one for each bank that holds the PCR
 *	TPM2_EventSequenceComplete
 *	TPM2_PCR_Reset			one
 *	TPM2_Clear			one
 *
 * except that an update of TPM_RH_NULL, or of a PCR that the TPM has among
 * those of TPM_PT_PCR_NO_INCREMENT, does not.
 *
 * chip->pcr_updates and chip->pcr_updates_uncertain are guarded by
 * chip->tpm_mutex, as the TPM is.
 */

#include <crypto/hash_info.h>
#include <linux/unaligned.h>

#include "tpm.h"

/* Hashes of banks that this kernel does not use, but other software may. */
#define TPM_ALG_SHA3_256	0x0027
#define TPM_ALG_SHA3_384	0x0028
#define TPM_ALG_SHA3_512	0x0029

/* The size of a digest in a bank that is not allocated, 0 if unknown. */
static u16 tpm2_digest_size(u16 alg_id)
{
	switch (alg_id) {
	case TPM_ALG_SHA1:
		return SHA1_DIGEST_SIZE;
	case TPM_ALG_SHA256:
		return SHA256_DIGEST_SIZE;
	case TPM_ALG_SHA384:
		return SHA384_DIGEST_SIZE;
	case TPM_ALG_SHA512:
		return SHA512_DIGEST_SIZE;
	case TPM_ALG_SM3_256:
		return SM3256_DIGEST_SIZE;
	case TPM_ALG_SHA3_256:
		return SHA3_256_DIGEST_SIZE;
	case TPM_ALG_SHA3_384:
		return SHA3_384_DIGEST_SIZE;
	case TPM_ALG_SHA3_512:
		return SHA3_512_DIGEST_SIZE;
	default:
		return 0;
	}
}

/* The number of banks that hold the PCR. */
static u32 tpm2_count_banks(const struct tpm_bank_info *banks, u32 nr_banks,
			    u32 pcr_idx)
{
	u32 updates = 0;
	u32 i;

	for (i = 0; i < nr_banks; i++)
		if (banks[i].pcr_mask & BIT(pcr_idx))
			updates++;

	return updates;
}

/* The number of digests in @pos..@end (TPML_DIGEST_VALUES) that move the PCR. */
static u32 tpm2_count_digests(const u8 *pos, const u8 *end,
			      const struct tpm_bank_info *banks, u32 nr_banks,
			      u32 pcr_idx)
{
	u32 updates = 0;
	u32 count;
	u16 alg_id;
	u16 size;
	u32 i;
	const u8 *p;

	p = tpm2_take(&pos, end, sizeof(u32));
	if (!p)
		return 0;

	for (count = get_unaligned_be32(p); count; count--) {
		p = tpm2_take(&pos, end, sizeof(u16));
		if (!p)
			return 0;

		alg_id = get_unaligned_be16(p);

		for (i = 0; i < nr_banks; i++)
			if (banks[i].alg_id == alg_id)
				break;

		if (i < nr_banks) {
			size = banks[i].digest_size;
			if (banks[i].pcr_mask & BIT(pcr_idx))
				updates++;
		} else {
			size = tpm2_digest_size(alg_id);
		}

		if (!size || !tpm2_take(&pos, end, size))
			return 0;
	}

	return updates;
}

/**
 * tpm2_expected_updates() - tell by how much a command moves pcrUpdateCounter
 * @cmd:		the command
 * @bufsiz:		the size of the buffer that holds it. No more than the
 *			command's own length, if it is less, is looked at.
 * @banks:		the banks that are allocated
 * @nr_banks:		the number of @banks
 * @no_increment:	BIT(n) is set if updates of PCR n don't count
 *
 * User space chooses every byte of the command. One that is malformed counts
 * nothing, and one that names an algorithm of which neither @banks nor the
 * kernel know the size can't be parsed and counts nothing either: if a TPM
 * accepts it, the counter runs ahead of the account, which does not hide it.
 * Whatever else the TPM may refuse is left to the TPM.
 *
 * Return: the increment, if the TPM answers that it has executed the command.
 */
u32 tpm2_expected_updates(const u8 *cmd, size_t bufsiz,
			  const struct tpm_bank_info *banks, u32 nr_banks,
			  u32 no_increment)
{
	const struct tpm_header *header = (const struct tpm_header *)cmd;
	const u8 *pos = cmd;
	const u8 *handles, *p, *end;
	u32 nr_handles = 1;
	u32 pcr_idx;
	u32 cc;

	if (bufsiz < TPM_HEADER_SIZE)
		return 0;

	cc = be32_to_cpu(header->ordinal);
	switch (cc) {
	case TPM2_CC_EVENT_SEQUENCE_COMPLETE:
		nr_handles = 2;
		break;
	case TPM2_CC_CLEAR:
	case TPM2_CC_PCR_EVENT:
	case TPM2_CC_PCR_EXTEND:
	case TPM2_CC_PCR_RESET:
		break;
	default:
		return 0;
	}

	/* A longer command is not sent; each of these needs an authorization. */
	if (be32_to_cpu(header->length) > bufsiz ||
	    be16_to_cpu(header->tag) != TPM2_ST_SESSIONS)
		return 0;

	end = cmd + be32_to_cpu(header->length);

	/* The header, the handles, the authorization area with its size */
	if (!tpm2_take(&pos, end, TPM_HEADER_SIZE))
		return 0;

	handles = tpm2_take(&pos, end, nr_handles * sizeof(u32));
	if (!handles)
		return 0;

	p = tpm2_take(&pos, end, sizeof(u32));
	if (!p || !tpm2_take(&pos, end, get_unaligned_be32(p)))
		return 0;

	if (cc == TPM2_CC_CLEAR)
		return 1;

	/* The first handle is the PCR, which may be TPM_RH_NULL. */
	pcr_idx = get_unaligned_be32(handles);
	if (pcr_idx >= TPM2_PLATFORM_PCR || (no_increment & BIT(pcr_idx)))
		return 0;

	switch (cc) {
	case TPM2_CC_PCR_RESET:
		return 1;
	case TPM2_CC_PCR_EXTEND:
		return tpm2_count_digests(pos, end, banks, nr_banks, pcr_idx);
	default:
		/* The data of an event, with its size */
		p = tpm2_take(&pos, end, sizeof(u16));
		if (!p || !tpm2_take(&pos, end, get_unaligned_be16(p)))
			return 0;

		return tpm2_count_banks(banks, nr_banks, pcr_idx);
	}
}

/**
 * tpm2_account_prepare() - look at a command that is to be sent
 * @chip:	the TPM chip to which it will be sent
 * @cmd:	the command
 * @bufsiz:	the size of the buffer that holds it
 *
 * To be called before the command is sent, since the response, or a driver,
 * overwrites it.
 *
 * Return: what tpm2_account() has to be told.
 */
u32 tpm2_account_prepare(const struct tpm_chip *chip, const u8 *cmd,
			 size_t bufsiz)
{
	if (!(chip->flags & TPM_CHIP_FLAG_TPM2))
		return 0;

	return tpm2_expected_updates(cmd, min_t(size_t, bufsiz, TPM_BUFSIZE),
				     chip->allocated_banks,
				     chip->nr_allocated_banks,
				     chip->pcr_no_increment);
}

/**
 * tpm2_account() - account for a command that was sent
 * @chip:	the TPM chip to which it was sent
 * @updates:	what tpm2_account_prepare() returned before
 * @len:	the length of the response, or a negative error number if no
 *		valid response was received
 * @rc:		the response's return code
 *
 * A command that was handed to the chip may have been executed even if sending
 * it was reported to have failed, or if its answer got lost.
 *
 * Context: The caller holds chip->tpm_mutex if @updates is not 0.
 */
void tpm2_account(struct tpm_chip *chip, u32 updates, ssize_t len, u32 rc)
{
	if (!updates)
		return;

	lockdep_assert_held(&chip->tpm_mutex);

	if (len < 0)
		chip->pcr_updates_uncertain += updates;
	else if (rc == TPM2_RC_SUCCESS)
		chip->pcr_updates += updates;
}
