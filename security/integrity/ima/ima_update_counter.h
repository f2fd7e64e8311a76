/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of the TPM's PCR update counter (pcrUpdateCounter) in the measurement
 * list
 *
 * A TPM 2.0 counts the updates of its PCRs. IMA keeps its own account and
 * records both in the list at certain events. A verifier that compares two
 * records with the entries between them learns how many entries the list has
 * lost, and where.
 *
 * The account changes when an entry is appended, and a record is created and
 * appended in one critical section. Both are protected by
 * ima_extend_list_mutex, so the 0-based index of a record in the list equals
 * the number of entries it covers. The lock order is that of every extend:
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
struct ima_queue_entry;
struct ima_template_desc;

/* What triggers a record. The name of the event is part of the record. */
enum ima_counter_event {
	IMA_COUNTER_BOOT,
	IMA_COUNTER_POLICY,
	IMA_COUNTER_KEXEC_LOAD,
	IMA_COUNTER_KEXEC_EXECUTE,
	IMA_COUNTER_RESUME,
	IMA_COUNTER_REQUEST,
};

/**
 * struct ima_counter_record - a record while it is created and appended
 * @wanted:	whether the policy asks for the record
 * @suspended:	whether there is no record because measuring is suspended
 * @pcr:	PCR to extend
 * @template:	template of the entry
 * @copy:	where to copy the text of the record if it is in the list, or
 *		NULL
 * @copy_len:	output: the length of this copy
 * @error:	result of reading the counter: 0, a negative errno, or the TPM's
 *		response code
 * @result:	result of making the entry: 0 or a negative errno
 * @cause:	audit cause if the entry could not even be appended, or NULL
 * @tpmresult:	result of the extend, see tpm_pcr_extend()
 */
struct ima_counter_record {
	bool wanted;
	bool suspended;
	int pcr;
	struct ima_template_desc *template;
	char *copy;
	size_t copy_len;
	int error;
	int result;
	const char *cause;
	int tpmresult;
};

#ifdef CONFIG_IMA_UPDATE_COUNTER

/*
 * The maximum size of a record's text. Most of it is the value of the PCR, which
 * records at boot contain twice. Other records are smaller: the maximum size of
 * such a record in the binary list is that of its text, plus the PCR, the
 * digests, and the names of the template, the algorithm and the event.
 */
#define IMA_COUNTER_TEXT_MAX	2800
#define IMA_COUNTER_BEFORE_MAX	1184
#define IMA_COUNTER_ENTRY_MAX	\
	(IMA_COUNTER_TEXT_MAX - IMA_COUNTER_BEFORE_MAX + 192)

void ima_counter_count_carried(void);
void ima_counter_count_extend(int pcr, int tpmresult);

void __init ima_counter_begin_step(void);
void __init ima_counter_end_step(void);

void ima_counter_begin(struct ima_counter_record *record);
void ima_counter_append(struct ima_counter_record *record,
			enum ima_counter_event event);
void ima_counter_end(const struct ima_counter_record *record);

struct ima_queue_entry *ima_counter_execute_record(void);

void ima_measure_update_counter(enum ima_counter_event event);

int __init ima_counter_init_fs(struct dentry *dir);
void __init ima_counter_init_pm(void);

#else

#define IMA_COUNTER_ENTRY_MAX	0

static inline void ima_counter_count_carried(void) {}
static inline void ima_counter_count_extend(int pcr, int tpmresult) {}

static inline void ima_counter_begin_step(void) {}
static inline void ima_counter_end_step(void) {}

static inline void ima_counter_begin(struct ima_counter_record *record) {}
static inline void ima_counter_append(struct ima_counter_record *record,
				      enum ima_counter_event event) {}
static inline void ima_counter_end(const struct ima_counter_record *record) {}

static inline struct ima_queue_entry *ima_counter_execute_record(void)
{
	return NULL;
}

static inline void ima_measure_update_counter(enum ima_counter_event event) {}

static inline int ima_counter_init_fs(struct dentry *dir)
{
	return 0;
}

static inline void ima_counter_init_pm(void) {}

#endif /* CONFIG_IMA_UPDATE_COUNTER */

#endif /* __IMA_UPDATE_COUNTER_H */
