// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of ascii_runtime_measurements, as the kernel's
 * ima_ascii_measurements_show() writes them:
 *
 *	"%2d" PCR index, " ", template digest in hexadecimal, " ", name of the
 *	template, for each field " " and its text, "\n"
 *
 * The template data is reconstructed from this as it is in a binary list.  Both
 * byte orders of lengths and numbers are tried; the template digest tells which
 * one was hashed.  Names are shown as they are and may contain line feeds.  The
 * kernel replaced spaces in them by underscores, so that the second line of a
 * name cannot look like the start of an entry.
 */

#include <stdlib.h>
#include <string.h>

#include "ascii.h"

struct imatally_ascii {
	struct imatally_digester *digester;
	uint8_t digest[IMATALLY_MAX_DIGEST];
	uint8_t *data;
	size_t size;
	bool order_known;	/* layout.big_endian is known */
};

struct imatally_ascii *imatally_ascii_new(void)
{
	struct imatally_ascii *ascii = calloc(1, sizeof(*ascii));

	if (!ascii)
		return NULL;
	ascii->digester = imatally_digester_new();
	if (!ascii->digester) {
		free(ascii);
		return NULL;
	}
	return ascii;
}

void imatally_ascii_free(struct imatally_ascii *ascii)
{
	if (!ascii)
		return;
	imatally_digester_free(ascii->digester);
	free(ascii->data);
	free(ascii);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool imatally_ascii_begins(const char *text, size_t len)
{
	/* a PCR index and a space, or what there is of them */
	return len && (is_digit(text[0]) || text[0] == ' ') &&
	       (len < 2 || is_digit(text[1])) && (len < 3 || text[2] == ' ');
}

/*
 * Find the end of the line that contains byte @from of the window: its line
 * feed, or the end of the input.  Returns -1 with w->error on an error.
 */
static int find_end(struct imatally_window *w, size_t from, size_t *end,
		    bool *line_feed)
{
	for (;;) {
		size_t have = imatally_window_len(w);
		const uint8_t *start = imatally_window_start(w);
		const uint8_t *found = NULL;
		enum imatally_status status;

		if (have > from)
			found = memchr(start + from, '\n', have - from);
		*line_feed = found;
		*end = found ? (size_t)(found - start) : have;
		if (found)
			return 0;
		from = have > from ? have : from;
		status = imatally_window_fill(w, from + 1);
		if (status)
			return imatally_window_fail(w, status, have);
		if (imatally_window_len(w) == have)
			return 0;
	}
}

/* Text at [pos, end) of the window, and the data reconstructed from it. */
struct builder {
	struct imatally_window *w;
	struct imatally_entry *entry;
	const char *text;		/* the start of the window */
	size_t pos, end;
	bool big_endian;
	uint8_t *out;
};

static int fail(struct builder *b, size_t pos, const char *what,
		const char *field)
{
	return imatally_window_malformed(b->w, pos, what, field);
}

static void put_number(struct builder *b, uint32_t value, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		*b->out++ = value >> 8 * (b->big_endian ? size - 1 - i : i);
}

static int put_hex(struct builder *b, size_t pos, size_t end, const char *field)
{
	size_t size = (end - pos) / 2;

	if ((end - pos) % 2 ||
	    !imatally_hex_decode(b->out, size, b->text + pos))
		return fail(b, pos, "field %s is not hexadecimal", field);
	b->out += size;
	return 0;
}

/*
 * "sha256:", digits; kernels before 3.16 omit the name and the colon of SHA-1
 */
static int put_named_digest(struct builder *b, size_t end, const char *field)
{
	const char *text = b->text + b->pos;
	const char *colon = memrchr(text, ':', end - b->pos);
	size_t len = colon ? colon + 1 - text : 0;

	memcpy(b->out, text, len);
	b->out += len;
	if (!colon)
		*b->out++ = ':';
	*b->out++ = '\0';
	return put_hex(b, b->pos + len, end, field);
}

/* The kernel escapes non-graphic characters and the backslash as \xNN. */
static int put_text(struct builder *b, size_t end, const char *field)
{
	size_t pos = b->pos;

	while (pos < end) {
		if (b->text[pos] != '\\') {
			*b->out++ = b->text[pos++];
			continue;
		}
		if (end - pos < 4 || b->text[pos + 1] != 'x' ||
		    !imatally_hex_decode(b->out, 1, b->text + pos + 2))
			return fail(b, pos,
				    "field %s has a backslash that is not followed by xNN",
				    field);
		b->out++;
		pos += 4;
	}
	return 0;
}

static int put_uint(struct builder *b, size_t end, unsigned int size,
		    const char *field)
{
	uint64_t value = 0;
	size_t pos;

	for (pos = b->pos; pos < end; pos++) {
		if (!is_digit(b->text[pos]) || value > UINT32_MAX)
			break;
		value = value * 10 + b->text[pos] - '0';
	}
	if (pos < end || value >> 8 * size)
		return fail(b, b->pos, "field %s is not a number, or too large",
			    field);
	put_number(b, value, size);
	return 0;
}

static int put_value(struct builder *b, size_t end,
		     const struct imatally_field_type *type)
{
	size_t len = end - b->pos;

	switch (type->shape) {
	case IMATALLY_SHAPE_DIGEST:
		if (len > 2 * IMATALLY_SHA1_SIZE)
			return fail(b, b->pos,
				    "field %s is longer than a SHA-1 digest",
				    type->id);
		return put_hex(b, b->pos, end, type->id);
	case IMATALLY_SHAPE_BYTES:
		return put_hex(b, b->pos, end, type->id);
	case IMATALLY_SHAPE_NAMED_DIGEST:
		return put_named_digest(b, end, type->id);
	case IMATALLY_SHAPE_NAME:
	case IMATALLY_SHAPE_STRING:
		memcpy(b->out, b->text + b->pos, len);
		b->out += len;
		*b->out++ = '\0';
		return 0;
	case IMATALLY_SHAPE_TEXT:
		return put_text(b, end, type->id);
	case IMATALLY_SHAPE_U16:
		return put_uint(b, end, 2, type->id);
	case IMATALLY_SHAPE_U32:
		return put_uint(b, end, 4, type->id);
	}
	return 0;
}

/* The first digest of an entry and its name are never empty. */
static bool may_be_empty(enum imatally_shape shape, unsigned int i)
{
	return i && shape != IMATALLY_SHAPE_NAME &&
	       shape != IMATALLY_SHAPE_DIGEST;
}

/* Put one field: its text ends at @end. */
static int put_field(struct builder *b, unsigned int i, size_t end)
{
	const struct imatally_field_type *type = b->w->template.field[i];
	struct imatally_field *field = &b->entry->fields[i];
	bool counted = !b->entry->is_ima;
	uint8_t *length = b->out, *data;

	if (end == b->pos && !may_be_empty(type->shape, i))
		return fail(b, b->pos, "field %s is missing", type->id);
	if (counted || type->shape == IMATALLY_SHAPE_NAME)
		b->out += 4;
	data = b->out;
	if (end > b->pos && put_value(b, end, type))
		return -1;
	/* in "ima", the name is not terminated */
	if (!counted && type->shape == IMATALLY_SHAPE_NAME)
		b->out--;
	field->data = data;
	field->len = b->out - data;
	if (!counted && field->len > IMATALLY_MAX_IMA_NAME)
		return fail(b, b->pos, "field %s is longer than 255 bytes",
			    type->id);
	if (data > length) {
		b->out = length;
		put_number(b, field->len, 4);
		b->out = data + field->len;
	}
	return 0;
}

/*
 * Reconstruct the template data; the fields begin at byte @pos of the window.
 */
static int build(struct imatally_ascii *ascii, struct imatally_window *w,
		 struct imatally_entry *entry, size_t pos, size_t end,
		 bool big_endian)
{
	/*
	 * per field, up to a length, a colon and a terminator more than the
	 * text
	 */
	size_t size = end - pos + 6 * (size_t)entry->nr_fields;
	struct builder b = {
		.w = w, .entry = entry, .big_endian = big_endian,
		.text = (const char *)imatally_window_start(w),
		.pos = pos, .end = end,
	};
	unsigned int i;

	if (size > ascii->size) {
		uint8_t *data = realloc(ascii->data, size);

		if (!data)
			return imatally_window_fail(w, IMATALLY_ERR_NOMEM, pos);
		ascii->data = data;
		ascii->size = size;
	}
	b.out = ascii->data;
	for (i = 0; i < entry->nr_fields; i++) {
		const char *space = NULL;
		size_t stop;

		/* spaces at the end of a line may have been stripped */
		if (b.pos < end)
			b.pos++;
		/* the last one may be a name from a kernel that kept spaces */
		if (i + 1 < entry->nr_fields)
			space = memchr(b.text + b.pos, ' ', end - b.pos);
		stop = space ? (size_t)(space - b.text) : end;
		if (put_field(&b, i, stop))
			return -1;
		b.pos = stop;
	}
	entry->data = ascii->data;
	entry->data_len = b.out - ascii->data;
	return 0;
}

/* Parse PCR, template digest and template.  The offset of the fields, or -1. */
static ssize_t parse_beginning(struct imatally_ascii *ascii,
			       struct imatally_window *w,
			       struct imatally_entry *entry, size_t end)
{
	const char *text = (const char *)imatally_window_start(w);
	size_t digits = 2 * (size_t)w->layout.digest_len;
	const char *stop;
	size_t pos = 3, len;
	char shown[64];

	if (end < pos || !imatally_ascii_begins(text, end))
		return imatally_window_malformed(w, 0,
						 "the line does not begin with a PCR index");
	entry->pcr = (text[0] == ' ' ? 0 : 10 * (text[0] - '0')) +
		     text[1] - '0';
	if (entry->pcr > IMATALLY_MAX_PCR)
		return imatally_window_malformed(w, 0,
						 "PCR index %u (%u is the last)",
						 entry->pcr, IMATALLY_MAX_PCR);
	stop = memchr(text + pos, ' ', end - pos);
	len = (stop ? (size_t)(stop - text) : end) - pos;
	if (len != digits || !imatally_hex_decode(ascii->digest,
						  w->layout.digest_len,
						  text + pos))
		return imatally_window_malformed(w, pos,
						 "template digest expected, %zu hexadecimal digits",
						 digits);
	pos += len + (stop != NULL);
	stop = memchr(text + pos, ' ', end - pos);
	len = (stop ? (size_t)(stop - text) : end) - pos;
	if (!imatally_window_set_template(w, entry, text + pos, len))
		return imatally_window_malformed(w, pos,
						 "unknown template \"%s\"",
						 imatally_printable(shown, sizeof(shown),
								    text + pos, len));
	entry->template_name_len = len;
	entry->digest = ascii->digest;
	entry->digest_len = w->layout.digest_len;
	return pos + len;
}

/*
 * Whether the template digest matches the reconstructed data; -1 on an error.
 */
static int is_right(struct imatally_ascii *ascii, struct imatally_window *w,
		    struct imatally_entry *entry)
{
	int right = imatally_digester_check(ascii->digester, entry);

	if (right < 0)
		return imatally_window_fail(w, IMATALLY_ERR_CRYPTO, 0);
	return right;
}

/*
 * Try to parse the text before @end as the entry.  1 if the template digest
 * matches, or if it cannot since the entry is a violation; 0 if not; -1 if it
 * is malformed.
 */
static int try(struct imatally_ascii *ascii, struct imatally_window *w,
	       struct imatally_entry *entry, size_t pos, size_t end)
{
	bool order = w->layout.big_endian;
	int right;

	if (build(ascii, w, entry, pos, end, order))
		return -1;
	if (imatally_entry_is_violation(entry))
		return 1;
	right = is_right(ascii, w, entry);
	if (!right && !ascii->order_known) {
		if (build(ascii, w, entry, pos, end, !order))
			return -1;
		right = is_right(ascii, w, entry);
		if (right > 0)
			w->layout.big_endian = !order;
	}
	ascii->order_known |= right > 0;
	return right;
}

/*
 * Advance @end from the end of a line to that of the last line that can belong
 * to the same entry.  Returns -1 with w->error on an error.
 */
static int find_last_line(struct imatally_window *w, size_t *end,
			  bool *line_feed)
{
	while (*line_feed) {
		enum imatally_status status = imatally_window_fill(w, *end + 4);
		const char *next;
		size_t have;

		if (status)
			return imatally_window_fail(w, status, *end);
		next = (const char *)imatally_window_start(w) + *end + 1;
		have = imatally_window_len(w) - *end - 1;
		if (!have || imatally_ascii_begins(next, have))
			break;
		if (find_end(w, *end + 1, end, line_feed))
			return -1;
	}
	return 0;
}

/* Return the length of the entry whose first line ends at @end, or -1. */
static ssize_t find_entry(struct imatally_ascii *ascii,
			  struct imatally_window *w,
			  struct imatally_entry *entry, size_t pos, size_t end,
			  bool line_feed)
{
	bool last_feed = line_feed;
	size_t last = end;
	int right = try(ascii, w, entry, pos, end);

	if (right < 0 && w->error.status != IMATALLY_ERR_MALFORMED)
		return -1;
	if (right <= 0 || imatally_entry_is_violation(entry)) {
		if (find_last_line(w, &last, &last_feed))
			return -1;
		if (last > end && try(ascii, w, entry, pos, last) > 0) {
			end = last;
			line_feed = last_feed;
			right = 1;
		} else if (build(ascii, w, entry, pos, end,
				 w->layout.big_endian)) {
			return -1;
		}
	}
	if (!line_feed && (right <= 0 || imatally_entry_is_violation(entry)))
		return imatally_window_malformed(w, end,
						 "the list ends within a line");
	return end + line_feed;
}

ssize_t imatally_ascii_entry(struct imatally_ascii *ascii,
			     struct imatally_window *w,
			     struct imatally_entry *entry)
{
	bool line_feed;
	ssize_t pos, len;
	size_t end;

	if (find_end(w, 0, &end, &line_feed))
		return -1;
	pos = parse_beginning(ascii, w, entry, end);
	if (pos < 0)
		return -1;
	len = find_entry(ascii, w, entry, pos, end, line_feed);
	if (len < 0)
		return -1;
	entry->template_name = (const char *)imatally_window_start(w) + pos -
			       entry->template_name_len;
	entry->data_offset = w->offset + pos;
	return len;
}
