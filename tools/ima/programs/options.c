// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of options that several commands have. */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "commands.h"

#define FIRST_OPTION 256	/* not a character */

static int take_number(const struct option_row *row, const char *text)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < row->min ||
	    number > row->max) {
		complain("--%s %s: number from %u to %u expected", row->name,
			 text, row->min, row->max);
		return -1;
	}
	*row->number = number;
	return 0;
}

static int take(const struct option_row *row, const char *value, void *data)
{
	if (row->given)
		*row->given = true;
	if (row->text)
		*row->text = value;
	if (row->number)
		return take_number(row, value);
	return row->take ? row->take(data, value) : 0;
}

int options_parse(int argc, char *argv[], const struct option_row *rows,
		  unsigned int nr, const char *usage, void *data)
{
	struct option known[OPTIONS_MAX + 2] = { { 0 } };
	bool seen[OPTIONS_MAX] = { 0 };
	unsigned int i;
	int opt;

	for (i = 0; i < nr; i++) {
		known[i].name = rows[i].name;
		known[i].has_arg = rows[i].text || rows[i].number ||
				   rows[i].take;
		known[i].val = FIRST_OPTION + i;
	}
	known[nr] = (struct option){ "help", no_argument, NULL, 'h' };
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		const struct option_row *row;

		if (opt == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (opt == '?') {
			complain("%s: unknown option, or its value is missing",
				 argv[optind - 1]);
			fputs(usage, stderr);
			return -1;
		}
		i = opt - FIRST_OPTION;
		row = &rows[i];
		if (seen[i] && !row->take) {
			complain("--%s is given more than once", row->name);
			return -1;
		}
		seen[i] = true;
		if (take(row, optarg, data))
			return -1;
	}
	return 0;
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
