/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verifier's settings and what it learns from a reading of the list.
 * verify.c works on them, and state.c saves and loads them.
 */
#ifndef IMATALLY_VERIFIER_H
#define IMATALLY_VERIFIER_H

#include <jansson.h>

#include "reconcile.h"
#include "replay.h"

/* How the replay of one PCR compared with the values given for it. */
struct pcr_state {
	uint64_t entries;	/* that extend this PCR, so far */
	uint64_t matched;	/* entries when all its banks last matched */
	size_t first_target;	/* 1-based; 0 if no value was given */
};

/* What the verifier is asked for.  A reading does not change it. */
struct settings {
	struct imatally_pcrs given;
	uint32_t ima_pcr;
	bool has_counter;		/* pcrUpdateCounter was given as well */
	uint32_t counter;
	imatally_progress_fn *progress;
	void *progress_data;
	bool keeps_state;
	json_t *state;			/* to resume from, or NULL */
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
	size_t interval_room, finding_room;	/* allocated elements */
	bool have[IMATALLY_FAULT + 1];	/* severities */
	/* once no more findings are kept: none of them is less severe */
	enum imatally_severity least_kept;
	char *kept;			/* the state to save, or NULL */

	uint64_t before_part;		/* bytes in the parts before this one */
	bool begins_amid;		/* the first entry is not boot_aggregate */
	uint64_t lost_at_start;		/* before the first record */
	struct pcr_state pcr[IMATALLY_MAX_PCR + 1];
	size_t *next_target;		/* of the same PCR, 1-based; 0 for none */

	/* the kernel whose entries are being read */
	uint64_t kernel_start;
	bool has_boot_aggregate;
	bool has_record;

	/* since the replay last matched: */
	bool lost;			/* entries are missing */
	uint64_t failed;		/* failed extends */
	uint64_t uncounted;		/* extends not covered by a record */

	bool has_mark;
	struct imatally_mark mark;	/* the last record */
	char *mark_text;		/* its text, if a state is to be saved */
	size_t mark_len;

	uint64_t proved;		/* entries proved by the values given */
	bool has_proved_mark;
	struct imatally_mark proved_mark;	/* the last record among them */

	/* reported only once */
	bool said_unknown_key, said_unknown_event;
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

/* state.c */
/* Where a state ends. */
struct imatally_state_end {
	uint64_t index, offset;		/* of its last entry */
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

#endif /* IMATALLY_VERIFIER_H */
