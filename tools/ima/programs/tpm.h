/* SPDX-License-Identifier: GPL-2.0-only */
/* Access to the TPM, which only "imatally collect" and "enroll" need. */
#ifndef PROGRAMS_TPM_H
#define PROGRAMS_TPM_H

#include "commands.h"

/* Functions that return int return 0, or -1 after an error message. */

struct tpm;

/* Authorization values: text or file:PATH, NULL if empty */
enum tpm_auth { TPM_AUTH_AK, TPM_AUTH_ENDORSEMENT, TPM_AUTH_OWNER, TPM_NR_AUTHS };

/*
 * @tcti is as for tpm2-tools; NULL is the device of the resource manager.  NULL
 * after an error message.
 */
struct tpm *tpm_open_with(const char *tcti, const char *const auth[TPM_NR_AUTHS]);
void tpm_close(struct tpm *tpm);

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
/* Read its public area, a TPM2B_PUBLIC. */
int tpm_ak_public(struct tpm *tpm, struct imatally_bytes *public);

/*
 * Fill in @evidence for PCR @pcr in all banks: with the counter attested if
 * possible, and quoted unless the PCR is extended too often; and for PCRs 0 to
 * 9, which tell what booted.
 */
int tpm_attest(struct tpm *tpm, unsigned int pcr,
	       const struct imatally_bytes *nonce,
	       struct imatally_evidence *evidence);

/*
 * tpm_ek.c: load the EK that a certificate is of.  @where is the certificate's
 * NV index (0x01...) or a file, or NULL for the first one in the TPM.  Fills in
 * @certificate, X.509 in DER.
 */
int tpm_load_ek(struct tpm *tpm, const char *where,
		struct imatally_bytes *certificate);

/* Have the TPM open a challenge with the loaded EK for the loaded AK. */
int tpm_activate(struct tpm *tpm, const struct imatally_challenge *challenge,
		 struct imatally_bytes *answer);

#endif /* PROGRAMS_TPM_H */
