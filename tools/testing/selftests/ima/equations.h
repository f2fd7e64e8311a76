/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The equations that hold between two records of one kernel, see
 * Documentation/security/IMA-update-counter.rst
 */
#ifndef EQUATIONS_H
#define EQUATIONS_H

#include <stdbool.h>

#include "measurement_list.h"

/**
 * struct interval - the differences between two records
 * @lost:	entries that the list lacks
 * @unexplained: updates that the TPM counted but the driver did not see,
 *		negative if the TPM did not count what it acknowledged
 * @uncertain:	updates that may or may not have happened, the upper limit of
 *		@unexplained
 * @others:	updates by others than IMA
 * @disagreement: entries that were neither extended nor counted as failed
 * @failed:	entries whose extend failed
 * @dropped:	measurement attempts that left no entry, because of the kernel
 * @unread:	measurement attempts that left no entry, because of the file
 */
struct interval {
	long long lost;
	long long unexplained;
	long long uncertain;
	long long others;
	long long disagreement;
	long long failed;
	long long dropped;
	long long unread;
};

/* Compute the differences between two records that both have a counter. */
struct interval interval_between(const struct list *list, long from, long to);

/* Do the equations hold, with nothing lost and no unexplained updates? */
bool interval_closes(const struct interval *interval);

/* Return the index of the next record after @index (-1 to begin), or -1. */
long next_record(const struct list *list, long index);

#endif
