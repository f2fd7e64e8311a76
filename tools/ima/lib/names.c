// SPDX-License-Identifier: GPL-2.0-only
/* Names of the parts of a verdict, which are part of the interface. */

#include "private.h"

const char *imatally_verdict_name(enum imatally_verdict verdict)
{
	switch (verdict) {
	case IMATALLY_COMPLETE:
		return "complete";
	case IMATALLY_COMPLETE_NOT_COUNTED:
		return "complete_not_counted";
	case IMATALLY_INCOMPLETE:
		return "incomplete";
	case IMATALLY_MISMATCH:
		return "mismatch";
	}
	return NULL;
}

const char *imatally_severity_name(enum imatally_severity severity)
{
	switch (severity) {
	case IMATALLY_NOTE:
		return "note";
	case IMATALLY_FINDING:
		return "finding";
	case IMATALLY_LOSS:
		return "loss";
	case IMATALLY_FAULT:
		return "fault";
	}
	return NULL;
}

const char *imatally_unjudged_name(unsigned int reason)
{
	switch (reason) {
	case IMATALLY_UNJUDGED_ERROR:
		return "error";
	case IMATALLY_UNJUDGED_KEYS:
		return "keys";
	case IMATALLY_UNJUDGED_RESUME:
		return "resume";
	case IMATALLY_UNJUDGED_STEP:
		return "step";
	case IMATALLY_UNJUDGED_BANKS:
		return "banks";
	case IMATALLY_UNJUDGED_EVENT:
		return "event";
	default:
		return NULL;
	}
}

const char *imatally_match_name(enum imatally_match match)
{
	switch (match) {
	case IMATALLY_MATCH_UNKNOWN:
		return "unknown";
	case IMATALLY_MATCH_SAME:
		return "same";
	case IMATALLY_MATCH_DIFFERENT:
		return "different";
	}
	return NULL;
}

const char *imatally_place_name(enum imatally_place place)
{
	switch (place) {
	case IMATALLY_AT_START:
		return "start";
	case IMATALLY_AT_ENTRY:
		return "entry";
	case IMATALLY_AT_RECORD:
		return "record";
	case IMATALLY_AT_BOOT_AGGREGATE:
		return "boot_aggregate";
	case IMATALLY_AT_END:
		return "end";
	}
	return NULL;
}

const char *imatally_resumption_name(enum imatally_resumption resumption)
{
	switch (resumption) {
	case IMATALLY_NO_STATE:
		break;
	case IMATALLY_RESUMED:
		return "resumed";
	case IMATALLY_ANEW_SHORTER:
		return "shorter";
	case IMATALLY_ANEW_OTHER_LOG:
		return "other_log";
	case IMATALLY_ANEW_BANK:
		return "other_bank";
	case IMATALLY_ANEW_DIFFERS:
		return "differs";
	case IMATALLY_ANEW_PIPE:
		return "pipe";
	}
	return NULL;
}

const char *imatally_copy_name(enum imatally_copy copy)
{
	switch (copy) {
	case IMATALLY_NO_COPY:
		break;
	case IMATALLY_COPY_NOT_NEEDED:
		return "not_needed";
	case IMATALLY_COPY_USED:
		return "used";
	case IMATALLY_COPY_DOES_NOT_FIT:
		return "does_not_fit";
	}
	return NULL;
}
