// SPDX-License-Identifier: GPL-2.0-only
/* _exit() for "make coverage", which counts what ran only where exit() is called. */

void __gcov_dump(void);	/* of libgcov */
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
