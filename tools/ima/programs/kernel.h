/* SPDX-License-Identifier: GPL-2.0-only */
/* The measuring kernel's files in securityfs. */
#ifndef PROGRAMS_KERNEL_H
#define PROGRAMS_KERNEL_H

#define KERNEL_IMA "/sys/kernel/security/ima"

/*
 * Ask the kernel, whose files are in @ima, for a counter record.  0; 1 if this
 * kernel makes none on request; -1 after a complaint, if it made none, or one
 * that says that the TPM could not be read.
 */
int kernel_request_record(const char *ima);

/* How many entries the list has; -1 after a complaint. */
long long kernel_count_entries(const char *ima);

#endif /* PROGRAMS_KERNEL_H */
