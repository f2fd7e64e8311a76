// SPDX-License-Identifier: GPL-2.0-only
/* Error messages, the last of which is kept for a report. */

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "commands.h"

static _Thread_local struct complaint last;

void complain(const char *fmt, ...)
{
	va_list ap;

	memset(&last, 0, sizeof(last));
	va_start(ap, fmt);
	vsnprintf(last.text, sizeof(last.text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "imatally: %s\n", last.text);
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

const struct complaint *last_complaint(void)
{
	return last.text[0] ? &last : NULL;
}
