// SPDX-License-Identifier: GPL-2.0-only
/* imatally show: print the counter records of a log. */

#include <getopt.h>
#include <inttypes.h>

#include "imatally.h"

const char cmd_show_usage[] =
"Usage: imatally show LOG\n"
"         Print every counter record in LOG, a binary measurement list\n"
"         (binary_runtime_measurements; \"-\" is standard input).\n";

static void show_pcr(const struct imatally_record *rec)
{
	unsigned int i, j;

	printf("  %-17s %u\n", "pcr", rec->pcr);
	for (i = 0; i < rec->nr_banks; i++) {
		const struct imatally_bank_value *bank = &rec->bank[i];
		const char *name = imatally_alg_name(bank->alg);

		if (name)
			printf("    %-15s ", name);
		else
			printf("    0x%04x%-9s ", bank->alg, "");
		for (j = 0; j < bank->len; j++)
			printf("%02x", bank->value[j]);
		putchar('\n');
	}
}

static void show_record(const struct imatally_entry *entry,
			unsigned int kernel, const struct imatally_record *rec)
{
	int key;

	printf("entry %" PRIu64 ": %s, kernel %u\n", entry->index,
	       imatally_event_name(rec->event), kernel);
	for (key = 0; key < IMATALLY_NR_KEYS; key++) {
		if (!imatally_record_has(rec, key))
			continue;
		switch (key) {
		case IMATALLY_KEY_EVENT:
			break;
		case IMATALLY_KEY_ERROR:
			printf("  %-17s %s\n", imatally_key_name(key),
			       rec->error);
			break;
		case IMATALLY_KEY_PCR:
			show_pcr(rec);
			break;
		default:
			printf("  %-17s %" PRIu64 "\n", imatally_key_name(key),
			       rec->value[key]);
		}
	}
	if (rec->unknown_key[0])
		printf("  and keys that this imatally does not know, from \"%s\" on\n",
		       rec->unknown_key);
}

/* One entry; -1 if it is a malformed record. */
static int show_entry(const struct imatally_entry *entry, unsigned int *kernel,
		      uint64_t *records, struct imatally_error *err)
{
	struct imatally_record rec;
	struct imatally_error why;
	const char *text;
	bool foreign;
	size_t len;

	if (imatally_entry_is_boot_aggregate(entry))
		++*kernel;
	text = imatally_entry_record(entry, &len, &foreign);
	if (foreign)
		printf("entry %" PRIu64 ": named " IMATALLY_RECORD_NAME
		       ", but not a record\n", entry->index);
	if (!text)
		return 0;
	if (imatally_record_parse(&rec, text, len, &why)) {
		*err = why;
		err->in_log = true;
		err->entry = entry->index;
		err->offset = entry->data_offset + why.offset +
			      ((const uint8_t *)text - entry->data);
		return -1;
	}
	show_record(entry, *kernel, &rec);
	++*records;
	return 0;
}

static int show(const char *path, FILE *file)
{
	struct imatally_log *log = imatally_log_open_file(file);
	struct imatally_entry entry;
	struct imatally_error err;
	unsigned int kernel = 0;
	uint64_t entries = 0, records = 0;
	int got;

	if (!log) {
		complain("out of memory");
		return EXIT_ERROR;
	}
	while ((got = imatally_log_next(log, &entry, &err)) > 0) {
		entries++;
		if (show_entry(&entry, &kernel, &records, &err)) {
			got = -1;
			break;
		}
	}
	imatally_log_close(log);
	if (got < 0) {
		/* what was fine so far comes first */
		fflush(stdout);
		complain_about(input_name(path), &err);
		return EXIT_ERROR;
	}
	printf("%" PRIu64 " counter record%s in %" PRIu64 " entr%s\n", records,
	       records == 1 ? "" : "s", entries, entries == 1 ? "y" : "ies");
	return 0;
}

int cmd_show(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	FILE *file;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(cmd_show_usage, stdout);
			return 0;
		}
		fputs(cmd_show_usage, stderr);
		return EXIT_ERROR;
	}
	if (argc - optind != 1) {
		complain("show takes one log");
		fputs(cmd_show_usage, stderr);
		return EXIT_ERROR;
	}
	file = input_open(argv[optind]);
	if (!file)
		return EXIT_ERROR;
	status = show(argv[optind], file);
	input_close(file);
	return status;
}
