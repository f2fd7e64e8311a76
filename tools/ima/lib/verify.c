// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict.  The replay is compared with the PCR values that were given and
 * with those in the records, and consecutive records are compared with each
 * other.
 */

#include <stdlib.h>
#include <string.h>

#include "interval.h"
#include "log.h"
#include "stock.h"
#include "verifier.h"

enum imatally_status imatally_reading_begin(struct reading *r,
					    const struct settings *asked,
					    bool assume_own)
{
	const struct imatally_pcrs *given = &asked->given;
	size_t i;

	*r = (struct reading){ .asked = asked, .assumes = assume_own };
	r->kernels.pcr = asked->ima_pcr;
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
		enum imatally_status status;

		target->pcr = given->pcr[i].index;
		target->bank = given->pcr[i].bank;
		status = imatally_replay_add_bank(r->replay, target->bank.alg,
						  true);
		if (status == IMATALLY_ERR_NOMEM)
			return status;
		target->supported = !status;
	}
	return IMATALLY_OK;
}

void imatally_reading_end(struct reading *r)
{
	imatally_replay_free(r->replay);
	imatally_result_free(&r->result);
	free(r->reported_at);
	free(r->next_target);
	free(r->mark_text);
	imatally_state_free(r->saved);
	json_decref(r->kept_json);
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
	uint64_t *at;

	if (finding->severity <= r->least_kept)
		return;
	gone = least(result);
	r->least_kept = gone->severity;
	if (finding->severity <= gone->severity)
		return;
	at = r->reported_at + (gone - result->finding);
	memmove(at, at + 1, (end - gone - 1) * sizeof(*at));
	at[end - gone - 1] = result->entries;
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
	uint64_t *at;

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
	at = realloc(r->reported_at, r->finding_room * sizeof(*at));
	if (!at)
		return IMATALLY_ERR_NOMEM;
	r->reported_at = at;
	at[result->nr_findings] = result->entries;
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
					.index = r->kernels.start,
					.kernel = r->kernels.number };
}

/* The entry before the first one of this kernel */
static struct imatally_point before_kernel(const struct reading *r)
{
	uint64_t start = r->kernels.start;

	if (!start)
		return at_start;
	if (r->has_mark && r->mark.index == start - 1)
		return at_mark(&r->mark);
	return at_entry(start - 1);
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

static enum imatally_status report_count_of_pcr(struct reading *r,
					   enum imatally_kind kind,
					   int64_t count, uint32_t pcr)
{
	struct imatally_finding finding = {
		.kind = kind, .from = at_end, .to = at_end, .count = count,
		.pcr = pcr,
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

/* Begin to replay a bank, if libcrypto has its algorithm. */
static enum imatally_status add_bank(struct reading *r,
				     const struct imatally_mark *mark,
				     uint16_t alg)
{
	enum imatally_status status =
		imatally_replay_add_bank(r->replay, alg, false);

	if (status != IMATALLY_ERR_CRYPTO)
		return status;
	return report_bank_once(r, IMATALLY_BANK_UNSUPPORTED, at_mark(mark),
				mark->record.pcr.index, alg,
				r->said_unsupported);
}

static bool has_replayed_bank(const struct reading *r,
			      const struct imatally_record *rec)
{
	unsigned int i;

	for (i = 0; i < rec->pcr.nr; i++)
		if (imatally_replay_has_bank(r->replay, rec->pcr.bank[i].alg))
			return true;
	return false;
}

/*
 * Compare the PCR values in a record with the replay.  If none of its banks was
 * replayed so far, all are replayed from here on.  Otherwise the others are left
 * alone: to hash in them, too, would tell nothing new.
 */
static enum imatally_status compare_record(struct reading *r,
					   const struct imatally_mark *mark,
					   enum imatally_match *match,
					   uint16_t *differing)
{
	const struct imatally_record *rec = &mark->record;
	bool adds = !has_replayed_bank(r, rec);
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	*match = IMATALLY_MATCH_UNKNOWN;
	for (i = 0; i < rec->pcr.nr && !status; i++) {
		const struct imatally_bank_value *bank = &rec->pcr.bank[i];

		if (adds)
			status = add_bank(r, mark, bank->alg);
		if (!imatally_replay_has_bank(r->replay, bank->alg))
			continue;
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

/* The start of the entries that the kernel of the record counts */
static struct imatally_point start_of(const struct reading *r,
				      const struct imatally_interval *iv)
{
	if (iv->has_from && iv->from_kernel == iv->to_kernel)
		return at_last(r);
	return r->kernels.has_boot_aggregate ? at_kernel(r) : before_kernel(r);
}

static enum imatally_status report_losses(struct reading *r,
					  const struct imatally_mark *mark,
					  const struct imatally_interval *iv)
{
	struct imatally_point start = start_of(r, iv);
	struct imatally_finding handover = {
		.kind = IMATALLY_LOST,
		.from = iv->by_counter ? before_kernel(r) : at_last(r),
		.to = r->kernels.has_boot_aggregate ? at_kernel(r) :
						      at_mark(mark),
		.count = iv->lost_handover,
		.by_counter = iv->by_counter, .at_most = iv->at_most,
	};
	struct imatally_finding lost = {
		.kind = IMATALLY_LOST, .from = start, .to = at_mark(mark),
		.count = iv->lost,
	};
	enum imatally_status status = IMATALLY_OK;

	if (iv->lost_handover)
		status = report(r, &handover);
	if (iv->lost && !status)
		status = report(r, &lost);
	if (iv->dropped && !status)
		status = report_between(r, IMATALLY_DROPPED, start,
					at_mark(mark), iv->dropped);
	if (iv->unread && !status)
		status = report_between(r, IMATALLY_UNREAD, start,
					at_mark(mark), iv->unread);
	if (iv->failed && !status)
		status = report_between(r, IMATALLY_FAILED, start,
					at_mark(mark), iv->failed);
	r->result.lost += iv->lost + iv->lost_handover;
	r->result.dropped += iv->dropped;
	r->result.failed += iv->failed;
	r->result.by_counter |= iv->by_counter;
	r->result.at_most |= iv->at_most;
	return status;
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

/*
 * Return whether user space may have deleted the boot_aggregate that is missing in
 * front of a part of the list.  Not if there is more before than the kernel was
 * handed, which may include its boot_aggregate, or if the counter has moved by less
 * than the kernel's own updates: the record does not come after the one before.
 */
static bool may_be_deleted(const struct reading *r,
			   const struct imatally_span *span,
			   const struct imatally_interval *iv)
{
	const struct imatally_mark *mark = span->to;
	const struct imatally_record *rec = &mark->record;

	if (!mark->index || mark->index != r->part_start ||
	    imatally_handed_more(span) > 0)
		return false;
	return !iv->has_counter || iv->unjudged ||
	       iv->counter >= (int64_t)rec->value[IMATALLY_KEY_UPDATES];
}

static enum imatally_status judge_missing_start(struct reading *r,
						const struct imatally_span *span,
						const struct imatally_interval *iv,
						bool first)
{
	if (r->kernels.is_plausible)
		return IMATALLY_OK;
	if (!first || span->replay == IMATALLY_MATCH_SAME ||
	    !may_be_deleted(r, span, iv))
		return report_between(r, IMATALLY_NO_START, at_last(r),
				      at_mark(span->to), 0);
	r->lacks_start = span->replay == IMATALLY_MATCH_UNKNOWN;
	r->lacking = at_mark(span->to);
	return IMATALLY_OK;
}

/* What contradicts the kernel's counts */
static enum imatally_status
report_contradictions(struct reading *r, const struct imatally_mark *mark,
		      const struct imatally_interval *iv)
{
	enum imatally_status status = IMATALLY_OK;
	enum imatally_key key = 0;

	if (iv->inserted)
		status = report_between(r, IMATALLY_INSERTED, at_last(r),
					at_mark(mark), iv->inserted);
	if (!status && iv->unproved)
		status = report_between(r, IMATALLY_NOT_PROVED, at_last(r),
					at_mark(mark), iv->unproved);
	if (!status && iv->accounts_disagree)
		status = report_between(r, IMATALLY_ACCOUNTS, at_last(r),
					at_mark(mark), 0);
	if (status || !iv->vanished)
		return status;
	while (!(iv->vanished & (1U << key)))
		key++;
	return report_word(r, IMATALLY_KEY_VANISHED, mark, 0,
			   imatally_key_name(key));
}

/*
 * A value of the PCR is known.  If it is the same as the replayed one, it vouches
 * for entries in excess of what a kernel was handed, and nothing that was extended
 * is missing.
 */
static enum imatally_status judge_value(struct reading *r, bool same)
{
	const struct excess excess = r->excess;
	uint64_t unproved = excess.unproved < excess.entries ?
				    excess.unproved : excess.entries;
	enum imatally_status status = IMATALLY_OK;

	if (r->lacks_start && same)
		status = report_between(r, IMATALLY_NO_START, r->agreed,
					r->lacking, 0);
	r->lacks_start = false;
	r->excess.entries = 0;
	if (!status && !same && excess.entries > unproved)
		status = report_between(r, IMATALLY_INSERTED, excess.from,
					excess.to, excess.entries - unproved);
	if (!status && excess.entries && unproved)
		status = report_between(r, IMATALLY_NOT_PROVED, excess.from,
					excess.to, unproved);
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
	if (!r->has_mark && (!r->kernels.has_boot_aggregate ||
			     mark->record.value[IMATALLY_KEY_CARRIED]))
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

/* The replay differs at a record, in this bank, and nothing explains it. */
static enum imatally_status report_differs(struct reading *r,
					   const struct imatally_mark *mark,
					   uint16_t alg)
{
	return report_bank(r, IMATALLY_DIFFERS_AT_RECORD, r->agreed,
			   at_mark(mark), mark->record.pcr.index, alg);
}

/* Search for failed extends that explain the values in the record. */
static enum imatally_search search_failed(struct reading *r,
					  const struct imatally_mark *mark,
					  struct imatally_left_out *left_out)
{
	const struct imatally_pcr_values *pcr = &mark->record.pcr;
	enum imatally_search found = IMATALLY_SEARCH_GIVEN_UP;
	uint64_t counted = 0;
	unsigned int i;

	left_out->nr = 0;
	for (i = 0; i < pcr->nr && found == IMATALLY_SEARCH_GIVEN_UP; i++)
		found = imatally_replay_search(r->replay, pcr->index,
					       &pcr->bank[i],
					       r->failed + r->uncounted +
						       r->without_tpm,
					       left_out);
	/* a record that counts an entry counts its extend, if it failed */
	for (i = 0; i < left_out->nr; i++)
		counted += left_out->index[i] >= r->counted_from;
	if (found == IMATALLY_SEARCH_FOUND &&
	    counted > r->failed + r->without_tpm)
		return IMATALLY_SEARCH_NONE;
	return found;
}

/* There are too many failed extends, or entries, to find out which they are. */
static enum imatally_status report_not_searched(struct reading *r,
						const struct imatally_mark *mark)
{
	enum imatally_status status = IMATALLY_OK;

	if (r->without_tpm)
		status = report_between(r, IMATALLY_FAILED, r->agreed,
					at_mark(mark), r->without_tpm);
	r->result.failed += r->without_tpm;
	if (status)
		return status;
	return report_between(r, IMATALLY_NOT_SEARCHED, r->agreed,
			      at_mark(mark), r->failed + r->without_tpm);
}

/*
 * Only failed extends are known since the replay last matched: without those
 * entries, it must match the record.
 */
static enum imatally_status find_failed(struct reading *r,
					const struct imatally_mark *mark,
					uint16_t alg,
					struct imatally_left_out *left_out)
{
	enum imatally_search found = search_failed(r, mark, left_out);
	struct imatally_finding differs = {
		.kind = IMATALLY_DIFFERS_FAILED,
		.from = r->agreed, .to = at_mark(mark),
		.count = r->failed + r->without_tpm,
		.pcr = mark->record.pcr.index, .alg = alg,
	};
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	/* if none is left out, this bank matches, but another does not */
	if (found == IMATALLY_SEARCH_FOUND && !left_out->nr)
		found = IMATALLY_SEARCH_NONE;
	if (found != IMATALLY_SEARCH_FOUND && !differs.count)
		return report_differs(r, mark, alg);
	if (found == IMATALLY_SEARCH_NONE)
		return report(r, &differs);
	if (found == IMATALLY_SEARCH_GIVEN_UP) {
		left_out->nr = 0;
		return report_not_searched(r, mark);
	}
	if (left_out->nr > r->failed)
		r->result.failed += left_out->nr - r->failed;
	for (i = 0; i < left_out->nr && !status; i++)
		status = report_between(r, IMATALLY_FAILED_ENTRY,
					at_entry(left_out->index[i]),
					at_entry(left_out->index[i]), 0);
	return status;
}

/* Return whether the last record is among the entries that were not extended. */
static bool is_left_out(const struct reading *r,
			const struct imatally_left_out *left_out)
{
	unsigned int i;

	for (i = 0; i < left_out->nr; i++)
		if (left_out->index[i] == r->mark.index)
			return true;
	return false;
}

/*
 * The replay goes on from the values in @mark.  So what the list has before is
 * proved only by the counts in @mark, which are of its kernel: whoever hands over
 * the list can make up what the kernels before say.
 */
static enum imatally_status report_not_proved(struct reading *r,
					      const struct imatally_mark *mark)
{
	if (r->have[IMATALLY_FAULT] || !r->has_mark ||
	    r->first_kernel == mark->kernel)
		return IMATALLY_OK;
	return report_between(r, IMATALLY_RECORDS_NOT_PROVED, at_start,
			      at_mark(mark), 0);
}

/*
 * The replay differs at a record, for a known reason or because of tampering.
 */
static enum imatally_status resolve_difference(struct reading *r,
					       const struct imatally_mark *mark,
					       uint16_t alg)
{
	const struct imatally_record *rec = &mark->record;
	struct imatally_left_out left_out = { .nr = 0 };
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	if (r->lost)
		;
	else if (r->restarted_tpm)
		status = report_between(r, IMATALLY_RESET, r->agreed,
					at_mark(mark), 0);
	else if (r->failed || r->uncounted || r->without_tpm)
		status = find_failed(r, mark, alg, &left_out);
	else
		status = report_differs(r, mark, alg);
	if (!status && (!left_out.nr || is_left_out(r, &left_out)))
		status = report_not_proved(r, mark);

	/* Continue in any case, to report what else is wrong. */
	r->result.restarted = true;
	imatally_replay_forget(r->replay);
	if (!imatally_record_has(rec, IMATALLY_KEY_PCR)) {
		for (i = 0; i < rec->before.nr; i++)
			imatally_replay_restart_after(r->replay, &r->first,
						      &rec->before.bank[i]);
		return status;
	}
	for (i = 0; i < rec->pcr.nr; i++)
		imatally_replay_restart(r->replay, rec->pcr.index,
					&rec->pcr.bank[i]);
	return status;
}

static enum imatally_status keep_interval(struct reading *r,
					  const struct imatally_interval *iv)
{
	struct imatally_result *result = &r->result;
	struct imatally_interval *grown;

	if (r->asked->max_intervals &&
	    result->nr_intervals == r->asked->max_intervals)
		result->nr_intervals = imatally_intervals_combine(
			result->interval, result->nr_intervals,
			&r->proved.totals.nr_intervals);
	grown = grow(result->interval, result->nr_intervals, &r->interval_room,
		     sizeof(*grown));
	if (!grown)
		return IMATALLY_ERR_NOMEM;
	result->interval = grown;
	grown[result->nr_intervals] = *iv;
	grown[result->nr_intervals++].combined = 1;
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

/*
 * The TPM was started anew since the last record with resetCount, or its counter
 * fell, and this one is no resume record: entries of an earlier boot come first,
 * or the machine slept while no records were made.  If resetCount changed, the
 * PCRs began anew.  So if they @continue all the same, somebody extended them
 * again, unless a record in between may be missing.
 */
static enum imatally_status report_start(struct reading *r,
					 struct imatally_point from,
					 struct imatally_point to,
					 uint64_t resets, bool continues)
{
	struct imatally_finding finding = {
		.kind = IMATALLY_STARTED_ANEW, .from = from, .to = to,
	};
	bool reset = resets != r->starts.value[IMATALLY_KEY_RESETS];

	return report_as(r, &finding,
			 reset && continues && !r->starts_unsure ?
				 IMATALLY_FAULT : IMATALLY_FINDING);
}

static enum imatally_status compare_starts(struct reading *r,
					   const struct imatally_mark *mark,
					   const struct imatally_interval *iv,
					   enum imatally_match replay)
{
	const struct imatally_record *rec = &mark->record;

	if (rec->event != IMATALLY_EVENT_BOOT)
		return IMATALLY_OK;
	if (r->has_starts && imatally_record_has(rec, IMATALLY_KEY_RESETS)) {
		if (imatally_kept_running(&r->starts, rec))
			return IMATALLY_OK;
		return report_start(r, at_last(r), at_mark(mark),
				    rec->value[IMATALLY_KEY_RESETS],
				    replay == IMATALLY_MATCH_SAME);
	}
	if (!iv->has_counter || iv->counter >= 0)
		return IMATALLY_OK;
	return report_between(r, IMATALLY_STARTED_ANEW, at_last(r),
			      at_mark(mark), 0);
}

/* How the value of the PCR before a kernel's first entry leads to the record */
enum start {
	START_UNKNOWN,
	START_LEADS,
	START_ANEW,		/* the same, and nothing was extended before */
	START_DIFFERS,
};

static bool is_zero(const struct imatally_bank_value *bank)
{
	static const uint8_t zero[IMATALLY_MAX_DIGEST];

	return !memcmp(bank->value, zero, bank->len);
}

static bool leads(const struct reading *r, const struct imatally_record *rec,
		  const struct imatally_bank_value *from,
		  const struct imatally_bank_value *to)
{
	/* the extend of the boot_aggregate failed */
	if (rec->value[IMATALLY_KEY_FAILED] && !rec->value[IMATALLY_KEY_EXTENDS])
		return from->len == to->len &&
		       !memcmp(from->value, to->value, to->len);
	return imatally_replay_leads(r->replay, &r->first, from, to);
}

/*
 * The record after the boot_aggregate has the PCR before it.  This proves the
 * boot_aggregate even if what was extended before is missing.
 */
static enum start check_start(const struct reading *r,
			      const struct imatally_mark *mark)
{
	const struct imatally_record *rec = &mark->record;
	bool any = false, began_anew = true;
	unsigned int i, j;

	if (!r->has_first || r->first.index + 1 != mark->index ||
	    rec->before.index != rec->pcr.index)
		return START_UNKNOWN;
	for (i = 0; i < rec->before.nr; i++) {
		const struct imatally_bank_value *from = &rec->before.bank[i];

		for (j = 0; j < rec->pcr.nr; j++) {
			const struct imatally_bank_value *to =
				&rec->pcr.bank[j];

			if (from->alg != to->alg ||
			    !imatally_replay_has_bank(r->replay, to->alg))
				continue;
			if (!leads(r, rec, from, to))
				return START_DIFFERS;
			any = true;
			began_anew &= is_zero(from);
		}
	}
	if (any && began_anew && !r->without_tpm && !r->restarted_tpm)
		return START_ANEW;
	return any ? START_LEADS : START_UNKNOWN;
}

/* The last record that has resetCount and restartCount, or NULL */
static const struct imatally_record *last_starts(const struct reading *r)
{
	return r->has_starts ? &r->starts : NULL;
}

/*
 * The counter of the record before tells what is missing since, unless firmware
 * has moved it.  Without it, nothing does.
 */
static bool is_counted(const struct reading *r, const struct imatally_mark *mark)
{
	const struct imatally_record *last = &r->mark.record;

	return r->has_mark && imatally_record_has(last, IMATALLY_KEY_COUNTER) &&
	       imatally_record_has(&mark->record, IMATALLY_KEY_COUNTER) &&
	       !imatally_started_anew(last_starts(r), &mark->record);
}

/*
 * The PCR had another value when this kernel started than that to which the list
 * before leads, and not for any failed extends.
 */
static enum imatally_status judge_start(struct reading *r,
					const struct imatally_mark *mark,
					uint16_t alg)
{
	struct imatally_left_out left_out;

	switch (check_start(r, mark)) {
	case START_ANEW:
		/*
		 * The PCR was reset, or no TPM was there.  Without a list that
		 * was handed over, the entries before may be of an earlier boot.
		 */
		if (mark->record.value[IMATALLY_KEY_CARRIED] &&
		    !imatally_kept_running(last_starts(r), &mark->record)) {
			r->restarted_tpm =
				search_failed(r, mark, &left_out) !=
				IMATALLY_SEARCH_FOUND;
			break;
		}
		__attribute__((fallthrough));
	case START_DIFFERS:
		if (!r->lost)
			break;
		return report_differs(r, mark, alg);
	case START_LEADS:
		if (r->lost || r->restarted_tpm || is_counted(r, mark) ||
		    search_failed(r, mark, &left_out) == IMATALLY_SEARCH_FOUND)
			break;
		r->lost = true;
		r->result.not_arrived = true;
		return report_between(r, IMATALLY_NOT_ARRIVED, before_kernel(r),
				      at_kernel(r), 0);
	case START_UNKNOWN:
		break;
	}
	return IMATALLY_OK;
}

/*
 * Return how many extends may have failed that no record counts: those of the
 * last kernel, from its last record on.  But only if it is known how many entries
 * there were.  Otherwise whoever hands over the list could have invented those
 * without which the replay leads to the values.
 */
static uint64_t may_have_failed(const struct imatally_span *span,
				const struct imatally_interval *iv)
{
	if (!span->to->record.value[IMATALLY_KEY_CARRIED] ||
	    imatally_handed_more(span) > 0)
		return 0;
	return iv->kernel_start - iv->from;
}

/*
 * Return whether the PCR may have begun anew before this record.  A kernel to
 * which no list was handed over was perhaps booted by that reset, and the entries
 * before it are of an earlier boot.
 */
static bool may_be_reset(const struct imatally_record *starts,
			 const struct imatally_record *rec)
{
	bool known = starts && imatally_record_has(rec, IMATALLY_KEY_RESETS);
	bool differs = known && rec->value[IMATALLY_KEY_RESETS] !=
					starts->value[IMATALLY_KEY_RESETS];

	if (rec->event == IMATALLY_EVENT_RESUME)
		return differs || !known;
	return rec->event == IMATALLY_EVENT_BOOT && differs &&
	       rec->value[IMATALLY_KEY_CARRIED];
}

static enum imatally_status judge_record(struct reading *r,
					 const struct imatally_mark *mark,
					 bool first, uint64_t from_start)
{
	const struct imatally_record *rec = &mark->record;
	struct imatally_span span = {
		.from = r->has_mark ? &r->mark : NULL,
		.to = mark,
		.kernel_start = r->kernels.start,
		.from_start = from_start,
		.begins_part = r->kernels.start == r->part_start,
		.from_whole = r->has_mark && r->is_whole,
		.in_parts = r->part,
		.from_lost = r->lost_in_kernel,
		.handed = r->has_handed && !first ? &r->handed : NULL,
		.handed_lost = r->handed_lost,
		.unproved = r->unproved,
		.put_back = r->put_back,
		.starts = last_starts(r),
	};
	struct imatally_interval iv;
	enum imatally_status status;
	uint64_t to_be_judged;
	uint16_t alg = 0;

	status = compare_record(r, mark, &span.replay, &alg);
	if (!status && rec->pcr.nr)
		status = judge_value(r, span.replay == IMATALLY_MATCH_SAME);
	if (status)
		return status;
	to_be_judged = imatally_reconcile(&span, &iv);
	if (to_be_judged)
		r->excess = (struct excess){
			.entries = to_be_judged, .unproved = r->unproved,
			.from = at_last(r), .to = at_mark(mark),
		};
	iv.put_back = r->result.put_back - r->put_back_before;
	r->put_back_before = r->result.put_back;

	status = keep_interval(r, &iv);
	if (!status)
		status = judge_missing_start(r, &span, &iv, first);
	if (!status)
		status = report_contradictions(r, mark, &iv);
	if (!status)
		status = report_losses(r, mark, &iv);
	count_trimmed(r, mark, &iv);
	if (!status)
		status = report_counter(r, mark, &iv);
	r->lost |= iv.lost || iv.lost_handover;
	r->starts_unsure |= r->lost || iv.dropped ||
			    rec->event == IMATALLY_EVENT_RESUME;
	if (!status)
		status = compare_starts(r, mark, &iv, span.replay);
	r->failed += iv.failed;
	r->without_tpm += iv.without_tpm;
	if (first) {
		r->uncounted += may_have_failed(&span, &iv);
		r->counted_from = iv.kernel_start;
	}
	r->restarted_tpm |= may_be_reset(span.starts, rec);
	if (!status && first && span.replay == IMATALLY_MATCH_DIFFERENT)
		status = judge_start(r, mark, alg);
	if (!status && span.replay == IMATALLY_MATCH_DIFFERENT)
		status = resolve_difference(r, mark, alg);
	if (span.replay != IMATALLY_MATCH_UNKNOWN) {
		r->lost = false;
		r->failed = 0;
		r->uncounted = 0;
		r->without_tpm = 0;
		r->restarted_tpm = false;
	}
	if (first) {
		r->handed_lost = iv.lost_handover;
		r->is_whole = r->kernels.has_boot_aggregate;
		r->put_back = 0;
	}
	if (rec->pcr.nr)
		r->agreed = at_mark(mark);
	r->lost_in_kernel = iv.lost + (first ? 0 : r->lost_in_kernel);

	if (!status && r->has_mark && lost_protection(&r->mark, mark))
		status = report_between(r, IMATALLY_UNPROTECTED, at_last(r),
					at_mark(mark), 0);
	if (!status && r->kernels.others)
		status = report_between(r, IMATALLY_NAMED_ONLY,
					at_entry(r->kernels.first_other),
					at_mark(mark), r->kernels.others);
	return status ? status : report_unknown(r, mark);
}

/*
 * Keep the last record of the kernel before until a counter of this kernel can be
 * compared with it, unless firmware moves the counter before.
 */
static void keep_handed(struct reading *r, const struct imatally_mark *mark,
			bool first)
{
	const struct imatally_record *rec = &mark->record;

	if (first) {
		r->has_handed = r->has_mark &&
				imatally_record_has(&r->mark.record,
						    IMATALLY_KEY_COUNTER);
		r->handed = r->mark;
	}
	if (imatally_record_has(rec, IMATALLY_KEY_COUNTER) ||
	    rec->event == IMATALLY_EVENT_RESUME ||
	    imatally_started_anew(last_starts(r), rec))
		r->has_handed = false;
}

/*
 * The TPM could not be read for the boot record, but before the boot_aggregate,
 * whose extend it acknowledged: so the PCR's values are known all the same.
 * Return whether the list leads there.  The values then tell nothing new.  If it
 * does not, and a list was handed over by a kernel whose counter is known, they
 * would excuse what later counters deny.
 */
static bool derive_values(const struct reading *r, struct imatally_mark *mark)
{
	struct imatally_record *rec = &mark->record;
	unsigned int i;

	if (rec->pcr.nr || !r->has_first ||
	    r->first.index + 1 != mark->index ||
	    rec->before.index != r->asked->ima_pcr ||
	    rec->value[IMATALLY_KEY_EXTENDS] != 1 ||
	    rec->value[IMATALLY_KEY_FAILED])
		return false;
	rec->pcr.index = rec->before.index;
	for (i = 0; i < rec->before.nr; i++) {
		struct imatally_bank_value *bank = &rec->pcr.bank[rec->pcr.nr];

		*bank = rec->before.bank[i];
		switch (imatally_replay_extend_value(r->replay, &r->first,
						     bank)) {
		case IMATALLY_MATCH_SAME:
			rec->pcr.nr = 0;
			return true;
		case IMATALLY_MATCH_DIFFERENT:
			rec->pcr.nr++;
			break;
		case IMATALLY_MATCH_UNKNOWN:
			break;
		}
	}
	if (r->has_mark && rec->value[IMATALLY_KEY_CARRIED] &&
	    imatally_record_has(&r->mark.record, IMATALLY_KEY_COUNTER))
		rec->pcr.nr = 0;
	return false;
}

/*
 * A record whose text is cut off or has odd bytes is an entry like any other: what
 * it would have said is in the next one, too.
 */
static enum imatally_status add_record(struct reading *r,
				       const struct imatally_entry *entry,
				       const char *text, size_t len)
{
	struct imatally_mark mark = { .index = entry->index };
	uint64_t from_start = r->kernels.start;
	enum imatally_status status;
	struct imatally_error why;
	bool first, leads;

	if (imatally_record_parse(&mark.record, text, len, &why))
		return report_between(r, IMATALLY_UNREADABLE_RECORD,
				      at_entry(entry->index),
				      at_entry(entry->index), 0);
	first = imatally_kernels_record(&r->kernels, entry->index, &mark.record);
	mark.kernel = r->kernels.number;
	imatally_booted_record(&r->booted, entry->index, &mark.record, first,
			       &r->kernels, r->has_starts ? &r->starts : NULL);
	leads = derive_values(r, &mark);

	status = judge_record(r, &mark, first, from_start);
	if (!status && leads)
		status = judge_value(r, true);
	keep_handed(r, &mark, first);
	if (imatally_record_has(&mark.record, IMATALLY_KEY_RESETS)) {
		r->starts = mark.record;
		r->has_starts = true;
		r->starts_unsure = false;
	}
	if (!status && r->asked->keeps_state) {
		free(r->mark_text);
		r->mark_text = malloc(len);
		if (r->mark_text)
			memcpy(r->mark_text, text, len);
		else
			status = IMATALLY_ERR_NOMEM;
		r->mark_len = len;
	}
	if (!r->has_mark)
		r->first_kernel = mark.kernel;
	r->mark = mark;
	r->has_mark = true;
	r->unproved = 0;
	r->result.records++;
	return status;
}

/* The values given prove the entries up to here. */
static void prove(struct reading *r, uint64_t entries)
{
	struct moment *moment = &r->proved;
	size_t i;

	/* after a gap, the values of other PCRs are not known any more */
	for (i = 0; i < r->result.nr_targets; i++) {
		struct imatally_target *target = &r->result.target[i];

		if (target->in_log && !target->matched_after)
			target->match = imatally_replay_compare(
				r->replay, target->pcr, &target->bank);
	}
	moment->entries = entries;
	moment->totals = r->result;
	memcpy(moment->have, r->have, sizeof(r->have));
	moment->kernels = r->kernels;
	moment->booted = r->booted;
	if (r->asked->record_pcr <= IMATALLY_MAX_PCR)
		moment->record_pcr_entries =
			r->pcr[r->asked->record_pcr].entries;
	moment->has_mark = r->has_mark;
	moment->mark = r->mark;
	moment->agreed = r->agreed;
	moment->has_starts = r->has_starts;
	moment->starts_unsure = r->starts_unsure;
	moment->starts = r->starts;
}

/* Compare the values given for a PCR after the first @entries of the list. */
static enum imatally_status compare_targets(struct reading *r, uint32_t pcr,
					    uint64_t entries)
{
	struct pcr_state *state = &r->pcr[pcr];
	const struct pcr_state *ima = &r->pcr[r->asked->ima_pcr];
	bool any = false, all = true, before = false;
	size_t next;

	for (next = state->first_target; next; next = r->next_target[next - 1]) {
		struct imatally_target *target = &r->result.target[next - 1];
		enum imatally_status status;

		if (!target->supported)
			continue;
		target->in_log = true;
		before |= target->matched_after;
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
	/*
	 * If the banks were not read at once, all of them prove what the first
	 * one does.
	 */
	if (any && (all || !before)) {
		state->matched = state->entries;
		if (pcr == r->asked->ima_pcr && judge_value(r, true))
			return IMATALLY_ERR_NOMEM;
		if (pcr == r->asked->ima_pcr ||
		    (pcr == r->asked->record_pcr &&
		     ima->matched == ima->entries && ima->matched))
			prove(r, entries);
	}
	return IMATALLY_OK;
}

/* Not each bank with values has one of the IMA PCR. */
static enum imatally_status follow(struct reading *r)
{
	uint32_t pcr = r->asked->ima_pcr;
	size_t next;

	for (next = r->pcr[pcr].first_target; next;
	     next = r->next_target[next - 1]) {
		const struct imatally_target *t = &r->result.target[next - 1];

		if (t->supported)
			return imatally_replay_follow(r->replay, pcr,
						      t->bank.alg);
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
	return follow(r);
}

/* Return whether the values given prove entries of this PCR. */
static bool is_provable(const struct reading *r, uint32_t pcr)
{
	return pcr == r->asked->ima_pcr ||
	       (pcr < IMATALLY_FIRST_RESETTABLE && r->pcr[pcr].first_target);
}

static bool has_records(const struct reading *r, uint32_t pcr)
{
	return pcr == r->asked->ima_pcr || pcr == r->asked->record_pcr;
}

/* Keep the entry if a kernel may begin with it. */
static void remember_first(struct reading *r,
			   const struct imatally_entry *entry)
{
	unsigned int i;

	r->has_first = entry->pcr == r->asked->ima_pcr &&
		       entry->data_len <= sizeof(r->first_data) &&
		       imatally_entry_is_boot_aggregate(entry);
	if (!r->has_first)
		return;
	r->first = *entry;
	memcpy(r->first_data, entry->data, entry->data_len);
	r->first.data = r->first_data;
	for (i = 0; i < entry->nr_fields; i++)
		r->first.fields[i].data = r->first_data +
					  (entry->fields[i].data - entry->data);
}

static enum imatally_status report_template(struct reading *r,
					    const struct imatally_entry *entry)
{
	struct imatally_finding finding = {
		.kind = IMATALLY_UNKNOWN_TEMPLATE,
		.from = at_entry(entry->index), .to = at_entry(entry->index),
	};

	if (r->said_unknown_template)
		return IMATALLY_OK;
	r->said_unknown_template = true;
	imatally_printable(finding.word, sizeof(finding.word),
			   entry->template_name, entry->template_name_len);
	return report(r, &finding);
}

/* Judge what the entry says about the list. */
static enum imatally_status add_content(struct reading *r,
					const struct imatally_entry *entry)
{
	struct imatally_point at = at_entry(entry->index);
	enum imatally_status status = IMATALLY_OK;
	const char *text;
	bool foreign;
	size_t len;

	imatally_kernels_entry(&r->kernels, entry);
	if (imatally_entry_is_boot_aggregate(entry)) {
		imatally_replay_new_kernel(r->replay);
		if (entry->pcr == r->asked->ima_pcr)
			imatally_booted_entry(&r->booted, entry);
	}
	if (!r->has_mark)
		imatally_stock_entry(&r->stock, entry);
	if (entry->unknown_template)
		status = report_template(r, entry);

	text = imatally_entry_record(entry, &len, &foreign);
	if (status)
		return status;
	if (text && has_records(r, entry->pcr))
		return add_record(r, entry, text, len);
	if (text)
		return report_bank(r, IMATALLY_RECORD_ELSEWHERE, at, at,
				   entry->pcr, 0);
	if (foreign)
		return report_between(r, IMATALLY_FOREIGN, at, at,
				      entry->nr_fields < 3);
	return IMATALLY_OK;
}

/* Take note of entries that were in the list before the values were read. */
static void compare_earlier(struct reading *r,
			    const struct imatally_entry *entry)
{
	const struct settings *asked = r->asked;
	const struct earlier *earlier = &asked->earlier;
	struct imatally_state_end end;

	if (asked->has_earlier && entry->pcr == earlier->pcr &&
	    entry->data_len == earlier->data_len &&
	    entry->digest_len == earlier->digest_len &&
	    !memcmp(entry->digest, earlier->digest, earlier->digest_len)) {
		r->earlier_entries = r->pcr[asked->ima_pcr].entries;
		r->has_earlier = true;
	}
	if (!asked->state)
		return;
	end = imatally_state_end(asked->state);
	if (entry->index == end.index && end.pcr == asked->ima_pcr)
		r->follows_state = imatally_state_ends_with(asked->state, entry);
}

static enum imatally_status add(struct reading *r,
				const struct imatally_entry *entry)
{
	enum imatally_status status = IMATALLY_OK;
	bool altered;

	if (!r->result.entries) {
		status = begin_log(r);
		if (status)
			return status;
	}
	r->result.entries++;

	status = add_content(r, entry);
	if (status)
		return status;
	if (!is_provable(r, entry->pcr))
		r->unproved++;
	remember_first(r, entry);

	status = imatally_replay_extend(r->replay, entry, &altered);
	if (!status && altered) {
		r->altered = true;
		status = report_between(r, IMATALLY_ALTERED,
					at_entry(entry->index),
					at_entry(entry->index), 0);
	}
	if (status)
		return status;
	r->pcr[entry->pcr].entries++;
	compare_earlier(r, entry);
	status = compare_targets(r, entry->pcr, entry->index + 1);
	if (!status && r->asked->keeps_state &&
	    entry->pcr == r->asked->ima_pcr &&
	    r->proved.entries == entry->index + 1)
		status = imatally_state_keep(r, entry);
	return status;
}

/*
 * Compare the counter that was read with the PCR values with the last record
 * that these prove.
 */
static enum imatally_status judge_counter(struct reading *r,
					  struct imatally_interval *iv)
{
	struct imatally_point from = at_mark(&r->mark), to;
	enum imatally_status status = IMATALLY_OK;

	if (!r->asked->has_counter || !r->proved.entries)
		return IMATALLY_OK;
	imatally_reconcile_end(&r->mark, r->proved.entries, r->asked->counter,
			       iv);
	to = r->proved.entries == r->result.entries ?
		     at_end : at_entry(r->proved.entries);
	if (iv->has_rest && iv->rest)
		status = report_between(r, iv->rest < 0 ? IMATALLY_UNEXPLAINED :
							  IMATALLY_REST,
					from, to, iv->rest);
	if (!status && iv->unjudged)
		status = report_unjudged(r, from, to, iv->unjudged,
					 r->mark.record.error);
	return status;
}

/* No TPM is started as often between two looks at it. */
#define MAX_STARTS	65536

/* Compare resetCount and restartCount that were signed with the PCR values. */
static enum imatally_status judge_starts(struct reading *r)
{
	const struct settings *asked = r->asked;
	const struct imatally_record *rec = &r->starts;
	int64_t resets = asked->resets - (int64_t)rec->value[IMATALLY_KEY_RESETS];
	int64_t restarts = asked->restarts -
			   (int64_t)rec->value[IMATALLY_KEY_RESTARTS];

	if (!asked->has_starts || !r->has_starts || !r->proved.entries ||
	    (!resets && !restarts) ||
	    llabs(resets) > MAX_STARTS || llabs(restarts) > MAX_STARTS)
		return IMATALLY_OK;
	return report_start(r, at_mark(&r->mark), at_end, asked->resets, true);
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
	iv.kernel_start = r->kernels.start;
	iv.present = iv.to - iv.from;
	iv.put_back = r->result.put_back - r->put_back_before;
	status = judge_counter(r, &iv);
	return status ? status : keep_interval(r, &iv);
}

/* Return how far the values of a PCR reach: the least and the most entries. */
static void find_reach(const struct reading *r, uint32_t pcr, uint64_t *least,
		       uint64_t *most)
{
	size_t next;

	*least = UINT64_MAX;
	*most = 0;
	for (next = r->pcr[pcr].first_target; next;
	     next = r->next_target[next - 1]) {
		const struct imatally_target *t = &r->result.target[next - 1];

		if (!t->supported ||
		    (!t->matched_after && t->match == IMATALLY_MATCH_UNKNOWN))
			continue;
		if (t->matched_after < *least)
			*least = t->matched_after;
		if (t->matched_after > *most)
			*most = t->matched_after;
	}
}

/* Judge the value given for one PCR in one bank. */
static enum imatally_status judge_target(struct reading *r,
					 const struct imatally_target *target,
					 uint64_t most)
{
	uint32_t pcr = target->pcr;
	struct imatally_finding adrift = {
		.kind = IMATALLY_BANK_ADRIFT, .from = r->agreed, .to = at_end,
		.pcr = pcr, .alg = target->bank.alg,
	};

	if (!target->matched_after && target->match == IMATALLY_MATCH_UNKNOWN) {
		/* a verdict requires that something proves this PCR */
		if (pcr == r->asked->ima_pcr && !most)
			return report_as(r, &adrift, IMATALLY_FAULT);
		return report(r, &adrift);
	}
	if (!target->matched_after)
		r->doubts = r->assumes;
	if (!target->matched_after ||
	    (r->asked->one_moment && target->matched_after < most))
		return report_bank(r, IMATALLY_DIFFERS_AT_END, r->agreed,
				   at_end, pcr, target->bank.alg);
	return IMATALLY_OK;
}

/* Judge the values given for one PCR at the end of the list. */
static enum imatally_status judge_pcr(struct reading *r, uint32_t pcr)
{
	const struct pcr_state *state = &r->pcr[pcr];
	enum imatally_status status = IMATALLY_OK;
	uint64_t least, most;
	bool given = false;
	size_t i;

	find_reach(r, pcr, &least, &most);
	for (i = 0; i < r->result.nr_targets && !status; i++) {
		const struct imatally_target *target = &r->result.target[i];

		if (target->pcr != pcr || !target->supported)
			continue;
		given = true;
		status = judge_target(r, target, most);
	}
	if (!status && !given)
		status = report_bank(r, IMATALLY_PCR_NOT_GIVEN, at_start,
				     at_end, pcr, 0);
	/* anyone can invent an entry there, and give the PCR the value for it */
	if (!status && given && !is_provable(r, pcr))
		status = report_count_of_pcr(r, IMATALLY_RESETTABLE,
					     state->entries, pcr);
	if (!status && most && least && least < most && !r->asked->one_moment)
		status = report_bank(r, IMATALLY_TWO_MOMENTS, at_entry(least),
				     at_entry(most), pcr, 0);
	if (most)
		r->result.tail += state->entries - state->matched;
	return status;
}

/*
 * Records in another PCR count as far as the IMA PCR reaches: its values must
 * prove them too.
 */
static enum imatally_status judge_record_pcr(struct reading *r)
{
	uint32_t pcr = r->asked->record_pcr;

	if (pcr > IMATALLY_MAX_PCR || pcr == r->asked->ima_pcr ||
	    r->pcr[pcr].matched >= r->proved.record_pcr_entries)
		return IMATALLY_OK;
	return report_bank(r, IMATALLY_DIFFERS_AT_END, r->agreed, at_end, pcr,
			   r->result.target[r->pcr[pcr].first_target - 1].bank.alg);
}

/*
 * IMA extends the PCR as soon as an entry is in the list.  So what was in the
 * list before the values were read is covered by them, unless the PCR is not
 * extended any more.
 */
static enum imatally_status judge_earlier(struct reading *r)
{
	const struct pcr_state *state = &r->pcr[r->asked->ima_pcr];
	uint64_t earlier = r->earlier_entries;
	bool unchanged = r->asked->earlier_unchanged;

	/* whoever leaves it out may want it to seem that nothing stands still */
	if (r->asked->has_earlier && !r->has_earlier)
		return report_count_of_pcr(r, IMATALLY_EARLIER_GONE, 0,
					   r->asked->ima_pcr);
	if (r->follows_state) {
		struct imatally_state_end end =
			imatally_state_end(r->asked->state);

		bool same = r->proved.entries == end.index + 1;

		/* unless the same list and values are verified again */
		if (end.entries > earlier &&
		    !(same && state->entries == end.entries)) {
			earlier = end.entries;
			unchanged = same;
		}
	}
	if (earlier <= state->matched)
		return IMATALLY_OK;
	return report_count_of_pcr(r, unchanged ? IMATALLY_STANDS_STILL :
					     IMATALLY_STILL_TAIL,
			      earlier - state->matched, r->asked->ima_pcr);
}

/* Entries named boot_aggregate after the last record */
static enum imatally_status judge_names(struct reading *r)
{
	const struct imatally_kernels *k = &r->kernels;
	uint64_t starts = imatally_kernels_in_list(k) - k->number;

	if (!r->result.records || k->nr_named <= starts)
		return IMATALLY_OK;
	return report_between(r, IMATALLY_NAMED_ONLY,
			      at_entry(k->named[starts]), at_end,
			      k->nr_named - starts);
}

/* Compare what each kernel says of PCRs 0 to 9 with the PCRs. */
static enum imatally_status judge_aggregates(struct reading *r)
{
	const struct imatally_pcrs *pcrs = &r->asked->boot;
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	for (i = 0; i < r->booted.nr && pcrs->nr && !status; i++) {
		const struct imatally_aggregate *aggregate = &r->booted.kept[i];
		struct imatally_finding finding = {
			.kind = IMATALLY_BOOT_AGGREGATE,
			.from = at_entry(aggregate->index),
			.to = at_entry(aggregate->index),
			.alg = aggregate->value.alg,
		};

		if (!imatally_booted_counts(aggregate, &r->kernels))
			continue;
		switch (imatally_booted_compare(aggregate, pcrs)) {
		case IMATALLY_MATCH_SAME:
			break;
		case IMATALLY_MATCH_DIFFERENT:
			status = report_as(r, &finding,
					   aggregate->is_start &&
					   r->asked->strict_boot ?
						   IMATALLY_FAULT :
						   IMATALLY_FINDING);
			break;
		case IMATALLY_MATCH_UNKNOWN:
			finding.kind = IMATALLY_BOOT_NOT_COMPARED;
			status = report(r, &finding);
			break;
		}
	}
	return status;
}

/* Compare PCRs 0 to 9 with those of a machine that booted what it should. */
static enum imatally_status judge_boot_pcrs(struct reading *r)
{
	const struct imatally_pcrs *known = &r->asked->known_boot;
	enum imatally_status status = IMATALLY_OK;
	size_t i;

	for (i = 0; i < known->nr && !status; i++) {
		const struct imatally_pcr *pcr = &known->pcr[i];
		const struct imatally_bank_value *bank =
			imatally_pcrs_find(&r->asked->boot, pcr->index,
					   pcr->bank.alg);

		if (!bank)
			status = report_bank(r, IMATALLY_BOOT_PCR_MISSING,
					     at_start, at_start, pcr->index,
					     pcr->bank.alg);
		else if (bank->len != pcr->bank.len ||
			 memcmp(bank->value, pcr->bank.value, bank->len))
			status = report_bank(r, IMATALLY_BOOT_PCR_DIFFERS,
					     at_start, at_start, pcr->index,
					     pcr->bank.alg);
	}
	return status;
}

static enum imatally_status judge_end(struct reading *r)
{
	enum imatally_status status;
	uint32_t pcr;
	size_t i;

	r->result.kernels = imatally_kernels_in_list(&r->kernels);
	status = close_interval(r);
	if (!status)
		status = judge_starts(r);
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
	if (!status && r->proved.entries)
		status = judge_record_pcr(r);
	if (!status && r->proved.entries)
		status = judge_earlier(r);
	if (!status && r->proved.entries)
		status = judge_aggregates(r);
	if (!status)
		status = judge_boot_pcrs(r);
	if (!status)
		status = judge_names(r);
	for (i = 0; i < r->stock.nr_findings && !status; i++)
		if (!r->result.records && !r->proved.entries)
			status = report(r, &r->stock.finding[i]);
	if (!status && r->result.tail)
		status = report_between(r, IMATALLY_TAIL, at_end, at_end,
					r->result.tail);
	return status;
}

/*
 * Withdraw what was concluded from entries that the values given do not prove.
 * What these entries are by themselves stays, and so do faults up to the entry
 * @most, which some bank's value seems to prove: the replay may have gone on there
 * from a record that was put in.
 */
static void withdraw_unproved(struct reading *r, uint64_t most)
{
	struct imatally_result *result = &r->result;
	const struct moment *moment = &r->proved;
	const struct imatally_result *totals = &moment->totals;
	size_t i, kept = 0;

	memcpy(r->have, moment->have, sizeof(r->have));
	r->have[IMATALLY_FAULT] |= r->altered;
	for (i = 0; i < result->nr_findings; i++) {
		const struct imatally_finding *finding = &result->finding[i];

		if (r->reported_at[i] > moment->entries) {
			bool stays = finding->kind == IMATALLY_ALTERED ||
				     finding->kind == IMATALLY_RECORD_ELSEWHERE ||
				     (finding->severity == IMATALLY_FAULT &&
				      r->reported_at[i] <= most);

			if (!stays)
				continue;
			r->have[finding->severity] = true;
		}
		r->reported_at[kept] = r->reported_at[i];
		result->finding[kept++] = *finding;
	}
	result->nr_findings = kept;
	result->nr_intervals = totals->nr_intervals;
	result->records = totals->records;
	result->lost = totals->lost;
	result->dropped = totals->dropped;
	result->failed = totals->failed;
	result->trimmed = totals->trimmed;
	result->put_back = totals->put_back;
	result->by_counter = totals->by_counter;
	result->at_most = totals->at_most;
	result->not_arrived = totals->not_arrived;
	result->restarted = totals->restarted;
	r->kernels = moment->kernels;
	r->booted = moment->booted;
	r->has_mark = moment->has_mark;
	r->mark = moment->mark;
	r->agreed = moment->agreed;
	r->has_starts = moment->has_starts;
	r->starts_unsure = moment->starts_unsure;
	r->starts = moment->starts;
}

static enum imatally_status check_usable(const struct reading *r,
					 struct imatally_error *err)
{
	uint32_t record_pcr = r->asked->record_pcr;
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
	if (record_pcr <= IMATALLY_MAX_PCR && !r->pcr[record_pcr].first_target)
		return imatally_fail(err, IMATALLY_ERR_USAGE,
				     "no value was given for PCR %u, whose records are to be judged",
				     record_pcr);
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

	uint64_t least, most;

	if (status)
		return status;
	find_reach(r, r->asked->ima_pcr, &least, &most);
	if (most && least)
		withdraw_unproved(r, most);
	else
		r->proved.entries = 0;
	if ((!r->have[IMATALLY_FAULT] && imatally_state_format(r)) ||
	    judge_end(r) ||
	    (!r->have[IMATALLY_FAULT] && imatally_state_finish(r)))
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

/* The next entry, of the list or of a copy where entries are missing. */
static int next_entry(const struct settings *asked, struct imatally_log *log,
		      struct imatally_entry *entry, bool *is_back,
		      struct imatally_error *err)
{
	if (asked->puts_back)
		return imatally_restore_next(asked->restore, log, entry,
					     is_back, err);
	return imatally_log_next(log, entry, err);
}

/*
 * Add an entry from a copy.  Anyone can invent one of a PCR that no value given
 * proves.
 */
static enum imatally_status add_back(struct reading *r,
				     const struct imatally_entry *entry)
{
	r->invented |= !is_provable(r, entry->pcr);
	r->put_back++;
	r->result.put_back++;
	return add(r, entry);
}

enum imatally_status imatally_reading_run(struct reading *r,
					  struct imatally_log *log,
					  struct imatally_result *result,
					  struct imatally_error *err)
{
	const struct settings *asked = r->asked;
	enum imatally_status status = IMATALLY_OK;
	struct imatally_entry entry;
	bool is_back = false;
	int got = 0;

	if (asked->puts_back)
		imatally_restore_rewind(asked->restore);
	while (!status && !r->doubts &&
	       (got = next_entry(asked, log, &entry, &is_back, err)) > 0) {
		if (is_back) {
			status = add_back(r, &entry);
			continue;
		}
		r->before_part = imatally_log_before(log);
		if (imatally_log_part(log) != r->part) {
			r->part = imatally_log_part(log);
			r->part_start = entry.index;
		}
		status = add(r, &entry);
		if (asked->progress)
			asked->progress(asked->progress_data, entry.index + 1,
					entry.offset);
	}
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

enum imatally_status imatally_reading_resume(struct reading *r,
					     struct imatally_log *log,
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
	    (asked->keeps_state && r->proved.entries == end.index + 1 &&
	     imatally_state_keep(r, &entry)))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	remember_first(r, &entry);
	r->follows_state = true;
	/* perhaps among the entries that are not read again */
	r->has_earlier = true;
	r->assumes = true;
	*how = has_banks(r) ? IMATALLY_RESUMED : IMATALLY_ANEW_BANK;
	return IMATALLY_OK;
}
