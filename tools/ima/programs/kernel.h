/* SPDX-License-Identifier: GPL-2.0-only */
/* IMA's files in securityfs on the measured machine. */
#ifndef PROGRAMS_KERNEL_H
#define PROGRAMS_KERNEL_H

#include <stdbool.h>
#include <stdio.h>

#define KERNEL_IMA "/sys/kernel/security/ima"

/*
 * Request a record from the kernel, whose files are in @ima.  Returns 0; 1 if
 * the kernel does not support this; or -1 after an error message, if there is
 * no new record or it says that the TPM could not be read.
 */
int kernel_request_record(const char *ima);

/* Return the number of entries in the list, or -1 after an error message. */
long long kernel_count_entries(const char *ima);

/*
 * The measurement list, in the order of its entries: those that user space has
 * staged to delete them, if the kernel supports that, and the rest.
 */
struct kernel_list {
	FILE *staged, *rest;	/* staged may be NULL */
};

/*
 * Open the list.  While it is open, the kernel lets nobody stage or delete
 * entries, but goes on adding them.  These return -1 after an error message.
 */
int kernel_open_list(const char *ima, struct kernel_list *list);
/*
 * Read up to @len bytes from where the last read of the list ended.  Returns how
 * many these are; fewer than @len at its end or on a read error, which
 * kernel_list_failed() tells apart.  Neither prints a message.
 */
size_t kernel_read_list(const struct kernel_list *list, void *buf, size_t len);
bool kernel_list_failed(const struct kernel_list *list);
/* Read from the start again.  Returns -1 after an error message. */
int kernel_rewind_list(const struct kernel_list *list);
/* Write all entries so far to @to, whose errors are left to the caller. */
int kernel_copy_list(const struct kernel_list *list, FILE *to);
void kernel_close_list(struct kernel_list *list);

#endif /* PROGRAMS_KERNEL_H */
