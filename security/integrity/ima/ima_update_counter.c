// SPDX-License-Identifier: GPL-2.0-only
/*
 * Record the TPM's PCR update counter (pcrUpdateCounter) in the measurement
 * list, next to IMA's own account. See ima_update_counter.h for the locks.
 */

#include <linux/errname.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>

#include "ima.h"
#include "ima_update_counter.h"

/* The label by which a policy asks for the records, and the entries' name. */
#define IMA_COUNTER_LABEL	"tpm"
#define IMA_COUNTER_NAME	"pcr_counter"
#define IMA_COUNTER_VERSION	0

static const char * const ima_counter_events[] = {
	[IMA_COUNTER_BOOT]		= "boot",
	[IMA_COUNTER_KEXEC_LOAD]	= "kexec_load",
	[IMA_COUNTER_KEXEC_EXECUTE]	= "kexec_execute",
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
 * for the stack. The text is allocated with the first record and kept, so that a
 * later one does not need more memory than any other entry.
 */
static struct ima_counter_account account;
static struct tpm_update_counter snapshot;
static char *text;

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

/* The IMA PCR in each bank that the TPM returned. */
static void ima_counter_format_pcr(struct seq_buf *s,
				   const struct tpm_update_counter *counter,
				   const struct tpm_bank_info *banks,
				   unsigned int nr_banks)
{
	char separator = ':';
	unsigned int i;

	seq_buf_printf(s, "pcr=%u", CONFIG_IMA_MEASURE_PCR_IDX);

	for (i = 0; i < nr_banks; i++) {
		if (!(counter->bank_mask & BIT(i)))
			continue;

		if (banks[i].crypto_id < HASH_ALGO__LAST)
			seq_buf_printf(s, "%c%s:", separator,
				       hash_algo_name[banks[i].crypto_id]);
		else
			seq_buf_printf(s, "%c0x%04x:", separator,
				       banks[i].alg_id);

		seq_buf_printf(s, "%*phN", banks[i].digest_size,
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
 * @acc:	what IMA has done so far
 * @banks:	the TPM's banks
 * @nr_banks:	the number of @banks
 *
 * The grammar is in Documentation/security/IMA-update-counter.rst: keys keep
 * their order, and a change of what is there changes the version.
 */
static void ima_counter_format(struct seq_buf *s, enum ima_counter_event event,
			       int error,
			       const struct tpm_update_counter *counter,
			       const struct ima_counter_account *acc,
			       const struct tpm_bank_info *banks,
			       unsigned int nr_banks)
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

	seq_buf_printf(s, "banks=%u;entries=%llu;carried=%llu;extends=%llu;failed=%llu;",
		       nr_banks, acc->entries, acc->carried, acc->extends,
		       acc->failed);

	if (!error && counter->bank_mask)
		ima_counter_format_pcr(s, counter, banks, nr_banks);
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
		return;

	record->cause = "alloc_entry";
	record->result = ima_alloc_init_template(&event_data, &entry,
						 record->template);
	if (record->result < 0)
		return;

	entry->pcr = record->pcr;
	record->cause = "hashing_error";
	record->result = ima_calc_field_array_hash(&entry->template_data[0],
						   entry);
	if (!record->result) {
		record->cause = NULL;
		record->result = ima_append_template_entry(entry, 0,
							   &record->tpmresult);
	}
	if (record->result < 0)
		ima_free_template_entry(entry);
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
	const struct tpm_chip *chip = ima_tpm_chip;
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
		record->cause = "ENOMEM";
		record->result = -ENOMEM;
		return;
	}

	seq_buf_init(&s, text, IMA_COUNTER_TEXT_MAX);
	ima_counter_format(&s, event, record->error, &snapshot, &account,
			   chip ? chip->allocated_banks : NULL, NR_BANKS(chip));

	if (WARN_ON_ONCE(seq_buf_has_overflowed(&s))) {
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
 * measurement list. Never fails its caller: a boot and a kexec go on whatever
 * the TPM does.
 *
 * Context: Process context. Takes ima_extend_list_mutex.
 */
void ima_measure_update_counter(enum ima_counter_event event)
{
	struct ima_counter_record record;

	ima_counter_begin(&record);

	mutex_lock(&ima_extend_list_mutex);
	ima_counter_append(&record, event);
	mutex_unlock(&ima_extend_list_mutex);

	ima_counter_end(&record);
}
