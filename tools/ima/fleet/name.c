// SPDX-License-Identifier: GPL-2.0-only
/* Names of hosts, and the subjects made of them. */

#include <string.h>

#include "fleet.h"

bool fleet_name_is_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len = strlen(name);

	return len && len <= FLEET_NAME_MAX && strspn(name, allowed) == len;
}

const char *fleet_subject(char subject[FLEET_SUBJECT_SIZE], const char *kind,
			  const char *host)
{
	snprintf(subject, FLEET_SUBJECT_SIZE, "imatally.%s.%s", kind, host);
	return subject;
}

const char *fleet_host_of(const char *subject, const char *kind)
{
	char prefix[FLEET_SUBJECT_SIZE];
	size_t len;

	fleet_subject(prefix, kind, "");
	len = strlen(prefix);
	if (strncmp(subject, prefix, len) || !fleet_name_is_valid(subject + len))
		return NULL;
	return subject + len;
}
