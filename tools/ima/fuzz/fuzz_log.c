// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is a measurement list.  It must be read the same from a file and
 * from memory.  It is then verified against PCR values that it cannot lead to,
 * which must be a mismatch, against those that it leads to, and against the
 * latter with correct template digests, since few inputs have them.
 */

#include <openssl/evp.h>

#include "limit.h"

#define BANKS 2

static const struct {
	uint16_t alg;
	const char *name;
	size_t size;
} banks[BANKS] = {
	{ IMATALLY_ALG_SHA1, "sha1", 20 },
	{ IMATALLY_ALG_SHA256, "sha256", 32 },
};

/* The number of entries, and the PCRs, as replayed by this file. */
struct whole {
	uint64_t entries;
	bool altered, records;
	bool other;		/* not binary, or not with SHA-1 digests */
	uint32_t pcr;		/* of the first entry */
	uint8_t value[BANKS][IMATALLY_MAX_PCR + 1][32];
};

static void digest(const char *alg, const void *data, size_t len, uint8_t *out)
{
	EXPECT(EVP_Digest(data, len, out, NULL, EVP_get_digestbyname(alg),
			  NULL));
}

/* Extend the PCRs, and write the correct template digest to @mended. */
static void extend(struct whole *whole, const struct imatally_entry *entry,
		   uint8_t *mended)
{
	uint8_t hashed[20 + 256] = { 0 }, both[64];
	const void *data = entry->data;
	size_t len = entry->data_len;
	unsigned int i;

	if (entry->is_ima) {
		len = entry->fields[0].len;
		memcpy(hashed, data, len);
		memcpy(hashed + len, entry->fields[1].data,
		       entry->fields[1].len);
		data = hashed;
		len += 256;
	}
	for (i = 0; i < BANKS; i++) {
		uint8_t *value = whole->value[i][entry->pcr];

		memcpy(both, value, banks[i].size);
		if (imatally_entry_is_violation(entry))
			memset(both + banks[i].size, 0xff, banks[i].size);
		else
			digest(banks[i].name, data, len, both + banks[i].size);
		digest(banks[i].name, both, 2 * banks[i].size, value);
	}
	if (entry->is_ascii || entry->digest_len != 20) {
		whole->other = true;
	} else if (!imatally_entry_is_violation(entry)) {
		digest("sha1", data, len, mended);
		whole->altered |= memcmp(mended, entry->digest, 20) != 0;
	}
}

/* All bytes of an entry can be read. */
static void touch(const struct imatally_entry *entry)
{
	uint8_t copy[256];
	unsigned int i;

	memcpy(copy, entry->template_name, entry->template_name_len);
	for (i = 0; i < entry->nr_fields; i++) {
		const struct imatally_field *field = &entry->fields[i];

		EXPECT(field->data >= entry->data);
		EXPECT(field->data + field->len <=
		       entry->data + entry->data_len);
		EXPECT(field->id);	/* "" in an unknown template */
	}
}

static void read_both(const uint8_t *data, size_t size, struct whole *whole,
		      uint8_t *mended)
{
	struct imatally_log *buffer = imatally_log_open_buffer(data, size);
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "rb");
	struct imatally_log *stream = imatally_log_open_file(file);
	struct imatally_entry a, b;
	struct imatally_error err, other;
	bool foreign;
	size_t len;
	int got;

	while ((got = imatally_log_next(buffer, &a, &err)) > 0) {
		EXPECT(imatally_log_next(stream, &b, &other) == 1);
		EXPECT(a.index == whole->entries);
		EXPECT(a.offset < size && b.offset == a.offset);
		expect_same_entry(&a, &b);
		touch(&a);
		touch(&b);
		if (!whole->entries++)
			whole->pcr = a.pcr;
		if (imatally_entry_record(&a, &len, &foreign))
			whole->records = true;
		extend(whole, &a, mended + a.offset + 4);
	}
	EXPECT(imatally_log_next(stream, &b, &other) == got);
	if (got < 0) {
		expect_message(&err);
		EXPECT(err.in_log && err.entry == whole->entries);
		EXPECT(err.offset <= size);
		EXPECT(other.offset == err.offset &&
		       !strcmp(other.text, err.text));
	}
	imatally_log_close(buffer);
	imatally_log_close(stream);
	fclose(file);
}

static void judge(const uint8_t *data, size_t size, const struct whole *whole,
		  bool reachable)
{
	struct imatally_log *log = imatally_log_open_buffer(data, size);
	struct imatally_pcr pcr[BANKS] = { 0 };
	struct imatally_pcrs pcrs = { .pcr = pcr, .nr = BANKS };
	struct imatally_result result;
	struct imatally_error err;
	unsigned int i;

	for (i = 0; i < BANKS; i++) {
		pcr[i].index = IMATALLY_PCR_OF_LOG;
		pcr[i].bank.alg = banks[i].alg;
		pcr[i].bank.len = banks[i].size;
		if (reachable)
			memcpy(pcr[i].bank.value, whole->value[i][whole->pcr],
			       banks[i].size);
	}
	if (imatally_verify(log, &pcrs, &result, &err)) {
		expect_message(&err);
		EXPECT(err.status == IMATALLY_ERR_MALFORMED);
		EXPECT(!err.in_log || err.offset <= size);
		imatally_log_close(log);
		return;
	}
	EXPECT(result.entries == whole->entries);
	EXPECT(!result.records || whole->records);
	if (whole->other && reachable)
		;
	else if (!reachable || whole->altered)
		EXPECT(result.verdict == IMATALLY_MISMATCH);
	else if (!result.records)
		EXPECT(result.verdict == IMATALLY_COMPLETE_NOT_COUNTED);
	imatally_result_free(&result);
	imatally_log_close(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct whole whole = { 0 };
	uint8_t *mended;

	/* not supported by fmemopen() */
	if (!size)
		return 0;
	limit_begin(size, 9);
	mended = malloc(size);
	memcpy(mended, data, size);
	read_both(data, size, &whole, mended);
	judge(data, size, &whole, false);
	judge(data, size, &whole, true);
	whole.altered = false;
	if (!whole.other)
		judge(mended, size, &whole, true);
	free(mended);
	limit_end();
	return 0;
}
