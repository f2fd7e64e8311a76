/* SPDX-License-Identifier: GPL-2.0-only */
/* The accounts of neighbouring records. */
#ifndef IMATALLY_RECONCILE_H
#define IMATALLY_RECONCILE_H

#include "private.h"

/* A record and where it stands in the log. */
struct imatally_mark {
	uint64_t index;
	unsigned int kernel;	/* 1 is the first in the log */
	struct imatally_record record;
};

/*
 * What lies between two neighbouring records, or between the log's start and
 * its first record (from == NULL).
 */
struct imatally_span {
	const struct imatally_mark *from;
	const struct imatally_mark *to;
	/*
	 * Where the kernel of @to begins: the index of its boot_aggregate.  Of
	 * @to itself if that entry is missing, 0 in a log that begins amid.
	 */
	uint64_t kernel_start;
	enum imatally_match replay;	/* at @to, against its pcr values */
	uint64_t lost_before;		/* entries known to be lost so far */
};

/* Apply every equation whose keys both records have.  A pure function. */
void imatally_reconcile(const struct imatally_span *span,
			struct imatally_interval *interval);

/*
 * Close the interval that begins at the log's last record, with a
 * pcrUpdateCounter that was read when the log had @entries entries: fills in
 * the counter, IMA's part and the rest, of which others' updates are a part.
 */
void imatally_reconcile_end(const struct imatally_mark *from, uint64_t entries,
			    uint32_t counter,
			    struct imatally_interval *interval);

#endif /* IMATALLY_RECONCILE_H */
