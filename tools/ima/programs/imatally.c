// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally: count the entries of an IMA measurement list against the TPM's
 * counter.
 */

#include <stdlib.h>
#include <string.h>

#include "commands.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char *argv[]);
	const char *usage;
} commands[] = {
	{ "show", cmd_show, cmd_show_usage },
	{ "verify", cmd_verify, cmd_verify_usage },
	{ "collect", cmd_collect, cmd_collect_usage },
	{ "enroll", cmd_enroll, cmd_enroll_usage },
	{ "challenge", cmd_challenge, cmd_challenge_usage },
	{ "watch", cmd_watch, cmd_watch_usage },
};

static void usage(FILE *to)
{
	size_t i;

	fputs("imatally counts the entries of an IMA measurement list against the TPM's\n"
	      "pcrUpdateCounter.\n"
	      "\n", to);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "%s\n", commands[i].usage);
	fputs("       imatally COMMAND --help\n"
	      "       imatally --version\n", to);
}

int main(int argc, char *argv[])
{
	size_t i;

	/* keep tpm2-tss from logging what is reported here anyway */
	setenv("TSS2_LOG", "all+NONE", 0);
	if (argc < 2) {
		complain("no command");
		usage(stderr);
		return EXIT_ERROR;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return finish_output(0);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("imatally " IMATALLY_VERSION);
		return finish_output(0);
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		return finish_output(commands[i].run(argc - 1, argv + 1));
	}
	complain("unknown command \"%s\"", argv[1]);
	usage(stderr);
	return EXIT_ERROR;
}
