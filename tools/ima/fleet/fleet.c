// SPDX-License-Identifier: GPL-2.0-only
/* imatally fleet: begin a fleet, add and remove hosts, and show their state. */

#include <string.h>
#include <unistd.h>

#include "commands.h"

static const char usage[] =
"Usage: imatally fleet init DIR [--listen ADDRESS:PORT] [--tls-cert FILE\n"
"                      --tls-key FILE --tls-ca FILE]\n"
"         Write the configuration of nats-server for a new fleet, and its keys.\n"
"         Without TLS, the server must listen on this machine only (127.0.0.1:4222).\n"
"       imatally fleet add DIR HOST (--enrolled FILE | --ak PUB)\n"
"         Add a host with the AK that \"imatally challenge\" enrolled, and write\n"
"         DIR/hosts/HOST.seed for its agent.\n"
"       imatally fleet remove DIR HOST\n"
"       imatally fleet status DIR [--json] [--watch] [--html FILE]\n"
"         The last verdict of each host, the worst first; --html also writes a page.\n"
"       imatally fleet history DIR HOST\n"
"         The last verdicts of a host, each as a line of JSON.\n"
"       imatally fleet metrics DIR [--listen ADDRESS:PORT]\n"
"         Figures for monitoring, as OpenMetrics; --listen serves them over HTTP.\n"
"         Exit status: 0, 3 error; of status the highest verdict: 1 incomplete or\n"
"         silent, 2 mismatch, 3 error, 4 not authentic.\n";

static const struct command {
	const char *name;
	int (*run)(const struct fleet_arguments *args);
	bool has_host;
} commands[] = {
	{ "init", fleet_init, false },
	{ "add", fleet_add, true },
	{ "remove", fleet_remove, true },
	{ "status", fleet_status, false },
	{ "history", fleet_history, true },
	{ "metrics", fleet_metrics, false },
};

/* Options that were given belong to the command. */
static int check_options(const struct command *command,
			 const struct fleet_arguments *args)
{
	const struct {
		const char *name;
		bool given;
		int (*owner)(const struct fleet_arguments *args);
	} options[] = {
		{ "listen", args->listen,
		  command->run == fleet_metrics ? fleet_metrics : fleet_init },
		{ "tls-cert", args->tls_cert, fleet_init },
		{ "tls-key", args->tls_key, fleet_init },
		{ "tls-ca", args->tls_ca, fleet_init },
		{ "ak", args->ak, fleet_add },
		{ "enrolled", args->enrolled, fleet_add },
		{ "json", args->json, fleet_status },
		{ "watch", args->watch, fleet_status },
		{ "html", args->html, fleet_status },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i].given || options[i].owner == command->run)
			continue;
		complain("--%s: not an option of fleet %s", options[i].name,
			 command->name);
		return -1;
	}
	return 0;
}

static int check_arguments(const struct command *command,
			   const struct fleet_arguments *args)
{
	if (check_options(command, args))
		return -1;
	if (command->has_host && !fleet_name_is_valid(args->host)) {
		complain("%s: a host's name has 1 to %d lower-case letters, digits, - and _",
			 args->host, FLEET_NAME_MAX);
		return -1;
	}
	if (command->run == fleet_add && !args->ak == !args->enrolled) {
		complain("give either --enrolled or --ak");
		return -1;
	}
	return 0;
}

/* 0; 1 after --help; -1 after an error message */
static int parse(struct fleet_arguments *args, const struct command **command,
		 int argc, char *argv[])
{
	const struct option_row rows[] = {
		{ "listen", .text = &args->listen },
		{ "tls-cert", .text = &args->tls_cert },
		{ "tls-key", .text = &args->tls_key },
		{ "tls-ca", .text = &args->tls_ca },
		{ "ak", .text = &args->ak },
		{ "enrolled", .text = &args->enrolled },
		{ "json", .given = &args->json },
		{ "watch", .given = &args->watch },
		{ "html", .text = &args->html },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows), usage,
				NULL);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(commands) && optind < argc; i++) {
		if (strcmp(argv[optind], commands[i].name))
			continue;
		*command = &commands[i];
		if (argc - optind != 2 + commands[i].has_host)
			break;
		args->dir = argv[optind + 1];
		args->host = argv[optind + 2];
		return check_arguments(*command, args);
	}
	if (*command)
		complain("fleet %s takes a folder%s", (*command)->name,
			 (*command)->has_host ? " and a host" : "");
	else
		complain("fleet: init, add, remove, status, history or metrics expected");
	fputs(usage, stderr);
	return -1;
}

int main(int argc, char *argv[])
{
	struct fleet_arguments args = { 0 };
	const struct command *command = NULL;
	int ret;

	fleet_begin();
	ret = parse(&args, &command, argc, argv);
	if (ret)
		return ret > 0 ? finish_output(0) : EXIT_ERROR;
	ret = command->run(&args);
	nats_Close();
	return finish_output(ret);
}
