// SPDX-License-Identifier: GPL-2.0-only
/* Collecting evidence in the right order. */

#include <string.h>

#include "collect.h"
#include "commands.h"

/*
 * The order matters: the record comes first, so that the PCR values cover it,
 * and the list is read last, because it must contain all entries that the PCR
 * values cover.  It is open all the while, so that nobody deletes an entry in
 * between.
 */
int collect_begin(struct tpm *tpm, const char *ima, unsigned int pcr,
		  const struct imatally_bytes *nonce, struct kernel_list *list,
		  struct imatally_evidence *evidence)
{
	memset(evidence, 0, sizeof(*evidence));
	if (kernel_open_list(ima, list))
		return -1;
	switch (kernel_request_record(ima)) {
	case 0:
		break;
	case 1:
		complain("this kernel does not create records on request");
		break;
	default:
		complain("no new record was created");
	}
	if (!tpm_attest(tpm, pcr, nonce, evidence))
		return 0;
	imatally_evidence_free(evidence);
	kernel_close_list(list);
	return -1;
}
