// SPDX-License-Identifier: GPL-2.0-only
/*
 * See restore.h.  A gap lies between two records, which count the entries between
 * them.  No two records are equal, so the first of them tells where to read on in
 * the copy; at the start of the list, where there is none, the second one tells
 * where to stop.  From there on, list and copy are compared entry by entry: one
 * that only the copy has is put back, until as many were as are missing.  Each
 * gap reads as much of the list and of the copy as it spans, and all gaps
 * together put back no more entries than the copy has.
 */

#include <stdlib.h>

#include "kexec_event.h"
#include "log.h"
#include "restore.h"

#define KEY_SIZE 32	/* SHA-256 */

/* As many entries as the records count are missing between two records. */
struct gap {
	bool has_from;		/* otherwise from the start of the list */
	bool open;		/* up to the end of the list, and not counted */
	uint64_t from, to;	/* indices of the records in the list */
	uint64_t missing;
	/* the digest of the first of these records, or of the only one */
	uint8_t key[KEY_SIZE];
	/* where it is in the copy */
	bool is_found;
	size_t run;
	uint64_t index, offset;	/* in that run */
};

struct imatally_restore {
	struct imatally_hash hash;
	struct imatally_log **run;
	size_t nr_runs;
	uint64_t entries;	/* in all runs */
	struct gap *gap;
	size_t nr_gaps;

	/* the reading of the list */
	size_t next_gap;
	struct gap *in;		/* the gap that it is in, or NULL */
	uint64_t left;		/* entries that are still missing there */
	uint64_t had;		/* entries that were put back */
	uint64_t index;		/* of the next entry of the longer list */
	bool held, at_end;	/* an entry of the list was read, or its end */
	struct imatally_entry entry;
	/* where the copy goes on, or NULL */
	struct imatally_log *cursor;
	uint64_t skip;		/* entries of the list before the copy begins */
	bool copy_held;
	struct imatally_entry copy;
	struct imatally_kexec_event event;
};

struct imatally_restore *imatally_restore_new(void)
{
	struct imatally_restore *restore = calloc(1, sizeof(*restore));

	if (restore &&
	    imatally_hash_init(&restore->hash, IMATALLY_ALG_SHA256)) {
		free(restore);
		return NULL;
	}
	return restore;
}

void imatally_restore_free(struct imatally_restore *restore)
{
	if (!restore)
		return;
	imatally_hash_free(&restore->hash);
	free(restore->run);
	free(restore->gap);
	free(restore);
}

static bool is_record(const struct imatally_entry *entry)
{
	bool foreign;
	size_t len;

	return imatally_entry_record(entry, &len, &foreign);
}

static bool make_key(const struct imatally_restore *restore,
		     const struct imatally_entry *entry, uint8_t *key)
{
	return imatally_hash(&restore->hash, entry->data, entry->data_len, key);
}

enum imatally_status imatally_restore_add(struct imatally_restore *restore,
					  struct imatally_log *run)
{
	struct imatally_log **grown = realloc(restore->run,
					      (restore->nr_runs + 1) *
						      sizeof(struct imatally_log *));

	if (!grown)
		return IMATALLY_ERR_NOMEM;
	restore->run = grown;
	restore->run[restore->nr_runs++] = run;
	return IMATALLY_OK;
}

static struct gap *add_gap(struct imatally_restore *restore,
			   const struct imatally_interval *iv)
{
	struct gap *gap = &restore->gap[restore->nr_gaps++];

	gap->has_from = iv->has_from;
	gap->from = iv->from;
	gap->to = iv->to;
	return gap;
}

/* Make the list of gaps.  False when out of memory. */
static bool add_gaps(struct imatally_restore *restore,
		     const struct imatally_result *result)
{
	size_t i;

	free(restore->gap);
	restore->nr_gaps = 0;
	restore->gap = calloc(result->nr_intervals + 1, sizeof(*restore->gap));
	for (i = 0; restore->gap && i < result->nr_intervals; i++) {
		const struct imatally_interval *iv = &result->interval[i];

		if (iv->has_to && iv->lost + iv->lost_handover)
			add_gap(restore, iv)->missing = iv->lost +
							iv->lost_handover;
		/* the end may be missing, which no record counts */
		else if (!iv->has_to && iv->has_from &&
			 result->verdict == IMATALLY_MISMATCH)
			add_gap(restore, iv)->open = true;
	}
	return restore->gap;
}

/* The record by which the place of a gap in the copy is found */
static uint64_t anchor(const struct gap *gap)
{
	return gap->has_from ? gap->from : gap->to;
}

/* Read the list for the keys of those records, which are in the order of the gaps. */
static enum imatally_status make_keys(struct imatally_restore *restore,
				      struct imatally_log *log,
				      struct imatally_error *err)
{
	struct gap *gap = restore->gap, *end = gap + restore->nr_gaps;
	enum imatally_status status = imatally_log_seek(log, 0, 0, err);
	struct imatally_entry entry;
	int got = 1;

	while (!status && gap < end &&
	       (got = imatally_log_next(log, &entry, err)) > 0) {
		for (; gap < end && entry.index == anchor(gap); gap++)
			if (!make_key(restore, &entry, gap->key))
				status = imatally_fail(err, IMATALLY_ERR_CRYPTO,
						       "libcrypto failed to hash");
	}
	if (got < 0)
		return err->status;
	if (!got)
		return imatally_fail(err, IMATALLY_ERR_IO,
				     "the list has changed while it was read");
	return status;
}

static int compare_gaps(const void *a, const void *b)
{
	const struct gap *const *one = a, *const *other = b;

	return memcmp((*one)->key, (*other)->key, KEY_SIZE);
}

static int compare_key(const void *key, const void *gap)
{
	return memcmp(key, (*(const struct gap *const *)gap)->key, KEY_SIZE);
}

/*
 * Note the first place of a record in the copy for the gaps that it leads to.  What
 * kexec cut is in the run of the kernel before, and not in those of later ones,
 * which also have the record.
 */
static bool note_place(const struct imatally_restore *restore,
		       struct gap **by_key, size_t run,
		       const struct imatally_entry *entry)
{
	struct gap **found, **end = by_key + restore->nr_gaps;
	uint8_t key[KEY_SIZE];

	if (!make_key(restore, entry, key))
		return false;
	found = bsearch(key, by_key, restore->nr_gaps, sizeof(*by_key),
			compare_key);
	if (!found || (*found)->is_found)
		return true;
	while (found > by_key && !compare_key(key, found - 1))
		found--;
	for (; found < end && !compare_key(key, found); found++) {
		(*found)->is_found = true;
		(*found)->run = run;
		(*found)->index = entry->index;
		(*found)->offset = imatally_log_before(restore->run[run]) +
				   entry->offset;
	}
	return true;
}

/* Read the copy for these records, up to the first malformed entry of each run. */
static enum imatally_status find_places(struct imatally_restore *restore,
					struct gap **by_key,
					struct imatally_error *err)
{
	enum imatally_status status = IMATALLY_OK;
	struct imatally_entry entry;
	size_t run;
	int got = 0;

	restore->entries = 0;
	for (run = 0; run < restore->nr_runs && !status; run++) {
		status = imatally_log_seek(restore->run[run], 0, 0, err);
		while (!status && (got = imatally_log_next(restore->run[run],
							   &entry, err)) > 0) {
			restore->entries++;
			if (is_record(&entry) &&
			    !note_place(restore, by_key, run, &entry))
				status = IMATALLY_ERR_CRYPTO;
		}
		if (got < 0 && err->status != IMATALLY_ERR_MALFORMED)
			status = err->status;
	}
	return status ? imatally_fail(err, status, "the copy cannot be read") :
			status;
}

enum imatally_status imatally_restore_plan(struct imatally_restore *restore,
					   const struct imatally_result *result,
					   struct imatally_log *log,
					   struct imatally_error *err)
{
	enum imatally_status status;
	struct gap **by_key;
	size_t i;

	if (!add_gaps(restore, result))
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	status = make_keys(restore, log, err);
	if (status)
		return status;
	by_key = malloc((restore->nr_gaps + 1) * sizeof(*by_key));
	if (!by_key)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	for (i = 0; i < restore->nr_gaps; i++)
		by_key[i] = &restore->gap[i];
	qsort(by_key, restore->nr_gaps, sizeof(*by_key), compare_gaps);
	status = find_places(restore, by_key, err);
	free(by_key);
	return status;
}

void imatally_restore_rewind(struct imatally_restore *restore)
{
	restore->next_gap = 0;
	restore->in = NULL;
	restore->had = 0;
	restore->index = 0;
	restore->held = false;
	restore->at_end = false;
	restore->cursor = NULL;
	restore->copy_held = false;
	memset(&restore->event, 0, sizeof(restore->event));
}

/* Go to an entry of a run, from one whose offset is known. */
static enum imatally_status go_to(struct imatally_restore *restore, size_t run,
				  uint64_t offset, uint64_t index,
				  uint64_t ahead)
{
	struct imatally_log *log = restore->run[run];
	struct imatally_entry entry;
	struct imatally_error err;
	enum imatally_status status =
		imatally_log_seek(log, offset, index, &err);

	while (!status && ahead && imatally_log_next(log, &entry, &err) > 0)
		ahead--;
	restore->copy_held = false;
	restore->cursor = status || ahead ? NULL : log;
	return status;
}

/* The list has come to the start of a gap: find the place in the copy. */
static enum imatally_status enter(struct imatally_restore *restore)
{
	struct gap *gap = &restore->gap[restore->next_gap++];
	uint64_t span;

	restore->in = gap;
	restore->left = gap->open ? UINT64_MAX : gap->missing;
	/* together no more than there is, however often a gap leads to an entry */
	if (restore->left > restore->entries - restore->had)
		restore->left = restore->entries - restore->had;
	restore->cursor = NULL;
	restore->skip = 0;
	if (!gap->is_found)
		return IMATALLY_OK;
	if (gap->has_from)
		return go_to(restore, gap->run, gap->offset, gap->index, 0);
	/* entries before the record, in the list and missing */
	span = gap->to + gap->missing;
	if (gap->index < span)
		restore->skip = span - gap->index;
	return go_to(restore, gap->run, 0, 0,
		     gap->index - (span - restore->skip));
}

static bool same(const struct imatally_entry *a, const struct imatally_entry *b)
{
	return a->pcr == b->pcr && a->data_len == b->data_len &&
	       imatally_entry_is_violation(a) ==
		       imatally_entry_is_violation(b) &&
	       !memcmp(a->data, b->data, a->data_len);
}

/* Read on in the copy, unless that was done.  False at its end. */
static bool has_copy(struct imatally_restore *restore)
{
	struct imatally_error err;

	if (restore->cursor && !restore->copy_held &&
	    imatally_log_next(restore->cursor, &restore->copy, &err) <= 0)
		restore->cursor = NULL;
	restore->copy_held = restore->cursor;
	return restore->copy_held;
}

/* Return whether the list has come to the end of the gap that it is in. */
static bool is_end(const struct imatally_restore *restore)
{
	return restore->at_end || (!restore->in->open &&
				   restore->entry.index == restore->in->to);
}

/*
 * Return whether the next entry is missing from the list.  It is the one of the
 * copy then, or the last one of the gap, which the kernel made when nobody could
 * copy it.
 */
static bool is_missing(struct imatally_restore *restore)
{
	if (restore->skip || !restore->left)
		return false;
	if (has_copy(restore)) {
		if (restore->at_end || !same(&restore->entry, &restore->copy))
			return true;
		restore->copy_held = false;
		if (!is_end(restore))
			return false;
		restore->cursor = NULL;	/* it has fewer than are missing */
	}
	return restore->left == 1 && !restore->in->open && is_end(restore) &&
	       imatally_kexec_event_make(&restore->event, &restore->copy);
}

/* Hold the next entry of the list.  Returns -1 on an error of the list. */
static int hold(struct imatally_restore *restore, struct imatally_log *log,
		struct imatally_error *err)
{
	int got = 1;

	if (!restore->held && !restore->at_end) {
		got = imatally_log_next(log, &restore->entry, err);
		restore->held = got > 0;
		restore->at_end = !got;
	}
	return got < 0 ? -1 : 0;
}

static bool begins(const struct imatally_restore *restore)
{
	const struct gap *gap = &restore->gap[restore->next_gap];

	return restore->held && restore->next_gap < restore->nr_gaps &&
	       restore->entry.index == (gap->has_from ? gap->from : 0);
}

int imatally_restore_next(struct imatally_restore *restore,
			  struct imatally_log *log,
			  struct imatally_entry *entry, bool *is_back,
			  struct imatally_error *err)
{
	enum imatally_status status;

	*is_back = false;
	for (;;) {
		if (hold(restore, log, err))
			return -1;
		if (restore->in && is_missing(restore)) {
			*is_back = true;
			*entry = restore->copy;
			imatally_kexec_event_see(&restore->event, entry);
			entry->index = restore->index++;
			restore->copy_held = false;
			restore->left--;
			restore->had++;
			return 1;
		}
		if (restore->in && is_end(restore))
			restore->in = NULL;
		if (restore->in || !begins(restore))
			break;
		status = enter(restore);
		if (status) {
			imatally_fail(err, status, "the copy cannot be read again");
			return -1;
		}
	}
	if (restore->at_end)
		return 0;
	*entry = restore->entry;
	imatally_kexec_event_see(&restore->event, entry);
	entry->index = restore->index++;
	restore->held = false;
	restore->skip -= !!restore->skip;
	return 1;
}

uint64_t imatally_restore_missing(const struct imatally_restore *restore)
{
	uint64_t missing = 0;
	size_t i;

	for (i = 0; i < restore->nr_gaps; i++)
		missing += restore->gap[i].missing;
	return missing;
}

uint64_t imatally_restore_had(const struct imatally_restore *restore)
{
	return restore->had;
}

bool imatally_restore_closes(const struct imatally_result *with)
{
	switch (with->verdict) {
	case IMATALLY_COMPLETE:
	case IMATALLY_COMPLETE_NOT_COUNTED:
		return true;
	case IMATALLY_INCOMPLETE:
		return !with->lost && !with->not_arrived && !with->restarted;
	case IMATALLY_MISMATCH:
		break;
	}
	return false;
}
