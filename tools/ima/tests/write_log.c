// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write the list and PCR values of a machine to files, for comparison with
 * other programs: mklog DIR BANKS [ENTRIES LIST [EVERY]], where BANKS is the
 * number of banks (sha1, sha256, sha384, sha512).  Without ENTRIES, the list is
 * short and has every template that evmctl supports.  With it, it repeats the
 * entries of files in LIST, another measurement list, with different digests,
 * and has a record after every EVERY entries, or none.
 *
 *	DIR/log			the measurement list
 *	DIR/pcrread		PCR values in the format of tpm2_pcrread
 *	DIR/evmctl-ALG		a bank in the format of evmctl
 *	DIR/next, DIR/pcrread.next	with ENTRIES: another entry, and the
 *					values after it
 */

#include <stdlib.h>
#include <string.h>

#include "imatally.h"
#include "mklog.h"

static void write_bank(const char *dir, const struct machine_bank *bank)
{
	char name[32];
	unsigned int pcr, i;
	FILE *file;

	snprintf(name, sizeof(name), "evmctl-%s", bank->alg);
	file = machine_create(dir, name);
	for (pcr = 0; pcr < MACHINE_PCRS; pcr++) {
		fprintf(file, "PCR-%2.2u:", pcr);
		for (i = 0; i < bank->size; i++)
			fprintf(file, " %2.2X", bank->pcr[pcr][i]);
		fprintf(file, "\n");
	}
	machine_finish(file);
}

static void write_pcrread(const char *dir, const char *name,
			  const struct machine *m)
{
	FILE *file = machine_create(dir, name);
	char *text = machine_pcrread(m);

	fputs(text, file);
	free(text);
	machine_finish(file);
}

static void write_values(const char *dir, const struct machine *m)
{
	unsigned int i;

	write_pcrread(dir, "pcrread", m);
	for (i = 0; i < m->nr_banks; i++)
		write_bank(dir, &m->bank[i]);
}

/* Every template that evmctl supports, violations, records and a kexec. */
static void write_short(struct machine *m, const char *dir)
{
	static const struct machine_field fields[] = {
		{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
		{ "/usr/bin/env", 13 },
		{ "\3\2\4signature", 12 },
	};
	FILE *file = machine_create(dir, "log");

	machine_boot(m, true);
	machine_add(m, 10, "ima-ng", fields, 2);
	machine_add(m, 10, "ima-sig", fields, 3);
	machine_violation(m);
	machine_measure(m, 20);
	machine_record(m, "kexec_load");
	machine_kexec(m, m->nr_entries, true);
	machine_measure(m, 5);
	fwrite(m->log, 1, m->len, file);
	machine_finish(file);
	write_values(dir, m);
}

/* A list whose entries are repeated */
struct model {
	const char *path;
	FILE *file;
	struct imatally_log *log;
	uint64_t taken;		/* in this repetition */
};

static void open_model(struct model *model, const char *path)
{
	model->path = path;
	model->file = fopen(path, "rb");
	if (!model->file) {
		perror(path);
		exit(1);
	}
	model->log = imatally_log_open_file(model->file);
	if (!model->log)
		exit(1);
}

static void close_model(struct model *model)
{
	imatally_log_close(model->log);
	fclose(model->file);
}

static void next_of_model(struct model *model, struct imatally_entry *entry)
{
	struct imatally_error err;
	int got;

	while ((got = imatally_log_next(model->log, entry, &err)) >= 0) {
		if (!got && !model->taken)
			break;
		if (!got) {
			close_model(model);
			open_model(model, model->path);
			model->taken = 0;
			continue;
		}
		/* critical data and keys should not be repeated */
		if (!imatally_entry_field(entry, "d-ng") ||
		    imatally_entry_field(entry, "buf") ||
		    imatally_entry_is_violation(entry) ||
		    imatally_entry_is_boot_aggregate(entry))
			continue;
		model->taken++;
		return;
	}
	fprintf(stderr, "mklog: %s: %s\n", model->path,
		got ? err.text : "no entry of a file in it");
	exit(1);
}

/*
 * Measure a file like the next one of the model, with a digest ending in
 * @number.
 */
static void measure_like(struct machine *m, struct model *model,
			 uint64_t number)
{
	struct machine_field field[IMATALLY_MAX_FIELDS];
	char template[256] = { 0 }, digest[256];
	struct imatally_entry entry;
	unsigned int i;

	next_of_model(model, &entry);
	memcpy(template, entry.template_name, entry.template_name_len);
	for (i = 0; i < entry.nr_fields; i++) {
		field[i].data = entry.fields[i].data;
		field[i].len = entry.fields[i].len;
		if (strcmp(entry.fields[i].id, "d-ng") ||
		    field[i].len < sizeof(number) ||
		    field[i].len > sizeof(digest))
			continue;
		memcpy(digest, field[i].data, field[i].len);
		memcpy(digest + field[i].len - sizeof(number), &number,
		       sizeof(number));
		field[i].data = digest;
	}
	machine_add(m, entry.pcr, template, field, entry.nr_fields);
}

static void write_long(struct machine *m, const char *dir, uint64_t entries,
		       const char *list, uint64_t every)
{
	struct model model = { 0 };

	open_model(&model, list);
	m->stream = machine_create(dir, "log");
	machine_boot(m, every);
	while (m->entries < entries) {
		if (every && m->entries % every == 0)
			machine_record(m, "request");
		else
			measure_like(m, &model, m->entries);
	}
	machine_finish(m->stream);
	write_values(dir, m);

	m->stream = machine_create(dir, "next");
	measure_like(m, &model, entries);
	machine_finish(m->stream);
	write_pcrread(dir, "pcrread.next", m);
	close_model(&model);
}

int main(int argc, char *argv[])
{
	struct machine m;

	if (argc != 3 && argc != 5 && argc != 6) {
		fprintf(stderr, "Usage: mklog DIR BANKS [ENTRIES LIST [EVERY]]\n");
		return 2;
	}
	machine_init(&m, atoi(argv[2]), NULL);
	if (argc == 3)
		write_short(&m, argv[1]);
	else
		write_long(&m, argv[1], strtoull(argv[3], NULL, 10), argv[4],
			   argc == 6 ? strtoull(argv[5], NULL, 10) : 0);
	machine_free(&m);
	return 0;
}
