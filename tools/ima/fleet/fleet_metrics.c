// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally fleet metrics.  No label names a host, so that the number of time series
 * does not depend on the number of hosts.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../programs/gauges.h"
#include "commands.h"
#include "table.h"

struct source {
	const struct fleet_net *net;
	const struct fleet *fleet;
};

/* In the order of enum fleet_verdict; the last one is a silent host. */
#define SILENT FLEET_NR_VERDICTS
static const char *const statuses[] = {
	"mismatch", "not_authentic", "error", "incomplete", "none",
	"complete_not_counted", "complete", "silent",
};

struct total {
	uint64_t status[ARRAY_SIZE(statuses)];
	uint64_t with_findings, lost, dropped, failed;
	int64_t oldest;		/* 0 if there is no verdict */
};

static void add(struct total *total, const struct fleet_record *r)
{
	total->status[host_is_silent(r) ? SILENT : r->verdict]++;
	if (r->time && (!total->oldest || r->time < total->oldest))
		total->oldest = r->time;
	/* of a mismatch, nothing is certain */
	if (r->verdict < FLEET_INCOMPLETE)
		return;
	total->with_findings += r->findings;
	total->lost += r->lost;
	total->dropped += r->dropped;
	total->failed += r->failed;
}

static void put(FILE *to, const struct total *total)
{
	size_t i;

	gauge_family(to, "fleet_hosts", "Hosts, by status.");
	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		gauge_member(to, "fleet_hosts", "status", statuses[i],
			     total->status[i]);
	gauge_put(to, "fleet_hosts_with_findings", total->with_findings,
		  "Hosts whose complete or incomplete list has findings.");
	gauge_put(to, "fleet_entries_lost", total->lost,
		  "Entries that are missing from incomplete lists.");
	gauge_put(to, "fleet_measurements_dropped", total->dropped,
		  "Measurements that never became an entry of incomplete lists.");
	gauge_put(to, "fleet_extends_failed", total->failed,
		  "Entries of incomplete lists that were not extended.");
	if (total->oldest)
		gauge_put(to, "fleet_oldest_verdict_timestamp_seconds",
			  total->oldest, "When the host with the oldest verdict was challenged for it.");
	gauge_put(to, "fleet_read_timestamp_seconds", time(NULL),
		  "When the verdicts were read.");
	gauges_end(to);
}

/* To be freed; NULL after an error message. */
static char *figures(void *data)
{
	const struct source *source = data;
	struct table table = { 0 };
	struct total total = { 0 };
	char *text = NULL;
	FILE *to = NULL;
	size_t i, len;

	if (!table_fill(&table, source->net, source->fleet)) {
		for (i = 0; i < table.nr; i++)
			add(&total, &table.record[i]);
		to = open_memstream(&text, &len);
		if (to)
			put(to, &total);
		/* when out of memory, there may be no text even if this succeeds */
		if (!to || fclose(to) || !text) {
			complain("out of memory");
			free(text);
			text = NULL;
		}
	}
	table_empty(&table);
	return text;
}

static int show(struct source *source, const char *listen)
{
	char *text;

	if (listen)
		return serve(listen, figures, source);
	text = figures(source);
	if (!text)
		return -1;
	fputs(text, stdout);
	free(text);
	return 0;
}

int fleet_metrics(const struct fleet_arguments *args)
{
	struct source source;
	struct fleet fleet;
	struct fleet_net net;
	int ret = -1;

	if (fleet_open(&fleet, args->dir))
		return EXIT_ERROR;
	if (!fleet_connect(&net, false, &fleet, "imatally-fleet")) {
		source = (struct source){ .net = &net, .fleet = &fleet };
		ret = show(&source, args->listen);
		fleet_net_close(&net);
	}
	fleet_close(&fleet);
	return ret ? EXIT_ERROR : 0;
}
