// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of binary_runtime_measurements, as the kernel's
 * ima_measurements_show() writes them:
 *
 *	u32 PCR index
 *	template digest: SHA-1, or that of a bank in the bank's own list
 *	u32 length of the template name, and the name
 *	u32 length of the template data (not for the template "ima")
 *	the fields, each a u32 length and its bytes
 *
 * In the template "ima", the digest field has no length (it is always 20
 * bytes).  Integers are little-endian, or in the machine's byte order on a
 * big-endian one without ima_canonical_fmt.
 */

#include <string.h>

#include "binary.h"

static inline uint32_t get_u32(const uint8_t *p, bool big_endian)
{
	return big_endian ?
		       p[3] | p[2] << 8 | p[1] << 16 | (uint32_t)p[0] << 24 :
		       p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Position of the parser in the entry at the start of the window */
struct cursor {
	struct imatally_window *w;
	size_t pos;
};

/* take() where the window has to be filled first. */
static __attribute__((noinline)) int
take_more(struct cursor *c, size_t len, const char *what)
{
	struct imatally_window *w = c->w;
	enum imatally_status status = imatally_window_fill(w, c->pos + len);
	size_t have = imatally_window_len(w);

	if (status)
		return imatally_window_fail(w, status, c->pos);
	if (have < c->pos + len)
		return imatally_window_malformed(w, c->pos,
						 "the list ends within %s: %zu bytes expected, %zu left",
						 what, len, have - c->pos);
	c->pos += len;
	return 0;
}

/* Advance by @len bytes, which contain @what.  0 or -1. */
static inline int take(struct cursor *c, size_t len, const char *what)
{
	if (imatally_window_len(c->w) < c->pos + len)
		return take_more(c, len, what);
	c->pos += len;
	return 0;
}

static inline const uint8_t *at(const struct cursor *c, size_t pos)
{
	return imatally_window_start(c->w) + pos;
}

static inline int take_u32(struct cursor *c, uint32_t *value, const char *what)
{
	if (take(c, 4, what))
		return -1;
	*value = get_u32(at(c, c->pos - 4), c->w->layout.big_endian);
	return 0;
}

/* The fields must fill the template data exactly. */
static int parse_fields(struct cursor *c, struct imatally_entry *entry,
			size_t data_pos)
{
	const uint8_t *p = entry->data;
	size_t left = entry->data_len;
	unsigned int i;

	for (i = 0; i < entry->nr_fields; i++) {
		struct imatally_field *field = &entry->fields[i];
		size_t pos = data_pos + (p - entry->data);
		uint32_t len;

		if (left < 4)
			return imatally_window_malformed(c->w, pos,
							 "the template data ends before field %s",
							 field->id);
		len = get_u32(p, c->w->layout.big_endian);
		p += 4;
		left -= 4;
		if (len > left)
			return imatally_window_malformed(c->w, pos,
							 "field %s has length %u, but the template data has %zu bytes left",
							 field->id, len, left);
		field->data = p;
		field->len = len;
		p += len;
		left -= len;
	}
	if (left)
		return imatally_window_malformed(c->w,
						 data_pos + (p - entry->data),
						 "%zu bytes left over after the last field",
						 left);
	return 0;
}

/* The template "ima": a digest without length, then a name with length. */
static int parse_ima_data(struct cursor *c, struct imatally_entry *entry,
			  size_t data_pos)
{
	uint32_t name_len;

	if (take(c, IMATALLY_SHA1_SIZE, "field d") ||
	    take_u32(c, &name_len, "the length of field n"))
		return -1;
	if (name_len > IMATALLY_MAX_IMA_NAME)
		return imatally_window_malformed(c->w, c->pos - 4,
						 "field n of template ima is longer than %u bytes",
						 IMATALLY_MAX_IMA_NAME);
	if (take(c, name_len, "field n"))
		return -1;

	entry->data = at(c, data_pos);
	entry->data_len = c->pos - data_pos;
	entry->fields[0].data = entry->data;
	entry->fields[0].len = IMATALLY_SHA1_SIZE;
	entry->fields[1].data = entry->data + IMATALLY_SHA1_SIZE + 4;
	entry->fields[1].len = name_len;
	return 0;
}

/*
 * The fields of an unknown template follow from their lengths.  These must fit, or
 * whoever hands over the list could hide what an entry is: no digest covers the
 * name of the template and the numbers in front of the data, which tell the byte
 * order.
 */
static int separate_fields(struct cursor *c, struct imatally_entry *entry,
			   size_t data_pos)
{
	const uint8_t *p = entry->data;
	size_t left = entry->data_len;

	entry->nr_fields = 0;
	while (left) {
		struct imatally_field *field = &entry->fields[entry->nr_fields];
		uint32_t len = left < 4 ? 0 :
				get_u32(p, c->w->layout.big_endian);

		if (entry->nr_fields == IMATALLY_MAX_FIELDS || left < 4 ||
		    len > left - 4)
			return imatally_window_malformed(c->w,
							 data_pos + (p - entry->data),
							 "the template data does not consist of up to %d fields with their lengths",
							 IMATALLY_MAX_FIELDS);
		*field = (struct imatally_field){ "", p + 4, len };
		entry->nr_fields++;
		p += 4 + len;
		left -= 4 + len;
	}
	return 0;
}

static int parse_data(struct cursor *c, struct imatally_entry *entry,
		      size_t data_pos)
{
	if (take(c, entry->data_len, "the template data"))
		return -1;
	entry->data = at(c, data_pos);
	if (!entry->unknown_template)
		return parse_fields(c, entry, data_pos);
	return separate_fields(c, entry, data_pos);
}

static int parse_pcr(struct cursor *c, struct imatally_entry *entry)
{
	if (take_u32(c, &entry->pcr, "the PCR index"))
		return -1;
	if (entry->pcr <= IMATALLY_MAX_PCR)
		return 0;
	return imatally_window_malformed(c->w, 0,
					 "PCR index %u: not a measurement list, or damaged before this entry",
					 entry->pcr);
}

static bool is_graphic(const uint8_t *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (name[i] < 0x21 || name[i] > 0x7e)
			return false;
	return true;
}

/* The length of the template name, and the name. */
static int parse_template(struct cursor *c, struct imatally_entry *entry)
{
	struct imatally_window *w = c->w;
	char shown[64];
	uint32_t len;
	size_t pos;

	if (take_u32(c, &len, "the length of the template name"))
		return -1;
	if (!len || len > IMATALLY_MAX_TEMPLATE_NAME)
		return imatally_window_malformed(w, c->pos - 4,
						 "template name of %u bytes (expected 1 to %u)",
						 len,
						 IMATALLY_MAX_TEMPLATE_NAME);
	pos = c->pos;
	if (take(c, len, "the template name"))
		return -1;
	entry->template_name_len = len;
	entry->unknown_template =
		!imatally_window_set_template(w, entry,
					      (const char *)at(c, pos), len);
	if (!entry->unknown_template)
		return 0;
	/* no digest covers the name, but it shows whether the list is damaged */
	entry->is_ima = false;
	if (is_graphic(at(c, pos), len))
		return 0;
	return imatally_window_malformed(w, pos, "unknown template \"%s\"",
					 imatally_printable(shown, sizeof(shown),
							    at(c, pos), len));
}

ssize_t imatally_binary_entry(struct imatally_window *w,
			      struct imatally_entry *entry)
{
	struct cursor c = { .w = w };
	size_t digest_pos, name_pos, data_pos;

	if (parse_pcr(&c, entry))
		return -1;
	digest_pos = c.pos;
	if (take(&c, w->layout.digest_len, "the template digest"))
		return -1;
	name_pos = c.pos + 4;
	if (parse_template(&c, entry))
		return -1;

	if (entry->is_ima) {
		data_pos = c.pos;
		if (parse_ima_data(&c, entry, data_pos))
			return -1;
	} else {
		if (take_u32(&c, &entry->data_len,
			     "the length of the template data"))
			return -1;
		data_pos = c.pos;
		if (parse_data(&c, entry, data_pos))
			return -1;
	}

	/* the window may have moved since */
	entry->digest = at(&c, digest_pos);
	entry->digest_len = w->layout.digest_len;
	entry->template_name = (const char *)at(&c, name_pos);
	entry->data_offset = w->offset + data_pos;
	return c.pos;
}

bool imatally_binary_begins(struct imatally_window *w,
			    struct imatally_layout layout, bool strict)
{
	const uint8_t *p = imatally_window_start(w);
	size_t have = imatally_window_len(w);
	size_t name_pos = 4 + layout.digest_len + 4;
	uint32_t len;

	if (have < name_pos ||
	    get_u32(p, layout.big_endian) > IMATALLY_MAX_PCR)
		return false;
	len = get_u32(p + name_pos - 4, layout.big_endian);
	if (!len || len > IMATALLY_MAX_TEMPLATE_NAME || have - name_pos < len)
		return false;
	if (strict)
		return imatally_template_find(&w->template,
					      (const char *)p + name_pos, len);
	return is_graphic(p + name_pos, len);
}
