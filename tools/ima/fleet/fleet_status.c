// SPDX-License-Identifier: GPL-2.0-only
/* imatally fleet status, history */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "table.h"

#define WATCH_MS 2000

static void print_table(const struct table *table)
{
	char text[32];
	size_t i;

	printf("%-20s %-22s %9s %9s %9s  %s\n", "HOST", "STATUS", "AGE",
	       "ENTRIES", "LOST", "WHY");
	for (i = 0; i < table->nr; i++) {
		const struct fleet_record *r = &table->record[i];

		printf("%-20s %-22s %9s %9" PRIu64 " %9" PRIu64 "  %s\n",
		       r->host, host_word(r), host_age(text, r->time), r->entries,
		       r->lost + r->dropped + r->failed,
		       r->why[0] ? r->why : r->findings ? "findings" : "");
	}
}

static json_t *json_of(const struct fleet_record *r)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:I, s:s}",
			 "host", r->host, "status", host_word(r),
			 "verdict", fleet_verdict_name(r->verdict),
			 "time", (json_int_t)r->time,
			 "silent_since", (json_int_t)r->silent_since,
			 "entries", (json_int_t)r->entries,
			 "lost", (json_int_t)r->lost,
			 "dropped", (json_int_t)r->dropped,
			 "failed", (json_int_t)r->failed,
			 "findings", r->findings, "why", r->why,
			 "anew", (json_int_t)r->anew, "anew_why", r->anew_why);
}

static int print_json(const struct table *table)
{
	json_t *hosts = json_array(), *json;
	char *text = NULL;
	size_t i;

	for (i = 0; hosts && i < table->nr; i++)
		json_array_append_new(hosts, json_of(&table->record[i]));
	json = json_pack("{s:s, s:i, s:o}", "format", "imatally-fleet-status",
			 "version", 1, "hosts", hosts);
	if (json && json_array_size(hosts) == table->nr)
		text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (!text) {
		complain("out of memory");
		return -1;
	}
	puts(text);
	free(text);
	return 0;
}

static int show(const struct fleet_arguments *args, const struct fleet_net *net,
		const struct fleet *fleet)
{
	struct table table = { 0 };
	int ret = table_fill(&table, net, fleet);

	if (args->json && print_json(&table))
		ret = -1;
	if (!args->json)
		print_table(&table);
	if (args->html && fleet_page(&table, fleet->url, args->html))
		ret = -1;
	ret = ret ? EXIT_ERROR : table_status(&table);
	table_empty(&table);
	return ret;
}

int fleet_status(const struct fleet_arguments *args)
{
	struct fleet fleet;
	struct fleet_net net;
	int ret = EXIT_ERROR;

	if (fleet_open(&fleet, args->dir))
		return EXIT_ERROR;
	if (!fleet_connect(&net, false, &fleet, "imatally-fleet")) {
		ret = show(args, &net, &fleet);
		while (args->watch && !finish_output(0)) {
			nats_Sleep(WATCH_MS);
			putchar('\n');
			ret = show(args, &net, &fleet);
		}
		fleet_net_close(&net);
	}
	fleet_close(&fleet);
	return ret;
}

/* Print a result as it is, unless it is not one line of text. */
static void print_result(natsMsg *msg)
{
	json_t *json = json_loadb(natsMsg_GetData(msg),
				  natsMsg_GetDataLength(msg), 0, NULL);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) :
			    NULL;

	if (text)
		puts(text);
	free(text);
	json_decref(json);
}

static natsStatus print_results(const struct fleet_net *net, const char *host)
{
	char subject[FLEET_SUBJECT_SIZE];
	jsDirectGetMsgOptions next;
	natsMsg *msg = NULL;
	natsStatus s;

	jsDirectGetMsgOptions_Init(&next);
	next.NextBySubject = fleet_subject(subject, "result", host);
	next.Sequence = 1;
	while ((s = js_DirectGetMsg(&msg, net->js, FLEET_RESULTS, NULL,
				    &next)) == NATS_OK) {
		print_result(msg);
		next.Sequence = natsMsg_GetSequence(msg) + 1;
		natsMsg_Destroy(msg);
	}
	return s == NATS_NOT_FOUND ? NATS_OK : s;
}

int fleet_history(const struct fleet_arguments *args)
{
	natsStatus s = NATS_ERR;
	struct fleet fleet;
	struct fleet_net net;

	if (fleet_open(&fleet, args->dir))
		return EXIT_ERROR;
	if (!fleet_connect(&net, false, &fleet, "imatally-fleet")) {
		s = print_results(&net, args->host);
		if (s != NATS_OK)
			complain("%s: %s", fleet.url, natsStatus_GetText(s));
		fleet_net_close(&net);
	}
	fleet_close(&fleet);
	return s == NATS_OK ? 0 : EXIT_ERROR;
}
