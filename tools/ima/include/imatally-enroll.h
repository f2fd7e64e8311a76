/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libimatally: enrollment, which binds an attestation key (AK) to the TPM that
 * it is in.  A machine hands in a request with the certificate of its
 * endorsement key (EK) and the public area of its AK.  The verifier checks both,
 * and makes a challenge that only the TPM with that EK can open, and only if it
 * has that AK (Part 1, "Credential Protection").  If the answer is right, the
 * enrollment names the AK to verify evidence with.
 *
 * No function here uses a TPM.  The files are described in
 * imatally-enrollment(5).
 */
#ifndef IMATALLY_ENROLL_H
#define IMATALLY_ENROLL_H

#include "imatally-evidence.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMATALLY_ENROLL_VERSION 1	/* of all these files */

/* ------------------------------------------------------------------------- */
/* trust.c: CA certificates                                                  */

struct imatally_trust;

/* Freed with imatally_trust_free(); NULL when out of memory. */
struct imatally_trust *imatally_trust_new(void);
void imatally_trust_free(struct imatally_trust *trust);

/*
 * Add the certificates in a file: any number in PEM, at least one, or a single
 * one in DER.  A chain must end at a self-signed certificate among those added;
 * intermediate ones must be added too.
 */
enum imatally_status imatally_trust_add(struct imatally_trust *trust,
					const void *data, size_t len,
					struct imatally_error *err);

/* ------------------------------------------------------------------------- */
/* public.c: public areas                                                    */

/*
 * Return the key in a TPM2B_PUBLIC of Part 2 in PEM; to be freed.  NULL if it is
 * no RSA or ECC key (NIST P-256, P-384, P-521), or when out of memory.
 */
char *imatally_public_pem(const struct imatally_bytes *public_area);

/* ------------------------------------------------------------------------- */
/* enroll.c                                                                  */

/*
 * What a machine claims about itself.  Initialize with zeroes; free the members
 * with imatally_request_free().
 */
struct imatally_request {
	struct imatally_bytes ek_certificate;	/* X.509, in DER */
	struct imatally_bytes ak_public;	/* TPM2B_PUBLIC, of Part 2 */
};

/* These only check the format.  If they fail, @request is empty. */
enum imatally_status imatally_request_parse(struct imatally_request *request,
					    const char *text, size_t len,
					    struct imatally_error *err);
/* Return a text, which the caller frees; NULL when out of memory. */
char *imatally_request_format(const struct imatally_request *request);
void imatally_request_free(struct imatally_request *request);

/*
 * Return whether the certificate (X.509, in DER) is of the key in @ek_public, a
 * TPM2B_PUBLIC: for the machine, to find its EK.
 */
bool imatally_ek_is_certified(const struct imatally_bytes *ek_certificate,
			      const struct imatally_bytes *ek_public);

/*
 * The input of TPM2_ActivateCredential (Part 3).  Initialize with zeroes; free
 * the members with imatally_challenge_free().
 */
struct imatally_challenge {
	struct imatally_bytes credential;	/* TPM2B_ID_OBJECT, of Part 2 */
	struct imatally_bytes secret;		/* TPM2B_ENCRYPTED_SECRET */
};

enum imatally_status imatally_challenge_parse(struct imatally_challenge *challenge,
					      const char *text, size_t len,
					      struct imatally_error *err);
char *imatally_challenge_format(const struct imatally_challenge *challenge);
void imatally_challenge_free(struct imatally_challenge *challenge);

/* The answer: certInfo, which TPM2_ActivateCredential returned. */
enum imatally_status imatally_answer_parse(struct imatally_bytes *answer,
					   const char *text, size_t len,
					   struct imatally_error *err);
char *imatally_answer_format(const struct imatally_bytes *answer);

/*
 * An AK, and whose it is.  While @is_pending, this is a claim that waits for the
 * answer to a challenge; it must be kept where only the verifier can write.
 * Initialize with zeroes; free the members with imatally_enrollment_free().
 */
struct imatally_enrollment {
	bool is_pending;
	uint8_t answer_sha256[32];	/* if @is_pending: of the right answer */
	char *ak;			/* public key, in PEM */
	struct imatally_bytes ak_name;	/* Name of Part 1: nameAlg and digest */
	uint8_t ek_sha256[32];		/* of the DER SubjectPublicKeyInfo */
	uint8_t ek_certificate_sha256[32];
	char *ek_issuer;		/* as in RFC 2253, printable ASCII */
	char *ek_serial;		/* in hexadecimal */
	char *time;			/* of the challenge or enrollment, in UTC */
	char *version;			/* of imatally, which wrote it */
};

/*
 * Parse a pending enrollment if @is_pending, otherwise one that is complete; the
 * other kind is refused.
 */
enum imatally_status
imatally_enrollment_parse(struct imatally_enrollment *enrollment,
			  bool is_pending, const char *text, size_t len,
			  struct imatally_error *err);
char *imatally_enrollment_format(const struct imatally_enrollment *enrollment);
void imatally_enrollment_free(struct imatally_enrollment *enrollment);

/*
 * Check a request, and make a challenge with a new secret.  Of the EK, this
 * checks that its certificate is one for an EK (extended key usage
 * tcg-kp-EKCertificate), that its chain leads to a certificate in @trust and is
 * valid now, without SHA-1 or keys of less than 112 bits of security, and that
 * the key is of a kind that the TCG EK Credential Profile defines; of the AK,
 * that it is a restricted signing key which never leaves its TPM.  The rest is
 * for the answer to prove.  No revocation lists are read.
 *
 * Returns IMATALLY_ERR_NOT_AUTHENTIC, with the reason, if a check fails.
 * Otherwise fills in @challenge, for the machine, and @enrollment, pending.
 */
enum imatally_status
imatally_challenge_make(const struct imatally_request *request,
			const struct imatally_trust *trust,
			struct imatally_challenge *challenge,
			struct imatally_enrollment *enrollment,
			struct imatally_error *err);

/*
 * Complete a pending enrollment.  Returns IMATALLY_ERR_NOT_AUTHENTIC if it is
 * not the answer to its challenge, and leaves it as it is then.  The caller must
 * see to it that a pending enrollment is answered only once.
 */
enum imatally_status
imatally_enrollment_complete(struct imatally_enrollment *enrollment,
			     const struct imatally_bytes *answer,
			     struct imatally_error *err);

#ifdef __cplusplus
}
#endif

#endif /* IMATALLY_ENROLL_H */
