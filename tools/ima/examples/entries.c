// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print the entries of a measurement list with libimatally:
 *
 *	cc entries.c $(pkg-config --cflags --libs libimatally) -o entries
 *	./entries <LIST
 */
#include <imatally.h>
#include <inttypes.h>

static void print_name(const struct imatally_entry *entry)
{
	/* not terminated in the template "ima"; may contain any characters */
	const struct imatally_field *name = imatally_entry_field(entry, "n-ng");
	uint32_t i;

	if (!name)
		name = imatally_entry_field(entry, "n");
	for (i = 0; name && i < name->len && name->data[i]; i++)
		putchar(name->data[i] > 0x20 && name->data[i] < 0x7f ? name->data[i] : '?');
}

int main(void)
{
	static unsigned char list[1 << 24];
	struct imatally_log *log = imatally_log_open_buffer(list, fread(list, 1, sizeof(list), stdin));
	struct imatally_entry entry;
	struct imatally_error err;
	int got = -1;

	while (log && (got = imatally_log_next(log, &entry, &err)) > 0) {
		printf("%" PRIu64 " %" PRIu32 " ", entry.index, entry.pcr);
		print_name(&entry);
		puts(imatally_entry_is_violation(&entry) ? " (violation)" : "");
	}
	if (log && got < 0)
		fprintf(stderr, "entry %" PRIu64 ", offset %" PRIu64 ": %s\n",
			err.entry, err.offset, err.text);
	imatally_log_close(log);
	return got ? 3 : 0;
}
