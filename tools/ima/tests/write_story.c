// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write the list and PCR values of a machine with everything that a report can
 * show: write_story LIST PCRREAD.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mklog.h"

static void live(struct machine *m)
{
	machine_boot(m, true);
	machine_measure(m, 60);
	machine_record(m, "policy");
	machine_measure(m, 40);
	machine_others(m, 6);
	m->updates += 6 * m->nr_banks;
	machine_record(m, "request");
	machine_measure(m, 30);
	m->dropped += 3;
	machine_record(m, "kexec_load");
	machine_measure(m, 45);
	machine_record(m, "kexec_execute");
	/* the list was cut before the last 20 files and the record */
	machine_kexec(m, m->nr_entries - 21, true);
	machine_measure(m, 35);
	/* firmware updates PCRs */
	m->counter += 4;
	m->restarts++;
	machine_record(m, "resume");
	machine_measure(m, 50);
	/* without the kernel */
	machine_others(m, 4);
	machine_record(m, "request");
	machine_measure(m, 20);
	m->tpm_fails = true;
	machine_measure(m, 2);
	m->tpm_fails = false;
	machine_measure(m, 20);
	machine_record(m, "request");
	m->tpm_error = "ETIME";
	machine_measure(m, 12);
	machine_record(m, "request");
	m->tpm_error = NULL;
	machine_measure(m, 25);
	machine_record(m, "kexec_load");
	machine_measure(m, 6);
	machine_record(m, "kexec_execute");
	machine_kexec(m, m->nr_entries, true);
	machine_measure(m, 70);
	machine_record(m, "request");
	machine_measure(m, 15);
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(data, 1, len, file) != len || fclose(file)) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char *argv[])
{
	struct machine m;
	char *text;

	if (argc != 3) {
		fprintf(stderr, "Usage: write_story LOG PCRREAD\n");
		return 2;
	}
	machine_init(&m, 2, NULL);
	live(&m);
	text = machine_pcrread(&m);
	write_file(argv[1], m.log, m.len);
	write_file(argv[2], text, strlen(text));
	free(text);
	machine_free(&m);
	return 0;
}
