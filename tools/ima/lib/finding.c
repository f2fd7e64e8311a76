// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kinds of findings: their names, which are part of the interface and do
 * not change, and their severities.  CONTRIBUTING.md, "Another finding", lists
 * what else has to be changed for a new kind.
 */

#include <string.h>

#include "private.h"

static const struct {
	char name[32];
	/* by default; see IMATALLY_BANK_ADRIFT in verify.c */
	enum imatally_severity severity;
} kinds[] = {
	[IMATALLY_ALTERED] = { "altered", IMATALLY_FAULT },
	[IMATALLY_INSERTED] = { "inserted", IMATALLY_FAULT },
	[IMATALLY_ACCOUNTS] = { "accounts_disagree", IMATALLY_FAULT },
	[IMATALLY_DIFFERS_AT_RECORD] = { "differs_at_record", IMATALLY_FAULT },
	[IMATALLY_DIFFERS_FAILED] = { "differs_despite_failed", IMATALLY_FAULT },
	[IMATALLY_DIFFERS_AT_END] = { "differs_at_end", IMATALLY_FAULT },
	[IMATALLY_LOST] = { "lost", IMATALLY_LOSS },
	[IMATALLY_DROPPED] = { "dropped", IMATALLY_LOSS },
	[IMATALLY_FAILED] = { "failed", IMATALLY_LOSS },
	[IMATALLY_FAILED_ENTRY] = { "failed_entry", IMATALLY_LOSS },
	[IMATALLY_RESET] = { "tpm_reset", IMATALLY_LOSS },
	[IMATALLY_REST] = { "others_or_unexplained", IMATALLY_FINDING },
	[IMATALLY_UNEXPLAINED] = { "unexplained", IMATALLY_FINDING },
	[IMATALLY_UNJUDGED] = { "unjudged", IMATALLY_FINDING },
	[IMATALLY_NOT_SEARCHED] = { "failed_not_searched", IMATALLY_FINDING },
	[IMATALLY_UNPROTECTED] = { "unprotected_read", IMATALLY_FINDING },
	[IMATALLY_NEWER_RECORD] = { "newer_record", IMATALLY_FINDING },
	[IMATALLY_FOREIGN] = { "foreign_record", IMATALLY_NOTE },
	[IMATALLY_BANK_UNSUPPORTED] = { "bank_unsupported", IMATALLY_FINDING },
	[IMATALLY_BANK_ADRIFT] = { "bank_adrift", IMATALLY_FINDING },
	[IMATALLY_PCR_NOT_GIVEN] = { "pcr_not_given", IMATALLY_FINDING },
	[IMATALLY_OTHERS] = { "others", IMATALLY_NOTE },
	[IMATALLY_TAIL] = { "tail", IMATALLY_NOTE },
	[IMATALLY_PADDED] = { "padded_sha1", IMATALLY_NOTE },
	[IMATALLY_UNKNOWN_KEY] = { "unknown_key", IMATALLY_NOTE },
	[IMATALLY_UNKNOWN_EVENT] = { "unknown_event", IMATALLY_NOTE },
	[IMATALLY_KEY_VANISHED] = { "key_vanished", IMATALLY_FAULT },
	[IMATALLY_NO_START] = { "no_boot_aggregate", IMATALLY_FAULT },
	[IMATALLY_NOT_ARRIVED] = { "not_arrived", IMATALLY_LOSS },
	[IMATALLY_UNREAD] = { "unread", IMATALLY_FINDING },
	[IMATALLY_RECORD_ELSEWHERE] = { "record_elsewhere", IMATALLY_FINDING },
	[IMATALLY_NOT_PROVED] = { "inserted_not_proved", IMATALLY_FINDING },
	[IMATALLY_STILL_TAIL] = { "still_not_covered", IMATALLY_FINDING },
	[IMATALLY_STANDS_STILL] = { "pcr_stands_still", IMATALLY_FINDING },
	[IMATALLY_CUT_AT_KEXEC] = { "cut_at_kexec", IMATALLY_FINDING },
	[IMATALLY_FEWER_THAN_EVENT] = { "fewer_than_event", IMATALLY_FINDING },
	[IMATALLY_STARTED_ANEW] = { "tpm_started_anew", IMATALLY_FINDING },
	[IMATALLY_NAMED_ONLY] = { "named_boot_aggregate", IMATALLY_NOTE },
	[IMATALLY_UNKNOWN_TEMPLATE] = { "unknown_template", IMATALLY_NOTE },
	[IMATALLY_TWO_MOMENTS] = { "two_moments", IMATALLY_NOTE },
	[IMATALLY_UNREADABLE_RECORD] = { "unreadable_record", IMATALLY_FINDING },
	[IMATALLY_BOOT_AGGREGATE] = { "boot_aggregate_differs", IMATALLY_FINDING },
	[IMATALLY_BOOT_NOT_COMPARED] = { "boot_aggregate_not_compared", IMATALLY_NOTE },
	[IMATALLY_BOOT_PCR_DIFFERS] = { "boot_pcr_differs", IMATALLY_FAULT },
	[IMATALLY_BOOT_PCR_MISSING] = { "boot_pcr_missing", IMATALLY_FAULT },
	[IMATALLY_EARLIER_GONE] = { "earlier_entry_missing", IMATALLY_FINDING },
	[IMATALLY_RESETTABLE] = { "resettable_pcr", IMATALLY_FINDING },
	[IMATALLY_RECORDS_NOT_PROVED] = { "records_not_proved", IMATALLY_FINDING },
};

const char *imatally_kind_name(enum imatally_kind kind)
{
	if (kind >= ARRAY_SIZE(kinds) || !kinds[kind].name[0])
		return NULL;
	return kinds[kind].name;
}

enum imatally_severity imatally_kind_severity(enum imatally_kind kind)
{
	return kinds[kind].severity;
}

bool imatally_kind_from_name(const char *name, enum imatally_kind *kind)
{
	size_t i;

	for (i = IMATALLY_ALTERED; i < ARRAY_SIZE(kinds); i++) {
		if (!*name || strcmp(name, kinds[i].name))
			continue;
		*kind = i;
		return true;
	}
	return false;
}
