/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of "imatally fleet": they return an exit status. */
#ifndef FLEET_COMMANDS_H
#define FLEET_COMMANDS_H

#include "fleet.h"

/* The operands of a command, and its options; NULL if not given. */
struct fleet_arguments {
	const char *dir, *host;
	const char *listen;					/* init, metrics */
	const char *tls_cert, *tls_key, *tls_ca;		/* init */
	const char *ak, *enrolled;				/* add */
	bool json, watch;					/* status */
	const char *html;					/* status */
};

int fleet_init(const struct fleet_arguments *args);
int fleet_add(const struct fleet_arguments *args);
int fleet_remove(const struct fleet_arguments *args);
int fleet_status(const struct fleet_arguments *args);
int fleet_history(const struct fleet_arguments *args);
int fleet_metrics(const struct fleet_arguments *args);

/*
 * users.c: write the server's list of users anew, from the public keys in the
 * folder.  Returns -1 after an error message.
 */
int fleet_write_users(const char *dir);
/*
 * Make a key for a user, and write it to NAME.seed and NAME.pub in the folder;
 * there must be none yet.
 */
int fleet_new_user(const char *dir, const char *name);

/*
 * fleet_page.c: write the table as a page to the file @path, which is replaced.
 * Returns -1 after an error message.
 */
struct table;
int fleet_page(const struct table *table, const char *url, const char *path);

/*
 * serve.c: answer each HTTP request for /metrics at @address, which is ADDRESS:PORT,
 * with what @text returns, which is freed; NULL is an error of the server.  Returns
 * only after an error message.
 */
typedef char *serve_text_fn(void *data);
int serve(const char *address, serve_text_fn *text, void *data);

#endif /* FLEET_COMMANDS_H */
