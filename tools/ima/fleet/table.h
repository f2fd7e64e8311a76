/* SPDX-License-Identifier: GPL-2.0-only */
/* table.c: all hosts of a fleet and their last verdicts, the worst first */
#ifndef FLEET_TABLE_H
#define FLEET_TABLE_H

#include "fleet.h"

struct table {
	struct fleet_record *record;
	size_t nr;
};

/*
 * Fill in the table, to be emptied in any case.  Returns -1 after an error message,
 * and the hosts that could be read are in it then.
 */
int table_fill(struct table *table, const struct fleet_net *net,
	       const struct fleet *fleet);
void table_empty(struct table *table);
/* The exit status: the highest of all hosts. */
int table_status(const struct table *table);

/* What to show of a host: its last verdict, or that it is silent if that is worse. */
bool host_is_silent(const struct fleet_record *r);
const char *host_word(const struct fleet_record *r);
/* How long ago that was, in words.  Returns @text. */
const char *host_age(char text[32], int64_t then);

#endif /* FLEET_TABLE_H */
