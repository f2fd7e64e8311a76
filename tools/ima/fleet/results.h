/* SPDX-License-Identifier: GPL-2.0-only */
/* The stream of results, to which others can subscribe. */
#ifndef FLEET_RESULTS_H
#define FLEET_RESULTS_H

#include "fleet.h"

/*
 * Publish the verdict in a record.  The server drops it if the same one was
 * published not long ago.  A failure is no error: the record has the verdict.
 */
void results_publish(const struct fleet_net *net,
		     const struct fleet_record *record);
/* Publish that a host has become silent. */
void results_publish_silence(const struct fleet_net *net,
			     const struct fleet_record *record);

#endif /* FLEET_RESULTS_H */
