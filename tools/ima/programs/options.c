// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of options that several commands have. */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "commands.h"

int option_refused(char *const argv[], int optind, const char *usage)
{
	complain("%s: unknown option, or its value is missing",
		 argv[optind - 1]);
	fputs(usage, stderr);
	return -1;
}

int option_once(uint64_t *seen, const struct option *options, int index)
{
	if (index < 0)
		return 0;
	if (!(*seen & UINT64_C(1) << index)) {
		*seen |= UINT64_C(1) << index;
		return 0;
	}
	complain("--%s is given more than once", options[index].name);
	return -1;
}

int option_number(const char *option, const char *text, unsigned long min,
		  unsigned long max, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *number >= min &&
	    *number <= max)
		return 0;
	complain("%s %s: number from %lu to %lu expected", option, text, min,
		 max);
	return -1;
}

int option_nonce(struct imatally_bytes *nonce, const char *digits)
{
	struct imatally_error err;

	if (imatally_bytes_from_hex(nonce, digits, &err)) {
		complain("--nonce %s: %s", digits, err.text);
		return -1;
	}
	if (nonce->len && nonce->len <= IMATALLY_MAX_NONCE)
		return 0;
	complain("--nonce: %zu bytes given, 1 to %d expected", nonce->len,
		 IMATALLY_MAX_NONCE);
	free(nonce->data);
	nonce->data = NULL;
	return -1;
}
