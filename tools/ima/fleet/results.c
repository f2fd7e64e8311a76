// SPDX-License-Identifier: GPL-2.0-only
/* Publishing results. */

#include <stdlib.h>
#include <string.h>

#include "results.h"

/* Frees @json. */
static void publish(const struct fleet_net *net, const char *host,
		    const char *id, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	char subject[FLEET_SUBJECT_SIZE];
	jsPubOptions options;

	jsPubOptions_Init(&options);
	options.MsgId = id;
	if (text)
		js_Publish(NULL, net->js, fleet_subject(subject, "result", host),
			   text, strlen(text), &options, NULL);
	free(text);
	json_decref(json);
}

void results_publish(const struct fleet_net *net, const struct fleet_record *r)
{
	publish(net, r->host, r->nonce,
		json_pack("{s:s, s:i, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:s}",
			  "format", "imatally-fleet-result", "version", 1,
			  "host", r->host, "time", (json_int_t)r->time,
			  "nonce", r->nonce,
			  "verdict", fleet_verdict_name(r->verdict),
			  "entries", (json_int_t)r->entries,
			  "lost", (json_int_t)r->lost,
			  "dropped", (json_int_t)r->dropped,
			  "failed", (json_int_t)r->failed,
			  "findings", r->findings, "why", r->why));
}

void results_publish_silence(const struct fleet_net *net,
			     const struct fleet_record *r)
{
	char id[FLEET_NAME_MAX + 32];

	snprintf(id, sizeof(id), "%s.silent.%lld", r->host,
		 (long long)r->silent_since);
	publish(net, r->host, id,
		json_pack("{s:s, s:i, s:s, s:I, s:s}",
			  "format", "imatally-fleet-result", "version", 1,
			  "host", r->host, "time", (json_int_t)r->silent_since,
			  "verdict", "silent"));
}
