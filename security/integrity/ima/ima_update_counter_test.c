// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the records of the TPM's PCR update counter. Included by
 * ima_update_counter.c, to have access to its static functions.
 */

#include <kunit/test.h>
#include <linux/stringify.h>

#define PCR_10	__stringify(CONFIG_IMA_MEASURE_PCR_IDX)

/* The algorithm of a bank that only this TPM knows */
#define ALG_OF_ONE_TPM	0x7001

/**
 * struct sample - the input of a record, and its text
 * @facts:	what the record states
 * @chip:	the TPM that @facts refer to
 * @counter:	the counter that @facts refer to
 * @before:	the PCR before the boot aggregate, unused by default
 * @starts:	how often the TPM was started, unused by default
 * @text:	the text of the record, written by format()
 */
struct sample {
	struct ima_counter_facts facts;
	struct tpm_chip *chip;
	struct tpm_update_counter counter;
	struct tpm_update_counter before;
	struct tpm_start_counts starts;
	char text[2 * IMA_COUNTER_TEXT_MAX];
};

static void add_bank(struct sample *sample, u16 alg_id, u16 crypto_id,
		     u16 size)
{
	unsigned int i = sample->chip->nr_allocated_banks++;

	sample->chip->allocated_banks[i] = (struct tpm_bank_info) {
		.alg_id = alg_id,
		.crypto_id = crypto_id,
		.digest_size = size,
		.pcr_mask = BIT(CONFIG_IMA_MEASURE_PCR_IDX),
	};
	sample->counter.bank_mask |= BIT(i);
	memset(sample->counter.digests[i].digest, 0xa0 + i, size);
	sample->before.bank_mask |= BIT(i);
	memset(sample->before.digests[i].digest, 0xb0 + i, size);
}

/* Allocate a chip without banks, and use small and distinct numbers. */
static struct sample *alloc_sample(struct kunit *test)
{
	struct sample *sample;

	sample = kunit_kzalloc(test, sizeof(*sample), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sample);
	sample->chip = kunit_kzalloc(test, sizeof(*sample->chip), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sample->chip);

	sample->chip->flags = TPM_CHIP_FLAG_TPM2;
	sample->counter.update_counter = 101;
	sample->counter.updates = 102;
	sample->counter.uncertain = 103;
	sample->starts.resets = 111;
	sample->starts.restarts = 112;
	sample->facts = (struct ima_counter_facts) {
		.event = IMA_COUNTER_BOOT,
		.chip = sample->chip,
		.counter = &sample->counter,
		.account = {
			.step = 104,
			.entries = 105,
			.carried = 106,
			.extends = 107,
			.failed = 108,
			.dropped = 109,
			.unread = 110,
		},
	};
	return sample;
}

/* The largest numbers in all keys, and the largest banks */
static struct sample *alloc_largest_sample(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);
	int i;

	sample->counter.update_counter = U32_MAX;
	sample->counter.updates = U64_MAX;
	sample->counter.uncertain = U64_MAX;
	sample->facts.account = (struct ima_counter_account) {
		.step = S64_MAX,
		.entries = U64_MAX,
		.carried = U64_MAX,
		.trimmed = U64_MAX,
		.extends = U64_MAX,
		.failed = U64_MAX,
		.dropped = U64_MAX,
		.unread = U64_MAX,
	};
	sample->starts.resets = U32_MAX;
	sample->starts.restarts = U32_MAX;
	for (i = 0; i < TPM2_MAX_PCR_BANKS; i++)
		add_bank(sample, U16_MAX, HASH_ALGO_STREEBOG_512,
			 TPM2_MAX_DIGEST_SIZE);
	return sample;
}

/* Write the record into @size bytes. Return its length, 0 if it is too long. */
static size_t format_into(struct sample *sample, char *buf, size_t size)
{
	struct seq_buf s;

	seq_buf_init(&s, buf, size);
	ima_counter_format(&s, &sample->facts);
	return seq_buf_has_overflowed(&s) ? 0 : seq_buf_used(&s);
}

static const char *format(struct sample *sample)
{
	size_t len = format_into(sample, sample->text,
				 sizeof(sample->text) - 1);

	sample->text[len] = '\0';
	return sample->text;
}

static bool has(struct sample *sample, const char *pair)
{
	return strstr(format(sample), pair);
}

static void test_has_all_keys_in_order(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	sample->facts.starts = &sample->starts;
	sample->facts.before = &sample->before;
	add_bank(sample, TPM_ALG_SHA1, HASH_ALGO_SHA1, 4);
	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 5);

	KUNIT_EXPECT_STREQ(test, format(sample),
			   "version=1;event=boot;pcrUpdateCounter=101;"
			   "updates=102;uncertain=103;banks=2;step=104;"
			   "resets=111;restarts=112;"
			   "entries=105;carried=106;trimmed=0;extends=107;"
			   "failed=108;dropped=109;unread=110;protected=0;"
			   "before=" PCR_10 ":sha1:b0b0b0b0,sha256:b1b1b1b1b1;"
			   "pcr=" PCR_10 ":sha1:a0a0a0a0,sha256:a1a1a1a1a1;");
}

static void test_numbers_have_no_sign_and_do_not_wrap(struct kunit *test)
{
	struct sample *sample = alloc_largest_sample(test);

	sample->facts.starts = &sample->starts;
	sample->counter.bank_mask = 0;
	KUNIT_EXPECT_STREQ(test, format(sample),
			   "version=1;event=boot;pcrUpdateCounter=4294967295;"
			   "updates=18446744073709551615;"
			   "uncertain=18446744073709551615;banks=8;"
			   "step=9223372036854775807;"
			   "resets=4294967295;restarts=4294967295;"
			   "entries=18446744073709551615;"
			   "carried=18446744073709551615;"
			   "trimmed=18446744073709551615;"
			   "extends=18446744073709551615;"
			   "failed=18446744073709551615;"
			   "dropped=18446744073709551615;"
			   "unread=18446744073709551615;protected=0;");

	/* The TPM's counter has wrapped. */
	sample->counter.update_counter = 0;
	KUNIT_EXPECT_TRUE(test, has(sample, ";pcrUpdateCounter=0;updates=1844"));
}

static void test_each_moment_has_its_name(struct kunit *test)
{
	static const char * const names[] = {
		[IMA_COUNTER_BOOT] = "event=boot;",
		[IMA_COUNTER_POLICY] = "event=policy;",
		[IMA_COUNTER_KEXEC_LOAD] = "event=kexec_load;",
		[IMA_COUNTER_KEXEC_EXECUTE] = "event=kexec_execute;",
		[IMA_COUNTER_RESUME] = "event=resume;",
		[IMA_COUNTER_REQUEST] = "event=request;",
	};
	struct sample *sample = alloc_sample(test);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(names),
			ARRAY_SIZE(ima_counter_events));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		sample->facts.event = i;
		KUNIT_EXPECT_TRUE(test, has(sample, names[i]));
	}
}

static void test_the_largest_record_fits(struct kunit *test)
{
	struct sample *sample = alloc_largest_sample(test);
	size_t len;
	int i;

	sample->facts.starts = &sample->starts;
	sample->facts.before = &sample->before;
	len = strlen(format(sample));

	KUNIT_EXPECT_GT(test, len, 2 * 8 * (2 * TPM2_MAX_DIGEST_SIZE));
	KUNIT_EXPECT_LE(test, len, IMA_COUNTER_TEXT_MAX);
	KUNIT_EXPECT_EQ(test, sample->text[strlen(sample->text) - 1], ';');

	/* All digests are complete. %*ph stops at 64 bytes. */
	for (i = 0; i < TPM2_MAX_PCR_BANKS; i++) {
		char digest[2 * TPM2_MAX_DIGEST_SIZE + 2];

		snprintf(digest, sizeof(digest), ":%*phN", TPM2_MAX_DIGEST_SIZE,
			 sample->counter.digests[i].digest);
		KUNIT_EXPECT_NOT_NULL(test, strstr(sample->text, digest));
	}

	/* No algorithm has a longer name. */
	for (i = 0; i < HASH_ALGO__LAST; i++)
		KUNIT_EXPECT_LE_MSG(test, strlen(hash_algo_name[i]),
				    strlen("streebog512"), "%s",
				    hash_algo_name[i]);
}

/* Kexec reserves room for this record. */
static void test_the_largest_record_at_execute_fits(struct kunit *test)
{
	struct sample *sample = alloc_largest_sample(test);

	sample->facts.event = IMA_COUNTER_KEXEC_EXECUTE;
	KUNIT_EXPECT_LE(test, strlen(format(sample)),
			IMA_COUNTER_TEXT_MAX - IMA_COUNTER_BEFORE_MAX);
}

/* The overflow is reported, and nothing is written beyond the buffer. */
static void test_a_record_that_does_not_fit_is_noticed(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);
	size_t full, size;
	char *buf;

	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, SHA256_DIGEST_SIZE);
	full = strlen(format(sample));

	for (size = 1; size <= full + 1; size++) {
		/* Exactly this size, so that KASAN detects overruns */
		buf = kunit_kmalloc(test, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		if (size != full)
			KUNIT_EXPECT_EQ_MSG(test,
					    format_into(sample, buf, size),
					    size > full ? full : 0, "%zu",
					    size);
		kunit_kfree(test, buf);
	}
}

static void test_an_algorithm_without_a_name_has_a_number(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	add_bank(sample, ALG_OF_ONE_TPM, HASH_ALGO__LAST, 3);
	add_bank(sample, 0x1, HASH_ALGO__LAST, 3);
	KUNIT_EXPECT_TRUE(test, has(sample, ";pcr=" PCR_10
				    ":0x7001:a0a0a0,0x0001:a1a1a1;"));
}

static void test_banks_that_were_not_returned_are_absent(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	add_bank(sample, TPM_ALG_SHA1, HASH_ALGO_SHA1, 2);
	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 2);
	add_bank(sample, TPM_ALG_SHA384, HASH_ALGO_SHA384, 2);
	sample->facts.before = &sample->before;

	sample->counter.bank_mask = BIT(1) | BIT(2);
	sample->before.bank_mask = BIT(0) | BIT(2);
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=3;"));
	KUNIT_EXPECT_TRUE(test, has(sample, ";before=" PCR_10
				    ":sha1:b0b0,sha384:b2b2;pcr=" PCR_10
				    ":sha256:a1a1,sha384:a2a2;"));

	sample->counter.bank_mask = 0;
	sample->before.bank_mask = 0;
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=3;"));
	KUNIT_EXPECT_FALSE(test, has(sample, "pcr="));
	KUNIT_EXPECT_FALSE(test, has(sample, "before="));

	/* A bank that does not hold IMA's PCR is not counted. */
	sample->chip->allocated_banks[0].pcr_mask =
		BIT(CONFIG_IMA_MEASURE_PCR_IDX + 1);
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=2;"));
}

/* The TPM acknowledges an extend of a PCR that no bank holds. */
static void test_an_extend_that_reaches_no_bank_has_failed(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);
	struct tpm_chip *chip = sample->chip;

	/* No bank at all */
	KUNIT_EXPECT_FALSE(test, ima_counter_has_extended(chip, 10, 0));

	add_bank(sample, TPM_ALG_SHA1, HASH_ALGO_SHA1, 2);
	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 2);
	chip->allocated_banks[0].pcr_mask = BIT(0);
	chip->allocated_banks[1].pcr_mask = BIT(0) | BIT(11);
	KUNIT_EXPECT_FALSE(test, ima_counter_has_extended(chip, 10, 0));
	KUNIT_EXPECT_TRUE(test, ima_counter_has_extended(chip, 11, 0));
	KUNIT_EXPECT_TRUE(test, ima_counter_has_extended(chip, 0, 0));
	/* The largest number that a rule can select */
	KUNIT_EXPECT_FALSE(test, ima_counter_has_extended(chip, 63, 0));

	KUNIT_EXPECT_FALSE(test, ima_counter_has_extended(chip, 11, -EIO));
	KUNIT_EXPECT_FALSE(test, ima_counter_has_extended(chip, 11, 0x101));
}

static void test_what_was_not_read_is_absent(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	sample->facts.account.step = -1;
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=0;entries=105;"));
	sample->facts.account.step = 0;
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=0;step=0;entries=105;"));

	/* The one key does not depend on the other. */
	sample->facts.account.step = -1;
	sample->facts.starts = &sample->starts;
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=0;resets=111;restarts=112;"
				    "entries=105;"));
}

static void test_an_error_takes_the_place_of_the_counter(struct kunit *test)
{
	static const struct {
		int error;
		const char *text;
	} errors[] = {
		{ -EIO, ";error=EIO;updates=102;uncertain=103;banks=1;" },
		{ -EAGAIN, ";error=EAGAIN;updates=102;uncertain=103;banks=1;" },
		{ -ETIME, ";error=ETIME;updates=102;uncertain=103;banks=1;" },
		/* An errno without a name */
		{ -MAX_ERRNO, ";error=EIO;updates=102;uncertain=103;banks=1;" },
		/* The TPM's own code */
		{ 0x101, ";error=TPM_0x101;updates=102;uncertain=103;banks=1;" },
		{ 0x98e, ";error=TPM_0x98e;updates=102;uncertain=103;banks=1;" },
	};
	struct sample *sample = alloc_sample(test);
	int i;

	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 2);
	sample->facts.before = &sample->before;
	sample->counter.protected = true;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		sample->facts.error = errors[i].error;
		KUNIT_EXPECT_TRUE_MSG(test, has(sample, errors[i].text), "%s",
				      sample->text);
		KUNIT_EXPECT_FALSE(test, has(sample, "pcrUpdateCounter="));
		KUNIT_EXPECT_FALSE(test, has(sample, "pcr="));
		/* An error of a protected read */
		KUNIT_EXPECT_TRUE(test, has(sample, ";protected=1;before="));
	}
}

/* There is no account, and no bank. */
static void test_without_a_tpm2_it_is_a_record_of_the_list(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);
	struct tpm_chip *chip = sample->chip;

	sample->facts.chip = NULL;
	sample->facts.error = -ENODEV;
	sample->facts.account.step = -1;
	KUNIT_EXPECT_STREQ(test, format(sample),
			   "version=1;event=boot;error=ENODEV;"
			   "entries=105;carried=106;trimmed=0;extends=107;"
			   "failed=108;dropped=109;unread=110;protected=0;");

	/* A TPM 1.2 */
	chip->flags = 0;
	sample->facts.chip = chip;
	sample->facts.error = -EOPNOTSUPP;
	KUNIT_EXPECT_TRUE(test, has(sample, ";error=EOPNOTSUPP;entries=105;"));
}

static void test_a_read_in_a_session_is_protected(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 2);
	sample->counter.protected = true;
	KUNIT_EXPECT_TRUE(test, has(sample, ";unread=110;protected=1;pcr="));
}

/* The step is what is left of the difference without the updates by others. */
static void test_updates_by_others_are_not_in_the_step(struct kunit *test)
{
	struct tpm_update_counter *from, *to;

	from = kunit_kzalloc(test, sizeof(*from), GFP_KERNEL);
	to = kunit_kzalloc(test, sizeof(*to), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, from);
	KUNIT_ASSERT_NOT_NULL(test, to);

	from->update_counter = 100;
	from->updates = 7;
	to->update_counter = 102;
	to->updates = 9;
	KUNIT_EXPECT_EQ(test, ima_counter_step(from, to, 2), 2);

	/* Others have updated three banks. */
	to->update_counter = 105;
	to->updates = 12;
	KUNIT_EXPECT_EQ(test, ima_counter_step(from, to, 2), 2);

	/* The TPM adds one per extend, and three for the others. */
	to->update_counter = 104;
	KUNIT_EXPECT_EQ(test, ima_counter_step(from, to, 2), 1);

	/* The TPM adds nothing. */
	to->update_counter = 100;
	to->updates = 9;
	KUNIT_EXPECT_EQ(test, ima_counter_step(from, to, 2), 0);

	/* Less than nothing: others were acknowledged and not counted. */
	to->updates = 12;
	KUNIT_EXPECT_EQ(test, ima_counter_step(from, to, 2), 0);

	/* The counter wraps. */
	from->update_counter = U32_MAX;
	to->update_counter = 1;
	to->updates = 9;
	KUNIT_EXPECT_EQ(test, ima_counter_step(from, to, 2), 2);
}

/* Nothing is read, since the TPM may be shut down. */
static void test_once_measuring_is_suspended_there_is_no_record(struct kunit *test)
{
	struct ima_counter_record record = { .wanted = true };
	u64 count;
	bool saved;

	/* Nobody else looks at it without the mutex. */
	mutex_lock(&ima_extend_list_mutex);
	saved = ima_measurements_suspended;
	ima_measurements_suspended = true;
	count = ima_total_entries();
	ima_counter_append(&record, IMA_COUNTER_BOOT);
	KUNIT_EXPECT_EQ(test, ima_total_entries(), count);
	ima_measurements_suspended = saved;
	mutex_unlock(&ima_extend_list_mutex);

	KUNIT_EXPECT_TRUE(test, record.suspended);
	KUNIT_EXPECT_EQ(test, record.result, -ENODEV);
	/* Without a TPM, the attempt to read it would have failed. */
	KUNIT_EXPECT_EQ(test, record.error, 0);
}

static void test_a_template_without_the_text_is_not_used(struct kunit *test)
{
	struct ima_template_desc desc = {};

	desc.name = "ima-buf";
	KUNIT_EXPECT_TRUE(test, ima_counter_fits(&desc));
	desc.name = "ima-txt";
	KUNIT_EXPECT_TRUE(test, ima_counter_fits(&desc));
	desc.name = "ima-ng";
	KUNIT_EXPECT_FALSE(test, ima_counter_fits(&desc));
	/* A custom one */
	desc.name = "";
	KUNIT_EXPECT_FALSE(test, ima_counter_fits(&desc));
}

/* Get the text of the last entry in the list if it is a record. */
static void last_record(char *text, size_t size)
{
	const struct ima_template_entry *entry;
	size_t len;

	*text = '\0';
	mutex_lock(&ima_extend_list_mutex);
	entry = list_last_entry(&ima_measurements, struct ima_queue_entry,
				later)->entry;
	if (entry->template_desc->num_fields == 3 &&
	    !strcmp(entry->template_data[1].data, IMA_COUNTER_NAME)) {
		len = min_t(size_t, size - 1, entry->template_data[2].len);
		memcpy(text, entry->template_data[2].data, len);
		text[len] = '\0';
	}
	mutex_unlock(&ima_extend_list_mutex);
}

/* Emulators support suspend to RAM, but rarely hibernation. */
static void test_each_resume_makes_a_record(struct kunit *test)
{
	static const unsigned long resumed[] = {
		PM_POST_SUSPEND, PM_POST_HIBERNATION,
	};
	static const unsigned long others[] = {
		PM_SUSPEND_PREPARE, PM_HIBERNATION_PREPARE,
		PM_RESTORE_PREPARE, PM_POST_RESTORE,
	};
	struct ima_counter_record record;
	char expected[64];
	char *found;
	u64 count;
	int i;

	ima_counter_begin(&record);
	if (!record.wanted)
		kunit_skip(test, "needs a policy such as ima_policy=critical_data");
	found = kunit_kmalloc(test, IMA_COUNTER_TEXT_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, found);

	for (i = 0; i < ARRAY_SIZE(resumed); i++) {
		count = ima_total_entries();
		KUNIT_EXPECT_EQ(test, NOTIFY_DONE,
				ima_counter_pm_notify(&ima_counter_pm_nb,
						      resumed[i], NULL));
		KUNIT_EXPECT_EQ(test, ima_total_entries(), count + 1);
		last_record(found, IMA_COUNTER_TEXT_MAX);
		KUNIT_EXPECT_TRUE_MSG(test, strstarts(found,
						      "version=1;event=resume;"),
				      "%s", found);
		snprintf(expected, sizeof(expected), ";entries=%llu;", count);
		KUNIT_EXPECT_NOT_NULL(test, strstr(found, expected));
		KUNIT_EXPECT_EQ(test, ima_counter_has_tpm2(ima_tpm_chip),
				!!strstr(found, ";resets="));
	}

	count = ima_total_entries();
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_EQ(test, NOTIFY_DONE,
				ima_counter_pm_notify(&ima_counter_pm_nb,
						      others[i], NULL));
	KUNIT_EXPECT_EQ(test, ima_total_entries(), count);
}

static struct kunit_case ima_update_counter_cases[] = {
	KUNIT_CASE(test_has_all_keys_in_order),
	KUNIT_CASE(test_numbers_have_no_sign_and_do_not_wrap),
	KUNIT_CASE(test_each_moment_has_its_name),
	KUNIT_CASE(test_the_largest_record_fits),
	KUNIT_CASE(test_the_largest_record_at_execute_fits),
	KUNIT_CASE(test_a_record_that_does_not_fit_is_noticed),
	KUNIT_CASE(test_an_algorithm_without_a_name_has_a_number),
	KUNIT_CASE(test_banks_that_were_not_returned_are_absent),
	KUNIT_CASE(test_an_extend_that_reaches_no_bank_has_failed),
	KUNIT_CASE(test_what_was_not_read_is_absent),
	KUNIT_CASE(test_an_error_takes_the_place_of_the_counter),
	KUNIT_CASE(test_without_a_tpm2_it_is_a_record_of_the_list),
	KUNIT_CASE(test_a_read_in_a_session_is_protected),
	KUNIT_CASE(test_updates_by_others_are_not_in_the_step),
	KUNIT_CASE(test_once_measuring_is_suspended_there_is_no_record),
	KUNIT_CASE(test_a_template_without_the_text_is_not_used),
	KUNIT_CASE(test_each_resume_makes_a_record),
	{}
};

static struct kunit_suite ima_update_counter_suite = {
	.name = "ima_update_counter",
	.test_cases = ima_update_counter_cases,
};

kunit_test_suite(ima_update_counter_suite);
