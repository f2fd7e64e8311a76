// SPDX-License-Identifier: GPL-2.0-only
/* imatally fleet init */

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"

#define LISTEN "127.0.0.1:4222"

static int make_folder(const char *path)
{
	if (path && !mkdir(path, 0700))
		return 0;
	complain("%s: %s", path ? path : "fleet", strerror(errno));
	return -1;
}

/* @text is freed; it is NULL when out of memory. */
static int write_new(const char *dir, const char *name, char *text)
{
	char *path = fleet_path(dir, name);
	int ret = -1;

	if (path)
		ret = output_text_new(path, text);
	else
		free(text);
	free(path);
	return ret;
}

static char *new_key(void)
{
	uint8_t key[FLEET_SEAL_KEY];
	char digits[2 * sizeof(key) + 1], *text;

	if (RAND_bytes(key, sizeof(key)) != 1)
		return NULL;
	imatally_hex_from_bytes(digits, key, sizeof(key));
	return asprintf(&text, "%s\n", digits) < 0 ? NULL : text;
}

/* A string in the server's configuration must not end where it should not. */
static bool is_plain(const char *text)
{
	return !text || !strpbrk(text, "\"\\\n$");
}

static bool is_loopback(const char *listen)
{
	return !strncmp(listen, "127.", 4) || !strncmp(listen, "[::1]:", 6) ||
	       !strncmp(listen, "localhost:", 10);
}

static int check(const struct fleet_arguments *args, const char *listen)
{
	bool tls = args->tls_cert && args->tls_key && args->tls_ca;

	if (!tls && (args->tls_cert || args->tls_key || args->tls_ca))
		complain("--tls-cert, --tls-key and --tls-ca require each other");
	else if (!strchr(listen, ':') || !is_plain(listen))
		complain("--listen %s: ADDRESS:PORT expected", listen);
	else if (!tls && !is_loopback(listen))
		complain("--listen %s: others could read evidence: use TLS, or an address of this machine only",
			 listen);
	else if (!is_plain(args->tls_cert) || !is_plain(args->tls_key))
		complain("--tls-cert, --tls-key: no quotes, backslashes and dollar signs");
	else
		return 0;
	return -1;
}

static char *server_config(const struct fleet_arguments *args,
			   const char *listen)
{
	char *tls = NULL, *text = NULL;

	if (asprintf(&tls, "tls { cert_file: \"%s\", key_file: \"%s\" }\n",
		     args->tls_cert, args->tls_key) < 0)
		return NULL;
	if (asprintf(&text,
		     "# nats-server -c nats-server.conf, started in this folder\n"
		     "listen: \"%s\"\n"
		     "max_payload: 1MB\n"
		     "write_deadline: \"10s\"\n"
		     "jetstream { store_dir: \"jetstream\" }\n"
		     "%s"
		     "include \"users.conf\"\n",
		     listen, args->tls_cert ? tls : "") < 0)
		text = NULL;
	free(tls);
	return text;
}

static char *url(const struct fleet_arguments *args, const char *listen)
{
	char *text;

	return asprintf(&text, "%s://%s\n", args->tls_cert ? "tls" : "nats",
			listen) < 0 ? NULL : text;
}

static int copy_ca(const struct fleet_arguments *args)
{
	size_t len;
	char *text = input_read(args->tls_ca, &len);
	char *path = fleet_path(args->dir, "ca.pem");
	int ret = -1;

	if (text && path)
		ret = output_write_new(path, text, len);
	free(text);
	free(path);
	return ret;
}

int fleet_init(const struct fleet_arguments *args)
{
	const char *listen = args->listen ? args->listen : LISTEN;
	const char *dir = args->dir;
	char *hosts;
	int ret;

	if (check(args, listen))
		return EXIT_ERROR;
	/* all of it is secret, or of no use to others */
	umask(077);
	hosts = fleet_path(dir, "hosts");
	ret = make_folder(dir) || make_folder(hosts) ||
	      fleet_new_user(dir, "verifier") ||
	      write_new(dir, "seal.key", new_key()) ||
	      write_new(dir, "url", url(args, listen)) ||
	      (args->tls_ca && copy_ca(args)) ||
	      write_new(dir, "nats-server.conf", server_config(args, listen)) ||
	      fleet_write_users(dir);
	free(hosts);
	if (ret)
		return EXIT_ERROR;
	printf("fleet in %s: start the server there (nats-server -c nats-server.conf), and then verifiers (imatally-verifier --fleet %s)\n",
	       dir, dir);
	return 0;
}
