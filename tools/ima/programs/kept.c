// SPDX-License-Identifier: GPL-2.0-only
/* See kept.h. */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "kept.h"

#define DIGITS 10

static bool parse_name(const char *name, struct kept_piece *piece)
{
	char again[KEPT_NAME_SIZE];

	if (strlen(name) != 2 * DIGITS + 1)
		return false;
	piece->run = strtoull(name, NULL, 10);
	piece->piece = strtoull(name + DIGITS + 1, NULL, 10);
	return !strcmp(name, kept_name(piece, again));
}

const char *kept_name(const struct kept_piece *piece, char name[KEPT_NAME_SIZE])
{
	/* at most DIGITS digits each, as long as a machine lives */
	snprintf(name, KEPT_NAME_SIZE, "%0*" PRIu64 "-%0*" PRIu64, DIGITS,
		 piece->run % 10000000000, DIGITS, piece->piece % 10000000000);
	return name;
}

static int compare(const void *a, const void *b)
{
	const struct kept_piece *one = a, *other = b;

	if (one->run != other->run)
		return one->run < other->run ? -1 : 1;
	return one->piece < other->piece ? -1 : one->piece > other->piece;
}

int kept_find(const char *dir, struct kept_piece **pieces, size_t *nr)
{
	struct kept_piece piece;
	struct dirent *entry;
	size_t room = 0;
	DIR *folder = opendir(dir);

	*pieces = NULL;
	*nr = 0;
	if (!folder) {
		complain("%s: %s", dir, strerror(errno));
		return -1;
	}
	for (;;) {
		errno = 0;
		entry = readdir(folder);
		if (!entry)
			break;
		if (!parse_name(entry->d_name, &piece))
			continue;
		if (*nr == room) {
			struct kept_piece *grown;

			room = room * 2 + 16;
			grown = realloc(*pieces, room * sizeof(*grown));
			if (!grown)
				break;
			*pieces = grown;
		}
		(*pieces)[(*nr)++] = piece;
	}
	if (errno || entry) {
		complain("%s: %s", dir, strerror(errno));
		closedir(folder);
		free(*pieces);
		*pieces = NULL;
		return -1;
	}
	closedir(folder);
	if (*nr)
		qsort(*pieces, *nr, sizeof(**pieces), compare);
	return 0;
}
