/* SPDX-License-Identifier: GPL-2.0-only */
/* ear.c: the verdict as an EAT Attestation Result, see imatally-ear(5). */
#ifndef PROGRAMS_EAR_H
#define PROGRAMS_EAR_H

#include "jwt.h"
#include "report.h"

/*
 * Write the attestation result for @report to the file @path, which is
 * replaced.  It is signed with @key unless that is NULL.  @nonce is the nonce
 * that the evidence answers, in hexadecimal, or NULL without evidence.  Returns
 * -1 after an error message.
 */
int ear_write(const struct report *report, const char *nonce,
	      const struct jwt_key *key, const char *path);

#endif /* PROGRAMS_EAR_H */
