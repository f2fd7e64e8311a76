/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands share. */
#ifndef PROGRAMS_IMATALLY_H
#define PROGRAMS_IMATALLY_H

#include "../include/imatally.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit statuses; 0 to 2 are verdicts. */
#define EXIT_ERROR 3

/* Commands: main()'s arguments from the command's name on; an exit status. */
int cmd_show(int argc, char *argv[]);
int cmd_verify(int argc, char *argv[]);
extern const char cmd_show_usage[], cmd_verify_usage[];

/* input.c: all complain on stderr themselves */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An error of the library about the file called @name. */
void complain_about(const char *name, const struct imatally_error *err);
/* What to call it in messages: "-" is standard input. */
const char *input_name(const char *path);
/* Open a file, or standard input for "-".  NULL if that fails. */
FILE *input_open(const char *path);
void input_close(FILE *file);
/*
 * Read a small text file whole.  To be freed; NULL if it can't be read or is
 * larger than a megabyte.
 */
char *input_read(const char *path, size_t *len);
/* Flush standard output; EXIT_ERROR if that failed, else @status. */
int finish_output(int status);

/* report.c */
void report_result(const struct imatally_result *result);

#endif /* PROGRAMS_IMATALLY_H */
