/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress.c: the progress of reading a list, on stderr if that is a terminal:
 * entries, megabytes, and the percentage if the size is known.  Nothing is
 * shown for a list that is read within a second.
 */
#ifndef PROGRAMS_PROGRESS_H
#define PROGRAMS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	bool wanted;
	bool shown;		/* there is a line to erase */
	uint64_t size;		/* of the list in bytes, 0 if unknown */
	int64_t next_ms;	/* when to update the line, in monotonic time */
};

/* @file is NULL if the list is in several files. */
void progress_begin(struct progress *progress, FILE *file);
/* @entries have been read, the last of which begins at offset @bytes. */
void progress_at(struct progress *progress, uint64_t entries, uint64_t bytes);
/* Erase the line.  To be called before anything else is printed. */
void progress_end(struct progress *progress);

#endif /* PROGRAMS_PROGRESS_H */
