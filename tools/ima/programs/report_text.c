// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict for people: first the verdict and its reasons, then the details.
 */

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "report.h"

static void put_findings(const struct imatally_result *result,
			 enum imatally_severity severity, const char *heading)
{
	size_t i;

	for (i = 0; i < result->nr_findings; i++) {
		if (result->finding[i].severity != severity)
			continue;
		if (heading) {
			puts(heading);
			heading = NULL;
		}
		printf("  ");
		put_finding(stdout, &result->finding[i]);
		putchar('\n');
	}
}

static void put_signer(const struct signer *signer)
{
	const struct imatally_clock *clock = &signer->attested.clock;

	printf("PCR values: signed by the AK sha256:");
	put_digest(stdout, signer->fingerprint, sizeof(signer->fingerprint));
	if (signer->enrollment.ak) {
		printf("\n  ");
		put_enrollment(stdout, &signer->enrollment);
	}
	printf("\n  TPM: resetCount %" PRIu32 ", restartCount %" PRIu32
	       ", clock %" PRIu64 " ms", clock->reset, clock->restart,
	       clock->clock);
	if (signer->attested.has_counter)
		printf(", pcrUpdateCounter %" PRIu32 "\n",
		       signer->attested.counter);
	else
		putchar('\n');
	if (signer->has_previous)
		puts(signer->rebooted ?
		     "  rebooted or restarted since the previous evidence" :
		     "  the same boot as the previous evidence");
	printf("  ");
	put_booted(stdout, signer);
	putchar('\n');
	if (!signer->attested.has_counter) {
		printf("  ");
		put_no_counter(stdout, signer->no_counter);
		putchar('\n');
	}
	if (signer->weak)
		printf("  %s\n", weak_values);
}

static void put_targets(const struct imatally_result *result,
			const struct signer *signer)
{
	size_t i;

	if (signer)
		put_signer(signer);
	else
		puts("PCR values: unsigned");
	for (i = 0; i < result->nr_targets; i++) {
		const struct imatally_target *target = &result->target[i];

		if (!target->in_log)
			continue;
		printf("  PCR %u ", target->pcr);
		put_alg(stdout, target->bank.alg);
		printf(": ");
		put_match(stdout, target);
		putchar('\n');
	}
}

#define COLUMN 26
#define MAX_ROWS 40	/* with more intervals, some are combined */

static void put_end(bool valid, uint64_t index, enum imatally_event event,
		    const char *otherwise)
{
	char text[48];

	name_end(text, valid, index, event, otherwise);
	printf("%-*s", COLUMN, text);
}

static void put_number(bool valid, int64_t number, int width)
{
	if (valid)
		printf(" %*" PRId64, width, number);
	else
		printf(" %*s", width, "-");
}

static void put_interval(const struct imatally_interval *iv)
{
	printf("  ");
	put_end(iv->has_from, iv->from, iv->from_event, "(start)");
	put_end(iv->has_to, iv->to, iv->to_event, "(end)");
	put_number(true, iv->present, 8);
	put_number(iv->has_to, iv->lost + iv->lost_handover, 8);
	put_number(iv->has_counter, iv->counter, 8);
	put_number(iv->has_ima, iv->ima, 8);
	put_number(iv->has_others, iv->others, 8);
	put_number(iv->has_rest, iv->rest, 8);
}

static void put_intervals(const struct imatally_result *result)
{
	struct fold row = { 0 };

	if (!result->nr_intervals)
		return;
	printf("  %-*s%-*s %8s %8s %8s %8s %8s %8s\n", COLUMN, "from", COLUMN,
	       "to", "entries", "lost", "counter", "by IMA", "others", "rest");
	while (fold_next(&row, result, MAX_ROWS)) {
		put_interval(&row.sum);
		if (row.sum.combined > 1)
			printf("  (%" PRIu64 " intervals)", row.sum.combined);
		if (row.sum.put_back)
			printf("  (%" PRIu64 " put back)", row.sum.put_back);
		putchar('\n');
	}
}

static bool differs_at_end(const struct imatally_result *result)
{
	size_t i;

	for (i = 0; i < result->nr_findings; i++)
		if (result->finding[i].kind == IMATALLY_DIFFERS_AT_END)
			return true;
	return false;
}

static void put_result(const struct imatally_result *result,
		       const struct signer *signer, const char *copy)
{
	printf("verdict: ");
	put_verdict(stdout, result);
	putchar('\n');
	if (result->copy == IMATALLY_COPY_USED) {
		printf("  ");
		put_copy(stdout, result, copy);
		putchar('\n');
	}
	put_findings(result, IMATALLY_FAULT, NULL);
	put_findings(result, IMATALLY_LOSS, NULL);
	if (differs_at_end(result))
		puts("  PCR values also differ if they were read after the list, or while it grew: read\n"
		     "  all PCRs at once, and the list afterwards.");
	printf("list: ");
	put_summary(stdout, result);
	putchar('\n');
	if (result->resumption != IMATALLY_NO_STATE) {
		printf("state: ");
		put_resumption(stdout, result);
		putchar('\n');
	}
	put_intervals(result);
	put_targets(result, signer);
	put_findings(result, IMATALLY_FINDING, "findings:");
	put_findings(result, IMATALLY_NOTE, "notes:");
	if (result->copy != IMATALLY_NO_COPY &&
	    result->copy != IMATALLY_COPY_USED) {
		printf("copy: ");
		put_copy(stdout, result, copy);
		putchar('\n');
	}
	if (result->findings_not_kept)
		printf("and %" PRIu64 " more, none more severe than these\n",
		       result->findings_not_kept);
}

void report_text(const struct report *report)
{
	if (report->result)
		put_result(report->result, report->signer, report->copy);
	else if (report->status == EXIT_NOT_AUTHENTIC)
		printf("verdict: not authentic\n  %s\n", report->why->text);
	/* an error was reported on stderr */
}

void report_line(const struct report *report, const char *name)
{
	char shown[4 * PATH_MAX];

	printf("%s: ", escaped(shown, sizeof(shown), name));
	if (report->result) {
		put_verdict(stdout, report->result);
		if (report->strict && has_findings(report->result, report->signer))
			printf(" (with findings)");
	} else if (report->status == EXIT_NOT_AUTHENTIC) {
		printf("not authentic: %s", report->why->text);
	} else {
		printf("error");
	}
	putchar('\n');
}
