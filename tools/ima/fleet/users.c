// SPDX-License-Identifier: GPL-2.0-only
/* The users of nats-server, and what each may do. */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"

static const char suffix[] = ".pub";

int fleet_new_user(const char *dir, const char *name)
{
	char seed[FLEET_NKEY_SIZE], public[FLEET_NKEY_SIZE];
	char *seed_path, *pub_path;
	mode_t mask;
	int ret = -1;

	if (fleet_nkey_new(seed, public))
		return -1;
	if (asprintf(&seed_path, "%s/%s.seed", dir, name) < 0)
		seed_path = NULL;
	if (asprintf(&pub_path, "%s/%s%s", dir, name, suffix) < 0)
		pub_path = NULL;
	strcat(seed, "\n");
	strcat(public, "\n");
	mask = umask(077);
	if (seed_path && pub_path)
		ret = output_write_new(seed_path, seed, strlen(seed));
	umask(mask);
	if (!ret)
		ret = output_write_new(pub_path, public, strlen(public));
	free(seed_path);
	free(pub_path);
	return ret;
}

/*
 * A host publishes evidence and reads its challenges, both of its own only.  It
 * reads no answers of the server, since nothing it does is answered.
 */
static void write_host(FILE *file, const char *host, const char *public)
{
	fprintf(file,
		"\t{ nkey: %s, permissions: {\n"
		"\t\tpublish: [imatally.evidence.%s, imatally.parts.%s],\n"
		"\t\tsubscribe: [imatally.challenge.%s] } }\n",
		public, host, host, host);
}

static void write_verifier(FILE *file, const char *public)
{
	fprintf(file,
		"\t{ nkey: %s, permissions: {\n"
		"\t\tpublish: [\"imatally.>\", \"$KV.imatally.>\", \"$JS.API.>\", \"$JS.ACK.>\", \"$JS.FC.>\"],\n"
		"\t\tsubscribe: [\"_INBOX.verifier.>\", \"imatally.result.>\"] } }\n",
		public);
}

/* Write the user of a file NAME.pub; others are passed over. */
static int write_user_of(FILE *file, const char *dir, const char *name)
{
	size_t len = strlen(name);
	char host[FLEET_NAME_MAX + 1], *path, *public;

	if (len <= strlen(suffix) || len - strlen(suffix) > FLEET_NAME_MAX ||
	    strcmp(name + len - strlen(suffix), suffix))
		return 0;
	snprintf(host, sizeof(host), "%.*s", (int)(len - strlen(suffix)), name);
	if (!fleet_name_is_valid(host))
		return 0;
	path = fleet_path(dir, name);
	public = path ? fleet_line(path) : NULL;
	if (public)
		write_host(file, host, public);
	free(public);
	free(path);
	return public ? 0 : -1;
}

static int write_hosts(FILE *file, const char *path)
{
	struct dirent **names;
	int nr = scandir(path, &names, NULL, alphasort), i, ret = 0;

	if (nr < 0) {
		complain("%s: %s", path, strerror(errno));
		return -1;
	}
	for (i = 0; i < nr; i++) {
		if (!ret)
			ret = write_user_of(file, path, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return ret;
}

static int write_all(FILE *file, const char *dir)
{
	char *path = fleet_path(dir, "verifier.pub");
	char *public = path ? fleet_line(path) : NULL;
	char *hosts = fleet_path(dir, "hosts");
	int ret = -1;

	if (public && hosts) {
		fputs("# Written by \"imatally fleet\"\nauthorization { users: [\n",
		      file);
		write_verifier(file, public);
		ret = write_hosts(file, hosts);
		fputs("] }\n", file);
	}
	free(public);
	free(path);
	free(hosts);
	return ret;
}

int fleet_write_users(const char *dir)
{
	char *path = fleet_path(dir, "users.conf");
	struct output output;
	int ret = -1;

	if (path && !output_open(&output, path))
		ret = output_close(&output, !write_all(output.file, dir));
	free(path);
	return ret;
}
