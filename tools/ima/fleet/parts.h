/* SPDX-License-Identifier: GPL-2.0-only */
/* The chunks of a list in their stream. */
#ifndef FLEET_PARTS_H
#define FLEET_PARTS_H

#include "fleet.h"

/*
 * Put the chunks of a round together, in a file without a name that the caller
 * closes.  NULL if some are missing, or after an error message.
 */
FILE *parts_collect(const struct fleet_net *net, const char *host,
		    const struct fleet_round *round);

/* Delete the chunks of a host. */
void parts_purge(const struct fleet_net *net, const char *host);

#endif /* FLEET_PARTS_H */
