// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks are told apart by their digest, not by where they are: they may be
 * there twice, in another order, or among those of other rounds.
 */

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parts.h"

/* Write @data wherever the round has this chunk.  Returns how many are new. */
static int place(const struct fleet_round *round, bool *have, int fd,
		 const void *data, size_t len)
{
	uint8_t digest[32];
	int placed = 0;
	off_t at = 0;
	size_t i;

	if (!EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL))
		return -1;
	for (i = 0; i < round->nr_chunks; at += round->chunk[i++].size) {
		const struct fleet_chunk *chunk = &round->chunk[i];

		if (have[i] || chunk->size != len ||
		    memcmp(chunk->sha256, digest, sizeof(digest)))
			continue;
		if (pwrite(fd, data, len, at) != (ssize_t)len) {
			complain("temporary file: %s", strerror(errno));
			return -1;
		}
		have[i] = true;
		placed++;
	}
	return placed;
}

/* Returns whether all chunks are there. */
static bool collect(const struct fleet_net *net, const char *subject,
		    const struct fleet_round *round, int fd)
{
	bool have[FLEET_MAX_CHUNKS] = { false };
	size_t missing = round->nr_chunks;
	jsDirectGetMsgOptions next;
	natsMsg *msg = NULL;
	int tries, placed;

	jsDirectGetMsgOptions_Init(&next);
	next.NextBySubject = subject;
	next.Sequence = 1;
	/* the stream has no more of them */
	for (tries = 0; missing && tries < FLEET_MAX_CHUNKS; tries++) {
		if (js_DirectGetMsg(&msg, net->js, FLEET_PARTS, NULL, &next) !=
		    NATS_OK)
			return false;
		placed = place(round, have, fd, natsMsg_GetData(msg),
			       natsMsg_GetDataLength(msg));
		next.Sequence = natsMsg_GetSequence(msg) + 1;
		natsMsg_Destroy(msg);
		if (placed < 0)
			return false;
		missing -= placed;
	}
	return !missing;
}

FILE *parts_collect(const struct fleet_net *net, const char *host,
		    const struct fleet_round *round)
{
	char subject[FLEET_SUBJECT_SIZE];
	FILE *file = tmpfile();

	if (!file) {
		complain("temporary file: %s", strerror(errno));
		return NULL;
	}
	if (collect(net, fleet_subject(subject, "parts", host), round,
		    fileno(file)))
		return file;
	fclose(file);
	return NULL;
}

void parts_purge(const struct fleet_net *net, const char *host)
{
	char subject[FLEET_SUBJECT_SIZE];
	jsOptions options;

	jsOptions_Init(&options);
	options.Stream.Purge.Subject = fleet_subject(subject, "parts", host);
	js_PurgeStream(net->js, FLEET_PARTS, &options, NULL);
}
