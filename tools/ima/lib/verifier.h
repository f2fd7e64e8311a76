/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A verifier's insides, for verify.c and for state.c that keeps them: what it is
 * asked, and what its reading of the log has learned.
 */
#ifndef IMATALLY_VERIFIER_H
#define IMATALLY_VERIFIER_H

#include <jansson.h>

#include "reconcile.h"
#include "replay.h"

/* How the values given for one PCR compared on the way. */
struct pcr_state {
	uint64_t entries;	/* of this PCR so far */
	uint64_t matched;	/* of these, when all its banks last matched */
	size_t first_target;	/* 1-based; 0: no value was given for it */
};

/* What the verifier is asked.  No reading changes it. */
struct settings {
	struct imatally_pcrs given;
	uint32_t ima_pcr;
	bool has_counter;		/* pcrUpdateCounter with these values */
	uint32_t counter;
	imatally_progress_fn *progress;
	void *progress_data;
	bool keeps_state;
	json_t *state;			/* to go on from, or NULL */
};

/*
 * What one reading of the log has learned so far.  Another reading is another
 * struct: nothing is handed on.
 */
struct reading {
	const struct settings *asked;
	struct imatally_replay *replay;
	/*
	 * It goes on from a state, or one kind of digests alone is replayed: if
	 * that differs somewhere it has to look again, at everything.
	 */
	bool assumes, doubts;
	struct imatally_result result;
	size_t interval_room, finding_room;	/* allocated elements */
	bool have[IMATALLY_FAULT + 1];	/* severities */
	/* when no more findings are kept: none of those is less severe */
	enum imatally_severity least_kept;
	char *kept;			/* the state to keep, or NULL */

	bool begins_amid;		/* the first entry is no boot_aggregate */
	uint64_t lost_at_start;		/* before the log's first record */
	struct pcr_state pcr[IMATALLY_MAX_PCR + 1];
	size_t *next_target;		/* after each, of the same PCR; 0: none */

	/* the kernel whose entries are being read */
	uint64_t kernel_start;
	bool has_boot_aggregate;
	bool has_record;

	/* entries or extends are missing since the replay last was right */
	bool lost;			/* entries */
	uint64_t failed;		/* extends */
	uint64_t uncounted;		/* extends that no record counts */

	bool has_mark;
	struct imatally_mark mark;	/* the last record */
	char *mark_text;		/* any bytes; if a state is to be kept */
	size_t mark_len;

	uint64_t proved;		/* entries that the values given prove */
	bool has_proved_mark;
	struct imatally_mark proved_mark;	/* the last record in them */

	/* said once */
	bool said_no_dropped;
	uint16_t said_padded[IMATALLY_MAX_BANKS];
	uint16_t said_unsupported[IMATALLY_MAX_BANKS];
};

struct imatally_verifier {
	struct settings asked;
	struct reading reading;		/* the last one */
};

/* verify.c */
/*
 * Begin at the log's start with one kind of digests alone (@assume_own) or with
 * all of them.  To be ended even if it fails, which it does when out of memory.
 */
enum imatally_status imatally_reading_begin(struct reading *reading,
					    const struct settings *asked,
					    bool assume_own);
void imatally_reading_end(struct reading *reading);

/* state.c */
/* Where a state ends. */
struct imatally_state_end {
	uint64_t index, offset;		/* of its last entry */
	uint32_t pcr;			/* that IMA extends */
};

struct imatally_state_end imatally_state_end(const json_t *state);
/* Whether it followed the bank of that algorithm. */
bool imatally_state_has_bank(const json_t *state, uint16_t alg);
/* Whether @entry is its last one. */
bool imatally_state_ends_with(const json_t *state,
			      const struct imatally_entry *entry);
/*
 * Make @reading, which has just begun, what it was when the state was kept.  False
 * if the state contradicts itself.
 */
bool imatally_state_load(struct reading *reading, const json_t *state);
/* Keep what is verified up to @entry. */
enum imatally_status imatally_state_keep(struct reading *reading,
					 const struct imatally_entry *entry);

#endif /* IMATALLY_VERIFIER_H */
