/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of "imatally fleet": they return an exit status. */
#ifndef FLEET_COMMANDS_H
#define FLEET_COMMANDS_H

#include "fleet.h"

/* The operands of a command, and its options; NULL if not given. */
struct fleet_arguments {
	const char *dir, *host;
	const char *listen, *tls_cert, *tls_key, *tls_ca;	/* init */
	const char *ak, *enrolled;				/* add */
	bool json, watch;					/* status */
};

int fleet_init(const struct fleet_arguments *args);
int fleet_add(const struct fleet_arguments *args);
int fleet_remove(const struct fleet_arguments *args);
int fleet_status(const struct fleet_arguments *args);
int fleet_history(const struct fleet_arguments *args);

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

#endif /* FLEET_COMMANDS_H */
