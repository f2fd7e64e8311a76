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

#endif /* TESTS_TEST_H */
