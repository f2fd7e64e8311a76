/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talks to the TPM itself through /dev/tpmrm0, without the kernel's own use of
 * these commands.
 */
#ifndef TPM2_PCR_READ_H
#define TPM2_PCR_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is there a TPM 2.0 that user space can reach? */
bool tpm2_present(void);

/**
 * tpm2_update_counter - read pcrUpdateCounter
 * @counter: the result
 *
 * Return: 0, a negative errno, or the TPM's response code.
 */
int tpm2_update_counter(uint32_t *counter);

/**
 * tpm2_pcr_hex - read a PCR in one bank
 * @alg: the bank's algorithm, in the kernel's words ("sha256")
 * @pcr: the PCR's index
 * @hex: the value, lower case hexadecimal; empty if the bank does not hold it
 * @size: size of @hex
 *
 * Return: 0, a negative errno, or the TPM's response code.
 */
int tpm2_pcr_hex(const char *alg, unsigned int pcr, char *hex, size_t size);

/**
 * tpm2_pcr_event - extend a PCR by an event, in all banks (TPM2_PCR_Event)
 * @pcr: the PCR's index
 * @event: the event
 *
 * Return: 0, a negative errno, or the TPM's response code.
 */
int tpm2_pcr_event(unsigned int pcr, const char *event);

#endif
