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
	uint64_t seen = 0;
	int opt, index = -1;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "h", options, &index)) != -1) {
		if (option_once(&seen, options, index))
			return -1;
		index = -1;
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
 * Count the entries that were added since the last call, to *@added, where
 * *@seen of them were in the list then.  The number in the list falls when user
 * space stages or deletes entries; those that are left may be new.  Returns -1
 * after an error message.
 */
static int look(const struct arguments *args, long long *seen, long long *added)
{
	long long now = kernel_count_entries(args->ima);

	if (now < 0)
		return -1;
	*added += now < *seen ? now : now - *seen;
	*seen = now;
	return 0;
}

/*
 * Request a record, and set *@seen to the number of entries including it.
 * Returns -1 if there is no point in continuing; failures of the TPM or the
 * policy may be temporary.
 */
static int request(const struct arguments *args, long long *seen)
{
	if (kernel_request_record(args->ima) > 0) {
		complain("this kernel does not create records on request (%s/update_counter is missing)",
			 args->ima);
		return -1;
	}
	if (!args->every)
		return 0;
	*seen = kernel_count_entries(args->ima);
	return *seen < 0 ? -1 : 0;
}

/* Continue until an error. */
static int watch(const struct arguments *args)
{
	long long seen = 0, added;
	struct timespec last;

	clock_gettime(CLOCK_MONOTONIC, &last);
	for (;;) {
		if (request(args, &seen))
			return EXIT_ERROR;
		added = 0;
		do {
			sleep_until(&last, args->every ? LOOK_INTERVAL :
							 args->interval);
			if (args->every && look(args, &seen, &added))
				return EXIT_ERROR;
		} while (args->every && added < (long long)args->every);
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
