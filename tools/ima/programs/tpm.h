/* SPDX-License-Identifier: GPL-2.0-only */
/* Access to the TPM, which only "imatally collect" needs. */
#ifndef PROGRAMS_TPM_H
#define PROGRAMS_TPM_H

#include "commands.h"

/* Functions that return int return 0, or -1 after an error message. */

struct tpm;

/* @tcti is as for tpm2-tools; NULL is the device of the resource manager. */
struct tpm *tpm_open(const char *tcti);
void tpm_close(struct tpm *tpm);

/*
 * Set an authorization value, text or file:PATH, for the following calls.
 */
enum tpm_auth { TPM_AUTH_AK, TPM_AUTH_ENDORSEMENT, TPM_AUTH_OWNER, TPM_NR_AUTHS };
int tpm_set_auth(struct tpm *tpm, enum tpm_auth which, const char *value);

/*
 * Load an AK: a persistent handle (0x81...), or a file with a saved context in
 * the format of tpm2-tools.
 */
int tpm_load_ak(struct tpm *tpm, const char *ak);

/*
 * Create and load an AK in the endorsement hierarchy.  @alg is "ecc", "rsa" or
 * "rsapss".
 */
int tpm_create_ak(struct tpm *tpm, const char *alg);

/* Check that there is no key yet at @ak, a handle or a file. */
int tpm_check_unused(struct tpm *tpm, const char *ak);
/* Save the loaded AK as @ak. */
int tpm_keep_ak(struct tpm *tpm, const char *ak);

/*
 * Return the public key of the AK in PEM format; to be freed, NULL on an error.
 */
char *tpm_ak_pem(struct tpm *tpm);

/*
 * Fill in @evidence for PCR @pcr in all banks: with the counter attested if
 * possible, and quoted unless the PCR is extended too often.
 */
int tpm_attest(struct tpm *tpm, unsigned int pcr,
	       const struct imatally_bytes *nonce,
	       struct imatally_evidence *evidence);

#endif /* PROGRAMS_TPM_H */
