// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many machines for the benchmark of a fleet: fleet_load DIR SEED N ENTRIES SECONDS
 * adds N hosts to the fleet in DIR, each with a TPM of its own in software and a list of
 * ENTRIES entries, and answers their challenges as imatally-agent does, with ten more
 * entries each time.  SEED is the file with the key of a user who may do so for all of
 * them.  When each host has had a verdict, it prints "all"; after SECONDS more, one
 * line of JSON about these.
 */

#include <inttypes.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../tools/ima/fleet/fleet.h"
#include "../tools/ima/tests/attester.h"
#include "../tools/ima/tests/test.h"

#define MORE 10			/* entries from one round to the next */
#define SAMPLES (1 << 20)	/* at most */

struct load_host {
	struct machine machine;
	struct attester attester;
	bool is_old;			/* has answered */
	_Atomic int64_t sent;		/* when the last evidence was, in us */
	_Atomic bool has_verdict;
};

static struct load_host *hosts;
static unsigned int nr_hosts;
static struct fleet_net net;		/* of that user */
static _Atomic unsigned int nr_with_verdict, nr_results, nr_wrong;
static _Atomic uint64_t bytes_sent;
static _Atomic bool measures;
static uint32_t sample[SAMPLES];	/* us from evidence to verdict */

static void __attribute__((noreturn)) die(const char *why)
{
	fprintf(stderr, "fleet_load: %s\n", why);
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static struct load_host *host_of(const char *subject, const char *kind)
{
	const char *name = fleet_host_of(subject, kind);
	unsigned int nr;

	return name && sscanf(name, "h%u", &nr) == 1 && nr < nr_hosts ?
		       &hosts[nr] : NULL;
}

static void publish(const char *kind, unsigned int nr, const void *data,
		    size_t len)
{
	char name[FLEET_NAME_MAX + 1], subject[FLEET_SUBJECT_SIZE];

	snprintf(name, sizeof(name), "h%u", nr);
	fleet_subject(subject, kind, name);
	if (natsConnection_Publish(net.connection, subject, data, len))
		die("publishing failed");
	bytes_sent += len;
}

static void send_chunk(struct fleet_round *round, unsigned int nr,
		       const uint8_t *data, size_t len)
{
	struct fleet_chunk *chunk = &round->chunk[round->nr_chunks++];

	chunk->size = len;
	EVP_Digest(data, len, chunk->sha256, NULL, EVP_sha256(), NULL);
	publish("parts", nr, data, len);
}

/* Answer a challenge with a quote, and the list from the offset on. */
static void answer(struct load_host *host, const struct fleet_challenge *c)
{
	static struct fleet_round round;	/* large */
	struct imatally_bytes nonce = { 0 };
	struct imatally_error err;
	unsigned int nr = host - hosts;
	char name[FLEET_NAME_MAX + 1], *text;
	uint64_t at = c->offset;

	if (host->is_old)
		machine_measure(&host->machine, MORE);
	host->is_old = true;
	imatally_bytes_from_hex(&nonce, c->nonce, &err);
	attester_read(&host->attester, &host->machine, "");
	attester_answer(&host->attester, nonce.data, nonce.len);
	attester_sign(&host->attester);
	free(nonce.data);

	memset(&round, 0, sizeof(round));
	round.offset = at;
	memcpy(round.nonce, c->nonce, sizeof(round.nonce));
	for (; at < host->machine.len; at += round.chunk[round.nr_chunks - 1].size) {
		size_t left = host->machine.len - at;

		send_chunk(&round, nr, host->machine.log + at,
			   left < FLEET_CHUNK ? left : FLEET_CHUNK);
	}
	round.evidence = imatally_evidence_format(&host->attester.evidence);
	snprintf(name, sizeof(name), "h%u", nr);
	text = fleet_round_format(&round, name);
	if (!text)
		die("out of memory");
	host->sent = now_us();
	publish("evidence", nr, text, strlen(text));
	free(text);
	free(round.evidence);
}

static void on_challenge(natsConnection *connection, natsSubscription *sub,
			 natsMsg *msg, void *data)
{
	json_t *json = json_loadb(natsMsg_GetData(msg),
				  natsMsg_GetDataLength(msg), 0, NULL);
	struct load_host *host = host_of(natsMsg_GetSubject(msg), "challenge");
	struct fleet_challenge challenge;

	(void)connection;
	(void)sub;
	(void)data;
	if (host && json && fleet_challenge_load(&challenge, json))
		answer(host, &challenge);
	json_decref(json);
	natsMsg_Destroy(msg);
}

static void on_result(natsConnection *connection, natsSubscription *sub,
		      natsMsg *msg, void *data)
{
	struct load_host *host = host_of(natsMsg_GetSubject(msg), "result");
	int64_t taken;

	(void)connection;
	(void)sub;
	(void)data;
	if (host) {
		taken = now_us() - host->sent;
		if (!strstr(natsMsg_GetData(msg), "\"verdict\":\"complete\""))
			nr_wrong++;
		else if (!host->has_verdict)
			nr_with_verdict++;
		host->has_verdict = true;
		if (measures && nr_results < SAMPLES)
			sample[nr_results++] = taken;
	}
	natsMsg_Destroy(msg);
}

static char *pem_of(EVP_PKEY *pkey)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, *text;
	long len;

	if (!bio || PEM_write_bio_PUBKEY(bio, pkey) != 1)
		die("libcrypto failed");
	len = BIO_get_mem_data(bio, &pem);
	text = strndup(pem, len);
	BIO_free(bio);
	return text;
}

static void boot(struct load_host *host, unsigned int entries)
{
	machine_init(&host->machine, 2, NULL);
	attester_init(&host->attester, TPM2_ALG_ECDSA, TPM2_ALG_SHA256);
	host->machine.resets = host->attester.clock.resetCount;
	host->machine.restarts = host->attester.clock.restartCount;
	machine_boot(&host->machine, true);
	machine_measure(&host->machine, entries);
	machine_record(&host->machine, "request");
}

static void add_hosts(const char *dir, unsigned int entries)
{
	struct fleet_net verifier;
	struct fleet fleet;
	unsigned int i;

	if (fleet_open(&fleet, dir) ||
	    fleet_connect(&verifier, false, &fleet, "fleet_load"))
		exit(1);
	for (i = 0; i < nr_hosts; i++) {
		struct fleet_record record = { .due = time(NULL),
					       .verdict = FLEET_NONE };

		boot(&hosts[i], entries);
		snprintf(record.host, sizeof(record.host), "h%u", i);
		record.ak = pem_of(hosts[i].attester.pkey);
		if (fleet_record_put(&verifier, &fleet, &record, 0) !=
		    FLEET_STORED)
			die("a host could not be added");
		fleet_record_free(&record);
	}
	fleet_net_close(&verifier);
	fleet_close(&fleet);
}

static void subscribe(const char *dir, const char *seed)
{
	natsSubscription *sub;
	struct fleet fleet;

	if (fleet_open(&fleet, dir) ||
	    fleet_net_open(&net, false, fleet.url, seed, NULL, NULL,
			   "fleet_load"))
		exit(1);
	if (natsConnection_Subscribe(&sub, net.connection,
				     "imatally.challenge.*", on_challenge, NULL) ||
	    natsSubscription_SetPendingLimits(sub, -1, -1) ||
	    natsConnection_Subscribe(&sub, net.connection, "imatally.result.*",
				     on_result, NULL) ||
	    natsSubscription_SetPendingLimits(sub, -1, -1))
		die("subscribing failed");
	fleet_close(&fleet);
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int main(int argc, char *argv[])
{
	unsigned int nr;

	if (argc != 6)
		die("DIR SEED N ENTRIES SECONDS expected");
	nr_hosts = strtoul(argv[3], NULL, 10);
	hosts = calloc(nr_hosts, sizeof(*hosts));
	if (!nr_hosts || !hosts)
		die("no hosts");
	fleet_begin();
	add_hosts(argv[1], strtoul(argv[4], NULL, 10));
	subscribe(argv[1], argv[2]);
	puts("ready");
	fflush(stdout);
	while (nr_with_verdict < nr_hosts)
		nats_Sleep(10);
	puts("all");
	fflush(stdout);
	bytes_sent = 0;
	measures = true;
	nats_Sleep(1000 * strtoul(argv[5], NULL, 10));
	measures = false;
	nr = nr_results;
	qsort(sample, nr, sizeof(*sample), compare);
	printf("{\"results\": %u, \"wrong\": %u, \"bytes\": %" PRIu64 ", \"p50\": %u, \"p99\": %u}\n",
	       nr, nr_wrong, bytes_sent, sample[nr / 2], sample[nr * 99 / 100]);
	fflush(stdout);
	/* threads of libnats still use what exit() would free */
	_exit(0);
}
