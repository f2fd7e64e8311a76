// SPDX-License-Identifier: GPL-2.0-only
/* See limit.h. */

#include <sanitizer/allocator_interface.h>

#include "limit.h"

/*
 * For the window, the search for failed extends, the findings that are kept,
 * and libcrypto.
 */
#define FIXED (1 << 20)

static size_t live, most;	/* in bytes; not limited unless a limit is set */

static void count(const volatile void *p, size_t size)
{
	(void)p;
	live += size;
	if (!most || live <= most)
		return;
	fprintf(stderr, "%zu bytes allocated, %zu is the limit\n", live, most);
	most = 0;
	abort();
}

static void discount(const volatile void *p)
{
	if (p)
		live -= __sanitizer_get_allocated_size((const void *)(uintptr_t)p);
}

void limit_begin(size_t size, size_t per_byte)
{
	static bool installed;

	if (!installed)
		EXPECT(__sanitizer_install_malloc_and_free_hooks(count,
								 discount));
	installed = true;
	most = live + FIXED + size * per_byte;
}

void limit_end(void)
{
	most = 0;
}

void expect_message(const struct imatally_error *err)
{
	const char *c;

	EXPECT(err->status);
	EXPECT(err->text[0]);
	for (c = err->text; *c; c++)
		EXPECT(*c >= 0x20 && *c < 0x7f);
}

void expect_same_entry(const struct imatally_entry *a,
		       const struct imatally_entry *b)
{
	EXPECT(a->index == b->index && a->pcr == b->pcr);
	EXPECT(a->data_len == b->data_len &&
	       !memcmp(a->data, b->data, a->data_len));
	EXPECT(a->digest_len == b->digest_len &&
	       !memcmp(a->digest, b->digest, a->digest_len));
}
