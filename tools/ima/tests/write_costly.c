// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write a long list that consists of what costs a verifier most: write_costly
 * DIR KIND NUMBER, with NUMBER entries or somewhat more.
 *
 *	DIR/log		the list
 *	DIR/pcrread	PCR values in the format of tpm2_pcrread
 *	DIR/copy	with KIND "lost": the same list with the entries that are
 *			missing from DIR/log
 */

#include <stdlib.h>
#include <string.h>

#include "mklog.h"

/* An interval for each entry */
static void add_record(struct machine *m, FILE *copy)
{
	(void)copy;
	machine_record(m, "request");
}

/* A finding for each entry, and more severe ones when no more are kept */
static void add_finding(struct machine *m, FILE *copy)
{
	static unsigned int nr;

	(void)copy;
	nr++;
	if (nr < 2000)
		machine_others(m, 1);
	else if (nr < 4000)
		m->unread++;
	else
		m->dropped++;
	machine_record(m, "request");
}

static void add_violation(struct machine *m, FILE *copy)
{
	(void)copy;
	machine_violation(m);
}

/* A kernel for each two entries */
static void add_kernel(struct machine *m, FILE *copy)
{
	(void)copy;
	m->carried = m->entries;
	m->extends = 0;
	m->updates = 0;
	machine_boot(m, true);
}

/* Records that claim a kernel each, without its boot_aggregate */
static void add_claim(struct machine *m, FILE *copy)
{
	(void)copy;
	m->carried = m->entries;
	m->extends = 0;
	m->updates = 0;
	machine_record(m, "request");
}

static void add_name(struct machine *m, FILE *copy)
{
	(void)copy;
	machine_measure_as(m, 10, "boot_aggregate");
}

/* Have @add write to the list, and to the copy. */
static void write_both(struct machine *m, FILE *copy, const char *what,
		       void (*add)(struct machine *m, const char *what))
{
	FILE *log = m->stream;
	char *text = NULL;
	size_t len;

	m->stream = open_memstream(&text, &len);
	add(m, what);
	machine_finish(m->stream);
	m->stream = log;
	fwrite(text, 1, len, log);
	fwrite(text, 1, len, copy);
	free(text);
}

static void boot(struct machine *m, const char *what)
{
	(void)what;
	machine_boot(m, true);
}

/* A gap before each record, that the copy fills */
static void add_lost(struct machine *m, FILE *copy)
{
	FILE *log = m->stream;

	m->stream = copy;
	machine_measure(m, 1);
	m->stream = log;
	write_both(m, copy, "request", machine_record);
}

/* Failed extends, to be searched for */
static void add_failed(struct machine *m, FILE *copy)
{
	static unsigned int nr;

	(void)copy;
	if (++nr % 64 == 0) {
		machine_record(m, "request");
		return;
	}
	m->tpm_fails = nr % 16 == 0;
	machine_measure(m, 1);
	m->tpm_fails = false;
}

/* The template digest is not that of the entry's data. */
static void add_altered(struct machine *m, FILE *copy)
{
	FILE *log = m->stream;
	char *text = NULL;
	size_t len;

	(void)copy;
	m->stream = open_memstream(&text, &len);
	machine_measure(m, 1);
	machine_finish(m->stream);
	m->stream = log;
	text[4] ^= 1;
	fwrite(text, 1, len, log);
	free(text);
}

/*
 * Records in PCR 11 that set PCR 10 back, so that it has its last value again and
 * again
 */
static void add_match(struct machine *m, FILE *copy)
{
	static uint8_t digest[40] = "sha256:", before[2][64];
	static char text[2048];
	struct machine_field field[] = {
		{ digest, sizeof(digest) }, { "pcr_counter", 12 }, { text, 0 },
	};
	unsigned int i;

	(void)copy;
	for (i = 0; i < m->nr_banks; i++)
		memcpy(text[0] ? m->bank[i].pcr[10] : before[i],
		       text[0] ? before[i] : m->bank[i].pcr[10], 64);
	if (!text[0])
		machine_record_text(m, "request", text, sizeof(text));
	field[2].len = strlen(text);
	machine_add(m, 11, "ima-buf", field, 3);
	machine_measure_as(m, 10, "/bin/again");
}

static const struct {
	const char *name;
	void (*add)(struct machine *m, FILE *copy);
	unsigned int entries;	/* in the list, each time */
} kinds[] = {
	{ "records", add_record, 1 },	  { "findings", add_finding, 1 },
	{ "violations", add_violation, 1 }, { "kernels", add_kernel, 2 },
	{ "claims", add_claim, 1 },	  { "names", add_name, 1 },
	{ "lost", add_lost, 1 },	  { "failed", add_failed, 1 },
	{ "altered", add_altered, 1 },	  { "matches", add_match, 2 },
};

int main(int argc, char *argv[])
{
	unsigned long nr, i, kind = 0;
	struct machine m;
	FILE *copy, *log;
	char *text;

	while (argc == 4 && kind < sizeof(kinds) / sizeof(*kinds) &&
	       strcmp(kinds[kind].name, argv[2]))
		kind++;
	if (argc != 4 || kind == sizeof(kinds) / sizeof(*kinds)) {
		fprintf(stderr, "Usage: write_costly DIR KIND NUMBER\n");
		return 2;
	}
	nr = strtoul(argv[3], NULL, 10) / kinds[kind].entries;
	machine_init(&m, 2, NULL);
	log = machine_create(argv[1], "log");
	copy = machine_create(argv[1], "copy");
	m.stream = log;
	write_both(&m, copy, NULL, boot);
	for (i = 0; i < nr; i++)
		kinds[kind].add(&m, copy);
	machine_finish(log);
	machine_finish(copy);
	m.stream = machine_create(argv[1], "pcrread");
	text = machine_pcrread(&m);
	fputs(text, m.stream);
	free(text);
	machine_finish(m.stream);
	machine_free(&m);
	return 0;
}
