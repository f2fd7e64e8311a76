/* SPDX-License-Identifier: GPL-2.0-only */
/* Declarations shared by the commands. */
#ifndef PROGRAMS_COMMANDS_H
#define PROGRAMS_COMMANDS_H

#include "../lib/array_size.h"
#include "imatally-enroll.h"
#include "imatally-evidence.h"
#include "firmware.h"
#include "imatally.h"

/* Exit statuses; 0 to 2 are verdicts */
#define EXIT_ERROR 3
#define EXIT_NOT_AUTHENTIC 4
#define NR_EXITS 5

/*
 * Commands: they take the arguments from their name on, and return the status.
 */
int cmd_challenge(int argc, char *argv[]);
int cmd_collect(int argc, char *argv[]);
int cmd_enroll(int argc, char *argv[]);
int cmd_show(int argc, char *argv[]);
int cmd_verify(int argc, char *argv[]);
int cmd_watch(int argc, char *argv[]);
extern const char cmd_challenge_usage[], cmd_collect_usage[],
	cmd_enroll_usage[], cmd_show_usage[], cmd_verify_usage[],
	cmd_watch_usage[];

struct complaint {
	char text[512];		/* not only ASCII, because of file names */
	bool in_log;		/* entry and offset are valid */
	uint64_t entry;
	uint64_t offset;
};

/* complain.c: error messages on stderr */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Print an error of the library about the file @name. */
void complain_about(const char *name, const struct imatally_error *err);
/* The same if @status is not IMATALLY_OK; returns -1 then, otherwise 0. */
int complain_if(enum imatally_status status, const char *name,
		const struct imatally_error *err);
/*
 * Write @text so that it can be printed safely: what is not printable ASCII, and
 * the backslash, as \\xHH.  What does not fit is cut off.  Returns @out.
 */
const char *escaped(char *out, size_t size, const char *text);
/* Return the last message of this thread, for reports, or NULL. */
const struct complaint *last_complaint(void);

/* input.c: these print errors */
/* Return the name of @path in messages: "-" is standard input. */
const char *input_name(const char *path);
/* Open a file, or standard input for "-".  NULL on an error. */
FILE *input_open(const char *path);
/*
 * Open a file in a directory of evidence or of --jobs, which others may have
 * created.  It must be a regular file: reading another one may never end, or
 * block, and a symbolic link may lead to a file that they cannot read.
 */
FILE *input_open_within(const char *path);
/*
 * Read a text file of at most a megabyte.  To be freed; NULL on an error.
 */
char *input_read(const char *path, size_t *len);
char *input_read_within(const char *path, size_t *len);

/* parts.c: a list in one or more files, which are all open */
struct parts {
	struct imatally_log *log;
	size_t nr;
	const char *const *path;
	FILE **file;
};

/*
 * @path must remain valid.  With @last_is_within, the last file is opened with
 * input_open_within().  Returns -1 after an error message; nothing is open
 * then.
 */
int parts_open(struct parts *parts, const char *const *path, size_t nr,
	       bool last_is_within);
/* The same, with input_open_within() for all of them. */
int parts_open_within(struct parts *parts, const char *const *path, size_t nr);
void parts_close(struct parts *parts);
/* Return the name of the file with the last entry, for messages. */
const char *parts_name(const struct parts *parts);

/*
 * output.c: a file that replaces an older one once it is complete.  @path must
 * remain valid.  Errors when writing to @file are detected by output_close();
 * if @wanted is false, it keeps the older file.  Return -1 after an error
 * message, and, without a message, if not @wanted.
 */
struct output {
	FILE *file;
	char *temporary;
	const char *path;
	bool is_new;		/* an older file is not replaced */
};

int output_open(struct output *output, const char *path);
int output_close(struct output *output, bool wanted);
int output_write(const char *path, const void *data, size_t len);
/* Fail if there is a file already. */
int output_write_new(const char *path, const void *data, size_t len);
/* The same for a text, which is freed.  It is NULL when out of memory. */
int output_text_new(const char *path, char *text);
/*
 * Flush standard output.  Returns EXIT_ERROR if that fails, otherwise @status.
 */
int finish_output(int status);

/*
 * state.c: the state of verify in the file @path.  Both return -1 after an
 * error message.  It is not an error if there is no file to read yet.
 */
int state_read(const char *path, struct imatally_verifier *v);
int state_write(const char *path, const struct imatally_verifier *v);

/* copies.c: a copy of the list, for entries that are missing from it */
struct copies {
	struct copy_run {	/* entries that follow each other */
		struct parts parts;
		char **path;
		size_t nr_paths;
	} *run;
	size_t nr;
};

/*
 * Open a file, or a directory of "watch --keep".  To be closed in any case.
 * These return -1 after an error message.
 */
int copies_open(struct copies *copies, const char *path);
int copies_add(const struct copies *copies, struct imatally_verifier *v,
	       const char *path);
/* After imatally_verifier_run(). */
void copies_close(struct copies *copies);

/* jobs.c */
/* A task, which prints whole lines and returns an exit status */
typedef int task_fn(const void *data, const char *name);
/* Called in its place if its process could not be started or did not finish. */
typedef void task_lost_fn(const void *data, const char *name, const char *why);

/*
 * Run a task for each of @nr names, at most @at_once at a time.  Their output
 * is printed in the order of the names.  Counts exit statuses in @count, where a
 * lost task is an EXIT_ERROR; returns -1 after an error message.
 */
int jobs_run(unsigned int at_once, char *const names[], unsigned int nr,
	     task_fn *run, task_lost_fn *lost, const void *data,
	     unsigned int count[NR_EXITS]);

/* options.c: these return -1 after an error message */
/* An option, and where its value goes: one of @text, @number and @take, or none */
struct option_row {
	const char *name;
	bool *given;		/* set if it is given, or NULL */
	const char **text;
	unsigned int *number;	/* from @min to @max */
	unsigned int min, max;
	/* Called each time: the option may be repeated.  Returns 0 or -1. */
	int (*take)(void *data, const char *value);
};

#define OPTIONS_MAX 32		/* rows */

/*
 * Parse the options of a command, where @data is for take(); optind is then the
 * index of the first operand.  Other options may be given once only, since only
 * one of their values could be used.  Returns 1 after --help.
 */
int options_parse(int argc, char *argv[], const struct option_row *rows,
		  unsigned int nr, const char *usage, void *data);
/* To be freed. */
int option_nonce(struct imatally_bytes *nonce, const char *digits);

/* verify_evidence.c */
struct evidence_arguments {
	const char *dir;
	const char *ak;		/* file with the public key of the AK */
	bool is_enrolled;	/* that file is an enrollment */
	const char *nonce;
	const char *previous;	/* directory with earlier evidence, or NULL */
	uint32_t ima_pcr;
};

/* Who signed the PCR values, and what they signed */
struct signer {
	uint8_t fingerprint[IMATALLY_FINGERPRINT_SIZE];	/* of the AK */
	struct imatally_enrollment enrollment;	/* of zeroes if not known */
	struct imatally_attested attested;
	bool has_previous, rebooted;	/* since the previous evidence */
	bool unchanged;			/* the PCR values are the previous ones */
	bool weak;			/* only SHA-1 values of the IMA PCR */
	struct imatally_pcrs boot_pcrs;	/* PCRs 0 to 9; none in older evidence */
	struct firmware firmware;
	enum imatally_no_counter no_counter;	/* unless attested.has_counter */
};

/*
 * Read and check evidence.  Returns 0 with @pcrs and @signer filled in,
 * EXIT_ERROR after an error message, or EXIT_NOT_AUTHENTIC with the reason in
 * @err.  Free @signer with signer_free() in any case.
 */
int evidence_check(const struct evidence_arguments *args,
		   struct imatally_pcrs *pcrs, struct signer *signer,
		   struct imatally_error *err);

void signer_free(struct signer *signer);

#endif /* PROGRAMS_COMMANDS_H */
