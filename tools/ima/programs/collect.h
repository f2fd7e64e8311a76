/* SPDX-License-Identifier: GPL-2.0-only */
/* The evidence of this machine, up to the copy of its list. */
#ifndef PROGRAMS_COLLECT_H
#define PROGRAMS_COLLECT_H

#include "kernel.h"
#include "tpm.h"

/*
 * Request a record, and have the TPM attest PCR @pcr; then the caller has to copy
 * @list.  It was opened first, and covers what @evidence does.  Returns -1 after
 * an error message, and nothing is open then; otherwise the caller closes @list
 * and frees @evidence.
 */
int collect_begin(struct tpm *tpm, const char *ima, unsigned int pcr,
		  const struct imatally_bytes *nonce, struct kernel_list *list,
		  struct imatally_evidence *evidence);

#endif /* PROGRAMS_COLLECT_H */
