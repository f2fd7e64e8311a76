// SPDX-License-Identifier: GPL-2.0-only
/*
 * Record the TPM's PCR update counter (pcrUpdateCounter) in the measurement
 * list, next to IMA's own account. See ima_update_counter.h for the locks.
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
#include <linux/uaccess.h>

#include "ima.h"
#include "ima_update_counter.h"

/* The label by which a policy asks for the records, and the entries' name. */
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
 * struct ima_counter_account - what IMA has done so far
 * @entries:	entries in the list, those that were deleted since included
 * @carried:	of these, entries that the previous kernel handed over
 * @extends:	extends that the TPM acknowledged
 * @failed:	entries whose extend failed or has an unknown outcome
 */
struct ima_counter_account {
	u64 entries;
	u64 carried;
	u64 extends;
	u64 failed;
};

/*
 * All guarded by ima_extend_list_mutex. The snapshot and the text are too large
 * for the stack. A text is allocated for each of the first two records, the one
 * in the making and the last one, and kept, so that later records do not need
 * more memory than any other entry.
 */
static struct ima_counter_account account;
static struct tpm_update_counter snapshot;
static char *text;
static char *last_text;
static size_t last_len;

/* What one extend adds to the counter, as measured at boot; -1 if it was not. */
static s64 step = -1;

/* The counter and the accounts before the extend that tells @step. */
static struct {
	bool valid;
	u32 update_counter;
	u64 updates;
	u64 extends;
} before_step __initdata;

/**
 * ima_counter_count_entry - count an entry that was added to the list
 * @carried: whether the previous kernel handed it over
 *
 * Context: ima_extend_list_mutex is held.
 */
void ima_counter_count_entry(bool carried)
{
	account.entries++;
	if (carried)
		account.carried++;
}

/**
 * ima_counter_count_extend - count an extend of a PCR
 * @tpmresult: what tpm_pcr_extend() returned
 *
 * Context: ima_extend_list_mutex is held.
 */
void ima_counter_count_extend(int tpmresult)
{
	if (tpmresult)
		account.failed++;
	else
		account.extends++;
}

/* The banks that an extend of IMA's updates: those that hold its PCR. */
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
 * ima_counter_begin_step - begin to measure what one extend adds to the counter
 *
 * TPMs may differ: most add one for each bank that holds the PCR. Called before
 * the boot aggregate is measured, and followed by ima_counter_end_step(). It is
 * too early to ask a policy, and records may be asked for later. Each of the two
 * costs a TPM2_PCR_Read.
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
 * ima_counter_end_step - end to measure what one extend adds to the counter
 *
 * If there was exactly one extend since ima_counter_begin_step(), what it added
 * is the difference of the counter less the updates of others meanwhile.
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

/* The IMA PCR in each bank that the TPM returned. */
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
 * @s:		where to
 * @event:	the moment
 * @error:	0, or the negative errno that takes the place of @counter
 * @counter:	what the TPM returned
 * @chip:	the TPM, may be NULL
 *
 * The grammar is in Documentation/security/IMA-update-counter.rst: keys keep
 * their order, and a change of what is there changes the version.
 *
 * Context: ima_extend_list_mutex is held, for the account.
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

	/* Only a TPM 2.0 has an account, even while it can't be read. */
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
	seq_buf_printf(s, "protected=%d;", !error && counter->protected);

	if (!error && counter->bank_mask)
		ima_counter_format_pcr(s, counter, chip);
}

/* Make an entry of @text and append it, as process_buffer_measurement() does. */
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
 * ima_counter_begin - begin a record: ask the policy
 * @record: the record
 *
 * Without a rule that asks for it, nothing else happens: no TPM command, no
 * entry and no message.
 *
 * Context: Process context, without ima_extend_list_mutex. To be followed by
 * ima_counter_append() and ima_counter_end().
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
 * @event: the moment
 *
 * A TPM that can't be read does not prevent the record, which then says why.
 *
 * Context: ima_extend_list_mutex is held, since before the counter is read and
 * until the record is in the list.
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
}

/**
 * ima_counter_end - tell what became of a record
 * @record: the record, after ima_counter_append()
 *
 * Context: Process context, without ima_extend_list_mutex: audit may wait.
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
 * ima_measure_update_counter - record the TPM's PCR update counter
 * @event: the moment
 *
 * If the policy asks for critical data labelled "tpm", append a record to the
 * measurement list. Most callers don't care for the result: a boot and a kexec
 * go on whatever the TPM does.
 *
 * Context: Process context. Takes ima_extend_list_mutex.
 *
 * Return: 0 if the record is in the list and says what the TPM's counter was,
 * and the TPM acknowledged its extend. Otherwise
 * * -ENOENT	- the policy does not ask for records
 * * -EIO	- the record is in the list, but its extend failed
 * * -errno	- the counter can't be read, and the record in the list says so, or
 *		  there is no record, for lack of memory for example
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

/* Firmware has started the TPM again, and tasks already run. */
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
 * ima_counter_init_pm - record the counter after each suspend from now on
 *
 * Context: Process context.
 */
void __init ima_counter_init_pm(void)
{
	int rc = register_pm_notifier(&ima_counter_pm_nb);

	if (rc)
		pr_err("No records of the update counter at resume: %d\n", rc);
}

/* The last record in clear. */
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

/* "1", with or without an end of line, asks for a record. */
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
 * ima_counter_init_fs - let user space ask for a record, and read the last one
 * @dir: IMA's folder in securityfs
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
