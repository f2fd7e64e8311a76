// SPDX-License-Identifier: GPL-2.0-only
/* The input is PCR values, in the formats of tpm2_pcrread and of sysfs. */

#include "../lib/private.h"
#include "limit.h"

static void expect_values(const struct imatally_pcrs *pcrs)
{
	size_t i;

	for (i = 0; i < pcrs->nr; i++) {
		const struct imatally_pcr *pcr = &pcrs->pcr[i];
		size_t size = imatally_alg_size(pcr->bank.alg);

		EXPECT(pcr->index <= IMATALLY_MAX_PCR ||
		       pcr->index == IMATALLY_PCR_OF_LOG);
		EXPECT(pcr->bank.alg);
		EXPECT(pcr->bank.len && pcr->bank.len <= IMATALLY_MAX_DIGEST);
		EXPECT(!size || pcr->bank.len == size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t algs[] = { IMATALLY_ALG_SHA1,
					 IMATALLY_ALG_SHA512, 0x1234 };
	const char *text = (const char *)data;
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	unsigned int i;

	limit_begin(size, sizeof(struct imatally_pcr));
	if (imatally_pcrs_add_pcrread(&pcrs, text, size, &err))
		expect_message(&err);
	else
		EXPECT(pcrs.nr);
	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (imatally_pcrs_add_hex(&pcrs, IMATALLY_PCR_OF_LOG, algs[i],
					  text, size, &err))
			expect_message(&err);
	expect_values(&pcrs);
	imatally_pcrs_free(&pcrs);
	limit_end();
	return 0;
}
