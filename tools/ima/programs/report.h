/* SPDX-License-Identifier: GPL-2.0-only */
/* What "verify" says of a log, for people and for programs. */
#ifndef PROGRAMS_REPORT_H
#define PROGRAMS_REPORT_H

#include "commands.h"

struct report {
	int status;		/* exit status that follows from it */
	const char *log;	/* as the user named it; NULL if that was not reached */
	bool strict;
	/*
	 * NULL if there is no verdict on the log.  Then @status is
	 * EXIT_NOT_AUTHENTIC, or EXIT_ERROR after a complaint.
	 */
	const struct imatally_result *result;
	const struct signer *signer;	/* NULL if nobody signed the PCR values */
	const struct imatally_error *why;	/* not authentic */
};

/* report_text.c: on standard output; errors were told on stderr already */
void report_text(const struct report *report);

/* The verdict in one line, on what is called @name. */
void report_line(const struct report *report, const char *name);

/*
 * report_json.c: one line on standard output, as imatally-result(5) describes
 * it.  -1 after a complaint.
 */
int report_json(const struct report *report);

/*
 * report_html.c: a page of its own, in place of the file @path.  -1 after a
 * complaint.
 */
int report_html(const struct report *report, const char *path);

/* report_plot.c: the log's entries against the counter, as SVG */
struct plot;

/* NULL if fewer than two records tell the counter, or when out of memory. */
struct plot *plot_new(const struct imatally_result *result);
void plot_put(FILE *to, const struct plot *plot);
void plot_free(struct plot *plot);

/* How many intervals the plot and the table of a page show before rows share. */
#define MAX_PAGE_ROWS 200

/* report_fold.c: rows of a table of the intervals */
struct fold {
	size_t first, nr;		/* the intervals in this row */
	struct imatally_interval sum;	/* all of them in one */
};

/*
 * The next row; begin with zeroes.  Where there are more than @rows intervals,
 * neighbours in which everything is in order share one; and where there are ten
 * times as many, others do too.
 */
bool fold_next(struct fold *fold, const struct imatally_result *result,
	       size_t rows);

/* report_words.c: parts of a report as phrases, without a new line */
const char *entries(int64_t count);	/* "entry" or "entries" */
/* "134 kexec_load", or @otherwise where the interval has no record. */
void name_end(char text[48], bool valid, uint64_t index,
	      enum imatally_event event, const char *otherwise);
/* Why the counter is not judged: bits; @name is that of the errno, or "". */
void put_reasons(FILE *to, unsigned int unjudged, const char *name);
void put_alg(FILE *to, uint16_t alg);
/* At most IMATALLY_MAX_DIGEST bytes, in hexadecimal. */
void put_digest(FILE *to, const uint8_t *digest, size_t size);
void put_verdict(FILE *to, const struct imatally_result *result);
void put_summary(FILE *to, const struct imatally_result *result);
/* What became of the state; nothing without one. */
void put_resumption(FILE *to, const struct imatally_result *result);
void put_finding(FILE *to, const struct imatally_finding *finding);
void put_match(FILE *to, const struct imatally_target *target);

#endif /* PROGRAMS_REPORT_H */
