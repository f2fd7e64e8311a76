// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux since 6.16 measures critical data "ima_kexec" at kexec load and execute,
 * if the policy asks for it: entries named kexec_load and kexec_execute, with the
 * number of entries in the list.  kexec_execute is the last entry of its kernel,
 * so it is missing if the list was cut to fit its segment.
 *
 * These events have no PCR value at which the replay could go on, so they change
 * no verdict.  They may explain a mismatch.
 */

#include <string.h>

#include "stock.h"

static bool begins_with(const struct imatally_field *field, const char *text)
{
	size_t len = strlen(text);

	return field->len >= len && !memcmp(field->data, text, len);
}

static bool is_event(const struct imatally_entry *entry)
{
	return entry->nr_fields == 3 && !imatally_entry_is_violation(entry) &&
	       begins_with(&entry->fields[2], "kexec_segment_size=");
}

/* The number of entries before this one, or 0 if the event lacks it. */
static uint64_t get_count(const struct imatally_field *field)
{
	static const char key[] = ";ima_runtime_measurements_count=";
	const char *text = (const char *)field->data;
	const char *at = memmem(text, field->len, key, sizeof(key) - 1);
	uint64_t count = 0;

	if (!at)
		return 0;
	for (at += sizeof(key) - 1; at < text + field->len; at++) {
		if (*at < '0' || *at > '9' || count > UINT32_MAX)
			break;
		count = 10 * count + (*at - '0');
	}
	return count;
}

static void keep(struct imatally_stock *stock, enum imatally_kind kind,
		 uint64_t index, uint64_t count)
{
	struct imatally_finding *finding = &stock->finding[stock->nr_findings];

	if (stock->nr_findings == ARRAY_SIZE(stock->finding))
		return;
	*finding = (struct imatally_finding){
		.kind = kind, .count = count,
		.to = { .place = IMATALLY_AT_ENTRY, .index = index },
	};
	stock->nr_findings++;
}

void imatally_stock_entry(struct imatally_stock *stock,
			  const struct imatally_entry *entry)
{
	if (imatally_entry_is_boot_aggregate(entry)) {
		if (stock->writes_events && !stock->executed)
			keep(stock, IMATALLY_CUT_AT_KEXEC, entry->index, 0);
		stock->writes_events = false;
		stock->executed = false;
		stock->missing = 0;
	} else if (is_event(entry)) {
		uint64_t count = get_count(&entry->fields[2]);

		stock->writes_events = true;
		stock->executed = imatally_entry_is_named(entry,
							  "kexec_execute");
		if (count <= entry->index + stock->missing)
			return;
		count -= entry->index + stock->missing;
		stock->missing += count;
		keep(stock, IMATALLY_FEWER_THAN_EVENT, entry->index, count);
	}
}
