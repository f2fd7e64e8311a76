// SPDX-License-Identifier: GPL-2.0-only
/* Error messages, the last of which is kept for a report. */

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "commands.h"

static _Thread_local struct complaint last;

const char *escaped(char *out, size_t size, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	for (; *text; text++) {
		unsigned char c = *text;
		bool is_plain = c >= 0x20 && c < 0x7f && c != '\\';

		if (len + (is_plain ? 1 : 4) >= size)
			break;
		if (is_plain) {
			out[len++] = c;
			continue;
		}
		out[len++] = '\\';
		out[len++] = 'x';
		out[len++] = digits[c >> 4];
		out[len++] = digits[c & 15];
	}
	out[len] = '\0';
	return out;
}

void complain(const char *fmt, ...)
{
	char shown[4 * sizeof(last.text)];
	va_list ap;

	memset(&last, 0, sizeof(last));
	va_start(ap, fmt);
	vsnprintf(last.text, sizeof(last.text), fmt, ap);
	va_end(ap);
	/* a name of a file may have control characters */
	fprintf(stderr, "imatally: %s\n",
		escaped(shown, sizeof(shown), last.text));
}

void complain_about(const char *name, const struct imatally_error *err)
{
	if (!err->in_log) {
		complain("%s: %s", name, err->text);
		return;
	}
	complain("%s: entry %" PRIu64 ", offset %" PRIu64 ": %s", name,
		 err->entry, err->offset, err->text);
	last.in_log = true;
	last.entry = err->entry;
	last.offset = err->offset;
}

int complain_if(enum imatally_status status, const char *name,
		const struct imatally_error *err)
{
	if (!status)
		return 0;
	complain_about(name, err);
	return -1;
}

const struct complaint *last_complaint(void)
{
	return last.text[0] ? &last : NULL;
}
