/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verifier's settings and what it learns from a reading of the list.
 * verifier.c makes readings, verify.c judges them, and state.c saves and loads them.
 */
#ifndef IMATALLY_VERIFIER_H
#define IMATALLY_VERIFIER_H

#include <jansson.h>

#include "booted.h"
#include "kernels.h"
#include "reconcile.h"
#include "replay.h"
#include "restore.h"
#include "stock.h"

/* How the replay of one PCR compared with the values given for it. */
struct pcr_state {
	uint64_t entries;	/* that extend this PCR, so far */
	uint64_t matched;	/* entries when its banks last matched */
	size_t first_target;	/* 1-based; 0 if no value was given */
};

/* What the verifier is asked for.  A reading does not change it. */
struct settings {
	struct imatally_pcrs given;
	uint32_t ima_pcr;
	uint32_t record_pcr;		/* also has records; ima_pcr if none */
	bool one_moment;		/* all values were read at once */
	bool has_earlier;		/* see imatally_verifier_set_earlier() */
	bool earlier_unchanged;
	struct earlier {
		uint32_t pcr, data_len, digest_len;
		uint8_t digest[IMATALLY_MAX_DIGEST];
	} earlier;
	bool has_counter;		/* pcrUpdateCounter was given as well */
	uint32_t counter;
	bool has_starts;		/* so were resetCount and restartCount */
	uint32_t resets, restarts;
	struct imatally_pcrs boot, known_boot;	/* PCRs 0 to 9 */
	bool strict_boot;		/* a boot_aggregate that differs is a fault */
	imatally_progress_fn *progress;
	void *progress_data;
	struct imatally_restore *restore;	/* from a copy, or NULL */
	bool puts_back;			/* in this reading */
	size_t max_intervals;		/* 0 for any number */
	bool keeps_state;
	json_t *state;			/* to resume from, or NULL */
};

/*
 * What was known after the last entry that the values given prove.  What follows
 * may have been invented by whoever hands over the list, so nothing is concluded
 * from it.
 */
struct moment {
	uint64_t entries;		/* that the values prove; 0 for none */
	struct imatally_result totals;	/* its pointers are not used */
	bool have[IMATALLY_FAULT + 1];
	struct imatally_kernels kernels;
	struct imatally_booted booted;
	uint64_t record_pcr_entries;
	bool has_mark;
	struct imatally_mark mark;
	struct imatally_point agreed;
	bool has_starts, starts_unsure;
	struct imatally_record starts;
};

/*
 * What one reading of the list has learned so far.  A second reading starts
 * with a new struct; nothing is carried over.
 */
struct reading {
	const struct settings *asked;
	struct imatally_replay *replay;
	/*
	 * This reading resumes from a state or replays only one kind of
	 * digests.  If the replay differs, the list has to be read again from
	 * its start.
	 */
	bool assumes, doubts;
	struct imatally_result result;
	uint64_t *reported_at;		/* entries so far, for each finding */
	size_t interval_room, finding_room;	/* allocated elements */
	bool have[IMATALLY_FAULT + 1];	/* severities */
	/* once no more findings are kept: none of them is less severe */
	enum imatally_severity least_kept;
	struct saved *saved;		/* for the state, or NULL */
	json_t *kept_json;		/* the state to save, or NULL */
	char *kept;			/* its text, once it is complete */
	bool altered;			/* ALTERED was reported */

	uint64_t before_part;		/* bytes in the parts before this one */
	uint64_t lost_at_start;		/* before the first record */
	struct pcr_state pcr[IMATALLY_MAX_PCR + 1];
	size_t *next_target;		/* of the same PCR, 1-based; 0 for none */

	struct imatally_kernels kernels;
	struct imatally_booted booted;
	size_t part;			/* of the list, of the last entry */
	uint64_t part_start;		/* index of its first entry */
	uint64_t lost_in_kernel;	/* by the kernel of the last record */
	bool has_handed;
	struct imatally_mark handed;	/* see struct imatally_span */
	uint64_t handed_lost;
	bool is_whole;			/* its boot_aggregate is in the list */
	uint64_t unproved;		/* entries of unproved PCRs since then */
	/*
	 * Entries in excess of what a kernel was handed, some of them perhaps of
	 * PCRs that no value proves.  The next known value of the PCR tells
	 * whether the others are invented.
	 */
	struct excess {
		uint64_t entries, unproved;
		struct imatally_point from, to;
	} excess;
	/*
	 * No boot_aggregate is in front of this record.  If the next known value
	 * of the PCR is the replayed one, it was not deleted.
	 */
	bool lacks_start;
	struct imatally_point lacking;
	uint64_t put_back;		/* entries in that kernel, from a copy */
	uint64_t put_back_before;	/* the last record, in all */
	bool invented;			/* one of them may be: nothing proves its PCR */
	bool has_starts;
	struct imatally_record starts;	/* the last record with resetCount */
	bool starts_unsure;		/* a later one may be missing */
	/*
	 * The last entry, if it is named boot_aggregate: the record after it
	 * says what the PCR was before.
	 */
	bool has_first;
	struct imatally_entry first;
	uint8_t first_data[1024];
	struct imatally_stock stock;

	/* since the replay last matched: */
	bool lost;			/* entries are missing */
	uint64_t failed;		/* failed extends */
	uint64_t uncounted;		/* extends not covered by a record */
	uint64_t counted_from;		/* all are covered from this entry on */
	uint64_t without_tpm;		/* entries that were not extended */
	bool restarted_tpm;		/* the TPM may have been reset */

	bool has_mark;
	struct imatally_mark mark;	/* the last record */
	unsigned int first_kernel;	/* that of the first record */
	/* the last record whose PCR values agreed with the replay */
	struct imatally_point agreed;
	char *mark_text;		/* its text, if a state is to be saved */
	size_t mark_len;

	struct moment proved;
	bool follows_state;		/* the list has the state's last entry */
	uint64_t earlier_entries;	/* in the list up to asked->earlier */
	bool has_earlier;		/* that entry is in the list, or may be */

	/* reported only once */
	bool said_unknown_key, said_unknown_event, said_unknown_template;
	uint16_t said_padded[IMATALLY_MAX_BANKS];
	uint16_t said_unsupported[IMATALLY_MAX_BANKS];
};

struct imatally_verifier {
	struct settings asked;
	struct reading reading;		/* the current or last one */
};

/* verify.c */
/*
 * Prepare a reading from the start of the list, of one kind of digests only
 * (@assume_own) or of both.  Fails when out of memory; to be ended even then.
 */
enum imatally_status imatally_reading_begin(struct reading *reading,
					    const struct settings *asked,
					    bool assume_own);
void imatally_reading_end(struct reading *reading);
/*
 * Read to the end of the list, and judge it.  If the list has to be read again, as
 * reading->doubts then says, *@result is not set.
 */
enum imatally_status imatally_reading_run(struct reading *reading,
					  struct imatally_log *log,
					  struct imatally_result *result,
					  struct imatally_error *err);
/*
 * Resume from the state, if it is of this list: its last entry must be in the same
 * place.  Otherwise *@how is the reason to read the list from its start.
 */
enum imatally_status imatally_reading_resume(struct reading *reading,
					     struct imatally_log *log,
					     enum imatally_resumption *how,
					     struct imatally_error *err);

/* state.c */
/* Where a state ends. */
struct imatally_state_end {
	uint64_t index, offset;		/* of its last entry */
	uint64_t entries;		/* of that PCR, in the list of back then */
	uint32_t pcr;			/* the PCR that IMA extends */
};

struct imatally_state_end imatally_state_end(const json_t *state);
/* Return whether the state has values of bank @alg. */
bool imatally_state_has_bank(const json_t *state, uint16_t alg);
/* Return whether @entry is the last entry of the state. */
bool imatally_state_ends_with(const json_t *state,
			      const struct imatally_entry *entry);
/*
 * Restore a reading that has just begun from a state.  False if the state is
 * inconsistent.
 */
bool imatally_state_load(struct reading *reading, const json_t *state);
/* Save what has been verified up to @entry. */
enum imatally_status imatally_state_keep(struct reading *reading,
					 const struct imatally_entry *entry);
/*
 * At the end of the list: format what was saved last.  The first part is to be
 * done before anything is concluded from the end.
 */
enum imatally_status imatally_state_format(struct reading *reading);
enum imatally_status imatally_state_finish(struct reading *reading);
void imatally_state_free(struct saved *saved);

#endif /* IMATALLY_VERIFIER_H */
