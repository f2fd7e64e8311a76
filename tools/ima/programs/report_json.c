// SPDX-License-Identifier: GPL-2.0-only
/* The verdict for programs, see imatally-result(5) and result.schema.json. */

#include <stdlib.h>

#include "json.h"
#include "report.h"

#define VERSION 1

const char *report_verdict(const struct report *report)
{
	if (report->result)
		return imatally_verdict_name(report->result->verdict);
	return report->status == EXIT_NOT_AUTHENTIC ? "not_authentic" : "error";
}

static json_t *point(const struct imatally_point *p)
{
	json_t *value = json_object();

	value = js_with(value, "place",
			  json_string(imatally_place_name(p->place)));
	switch (p->place) {
	case IMATALLY_AT_START:
	case IMATALLY_AT_END:
		break;
	case IMATALLY_AT_RECORD:
		value = js_with(value, "event",
				  json_string(imatally_event_name(p->event)));
		__attribute__((fallthrough));
	case IMATALLY_AT_BOOT_AGGREGATE:
		value = js_with(value, "kernel", json_integer(p->kernel));
		__attribute__((fallthrough));
	case IMATALLY_AT_ENTRY:
		value = js_with(value, "entry", json_integer(p->index));
	}
	return value;
}

static json_t *reasons(unsigned int unjudged)
{
	json_t *value = json_array();
	unsigned int bit;

	for (bit = 1; bit <= unjudged; bit <<= 1)
		if (unjudged & bit)
			value = json_append(value,
					    json_string(imatally_unjudged_name(bit)));
	return value;
}

static json_t *interval(const struct imatally_interval *iv)
{
	struct imatally_point from = {
		.place = iv->has_from ? IMATALLY_AT_RECORD : IMATALLY_AT_START,
		.index = iv->from, .kernel = iv->from_kernel,
		.event = iv->from_event,
	};
	struct imatally_point to = {
		.place = iv->has_to ? IMATALLY_AT_RECORD : IMATALLY_AT_END,
		.index = iv->to, .kernel = iv->to_kernel, .event = iv->to_event,
	};
	json_t *v = json_object();

	v = js_with(v, "from", point(&from));
	v = js_with(v, "to", point(&to));
	v = js_with(v, "entries", json_integer(iv->present));
	if (iv->put_back)
		v = js_with(v, "put_back", json_integer(iv->put_back));
	v = js_with(v, "lost", js_number(iv->has_to, iv->lost));
	v = js_with(v, "lost_at_kexec",
		      js_number(iv->has_to, iv->lost_handover));
	v = js_with(v, "by_counter", json_boolean(iv->by_counter));
	v = js_with(v, "at_most", json_boolean(iv->at_most));
	v = js_with(v, "inserted", js_number(iv->has_to, iv->inserted));
	v = js_with(v, "failed", js_number(iv->has_to, iv->failed));
	v = js_with(v, "not_proved", js_number(iv->has_to, iv->unproved));
	v = js_with(v, "dropped", js_number(iv->has_to, iv->dropped));
	v = js_with(v, "unread", js_number(iv->has_to, iv->unread));
	v = js_with(v, "trimmed", js_number(iv->has_to, iv->trimmed));
	v = js_with(v, "accounts_disagree",
		      json_boolean(iv->accounts_disagree));
	v = js_with(v, "pcrUpdateCounter",
		      js_number(iv->has_to_counter, iv->to_counter));
	v = js_with(v, "counter", js_number(iv->has_counter, iv->counter));
	v = js_with(v, "ima", js_number(iv->has_ima, iv->ima));
	v = js_with(v, "others", js_number(iv->has_others, iv->others));
	v = js_with(v, "rest", js_number(iv->has_rest, iv->rest));
	v = js_with(v, "rest_has_others",
		      json_boolean(iv->has_rest && !iv->is_split));
	return js_with(v, "unjudged", reasons(iv->unjudged));
}

static json_t *text_of(const struct imatally_finding *finding)
{
	char *text = NULL;
	size_t len;
	json_t *value;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	put_finding(to, finding);
	/* when out of memory, there may be no text even if this succeeds */
	value = fclose(to) || !text ? NULL : js_text(text);
	free(text);
	return value;
}

/* The members depend on the kind. */
static json_t *finding(const struct imatally_finding *f)
{
	json_t *v = json_object();

	v = js_with(v, "kind", json_string(imatally_kind_name(f->kind)));
	v = js_with(v, "severity",
		      json_string(imatally_severity_name(f->severity)));
	v = js_with(v, "from", point(&f->from));
	v = js_with(v, "to", point(&f->to));
	switch (f->kind) {
	case IMATALLY_LOST:
		v = js_with(v, "by_counter", json_boolean(f->by_counter));
		v = js_with(v, "at_most", json_boolean(f->at_most));
		__attribute__((fallthrough));
	case IMATALLY_INSERTED:
	case IMATALLY_DROPPED:
	case IMATALLY_FAILED:
	case IMATALLY_REST:
	case IMATALLY_UNEXPLAINED:
	case IMATALLY_NOT_SEARCHED:
	case IMATALLY_OTHERS:
	case IMATALLY_TAIL:
	case IMATALLY_UNREAD:
	case IMATALLY_NOT_PROVED:
	case IMATALLY_FEWER_THAN_EVENT:
	case IMATALLY_NAMED_ONLY:
		v = js_with(v, "count", json_integer(f->count));
		break;
	case IMATALLY_STILL_TAIL:
	case IMATALLY_STANDS_STILL:
	case IMATALLY_RESETTABLE:
		v = js_with(v, "count", json_integer(f->count));
		v = js_with(v, "pcr", json_integer(f->pcr));
		break;
	case IMATALLY_DIFFERS_FAILED:
		v = js_with(v, "count", json_integer(f->count));
		__attribute__((fallthrough));
	case IMATALLY_DIFFERS_AT_RECORD:
	case IMATALLY_DIFFERS_AT_END:
	case IMATALLY_BANK_ADRIFT:
	case IMATALLY_BOOT_PCR_DIFFERS:
	case IMATALLY_BOOT_PCR_MISSING:
		v = js_with(v, "pcr", json_integer(f->pcr));
		__attribute__((fallthrough));
	case IMATALLY_BANK_UNSUPPORTED:
	case IMATALLY_PADDED:
	case IMATALLY_BOOT_AGGREGATE:
		v = js_with(v, "alg", js_alg(f->alg));
		break;
	case IMATALLY_BOOT_NOT_COMPARED:
		v = js_with(v, "alg", f->alg ? js_alg(f->alg) : json_null());
		break;
	case IMATALLY_PCR_NOT_GIVEN:
	case IMATALLY_RECORD_ELSEWHERE:
	case IMATALLY_TWO_MOMENTS:
	case IMATALLY_EARLIER_GONE:
		v = js_with(v, "pcr", json_integer(f->pcr));
		break;
	case IMATALLY_UNJUDGED:
		v = js_with(v, "unjudged", reasons(f->count));
		if (f->count & IMATALLY_UNJUDGED_ERROR)
			v = js_with(v, "errno", js_text(f->word));
		break;
	case IMATALLY_NEWER_RECORD:
		v = js_with(v, "record_version", json_integer(f->count));
		__attribute__((fallthrough));
	case IMATALLY_UNKNOWN_KEY:
	case IMATALLY_KEY_VANISHED:
		v = js_with(v, "key", js_text(f->word));
		break;
	case IMATALLY_UNKNOWN_EVENT:
		v = js_with(v, "event", js_text(f->word));
		break;
	case IMATALLY_UNKNOWN_TEMPLATE:
		v = js_with(v, "template", js_text(f->word));
		break;
	case IMATALLY_ALTERED:
	case IMATALLY_ACCOUNTS:
	case IMATALLY_FAILED_ENTRY:
	case IMATALLY_RESET:
	case IMATALLY_NOT_ARRIVED:
	case IMATALLY_STARTED_ANEW:
	case IMATALLY_NO_START:
	case IMATALLY_CUT_AT_KEXEC:
	case IMATALLY_RECORDS_NOT_PROVED:
	case IMATALLY_UNPROTECTED:
	case IMATALLY_FOREIGN:
	case IMATALLY_UNREADABLE_RECORD:
		break;
	}
	return js_with(v, "text", text_of(f));
}

static json_t *target(const struct imatally_target *t)
{
	json_t *v = json_object();

	v = js_with(v, "pcr", json_integer(t->pcr));
	v = js_with(v, "alg", js_alg(t->bank.alg));
	v = js_with(v, "value", json_hex(t->bank.value, t->bank.len));
	v = js_with(v, "in_log", json_boolean(t->in_log));
	v = js_with(v, "supported", json_boolean(t->supported));
	v = js_with(v, "match", json_string(imatally_match_name(t->match)));
	return js_with(v, "matched_after",
			 js_number(t->matched_after, t->matched_after));
}

static json_t *no_counter(const struct signer *s)
{
	const char *why = imatally_no_counter_name(s->no_counter);

	if (s->attested.has_counter)
		return json_null();
	return json_string(why ? why : "unknown");
}

static json_t *enrolled(const struct imatally_enrollment *e)
{
	json_t *v = json_object();

	if (!e->ak) {
		json_decref(v);
		return json_null();
	}
	v = js_with(v, "ek_sha256", json_hex(e->ek_sha256, sizeof(e->ek_sha256)));
	v = js_with(v, "ek_certificate_sha256",
		    json_hex(e->ek_certificate_sha256,
			   sizeof(e->ek_certificate_sha256)));
	v = js_with(v, "ek_issuer", js_text(e->ek_issuer));
	v = js_with(v, "ek_serial", js_text(e->ek_serial));
	return js_with(v, "time", js_text(e->time));
}

/* The values of PCRs 0 to 9, by bank and number; null if there are none. */
static json_t *boot_pcrs(const struct imatally_pcrs *pcrs)
{
	json_t *v = json_object();
	size_t i;

	for (i = 0; i < pcrs->nr && v; i++) {
		const struct imatally_pcr *pcr = &pcrs->pcr[i];
		char alg[IMATALLY_ALG_NAME_SIZE], number[12];
		json_t *bank;

		imatally_alg_name(pcr->bank.alg, alg);
		snprintf(number, sizeof(number), "%u", pcr->index);
		if (!json_object_get(v, alg))
			v = js_with(v, alg, json_object());
		bank = json_object_get(v, alg);
		if (json_object_set_new(bank, number,
					json_hex(pcr->bank.value,
						 pcr->bank.len))) {
			json_decref(v);
			v = NULL;
		}
	}
	if (pcrs->nr)
		return v;
	json_decref(v);
	return json_null();
}

static json_t *firmware_log(const struct firmware *firmware)
{
	static const char *const names[] = {
		[FIRMWARE_NOT_REPLAYED] = "not_replayed",
		[FIRMWARE_MATCHES] = "matches",
		[FIRMWARE_DIFFERS] = "differs",
		[FIRMWARE_UNREADABLE] = "unreadable",
	};

	return firmware->verdict == FIRMWARE_NO_LOG ?
		       json_null() : json_string(names[firmware->verdict]);
}

static json_t *signer(const struct signer *s)
{
	json_t *v = json_object();

	v = js_with(v, "ak_sha256",
		      json_hex(s->fingerprint, sizeof(s->fingerprint)));
	v = js_with(v, "enrolled", enrolled(&s->enrollment));
	v = js_with(v, "resetCount", json_integer(s->attested.clock.reset));
	v = js_with(v, "restartCount",
		      json_integer(s->attested.clock.restart));
	v = js_with(v, "clock", json_integer(s->attested.clock.clock));
	v = js_with(v, "pcrUpdateCounter",
		      js_number(s->attested.has_counter,
				  s->attested.counter));
	v = js_with(v, "no_counter", no_counter(s));
	v = js_with(v, "only_sha1", json_boolean(s->weak));
	v = js_with(v, "boot_pcrs", boot_pcrs(&s->boot_pcrs));
	v = js_with(v, "firmware_log", firmware_log(&s->firmware));
	return js_with(v, "rebooted", s->has_previous ?
			 json_boolean(s->rebooted) : json_null());
}

/*
 * The answer is printed member by member, so that a long one is never in memory
 * as a whole.  @failed: it is cut.
 */
struct stream {
	bool begun, failed;
};

/* Print @value and free it. */
static void put(struct stream *stream, json_t *value)
{
	if (!value || json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY))
		stream->failed = true;
	/* what cannot be written is reported in the end */
	if (stream->failed && !ferror(stdout))
		complain("out of memory");
	json_decref(value);
}

/* The start of a member, whose value follows. */
static void put_key(struct stream *stream, const char *key)
{
	printf("%s\"%s\":", stream->begun ? "," : "{", key);
	stream->begun = true;
}

static void put_member(struct stream *stream, const char *key, json_t *value)
{
	put_key(stream, key);
	put(stream, value);
}

/* An element of an array. */
static void put_element(struct stream *stream, size_t i, json_t *value)
{
	if (i)
		putchar(',');
	put(stream, value);
}

static void put_result(struct stream *stream,
		       const struct imatally_result *result)
{
	size_t i;

	put_member(stream, "entries", json_integer(result->entries));
	put_member(stream, "records", json_integer(result->records));
	put_member(stream, "kernels", json_integer(result->kernels));
	put_member(stream, "lost", json_integer(result->lost));
	put_member(stream, "trimmed", json_integer(result->trimmed));
	put_member(stream, "by_counter", json_boolean(result->by_counter));
	put_member(stream, "at_most", json_boolean(result->at_most));
	put_member(stream, "dropped", json_integer(result->dropped));
	put_member(stream, "failed", json_integer(result->failed));
	put_member(stream, "tail", json_integer(result->tail));
	put_member(stream, "not_arrived", json_boolean(result->not_arrived));
	put_member(stream, "restarted", json_boolean(result->restarted));
	if (result->resumption != IMATALLY_NO_STATE) {
		put_member(stream, "resumption",
			   json_string(imatally_resumption_name(result->resumption)));
		put_member(stream, "resumed", json_integer(result->resumed));
	}
	if (result->copy != IMATALLY_NO_COPY) {
		put_member(stream, "copy",
			   json_string(imatally_copy_name(result->copy)));
		put_member(stream, "put_back", json_integer(result->put_back));
		put_member(stream, "copy_missing",
			   json_integer(result->copy_missing));
		put_member(stream, "copy_had", json_integer(result->copy_had));
	}
	put_key(stream, "intervals");
	putchar('[');
	for (i = 0; i < result->nr_intervals && !stream->failed; i++)
		put_element(stream, i, interval(&result->interval[i]));
	putchar(']');
	put_key(stream, "findings");
	putchar('[');
	for (i = 0; i < result->nr_findings && !stream->failed; i++)
		put_element(stream, i, finding(&result->finding[i]));
	putchar(']');
	put_member(stream, "findings_not_kept",
		   json_integer(result->findings_not_kept));
	put_key(stream, "targets");
	putchar('[');
	for (i = 0; i < result->nr_targets && !stream->failed; i++)
		put_element(stream, i, target(&result->target[i]));
	putchar(']');
}

int report_json(const struct report *report)
{
	struct stream stream = { 0 };

	put_member(&stream, "format", json_string("imatally-result"));
	put_member(&stream, "version", json_integer(VERSION));
	put_member(&stream, "verdict", json_string(report_verdict(report)));
	put_member(&stream, "status", json_integer(report->status));
	put_member(&stream, "strict", json_boolean(report->strict));
	if (report->log)
		put_member(&stream, "log", js_text(report->log));
	if (report->result) {
		put_result(&stream, report->result);
		put_member(&stream, "signer", report->signer ?
			   signer(report->signer) : json_null());
	} else if (report->status == EXIT_NOT_AUTHENTIC) {
		put_member(&stream, "error", js_with(json_object(), "text",
						     js_text(report->why->text)));
	} else {
		put_member(&stream, "error", js_error());
	}
	/* without the end of the line it is cut for "--jobs", too */
	if (!stream.failed)
		puts("}");
	return stream.failed || ferror(stdout) ? -1 : 0;
}
