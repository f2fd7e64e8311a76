// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's interface to the counts that a TPM 2.0 keeps: of the updates of
 * its PCRs, and of its starts
 */

#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/tpm_update_counter.h>

#include "tpm.h"

static void tpm_get_account(struct tpm_chip *chip,
			    struct tpm_update_counter *counter)
{
	lockdep_assert_held(&chip->tpm_mutex);

	counter->updates = chip->pcr_updates;
	counter->uncertain = chip->pcr_updates_uncertain;
	counter->protected = tpm2_reads_in_session(chip);
}

/**
 * tpm_get_update_counter() - read the TPM's and the driver's count of updates
 * @chip:	a &struct tpm_chip instance, as returned by tpm_default_chip()
 * @pcr_idx:	the PCR whose value in each bank is read along with the counter
 * @counter:	output: the counter and the PCR values, valid if 0 is returned,
 *		the account (@updates and @uncertain), valid unless -ENODEV or
 *		-EOPNOTSUPP is returned, and @protected, always valid
 *
 * The counter and the PCR values come from a single TPM2_PCR_Read, and the
 * account is read before any other command can be sent, so all of them are
 * consistent.
 *
 * Context: Process context. Takes chip->ops_sem and chip->tpm_mutex.
 *
 * Return:
 * * 0			- OK
 * * -ENODEV		- there is no chip
 * * -EOPNOTSUPP	- the chip is not a TPM 2.0 and has no such counter
 * * -EAGAIN		- the chip is suspended, unless it was resumed
 *			  concurrently
 * * -EBADMSG		- the response's HMAC is missing or wrong
 * * -errno		- another system error
 * * TPM_RC		- a TPM error
 */
int tpm_get_update_counter(struct tpm_chip *chip, u32 pcr_idx,
			   struct tpm_update_counter *counter)
{
	int rc;

	counter->protected = false;

	if (!chip)
		return -ENODEV;

	if (!(chip->flags & TPM_CHIP_FLAG_TPM2))
		return -EOPNOTSUPP;

	rc = tpm_try_get_ops(chip);
	if (rc) {
		mutex_lock(&chip->tpm_mutex);
		tpm_get_account(chip, counter);
		mutex_unlock(&chip->tpm_mutex);
		return chip->flags & TPM_CHIP_FLAG_SUSPENDED ? -EAGAIN : rc;
	}

	rc = tpm2_get_update_counter(chip, pcr_idx, counter);
	tpm_get_account(chip, counter);

	tpm_put_ops(chip);
	return rc;
}

/**
 * tpm_get_start_counts() - read how often the TPM was started
 * @chip:	a &struct tpm_chip instance, as returned by tpm_default_chip()
 * @counts:	output: the counts, valid if 0 is returned
 *
 * If both counts are what they were, the TPM was not started in between, and
 * nothing but commands has changed its PCRs. A quote contains the same counts.
 *
 * Context: Process context. Takes chip->ops_sem and chip->tpm_mutex.
 *
 * Return: Same as tpm_get_update_counter().
 */
int tpm_get_start_counts(struct tpm_chip *chip, struct tpm_start_counts *counts)
{
	int rc;

	if (!chip)
		return -ENODEV;

	if (!(chip->flags & TPM_CHIP_FLAG_TPM2))
		return -EOPNOTSUPP;

	rc = tpm_try_get_ops(chip);
	if (rc)
		return chip->flags & TPM_CHIP_FLAG_SUSPENDED ? -EAGAIN : rc;

	rc = tpm2_get_start_counts(chip, counts);

	tpm_put_ops(chip);
	return rc;
}
