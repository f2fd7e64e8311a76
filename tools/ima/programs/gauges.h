/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gauges.c: figures for monitoring as OpenMetrics.  The text has only what the older
 * format of Prometheus has too, since node_exporter's textfile collector reads that:
 * no other types than gauges, and no times of its own.
 */
#ifndef PROGRAMS_GAUGES_H
#define PROGRAMS_GAUGES_H

#include <stdint.h>
#include <stdio.h>

/* Begin the figures imatally_@name, which have labels.  @help is a sentence. */
void gauge_family(FILE *to, const char *name, const char *help);
/* Put one of them. */
void gauge_member(FILE *to, const char *name, const char *label,
		  const char *is, uint64_t value);
/* Put the figure imatally_@name, without labels. */
void gauge_put(FILE *to, const char *name, uint64_t value, const char *help);
/* Say that these were all. */
void gauges_end(FILE *to);

#endif /* PROGRAMS_GAUGES_H */
