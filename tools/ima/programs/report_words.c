// SPDX-License-Identifier: GPL-2.0-only
/* The parts of a verdict in words, for all reports for people. */

#include <inttypes.h>
#include <limits.h>

#include "report.h"

static const char *plural(int64_t count, const char *one, const char *many)
{
	return count == 1 || count == -1 ? one : many;
}

const char *entries(int64_t count)
{
	return plural(count, "entry", "entries");
}

static const char *updates(int64_t count)
{
	return plural(count, "update", "updates");
}

void put_alg(FILE *to, uint16_t alg)
{
	char name[IMATALLY_ALG_NAME_SIZE];

	fputs(imatally_alg_name(alg, name), to);
}

void put_digest(FILE *to, const uint8_t *digest, size_t size)
{
	char digits[2 * IMATALLY_MAX_DIGEST + 1];

	fputs(imatally_hex_from_bytes(digits, digest, size), to);
}

static void put_point(FILE *to, const struct imatally_point *point)
{
	switch (point->place) {
	case IMATALLY_AT_START:
		fprintf(to, "the start of the list");
		break;
	case IMATALLY_AT_END:
		fprintf(to, "the end of the list");
		break;
	case IMATALLY_AT_ENTRY:
		fprintf(to, "entry %" PRIu64, point->index);
		break;
	case IMATALLY_AT_RECORD:
		fprintf(to, "entry %" PRIu64 " (%s)", point->index,
		       imatally_event_name(point->event));
		break;
	case IMATALLY_AT_BOOT_AGGREGATE:
		fprintf(to, "entry %" PRIu64 " (boot_aggregate of kernel %u)",
		       point->index, point->kernel);
		break;
	}
}

static void put_between(FILE *to, const struct imatally_finding *finding)
{
	fprintf(to, "between ");
	put_point(to, &finding->from);
	fprintf(to, " and ");
	put_point(to, &finding->to);
}

void put_reasons(FILE *to, unsigned int unjudged, const char *name)
{
	static const struct {
		unsigned int reason;
		const char *text;
	} reasons[] = {
		{ IMATALLY_UNJUDGED_ERROR, "the TPM could not be read" },
		{ IMATALLY_UNJUDGED_KEYS, "a record lacks a key" },
		{ IMATALLY_UNJUDGED_RESUME, "firmware started the TPM, which moves it" },
		{ IMATALLY_UNJUDGED_STEP,
		  "this TPM does not count one update per extend and bank" },
		{ IMATALLY_UNJUDGED_BANKS,
		  "not all extends went to the same banks" },
		{ IMATALLY_UNJUDGED_EVENT, "the record's event is unknown" },
	};
	const char *separator = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!(unjudged & reasons[i].reason))
			continue;
		fprintf(to, "%s%s", separator, reasons[i].text);
		separator = ", ";
		if (reasons[i].reason == IMATALLY_UNJUDGED_ERROR && *name)
			fprintf(to, " (%s)", name);
	}
}

void name_end(char text[48], bool valid, uint64_t index,
	      enum imatally_event event, const char *otherwise)
{
	if (valid)
		snprintf(text, 48, "%" PRIu64 " %s", index,
			 imatally_event_name(event));
	else
		snprintf(text, 48, "%s", otherwise);
}

void put_finding(FILE *to, const struct imatally_finding *f)
{
	char alg[IMATALLY_ALG_NAME_SIZE];
	int64_t count = f->count;

	switch (f->kind) {
	case IMATALLY_ALTERED:
		put_point(to, &f->from);
		fprintf(to, ": the template digest is not the digest of the data");
		break;
	case IMATALLY_INSERTED:
		fprintf(to, "%" PRId64 " %s more than the kernel counted, ", count,
		       entries(count));
		put_between(to, f);
		break;
	case IMATALLY_ACCOUNTS:
		fprintf(to, "the kernel's counts contradict each other ");
		put_between(to, f);
		break;
	case IMATALLY_DIFFERS_AT_RECORD:
		fprintf(to, "the replay (PCR %u, ", f->pcr);
		put_alg(to, f->alg);
		fprintf(to, ") stops matching ");
		put_between(to, f);
		fprintf(to, ", although no entry is counted as lost");
		break;
	case IMATALLY_DIFFERS_FAILED:
		fprintf(to, "the replay (PCR %u, ", f->pcr);
		put_alg(to, f->alg);
		fprintf(to, ") stops matching ");
		put_between(to, f);
		fprintf(to, ", and no choice of %" PRId64 " failed %s explains it",
			count, plural(count, "extend", "extends"));
		break;
	case IMATALLY_DIFFERS_AT_END:
		fprintf(to, "PCR %u, ", f->pcr);
		put_alg(to, f->alg);
		fprintf(to, ": the list replays to another value; it ");
		if (f->from.place == IMATALLY_AT_START) {
			fprintf(to, "has no record that shows where it starts to differ");
		} else {
			fprintf(to, "matches up to ");
			put_point(to, &f->from);
		}
		break;
	case IMATALLY_LOST:
		if (f->at_most)
			fprintf(to, "at most ");
		fprintf(to, "%" PRId64 " %s lost ", count, entries(count));
		put_between(to, f);
		if (f->by_counter)
			fprintf(to, " (by pcrUpdateCounter; %s)", f->at_most ?
				"something else extended PCRs in between" :
				"exact if nothing else moved it in between");
		break;
	case IMATALLY_DROPPED:
		fprintf(to, "%" PRId64 " %s dropped by the kernel before they became entries, ",
		       count, plural(count, "measurement", "measurements"));
		put_between(to, f);
		break;
	case IMATALLY_FAILED:
		fprintf(to, "%" PRId64 " %s whose extend failed, ", count,
		       entries(count));
		put_between(to, f);
		break;
	case IMATALLY_FAILED_ENTRY:
		put_point(to, &f->from);
		fprintf(to, " was not extended");
		break;
	case IMATALLY_NOT_SEARCHED:
		fprintf(to, "which %" PRId64 " %s failed is not known, ", count,
		       plural(count, "extend", "extends"));
		put_between(to, f);
		fprintf(to, ": there are too many possibilities");
		break;
	case IMATALLY_RESET:
		fprintf(to, "the TPM was reset ");
		put_between(to, f);
		fprintf(to, ": the PCR values prove nothing before that");
		break;
	case IMATALLY_RECORDS_NOT_PROVED:
		fprintf(to, "nothing proves the records of the kernels before ");
		put_point(to, &f->to);
		fprintf(to, ": whoever hands over the list could have made up what these say was lost, dropped or failed");
		break;
	case IMATALLY_STARTED_ANEW:
		fprintf(to, "the TPM was started anew ");
		put_between(to, f);
		fprintf(to, ", and no record says when: the list may be of an earlier boot up to there");
		break;
	case IMATALLY_REST:
		fprintf(to, "%" PRId64 " %s of PCRs by others or unexplained, ",
		       count, updates(count));
		put_between(to, f);
		break;
	case IMATALLY_UNEXPLAINED:
		if (count > 0)
			fprintf(to, "%" PRId64 " unexplained %s of PCRs, ", count,
			       updates(count));
		else
			fprintf(to, "the TPM counted %" PRId64 " %s fewer than were made, ",
			       -count, updates(count));
		put_between(to, f);
		break;
	case IMATALLY_UNJUDGED:
		fprintf(to, "the counter cannot be judged ");
		put_between(to, f);
		fprintf(to, ": ");
		put_reasons(to, f->count, f->word);
		break;
	case IMATALLY_UNPROTECTED:
		put_point(to, &f->to);
		fprintf(to, ": the counter was read without an HMAC session, unlike in the record before");
		break;
	case IMATALLY_NEWER_RECORD:
		put_point(to, &f->to);
		fprintf(to, ": a record of version %" PRId64 ", newer than this imatally",
		       count);
		if (f->word[0])
			fprintf(to, "; unknown key \"%s\"", f->word);
		break;
	case IMATALLY_FOREIGN:
		put_point(to, &f->from);
		fprintf(to, " is named " IMATALLY_RECORD_NAME ", but is not a record");
		if (count)
			fprintf(to, ": a file, or a record that the template of a rule cut off");
		break;
	case IMATALLY_UNREADABLE_RECORD:
		put_point(to, &f->to);
		fprintf(to, " is a record with invalid text, which was not judged: \"imatally show\" says where");
		break;
	case IMATALLY_KEY_VANISHED:
		put_point(to, &f->to);
		fprintf(to, ": key \"%s\" is missing, which this kernel's record before has",
			f->word);
		break;
	case IMATALLY_NO_START:
		fprintf(to, "the kernel of ");
		put_point(to, &f->to);
		fprintf(to, " does not begin with its boot_aggregate, where this record says");
		break;
	case IMATALLY_NOT_ARRIVED:
		fprintf(to, "what was extended before ");
		put_point(to, &f->to);
		fprintf(to, " did not arrive, or not all of it: the PCR had another value when that kernel started");
		break;
	case IMATALLY_UNREAD:
		fprintf(to, "%" PRId64 " %s used although %s could not be read to be measured, ",
			count, plural(count, "file was", "files were"),
			plural(count, "it", "they"));
		put_between(to, f);
		break;
	case IMATALLY_RECORD_ELSEWHERE:
		put_point(to, &f->to);
		fprintf(to, ": a record in PCR %u, which was not judged: anyone can invent it, unless its PCR is given with --record-pcr",
			f->pcr);
		break;
	case IMATALLY_NOT_PROVED:
		fprintf(to, "%" PRId64 " %s of PCRs that no value proves, more than the kernel counted, ",
			count, entries(count));
		put_between(to, f);
		break;
	case IMATALLY_STILL_TAIL:
		fprintf(to, "%" PRId64 " %s not covered by the value of PCR %u, although %s in the list before it was read",
			count, plural(count, "entry is", "entries are"), f->pcr,
			plural(count, "it was", "they were"));
		break;
	case IMATALLY_RESETTABLE:
		fprintf(to, "%" PRId64 " %s in PCR %u, which anyone can reset: its value does not prove %s",
			count, entries(count), f->pcr,
			plural(count, "it", "them"));
		break;
	case IMATALLY_EARLIER_GONE:
		fprintf(to, "the last entry of PCR %u in the list of the previous evidence is not in this one",
			f->pcr);
		break;
	case IMATALLY_STANDS_STILL:
		fprintf(to, "PCR %u has not changed since %" PRId64 " %s added to the list: extends do not reach the TPM",
			f->pcr, count, plural(count, "entry was", "entries were"));
		break;
	case IMATALLY_CUT_AT_KEXEC:
		fprintf(to, "the list before ");
		put_point(to, &f->to);
		fprintf(to, " was cut at kexec: the kernel's last event, kexec_execute, is missing");
		break;
	case IMATALLY_FEWER_THAN_EVENT:
		fprintf(to, "%" PRId64 " %s missing before ", count,
			plural(count, "entry is", "entries are"));
		put_point(to, &f->to);
		fprintf(to, ", according to this ima_kexec event");
		break;
	case IMATALLY_NAMED_ONLY:
		put_point(to, &f->from);
		if (count > 1)
			fprintf(to, " and %" PRId64 " more are", count - 1);
		else
			fprintf(to, " is");
		fprintf(to, " named boot_aggregate, but no record says that a kernel begins there");
		break;
	case IMATALLY_UNKNOWN_TEMPLATE:
		put_point(to, &f->to);
		fprintf(to, ": template \"%s\" is unknown to this imatally: its fields were not judged",
			f->word);
		break;
	case IMATALLY_TWO_MOMENTS:
		fprintf(to, "the values of PCR %u are of two moments, after %" PRIu64 " and after %" PRIu64 " entries: the list is proved up to the first one",
			f->pcr, f->from.index, f->to.index);
		break;
	case IMATALLY_BOOT_AGGREGATE:
		put_point(to, &f->from);
		fprintf(to, ": this boot_aggregate is not the %s digest of PCRs 0 to %d: they were extended after that kernel started, or it did not read them",
			imatally_alg_name(f->alg, alg),
			f->alg == IMATALLY_ALG_SHA1 ? 7 : IMATALLY_NR_BOOT_PCRS - 1);
		break;
	case IMATALLY_BOOT_NOT_COMPARED:
		put_point(to, &f->from);
		fprintf(to, ": this boot_aggregate was not compared with PCRs 0 to 9: ");
		if (f->alg)
			fprintf(to, "not all of their values in bank %s are known",
				imatally_alg_name(f->alg, alg));
		else
			fprintf(to, "it has no digest of a known form");
		break;
	case IMATALLY_BOOT_PCR_DIFFERS:
		fprintf(to, "PCR %u, %s: what booted is not what is known", f->pcr,
			imatally_alg_name(f->alg, alg));
		break;
	case IMATALLY_BOOT_PCR_MISSING:
		fprintf(to, "PCR %u, %s: a value is known, but the machine gave none",
			f->pcr, imatally_alg_name(f->alg, alg));
		break;
	case IMATALLY_BANK_UNSUPPORTED:
		fprintf(to, "bank ");
		put_alg(to, f->alg);
		fprintf(to, " was not compared: its algorithm cannot be computed here");
		break;
	case IMATALLY_BANK_ADRIFT:
		fprintf(to, "PCR %u, ", f->pcr);
		put_alg(to, f->alg);
		fprintf(to, ": not compared, because no record has its value after the gap");
		break;
	case IMATALLY_PCR_NOT_GIVEN:
		fprintf(to, "PCR %u was not compared: no value was given", f->pcr);
		break;
	case IMATALLY_OTHERS:
		fprintf(to, "%" PRId64 " %s of PCRs by others than IMA, ", count,
		       updates(count));
		put_between(to, f);
		break;
	case IMATALLY_TAIL:
		fprintf(to, "%" PRId64 " %s at the end of the list %s not covered by the PCR values",
			count, entries(count), plural(count, "is", "are"));
		break;
	case IMATALLY_PADDED:
		fprintf(to, "bank ");
		put_alg(to, f->alg);
		fprintf(to, " holds zero-padded SHA-1 digests: the kernel lacks its algorithm");
		break;
	case IMATALLY_UNKNOWN_KEY:
		put_point(to, &f->to);
		fprintf(to, ": key \"%s\" is unknown to this imatally and was not judged",
			f->word);
		break;
	case IMATALLY_UNKNOWN_EVENT:
		put_point(to, &f->to);
		fprintf(to, ": event \"%s\" is unknown to this imatally: the counter was not judged",
			f->word);
		break;
	}
}

static void put_incomplete(FILE *to, const struct imatally_result *result)
{
	const char *separator = " ";

	if (result->not_arrived) {
		fprintf(to, " what was extended before a kernel did not arrive");
		separator = ", ";
	}
	if (result->lost) {
		fprintf(to, "%s%s%" PRIu64 " %s lost", separator,
		       result->at_most ? "at most " : "", result->lost,
		       entries(result->lost));
		if (result->trimmed)
			fprintf(to, " (trimmed: user space deleted %" PRIu64 " from the start)",
				result->trimmed);
		separator = ", ";
	}
	if (result->dropped) {
		fprintf(to, "%s%" PRIu64 " %s dropped", separator, result->dropped,
		       plural(result->dropped, "measurement", "measurements"));
		separator = ", ";
	}
	if (result->failed) {
		fprintf(to, "%s%" PRIu64 " %s whose extend failed", separator,
		       result->failed, entries(result->failed));
		separator = ", ";
	}
	if (*separator == ' ')
		fprintf(to, " the PCR values do not prove the whole list");
}

/* Return whether there is a fault, but not in the list itself. */
static bool only_boot_differs(const struct imatally_result *result)
{
	bool any = false;
	size_t i;

	for (i = 0; i < result->nr_findings; i++) {
		const struct imatally_finding *f = &result->finding[i];

		if (f->severity != IMATALLY_FAULT)
			continue;
		if (f->kind != IMATALLY_BOOT_AGGREGATE &&
		    f->kind != IMATALLY_BOOT_PCR_DIFFERS &&
		    f->kind != IMATALLY_BOOT_PCR_MISSING)
			return false;
		any = true;
	}
	return any;
}

void put_verdict(FILE *to, const struct imatally_result *result)
{
	switch (result->verdict) {
	case IMATALLY_COMPLETE:
		fprintf(to, "complete");
		break;
	case IMATALLY_COMPLETE_NOT_COUNTED:
		fprintf(to, "complete (not counted)");
		break;
	case IMATALLY_INCOMPLETE:
		fprintf(to, "incomplete:");
		put_incomplete(to, result);
		break;
	case IMATALLY_MISMATCH:
		fprintf(to, only_boot_differs(result) ?
				"mismatch: what booted is not what was expected" :
				"mismatch: the list has no consistent reading");
		break;
	}
}

void put_match(FILE *to, const struct imatally_target *target)
{
	if (target->match == IMATALLY_MATCH_SAME)
		fprintf(to, "matches the replay");
	else if (target->matched_after)
		fprintf(to, "matches the replay after %" PRIu64 " %s",
			target->matched_after, entries(target->matched_after));
	else if (target->match == IMATALLY_MATCH_UNKNOWN)
		fprintf(to, "not compared");
	else
		fprintf(to, "does not match the replay");
}

bool has_findings(const struct imatally_result *result,
		  const struct signer *signer)
{
	return result->has_findings ||
	       (signer && (signer->weak || !signer->attested.has_counter ||
			   signer->firmware.verdict == FIRMWARE_DIFFERS ||
			   signer->firmware.verdict == FIRMWARE_UNREADABLE));
}

void put_enrollment(FILE *to, const struct imatally_enrollment *enrollment)
{
	fputs("in the TPM with the EK sha256:", to);
	put_digest(to, enrollment->ek_sha256, sizeof(enrollment->ek_sha256));
}

void put_booted(FILE *to, const struct signer *signer)
{
	const struct firmware *firmware = &signer->firmware;
	char alg[IMATALLY_ALG_NAME_SIZE];

	if (!signer->boot_pcrs.nr) {
		fputs("what booted is not signed: the evidence has no values of PCRs 0 to 9", to);
		return;
	}
	fputs("PCRs 0 to 9 are signed, too", to);
	switch (firmware->verdict) {
	case FIRMWARE_NO_LOG:
		fputs("; the evidence has no log of the firmware", to);
		break;
	case FIRMWARE_NOT_REPLAYED:
		fputs("; the firmware's log was not replayed, because tpm2_eventlog is not installed", to);
		break;
	case FIRMWARE_MATCHES:
		fputs(", and the firmware's log leads to them", to);
		break;
	case FIRMWARE_DIFFERS:
		fprintf(to, ", but the firmware's log does not lead to PCR %u, %s",
			firmware->pcr, imatally_alg_name(firmware->alg, alg));
		break;
	case FIRMWARE_UNREADABLE:
		fputs("; tpm2_eventlog cannot replay the firmware's log", to);
		break;
	}
}

const char weak_values[] =
	"only SHA-1 values of the IMA PCR are signed, and SHA-1 is not collision-resistant";

void put_no_counter(FILE *to, enum imatally_no_counter why)
{
	static const char *const text[] = {
		[IMATALLY_NO_COUNTER_UNKNOWN] = "the evidence gives no reason",
		[IMATALLY_NO_COUNTER_SESSIONS] = "the machine says that all sessions of its TPM were in use",
		[IMATALLY_NO_COUNTER_AUTHORIZATION] = "the machine says that it has a wrong authorization value, or none, for the endorsement hierarchy",
		[IMATALLY_NO_COUNTER_LOCKOUT] = "the machine says that its TPM is locked after wrong authorization values",
		[IMATALLY_NO_COUNTER_HIERARCHY] = "the machine says that the endorsement hierarchy is disabled",
		[IMATALLY_NO_COUNTER_TPM] = "the machine says that its TPM refused it",
	};

	fprintf(to, "pcrUpdateCounter is not attested: %s", text[why]);
}

void put_summary(FILE *to, const struct imatally_result *result)
{
	fprintf(to, "%" PRIu64 " %s, %" PRIu64 " %s, %u %s",
		result->entries, entries(result->entries), result->records,
		plural(result->records, "record", "records"), result->kernels,
		plural(result->kernels, "kernel", "kernels"));
}

void put_resumption(FILE *to, const struct imatally_result *result)
{
	static const char *const why[] = {
		[IMATALLY_ANEW_SHORTER] = "the list ends before the state does (a reboot?)",
		[IMATALLY_ANEW_OTHER_LOG] = "the state is of another list (a reboot?)",
		[IMATALLY_ANEW_BANK] = "the state lacks a bank or PCR for which a value was given",
		[IMATALLY_ANEW_DIFFERS] = "the replay from the state on differs",
		[IMATALLY_ANEW_PIPE] = "the list is read from a pipe",
	};

	if (result->resumption == IMATALLY_RESUMED)
		fprintf(to, "%" PRIu64 " %s verified before, %" PRIu64 " new",
			result->resumed, entries(result->resumed),
			result->entries - result->resumed);
	else if (result->resumption != IMATALLY_NO_STATE)
		fprintf(to, "verified from the start: %s",
			why[result->resumption]);
}

static void put_misfit(FILE *to, const struct imatally_result *result)
{
	if (!result->copy_had)
		fprintf(to, "has nothing that fits where entries are missing");
	else if (result->copy_had < result->copy_missing)
		fprintf(to, "has %" PRIu64 " %s for the %" PRIu64 " that %s missing: nothing proves %s",
			result->copy_had, entries(result->copy_had),
			result->copy_missing,
			plural(result->copy_missing, "is", "are"),
			plural(result->copy_had, "it", "them"));
	else
		fprintf(to, "does not fit: with %" PRIu64 " %s from it, the list is not the one that was extended",
			result->copy_had, entries(result->copy_had));
}

void put_copy(FILE *to, const struct imatally_result *result, const char *name)
{
	char shown[4 * NAME_MAX];

	escaped(shown, sizeof(shown), name ? name : "the copy");
	switch (result->copy) {
	case IMATALLY_NO_COPY:
		break;
	case IMATALLY_COPY_NOT_NEEDED:
		fprintf(to, "%s was not needed: no entry is missing", shown);
		break;
	case IMATALLY_COPY_USED:
		fprintf(to, "%" PRIu64 " %s put back from %s",
			result->put_back, entries(result->put_back), shown);
		break;
	case IMATALLY_COPY_DOES_NOT_FIT:
		fprintf(to, "%s ", shown);
		put_misfit(to, result);
		break;
	}
}
