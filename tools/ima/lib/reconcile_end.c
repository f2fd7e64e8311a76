// SPDX-License-Identifier: GPL-2.0-only
/* From the last record to a counter that was read later. */

#include "reconcile.h"

void imatally_reconcile_end(const struct imatally_mark *from, uint64_t entries,
			    uint32_t counter, struct imatally_interval *iv)
{
	const struct imatally_record *rec = &from->record;
	uint64_t banks = rec->value[IMATALLY_KEY_BANKS];
	uint64_t step = banks;
	uint32_t moved;

	iv->has_to_counter = true;
	iv->to_counter = counter;
	if (!imatally_record_has(rec, IMATALLY_KEY_COUNTER)) {
		iv->unjudged |= IMATALLY_UNJUDGED_ERROR;
		return;
	}
	iv->has_counter = true;
	moved = counter - (uint32_t)rec->value[IMATALLY_KEY_COUNTER];
	iv->counter = (int32_t)moved;

	if (!imatally_record_has(rec, IMATALLY_KEY_BANKS)) {
		iv->unjudged |= IMATALLY_UNJUDGED_KEYS;
		return;
	}
	if (imatally_record_has(rec, IMATALLY_KEY_STEP))
		step = rec->value[IMATALLY_KEY_STEP];
	else
		iv->unjudged |= IMATALLY_UNJUDGED_KEYS;
	iv->has_ima = true;
	iv->ima = (entries - from->index) * step;
	iv->counter = iv->ima + (int32_t)(moved - (uint32_t)iv->ima);
	if (iv->unjudged)
		return;
	if (step != banks) {
		iv->unjudged |= IMATALLY_UNJUDGED_STEP;
		return;
	}
	iv->has_rest = true;
	iv->rest = iv->counter - iv->ima;
}
