// SPDX-License-Identifier: GPL-2.0-only
/* imatally watch: request records regularly, so that losses can be located. */

#include <errno.h>
#include <getopt.h>
#include <time.h>

#include "commands.h"
#include "kernel.h"

const char cmd_watch_usage[] =
"Usage: imatally watch (--interval S | --every N) [--ima DIR]\n"
"         On the measured machine: request a record from the kernel regularly, so\n"
"         that a loss of entries can be located between two records.\n"
"           --interval S    every S seconds\n"
"           --every N       whenever N entries were added, checked once a second\n"
"           --ima DIR       IMA's files (" KERNEL_IMA ")\n";

#define LOOK_INTERVAL 1		/* seconds */
#define MAX_VALUE 1000000000UL

struct arguments {
	unsigned long interval, every;
	const char *ima;
};

/* 0; 1 after --help; -1 after an error message */
static int parse(struct arguments *args, int argc, char *argv[])
{
	enum { OPT_INTERVAL = 256, OPT_EVERY, OPT_IMA };
	static const struct option options[] = {
		{ "interval", required_argument, NULL, OPT_INTERVAL },
		{ "every", required_argument, NULL, OPT_EVERY },
		{ "ima", required_argument, NULL, OPT_IMA },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case OPT_INTERVAL:
			if (option_number("--interval", optarg, 1, MAX_VALUE,
					  &args->interval))
				return -1;
			break;
		case OPT_EVERY:
			if (option_number("--every", optarg, 1, MAX_VALUE,
					  &args->every))
				return -1;
			break;
		case OPT_IMA:
			args->ima = optarg;
			break;
		case 'h':
			fputs(cmd_watch_usage, stdout);
			return 1;
		default:
			return option_refused(argv, optind, cmd_watch_usage);
		}
	}
	if (argc == optind && !args->interval != !args->every)
		return 0;
	complain("watch requires either --interval or --every");
	fputs(cmd_watch_usage, stderr);
	return -1;
}

/*
 * Sleep until @seconds after *@last, independent of the time spent since.  Do
 * not make up for times that were missed while this process was stopped.
 */
static void sleep_until(struct timespec *last, unsigned long seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	last->tv_sec += seconds;
	if (last->tv_sec < now.tv_sec)
		*last = now;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, last, NULL) ==
	       EINTR)
		;
}

/*
 * Request a record, and set *@count to the number of entries including it.
 * Returns -1 if there is no point in continuing; failures of the TPM or the
 * policy may be temporary.
 */
static int request(const struct arguments *args, long long *count)
{
	if (kernel_request_record(args->ima) > 0) {
		complain("this kernel does not create records on request (%s/update_counter is missing)",
			 args->ima);
		return -1;
	}
	if (!args->every)
		return 0;
	*count = kernel_count_entries(args->ima);
	return *count < 0 ? -1 : 0;
}

/* Continue until an error. */
static int watch(const struct arguments *args)
{
	long long then = 0, now;
	struct timespec last;

	clock_gettime(CLOCK_MONOTONIC, &last);
	for (;;) {
		if (request(args, &then))
			return EXIT_ERROR;
		do {
			sleep_until(&last, args->every ? LOOK_INTERVAL :
							 args->interval);
			now = args->every ? kernel_count_entries(args->ima) : 0;
			if (now < 0)
				return EXIT_ERROR;
		} while (args->every && now - then < (long long)args->every);
	}
}

int cmd_watch(int argc, char *argv[])
{
	struct arguments args = { .ima = KERNEL_IMA };
	int ret = parse(&args, argc, argv);

	if (ret)
		return ret > 0 ? 0 : EXIT_ERROR;
	return watch(&args);
}
