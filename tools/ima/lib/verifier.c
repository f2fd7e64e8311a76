// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the caller asks for, and the readings of the list that answer it: from a
 * state on, from the start, and with entries from a copy.  verify.c judges one
 * reading.
 */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "verifier.h"

struct imatally_verifier *imatally_verifier_new(const struct imatally_pcrs *pcrs)
{
	struct imatally_verifier *v = calloc(1, sizeof(*v));
	struct settings *asked;

	if (!v)
		return NULL;
	asked = &v->asked;
	asked->ima_pcr = IMATALLY_IMA_PCR;
	asked->record_pcr = UINT32_MAX;
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
	imatally_restore_free(v->asked.restore);
	free(v->asked.given.pcr);
	imatally_pcrs_free(&v->asked.boot);
	imatally_pcrs_free(&v->asked.known_boot);
	free(v);
}

enum imatally_status imatally_verifier_set_pcr(struct imatally_verifier *v,
					       uint32_t pcr)
{
	if (pcr > IMATALLY_MAX_PCR)
		return IMATALLY_ERR_USAGE;
	v->asked.ima_pcr = pcr;
	return IMATALLY_OK;
}

enum imatally_status
imatally_verifier_set_record_pcr(struct imatally_verifier *v, uint32_t pcr)
{
	if (pcr >= IMATALLY_FIRST_RESETTABLE)
		return IMATALLY_ERR_USAGE;
	v->asked.record_pcr = pcr;
	return IMATALLY_OK;
}

void imatally_verifier_set_one_moment(struct imatally_verifier *v)
{
	v->asked.one_moment = true;
}

void imatally_verifier_set_earlier(struct imatally_verifier *v,
				   const struct imatally_entry *entry,
				   bool unchanged)
{
	struct earlier *earlier = &v->asked.earlier;

	v->asked.has_earlier = true;
	v->asked.earlier_unchanged = unchanged;
	earlier->pcr = entry->pcr;
	earlier->data_len = entry->data_len;
	earlier->digest_len = entry->digest_len;
	memcpy(earlier->digest, entry->digest, entry->digest_len);
}

void imatally_verifier_set_counter(struct imatally_verifier *v,
				   uint32_t counter)
{
	v->asked.has_counter = true;
	v->asked.counter = counter;
}

void imatally_verifier_set_starts(struct imatally_verifier *v, uint32_t resets,
				  uint32_t restarts)
{
	v->asked.has_starts = true;
	v->asked.resets = resets;
	v->asked.restarts = restarts;
}

enum imatally_status
imatally_verifier_set_boot_pcrs(struct imatally_verifier *v,
				const struct imatally_pcrs *pcrs, bool strict)
{
	v->asked.strict_boot = strict;
	return imatally_booted_copy(&v->asked.boot, pcrs) ? IMATALLY_OK :
							    IMATALLY_ERR_NOMEM;
}

enum imatally_status
imatally_verifier_set_known_boot_pcrs(struct imatally_verifier *v,
				      const struct imatally_pcrs *pcrs)
{
	return imatally_booted_copy(&v->asked.known_boot, pcrs) ?
		       IMATALLY_OK : IMATALLY_ERR_NOMEM;
}

enum imatally_status imatally_verifier_add_copy(struct imatally_verifier *v,
						struct imatally_log *run)
{
	if (!imatally_log_can_seek(run))
		return IMATALLY_ERR_USAGE;
	if (!v->asked.restore)
		v->asked.restore = imatally_restore_new();
	return v->asked.restore ? imatally_restore_add(v->asked.restore, run) :
				  IMATALLY_ERR_NOMEM;
}

#define MIN_INTERVALS 16	/* that combining is sure to leave fewer */

void imatally_verifier_set_max_intervals(struct imatally_verifier *v,
					 size_t max)
{
	v->asked.max_intervals = max < MIN_INTERVALS ? MIN_INTERVALS : max;
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
		status = imatally_reading_resume(&v->reading, log, how,
						 err);
	if (status || *how != IMATALLY_RESUMED)
		return status;
	resumed = v->reading.result.entries;
	status = imatally_reading_run(&v->reading, log, result, err);
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
			status = imatally_reading_run(&v->reading, log, result,
						      err);
		assume_own = false;
	} while (!status && v->reading.doubts);
	return status;
}

/*
 * Verify again with the entries that the copy has and the list lacks.  That
 * answer takes the place of @result only if it has no gap left; whatever the copy
 * is, it then is the list that was extended.
 */
static enum imatally_status run_with_copy(struct imatally_verifier *v,
					  struct imatally_log *log,
					  struct imatally_result *result,
					  struct imatally_error *err)
{
	struct imatally_restore *restore = v->asked.restore;
	struct imatally_result with = { 0 };
	struct imatally_error why;
	enum imatally_status status;

	result->copy = IMATALLY_COPY_NOT_NEEDED;
	if (imatally_restore_closes(result))
		return IMATALLY_OK;
	status = imatally_restore_plan(restore, result, log, err);
	if (status)
		return status;
	v->asked.puts_back = true;
	status = run_from_start(v, log, &with, &why);
	v->asked.puts_back = false;
	/* an error of what the copy has */
	if (status && status != IMATALLY_ERR_MALFORMED &&
	    status != IMATALLY_ERR_USAGE) {
		*err = why;
		return status;
	}
	if (!status && with.put_back && !v->reading.invented &&
	    imatally_restore_closes(&with)) {
		imatally_result_free(result);
		*result = with;
		result->copy = IMATALLY_COPY_USED;
		return IMATALLY_OK;
	}
	imatally_result_free(&with);
	result->copy = IMATALLY_COPY_DOES_NOT_FIT;
	result->copy_missing = imatally_restore_missing(restore);
	result->copy_had = imatally_restore_had(restore);
	return IMATALLY_OK;
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
	if (v->asked.restore && v->asked.keeps_state)
		return imatally_fail(err, IMATALLY_ERR_USAGE,
				     "a state of a list with entries put back cannot be kept");
	if (v->asked.restore && !imatally_log_can_seek(log))
		return imatally_fail(err, IMATALLY_ERR_USAGE,
				     "a list from a pipe cannot be compared with a copy");
	if (v->asked.state)
		status = run_from_state(v, log, &how, result, err);
	if (!status && how != IMATALLY_RESUMED)
		status = run_from_start(v, log, result, err);
	if (!status && v->asked.restore)
		status = run_with_copy(v, log, result, err);
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
