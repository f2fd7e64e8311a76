// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is two lines, the texts of two records.  A valid one must be the
 * same after formatting and parsing it, and any two records can be compared.
 */

#include <inttypes.h>

#include "../lib/reconcile.h"
#include "limit.h"

static void append_bank(char *text, size_t size,
			const struct imatally_bank_value *bank)
{
	char digits[2 * IMATALLY_MAX_DIGEST + 1];
	size_t len = strlen(text);

	snprintf(text + len, size - len, "0x%04x:%s", bank->alg,
		 imatally_hex_from_bytes(digits, bank->value, bank->len));
}

static void append_pcr(char *text, size_t size,
		       const struct imatally_pcr_values *values)
{
	size_t len = strlen(text);
	unsigned int i;

	snprintf(text + len, size - len, "%u", values->index);
	for (i = 0; i < values->nr; i++) {
		strcat(text, i ? "," : ":");
		append_bank(text, size, &values->bank[i]);
	}
}

static void write_record(const struct imatally_record *rec, char *text,
			 size_t size)
{
	unsigned int key;

	*text = '\0';
	for (key = 0; key < IMATALLY_NR_KEYS; key++) {
		size_t len = strlen(text);

		if (!imatally_record_has(rec, key))
			continue;
		len += snprintf(text + len, size - len, "%s=",
				imatally_key_name(key));
		if (key == IMATALLY_KEY_EVENT) {
			snprintf(text + len, size - len, "%s",
				 rec->unknown_event[0] ? rec->unknown_event :
				 imatally_event_name(rec->event));
		} else if (key == IMATALLY_KEY_ERROR) {
			snprintf(text + len, size - len, "%s", rec->error);
		} else if (key == IMATALLY_KEY_BEFORE) {
			append_pcr(text, size, &rec->before);
		} else if (key == IMATALLY_KEY_PCR) {
			append_pcr(text, size, &rec->pcr);
		} else {
			snprintf(text + len, size - len, "%" PRIu64,
				 rec->value[key]);
		}
		strcat(text, ";");
	}
	if (rec->unknown_key[0])
		sprintf(text + strlen(text), "%s=;", rec->unknown_key);
}

static bool parse(struct imatally_record *rec, const char *text, size_t len)
{
	struct imatally_record again;
	struct imatally_error err;
	char written[8192];

	if (imatally_record_parse(rec, text, len, &err)) {
		expect_message(&err);
		EXPECT(err.status == IMATALLY_ERR_MALFORMED);
		EXPECT(!err.in_log && err.offset <= len);
		return false;
	}
	write_record(rec, written, sizeof(written));
	EXPECT(!imatally_record_parse(&again, written, strlen(written), &err));
	EXPECT(!memcmp(rec, &again, sizeof(again)));
	return true;
}

/* As consecutive records, of the same kernel and of two, at any place. */
static void reckon(const struct imatally_mark *from, struct imatally_mark *to)
{
	static const uint64_t places[] = { 1, 2, 1000, 1ULL << 40 };
	struct imatally_interval iv;
	struct imatally_span span = { .from = from, .to = to };
	unsigned int place, match;

	for (place = 0; place < ARRAY_SIZE(places); place++) {
		for (match = 0; match <= IMATALLY_MATCH_DIFFERENT; match++) {
			to->index = from->index + places[place];
			to->kernel = from->kernel + match % 2;
			span.kernel_start = to->kernel > 1 ? to->index - 1 : 0;
			span.replay = match;
			imatally_reconcile(&span, &iv);
			EXPECT(iv.present == places[place]);
			EXPECT(!iv.lost || !iv.inserted ||
			       to->kernel > from->kernel);
		}
	}
	span.from = NULL;
	imatally_reconcile(&span, &iv);
	imatally_reconcile_end(to, to->index + 1,
			       to->record.value[IMATALLY_KEY_COUNTER] + 1, &iv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *newline = size ? memchr(text, '\n', size) : NULL;
	size_t first = newline ? (size_t)(newline - text) : size;
	struct imatally_mark from = { .index = 1, .kernel = 1 };
	struct imatally_mark to = { .index = 2, .kernel = 1 };

	limit_begin(size, 0);
	if (parse(&from.record, text, first) && newline &&
	    parse(&to.record, newline + 1, size - first - 1))
		reckon(&from, &to);
	limit_end();
	return 0;
}
