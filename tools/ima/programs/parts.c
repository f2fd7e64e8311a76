// SPDX-License-Identifier: GPL-2.0-only
/*
 * A list in several files: first what was deleted from the kernel's list and
 * kept, in order, and last what is left in the kernel.
 */

#include <stdlib.h>
#include <string.h>

#include "commands.h"

/* NULL after an error message */
static FILE *open_part(struct parts *parts, const char *path, bool is_within)
{
	FILE *file = is_within ? input_open_within(path) : input_open(path);

	if (!file)
		return NULL;
	if (!parts->log)
		parts->log = imatally_log_open_file(file);
	else if (!imatally_log_add_file(parts->log, file))
		return file;
	if (parts->log && !parts->nr)
		return file;
	complain("out of memory");
	fclose(file);
	return NULL;
}

/* Open the files from @first_within on with input_open_within(). */
static int open_parts(struct parts *parts, const char *const *path, size_t nr,
		      size_t first_within)
{
	memset(parts, 0, sizeof(*parts));
	parts->path = path;
	parts->file = calloc(nr, sizeof(*parts->file));
	if (!parts->file) {
		complain("out of memory");
		return -1;
	}
	while (parts->nr < nr) {
		FILE *file = open_part(parts, path[parts->nr],
				       parts->nr >= first_within);

		if (!file) {
			parts_close(parts);
			return -1;
		}
		parts->file[parts->nr++] = file;
	}
	return 0;
}

int parts_open(struct parts *parts, const char *const *path, size_t nr,
	       bool last_is_within)
{
	return open_parts(parts, path, nr, last_is_within ? nr - 1 : nr);
}

int parts_open_within(struct parts *parts, const char *const *path, size_t nr)
{
	return open_parts(parts, path, nr, 0);
}

void parts_close(struct parts *parts)
{
	imatally_log_close(parts->log);
	while (parts->nr)
		fclose(parts->file[--parts->nr]);
	free(parts->file);
	memset(parts, 0, sizeof(*parts));
}

const char *parts_name(const struct parts *parts)
{
	return input_name(parts->path[imatally_log_part(parts->log)]);
}
