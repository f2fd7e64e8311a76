// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally-agent: on the machine, answer the challenges of the verifiers.  It
 * keeps nothing, and whatever the server sends can at most make it collect.
 */

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../programs/collect.h"
#include "fleet.h"

static const char usage[] =
"Usage: imatally-agent --server URL --host NAME --seed FILE --ak AK [OPTION...]\n"
"         On the measured machine: answer each challenge with evidence.\n"
"           --server URL    nats-server, such as nats://127.0.0.1:4222\n"
"           --host NAME     of this machine, as \"imatally fleet add\" was told\n"
"           --seed FILE     NAME.seed, which that command wrote\n"
"           --ca FILE       certificates that the server's leads to: use TLS\n"
"           --ak AK, --ak-auth V, --endorsement-auth V, --tcti TCTI, --pcr N,\n"
"           --ima DIR       as of \"imatally collect\"\n"
"         Runs until it is terminated. Exit status: 3 error.\n";

/* Challenges come from a server that anyone may have taken over. */
#define PAUSE 1			/* seconds between two collections */
#define AGAIN 5			/* before one nonce is answered again */

struct arguments {
	const char *server, *host, *seed, *ca, *ak, *tcti, *ima;
	const char *auth[TPM_NR_AUTHS];
	unsigned int pcr;
};

static int check_arguments(const struct arguments *args, int operands)
{
	if (operands)
		complain("imatally-agent takes no arguments besides options");
	else if (!args->server || !args->host || !args->seed || !args->ak)
		complain("--server, --host, --seed or --ak is missing");
	else if (!fleet_name_is_valid(args->host))
		complain("--host %s: not a name of a host", args->host);
	else
		return 0;
	fputs(usage, stderr);
	return -1;
}

/* 0; 1 after --help or --version; -1 after an error message */
static int parse(struct arguments *args, int argc, char *argv[])
{
	bool version = false;
	const struct option_row rows[] = {
		{ "server", .text = &args->server },
		{ "host", .text = &args->host },
		{ "seed", .text = &args->seed },
		{ "ca", .text = &args->ca },
		{ "ak", .text = &args->ak },
		{ "tcti", .text = &args->tcti },
		{ "pcr", .number = &args->pcr, .max = IMATALLY_MAX_PCR },
		{ "ima", .text = &args->ima },
		{ "ak-auth", .text = &args->auth[TPM_AUTH_AK] },
		{ "endorsement-auth",
		  .text = &args->auth[TPM_AUTH_ENDORSEMENT] },
		{ "version", .given = &version },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows), usage,
				NULL);

	if (ret)
		return ret;
	if (version) {
		puts("imatally-agent " IMATALLY_VERSION);
		return 1;
	}
	return check_arguments(args, argc - optind);
}

struct agent {
	const struct arguments *args;
	struct fleet_net net;
	char answered[FLEET_HEX_NONCE + 1];	/* the last nonce */
	time_t when;				/* by the monotonic clock */
	uint8_t buf[FLEET_CHUNK];
};

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static int publish(struct agent *agent, const char *kind, const void *data,
		   size_t len)
{
	char subject[FLEET_SUBJECT_SIZE];
	natsStatus s;

	s = natsConnection_Publish(agent->net.connection,
				   fleet_subject(subject, kind, agent->args->host),
				   data, len);
	if (s == NATS_OK)
		return 0;
	complain("%s: %s", subject, natsStatus_GetText(s));
	return -1;
}

/* Read over the entries that the verifiers have, in so many bytes. */
static void skip(struct agent *agent, const struct kernel_list *list,
		 uint64_t bytes)
{
	size_t len = 1;

	while (bytes && len) {
		len = bytes < FLEET_CHUNK ? bytes : FLEET_CHUNK;
		len = kernel_read_list(list, agent->buf, len);
		bytes -= len;
	}
}

/* Send the list from where it is on. */
static int send_list(struct agent *agent, const struct kernel_list *list,
		     struct fleet_round *round)
{
	size_t len;

	while ((len = kernel_read_list(list, agent->buf, FLEET_CHUNK))) {
		struct fleet_chunk *chunk = &round->chunk[round->nr_chunks];

		if (round->nr_chunks == FLEET_MAX_CHUNKS) {
			complain("the list is longer than %d chunks of %d bytes",
				 FLEET_MAX_CHUNKS, FLEET_CHUNK);
			return -1;
		}
		if (!EVP_Digest(agent->buf, len, chunk->sha256, NULL,
				EVP_sha256(), NULL)) {
			complain("libcrypto failed to hash");
			return -1;
		}
		chunk->size = len;
		round->nr_chunks++;
		if (publish(agent, "parts", agent->buf, len))
			return -1;
	}
	if (!kernel_list_failed(list))
		return 0;
	complain("the measurement list: read error");
	return -1;
}

/*
 * Send the list from the last entry on that the verifiers have.  One that ends
 * before it is another list: it is sent from its start.
 */
static int send_new(struct agent *agent, const struct kernel_list *list,
		    struct fleet_round *round)
{
	skip(agent, list, round->offset);
	if (send_list(agent, list, round))
		return -1;
	if (round->nr_chunks || !round->offset)
		return 0;
	round->offset = 0;
	return kernel_rewind_list(list) ? -1 : send_list(agent, list, round);
}

/* What the round says comes last: it completes the chunks. */
static int send_round(struct agent *agent, struct fleet_round *round)
{
	char *text = fleet_round_format(round, agent->args->host);
	natsStatus s;
	int ret = -1;

	if (text)
		ret = publish(agent, "evidence", text, strlen(text));
	else
		complain("out of memory");
	free(text);
	if (ret)
		return -1;
	s = natsConnection_FlushTimeout(agent->net.connection, 10000);
	if (s == NATS_OK)
		return 0;
	complain("%s: %s", agent->args->server, natsStatus_GetText(s));
	return -1;
}

static int send_evidence(struct agent *agent, struct tpm *tpm,
			 const struct fleet_challenge *challenge)
{
	const struct arguments *args = agent->args;
	struct imatally_evidence evidence = { 0 };
	struct imatally_bytes nonce = { 0 };
	struct fleet_round round = { .offset = challenge->offset };
	struct kernel_list list;
	int ret;

	if (option_nonce(&nonce, challenge->nonce))
		return -1;
	ret = collect_begin(tpm, args->ima, args->pcr, &nonce, &list, &evidence);
	free(nonce.data);
	if (ret)
		return -1;
	memcpy(round.nonce, challenge->nonce, sizeof(round.nonce));
	round.evidence = imatally_evidence_format(&evidence);
	if (!round.evidence)
		complain("out of memory");
	ret = !round.evidence || send_new(agent, &list, &round) ||
	      send_round(agent, &round) ? -1 : 0;
	kernel_close_list(&list);
	fleet_round_free(&round);
	imatally_evidence_free(&evidence);
	return ret;
}

static void answer(struct agent *agent, const struct fleet_challenge *challenge)
{
	const struct arguments *args = agent->args;
	struct tpm *tpm;

	if (!strcmp(agent->answered, challenge->nonce) &&
	    now() - agent->when < AGAIN)
		return;
	/* not open in between, for others that use the TPM */
	tpm = tpm_open_with(args->tcti, args->auth);
	if (tpm && !tpm_load_ak(tpm, args->ak) &&
	    !send_evidence(agent, tpm, challenge)) {
		memcpy(agent->answered, challenge->nonce,
		       sizeof(agent->answered));
		agent->when = now();
	}
	tpm_close(tpm);
	nats_Sleep(PAUSE * 1000);
}

static void receive(struct agent *agent, natsMsg *msg)
{
	struct fleet_challenge challenge;
	json_t *json = json_loadb(natsMsg_GetData(msg),
				  natsMsg_GetDataLength(msg), 0, NULL);

	if (json && fleet_challenge_load(&challenge, json))
		answer(agent, &challenge);
	else
		complain("a challenge that is none was ignored");
	json_decref(json);
}

/* Returns only after an error message. */
static int serve(struct agent *agent)
{
	char subject[FLEET_SUBJECT_SIZE];
	natsSubscription *sub = NULL;
	natsMsg *msg, *next;
	natsStatus s;

	fleet_subject(subject, "challenge", agent->args->host);
	s = natsConnection_SubscribeSync(&sub, agent->net.connection, subject);
	/* a flood is cut off here */
	if (s == NATS_OK)
		s = natsSubscription_SetPendingLimits(sub, 16, 1 << 16);
	while (s == NATS_OK || s == NATS_TIMEOUT || s == NATS_SLOW_CONSUMER) {
		msg = NULL;
		s = natsSubscription_NextMsg(&msg, sub, 3600 * 1000);
		if (s != NATS_OK)
			continue;
		/* only the last one counts */
		while (natsSubscription_NextMsg(&next, sub, 1) == NATS_OK) {
			natsMsg_Destroy(msg);
			msg = next;
		}
		receive(agent, msg);
		natsMsg_Destroy(msg);
	}
	complain("%s: %s", subject, natsStatus_GetText(s));
	natsSubscription_Destroy(sub);
	return -1;
}

int main(int argc, char *argv[])
{
	struct arguments args = { .ima = KERNEL_IMA, .pcr = IMATALLY_IMA_PCR };
	static struct agent agent;	/* large */
	int ret;

	fleet_begin();
	ret = parse(&args, argc, argv);
	if (ret)
		return ret > 0 ? finish_output(0) : EXIT_ERROR;
	agent.args = &args;
	if (!fleet_net_open(&agent.net, true, args.server, args.seed, args.ca,
			    NULL, args.host))
		serve(&agent);
	fleet_net_close(&agent.net);
	nats_Close();
	return EXIT_ERROR;
}
