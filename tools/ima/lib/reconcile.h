/* SPDX-License-Identifier: GPL-2.0-only */
/* Comparison of the counts in consecutive records. */
#ifndef IMATALLY_RECONCILE_H
#define IMATALLY_RECONCILE_H

#include "private.h"

/* A record and its place in the list. */
struct imatally_mark {
	uint64_t index;
	unsigned int kernel;	/* 1 is the first one in the list */
	struct imatally_record record;
};

/*
 * The entries between two consecutive records, or between the start of the list
 * and its first record (@from is NULL).
 */
struct imatally_span {
	const struct imatally_mark *from;
	const struct imatally_mark *to;
	/*
	 * The index of the first entry of the kernel of @to: its
	 * boot_aggregate, @to itself if that entry is missing, or 0 if the list
	 * begins after it.
	 */
	uint64_t kernel_start;
	/* those of the kernel of @from, if it is another one */
	uint64_t from_start;
	uint64_t from_lost;		/* its entries known to be lost */
	/*
	 * If no earlier record of this kernel has a counter: the last record of
	 * the kernel before, and how many entries that it handed over are known
	 * to be lost
	 */
	const struct imatally_mark *handed;
	uint64_t handed_lost;
	bool begins_part;		/* that entry is the first of a part */
	bool from_whole;		/* the kernel of @from has its start */
	bool in_parts;			/* the list has been in parts so far */
	enum imatally_match replay;	/* with the PCR values in @to */
	/* entries since @from that extend PCRs which no value given proves */
	uint64_t unproved;
	/* entries from a copy since @from_start, which may not have been handed */
	uint64_t put_back;
	/*
	 * The last record before @to that has resetCount and restartCount, or
	 * NULL
	 */
	const struct imatally_record *starts;
};

/*
 * Return whether the TPM was not started anew between the two records, according
 * to resetCount and restartCount.
 */
bool imatally_kept_running(const struct imatally_record *from,
			   const struct imatally_record *to);

/* Apply every equation whose keys are in both records.  A pure function. */
void imatally_reconcile(const struct imatally_span *span,
			struct imatally_interval *interval);

/*
 * Fill in the counter, the part of IMA and the rest, which includes updates by
 * others, of the interval from @from, the last record, to the end:
 * pcrUpdateCounter was @counter when the list had @entries entries.
 */
void imatally_reconcile_end(const struct imatally_mark *from, uint64_t entries,
			    uint32_t counter,
			    struct imatally_interval *interval);

#endif /* IMATALLY_RECONCILE_H */
