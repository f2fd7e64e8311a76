// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record: "key=value;" pairs in a fixed order, in the last field of an
 * entry named pcr_counter.  The parser is strict, because verdicts rely on what
 * it accepts.  But newer kernels may add keys and events, which are passed over,
 * and a key is only required if there is no situation in which the kernel
 * cannot know its value.
 */

#include <string.h>

#include "private.h"

/* At a thousand extends per second, a TPM takes 34 years to get there. */
/* A state has the last record.  The kernel's is not 2,000 bytes long. */
#define MAX_RECORD 65536

#define COUNT_MAX (1ULL << 40)

static const struct {
	const char *name;
	uint64_t max;		/* 0 if not a plain number */
} keys[IMATALLY_NR_KEYS] = {
	[IMATALLY_KEY_VERSION] = { "version", 0xffff },
	[IMATALLY_KEY_EVENT] = { "event", 0 },
	[IMATALLY_KEY_COUNTER] = { "pcrUpdateCounter", UINT32_MAX },
	[IMATALLY_KEY_ERROR] = { "error", 0 },
	[IMATALLY_KEY_UPDATES] = { "updates", COUNT_MAX },
	[IMATALLY_KEY_UNCERTAIN] = { "uncertain", COUNT_MAX },
	[IMATALLY_KEY_BANKS] = { "banks", 1 << 14 },
	[IMATALLY_KEY_STEP] = { "step", 1 << 14 },
	[IMATALLY_KEY_RESETS] = { "resets", UINT32_MAX },
	[IMATALLY_KEY_RESTARTS] = { "restarts", UINT32_MAX },
	[IMATALLY_KEY_ENTRIES] = { "entries", COUNT_MAX },
	[IMATALLY_KEY_CARRIED] = { "carried", COUNT_MAX },
	[IMATALLY_KEY_TRIMMED] = { "trimmed", COUNT_MAX },
	[IMATALLY_KEY_EXTENDS] = { "extends", COUNT_MAX },
	[IMATALLY_KEY_FAILED] = { "failed", COUNT_MAX },
	[IMATALLY_KEY_DROPPED] = { "dropped", COUNT_MAX },
	[IMATALLY_KEY_UNREAD] = { "unread", COUNT_MAX },
	[IMATALLY_KEY_PROTECTED] = { "protected", 1 },
	[IMATALLY_KEY_BEFORE] = { "before", 0 },
	[IMATALLY_KEY_PCR] = { "pcr", 0 },
};

#define BIT(key) (1U << IMATALLY_KEY_##key)

/* The kernel's own counts, and what a TPM 2.0 that answers adds to them */
#define REQUIRED_ALWAYS                                                  \
	(BIT(EVENT) | BIT(ENTRIES) | BIT(CARRIED) | BIT(TRIMMED) |       \
	 BIT(EXTENDS) | BIT(FAILED) | BIT(DROPPED))
#define REQUIRED_WITH_COUNTER                                            \
	(BIT(COUNTER) | BIT(UPDATES) | BIT(UNCERTAIN) | BIT(BANKS))

static const char *const events[] = {
	[IMATALLY_EVENT_BOOT] = "boot",
	[IMATALLY_EVENT_POLICY] = "policy",
	[IMATALLY_EVENT_KEXEC_LOAD] = "kexec_load",
	[IMATALLY_EVENT_KEXEC_EXECUTE] = "kexec_execute",
	[IMATALLY_EVENT_RESUME] = "resume",
	[IMATALLY_EVENT_REQUEST] = "request",
	[IMATALLY_EVENT_UNKNOWN] = "unknown",
};

const char *imatally_key_name(enum imatally_key key)
{
	return keys[key].name;
}

const char *imatally_event_name(enum imatally_event event)
{
	return events[event];
}

const char *imatally_entry_record(const struct imatally_entry *entry,
				  size_t *len, bool *foreign)
{
	static const char start[] = "version=";
	const struct imatally_field *text = &entry->fields[2];

	*foreign = imatally_entry_is_named(entry, IMATALLY_RECORD_NAME);
	if (!*foreign)
		return NULL;
	/*
	 * no digest covers the fields of a violation: an attacker can change
	 * them
	 */
	if (imatally_entry_is_violation(entry))
		return NULL;
	/*
	 * Field buf or txt is the last of three, whatever the template is
	 * called, since an attacker can rename it.
	 */
	if (entry->nr_fields != 3 || text->len < sizeof(start) - 1 ||
	    memcmp(text->data, start, sizeof(start) - 1))
		return NULL;
	*foreign = false;
	*len = text->len;
	return (const char *)text->data;
}

/* A part of the text */
struct piece {
	const char *start, *end;
};

struct parser {
	struct imatally_record *rec;
	const char *text;
	struct imatally_error *err;
};

#define FAIL(p, where, ...)                                              \
	fail_at((p), (where),                                            \
		imatally_fail((p)->err, IMATALLY_ERR_MALFORMED, __VA_ARGS__))

static enum imatally_status fail_at(struct parser *p, const char *where,
				    enum imatally_status status)
{
	p->err->offset = where - p->text;
	return status;
}

static bool is(struct piece piece, const char *word)
{
	return imatally_is(piece.start, piece.end - piece.start, word);
}

/*
 * A decimal number without sign, space or leading zero, at most @max (< 2^60).
 */
static bool parse_number(struct piece piece, uint64_t max, uint64_t *number)
{
	const char *c = piece.start;

	if (c == piece.end || (*c == '0' && piece.end - c > 1))
		return false;
	for (*number = 0; c < piece.end; c++) {
		if (*c < '0' || *c > '9')
			return false;
		*number = *number * 10 + (*c - '0');
		if (*number > max)
			return false;
	}
	return true;
}

/* Remove from @rest the part before the next @separator, or all of it. */
static struct piece cut(struct piece *rest, char separator, bool *found)
{
	struct piece piece = *rest;
	const char *at = memchr(rest->start, separator,
				rest->end - rest->start);

	*found = at;
	piece.end = at ? at : rest->end;
	rest->start = at ? at + 1 : rest->end;
	return piece;
}

static bool is_lower_hex(struct piece piece)
{
	const char *c;

	for (c = piece.start; c < piece.end; c++)
		if (imatally_hex_digit(*c) < 0 || (*c >= 'A' && *c <= 'F'))
			return false;
	return true;
}

/* <alg>:<hex> */
static enum imatally_status parse_bank(struct parser *p,
				       struct imatally_pcr_values *values,
				       const char *key, struct piece piece)
{
	struct imatally_bank_value *bank = &values->bank[values->nr];
	struct piece digits = piece, name;
	size_t size, known_size;
	unsigned int i;
	bool found;

	if (values->nr == IMATALLY_MAX_BANKS)
		return FAIL(p, piece.start, "%s: too many banks", key);
	name = cut(&digits, ':', &found);
	bank->alg = imatally_alg_from_name(name.start, name.end - name.start);
	if (!found || !bank->alg)
		return FAIL(p, piece.start, "%s: not a hash algorithm", key);
	for (i = 0; i < values->nr; i++)
		if (values->bank[i].alg == bank->alg)
			return FAIL(p, piece.start, "%s: duplicate bank", key);

	size = (digits.end - digits.start) / 2;
	known_size = imatally_alg_size(bank->alg);
	if ((digits.end - digits.start) % 2 || !size ||
	    size > IMATALLY_MAX_DIGEST || (known_size && size != known_size) ||
	    !is_lower_hex(digits))
		return FAIL(p, digits.start,
			    "%s: not a digest of the right size in lower-case hexadecimal",
			    key);
	imatally_hex_decode(bank->value, size, digits.start);
	bank->len = size;
	values->nr++;
	return IMATALLY_OK;
}

/* <index>:<alg>:<hex>[,<alg>:<hex>...] */
static enum imatally_status parse_pcr(struct parser *p,
				      struct imatally_pcr_values *values,
				      const char *key, struct piece value)
{
	struct piece rest = value;
	uint64_t index;
	bool more;

	if (!parse_number(cut(&rest, ':', &more), IMATALLY_MAX_PCR, &index) ||
	    !more)
		return FAIL(p, value.start, "%s: PCR index and colon expected",
			    key);
	values->index = index;
	do {
		enum imatally_status status =
			parse_bank(p, values, key, cut(&rest, ',', &more));

		if (status)
			return status;
	} while (more);
	return IMATALLY_OK;
}

/* The name of a key or an event: neither empty nor too long for @room */
static bool is_name(struct piece name, size_t room)
{
	const char *c;

	for (c = name.start; c < name.end; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && *c != '_')
			return false;
	return name.end > name.start && (size_t)(name.end - name.start) < room;
}

static enum imatally_status parse_event(struct parser *p, struct piece value)
{
	int i;

	for (i = 0; i < IMATALLY_EVENT_UNKNOWN; i++) {
		if (is(value, events[i])) {
			p->rec->event = i;
			return IMATALLY_OK;
		}
	}
	if (!is_name(value, sizeof(p->rec->unknown_event)))
		return FAIL(p, value.start, "event: not a name");
	memcpy(p->rec->unknown_event, value.start, value.end - value.start);
	p->rec->event = IMATALLY_EVENT_UNKNOWN;
	return IMATALLY_OK;
}

/* The name of an errno: ENODEV */
static bool is_errno(struct piece value)
{
	const char *c;

	for (c = value.start; c < value.end; c++)
		if (!(*c >= 'A' && *c <= 'Z') &&
		    !(c > value.start && *c >= '0' && *c <= '9'))
			return false;
	return value.end > value.start && *value.start == 'E';
}

/* A response code of the TPM: TPM_0x101 */
static bool is_tpm_code(struct piece value)
{
	static const char start[] = "TPM_0x";
	size_t len = sizeof(start) - 1;

	if ((size_t)(value.end - value.start) <= len ||
	    memcmp(value.start, start, len))
		return false;
	value.start += len;
	return value.end - value.start <= 8 && *value.start != '0' &&
	       is_lower_hex(value);
}

static enum imatally_status parse_error(struct parser *p, struct piece value)
{
	size_t len = value.end - value.start;

	if ((!is_errno(value) && !is_tpm_code(value)) ||
	    len >= sizeof(p->rec->error))
		return FAIL(p, value.start,
			    "error: neither the name of an errno nor a code of the TPM");
	memcpy(p->rec->error, value.start, len);
	return IMATALLY_OK;
}

static enum imatally_status parse_value(struct parser *p, enum imatally_key key,
					struct piece value)
{
	switch (key) {
	case IMATALLY_KEY_EVENT:
		return parse_event(p, value);
	case IMATALLY_KEY_ERROR:
		return parse_error(p, value);
	case IMATALLY_KEY_BEFORE:
		return parse_pcr(p, &p->rec->before, keys[key].name, value);
	case IMATALLY_KEY_PCR:
		return parse_pcr(p, &p->rec->pcr, keys[key].name, value);
	default:
		if (!parse_number(value, keys[key].max, &p->rec->value[key]))
			return FAIL(p, value.start,
				    "%s: not a decimal number up to %llu",
				    keys[key].name,
				    (unsigned long long)keys[key].max);
		if (key == IMATALLY_KEY_VERSION && !p->rec->value[key])
			return FAIL(p, value.start,
				    "version 0, which only kernels in development wrote");
		return IMATALLY_OK;
	}
}

/* A key that is not in the table: of a newer kernel */
static enum imatally_status unknown_key(struct parser *p, struct piece name)
{
	struct imatally_record *rec = p->rec;

	if (!is_name(name, sizeof(rec->unknown_key)))
		return FAIL(p, name.start, "invalid key");
	if (!rec->unknown_key[0])
		memcpy(rec->unknown_key, name.start, name.end - name.start);
	return IMATALLY_OK;
}

static enum imatally_status parse_pair(struct parser *p, struct piece pair)
{
	struct imatally_record *rec = p->rec;
	struct piece value = pair, name;
	int key;
	bool found;

	name = cut(&value, '=', &found);
	if (!found)
		return FAIL(p, pair.start, "not a key=value pair");
	for (key = 0; key < IMATALLY_NR_KEYS; key++)
		if (is(name, keys[key].name))
			break;
	if (!rec->keys && key != IMATALLY_KEY_VERSION)
		return FAIL(p, pair.start, "the first key is not version");
	if (key == IMATALLY_NR_KEYS)
		return unknown_key(p, name);
	if (rec->keys & (1U << key))
		return FAIL(p, pair.start, "duplicate key %s",
			    keys[key].name);
	if (rec->keys >> key)
		return FAIL(p, pair.start, "key %s is out of order",
			    keys[key].name);
	if (key == IMATALLY_KEY_ERROR && imatally_record_has(rec, IMATALLY_KEY_COUNTER))
		return FAIL(p, pair.start,
			    "both pcrUpdateCounter and error");
	rec->keys |= 1U << key;
	return parse_value(p, key, value);
}

static enum imatally_status check_required(struct parser *p, const char *end)
{
	const struct imatally_record *rec = p->rec;
	bool error = imatally_record_has(rec, IMATALLY_KEY_ERROR);
	uint32_t required = REQUIRED_ALWAYS;
	int key;

	if (!error)
		required |= REQUIRED_WITH_COUNTER;
	else if (imatally_record_has(rec, IMATALLY_KEY_PCR))
		return FAIL(p, end, "both error and pcr");
	for (key = 0; key < IMATALLY_NR_KEYS; key++)
		if (required & ~rec->keys & (1U << key))
			return FAIL(p, end, "key %s is missing", keys[key].name);
	return IMATALLY_OK;
}

enum imatally_status imatally_record_parse(struct imatally_record *rec,
					   const char *text, size_t len,
					   struct imatally_error *err)
{
	struct parser p = { .rec = rec, .text = text, .err = err };
	struct piece rest = { text, text + len };

	memset(rec, 0, sizeof(*rec));
	if (len > MAX_RECORD)
		return FAIL(&p, text, "%zu bytes, more than %d", len,
			    MAX_RECORD);
	while (rest.start < rest.end) {
		enum imatally_status status;
		bool terminated;
		struct piece pair = cut(&rest, ';', &terminated);

		if (!terminated)
			return FAIL(&p, pair.end, "missing ';' after the last pair");
		status = parse_pair(&p, pair);
		if (status)
			return status;
	}
	return check_required(&p, rest.end);
}
