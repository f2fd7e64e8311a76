// SPDX-License-Identifier: GPL-2.0

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"
#include "tpm2.h"

bool file_has(const char *path, const char *a, const char *b)
{
	char line[4096];
	bool found = false;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, a) && strstr(line, b);
	fclose(f);
	return found;
}

long long file_number(const char *path)
{
	long long number = -1;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%lld", &number) != 1)
		number = -1;
	fclose(f);
	return number;
}

/* Does the rule have the label "tpm", or no label at all? */
static bool rule_has_label(const char *rule)
{
	const char *label = strstr(rule, "label=");

	if (!label)
		return true;

	for (label += strlen("label="); ; label++) {
		size_t len = strcspn(label, "|\n ");

		if (len == 3 && !strncmp(label, "tpm", len))
			return true;
		label += len;
		if (*label != '|')
			return false;
	}
}

bool policy_wants_records(void)
{
	const char *policy = IMA_DIR "/policy";
	char line[1024];
	bool wanted = false;
	FILE *f;

	f = fopen(policy, "re");
	if (!f) /* without CONFIG_IMA_READ_POLICY */
		return file_has("/proc/cmdline", "ima_policy=", "critical_data");

	while (!wanted && fgets(line, sizeof(line), f))
		wanted = !strncmp(line, "measure ", 8) &&
			 strstr(line, "func=CRITICAL_DATA") &&
			 rule_has_label(line);
	fclose(f);
	return wanted;
}

bool kernel_has_records(void)
{
	if (access("/proc/kallsyms", R_OK))
		return true;
	return file_has("/proc/kallsyms", "ima_measure_update_counter", "");
}

int kernel_log_count(const char *what)
{
	int size = klogctl(10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0);
	const char *pos;
	int count = 0;
	char *log;

	if (size <= 0)
		return 0;
	log = malloc(size + 1);
	if (!log)
		return 0;
	size = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, size);
	if (size > 0) {
		log[size] = '\0';
		for (pos = log; (pos = strstr(pos, what)); pos++)
			count++;
	}
	free(log);
	return count;
}

/*
 * The list shows an entry slightly before the TPM has counted it, so read both
 * twice, until nothing is measured in between.
 */
int read_together(struct list *list, uint32_t *counter)
{
	uint32_t counter_again;
	struct list again;
	bool same;
	int tries;
	int ret;

	for (tries = 0; tries < 10; tries++) {
		ret = list_read(list);
		if (ret)
			return ret;
		ret = tpm2_update_counter(counter);
		usleep(100000);
		if (!ret)
			ret = tpm2_update_counter(&counter_again);
		if (!ret)
			ret = list_read(&again);
		if (ret) {
			list_free(list);
			return ret;
		}
		same = again.count == list->count && counter_again == *counter;
		list_free(&again);
		if (same)
			return 0;
		list_free(list);
	}
	return -EAGAIN;
}

int file_write(const char *path, const char *text)
{
	ssize_t len = strlen(text);
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

const char *why_no_records(void)
{
	if (geteuid())
		return "needs root";
	if (!kernel_has_records())
		return "needs a kernel with CONFIG_IMA_UPDATE_COUNTER";
	if (!policy_wants_records())
		return "needs a policy that measures critical data labelled tpm";
	return NULL;
}

const char *why_no_requests(void)
{
	const char *reason = why_no_records();

	if (!reason && access(REQUEST_FILE, F_OK))
		reason = NO_FILE;
	return reason;
}

const char *why_no_counted_requests(void)
{
	const char *reason = why_no_requests();

	if (!reason && !tpm2_present())
		reason = NO_TPM;
	return reason;
}

int load_and_unload(const char *image, unsigned long flags)
{
	static const char cmdline[] = "ima_update_counter_test";
	int fd, ret;

	fd = open(image, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
#ifndef __NR_kexec_file_load
	close(fd);
	return -EOPNOTSUPP;
#else
	ret = syscall(__NR_kexec_file_load, fd, -1, sizeof(cmdline), cmdline,
		      flags | KEXEC_FILE_NO_INITRAMFS);
	ret = ret ? -errno : 0;
	close(fd);

	if (!ret)
		syscall(__NR_kexec_file_load, -1, -1, 0, NULL,
			KEXEC_FILE_UNLOAD | flags);
	return ret;
#endif
}

int measure_files(const char *dir, int count)
{
	char path[64], byte;
	int fd, i;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%d-%d", dir, getpid(), i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			return -errno;
		if (dprintf(fd, "%d %d\n", getpid(), i) < 0)
			return -errno;
		close(fd);

		fd = open(path, O_RDONLY);
		if (fd < 0 || read(fd, &byte, 1) != 1)
			return -errno;
		close(fd);
	}
	return 0;
}

int mount_measured(char *dir)
{
	if (!mkdtemp(dir))
		return -errno;
	if (!mount("none", dir, "ramfs", 0, NULL))
		return 0;
	rmdir(dir);
	return -errno;
}

void unmount_measured(const char *dir)
{
	umount(dir);
	rmdir(dir);
}
