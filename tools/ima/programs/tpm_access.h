/* SPDX-License-Identifier: GPL-2.0-only */
/* What the modules that send commands to the TPM share. */
#ifndef PROGRAMS_TPM_ACCESS_H
#define PROGRAMS_TPM_ACCESS_H

#include <tss2/tss2_esys.h>

#include "tpm.h"

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR ak, ek;		/* ESYS_TR_NONE unless loaded */
	bool ak_is_transient, ek_is_transient;
	TPM2B_AUTH auth[TPM_NR_AUTHS];
};

/*
 * Return the TPM's own code without the layer that passed it on, and, for codes
 * about a handle or session, without its number.
 */
TSS2_RC tpm_plain_code(TSS2_RC rc);

/* Complain about a command that needs no authorization.  Returns -1. */
int tpm_failed(const struct tpm *tpm, const char *command, TSS2_RC rc);
/* Complain about a command that needs the authorization @auth.  Returns -1. */
int tpm_failed_with(const struct tpm *tpm, enum tpm_auth auth,
		    const char *command, TSS2_RC rc);

/* Copy bytes.  Returns -1 after an error message. */
int tpm_keep_bytes(struct imatally_bytes *bytes, const uint8_t *data,
		   size_t len);

/*
 * Read the public area of a loaded key, a TPM2B_PUBLIC.  Returns -1 after an
 * error message.
 */
int tpm_public(struct tpm *tpm, ESYS_TR key, struct imatally_bytes *public);

#endif /* PROGRAMS_TPM_ACCESS_H */
