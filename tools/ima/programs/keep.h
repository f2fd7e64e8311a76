/* SPDX-License-Identifier: GPL-2.0-only */
/* A copy of the kernel's measurement list that grows with it. */
#ifndef PROGRAMS_KEEP_H
#define PROGRAMS_KEEP_H

#include <stdint.h>

struct keep;

/*
 * Go on with the copy in @dir, which is created if it is missing, and of which
 * this process becomes the only writer.  It takes at most @limit bytes: the oldest
 * entries give way to new ones.  Returns NULL after an error message.
 */
struct keep *keep_open(const char *dir, uint64_t limit);
void keep_close(struct keep *keep);

/*
 * Copy what the kernel's list in @ima has more than before, and wait until it is
 * on the disk.  Returns -1 after an error message.
 */
int keep_update(struct keep *keep, const char *ima);

/* Print how many entries are on the disk. */
void keep_report(const struct keep *keep);

#endif /* PROGRAMS_KEEP_H */
