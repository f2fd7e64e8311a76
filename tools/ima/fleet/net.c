// SPDX-License-Identifier: GPL-2.0-only
/* The connection to nats-server, its streams and its bucket. */

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet.h"

#define SECONDS 1000000000LL	/* in nanoseconds */
#define RECONNECT_WAIT 500	/* milliseconds */
#define SIGNATURES 4

/* After TLS, libnats 3.4 frees at exit what libcrypto frees then, too. */
void fleet_begin(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	/* keep tpm2-tss from logging what is reported here anyway */
	setenv("TSS2_LOG", "all+NONE", 0);
}

/* What the server refused; libnats reports it from a thread of its own. */
static void on_error(natsConnection *connection, natsSubscription *sub,
		     natsStatus status, void *data)
{
	const char *text = NULL;

	(void)sub;
	(void)data;
	if (status == NATS_SLOW_CONSUMER)
		return;
	natsConnection_GetLastError(connection, &text);
	complain("nats-server: %s%s%s", natsStatus_GetText(status),
		 text && *text ? ": " : "", text ? text : "");
}

static void on_reconnected(natsConnection *connection, void *data)
{
	struct fleet_net *net = data;

	(void)connection;
	net->reconnected = true;
}

static natsStatus set_options(struct fleet_net *net, bool waits, const char *url,
			      const char *seed, const char *public,
			      const char *ca, const char *inbox,
			      const char *name)
{
	natsOptions *options = net->options;
	natsStatus s = natsOptions_SetURL(options, url);

	if (s == NATS_OK)
		s = natsOptions_SetName(options, name);
	if (s == NATS_OK)
		s = natsOptions_SetNKeyFromSeed(options, public, seed);
	if (s == NATS_OK && inbox)
		s = natsOptions_SetCustomInboxPrefix(options, inbox);
	if (s == NATS_OK)
		s = natsOptions_SetMaxReconnect(options, -1);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectWait(options, RECONNECT_WAIT);
	if (s == NATS_OK)
		s = natsOptions_SetErrorHandler(options, on_error, NULL);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectedCB(options, on_reconnected, net);
	if (s == NATS_OK && waits)
		s = natsOptions_SetRetryOnFailedConnect(options, true, NULL,
							NULL);
	if (s == NATS_OK && ca)
		s = natsOptions_SetSecure(options, true);
	if (s == NATS_OK && ca)
		s = natsOptions_LoadCATrustedCertificates(options, ca);
	return s;
}

/* With the option of retries, a server that is not there is no error. */
static bool is_connecting(natsStatus s)
{
	return s == NATS_OK || s == NATS_NOT_YET_CONNECTED;
}

/*
 * libnats 3.4 takes a signature that begins with a zero byte for an empty one,
 * and the server then refuses the user.  Each attempt has another nonce to sign.
 */
static natsStatus connect_signed(struct fleet_net *net)
{
	natsStatus s = NATS_CONNECTION_AUTH_FAILED;
	int i;

	for (i = 0; i < SIGNATURES && s == NATS_CONNECTION_AUTH_FAILED; i++)
		s = natsConnection_Connect(&net->connection, net->options);
	return s;
}

int fleet_net_open(struct fleet_net *net, bool waits, const char *url,
		   const char *seed, const char *ca, const char *inbox,
		   const char *name)
{
	char public[FLEET_NKEY_SIZE];
	char *line = fleet_line(seed);
	natsStatus s;
	int ret;

	memset(net, 0, sizeof(*net));
	if (!line)
		return -1;
	ret = fleet_nkey_public(seed, line, public);
	free(line);
	if (ret)
		return -1;
	s = natsOptions_Create(&net->options);
	if (s == NATS_OK)
		s = set_options(net, waits, url, seed, public, ca, inbox,
				name);
	if (s == NATS_OK)
		s = connect_signed(net);
	if (is_connecting(s))
		s = natsConnection_JetStream(&net->js, net->connection, NULL);
	if (s == NATS_OK)
		return 0;
	complain("%s: %s", url, natsStatus_GetText(s));
	fleet_net_close(net);
	return -1;
}

void fleet_net_close(struct fleet_net *net)
{
	kvStore_Destroy(net->kv);
	jsCtx_Destroy(net->js);
	natsConnection_Destroy(net->connection);
	natsOptions_Destroy(net->options);
	memset(net, 0, sizeof(*net));
}

static natsStatus add_stream(struct fleet_net *net, jsStreamConfig *config,
			     const char *name, const char *subject)
{
	const char *subjects[] = { subject };
	jsErrCode code = 0;
	natsStatus s;

	config->Name = name;
	config->Subjects = subjects;
	config->SubjectsLen = 1;
	config->Storage = js_FileStorage;
	s = js_AddStream(NULL, net->js, config, NULL, &code);
	return s != NATS_OK && code == JSStreamNameExistErr ? NATS_OK : s;
}

/*
 * The streams that hosts publish to send no acknowledgements: the server would
 * send one to whatever subject a host names for it, also where the host may not
 * publish.  What is lost is asked for again.
 *
 * They hold a few messages of each host, and drop the oldest: a host that floods
 * them drops its own.
 */
static natsStatus add_streams(struct fleet_net *net)
{
	jsStreamConfig config;
	natsStatus s;

	jsStreamConfig_Init(&config);
	config.Retention = js_WorkQueuePolicy;
	config.MaxMsgsPerSubject = 2;
	config.MaxMsgSize = FLEET_MAX_ROUND;
	config.MaxAge = 3600 * SECONDS;
	config.Duplicates = SECONDS;
	config.NoAck = true;
	s = add_stream(net, &config, FLEET_EVIDENCE, "imatally.evidence.*");
	if (s != NATS_OK)
		return s;

	jsStreamConfig_Init(&config);
	config.MaxMsgsPerSubject = FLEET_MAX_CHUNKS;
	config.MaxMsgSize = FLEET_CHUNK;
	config.MaxAge = 3600 * SECONDS;
	config.Duplicates = SECONDS;
	config.NoAck = true;
	config.AllowDirect = true;
	s = add_stream(net, &config, FLEET_PARTS, "imatally.parts.*");
	if (s != NATS_OK)
		return s;

	jsStreamConfig_Init(&config);
	config.MaxMsgsPerSubject = 100;
	config.AllowDirect = true;
	return add_stream(net, &config, FLEET_RESULTS, "imatally.result.*");
}

static natsStatus add_bucket(struct fleet_net *net)
{
	natsStatus s = js_KeyValue(&net->kv, net->js, FLEET_BUCKET);
	kvConfig config;

	if (s != NATS_NOT_FOUND)
		return s;
	kvConfig_Init(&config);
	config.Bucket = FLEET_BUCKET;
	config.MaxValueSize = FLEET_MAX_STATE;
	config.StorageType = js_FileStorage;
	return js_CreateKeyValue(&net->kv, net->js, &config);
}

int fleet_connect(struct fleet_net *net, bool waits, const struct fleet *fleet,
		  const char *name)
{
	char *seed = fleet_path(fleet->dir, "verifier.seed");
	char *ca = fleet_path(fleet->dir, "ca.pem");
	bool has_ca = ca && !access(ca, F_OK);
	natsStatus s = NATS_OK;
	int ret = -1;

	if (seed && ca)
		ret = fleet_net_open(net, waits, fleet->url, seed,
				     has_ca ? ca : NULL, "_INBOX.verifier",
				     name);
	free(seed);
	free(ca);
	if (ret)
		return -1;
	s = add_streams(net);
	if (s == NATS_OK)
		s = add_bucket(net);
	if (s == NATS_OK)
		return 0;
	complain("%s: %s", fleet->url, natsStatus_GetText(s));
	fleet_net_close(net);
	return -1;
}
