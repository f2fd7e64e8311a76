// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the records of the TPM's PCR update counter. Included by
 * ima_update_counter.c, to have access to its static functions.
 */

#include <kunit/test.h>
#include <linux/stringify.h>

#define PCR_10	"pcr=" __stringify(CONFIG_IMA_MEASURE_PCR_IDX)

/* The algorithm of a bank that only this TPM knows */
#define ALG_OF_ONE_TPM	0x7001

/**
 * struct sample - the input of a record, and its text
 * @event:	what triggered the record
 * @error:	0 or a negative errno
 * @counter:	the counter and the driver's account
 * @chip:	the TPM, or NULL
 * @account:	the account to use instead of the kernel's own
 * @dropped:	the number of dropped measurements to use instead
 * @step:	what one extend adds, or -1
 * @text:	the text of the record, written by format()
 */
struct sample {
	enum ima_counter_event event;
	int error;
	struct tpm_update_counter counter;
	struct tpm_chip *chip;
	struct ima_counter_account account;
	s64 dropped;
	s64 step;
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
}

/* Allocate a chip without banks, and use small and distinct numbers. */
static struct sample *alloc_sample(struct kunit *test)
{
	struct sample *sample;

	sample = kunit_kzalloc(test, sizeof(*sample), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sample);
	sample->chip = kunit_kzalloc(test, sizeof(*sample->chip), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sample->chip);

	sample->event = IMA_COUNTER_BOOT;
	sample->counter.update_counter = 101;
	sample->counter.updates = 102;
	sample->counter.uncertain = 103;
	sample->step = 104;
	sample->account.entries = 105;
	sample->account.carried = 106;
	sample->account.extends = 107;
	sample->account.failed = 108;
	sample->dropped = 109;
	return sample;
}

/* Write the record into @size bytes. Return its length, 0 if it is too long. */
static size_t format_into(struct sample *sample, char *buf, size_t size)
{
	struct ima_counter_account saved_account;
	s64 saved_step, saved_dropped;
	struct seq_buf s;

	seq_buf_init(&s, buf, size);
	mutex_lock(&ima_extend_list_mutex);

	saved_account = account;
	saved_step = step;
	saved_dropped = atomic64_read(&ima_dropped);

	account = sample->account;
	step = sample->step;
	atomic64_set(&ima_dropped, sample->dropped);
	ima_counter_format(&s, sample->event, sample->error, &sample->counter,
			   sample->chip);

	account = saved_account;
	step = saved_step;
	atomic64_set(&ima_dropped, saved_dropped);

	mutex_unlock(&ima_extend_list_mutex);
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

	add_bank(sample, TPM_ALG_SHA1, HASH_ALGO_SHA1, 4);
	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 5);

	KUNIT_EXPECT_STREQ(test, format(sample),
			   "version=1;event=boot;pcrUpdateCounter=101;"
			   "updates=102;uncertain=103;banks=2;step=104;"
			   "entries=105;carried=106;trimmed=0;extends=107;"
			   "failed=108;dropped=109;protected=0;"
			   PCR_10 ":sha1:a0a0a0a0,sha256:a1a1a1a1a1;");
}

static void test_numbers_have_no_sign_and_do_not_wrap(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	sample->counter.update_counter = U32_MAX;
	sample->counter.updates = U64_MAX;
	sample->counter.uncertain = U64_MAX;
	sample->step = S64_MAX;
	sample->account.entries = U64_MAX;
	sample->account.carried = U64_MAX;
	sample->account.extends = U64_MAX;
	sample->account.failed = U64_MAX;
	sample->dropped = S64_MAX;

	KUNIT_EXPECT_STREQ(test, format(sample),
			   "version=1;event=boot;pcrUpdateCounter=4294967295;"
			   "updates=18446744073709551615;"
			   "uncertain=18446744073709551615;banks=0;"
			   "step=9223372036854775807;"
			   "entries=18446744073709551615;"
			   "carried=18446744073709551615;trimmed=0;"
			   "extends=18446744073709551615;"
			   "failed=18446744073709551615;"
			   "dropped=9223372036854775807;protected=0;");

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
		sample->event = i;
		KUNIT_EXPECT_TRUE(test, has(sample, names[i]));
	}
}

static void test_the_largest_record_fits(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);
	const u64 trimmed = ima_trimmed_entries();
	size_t len;
	int i;

	sample->event = IMA_COUNTER_KEXEC_EXECUTE;
	sample->counter.update_counter = U32_MAX;
	sample->counter.updates = U64_MAX;
	sample->counter.uncertain = U64_MAX;
	sample->step = S64_MAX;
	sample->account.entries = U64_MAX;
	sample->account.carried = U64_MAX;
	sample->account.extends = U64_MAX;
	sample->account.failed = U64_MAX;
	sample->dropped = S64_MIN;
	for (i = 0; i < TPM2_MAX_PCR_BANKS; i++)
		add_bank(sample, U16_MAX, HASH_ALGO_STREEBOG_512,
			 TPM2_MAX_DIGEST_SIZE);

	len = strlen(format(sample));
	/* Assume the largest number of trimmed entries. */
	if (trimmed < 10)
		len += strlen("18446744073709551615") - 1;

	KUNIT_EXPECT_GT(test, len, 8 * (2 * TPM2_MAX_DIGEST_SIZE));
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
	KUNIT_EXPECT_TRUE(test, has(sample, ";" PCR_10
				    ":0x7001:a0a0a0,0x0001:a1a1a1;"));
}

static void test_banks_that_were_not_returned_are_absent(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	add_bank(sample, TPM_ALG_SHA1, HASH_ALGO_SHA1, 2);
	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 2);
	add_bank(sample, TPM_ALG_SHA384, HASH_ALGO_SHA384, 2);

	sample->counter.bank_mask = BIT(1) | BIT(2);
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=3;"));
	KUNIT_EXPECT_TRUE(test, has(sample, ";" PCR_10
				    ":sha256:a1a1,sha384:a2a2;"));

	sample->counter.bank_mask = 0;
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=3;"));
	KUNIT_EXPECT_FALSE(test, has(sample, "pcr="));

	/* A bank that does not hold IMA's PCR is not counted. */
	sample->chip->allocated_banks[0].pcr_mask =
		BIT(CONFIG_IMA_MEASURE_PCR_IDX + 1);
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=2;"));
}

static void test_a_step_that_was_not_measured_is_absent(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	sample->step = -1;
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=0;entries=105;"));
	sample->step = 0;
	KUNIT_EXPECT_TRUE(test, has(sample, ";banks=0;step=0;entries=105;"));
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
		/* Without a TPM 2.0, there is no account. */
		{ -ENODEV, ";error=ENODEV;banks=1;" },
		{ -EOPNOTSUPP, ";error=EOPNOTSUPP;banks=1;" },
	};
	struct sample *sample = alloc_sample(test);
	int i;

	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 2);
	sample->counter.protected = true;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		sample->error = errors[i].error;
		KUNIT_EXPECT_TRUE_MSG(test, has(sample, errors[i].text), "%s",
				      sample->text);
		KUNIT_EXPECT_FALSE(test, has(sample, "pcrUpdateCounter="));
		KUNIT_EXPECT_FALSE(test, has(sample, "pcr="));
		/* An error of a protected read */
		KUNIT_EXPECT_TRUE(test, has(sample, ";protected=1;"));
	}
}

static void test_without_a_tpm_it_is_a_record_of_the_list(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	sample->chip = NULL;
	sample->error = -ENODEV;
	sample->step = -1;
	KUNIT_EXPECT_STREQ(test, format(sample),
			   "version=1;event=boot;error=ENODEV;banks=0;"
			   "entries=105;carried=106;trimmed=0;extends=107;"
			   "failed=108;dropped=109;protected=0;");
}

static void test_a_read_in_a_session_is_protected(struct kunit *test)
{
	struct sample *sample = alloc_sample(test);

	add_bank(sample, TPM_ALG_SHA256, HASH_ALGO_SHA256, 2);
	sample->counter.protected = true;
	KUNIT_EXPECT_TRUE(test, has(sample, ";dropped=109;protected=1;pcr="));
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

static u64 entries(void)
{
	u64 count;

	mutex_lock(&ima_extend_list_mutex);
	count = account.entries;
	mutex_unlock(&ima_extend_list_mutex);
	return count;
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
	u64 before;
	int i;

	ima_counter_begin(&record);
	if (!record.wanted)
		kunit_skip(test, "needs a policy such as ima_policy=critical_data");
	found = kunit_kmalloc(test, IMA_COUNTER_TEXT_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, found);

	for (i = 0; i < ARRAY_SIZE(resumed); i++) {
		before = entries();
		KUNIT_EXPECT_EQ(test, NOTIFY_DONE,
				ima_counter_pm_notify(&ima_counter_pm_nb,
						      resumed[i], NULL));
		KUNIT_EXPECT_EQ(test, entries(), before + 1);
		last_record(found, IMA_COUNTER_TEXT_MAX);
		KUNIT_EXPECT_TRUE_MSG(test, strstarts(found,
						      "version=1;event=resume;"),
				      "%s", found);
		snprintf(expected, sizeof(expected), ";entries=%llu;", before);
		KUNIT_EXPECT_NOT_NULL(test, strstr(found, expected));
	}

	before = entries();
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_EQ(test, NOTIFY_DONE,
				ima_counter_pm_notify(&ima_counter_pm_nb,
						      others[i], NULL));
	KUNIT_EXPECT_EQ(test, entries(), before);
}

static struct kunit_case ima_update_counter_cases[] = {
	KUNIT_CASE(test_has_all_keys_in_order),
	KUNIT_CASE(test_numbers_have_no_sign_and_do_not_wrap),
	KUNIT_CASE(test_each_moment_has_its_name),
	KUNIT_CASE(test_the_largest_record_fits),
	KUNIT_CASE(test_a_record_that_does_not_fit_is_noticed),
	KUNIT_CASE(test_an_algorithm_without_a_name_has_a_number),
	KUNIT_CASE(test_banks_that_were_not_returned_are_absent),
	KUNIT_CASE(test_a_step_that_was_not_measured_is_absent),
	KUNIT_CASE(test_an_error_takes_the_place_of_the_counter),
	KUNIT_CASE(test_without_a_tpm_it_is_a_record_of_the_list),
	KUNIT_CASE(test_a_read_in_a_session_is_protected),
	KUNIT_CASE(test_each_resume_makes_a_record),
	{}
};

static struct kunit_suite ima_update_counter_suite = {
	.name = "ima_update_counter",
	.test_cases = ima_update_counter_cases,
};

kunit_test_suite(ima_update_counter_suite);
