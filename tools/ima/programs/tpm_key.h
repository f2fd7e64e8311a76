/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of the TPM, without access to it. */
#ifndef PROGRAMS_TPM_KEY_H
#define PROGRAMS_TPM_KEY_H

#include <tss2/tss2_tpm2_types.h>

/* Get the template of an AK for @alg.  Returns -1 after an error message. */
int tpm_key_template(const char *alg, TPM2B_PUBLIC *template);

/* A saved context in the format of tpm2-tools.  Return -1 after a message. */
int tpm_context_read(const char *path, TPMS_CONTEXT *context);
int tpm_context_write(const char *path, const TPMS_CONTEXT *context);

#endif /* PROGRAMS_TPM_KEY_H */
