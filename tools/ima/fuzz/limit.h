/* SPDX-License-Identifier: GPL-2.0-only */
/* Assertions for all fuzzers. */
#ifndef FUZZ_LIMIT_H
#define FUZZ_LIMIT_H

#include "../tests/test.h"

/*
 * Between limit_begin() and limit_end(), at most a fixed number of bytes plus
 * @per_byte * @size may be allocated at any time.
 */
void limit_begin(size_t size, size_t per_byte);
void limit_end(void);

/* An error must have a text of one printable line. */
void expect_message(const struct imatally_error *err);

/* An entry that was read in two ways must be the same. */
void expect_same_entry(const struct imatally_entry *a,
		       const struct imatally_entry *b);

/* Abort if @condition is false, so that the fuzzer reports the input. */
#define EXPECT(condition)                                                \
	do {                                                             \
		if (!(condition)) {                                      \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
				__LINE__, #condition);                   \
			abort();                                         \
		}                                                        \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* FUZZ_LIMIT_H */
