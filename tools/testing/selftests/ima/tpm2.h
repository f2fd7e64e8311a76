/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talks to the TPM itself through /dev/tpmrm0 or /dev/tpm0, without the kernel's
 * own use of these commands. All return 0, a negative errno, or the TPM's response
 * code.
 */
#ifndef SELFTEST_TPM2_H
#define SELFTEST_TPM2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPM2_ALG_SHA1	0x0004
#define TPM2_ALG_SHA256	0x000b
#define TPM2_ALG_SHA384	0x000c
#define TPM2_ALG_SHA512	0x000d

#define TPM_DEV		"/dev/tpm0"
#define TPMRM_DEV	"/dev/tpmrm0"

/* Is there a TPM 2.0 that user space can reach? */
bool tpm2_present(void);

/* Read pcrUpdateCounter. */
int tpm2_update_counter(uint32_t *counter);

/**
 * tpm2_pcr_hex - read a PCR in one bank
 * @alg: the bank's algorithm, in the kernel's words ("sha256")
 * @pcr: the PCR's index
 * @hex: the value, lower case hexadecimal; empty if the bank does not hold it
 * @size: size of @hex
 */
int tpm2_pcr_hex(const char *alg, unsigned int pcr, char *hex, size_t size);

/* Extend a PCR by an event, in all banks (TPM2_PCR_Event). */
int tpm2_pcr_event(const char *dev, unsigned int pcr, const char *event);

/**
 * tpm2_pcr_extend - extend a PCR (TPM2_PCR_Extend)
 * @dev: the device to send it through
 * @pcr: the PCR's index
 * @ids: the algorithms of the digests; a bank may be named twice, or be off
 * @count: their number, up to 8
 *
 * The digests are bytes of one value.
 */
int tpm2_pcr_extend(const char *dev, unsigned int pcr, const uint16_t *ids,
		    unsigned int count);

#endif
