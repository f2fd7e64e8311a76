// SPDX-License-Identifier: GPL-2.0-only
/* The file in which verify saves what it has verified. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"

int state_read(const char *path, struct imatally_verifier *v)
{
	struct imatally_error err;
	int ret = 0;
	size_t len;
	char *text;

	imatally_verifier_keep_state(v);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	text = input_read(path, &len);
	if (!text)
		return -1;
	if (imatally_verifier_set_state(v, text, len, &err)) {
		complain_about(path, &err);
		ret = -1;
	}
	free(text);
	return ret;
}

int state_write(const char *path, const struct imatally_verifier *v)
{
	size_t len;
	const char *state = imatally_verifier_state(v, &len);

	return state ? output_write(path, state, len) : 0;
}
