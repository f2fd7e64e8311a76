// SPDX-License-Identifier: GPL-2.0-only
/* imatally watch: counter records at a rhythm, so that a loss is located. */

#include <errno.h>
#include <getopt.h>
#include <time.h>

#include "commands.h"
#include "kernel.h"

const char cmd_watch_usage[] =
"Usage: imatally watch (--interval S | --every N) [--ima DIR]\n"
"         On the measured machine: ask the kernel for a counter record again and\n"
"         again, so that a loss of entries is located between two of them.\n"
"           --interval S    every S seconds\n"
"           --every N       whenever N entries were added; looks once a second\n"
"           --ima DIR       IMA's files (" KERNEL_IMA ")\n";

#define LOOK_INTERVAL 1		/* seconds */
#define MAX_VALUE 1000000000UL

struct arguments {
	unsigned long interval, every;
	const char *ima;
};

/* 0, 1 if only help was wanted, -1 */
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
	complain("watch takes either --interval or --every");
	fputs(cmd_watch_usage, stderr);
	return -1;
}

/*
 * Sleep until @seconds after *@last, whatever the work in between took; but
 * don't make up for what was missed while this process was stopped.
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
 * A record; *@count is the number of entries with it.  -1 if there is no use in
 * going on; a TPM or a policy that fails now may do later.
 */
static int request(const struct arguments *args, long long *count)
{
	if (kernel_request_record(args->ima) > 0) {
		complain("this kernel makes no counter record on request (%s/update_counter is missing)",
			 args->ima);
		return -1;
	}
	if (!args->every)
		return 0;
	*count = kernel_count_entries(args->ima);
	return *count < 0 ? -1 : 0;
}

/* Goes on until it can't. */
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
