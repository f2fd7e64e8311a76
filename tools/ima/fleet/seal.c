// SPDX-License-Identifier: GPL-2.0-only
/* Sealed values: a text, and a line with a MAC. */

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

#define LABEL "\nhmac-sha256:"
#define LABEL_LEN (sizeof(LABEL) - 1)
#define MAC_LEN 64		/* digits */

/* The MAC of @name, a NUL, and @text.  False if that fails. */
static bool mac(const uint8_t key[FLEET_SEAL_KEY], const char *name,
		const void *text, size_t len, char digits[MAC_LEN + 1])
{
	size_t name_size = strlen(name) + 1;
	uint8_t *data = malloc(name_size + len), value[32];
	bool done;

	if (!data)
		return false;
	memcpy(data, name, name_size);
	memcpy(data + name_size, text, len);
	done = HMAC(EVP_sha256(), key, FLEET_SEAL_KEY, data, name_size + len,
		    value, NULL);
	free(data);
	if (done)
		imatally_hex_from_bytes(digits, value, sizeof(value));
	return done;
}

char *fleet_seal(const uint8_t key[FLEET_SEAL_KEY], const char *name,
		 const char *text)
{
	char digits[MAC_LEN + 1], *sealed = NULL;

	if (!mac(key, name, text, strlen(text), digits) ||
	    asprintf(&sealed, "%s" LABEL "%s\n", text, digits) < 0) {
		complain("out of memory");
		return NULL;
	}
	return sealed;
}

char *fleet_unseal(const uint8_t key[FLEET_SEAL_KEY], const char *name,
		   const void *value, size_t len)
{
	const char *text = value, *end;
	char digits[MAC_LEN + 1];
	size_t size;

	if (len < LABEL_LEN + MAC_LEN + 1)
		return NULL;
	size = len - LABEL_LEN - MAC_LEN - 1;
	end = text + size;
	if (memcmp(end, LABEL, LABEL_LEN) || text[len - 1] != '\n' ||
	    memchr(text, '\0', len) || !mac(key, name, text, size, digits) ||
	    CRYPTO_memcmp(end + LABEL_LEN, digits, MAC_LEN))
		return NULL;
	return strndup(text, size);
}

bool fleet_sha256(const void *data, size_t len, char hex[65])
{
	uint8_t value[32];

	if (!EVP_Digest(data, len, value, NULL, EVP_sha256(), NULL))
		return false;
	imatally_hex_from_bytes(hex, value, sizeof(value));
	return true;
}
