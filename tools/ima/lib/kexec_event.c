// SPDX-License-Identifier: GPL-2.0-only
/* See kexec_event.h. */

#include <inttypes.h>
#include <string.h>

#include "kexec_event.h"

#define MAX_TEXT 128	/* IMA_KEXEC_EVENT_LEN of the kernel is less */

/* As the kernel's get_binary_runtime_size() */
static uint64_t size_of(const struct imatally_entry *entry)
{
	return 4 + IMATALLY_SHA1_SIZE + 4 + entry->template_name_len + 4 +
	       entry->data_len;
}

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Read what the event says.  False if it is none. */
static bool parse(struct imatally_kexec_event *event,
		  const struct imatally_field *field)
{
	char text[MAX_TEXT];
	int end = 0;

	if (field->len >= sizeof(text))
		return false;
	memcpy(text, field->data, field->len);
	text[field->len] = '\0';
	return sscanf(text,
		      "kexec_segment_size=%" SCNu64
		      ";ima_binary_runtime_size=%" SCNu64
		      ";ima_runtime_measurements_count=%" SCNu64 ";%n",
		      &event->segment_size, &event->list_size, &event->count,
		      &end) == 3 && end == (int)field->len;
}

/* Note the form of the entry.  False if it is not the kernel's. */
static bool note_form(struct imatally_kexec_event *event,
		      const struct imatally_entry *entry)
{
	const struct imatally_field *digest = &entry->fields[0];
	const uint8_t *colon = memchr(digest->data, ':', digest->len);
	unsigned int i;

	/* the algorithm, ":", NUL and the digest */
	if (!colon || entry->template_name_len > sizeof(event->template_name))
		return false;
	event->alg_len = colon - digest->data + 2;
	event->alg = imatally_alg_from_name((const char *)digest->data,
					    colon - digest->data);
	if (!event->alg || event->alg_len > sizeof(event->alg_field) ||
	    digest->len != event->alg_len + imatally_alg_size(event->alg))
		return false;
	memcpy(event->alg_field, digest->data, event->alg_len);
	event->pcr = entry->pcr;
	event->big_endian = get_u32(entry->data) != digest->len;
	event->unknown_template = entry->unknown_template;
	memcpy(event->template_name, entry->template_name,
	       entry->template_name_len);
	event->template_name_len = entry->template_name_len;
	for (i = 0; i < entry->nr_fields; i++)
		event->id[i] = entry->fields[i].id;
	return true;
}

void imatally_kexec_event_see(struct imatally_kexec_event *event,
			      const struct imatally_entry *entry)
{
	if (entry->nr_fields == 3 && !entry->is_ima &&
	    !imatally_entry_is_violation(entry) &&
	    imatally_entry_is_named(entry, "kexec_load"))
		event->has_load = parse(event, &entry->fields[2]) &&
				  note_form(event, entry);
	event->list_size += size_of(entry);
	event->count++;
}

/* Append a field to the entry's data. */
static void add_field(struct imatally_kexec_event *event,
		      struct imatally_entry *entry, const void *data,
		      uint32_t len)
{
	struct imatally_field *field = &entry->fields[entry->nr_fields];
	uint8_t *to = event->data + entry->data_len;
	int i;

	for (i = 0; i < 4; i++)
		to[i] = len >> 8 * (event->big_endian ? 3 - i : i);
	memcpy(to + 4, data, len);
	*field = (struct imatally_field){
		.id = event->id[entry->nr_fields], .data = to + 4, .len = len,
	};
	entry->nr_fields++;
	entry->data_len += 4 + len;
}

static bool digest_of(uint16_t alg, const void *data, size_t len,
		      uint8_t *digest)
{
	struct imatally_hash hash = { 0 };
	bool done = !imatally_hash_init(&hash, alg) &&
		    imatally_hash(&hash, data, len, digest);

	imatally_hash_free(&hash);
	return done;
}

bool imatally_kexec_event_make(struct imatally_kexec_event *event,
			       struct imatally_entry *entry)
{
	uint8_t field[sizeof(event->alg_field) + IMATALLY_MAX_DIGEST];
	static const char name[] = "kexec_execute";
	char text[MAX_TEXT];
	int len;

	if (!event->has_load)
		return false;
	len = snprintf(text, sizeof(text),
		       "kexec_segment_size=%" PRIu64
		       ";ima_binary_runtime_size=%" PRIu64
		       ";ima_runtime_measurements_count=%" PRIu64 ";",
		       event->segment_size, event->list_size, event->count);
	if (len >= (int)sizeof(text))
		return false;
	*entry = (struct imatally_entry){
		.pcr = event->pcr, .digest = event->digest,
		.digest_len = sizeof(event->digest),
		.template_name = event->template_name,
		.template_name_len = event->template_name_len,
		.unknown_template = event->unknown_template,
		.data = event->data,
	};
	memcpy(field, event->alg_field, event->alg_len);
	if (!digest_of(event->alg, text, len, field + event->alg_len))
		return false;
	add_field(event, entry, field,
		  event->alg_len + imatally_alg_size(event->alg));
	add_field(event, entry, name, sizeof(name));
	add_field(event, entry, text, len);
	return digest_of(IMATALLY_ALG_SHA1, entry->data, entry->data_len,
			 event->digest);
}
