// SPDX-License-Identifier: GPL-2.0

#include <stdint.h>

#include "equations.h"

static long long difference(const struct list_entry *a,
			    const struct list_entry *b, const char *key)
{
	return record_number(b, key) - record_number(a, key);
}

struct interval interval_between(const struct list *list, long from, long to)
{
	const struct list_entry *a = &list->entries[from];
	const struct list_entry *b = &list->entries[to];
	struct interval interval = {};
	long long entries, extends, updates;
	uint32_t counted;

	entries = difference(a, b, "entries");
	extends = difference(a, b, "extends");
	updates = difference(a, b, "updates");
	counted = difference(a, b, "pcrUpdateCounter");

	interval.uncertain = difference(a, b, "uncertain");
	interval.failed = difference(a, b, "failed");
	interval.dropped = difference(a, b, "dropped");
	interval.unread = difference(a, b, "unread");
	interval.lost = entries - (to - from);
	interval.unexplained = (int32_t)(counted - (uint32_t)updates);
	interval.others = updates - record_number(b, "banks") * extends;
	interval.disagreement = entries - extends - interval.failed;
	return interval;
}

bool interval_closes(const struct interval *interval)
{
	return !interval->lost && !interval->disagreement &&
	       interval->unexplained >= 0 &&
	       interval->unexplained <= interval->uncertain;
}

long next_record(const struct list *list, long index)
{
	while (++index < (long)list->count)
		if (list->entries[index].text)
			return index;
	return -1;
}
