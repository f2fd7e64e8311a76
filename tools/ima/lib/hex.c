// SPDX-License-Identifier: GPL-2.0-only
/* Hexadecimal digits, independent of the locale. */

#include "private.h"

/* Values plus one; 0 for other characters.  ASCII lists are mostly digits. */
static const uint8_t values[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int imatally_hex_digit(char c)
{
	return values[(uint8_t)c] - 1;
}

char *imatally_hex_from_bytes(char *digits, const void *bytes, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *byte = bytes;
	size_t i;

	for (i = 0; i < len; i++) {
		digits[2 * i] = digit[byte[i] >> 4];
		digits[2 * i + 1] = digit[byte[i] & 15];
	}
	digits[2 * len] = '\0';
	return digits;
}

bool imatally_hex_decode(uint8_t *out, size_t size, const char *digits)
{
	size_t i;

	for (i = 0; i < size; i++) {
		unsigned int high = values[(uint8_t)digits[2 * i]];
		unsigned int low = values[(uint8_t)digits[2 * i + 1]];

		if (!high || !low)
			return false;
		out[i] = (high - 1) << 4 | (low - 1);
	}
	return true;
}
