// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a replay into a SHA-1 and a SHA-256 bank can cost: hash_cost
 * ENTRIES LEN hashes LEN bytes of template data and extends, in both, that many
 * times, and does nothing else.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../tools/ima/lib/private.h"

int main(int argc, char *argv[])
{
	static const uint16_t algs[] = { IMATALLY_ALG_SHA1, IMATALLY_ALG_SHA256 };
	uint8_t value[2][IMATALLY_MAX_DIGEST] = { 0 };
	uint8_t digest[IMATALLY_MAX_DIGEST];
	struct imatally_hash hash[2];
	unsigned long entries, i;
	size_t len;
	uint8_t *data;
	int bank;

	if (argc != 3) {
		fprintf(stderr, "Usage: hash_cost ENTRIES LEN\n");
		return 2;
	}
	entries = strtoul(argv[1], NULL, 10);
	len = strtoul(argv[2], NULL, 10);
	data = calloc(1, len + 1);
	for (bank = 0; bank < 2; bank++)
		if (!data || !imatally_hash_init(&hash[bank], algs[bank]))
			return 1;
	for (i = 0; i < entries; i++)
		for (bank = 0; bank < 2; bank++)
			if (!imatally_hash(&hash[bank], data, len, digest) ||
			    !imatally_extend(&hash[bank], value[bank], digest))
				return 1;
	for (bank = 0; bank < 2; bank++)
		imatally_hash_free(&hash[bank]);
	free(data);
	return 0;
}
