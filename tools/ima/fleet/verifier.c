// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally-verifier: verify the evidence of a fleet, and challenge its hosts when
 * they are due.  Any number of them can run: a host's record is replaced by
 * compare-and-swap, and whoever comes second leaves it as it is.
 */

#include <errno.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fleet.h"
#include "parts.h"
#include "results.h"

static const char usage[] =
"Usage: imatally-verifier --fleet DIR [--interval S] [--deadline S]\n"
"         Verify the evidence of the fleet that \"imatally fleet init DIR\" began,\n"
"         and challenge its hosts.  Any number of verifiers can run.\n"
"           --interval S    from one round of a host to the next (300 seconds)\n"
"           --deadline S    a host that has not answered by then is silent (60)\n"
"         Runs until it is terminated. Exit status: 3 error.\n";

#define BATCH 16		/* rounds that are taken from the queue at once */
#define ISSUE_AT_ONCE 50	/* challenges between two looks at the queue */
#define WAIT_MS 100		/* for evidence */
#define SPREAD_MS 1500		/* by which verifiers act at different times */
#define ATTEMPTS 10		/* until all chunks are there */
#define MAX_REFUSED 20		/* rounds of a host in a minute */
#define NANO 1000000000LL

struct arguments {
	const char *dir;
	unsigned int interval, deadline;	/* seconds */
};

/* 0; 1 after --help or --version; -1 after an error message */
static int parse(struct arguments *args, int argc, char *argv[])
{
	bool version = false;
	const struct option_row rows[] = {
		{ "fleet", .text = &args->dir },
		{ "interval", .number = &args->interval, .min = 1,
		  .max = 86400 },
		{ "deadline", .number = &args->deadline, .min = 1, .max = 3600 },
		{ "version", .given = &version },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows), usage,
				NULL);

	if (ret)
		return ret;
	if (version) {
		puts("imatally-verifier " IMATALLY_VERSION);
		return 1;
	}
	if (args->dir && optind == argc)
		return 0;
	complain(args->dir ? "imatally-verifier takes no arguments besides options" :
			     "--fleet is missing");
	fputs(usage, stderr);
	return -1;
}

/* What this verifier remembers of a host: a copy of what is in the bucket. */
struct host {
	char name[FLEET_NAME_MAX + 1];
	bool gone;
	int64_t due;			/* seconds */
	struct fleet_challenge challenge;
	unsigned int repeats;		/* of the challenge */
	int64_t act_ms;			/* when to do what is due, or 0 */
	unsigned int refused;		/* rounds */
	int64_t refused_minute;		/* when these were */
};

struct verifier {
	const struct arguments *args;
	struct fleet fleet;
	struct fleet_net net;
	natsSubscription *queue;
	kvWatcher *watcher;
	void *hosts;			/* a tree of struct host */
	unsigned int issued;		/* challenges in this pass */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int64_t now(void)
{
	return now_ms() / 1000;
}

/* ---- The copy */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->name,
		      ((const struct host *)b)->name);
}

/* NULL when out of memory */
static struct host *find(struct verifier *v, const char *name)
{
	struct host *host = calloc(1, sizeof(*host)), **node;

	if (!host)
		return NULL;
	snprintf(host->name, sizeof(host->name), "%s", name);
	node = tsearch(host, &v->hosts, compare);
	if (!node || *node != host)
		free(host);
	return node ? *node : NULL;
}

static void remember(struct host *host, const struct fleet_record *record)
{
	host->gone = false;
	host->due = record->due;
	host->act_ms = 0;
	if (!strcmp(host->challenge.nonce, record->challenge.nonce))
		return;
	host->challenge = record->challenge;
	host->repeats = 0;
}

static void take(struct verifier *v, kvEntry *entry)
{
	static const char prefix[] = "host.";
	const char *key = kvEntry_Key(entry);
	struct fleet_record record;
	struct host *host;

	if (strncmp(key, prefix, strlen(prefix)) ||
	    !fleet_name_is_valid(key + strlen(prefix)))
		return;
	host = find(v, key + strlen(prefix));
	if (!host)
		return;
	switch (fleet_record_of(&v->fleet, entry, &record)) {
	case FLEET_STORED:
		remember(host, &record);
		fleet_record_free(&record);
		break;
	case FLEET_ABSENT:
		host->gone = true;
		break;
	default:
		host->gone = true;
		complain("%s: what is stored is not from a verifier of this fleet: \"imatally fleet add\" the host again",
			 key);
	}
}

/* Take what has changed in the bucket. */
static void update(struct verifier *v)
{
	kvEntry *entry;

	while (kvWatcher_Next(&entry, v->watcher, 1) == NATS_OK) {
		/* NULL once after all that was there before */
		if (entry)
			take(v, entry);
		kvEntry_Destroy(entry);
	}
}

/* ---- Challenges */

static void send_challenge(struct verifier *v, const struct host *host,
			   const struct fleet_challenge *challenge)
{
	json_t *json = fleet_challenge_json(challenge);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	char subject[FLEET_SUBJECT_SIZE];

	fleet_subject(subject, "challenge", host->name);
	if (text)
		natsConnection_PublishString(v->net.connection, subject, text);
	free(text);
	json_decref(json);
}

/* Start a round, if no other verifier does. */
static void issue(struct verifier *v, struct host *host)
{
	struct fleet_challenge challenge = { 0 };
	struct fleet_record record;
	uint64_t revision;

	if (fleet_record_get(&v->net, &v->fleet, host->name, &record,
			     &revision) != FLEET_STORED)
		return;
	if (!record.challenge.nonce[0] && record.due <= now() &&
	    !fleet_challenge_new(&challenge)) {
		challenge.entry = record.entry;
		challenge.offset = record.offset;
		challenge.issued = now();
		challenge.deadline = challenge.issued + v->args->deadline;
		record.challenge = challenge;
		if (fleet_record_put(&v->net, &v->fleet, &record, revision) ==
		    FLEET_STORED) {
			send_challenge(v, host, &challenge);
			remember(host, &record);
		}
	}
	fleet_record_free(&record);
}

/* A host that did not answer in time is asked again soon. */
static void expire(struct verifier *v, struct host *host)
{
	struct fleet_record record;
	uint64_t revision;

	if (fleet_record_get(&v->net, &v->fleet, host->name, &record,
			     &revision) != FLEET_STORED)
		return;
	if (record.challenge.nonce[0] && record.challenge.deadline < now()) {
		bool is_new = !record.silent_since;

		if (is_new)
			record.silent_since = record.challenge.deadline;
		record.challenge = (struct fleet_challenge){ 0 };
		record.due = now() + (v->args->interval < v->args->deadline ?
					      v->args->interval :
					      v->args->deadline);
		if (fleet_record_put(&v->net, &v->fleet, &record, revision) ==
		    FLEET_STORED) {
			remember(host, &record);
			if (is_new)
				results_publish_silence(&v->net, &record);
		}
	}
	fleet_record_free(&record);
}

/* Messages get lost: repeat after a quarter and half of the time. */
static void repeat(struct verifier *v, struct host *host)
{
	const struct fleet_challenge *c = &host->challenge;
	int64_t length = c->deadline - c->issued;

	if (host->repeats < 2 &&
	    now() >= c->issued + (host->repeats + 1) * length / 4) {
		host->repeats++;
		send_challenge(v, host, c);
	}
}

/* Do what is due for a host, but not in the moment in which all others do. */
static void act(const void *node, VISIT visit, void *data)
{
	struct host *host = *(struct host *const *)node;
	bool is_asked = host->challenge.nonce[0];
	struct verifier *v = data;

	if ((visit != postorder && visit != leaf) || host->gone)
		return;
	if (is_asked ? host->challenge.deadline >= now() : host->due > now()) {
		if (is_asked)
			repeat(v, host);
		return;
	}
	if (!host->act_ms)
		host->act_ms = now_ms() + random() % SPREAD_MS;
	if (host->act_ms > now_ms() || v->issued == ISSUE_AT_ONCE)
		return;
	host->act_ms = 0;
	v->issued++;
	if (is_asked)
		expire(v, host);
	else
		issue(v, host);
}

/* ---- Evidence */

/* What becomes of a message. */
enum fate {
	DONE,			/* never again */
	LATER,			/* again, soon */
};

/* A host that sends much that is refused is not listened to for a while. */
static bool is_flooding(struct host *host)
{
	int64_t minute = now() / 60;

	if (host->refused_minute != minute) {
		host->refused_minute = minute;
		host->refused = 0;
	}
	return host->refused >= MAX_REFUSED;
}

static enum fate refuse(struct host *host, const char *why)
{
	host->refused++;
	complain("%s: a round was refused: %s", host->name, why);
	return DONE;
}

/*
 * Return the state of the last verdict, or NULL: without it, or with one that was
 * stored at another time, the list is verified from its start.
 */
static char *read_state(struct verifier *v, const struct fleet_record *record,
			uint64_t *revision)
{
	char key[FLEET_KEY_SIZE], hex[65], *text;

	fleet_get(&v->net, &v->fleet, fleet_key(key, "state", record->host),
		  &text, revision);
	if (text && record->state_sha256[0] &&
	    fleet_sha256(text, strlen(text), hex) &&
	    !strcmp(hex, record->state_sha256))
		return text;
	free(text);
	return NULL;
}

/* Between nine and eleven tenths of the interval */
static int64_t next_due(const struct verifier *v)
{
	long fifth = v->args->interval / 5;

	return now() + v->args->interval - fifth / 2 +
	       (fifth ? random() % (fifth + 1) : 0);
}

static void forget_state(struct fleet_record *record)
{
	record->state_sha256[0] = '\0';
	record->entry = 0;
	record->offset = 0;
}

static void start_anew(struct fleet_record *record, const char *why)
{
	record->anew = now();
	snprintf(record->anew_why, sizeof(record->anew_why), "%s", why);
}

/*
 * The known entries are not where the host has others now: it was rebooted, or
 * the state is gone.  No verdict; the next round is for the whole list.
 */
static void want_whole_list(struct fleet_record *record,
			    struct fleet_judgement *j)
{
	if (!record->challenge.offset) {
		j->verdict = FLEET_ERROR;
		snprintf(j->why, sizeof(j->why),
			 "the list was sent without its start");
		j->missed = false;
		return;
	}
	forget_state(record);
	start_anew(record, "the known entries are not in the list");
	record->challenge = (struct fleet_challenge){ 0 };
	record->silent_since = 0;
	record->due = now();
}

/* Enter a verdict into the record of its host. */
static void enter(const struct verifier *v, struct fleet_record *record,
		  const struct fleet_judgement *j)
{
	memcpy(record->nonce, record->challenge.nonce, sizeof(record->nonce));
	record->time = record->challenge.issued;
	record->challenge = (struct fleet_challenge){ 0 };
	record->silent_since = 0;
	record->due = next_due(v);
	record->verdict = j->verdict;
	record->entries = j->entries;
	record->lost = j->lost;
	record->dropped = j->dropped;
	record->failed = j->failed;
	record->findings = j->findings;
	snprintf(record->why, sizeof(record->why), "%s", j->why);
	if (j->anew_why)
		start_anew(record, j->anew_why);
	/* evidence of somebody else says nothing about what is known */
	if (j->verdict == FLEET_NOT_AUTHENTIC)
		return;
	if (j->has_attested) {
		record->has_attested = true;
		record->attested = j->attested;
	}
	forget_state(record);
	if (!j->state)
		return;
	fleet_sha256(j->state, strlen(j->state), record->state_sha256);
	record->entry = j->entry;
	record->offset = j->offset;
}

/*
 * Store the state first: a record whose state is another one makes the next round
 * a whole one, and nothing worse.
 */
static enum fate store(struct verifier *v, struct host *host,
		       const struct fleet_record *record, uint64_t revision,
		       const char *state, uint64_t state_revision)
{
	char key[FLEET_KEY_SIZE];

	if (state && fleet_put(&v->net, &v->fleet,
			       fleet_key(key, "state", record->host), state,
			       state_revision) != FLEET_STORED)
		return LATER;
	if (fleet_record_put(&v->net, &v->fleet, record, revision) !=
	    FLEET_STORED)
		return LATER;
	remember(host, record);
	return DONE;
}

static enum fate conclude(struct verifier *v, struct host *host,
			  struct fleet_record *record, uint64_t revision,
			  const struct fleet_round *round, FILE *data)
{
	struct fleet_judgement j = { 0 };
	uint64_t state_revision;
	char *state = read_state(v, record, &state_revision);
	enum fate fate = LATER;

	if (!fleet_judge(record, round, data, state, &j)) {
		if (j.missed)
			want_whole_list(record, &j);
		if (!j.missed)
			enter(v, record, &j);
		fate = store(v, host, record, revision, j.state,
			     state_revision);
		if (fate == DONE && !j.missed)
			results_publish(&v->net, record);
		if (fate == DONE)
			parts_purge(&v->net, record->host);
	}
	free(j.state);
	free(state);
	return fate;
}

static enum fate handle_round(struct verifier *v, struct host *host,
			      const struct fleet_round *round,
			      uint64_t deliveries)
{
	struct fleet_record record;
	enum fleet_stored stored;
	enum fate fate = DONE;
	uint64_t revision;
	FILE *data;

	stored = fleet_record_get(&v->net, &v->fleet, host->name, &record,
				  &revision);
	if (stored == FLEET_FAILED)
		return LATER;
	if (stored != FLEET_STORED)
		return refuse(host, "the host is not known");
	if (!strcmp(round->nonce, record.nonce)) {
		/* once more, because the first time may have been cut off */
		results_publish(&v->net, &record);
	} else if (strcmp(round->nonce, record.challenge.nonce)) {
		fate = refuse(host, "its nonce is not the one that is expected");
	} else if (record.challenge.deadline < now()) {
		fate = refuse(host, "it came after its deadline");
	} else {
		data = parts_collect(&v->net, host->name, round);
		if (data) {
			fate = conclude(v, host, &record, revision, round,
					data);
			fclose(data);
		} else if (deliveries < ATTEMPTS) {
			fate = LATER;
		} else {
			fate = refuse(host, "parts of the list are missing");
		}
	}
	fleet_record_free(&record);
	return fate;
}

static enum fate handle(struct verifier *v, natsMsg *msg, uint64_t deliveries)
{
	const char *name = fleet_host_of(natsMsg_GetSubject(msg), "evidence");
	struct host *host = name ? find(v, name) : NULL;
	static struct fleet_round round;
	enum fate fate;
	const char *why;

	if (!host || is_flooding(host))
		return DONE;
	if (!fleet_round_parse(&round, name, natsMsg_GetData(msg),
			       natsMsg_GetDataLength(msg), &why))
		return refuse(host, why);
	fate = handle_round(v, host, &round, deliveries);
	fleet_round_free(&round);
	return fate;
}

/* Take some rounds from the queue.  Waits if there are none. */
static natsStatus work(struct verifier *v)
{
	natsMsgList list = { 0 };
	natsStatus s;
	int i;

	s = natsSubscription_Fetch(&list, v->queue, BATCH, WAIT_MS, NULL);
	for (i = 0; i < list.Count; i++) {
		jsMsgMetaData *meta = NULL;
		uint64_t deliveries = ATTEMPTS;

		if (natsMsg_GetMetaData(&meta, list.Msgs[i]) == NATS_OK)
			deliveries = meta->NumDelivered;
		jsMsgMetaData_Destroy(meta);
		if (handle(v, list.Msgs[i], deliveries) == DONE)
			natsMsg_Ack(list.Msgs[i], NULL);
		else
			natsMsg_NakWithDelay(list.Msgs[i], 200, NULL);
	}
	natsMsgList_Destroy(&list);
	return s;
}

/* ---- The loop */

static void unsubscribe(struct verifier *v)
{
	natsSubscription_Destroy(v->queue);
	kvWatcher_Destroy(v->watcher);
	v->queue = NULL;
	v->watcher = NULL;
}

static natsStatus subscribe(struct verifier *v)
{
	jsSubOptions options;
	natsStatus s;

	jsSubOptions_Init(&options);
	options.Stream = FLEET_EVIDENCE;
	options.Config.AckPolicy = js_AckExplicit;
	/* then another verifier gets the evidence, before the deadline */
	options.Config.AckWait = v->args->deadline * NANO / 2;
	options.Config.MaxAckPending = 10000;
	s = js_PullSubscribe(&v->queue, v->net.js, "imatally.evidence.*",
			     "verifiers", NULL, &options, NULL);
	if (s == NATS_OK)
		s = kvStore_Watch(&v->watcher, v->net.kv, "host.*", NULL);
	return s;
}

/* Returns only after an error message. */
static void run(struct verifier *v)
{
	natsStatus s = subscribe(v);

	while (s == NATS_OK || s == NATS_TIMEOUT) {
		/* the server may have forgotten a watcher when it was down */
		if (atomic_exchange(&v->net.reconnected, false)) {
			unsubscribe(v);
			s = subscribe(v);
			continue;
		}
		update(v);
		s = work(v);
		v->issued = 0;
		twalk_r(v->hosts, act, v);
		/* until the connection is there again */
		if (s != NATS_OK && s != NATS_TIMEOUT &&
		    !natsConnection_IsClosed(v->net.connection)) {
			nats_Sleep(WAIT_MS);
			s = NATS_OK;
		}
	}
	complain("%s: %s", v->fleet.url, natsStatus_GetText(s));
}

int main(int argc, char *argv[])
{
	struct arguments args = { .interval = 300, .deadline = 60 };
	struct verifier v = { .args = &args };
	int ret;

	fleet_begin();
	ret = parse(&args, argc, argv);
	if (ret)
		return ret > 0 ? finish_output(0) : EXIT_ERROR;
	srandom(now_ms() ^ getpid());
	if (!fleet_open(&v.fleet, args.dir)) {
		if (!fleet_connect(&v.net, true, &v.fleet,
				   "imatally-verifier"))
			run(&v);
		unsubscribe(&v);
		fleet_net_close(&v.net);
	}
	fleet_close(&v.fleet);
	tdestroy(v.hosts, free);
	nats_Close();
	return EXIT_ERROR;
}
