/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for tests: a TPM that hashes and counts, and kernels one after the
 * other that measure into it and into a list, as IMA does.  Written from the
 * kernel's source, and apart from the library: it shares no code with it.
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
	const char *alg;	/* "sha256"; also libcrypto's name */
	EVP_MD *md;
	unsigned int size;
	bool padded;		/* the kernel lacks the algorithm */
	uint8_t pcr[MACHINE_PCRS][64];
};

struct machine {
	/* the TPM */
	unsigned int nr_banks;
	struct machine_bank bank[MACHINE_BANKS];
	uint32_t counter;
	bool tpm_fails;		/* extends fail, nothing is counted */
	const char *tpm_error;	/* the counter can't be read: errno's name */

	/*
	 * The list, as binary_runtime_measurements, or as this says.  With a stream it goes there,
	 * however long it is, and is neither kept nor counted here.
	 */
	FILE *stream;
	uint8_t *log;
	size_t len;
	unsigned int nr_entries;	/* in log */
	size_t start[MACHINE_ENTRIES + 1];	/* offset of each entry */

	bool ascii;		/* as ascii_runtime_measurements */
	bool big_endian;	/* without ima_canonical_fmt */
	unsigned int list_of;	/* bank's own list: its number from 1; 0: SHA-1 */

	/* the running kernel's accounts */
	unsigned int version;	/* of its records */
	uint64_t entries, carried, extends, failed, dropped, updates;
	uint64_t uncertain, trimmed, step;
	bool protected;			/* it reads the counter in a session */
	unsigned int files;	/* for names */
	EVP_MD *sha1, *sha256;	/* of template data, of files */
};

struct machine_field {
	const void *data;
	uint32_t len;
};

/* The first @nr_banks of sha1, sha256, sha384, sha512; @only chooses one. */
void machine_init(struct machine *m, unsigned int nr_banks, const char *only);
void machine_free(struct machine *m);

/* An entry of any template, with the fields given. */
void machine_add(struct machine *m, uint32_t pcr, const char *template,
		 const struct machine_field *field, unsigned int nr_fields);
/* An ima-ng entry of that name; of a new name; the same as a violation. */
void machine_measure_as(struct machine *m, uint32_t pcr, const char *name);
void machine_measure(struct machine *m, unsigned int count);
void machine_violation(struct machine *m);
/* An ima-buf entry. */
void machine_buffer(struct machine *m, const char *name, const void *buf,
		    size_t len);

/* The text of a record as of now, and the record as an entry. */
size_t machine_record_text(const struct machine *m, const char *event,
			   char *text, size_t size);
void machine_record(struct machine *m, const char *event);

/* A kernel starts: boot_aggregate, and its record (if @record). */
void machine_boot(struct machine *m, bool record);
/* kexec: of the list, the oldest @keep entries are carried. */
void machine_kexec(struct machine *m, unsigned int keep, bool record);

/* Somebody else extends a PCR of the TPM (not the IMA PCR). */
void machine_others(struct machine *m, unsigned int count);

/* Change the list behind the kernel's back. */
void machine_delete(struct machine *m, unsigned int index, unsigned int count);

/* What tpm2_pcrread would print; to be freed. */
char *machine_pcrread(const struct machine *m);

#endif /* TESTS_MKLOG_H */
