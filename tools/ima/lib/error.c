// SPDX-License-Identifier: GPL-2.0-only
/* Filling in struct imatally_error. */

#include <stdarg.h>

#include "private.h"

enum imatally_status imatally_fail(struct imatally_error *err,
				   enum imatally_status status, const char *fmt,
				   ...)
{
	va_list ap;

	err->status = status;
	err->in_log = false;
	err->entry = 0;
	err->offset = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return status;
}

enum imatally_status imatally_fail_at(struct imatally_error *err,
				      enum imatally_status status,
				      uint64_t entry, uint64_t offset,
				      const char *fmt, ...)
{
	va_list ap;

	err->status = status;
	err->in_log = true;
	err->entry = entry;
	err->offset = offset;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return status;
}

const char *imatally_printable(char *out, size_t size, const void *in,
			       size_t len)
{
	const unsigned char *c = in;
	size_t i;

	for (i = 0; i < len && i < size - 1; i++)
		out[i] = c[i] >= 0x20 && c[i] < 0x7f ? c[i] : '?';
	out[i] = '\0';
	return out;
}
