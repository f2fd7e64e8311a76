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
#include <linux/security.h>
#include <linux/seq_buf.h>
#include <linux/seq_file.h>
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
 * @extends:	number of extends that the TPM acknowledged
 * @failed:	number of entries whose extend failed or has an unknown outcome
 */
struct ima_counter_account {
	u64 entries;
	u64 carried;
	u64 extends;
	u64 failed;
};

/*
 * All protected by ima_extend_list_mutex. The snapshot and the text are too
 * large for the stack. The first two records each allocate a text, one for the
 * current record and one for the last record. Both are kept, so that later
 * records do not need more memory than any other entry.
 */
static struct ima_counter_account account;
static struct tpm_update_counter snapshot;
static char *text;
static char *last_text;
static size_t last_len;

/* The record at execute, which kexec carries over even if the list is cut */
static struct ima_queue_entry *execute_record;

/* What one extend adds to the counter, measured at boot; -1 if not measured */
static s64 step = -1;

/* The counter and the accounts before the extend that determines @step */
static struct {
	bool valid;
	u32 update_counter;
	u64 updates;
	u64 extends;
} before_step __initdata;

/**
 * ima_counter_count_entry - count an entry that was added to the list
 * @carried: whether it was carried over by kexec
 *
 * Context: The caller holds ima_extend_list_mutex.
 */
void ima_counter_count_entry(bool carried)
{
	account.entries++;
	if (carried)
		account.carried++;
}

/**
 * ima_counter_count_extend - count an extend of a PCR
 * @tpmresult: return value of tpm_pcr_extend()
 *
 * Context: The caller holds ima_extend_list_mutex.
 */
void ima_counter_count_extend(int tpmresult)
{
	if (tpmresult)
		account.failed++;
	else
		account.extends++;
}

/* Count the banks that hold IMA's PCR. An extend updates these banks. */
static unsigned int ima_counter_banks(const struct tpm_chip *chip)
{
	unsigned int i, count = 0;

	for (i = 0; i < NR_BANKS(chip); i++)
		if (chip->allocated_banks[i].pcr_mask &
		    BIT(CONFIG_IMA_MEASURE_PCR_IDX))
			count++;

	return count;
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

	before_step.valid = !tpm_get_update_counter(ima_tpm_chip,
						    CONFIG_IMA_MEASURE_PCR_IDX,
						    &snapshot);
	before_step.update_counter = snapshot.update_counter;
	before_step.updates = snapshot.updates;
	before_step.extends = account.extends;

	mutex_unlock(&ima_extend_list_mutex);
}

/**
 * ima_counter_end_step - finish measuring the increment per extend
 *
 * If there was exactly one extend since ima_counter_begin_step(), its increment
 * is the difference of the counter minus the concurrent updates by others.
 *
 * Context: Process context. Takes ima_extend_list_mutex.
 */
void __init ima_counter_end_step(void)
{
	u64 others;
	u32 added;

	mutex_lock(&ima_extend_list_mutex);

	if (before_step.valid && account.extends == before_step.extends + 1 &&
	    !tpm_get_update_counter(ima_tpm_chip, CONFIG_IMA_MEASURE_PCR_IDX,
				    &snapshot)) {
		added = snapshot.update_counter - before_step.update_counter;
		others = snapshot.updates - before_step.updates -
			 ima_counter_banks(ima_tpm_chip);
		step = max_t(s64, added - others, 0);
	}

	mutex_unlock(&ima_extend_list_mutex);
}

/* Write the value of the IMA PCR in each bank that the TPM returned. */
static void ima_counter_format_pcr(struct seq_buf *s,
				   const struct tpm_update_counter *counter,
				   const struct tpm_chip *chip)
{
	const struct tpm_bank_info *bank;
	char separator = ':';
	unsigned int i;

	seq_buf_printf(s, "pcr=%u", CONFIG_IMA_MEASURE_PCR_IDX);

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
 * @event:	what triggered the record
 * @error:	0, or the negative errno to write in place of the counter
 * @counter:	the counter and the driver's account
 * @chip:	the TPM, or NULL
 *
 * Documentation/security/IMA-update-counter.rst describes the format. The keys
 * keep their order, and a change of the format needs a new version.
 *
 * Context: The caller holds ima_extend_list_mutex, which protects the account.
 */
static void ima_counter_format(struct seq_buf *s, enum ima_counter_event event,
			       int error,
			       const struct tpm_update_counter *counter,
			       const struct tpm_chip *chip)
{
	seq_buf_printf(s, "version=%d;event=%s;", IMA_COUNTER_VERSION,
		       ima_counter_events[event]);

	if (error)
		seq_buf_printf(s, "error=%s;", errname(-error) ?: "EIO");
	else
		seq_buf_printf(s, "pcrUpdateCounter=%u;",
			       counter->update_counter);

	/* Only a TPM 2.0 has an account, which is valid even if reading failed. */
	if (error != -ENODEV && error != -EOPNOTSUPP)
		seq_buf_printf(s, "updates=%llu;uncertain=%llu;",
			       counter->updates, counter->uncertain);

	seq_buf_printf(s, "banks=%u;", ima_counter_banks(chip));
	if (step >= 0)
		seq_buf_printf(s, "step=%lld;", step);

	seq_buf_printf(s, "entries=%llu;carried=%llu;trimmed=%llu;",
		       account.entries, account.carried, ima_trimmed_entries());
	seq_buf_printf(s, "extends=%llu;failed=%llu;dropped=%lld;",
		       account.extends, account.failed,
		       atomic64_read(&ima_dropped));
	seq_buf_printf(s, "protected=%d;", counter->protected);

	if (!error && counter->bank_mask)
		ima_counter_format_pcr(s, counter, chip);
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

	swap(text, last_text);
	last_len = len;
	return;

dropped:
	atomic64_inc(&ima_dropped);
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
}

/**
 * ima_counter_append - read the counter and append the record to the list
 * @record: the record, after ima_counter_begin()
 * @event: what triggered the record
 *
 * If the TPM can't be read, the record is appended nevertheless and states the
 * error.
 *
 * Context: The caller holds ima_extend_list_mutex, from before the counter is
 * read until the record is in the list.
 */
void ima_counter_append(struct ima_counter_record *record,
			enum ima_counter_event event)
{
	struct seq_buf s;
	int rc;

	lockdep_assert_held(&ima_extend_list_mutex);

	if (!record->wanted)
		return;

	rc = tpm_get_update_counter(ima_tpm_chip, CONFIG_IMA_MEASURE_PCR_IDX,
				    &snapshot);
	record->error = rc > 0 ? -EIO : rc;

	if (!text)
		text = kmalloc(IMA_COUNTER_TEXT_MAX, GFP_KERNEL);
	if (!text) {
		atomic64_inc(&ima_dropped);
		record->cause = "ENOMEM";
		record->result = -ENOMEM;
		return;
	}

	seq_buf_init(&s, text, IMA_COUNTER_TEXT_MAX);
	ima_counter_format(&s, event, record->error, &snapshot, ima_tpm_chip);

	if (WARN_ON_ONCE(seq_buf_has_overflowed(&s))) {
		atomic64_inc(&ima_dropped);
		record->cause = "record_too_long";
		record->result = -EOVERFLOW;
		return;
	}

	ima_counter_append_text(record, seq_buf_used(&s));

	if (event == IMA_COUNTER_KEXEC_EXECUTE && !record->result)
		execute_record = list_last_entry(&ima_measurements,
						 struct ima_queue_entry, later);
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
		pr_warn("The TPM's PCR update counter can't be read: %d\n",
			record->error);

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

/**
 * ima_measure_update_counter - record the TPM's PCR update counter
 * @event: what triggered the record
 *
 * If the policy asks for critical data labelled "tpm", append a record to the
 * measurement list. Most callers ignore the result, since boot and kexec must
 * continue whatever the TPM does.
 *
 * Context: Process context. Takes ima_extend_list_mutex.
 *
 * Return:
 * * 0		- the record with the counter is in the list, and the TPM
 *		  acknowledged its extend
 * * -ENOENT	- the policy does not ask for records
 * * -EIO	- the record is in the list, but its extend failed
 * * -errno	- the counter can't be read and the record in the list says so,
 *		  or there is no record, for example for lack of memory
 */
int ima_measure_update_counter(enum ima_counter_event event)
{
	struct ima_counter_record record;

	ima_counter_begin(&record);

	mutex_lock(&ima_extend_list_mutex);
	ima_counter_append(&record, event);
	mutex_unlock(&ima_extend_list_mutex);

	ima_counter_end(&record);

	if (!record.wanted)
		return -ENOENT;
	if (record.result < 0)
		return record.result;
	if (record.error)
		return record.error;
	return record.tpmresult ? -EIO : 0;
}

/* At this point the firmware has restarted the TPM, and tasks run again. */
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

/* Show the text of the last record. */
static int ima_counter_show(struct seq_file *m, void *v)
{
	mutex_lock(&ima_extend_list_mutex);
	if (last_len) {
		seq_write(m, last_text, last_len);
		seq_putc(m, '\n');
	}
	mutex_unlock(&ima_extend_list_mutex);

	return 0;
}

static int ima_counter_open(struct inode *inode, struct file *file)
{
	return single_open(file, ima_counter_show, NULL);
}

/* Writing "1", with or without a newline, requests a record. */
static ssize_t ima_counter_write(struct file *file, const char __user *buf,
				 size_t count, loff_t *ppos)
{
	char input[2] = {};
	int rc;

	if (!count || count > sizeof(input))
		return -EINVAL;
	if (copy_from_user(input, buf, count))
		return -EFAULT;
	if (input[0] != '1' || (count == 2 && input[1] != '\n'))
		return -EINVAL;

	rc = ima_measure_update_counter(IMA_COUNTER_REQUEST);
	return rc ?: count;
}

static const struct file_operations ima_counter_fops = {
	.open = ima_counter_open,
	.read = seq_read,
	.write = ima_counter_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/**
 * ima_counter_init_fs - let user space request a record and read the last one
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
