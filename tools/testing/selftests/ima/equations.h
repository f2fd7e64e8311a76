/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What two records of one kernel, and the entries between them, say together:
 * see Documentation/security/IMA-update-counter.rst.
 */
#ifndef EQUATIONS_H
#define EQUATIONS_H

#include <stdbool.h>

#include "measurement_list.h"

/**
 * struct interval - the differences between two records
 * @lost:	entries that the list lacks
 * @unexplained: updates that the TPM counted and the driver did not see; negative
 *		if the TPM did not count what it acknowledged
 * @uncertain:	updates that may or may not have happened: @unexplained may be up
 *		to that
 * @others:	updates that are not IMA's
 * @disagreement: entries that were neither extended nor failed to be
 * @failed:	entries whose extend failed
 * @dropped:	attempts to measure that left no entry
 */
struct interval {
	long long lost;
	long long unexplained;
	long long uncertain;
	long long others;
	long long disagreement;
	long long failed;
	long long dropped;
};

/* Both records have a counter. */
struct interval interval_between(const struct list *list, long from, long to);

/* All that can be explained is: nothing lost, nothing behind the kernel's back. */
bool interval_closes(const struct interval *interval);

/* The index of the next record behind an entry (-1 for the first), or -1. */
long next_record(const struct list *list, long index);

#endif
