// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a verifier after an entry that the PCR values proved: a line of
 * JSON and its SHA-256 digest.  imatally-state(5) describes it.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_whole.h"
#include "verifier.h"

#define STATE_VERSION 1
#define CHECKSUM "sha256:"

static bool sha256_hex(const void *data, size_t len, char *hex)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t size;

	if (!EVP_Q_digest(NULL, "SHA256", NULL, data, len, digest, &size))
		return false;
	imatally_hex_from_bytes(hex, digest, size);
	return true;
}

/* A digest that identifies an entry. */
static bool entry_hex(const struct imatally_entry *entry, char *hex)
{
	uint8_t head[2] = { entry->pcr, imatally_entry_is_violation(entry) };
	EVP_MD *md = imatally_alg_fetch(IMATALLY_ALG_SHA256);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	bool done;

	done = md && ctx && EVP_DigestInit_ex(ctx, md, NULL) &&
	       EVP_DigestUpdate(ctx, head, sizeof(head)) &&
	       EVP_DigestUpdate(ctx, entry->template_name,
				entry->template_name_len) &&
	       EVP_DigestUpdate(ctx, entry->data, entry->data_len) &&
	       EVP_DigestFinal_ex(ctx, digest, NULL);
	if (done)
		imatally_hex_from_bytes(hex, digest, 32);
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	return done;
}

/*
 * The reading when the values last matched.  The pointers in it are not used, except
 * for those to the members after it.
 */
struct saved {
	struct reading reading;
	struct imatally_replay replay;
	char *mark_text;
	uint64_t index, offset;		/* of the last entry */
	char sha256[2 * EVP_MAX_MD_SIZE + 1];	/* which identifies it */
};

/* Saving.  NULL when out of memory, which json_pack() propagates. */

static json_t *keep_numbers(const uint16_t *number, size_t room)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < room && number[i]; i++)
		array = json_append(array, json_integer(number[i]));
	return array;
}

/* The values of a bank's PCRs, null where unknown or impossible. */
static json_t *keep_values(const struct bank *bank, enum mode mode)
{
	char hex[2 * IMATALLY_MAX_DIGEST + 1];
	json_t *array;
	unsigned int pcr;

	if (!bank->possible[mode])
		return json_null();
	array = json_array();
	for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++) {
		imatally_hex_from_bytes(hex, bank->pcr[pcr].value[mode],
					bank->hash.size);
		array = json_append(array, bank->pcr[pcr].known ?
					   json_string(hex) : json_null());
	}
	return array;
}

static json_t *keep_banks(const struct imatally_replay *replay)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < replay->nr_banks; i++) {
		const struct bank *bank = &replay->bank[i];
		array = json_append(
			array, json_pack("{s:i, s:o, s:o}", "alg", bank->alg,
					 "own", keep_values(bank, MODE_OWN),
					 "padded",
					 keep_values(bank, MODE_PADDED)));
	}
	return array;
}

static json_t *keep_point(const struct imatally_point *point)
{
	return json_pack("{s:s, s:I, s:I, s:s}", "place",
			 imatally_place_name(point->place), "index",
			 (json_int_t)point->index, "kernel",
			 (json_int_t)point->kernel, "event",
			 imatally_event_name(point->event));
}

/* Those that had been reported by then, and are still kept */
static json_t *keep_findings(const struct reading *r, size_t nr)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < nr; i++) {
		const struct imatally_finding *f = &r->result.finding[i];

		array = json_append(
			array,
			json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:i, s:b, s:b, s:s}",
				  "kind", imatally_kind_name(f->kind),
				  "severity",
				  imatally_severity_name(f->severity),
				  "from", keep_point(&f->from),
				  "to", keep_point(&f->to),
				  "count", (json_int_t)f->count,
				  "pcr", (json_int_t)f->pcr,
				  "alg", f->alg,
				  "by_counter", f->by_counter,
				  "at_most", f->at_most,
				  "word", f->word));
	}
	return array;
}

static json_t *keep_severities(const struct reading *r)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(r->have); i++)
		array = json_append(array, json_boolean(r->have[i]));
	return array;
}

static json_t *keep_pcrs(const struct reading *r)
{
	json_t *array = json_array();
	unsigned int pcr;

	for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++)
		array = json_append(array, json_integer(r->pcr[pcr].entries));
	return array;
}

static json_t *keep_mark(const struct reading *r)
{
	json_t *mark;
	char *hex;

	if (!r->has_mark)
		return json_null();
	/* in a newer version, the text may contain any bytes */
	hex = malloc(2 * r->mark_len + 1);
	if (!hex)
		return NULL;
	imatally_hex_from_bytes(hex, r->mark_text, r->mark_len);
	mark = json_pack("{s:I, s:I, s:s}", "index", (json_int_t)r->mark.index,
			 "kernel", (json_int_t)r->mark.kernel, "text", hex);
	free(hex);
	return mark;
}

static json_t *keep_kernels(const struct imatally_kernels *k)
{
	json_t *named = json_array();
	uint64_t i;

	for (i = 0; i < k->nr_named && i < IMATALLY_MAX_NAMED; i++)
		named = json_append(named, json_integer(k->named[i]));
	return json_pack("{s:I, s:I, s:b, s:o, s:I, s:I, s:b}",
			 "number", (json_int_t)k->number,
			 "start", (json_int_t)k->start,
			 "has_boot_aggregate", k->has_boot_aggregate,
			 "named", named, "nr_named", (json_int_t)k->nr_named,
			 "all_named", (json_int_t)k->all_named,
			 "begins_with_named", k->begins_with_named);
}

static json_t *keep_booted(const struct imatally_booted *booted)
{
	char hex[2 * IMATALLY_MAX_DIGEST + 1];
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < booted->nr; i++) {
		const struct imatally_aggregate *a = &booted->kept[i];

		imatally_hex_from_bytes(hex, a->value.value, a->value.len);
		array = json_append(
			array, json_pack("{s:I, s:b, s:i, s:s}",
					 "index", (json_int_t)a->index,
					 "is_start", a->is_start,
					 "alg", a->value.alg, "value", hex));
	}
	return array;
}

/* resetCount and restartCount of the last record that has them */
static json_t *keep_starts(const struct reading *r)
{
	if (!r->has_starts)
		return json_null();
	return json_pack("{s:I, s:I, s:b}", "resets",
			 (json_int_t)r->starts.value[IMATALLY_KEY_RESETS],
			 "restarts",
			 (json_int_t)r->starts.value[IMATALLY_KEY_RESTARTS],
			 "unsure", r->starts_unsure);
}

/*
 * What is missing since the replay last matched is not saved: it matches here,
 * and if it differs later, the state is not used.  Neither are the events of
 * kernels without records, which only explain that.
 */
static json_t *keep(const struct saved *saved, const struct reading *now)
{
	const struct reading *r = &saved->reading;
	const struct imatally_result *result = &r->result;
	size_t nr = 0;

	while (nr < now->result.nr_findings &&
	       now->reported_at[nr] <= result->entries)
		nr++;
	return json_pack("{s:i, s:{s:I, s:I, s:s}, s:I, s:o, s:o, s:o,"
			 " s:o, s:o, s:o, s:I, s:I,"
			 " s:{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:b},"
			 " s:{s:b, s:b, s:b, s:o, s:o},"
			 " s:o, s:o, s:o, s:I}",
			 "version", STATE_VERSION,
			 "last_entry", "index", (json_int_t)saved->index,
			 "offset", (json_int_t)saved->offset,
			 "sha256", saved->sha256,
			 "log_pcr", (json_int_t)r->asked->ima_pcr,
			 "entries_of_pcr", keep_pcrs(r),
			 "banks", keep_banks(r->replay),
			 "last_record", keep_mark(r),
			 "kernel", keep_kernels(&r->kernels),
			 "last_starts", keep_starts(r),
			 "last_agreed", keep_point(&r->agreed),
			 "lost_in_kernel", (json_int_t)r->lost_in_kernel,
			 "unproved", (json_int_t)r->unproved,
			 "totals", "records", (json_int_t)result->records,
			 "lost", (json_int_t)result->lost,
			 "lost_at_start", (json_int_t)r->lost_at_start,
			 "trimmed", (json_int_t)result->trimmed,
			 "dropped", (json_int_t)result->dropped,
			 "failed", (json_int_t)result->failed,
			 "by_counter", result->by_counter,
			 "at_most", result->at_most,
			 "not_arrived", result->not_arrived,
			 "restarted", result->restarted,
			 "said", "unknown_key", r->said_unknown_key,
			 "unknown_event", r->said_unknown_event,
			 "unknown_template", r->said_unknown_template,
			 "padded", keep_numbers(r->said_padded,
						ARRAY_SIZE(r->said_padded)),
			 "unsupported",
			 keep_numbers(r->said_unsupported,
				      ARRAY_SIZE(r->said_unsupported)),
			 "booted", keep_booted(&r->booted),
			 "severities", keep_severities(r),
			 "findings", keep_findings(now, nr),
			 "findings_not_kept",
			 (json_int_t)(result->findings_not_kept +
				      result->nr_findings - nr));
}

enum imatally_status imatally_state_keep(struct reading *r,
					 const struct imatally_entry *entry)
{
	size_t used = offsetof(struct imatally_replay, bank) +
		      r->replay->nr_banks * sizeof(struct bank);
	struct saved *saved = r->saved;
	char *text;

	if (!saved)
		saved = r->saved = calloc(1, sizeof(*saved));
	text = saved ? realloc(saved->mark_text, r->mark_len + 1) : NULL;
	if (!text)
		return IMATALLY_ERR_NOMEM;
	saved->mark_text = text;
	if (r->has_mark)
		memcpy(text, r->mark_text, r->mark_len);
	saved->reading = *r;
	saved->reading.mark_text = text;
	/* the values may match often */
	memcpy(&saved->replay, r->replay, used);
	saved->reading.replay = &saved->replay;
	saved->index = entry->index;
	saved->offset = r->before_part + entry->offset;
	return entry_hex(entry, saved->sha256) ? IMATALLY_OK :
						 IMATALLY_ERR_CRYPTO;
}

void imatally_state_free(struct saved *saved)
{
	if (saved)
		free(saved->mark_text);
	free(saved);
}

enum imatally_status imatally_state_format(struct reading *r)
{
	if (!r->saved)
		return IMATALLY_OK;
	r->kept_json = keep(r->saved, r);
	return r->kept_json ? IMATALLY_OK : IMATALLY_ERR_NOMEM;
}

enum imatally_status imatally_state_finish(struct reading *r)
{
	uint64_t entries = r->pcr[r->asked->ima_pcr].entries;
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	char *line = NULL, *text = NULL;

	if (!r->kept_json)
		return IMATALLY_OK;
	/* also those which the values do not prove yet */
	if (!json_object_set_new(r->kept_json, "entries_in_list",
				 json_integer(entries)))
		line = json_text(r->kept_json, JSON_COMPACT);
	if (line && sha256_hex(line, strlen(line), hex) &&
	    asprintf(&text, "%s\n" CHECKSUM "%s\n", line, hex) < 0)
		text = NULL;
	free(line);
	if (!text)
		return IMATALLY_ERR_NOMEM;
	free(r->kept);
	r->kept = text;
	return IMATALLY_OK;
}

/* Loading.  False if something is not as it was saved. */

static bool load_number(const json_t *value, uint64_t max, uint64_t *number)
{
	json_int_t n = json_integer_value(value);

	*number = n;
	return json_is_integer(value) && n >= 0 && (uint64_t)n <= max;
}

static bool load_algs(const json_t *array, uint16_t *alg, size_t room)
{
	size_t i, nr = json_array_size(array);
	uint64_t number;

	if (!json_is_array(array) || nr > room)
		return false;
	for (i = 0; i < nr; i++) {
		if (!load_number(json_array_get(array, i), UINT16_MAX, &number))
			return false;
		alg[i] = number;
	}
	return true;
}

static bool load_values(struct bank *bank, enum mode mode, const json_t *array)
{
	unsigned int pcr;

	bank->possible[mode] = !json_is_null(array);
	if (json_is_null(array))
		return true;
	if (json_array_size(array) != IMATALLY_MAX_PCR + 1)
		return false;
	for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++) {
		const json_t *value = json_array_get(array, pcr);

		bank->pcr[pcr].known = !json_is_null(value);
		if (bank->pcr[pcr].known &&
		    (json_string_length(value) != 2 * bank->hash.size ||
		     !imatally_hex_decode(bank->pcr[pcr].value[mode],
					  bank->hash.size,
					  json_string_value(value))))
			return false;
	}
	return true;
}

/* The values of a bank that is not in the state are unknown. */
static bool load_banks(struct imatally_replay *replay, const json_t *array)
{
	size_t i, nr = json_array_size(array);
	unsigned int b, pcr;

	for (b = 0; b < replay->nr_banks; b++)
		for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++)
			replay->bank[b].pcr[pcr].known = false;
	if (!json_is_array(array))
		return false;
	for (i = 0; i < nr; i++) {
		json_t *own, *padded;
		struct bank *bank;
		int alg;

		if (json_unpack(json_array_get(array, i), "{s:i, s:o, s:o !}",
				"alg", &alg, "own", &own, "padded", &padded) ||
		    alg < 0 || alg > UINT16_MAX || 
		    (json_is_null(own) && json_is_null(padded)) ||
		    imatally_replay_add_bank(replay, alg, false))
			return false;
		bank = imatally_replay_bank(replay, alg);
		if (!load_values(bank, MODE_OWN, own) ||
		    !load_values(bank, MODE_PADDED, padded))
			return false;
	}
	return true;
}

static bool load_place(const char *name, enum imatally_place *place)
{
	for (*place = IMATALLY_AT_START; *place <= IMATALLY_AT_END; ++*place)
		if (!strcmp(imatally_place_name(*place), name))
			return true;
	return false;
}

static bool load_event(const char *name, enum imatally_event *event)
{
	for (*event = IMATALLY_EVENT_BOOT; *event <= IMATALLY_EVENT_UNKNOWN; ++*event)
		if (!strcmp(imatally_event_name(*event), name))
			return true;
	return false;
}

static bool load_severity(const char *name, enum imatally_severity *severity)
{
	for (*severity = IMATALLY_NOTE; *severity <= IMATALLY_FAULT; ++*severity)
		if (!strcmp(imatally_severity_name(*severity), name))
			return true;
	return false;
}

static bool load_point(json_t *from, struct imatally_point *point)
{
	const char *place, *event;
	json_int_t index, kernel;

	if (json_unpack(from, "{s:s, s:I, s:I, s:s !}", "place", &place,
			"index", &index, "kernel", &kernel, "event", &event))
		return false;
	point->index = index;
	point->kernel = kernel;
	return load_place(place, &point->place) &&
	       load_event(event, &point->event);
}

static bool load_finding(json_t *from, struct imatally_finding *f)
{
	const char *kind, *severity, *word;
	json_t *from_point, *to_point;
	json_int_t count, pcr;
	int alg, by_counter, at_most;

	memset(f, 0, sizeof(*f));
	if (json_unpack(from,
			"{s:s, s:s, s:o, s:o, s:I, s:I, s:i, s:b, s:b, s:s !}",
			"kind", &kind, "severity", &severity,
			"from", &from_point, "to", &to_point,
			"count", &count, "pcr", &pcr, "alg", &alg,
			"by_counter", &by_counter, "at_most", &at_most,
			"word", &word) || strlen(word) >= sizeof(f->word))
		return false;
	f->count = count;
	f->pcr = pcr;
	f->alg = alg;
	f->by_counter = by_counter;
	f->at_most = at_most;
	strcpy(f->word, word);
	return imatally_kind_from_name(kind, &f->kind) &&
	       load_severity(severity, &f->severity) &&
	       load_point(from_point, &f->from) && load_point(to_point, &f->to);
}

static bool load_findings(struct reading *r, const json_t *array)
{
	struct imatally_result *result = &r->result;
	size_t nr = json_array_size(array);

	if (!json_is_array(array) || nr > IMATALLY_MAX_FINDINGS)
		return false;
	result->finding = calloc(nr + 1, sizeof(*result->finding));
	r->reported_at = calloc(nr + 1, sizeof(*r->reported_at));
	if (!result->finding || !r->reported_at)
		return false;
	r->finding_room = nr + 1;
	for (; result->nr_findings < nr; result->nr_findings++)
		if (!load_finding(json_array_get(array, result->nr_findings),
				  &result->finding[result->nr_findings]))
			return false;
	return true;
}

static bool load_severities(struct reading *r, const json_t *array)
{
	unsigned int i;

	if (json_array_size(array) != ARRAY_SIZE(r->have))
		return false;
	for (i = 0; i < ARRAY_SIZE(r->have); i++) {
		if (!json_is_boolean(json_array_get(array, i)))
			return false;
		r->have[i] = json_is_true(json_array_get(array, i));
	}
	return true;
}

static bool load_pcrs(struct reading *r, const json_t *array)
{
	unsigned int pcr;

	if (json_array_size(array) != IMATALLY_MAX_PCR + 1)
		return false;
	for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++)
		if (!load_number(json_array_get(array, pcr), INT64_MAX,
				 &r->pcr[pcr].entries))
			return false;
	return true;
}

static bool load_mark(struct reading *r, json_t *from)
{
	struct imatally_error err;
	json_int_t index, kernel;
	const char *text;

	r->has_mark = !json_is_null(from);
	if (!r->has_mark)
		return true;
	if (json_unpack(from, "{s:I, s:I, s:s !}", "index", &index, "kernel",
			&kernel, "text", &text) ||
	    index < 0 || (uint64_t)index >= r->result.entries)
		return false;
	r->mark.index = index;
	r->mark.kernel = kernel;
	r->mark_len = strlen(text) / 2;
	r->mark_text = malloc(r->mark_len + 1);
	return r->mark_text &&
	       imatally_hex_decode((uint8_t *)r->mark_text, r->mark_len,
				   text) &&
	       !imatally_record_parse(&r->mark.record, r->mark_text,
				      r->mark_len, &err);
}

static bool load_kernels(struct reading *r, json_t *from)
{
	struct imatally_kernels *k = &r->kernels;
	json_int_t number, start, nr_named, all_named;
	int boot_aggregate, begins;
	json_t *named;
	uint64_t i;

	if (json_unpack(from, "{s:I, s:I, s:b, s:o, s:I, s:I, s:b !}",
			"number", &number, "start", &start,
			"has_boot_aggregate", &boot_aggregate,
			"named", &named, "nr_named", &nr_named,
			"all_named", &all_named, "begins_with_named",
			&begins) ||
	    number < 1 || number > UINT32_MAX || start < 0 ||
	    (uint64_t)start >= r->result.entries || nr_named < 0 ||
	    all_named < nr_named || (uint64_t)all_named > r->result.entries)
		return false;
	k->number = number;
	k->start = start;
	k->has_boot_aggregate = boot_aggregate;
	k->nr_named = nr_named;
	k->all_named = all_named;
	k->begins_with_named = begins;
	for (i = 0; i < k->nr_named && i < IMATALLY_MAX_NAMED; i++)
		if (!load_number(json_array_get(named, i),
				 r->result.entries - 1, &k->named[i]))
			return false;
	k->has_record = r->has_mark;
	k->record = r->mark.index;
	k->carried = r->mark.record.value[IMATALLY_KEY_CARRIED];
	k->executed = r->mark.record.event == IMATALLY_EVENT_KEXEC_EXECUTE;
	return json_array_size(named) == i;
}

static bool load_booted(struct imatally_booted *booted, json_t *array)
{
	size_t i, nr = json_array_size(array);

	if (!json_is_array(array) || nr > IMATALLY_MAX_AGGREGATES)
		return false;
	for (i = 0; i < nr; i++) {
		struct imatally_aggregate *a = &booted->kept[i];
		json_int_t index;
		const char *hex;
		int is_start, alg;

		if (json_unpack(json_array_get(array, i),
				"{s:I, s:b, s:i, s:s !}", "index", &index,
				"is_start", &is_start, "alg", &alg, "value",
				&hex) ||
		    index < 0 || alg < 0 || alg > UINT16_MAX ||
		    strlen(hex) != 2 * imatally_alg_size(alg) ||
		    !imatally_hex_decode(a->value.value, strlen(hex) / 2, hex))
			return false;
		a->index = index;
		a->is_start = is_start;
		a->value.alg = alg;
		a->value.len = strlen(hex) / 2;
		booted->nr++;
	}
	return true;
}

static bool load_starts(struct reading *r, json_t *from)
{
	struct imatally_record *starts = &r->starts;
	uint32_t keys = 1U << IMATALLY_KEY_RESETS | 1U << IMATALLY_KEY_RESTARTS;
	const json_t *unsure = json_object_get(from, "unsure");

	if (json_is_null(from))
		return true;
	starts->keys = keys;
	r->has_starts = true;
	r->starts_unsure = json_is_true(unsure);
	return json_is_boolean(unsure) &&
	       load_number(json_object_get(from, "resets"), UINT32_MAX,
			   &starts->value[IMATALLY_KEY_RESETS]) &&
	       load_number(json_object_get(from, "restarts"), UINT32_MAX,
			   &starts->value[IMATALLY_KEY_RESTARTS]);
}

bool imatally_state_load(struct reading *r, const json_t *state)
{
	json_t *pcrs, *banks, *mark, *padded, *unsupported;
	json_t *severities, *findings, *kernel, *starts, *agreed, *booted;
	int by_counter, at_most, not_arrived, restarted;
	int unknown_key, unknown_event, unknown_template, version;
	struct imatally_result *result = &r->result;
	json_int_t index, offset, log_pcr, records, in_kernel, unproved;
	json_int_t lost, lost_at_start, trimmed, dropped, failed, not_kept;
	json_int_t in_list;
	const char *hex;

	if (json_unpack((json_t *)state,
			"{s:i, s:{s:I, s:I, s:s !}, s:I, s:o, s:o, s:o,"
			" s:o, s:o, s:o, s:I, s:I,"
			" s:{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:b !},"
			" s:{s:b, s:b, s:b, s:o, s:o !},"
			" s:o, s:o, s:o, s:I, s:I !}",
			"version", &version,
			"last_entry", "index", &index, "offset", &offset,
			"sha256", &hex,
			"log_pcr", &log_pcr, "entries_of_pcr", &pcrs,
			"banks", &banks, "last_record", &mark,
			"kernel", &kernel, "last_starts", &starts,
			"last_agreed", &agreed, "lost_in_kernel", &in_kernel,
			"unproved", &unproved,
			"totals", "records", &records, "lost", &lost,
			"lost_at_start", &lost_at_start,
			"trimmed", &trimmed,
			"dropped", &dropped, "failed", &failed,
			"by_counter", &by_counter, "at_most", &at_most,
			"not_arrived", &not_arrived, "restarted", &restarted,
			"said", "unknown_key", &unknown_key,
			"unknown_event", &unknown_event,
			"unknown_template", &unknown_template,
			"padded", &padded,
			"unsupported", &unsupported,
			"booted", &booted,
			"severities", &severities, "findings", &findings,
			"findings_not_kept", &not_kept,
			"entries_in_list", &in_list))
		return false;
	if (index < 0 || index == INT64_MAX || offset < 0 || log_pcr < 0 ||
	    log_pcr > IMATALLY_MAX_PCR || in_kernel < 0 || unproved < 0 ||
	    in_list < 0 || trimmed < 0 || trimmed > lost_at_start || lost_at_start > lost)
		return false;

	result->entries = index + 1;
	result->records = records;
	result->lost = lost;
	result->trimmed = trimmed;
	result->dropped = dropped;
	result->failed = failed;
	result->by_counter = by_counter;
	result->at_most = at_most;
	result->not_arrived = not_arrived;
	result->restarted = restarted;
	result->findings_not_kept = not_kept;
	r->lost_at_start = lost_at_start;
	r->lost_in_kernel = in_kernel;
	r->unproved = unproved;
	r->said_unknown_key = unknown_key;
	r->said_unknown_event = unknown_event;
	r->said_unknown_template = unknown_template;
	return load_pcrs(r, pcrs) && load_banks(r->replay, banks) &&
	       load_mark(r, mark) && load_kernels(r, kernel) &&
	       load_booted(&r->booted, booted) &&
	       load_starts(r, starts) && load_point(agreed, &r->agreed) &&
	       load_algs(padded, r->said_padded, ARRAY_SIZE(r->said_padded)) &&
	       load_algs(unsupported, r->said_unsupported,
			 ARRAY_SIZE(r->said_unsupported)) &&
	       load_severities(r, severities) && load_findings(r, findings);
}

struct imatally_state_end imatally_state_end(const json_t *state)
{
	const json_t *last = json_object_get(state, "last_entry");

	return (struct imatally_state_end){
		.index = json_integer_value(json_object_get(last, "index")),
		.offset = json_integer_value(json_object_get(last, "offset")),
		.pcr = json_integer_value(json_object_get(state, "log_pcr")),
		.entries = json_integer_value(json_object_get(state,
							      "entries_in_list")),
	};
}

bool imatally_state_has_bank(const json_t *state, uint16_t alg)
{
	const json_t *banks = json_object_get(state, "banks");
	size_t i;

	for (i = 0; i < json_array_size(banks); i++)
		if (json_integer_value(json_object_get(json_array_get(banks, i),
						       "alg")) == alg)
			return true;
	return false;
}

bool imatally_state_ends_with(const json_t *state,
			      const struct imatally_entry *entry)
{
	const json_t *last = json_object_get(state, "last_entry");
	char hex[2 * EVP_MAX_MD_SIZE + 1];

	return entry_hex(entry, hex) &&
	       !strcmp(hex, json_string_value(json_object_get(last, "sha256")));
}

/* Parse the line of JSON, if its checksum is correct. */
static enum imatally_status parse(const char *text, size_t len, json_t **state,
				  struct imatally_error *err)
{
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	const char *end = memchr(text, '\n', len);
	size_t line = end ? (size_t)(end - text) : len;
	size_t expected = line + 1 + strlen(CHECKSUM) + 64 + 1;

	if (!len || text[0] != '{')
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "not a state that was saved by verify");
	if (!sha256_hex(text, line, hex))
		return imatally_fail(err, IMATALLY_ERR_CRYPTO,
				     "libcrypto failed to hash");
	if (!end || len != expected || text[len - 1] != '\n' ||
	    memcmp(end + 1, CHECKSUM, strlen(CHECKSUM)) ||
	    memcmp(text + len - 65, hex, 64))
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "the state is damaged (wrong checksum): remove it to verify from the start of the list");
	*state = json_loadb(text, line, JSON_REJECT_DUPLICATES, NULL);
	if (!*state)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "the state is not JSON");
	return IMATALLY_OK;
}

/* Check that a state is consistent, by loading it into a temporary reading. */
static enum imatally_status try(const struct imatally_verifier *v,
				const json_t *state, struct imatally_error *err)
{
	enum imatally_status status;
	struct reading reading;

	status = imatally_reading_begin(&reading, &v->asked, false);
	if (status)
		imatally_fail(err, status, "out of memory");
	else if (!imatally_state_load(&reading, state))
		status = imatally_fail(err, IMATALLY_ERR_MALFORMED,
				       "the state is inconsistent");
	imatally_reading_end(&reading);
	return status;
}

enum imatally_status imatally_verifier_set_state(struct imatally_verifier *v,
						 const char *text, size_t len,
						 struct imatally_error *err)
{
	json_t *state;
	enum imatally_status status = parse(text, len, &state, err);
	json_int_t version;

	if (status)
		return status;
	json_decref(v->asked.state);
	v->asked.state = NULL;
	version = json_integer_value(json_object_get(state, "version"));
	if (version != STATE_VERSION)
		status = imatally_fail(err, IMATALLY_ERR_MALFORMED,
				       "a state of version %" PRId64 " is not supported, only version %d",
				       (int64_t)version, STATE_VERSION);
	else
		status = try(v, state, err);
	if (status)
		json_decref(state);
	else
		v->asked.state = state;
	return status;
}

void imatally_verifier_keep_state(struct imatally_verifier *v)
{
	v->asked.keeps_state = true;
}

const char *imatally_verifier_state(const struct imatally_verifier *v,
				    size_t *len)
{
	const char *kept = v->reading.kept;

	if (kept)
		*len = strlen(kept);
	return kept;
}
