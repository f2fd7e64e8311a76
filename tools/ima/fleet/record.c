// SPDX-License-Identifier: GPL-2.0-only
/* A host's record as JSON. */

#include <stdlib.h>
#include <string.h>

#include "fleet.h"

#define FORMAT "imatally-fleet-host"
#define VERSION 1

static const char *const names[FLEET_NR_VERDICTS] = {
	[FLEET_MISMATCH] = "mismatch",
	[FLEET_NOT_AUTHENTIC] = "not authentic",
	[FLEET_ERROR] = "error",
	[FLEET_INCOMPLETE] = "incomplete",
	[FLEET_NONE] = "none",
	[FLEET_NOT_COUNTED] = "complete (not counted)",
	[FLEET_COMPLETE] = "complete",
};

const char *fleet_verdict_name(enum fleet_verdict verdict)
{
	return names[verdict];
}

static json_t *challenge_or_null(const struct fleet_record *r)
{
	return r->challenge.nonce[0] ? fleet_challenge_json(&r->challenge) :
				       json_null();
}

static json_t *attested_or_null(const struct fleet_record *r)
{
	const struct imatally_attested *a = &r->attested;

	if (!r->has_attested)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:b, s:b, s:I}",
			 "clock", (json_int_t)a->clock.clock,
			 "reset", (json_int_t)a->clock.reset,
			 "restart", (json_int_t)a->clock.restart,
			 "safe", a->clock.safe, "has_counter", a->has_counter,
			 "counter", (json_int_t)a->counter);
}

char *fleet_record_format(const struct fleet_record *r)
{
	json_t *json = json_pack(
		"{s:s, s:i, s:s, s:s, s:I, s:o, s:I,"
		" s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:o,"
		" s:s, s:I, s:I, s:I, s:s}",
		"format", FORMAT, "version", VERSION, "host", r->host,
		"ak", r->ak, "due", (json_int_t)r->due,
		"challenge", challenge_or_null(r),
		"silent_since", (json_int_t)r->silent_since,
		"verdict", names[r->verdict], "nonce", r->nonce,
		"time", (json_int_t)r->time, "entries", (json_int_t)r->entries,
		"lost", (json_int_t)r->lost, "dropped", (json_int_t)r->dropped,
		"failed", (json_int_t)r->failed, "findings", r->findings,
		"why", r->why, "attested", attested_or_null(r),
		"state_sha256", r->state_sha256, "entry", (json_int_t)r->entry,
		"offset", (json_int_t)r->offset, "anew", (json_int_t)r->anew,
		"anew_why", r->anew_why);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

static bool load_verdict(const char *name, enum fleet_verdict *verdict)
{
	for (*verdict = 0; *verdict < FLEET_NR_VERDICTS; ++*verdict)
		if (!strcmp(names[*verdict], name))
			return true;
	return false;
}

static bool load_attested(struct fleet_record *r, json_t *json)
{
	json_int_t clock, reset, restart, counter;
	int safe, has_counter;

	r->has_attested = !json_is_null(json);
	if (!r->has_attested)
		return true;
	if (json_unpack(json, "{s:I, s:I, s:I, s:b, s:b, s:I}", "clock", &clock,
			"reset", &reset, "restart", &restart, "safe", &safe,
			"has_counter", &has_counter, "counter", &counter))
		return false;
	r->attested = (struct imatally_attested){
		.clock = { .clock = clock, .reset = reset, .restart = restart,
			   .safe = safe },
		.has_counter = has_counter, .counter = counter,
	};
	return true;
}

/* False if @text does not fit. */
static bool copy(char *to, size_t size, const char *text)
{
	return (size_t)snprintf(to, size, "%s", text) < size;
}

static bool load(struct fleet_record *r, json_t *json)
{
	json_int_t version, due, silent, time, entries, lost, dropped, failed;
	const char *format, *host, *ak, *verdict, *nonce, *why, *state, *anew_why;
	json_int_t entry, offset, anew;
	json_t *challenge, *attested;
	int findings;

	if (json_unpack(json,
			"{s:s, s:I, s:s, s:s, s:I, s:o, s:I,"
			" s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:o,"
			" s:s, s:I, s:I, s:I, s:s}",
			"format", &format, "version", &version, "host", &host,
			"ak", &ak, "due", &due, "challenge", &challenge,
			"silent_since", &silent, "verdict", &verdict,
			"nonce", &nonce, "time", &time, "entries", &entries,
			"lost", &lost, "dropped", &dropped, "failed", &failed,
			"findings", &findings, "why", &why,
			"attested", &attested, "state_sha256", &state,
			"entry", &entry, "offset", &offset, "anew", &anew,
			"anew_why", &anew_why) ||
	    strcmp(format, FORMAT) || version != VERSION)
		return false;
	r->due = due;
	r->silent_since = silent;
	r->time = time;
	r->entries = entries;
	r->lost = lost;
	r->dropped = dropped;
	r->failed = failed;
	r->findings = findings;
	r->entry = entry;
	r->offset = offset;
	r->anew = anew;
	r->ak = strdup(ak);
	return r->ak && copy(r->host, sizeof(r->host), host) &&
	       load_verdict(verdict, &r->verdict) &&
	       copy(r->nonce, sizeof(r->nonce), nonce) &&
	       copy(r->why, sizeof(r->why), why) &&
	       copy(r->state_sha256, sizeof(r->state_sha256), state) &&
	       copy(r->anew_why, sizeof(r->anew_why), anew_why) &&
	       (json_is_null(challenge) ||
		fleet_challenge_load(&r->challenge, challenge)) &&
	       load_attested(r, attested);
}

bool fleet_record_parse(struct fleet_record *record, const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	bool valid;

	memset(record, 0, sizeof(*record));
	valid = json && load(record, json);
	json_decref(json);
	if (!valid)
		fleet_record_free(record);
	return valid;
}

void fleet_record_free(struct fleet_record *record)
{
	free(record->ak);
	memset(record, 0, sizeof(*record));
}
