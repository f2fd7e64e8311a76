// SPDX-License-Identifier: GPL-2.0-only
/*
 * Account of PCR updates: by how much the commands that the TPM acknowledged
 * should have incremented its pcrUpdateCounter
 *
 * Every command of the kernel, of /dev/tpm0 and of /dev/tpmrm0 passes through
 * tpm_transmit(), which accounts for it. Comparing the account with the counter
 * reveals updates that bypassed this kernel.
 *
 * According to the reference code of the TPM 2.0 Library Specification, these
 * commands increment the counter:
 *
 *	TPM2_PCR_Extend			by one for each digest whose bank holds
 *					the PCR
 *	TPM2_PCR_Event,			by one for each bank that holds the PCR
 *	TPM2_EventSequenceComplete
 *	TPM2_PCR_Reset			by one
 *	TPM2_Clear			by one
 *
 * Updates of TPM_RH_NULL, and of the PCRs that the TPM reports in
 * TPM_PT_PCR_NO_INCREMENT, do not count.
 *
 * chip->pcr_updates and chip->pcr_updates_uncertain are protected by
 * chip->tpm_mutex, like the TPM itself.
 */

#include <crypto/hash_info.h>
#include <linux/unaligned.h>

#include "tpm.h"

/* Hash algorithms that the kernel does not use, but other software may */
#define TPM_ALG_SHA3_256	0x0027
#define TPM_ALG_SHA3_384	0x0028
#define TPM_ALG_SHA3_512	0x0029

/* Return the digest size of a bank that is not allocated, or 0 if unknown. */
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

/* Count the banks that hold the PCR. */
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

/* Count the digests of @pos..@end (TPML_DIGEST_VALUES) that update the PCR. */
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
 * tpm2_expected_updates() - determine the increment of pcrUpdateCounter
 * @cmd:		the command
 * @bufsiz:		size of the buffer that holds it. Bytes beyond the
 *			length in the command's header are not inspected.
 * @banks:		the allocated banks
 * @nr_banks:		number of @banks
 * @no_increment:	BIT(n) is set if updates of PCR n do not count
 *
 * User space may have chosen every byte of the command. A malformed command
 * counts nothing. Neither does a command with an algorithm whose digest size is
 * neither in @banks nor known to the kernel, because it can't be parsed. If the
 * TPM accepts such a command, the counter runs ahead of the account, which does
 * not hide the update. Other reasons to refuse a command are left to the TPM.
 *
 * Return: the increment if the TPM executes the command.
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

	/* A longer command is not sent, and all of these need authorization. */
	if (be32_to_cpu(header->length) > bufsiz ||
	    be16_to_cpu(header->tag) != TPM2_ST_SESSIONS)
		return 0;

	end = cmd + be32_to_cpu(header->length);

	/* Skip the header, the handles, and the authorization area. */
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
		/* Skip the event data. */
		p = tpm2_take(&pos, end, sizeof(u16));
		if (!p || !tpm2_take(&pos, end, get_unaligned_be16(p)))
			return 0;

		return tpm2_count_banks(banks, nr_banks, pcr_idx);
	}
}

/**
 * tpm2_account_prepare() - inspect a command before it is sent
 * @chip:	TPM chip to which the command will be sent
 * @cmd:	the command
 * @bufsiz:	size of the buffer that holds the command
 *
 * Must be called before the command is sent, since the driver or the response
 * overwrites it.
 *
 * Return: the expected increment, to pass to tpm2_account().
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
 * @chip:	TPM chip to which the command was sent
 * @updates:	return value of tpm2_account_prepare()
 * @len:	length of the response, or a negative errno if no valid response
 *		was received
 * @rc:		return code of the response
 *
 * The chip may have executed a command even if sending it failed, or if the
 * response was lost.
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
