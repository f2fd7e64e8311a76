// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the account of PCR updates
 */

#include <crypto/hash_info.h>
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/unaligned.h>

#include "tpm.h"

/* The algorithm of a bank that only this TPM knows */
#define ALG_OF_ONE_TPM	0x7001
#define ALG_UNKNOWN	0x7002

#define ALL_PCRS	GENMASK(TPM2_PLATFORM_PCR - 1, 0)
#define NO_INCREMENT	(BIT(16) | BIT(23))

/* PCR 10 is in three banks, PCR 11 in two, PCR 12 in one, PCR 13 in none. */
static const struct tpm_bank_info banks[] = {
	{ TPM_ALG_SHA1, SHA1_DIGEST_SIZE, HASH_ALGO_SHA1,
	  ALL_PCRS & ~BIT(13) },
	{ TPM_ALG_SHA256, SHA256_DIGEST_SIZE, HASH_ALGO_SHA256,
	  ALL_PCRS & ~BIT(12) & ~BIT(13) },
	{ ALG_OF_ONE_TPM, 24, HASH_ALGO__LAST,
	  BIT(10) | BIT(16) },
};

struct command {
	size_t len;
	u8 data[1024];
};

static u32 expected(const u8 *data, size_t bufsiz)
{
	return tpm2_expected_updates(data, bufsiz, banks, ARRAY_SIZE(banks),
				     NO_INCREMENT);
}

static u32 expected_of(const struct command *cmd)
{
	return expected(cmd->data, cmd->len);
}

static void set_length(struct command *cmd, u32 len)
{
	put_unaligned_be32(len, &cmd->data[2]);
}

static void add(struct command *cmd, u32 value, size_t size)
{
	u8 bytes[sizeof(u32)];

	put_unaligned_be32(value, bytes);
	memcpy(&cmd->data[cmd->len], &bytes[sizeof(bytes) - size], size);
	cmd->len += size;
	set_length(cmd, cmd->len);
}

static void add_filler(struct command *cmd, size_t size)
{
	memset(&cmd->data[cmd->len], 0xa5, size);
	cmd->len += size;
	set_length(cmd, cmd->len);
}

/* Add an authorization area of passwords, or of HMACs if @nonce_size is set. */
static void add_auth(struct command *cmd, u32 sessions, u16 nonce_size)
{
	add(cmd, sessions * (4 + 2 + nonce_size + 1 + 2 + nonce_size), 4);
	while (sessions--) {
		add(cmd, nonce_size ? 0x02000000 : TPM2_RS_PW, 4);
		add(cmd, nonce_size, 2);
		add_filler(cmd, nonce_size);
		add(cmd, TPM2_SA_CONTINUE_SESSION, 1);
		add(cmd, nonce_size, 2);
		add_filler(cmd, nonce_size);
	}
}

static void begin(struct command *cmd, u32 cc, u32 handle)
{
	cmd->len = 0;
	add(cmd, TPM2_ST_SESSIONS, 2);
	add(cmd, 0, 4);
	add(cmd, cc, 4);
	add(cmd, handle, 4);
	if (cc == TPM2_CC_EVENT_SEQUENCE_COMPLETE)
		add(cmd, 0x80000000, 4);
}

static void begin_auth(struct command *cmd, u32 cc, u32 handle)
{
	begin(cmd, cc, handle);
	add_auth(cmd, cc == TPM2_CC_EVENT_SEQUENCE_COMPLETE ? 2 : 1, 0);
}

static void add_digest(struct command *cmd, u16 alg_id, size_t size)
{
	add(cmd, alg_id, 2);
	add_filler(cmd, size);
}

/* Add digests for the banks sha1 and sha256. */
static void add_two_digests(struct command *cmd)
{
	add(cmd, 2, 4);
	add_digest(cmd, TPM_ALG_SHA1, SHA1_DIGEST_SIZE);
	add_digest(cmd, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
}

static void extend_two(struct command *cmd, u32 handle)
{
	begin_auth(cmd, TPM2_CC_PCR_EXTEND, handle);
	add_two_digests(cmd);
}

static void event(struct command *cmd, u32 cc, u32 handle)
{
	begin_auth(cmd, cc, handle);
	add(cmd, 5, 2);
	add_filler(cmd, 5);
}

static struct command *alloc_command(struct kunit *test)
{
	struct command *cmd = kunit_kzalloc(test, sizeof(*cmd), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, cmd);
	return cmd;
}

static void test_extend_counts_each_digest(struct kunit *test)
{
	struct command *cmd = alloc_command(test);

	begin_auth(cmd, TPM2_CC_PCR_EXTEND, 10);
	add(cmd, 1, 4);
	add_digest(cmd, TPM_ALG_SHA256, SHA256_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 1);

	extend_two(cmd, 10);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);

	/* The same bank twice */
	begin_auth(cmd, TPM2_CC_PCR_EXTEND, 10);
	add(cmd, 2, 4);
	add_digest(cmd, TPM_ALG_SHA1, SHA1_DIGEST_SIZE);
	add_digest(cmd, TPM_ALG_SHA1, SHA1_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);

	/* A bank whose digest size only the TPM knows */
	begin_auth(cmd, TPM2_CC_PCR_EXTEND, 10);
	add(cmd, 2, 4);
	add_digest(cmd, ALG_OF_ONE_TPM, 24);
	add_digest(cmd, TPM_ALG_SHA1, SHA1_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);

	begin_auth(cmd, TPM2_CC_PCR_EXTEND, 10);
	add(cmd, 0, 4);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
}

static void test_extend_counts_only_banks_that_hold_the_pcr(struct kunit *test)
{
	struct command *cmd = alloc_command(test);

	extend_two(cmd, 11);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);
	extend_two(cmd, 12);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 1);
	extend_two(cmd, 13);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);

	KUNIT_EXPECT_EQ(test, tpm2_expected_updates(cmd->data, cmd->len, NULL,
						    0, 0), 0);
}

static void test_extend_skips_banks_that_are_off(struct kunit *test)
{
	static const struct {
		u16 alg_id;
		u16 size;
	} off[] = {
		{ 0x000c, 48 }, { 0x000d, 64 },			/* SHA-2 */
		{ 0x0012, 32 },					/* SM3 */
		{ 0x0027, 32 }, { 0x0028, 48 }, { 0x0029, 64 },	/* SHA-3 */
	};
	struct command *cmd = alloc_command(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(off); i++) {
		begin_auth(cmd, TPM2_CC_PCR_EXTEND, 10);
		add(cmd, 2, 4);
		add_digest(cmd, off[i].alg_id, off[i].size);
		add_digest(cmd, TPM_ALG_SHA1, SHA1_DIGEST_SIZE);
		KUNIT_EXPECT_EQ_MSG(test, expected_of(cmd), 1, "%#x",
				    off[i].alg_id);
	}

	/* The banks sha1 and sha256 can be off, too. */
	extend_two(cmd, 10);
	KUNIT_EXPECT_EQ(test, tpm2_expected_updates(cmd->data, cmd->len,
						    &banks[0], 1, 0), 1);
	KUNIT_EXPECT_EQ(test, tpm2_expected_updates(cmd->data, cmd->len,
						    &banks[1], 1, 0), 1);
	KUNIT_EXPECT_EQ(test, tpm2_expected_updates(cmd->data, cmd->len,
						    &banks[2], 1, 0), 0);
}

static void test_extend_of_unknown_algorithm_counts_nothing(struct kunit *test)
{
	struct command *cmd = alloc_command(test);

	begin_auth(cmd, TPM2_CC_PCR_EXTEND, 10);
	add(cmd, 3, 4);
	add_digest(cmd, TPM_ALG_SHA1, SHA1_DIGEST_SIZE);
	add_digest(cmd, ALG_UNKNOWN, SHA256_DIGEST_SIZE);
	add_digest(cmd, TPM_ALG_SHA1, SHA1_DIGEST_SIZE);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
}

static void test_event_counts_each_bank(struct kunit *test)
{
	static const u32 ccs[] = { TPM2_CC_PCR_EVENT,
				   TPM2_CC_EVENT_SEQUENCE_COMPLETE };
	struct command *cmd = alloc_command(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(ccs); i++) {
		event(cmd, ccs[i], 10);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 3);
		event(cmd, ccs[i], 11);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);
		event(cmd, ccs[i], 12);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 1);
		event(cmd, ccs[i], 13);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
	}
}

static void test_reset_and_clear_count_one(struct kunit *test)
{
	struct command *cmd = alloc_command(test);

	/* Regardless of the number of banks that hold the PCR */
	begin_auth(cmd, TPM2_CC_PCR_RESET, 10);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 1);
	begin_auth(cmd, TPM2_CC_PCR_RESET, 13);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 1);

	begin_auth(cmd, TPM2_CC_CLEAR, 0x4000000a);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 1);
	begin_auth(cmd, TPM2_CC_CLEAR, 0x4000000c);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 1);
}

static void test_some_pcrs_never_count(struct kunit *test)
{
	static const u32 handles[] = { 16, 23, TPM2_RH_NULL, 24, 31, 32, 42,
				       0x0100000a, 0x8000000a, U32_MAX };
	struct command *cmd = alloc_command(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		extend_two(cmd, handles[i]);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
		event(cmd, TPM2_CC_PCR_EVENT, handles[i]);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
		event(cmd, TPM2_CC_EVENT_SEQUENCE_COMPLETE, handles[i]);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
		begin_auth(cmd, TPM2_CC_PCR_RESET, handles[i]);
		KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
	}

	/* On a TPM where PCR 16 counts */
	extend_two(cmd, 16);
	KUNIT_EXPECT_EQ(test, tpm2_expected_updates(cmd->data, cmd->len, banks,
						    ARRAY_SIZE(banks), 0), 2);
}

static void test_other_commands_count_nothing(struct kunit *test)
{
	struct command *cmd = alloc_command(test);
	u32 cc;

	extend_two(cmd, 10);
	for (cc = 0; cc < 0x400; cc++) {
		switch (cc) {
		case 0x126:	/* TPM2_Clear */
		case 0x13c:	/* TPM2_PCR_Event */
		case 0x13d:	/* TPM2_PCR_Reset */
		case 0x182:	/* TPM2_PCR_Extend */
		case 0x185:	/* TPM2_EventSequenceComplete */
			continue;
		}
		put_unaligned_be32(cc, &cmd->data[6]);
		KUNIT_EXPECT_EQ_MSG(test, expected_of(cmd), 0, "%#x", cc);
	}

	/* A vendor-specific command */
	put_unaligned_be32(TPM2_CC_PCR_EXTEND | BIT(29), &cmd->data[6]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
}

static void test_sessions_are_skipped(struct kunit *test)
{
	static const u16 nonce_sizes[] = { 0, 16, 32, 64 };
	struct command *cmd = alloc_command(test);
	u32 sessions;
	int i;

	for (sessions = 1; sessions <= 3; sessions++) {
		for (i = 0; i < ARRAY_SIZE(nonce_sizes); i++) {
			begin(cmd, TPM2_CC_PCR_EXTEND, 10);
			add_auth(cmd, sessions, nonce_sizes[i]);
			add_two_digests(cmd);
			KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);

			begin(cmd, TPM2_CC_EVENT_SEQUENCE_COMPLETE, 11);
			add_auth(cmd, sessions, nonce_sizes[i]);
			add(cmd, 0, 2);
			KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);
		}
	}

	/* Without a session, the TPM refuses these commands. */
	extend_two(cmd, 10);
	put_unaligned_be16(TPM2_ST_NO_SESSIONS, cmd->data);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
}

/* Make one of the commands that count. */
static void make_command(struct command *cmd, int i)
{
	switch (i) {
	case 0:
		extend_two(cmd, 10);
		break;
	case 1:
		event(cmd, TPM2_CC_PCR_EVENT, 10);
		break;
	case 2:
		event(cmd, TPM2_CC_EVENT_SEQUENCE_COMPLETE, 10);
		break;
	case 3:
		begin_auth(cmd, TPM2_CC_PCR_RESET, 10);
		break;
	default:
		begin_auth(cmd, TPM2_CC_CLEAR, 0x4000000a);
		break;
	}
}

#define NR_COMMANDS	5

static void test_truncated_commands_count_nothing(struct kunit *test)
{
	struct command *cmd = alloc_command(test);
	u32 full, len;
	u8 *cut;
	int i;

	for (i = 0; i < NR_COMMANDS; i++) {
		make_command(cmd, i);
		full = cmd->len;
		KUNIT_EXPECT_GT(test, expected_of(cmd), 0);

		for (len = 0; len < full; len++) {
			/* Exactly this size, so that KASAN detects overruns */
			cut = kunit_kmalloc(test, max(len, 1), GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, cut);

			set_length(cmd, full);
			memcpy(cut, cmd->data, len);
			KUNIT_EXPECT_EQ(test, expected(cut, len), 0);

			set_length(cmd, len);
			memcpy(cut, cmd->data, len);
			KUNIT_EXPECT_EQ(test, expected(cut, len), 0);
			kunit_kfree(test, cut);

			/* Only the first @len bytes of the buffer are sent. */
			KUNIT_EXPECT_EQ(test, expected(cmd->data, full), 0);
		}
	}
}

static void test_sizes_that_lie_count_nothing(struct kunit *test)
{
	/* Offsets of authorizationSize and of what follows the 9-byte area */
	static const size_t auth = TPM_HEADER_SIZE + 4;
	static const size_t params = TPM_HEADER_SIZE + 4 + 4 + 9;
	struct command *cmd = alloc_command(test);
	u32 rest;

	/* The header */
	extend_two(cmd, 10);
	set_length(cmd, cmd->len + 1);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
	set_length(cmd, U32_MAX);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);

	/* The authorization area */
	begin_auth(cmd, TPM2_CC_CLEAR, 0x4000000a);
	rest = cmd->len - auth - 4;
	put_unaligned_be32(rest + 1, &cmd->data[auth]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
	put_unaligned_be32(U32_MAX, &cmd->data[auth]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
	put_unaligned_be32(U32_MAX - rest, &cmd->data[auth]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);

	/* The number of digests */
	extend_two(cmd, 10);
	put_unaligned_be32(3, &cmd->data[params]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
	put_unaligned_be32(U32_MAX, &cmd->data[params]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);

	/* The data of an event */
	event(cmd, TPM2_CC_PCR_EVENT, 10);
	put_unaligned_be16(6, &cmd->data[params]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
	put_unaligned_be16(U16_MAX, &cmd->data[params]);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 0);
}

static void test_bytes_that_are_not_sent_are_ignored(struct kunit *test)
{
	struct command *cmd = alloc_command(test);
	u32 len;

	extend_two(cmd, 10);
	len = cmd->len;
	add_filler(cmd, 100);
	set_length(cmd, len);
	KUNIT_EXPECT_EQ(test, expected_of(cmd), 2);
}

/* Random bytes cause no overruns, and count no more than they can hold. */
static void test_random_bytes(struct kunit *test)
{
	struct command *cmd = alloc_command(test);
	struct rnd_state rnd;
	u32 i, n, max_digests;
	size_t len;
	u8 *copy;

	prandom_seed_state(&rnd, 20);

	for (i = 0; i < 100000; i++) {
		make_command(cmd, prandom_u32_state(&rnd) % NR_COMMANDS);

		/* Use the correct length or a random one. */
		len = cmd->len;
		if (prandom_u32_state(&rnd) % 4 == 0)
			len = prandom_u32_state(&rnd) % (2 * cmd->len);

		for (n = prandom_u32_state(&rnd) % 4; n; n--)
			cmd->data[prandom_u32_state(&rnd) % cmd->len] =
				prandom_u32_state(&rnd);
		if (prandom_u32_state(&rnd) % 16 == 0)
			prandom_bytes_state(&rnd,
					    &cmd->data[TPM_HEADER_SIZE],
					    sizeof(cmd->data) - TPM_HEADER_SIZE);

		copy = kmemdup(cmd->data, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		n = expected(copy, len);
		kfree(copy);

		max_digests = len / (sizeof(u16) + SHA1_DIGEST_SIZE);
		KUNIT_ASSERT_LE(test, n, max_t(u32, max_digests,
					       ARRAY_SIZE(banks)));
	}
}

static struct tpm_chip *alloc_chip(struct kunit *test)
{
	struct tpm_chip *chip = kunit_kzalloc(test, sizeof(*chip), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, chip);
	chip->flags = TPM_CHIP_FLAG_TPM2;
	chip->nr_allocated_banks = ARRAY_SIZE(banks);
	memcpy(chip->allocated_banks, banks, sizeof(banks));
	chip->pcr_no_increment = NO_INCREMENT;
	mutex_init(&chip->tpm_mutex);
	return chip;
}

static void test_account_by_outcome(struct kunit *test)
{
	struct command *cmd = alloc_command(test);
	struct tpm_chip *chip = alloc_chip(test);
	u32 updates;

	extend_two(cmd, 10);
	updates = tpm2_account_prepare(chip, cmd->data, sizeof(cmd->data));
	KUNIT_EXPECT_EQ(test, updates, 2);

	mutex_lock(&chip->tpm_mutex);

	/* Refused, or not executed despite all retries */
	tpm2_account(chip, updates, TPM_HEADER_SIZE, 0x0907);
	tpm2_account(chip, updates, TPM_HEADER_SIZE, TPM2_RC_RETRY);
	KUNIT_EXPECT_EQ(test, chip->pcr_updates, 0);
	KUNIT_EXPECT_EQ(test, chip->pcr_updates_uncertain, 0);

	tpm2_account(chip, updates, TPM_HEADER_SIZE + 9, TPM2_RC_SUCCESS);
	KUNIT_EXPECT_EQ(test, chip->pcr_updates, 2);
	KUNIT_EXPECT_EQ(test, chip->pcr_updates_uncertain, 0);

	tpm2_account(chip, updates, -ETIME, TPM2_RC_SUCCESS);
	tpm2_account(chip, updates, -EIO, TPM2_RC_RETRY);
	KUNIT_EXPECT_EQ(test, chip->pcr_updates, 2);
	KUNIT_EXPECT_EQ(test, chip->pcr_updates_uncertain, 4);

	mutex_unlock(&chip->tpm_mutex);
}

static void test_account_is_of_tpm2_only(struct kunit *test)
{
	struct command *cmd = alloc_command(test);
	struct tpm_chip *chip = alloc_chip(test);

	extend_two(cmd, 10);
	KUNIT_EXPECT_EQ(test, tpm2_account_prepare(chip, cmd->data, cmd->len),
			2);
	chip->flags = 0;
	KUNIT_EXPECT_EQ(test, tpm2_account_prepare(chip, cmd->data, cmd->len),
			0);
}

/* tpm_transmit() sends at most TPM_BUFSIZE bytes, even from a larger buffer. */
static void test_account_of_commands_that_are_not_sent(struct kunit *test)
{
	struct tpm_chip *chip = alloc_chip(test);
	const size_t bufsiz = 2 * TPM_BUFSIZE;
	u8 *buf = kunit_kzalloc(test, bufsiz, GFP_KERNEL);
	struct command *cmd = alloc_command(test);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	extend_two(cmd, 10);
	memcpy(buf, cmd->data, cmd->len);

	put_unaligned_be32(TPM_BUFSIZE, &buf[2]);
	KUNIT_EXPECT_EQ(test, tpm2_account_prepare(chip, buf, bufsiz), 2);
	put_unaligned_be32(TPM_BUFSIZE + 1, &buf[2]);
	KUNIT_EXPECT_EQ(test, tpm2_account_prepare(chip, buf, bufsiz), 0);
}

static struct kunit_case tpm2_account_cases[] = {
	KUNIT_CASE(test_extend_counts_each_digest),
	KUNIT_CASE(test_extend_counts_only_banks_that_hold_the_pcr),
	KUNIT_CASE(test_extend_skips_banks_that_are_off),
	KUNIT_CASE(test_extend_of_unknown_algorithm_counts_nothing),
	KUNIT_CASE(test_event_counts_each_bank),
	KUNIT_CASE(test_reset_and_clear_count_one),
	KUNIT_CASE(test_some_pcrs_never_count),
	KUNIT_CASE(test_other_commands_count_nothing),
	KUNIT_CASE(test_sessions_are_skipped),
	KUNIT_CASE(test_truncated_commands_count_nothing),
	KUNIT_CASE(test_sizes_that_lie_count_nothing),
	KUNIT_CASE(test_bytes_that_are_not_sent_are_ignored),
	KUNIT_CASE(test_random_bytes),
	KUNIT_CASE(test_account_by_outcome),
	KUNIT_CASE(test_account_is_of_tpm2_only),
	KUNIT_CASE(test_account_of_commands_that_are_not_sent),
	{}
};

static struct kunit_suite tpm2_account_suite = {
	.name = "tpm2_account",
	.test_cases = tpm2_account_cases,
};

kunit_test_suite(tpm2_account_suite);
