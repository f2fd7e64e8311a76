/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The directory in which "watch --keep" has a copy of the measurement list, in
 * files named RUN-PIECE, two numbers of ten digits.  The pieces of a run continue
 * each other; a run ends where nothing shows that the next entry followed.
 */
#ifndef PROGRAMS_KEPT_H
#define PROGRAMS_KEPT_H

#include <stddef.h>
#include <stdint.h>

#define KEPT_MAX_PIECES 256
#define KEPT_NAME_SIZE 22

struct kept_piece {
	uint64_t run, piece;
};

/*
 * Find the pieces in a directory, in their order; *@pieces is to be freed.  Other
 * files are ignored.  Returns -1 after an error message.
 */
int kept_find(const char *dir, struct kept_piece **pieces, size_t *nr);

const char *kept_name(const struct kept_piece *piece, char name[KEPT_NAME_SIZE]);

#endif /* PROGRAMS_KEPT_H */
