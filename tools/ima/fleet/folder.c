// SPDX-License-Identifier: GPL-2.0-only
/* Reading the folder that "imatally fleet init" writes. */

#include <stdlib.h>
#include <string.h>

#include "fleet.h"

char *fleet_path(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) >= 0)
		return path;
	complain("out of memory");
	return NULL;
}

char *fleet_line(const char *path)
{
	size_t len;
	char *text = input_read(path, &len), *line = NULL;

	if (text) {
		line = strndup(text, len);
		if (line)
			line[strcspn(line, "\r\n")] = '\0';
		else
			complain("out of memory");
	}
	free(text);
	return line;
}

static char *line_in(const char *dir, const char *name)
{
	char *path = fleet_path(dir, name);
	char *line = path ? fleet_line(path) : NULL;

	free(path);
	return line;
}

static int read_key(struct fleet *fleet)
{
	char *digits = line_in(fleet->dir, "seal.key");
	struct imatally_bytes bytes = { 0 };
	struct imatally_error err;
	int ret = -1;

	if (!digits)
		return -1;
	if (imatally_bytes_from_hex(&bytes, digits, &err) ||
	    bytes.len != sizeof(fleet->key)) {
		complain("%s/seal.key: %zu bytes in hexadecimal expected",
			 fleet->dir, sizeof(fleet->key));
	} else {
		memcpy(fleet->key, bytes.data, bytes.len);
		ret = 0;
	}
	free(bytes.data);
	free(digits);
	return ret;
}

int fleet_open(struct fleet *fleet, const char *dir)
{
	memset(fleet, 0, sizeof(*fleet));
	fleet->dir = dir;
	fleet->url = line_in(dir, "url");
	if (fleet->url && !read_key(fleet))
		return 0;
	fleet_close(fleet);
	return -1;
}

void fleet_close(struct fleet *fleet)
{
	free(fleet->url);
	memset(fleet, 0, sizeof(*fleet));
}
