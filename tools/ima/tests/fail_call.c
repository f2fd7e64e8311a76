// SPDX-License-Identifier: GPL-2.0-only
/*
 * To be preloaded into a program (LD_PRELOAD): one of its calls fails, as if the
 * disk or memory did.
 *
 *	FAIL_CALL=NAME:N  call number N of the function NAME below, from 1 on, or
 *			of "memory": any allocation that the program makes, itself
 *			or through libc or jansson.  With "+" behind it, all later
 *			calls fail as well.
 *	FAIL_ERRNO=N	what errno then is, EIO if it is not given; and nobody waits
 *	FAIL_TOLD=FILE	is created once it has failed
 */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void fail_call_end(void);
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *old, size_t size);

struct range {
	uintptr_t start, end;
};

static struct range program, libc, jansson;
static const char *wanted;	/* NULL: none any more */
static size_t wanted_len;
static unsigned long left;
static bool all;		/* from then on */
static bool ends;		/* fail_call_end() will be called */
static int failure_errno = EIO;

static int find_range(struct dl_phdr_info *info, size_t size, void *data)
{
	struct range *range = strstr(info->dlpi_name, "/libc.so") ? &libc :
			      strstr(info->dlpi_name, "/libjansson.so") ?
				      &jansson : &program;
	int i;

	(void)size;
	(void)data;
	/* the program is the first, and has no name */
	if (range == &program && info->dlpi_name[0])
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		*range = (struct range){ start, start + segment->p_memsz };
	}
	return 0;
}

/* What follows writes counts of coverage. */
void fail_call_end(void)
{
	wanted = NULL;
}

static void __attribute__((constructor)) begin(void)
{
	const char *call = getenv("FAIL_CALL"), *colon;

	colon = call ? strchr(call, ':') : NULL;
	if (!colon)
		return;
	dl_iterate_phdr(find_range, NULL);
	left = strtoul(colon + 1, NULL, 10);
	all = call[strlen(call) - 1] == '+';
	if (getenv("FAIL_ERRNO"))
		failure_errno = atoi(getenv("FAIL_ERRNO"));
	wanted_len = colon - call;
	wanted = call;
}

static bool is_in(const struct range *range, const void *address)
{
	uintptr_t at = (uintptr_t)address;

	return at >= range->start && at < range->end;
}

/* Return whether this call of @name, made from @caller, has to fail. */
static bool fails(const char *name, const void *caller)
{
	bool is_memory = !strcmp(name, "memory");
	int (*real_open)(const char *path, int flags, ...);
	int fd;

	if (!wanted || strlen(name) != wanted_len ||
	    memcmp(wanted, name, wanted_len))
		return false;
	/* only now, so that it ends before what the program does at its end */
	if (is_in(&program, caller) && !ends) {
		ends = true;
		atexit(fail_call_end);
	}
	if (!is_in(&program, caller) &&
	    !(is_memory && (is_in(&libc, caller) || is_in(&jansson, caller))))
		return false;
	if (left && --left)
		return false;
	if (!all)
		wanted = NULL;
	real_open = dlsym(RTLD_NEXT, "open");
	fd = real_open(getenv("FAIL_TOLD"), O_CREAT | O_WRONLY, 0600);
	if (fd >= 0)
		close(fd);
	return true;
}

void *malloc(size_t size)
{
	if (!fails("memory", __builtin_return_address(0)))
		return __libc_malloc(size);
	errno = ENOMEM;
	return NULL;
}

void *calloc(size_t nr, size_t size)
{
	if (!fails("memory", __builtin_return_address(0)))
		return __libc_calloc(nr, size);
	errno = ENOMEM;
	return NULL;
}

void *realloc(void *old, size_t size)
{
	if (!fails("memory", __builtin_return_address(0)))
		return __libc_realloc(old, size);
	errno = ENOMEM;
	return NULL;
}

/* On some machines, large files have functions of their own. */
#define FAILING_AS(name, called, type, failure, parameters, arguments)	\
type called parameters							\
{									\
	static type (*real) parameters;					\
									\
	if (!real)							\
		real = dlsym(RTLD_NEXT, #called);			\
	if (!fails(#name, __builtin_return_address(0)))			\
		return real arguments;					\
	errno = failure_errno;							\
	return failure;							\
}

#define FAILING(name, ...) FAILING_AS(name, name, __VA_ARGS__)
#define FAILING64(name, ...)						\
	FAILING_AS(name, name, __VA_ARGS__)				\
	FAILING_AS(name, name##64, __VA_ARGS__)

FAILING64(fopen, FILE *, NULL, (const char *path, const char *mode), (path, mode))
FAILING64(tmpfile, FILE *, NULL, (void), ())
FAILING64(fseeko, int, -1, (FILE *file, off_t offset, int whence),
	  (file, offset, whence))
FAILING64(mkostemp, int, -1, (char *template, int flags), (template, flags))
FAILING64(ftruncate, int, -1, (int fd, off_t size), (fd, size))
FAILING_AS(readdir, readdir, struct dirent *, NULL, (DIR *dir), (dir))
FAILING_AS(readdir, readdir64, struct dirent64 *, NULL, (DIR *dir), (dir))
FAILING_AS(fstatat, fstatat, int, -1,
	   (int dir, const char *path, struct stat *st, int flags),
	   (dir, path, st, flags))
FAILING_AS(fstatat, fstatat64, int, -1,
	   (int dir, const char *path, struct stat64 *st, int flags),
	   (dir, path, st, flags))
FAILING(fdopen, FILE *, NULL, (int fd, const char *mode), (fd, mode))
FAILING(opendir, DIR *, NULL, (const char *path), (path))
FAILING(mkdir, int, -1, (const char *path, mode_t mode), (path, mode))
FAILING(flock, int, -1, (int fd, int how), (fd, how))
FAILING(write, ssize_t, -1, (int fd, const void *data, size_t len), (fd, data, len))
FAILING(fsync, int, -1, (int fd), (fd))
FAILING(fdatasync, int, -1, (int fd), (fd))
FAILING(fchmod, int, -1, (int fd, mode_t mode), (fd, mode))
FAILING(unlinkat, int, -1, (int dir, const char *path, int flags),
	(dir, path, flags))
FAILING(rename, int, -1, (const char *from, const char *to), (from, to))
FAILING(fflush, int, EOF, (FILE *file), (file))
FAILING(dup2, int, -1, (int from, int to), (from, to))
FAILING(fork, pid_t, -1, (void), ())

/* libcrypto has no memory, or refuses an algorithm. */
FAILING(EVP_DigestUpdate, int, 0, (EVP_MD_CTX *context, const void *data, size_t len),
	(context, data, len))
FAILING(EVP_DigestFinal_ex, int, 0,
	(EVP_MD_CTX *context, unsigned char *digest, unsigned int *len),
	(context, digest, len))
FAILING(EVP_MD_CTX_copy_ex, int, 0, (EVP_MD_CTX *to, const EVP_MD_CTX *from),
	(to, from))
FAILING(EVP_MD_CTX_new, EVP_MD_CTX *, NULL, (void), ())
FAILING(EVP_Q_digest, int, 0,
	(OSSL_LIB_CTX *context, const char *name, const char *properties,
	 const void *data, size_t len, unsigned char *digest, size_t *size),
	(context, name, properties, data, len, digest, size))
FAILING(EVP_DigestInit_ex, int, 0,
	(EVP_MD_CTX *context, const EVP_MD *type, ENGINE *engine),
	(context, type, engine))

int nanosleep(const struct timespec *pause, struct timespec *rest)
{
	static int (*real)(const struct timespec *pause, struct timespec *rest);

	if (!real)
		real = dlsym(RTLD_NEXT, "nanosleep");
	return getenv("FAIL_ERRNO") ? 0 : real(pause, rest);
}

/* The mode is there only if the flags ask for it. */
#define FAILING_OPEN(name, called, parameters, flags_and_before)	\
int called parameters							\
{									\
	static int (*real) parameters;					\
	va_list ap;							\
	mode_t mode;							\
									\
	va_start(ap, flags);						\
	mode = va_arg(ap, mode_t);					\
	va_end(ap);							\
	if (!real)							\
		real = dlsym(RTLD_NEXT, #called);			\
	if (!fails(#name, __builtin_return_address(0)))			\
		return real(EXPAND flags_and_before, mode);		\
	errno = failure_errno;							\
	return -1;							\
}

#define EXPAND(...) __VA_ARGS__
#define OPEN (const char *path, int flags, ...)
#define OPENAT (int dir, const char *path, int flags, ...)

FAILING_OPEN(open, open, OPEN, (path, flags))
FAILING_OPEN(open, open64, OPEN, (path, flags))
FAILING_OPEN(openat, openat, OPENAT, (dir, path, flags))
FAILING_OPEN(openat, openat64, OPENAT, (dir, path, flags))
