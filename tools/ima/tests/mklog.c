// SPDX-License-Identifier: GPL-2.0-only
/* See mklog.h. */

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mklog.h"

#define IMA_PCR 10

static EVP_MD *fetch(const char *alg)
{
	EVP_MD *md = EVP_MD_fetch(NULL, alg, NULL);

	assert(md);
	return md;
}

static void digest(const EVP_MD *md, const void *data, size_t len, uint8_t *out)
{
	if (!EVP_Digest(data, len, out, NULL, md, NULL))
		abort();
}

void machine_init(struct machine *m, unsigned int nr_banks, const char *only)
{
	static const struct {
		const char *alg;
		unsigned int size;
	} banks[] = { { "sha1", 20 }, { "sha256", 32 }, { "sha384", 48 },
		      { "sha512", 64 } };
	unsigned int i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < nr_banks; i++) {
		if (only && strcmp(only, banks[i].alg))
			continue;
		m->bank[m->nr_banks].alg = banks[i].alg;
		m->bank[m->nr_banks].md = fetch(banks[i].alg);
		m->bank[m->nr_banks++].size = banks[i].size;
	}
	m->sha1 = fetch("sha1");
	m->sha256 = fetch("sha256");
	m->counter = 20;
	m->step = m->nr_banks;
	m->log = malloc(1 << 20);
	assert(m->log);
}

void machine_free(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_banks; i++)
		EVP_MD_free(m->bank[i].md);
	EVP_MD_free(m->sha1);
	EVP_MD_free(m->sha256);
	free(m->log);
}

static void tpm_extend(struct machine *m, uint32_t pcr, unsigned int bank,
		       const uint8_t *value)
{
	struct machine_bank *b = &m->bank[bank];
	uint8_t both[128];

	memcpy(both, b->pcr[pcr], b->size);
	memcpy(both + b->size, value, b->size);
	digest(b->md, both, 2 * b->size, b->pcr[pcr]);
	m->counter++;
}

static void put(struct machine *m, const void *data, size_t len)
{
	if (m->stream) {
		if (fwrite(data, 1, len, m->stream) != len)
			abort();
		return;
	}
	assert(m->len + len < 1 << 20);
	memcpy(m->log + m->len, data, len);
	m->len += len;
}

static void number(const struct machine *m, uint32_t value, uint8_t *bytes)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		bytes[i] = value >> 8 * (m->big_endian ? 3 - i : i);
}

static void put_u32(struct machine *m, uint32_t value)
{
	uint8_t bytes[4];

	number(m, value, bytes);
	put(m, bytes, 4);
}

/*
 * ima_calc_field_array_hash() hashes the fields with their lengths; for the
 * template "ima" it hashes them without, and the name in a buffer of 256 bytes.
 */
static size_t hashed_bytes(const struct machine *m, const char *template,
			   const struct machine_field *field,
			   unsigned int nr_fields, uint8_t *out)
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < nr_fields; i++) {
		if (!strcmp(template, "ima") && i == 1) {
			memset(out + len, 0, 256);
			memcpy(out + len, field[i].data, field[i].len);
			len += 256;
			continue;
		}
		if (strcmp(template, "ima")) {
			number(m, field[i].len, out + len);
			len += 4;
		}
		memcpy(out + len, field[i].data, field[i].len);
		len += field[i].len;
	}
	return len;
}

/* ima_measurements_show() */
static void put_binary(struct machine *m, uint32_t pcr, const uint8_t *digest,
		       unsigned int size, const char *template,
		       const struct machine_field *field,
		       unsigned int nr_fields)
{
	uint32_t data_len = 0;
	unsigned int i;

	put_u32(m, pcr);
	put(m, digest, size);
	put_u32(m, strlen(template));
	put(m, template, strlen(template));
	for (i = 0; i < nr_fields; i++)
		data_len += 4 + field[i].len;
	if (strcmp(template, "ima"))
		put_u32(m, data_len);
	for (i = 0; i < nr_fields; i++) {
		uint32_t len = field[i].len;

		if (strcmp(template, "ima"))
			put_u32(m, len);
		else if (i == 1)
			put_u32(m, len = strlen(field[i].data));
		put(m, field[i].data, len);
	}
}

static void put_hex(struct machine *m, const uint8_t *data, size_t len)
{
	char text[3];

	while (len--) {
		sprintf(text, "%02x", *data++);
		put(m, text, 2);
	}
}

/* ima_show_template_data_ascii(), by id of the field */
static void put_shown(struct machine *m, const char *id,
		      const struct machine_field *field)
{
	const uint8_t *data = field->data;
	char text[16];
	uint32_t i, len = field->len, value = 0;

	if (!strcmp(id, "n") || !strcmp(id, "n-ng") ||
	    !strcmp(id, "xattrnames")) {
		put(m, data, strlen(field->data));
	} else if (!strncmp(id, "d-", 2)) {
		put(m, data, strlen(field->data));
		i = strlen(field->data) + 1;
		put_hex(m, data + i, len - i);
	} else if (!strcmp(id, "txt")) {
		for (i = 0; i < len; i++) {
			bool plain = data[i] > ' ' && data[i] < 0x7f &&
				     data[i] != '\\';

			sprintf(text, plain ? "%c" : "\\x%02x", data[i]);
			put(m, text, strlen(text));
		}
	} else if (id[0] == 'i') {
		for (i = 0; i < len; i++)
			value |= (uint32_t)data[m->big_endian ? len - 1 - i : i]
				 << 8 * i;
		sprintf(text, "%u", value);
		put(m, text, strlen(text));
	} else {
		put_hex(m, data, len);
	}
}

static const char *format_of(const char *template)
{
	static const char *const formats[][2] = {
		{ "ima", "d|n" },
		{ "ima-ng", "d-ng|n-ng" },
		{ "ima-ngv2", "d-ngv2|n-ng" },
		{ "ima-sig", "d-ng|n-ng|sig" },
		{ "ima-sigv2", "d-ngv2|n-ng|sig" },
		{ "ima-buf", "d-ng|n-ng|buf" },
		{ "ima-txt", "d-ng|n-ng|txt" },
		{ "ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig" },
		{ "evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|"
			     "xattrvalues|iuid|igid|imode" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(template, formats[i][0]))
			return formats[i][1];
	return template;
}

/* ima_ascii_measurements_show() */
static void put_ascii(struct machine *m, uint32_t pcr, const uint8_t *digest,
		      unsigned int size, const char *template,
		      const struct machine_field *field, unsigned int nr_fields)
{
	char text[16], format[256], *id, *rest = format;
	unsigned int i;

	sprintf(text, "%2u ", pcr);
	put(m, text, strlen(text));
	put_hex(m, digest, size);
	put(m, " ", 1);
	put(m, template, strlen(template));
	snprintf(format, sizeof(format), "%s", format_of(template));
	for (i = 0; i < nr_fields && (id = strsep(&rest, "|")); i++) {
		put(m, " ", 1);
		if (field[i].len)
			put_shown(m, id, &field[i]);
	}
	put(m, "\n", 1);
}

static void put_entry(struct machine *m, uint32_t pcr, const uint8_t *digest,
		      const char *template, const struct machine_field *field,
		      unsigned int nr_fields)
{
	unsigned int size = m->list_of ? m->bank[m->list_of - 1].size : 20;

	if (!m->stream) {
		assert(m->nr_entries < MACHINE_ENTRIES);
		m->start[m->nr_entries] = m->len;
	}
	(m->ascii ? put_ascii : put_binary)(m, pcr, digest, size, template,
					    field, nr_fields);
	if (!m->stream)
		m->start[++m->nr_entries] = m->len;
}

/* What is extended into a bank, and is the digest in the bank's list. */
static void digest_for(const struct machine *m, const struct machine_bank *bank,
		       const uint8_t *data, size_t len, uint8_t *value)
{
	memset(value, 0, 64);
	digest(bank->padded ? m->sha1 : bank->md, data, len, value);
}

static void add(struct machine *m, uint32_t pcr, const char *template,
		const struct machine_field *field, unsigned int nr_fields,
		bool violation)
{
	static uint8_t data[1 << 17];
	size_t len = hashed_bytes(m, template, field, nr_fields, data);
	uint8_t value[64] = { 0 };
	unsigned int i;

	if (!violation && m->list_of)
		digest_for(m, &m->bank[m->list_of - 1], data, len, value);
	else if (!violation)
		digest(m->sha1, data, len, value);
	put_entry(m, pcr, value, template, field, nr_fields);
	m->entries++;
	if (m->tpm_fails) {
		m->failed++;
		return;
	}
	for (i = 0; i < m->nr_banks; i++) {
		if (violation)
			memset(value, 0xff, sizeof(value));
		else
			digest_for(m, &m->bank[i], data, len, value);
		tpm_extend(m, pcr, i, value);
	}
	m->extends++;
	m->updates += m->nr_banks;
}

void machine_add(struct machine *m, uint32_t pcr, const char *template,
		 const struct machine_field *field, unsigned int nr_fields)
{
	add(m, pcr, template, field, nr_fields, false);
}

/* d-ng: "sha256:" and its terminator, then the digest */
static uint32_t digest_field(const struct machine *m, const void *of,
			     size_t len, uint8_t *field)
{
	memcpy(field, "sha256:", 8);
	digest(m->sha256, of, len, field + 8);
	return 8 + 32;
}

void machine_measure_as(struct machine *m, uint32_t pcr, const char *name)
{
	uint8_t d[64];
	struct machine_field field[] = {
		{ d, digest_field(m, name, strlen(name), d) },
		{ name, strlen(name) + 1 },
	};

	add(m, pcr, "ima-ng", field, 2, false);
}

void machine_measure(struct machine *m, unsigned int count)
{
	char name[32];

	while (count--) {
		snprintf(name, sizeof(name), "/bin/file%u", m->files++);
		machine_measure_as(m, IMA_PCR, name);
	}
}

void machine_violation(struct machine *m)
{
	static const uint8_t d[40] = "sha256:";
	struct machine_field field[] = { { d, 40 }, { "/etc/open", 10 } };

	add(m, IMA_PCR, "ima-ng", field, 2, true);
}

void machine_buffer(struct machine *m, const char *name, const void *buf,
		    size_t len)
{
	uint8_t d[64];
	struct machine_field field[] = {
		{ d, digest_field(m, buf, len, d) },
		{ name, strlen(name) + 1 },
		{ buf, len },
	};

	add(m, IMA_PCR, "ima-buf", field, 3, false);
}

static size_t hex(const uint8_t *data, size_t len, char *text)
{
	size_t i;

	for (i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", data[i]);
	return 2 * len;
}

/* "<key>=10:<alg>:<hex>,...;" */
static size_t put_values(const struct machine *m, const char *key, bool before,
			 char *text, size_t size)
{
	size_t len = snprintf(text, size, "%s=%d", key, IMA_PCR);
	unsigned int i;

	for (i = 0; i < m->nr_banks; i++) {
		const struct machine_bank *bank = &m->bank[i];

		len += snprintf(text + len, size - len, "%c%s:",
				i ? ',' : ':', bank->alg);
		len += hex(before ? bank->before : bank->pcr[IMA_PCR],
			   bank->size, text + len);
	}
	return len + snprintf(text + len, size - len, ";");
}

size_t machine_record_text(const struct machine *m, const char *event,
			   char *text, size_t size)
{
	size_t len = snprintf(text, size, "version=1;event=%s;", event);
	bool boot = !strcmp(event, "boot");

#define PAIR(key, number)						\
	(len += snprintf(text + len, size - len, key "=%" PRIu64 ";",	\
			 (uint64_t)(number)))
	if (m->tpm_error)
		len += snprintf(text + len, size - len, "error=%s;",
				m->tpm_error);
	else
		PAIR("pcrUpdateCounter", m->counter);
	PAIR("updates", m->updates);
	PAIR("uncertain", m->uncertain);
	PAIR("banks", m->nr_banks);
	if (!m->without_step)
		PAIR("step", m->step);
	if (!m->tpm_error && (boot || !strcmp(event, "resume"))) {
		PAIR("resets", m->resets);
		PAIR("restarts", m->restarts);
	}
	PAIR("entries", m->entries);
	PAIR("carried", m->carried);
	PAIR("trimmed", m->trimmed);
	PAIR("extends", m->extends);
	PAIR("failed", m->failed);
	PAIR("dropped", m->dropped);
	PAIR("unread", m->unread);
	PAIR("protected", m->protected);
	if (boot)
		len += put_values(m, "before", true, text + len, size - len);
	if (!m->tpm_error)
		len += put_values(m, "pcr", false, text + len, size - len);
	return len;
}

void machine_record(struct machine *m, const char *event)
{
	char text[2048];
	size_t len = machine_record_text(m, event, text, sizeof(text));

	machine_buffer(m, "pcr_counter", text, len);
}

/*
 * ima_calc_boot_aggregate(): over PCRs 0 to 7 of bank sha1, 0 to 9 of others.
 * Returns the length of the field "d-ng".
 */
static uint32_t boot_aggregate(const struct machine *m, uint8_t *field)
{
	const struct machine_bank *bank = NULL;
	uint8_t values[10 * 64];
	unsigned int i, pcr;
	size_t len = 0;

	for (i = 0; i < m->nr_banks; i++)
		if (!strcmp(m->bank[i].alg, "sha256") ||
		    (!bank && !strcmp(m->bank[i].alg, "sha1")))
			bank = &m->bank[i];
	if (!bank) {
		memset(field, 0, 8 + 32);
		memcpy(field, "sha256:", 8);
		return 8 + 32;
	}
	for (pcr = 0; pcr < (bank->size == 20 ? 8 : 10); pcr++) {
		memcpy(values + len, bank->pcr[pcr], bank->size);
		len += bank->size;
	}
	i = sprintf((char *)field, "%s:", bank->alg) + 1;
	digest(bank->md, values, len, field + i);
	return i + bank->size;
}

void machine_boot(struct machine *m, bool record)
{
	static const char name[] = "boot_aggregate";
	uint8_t d[64];
	struct machine_field field[] = {
		{ d, boot_aggregate(m, d) }, { name, sizeof(name) },
	};
	unsigned int i;

	for (i = 0; i < m->nr_banks; i++)
		memcpy(m->bank[i].before, m->bank[i].pcr[IMA_PCR],
		       sizeof(m->bank[i].before));
	add(m, IMA_PCR, "ima-ng", field, 2, false);
	if (record)
		machine_record(m, "boot");
}

void machine_kexec(struct machine *m, unsigned int keep, bool record)
{
	if (keep < m->nr_entries)
		machine_delete(m, keep, m->nr_entries - keep);
	m->entries = m->nr_entries;
	m->carried = m->nr_entries;
	m->trimmed = 0;
	m->extends = 0;
	m->failed = 0;
	m->dropped = 0;
	m->unread = 0;
	m->updates = 0;
	m->uncertain = 0;
	machine_boot(m, record);
}

void machine_extend(struct machine *m, uint32_t pcr)
{
	static const uint8_t value[64] = "others";
	unsigned int i;

	for (i = 0; i < m->nr_banks; i++)
		tpm_extend(m, pcr, i, value);
}

void machine_others(struct machine *m, unsigned int count)
{
	while (count--)
		machine_extend(m, 12);
}

void machine_delete(struct machine *m, unsigned int index, unsigned int count)
{
	size_t from = m->start[index], to = m->start[index + count];
	unsigned int i;

	memmove(m->log + from, m->log + to, m->len - to);
	m->len -= to - from;
	m->nr_entries -= count;
	for (i = index; i <= m->nr_entries; i++)
		m->start[i] = m->start[i + count] - (to - from);
}

FILE *machine_create(const char *dir, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

void machine_finish(FILE *file)
{
	if (!ferror(file) && !fclose(file))
		return;
	perror("a measurement list");
	exit(1);
}

char *machine_pcrread(const struct machine *m)
{
	char *text = calloc(1, 32768), *end = text;
	unsigned int i, pcr;

	assert(text);
	for (i = 0; i < m->nr_banks; i++) {
		end += sprintf(end, "  %s:\n", m->bank[i].alg);
		for (pcr = 0; pcr < MACHINE_PCRS; pcr++) {
			end += sprintf(end, "    %-2u: 0x", pcr);
			end += hex(m->bank[i].pcr[pcr], m->bank[i].size, end);
			end += sprintf(end, "\n");
		}
	}
	return text;
}
