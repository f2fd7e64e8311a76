// SPDX-License-Identifier: GPL-2.0-only
/* imatally fleet status, history */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"

#define WATCH_MS 2000

struct table {
	struct fleet_record *record;
	size_t nr;
};

/* Whether silence is worse than the last verdict. */
static bool is_silent(const struct fleet_record *r)
{
	return r->silent_since && r->verdict >= FLEET_INCOMPLETE;
}

static int rank(const struct fleet_record *r)
{
	return is_silent(r) ? 2 * FLEET_INCOMPLETE - 1 : 2 * (int)r->verdict;
}

static int compare(const void *a, const void *b)
{
	const struct fleet_record *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	return strcmp(x->host, y->host);
}

static const char *word(const struct fleet_record *r)
{
	return is_silent(r) ? "silent" : fleet_verdict_name(r->verdict);
}

static int exit_status(const struct table *table)
{
	static const int status[FLEET_NR_VERDICTS] = {
		[FLEET_MISMATCH] = 2, [FLEET_NOT_AUTHENTIC] = EXIT_NOT_AUTHENTIC,
		[FLEET_ERROR] = EXIT_ERROR, [FLEET_INCOMPLETE] = 1,
	};
	int worst = 0;
	size_t i;

	for (i = 0; i < table->nr; i++) {
		const struct fleet_record *r = &table->record[i];
		int one = status[r->verdict];

		if (!one && r->silent_since)
			one = 1;
		if (one > worst)
			worst = one;
	}
	return worst;
}

static int add(struct table *table, const struct fleet *fleet, kvEntry *entry)
{
	struct fleet_record *grown =
		realloc(table->record, (table->nr + 1) * sizeof(*grown));

	if (!grown) {
		complain("out of memory");
		return -1;
	}
	table->record = grown;
	switch (fleet_record_of(fleet, entry, &grown[table->nr])) {
	case FLEET_STORED:
		table->nr++;
		return 0;
	case FLEET_ABSENT:
		return 0;
	default:
		complain("%s: what is stored is not from a verifier of this fleet",
			 kvEntry_Key(entry));
		return -1;
	}
}

static void empty(struct table *table)
{
	while (table->nr)
		fleet_record_free(&table->record[--table->nr]);
	free(table->record);
	table->record = NULL;
}

/* All hosts, sorted. */
static int fill(struct table *table, const struct fleet_net *net,
		const struct fleet *fleet)
{
	kvWatcher *watcher = NULL;
	kvEntry *entry = NULL;
	natsStatus s = kvStore_Watch(&watcher, net->kv, "host.*", NULL);
	int ret = 0;

	/* NULL after the last one */
	while (s == NATS_OK &&
	       (s = kvWatcher_Next(&entry, watcher, 5000)) == NATS_OK && entry) {
		ret |= add(table, fleet, entry);
		kvEntry_Destroy(entry);
	}
	kvWatcher_Destroy(watcher);
	if (s != NATS_OK) {
		complain("%s: %s", fleet->url, natsStatus_GetText(s));
		return -1;
	}
	if (table->nr)
		qsort(table->record, table->nr, sizeof(*table->record),
		      compare);
	return ret;
}

static const char *age(char text[32], int64_t then)
{
	int64_t seconds = time(NULL) - then;

	if (!then)
		return "-";
	if (seconds < 120)
		snprintf(text, 32, "%lld s", (long long)seconds);
	else if (seconds < 7200)
		snprintf(text, 32, "%lld min", (long long)seconds / 60);
	else
		snprintf(text, 32, "%lld h", (long long)seconds / 3600);
	return text;
}

static void print_table(const struct table *table)
{
	char text[32];
	size_t i;

	printf("%-20s %-22s %9s %9s %9s  %s\n", "HOST", "STATUS", "AGE",
	       "ENTRIES", "LOST", "WHY");
	for (i = 0; i < table->nr; i++) {
		const struct fleet_record *r = &table->record[i];

		printf("%-20s %-22s %9s %9" PRIu64 " %9" PRIu64 "  %s\n",
		       r->host, word(r), age(text, r->time), r->entries,
		       r->lost + r->dropped + r->failed,
		       r->why[0] ? r->why : r->findings ? "findings" : "");
	}
}

static json_t *json_of(const struct fleet_record *r)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:I, s:s}",
			 "host", r->host, "status", word(r),
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
	int ret = fill(&table, net, fleet);

	if (args->json && print_json(&table))
		ret = -1;
	if (!args->json)
		print_table(&table);
	ret = ret ? EXIT_ERROR : exit_status(&table);
	empty(&table);
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
