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

/* A record in the copy */
struct anchor {
	uint8_t key[KEY_SIZE];	/* the digest of its data */
	size_t run;
	uint64_t index, offset;	/* in that run */
};

/* As many entries as the records count are missing between two records. */
struct gap {
	bool has_from;		/* otherwise from the start of the list */
	bool open;		/* up to the end of the list, and not counted */
	uint64_t from, to;	/* indices of the records in the list */
	uint64_t missing;
	uint8_t key[KEY_SIZE];	/* of the record at the end, without @has_from */
};

struct imatally_restore {
	struct imatally_hash hash;
	struct imatally_log **run;
	size_t nr_runs;
	struct anchor *anchor;
	size_t nr_anchors, anchor_room;
	bool sorted;
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
	    !imatally_hash_init(&restore->hash, IMATALLY_ALG_SHA256)) {
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
	free(restore->anchor);
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

/* Note where the record @entry is in the last run. */
static enum imatally_status add_anchor(struct imatally_restore *restore,
				       struct imatally_log *run,
				       const struct imatally_entry *entry)
{
	struct anchor *anchor;

	if (restore->nr_anchors == restore->anchor_room) {
		size_t room = restore->anchor_room * 2 + 64;
		struct anchor *grown =
			realloc(restore->anchor, room * sizeof(*grown));

		if (!grown)
			return IMATALLY_ERR_NOMEM;
		restore->anchor = grown;
		restore->anchor_room = room;
	}
	anchor = &restore->anchor[restore->nr_anchors++];
	anchor->run = restore->nr_runs - 1;
	anchor->index = entry->index;
	anchor->offset = imatally_log_before(run) + entry->offset;
	return make_key(restore, entry, anchor->key) ? IMATALLY_OK :
						       IMATALLY_ERR_CRYPTO;
}

enum imatally_status imatally_restore_add(struct imatally_restore *restore,
					  struct imatally_log *run)
{
	struct imatally_log **grown = realloc(restore->run,
					      (restore->nr_runs + 1) *
						      sizeof(struct imatally_log *));
	enum imatally_status status = IMATALLY_OK;
	struct imatally_entry entry;
	struct imatally_error err;
	int got = 0;

	if (!grown)
		return IMATALLY_ERR_NOMEM;
	restore->run = grown;
	restore->run[restore->nr_runs++] = run;
	while (!status && (got = imatally_log_next(run, &entry, &err)) > 0) {
		restore->entries++;
		if (is_record(&entry))
			status = add_anchor(restore, run, &entry);
	}
	if (got < 0 && err.status != IMATALLY_ERR_MALFORMED)
		return err.status;
	restore->sorted = false;
	return status;
}

static int compare_anchors(const void *a, const void *b)
{
	const struct anchor *one = a, *other = b;
	int order = memcmp(one->key, other->key, KEY_SIZE);

	if (order)
		return order;
	if (one->run != other->run)
		return one->run < other->run ? -1 : 1;
	return one->index < other->index ? -1 : one->index > other->index;
}

static int compare_key(const void *key, const void *anchor)
{
	return memcmp(key, ((const struct anchor *)anchor)->key, KEY_SIZE);
}

/*
 * Return the first place of a record in the copy, or NULL.  What kexec cut is in
 * the run of the kernel before, and not in those of later ones, which also have
 * the record.
 */
static const struct anchor *find(const struct imatally_restore *restore,
				 const uint8_t *key)
{
	const struct anchor *found = NULL;

	if (restore->nr_anchors)
		found = bsearch(key, restore->anchor, restore->nr_anchors,
				sizeof(*found), compare_key);
	while (found && found > restore->anchor && !compare_key(key, found - 1))
		found--;
	return found;
}

/* A list that begins too late has the record where its gap ends. */
static enum imatally_status find_end(struct imatally_restore *restore,
				     struct gap *gap, struct imatally_log *log,
				     struct imatally_error *err)
{
	enum imatally_status status = imatally_log_seek(log, 0, 0, err);
	struct imatally_entry entry;
	int got = 1;

	while (!status && (got = imatally_log_next(log, &entry, err)) > 0 &&
	       entry.index < gap->to)
		;
	if (status || got < 0)
		return err->status;
	if (!got || !make_key(restore, &entry, gap->key))
		return imatally_fail(err, IMATALLY_ERR_IO,
				     "the list has changed while it was read");
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

enum imatally_status imatally_restore_plan(struct imatally_restore *restore,
					   const struct imatally_result *result,
					   struct imatally_log *log,
					   struct imatally_error *err)
{
	size_t i;

	if (!restore->sorted && restore->nr_anchors)
		qsort(restore->anchor, restore->nr_anchors,
		      sizeof(*restore->anchor), compare_anchors);
	restore->sorted = true;
	free(restore->gap);
	restore->nr_gaps = 0;
	restore->gap = calloc(result->nr_intervals + 1, sizeof(*restore->gap));
	if (!restore->gap)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	for (i = 0; i < result->nr_intervals; i++) {
		const struct imatally_interval *iv = &result->interval[i];
		struct gap *gap;

		if (iv->has_to && iv->lost + iv->lost_handover) {
			gap = add_gap(restore, iv);
			gap->missing = iv->lost + iv->lost_handover;
			if (!iv->has_from && find_end(restore, gap, log, err))
				return err->status;
		} else if (!iv->has_to && iv->has_from &&
			   result->verdict == IMATALLY_MISMATCH) {
			/* the end may be missing, which no record counts */
			add_gap(restore, iv)->open = true;
		}
	}
	return IMATALLY_OK;
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
	const struct anchor *anchor;
	uint8_t key[KEY_SIZE];
	uint64_t span;

	restore->in = gap;
	restore->left = gap->open ? UINT64_MAX : gap->missing;
	/* together no more than there is, however often a gap leads to an entry */
	if (restore->left > restore->entries - restore->had)
		restore->left = restore->entries - restore->had;
	restore->cursor = NULL;
	restore->skip = 0;
	if (!gap->has_from) {
		anchor = find(restore, gap->key);
		if (!anchor)
			return IMATALLY_OK;
		/* entries before the record, in the list and missing */
		span = gap->to + gap->missing;
		if (anchor->index < span)
			restore->skip = span - anchor->index;
		return go_to(restore, anchor->run, 0, 0,
			     anchor->index - (span - restore->skip));
	}
	if (!make_key(restore, &restore->entry, key))
		return IMATALLY_ERR_CRYPTO;
	anchor = find(restore, key);
	return anchor ? go_to(restore, anchor->run, anchor->offset,
			      anchor->index, 0) : IMATALLY_OK;
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
