// SPDX-License-Identifier: GPL-2.0-only
/*
 * The copy of a list for "verify --with": a file, or the directory of "watch
 * --keep".
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "kept.h"

static int open_file(struct copies *copies, const char *path)
{
	copies->run = calloc(1, sizeof(*copies->run));
	if (!copies->run) {
		complain("out of memory");
		return -1;
	}
	if (parts_open(&copies->run[0].parts, &path, 1, false))
		return -1;
	copies->nr = 1;
	return 0;
}

/* Open @nr pieces that continue each other. */
static int open_run(struct copy_run *run, const char *dir,
		    const struct kept_piece *piece, size_t nr)
{
	char name[KEPT_NAME_SIZE];
	size_t i;

	run->path = calloc(nr, sizeof(*run->path));
	run->nr_paths = run->path ? nr : 0;
	for (i = 0; i < run->nr_paths; i++)
		if (asprintf(&run->path[i], "%s/%s", dir,
			     kept_name(&piece[i], name)) < 0) {
			run->path[i] = NULL;
			break;
		}
	if (!run->path || i < nr) {
		complain("out of memory");
		return -1;
	}
	return parts_open_within(&run->parts, (const char *const *)run->path, nr);
}

static int open_folder(struct copies *copies, const char *dir)
{
	struct kept_piece *found, *piece;
	size_t nr, end;
	int ret = 0;

	if (kept_find(dir, &found, &nr))
		return -1;
	piece = found;
	/* each is an open file; the older ones are of earlier boots */
	if (nr > KEPT_MAX_PIECES) {
		piece += nr - KEPT_MAX_PIECES;
		nr = KEPT_MAX_PIECES;
	}
	copies->run = calloc(nr + 1, sizeof(*copies->run));
	if (!copies->run) {
		complain("out of memory");
		ret = -1;
	}
	for (; nr && !ret; piece += end, nr -= end) {
		for (end = 1; end < nr && piece[end].run == piece->run &&
		     piece[end].piece == piece->piece + end; end++)
			;
		ret = open_run(&copies->run[copies->nr++], dir, piece, end);
	}
	if (!ret && !copies->nr) {
		complain("%s: no copy of a list, as \"imatally watch --keep\" makes it",
			 dir);
		ret = -1;
	}
	free(found);
	return ret;
}

int copies_open(struct copies *copies, const char *path)
{
	struct stat st;

	memset(copies, 0, sizeof(*copies));
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return open_folder(copies, path);
	return open_file(copies, path);
}

int copies_add(const struct copies *copies, struct imatally_verifier *v,
	       const char *path)
{
	size_t i;

	for (i = 0; i < copies->nr; i++) {
		switch (imatally_verifier_add_copy(v, copies->run[i].parts.log)) {
		case IMATALLY_OK:
			continue;
		case IMATALLY_ERR_USAGE:
			complain("%s: a copy cannot be read from a pipe", path);
			break;
		default:
			complain("out of memory");
		}
		return -1;
	}
	return 0;
}

void copies_close(struct copies *copies)
{
	while (copies->nr) {
		struct copy_run *run = &copies->run[--copies->nr];

		parts_close(&run->parts);
		while (run->nr_paths)
			free(run->path[--run->nr_paths]);
		free(run->path);
	}
	free(copies->run);
	memset(copies, 0, sizeof(*copies));
}
