// SPDX-License-Identifier: GPL-2.0-only
/* An _exit() for coverage builds that writes the counts, as exit() does. */

#include <dlfcn.h>

void __gcov_dump(void);	/* from libgcov */
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

void __wrap__exit(int status)
{
	/* of fail_call.c, which is for the program only */
	void (*end)(void) = dlsym(RTLD_DEFAULT, "fail_call_end");

	if (end)
		end();
	__gcov_dump();
	__real__exit(status);
}
