/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers assert of every input. */
#ifndef FUZZ_LIMIT_H
#define FUZZ_LIMIT_H

#include "../tests/test.h"

/*
 * From limit_begin() to limit_end(), no more than a fixed amount and @per_byte
 * times @size bytes may have been allocated at any one time.
 */
void limit_begin(size_t size, size_t per_byte);
void limit_end(void);

/* An error says what is wrong in one line that can be printed anywhere. */
void expect_message(const struct imatally_error *err);

/* One entry, read twice from different places. */
void expect_same_entry(const struct imatally_entry *a,
		       const struct imatally_entry *b);

/* Stop, for the fuzzer to report the input, if @condition does not hold. */
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
