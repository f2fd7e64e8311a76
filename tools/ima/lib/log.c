// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader of binary_runtime_measurements, as the kernel's
 * ima_measurements_show() writes it:
 *
 *	u32 PCR index
 *	u8[20] SHA-1 template digest
 *	u32 length of the template's name, and the name
 *	u32 length of the template's data (not for the template "ima")
 *	the fields, each a u32 length and its bytes
 *
 * In the template "ima" the digest field has no length (it is always 20 bytes).
 */

#include <stdlib.h>
#include <string.h>

#include "private.h"

#define WINDOW 65536

/*
 * A window over the input: bytes [start, end) of buf were read and not yet
 * consumed.  Over a buffer of the caller's, the window is the whole of it.
 */
struct imatally_log {
	FILE *file;		/* NULL: the caller's buffer */
	off_t base;		/* where in it the log starts, or -1: a pipe */
	uint8_t *own;		/* to free */
	const uint8_t *buf;
	size_t start, end, size;	/* of a buffer: its length */
	uint64_t offset;	/* of buf[start] in the log */
	uint64_t index;		/* of the next entry */
	bool failed;
	struct imatally_error error;
};

struct imatally_log *imatally_log_open_buffer(const void *buf, size_t len)
{
	struct imatally_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->buf = buf;
	log->end = len;
	log->size = len;
	return log;
}

struct imatally_log *imatally_log_open_file(FILE *file)
{
	struct imatally_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->own = malloc(WINDOW);
	if (!log->own) {
		free(log);
		return NULL;
	}
	log->file = file;
	log->base = ftello(file);
	log->buf = log->own;
	log->size = WINDOW;
	return log;
}

void imatally_log_close(struct imatally_log *log)
{
	if (!log)
		return;
	free(log->own);
	free(log);
}

bool imatally_log_can_seek(const struct imatally_log *log)
{
	return !log->file || log->base >= 0;
}

enum imatally_status imatally_log_seek(struct imatally_log *log,
				       uint64_t offset, uint64_t index,
				       struct imatally_error *err)
{
	if (!log->file) {
		log->end = log->size;
		log->start = offset < log->end ? offset : log->end;
	} else {
		if (log->base < 0 || offset > INT64_MAX - (uint64_t)log->base ||
		    fseeko(log->file, log->base + offset, SEEK_SET))
			return imatally_fail(err, IMATALLY_ERR_IO,
					     "the log can't be read again");
		log->start = 0;
		log->end = 0;
	}
	log->offset = offset;
	log->index = index;
	log->failed = false;
	return IMATALLY_OK;
}

/*
 * Have @need bytes in the window, or as many as there are.  The window at most
 * doubles when it is full of bytes that did arrive: a length that lies costs
 * nothing.
 */
static enum imatally_status fill(struct imatally_log *log, size_t need)
{
	if (!log->file)
		return IMATALLY_OK;

	while (log->end - log->start < need) {
		size_t n;

		if (log->start) {
			memmove(log->own, log->own + log->start,
				log->end - log->start);
			log->end -= log->start;
			log->start = 0;
		}
		if (log->end == log->size) {
			size_t size = log->size * 2;
			uint8_t *buf = realloc(log->own, size);

			if (!buf)
				return IMATALLY_ERR_NOMEM;
			log->own = buf;
			log->buf = buf;
			log->size = size;
		}
		n = fread(log->own + log->end, 1, log->size - log->end,
			  log->file);
		if (!n)
			return ferror(log->file) ? IMATALLY_ERR_IO :
						   IMATALLY_OK;
		log->end += n;
	}
	return IMATALLY_OK;
}

/*
 * The log's integers are little-endian; one written by a big-endian kernel
 * without ima_canonical_fmt is told by its impossible PCR index.
 */
static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Where the parser stands in the entry that begins at the window's start. */
struct cursor {
	struct imatally_log *log;
	size_t pos;
};

static int fail(struct cursor *c, enum imatally_status status,
		const char *what)
{
	imatally_fail_at(&c->log->error, status, c->log->index,
			 c->log->offset + c->pos, "%s", what);
	return -1;
}

/* Pass over the next @len bytes, which hold @what.  0, or -1. */
static int take(struct cursor *c, size_t len, const char *what)
{
	struct imatally_log *log = c->log;
	enum imatally_status status = fill(log, c->pos + len);
	size_t have;

	if (status == IMATALLY_ERR_NOMEM)
		return fail(c, status, "out of memory");
	if (status)
		return fail(c, status, "read error");

	have = log->end - log->start - c->pos;
	if (have < len) {
		imatally_fail_at(&log->error, IMATALLY_ERR_MALFORMED,
				 log->index, log->offset + c->pos,
				 "the log ends within %s: %zu bytes needed, %zu there",
				 what, len, have);
		return -1;
	}
	c->pos += len;
	return 0;
}

static const uint8_t *at(const struct cursor *c, size_t pos)
{
	return c->log->buf + c->log->start + pos;
}

static int take_u32(struct cursor *c, uint32_t *value, const char *what)
{
	if (take(c, 4, what))
		return -1;
	*value = get_u32(at(c, c->pos - 4));
	return 0;
}

/* The fields' lengths must fill the template data exactly. */
static int parse_fields(struct cursor *c, struct imatally_entry *entry,
			size_t data_pos)
{
	const uint8_t *p = entry->data;
	size_t left = entry->data_len;
	unsigned int i;

	for (i = 0; i < entry->nr_fields; i++) {
		struct imatally_field *field = &entry->fields[i];
		uint32_t len;

		c->pos = data_pos + (p - entry->data);
		if (left < 4) {
			imatally_fail_at(&c->log->error, IMATALLY_ERR_MALFORMED,
					 c->log->index, c->log->offset + c->pos,
					 "no room for field %s in the template data",
					 field->id);
			return -1;
		}
		len = get_u32(p);
		p += 4;
		left -= 4;
		if (len > left) {
			imatally_fail_at(&c->log->error, IMATALLY_ERR_MALFORMED,
					 c->log->index, c->log->offset + c->pos,
					 "field %s claims %u bytes, the template data has %zu left",
					 field->id, len, left);
			return -1;
		}
		field->data = p;
		field->len = len;
		p += len;
		left -= len;
	}
	c->pos = data_pos + (p - entry->data);
	if (left) {
		imatally_fail_at(&c->log->error, IMATALLY_ERR_MALFORMED,
				 c->log->index, c->log->offset + c->pos,
				 "%zu bytes left over after the template's fields",
				 left);
		return -1;
	}
	return 0;
}

/* The template "ima": digest without length, then a counted name. */
static int parse_ima_data(struct cursor *c, struct imatally_entry *entry,
			  size_t data_pos)
{
	uint32_t name_len;

	if (take(c, IMATALLY_SHA1_SIZE, "field d") ||
	    take_u32(c, &name_len, "the length of field n"))
		return -1;
	/* IMA_EVENT_NAME_LEN_MAX: the kernel hashes it padded to 256 */
	if (name_len > 255) {
		c->pos -= 4;
		return fail(c, IMATALLY_ERR_MALFORMED,
			    "field n of template ima is longer than 255 bytes");
	}
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

static int parse_entry(struct cursor *c, struct imatally_entry *entry)
{
	struct imatally_log *log = c->log;
	size_t name_pos, data_pos;
	char name[64];

	entry->index = log->index;
	entry->offset = log->offset;

	if (take_u32(c, &entry->pcr, "the PCR index"))
		return -1;
	if (entry->pcr > IMATALLY_MAX_PCR) {
		c->pos = 0;
		imatally_fail_at(&log->error, IMATALLY_ERR_MALFORMED,
				 log->index, log->offset,
				 "PCR index %u%s: not a binary measurement list, or damaged before this",
				 entry->pcr,
				 entry->pcr << 8 ? "" :
				 " (big-endian? boot with ima_canonical_fmt)");
		return -1;
	}
	if (take(c, IMATALLY_SHA1_SIZE, "the template digest") ||
	    take_u32(c, &entry->template_name_len,
		     "the length of the template's name"))
		return -1;
	if (!entry->template_name_len ||
	    entry->template_name_len > IMATALLY_MAX_TEMPLATE_NAME) {
		c->pos -= 4;
		imatally_fail_at(&log->error, IMATALLY_ERR_MALFORMED,
				 log->index, log->offset + c->pos,
				 "a template's name of %u bytes (1 to %u are possible)",
				 entry->template_name_len,
				 IMATALLY_MAX_TEMPLATE_NAME);
		return -1;
	}
	name_pos = c->pos;
	if (take(c, entry->template_name_len, "the template's name"))
		return -1;
	entry->template_name = (const char *)at(c, name_pos);
	entry->is_ima = entry->template_name_len == 3 &&
			!memcmp(entry->template_name, "ima", 3);
	if (!imatally_template_fields(entry)) {
		c->pos = name_pos;
		imatally_fail_at(&log->error, IMATALLY_ERR_MALFORMED,
				 log->index, log->offset + c->pos,
				 "unknown template \"%s\"",
				 imatally_printable(name, sizeof(name),
						    entry->template_name,
						    entry->template_name_len));
		return -1;
	}

	if (entry->is_ima) {
		data_pos = c->pos;
		if (parse_ima_data(c, entry, data_pos))
			return -1;
	} else {
		if (take_u32(c, &entry->data_len,
			     "the length of the template data"))
			return -1;
		data_pos = c->pos;
		if (take(c, entry->data_len, "the template data"))
			return -1;
		entry->data = at(c, data_pos);
		if (parse_fields(c, entry, data_pos))
			return -1;
	}

	/* the window may have moved while the entry was read */
	entry->digest = at(c, 4);
	entry->template_name = (const char *)at(c, name_pos);
	entry->data_offset = log->offset + data_pos;
	return 1;
}

int imatally_log_next(struct imatally_log *log, struct imatally_entry *entry,
		      struct imatally_error *err)
{
	struct cursor c = { .log = log };
	enum imatally_status status;

	if (log->failed) {
		*err = log->error;
		return -1;
	}

	status = fill(log, 1);
	if (!status && log->start == log->end)
		return 0;
	if (parse_entry(&c, entry) < 0) {
		log->failed = true;
		*err = log->error;
		return -1;
	}
	log->start += c.pos;
	log->offset += c.pos;
	log->index++;
	return 1;
}

const struct imatally_field *
imatally_entry_field(const struct imatally_entry *entry, const char *id)
{
	unsigned int i;

	for (i = 0; i < entry->nr_fields; i++)
		if (!strcmp(entry->fields[i].id, id))
			return &entry->fields[i];
	return NULL;
}

bool imatally_entry_is_named(const struct imatally_entry *entry,
			     const char *name)
{
	const struct imatally_field *field = imatally_entry_field(entry, "n-ng");
	size_t len = strlen(name);

	if (!field)
		field = imatally_entry_field(entry, "n");
	/* the terminator is part of the field, but for the template "ima" */
	return field && !memcmp(field->data, name,
				field->len < len ? field->len : len) &&
	       (field->len == len ||
		(field->len == len + 1 && !field->data[len]));
}

bool imatally_entry_is_violation(const struct imatally_entry *entry)
{
	static const uint8_t zero[IMATALLY_SHA1_SIZE];

	return !memcmp(entry->digest, zero, sizeof(zero));
}

bool imatally_entry_is_boot_aggregate(const struct imatally_entry *entry)
{
	/*
	 * Files are named by their path, which begins with '/'.  Keys are named
	 * by their keyring, which user space chooses; they have a buf field.
	 * What a violation says of itself is in no digest.
	 */
	const struct imatally_field *buf = imatally_entry_field(entry, "buf");

	return (!buf || !buf->len) && !imatally_entry_is_violation(entry) &&
	       imatally_entry_is_named(entry, "boot_aggregate");
}
