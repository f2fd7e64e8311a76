// SPDX-License-Identifier: GPL-2.0-only
/* Hexadecimal digits, independent of the locale. */

#include "private.h"

int imatally_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
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
		int high = imatally_hex_digit(digits[2 * i]);
		int low = imatally_hex_digit(digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = high << 4 | low;
	}
	return true;
}
