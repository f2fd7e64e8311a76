/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that query the machine, or make it do something
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "measurement_list.h"

#define REQUEST_FILE	IMA_DIR "/update_counter"

/* Part of what the kernel logs when it can't read the counter */
#define WARNING		"PCR update counter can't be read"

/* Reasons to skip a test */
#define NO_TPM		"needs a TPM 2.0 and /dev/tpmrm0"
#define NO_KEXEC	"needs kexec, and no kernel loaded yet"
#define NO_FILE		"needs a kernel with records on request"

/**
 * why_no_records - check whether this machine can make records
 *
 * Return: the reason to skip a test, or NULL if records are expected.
 */
const char *why_no_records(void);

/* Return the reason why no record can be requested here, or NULL. */
const char *why_no_requests(void);

/* Return the reason why no record with a counter can be requested, or NULL. */
const char *why_no_counted_requests(void);

/* Does the kernel have CONFIG_IMA_UPDATE_COUNTER? */
bool kernel_has_records(void);

/* Does the policy ask for critical data labelled "tpm"? */
bool policy_wants_records(void);

/* How often does the kernel log contain this? */
int kernel_log_count(const char *what);

/* Does a line of the file contain both strings? */
bool file_has(const char *path, const char *a, const char *b);

/* Return the number in a file, or -1. */
long long file_number(const char *path);

/* Write text to an existing file. Return: 0 or a negative errno. */
int file_write(const char *path, const char *text);

/**
 * read_together - read a consistent snapshot of the list and the TPM's counter
 * @list: output: the list, to be freed with list_free()
 * @counter: output: the counter
 *
 * Return: 0 or a negative errno, -EAGAIN if the machine keeps measuring.
 */
int read_together(struct list *list, uint32_t *counter);

/* Load a kernel and unload it again. Return: 0 or a negative errno. */
int load_and_unload(const char *image, unsigned long flags);

/**
 * measure_files - create and read files, which tcb policies measure
 * @dir: directory on a file system that the policy measures, so not on tmpfs
 * @count: number of files
 *
 * Return: 0 or a negative errno.
 */
int measure_files(const char *dir, int count);

/*
 * Mount, or unmount, a file system whose files tcb policies measure. mkdtemp()
 * creates the mount point from the template @dir. Return: 0 or a negative
 * errno.
 */
int mount_measured(char *dir);
void unmount_measured(const char *dir);

#endif
