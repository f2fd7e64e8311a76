/* SPDX-License-Identifier: GPL-2.0-only */
/* metrics.c: figures of a run for monitoring, see imatally(1). */
#ifndef PROGRAMS_METRICS_H
#define PROGRAMS_METRICS_H

#include "report.h"

/* What is counted of one list; zeroes are an error. */
struct sample {
	unsigned int verdict;	/* index in a table of metrics.c */
	bool has_findings;
	uint64_t proved;	/* entries */
	uint64_t lost, dropped, failed;
	/* when its evidence arrived, in seconds since 1970, or 0 if unknown */
	int64_t arrived;
};

/*
 * Return @nr samples of zeroes, which processes forked later share with this
 * one, or NULL after an error message.  Free them with metrics_end().
 */
struct sample *metrics_begin(size_t nr);
void metrics_end(struct sample *samples, size_t nr);

/*
 * Take the sample of a list.  @file is a file of its evidence, or NULL if there
 * is none.
 */
void metrics_take(struct sample *sample, const struct report *report,
		  const char *file);

/*
 * Write the figures of all lists to the file @path, which is replaced.  Returns
 * -1 after an error message.
 */
int metrics_write(const char *path, const struct sample *samples, size_t nr);

#endif /* PROGRAMS_METRICS_H */
