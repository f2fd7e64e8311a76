// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bench/kernel_cost.py has the guest do while plugin.c counts instructions:
 * each thing that is measured stands between MARK and MARK + 1. Without arguments
 * it lists the commands.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REQUEST "/sys/kernel/security/ima/update_counter"
#define KEXEC_FILE_NO_INITRAMFS 4
#define KEXEC_FILE_UNLOAD 1

static __attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

/* Executes MARKS + number: a page of "ret" */
static void mark(unsigned int number)
{
	((void (*)(void))(MARKS + number))();
}

static void make_marks(void)
{
	void *page = mmap((void *)MARKS, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (page != (void *)MARKS)
		fail("no page for marks");
	memset(page, 0xc3, 4096);
}

static unsigned int number_of(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || value > 1000000000) {
		errno = EINVAL;
		fail("%s", text);
	}
	return value;
}

/* Files in /ramfs that were not measured yet */
static void make_files(unsigned int count)
{
	char path[64];
	unsigned int i;
	int fd;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/ramfs/%d.%08u", getpid(), i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || write(fd, path, strlen(path)) < 0 || close(fd))
			fail("%s", path);
	}
}

/* As small a file as there are: IMA reads it when it is opened */
static void measure_file(unsigned int number)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/ramfs/%d.%08u", getpid(), number);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		fail("%s", path);
	close(fd);
}

static int open_request(void)
{
	int fd = open(REQUEST, O_WRONLY);

	if (fd < 0)
		fail(REQUEST);
	return fd;
}

static void request(int fd)
{
	if (write(fd, "1", 1) != 1)
		fail(REQUEST);
}

static void do_mark(char *argv[])
{
	mark(number_of(argv[0]));
}

static void do_files(char *argv[])
{
	unsigned int begin = number_of(argv[0]);
	unsigned int i, count = number_of(argv[1]);

	make_files(count);
	for (i = 0; i < count; i++) {
		mark(begin);
		measure_file(i);
		mark(begin + 1);
	}
}

/* Groups of files, each followed by a record on request */
static void do_groups(char *argv[])
{
	unsigned int begin = number_of(argv[0]);
	unsigned int i, j, count = number_of(argv[1]), size = number_of(argv[2]);
	int fd = open_request();

	make_files(count * size);
	for (i = 0; i < count; i++) {
		mark(begin);
		for (j = 0; j < size; j++)
			measure_file(i * size + j);
		request(fd);
		mark(begin + 1);
	}
	close(fd);
}

static void do_records(char *argv[])
{
	unsigned int begin = number_of(argv[0]);
	unsigned int i, count = number_of(argv[1]);
	int fd = open_request();

	for (i = 0; i < count; i++) {
		mark(begin);
		request(fd);
		mark(begin + 1);
	}
	close(fd);
}

/* Load a kernel, with a command line of that length that is another each time */
static void do_kexec(char *argv[])
{
	unsigned int begin = number_of(argv[0]);
	unsigned int i, count = number_of(argv[1]), length = number_of(argv[2]);
	int fd = open(argv[3], O_RDONLY);
	char *line = malloc(length + 32);
	long rc;

	if (fd < 0 || !line)
		fail("%s", argv[3]);
	for (i = 0; i < count; i++) {
		memset(line, 'x', length);
		line[length] = 0;
		line[snprintf(line, length, "%d.%u", getpid(), i)] = ' ';
		mark(begin);
		rc = syscall(SYS_kexec_file_load, fd, -1, length + 1UL, line, KEXEC_FILE_NO_INITRAMFS);
		mark(begin + 1);
		if (rc || syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, KEXEC_FILE_UNLOAD))
			fail("kexec_file_load of %s", argv[3]);
	}
	free(line);
	close(fd);
}

/* Send the TPM a command that is given in hexadecimal digits */
static void do_tpm(char *argv[])
{
	unsigned int begin = number_of(argv[0]);
	unsigned int i, count = number_of(argv[1]), byte;
	unsigned char command[1024], response[4096];
	size_t size = 0;
	int fd = open("/dev/tpm0", O_RDWR), consumed;
	const char *hex;

	if (fd < 0)
		fail("/dev/tpm0");
	for (hex = argv[2]; size < sizeof(command) && sscanf(hex, "%2x%n", &byte, &consumed) == 1; hex += consumed)
		command[size++] = byte;
	for (i = 0; i < count; i++) {
		mark(begin);
		if (write(fd, command, size) != (ssize_t)size || read(fd, response, sizeof(response)) < 10)
			fail("/dev/tpm0");
		mark(begin + 1);
		if (memcmp(response + 6, "\0\0\0\0", 4)) {
			errno = EIO;
			fail("the TPM answers %02x%02x", response[8], response[9]);
		}
	}
	close(fd);
}

static const struct {
	const char *name, *arguments;
	int argc;
	void (*run)(char *argv[]);
} commands[] = {
	{ "mark", "MARK", 1, do_mark },
	{ "files", "MARK COUNT", 2, do_files },
	{ "groups", "MARK COUNT SIZE", 3, do_groups },
	{ "records", "MARK COUNT", 2, do_records },
	{ "kexec", "MARK COUNT LENGTH IMAGE", 4, do_kexec },
	{ "tpm", "MARK COUNT HEX", 3, do_tpm },
};

int main(int argc, char *argv[])
{
	size_t i;

	make_marks();
	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) || argc - 2 != commands[i].argc)
			continue;
		commands[i].run(argv + 2);
		return 0;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "workload %s %s\n", commands[i].name, commands[i].arguments);
	return 2;
}
