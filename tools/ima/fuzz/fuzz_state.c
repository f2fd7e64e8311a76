// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is a state of an earlier verification.  It is loaded as it is, and
 * once more with a correct checksum, to verify the list of the seed from there.
 * The resulting state must be valid.
 */

#include <openssl/evp.h>

#include "limit.h"

#define VECTOR "vectors/two-kernels/"

static struct {
	size_t len;
	char bytes[8192];
} list, values;
static struct imatally_pcrs pcrs;

static void load(void)
{
	struct imatally_error err;
	FILE *file = fopen(VECTOR "list", "rb");

	EXPECT(file);
	list.len = fread(list.bytes, 1, sizeof(list.bytes), file);
	fclose(file);
	file = fopen(VECTOR "pcrs", "rb");
	EXPECT(file);
	values.len = fread(values.bytes, 1, sizeof(values.bytes), file);
	fclose(file);
	EXPECT(!imatally_pcrs_add_pcrread(&pcrs, values.bytes, values.len,
					  &err));
}

static void expect_taken(const char *state, size_t len)
{
	struct imatally_verifier *v = imatally_verifier_new(&pcrs);
	struct imatally_error err;

	EXPECT(!imatally_verifier_set_state(v, state, len, &err));
	imatally_verifier_free(v);
}

static void verify_from(const char *state, size_t len)
{
	struct imatally_verifier *v = imatally_verifier_new(&pcrs);
	struct imatally_log *log;
	struct imatally_result result;
	struct imatally_error err;
	const char *next;
	size_t next_len;

	if (imatally_verifier_set_state(v, state, len, &err)) {
		expect_message(&err);
		imatally_verifier_free(v);
		return;
	}
	imatally_verifier_keep_state(v);
	log = imatally_log_open_buffer(list.bytes, list.len);
	if (imatally_verifier_run(v, log, &result, &err)) {
		expect_message(&err);
	} else {
		EXPECT(result.resumed <= result.entries);
		next = imatally_verifier_state(v, &next_len);
		if (next)
			expect_taken(next, next_len);
		imatally_result_free(&result);
	}
	imatally_log_close(log);
	imatally_verifier_free(v);
}

static void seal(char *sealed, const uint8_t *data, size_t len)
{
	uint8_t digest[32];

	memcpy(sealed, data, len);
	EXPECT(EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL));
	sealed += len;
	sealed += sprintf(sealed, "\nsha256:");
	imatally_hex_from_bytes(sealed, digest, sizeof(digest));
	sealed[2 * sizeof(digest)] = '\n';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t line = newline ? (size_t)(newline - data) : size;
	char *sealed;

	if (!pcrs.nr)
		load();
	/* a hash table for each pair of braces */
	limit_begin(size + list.len, 256);
	verify_from((const char *)data, size);
	sealed = malloc(line + 128);
	seal(sealed, data, line);
	verify_from(sealed, line + 1 + 7 + 64 + 1);
	free(sealed);
	limit_end();
	return 0;
}
