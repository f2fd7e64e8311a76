// SPDX-License-Identifier: GPL-2.0-only
/* See table.h. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"

bool host_is_silent(const struct fleet_record *r)
{
	return r->silent_since && r->verdict >= FLEET_INCOMPLETE;
}

static int rank(const struct fleet_record *r)
{
	return host_is_silent(r) ? 2 * FLEET_INCOMPLETE - 1 : 2 * (int)r->verdict;
}

static int compare(const void *a, const void *b)
{
	const struct fleet_record *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	return strcmp(x->host, y->host);
}

const char *host_word(const struct fleet_record *r)
{
	return host_is_silent(r) ? "silent" : fleet_verdict_name(r->verdict);
}

int table_status(const struct table *table)
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

void table_empty(struct table *table)
{
	while (table->nr)
		fleet_record_free(&table->record[--table->nr]);
	free(table->record);
	table->record = NULL;
}

int table_fill(struct table *table, const struct fleet_net *net,
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

const char *host_age(char text[32], int64_t then)
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
