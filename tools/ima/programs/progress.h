/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress.c: how far a log has been read: entries, megabytes, and per cent where
 * the size is known, on stderr if that is a terminal.  Nothing for a log that is
 * read within a second.
 */
#ifndef PROGRAMS_PROGRESS_H
#define PROGRAMS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	bool wanted;
	bool shown;		/* there is a line to erase */
	uint64_t size;		/* of the log in bytes, 0 if not known */
	int64_t next_ms;	/* monotonic time of the next line */
};

/* @file is NULL if there is more than one. */
void progress_begin(struct progress *progress, FILE *file);
/* @entries were read, the last of which begins at @bytes. */
void progress_at(struct progress *progress, uint64_t entries, uint64_t bytes);
/* Erase the line; before anything else is printed. */
void progress_end(struct progress *progress);

#endif /* PROGRAMS_PROGRESS_H */
