// SPDX-License-Identifier: GPL-2.0-only
/* Challenges: in a host's record, and as a message to its agent. */

#include <openssl/rand.h>
#include <string.h>

#include "fleet.h"

int fleet_challenge_new(struct fleet_challenge *challenge)
{
	uint8_t nonce[IMATALLY_MAX_NONCE];

	if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
		complain("libcrypto has no random numbers");
		return -1;
	}
	imatally_hex_from_bytes(challenge->nonce, nonce, sizeof(nonce));
	return 0;
}

json_t *fleet_challenge_json(const struct fleet_challenge *c)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I}", "nonce", c->nonce,
			 "entry", (json_int_t)c->entry,
			 "offset", (json_int_t)c->offset,
			 "issued", (json_int_t)c->issued,
			 "deadline", (json_int_t)c->deadline);
}

bool fleet_challenge_load(struct fleet_challenge *c, const json_t *json)
{
	json_int_t entry, offset, issued, deadline;
	const char *nonce;

	memset(c, 0, sizeof(*c));
	if (json_unpack((json_t *)json, "{s:s, s:I, s:I, s:I, s:I}", "nonce",
			&nonce, "entry", &entry, "offset", &offset,
			"issued", &issued, "deadline", &deadline) ||
	    strlen(nonce) != FLEET_HEX_NONCE || entry < 0 || offset < 0)
		return false;
	memcpy(c->nonce, nonce, FLEET_HEX_NONCE);
	c->entry = entry;
	c->offset = offset;
	c->issued = issued;
	c->deadline = deadline;
	return true;
}
