// SPDX-License-Identifier: GPL-2.0-only
/*
 * NKeys of users, as nats-server defines them: an Ed25519 key with a prefix that
 * says its kind and a CRC-16, in base32.
 */

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "fleet.h"

#define RAW 32			/* bytes of either part of the key */
#define SEED_OF_USER_1 0x95	/* "SU": two prefixes of 5 bits */
#define SEED_OF_USER_2 0x00
#define PUBLIC_OF_USER 0xa0	/* "U" */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* CRC-16/XMODEM */
static uint16_t crc16(const uint8_t *data, size_t len)
{
	uint16_t crc = 0;
	int bit;

	while (len--) {
		crc ^= *data++ << 8;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
	}
	return crc;
}

/* @data has room for the checksum after @len bytes. */
static void encode(char text[FLEET_NKEY_SIZE], uint8_t *data, size_t len)
{
	uint16_t crc = crc16(data, len);
	unsigned int bits = 0, have = 0;
	size_t i, out = 0;

	data[len++] = crc & 0xff;
	data[len++] = crc >> 8;
	for (i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (have += 8; have >= 5; have -= 5)
			text[out++] = alphabet[bits >> (have - 5) & 31];
	}
	if (have)
		text[out++] = alphabet[bits << (5 - have) & 31];
	text[out] = '\0';
}

/* Decode exactly @len bytes and their checksum. */
static bool decode(const char *text, uint8_t *data, size_t len)
{
	unsigned int bits = 0, have = 0;
	size_t out = 0;
	uint16_t crc;

	for (; *text; text++) {
		const char *at = strchr(alphabet, *text);

		if (!at)
			return false;
		bits = bits << 5 | (at - alphabet);
		have += 5;
		if (have < 8)
			continue;
		if (out == len + 2)
			return false;
		have -= 8;
		data[out++] = bits >> have;
	}
	if (out != len + 2)
		return false;
	crc = crc16(data, len);
	return data[len] == (crc & 0xff) && data[len + 1] == crc >> 8;
}

static int public_of(EVP_PKEY *pkey, char public[FLEET_NKEY_SIZE])
{
	uint8_t data[1 + RAW + 2] = { PUBLIC_OF_USER };
	size_t len = RAW;

	if (!EVP_PKEY_get_raw_public_key(pkey, data + 1, &len) || len != RAW) {
		complain("libcrypto cannot derive an Ed25519 key");
		return -1;
	}
	encode(public, data, 1 + RAW);
	return 0;
}

int fleet_nkey_new(char seed[FLEET_NKEY_SIZE], char public[FLEET_NKEY_SIZE])
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	uint8_t data[2 + RAW + 2] = { SEED_OF_USER_1, SEED_OF_USER_2 };
	size_t len = RAW;
	int ret = -1;

	if (!pkey || !EVP_PKEY_get_raw_private_key(pkey, data + 2, &len) ||
	    len != RAW) {
		complain("libcrypto cannot create an Ed25519 key");
	} else {
		encode(seed, data, 2 + RAW);
		ret = public_of(pkey, public);
	}
	OPENSSL_cleanse(data, sizeof(data));
	EVP_PKEY_free(pkey);
	return ret;
}

int fleet_nkey_public(const char *name, const char *seed,
		      char public[FLEET_NKEY_SIZE])
{
	uint8_t data[2 + RAW + 2];
	EVP_PKEY *pkey = NULL;
	int ret = -1;

	if (decode(seed, data, 2 + RAW) && data[0] == SEED_OF_USER_1 &&
	    data[1] == SEED_OF_USER_2)
		pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						    data + 2, RAW);
	if (pkey)
		ret = public_of(pkey, public);
	else
		complain("%s: not the secret NKey of a user", name);
	OPENSSL_cleanse(data, sizeof(data));
	EVP_PKEY_free(pkey);
	return ret;
}
