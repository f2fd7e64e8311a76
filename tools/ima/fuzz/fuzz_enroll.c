// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is a file of enrollment.  If it is valid, it must be the same after
 * formatting and parsing it.  A request is also checked with an EK certificate
 * of our own CA in it, since otherwise no public area of an AK would be used.
 */

#include <stdlib.h>

#include "../tests/enroller.h"
#include "limit.h"

static struct imatally_trust *trust;
static struct imatally_bytes certificate;	/* of an EK */

static void set_up(void)
{
	const struct certificate what = {
		.subject = "a TPM", .usage = EK_USAGE,
		.from = -60, .until = 7 * 24 * 3600,
	};
	EVP_PKEY *ek = make_key("EC", 256);
	struct imatally_bytes der = { 0 };
	struct imatally_error err;
	struct ca ca;

	ca_init(&ca, "the root", NULL);
	trust = imatally_trust_new();
	keep_der(&certificate, make_certificate(&what, ek, &ca));
	X509_up_ref(ca.certificate);
	keep_der(&der, ca.certificate);
	EXPECT(!imatally_trust_add(trust, der.data, der.len, &err));
	free(der.data);
	ca_free(&ca);
	EVP_PKEY_free(ek);
}

static void challenge(const struct imatally_request *request)
{
	struct imatally_enrollment enrollment;
	struct imatally_challenge made;
	struct imatally_error err;
	struct imatally_ak *ak;

	if (imatally_challenge_make(request, trust, &made, &enrollment, &err)) {
		expect_message(&err);
		return;
	}
	EXPECT(made.credential.len && made.secret.len);
	EXPECT(!imatally_ak_from_pem(&ak, enrollment.ak, strlen(enrollment.ak),
				     &err));
	imatally_ak_free(ak);
	imatally_enrollment_free(&enrollment);
	imatally_challenge_free(&made);
}

static void read_request(const char *text, size_t len)
{
	struct imatally_request request, again;
	struct imatally_error err;
	char *same;

	if (imatally_request_parse(&request, text, len, &err)) {
		expect_message(&err);
		return;
	}
	same = imatally_request_format(&request);
	EXPECT(!imatally_request_parse(&again, same, strlen(same), &err));
	EXPECT(again.ak_public.len == request.ak_public.len);
	free(same);
	imatally_request_free(&again);
	challenge(&request);
	/* does not own it */
	free(request.ek_certificate.data);
	request.ek_certificate = certificate;
	challenge(&request);
	memset(&request.ek_certificate, 0, sizeof(request.ek_certificate));
	imatally_request_free(&request);
}

static void read_enrollment(const char *text, size_t len, bool is_pending)
{
	struct imatally_enrollment enrollment, again;
	struct imatally_error err;
	char *same;

	if (imatally_enrollment_parse(&enrollment, is_pending, text, len, &err)) {
		expect_message(&err);
		return;
	}
	same = imatally_enrollment_format(&enrollment);
	EXPECT(!imatally_enrollment_parse(&again, is_pending, same, strlen(same),
					  &err));
	EXPECT(!strcmp(again.ak, enrollment.ak));
	free(same);
	imatally_enrollment_free(&again);
	imatally_enrollment_free(&enrollment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct imatally_challenge made;
	struct imatally_bytes answer;
	struct imatally_error err;

	if (!trust)
		set_up();
	/* a hash table for each pair of braces */
	limit_begin(size, 256);
	read_request(text, size);
	read_enrollment(text, size, true);
	read_enrollment(text, size, false);
	if (imatally_challenge_parse(&made, text, size, &err))
		expect_message(&err);
	else
		imatally_challenge_free(&made);
	if (imatally_answer_parse(&answer, text, size, &err))
		expect_message(&err);
	else
		free(answer.data);
	limit_end();
	return 0;
}
