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

/*
 * Return whether firmware may have started the TPM between the last record that
 * has resetCount, @starts or NULL, and @to: at a resume unless both say that it
 * did not, and before a boot if both say that it did.
 */
bool imatally_started_anew(const struct imatally_record *starts,
			   const struct imatally_record *to);

/*
 * Return by how many entries the list has more than the kernel of @to was handed,
 * for the first record of a kernel, those included that are missing although they
 * were handed over or deleted.  Negative if it has fewer.
 */
int64_t imatally_handed_more(const struct imatally_span *span);

/*
 * Apply every equation whose keys are in both records.  A pure function.
 *
 * Returns how many entries the list has in excess of what a kernel was handed, if
 * only the PCR tells whether they are invented, and the record has no value of it:
 * these are not in the interval yet.
 */
uint64_t imatally_reconcile(const struct imatally_span *span,
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
