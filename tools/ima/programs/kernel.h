/* SPDX-License-Identifier: GPL-2.0-only */
/* IMA's files in securityfs on the measured machine. */
#ifndef PROGRAMS_KERNEL_H
#define PROGRAMS_KERNEL_H

#define KERNEL_IMA "/sys/kernel/security/ima"

/*
 * Request a record from the kernel, whose files are in @ima.  Returns 0; 1 if
 * the kernel does not support this; or -1 after an error message, if there is
 * no new record or it says that the TPM could not be read.
 */
int kernel_request_record(const char *ima);

/* Return the number of entries in the list, or -1 after an error message. */
long long kernel_count_entries(const char *ima);

#endif /* PROGRAMS_KERNEL_H */
