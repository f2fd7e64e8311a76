/* SPDX-License-Identifier: GPL-2.0-only */
/* A TPM's keys outside of it. */
#ifndef PROGRAMS_TPM_KEY_H
#define PROGRAMS_TPM_KEY_H

#include <tss2/tss2_tpm2_types.h>

/* The template of an AK of kind @alg.  -1 after a complaint. */
int tpm_key_template(const char *alg, TPM2B_PUBLIC *template);

/* A public key in PEM; to be freed, NULL if that can't be done. */
char *tpm_key_pem(const TPMT_PUBLIC *public);

/* A saved context, in the file format of tpm2-tools.  -1 after a complaint. */
int tpm_context_read(const char *path, TPMS_CONTEXT *context);
int tpm_context_write(const char *path, const TPMS_CONTEXT *context);

#endif /* PROGRAMS_TPM_KEY_H */
