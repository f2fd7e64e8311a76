// SPDX-License-Identifier: GPL-2.0-only
/* imatally fleet add, remove */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"

/* Return the AK in PEM, alone or from an enrollment; to be freed. */
static char *read_ak(const struct fleet_arguments *args)
{
	const char *path = args->enrolled ? args->enrolled : args->ak;
	struct imatally_enrollment enrollment = { 0 };
	struct imatally_ak *ak = NULL;
	struct imatally_error err;
	size_t len;
	char *text = input_read(path, &len), *pem = NULL;
	bool ok = text;

	if (ok && args->enrolled) {
		ok = !complain_if(imatally_enrollment_parse(&enrollment, false,
							    text, len, &err),
				  path, &err);
		pem = ok ? strdup(enrollment.ak) : NULL;
	} else if (ok) {
		pem = strndup(text, len);
	}
	imatally_enrollment_free(&enrollment);
	free(text);
	if (ok && !pem)
		complain("out of memory");
	if (pem && complain_if(imatally_ak_from_pem(&ak, pem, strlen(pem), &err),
			       path, &err)) {
		free(pem);
		pem = NULL;
	}
	imatally_ak_free(ak);
	return pem;
}

/*
 * A host that is there already gets another AK and begins anew: its TPM may have
 * been replaced.
 */
static int store(const struct fleet *fleet, const char *host, char *ak)
{
	struct fleet_record record = { .ak = ak, .due = time(NULL),
				       .verdict = FLEET_NONE }, old;
	enum fleet_stored stored;
	struct fleet_net net;
	uint64_t revision;

	snprintf(record.host, sizeof(record.host), "%s", host);
	if (fleet_connect(&net, false, fleet, "imatally-fleet"))
		return -1;
	do {
		stored = fleet_record_get(&net, fleet, host, &old, &revision);
		fleet_record_free(&old);
		if (stored != FLEET_FAILED)
			stored = fleet_record_put(&net, fleet, &record,
						  revision);
	} while (stored == FLEET_CONFLICT);
	fleet_net_close(&net);
	return stored == FLEET_STORED ? 0 : -1;
}

/* A host that is there already keeps its key. */
static int make_user(const char *dir, const char *host)
{
	char *hosts = fleet_path(dir, "hosts"), *path = NULL;
	int ret = -1;

	if (hosts && asprintf(&path, "%s/%s.pub", hosts, host) >= 0)
		ret = access(path, F_OK) ? fleet_new_user(hosts, host) : 0;
	free(path);
	free(hosts);
	return ret ? -1 : fleet_write_users(dir);
}

int fleet_add(const struct fleet_arguments *args)
{
	char *ak = read_ak(args);
	struct fleet fleet = { 0 };
	int ret = EXIT_ERROR;

	if (ak && !fleet_open(&fleet, args->dir) &&
	    !make_user(args->dir, args->host) && !store(&fleet, args->host, ak))
		ret = 0;
	if (!ret)
		printf("%s added: have the server read users.conf again (nats-server --signal reload), and give %s/hosts/%s.seed to the agent\n",
		       args->host, args->dir, args->host);
	fleet_close(&fleet);
	free(ak);
	return ret;
}

/* Remove what the server has of a host. */
static int forget(const struct fleet *fleet, const char *host)
{
	static const char *const kinds[] = { "host", "state" };
	char key[FLEET_KEY_SIZE];
	struct fleet_net net;
	natsStatus s = NATS_OK;
	size_t i;

	if (fleet_connect(&net, false, fleet, "imatally-fleet"))
		return -1;
	for (i = 0; i < ARRAY_SIZE(kinds) && s == NATS_OK; i++)
		s = kvStore_Delete(net.kv, fleet_key(key, kinds[i], host));
	fleet_net_close(&net);
	if (s == NATS_OK)
		return 0;
	complain("%s: %s", key, natsStatus_GetText(s));
	return -1;
}

static int remove_file(const char *dir, const char *host, const char *suffix)
{
	char *path;
	int ret = 0;

	if (asprintf(&path, "%s/hosts/%s%s", dir, host, suffix) < 0) {
		complain("out of memory");
		return -1;
	}
	if (unlink(path) && errno != ENOENT) {
		complain("%s: %s", path, strerror(errno));
		ret = -1;
	}
	free(path);
	return ret;
}

int fleet_remove(const struct fleet_arguments *args)
{
	struct fleet fleet;
	int ret = EXIT_ERROR;

	if (fleet_open(&fleet, args->dir))
		return EXIT_ERROR;
	if (!forget(&fleet, args->host) &&
	    !remove_file(args->dir, args->host, ".pub") &&
	    !remove_file(args->dir, args->host, ".seed") &&
	    !fleet_write_users(args->dir))
		ret = 0;
	if (!ret)
		printf("%s removed: have the server read users.conf again (nats-server --signal reload)\n",
		       args->host);
	fleet_close(&fleet);
	return ret;
}
