// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for how the kernel parses a TPM's responses about its PCRs and its
 * starts, with a chip whose driver returns prepared responses
 */

#include <crypto/hash_info.h>
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/tpm_update_counter.h>
#include <linux/unaligned.h>

#include "tpm.h"

/* The algorithm of a bank that only this TPM knows */
#define ALG_OF_ONE_TPM	0x7001
#define ALG_UNKNOWN	0x7002

#define ALL_PCRS	GENMASK(TPM2_PLATFORM_PCR - 1, 0)

#define PCR		10
#define UPDATE_COUNTER	0xfffffff0

/* TPM_RC_VALUE for the first parameter */
#define RC_VALUE	0x1c4

static const struct tpm_bank_info banks[] = {
	{ TPM_ALG_SHA1, SHA1_DIGEST_SIZE, HASH_ALGO_SHA1 },
	{ TPM_ALG_SHA256, SHA256_DIGEST_SIZE, HASH_ALGO_SHA256 },
	{ ALG_OF_ONE_TPM, 24, HASH_ALGO__LAST },
};

struct answer {
	size_t len;
	u8 data[1024];
};

/**
 * struct fake_tpm - a TPM that returns prepared responses
 * @pcr_read:		response to TPM2_PCR_Read
 * @pcrs:		response to TPM2_GetCapability(TPM_CAP_PCRS)
 * @properties:		response to TPM2_GetCapability(TPM_CAP_PCR_PROPERTIES)
 * @clock:		response to TPM2_ReadClock
 * @now:		response to the command that was sent
 * @send_error:		error of send()
 * @recv_error:		error of recv()
 * @retries:		how many times the TPM returns @retry_rc first
 * @retry_rc:		TPM_RC_RETRY or another code
 * @reads:		number of TPM2_PCR_Read commands that were sent
 */
struct fake_tpm {
	struct answer pcr_read;
	struct answer pcrs;
	struct answer properties;
	struct answer clock;
	const struct answer *now;
	int send_error;
	int recv_error;
	unsigned int retries;
	u32 retry_rc;
	unsigned int reads;
};

static void set_length(struct answer *rsp, u32 len)
{
	put_unaligned_be32(len, &rsp->data[2]);
}

static void add(struct answer *rsp, u32 value, size_t size)
{
	u8 bytes[sizeof(u32)];

	put_unaligned_be32(value, bytes);
	memcpy(&rsp->data[rsp->len], &bytes[sizeof(bytes) - size], size);
	rsp->len += size;
	set_length(rsp, rsp->len);
}

static void add_filler(struct answer *rsp, u8 filler, size_t size)
{
	memset(&rsp->data[rsp->len], filler, size);
	rsp->len += size;
	set_length(rsp, rsp->len);
}

static void begin(struct answer *rsp, u32 rc)
{
	rsp->len = 0;
	add(rsp, TPM2_ST_NO_SESSIONS, 2);
	add(rsp, 0, 4);
	add(rsp, rc, 4);
}

/* Add a PCR selection of @size bytes (sizeofSelect and pcrSelect). */
static void add_pcrs(struct answer *rsp, u32 pcrs, u8 size)
{
	u8 select[U8_MAX] = {};

	put_unaligned_le32(pcrs, select);
	add(rsp, size, 1);
	memcpy(&rsp->data[rsp->len], select, size);
	rsp->len += size;
	set_length(rsp, rsp->len);
}

/* Add the PCR selection of a bank (TPMS_PCR_SELECTION). */
static void add_selection(struct answer *rsp, u16 alg_id, u32 pcrs, u8 size)
{
	add(rsp, alg_id, 2);
	add_pcrs(rsp, pcrs, size);
}

static void add_digest(struct answer *rsp, u8 filler, u16 size)
{
	add(rsp, size, 2);
	add_filler(rsp, filler, size);
}

/* Begin the response to TPM2_PCR_Read of PCR 10 in some of the banks. */
static void begin_pcr_read(struct answer *rsp, u32 nr_selections)
{
	begin(rsp, TPM2_RC_SUCCESS);
	add(rsp, UPDATE_COUNTER, 4);
	add(rsp, nr_selections, 4);
}

static void answer_one_bank(struct answer *rsp, u16 alg_id, u16 size)
{
	begin_pcr_read(rsp, 1);
	add_selection(rsp, alg_id, BIT(PCR), TPM2_PCR_SELECT_MIN);
	add(rsp, 1, 4);
	add_digest(rsp, 0x5a, size);
}

static int fake_send(struct tpm_chip *chip, u8 *buf, size_t len)
{
	static const struct answer refused = {
		.len = TPM_HEADER_SIZE,
		.data = { 0x80, 0x01, 0, 0, 0, TPM_HEADER_SIZE, 0, 0,
			  0, TPM2_RC_HANDLE },
	};
	struct fake_tpm *tpm = dev_get_drvdata(&chip->dev);

	switch (get_unaligned_be32(&buf[6])) {
	case TPM2_CC_PCR_READ:
		tpm->now = &tpm->pcr_read;
		tpm->reads++;
		return tpm->send_error;
	case TPM2_CC_GET_CAPABILITY:
		tpm->now = get_unaligned_be32(&buf[TPM_HEADER_SIZE]) ==
			   TPM2_CAP_PCRS ? &tpm->pcrs : &tpm->properties;
		return 0;
	case TPM2_CC_READ_CLOCK:
		tpm->now = &tpm->clock;
		return tpm->send_error;
	default:
		tpm->now = &refused;
		return 0;
	}
}

/* Some kernel versions also pass the size of the buffer to send(). */
static int fake_send_sync(struct tpm_chip *chip, u8 *buf, size_t bufsiz,
			  size_t len)
{
	return fake_send(chip, buf, len);
}

/* Fill the buffer beyond the response, so that tests notice if it is read. */
static int fake_recv(struct tpm_chip *chip, u8 *buf, size_t size)
{
	struct fake_tpm *tpm = dev_get_drvdata(&chip->dev);

	memset(buf, 0xa5, size);

	if (tpm->now == &tpm->pcr_read && tpm->retries) {
		tpm->retries--;
		put_unaligned_be16(TPM2_ST_NO_SESSIONS, buf);
		put_unaligned_be32(TPM_HEADER_SIZE, &buf[2]);
		put_unaligned_be32(tpm->retry_rc, &buf[6]);
		return TPM_HEADER_SIZE;
	}

	if (tpm->recv_error)
		return tpm->recv_error;

	memcpy(buf, tpm->now->data, min(tpm->now->len, size));
	return tpm->now->len;
}

static u8 fake_status(struct tpm_chip *chip)
{
	return 0;
}

static void fake_cancel(struct tpm_chip *chip)
{
}

static bool fake_req_canceled(struct tpm_chip *chip, u8 status)
{
	return false;
}

static const struct tpm_class_ops fake_ops = {
	.send = __builtin_choose_expr(__same_type(((struct tpm_class_ops *)
						   NULL)->send, &fake_send),
				      fake_send, fake_send_sync),
	.recv = fake_recv,
	.status = fake_status,
	.cancel = fake_cancel,
	.req_canceled = fake_req_canceled,
};

static void put_chip(void *chip)
{
	put_device(&((struct tpm_chip *)chip)->dev);
}

/* Allocate a TPM 2.0 with the banks above, without registering the chip. */
static struct tpm_chip *alloc_chip(struct kunit *test)
{
	struct fake_tpm *tpm = kunit_kzalloc(test, sizeof(*tpm), GFP_KERNEL);
	struct tpm_chip *chip;

	KUNIT_ASSERT_NOT_NULL(test, tpm);
	chip = tpm_chip_alloc(NULL, &fake_ops);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, chip);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, put_chip, chip),
			0);

	dev_set_drvdata(&chip->dev, tpm);
	chip->flags |= TPM_CHIP_FLAG_TPM2;
	chip->nr_allocated_banks = ARRAY_SIZE(banks);
	memcpy(chip->allocated_banks, banks, sizeof(banks));
	return chip;
}

static struct fake_tpm *fake(struct tpm_chip *chip)
{
	return dev_get_drvdata(&chip->dev);
}

/* ---- tpm2_get_pcr_allocation(): the allocated banks */

/* Begin the response to TPM2_GetCapability(TPM_CAP_PCRS). The banks follow. */
static void begin_pcrs(struct answer *rsp, u32 nr_banks)
{
	begin(rsp, TPM2_RC_SUCCESS);
	add(rsp, 0, 1);
	add(rsp, TPM2_CAP_PCRS, 4);
	add(rsp, nr_banks, 4);
}

static void answer_allocation(struct fake_tpm *tpm)
{
	begin_pcrs(&tpm->pcrs, 4);
	add_selection(&tpm->pcrs, TPM_ALG_SHA1, ALL_PCRS, 3);
	add_selection(&tpm->pcrs, TPM_ALG_SHA256, BIT(0) | BIT(10), 4);
	add_selection(&tpm->pcrs, TPM_ALG_SHA384, 0, 3);
	add_selection(&tpm->pcrs, ALG_OF_ONE_TPM, BIT(PCR), 2);
	/* The kernel reads a PCR to learn the digest size of the last bank. */
	answer_one_bank(&tpm->pcr_read, ALG_OF_ONE_TPM, 24);
}

static void test_allocation_is_of_pcrs(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);

	answer_allocation(fake(chip));
	chip->nr_allocated_banks = 0;
	memset(chip->allocated_banks, 0, sizeof(chip->allocated_banks));
	KUNIT_EXPECT_EQ(test, tpm2_get_pcr_allocation(chip), 0);

	/* A bank that holds no PCR is skipped. */
	KUNIT_ASSERT_EQ(test, chip->nr_allocated_banks, 3);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[0].alg_id, TPM_ALG_SHA1);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[1].alg_id, TPM_ALG_SHA256);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[1].digest_size,
			SHA256_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[2].alg_id, ALG_OF_ONE_TPM);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[2].crypto_id,
			HASH_ALGO__LAST);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[2].digest_size, 24);
}

static void test_allocation_refuses_truncated_answers(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct fake_tpm *tpm = fake(chip);
	size_t full, len;

	answer_allocation(tpm);
	full = tpm->pcrs.len;
	for (len = 0; len < full; len++) {
		tpm->pcrs.len = len;
		set_length(&tpm->pcrs, len);
		KUNIT_EXPECT_LT_MSG(test, tpm2_get_pcr_allocation(chip), 0,
				    "%zu", len);
	}

	/* More banks than supported or than present, or a larger selection */
	answer_allocation(tpm);
	put_unaligned_be32(TPM2_MAX_PCR_BANKS + 1,
			   &tpm->pcrs.data[TPM_HEADER_SIZE + 5]);
	KUNIT_EXPECT_LT(test, tpm2_get_pcr_allocation(chip), 0);
	answer_allocation(tpm);
	put_unaligned_be32(5, &tpm->pcrs.data[TPM_HEADER_SIZE + 5]);
	KUNIT_EXPECT_LT(test, tpm2_get_pcr_allocation(chip), 0);
	answer_allocation(tpm);
	tpm->pcrs.data[TPM_HEADER_SIZE + 9 + 2] = U8_MAX;
	KUNIT_EXPECT_LT(test, tpm2_get_pcr_allocation(chip), 0);
}

static struct kunit_case tpm2_pcr_allocation_cases[] = {
	KUNIT_CASE(test_allocation_is_of_pcrs),
	KUNIT_CASE(test_allocation_refuses_truncated_answers),
	{}
};

static struct kunit_suite tpm2_pcr_allocation_suite = {
	.name = "tpm2_pcr_allocation",
	.test_cases = tpm2_pcr_allocation_cases,
};

/* ---- tpm2_pcr_read(): one PCR in one bank */

/* Read PCR 10 of the sha256 bank, and check the digest. */
static int read_pcr(struct kunit *test, struct tpm_chip *chip, u16 *size)
{
	struct tpm_digest digest = { .alg_id = TPM_ALG_SHA256 };
	u8 none[TPM2_MAX_DIGEST_SIZE] = {};
	int rc;

	rc = tpm2_pcr_read(chip, PCR, &digest, size);

	/* On error, nothing is written to the digest. */
	if (rc)
		KUNIT_EXPECT_MEMEQ(test, digest.digest, none, sizeof(none));
	else
		KUNIT_EXPECT_NULL(test, memchr_inv(digest.digest, 0x5a,
						   size ? *size :
						   SHA256_DIGEST_SIZE));
	return rc;
}

static void test_read_gives_the_digest(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	int size;
	u16 got;

	answer_one_bank(rsp, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), 0);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, &got), 0);
	KUNIT_EXPECT_EQ(test, got, SHA256_DIGEST_SIZE);

	/* The TPM chooses the size of the selection. */
	for (size = PCR / 8 + 1; size <= U8_MAX; size++) {
		begin_pcr_read(rsp, 1);
		add_selection(rsp, TPM_ALG_SHA256, BIT(PCR), size);
		add(rsp, 1, 4);
		add_digest(rsp, 0x5a, SHA256_DIGEST_SIZE);
		KUNIT_EXPECT_EQ_MSG(test, read_pcr(test, chip, NULL), 0, "%d",
				    size);
	}
}

static void test_read_asks_for_one_pcr_that_exists(struct kunit *test)
{
	struct tpm_digest digest = { .alg_id = TPM_ALG_SHA256 };
	struct tpm_chip *chip = alloc_chip(test);

	KUNIT_EXPECT_EQ(test, tpm2_pcr_read(chip, TPM2_PLATFORM_PCR, &digest,
					    NULL), -EINVAL);
	digest.alg_id = ALG_UNKNOWN;
	KUNIT_EXPECT_EQ(test, tpm2_pcr_read(chip, PCR, &digest, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fake(chip)->reads, 0);
}

static void test_read_refuses_truncated_answers(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	size_t full, len;

	answer_one_bank(rsp, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
	full = rsp->len;

	for (len = 0; len < full; len++) {
		/* Fewer bytes arrive than the header says, ... */
		rsp->len = len;
		set_length(rsp, full);
		KUNIT_EXPECT_EQ_MSG(test, read_pcr(test, chip, NULL), -EFAULT,
				    "%zu", len);
		/* ... or the length in the header matches. */
		set_length(rsp, len);
		KUNIT_EXPECT_LT_MSG(test, read_pcr(test, chip, NULL), 0, "%zu",
				    len);
	}

	/* More or fewer bytes arrive than the header says. */
	rsp->len = full;
	set_length(rsp, full - 1);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EFAULT);
	set_length(rsp, full + 1);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EFAULT);
	set_length(rsp, U32_MAX);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EFAULT);
}

static void test_read_refuses_counts_and_sizes_that_lie(struct kunit *test)
{
	/* Offsets of the counts and sizes in a response with one bank */
	static const size_t nr_selections = TPM_HEADER_SIZE + 4;
	static const size_t select_size = TPM_HEADER_SIZE + 4 + 4 + 2;
	static const size_t nr_digests = TPM_HEADER_SIZE + 4 + 4 + 6;
	static const size_t digest_size = TPM_HEADER_SIZE + 4 + 4 + 6 + 4;
	static const u32 counts[] = { 0, 2, TPM2_MAX_PCR_BANKS,
				      TPM2_MAX_PCR_BANKS + 1, 0x80000001,
				      U32_MAX };
	static const u16 sizes[] = { 33, 63, 64, 65, 255, 256, 0x8000, U16_MAX };
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		answer_one_bank(rsp, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
		put_unaligned_be32(counts[i], &rsp->data[nr_selections]);
		KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EIO);

		answer_one_bank(rsp, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
		put_unaligned_be32(counts[i], &rsp->data[nr_digests]);
		KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EIO);
	}

	for (i = 0; i <= U8_MAX; i++) {
		if (i == TPM2_PCR_SELECT_MIN)
			continue;
		answer_one_bank(rsp, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
		rsp->data[select_size] = i;
		KUNIT_EXPECT_LT_MSG(test, read_pcr(test, chip, NULL), 0, "%d",
				    i);
	}

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		answer_one_bank(rsp, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
		put_unaligned_be16(sizes[i], &rsp->data[digest_size]);
		KUNIT_EXPECT_EQ_MSG(test, read_pcr(test, chip, NULL), -EIO,
				    "%u", sizes[i]);
	}
}

static void test_read_knows_the_size_of_the_bank(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	u16 size, got;

	for (size = 0; size <= TPM2_MAX_DIGEST_SIZE + 1; size++) {
		answer_one_bank(rsp, TPM_ALG_SHA256, size);

		if (size != SHA256_DIGEST_SIZE)
			KUNIT_EXPECT_LT_MSG(test, read_pcr(test, chip, NULL),
					    0, "%u", size);

		/* If asked for the size, any valid one is accepted. */
		if (size > TPM2_MAX_DIGEST_SIZE) {
			KUNIT_EXPECT_EQ(test, read_pcr(test, chip, &got), -EIO);
			continue;
		}
		KUNIT_EXPECT_EQ(test, read_pcr(test, chip, &got), 0);
		KUNIT_EXPECT_EQ(test, got, size);
	}
}

static void test_read_refuses_what_was_not_asked_for(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;

	/* Another bank */
	answer_one_bank(rsp, TPM_ALG_SHA384, SHA256_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EINVAL);

	/* Another PCR */
	begin_pcr_read(rsp, 1);
	add_selection(rsp, TPM_ALG_SHA256, BIT(PCR + 1), TPM2_PCR_SELECT_MIN);
	add(rsp, 1, 4);
	add_digest(rsp, 0x5a, SHA256_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EIO);

	/* Two banks */
	begin_pcr_read(rsp, 2);
	add_selection(rsp, TPM_ALG_SHA256, BIT(PCR), TPM2_PCR_SELECT_MIN);
	add_selection(rsp, TPM_ALG_SHA1, BIT(PCR), TPM2_PCR_SELECT_MIN);
	add(rsp, 2, 4);
	add_digest(rsp, 0x5a, SHA256_DIGEST_SIZE);
	add_digest(rsp, 0x5a, SHA1_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EINVAL);

	/* No bank, because it is not allocated or the response is empty */
	begin_pcr_read(rsp, 1);
	add_selection(rsp, TPM_ALG_SHA256, 0, TPM2_PCR_SELECT_MIN);
	add(rsp, 0, 4);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EINVAL);
	begin_pcr_read(rsp, 0);
	add(rsp, 0, 4);
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EINVAL);
}

static void test_read_tells_errors(struct kunit *test)
{
	static const u32 codes[] = { TPM2_RC_INITIALIZE, TPM2_RC_FAILURE,
				     TPM2_RC_COMMAND_CODE,
				     RC_VALUE, 0x923, S32_MAX };
	struct tpm_chip *chip = alloc_chip(test);
	struct fake_tpm *tpm = fake(chip);
	int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		begin(&tpm->pcr_read, codes[i]);
		KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), codes[i]);

		/* What follows an error code does not matter. */
		answer_one_bank(&tpm->pcr_read, TPM_ALG_SHA256,
				SHA256_DIGEST_SIZE);
		put_unaligned_be32(codes[i], &tpm->pcr_read.data[6]);
		KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), codes[i]);
	}

	answer_one_bank(&tpm->pcr_read, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
	tpm->recv_error = -ETIME;
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -ETIME);
	tpm->send_error = -EBUSY;
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), -EBUSY);
}

static void test_read_is_tried_again(struct kunit *test)
{
	static const u32 codes[] = { TPM2_RC_RETRY, TPM2_RC_TESTING };
	struct tpm_chip *chip = alloc_chip(test);
	struct fake_tpm *tpm = fake(chip);
	int i;

	answer_one_bank(&tpm->pcr_read, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		tpm->reads = 0;
		tpm->retries = 2;
		tpm->retry_rc = codes[i];
		KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), 0);
		KUNIT_EXPECT_EQ(test, tpm->reads, 3);
	}
}

/* After five seconds, the TPM's return code is passed on. */
static void test_read_is_not_tried_for_ever(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct fake_tpm *tpm = fake(chip);

	tpm->retries = UINT_MAX;
	tpm->retry_rc = TPM2_RC_RETRY;
	KUNIT_EXPECT_EQ(test, read_pcr(test, chip, NULL), TPM2_RC_RETRY);
	KUNIT_EXPECT_LT(test, tpm->reads, 20);
}

static struct kunit_case tpm2_pcr_read_cases[] = {
	KUNIT_CASE(test_read_gives_the_digest),
	KUNIT_CASE(test_read_asks_for_one_pcr_that_exists),
	KUNIT_CASE(test_read_refuses_truncated_answers),
	KUNIT_CASE(test_read_refuses_counts_and_sizes_that_lie),
	KUNIT_CASE(test_read_knows_the_size_of_the_bank),
	KUNIT_CASE(test_read_refuses_what_was_not_asked_for),
	KUNIT_CASE(test_read_tells_errors),
	KUNIT_CASE(test_read_is_tried_again),
	KUNIT_CASE_SLOW(test_read_is_not_tried_for_ever),
	{}
};

static struct kunit_suite tpm2_pcr_read_suite = {
	.name = "tpm2_pcr_read",
	.test_cases = tpm2_pcr_read_cases,
};

/* ---- tpm_calc_ordinal_duration(): for how long the kernel waits */

/* These are sent while mutexes are held that others wait for. */
static void test_lost_answers_cost_less_than_two_seconds(struct kunit *test)
{
	static const u32 ccs[] = { TPM2_CC_PCR_READ, TPM2_CC_READ_CLOCK,
				   TPM2_CC_CONTEXT_LOAD, TPM2_CC_FLUSH_CONTEXT,
				   TPM2_CC_PCR_EXTEND };
	struct tpm_chip *chip = alloc_chip(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(ccs); i++)
		KUNIT_EXPECT_LT_MSG(test,
				    tpm_calc_ordinal_duration(chip, ccs[i]),
				    msecs_to_jiffies(2000), "%#x", ccs[i]);
}

static void test_others_have_the_default_duration(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);

	KUNIT_EXPECT_EQ(test, tpm_calc_ordinal_duration(chip, TPM2_CC_LOAD),
			msecs_to_jiffies(TPM2_DURATION_DEFAULT));
}

static struct kunit_case tpm2_durations_cases[] = {
	KUNIT_CASE(test_lost_answers_cost_less_than_two_seconds),
	KUNIT_CASE(test_others_have_the_default_duration),
	{}
};

static struct kunit_suite tpm2_durations_suite = {
	.name = "tpm2_durations",
	.test_cases = tpm2_durations_cases,
};

kunit_test_suites(&tpm2_pcr_allocation_suite, &tpm2_pcr_read_suite,
		  &tpm2_durations_suite);

#ifdef CONFIG_TCG_TPM2_UPDATE_COUNTER

/* ---- tpm2_get_pcr_allocation(): the PCRs of each bank, and those that count */

static void answer_properties(struct answer *rsp, u32 tag, u32 pcrs)
{
	begin(rsp, TPM2_RC_SUCCESS);
	add(rsp, 0, 1);
	add(rsp, TPM2_CAP_PCR_PROPERTIES, 4);
	add(rsp, 1, 4);
	add(rsp, tag, 4);
	add_pcrs(rsp, pcrs, TPM2_PCR_SELECT_MIN);
}

static void test_allocation_tells_the_pcrs(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);

	answer_allocation(fake(chip));
	answer_properties(&fake(chip)->properties, TPM2_PT_PCR_NO_INCREMENT,
			  BIT(16) | BIT(21));
	KUNIT_EXPECT_EQ(test, tpm2_get_pcr_allocation(chip), 0);
	KUNIT_ASSERT_EQ(test, chip->nr_allocated_banks, 3);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[0].pcr_mask, ALL_PCRS);
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[1].pcr_mask,
			BIT(0) | BIT(10));
	KUNIT_EXPECT_EQ(test, chip->allocated_banks[2].pcr_mask, BIT(PCR));
	KUNIT_EXPECT_EQ(test, chip->pcr_no_increment, BIT(16) | BIT(21));
}

/* A TPM that does not report the property is assumed to be a PC Client TPM. */
static void test_pcrs_that_never_count_are_not_reported(struct kunit *test)
{
	static const u32 usual = BIT(16) | BIT(21) | BIT(22) | BIT(23);
	struct tpm_chip *chip = alloc_chip(test);
	struct fake_tpm *tpm = fake(chip);
	size_t full, len;

	answer_allocation(tpm);
	answer_properties(&tpm->properties, TPM2_PT_PCR_NO_INCREMENT, 0);
	full = tpm->properties.len;
	for (len = 0; len < full; len++) {
		tpm->properties.len = len;
		set_length(&tpm->properties, len);
		KUNIT_EXPECT_EQ(test, tpm2_get_pcr_allocation(chip), 0);
		KUNIT_EXPECT_EQ(test, chip->pcr_no_increment, usual);
	}

	begin(&tpm->properties, RC_VALUE);
	KUNIT_EXPECT_EQ(test, tpm2_get_pcr_allocation(chip), 0);
	KUNIT_EXPECT_EQ(test, chip->pcr_no_increment, usual);

	/* The TPM lacks this property and returns the next one. */
	answer_properties(&tpm->properties, TPM2_PT_PCR_NO_INCREMENT + 1, 0);
	KUNIT_EXPECT_EQ(test, tpm2_get_pcr_allocation(chip), 0);
	KUNIT_EXPECT_EQ(test, chip->pcr_no_increment, usual);

	/* The TPM reports that all PCRs count. */
	answer_properties(&tpm->properties, TPM2_PT_PCR_NO_INCREMENT, 0);
	KUNIT_EXPECT_EQ(test, tpm2_get_pcr_allocation(chip), 0);
	KUNIT_EXPECT_EQ(test, chip->pcr_no_increment, 0);
}

static struct kunit_case tpm2_pcr_properties_cases[] = {
	KUNIT_CASE(test_allocation_tells_the_pcrs),
	KUNIT_CASE(test_pcrs_that_never_count_are_not_reported),
	{}
};

static struct kunit_suite tpm2_pcr_properties_suite = {
	.name = "tpm2_pcr_properties",
	.test_cases = tpm2_pcr_properties_cases,
};

/* ---- tpm2_get_update_counter(): the counter, and one PCR in every bank */

static const u8 fillers[] = { 0x11, 0x22, 0x33 };

/* Return the banks with the indices @order. Each bank has its own filler. */
static void answer_banks(struct answer *rsp, const int *order, int count)
{
	int i;

	begin_pcr_read(rsp, count);
	for (i = 0; i < count; i++)
		add_selection(rsp, banks[order[i]].alg_id, BIT(PCR),
			      TPM2_PCR_SELECT_MIN);
	add(rsp, count, 4);
	for (i = 0; i < count; i++)
		add_digest(rsp, fillers[order[i]],
			   banks[order[i]].digest_size);
}

static void answer_all_banks(struct answer *rsp)
{
	static const int order[] = { 0, 1, 2 };

	answer_banks(rsp, order, ARRAY_SIZE(order));
}

/* Check the counter, and that each digest is that of its bank. */
static void expect_counter(struct kunit *test,
			   const struct tpm_update_counter *counter, u32 mask)
{
	int i;

	KUNIT_EXPECT_EQ(test, counter->update_counter, UPDATE_COUNTER);
	KUNIT_EXPECT_FALSE(test, counter->protected);
	KUNIT_EXPECT_EQ(test, counter->bank_mask, mask);

	for (i = 0; i < ARRAY_SIZE(banks); i++) {
		if (!(mask & BIT(i)))
			continue;
		KUNIT_EXPECT_EQ(test, counter->digests[i].alg_id,
				banks[i].alg_id);
		KUNIT_EXPECT_NULL(test, memchr_inv(counter->digests[i].digest,
						   fillers[i],
						   banks[i].digest_size));
	}
}

static struct tpm_update_counter *alloc_counter(struct kunit *test)
{
	struct tpm_update_counter *counter;

	counter = kunit_kzalloc(test, sizeof(*counter), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, counter);
	return counter;
}

static void test_counter_comes_with_each_bank(struct kunit *test)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 2, 0, 1 }, { 1, 2, 0 } };
	struct tpm_update_counter *counter = alloc_counter(test);
	struct tpm_chip *chip = alloc_chip(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		answer_banks(&fake(chip)->pcr_read, orders[i], 3);
		KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR,
							      counter), 0);
		expect_counter(test, counter, GENMASK(2, 0));
	}
	/* One command was sent each time. */
	KUNIT_EXPECT_EQ(test, fake(chip)->reads, ARRAY_SIZE(orders));
}

static void test_counter_comes_with_fewer_banks(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	int i;

	for (i = 0; i < ARRAY_SIZE(banks); i++) {
		answer_banks(rsp, &i, 1);
		KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR,
							      counter), 0);
		expect_counter(test, counter, BIT(i));
	}

	/* A bank that does not hold the PCR is returned without a digest. */
	begin_pcr_read(rsp, 2);
	add_selection(rsp, TPM_ALG_SHA1, 0, TPM2_PCR_SELECT_MIN);
	add_selection(rsp, TPM_ALG_SHA256, BIT(PCR), TPM2_PCR_SELECT_MIN);
	add(rsp, 1, 4);
	add_digest(rsp, fillers[1], SHA256_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR, counter), 0);
	expect_counter(test, counter, BIT(1));

	/* The counter alone */
	begin_pcr_read(rsp, 0);
	add(rsp, 0, 4);
	KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR, counter), 0);
	expect_counter(test, counter, 0);
}

static void test_counter_refuses_banks_that_are_not_ours(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	int i;

	/* One bank more than requested */
	begin_pcr_read(rsp, 4);
	for (i = 0; i < 3; i++)
		add_selection(rsp, banks[i].alg_id, BIT(PCR),
			      TPM2_PCR_SELECT_MIN);
	add_selection(rsp, ALG_UNKNOWN, BIT(PCR), TPM2_PCR_SELECT_MIN);
	add(rsp, 4, 4);
	for (i = 0; i < 3; i++)
		add_digest(rsp, fillers[i], banks[i].digest_size);
	add_digest(rsp, 0x5a, SHA256_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR, counter),
			-EIO);

	/* More banks than supported */
	begin_pcr_read(rsp, TPM2_MAX_PCR_BANKS + 1);
	for (i = 0; i <= TPM2_MAX_PCR_BANKS; i++)
		add_selection(rsp, TPM_ALG_SHA1, BIT(PCR),
			      TPM2_PCR_SELECT_MIN);
	add(rsp, TPM2_MAX_PCR_BANKS + 1, 4);
	for (i = 0; i <= TPM2_MAX_PCR_BANKS; i++)
		add_digest(rsp, 0x5a, SHA1_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR, counter),
			-EIO);

	/* One bank, with a digest of the wrong size */
	for (i = 0; i < ARRAY_SIZE(banks); i++) {
		answer_one_bank(rsp, banks[i].alg_id, banks[i].digest_size - 1);
		KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR,
							      counter), -EIO);
		answer_one_bank(rsp, banks[i].alg_id, banks[i].digest_size + 1);
		KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR,
							      counter), -EIO);
	}
}

static void test_counter_refuses_truncated_answers(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	size_t full, len;

	answer_all_banks(rsp);
	full = rsp->len;
	for (len = 0; len < full; len++) {
		rsp->len = len;
		set_length(rsp, len);
		KUNIT_EXPECT_LT_MSG(test, tpm2_get_update_counter(chip, PCR,
								  counter), 0,
				    "%zu", len);
	}
}

/* A random response is either refused, or yields only known banks. */
static void test_counter_of_random_answers(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->pcr_read;
	unsigned int accepted = 0;
	struct rnd_state rnd;
	int i, n, rc;

	prandom_seed_state(&rnd, 14);

	for (i = 0; i < 20000; i++) {
		answer_all_banks(rsp);
		for (n = prandom_u32_state(&rnd) % 3; n >= 0; n--)
			rsp->data[TPM_HEADER_SIZE + prandom_u32_state(&rnd) %
				  (rsp->len - TPM_HEADER_SIZE)] =
				prandom_u32_state(&rnd);
		if (prandom_u32_state(&rnd) % 4 == 0) {
			rsp->len = TPM_HEADER_SIZE +
				   prandom_u32_state(&rnd) % 128;
			set_length(rsp, rsp->len);
		}

		rc = tpm2_get_update_counter(chip, PCR, counter);
		KUNIT_ASSERT_TRUE(test, rc == 0 || rc == -EIO);
		if (rc)
			continue;
		accepted++;
		KUNIT_ASSERT_EQ(test, counter->bank_mask & ~GENMASK(2, 0), 0);
	}
	/* Some differ only in a digest or in the counter. */
	KUNIT_EXPECT_GT(test, accepted, 0);
}

static void test_counter_needs_a_tpm2_that_works(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	const struct tpm_class_ops *ops;
	struct tpm_chip *chip;

	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(NULL, PCR, counter),
			-ENODEV);

	chip = alloc_chip(test);
	answer_all_banks(&fake(chip)->pcr_read);
	chip->flags &= ~TPM_CHIP_FLAG_TPM2;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			-EOPNOTSUPP);
	chip->flags |= TPM_CHIP_FLAG_TPM2;

	chip->flags |= TPM_CHIP_FLAG_SUSPENDED;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			-EAGAIN);
	chip->flags &= ~TPM_CHIP_FLAG_SUSPENDED;

	/* The driver was unbound, but IMA still refers to the chip. */
	ops = chip->ops;
	chip->ops = NULL;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			-EIO);
	chip->ops = ops;

	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, TPM2_PLATFORM_PCR,
						     counter), -EINVAL);

	/* No command was sent to the TPM. */
	KUNIT_EXPECT_EQ(test, fake(chip)->reads, 0);
}

static void test_counter_or_what_the_tpm_says(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	struct tpm_chip *chip = alloc_chip(test);

	answer_all_banks(&fake(chip)->pcr_read);
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter), 0);
	expect_counter(test, counter, GENMASK(2, 0));

	chip = alloc_chip(test);
	begin(&fake(chip)->pcr_read, RC_VALUE);
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			RC_VALUE);

	chip = alloc_chip(test);
	fake(chip)->recv_error = -EIO;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			-EIO);

	chip = alloc_chip(test);
	fake(chip)->send_error = -ETIME;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			-ETIME);
}

/* The account is up to date even if the TPM can't be read. */
static void test_counter_comes_with_the_account(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	const struct tpm_class_ops *ops;
	struct tpm_chip *chip;
	int i;

	for (i = 0; i < 4; i++) {
		chip = alloc_chip(test);
		answer_all_banks(&fake(chip)->pcr_read);
		chip->pcr_updates = U64_MAX - i;
		chip->pcr_updates_uncertain = i + 1;
		ops = chip->ops;

		switch (i) {
		case 0:
			break;
		case 1:
			begin(&fake(chip)->pcr_read, RC_VALUE);
			break;
		case 2:
			chip->flags |= TPM_CHIP_FLAG_SUSPENDED;
			break;
		default:
			chip->ops = NULL;
			break;
		}
		KUNIT_EXPECT_EQ(test, !tpm_get_update_counter(chip, PCR,
							      counter), !i);
		KUNIT_EXPECT_EQ(test, counter->updates, U64_MAX - i);
		KUNIT_EXPECT_EQ(test, counter->uncertain, i + 1);
		chip->ops = ops;
	}
}

/* Have the chip offer a session, which can't be started, if the kernel can. */
static bool offer_a_session(struct tpm_chip *chip)
{
#ifdef CONFIG_TCG_TPM2_HMAC
	chip->null_key_context[0] = 1;
	return true;
#else
	return false;
#endif
}

/* A session that fails is an error, and the chip stays usable. */
static void test_counter_is_not_read_without_its_session(struct kunit *test)
{
	struct tpm_update_counter *counter = alloc_counter(test);
	struct tpm_chip *chip = alloc_chip(test);
	struct tpm_start_counts counts;
	bool offered;
	int expected;

	answer_all_banks(&fake(chip)->pcr_read);
	begin(&fake(chip)->clock, TPM2_RC_SUCCESS);
	add_filler(&fake(chip)->clock, 0, 25);

	/* The chip has no null key. */
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter), 0);
	KUNIT_EXPECT_FALSE(test, counter->protected);
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts), 0);
	KUNIT_EXPECT_EQ(test, fake(chip)->reads, 1);

	/* The chip has one, but it can't be loaded. */
	offered = offer_a_session(chip);
	expected = offered ? -EIO : 0;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			expected);
	KUNIT_EXPECT_EQ(test, counter->protected, offered);
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts), expected);
	KUNIT_EXPECT_EQ(test, fake(chip)->reads, offered ? 1 : 2);
	KUNIT_EXPECT_FALSE(test, chip->flags & TPM_CHIP_FLAG_DISABLE);

	/* A chip that was disabled by an extend remains so. */
	chip->flags |= TPM_CHIP_FLAG_DISABLE;
	KUNIT_EXPECT_EQ(test, tpm2_get_update_counter(chip, PCR, counter),
			expected);
	KUNIT_EXPECT_TRUE(test, chip->flags & TPM_CHIP_FLAG_DISABLE);
	chip->flags &= ~TPM_CHIP_FLAG_DISABLE;

	/* What the record says does not depend on whether the TPM is there. */
	chip->flags |= TPM_CHIP_FLAG_SUSPENDED;
	counter->protected = !offered;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			-EAGAIN);
	KUNIT_EXPECT_EQ(test, counter->protected, offered);

	chip->flags &= ~TPM_CHIP_FLAG_TPM2;
	counter->protected = true;
	KUNIT_EXPECT_EQ(test, tpm_get_update_counter(chip, PCR, counter),
			-EOPNOTSUPP);
	KUNIT_EXPECT_FALSE(test, counter->protected);
}

static struct kunit_case tpm_update_counter_cases[] = {
	KUNIT_CASE(test_counter_comes_with_each_bank),
	KUNIT_CASE(test_counter_comes_with_fewer_banks),
	KUNIT_CASE(test_counter_refuses_banks_that_are_not_ours),
	KUNIT_CASE(test_counter_refuses_truncated_answers),
	KUNIT_CASE(test_counter_of_random_answers),
	KUNIT_CASE(test_counter_needs_a_tpm2_that_works),
	KUNIT_CASE(test_counter_or_what_the_tpm_says),
	KUNIT_CASE(test_counter_comes_with_the_account),
	KUNIT_CASE(test_counter_is_not_read_without_its_session),
	{}
};

static struct kunit_suite tpm_update_counter_suite = {
	.name = "tpm_update_counter",
	.test_cases = tpm_update_counter_cases,
};

/* ---- tpm_get_start_counts(): how often the TPM was started */

static void answer_clock(struct answer *rsp)
{
	begin(rsp, TPM2_RC_SUCCESS);
	add_filler(rsp, 0x5a, 2 * sizeof(u64));
	add(rsp, 0xfffffffe, 4);
	add(rsp, 7, 4);
	add(rsp, 1, 1);
}

static void test_starts_are_counted(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct tpm_start_counts counts = {};

	answer_clock(&fake(chip)->clock);
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts), 0);
	KUNIT_EXPECT_EQ(test, counts.resets, 0xfffffffe);
	KUNIT_EXPECT_EQ(test, counts.restarts, 7);
}

/* A response of any other length is refused, and nothing is taken from it. */
static void test_starts_refuse_answers_of_another_length(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct answer *rsp = &fake(chip)->clock;
	struct tpm_start_counts counts = {};
	size_t full, len;

	answer_clock(rsp);
	full = rsp->len;
	for (len = 0; len < 2 * full; len++) {
		if (len == full)
			continue;
		rsp->len = len;
		set_length(rsp, len);
		KUNIT_EXPECT_LT_MSG(test, tpm_get_start_counts(chip, &counts),
				    0, "%zu", len);
	}
	KUNIT_EXPECT_EQ(test, counts.resets, 0);
	KUNIT_EXPECT_EQ(test, counts.restarts, 0);
}

static void test_starts_or_what_the_tpm_says(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	struct fake_tpm *tpm = fake(chip);
	const struct tpm_class_ops *ops;
	struct tpm_start_counts counts;

	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(NULL, &counts), -ENODEV);

	begin(&tpm->clock, RC_VALUE);
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts), RC_VALUE);

	answer_clock(&tpm->clock);
	tpm->send_error = -ETIME;
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts), -ETIME);
	tpm->send_error = 0;

	chip->flags |= TPM_CHIP_FLAG_SUSPENDED;
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts), -EAGAIN);
	chip->flags &= ~TPM_CHIP_FLAG_SUSPENDED;

	ops = chip->ops;
	chip->ops = NULL;
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts), -EIO);
	chip->ops = ops;

	chip->flags &= ~TPM_CHIP_FLAG_TPM2;
	KUNIT_EXPECT_EQ(test, tpm_get_start_counts(chip, &counts),
			-EOPNOTSUPP);
}

static struct kunit_case tpm_start_counts_cases[] = {
	KUNIT_CASE(test_starts_are_counted),
	KUNIT_CASE(test_starts_refuse_answers_of_another_length),
	KUNIT_CASE(test_starts_or_what_the_tpm_says),
	{}
};

static struct kunit_suite tpm_start_counts_suite = {
	.name = "tpm_start_counts",
	.test_cases = tpm_start_counts_cases,
};

kunit_test_suites(&tpm2_pcr_properties_suite, &tpm_update_counter_suite,
		  &tpm_start_counts_suite);

#endif /* CONFIG_TCG_TPM2_UPDATE_COUNTER */
