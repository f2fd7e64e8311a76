/* SPDX-License-Identifier: GPL-2.0-only */
/* The reports of "verify", for people and for programs. */
#ifndef PROGRAMS_REPORT_H
#define PROGRAMS_REPORT_H

#include "commands.h"

struct report {
	int status;		/* exit status */
	const char *log;	/* name of the list, or NULL if not known yet */
	const char *copy;	/* name of the copy that was given, or NULL */
	bool strict;
	/*
	 * NULL if there is no verdict: @status is EXIT_NOT_AUTHENTIC, or
	 * EXIT_ERROR after an error message.
	 */
	const struct imatally_result *result;
	const struct signer *signer;	/* NULL if the PCR values are not signed */
	const struct imatally_error *why;	/* reason of EXIT_NOT_AUTHENTIC */
};

/* report_text.c: text on standard output.  Errors are on stderr already. */
void report_text(const struct report *report);

/* The verdict on @name in one line. */
void report_line(const struct report *report, const char *name);

/*
 * report_json.c: one line on standard output, as described in
 * imatally-result(5).  Returns -1 after an error message.
 */
int report_json(const struct report *report);

/* The verdict as it is called there, "error" and "not_authentic" included. */
const char *report_verdict(const struct report *report);

/*
 * report_html.c: a self-contained page in the file @path, which is replaced.
 * Returns -1 after an error message.
 */
int report_html(const struct report *report, const char *path);

/* report_plot.c: a plot of the entries against the counter, as SVG */
struct plot;

/* NULL when out of memory. */
struct plot *plot_new(const struct imatally_result *result);
/* Whether fewer than two records have the counter, so that there is nothing to plot */
bool plot_is_empty(const struct plot *plot);
void plot_put(FILE *to, const struct plot *plot);
void plot_free(struct plot *plot);

/* With more intervals than this, the plot and table of a page combine some. */
#define MAX_PAGE_ROWS 200

/* In text and pages, with more intervals the library combines some. */
#define MAX_INTERVALS 2000

/* report_fold.c: combining intervals to rows */
struct fold {
	size_t first, nr;		/* the elements in this row */
	struct imatally_interval sum;	/* their sum */
};

/*
 * Get the next row; @fold must be all zeroes at first.  With more than @rows
 * intervals, consecutive ones without findings are combined; with ten times as
 * many, others are too.
 */
bool fold_next(struct fold *fold, const struct imatally_result *result,
	       size_t rows);

/* report_words.c: phrases, without a newline */
const char *entries(int64_t count);	/* "entry" or "entries" */
/* "134 kexec_load", or @otherwise if the interval has no record there. */
void name_end(char text[48], bool valid, uint64_t index,
	      enum imatally_event event, const char *otherwise);
/* Why the counter is not judged; @name is the name of an errno, or "". */
void put_reasons(FILE *to, unsigned int unjudged, const char *name);
void put_alg(FILE *to, uint16_t alg);
/* In hexadecimal; @size is at most IMATALLY_MAX_DIGEST. */
void put_digest(FILE *to, const uint8_t *digest, size_t size);
void put_verdict(FILE *to, const struct imatally_result *result);
void put_summary(FILE *to, const struct imatally_result *result);
/* Whether verification resumed from the state; nothing without a state. */
void put_resumption(FILE *to, const struct imatally_result *result);
/* What became of a copy called @name; nothing without one. */
void put_copy(FILE *to, const struct imatally_result *result, const char *name);
void put_finding(FILE *to, const struct imatally_finding *finding);
/* Whether anything makes the status 1 with --strict. */
bool has_findings(const struct imatally_result *result,
		  const struct signer *signer);
void put_match(FILE *to, const struct imatally_target *target);
/* That the counter is not attested, and why. */
void put_no_counter(FILE *to, enum imatally_no_counter why);
/* In which TPM the AK is */
void put_enrollment(FILE *to, const struct imatally_enrollment *enrollment);
/* Whether PCRs 0 to 9 are signed, and what the firmware's log leads to. */
void put_booted(FILE *to, const struct signer *signer);
/* That only SHA-1 values are signed. */
extern const char weak_values[];

#endif /* PROGRAMS_REPORT_H */
