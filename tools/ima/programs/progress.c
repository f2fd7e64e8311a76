// SPDX-License-Identifier: GPL-2.0-only
/* See progress.h. */

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define ENTRIES_BETWEEN_LOOKS 256
#define MS_BEFORE_FIRST 1000
#define MS_BETWEEN 200

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, FILE *file)
{
	struct stat st;

	*progress = (struct progress){ .wanted = isatty(STDERR_FILENO) };
	if (!progress->wanted)
		return;
	/* files in securityfs have size 0, and pipes have none */
	if (file && !fstat(fileno(file), &st) && S_ISREG(st.st_mode))
		progress->size = st.st_size;
	progress->next_ms = now_ms() + MS_BEFORE_FIRST;
}

void progress_at(struct progress *progress, uint64_t entries, uint64_t bytes)
{
	int64_t now;

	if (!progress->wanted || entries % ENTRIES_BETWEEN_LOOKS)
		return;
	now = now_ms();
	if (now < progress->next_ms)
		return;
	fprintf(stderr, "\r\033[K%" PRIu64 " entries, %" PRIu64 " MB", entries,
		bytes / 1000000);
	if (progress->size && bytes <= progress->size)
		fprintf(stderr, " (%" PRIu64 " %%)",
			bytes * 100 / progress->size);
	fflush(stderr);
	progress->shown = true;
	progress->next_ms = now + MS_BETWEEN;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
