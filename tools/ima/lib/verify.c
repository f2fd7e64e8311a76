// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict: the replay against the PCR values given and against those in
 * the records, and the records' accounts against each other.
 */

#include <stdlib.h>
#include <string.h>

#include "verifier.h"

static void forget_log(struct imatally_verifier *v)
{
	imatally_replay_free(v->replay);
	imatally_result_free(&v->result);
	free(v->next_target);
	free(v->mark_text);
	free(v->kept);
}

/* Make the verifier a new one again that was asked the same. */
static enum imatally_status begin_anew(struct imatally_verifier *v,
				       bool assume_own)
{
	const struct imatally_pcrs *given = &v->given;
	struct imatally_verifier fresh = {
		.given = *given, .ima_pcr = v->ima_pcr, .assumes = assume_own,
		.has_counter = v->has_counter, .counter = v->counter,
		.progress = v->progress, .progress_data = v->progress_data,
		.keeps_state = v->keeps_state, .state = v->state,
	};
	size_t i;

	forget_log(v);
	*v = fresh;
	v->replay = imatally_replay_new();
	v->result.target = calloc(given->nr + 1, sizeof(*v->result.target));
	v->next_target = calloc(given->nr + 1, sizeof(*v->next_target));
	if (!v->replay || !v->result.target || !v->next_target)
		return IMATALLY_ERR_NOMEM;
	if (assume_own)
		imatally_replay_assume_own(v->replay);
	v->result.nr_targets = given->nr;
	for (i = 0; i < given->nr; i++) {
		struct imatally_target *target = &v->result.target[i];

		target->pcr = given->pcr[i].index;
		target->bank = given->pcr[i].bank;
		target->supported = !imatally_replay_add_bank(
			v->replay, target->bank.alg, true);
	}
	return IMATALLY_OK;
}

struct imatally_verifier *imatally_verifier_new(const struct imatally_pcrs *pcrs)
{
	struct imatally_verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->ima_pcr = IMATALLY_IMA_PCR;
	v->given.pcr = malloc((pcrs->nr + 1) * sizeof(*pcrs->pcr));
	if (v->given.pcr) {
		v->given.nr = pcrs->nr;
		if (pcrs->nr)
			memcpy(v->given.pcr, pcrs->pcr,
			       pcrs->nr * sizeof(*pcrs->pcr));
		if (!begin_anew(v, false))
			return v;
	}
	imatally_verifier_free(v);
	return NULL;
}

void imatally_verifier_set_pcr(struct imatally_verifier *v, uint32_t pcr)
{
	v->ima_pcr = pcr;
}

void imatally_verifier_set_counter(struct imatally_verifier *v,
				   uint32_t counter)
{
	v->has_counter = true;
	v->counter = counter;
}

void imatally_verifier_set_progress(struct imatally_verifier *v,
				    imatally_progress_fn *progress, void *data)
{
	v->progress = progress;
	v->progress_data = data;
}

void imatally_result_free(struct imatally_result *result)
{
	free(result->target);
	free(result->interval);
	free(result->finding);
	memset(result, 0, sizeof(*result));
}

void imatally_verifier_free(struct imatally_verifier *v)
{
	if (!v)
		return;
	forget_log(v);
	json_decref(v->state);
	free(v->given.pcr);
	free(v);
}

/* Room for one more in an array that grows by doubling. */
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

/* Of the least severe findings the last one. */
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
 * Make room for a more severe finding than the least that is kept, if there is
 * one.  Where something was lost must not drown in what is worth a note.
 */
static void replace_least(struct imatally_verifier *v,
			  const struct imatally_finding *finding)
{
	struct imatally_result *result = &v->result;
	struct imatally_finding *end = result->finding + result->nr_findings;
	struct imatally_finding *gone;

	if (finding->severity <= v->least_kept)
		return;
	gone = least(result);
	v->least_kept = gone->severity;
	if (finding->severity <= gone->severity)
		return;
	memmove(gone, gone + 1, (end - gone - 1) * sizeof(*gone));
	end[-1] = *finding;
}

/*
 * Note a finding.  All are judged by, but so many are kept: a log of noise must
 * not cost more memory than its own size.
 */
static enum imatally_status report_as(struct imatally_verifier *v,
				      struct imatally_finding *finding,
				      enum imatally_severity severity)
{
	struct imatally_result *result = &v->result;
	struct imatally_finding *grown;

	finding->severity = severity;
	v->have[severity] = true;
	if (result->nr_findings == IMATALLY_MAX_FINDINGS) {
		result->findings_not_kept++;
		replace_least(v, finding);
		return IMATALLY_OK;
	}
	grown = grow(result->finding, result->nr_findings, &v->finding_room,
		     sizeof(*grown));
	if (!grown)
		return IMATALLY_ERR_NOMEM;
	result->finding = grown;
	result->finding[result->nr_findings++] = *finding;
	return IMATALLY_OK;
}

/* The same, as severe as its kind is. */
static enum imatally_status report(struct imatally_verifier *v,
				   struct imatally_finding *finding)
{
	return report_as(v, finding, imatally_kind_severity(finding->kind));
}

/* Points in the log */

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

/* The last record, or the log's start. */
static struct imatally_point at_last(const struct imatally_verifier *v)
{
	return v->has_mark ? at_mark(&v->mark) : at_start;
}

static struct imatally_point at_kernel(const struct imatally_verifier *v)
{
	return (struct imatally_point){ .place = IMATALLY_AT_BOOT_AGGREGATE,
					.index = v->kernel_start,
					.kernel = v->result.kernels };
}

/* The entry before this kernel's first. */
static struct imatally_point before_kernel(const struct imatally_verifier *v)
{
	if (!v->kernel_start)
		return at_start;
	if (v->has_mark && v->mark.index == v->kernel_start - 1)
		return at_mark(&v->mark);
	return at_entry(v->kernel_start - 1);
}

static enum imatally_status report_between(struct imatally_verifier *v,
					   enum imatally_kind kind,
					   struct imatally_point from,
					   struct imatally_point to,
					   int64_t count)
{
	struct imatally_finding finding = {
		.kind = kind, .from = from, .to = to, .count = count,
	};

	return report(v, &finding);
}

static enum imatally_status report_bank(struct imatally_verifier *v,
					enum imatally_kind kind,
					struct imatally_point from,
					struct imatally_point to, uint32_t pcr,
					uint16_t alg)
{
	struct imatally_finding finding = {
		.kind = kind, .from = from, .to = to, .pcr = pcr, .alg = alg,
	};

	return report(v, &finding);
}

/* Report something about a bank the first time it is met. */
static enum imatally_status report_bank_once(struct imatally_verifier *v,
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
	return report_bank(v, kind, at, at, pcr, alg);
}

static enum imatally_status settle(struct imatally_verifier *v, uint32_t pcr,
				   const struct imatally_bank_value *bank,
				   struct imatally_point at)
{
	if (!imatally_replay_settle(v->replay, pcr, bank))
		return IMATALLY_OK;
	return report_bank_once(v, IMATALLY_PADDED, at, pcr, bank->alg,
				v->said_padded);
}

/*
 * Compare a record's PCR values with the replay.  A bank that the caller gave
 * no value of is followed from here on.
 */
static enum imatally_status compare_record(struct imatally_verifier *v,
					   const struct imatally_mark *mark,
					   enum imatally_match *match,
					   uint16_t *differing)
{
	const struct imatally_record *rec = &mark->record;
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	*match = IMATALLY_MATCH_UNKNOWN;
	for (i = 0; i < rec->nr_banks && !status; i++) {
		const struct imatally_bank_value *bank = &rec->bank[i];

		if (!imatally_replay_has_bank(v->replay, bank->alg) &&
		    imatally_replay_add_bank(v->replay, bank->alg, false)) {
			status = report_bank_once(v, IMATALLY_BANK_UNSUPPORTED,
						  at_mark(mark), rec->pcr,
						  bank->alg,
						  v->said_unsupported);
			continue;
		}
		switch (imatally_replay_compare(v->replay, rec->pcr, bank)) {
		case IMATALLY_MATCH_UNKNOWN:
			imatally_replay_restart(v->replay, rec->pcr, bank);
			break;
		case IMATALLY_MATCH_SAME:
			if (*match == IMATALLY_MATCH_UNKNOWN)
				*match = IMATALLY_MATCH_SAME;
			status = settle(v, rec->pcr, bank, at_mark(mark));
			imatally_replay_confirm(v->replay, rec->pcr, bank->alg);
			break;
		case IMATALLY_MATCH_DIFFERENT:
			*match = IMATALLY_MATCH_DIFFERENT;
			*differing = bank->alg;
			v->doubts = v->assumes;
			break;
		}
	}
	return status;
}

static enum imatally_status report_losses(struct imatally_verifier *v,
					  const struct imatally_mark *mark,
					  const struct imatally_interval *iv)
{
	bool same_kernel = iv->has_from && iv->from_kernel == iv->to_kernel;
	/* where the entries that the record's kernel counts begin */
	struct imatally_point start = same_kernel ? at_last(v) :
				      v->has_boot_aggregate ? at_kernel(v) :
							      before_kernel(v);
	enum imatally_status status = IMATALLY_OK;

	if (iv->lost_handover) {
		struct imatally_finding finding = {
			.kind = IMATALLY_LOST,
			.from = iv->by_counter ? before_kernel(v) : at_last(v),
			.to = v->has_boot_aggregate ? at_kernel(v) :
						      at_mark(mark),
			.count = iv->lost_handover,
			.by_counter = iv->by_counter,
			.at_most = iv->at_most,
		};

		status = report(v, &finding);
		v->result.by_counter |= iv->by_counter;
		v->result.at_most |= iv->at_most;
	}
	if (iv->lost && !status)
		status = report_between(v, IMATALLY_LOST, start, at_mark(mark),
					iv->lost);
	if (iv->dropped && !status)
		status = report_between(v, IMATALLY_DROPPED, start,
					at_mark(mark), iv->dropped);
	if (iv->failed && !status)
		status = report_between(v, IMATALLY_FAILED, start,
					at_mark(mark), iv->failed);
	v->result.lost += iv->lost + iv->lost_handover;
	v->result.dropped += iv->dropped;
	v->result.failed += iv->failed;
	return status;
}

/*
 * User space deletes from the start of the kernel's list.  What is missing there can
 * be that, up to the number that the kernels tell; what is missing elsewhere is not.
 */
static void count_trimmed(struct imatally_verifier *v,
			  const struct imatally_mark *mark,
			  const struct imatally_interval *iv)
{
	struct imatally_result *result = &v->result;
	uint64_t left;

	/* the entries that a kernel was handed may be those that are gone */
	if (!v->has_mark && (v->begins_amid ||
			     (mark->kernel == 1 &&
			      mark->record.value[IMATALLY_KEY_CARRIED])))
		v->lost_at_start = iv->lost + iv->lost_handover;
	left = v->lost_at_start - result->trimmed;
	result->trimmed += iv->trimmed < left ? iv->trimmed : left;
}

static enum imatally_status report_counter(struct imatally_verifier *v,
					   const struct imatally_mark *mark,
					   const struct imatally_interval *iv)
{
	enum imatally_status status = IMATALLY_OK;

	if (iv->has_others && iv->others)
		status = report_between(v, IMATALLY_OTHERS, at_last(v),
					at_mark(mark), iv->others);
	if (!status && iv->has_rest && iv->rest)
		status = report_between(v,
					iv->is_split || iv->rest < 0 ?
						IMATALLY_UNEXPLAINED :
						IMATALLY_REST,
					at_last(v), at_mark(mark), iv->rest);
	if (!status && iv->unjudged) {
		struct imatally_finding finding = {
			.kind = IMATALLY_UNJUDGED,
			.from = at_last(v), .to = at_mark(mark),
			.count = iv->unjudged,
		};

		memcpy(finding.word, mark->record.error[0] || !v->has_mark ?
		       mark->record.error : v->mark.record.error,
		       sizeof(mark->record.error));
		status = report(v, &finding);
	}
	return status;
}

/*
 * Nothing but failed extends is counted since the replay last was right: without
 * them it must be the record's.
 */
static enum imatally_status find_failed(struct imatally_verifier *v,
					const struct imatally_mark *mark,
					uint16_t alg)
{
	const struct imatally_record *rec = &mark->record;
	enum imatally_search found = IMATALLY_SEARCH_GIVEN_UP;
	enum imatally_status status = IMATALLY_OK;
	struct imatally_left_out left_out;
	unsigned int i;

	for (i = 0; i < rec->nr_banks && found == IMATALLY_SEARCH_GIVEN_UP; i++)
		found = imatally_replay_search(v->replay, rec->pcr, &rec->bank[i],
					       v->failed + v->uncounted,
					       &left_out);
	if ((found != IMATALLY_SEARCH_FOUND || !left_out.nr) && !v->failed)
		return report_bank(v, IMATALLY_DIFFERS_AT_RECORD, at_last(v),
				   at_mark(mark), rec->pcr, alg);
	if (found == IMATALLY_SEARCH_GIVEN_UP)
		return report_between(v, IMATALLY_NOT_SEARCHED, at_last(v),
				      at_mark(mark), v->failed);
	/* none left out: that bank is right, another is not */
	if (found == IMATALLY_SEARCH_NONE || !left_out.nr) {
		struct imatally_finding finding = {
			.kind = IMATALLY_DIFFERS_FAILED,
			.from = at_last(v), .to = at_mark(mark),
			.count = v->failed, .pcr = rec->pcr, .alg = alg,
		};

		return report(v, &finding);
	}
	if (left_out.nr > v->failed)
		v->result.failed += left_out.nr - v->failed;
	for (i = 0; i < left_out.nr && !status; i++)
		status = report_between(v, IMATALLY_FAILED_ENTRY,
					at_entry(left_out.index[i]),
					at_entry(left_out.index[i]), 0);
	return status;
}

/* The replay differs at a record: explained, or tampering. */
static enum imatally_status resolve_difference(struct imatally_verifier *v,
					       const struct imatally_mark *mark,
					       uint16_t alg)
{
	const struct imatally_record *rec = &mark->record;
	enum imatally_status status = IMATALLY_OK;
	unsigned int i;

	if (v->lost)
		;
	else if (rec->event == IMATALLY_EVENT_RESUME)
		status = report_between(v, IMATALLY_RESET, at_last(v),
					at_mark(mark), 0);
	else if (v->failed || v->uncounted)
		status = find_failed(v, mark, alg);
	else
		status = report_bank(v, IMATALLY_DIFFERS_AT_RECORD, at_last(v),
				     at_mark(mark), rec->pcr, alg);

	/* Look on in any case: what else is wrong is worth knowing. */
	v->result.restarted = true;
	imatally_replay_forget(v->replay);
	for (i = 0; i < rec->nr_banks; i++)
		imatally_replay_restart(v->replay, rec->pcr, &rec->bank[i]);
	return status;
}

static enum imatally_status keep_interval(struct imatally_verifier *v,
					  const struct imatally_interval *iv)
{
	struct imatally_interval *grown =
		grow(v->result.interval, v->result.nr_intervals,
		     &v->interval_room, sizeof(*grown));

	if (!grown)
		return IMATALLY_ERR_NOMEM;
	v->result.interval = grown;
	grown[v->result.nr_intervals++] = *iv;
	return IMATALLY_OK;
}

/*
 * A kernel that can protect the read, and no longer does: its session failed, and
 * somebody on the TPM's bus can be why.
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

static enum imatally_status judge_record(struct imatally_verifier *v,
					 const struct imatally_mark *mark)
{
	const struct imatally_record *rec = &mark->record;
	struct imatally_span span = {
		.from = v->has_mark ? &v->mark : NULL,
		.to = mark,
		.kernel_start = v->kernel_start,
		.lost_before = v->result.lost,
	};
	struct imatally_interval iv;
	enum imatally_status status;
	uint16_t alg = 0;

	status = compare_record(v, mark, &span.replay, &alg);
	if (status)
		return status;
	imatally_reconcile(&span, &iv);

	status = keep_interval(v, &iv);
	if (!status && iv.inserted)
		status = report_between(v, IMATALLY_INSERTED, at_last(v),
					at_mark(mark), iv.inserted);
	if (!status && iv.accounts_disagree)
		status = report_between(v, IMATALLY_ACCOUNTS, at_last(v),
					at_mark(mark), 0);
	if (!status)
		status = report_losses(v, mark, &iv);
	count_trimmed(v, mark, &iv);
	if (!status)
		status = report_counter(v, mark, &iv);
	v->lost |= iv.lost || iv.lost_handover;
	v->failed += iv.failed;
	/* the last kernel's last record can't say how its own extend went */
	if (iv.has_from && iv.from_kernel != iv.to_kernel)
		v->uncounted += iv.kernel_start - iv.from;
	if (!status && span.replay == IMATALLY_MATCH_DIFFERENT)
		status = resolve_difference(v, mark, alg);
	if (span.replay != IMATALLY_MATCH_UNKNOWN) {
		v->lost = false;
		v->failed = 0;
		v->uncounted = 0;
	}

	if (!status && v->has_mark && lost_protection(&v->mark, mark))
		status = report_between(v, IMATALLY_UNPROTECTED, at_last(v),
					at_mark(mark), 0);
	if (!status &&
	    rec->value[IMATALLY_KEY_VERSION] > IMATALLY_RECORD_VERSION) {
		struct imatally_finding finding = {
			.kind = IMATALLY_NEWER_RECORD,
			.from = at_last(v), .to = at_mark(mark),
			.count = rec->value[IMATALLY_KEY_VERSION],
		};

		memcpy(finding.word, rec->unknown_key,
		       sizeof(rec->unknown_key));
		status = report(v, &finding);
	}
	if (!status && !imatally_record_has(rec, IMATALLY_KEY_DROPPED) &&
	    !v->said_no_dropped) {
		v->said_no_dropped = true;
		status = report_between(v, IMATALLY_NO_DROPPED, at_mark(mark),
					at_mark(mark), 0);
	}
	return status;
}

/* A kernel's own entries begin, with its boot_aggregate or without. */
static void begin_kernel(struct imatally_verifier *v, uint64_t index,
			 bool has_boot_aggregate)
{
	v->result.kernels++;
	v->kernel_start = index;
	v->has_boot_aggregate = has_boot_aggregate;
	v->has_record = false;
	imatally_replay_new_kernel(v->replay);
}

static enum imatally_status add_record(struct imatally_verifier *v,
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
					"counter record: %s", why.text);
	/* two boot records: the boot_aggregate between them is missing */
	if (v->has_record && mark.record.event == IMATALLY_EVENT_BOOT)
		begin_kernel(v, entry->index, false);
	mark.kernel = v->result.kernels;

	status = judge_record(v, &mark);
	if (!status && v->keeps_state) {
		free(v->mark_text);
		v->mark_text = malloc(len);
		if (v->mark_text)
			memcpy(v->mark_text, text, len);
		else
			status = IMATALLY_ERR_NOMEM;
		v->mark_len = len;
	}
	v->mark = mark;
	v->has_mark = true;
	v->has_record = true;
	v->result.records++;
	return status;
}

/* The values given prove the log up to here. */
static void prove(struct imatally_verifier *v, uint64_t entries)
{
	v->proved = entries;
	if (!v->has_mark || (v->has_proved_mark &&
			     v->proved_mark.index == v->mark.index))
		return;
	v->proved_mark = v->mark;
	v->has_proved_mark = true;
}

/* Do the values given for a PCR match after the first @entries of the log? */
static enum imatally_status compare_targets(struct imatally_verifier *v,
					    uint32_t pcr, uint64_t entries)
{
	struct pcr_state *state = &v->pcr[pcr];
	bool any = false, all = true;
	size_t next;

	for (next = state->first_target; next; next = v->next_target[next - 1]) {
		struct imatally_target *target = &v->result.target[next - 1];
		enum imatally_status status;

		if (!target->supported)
			continue;
		target->in_log = true;
		target->match = imatally_replay_compare(v->replay, target->pcr,
							&target->bank);
		if (target->match == IMATALLY_MATCH_DIFFERENT)
			all = false;
		if (target->match != IMATALLY_MATCH_SAME)
			continue;
		any = true;
		target->matched_after = entries;
		status = settle(v, target->pcr, &target->bank,
				at_entry(entries - 1));
		if (status)
			return status;
	}
	if (any && all) {
		state->matched = state->entries;
		prove(v, entries);
	}
	return IMATALLY_OK;
}

static enum imatally_status begin_log(struct imatally_verifier *v)
{
	size_t i;

	/* from the last, so that each chain is in their order */
	for (i = v->result.nr_targets; i > 0; i--) {
		struct imatally_target *target = &v->result.target[i - 1];
		size_t *first;

		if (target->pcr == IMATALLY_PCR_OF_LOG)
			target->pcr = v->ima_pcr;
		if (target->pcr > IMATALLY_MAX_PCR)
			continue;
		first = &v->pcr[target->pcr].first_target;
		v->next_target[i - 1] = *first;
		*first = i;
	}
	return v->result.nr_targets ?
		       imatally_replay_follow(v->replay, v->ima_pcr) :
		       IMATALLY_OK;
}

static enum imatally_status add(struct imatally_verifier *v,
				const struct imatally_entry *entry,
				struct imatally_error *err)
{
	bool altered, foreign, begins;
	enum imatally_status status = IMATALLY_OK;
	const char *text;
	size_t len;

	if (!v->result.entries) {
		status = begin_log(v);
		if (status)
			return status;
	}
	v->result.entries++;

	begins = imatally_entry_is_boot_aggregate(entry);
	if (!v->result.kernels)
		v->begins_amid = !begins;
	if (begins || !v->result.kernels)
		begin_kernel(v, entry->index, begins);

	text = imatally_entry_record(entry, &len, &foreign);
	if (text)
		status = add_record(v, entry, text, len, err);
	else if (foreign)
		status = report_between(v, IMATALLY_FOREIGN,
					at_entry(entry->index),
					at_entry(entry->index), 0);
	if (status)
		return status;

	status = imatally_replay_extend(v->replay, entry, &altered);
	if (!status && altered)
		status = report_between(v, IMATALLY_ALTERED,
					at_entry(entry->index),
					at_entry(entry->index), 0);
	if (status)
		return status;
	v->pcr[entry->pcr].entries++;
	status = compare_targets(v, entry->pcr, entry->index + 1);
	if (!status && v->keeps_state && entry->pcr == v->ima_pcr &&
	    v->proved == entry->index + 1)
		status = imatally_state_keep(v, entry);
	return status;
}

enum imatally_status imatally_verifier_add(struct imatally_verifier *v,
					   const struct imatally_entry *entry,
					   struct imatally_error *err)
{
	enum imatally_status status = add(v, entry, err);

	/* a malformed record has said where; the others have no place */
	if (status == IMATALLY_ERR_NOMEM)
		imatally_fail(err, status, "out of memory");
	else if (status == IMATALLY_ERR_CRYPTO)
		imatally_fail(err, status, "libcrypto failed to hash");
	return status;
}

/* The counter that was read with the PCR values, against the last record. */
static enum imatally_status judge_counter(struct imatally_verifier *v,
					  struct imatally_interval *last)
{
	struct imatally_interval iv = { 0 };
	struct imatally_point from, to;
	enum imatally_status status = IMATALLY_OK;

	if (!v->has_counter || !v->has_proved_mark)
		return IMATALLY_OK;
	if (v->proved_mark.index == v->mark.index)
		iv = *last;
	imatally_reconcile_end(&v->proved_mark, v->proved, v->counter, &iv);
	if (v->proved_mark.index == v->mark.index)
		*last = iv;

	from = at_mark(&v->proved_mark);
	to = v->proved == v->result.entries ? at_end : at_entry(v->proved);
	if (iv.has_rest && iv.rest)
		status = report_between(v, iv.rest < 0 ? IMATALLY_UNEXPLAINED :
							 IMATALLY_REST,
					from, to, iv.rest);
	if (!status && iv.unjudged) {
		struct imatally_finding finding = {
			.kind = IMATALLY_UNJUDGED,
			.from = from, .to = to, .count = iv.unjudged,
		};

		memcpy(finding.word, v->proved_mark.record.error,
		       sizeof(v->proved_mark.record.error));
		status = report(v, &finding);
	}
	return status;
}

/* The entries after the last record are proved by the PCR values alone. */
static enum imatally_status close_interval(struct imatally_verifier *v)
{
	struct imatally_interval iv = { 0 };
	enum imatally_status status;

	if (!v->has_mark)
		return IMATALLY_OK;
	iv.has_from = true;
	iv.from = v->mark.index;
	iv.from_event = v->mark.record.event;
	iv.from_kernel = v->mark.kernel;
	iv.to = v->result.entries;
	iv.to_kernel = v->result.kernels;
	iv.kernel_start = v->kernel_start;
	iv.present = iv.to - iv.from;
	status = judge_counter(v, &iv);
	return status ? status : keep_interval(v, &iv);
}

/* How the values given for one PCR came out in the end. */
static enum imatally_status judge_pcr(struct imatally_verifier *v, uint32_t pcr)
{
	const struct pcr_state *state = &v->pcr[pcr];
	enum imatally_status status = IMATALLY_OK;
	bool given = false;
	size_t i;

	for (i = 0; i < v->result.nr_targets && !status; i++) {
		const struct imatally_target *target = &v->result.target[i];

		if (target->pcr != pcr || !target->supported)
			continue;
		given = true;
		if (target->match == IMATALLY_MATCH_UNKNOWN) {
			struct imatally_finding finding = {
				.kind = IMATALLY_BANK_ADRIFT,
				.from = at_last(v), .to = at_end,
				.pcr = pcr, .alg = target->bank.alg,
			};

			/* nothing proves the log's own PCR: that's no verdict */
			if (pcr == v->ima_pcr && !state->matched)
				status = report_as(v, &finding, IMATALLY_FAULT);
			else
				status = report(v, &finding);
		} else if (target->match == IMATALLY_MATCH_DIFFERENT &&
			   !state->matched) {
			v->doubts = v->assumes;
			status = report_bank(v, IMATALLY_DIFFERS_AT_END,
					     at_last(v), at_end, pcr,
					     target->bank.alg);
		}
	}
	if (!status && !given)
		status = report_bank(v, IMATALLY_PCR_NOT_GIVEN, at_start,
				     at_end, pcr, 0);
	if (state->matched)
		v->result.tail += state->entries - state->matched;
	return status;
}

static enum imatally_status judge_end(struct imatally_verifier *v)
{
	enum imatally_status status = close_interval(v);
	uint32_t pcr;
	size_t i;

	for (i = 0; i < v->result.nr_targets && !status; i++) {
		const struct imatally_target *target = &v->result.target[i];

		if (!target->supported)
			status = report_bank_once(v, IMATALLY_BANK_UNSUPPORTED,
						  at_end, target->pcr,
						  target->bank.alg,
						  v->said_unsupported);
	}
	for (pcr = 0; pcr <= IMATALLY_MAX_PCR && !status; pcr++)
		if (v->pcr[pcr].entries)
			status = judge_pcr(v, pcr);
	if (!status && v->result.tail)
		status = report_between(v, IMATALLY_TAIL, at_end, at_end,
					v->result.tail);
	return status;
}

static enum imatally_status check_usable(const struct imatally_verifier *v,
					 struct imatally_error *err)
{
	bool given = false;
	size_t i;

	if (!v->result.entries)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "the log is empty: not even a boot_aggregate");
	/* who writes the log chooses the PCR, which is in no digest */
	if (!v->pcr[v->ima_pcr].entries)
		return imatally_fail(err, IMATALLY_ERR_USAGE,
				     "no entry extends PCR %u: does IMA extend another one there?",
				     v->ima_pcr);
	for (i = 0; i < v->result.nr_targets; i++) {
		if (v->result.target[i].pcr != v->ima_pcr)
			continue;
		if (v->result.target[i].supported)
			return IMATALLY_OK;
		given = true;
	}
	if (given)
		return imatally_fail(err, IMATALLY_ERR_USAGE,
				     "none of the algorithms of PCR %u can be computed here",
				     v->ima_pcr);
	return imatally_fail(err, IMATALLY_ERR_USAGE,
			     "no value was given for PCR %u, which the log extends",
			     v->ima_pcr);
}

enum imatally_status
imatally_verifier_finish(struct imatally_verifier *v,
			 struct imatally_result *result,
			 struct imatally_error *err)
{
	enum imatally_status status = check_usable(v, err);

	if (status)
		return status;
	if (judge_end(v))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");

	if (v->have[IMATALLY_FAULT])
		v->result.verdict = IMATALLY_MISMATCH;
	else if (v->have[IMATALLY_LOSS])
		v->result.verdict = IMATALLY_INCOMPLETE;
	else if (!v->result.records)
		v->result.verdict = IMATALLY_COMPLETE_NOT_COUNTED;
	else
		v->result.verdict = IMATALLY_COMPLETE;
	v->result.has_findings = v->have[IMATALLY_FINDING];
	*result = v->result;
	memset(&v->result, 0, sizeof(v->result));
	return IMATALLY_OK;
}

/* Until the end of the log, or until there is a reason to doubt. */
static enum imatally_status run(struct imatally_verifier *v,
				struct imatally_log *log,
				struct imatally_result *result,
				struct imatally_error *err)
{
	enum imatally_status status = IMATALLY_OK;
	struct imatally_entry entry;
	int got = 0;

	while (!status && !v->doubts &&
	       (got = imatally_log_next(log, &entry, err)) > 0) {
		status = imatally_verifier_add(v, &entry, err);
		if (v->progress)
			v->progress(v->progress_data, entry.index + 1,
				    entry.offset);
	}
	if (!status && got < 0)
		return err->status;
	if (!status && !v->doubts)
		status = imatally_verifier_finish(v, result, err);
	return status;
}

/* The values given may be those of where the state ends. */
static enum imatally_status compare_state(struct imatally_verifier *v)
{
	enum imatally_status status = begin_log(v);
	uint32_t pcr;

	for (pcr = 0; pcr <= IMATALLY_MAX_PCR && !status; pcr++)
		if (v->pcr[pcr].entries)
			status = compare_targets(v, pcr, v->result.entries);
	return status;
}

/*
 * The state must have followed every bank of which a value is given, also where
 * the PCR's first entry is still to come.
 */
static bool has_banks(const struct imatally_verifier *v)
{
	size_t i;

	for (i = 0; i < v->result.nr_targets; i++) {
		const struct imatally_target *target = &v->result.target[i];

		if (!target->supported)
			continue;
		if (!imatally_state_has_bank(v->state, target->bank.alg) ||
		    (target->in_log && target->match == IMATALLY_MATCH_UNKNOWN))
			return false;
	}
	return true;
}

/*
 * Go on from the state, if this log begins as that did which it is of: then it
 * has the same entry in the same place.
 */
static enum imatally_status resume(struct imatally_verifier *v,
				   struct imatally_log *log,
				   enum imatally_resumption *how,
				   struct imatally_error *err)
{
	struct imatally_state_end end = imatally_state_end(v->state);
	enum imatally_status status;
	struct imatally_entry entry;
	int got;

	*how = IMATALLY_ANEW_BANK;
	if (end.pcr != v->ima_pcr)
		return IMATALLY_OK;
	status = imatally_log_seek(log, end.offset, end.index, err);
	if (status)
		return status;
	got = imatally_log_next(log, &entry, err);
	if (got < 0 && err->status != IMATALLY_ERR_MALFORMED)
		return err->status;
	*how = got ? IMATALLY_ANEW_OTHER_LOG : IMATALLY_ANEW_SHORTER;
	if (got <= 0 || !imatally_state_ends_with(v->state, &entry))
		return IMATALLY_OK;

	if (!imatally_state_load(v, v->state) || compare_state(v) ||
	    (v->keeps_state && v->proved == end.index + 1 &&
	     imatally_state_keep(v, &entry)))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	v->assumes = true;
	*how = has_banks(v) ? IMATALLY_RESUMED : IMATALLY_ANEW_BANK;
	return IMATALLY_OK;
}

/*
 * From the log's start.  Hardly any kernel pads SHA-1, and padding costs a third
 * hash an entry in each bank until a value tells: so look at that only if the
 * digests of its own do not do.
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
		if (begin_anew(v, assume_own))
			return imatally_fail(err, IMATALLY_ERR_NOMEM,
					     "out of memory");
		status = run(v, log, result, err);
		assume_own = false;
	} while (!status && v->doubts);
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
	if (!v || begin_anew(v, false))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	if (v->state && !imatally_log_can_seek(log))
		how = IMATALLY_ANEW_PIPE;
	else if (v->state)
		status = resume(v, log, &how, err);
	if (!status && how == IMATALLY_RESUMED) {
		uint64_t resumed = v->result.entries;

		status = run(v, log, result, err);
		if (status || !v->doubts) {
			result->resumption = how;
			result->resumed = resumed;
			return status;
		}
		how = IMATALLY_ANEW_DIFFERS;
	}
	if (!status)
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
