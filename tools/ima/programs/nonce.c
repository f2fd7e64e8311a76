// SPDX-License-Identifier: GPL-2.0-only
/* The verifier's nonce, as an argument. */

#include <stdlib.h>

#include "commands.h"

int nonce_parse(struct imatally_bytes *nonce, const char *digits)
{
	struct imatally_error err;

	if (imatally_bytes_from_hex(nonce, digits, &err)) {
		complain("--nonce %s: %s", digits, err.text);
		return -1;
	}
	if (nonce->len && nonce->len <= IMATALLY_MAX_NONCE)
		return 0;
	complain("--nonce: it has %zu bytes; give 1 to %d", nonce->len,
		 IMATALLY_MAX_NONCE);
	free(nonce->data);
	nonce->data = NULL;
	return -1;
}
