/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for tests: a TPM that hashes and counts, and a succession of
 * kernels that extend it and append to a list like IMA.  It was written from
 * the kernel's source and shares no code with the library.
 */
#ifndef TESTS_MKLOG_H
#define TESTS_MKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>

#define MACHINE_BANKS 5
#define MACHINE_PCRS 24
#define MACHINE_ENTRIES 2048

struct machine_bank {
	const char *alg;	/* "sha256"; also the name in libcrypto */
	EVP_MD *md;
	unsigned int size;
	bool padded;		/* the kernel lacks the algorithm */
	uint8_t before[64];	/* PCR 10 when the kernel started */
	uint8_t pcr[MACHINE_PCRS][64];
};

struct machine {
	/* the TPM */
	unsigned int nr_banks;
	struct machine_bank bank[MACHINE_BANKS];
	uint32_t counter;
	uint64_t resets, restarts;	/* resetCount, restartCount */
	bool tpm_fails;		/* extends fail and are not counted */
	const char *tpm_error;	/* name of an errno: the counter cannot be read */

	/*
	 * The list in the format of binary_runtime_measurements, or as selected
	 * below.  With a stream, entries of any number are written to it, and
	 * are neither kept nor counted here.
	 */
	FILE *stream;
	uint8_t *log;
	size_t len;
	unsigned int nr_entries;	/* in log */
	size_t start[MACHINE_ENTRIES + 1];	/* offset of each entry */

	bool ascii;		/* as ascii_runtime_measurements */
	bool big_endian;	/* without ima_canonical_fmt */
	unsigned int list_of;	/* list of a bank, from 1; 0 for SHA-1 */

	/* counts of the running kernel */
	uint64_t entries, carried, extends, failed, dropped, updates;
	uint64_t uncertain, trimmed, unread, step;
	bool without_step;	/* it could not be measured */
	bool protected;			/* the counter is read in a session */
	unsigned int files;	/* for names */
	EVP_MD *sha1, *sha256;	/* of template data, of files */
};

struct machine_field {
	const void *data;
	uint32_t len;
};

/* The first @nr_banks of sha1, sha256, sha384, sha512, or only bank @only. */
void machine_init(struct machine *m, unsigned int nr_banks, const char *only);
void machine_free(struct machine *m);

/* Add an entry of any template. */
void machine_add(struct machine *m, uint32_t pcr, const char *template,
		 const struct machine_field *field, unsigned int nr_fields);
/* Add an ima-ng entry: with that name, with new names, as a violation. */
void machine_measure_as(struct machine *m, uint32_t pcr, const char *name);
void machine_measure(struct machine *m, unsigned int count);
void machine_violation(struct machine *m);
/* Add an ima-buf entry. */
void machine_buffer(struct machine *m, const char *name, const void *buf,
		    size_t len);

/* Get the text of a record; add the record. */
size_t machine_record_text(const struct machine *m, const char *event,
			   char *text, size_t size);
void machine_record(struct machine *m, const char *event);

/* Start a kernel: add boot_aggregate and, with @record, its boot record. */
void machine_boot(struct machine *m, bool record);
/* kexec with only the oldest @keep entries of the list. */
void machine_kexec(struct machine *m, unsigned int keep, bool record);

/* Extend a PCR without an entry, as firmware or user space does. */
void machine_extend(struct machine *m, uint32_t pcr);
/* Extend one that is neither IMA's nor for what boots. */
void machine_others(struct machine *m, unsigned int count);

/* Change the list without the kernel. */
void machine_delete(struct machine *m, unsigned int index, unsigned int count);

/* For programs: open a file to write to it, and close it, or exit with a message. */
FILE *machine_create(const char *dir, const char *name);
void machine_finish(FILE *file);

/* The output of tpm2_pcrread; to be freed. */
char *machine_pcrread(const struct machine *m);

#endif /* TESTS_MKLOG_H */
