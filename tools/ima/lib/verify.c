// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict.  The replay is compared with the PCR values that were given and
 * with those in the records, and consecutive records are compared with each
 * other.
 */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "verifier.h"

enum imatally_status imatally_reading_begin(struct reading *r,
					    const struct settings *asked,
					    bool assume_own)
{
	const struct imatally_pcrs *given = &asked->given;
	size_t i;

	*r = (struct reading){ .asked = asked, .assumes = assume_own };
	r->replay = imatally_replay_new();
	r->result.target = calloc(given->nr + 1, sizeof(*r->result.target));
	r->next_target = calloc(given->nr + 1, sizeof(*r->next_target));
	if (!r->replay || !r->result.target || !r->next_target)
		return IMATALLY_ERR_NOMEM;
	if (assume_own)
		imatally_replay_assume_own(r->replay);
	r->result.nr_targets = given->nr;
	for (i = 0; i < given->nr; i++) {
		struct imatally_target *target = &r->result.target[i];

		target->pcr = given->pcr[i].index;
		target->bank = given->pcr[i].bank;
		target->supported = !imatally_replay_add_bank(
			r->replay, target->bank.alg, true);
	}
	return IMATALLY_OK;
}

void imatally_reading_end(struct reading *r)
{
	imatally_replay_free(r->replay);
	imatally_result_free(&r->result);
	free(r->next_target);
	free(r->mark_text);
	free(r->kept);
	memset(r, 0, sizeof(*r));
}

void imatally_result_free(struct imatally_result *result)
{
	free(result->target);
	free(result->interval);
	free(result->finding);
	memset(result, 0, sizeof(*result));
}

/* Make room for one more element in an array, doubling it if necessary. */
static void *grow(void *array, size_t nr, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 8;
	void *grown = array;

	if (nr < *room)
		return array;
	grown = realloc(array, wanted * size);
	if (grown)
		*room = wanted;
	return grown;
}

/* Return the last of the least severe findings. */
static struct imatally_finding *least(const struct imatally_result *result)
{
	struct imatally_finding *found = &result->finding[0];
	size_t i;

	for (i = 1; i < result->nr_findings; i++)
		if (result->finding[i].severity <= found->severity)
			found = &result->finding[i];
	return found;
}

/*
 * Replace a less severe finding, if there is one, so that losses are not
 * displaced by notes.
 */
static void replace_least(struct reading *r,
			  const struct imatally_finding *finding)
{
	struct imatally_result *result = &r->result;
	struct imatally_finding *end = result->finding + result->nr_findings;
	struct imatally_finding *gone;

	if (finding->severity <= r->least_kept)
		return;
	gone = least(result);
	r->least_kept = gone->severity;
	if (finding->severity <= gone->severity)
		return;
	memmove(gone, gone + 1, (end - gone - 1) * sizeof(*gone));
	end[-1] = *finding;
}

/*
 * Report a finding.  The verdict takes all of them into account, but their
 * number is limited, so that a list of garbage does not use more memory than
 * its size.
 */
static enum imatally_status report_as(struct reading *r,
				      struct imatally_finding *finding,
				      enum imatally_severity severity)
{
	struct imatally_result *result = &r->result;
	struct imatally_finding *grown;

	finding->severity = severity;
	r->have[severity] = true;
	if (result->nr_findings == IMATALLY_MAX_FINDINGS) {
		result->findings_not_kept++;
		replace_least(r, finding);
		return IMATALLY_OK;
	}
	grown = grow(result->finding, result->nr_findings, &r->finding_room,
		     sizeof(*grown));
	if (!grown)
		return IMATALLY_ERR_NOMEM;
	result->finding = grown;
	result->finding[result->nr_findings++] = *finding;
	return IMATALLY_OK;
}

/* Report a finding with the severity of its kind. */
static enum imatally_status report(struct reading *r,
				   struct imatally_finding *finding)
{
	return report_as(r, finding, imatally_kind_severity(finding->kind));
}

/* Points in the list */

static const struct imatally_point at_start = { .place = IMATALLY_AT_START };
static const struct imatally_point at_end = { .place = IMATALLY_AT_END };

static struct imatally_point at_entry(uint64_t index)
{
	return (struct imatally_point){ .place = IMATALLY_AT_ENTRY,
					.index = index };
}

static struct imatally_point at_mark(const struct imatally_mark *mark)
{
	return (struct imatally_point){ .place = IMATALLY_AT_RECORD,
					.index = mark->index,
					.kernel = mark->kernel,
					.event = mark->record.event };
}

/* The last record, or the start of the list */
static struct imatally_point at_last(const struct reading *r)
{
	return r->has_mark ? at_mark(&r->mark) : at_start;
}

static struct imatally_point at_kernel(const struct reading *r)
{
	return (struct imatally_point){ .place = IMATALLY_AT_BOOT_AGGREGATE,
					.index = r->kernel_start,
					.kernel = r->result.kernels };
}

/* The entry before the first one of this kernel */
static struct imatally_point before_kernel(const struct reading *r)
{
	if (!r->kernel_start)
		return at_start;
	if (r->has_mark && r->mark.index == r->kernel_start - 1)
		return at_mark(&r->mark);
	return at_entry(r->kernel_start - 1);
}

static enum imatally_status report_between(struct reading *r,
					   enum imatally_kind kind,
					   struct imatally_point from,
					   struct imatally_point to,
					   int64_t count)
{
	struct imatally_finding finding = {
		.kind = kind, .from = from, .to = to, .count = count,
	};

	return report(r, &finding);
}

static enum imatally_status report_bank(struct reading *r,
					enum imatally_kind kind,
					struct imatally_point from,
					struct imatally_point to, uint32_t pcr,
					uint16_t alg)
{
	struct imatally_finding finding = {
		.kind = kind, .from = from, .to = to, .pcr = pcr, .alg = alg,
	};

	return report(r, &finding);
}

/* @error is the name of an errno, or "". */
static enum imatally_status report_unjudged(struct reading *r,
					    struct imatally_point from,
					    struct imatally_point to,
					    unsigned int unjudged,
					    const char *error)
{
	struct imatally_finding finding = {
		.kind = IMATALLY_UNJUDGED,
		.from = from, .to = to, .count = unjudged,
	};

	snprintf(finding.word, sizeof(finding.word), "%s", error);
	return report(r, &finding);
}

/* Report something about a bank unless it has been reported before. */
static enum imatally_status report_bank_once(struct reading *r,
					     enum imatally_kind kind,
					     struct imatally_point at,
					     uint32_t pcr, uint16_t alg,
					     uint16_t *said)
{
	int i;

	for (i = 0; i < IMATALLY_MAX_BANKS && said[i]; i++)
		if (said[i] == alg)
			return IMATALLY_OK;
	if (i < IMATALLY_MAX_BANKS)
		said[i] = alg;
	return report_bank(r, kind, at, at, pcr, alg);
}

static enum imatally_status settle(struct reading *r, uint32_t pcr,
				   const struct imatally_bank_value *bank,
				   struct imatally_point at)
{
	if (!imatally_replay_settle(r->replay, pcr, bank))
		return IMATALLY_OK;
	return report_bank_once(r, IMATALLY_PADDED, at, pcr, bank->alg,
				r->said_padded);
}

/*
 * Compare the PCR values in a record with the replay.  A bank that was not
 * replayed so far is replayed from here on.
 */
static enum imatally_status compare_record(struct reading *r,
					   const struct imatally_mark *mark,
					   enum imatally_match *match,
					   uint16_t *differing)
{
	const struct imatally_record *rec = &mark->record;
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	*match = IMATALLY_MATCH_UNKNOWN;
	for (i = 0; i < rec->pcr.nr && !status; i++) {
		const struct imatally_bank_value *bank = &rec->pcr.bank[i];

		if (!imatally_replay_has_bank(r->replay, bank->alg) &&
		    imatally_replay_add_bank(r->replay, bank->alg, false)) {
			status = report_bank_once(r, IMATALLY_BANK_UNSUPPORTED,
						  at_mark(mark),
						  rec->pcr.index, bank->alg,
						  r->said_unsupported);
			continue;
		}
		switch (imatally_replay_compare(r->replay, rec->pcr.index,
						bank)) {
		case IMATALLY_MATCH_UNKNOWN:
			imatally_replay_restart(r->replay, rec->pcr.index, bank);
			break;
		case IMATALLY_MATCH_SAME:
			if (*match == IMATALLY_MATCH_UNKNOWN)
				*match = IMATALLY_MATCH_SAME;
			status = settle(r, rec->pcr.index, bank, at_mark(mark));
			imatally_replay_confirm(r->replay, rec->pcr.index,
						bank->alg);
			break;
		case IMATALLY_MATCH_DIFFERENT:
			*match = IMATALLY_MATCH_DIFFERENT;
			*differing = bank->alg;
			r->doubts = r->assumes;
			break;
		}
	}
	return status;
}

static enum imatally_status report_losses(struct reading *r,
					  const struct imatally_mark *mark,
					  const struct imatally_interval *iv)
{
	bool same_kernel = iv->has_from && iv->from_kernel == iv->to_kernel;
	/* the start of the entries that the kernel of the record counts */
	struct imatally_point start = same_kernel ? at_last(r) :
				      r->has_boot_aggregate ? at_kernel(r) :
							      before_kernel(r);
	enum imatally_status status = IMATALLY_OK;

	if (iv->lost_handover) {
		struct imatally_finding finding = {
			.kind = IMATALLY_LOST,
			.from = iv->by_counter ? before_kernel(r) : at_last(r),
			.to = r->has_boot_aggregate ? at_kernel(r) :
						      at_mark(mark),
			.count = iv->lost_handover,
			.by_counter = iv->by_counter,
			.at_most = iv->at_most,
		};

		status = report(r, &finding);
		r->result.by_counter |= iv->by_counter;
		r->result.at_most |= iv->at_most;
	}
	if (iv->lost && !status)
		status = report_between(r, IMATALLY_LOST, start, at_mark(mark),
					iv->lost);
	if (iv->dropped && !status)
		status = report_between(r, IMATALLY_DROPPED, start,
					at_mark(mark), iv->dropped);
	if (iv->failed && !status)
		status = report_between(r, IMATALLY_FAILED, start,
					at_mark(mark), iv->failed);
	r->result.lost += iv->lost + iv->lost_handover;
	r->result.dropped += iv->dropped;
	r->result.failed += iv->failed;
	return status;
}

/*
 * User space deletes entries from the start of the list.  This explains entries
 * that are missing there, up to the number in the records, but none that are
 * missing elsewhere.
 */
static void count_trimmed(struct reading *r, const struct imatally_mark *mark,
			  const struct imatally_interval *iv)
{
	struct imatally_result *result = &r->result;
	uint64_t left;

	/* a kernel may have been handed entries that were deleted later */
	if (!r->has_mark && (r->begins_amid ||
			     (mark->kernel == 1 &&
			      mark->record.value[IMATALLY_KEY_CARRIED])))
		r->lost_at_start = iv->lost + iv->lost_handover;
	left = r->lost_at_start - result->trimmed;
	result->trimmed += iv->trimmed < left ? iv->trimmed : left;
}

static enum imatally_status report_counter(struct reading *r,
					   const struct imatally_mark *mark,
					   const struct imatally_interval *iv)
{
	enum imatally_status status = IMATALLY_OK;

	if (iv->has_others && iv->others)
		status = report_between(r, IMATALLY_OTHERS, at_last(r),
					at_mark(mark), iv->others);
	if (!status && iv->has_rest && iv->rest)
		status = report_between(r,
					iv->is_split || iv->rest < 0 ?
						IMATALLY_UNEXPLAINED :
						IMATALLY_REST,
					at_last(r), at_mark(mark), iv->rest);
	if (!status && iv->unjudged)
		status = report_unjudged(r, at_last(r), at_mark(mark),
					 iv->unjudged,
					 mark->record.error[0] || !r->has_mark ?
						 mark->record.error :
						 r->mark.record.error);
	return status;
}

/*
 * Only failed extends are known since the replay last matched: without those
 * entries, it must match the record.
 */
static enum imatally_status find_failed(struct reading *r,
					const struct imatally_mark *mark,
					uint16_t alg)
{
	const struct imatally_record *rec = &mark->record;
	enum imatally_search found = IMATALLY_SEARCH_GIVEN_UP;
	enum imatally_status status = IMATALLY_OK;
	struct imatally_left_out left_out;
	unsigned int i;

	for (i = 0; i < rec->pcr.nr && found == IMATALLY_SEARCH_GIVEN_UP; i++)
		found = imatally_replay_search(r->replay, rec->pcr.index,
					       &rec->pcr.bank[i],
					       r->failed + r->uncounted,
					       &left_out);
	if ((found != IMATALLY_SEARCH_FOUND || !left_out.nr) && !r->failed)
		return report_bank(r, IMATALLY_DIFFERS_AT_RECORD, at_last(r),
				   at_mark(mark), rec->pcr.index, alg);
	if (found == IMATALLY_SEARCH_GIVEN_UP)
		return report_between(r, IMATALLY_NOT_SEARCHED, at_last(r),
				      at_mark(mark), r->failed);
	/* if none is left out, this bank matches, but another does not */
	if (found == IMATALLY_SEARCH_NONE || !left_out.nr) {
		struct imatally_finding finding = {
			.kind = IMATALLY_DIFFERS_FAILED,
			.from = at_last(r), .to = at_mark(mark),
			.count = r->failed, .pcr = rec->pcr.index, .alg = alg,
		};

		return report(r, &finding);
	}
	if (left_out.nr > r->failed)
		r->result.failed += left_out.nr - r->failed;
	for (i = 0; i < left_out.nr && !status; i++)
		status = report_between(r, IMATALLY_FAILED_ENTRY,
					at_entry(left_out.index[i]),
					at_entry(left_out.index[i]), 0);
	return status;
}

/*
 * The replay differs at a record, for a known reason or because of tampering.
 */
static enum imatally_status resolve_difference(struct reading *r,
					       const struct imatally_mark *mark,
					       uint16_t alg)
{
	const struct imatally_record *rec = &mark->record;
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	if (r->lost)
		;
	else if (rec->event == IMATALLY_EVENT_RESUME)
		status = report_between(r, IMATALLY_RESET, at_last(r),
					at_mark(mark), 0);
	else if (r->failed || r->uncounted)
		status = find_failed(r, mark, alg);
	else
		status = report_bank(r, IMATALLY_DIFFERS_AT_RECORD, at_last(r),
				     at_mark(mark), rec->pcr.index, alg);

	/* Continue in any case, to report what else is wrong. */
	r->result.restarted = true;
	imatally_replay_forget(r->replay);
	for (i = 0; i < rec->pcr.nr; i++)
		imatally_replay_restart(r->replay, rec->pcr.index,
					&rec->pcr.bank[i]);
	return status;
}

static enum imatally_status keep_interval(struct reading *r,
					  const struct imatally_interval *iv)
{
	struct imatally_interval *grown =
		grow(r->result.interval, r->result.nr_intervals,
		     &r->interval_room, sizeof(*grown));

	if (!grown)
		return IMATALLY_ERR_NOMEM;
	r->result.interval = grown;
	grown[r->result.nr_intervals++] = *iv;
	return IMATALLY_OK;
}

/*
 * Return whether a kernel stopped using an HMAC session: it failed, which an
 * attacker on the TPM's bus can cause.
 */
static bool lost_protection(const struct imatally_mark *from,
			    const struct imatally_mark *to)
{
	return from->kernel == to->kernel &&
	       from->record.value[IMATALLY_KEY_PROTECTED] &&
	       imatally_record_has(&to->record, IMATALLY_KEY_COUNTER) &&
	       imatally_record_has(&to->record, IMATALLY_KEY_PROTECTED) &&
	       !to->record.value[IMATALLY_KEY_PROTECTED];
}

static enum imatally_status report_word(struct reading *r,
					enum imatally_kind kind,
					const struct imatally_mark *mark,
					int64_t count, const char *word)
{
	struct imatally_finding finding = {
		.kind = kind, .from = at_last(r), .to = at_mark(mark),
		.count = count,
	};

	snprintf(finding.word, sizeof(finding.word), "%s", word);
	return report(r, &finding);
}

/* Name what a newer kernel wrote and this program cannot judge. */
static enum imatally_status report_unknown(struct reading *r,
					   const struct imatally_mark *mark)
{
	const struct imatally_record *rec = &mark->record;
	uint64_t version = rec->value[IMATALLY_KEY_VERSION];
	enum imatally_status status = IMATALLY_OK;

	if (version > IMATALLY_RECORD_VERSION)
		status = report_word(r, IMATALLY_NEWER_RECORD, mark, version,
				     rec->unknown_key);
	if (!status && rec->unknown_key[0] && !r->said_unknown_key) {
		r->said_unknown_key = true;
		status = report_word(r, IMATALLY_UNKNOWN_KEY, mark, 0,
				     rec->unknown_key);
	}
	if (!status && rec->unknown_event[0] && !r->said_unknown_event) {
		r->said_unknown_event = true;
		status = report_word(r, IMATALLY_UNKNOWN_EVENT, mark, 0,
				     rec->unknown_event);
	}
	return status;
}

static enum imatally_status judge_record(struct reading *r,
					 const struct imatally_mark *mark)
{
	const struct imatally_record *rec = &mark->record;
	struct imatally_span span = {
		.from = r->has_mark ? &r->mark : NULL,
		.to = mark,
		.kernel_start = r->kernel_start,
		.lost_before = r->result.lost,
	};
	struct imatally_interval iv;
	enum imatally_status status;
	uint16_t alg = 0;

	status = compare_record(r, mark, &span.replay, &alg);
	if (status)
		return status;
	imatally_reconcile(&span, &iv);

	status = keep_interval(r, &iv);
	if (!status && iv.inserted)
		status = report_between(r, IMATALLY_INSERTED, at_last(r),
					at_mark(mark), iv.inserted);
	if (!status && iv.accounts_disagree)
		status = report_between(r, IMATALLY_ACCOUNTS, at_last(r),
					at_mark(mark), 0);
	if (!status)
		status = report_losses(r, mark, &iv);
	count_trimmed(r, mark, &iv);
	if (!status)
		status = report_counter(r, mark, &iv);
	r->lost |= iv.lost || iv.lost_handover;
	r->failed += iv.failed;
	/* no record counts the last kernel's extends from its last record on */
	if (iv.has_from && iv.from_kernel != iv.to_kernel)
		r->uncounted += iv.kernel_start - iv.from;
	if (!status && span.replay == IMATALLY_MATCH_DIFFERENT)
		status = resolve_difference(r, mark, alg);
	if (span.replay != IMATALLY_MATCH_UNKNOWN) {
		r->lost = false;
		r->failed = 0;
		r->uncounted = 0;
	}

	if (!status && r->has_mark && lost_protection(&r->mark, mark))
		status = report_between(r, IMATALLY_UNPROTECTED, at_last(r),
					at_mark(mark), 0);
	return status ? status : report_unknown(r, mark);
}

/*
 * The entries of another kernel begin here, with a boot_aggregate or without.
 */
static void begin_kernel(struct reading *r, uint64_t index,
			 bool has_boot_aggregate)
{
	r->result.kernels++;
	r->kernel_start = index;
	r->has_boot_aggregate = has_boot_aggregate;
	r->has_record = false;
	imatally_replay_new_kernel(r->replay);
}

static enum imatally_status add_record(struct reading *r,
				       const struct imatally_entry *entry,
				       const char *text, size_t len,
				       struct imatally_error *err)
{
	struct imatally_mark mark = { .index = entry->index };
	enum imatally_status status;
	struct imatally_error why;

	status = imatally_record_parse(&mark.record, text, len, &why);
	if (status)
		return imatally_fail_at(err, status, entry->index,
					imatally_entry_locate(entry, text +
							      why.offset),
					"record: %s", why.text);
	/* a second boot record: the boot_aggregate before it is missing */
	if (r->has_record && mark.record.event == IMATALLY_EVENT_BOOT)
		begin_kernel(r, entry->index, false);
	mark.kernel = r->result.kernels;

	status = judge_record(r, &mark);
	if (!status && r->asked->keeps_state) {
		free(r->mark_text);
		r->mark_text = malloc(len);
		if (r->mark_text)
			memcpy(r->mark_text, text, len);
		else
			status = IMATALLY_ERR_NOMEM;
		r->mark_len = len;
	}
	r->mark = mark;
	r->has_mark = true;
	r->has_record = true;
	r->result.records++;
	return status;
}

/* The values given prove the entries up to here. */
static void prove(struct reading *r, uint64_t entries)
{
	r->proved = entries;
	if (!r->has_mark || (r->has_proved_mark &&
			     r->proved_mark.index == r->mark.index))
		return;
	r->proved_mark = r->mark;
	r->has_proved_mark = true;
}

/* Compare the values given for a PCR after the first @entries of the list. */
static enum imatally_status compare_targets(struct reading *r, uint32_t pcr,
					    uint64_t entries)
{
	struct pcr_state *state = &r->pcr[pcr];
	bool any = false, all = true;
	size_t next;

	for (next = state->first_target; next; next = r->next_target[next - 1]) {
		struct imatally_target *target = &r->result.target[next - 1];
		enum imatally_status status;

		if (!target->supported)
			continue;
		target->in_log = true;
		target->match = imatally_replay_compare(r->replay, target->pcr,
							&target->bank);
		if (target->match == IMATALLY_MATCH_DIFFERENT)
			all = false;
		if (target->match != IMATALLY_MATCH_SAME)
			continue;
		any = true;
		target->matched_after = entries;
		status = settle(r, target->pcr, &target->bank,
				at_entry(entries - 1));
		if (status)
			return status;
	}
	if (any && all) {
		state->matched = state->entries;
		prove(r, entries);
	}
	return IMATALLY_OK;
}

static enum imatally_status begin_log(struct reading *r)
{
	size_t i;

	/* backwards, so that each chain is in the order of the targets */
	for (i = r->result.nr_targets; i > 0; i--) {
		struct imatally_target *target = &r->result.target[i - 1];
		size_t *first;

		if (target->pcr == IMATALLY_PCR_OF_LOG)
			target->pcr = r->asked->ima_pcr;
		if (target->pcr > IMATALLY_MAX_PCR)
			continue;
		first = &r->pcr[target->pcr].first_target;
		r->next_target[i - 1] = *first;
		*first = i;
	}
	return r->result.nr_targets ?
		       imatally_replay_follow(r->replay, r->asked->ima_pcr) :
		       IMATALLY_OK;
}

static enum imatally_status add(struct reading *r,
				const struct imatally_entry *entry,
				struct imatally_error *err)
{
	bool altered, foreign, begins;
	enum imatally_status status = IMATALLY_OK;
	const char *text;
	size_t len;

	if (!r->result.entries) {
		status = begin_log(r);
		if (status)
			return status;
	}
	r->result.entries++;

	begins = imatally_entry_is_boot_aggregate(entry);
	if (!r->result.kernels)
		r->begins_amid = !begins;
	if (begins || !r->result.kernels)
		begin_kernel(r, entry->index, begins);

	text = imatally_entry_record(entry, &len, &foreign);
	if (text)
		status = add_record(r, entry, text, len, err);
	else if (foreign)
		status = report_between(r, IMATALLY_FOREIGN,
					at_entry(entry->index),
					at_entry(entry->index), 0);
	if (status)
		return status;

	status = imatally_replay_extend(r->replay, entry, &altered);
	if (!status && altered)
		status = report_between(r, IMATALLY_ALTERED,
					at_entry(entry->index),
					at_entry(entry->index), 0);
	if (status)
		return status;
	r->pcr[entry->pcr].entries++;
	status = compare_targets(r, entry->pcr, entry->index + 1);
	if (!status && r->asked->keeps_state &&
	    entry->pcr == r->asked->ima_pcr && r->proved == entry->index + 1)
		status = imatally_state_keep(r, entry);
	return status;
}

/*
 * Compare the counter that was read with the PCR values with the last record.
 */
static enum imatally_status judge_counter(struct reading *r,
					  struct imatally_interval *last)
{
	struct imatally_interval iv = { 0 };
	struct imatally_point from, to;
	enum imatally_status status = IMATALLY_OK;

	if (!r->asked->has_counter || !r->has_proved_mark)
		return IMATALLY_OK;
	if (r->proved_mark.index == r->mark.index)
		iv = *last;
	imatally_reconcile_end(&r->proved_mark, r->proved, r->asked->counter,
			       &iv);
	if (r->proved_mark.index == r->mark.index)
		*last = iv;

	from = at_mark(&r->proved_mark);
	to = r->proved == r->result.entries ? at_end : at_entry(r->proved);
	if (iv.has_rest && iv.rest)
		status = report_between(r, iv.rest < 0 ? IMATALLY_UNEXPLAINED :
							 IMATALLY_REST,
					from, to, iv.rest);
	if (!status && iv.unjudged)
		status = report_unjudged(r, from, to, iv.unjudged,
					 r->proved_mark.record.error);
	return status;
}

/* The interval after the last record, which only the PCR values prove */
static enum imatally_status close_interval(struct reading *r)
{
	struct imatally_interval iv = { 0 };
	enum imatally_status status;

	if (!r->has_mark)
		return IMATALLY_OK;
	iv.has_from = true;
	iv.from = r->mark.index;
	iv.from_event = r->mark.record.event;
	iv.from_kernel = r->mark.kernel;
	iv.to = r->result.entries;
	iv.to_kernel = r->result.kernels;
	iv.kernel_start = r->kernel_start;
	iv.present = iv.to - iv.from;
	status = judge_counter(r, &iv);
	return status ? status : keep_interval(r, &iv);
}

/* Judge the values given for one PCR at the end of the list. */
static enum imatally_status judge_pcr(struct reading *r, uint32_t pcr)
{
	const struct pcr_state *state = &r->pcr[pcr];
	enum imatally_status status = IMATALLY_OK;
	bool given = false;
	size_t i;

	for (i = 0; i < r->result.nr_targets && !status; i++) {
		const struct imatally_target *target = &r->result.target[i];

		if (target->pcr != pcr || !target->supported)
			continue;
		given = true;
		if (target->match == IMATALLY_MATCH_UNKNOWN) {
			struct imatally_finding finding = {
				.kind = IMATALLY_BANK_ADRIFT,
				.from = at_last(r), .to = at_end,
				.pcr = pcr, .alg = target->bank.alg,
			};

			/* a verdict requires that something proves this PCR */
			if (pcr == r->asked->ima_pcr && !state->matched)
				status = report_as(r, &finding, IMATALLY_FAULT);
			else
				status = report(r, &finding);
		} else if (target->match == IMATALLY_MATCH_DIFFERENT &&
			   !state->matched) {
			r->doubts = r->assumes;
			status = report_bank(r, IMATALLY_DIFFERS_AT_END,
					     at_last(r), at_end, pcr,
					     target->bank.alg);
		}
	}
	if (!status && !given)
		status = report_bank(r, IMATALLY_PCR_NOT_GIVEN, at_start,
				     at_end, pcr, 0);
	if (state->matched)
		r->result.tail += state->entries - state->matched;
	return status;
}

static enum imatally_status judge_end(struct reading *r)
{
	enum imatally_status status = close_interval(r);
	uint32_t pcr;
	size_t i;

	for (i = 0; i < r->result.nr_targets && !status; i++) {
		const struct imatally_target *target = &r->result.target[i];

		if (!target->supported)
			status = report_bank_once(r, IMATALLY_BANK_UNSUPPORTED,
						  at_end, target->pcr,
						  target->bank.alg,
						  r->said_unsupported);
	}
	for (pcr = 0; pcr <= IMATALLY_MAX_PCR && !status; pcr++)
		if (r->pcr[pcr].entries)
			status = judge_pcr(r, pcr);
	if (!status && r->result.tail)
		status = report_between(r, IMATALLY_TAIL, at_end, at_end,
					r->result.tail);
	return status;
}

static enum imatally_status check_usable(const struct reading *r,
					 struct imatally_error *err)
{
	bool given = false;
	size_t i;

	if (!r->result.entries)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "the list is empty");
	/* no digest covers the PCR index: an attacker can change it */
	if (!r->pcr[r->asked->ima_pcr].entries)
		return imatally_fail(err, IMATALLY_ERR_USAGE,
				     "no entry extends PCR %u: set the PCR that IMA extends on that machine",
				     r->asked->ima_pcr);
	for (i = 0; i < r->result.nr_targets; i++) {
		if (r->result.target[i].pcr != r->asked->ima_pcr)
			continue;
		if (r->result.target[i].supported)
			return IMATALLY_OK;
		given = true;
	}
	if (given)
		return imatally_fail(err, IMATALLY_ERR_USAGE,
				     "PCR %u: none of the banks has an algorithm that can be computed here",
				     r->asked->ima_pcr);
	return imatally_fail(err, IMATALLY_ERR_USAGE,
			     "no value was given for PCR %u, which IMA extends",
			     r->asked->ima_pcr);
}

static enum imatally_status finish(struct reading *r,
				   struct imatally_result *result,
				   struct imatally_error *err)
{
	enum imatally_status status = check_usable(r, err);

	if (status)
		return status;
	if (judge_end(r))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");

	if (r->have[IMATALLY_FAULT])
		r->result.verdict = IMATALLY_MISMATCH;
	else if (r->have[IMATALLY_LOSS])
		r->result.verdict = IMATALLY_INCOMPLETE;
	else if (!r->result.records)
		r->result.verdict = IMATALLY_COMPLETE_NOT_COUNTED;
	else
		r->result.verdict = IMATALLY_COMPLETE;
	r->result.has_findings = r->have[IMATALLY_FINDING];
	*result = r->result;
	memset(&r->result, 0, sizeof(r->result));
	return IMATALLY_OK;
}

/* Read to the end of the list, or until the replay has to be repeated. */
static enum imatally_status read_log(struct reading *r,
				     struct imatally_log *log,
				     struct imatally_result *result,
				     struct imatally_error *err)
{
	const struct settings *asked = r->asked;
	enum imatally_status status = IMATALLY_OK;
	struct imatally_entry entry;
	int got = 0;

	while (!status && !r->doubts &&
	       (got = imatally_log_next(log, &entry, err)) > 0) {
		r->before_part = imatally_log_before(log);
		status = add(r, &entry, err);
		if (asked->progress)
			asked->progress(asked->progress_data, entry.index + 1,
					entry.offset);
	}
	/* for a malformed record, err is set already */
	if (status == IMATALLY_ERR_NOMEM)
		imatally_fail(err, status, "out of memory");
	else if (status == IMATALLY_ERR_CRYPTO)
		imatally_fail(err, status, "libcrypto failed to hash");
	if (!status && got < 0)
		return err->status;
	if (!status && !r->doubts)
		status = finish(r, result, err);
	return status;
}

/* Compare the values given with the replay where the state ends. */
static enum imatally_status compare_state(struct reading *r)
{
	enum imatally_status status = begin_log(r);
	uint32_t pcr;

	for (pcr = 0; pcr <= IMATALLY_MAX_PCR && !status; pcr++)
		if (r->pcr[pcr].entries)
			status = compare_targets(r, pcr, r->result.entries);
	return status;
}

/*
 * Return whether the state has every bank of which a value was given, including
 * those of a PCR that no entry has extended yet.
 */
static bool has_banks(const struct reading *r)
{
	const json_t *state = r->asked->state;
	size_t i;

	for (i = 0; i < r->result.nr_targets; i++) {
		const struct imatally_target *target = &r->result.target[i];

		if (!target->supported)
			continue;
		if (!imatally_state_has_bank(state, target->bank.alg) ||
		    (target->in_log && target->match == IMATALLY_MATCH_UNKNOWN))
			return false;
	}
	return true;
}

/*
 * Resume from the state, if it is of this list: its last entry must be in the
 * same place.
 */
static enum imatally_status resume(struct reading *r, struct imatally_log *log,
				   enum imatally_resumption *how,
				   struct imatally_error *err)
{
	const struct settings *asked = r->asked;
	struct imatally_state_end end = imatally_state_end(asked->state);
	enum imatally_status status;
	struct imatally_entry entry;
	int got;

	*how = IMATALLY_ANEW_BANK;
	if (end.pcr != asked->ima_pcr)
		return IMATALLY_OK;
	status = imatally_log_seek(log, end.offset, end.index, err);
	if (status)
		return status;
	got = imatally_log_next(log, &entry, err);
	if (got < 0 && err->status != IMATALLY_ERR_MALFORMED)
		return err->status;
	*how = got ? IMATALLY_ANEW_OTHER_LOG : IMATALLY_ANEW_SHORTER;
	if (got <= 0 || !imatally_state_ends_with(asked->state, &entry))
		return IMATALLY_OK;

	r->before_part = imatally_log_before(log);
	if (!imatally_state_load(r, asked->state) || compare_state(r) ||
	    (asked->keeps_state && r->proved == end.index + 1 &&
	     imatally_state_keep(r, &entry)))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	r->assumes = true;
	*how = has_banks(r) ? IMATALLY_RESUMED : IMATALLY_ANEW_BANK;
	return IMATALLY_OK;
}

/* The verifier: its settings, and one or more readings of the list */

struct imatally_verifier *imatally_verifier_new(const struct imatally_pcrs *pcrs)
{
	struct imatally_verifier *v = calloc(1, sizeof(*v));
	struct settings *asked;

	if (!v)
		return NULL;
	asked = &v->asked;
	asked->ima_pcr = IMATALLY_IMA_PCR;
	asked->given.pcr = malloc((pcrs->nr + 1) * sizeof(*pcrs->pcr));
	if (!asked->given.pcr) {
		imatally_verifier_free(v);
		return NULL;
	}
	asked->given.nr = pcrs->nr;
	if (pcrs->nr)
		memcpy(asked->given.pcr, pcrs->pcr,
		       pcrs->nr * sizeof(*pcrs->pcr));
	return v;
}

void imatally_verifier_free(struct imatally_verifier *v)
{
	if (!v)
		return;
	imatally_reading_end(&v->reading);
	json_decref(v->asked.state);
	free(v->asked.given.pcr);
	free(v);
}

void imatally_verifier_set_pcr(struct imatally_verifier *v, uint32_t pcr)
{
	v->asked.ima_pcr = pcr;
}

void imatally_verifier_set_counter(struct imatally_verifier *v,
				   uint32_t counter)
{
	v->asked.has_counter = true;
	v->asked.counter = counter;
}

void imatally_verifier_set_progress(struct imatally_verifier *v,
				    imatally_progress_fn *progress, void *data)
{
	v->asked.progress = progress;
	v->asked.progress_data = data;
}

static enum imatally_status begin_anew(struct imatally_verifier *v,
				       bool assume_own,
				       struct imatally_error *err)
{
	imatally_reading_end(&v->reading);
	if (imatally_reading_begin(&v->reading, &v->asked, assume_own))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	return IMATALLY_OK;
}

/*
 * Verify from the state on.  If that is not possible, set *@how to the reason,
 * and the list has to be read from its start.
 */
static enum imatally_status run_from_state(struct imatally_verifier *v,
					   struct imatally_log *log,
					   enum imatally_resumption *how,
					   struct imatally_result *result,
					   struct imatally_error *err)
{
	enum imatally_status status;
	uint64_t resumed;

	if (!imatally_log_can_seek(log)) {
		*how = IMATALLY_ANEW_PIPE;
		return IMATALLY_OK;
	}
	status = begin_anew(v, false, err);
	if (!status)
		status = resume(&v->reading, log, how, err);
	if (status || *how != IMATALLY_RESUMED)
		return status;
	resumed = v->reading.result.entries;
	status = read_log(&v->reading, log, result, err);
	result->resumed = resumed;
	if (!status && v->reading.doubts)
		*how = IMATALLY_ANEW_DIFFERS;
	return status;
}

/*
 * Verify from the start.  Few kernels pad SHA-1, but trying it costs another
 * hash per entry and bank until a known value decides.  So try padding only if
 * the bank's own digests do not match.
 */
static enum imatally_status run_from_start(struct imatally_verifier *v,
					   struct imatally_log *log,
					   struct imatally_result *result,
					   struct imatally_error *err)
{
	bool can_seek = imatally_log_can_seek(log);
	bool assume_own = can_seek;
	enum imatally_status status;

	do {
		if (can_seek) {
			status = imatally_log_seek(log, 0, 0, err);
			if (status)
				return status;
		}
		imatally_result_free(result);
		status = begin_anew(v, assume_own, err);
		if (!status)
			status = read_log(&v->reading, log, result, err);
		assume_own = false;
	} while (!status && v->reading.doubts);
	return status;
}

enum imatally_status imatally_verifier_run(struct imatally_verifier *v,
					   struct imatally_log *log,
					   struct imatally_result *result,
					   struct imatally_error *err)
{
	enum imatally_resumption how = IMATALLY_NO_STATE;
	enum imatally_status status = IMATALLY_OK;

	memset(result, 0, sizeof(*result));
	if (!v)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	if (v->asked.state)
		status = run_from_state(v, log, &how, result, err);
	if (!status && how != IMATALLY_RESUMED)
		status = run_from_start(v, log, result, err);
	if (!status)
		result->resumption = how;
	return status;
}

enum imatally_status imatally_verify(struct imatally_log *log,
				     const struct imatally_pcrs *pcrs,
				     struct imatally_result *result,
				     struct imatally_error *err)
{
	struct imatally_verifier *v = imatally_verifier_new(pcrs);
	enum imatally_status status;

	status = imatally_verifier_run(v, log, result, err);
	imatally_verifier_free(v);
	return status;
}
