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

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#define TPM2_ALG_SHA1	0x0004
#define TPM2_ALG_SHA256	0x000b
#define TPM2_ALG_SHA384	0x000c
#define TPM2_ALG_SHA512	0x000d

#define TPM2_CC_PCR_EVENT	0x013c
#define TPM2_CC_PCR_READ	0x017e
#define TPM2_CC_PCR_EXTEND	0x0182

#define TPM_DEV		"/dev/tpm0"
#define TPMRM_DEV	"/dev/tpmrm0"

#define TPM2_HEADER_SIZE	10

/* A hash algorithm: the kernel's name for it, and the size of a digest */
struct tpm2_alg {
	const char *name;
	uint16_t id;
	uint8_t size;
};

#define TPM2_NR_ALGS	8
extern const struct tpm2_alg tpm2_algs[TPM2_NR_ALGS];

/* Return the algorithm with this ID, or NULL. */
const struct tpm2_alg *tpm2_find_alg(uint16_t id);

/* A command or a response */
struct tpm2_buffer {
	size_t len;
	uint8_t data[4096];
};

/* Begin a command without handles. */
void tpm2_begin(struct tpm2_buffer *cmd, uint32_t code);

/* Begin a command with @count handles, each of which has an empty password. */
void tpm2_begin_auth(struct tpm2_buffer *cmd, uint32_t code,
		     const uint32_t *handles, unsigned int count);

/* Append a number of @size bytes. */
void tpm2_put(struct tpm2_buffer *cmd, uint32_t value, unsigned int size);

/* Append @size bytes that are all the same. */
void tpm2_put_filler(struct tpm2_buffer *cmd, unsigned int size);

/* Return the number of @size bytes at @at. Bytes that were not sent are 0. */
uint32_t tpm2_get(const struct tpm2_buffer *rsp, size_t at, unsigned int size);

/* Send a command to an open device. */
int tpm2_transmit(int fd, struct tpm2_buffer *cmd, struct tpm2_buffer *rsp);

/* Read pcrUpdateCounter from an open device. */
int tpm2_read_counter(int fd, uint32_t *counter);

/* Is there a TPM 2.0 that user space can reach? */
bool tpm2_present(void);

/* Read pcrUpdateCounter. */
int tpm2_update_counter(uint32_t *counter);

/**
 * tpm2_pcr_hex - read a PCR in one bank
 * @name: the kernel's name for the algorithm of the bank, such as "sha256"
 * @pcr: index of the PCR
 * @hex: output: the value in lower-case hexadecimal, empty if the bank does not
 *	hold the PCR
 * @size: size of @hex
 */
int tpm2_pcr_hex(const char *name, unsigned int pcr, char *hex, size_t size);

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
