/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests ask of the machine, and make it do.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "measurement_list.h"

#define REQUEST_FILE	IMA_DIR "/update_counter"

/* What the kernel logs when it can't read the counter. */
#define WARNING		"PCR update counter can't be read"

/* Reasons to skip a test */
#define NO_TPM		"needs a TPM 2.0 and /dev/tpmrm0"
#define NO_KEXEC	"needs kexec, and no kernel loaded yet"

/**
 * why_no_records - what stands against records on this machine
 *
 * Return: a reason to skip, or NULL if there are to be records.
 */
const char *why_no_records(void);

/* Has the kernel CONFIG_IMA_UPDATE_COUNTER? */
bool kernel_has_records(void);

/* Does the policy ask for critical data labelled "tpm"? */
bool policy_wants_records(void);

bool kernel_log_has(const char *what);

/* Is there a line of a file that has both strings? */
bool file_has(const char *path, const char *a, const char *b);

/* The number in a file, or -1 */
long long file_number(const char *path);

/* Write text to a file that exists. Return: 0 or a negative errno. */
int file_write(const char *path, const char *text);

/**
 * read_together - the list and the TPM's counter at one moment
 * @list: the list, to be freed with list_free()
 * @counter: the counter
 *
 * Return: 0, or a negative errno: -EAGAIN if the machine does not keep quiet.
 */
int read_together(struct list *list, uint32_t *counter);

/* Load a kernel and unload it again. Return: 0 or a negative errno. */
int load_and_unload(const char *image, unsigned long flags);

/**
 * measure_files - create and read files, which tcb policies measure
 * @dir: where: neither tmpfs nor what else the policy leaves out
 * @count: how many
 *
 * Return: 0 or a negative errno.
 */
int measure_files(const char *dir, int count);

/*
 * Mount a file system whose files tcb policies measure, on a folder that mkdtemp()
 * makes of @dir, and unmount it. Return: 0 or a negative errno.
 */
int mount_measured(char *dir);
void unmount_measured(const char *dir);

#endif
