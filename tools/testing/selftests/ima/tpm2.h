/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sends commands to the TPM through /dev/tpmrm0 or /dev/tpm0, independently of
 * the kernel's own use of these commands. Functions that return an int return
 * 0, a negative errno, or the response code of the TPM.
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
 * @alg: the kernel's name for the algorithm of the bank, such as "sha256"
 * @pcr: index of the PCR
 * @hex: output: the value in lower-case hexadecimal, empty if the bank does not
 *	hold the PCR
 * @size: size of @hex
 */
int tpm2_pcr_hex(const char *alg, unsigned int pcr, char *hex, size_t size);

/* Extend a PCR with an event in all banks (TPM2_PCR_Event). */
int tpm2_pcr_event(const char *dev, unsigned int pcr, const char *event);

/**
 * tpm2_pcr_extend - extend a PCR (TPM2_PCR_Extend)
 * @dev: device to use
 * @pcr: index of the PCR
 * @ids: algorithms of the digests; a bank may be named twice, or be off
 * @count: number of digests, at most 8
 *
 * All bytes of the digests have the same value.
 */
int tpm2_pcr_extend(const char *dev, unsigned int pcr, const uint16_t *ids,
		    unsigned int count);

#endif
