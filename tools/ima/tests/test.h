/* SPDX-License-Identifier: GPL-2.0-only */
/* cmocka with the headers that it requires, and the library under test. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/array_size.h"
#include "imatally.h"

/* The first finding of that kind, or NULL. */
static inline const struct imatally_finding *
find_finding(const struct imatally_result *result, enum imatally_kind kind)
{
	size_t i;

	for (i = 0; i < result->nr_findings; i++)
		if (result->finding[i].kind == kind)
			return &result->finding[i];
	return NULL;
}

#endif /* TESTS_TEST_H */
