/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands share. */
#ifndef PROGRAMS_COMMANDS_H
#define PROGRAMS_COMMANDS_H

#include "../lib/array_size.h"
#include "imatally-evidence.h"
#include "imatally.h"

/* Exit statuses; 0 to 2 are verdicts. */
#define EXIT_ERROR 3
#define EXIT_NOT_AUTHENTIC 4
#define NR_EXITS 5

/* Commands: main()'s arguments from the command's name on; an exit status. */
int cmd_collect(int argc, char *argv[]);
int cmd_show(int argc, char *argv[]);
int cmd_verify(int argc, char *argv[]);
int cmd_watch(int argc, char *argv[]);
extern const char cmd_collect_usage[], cmd_show_usage[], cmd_verify_usage[],
	cmd_watch_usage[];

struct complaint {
	char text[512];		/* not only ASCII: it names files */
	bool in_log;		/* the next two mean something */
	uint64_t entry;
	uint64_t offset;
};

/* complain.c: on stderr, for the user */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An error of the library about the file called @name. */
void complain_about(const char *name, const struct imatally_error *err);
/* What this thread complained about last, for reports; NULL if nothing. */
const struct complaint *last_complaint(void);

/* input.c: all complain themselves */
/* What to call it in messages: "-" is standard input. */
const char *input_name(const char *path);
/* Open a file, or standard input for "-".  NULL if that fails. */
FILE *input_open(const char *path);
/*
 * The same for what is in a folder of evidence or of a job, which somebody else
 * may have filled: a regular file only, since others may have no end, or wait for
 * ever.
 */
FILE *input_open_within(const char *path);
/*
 * Read a small text file whole.  To be freed; NULL if it can't be read or is
 * larger than a megabyte.
 */
char *input_read(const char *path, size_t *len);
char *input_read_within(const char *path, size_t *len);

/* parts.c: a log in one file or more, all of them open at once */
struct parts {
	struct imatally_log *log;
	size_t nr;
	const char *const *path;
	FILE **file;
};

/*
 * @path stays the caller's; @last_is_within: the last one is for
 * input_open_within().  -1 after a complaint; then nothing is open.
 */
int parts_open(struct parts *parts, const char *const *path, size_t nr,
	       bool last_is_within);
void parts_close(struct parts *parts);
/* What to call the file that the last entry is in. */
const char *parts_name(const struct parts *parts);

/*
 * output.c: a file that takes the place of an older one once it is whole.  @path
 * stays the caller's.  Write to @file, whose errors output_close() finds; without
 * @wanted the older file stays.  -1 after a complaint, but for what is not wanted.
 */
struct output {
	FILE *file;
	char *temporary;
	const char *path;
};

int output_open(struct output *output, const char *path);
int output_close(struct output *output, bool wanted);
int output_write(const char *path, const void *data, size_t len);
/* Flush standard output; EXIT_ERROR if that failed, else @status. */
int finish_output(int status);

/*
 * state.c: verify's state in the file @path.  Both return -1 after a complaint.
 * A file that is not there yet is none to go on from.
 */
int state_read(const char *path, struct imatally_verifier *v);
int state_write(const char *path, const struct imatally_verifier *v);

/* jobs.c */
/* A task: its exit status. */
typedef int task_fn(const void *data, const char *name);

/*
 * Run a task for each of @nr names, @at_once of them at a time; what they print
 * comes in their order.  Returns how many had which exit status in @count, or -1
 * after a complaint.
 */
int jobs_run(unsigned int at_once, char *const names[], unsigned int nr,
	     task_fn *run, const void *data, unsigned int count[NR_EXITS]);

/* options.c: -1 after a complaint */
/* The option before argv[optind] is none of the command's. */
int option_refused(char *const argv[], int optind, const char *usage);
/* @text, the value of @option, is a number from @min to @max. */
int option_number(const char *option, const char *text, unsigned long min,
		  unsigned long max, unsigned long *number);
/* To be freed. */
int option_nonce(struct imatally_bytes *nonce, const char *digits);

/* verify_evidence.c */
struct evidence_arguments {
	const char *dir;
	const char *ak;		/* file with the public key */
	const char *nonce;
	const char *previous;	/* folder with earlier evidence, or NULL */
};

/* Who vouches for the PCR values. */
struct signer {
	uint8_t fingerprint[IMATALLY_FINGERPRINT_SIZE];	/* of the AK */
	struct imatally_attested attested;
	bool has_previous, rebooted;	/* since the previous evidence */
	bool weak;			/* only SHA-1 values are signed */
};

/*
 * Read and check evidence.  0 with @pcrs and @signer filled in, EXIT_ERROR, or
 * EXIT_NOT_AUTHENTIC; then @err has the reason.
 */
int evidence_check(const struct evidence_arguments *args,
		   struct imatally_pcrs *pcrs, struct signer *signer,
		   struct imatally_error *err);

#endif /* PROGRAMS_COMMANDS_H */
