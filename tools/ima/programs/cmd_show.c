// SPDX-License-Identifier: GPL-2.0-only
/* imatally show: print the records in a list. */

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

const char cmd_show_usage[] =
"Usage: imatally show LIST... [--json]\n"
"         Print every record in LIST, a binary or ASCII measurement list (\"-\" is\n"
"         standard input), or in its parts in the order given.\n"
"           --json          a line for each record, see imatally-result(5)\n";

static void show_pcr(enum imatally_key key,
		     const struct imatally_pcr_values *values)
{
	char digits[2 * IMATALLY_MAX_DIGEST + 1];
	char name[IMATALLY_ALG_NAME_SIZE];
	unsigned int i;

	printf("  %-17s %u\n", imatally_key_name(key), values->index);
	for (i = 0; i < values->nr; i++) {
		const struct imatally_bank_value *bank = &values->bank[i];

		printf("    %-15s %s\n", imatally_alg_name(bank->alg, name),
		       imatally_hex_from_bytes(digits, bank->value, bank->len));
	}
}

static void show_record(const struct imatally_entry *entry, unsigned int kernel,
			const struct imatally_record *rec)
{
	int key;

	printf("entry %" PRIu64 ": %s, kernel %u\n", entry->index,
	       rec->unknown_event[0] ? rec->unknown_event :
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
		case IMATALLY_KEY_BEFORE:
			show_pcr(key, &rec->before);
			break;
		case IMATALLY_KEY_PCR:
			show_pcr(key, &rec->pcr);
			break;
		default:
			printf("  %-17s %" PRIu64 "\n", imatally_key_name(key),
			       rec->value[key]);
		}
	}
	if (rec->unknown_key[0])
		printf("  and keys that are unknown to this imatally, beginning with \"%s\"\n",
		       rec->unknown_key);
}

static json_t *banks(const struct imatally_pcr_values *values)
{
	json_t *v = json_object();
	char name[IMATALLY_ALG_NAME_SIZE];
	unsigned int i;

	for (i = 0; i < values->nr; i++) {
		const struct imatally_bank_value *bank = &values->bank[i];

		v = js_with(v, imatally_alg_name(bank->alg, name),
			    json_hex(bank->value, bank->len));
	}
	return v;
}

/* The first members of a line. */
static json_t *place(const struct imatally_entry *entry, unsigned int kernel)
{
	json_t *v = json_object();

	v = js_with(v, "entry", json_integer(entry->index));
	v = js_with(v, "offset", json_integer(entry->offset));
	return js_with(v, "kernel", json_integer(kernel));
}

static int put_record(const struct imatally_entry *entry, unsigned int kernel,
		      const struct imatally_record *rec)
{
	json_t *v = place(entry, kernel);
	int key;

	for (key = 0; key < IMATALLY_NR_KEYS; key++) {
		const char *name = imatally_key_name(key);

		if (!imatally_record_has(rec, key))
			continue;
		switch (key) {
		case IMATALLY_KEY_EVENT:
			v = js_with(v, name,
				    json_string(imatally_event_name(rec->event)));
			break;
		case IMATALLY_KEY_ERROR:
			v = js_with(v, "tpm_error", js_text(rec->error));
			break;
		case IMATALLY_KEY_BEFORE:
			v = js_with(v, name, json_integer(rec->before.index));
			v = js_with(v, "before_values", banks(&rec->before));
			break;
		case IMATALLY_KEY_PCR:
			v = js_with(v, name, json_integer(rec->pcr.index));
			v = js_with(v, "values", banks(&rec->pcr));
			break;
		default:
			v = js_with(v, name, json_integer(rec->value[key]));
		}
	}
	if (rec->unknown_key[0])
		v = js_with(v, "unknown_key", js_text(rec->unknown_key));
	if (rec->unknown_event[0])
		v = js_with(v, "unknown_event", js_text(rec->unknown_event));
	return js_put(v);
}

struct shown {
	bool json;
	bool failed;			/* after an error message */
	uint32_t pcr;			/* of the first entry: that of IMA */
	struct imatally_kernels *kernels;
	uint64_t entries, records;
};

static void show_foreign(struct shown *shown,
			 const struct imatally_entry *entry,
			 unsigned int kernel)
{
	if (!shown->json)
		printf("entry %" PRIu64 ": named " IMATALLY_RECORD_NAME
		       ", but not a record\n", entry->index);
	else if (js_put(js_with(place(entry, kernel), "foreign", json_true())))
		shown->failed = true;
}

/* Show one entry.  Returns -1 if it is a malformed record. */
static int show_entry(const struct imatally_entry *entry, struct shown *shown,
		      struct imatally_error *err)
{
	struct imatally_record rec;
	struct imatally_error why;
	const char *text;
	bool foreign;
	size_t len;

	unsigned int kernel;
	bool elsewhere;

	text = imatally_entry_record(entry, &len, &foreign);
	if (!text) {
		kernel = imatally_kernels_number(shown->kernels, entry, NULL);
		if (foreign)
			show_foreign(shown, entry, kernel);
		return 0;
	}
	elsewhere = entry->pcr != shown->pcr;
	if (imatally_record_parse(&rec, text, len, &why)) {
		/* the kernel is not to blame for what it did not extend */
		if (elsewhere) {
			show_foreign(shown, entry, 0);
			return 0;
		}
		*err = why;
		err->in_log = true;
		err->entry = entry->index;
		err->offset = imatally_entry_locate(entry, text + why.offset);
		return -1;
	}
	kernel = imatally_kernels_number(shown->kernels, entry,
					 elsewhere ? NULL : &rec);
	if (!shown->json)
		show_record(entry, kernel, &rec);
	else if (put_record(entry, kernel, &rec))
		shown->failed = true;
	shown->records++;
	return 0;
}

static void show_summary(const struct shown *shown,
			 struct imatally_layout layout)
{
	printf("%" PRIu64 " record%s in %" PRIu64 " entr%s",
	       shown->records, shown->records == 1 ? "" : "s", shown->entries,
	       shown->entries == 1 ? "y" : "ies");
	if (layout.is_ascii)
		printf(", ASCII");
	if (layout.big_endian)
		printf(", big-endian");
	if (layout.digest_len && layout.digest_len != IMATALLY_SHA1_SIZE)
		printf(", with template digests of %" PRIu32 " bits",
		       8 * layout.digest_len);
	putchar('\n');
}

static int show(const struct parts *parts, bool json)
{
	struct shown shown = { .json = json };
	struct imatally_entry entry;
	struct imatally_error err;
	int got = 0;

	while (!shown.failed &&
	       (got = imatally_log_next(parts->log, &entry, &err)) > 0) {
		if (!shown.entries++) {
			shown.pcr = entry.pcr;
			shown.kernels = imatally_kernels_new(entry.pcr);
		}
		if (!shown.kernels) {
			complain("out of memory");
			return EXIT_ERROR;
		}
		if (show_entry(&entry, &shown, &err)) {
			got = -1;
			break;
		}
	}
	imatally_kernels_free(shown.kernels);
	if (shown.failed)
		return EXIT_ERROR;
	if (got < 0) {
		/* print the records so far first */
		fflush(stdout);
		complain_about(parts_name(parts), &err);
		return EXIT_ERROR;
	}
	if (!json)
		show_summary(&shown, imatally_log_layout(parts->log));
	return 0;
}

/* Report the error in the last line. */
static int error(bool json)
{
	if (json)
		js_put(js_with(json_object(), "error", js_error()));
	return EXIT_ERROR;
}

int cmd_show(int argc, char *argv[])
{
	bool json = js_wanted(argc, argv);
	const struct option_row rows[] = { { "json", .given = &json } };
	int status, index, stdins = 0;
	struct parts parts;

	status = options_parse(argc, argv, rows, ARRAY_SIZE(rows),
			       cmd_show_usage, NULL);
	if (status)
		return status > 0 ? 0 : error(json);
	if (argc == optind) {
		complain("show takes a list, in one or more files");
		fputs(cmd_show_usage, stderr);
		return error(json);
	}
	for (index = optind; index < argc; index++)
		stdins += !strcmp(argv[index], "-");
	if (stdins > 1) {
		complain("standard input can be read only once");
		return error(json);
	}
	if (parts_open(&parts, (const char *const *)argv + optind,
		       argc - optind, false))
		return error(json);
	status = show(&parts, json);
	parts_close(&parts);
	return status ? error(json) : 0;
}
