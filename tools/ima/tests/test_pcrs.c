// SPDX-License-Identifier: GPL-2.0-only
/* Parsing PCR values as printed by tpm2_pcrread and sysfs. */

#include "test.h"

#define H20 "00112233445566778899AABBCCDDEEFF01234567"
#define H32 "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static enum imatally_status pcrread(struct imatally_pcrs *pcrs,
				    const char *text,
				    struct imatally_error *err)
{
	return imatally_pcrs_add_pcrread(pcrs, text, strlen(text), err);
}

static void takes_what_tpm2_pcrread_prints(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;

	(void)state;
	assert_int_equal(pcrread(&pcrs,
				 "  sha1:\n    0 : 0x" H20 "\n    10: 0x" H20
				 "\n  sha256:\n    10: 0x" H32 "\n  sha384:\n",
				 &err), IMATALLY_OK);
	assert_int_equal(pcrs.nr, 3);
	assert_int_equal(pcrs.pcr[1].index, 10);
	assert_int_equal(pcrs.pcr[1].bank.alg, IMATALLY_ALG_SHA1);
	assert_int_equal(pcrs.pcr[1].bank.len, 20);
	assert_int_equal(pcrs.pcr[2].bank.alg, IMATALLY_ALG_SHA256);
	assert_int_equal(pcrs.pcr[2].bank.value[31], 0xff);

	/* repeated values are accepted */
	assert_int_equal(pcrread(&pcrs, "sha1 :\r\n10 : 0x" H20 "\r\n", &err),
			 IMATALLY_OK);
	assert_int_equal(pcrs.nr, 3);
	imatally_pcrs_free(&pcrs);
}

static void takes_what_sysfs_shows(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	const char *text = H32 "\n";

	(void)state;
	assert_int_equal(imatally_pcrs_add_hex(&pcrs, IMATALLY_PCR_OF_LOG,
					       IMATALLY_ALG_SHA256, text,
					       strlen(text), &err),
			 IMATALLY_OK);
	assert_int_equal(pcrs.pcr[0].index, IMATALLY_PCR_OF_LOG);
	assert_int_equal(pcrs.pcr[0].bank.value[1], 0x11);
	assert_int_equal(imatally_pcrs_add_hex(&pcrs, IMATALLY_PCR_OF_LOG,
					       IMATALLY_ALG_SHA1, text,
					       strlen(text), &err),
			 IMATALLY_ERR_MALFORMED);
	assert_non_null(strstr(err.text, "sha1"));
	imatally_pcrs_free(&pcrs);
}

static void takes_what_the_kernel_shows_of_a_tpm_1_2(void **state)
{
	static const char text[] =
		"PCR-00: 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 01 23 45 67 \n"
		"PCR-10: FF 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 01 23 45 67 \n";
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;

	(void)state;
	assert_int_equal(pcrread(&pcrs, text, &err), IMATALLY_OK);
	assert_int_equal(pcrs.nr, 2);
	assert_int_equal(pcrs.pcr[1].index, 10);
	assert_int_equal(pcrs.pcr[1].bank.alg, IMATALLY_ALG_SHA1);
	assert_int_equal(pcrs.pcr[1].bank.len, 20);
	assert_int_equal(pcrs.pcr[1].bank.value[0], 0xff);
	assert_int_equal(pcrs.pcr[1].bank.value[19], 0x67);
	imatally_pcrs_free(&pcrs);
}

static void refuses_the_rest_and_names_the_line(void **state)
{
	static const struct {
		const char *text, *about;
	} bad[] = {
		{ "", "no PCR value" },
		{ "PCR-10: 00 11\n", "line 1: not a sha1 digest" },
		{ "PCR-10: " H20 " 00\n", "line 1: not a sha1 digest" },
		{ "PCR-24: " H20 "\n", "line 1: not a PCR index" },
		{ "PCR-10 " H20 "\n", "line 1: not a PCR index" },
		{ "sha256:\n", "no PCR value" },
		{ "10: 0x" H20 "\n", "line 1: PCR value before" },
		{ "sha1:\n\n  24: 0x" H20 "\n", "line 3: not a PCR index" },
		{ "sha1:\n  x: 0x" H20 "\n", "line 2: not a PCR index" },
		{ "sha1:\n  10: 0x" H32 "\n", "line 2: not a sha1 digest" },
		{ "sha1:\n  10: 0x" H20 "0\n", "line 2: not a sha1 digest" },
		{ "sha1:\n  10: zz112233445566778899AABBCCDDEEFF01234567\n",
		  "line 2: not a sha1 digest" },
		{ "sha1:\n  10: 0x" H20 "\n  10: 0xff112233445566778899aabb"
		  "ccddeeff01234567\n", "line 3: two different" },
		{ "md5:\n", "line 1: unknown hash" },
		{ "hello\n", "line 1: neither" },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct imatally_pcrs pcrs = { 0 };
		struct imatally_error err;

		if (!pcrread(&pcrs, bad[i].text, &err))
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(err.text, bad[i].about))
			fail_msg("%s: \"%s\"", bad[i].text, err.text);
		imatally_pcrs_free(&pcrs);
	}
}

/* Any number is an algorithm; time is quadratic in the number of values. */
static void takes_the_banks_that_a_tpm_may_have(void **state)
{
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_error err;
	unsigned int alg;
	char text[64];

	(void)state;
	for (alg = 1; alg <= IMATALLY_MAX_BANKS; alg++) {
		snprintf(text, sizeof(text), "0x%x:\n 0: 0x00\n 23: 0x01\n",
			 0x1000 + alg);
		assert_int_equal(pcrread(&pcrs, text, &err), IMATALLY_OK);
	}
	assert_int_equal(pcrs.nr, 2 * IMATALLY_MAX_BANKS);
	assert_int_equal(pcrread(&pcrs, "sha1:\n 0: 0x" H20 "\n", &err),
			 IMATALLY_ERR_MALFORMED);
	assert_string_equal(err.text, "line 2: values of more than 16 banks: give those of a single TPM");
	assert_int_equal(imatally_pcrs_add_hex(&pcrs, 0, IMATALLY_ALG_SHA1,
					       H20, strlen(H20), &err),
			 IMATALLY_ERR_MALFORMED);
	assert_int_equal(pcrs.nr, 2 * IMATALLY_MAX_BANKS);
	/* more values of the same banks */
	assert_int_equal(pcrread(&pcrs, "0x1001:\n 10: 0x02\n0x1010:\n 10: 0x03\n",
				 &err), IMATALLY_OK);
	assert_int_equal(pcrs.nr, 2 * IMATALLY_MAX_BANKS + 2);
	imatally_pcrs_free(&pcrs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_tpm2_pcrread_prints),
		cmocka_unit_test(takes_what_sysfs_shows),
		cmocka_unit_test(takes_what_the_kernel_shows_of_a_tpm_1_2),
		cmocka_unit_test(refuses_the_rest_and_names_the_line),
		cmocka_unit_test(takes_the_banks_that_a_tpm_may_have),
	};

	return cmocka_run_group_tests_name("pcrs", tests, NULL, NULL);
}
