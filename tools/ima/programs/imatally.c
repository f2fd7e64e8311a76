// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally: count the entries of an IMA measurement list against the TPM's
 * counter.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/*
 * "imatally fleet" is a program of its own, beside this one, which so needs no
 * library of NATS.  Returns only after an error message.
 */
static int run_fleet(char *argv[])
{
	static const char name[] = "imatally-fleet";
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path,
			       sizeof(path) - sizeof(name));

	while (len > 0 && path[len - 1] != '/')
		len--;
	if (len > 0) {
		memcpy(path + len, name, sizeof(name));
		execv(path, argv);
	}
	complain("%s: %s", name, len > 0 ? strerror(errno) : "not found");
	return EXIT_ERROR;
}

static void usage(FILE *to)
{
	size_t i;

	fputs("imatally counts the entries of an IMA measurement list against the TPM's\n"
	      "pcrUpdateCounter.\n"
	      "\n", to);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "%s\n", commands[i].usage);
	fputs("       imatally fleet COMMAND: see imatally-fleet(1)\n"
	      "       imatally COMMAND --help\n"
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
	if (!strcmp(argv[1], "fleet"))
		return run_fleet(argv + 1);
	complain("unknown command \"%s\"", argv[1]);
	usage(stderr);
	return EXIT_ERROR;
}
