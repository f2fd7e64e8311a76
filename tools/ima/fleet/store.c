// SPDX-License-Identifier: GPL-2.0-only
/* Sealed values in the bucket, replaced by compare-and-swap. */

#include <stdlib.h>
#include <string.h>

#include "fleet.h"

const char *fleet_key(char key[FLEET_KEY_SIZE], const char *kind,
		      const char *host)
{
	snprintf(key, FLEET_KEY_SIZE, "%s.%s", kind, host);
	return key;
}

static enum fleet_stored failed(const char *key, natsStatus s)
{
	complain("%s: %s", key, natsStatus_GetText(s));
	return FLEET_FAILED;
}

enum fleet_stored fleet_get(const struct fleet_net *net,
			    const struct fleet *fleet, const char *key,
			    char **text, uint64_t *revision)
{
	kvEntry *entry = NULL;
	natsStatus s = kvStore_Get(&entry, net->kv, key);

	*text = NULL;
	*revision = 0;
	if (s == NATS_NOT_FOUND)
		return FLEET_ABSENT;
	if (s != NATS_OK)
		return failed(key, s);
	*revision = kvEntry_Revision(entry);
	*text = fleet_unseal(fleet->key, key, kvEntry_Value(entry),
			     kvEntry_ValueLen(entry));
	kvEntry_Destroy(entry);
	return *text ? FLEET_STORED : FLEET_BROKEN;
}

/* The server's answer to a wrong revision; libnats has no status for it. */
static bool is_conflict(natsStatus s)
{
	const char *text = nats_GetLastError(NULL);

	return s != NATS_OK && text &&
	       (strstr(text, "wrong last sequence") ||
		strstr(text, "key exists"));
}

enum fleet_stored fleet_put(const struct fleet_net *net,
			    const struct fleet *fleet, const char *key,
			    const char *text, uint64_t revision)
{
	char *sealed = fleet_seal(fleet->key, key, text);
	natsStatus s;

	if (!sealed)
		return FLEET_FAILED;
	if (revision)
		s = kvStore_UpdateString(NULL, net->kv, key, sealed, revision);
	else
		s = kvStore_CreateString(NULL, net->kv, key, sealed);
	free(sealed);
	if (s == NATS_OK)
		return FLEET_STORED;
	return is_conflict(s) ? FLEET_CONFLICT : failed(key, s);
}

enum fleet_stored fleet_record_get(const struct fleet_net *net,
				   const struct fleet *fleet, const char *host,
				   struct fleet_record *record,
				   uint64_t *revision)
{
	char key[FLEET_KEY_SIZE], *text;
	enum fleet_stored stored;

	memset(record, 0, sizeof(*record));
	stored = fleet_get(net, fleet, fleet_key(key, "host", host), &text,
			   revision);
	if (stored == FLEET_STORED && !fleet_record_parse(record, text))
		stored = FLEET_BROKEN;
	free(text);
	return stored;
}

enum fleet_stored fleet_record_put(const struct fleet_net *net,
				   const struct fleet *fleet,
				   const struct fleet_record *record,
				   uint64_t revision)
{
	char key[FLEET_KEY_SIZE], *text = fleet_record_format(record);
	enum fleet_stored stored = FLEET_FAILED;

	if (text)
		stored = fleet_put(net, fleet,
				   fleet_key(key, "host", record->host), text,
				   revision);
	else
		complain("out of memory");
	free(text);
	return stored;
}

enum fleet_stored fleet_record_of(const struct fleet *fleet, kvEntry *entry,
				  struct fleet_record *record)
{
	enum fleet_stored stored = FLEET_BROKEN;
	char *text;

	memset(record, 0, sizeof(*record));
	if (kvEntry_Operation(entry) != kvOp_Put)
		return FLEET_ABSENT;
	text = fleet_unseal(fleet->key, kvEntry_Key(entry), kvEntry_Value(entry),
			    kvEntry_ValueLen(entry));
	if (text && fleet_record_parse(record, text))
		stored = FLEET_STORED;
	free(text);
	return stored;
}
