/* SPDX-License-Identifier: GPL-2.0-only */
/* The TPM, for "imatally collect" only: nothing else here needs one. */
#ifndef PROGRAMS_TPM_H
#define PROGRAMS_TPM_H

#include "commands.h"

/* All functions complain on stderr themselves, and return 0 or -1. */

struct tpm;

/* @tcti as tpm2-tools take it, or NULL: the resource manager's device. */
struct tpm *tpm_open(const char *tcti);
void tpm_close(struct tpm *tpm);

/*
 * An authorization value as the user gives it: a text, or file:PATH.  Good for
 * the calls that follow.
 */
enum tpm_auth { TPM_AUTH_AK, TPM_AUTH_ENDORSEMENT, TPM_AUTH_OWNER, TPM_NR_AUTHS };
int tpm_set_auth(struct tpm *tpm, enum tpm_auth which, const char *value);

/*
 * Take an AK into use: a persistent handle (0x81...), or the file of a saved
 * context as tpm2-tools write it.
 */
int tpm_load_ak(struct tpm *tpm, const char *ak);

/*
 * Make an AK in the endorsement hierarchy, take it into use, and keep it at the
 * handle or in the file @ak.  @alg is "ecc", "rsa" or "rsapss".
 */
int tpm_create_ak(struct tpm *tpm, const char *ak, const char *alg);

/* The AK's public key in PEM; to be freed, NULL on an error. */
char *tpm_ak_pem(struct tpm *tpm);

/*
 * Fill in @evidence: PCR @pcr in all banks, with the counter attested if that
 * can be had, and quoted unless the PCR is extended faster than that.
 */
int tpm_attest(struct tpm *tpm, unsigned int pcr,
	       const struct imatally_bytes *nonce,
	       struct imatally_evidence *evidence);

#endif /* PROGRAMS_TPM_H */
