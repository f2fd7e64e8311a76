// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records the TPM's PCR update counter (pcrUpdateCounter) in the measurement
 * list, along with IMA's own account. See ima_update_counter.h for the locking.
 */

#include <linux/err.h>
#include <linux/errname.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/overflow.h>
#include <linux/security.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/tpm_update_counter.h>
#include <linux/uaccess.h>

#include "ima.h"
#include "ima_update_counter.h"

/* The label by which a policy asks for records, and the name of the entries */
#define IMA_COUNTER_LABEL	"tpm"
#define IMA_COUNTER_NAME	"pcr_counter"
#define IMA_COUNTER_VERSION	1

static const char * const ima_counter_events[] = {
	[IMA_COUNTER_BOOT]		= "boot",
	[IMA_COUNTER_POLICY]		= "policy",
	[IMA_COUNTER_KEXEC_LOAD]	= "kexec_load",
	[IMA_COUNTER_KEXEC_EXECUTE]	= "kexec_execute",
	[IMA_COUNTER_RESUME]		= "resume",
	[IMA_COUNTER_REQUEST]		= "request",
};

/**
 * struct ima_counter_account - IMA's account of its entries and extends
 * @entries:	number of entries in the list, including deleted ones
 * @carried:	how many of these were carried over by kexec
 * @trimmed:	how many of these were deleted
 * @extends:	number of extends that the TPM acknowledged and that updated a PCR
 * @failed:	number of entries whose extend failed, updated no PCR, or has an
 *		unknown outcome
 * @dropped:	measurement attempts that left no entry, because of the kernel
 * @unread:	measurement attempts that left no entry, because the file could
 *		not be read
 * @step:	what one extend adds to the counter, or -1 if not measured
 */
struct ima_counter_account {
	u64 entries;
	u64 carried;
	u64 trimmed;
	u64 extends;
	u64 failed;
	u64 dropped;
	u64 unread;
	s64 step;
};

/**
 * struct ima_counter_facts - what a record states
 * @event:	what triggered the record
 * @error:	0, or why the counter could not be read: a negative errno, or
 *		the TPM's response code
 * @chip:	the TPM, or NULL
 * @counter:	the counter, the values of the PCR, and the driver's account
 * @starts:	how often the TPM was started, or NULL
 * @before:	the values of the PCR before the boot aggregate, or NULL
 * @account:	IMA's account
 */
struct ima_counter_facts {
	enum ima_counter_event event;
	int error;
	const struct tpm_chip *chip;
	const struct tpm_update_counter *counter;
	const struct tpm_start_counts *starts;
	const struct tpm_update_counter *before;
	struct ima_counter_account account;
};

/*
 * All protected by ima_extend_list_mutex. The snapshot and the text are too
 * large for the stack. The first two records each allocate a text, one for the
 * current record and one for the last record. Both are kept, so that later
 * records do not need more memory than any other entry.
 */
static struct {
	u64 carried;
	u64 extends;
	u64 failed;
	s64 step;
} counted = { .step = -1 };
static struct tpm_update_counter snapshot;
static char *text;
static char *last_text;
static size_t last_len;

/* What was read before the boot aggregate was extended, if that worked */
static struct tpm_update_counter before;
static bool before_valid;

/* The record at execute, which kexec carries over even if the list is cut */
static struct ima_queue_entry *execute_record;

/**
 * ima_counter_count_carried - count an entry that was carried over by kexec
 *
 * Context: The caller holds ima_extend_list_mutex.
 */
void ima_counter_count_carried(void)
{
	counted.carried++;
}

/* Count the banks that hold the PCR. An extend updates these banks. */
static unsigned int ima_counter_banks(const struct tpm_chip *chip, int pcr)
{
	unsigned int i, count = 0;

	for (i = 0; i < NR_BANKS(chip); i++)
		if (chip->allocated_banks[i].pcr_mask & BIT_ULL(pcr))
			count++;

	return count;
}

/*
 * Did an extend update a PCR? A TPM also acknowledges the extend of a PCR that
 * none of its banks holds, and does nothing.
 */
static bool ima_counter_has_extended(const struct tpm_chip *chip, int pcr,
				     int tpmresult)
{
	return !tpmresult && ima_counter_banks(chip, pcr);
}

/**
 * ima_counter_count_extend - count an extend of a PCR
 * @pcr: the PCR
 * @tpmresult: return value of tpm_pcr_extend()
 *
 * Context: The caller holds ima_extend_list_mutex.
 */
void ima_counter_count_extend(int pcr, int tpmresult)
{
	if (ima_counter_has_extended(ima_tpm_chip, pcr, tpmresult))
		counted.extends++;
	else
		counted.failed++;
}

static void ima_counter_get_account(struct ima_counter_account *account)
{
	lockdep_assert_held(&ima_extend_list_mutex);

	account->entries = ima_total_entries();
	account->carried = counted.carried;
	account->trimmed = ima_trimmed_entries();
	account->extends = counted.extends;
	account->failed = counted.failed;
	account->dropped = atomic64_read(&ima_dropped);
	account->unread = atomic64_read(&ima_unread);
	account->step = counted.step;
}

static bool ima_counter_has_tpm2(const struct tpm_chip *chip)
{
	return chip && (chip->flags & TPM_CHIP_FLAG_TPM2);
}

/**
 * ima_counter_begin_step - start measuring the increment per extend
 *
 * Most TPMs add one for each bank that holds the PCR, but TPMs may differ.
 * Called before the boot aggregate is measured, and followed by
 * ima_counter_end_step(). It is too early to consult a policy, and a later
 * policy may ask for records, so the increment is always measured. Each of the
 * two functions costs one TPM2_PCR_Read.
 *
 * Context: Process context. Takes ima_extend_list_mutex.
 */
void __init ima_counter_begin_step(void)
{
	mutex_lock(&ima_extend_list_mutex);

	before_valid = !tpm_get_update_counter(ima_tpm_chip,
					       CONFIG_IMA_MEASURE_PCR_IDX,
					       &before);
	mutex_unlock(&ima_extend_list_mutex);
}

/*
 * What one extend of all banks has added, given what was read before and after
 * it. Others may have updated PCRs in between.
 */
static s64 ima_counter_step(const struct tpm_update_counter *from,
			    const struct tpm_update_counter *to,
			    unsigned int banks)
{
	u32 added = to->update_counter - from->update_counter;
	u64 others = to->updates - from->updates - banks;

	return max_t(s64, added - others, 0);
}

/**
 * ima_counter_end_step - finish measuring the increment per extend
 *
 * The increment is that of the boot aggregate, provided that its extend was
 * acknowledged.
 *
 * Context: Process context. Takes ima_extend_list_mutex.
 */
void __init ima_counter_end_step(void)
{
	mutex_lock(&ima_extend_list_mutex);

	if (before_valid && counted.extends == 1 &&
	    !tpm_get_update_counter(ima_tpm_chip, CONFIG_IMA_MEASURE_PCR_IDX,
				    &snapshot))
		counted.step = ima_counter_step(&before, &snapshot,
						ima_counter_banks(ima_tpm_chip,
								  CONFIG_IMA_MEASURE_PCR_IDX));

	mutex_unlock(&ima_extend_list_mutex);
}

/* Write the values of the IMA PCR in the banks that the TPM returned, if any. */
static void ima_counter_format_pcr(struct seq_buf *s, const char *key,
				   const struct tpm_update_counter *counter,
				   const struct tpm_chip *chip)
{
	const struct tpm_bank_info *bank;
	char separator = ':';
	unsigned int i;

	if (!counter->bank_mask)
		return;

	seq_buf_printf(s, "%s=%u", key, CONFIG_IMA_MEASURE_PCR_IDX);

	for (i = 0; i < NR_BANKS(chip); i++) {
		if (!(counter->bank_mask & BIT(i)))
			continue;

		bank = &chip->allocated_banks[i];
		if (bank->crypto_id < HASH_ALGO__LAST)
			seq_buf_printf(s, "%c%s:", separator,
				       hash_algo_name[bank->crypto_id]);
		else
			seq_buf_printf(s, "%c0x%04x:", separator,
				       bank->alg_id);

		seq_buf_printf(s, "%*phN", bank->digest_size,
			       counter->digests[i].digest);
		separator = ',';
	}

	seq_buf_putc(s, ';');
}

/**
 * ima_counter_format - write the text of a record
 * @s:		output buffer
 * @facts:	what the record states
 *
 * Documentation/security/IMA-update-counter.rst describes the format. Keys that
 * are added later go to the end of their group, since readers pass over keys
 * that they do not know. A change of what a key means needs a new version.
 */
static void ima_counter_format(struct seq_buf *s,
			       const struct ima_counter_facts *facts)
{
	const struct tpm_update_counter *counter = facts->counter;
	const struct ima_counter_account *account = &facts->account;

	seq_buf_printf(s, "version=%d;event=%s;", IMA_COUNTER_VERSION,
		       ima_counter_events[facts->event]);

	if (!facts->error)
		seq_buf_printf(s, "pcrUpdateCounter=%u;",
			       counter->update_counter);
	else if (facts->error > 0)
		seq_buf_printf(s, "error=TPM_0x%x;", facts->error);
	else
		seq_buf_printf(s, "error=%s;",
			       errname(-facts->error) ?: "EIO");

	/* Only a TPM 2.0 has an account, which is valid even if reading failed. */
	if (ima_counter_has_tpm2(facts->chip))
		seq_buf_printf(s, "updates=%llu;uncertain=%llu;banks=%u;",
			       counter->updates, counter->uncertain,
			       ima_counter_banks(facts->chip,
						 CONFIG_IMA_MEASURE_PCR_IDX));
	if (account->step >= 0)
		seq_buf_printf(s, "step=%lld;", account->step);
	if (facts->starts)
		seq_buf_printf(s, "resets=%u;restarts=%u;",
			       facts->starts->resets, facts->starts->restarts);

	seq_buf_printf(s, "entries=%llu;carried=%llu;trimmed=%llu;",
		       account->entries, account->carried, account->trimmed);
	seq_buf_printf(s, "extends=%llu;failed=%llu;dropped=%llu;unread=%llu;",
		       account->extends, account->failed, account->dropped,
		       account->unread);
	seq_buf_printf(s, "protected=%d;", counter->protected);

	if (facts->before)
		ima_counter_format_pcr(s, "before", facts->before, facts->chip);
	if (!facts->error)
		ima_counter_format_pcr(s, "pcr", counter, facts->chip);
}

/* Append an entry with the text, as process_buffer_measurement() does. */
static void ima_counter_append_text(struct ima_counter_record *record,
				    size_t len)
{
	struct ima_max_digest_data hash;
	struct ima_digest_data *hash_hdr = container_of(&hash.hdr,
						struct ima_digest_data, hdr);
	struct ima_iint_cache iint = { .ima_hash = hash_hdr };
	struct ima_event_data event_data = { .iint = &iint,
					     .filename = IMA_COUNTER_NAME,
					     .buf = text,
					     .buf_len = len };
	struct ima_template_entry *entry;

	hash_hdr->algo = ima_hash_algo;
	hash_hdr->length = hash_digest_size[ima_hash_algo];

	record->cause = "hashing_error";
	record->result = ima_calc_buffer_hash(text, len, hash_hdr);
	if (record->result < 0)
		goto dropped;

	record->cause = "alloc_entry";
	record->result = ima_alloc_init_template(&event_data, &entry,
						 record->template);
	if (record->result < 0)
		return;

	entry->pcr = record->pcr;
	record->cause = "hashing_error";
	record->result = ima_calc_field_array_hash(&entry->template_data[0],
						   entry);
	if (record->result < 0) {
		ima_free_template_entry(entry);
		goto dropped;
	}

	record->cause = NULL;
	record->result = ima_append_template_entry(entry, 0,
						   &record->tpmresult);
	if (record->result < 0) {
		ima_free_template_entry(entry);
		return;
	}

	if (record->copy) {
		memcpy(record->copy, text, len);
		record->copy_len = len;
	}
	swap(text, last_text);
	last_len = len;
	return;

dropped:
	ima_count_missing(false);
}

/*
 * Can entries of this template hold a record? An entry of any other template
 * would lack the text, or not be found.
 */
static bool ima_counter_fits(const struct ima_template_desc *template)
{
	return !strcmp(template->name, "ima-buf") ||
	       !strcmp(template->name, "ima-txt");
}

/**
 * ima_counter_begin - begin a record by consulting the policy
 * @record: the record
 *
 * To be followed by ima_counter_append() and ima_counter_end(). Without a rule
 * that asks for the record, these do nothing, so there is no TPM command, no
 * entry and no message.
 *
 * Context: Process context. The caller must not hold ima_extend_list_mutex.
 */
void ima_counter_begin(struct ima_counter_record *record)
{
	*record = (struct ima_counter_record){};
	record->wanted = ima_critical_data_wanted(IMA_COUNTER_LABEL,
						  &record->pcr,
						  &record->template);
	if (record->wanted && !ima_counter_fits(record->template))
		record->template = ima_template_desc_buf();
}

/* Collect what the record states. The TPM's part may be missing. */
static void ima_counter_collect(struct ima_counter_facts *facts,
				struct tpm_start_counts *starts)
{
	facts->chip = ima_tpm_chip;
	facts->counter = &snapshot;
	snapshot = (struct tpm_update_counter){};
	facts->error = tpm_get_update_counter(ima_tpm_chip,
					      CONFIG_IMA_MEASURE_PCR_IDX,
					      &snapshot);

	if (facts->event == IMA_COUNTER_BOOT && before_valid)
		facts->before = &before;

	if ((facts->event == IMA_COUNTER_BOOT ||
	     facts->event == IMA_COUNTER_RESUME) &&
	    !tpm_get_start_counts(ima_tpm_chip, starts))
		facts->starts = starts;

	ima_counter_get_account(&facts->account);
}

/**
 * ima_counter_append - read the counter and append the record to the list
 * @record: the record, after ima_counter_begin()
 * @event: what triggered the record
 *
 * If the TPM can't be read, the record is appended nevertheless and states the
 * error. Once measuring is suspended, nothing is read, since the TPM may be
 * shut down.
 *
 * Context: The caller holds ima_extend_list_mutex, from before the counter is
 * read until the record is in the list.
 */
void ima_counter_append(struct ima_counter_record *record,
			enum ima_counter_event event)
{
	struct ima_counter_facts facts = { .event = event };
	struct tpm_start_counts starts;
	struct seq_buf s;

	lockdep_assert_held(&ima_extend_list_mutex);

	if (!record->wanted)
		return;

	if (ima_measurements_suspended) {
		record->suspended = true;
		record->result = -ENODEV;
		return;
	}

	if (!text)
		text = kmalloc(IMA_COUNTER_TEXT_MAX, GFP_KERNEL);
	if (!text) {
		ima_count_missing(false);
		record->cause = "ENOMEM";
		record->result = -ENOMEM;
		return;
	}

	ima_counter_collect(&facts, &starts);
	record->error = facts.error;

	seq_buf_init(&s, text, IMA_COUNTER_TEXT_MAX);
	ima_counter_format(&s, &facts);

	if (WARN_ON_ONCE(seq_buf_has_overflowed(&s))) {
		ima_count_missing(false);
		record->cause = "record_too_long";
		record->result = -EOVERFLOW;
		return;
	}

	ima_counter_append_text(record, seq_buf_used(&s));

	if (event == IMA_COUNTER_KEXEC_EXECUTE && !record->result)
		execute_record = list_last_entry(&ima_measurements,
						 struct ima_queue_entry, later);
}

/* Log that the record states an error. */
static void ima_counter_warn(int error)
{
	static const char what[] = "The TPM's PCR update counter can't be read";

	if (!ima_counter_has_tpm2(ima_tpm_chip))
		pr_warn_once("%s: there is no TPM 2.0\n", what);
	else if (error > 0)
		pr_warn("%s: TPM error 0x%x\n", what, error);
	else
		pr_warn("%s: %d\n", what, error);
}

/**
 * ima_counter_end - report the outcome of a record
 * @record: the record, after ima_counter_append()
 *
 * Context: Process context. The caller must not hold ima_extend_list_mutex,
 * since audit may wait for its daemon.
 */
void ima_counter_end(const struct ima_counter_record *record)
{
	static const char op[] = "measure_update_counter";

	if (!record->wanted)
		return;

	if (record->error)
		ima_counter_warn(record->error);

	if (record->cause)
		integrity_audit_msg(AUDIT_INTEGRITY_PCR, NULL, IMA_COUNTER_NAME,
				    op, record->cause, record->result, 0);
	else
		ima_audit_template_entry(record->result, record->tpmresult, op,
					 NULL, IMA_COUNTER_NAME);
}

/**
 * ima_counter_execute_record - get the record that was made at execute
 *
 * Context: Measuring is suspended, so that the list can't change.
 *
 * Return: the entry, which is the last one in the list, or NULL.
 */
struct ima_queue_entry *ima_counter_execute_record(void)
{
	return execute_record;
}

static void ima_counter_make(struct ima_counter_record *record,
			     enum ima_counter_event event)
{
	mutex_lock(&ima_extend_list_mutex);
	ima_counter_append(record, event);
	mutex_unlock(&ima_extend_list_mutex);

	ima_counter_end(record);
}

/**
 * ima_measure_update_counter - record the TPM's PCR update counter
 * @event: what triggered the record
 *
 * If the policy asks for critical data labelled "tpm", append a record to the
 * measurement list. The outcome is only logged and audited, since boot and
 * kexec must continue whatever the TPM does.
 *
 * Context: Process context. Takes ima_extend_list_mutex.
 */
void ima_measure_update_counter(enum ima_counter_event event)
{
	struct ima_counter_record record;

	ima_counter_begin(&record);
	ima_counter_make(&record, event);
}

/* By now the firmware has restarted the TPM, if at all, and tasks run again. */
static int ima_counter_pm_notify(struct notifier_block *nb,
				 unsigned long action, void *data)
{
	if (action == PM_POST_SUSPEND || action == PM_POST_HIBERNATION)
		ima_measure_update_counter(IMA_COUNTER_RESUME);

	return NOTIFY_DONE;
}

static struct notifier_block ima_counter_pm_nb = {
	.notifier_call = ima_counter_pm_notify,
};

/**
 * ima_counter_init_pm - record the counter at each resume from now on
 *
 * Context: Process context.
 */
void __init ima_counter_init_pm(void)
{
	int rc = register_pm_notifier(&ima_counter_pm_nb);

	if (rc)
		pr_err("Can't record the PCR update counter at resume: %d\n", rc);
}

/**
 * struct ima_counter_file - an open file
 * @lock:	protects the other members
 * @wrote:	whether a record was requested through this file
 * @len:	length of @text
 * @text:	the text of the requested record, or that of the last record when
 *		the file was last read from its start
 */
struct ima_counter_file {
	struct mutex lock;	/* see above */
	bool wrote;
	size_t len;
	char text[];
};

/*
 * Request a record, and keep its text. Fails only if the record is not in the
 * list. Reading the file tells what became of the TPM's part.
 */
static int ima_counter_request(struct ima_counter_file *f)
{
	struct ima_counter_record record;

	ima_counter_begin(&record);
	if (!record.wanted)
		return -ENOENT;

	record.copy = f->text;
	ima_counter_make(&record, IMA_COUNTER_REQUEST);

	if (record.suspended)
		return -ENODEV;
	if (record.result < 0)
		return -ENOMEM;

	f->wrote = true;
	f->text[record.copy_len] = '\n';
	f->len = record.copy_len + 1;
	return 0;
}

/* Get the text of the last record, if there is one. */
static void ima_counter_read_last(struct ima_counter_file *f)
{
	mutex_lock(&ima_extend_list_mutex);
	f->len = last_len;
	if (last_len) {
		memcpy(f->text, last_text, last_len);
		f->text[f->len++] = '\n';
	}
	mutex_unlock(&ima_extend_list_mutex);
}

static int ima_counter_open(struct inode *inode, struct file *file)
{
	struct ima_counter_file *f;

	f = kzalloc(struct_size(f, text, IMA_COUNTER_TEXT_MAX + 1), GFP_KERNEL);
	if (!f)
		return -ENOMEM;

	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int ima_counter_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t ima_counter_read(struct file *file, char __user *buf,
				size_t count, loff_t *ppos)
{
	struct ima_counter_file *f = file->private_data;
	ssize_t ret;

	mutex_lock(&f->lock);
	if (!f->wrote && !*ppos)
		ima_counter_read_last(f);
	ret = simple_read_from_buffer(buf, count, ppos, f->text, f->len);
	mutex_unlock(&f->lock);

	return ret;
}

/* Writing "1", with or without a newline, requests a record. */
static ssize_t ima_counter_write(struct file *file, const char __user *buf,
				 size_t count, loff_t *ppos)
{
	struct ima_counter_file *f = file->private_data;
	char input[2] = {};
	int rc;

	if (!count || count > sizeof(input))
		return -EINVAL;
	if (copy_from_user(input, buf, count))
		return -EFAULT;
	if (input[0] != '1' || (count == 2 && input[1] != '\n'))
		return -EINVAL;

	mutex_lock(&f->lock);
	rc = ima_counter_request(f);
	mutex_unlock(&f->lock);
	if (rc)
		return rc;

	/* The next read is that of the record. */
	*ppos = 0;
	return count;
}

static const struct file_operations ima_counter_fops = {
	.open = ima_counter_open,
	.read = ima_counter_read,
	.write = ima_counter_write,
	.llseek = default_llseek,
	.release = ima_counter_release,
};

/**
 * ima_counter_init_fs - let user space request a record and read it
 * @dir: IMA's directory in securityfs
 *
 * Return: 0 or a negative errno.
 */
int __init ima_counter_init_fs(struct dentry *dir)
{
	return PTR_ERR_OR_ZERO(securityfs_create_file("update_counter", 0600,
						      dir, NULL,
						      &ima_counter_fops));
}

#ifdef CONFIG_IMA_UPDATE_COUNTER_KUNIT_TEST
#include "ima_update_counter_test.c"
#endif
