// SPDX-License-Identifier: GPL-2.0-only
/*
 * The equations between consecutive records.  The numbers in a record are as of
 * just before its own entry, so the difference of two covers the entries from
 * the first record (inclusive) to the second (exclusive).  A kernel's counts
 * start from zero with its boot_aggregate; pcrUpdateCounter continues across
 * kexec.
 */

#include <string.h>

#include "reconcile.h"

static bool has(const struct imatally_mark *mark, enum imatally_key key)
{
	return imatally_record_has(&mark->record, key);
}

static int64_t value(const struct imatally_mark *mark, enum imatally_key key)
{
	return mark->record.value[key];
}

/* Return span->from if it is of the same kernel as span->to, otherwise NULL. */
static const struct imatally_mark *own_start(const struct imatally_span *span)
{
	const struct imatally_mark *from = span->from;

	return from && from->kernel == span->to->kernel ? from : NULL;
}

/*
 * Return whether the value is known at both ends.  It is 0 when a kernel
 * starts.
 */
static bool known(const struct imatally_span *span, enum imatally_key key)
{
	const struct imatally_mark *from = own_start(span);

	return has(span->to, key) && (!from || has(from, key));
}

/* Return by how much the kernel of span->to increased one of its counts. */
static int64_t moved(const struct imatally_span *span, enum imatally_key key)
{
	const struct imatally_mark *from = own_start(span);

	return value(span->to, key) - (from ? value(from, key) : 0);
}

static bool without_tpm(const struct imatally_mark *mark)
{
	return !strcmp(mark->record.error, "ENODEV");
}

bool imatally_kept_running(const struct imatally_record *from,
			   const struct imatally_record *to)
{
	return from && imatally_record_has(from, IMATALLY_KEY_RESETS) &&
	       imatally_record_has(to, IMATALLY_KEY_RESETS) &&
	       from->value[IMATALLY_KEY_RESETS] ==
		       to->value[IMATALLY_KEY_RESETS] &&
	       from->value[IMATALLY_KEY_RESTARTS] ==
		       to->value[IMATALLY_KEY_RESTARTS];
}

bool imatally_started_anew(const struct imatally_record *starts,
			   const struct imatally_record *to)
{
	if (to->event == IMATALLY_EVENT_RESUME)
		return !imatally_kept_running(starts, to);
	return to->event == IMATALLY_EVENT_BOOT && starts &&
	       imatally_record_has(to, IMATALLY_KEY_RESETS) &&
	       !imatally_kept_running(starts, to);
}

/*
 * Entries in excess of a count.  Whoever hands over the list can invent entries
 * of a PCR that no value proves.
 */
static uint64_t count_unproved(const struct imatally_span *span,
			       struct imatally_interval *iv, uint64_t excess)
{
	uint64_t unproved = span->unproved < excess ? span->unproved : excess;

	iv->unproved += unproved;
	return unproved;
}

static void count_excess(const struct imatally_span *span,
			 struct imatally_interval *iv, uint64_t excess)
{
	iv->inserted += excess - count_unproved(span, iv, excess);
}

/* Compare the entries in the list with the kernel's count of its entries. */
static void count_entries(const struct imatally_span *span,
			  struct imatally_interval *iv)
{
	const struct imatally_mark *from = own_start(span);
	uint64_t start = from ? from->index : span->kernel_start;
	int64_t present = span->to->index - start;
	int64_t counted, extended;

	if (from)
		counted = moved(span, IMATALLY_KEY_ENTRIES);
	else
		counted = value(span->to, IMATALLY_KEY_ENTRIES) -
			  value(span->to, IMATALLY_KEY_CARRIED);

	if (counted < 0)
		iv->accounts_disagree = true;
	else if (counted > present)
		iv->lost = counted - present;
	else
		count_excess(span, iv, present - counted);

	/* an entry was either extended, or its extend failed */
	extended = moved(span, IMATALLY_KEY_EXTENDS) +
		   moved(span, IMATALLY_KEY_FAILED);
	if (!without_tpm(span->to) &&
	    !(span->from && without_tpm(span->from))) {
		if (counted != extended)
			iv->accounts_disagree = true;
	} else if (counted > extended) {
		/* unless there was no TPM */
		iv->without_tpm = counted - extended;
	}
}

/* Counts that only increase, and one that does not change. */
static void check_growth(const struct imatally_span *span,
			 struct imatally_interval *iv)
{
	static const enum imatally_key growing[] = {
		IMATALLY_KEY_UPDATES, IMATALLY_KEY_UNCERTAIN,
		IMATALLY_KEY_TRIMMED, IMATALLY_KEY_EXTENDS,
		IMATALLY_KEY_FAILED,  IMATALLY_KEY_DROPPED,
		IMATALLY_KEY_UNREAD,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(growing); i++)
		if (known(span, growing[i]) && moved(span, growing[i]) < 0)
			iv->accounts_disagree = true;
	if (own_start(span) && known(span, IMATALLY_KEY_CARRIED) &&
	    moved(span, IMATALLY_KEY_CARRIED))
		iv->accounts_disagree = true;
	if (value(span->to, IMATALLY_KEY_TRIMMED) >
	    value(span->to, IMATALLY_KEY_ENTRIES))
		iv->accounts_disagree = true;
	/* a kernel measures nothing after its execute record */
	if (own_start(span) &&
	    span->from->record.event == IMATALLY_EVENT_KEXEC_EXECUTE)
		iv->accounts_disagree = true;

	if (known(span, IMATALLY_KEY_FAILED) &&
	    moved(span, IMATALLY_KEY_FAILED) > 0)
		iv->failed = moved(span, IMATALLY_KEY_FAILED);
	if (known(span, IMATALLY_KEY_DROPPED) &&
	    moved(span, IMATALLY_KEY_DROPPED) > 0)
		iv->dropped = moved(span, IMATALLY_KEY_DROPPED);
	if (known(span, IMATALLY_KEY_UNREAD) &&
	    moved(span, IMATALLY_KEY_UNREAD) > 0)
		iv->unread = moved(span, IMATALLY_KEY_UNREAD);
	if (known(span, IMATALLY_KEY_TRIMMED) &&
	    moved(span, IMATALLY_KEY_TRIMMED) > 0)
		iv->trimmed = moved(span, IMATALLY_KEY_TRIMMED);
}

/*
 * The list has more than a kernel was handed.  Kernels that make no records may
 * have deleted these entries since, and user space put them back in their place.
 * The PCR tells whether they are invented.  Returns how many are still to be
 * judged.
 */
static uint64_t count_handed_more(const struct imatally_span *span,
				  struct imatally_interval *iv, uint64_t excess)
{
	if (!span->to->record.pcr.nr)
		return excess;
	if (span->replay == IMATALLY_MATCH_SAME)
		count_unproved(span, iv, excess);
	else
		count_excess(span, iv, excess);
	return 0;
}

/*
 * Return how many of the entries that the kernel of span->from is known to have
 * lost were handed over all the same, or deleted by user space.  What kexec cut
 * comes before the execute record, the last entry, which counts them all; but if
 * entries follow it, they may be of another kernel.
 */
static int64_t lost_later(const struct imatally_span *span)
{
	const struct imatally_mark *from = span->from;
	int64_t cut;

	if (from->record.event != IMATALLY_EVENT_KEXEC_EXECUTE)
		return span->from_lost;
	cut = value(from, IMATALLY_KEY_ENTRIES) + 1 -
	      value(from, IMATALLY_KEY_TRIMMED) -
	      value(span->to, IMATALLY_KEY_CARRIED);
	if (cut < 0)
		cut = 0;
	return cut < (int64_t)span->from_lost ? span->from_lost - cut : 0;
}

/* The same, without those that the kernel of span->from is known to have lost. */
static int64_t shown_more(const struct imatally_span *span)
{
	int64_t present = span->kernel_start;
	int64_t handed = value(span->to, IMATALLY_KEY_CARRIED);

	if (handed && span->from) {
		handed += value(span->from, IMATALLY_KEY_TRIMMED) -
			  value(span->from, IMATALLY_KEY_CARRIED);
		present -= span->from_start;
	}
	return present - handed;
}

int64_t imatally_handed_more(const struct imatally_span *span)
{
	return shown_more(span) + (span->from ? lost_later(span) : 0);
}

/* Return whether an entry follows the execute record of the kernel before. */
static bool follows_execute(const struct imatally_span *span)
{
	const struct imatally_mark *from = span->from;

	return from && from->record.event == IMATALLY_EVENT_KEXEC_EXECUTE &&
	       span->kernel_start > from->index + 1;
}

/* Return whether more was handed over than there was, up to the execute record. */
static bool handed_too_much(const struct imatally_span *span)
{
	const struct imatally_mark *from = span->from;

	return from && from->record.event == IMATALLY_EVENT_KEXEC_EXECUTE &&
	       span->kernel_start == from->index + 1 &&
	       value(span->to, IMATALLY_KEY_CARRIED) +
			       value(from, IMATALLY_KEY_TRIMMED) >
		       value(from, IMATALLY_KEY_ENTRIES) + 1;
}

/*
 * Compare the entries before the kernel's first with those it was handed: those
 * that the kernel before had been handed, and those that it made and did not
 * delete.
 */
static uint64_t count_handover(const struct imatally_span *span,
			       struct imatally_interval *iv)
{
	const struct imatally_mark *from = span->from;
	int64_t more;

	if (own_start(span))
		return 0;
	if (handed_too_much(span))
		iv->accounts_disagree = true;
	more = shown_more(span);
	if (!value(span->to, IMATALLY_KEY_CARRIED)) {
		/*
		 * No list arrived: what is here was saved elsewhere.  If the
		 * replay does not lead on from there, only a boot record tells
		 * whether the PCR began anew or entries are missing.
		 */
		if ((span->begins_part || span->from_whole) &&
		    (span->replay != IMATALLY_MATCH_DIFFERENT ||
		     span->to->record.event == IMATALLY_EVENT_BOOT))
			return 0;
		return count_handed_more(span, iv, more);
	}
	if (-more > (int64_t)span->from_lost)
		iv->lost_handover = -more - span->from_lost;
	if (!follows_execute(span))
		more = imatally_handed_more(span);
	if (more <= (int64_t)span->put_back)
		return 0;
	/* what was deleted after an earlier record may be in other parts */
	if (span->replay == IMATALLY_MATCH_SAME &&
	    (from ? from->record.event != IMATALLY_EVENT_KEXEC_EXECUTE :
		    span->in_parts))
		return 0;
	return count_handed_more(span, iv, more - span->put_back);
}

/*
 * A kernel writes a key in all of its records or in none, except for those that
 * depend on the TPM's answer or on the event.
 */
static void find_vanished(const struct imatally_span *span,
			  struct imatally_interval *iv)
{
	uint32_t may = 1U << IMATALLY_KEY_COUNTER | 1U << IMATALLY_KEY_ERROR |
		       1U << IMATALLY_KEY_STEP | 1U << IMATALLY_KEY_PCR |
		       1U << IMATALLY_KEY_RESETS | 1U << IMATALLY_KEY_RESTARTS |
		       1U << IMATALLY_KEY_BEFORE;

	if (!own_start(span))
		return;
	/* the chip is gone, and its account with it */
	if (without_tpm(span->to))
		may |= 1U << IMATALLY_KEY_UPDATES |
		       1U << IMATALLY_KEY_UNCERTAIN | 1U << IMATALLY_KEY_BANKS;
	iv->vanished = span->from->record.keys & ~span->to->record.keys & ~may;
}

/*
 * Return what one extend of IMA adds to the counter, or 0 if that is not known.
 * Sets iv->unjudged.
 */
static int64_t per_extend(const struct imatally_span *span,
			  struct imatally_interval *iv)
{
	int64_t banks = value(span->to, IMATALLY_KEY_BANKS);

	if (!has(span->from, IMATALLY_KEY_BANKS) ||
	    !has(span->to, IMATALLY_KEY_BANKS)) {
		iv->unjudged |= IMATALLY_UNJUDGED_KEYS;
		return 0;
	}
	if (value(span->from, IMATALLY_KEY_BANKS) != banks) {
		iv->unjudged |= IMATALLY_UNJUDGED_BANKS;
		return 0;
	}
	if (!has(span->to, IMATALLY_KEY_STEP)) {
		iv->unjudged |= IMATALLY_UNJUDGED_KEYS;
	} else if (value(span->to, IMATALLY_KEY_STEP) != banks) {
		iv->unjudged |= IMATALLY_UNJUDGED_STEP;
		return value(span->to, IMATALLY_KEY_STEP);
	}
	return banks;
}

/*
 * Return by how much the counter, which has 32 bits, moved: of the possible
 * distances the one that is nearest to what is expected.
 */
static int64_t distance(const struct imatally_span *span, int64_t expected)
{
	uint32_t moved = value(span->to, IMATALLY_KEY_COUNTER) -
			 value(span->from, IMATALLY_KEY_COUNTER);

	return expected + (int32_t)(moved - (uint32_t)expected);
}

/* Commands with an unknown outcome may or may not have been counted. */
static int64_t allow(int64_t rest, int64_t uncertain)
{
	if (rest <= 0)
		return rest;
	return rest > uncertain ? rest - uncertain : 0;
}

static void judge_within(const struct imatally_span *span,
			 struct imatally_interval *iv, int64_t per)
{
	int64_t extends = moved(span, IMATALLY_KEY_EXTENDS);

	iv->has_ima = true;
	iv->ima = per * extends;
	iv->counter = distance(span, known(span, IMATALLY_KEY_UPDATES) ?
				     moved(span, IMATALLY_KEY_UPDATES) :
				     iv->ima);
	if (iv->unjudged)
		return;

	iv->has_rest = true;
	if (!known(span, IMATALLY_KEY_UPDATES)) {
		iv->rest = iv->counter - iv->ima;
		return;
	}
	iv->is_split = true;
	iv->rest = allow(iv->counter - moved(span, IMATALLY_KEY_UPDATES),
			 moved(span, IMATALLY_KEY_UNCERTAIN));
	iv->others = moved(span, IMATALLY_KEY_UPDATES) - iv->ima;
	/* extends of another PCR that fewer banks have */
	if (iv->others < 0)
		iv->unjudged |= IMATALLY_UNJUDGED_BANKS;
	else
		iv->has_others = true;
}

/*
 * The old kernel's counts end with its last record.  The counter's increase
 * since then, without the new kernel's part, comes from the entries that follow
 * and from lost ones.  Entries count as lost only if the PCR shows that some
 * are missing.
 */
static void judge_kexec(const struct imatally_span *span,
			struct imatally_interval *iv, int64_t per)
{
	int64_t present = span->kernel_start - span->from->index;
	int64_t extends = moved(span, IMATALLY_KEY_EXTENDS);
	int64_t new_part = per * extends;
	int64_t lost = iv->lost_handover;
	int64_t left;

	/* "updates" is what a TPM adds that counts once for each bank */
	if (known(span, IMATALLY_KEY_UPDATES) &&
	    !(iv->unjudged & IMATALLY_UNJUDGED_STEP)) {
		new_part = moved(span, IMATALLY_KEY_UPDATES);
		iv->others = new_part - per * extends;
		iv->has_others = iv->others >= 0;
	}

	iv->counter = distance(span, new_part + per * present);
	left = iv->counter - new_part - per * present;
	/* more entries than extends: they are not of this boot */
	if (left < 0 && !value(span->to, IMATALLY_KEY_CARRIED) &&
	    !span->begins_part)
		count_excess(span, iv, present);
	if (span->replay == IMATALLY_MATCH_DIFFERENT && per > 0 &&
	    left / per > lost) {
		lost = left / per;
		iv->lost_handover = lost;
		iv->by_counter = true;
		iv->at_most = left % per || iv->unjudged;
	}
	iv->has_ima = true;
	iv->ima = per * (extends + present + lost);
	if (iv->unjudged)
		return;

	/*
	 * after an execute record, the old kernel accounts for no more updates
	 */
	iv->is_split = known(span, IMATALLY_KEY_UPDATES) &&
		       span->from->record.event == IMATALLY_EVENT_KEXEC_EXECUTE;
	iv->has_rest = true;
	iv->rest = allow(left - per * lost,
			 moved(span, IMATALLY_KEY_UNCERTAIN));
}

/*
 * The first record of this kernel had no counter: this one tells what is missing
 * of what was handed over.
 */
static void judge_handed(const struct imatally_span *span,
			 struct imatally_interval *iv)
{
	struct imatally_interval late = { .lost_handover = span->handed_lost };
	struct imatally_span across = *span;
	int64_t per;

	if (!span->handed || !has(span->to, IMATALLY_KEY_COUNTER) ||
	    imatally_started_anew(span->starts, &span->to->record))
		return;
	across.from = span->handed;
	per = per_extend(&across, &late);
	if (!per || !known(&across, IMATALLY_KEY_EXTENDS))
		return;
	judge_kexec(&across, &late, per);
	if (!late.by_counter)
		return;
	iv->lost_handover = late.lost_handover - span->handed_lost;
	iv->by_counter = true;
	iv->at_most = late.at_most;
}

static void judge_counter(const struct imatally_span *span,
			  struct imatally_interval *iv)
{
	int64_t per;

	iv->has_to_counter = has(span->to, IMATALLY_KEY_COUNTER);
	iv->to_counter = value(span->to, IMATALLY_KEY_COUNTER);
	if (!span->from)
		return;
	if (!has(span->from, IMATALLY_KEY_COUNTER) ||
	    !has(span->to, IMATALLY_KEY_COUNTER)) {
		iv->unjudged |= IMATALLY_UNJUDGED_ERROR;
		return;
	}
	iv->has_counter = true;
	iv->counter = distance(span, 0);
	/*
	 * firmware starts the TPM, which moves the counter by an unknown amount
	 */
	if (imatally_started_anew(span->starts, &span->to->record)) {
		iv->unjudged |= IMATALLY_UNJUDGED_RESUME;
		return;
	}
	if (span->to->record.event == IMATALLY_EVENT_UNKNOWN) {
		iv->unjudged |= IMATALLY_UNJUDGED_EVENT;
		return;
	}

	per = per_extend(span, iv);
	if (!known(span, IMATALLY_KEY_EXTENDS))
		iv->unjudged |= IMATALLY_UNJUDGED_KEYS;
	else if (per && own_start(span))
		judge_within(span, iv, per);
	else if (per)
		judge_kexec(span, iv, per);
}

uint64_t imatally_reconcile(const struct imatally_span *span,
			    struct imatally_interval *iv)
{
	uint64_t to_be_judged;

	memset(iv, 0, sizeof(*iv));
	iv->has_to = true;
	iv->to = span->to->index;
	iv->to_event = span->to->record.event;
	iv->to_kernel = span->to->kernel;
	iv->kernel_start = span->kernel_start;
	if (span->from) {
		iv->has_from = true;
		iv->from = span->from->index;
		iv->from_event = span->from->record.event;
		iv->from_kernel = span->from->kernel;
	}
	iv->present = iv->to - iv->from;

	count_entries(span, iv);
	check_growth(span, iv);
	find_vanished(span, iv);
	to_be_judged = count_handover(span, iv);
	judge_counter(span, iv);
	judge_handed(span, iv);
	return to_be_judged;
}
