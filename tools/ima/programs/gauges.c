// SPDX-License-Identifier: GPL-2.0-only
/* See gauges.h. */

#include <inttypes.h>

#include "gauges.h"

void gauge_family(FILE *to, const char *name, const char *help)
{
	fprintf(to, "# HELP imatally_%s %s\n# TYPE imatally_%s gauge\n", name,
		help, name);
}

void gauge_member(FILE *to, const char *name, const char *label,
		  const char *is, uint64_t value)
{
	fprintf(to, "imatally_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, is,
		value);
}

void gauge_put(FILE *to, const char *name, uint64_t value, const char *help)
{
	gauge_family(to, name, help);
	fprintf(to, "imatally_%s %" PRIu64 "\n", name, value);
}

void gauges_end(FILE *to)
{
	fputs("# EOF\n", to);
}
