// SPDX-License-Identifier: GPL-2.0-only
/* The message that completes a round. */

#include <stdlib.h>
#include <string.h>

#include "fleet.h"

#define FORMAT "imatally-fleet-round"
#define VERSION 1

char *fleet_round_format(const struct fleet_round *round, const char *host)
{
	json_t *chunks = json_array(), *json;
	char digits[65], *text = NULL;
	size_t i;

	for (i = 0; chunks && i < round->nr_chunks; i++) {
		const struct fleet_chunk *chunk = &round->chunk[i];

		imatally_hex_from_bytes(digits, chunk->sha256,
					sizeof(chunk->sha256));
		json_array_append_new(chunks, json_pack("{s:i, s:s}",
							"size", (int)chunk->size,
							"sha256", digits));
	}
	json = json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:o}", "format", FORMAT,
			 "version", VERSION, "host", host, "nonce", round->nonce,
			 "evidence", round->evidence,
			 "offset", (json_int_t)round->offset, "chunks", chunks);
	if (json && json_array_size(chunks) == round->nr_chunks)
		text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

static bool load_chunk(struct fleet_chunk *chunk, json_t *json)
{
	struct imatally_bytes bytes = { 0 };
	struct imatally_error err;
	const char *digits;
	json_int_t size;
	bool valid;

	if (json_unpack(json, "{s:I, s:s}", "size", &size, "sha256", &digits) ||
	    size < 1 || size > FLEET_CHUNK ||
	    strlen(digits) != 2 * sizeof(chunk->sha256) ||
	    imatally_bytes_from_hex(&bytes, digits, &err))
		return false;
	valid = bytes.len == sizeof(chunk->sha256);
	if (valid)
		memcpy(chunk->sha256, bytes.data, bytes.len);
	chunk->size = size;
	free(bytes.data);
	return valid;
}

/* The reason why it is not a round of @host, or NULL. */
static const char *load(struct fleet_round *round, const char *host,
			const json_t *json)
{
	const char *format, *whose, *nonce, *evidence;
	json_int_t version, offset;
	json_t *chunks;

	if (json_unpack((json_t *)json, "{s:s, s:I}", "format", &format,
			"version", &version) || strcmp(format, FORMAT))
		return "not a round";
	if (version != VERSION)
		return "a round of another version";
	if (json_unpack((json_t *)json, "{s:s, s:s, s:s, s:I, s:o}", "host",
			&whose, "nonce", &nonce, "evidence", &evidence,
			"offset", &offset, "chunks", &chunks))
		return "a round without some of its members";
	if (strcmp(whose, host))
		return "a round of another host";
	if (strlen(nonce) != FLEET_HEX_NONCE)
		return "a nonce of another length";
	if (offset < 0 || !json_array_size(chunks) ||
	    json_array_size(chunks) > FLEET_MAX_CHUNKS)
		return "an offset or a number of chunks that cannot be";
	memcpy(round->nonce, nonce, FLEET_HEX_NONCE + 1);
	round->offset = offset;
	for (; round->nr_chunks < json_array_size(chunks); round->nr_chunks++)
		if (!load_chunk(&round->chunk[round->nr_chunks],
				json_array_get(chunks, round->nr_chunks)))
			return "a chunk that cannot be";
	round->evidence = strdup(evidence);
	return round->evidence ? NULL : "out of memory";
}

bool fleet_round_parse(struct fleet_round *round, const char *host,
		       const void *message, size_t len, const char **why)
{
	json_t *json = NULL;

	memset(round, 0, sizeof(*round));
	*why = "too long";
	if (len <= FLEET_MAX_ROUND) {
		json = json_loadb(message, len, JSON_REJECT_DUPLICATES, NULL);
		*why = json ? load(round, host, json) : "not JSON";
	}
	json_decref(json);
	if (*why)
		fleet_round_free(round);
	return !*why;
}

void fleet_round_free(struct fleet_round *round)
{
	free(round->evidence);
	memset(round, 0, sizeof(*round));
}
