// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally watch: request records regularly, so that losses can be located, and
 * keep a copy of the list, so that they can be made good.
 */

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "keep.h"
#include "kernel.h"

const char cmd_watch_usage[] =
"Usage: imatally watch [--interval S | --every N] [--keep DIR [--keep-size MIB]]\n"
"                      [--ima DIR]\n"
"         On the measured machine: request a record from the kernel regularly, so\n"
"         that a loss of entries can be located between two records.\n"
"           --interval S    every S seconds\n"
"           --every N       whenever N entries were added, checked once a second\n"
"           --keep DIR      keep a copy of the list in DIR, for \"verify --with\", and\n"
"                           add new entries to it once a second and at the end\n"
"           --keep-size MIB how large it may become (64): the oldest entries give way\n"
"           --ima DIR       IMA's files (" KERNEL_IMA ")\n";

#define LOOK_INTERVAL 1		/* seconds */
#define MAX_VALUE 1000000000
#define MAX_KEEP_SIZE (1 << 30)	/* MiB */
#define DEFAULT_KEEP_SIZE 64

struct arguments {
	unsigned int interval, every, keep_size;
	const char *ima, *keep;
};

static int check_arguments(struct arguments *args, int operands)
{
	if (operands)
		complain("watch takes no arguments besides options");
	else if (args->interval && args->every)
		complain("watch takes either --interval or --every");
	else if (!args->interval && !args->every && !args->keep)
		complain("watch requires --interval, --every or --keep");
	else if (args->keep_size && !args->keep)
		complain("--keep-size requires --keep");
	else
		return 0;
	fputs(cmd_watch_usage, stderr);
	return -1;
}

/* 0; 1 after --help; -1 after an error message */
static int parse(struct arguments *args, int argc, char *argv[])
{
	const struct option_row rows[] = {
		{ "interval", .number = &args->interval, .min = 1,
		  .max = MAX_VALUE },
		{ "every", .number = &args->every, .min = 1, .max = MAX_VALUE },
		{ "ima", .text = &args->ima },
		{ "keep", .text = &args->keep },
		{ "keep-size", .number = &args->keep_size, .min = 1,
		  .max = MAX_KEEP_SIZE },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows),
				cmd_watch_usage, NULL);

	if (ret)
		return ret;
	return check_arguments(args, argc - optind);
}

/*
 * Sleep until @seconds after *@last, independent of the time spent since.  Do
 * not make up for times that were missed while this process was stopped.  Returns
 * the signal that asks for the end, or 0.
 */
static int sleep_until(struct timespec *last, unsigned long seconds,
		       const sigset_t *ends)
{
	struct timespec now, left;
	int got;

	clock_gettime(CLOCK_MONOTONIC, &now);
	last->tv_sec += seconds;
	if (last->tv_sec < now.tv_sec)
		*last = now;
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = last->tv_sec - now.tv_sec;
		left.tv_nsec = last->tv_nsec - now.tv_nsec;
		if (left.tv_nsec < 0) {
			left.tv_nsec += 1000000000;
			left.tv_sec--;
		}
		if (left.tv_sec < 0)
			left = (struct timespec){ 0 };
		got = sigtimedwait(ends, NULL, &left);
	} while (got < 0 && errno == EINTR);
	return got > 0 ? got : 0;
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

/* Copy what is new before the end, which may be that of the machine. */
static int keep_last(const struct arguments *args, struct keep *keep)
{
	if (!keep)
		return 0;
	if (keep_update(keep, args->ima))
		return EXIT_ERROR;
	keep_report(keep);
	return 0;
}

/* Continue until an error, or one of the signals @ends, which are blocked. */
static int watch(const struct arguments *args, struct keep *keep,
		 const sigset_t *ends)
{
	unsigned long tick = args->every || keep ? LOOK_INTERVAL :
						   args->interval;
	bool due = args->every || args->interval, first = true;
	long long seen = 0, added = 0;
	unsigned long passed = 0;
	struct timespec last;

	clock_gettime(CLOCK_MONOTONIC, &last);
	for (;;) {
		if (due && request(args, &seen))
			return EXIT_ERROR;
		if (due) {
			added = 0;
			passed = 0;
		}
		if (keep && keep_update(keep, args->ima))
			return EXIT_ERROR;
		if (keep && first)
			keep_report(keep);
		first = false;
		if (sleep_until(&last, tick, ends))
			return keep_last(args, keep);
		passed += tick;
		if (args->every && look(args, &seen, &added))
			return EXIT_ERROR;
		due = args->every ? added >= (long long)args->every :
				    args->interval && passed >= args->interval;
	}
}

int cmd_watch(int argc, char *argv[])
{
	struct arguments args = { .ima = KERNEL_IMA };
	int ret = parse(&args, argc, argv);
	struct keep *keep = NULL;
	sigset_t ends;

	if (ret)
		return ret > 0 ? 0 : EXIT_ERROR;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	if (args.keep) {
		keep = keep_open(args.keep,
				 (uint64_t)(args.keep_size ? args.keep_size :
						DEFAULT_KEEP_SIZE) << 20);
		if (!keep)
			return EXIT_ERROR;
	}
	ret = watch(&args, keep, &ends);
	keep_close(keep);
	return ret;
}
