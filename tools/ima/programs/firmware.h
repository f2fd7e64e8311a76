/* SPDX-License-Identifier: GPL-2.0-only */
/* firmware.c: the firmware's log of what it extended PCRs 0 to 9 with. */
#ifndef PROGRAMS_FIRMWARE_H
#define PROGRAMS_FIRMWARE_H

#include "imatally-evidence.h"

#define FIRMWARE_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"

/* What became of it at the verifier. */
enum firmware_verdict {
	FIRMWARE_NO_LOG,	/* the evidence has none */
	FIRMWARE_NOT_REPLAYED,	/* nothing to replay it with, or to compare with */
	FIRMWARE_MATCHES,
	FIRMWARE_DIFFERS,
	FIRMWARE_UNREADABLE,	/* the program that replays it failed */
};

struct firmware {
	enum firmware_verdict verdict;
	uint32_t pcr;		/* the first one that differs */
	uint16_t alg;
};

/*
 * On the measured machine: copy the log @from to the directory of the evidence,
 * and keep its digest in @evidence.  It may be missing if @from is FIRMWARE_LOG.
 * Returns -1 after an error message.
 */
int firmware_collect(const char *from, const char *dir,
		     struct imatally_evidence *evidence);

/*
 * At the verifier: replay the log in the directory, if the evidence has one, with
 * tpm2_eventlog, and compare the result with the values of PCRs 0 to 9.
 * @evidence must be authentic.  Returns -1 after an error message if the log is
 * not the one that was collected.
 */
int firmware_check(const char *dir, const struct imatally_evidence *evidence,
		   struct firmware *firmware);

#endif /* PROGRAMS_FIRMWARE_H */
