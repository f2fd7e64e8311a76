// SPDX-License-Identifier: GPL-2.0

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measurement_list.h"

#define SHA1_SIZE 20

/* The bytes of the list that are not parsed yet */
struct cursor {
	const uint8_t *pos;
	const uint8_t *end;
};

static const uint8_t *take(struct cursor *c, size_t count)
{
	const uint8_t *taken = c->pos;

	if ((size_t)(c->end - c->pos) < count)
		return NULL;

	c->pos += count;
	return taken;
}

static bool take_u32(struct cursor *c, uint32_t *value)
{
	const uint8_t *p = take(c, sizeof(*value));

	if (!p)
		return false;

	memcpy(value, p, sizeof(*value));
	return true;
}

/* Take a length, and that many bytes. */
static const uint8_t *take_field(struct cursor *c, uint32_t *len)
{
	return take_u32(c, len) ? take(c, *len) : NULL;
}

/* Parse an entry of a template whose first fields are digest, name and data. */
static int parse_entry(struct cursor *c, struct list_entry *entry)
{
	struct cursor data;
	const uint8_t *field;
	uint32_t len;
	bool buf;

	if (!take_u32(c, &entry->pcr) || !take(c, SHA1_SIZE))
		return -EPROTO;

	field = take_field(c, &len);
	if (!field)
		return -EPROTO;
	buf = len == strlen("ima-buf") && (!memcmp(field, "ima-buf", len) ||
					   !memcmp(field, "ima-txt", len));

	data.pos = take_field(c, &len);
	if (!data.pos)
		return -EPROTO;
	data.end = data.pos + len;

	if (!take_field(&data, &len))
		return -EPROTO;

	field = take_field(&data, &len);
	if (!field)
		return -EPROTO;
	entry->name = strndup((const char *)field, len);
	if (!entry->name)
		return -ENOMEM;

	if (!buf || strcmp(entry->name, "pcr_counter"))
		return 0;

	field = take_field(&data, &len);
	if (!field)
		return -EPROTO;
	entry->text = strndup((const char *)field, len);
	return entry->text ? 0 : -ENOMEM;
}

static int read_all(const char *path, uint8_t **data, size_t *size)
{
	size_t room = 0;
	ssize_t got;
	uint8_t *p;
	int fd;

	*data = NULL;
	*size = 0;

	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;

	do {
		if (room - *size < 65536) {
			room += 1 << 20;
			p = realloc(*data, room);
			if (!p) {
				got = -1;
				break;
			}
			*data = p;
		}
		got = read(fd, *data + *size, room - *size);
		if (got > 0)
			*size += got;
	} while (got > 0);

	got = got < 0 ? -errno : 0;
	close(fd);
	return got;
}

int list_read(struct list *list)
{
	struct list_entry *entries;
	struct cursor c;
	uint8_t *data;
	size_t size;
	int ret;

	*list = (struct list){};

	ret = read_all(IMA_DIR "/binary_runtime_measurements", &data, &size);
	c.pos = data;
	c.end = data + size;

	while (!ret && c.pos < c.end) {
		entries = reallocarray(list->entries, list->count + 1,
				       sizeof(*entries));
		if (!entries) {
			ret = -ENOMEM;
			break;
		}
		list->entries = entries;
		entries[list->count] = (struct list_entry){};
		ret = parse_entry(&c, &entries[list->count++]);
	}

	free(data);
	if (ret)
		list_free(list);
	return ret;
}

void list_free(struct list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->entries[i].name);
		free(list->entries[i].text);
	}
	free(list->entries);
	*list = (struct list){};
}

long list_find_last(const struct list *list, const char *name,
		    const char *event)
{
	char value[32];
	long i;

	for (i = (long)list->count - 1; i >= 0; i--) {
		const struct list_entry *entry = &list->entries[i];

		if (strcmp(entry->name, name))
			continue;
		if (!event || (record_value(entry, "event", value, sizeof(value)) &&
			       !strcmp(value, event)))
			break;
	}
	return i;
}

long list_find_start(const struct list *list)
{
	long late = list_find_last(list, "boot_aggregate_late", NULL);
	long start = list_find_last(list, "boot_aggregate", NULL);

	return start > late ? start : late;
}

bool record_value(const struct list_entry *entry, const char *key, char *value,
		  size_t size)
{
	const char *p = entry->text;
	size_t key_len = strlen(key);

	while (p && *p) {
		size_t len = strcspn(p, ";");

		if (len > key_len && p[key_len] == '=' && !strncmp(p, key, key_len)) {
			p += key_len + 1;
			len -= key_len + 1;
			if (len >= size)
				len = size - 1;
			memcpy(value, p, len);
			value[len] = '\0';
			return true;
		}
		p += len + (p[len] == ';');
	}
	return false;
}

long long record_number(const struct list_entry *entry, const char *key)
{
	long long number;
	char value[32];
	char *end;

	if (!record_value(entry, key, value, sizeof(value)))
		return -1;

	errno = 0;
	number = strtoll(value, &end, 10);
	return errno || end == value || *end ? -1 : number;
}
