/* SPDX-License-Identifier: GPL-2.0-only */
/* trust.c: certificates of EKs. */
#ifndef IMATALLY_TRUST_H
#define IMATALLY_TRUST_H

#include <openssl/x509.h>

#include "imatally-enroll.h"

/*
 * Read a certificate, which must be all of @der.  To be freed with X509_free();
 * NULL if it is none, or when out of memory.
 */
X509 *imatally_certificate(const struct imatally_bytes *der);

/* A distinguished name as printable text; to be freed, NULL if out of memory. */
char *imatally_distinguished_name(const X509_NAME *name);

/* Check that it is an EK's, and its chain. */
enum imatally_status imatally_trust_check(const struct imatally_trust *trust,
					  X509 *certificate,
					  struct imatally_error *err);

#endif /* IMATALLY_TRUST_H */
