// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write a machine's log and PCR values to files, for a comparison with other
 * programs: write_log DIR BANKS, where BANKS is how many of sha1, sha256,
 * sha384 and sha512 the TPM has.
 *
 *	DIR/log			the measurement list
 *	DIR/pcrread		PCR values as tpm2_pcrread prints them
 *	DIR/evmctl-ALG		a bank as evmctl reads it
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mklog.h"

static FILE *create(const char *dir, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void write_bank(const char *dir, const struct machine_bank *bank)
{
	char name[32];
	unsigned int pcr, i;
	FILE *file;

	snprintf(name, sizeof(name), "evmctl-%s", bank->alg);
	file = create(dir, name);
	for (pcr = 0; pcr < MACHINE_PCRS; pcr++) {
		fprintf(file, "PCR-%2.2u:", pcr);
		for (i = 0; i < bank->size; i++)
			fprintf(file, " %2.2X", bank->pcr[pcr][i]);
		fprintf(file, "\n");
	}
	fclose(file);
}

/* Every template that evmctl knows, violations, records and a kexec. */
static void fill(struct machine *m)
{
	static const struct machine_field fields[] = {
		{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
		{ "/usr/bin/env", 13 },
		{ "\3\2\4signature", 12 },
	};

	machine_boot(m, true);
	machine_add(m, 10, "ima-ng", fields, 2);
	machine_add(m, 10, "ima-sig", fields, 3);
	machine_violation(m);
	machine_measure(m, 20);
	machine_record(m, "kexec_load");
	machine_kexec(m, m->nr_entries, true);
	machine_measure(m, 5);
}

int main(int argc, char *argv[])
{
	struct machine m;
	unsigned int i;
	char *text;
	FILE *file;

	if (argc != 3) {
		fprintf(stderr, "Usage: write_log DIR BANKS\n");
		return 2;
	}
	machine_init(&m, atoi(argv[2]), NULL);
	fill(&m);

	file = create(argv[1], "log");
	fwrite(m.log, 1, m.len, file);
	fclose(file);
	file = create(argv[1], "pcrread");
	text = machine_pcrread(&m);
	fputs(text, file);
	free(text);
	fclose(file);
	for (i = 0; i < m.nr_banks; i++)
		write_bank(argv[1], &m.bank[i]);
	machine_free(&m);
	return 0;
}
