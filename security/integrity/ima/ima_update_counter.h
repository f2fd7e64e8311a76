/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of the TPM's PCR update counter (pcrUpdateCounter) in the measurement
 * list.
 *
 * A TPM 2.0 counts the updates of its PCRs. IMA keeps an account of its own
 * beside it, and writes both into the list from time to time. A verifier that
 * compares two records with the entries between them learns how many entries
 * the list has lost, and where.
 *
 * The account changes where an entry is appended, and a record is made and
 * appended in one critical section: both are guarded by ima_extend_list_mutex.
 * So a record's 0-based index in the list is the number of entries that it
 * speaks of. The order of the locks is that of every extend:
 *
 *	inode lock, iint->mutex
 *	  ima_extend_list_mutex
 *	    chip->ops_sem
 *	      chip->tpm_mutex
 */
#ifndef __IMA_UPDATE_COUNTER_H
#define __IMA_UPDATE_COUNTER_H

#include <linux/errno.h>
#include <linux/init.h>
#include <linux/types.h>

struct dentry;
struct ima_template_desc;

/* The moment that a record is made at. Its name goes into the record. */
enum ima_counter_event {
	IMA_COUNTER_BOOT,
	IMA_COUNTER_POLICY,
	IMA_COUNTER_KEXEC_LOAD,
	IMA_COUNTER_KEXEC_EXECUTE,
	IMA_COUNTER_RESUME,
	IMA_COUNTER_REQUEST,
};

/**
 * struct ima_counter_record - a record on its way into the list
 * @wanted:	the policy asks for it
 * @pcr:	the PCR that it extends
 * @template:	its template
 * @error:	why the counter could not be read: 0 or a negative errno
 * @result:	what became of the entry: 0 or a negative errno
 * @cause:	if it failed before it could be appended, the step
 * @tpmresult:	what its extend returned, see tpm_pcr_extend()
 */
struct ima_counter_record {
	bool wanted;
	int pcr;
	struct ima_template_desc *template;
	int error;
	int result;
	const char *cause;
	int tpmresult;
};

#ifdef CONFIG_IMA_UPDATE_COUNTER

/*
 * The most that a record takes in the binary list: its text and, around it,
 * PCR, digests, and the names of template, algorithm and event.
 */
#define IMA_COUNTER_TEXT_MAX	1600
#define IMA_COUNTER_ENTRY_MAX	(IMA_COUNTER_TEXT_MAX + 192)

void ima_counter_count_entry(bool carried);
void ima_counter_count_extend(int tpmresult);

void __init ima_counter_begin_step(void);
void __init ima_counter_end_step(void);

void ima_counter_begin(struct ima_counter_record *record);
void ima_counter_append(struct ima_counter_record *record,
			enum ima_counter_event event);
void ima_counter_end(const struct ima_counter_record *record);

int ima_measure_update_counter(enum ima_counter_event event);

int __init ima_counter_init_fs(struct dentry *dir);
void __init ima_counter_init_pm(void);

#else

#define IMA_COUNTER_ENTRY_MAX	0

static inline void ima_counter_count_entry(bool carried) {}
static inline void ima_counter_count_extend(int tpmresult) {}

static inline void ima_counter_begin_step(void) {}
static inline void ima_counter_end_step(void) {}

static inline void ima_counter_begin(struct ima_counter_record *record) {}
static inline void ima_counter_append(struct ima_counter_record *record,
				      enum ima_counter_event event) {}
static inline void ima_counter_end(const struct ima_counter_record *record) {}

static inline int ima_measure_update_counter(enum ima_counter_event event)
{
	return -ENOENT;
}

static inline int ima_counter_init_fs(struct dentry *dir)
{
	return 0;
}

static inline void ima_counter_init_pm(void) {}

#endif /* CONFIG_IMA_UPDATE_COUNTER */

#endif /* __IMA_UPDATE_COUNTER_H */
