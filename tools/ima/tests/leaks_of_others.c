// SPDX-License-Identifier: GPL-2.0-only
/*
 * What LeakSanitizer does not report: memory that libraries lose. Part of the
 * sanitized command, since a file of options may be out of its reach.
 */

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
	/* tpm2-tss 4.1: the context of a TPM that can't be reached */
	return "leak:Tss2_TctiLdr_Initialize_Ex\n";
}

/* Nor what it did not report */
const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
