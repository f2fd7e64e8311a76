// SPDX-License-Identifier: GPL-2.0-only
/* A verdict for people: first the verdict, then where, then why. */

#include <inttypes.h>
#include <string.h>

#include "imatally.h"

static const char *plural(int64_t count, const char *one, const char *many)
{
	return count == 1 || count == -1 ? one : many;
}

static const char *entries(int64_t count)
{
	return plural(count, "entry", "entries");
}

static const char *updates(int64_t count)
{
	return plural(count, "update", "updates");
}

static void put_alg(uint16_t alg)
{
	const char *name = imatally_alg_name(alg);

	if (name)
		fputs(name, stdout);
	else
		printf("0x%04x", alg);
}

static void put_point(const struct imatally_point *point)
{
	switch (point->place) {
	case IMATALLY_AT_START:
		printf("the start of the log");
		break;
	case IMATALLY_AT_END:
		printf("the end of the log");
		break;
	case IMATALLY_AT_ENTRY:
		printf("entry %" PRIu64, point->index);
		break;
	case IMATALLY_AT_RECORD:
		printf("entry %" PRIu64 " (%s)", point->index,
		       imatally_event_name(point->event));
		break;
	case IMATALLY_AT_BOOT_AGGREGATE:
		printf("entry %" PRIu64 " (boot_aggregate of kernel %u)",
		       point->index, point->kernel);
		break;
	}
}

static void put_between(const struct imatally_finding *finding)
{
	printf("between ");
	put_point(&finding->from);
	printf(" and ");
	put_point(&finding->to);
}

static void put_unjudged(const struct imatally_finding *finding)
{
	static const struct {
		int64_t reason;
		const char *text;
	} reasons[] = {
		{ IMATALLY_UNJUDGED_ERROR, "the TPM could not be read" },
		{ IMATALLY_UNJUDGED_KEYS, "a record lacks a key" },
		{ IMATALLY_UNJUDGED_RESUME, "firmware moved it at resume" },
		{ IMATALLY_UNJUDGED_STEP,
		  "this TPM counts an extend otherwise than once a bank" },
		{ IMATALLY_UNJUDGED_BANKS,
		  "the extends did not all go to the same banks" },
	};
	const char *separator = ": ";
	size_t i;

	printf("the counter can't be judged ");
	put_between(finding);
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!(finding->count & reasons[i].reason))
			continue;
		printf("%s%s", separator, reasons[i].text);
		separator = ", ";
		if (reasons[i].reason == IMATALLY_UNJUDGED_ERROR)
			printf(" (%s)", finding->word);
	}
}

static void put_finding(const struct imatally_finding *f)
{
	int64_t count = f->count;

	switch (f->kind) {
	case IMATALLY_ALTERED:
		put_point(&f->from);
		printf(": its template digest is not that of its data");
		break;
	case IMATALLY_INSERTED:
		printf("%" PRId64 " %s more than the kernel counted, ", count,
		       entries(count));
		put_between(f);
		break;
	case IMATALLY_ACCOUNTS:
		printf("the kernel's own accounts disagree ");
		put_between(f);
		break;
	case IMATALLY_DIFFERS_AT_RECORD:
		printf("the replay (PCR %u, ", f->pcr);
		put_alg(f->alg);
		printf(") stops agreeing ");
		put_between(f);
		printf(", where nothing is counted as lost");
		break;
	case IMATALLY_DIFFERS_FAILED:
		printf("the replay (PCR %u, ", f->pcr);
		put_alg(f->alg);
		printf(") stops agreeing ");
		put_between(f);
		printf(": %" PRId64 " failed %s can't be why, whichever they were",
		       count, plural(count, "extend", "extends"));
		break;
	case IMATALLY_DIFFERS_AT_END:
		printf("PCR %u, ", f->pcr);
		put_alg(f->alg);
		printf(": the log replays to another value; it ");
		if (f->from.place == IMATALLY_AT_START) {
			printf("has no counter record that says where it went wrong");
		} else {
			printf("is right up to ");
			put_point(&f->from);
		}
		break;
	case IMATALLY_LOST:
		if (f->at_most)
			printf("at most ");
		printf("%" PRId64 " %s lost ", count, entries(count));
		put_between(f);
		if (f->by_counter)
			printf(f->at_most ?
			       "\n    (by pcrUpdateCounter; something else extended PCRs in between)" :
			       "\n    (by pcrUpdateCounter; exact if nothing else extended a PCR in between)");
		break;
	case IMATALLY_DROPPED:
		printf("%" PRId64 " %s dropped by the kernel before they became entries, ",
		       count, plural(count, "measurement", "measurements"));
		put_between(f);
		break;
	case IMATALLY_FAILED:
		printf("%" PRId64 " %s whose extend failed, ", count,
		       entries(count));
		put_between(f);
		break;
	case IMATALLY_FAILED_ENTRY:
		put_point(&f->from);
		printf(" was not extended");
		break;
	case IMATALLY_NOT_SEARCHED:
		printf("which %" PRId64 " %s failed was not searched, ", count,
		       plural(count, "extend", "extends"));
		put_between(f);
		printf(": too many possibilities");
		break;
	case IMATALLY_RESET:
		printf("the TPM was reset ");
		put_between(f);
		printf(": the PCR values prove nothing before that");
		break;
	case IMATALLY_REST:
		printf("%" PRId64 " %s of PCRs by others or unexplained, ",
		       count, updates(count));
		put_between(f);
		break;
	case IMATALLY_UNEXPLAINED:
		if (count > 0)
			printf("%" PRId64 " unexplained %s of PCRs, ", count,
			       updates(count));
		else
			printf("the TPM counted %" PRId64 " %s fewer than were made, ",
			       -count, updates(count));
		put_between(f);
		break;
	case IMATALLY_UNJUDGED:
		put_unjudged(f);
		break;
	case IMATALLY_NEWER_RECORD:
		put_point(&f->to);
		printf(": a record of version %" PRId64 ", newer than this imatally",
		       count);
		if (f->word[0])
			printf("; key \"%s\" is not understood", f->word);
		break;
	case IMATALLY_FOREIGN:
		put_point(&f->from);
		printf(" is named " IMATALLY_RECORD_NAME ", but is not the kernel's record");
		break;
	case IMATALLY_BANK_UNSUPPORTED:
		printf("bank ");
		put_alg(f->alg);
		printf(" was not compared: its algorithm can't be computed here");
		break;
	case IMATALLY_BANK_ADRIFT:
		printf("PCR %u, ", f->pcr);
		put_alg(f->alg);
		printf(": not compared, since no record tells its value after the gap");
		break;
	case IMATALLY_PCR_NOT_GIVEN:
		printf("PCR %u was not compared: no value was given", f->pcr);
		break;
	case IMATALLY_OTHERS:
		printf("%" PRId64 " %s of PCRs by others than IMA, ", count,
		       updates(count));
		put_between(f);
		break;
	case IMATALLY_TAIL:
		printf("%" PRId64 " %s at the end of the log came after the PCR values, which do not prove %s",
		       count, entries(count), plural(count, "it", "them"));
		break;
	case IMATALLY_PADDED:
		printf("bank ");
		put_alg(f->alg);
		printf(" holds zero-padded SHA-1 digests: the kernel lacks its algorithm");
		break;
	case IMATALLY_NO_DROPPED:
		printf("the records do not count dropped measurements (no key \"dropped\")");
		break;
	}
}

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
		put_finding(&result->finding[i]);
		putchar('\n');
	}
}

static void put_incomplete(const struct imatally_result *result)
{
	const char *separator = " ";

	if (result->lost) {
		printf(" %s%" PRIu64 " %s lost",
		       result->at_most ? "at most " : "", result->lost,
		       entries(result->lost));
		separator = ", ";
	}
	if (result->dropped) {
		printf("%s%" PRIu64 " %s dropped", separator, result->dropped,
		       plural(result->dropped, "measurement", "measurements"));
		separator = ", ";
	}
	if (result->failed) {
		printf("%s%" PRIu64 " %s whose extend failed", separator,
		       result->failed, entries(result->failed));
		separator = ", ";
	}
	if (*separator == ' ')
		printf(" the PCR values do not prove all of the log");
}

static void put_verdict(const struct imatally_result *result)
{
	printf("verdict: ");
	switch (result->verdict) {
	case IMATALLY_COMPLETE:
		printf("complete");
		break;
	case IMATALLY_COMPLETE_NOT_COUNTED:
		printf("complete (not counted)");
		break;
	case IMATALLY_INCOMPLETE:
		printf("incomplete:");
		put_incomplete(result);
		break;
	case IMATALLY_MISMATCH:
		printf("mismatch: the log has no consistent reading");
		break;
	}
	putchar('\n');
	put_findings(result, IMATALLY_FAULT, NULL);
	put_findings(result, IMATALLY_LOSS, NULL);
}

static void put_signer(const struct signer *signer)
{
	const struct imatally_clock *clock = &signer->attested.clock;
	size_t i;

	printf("PCR values: signed by the AK sha256:");
	for (i = 0; i < sizeof(signer->fingerprint); i++)
		printf("%02x", signer->fingerprint[i]);
	printf("\n  TPM: resetCount %" PRIu32 ", restartCount %" PRIu32
	       ", clock %" PRIu64 " ms", clock->reset, clock->restart,
	       clock->clock);
	if (signer->attested.has_counter)
		printf(", pcrUpdateCounter %" PRIu32 "\n",
		       signer->attested.counter);
	else
		printf("; pcrUpdateCounter is not attested\n");
	if (signer->has_previous)
		puts(signer->rebooted ?
		     "  rebooted or restarted since the previous evidence" :
		     "  the same boot as the previous evidence");
	if (signer->weak)
		puts("  only SHA-1 values are signed, which does not withstand collisions");
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
		put_alg(target->bank.alg);
		if (target->match == IMATALLY_MATCH_SAME)
			printf(": the same as the replay\n");
		else if (target->matched_after)
			printf(": the same as the replay after %" PRIu64 " %s\n",
			       target->matched_after,
			       entries(target->matched_after));
		else if (target->match == IMATALLY_MATCH_UNKNOWN)
			printf(": not compared\n");
		else
			printf(": not the same as the replay\n");
	}
}

#define COLUMN 26

static void put_end(bool valid, uint64_t index, enum imatally_event event,
		    const char *otherwise)
{
	char text[48];

	if (valid)
		snprintf(text, sizeof(text), "%" PRIu64 " %s", index,
			 imatally_event_name(event));
	else
		snprintf(text, sizeof(text), "%s", otherwise);
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
	putchar('\n');
}

static void put_intervals(const struct imatally_result *result)
{
	size_t i;

	if (!result->nr_intervals)
		return;
	printf("  %-*s%-*s %8s %8s %8s %8s %8s %8s\n", COLUMN, "from", COLUMN,
	       "to", "entries", "lost", "counter", "by IMA", "others", "rest");
	for (i = 0; i < result->nr_intervals; i++)
		put_interval(&result->interval[i]);
}

static bool differs_at_end(const struct imatally_result *result)
{
	size_t i;

	for (i = 0; i < result->nr_findings; i++)
		if (result->finding[i].kind == IMATALLY_DIFFERS_AT_END)
			return true;
	return false;
}

void report_not_authentic(const struct imatally_error *err)
{
	printf("verdict: not authentic\n  %s\n", err->text);
}

void report_result(const struct imatally_result *result,
		   const struct signer *signer)
{
	put_verdict(result);
	if (result->findings_not_kept)
		printf("  and %" PRIu64 " more findings of any kind\n",
		       result->findings_not_kept);
	if (differs_at_end(result))
		puts("  PCR values read after the log, or while it grew, differ too: read the PCRs first,\n"
		     "  all at once, then the log.");
	printf("log: %" PRIu64 " %s, %" PRIu64 " counter %s, %u %s\n",
	       result->entries, entries(result->entries), result->records,
	       plural(result->records, "record", "records"), result->kernels,
	       plural(result->kernels, "kernel", "kernels"));
	put_intervals(result);
	put_targets(result, signer);
	put_findings(result, IMATALLY_FINDING, "findings:");
	put_findings(result, IMATALLY_NOTE, "notes:");
}
