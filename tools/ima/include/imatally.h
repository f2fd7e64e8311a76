/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libimatally: read an IMA measurement list, replay it into TPM PCRs, and count
 * its entries against the TPM's pcrUpdateCounter.
 *
 * The library keeps no global state, never prints and never exits.  Objects are
 * independent of each other; one object must not be used by two threads at
 * once.
 *
 * Terms: an entry is an element of the measurement list.  A record is an entry
 * named "pcr_counter", in which the kernel recorded the TPM's pcrUpdateCounter
 * together with its own counts, all as of just before that entry.  A bank is a
 * TPM's set of PCRs for one hash algorithm.  A gap is a place where entries are
 * missing.  Kernels are numbered from 1 in the order in which they added to the
 * list, which kexec hands from one to the next.
 */
#ifndef IMATALLY_H
#define IMATALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------- */
/* Errors                                                                    */

enum imatally_status {
	IMATALLY_OK = 0,
	IMATALLY_ERR_IO,	/* the input cannot be read */
	IMATALLY_ERR_MALFORMED,	/* the input is not well-formed */
	IMATALLY_ERR_NOMEM,
	IMATALLY_ERR_CRYPTO,	/* libcrypto failed */
	IMATALLY_ERR_USAGE,	/* the arguments contradict each other */
	IMATALLY_ERR_NOT_AUTHENTIC,	/* not signed by the expected TPM */
};

/*
 * What went wrong and where.  Every function that takes one fills it in when it
 * fails, and does not touch it otherwise.
 */
struct imatally_error {
	enum imatally_status status;
	bool in_log;		/* entry and offset are valid */
	uint64_t entry;		/* 0-based number of the entry */
	uint64_t offset;	/* in bytes, in the list or its part */
	char text[200];		/* one sentence, printable ASCII */
};

/* ------------------------------------------------------------------------- */
/* Hash algorithms and digests                                               */

#define IMATALLY_MAX_DIGEST 64
#define IMATALLY_SHA1_SIZE 20

/* TPM_ALG_ID: TPM 2.0 Library, Part 2, section 6.3 */
enum {
	IMATALLY_ALG_SHA1 = 0x0004,
	IMATALLY_ALG_SHA256 = 0x000b,
	IMATALLY_ALG_SHA384 = 0x000c,
	IMATALLY_ALG_SHA512 = 0x000d,
	IMATALLY_ALG_SM3_256 = 0x0012,
	IMATALLY_ALG_SHA3_256 = 0x0027,
	IMATALLY_ALG_SHA3_384 = 0x0028,
	IMATALLY_ALG_SHA3_512 = 0x0029,
};

/*
 * Return the TPM_ALG_ID for a name ("sha256"; "sm3" as the kernel writes it or
 * "sm3_256" as tpm2-tools write it; "0x000b"), or 0 if it is not a hash
 * algorithm.  @name need not be terminated.
 */
uint16_t imatally_alg_from_name(const char *name, size_t len);

/* Size of a buffer for the name of any algorithm, including the NUL */
#define IMATALLY_ALG_NAME_SIZE 12

/*
 * Write the name of an algorithm to @name and return @name: the kernel's name,
 * or "0x" and four digits if the library does not know the algorithm.
 */
const char *imatally_alg_name(uint16_t alg, char name[IMATALLY_ALG_NAME_SIZE]);

/*
 * Write @len bytes as 2 * @len lower-case hexadecimal digits and a NUL, and
 * return @digits.
 */
char *imatally_hex_from_bytes(char *digits, const void *bytes, size_t len);

/* ------------------------------------------------------------------------- */
/* log.c: the reader of measurement lists                                    */

#define IMATALLY_MAX_FIELDS 15	/* the kernel's IMA_TEMPLATE_NUM_FIELDS_MAX */
#define IMATALLY_MAX_PCR 23	/* the kernel refuses pcr= above */

struct imatally_field {
	const char *id;		/* "d-ng", "n-ng", "buf", ..., or ""; a constant */
	const uint8_t *data;
	uint32_t len;
};

/*
 * One entry.  The pointers point into buffers of @log and are valid until the
 * next call of a function on it.
 */
struct imatally_entry {
	uint64_t index;		/* 0-based */
	uint64_t offset;	/* of its first byte, in the list or its part */
	uint64_t data_offset;	/* of its template data, likewise */
	uint32_t pcr;
	const uint8_t *digest;	/* template digest; zeroes for a violation */
	uint32_t digest_len;	/* IMATALLY_SHA1_SIZE, except in a bank's list */
	const char *template_name;	/* not terminated */
	uint32_t template_name_len;
	bool is_ima;		/* template "ima", which is hashed differently */
	bool unknown_template;	/* its fields are not named, or not separated */
	bool is_ascii;		/* data was reconstructed from text */
	const uint8_t *data;	/* template data as in a binary list */
	uint32_t data_len;
	unsigned int nr_fields;
	struct imatally_field fields[IMATALLY_MAX_FIELDS];
};

struct imatally_log;

/*
 * Open a list in memory or in a file.  @buf is not copied: the caller keeps it
 * until the log is closed.  @file is read sequentially from its current
 * position; the caller closes it.  Return NULL when out of memory.
 */
struct imatally_log *imatally_log_open_buffer(const void *buf, size_t len);
struct imatally_log *imatally_log_open_file(FILE *file);

/*
 * Append a file to a list that was opened from a file: after the end of the
 * last part, the list continues in @file, which the caller closes.  A list is
 * in parts where user space had the kernel delete entries and kept them.  Parts
 * may have different layouts; offsets are relative to the part.
 */
enum imatally_status imatally_log_add_file(struct imatally_log *log,
					   FILE *file);

/* Return the 0-based number of the part that the last entry or error is in. */
size_t imatally_log_part(const struct imatally_log *log);

/*
 * Read the next entry.  Return 1 with @entry filled in, 0 at the end of the
 * list, or -1 on an error; every later call then fails the same way.  Memory is
 * only allocated for bytes that were actually read, whatever lengths the list
 * claims.
 */
int imatally_log_next(struct imatally_log *log, struct imatally_entry *entry,
		      struct imatally_error *err);
void imatally_log_close(struct imatally_log *log);

/*
 * The format of a list.  The kernel exports binary_runtime_measurements and
 * ascii_runtime_measurements with SHA-1 template digests and, since 6.10, both
 * files for each bank with that bank's digests.  A big-endian machine uses its
 * own byte order unless it was booted with ima_canonical_fmt.
 */
struct imatally_layout {
	bool is_ascii;
	bool big_endian;	/* integers, including those that are hashed */
	uint32_t digest_len;	/* size of a template digest in bytes */
};

/* Detected from the first entry of the part; zeroes before that was read. */
struct imatally_layout imatally_log_layout(const struct imatally_log *log);

/*
 * Return the offset in the list of the byte @at in the entry's template data.
 * In an ASCII list, where a byte of the data has no offset, that of the data.
 */
uint64_t imatally_entry_locate(const struct imatally_entry *entry,
			       const void *at);

/* Return the field of an entry whose id is @id, or NULL. */
const struct imatally_field *
imatally_entry_field(const struct imatally_entry *entry, const char *id);

/* A violation has a template digest of zeroes; the kernel extends ff..ff. */
bool imatally_entry_is_violation(const struct imatally_entry *entry);

/*
 * Return whether an entry is called boot_aggregate or boot_aggregate_late, as
 * the first one of a kernel.  The name is no proof: a file whose path cannot be
 * determined is measured under its last component only.
 */
bool imatally_entry_is_boot_aggregate(const struct imatally_entry *entry);

/* ------------------------------------------------------------------------- */
/* record.c: the counter record                                              */

#define IMATALLY_RECORD_NAME "pcr_counter"
#define IMATALLY_RECORD_VERSION 1	/* the newest that is supported */
#define IMATALLY_MAX_BANKS 16		/* the kernel's TPM2_MAX_PCR_BANKS is 8 */

enum imatally_event {
	IMATALLY_EVENT_BOOT,
	IMATALLY_EVENT_POLICY,
	IMATALLY_EVENT_KEXEC_LOAD,
	IMATALLY_EVENT_KEXEC_EXECUTE,
	IMATALLY_EVENT_RESUME,
	IMATALLY_EVENT_REQUEST,
	IMATALLY_EVENT_UNKNOWN,	/* of a newer kernel; see unknown_event */
};

/* The keys of a record, in their order. */
enum imatally_key {
	IMATALLY_KEY_VERSION,
	IMATALLY_KEY_EVENT,
	IMATALLY_KEY_COUNTER,	/* pcrUpdateCounter */
	IMATALLY_KEY_ERROR,	/* in place of pcrUpdateCounter */
	IMATALLY_KEY_UPDATES,
	IMATALLY_KEY_UNCERTAIN,
	IMATALLY_KEY_BANKS,
	IMATALLY_KEY_STEP,
	IMATALLY_KEY_RESETS,	/* resetCount */
	IMATALLY_KEY_RESTARTS,	/* restartCount */
	IMATALLY_KEY_ENTRIES,
	IMATALLY_KEY_CARRIED,
	IMATALLY_KEY_TRIMMED,
	IMATALLY_KEY_EXTENDS,
	IMATALLY_KEY_FAILED,
	IMATALLY_KEY_DROPPED,
	IMATALLY_KEY_UNREAD,
	IMATALLY_KEY_PROTECTED,
	IMATALLY_KEY_BEFORE,
	IMATALLY_KEY_PCR,
	IMATALLY_NR_KEYS
};

struct imatally_bank_value {
	uint16_t alg;		/* TPM_ALG_ID */
	uint8_t len;		/* bytes of value */
	uint8_t value[IMATALLY_MAX_DIGEST];
};

/* Values of one PCR */
struct imatally_pcr_values {
	uint32_t index;		/* of the PCR */
	unsigned int nr;	/* number of values in bank[] */
	struct imatally_bank_value bank[IMATALLY_MAX_BANKS];
};

struct imatally_record {
	uint32_t keys;		/* bit 1 << IMATALLY_KEY_x: key x is present */
	enum imatally_event event;
	/*
	 * The values of numeric keys, indexed by enum imatally_key; 0 where
	 * the key is absent.  They are at most 2^40, banks and step at most
	 * 2^14, so that sums and products cannot overflow.
	 */
	uint64_t value[IMATALLY_NR_KEYS];
	char error[24];		/* name of the errno, or "TPM_0x" and the code */
	struct imatally_pcr_values pcr;
	struct imatally_pcr_values before;	/* before the boot aggregate */
	char unknown_key[32];	/* the first one, or "" */
	char unknown_event[32];	/* or "" */
};

static inline bool imatally_record_has(const struct imatally_record *rec,
				       enum imatally_key key)
{
	return rec->keys & (1U << key);
}

const char *imatally_key_name(enum imatally_key key);
const char *imatally_event_name(enum imatally_event event);

/*
 * If @entry is a record, return its text, which is not terminated, and set
 * *@len.  Otherwise return NULL.  *@foreign tells whether the entry has the
 * name of a record without being one: keys are measured under the name of their
 * keyring, so user space can create such an entry.
 */
const char *imatally_entry_record(const struct imatally_entry *entry,
				  size_t *len, bool *foreign);

/*
 * Parse the text of a record.  Keys and events that are not known, which newer
 * kernels may write, are passed over and named in @rec.  On an error,
 * err->offset is the offset in @text and err->in_log is false.
 */
enum imatally_status imatally_record_parse(struct imatally_record *rec,
					   const char *text, size_t len,
					   struct imatally_error *err);

/* ------------------------------------------------------------------------- */
/* kernels.c: which kernel an entry is from                                  */

struct imatally_kernels;

/* @pcr is the PCR that IMA extends.  NULL when out of memory. */
struct imatally_kernels *imatally_kernels_new(uint32_t pcr);
void imatally_kernels_free(struct imatally_kernels *kernels);

/*
 * Take the next entry, which contains the record @rec or NULL, and return the
 * number of its kernel.  The number is only reliable for records, since a kernel
 * begins where its first record says.
 */
unsigned int imatally_kernels_number(struct imatally_kernels *kernels,
				     const struct imatally_entry *entry,
				     const struct imatally_record *rec);

/* ------------------------------------------------------------------------- */
/* pcrs.c: PCR values to compare with                                        */

/*
 * Stands for the PCR that IMA extends, where the input has no index: sysfs has
 * a file for each value.
 */
#define IMATALLY_PCR_OF_LOG UINT32_MAX

struct imatally_pcr {
	uint32_t index;
	struct imatally_bank_value bank;
};

/*
 * Values of at most IMATALLY_MAX_BANKS banks.  Initialize with zeroes; free
 * with imatally_pcrs_free().
 */
struct imatally_pcrs {
	struct imatally_pcr *pcr;
	size_t nr;
};

/*
 * Add the values in the output of tpm2_pcrread, or in the kernel's file "pcrs"
 * of a TPM 1.2.  On an error, err->text has the number of the line.
 */
enum imatally_status imatally_pcrs_add_pcrread(struct imatally_pcrs *pcrs,
					       const char *text, size_t len,
					       struct imatally_error *err);

/*
 * Add one value in hexadecimal, as in /sys/class/tpm/tpm0/pcr-sha256/10.
 */
enum imatally_status imatally_pcrs_add_hex(struct imatally_pcrs *pcrs,
					   uint32_t index, uint16_t alg,
					   const char *text, size_t len,
					   struct imatally_error *err);
void imatally_pcrs_free(struct imatally_pcrs *pcrs);

/* PCRs 0 to 9 are for what boots: firmware, boot loaders, kernel. */
#define IMATALLY_NR_BOOT_PCRS 10

/* ------------------------------------------------------------------------- */
/* Intervals: what the records say about the entries between them            */

/* Why the counter cannot be judged in an interval: bits */
enum {
	IMATALLY_UNJUDGED_ERROR = 1,	/* a record has error= */
	IMATALLY_UNJUDGED_KEYS = 2,	/* a record lacks a key */
	IMATALLY_UNJUDGED_RESUME = 4,	/* firmware started the TPM */
	IMATALLY_UNJUDGED_STEP = 8,	/* this TPM counts extends differently */
	IMATALLY_UNJUDGED_BANKS = 16,	/* not all extends went to the same banks */
	IMATALLY_UNJUDGED_EVENT = 32,	/* the event is unknown */
};

/*
 * The entries between two consecutive records, between the start of the list
 * and its first record, or between its last record and its end.
 */
struct imatally_interval {
	/* how many it combines, see imatally_verifier_set_max_intervals() */
	uint64_t combined;
	bool has_from, has_to;	/* otherwise the start, the end of the list */
	uint64_t from, to;	/* indices of the records */
	enum imatally_event from_event, to_event;
	unsigned int from_kernel, to_kernel;
	/*
	 * The index of the first entry of the kernel of @to: its
	 * boot_aggregate, @to itself if that entry is missing, or 0 if the list
	 * begins after it.
	 */
	uint64_t kernel_start;

	uint64_t present;	/* entries in the list, @from included, @to not */
	uint64_t put_back;	/* of these, from a copy */

	/* Missing entries: */
	uint64_t lost;		/* after @from, or @kernel_start if that is later */
	uint64_t lost_handover;	/* before @kernel_start */
	/*
	 * by_counter: lost_handover is derived from pcrUpdateCounter alone, and
	 * exact only if nothing but IMA extended a PCR.  at_most: it is an
	 * upper bound, because something else did.
	 */
	bool by_counter, at_most;

	uint64_t inserted;	/* entries in excess of what the kernel counted */
	uint64_t unproved;	/* likewise, in PCRs of which no value was given */
	uint64_t failed;	/* entries whose extend failed */
	uint64_t without_tpm;	/* entries that had no TPM to extend */
	uint64_t dropped;	/* measurements that did not become an entry */
	uint64_t unread;	/* files that could not be read to be measured */
	uint64_t trimmed;	/* entries that user space deleted */
	bool accounts_disagree;	/* the kernel's counts contradict each other */
	uint32_t vanished;	/* keys that the kernel wrote before; as in keys */

	/* Each of these is valid only if has_x is set: */
	bool has_to_counter;
	uint32_t to_counter;	/* pcrUpdateCounter at the end of the interval */
	bool has_counter;
	int64_t counter;	/* by how much it moved in the interval */
	bool has_ima;
	int64_t ima;		/* by extends of IMA, including lost entries */
	bool has_others;
	int64_t others;		/* by others, according to the driver's account */
	/*
	 * What remains.  Without the driver's account (is_split is false) this
	 * includes updates by others.
	 */
	bool has_rest, is_split;
	int64_t rest;

	unsigned int unjudged;	/* IMATALLY_UNJUDGED_x */
};

/* Return whether it shows nothing, so that it may be combined with others. */
bool imatally_interval_is_plain(const struct imatally_interval *interval);
/* Combine @sum with the interval after it. */
void imatally_interval_add(struct imatally_interval *sum,
			   const struct imatally_interval *next);

/* ------------------------------------------------------------------------- */
/* verify.c: the verdict                                                     */

/* The values are the exit statuses of the command; 0 for NOT_COUNTED. */
enum imatally_verdict {
	IMATALLY_COMPLETE = 0,
	IMATALLY_INCOMPLETE = 1,
	IMATALLY_MISMATCH = 2,
	IMATALLY_COMPLETE_NOT_COUNTED = 16,
};

enum imatally_severity {
	IMATALLY_NOTE,		/* worth knowing, not a fault */
	IMATALLY_FINDING,	/* could not be judged or explained */
	IMATALLY_LOSS,		/* makes the verdict incomplete */
	IMATALLY_FAULT,		/* makes the verdict mismatch */
};

/*
 * Kinds of findings.  The numbers are part of the ABI: a new kind gets the next
 * free one, wherever it is listed.  Names and severities are in finding.c.
 */
enum imatally_kind {
	/* faults */
	IMATALLY_ALTERED = 1,	/* entry @from: wrong template digest */
	IMATALLY_INSERTED = 2,	/* @count entries more than the kernel counted */
	IMATALLY_ACCOUNTS = 3,	/* the kernel's counts at @to contradict */
	/* the replay (@pcr, @alg) differs from the PCR value: */
	IMATALLY_DIFFERS_AT_RECORD = 4, /* at @to, and no entry is lost */
	IMATALLY_DIFFERS_FAILED = 5, /* whichever @count extends failed */
	IMATALLY_DIFFERS_AT_END = 6, /* from the value given */
	/* losses */
	IMATALLY_LOST = 7,	/* @count entries */
	IMATALLY_DROPPED = 8,	/* @count measurements */
	IMATALLY_FAILED = 9,	/* @count extends */
	IMATALLY_FAILED_ENTRY = 10, /* entry @from was not extended */
	IMATALLY_RESET = 11,	/* the TPM was reset across a resume */
	/* findings */
	IMATALLY_REST = 12,	/* @count updates by others, or unexplained */
	IMATALLY_UNEXPLAINED = 13, /* @count unexplained updates */
	IMATALLY_UNJUDGED = 14,	/* @count: IMATALLY_UNJUDGED_x */
	IMATALLY_NOT_SEARCHED = 15, /* which @count extends failed is not known */
	IMATALLY_UNPROTECTED = 16, /* record @to: no HMAC session, unlike @from */
	IMATALLY_NEWER_RECORD = 17, /* record @to is of version @count */
	IMATALLY_FOREIGN = 18,	/* entry @to has the name of a record only */
	IMATALLY_BANK_UNSUPPORTED = 19, /* @alg cannot be computed here */
	IMATALLY_BANK_ADRIFT = 20, /* @pcr, @alg: value unknown since a gap */
	IMATALLY_PCR_NOT_GIVEN = 21, /* entries extend @pcr, no value was given */
	/* notes */
	IMATALLY_OTHERS = 22,	/* @count updates by others */
	IMATALLY_TAIL = 23,	/* @count entries follow the values given */
	IMATALLY_PADDED = 24,	/* @alg: the kernel extended padded SHA-1 */
	IMATALLY_UNKNOWN_KEY = 25, /* record @to has key @word, not judged */
	IMATALLY_UNKNOWN_EVENT = 26, /* record @to is of event @word */
	/* fault */
	IMATALLY_KEY_VANISHED = 27, /* record @to lacks key @word, unlike @from */
	/* loss */
	IMATALLY_NOT_ARRIVED = 28, /* what was extended before @to did not arrive */
	/* findings */
	IMATALLY_UNREAD = 29,	/* @count files could not be read */
	IMATALLY_RECORD_ELSEWHERE = 30, /* record @to extends @pcr; not judged */
	IMATALLY_NOT_PROVED = 31, /* like INSERTED, in PCRs that nothing proves */
	IMATALLY_STILL_TAIL = 32, /* @count entries: there before, not proved yet */
	IMATALLY_STANDS_STILL = 33, /* likewise, and @pcr has not changed since */
	IMATALLY_CUT_AT_KEXEC = 34, /* no kexec_execute event before @to */
	IMATALLY_FEWER_THAN_EVENT = 35, /* ima_kexec event @to: @count are missing */
	/* notes */
	IMATALLY_NAMED_ONLY = 36, /* @count named boot_aggregate, @from the first */
	IMATALLY_UNKNOWN_TEMPLATE = 37, /* entry @to has template @word */
	IMATALLY_TWO_MOMENTS = 38, /* the values were read at different times */
	/* fault */
	IMATALLY_NO_START = 39,	/* the kernel of record @to has no boot_aggregate */
	/* finding, or fault if the PCR values deny it */
	IMATALLY_STARTED_ANEW = 40, /* the TPM was, and no record says when */
	/* finding */
	IMATALLY_UNREADABLE_RECORD = 41, /* entry @to: a record with invalid text */
	/* finding, or fault on request: boot_aggregate @from, @alg */
	IMATALLY_BOOT_AGGREGATE = 42, /* is not the digest of PCRs 0 to 9 */
	/* note */
	IMATALLY_BOOT_NOT_COMPARED = 43, /* @from, @alg (or 0): a value is missing */
	/* faults: PCR @pcr in bank @alg, of which a known value was given */
	IMATALLY_BOOT_PCR_DIFFERS = 44, /* has another one */
	IMATALLY_BOOT_PCR_MISSING = 45, /* has none */
	/* finding */
	IMATALLY_EARLIER_GONE = 46, /* the last entry of the earlier list: PCR @pcr */
	IMATALLY_RESETTABLE = 47, /* entries in PCR @pcr, whose value proves nothing */
	IMATALLY_RECORDS_NOT_PROVED = 48, /* those of the kernels before @to */
};

/* A place in the list. */
enum imatally_place {
	IMATALLY_AT_START,
	IMATALLY_AT_ENTRY,
	IMATALLY_AT_RECORD,
	IMATALLY_AT_BOOT_AGGREGATE,
	IMATALLY_AT_END,
};

struct imatally_point {
	enum imatally_place place;
	uint64_t index;
	unsigned int kernel;
	enum imatally_event event;
};

struct imatally_finding {
	enum imatally_kind kind;
	enum imatally_severity severity;
	struct imatally_point from, to;
	int64_t count;
	uint32_t pcr;
	uint16_t alg;
	bool by_counter, at_most;	/* as in struct imatally_interval */
	char word[32];			/* an error, a key or an event, or "" */
};

/* A PCR value compared with the replay of the list */
enum imatally_match {
	IMATALLY_MATCH_UNKNOWN,	/* not replayed, or unknown since a gap */
	IMATALLY_MATCH_SAME,
	IMATALLY_MATCH_DIFFERENT,
};

/* A PCR value that was given, and the result of its comparison. */
struct imatally_target {
	uint32_t pcr;
	struct imatally_bank_value bank;
	bool in_log;		/* entries extend this PCR */
	bool supported;		/* the algorithm can be computed */
	enum imatally_match match;	/* at the end of the list */
	uint64_t matched_after;	/* this many entries lead to the value, or 0 */
};

/* Beyond this number, the least severe findings are only counted. */
#define IMATALLY_MAX_FINDINGS 1000

/* Whether verification resumed from the state that was given. */
enum imatally_resumption {
	IMATALLY_NO_STATE,	/* no state was given */
	IMATALLY_RESUMED,
	/* The list was verified from its start, because */
	IMATALLY_ANEW_SHORTER,	/* it ends before the state does */
	IMATALLY_ANEW_OTHER_LOG, /* it has another entry where the state ends */
	IMATALLY_ANEW_BANK,	/* the state lacks a bank or PCR */
	IMATALLY_ANEW_DIFFERS,	/* the replay from the state on differs */
	IMATALLY_ANEW_PIPE,	/* it cannot be read twice */
};

/* What became of a copy of the list. */
enum imatally_copy {
	IMATALLY_NO_COPY,	/* none was given */
	IMATALLY_COPY_NOT_NEEDED, /* no entry is missing */
	/* the answer is on the list with entries put back from the copy */
	IMATALLY_COPY_USED,
	/* the answer is the one without the copy */
	IMATALLY_COPY_DOES_NOT_FIT,
};

struct imatally_result {
	enum imatally_verdict verdict;
	enum imatally_resumption resumption;
	enum imatally_copy copy;
	uint64_t put_back;	/* entries from the copy, which the values prove */
	/*
	 * If the copy does not fit: how many entries the records count as
	 * missing, and how many entries it had for these places.
	 */
	uint64_t copy_missing, copy_had;
	/*
	 * Number of entries that were covered by the state.  Findings about
	 * them are reported again; intervals between their records are not.
	 */
	uint64_t resumed;
	uint64_t entries;
	uint64_t records;
	unsigned int kernels;
	uint64_t lost, dropped, failed;	/* totals */
	/*
	 * Those of lost that are missing at the start of the list, where user
	 * space deleted them according to the records.
	 */
	uint64_t trimmed;
	bool by_counter, at_most;	/* true of some in lost */
	uint64_t tail;			/* entries added after the PCRs were read */
	bool not_arrived;		/* one finding is NOT_ARRIVED */
	bool restarted;			/* the replay was restarted after a gap */
	bool has_findings;		/* one of severity IMATALLY_FINDING */
	struct imatally_target *target;
	size_t nr_targets;
	struct imatally_interval *interval;
	size_t nr_intervals;
	struct imatally_finding *finding;
	size_t nr_findings;
	uint64_t findings_not_kept;
};

/*
 * names.c, finding.c: names for use by programs ("complete_not_counted",
 * "loss", "differs_at_end", "same", "record"), which do not change;
 * imatally-result(5) lists them.  NULL if the value is not one of its type.
 */
const char *imatally_verdict_name(enum imatally_verdict verdict);
const char *imatally_severity_name(enum imatally_severity severity);
const char *imatally_kind_name(enum imatally_kind kind);
const char *imatally_match_name(enum imatally_match match);
const char *imatally_place_name(enum imatally_place place);
const char *imatally_resumption_name(enum imatally_resumption resumption);
const char *imatally_copy_name(enum imatally_copy copy);
/* @reason is one bit of IMATALLY_UNJUDGED_x */
const char *imatally_unjudged_name(unsigned int reason);

struct imatally_verifier;

/* @pcrs is copied.  NULL when out of memory. */
struct imatally_verifier *
imatally_verifier_new(const struct imatally_pcrs *pcrs);
void imatally_verifier_free(struct imatally_verifier *verifier);

/*
 * Set the PCR that IMA extends on the measured machine: its kernel's
 * CONFIG_IMA_MEASURE_PCR_IDX, at most IMATALLY_MAX_PCR.  The default is
 * IMATALLY_IMA_PCR.  To be called before anything else.  A list without entries
 * for this PCR is an error: whoever supplies the list may have made it up, and
 * extended another PCR, for instance one that user space can reset.  Returns
 * IMATALLY_ERR_USAGE, and changes nothing, if there is no such PCR.
 */
#define IMATALLY_IMA_PCR 10
enum imatally_status
imatally_verifier_set_pcr(struct imatally_verifier *verifier, uint32_t pcr);

/*
 * Also judge records that extend this PCR, to which a rule with "pcr=" sends
 * them.  A value of it must be given.  By default only records in the PCR that
 * IMA extends are judged, because others can be invented.  PCRs from
 * IMATALLY_FIRST_RESETTABLE on, which local commands can reset, are refused with
 * IMATALLY_ERR_USAGE.
 */
#define IMATALLY_FIRST_RESETTABLE 16
enum imatally_status
imatally_verifier_set_record_pcr(struct imatally_verifier *verifier,
				 uint32_t pcr);

/*
 * All PCR values are of the same moment, as in a quote.  By default, banks may
 * have been read one after the other.
 */
void imatally_verifier_set_one_moment(struct imatally_verifier *verifier);

/*
 * Entries up to and including this one were in the list before the PCR values
 * were read, because it is from an earlier list of the same boot: if the values
 * do not cover them, that is a finding.  @unchanged: the PCR values are those of
 * back then.
 */
void imatally_verifier_set_earlier(struct imatally_verifier *verifier,
				   const struct imatally_entry *entry,
				   bool unchanged);

/*
 * Set pcrUpdateCounter as it was read together with the PCR values.  The
 * updates after the last record are judged by it.
 */
void imatally_verifier_set_counter(struct imatally_verifier *verifier,
				   uint32_t counter);

/*
 * Set resetCount and restartCount as they were signed with the PCR values.  They
 * have to be those of the last record that has them.  For an AK outside the
 * endorsement hierarchy, the TPM adds a secret constant of 32 bits: they are not
 * compared if they are further from the record's than a TPM could count.
 */
void imatally_verifier_set_starts(struct imatally_verifier *verifier,
				  uint32_t resets, uint32_t restarts);

/*
 * Set the values of PCRs 0 to 9; those of others in @pcrs are ignored.  The
 * values are copied.  Every boot_aggregate that is of this boot of the TPM is
 * compared with them.  A difference is a finding, or with @strict a fault if it
 * is certain that a kernel begins with the entry, and not only its name says so.
 */
enum imatally_status
imatally_verifier_set_boot_pcrs(struct imatally_verifier *verifier,
				const struct imatally_pcrs *pcrs, bool strict);

/*
 * Set known values of PCRs 0 to 9 in the same way, which are of a machine that
 * booted what it should.  If one of them is not set by
 * imatally_verifier_set_boot_pcrs(), or differs, that is a fault.
 */
enum imatally_status
imatally_verifier_set_known_boot_pcrs(struct imatally_verifier *verifier,
				      const struct imatally_pcrs *pcrs);

/*
 * Add a part of a copy of the list, in which each entry follows the one before:
 * what one kernel's list was, or some of it.  Anyone may have made it.  Where
 * entries are missing from the list, those of the copy are tried; they are put
 * back only if no gap is left then, and the replay reaches the PCR values.
 * Otherwise the answer is the one without the copy.  The copy has to reach back
 * to the record before the gap.
 *
 * If entries are missing, imatally_verifier_run() reads @run to its end, or to its
 * first malformed entry.  The caller closes it afterwards.  Cannot be combined with a state.  Returns
 * IMATALLY_ERR_USAGE if @run, or later the list, cannot seek.
 */
enum imatally_status imatally_verifier_add_copy(struct imatally_verifier *verifier,
						struct imatally_log *run);

/* Free the members of a result, which may be all zeroes. */
void imatally_result_free(struct imatally_result *result);

/*
 * state.c: to verify a growing list repeatedly, save a state and pass it to the
 * next verifier: it resumes after the last entry that the PCR values proved,
 * and hashes new entries only.  The format is described in imatally-state(5).
 *
 * The list must be the same with entries appended.  Of the entries that the
 * state covers, only the last one is checked against the list: keep them
 * instead of receiving them again.
 */

/*
 * Resume from @state, if the list matches it; the result says whether it did.
 * To be called before imatally_verifier_run().  Returns IMATALLY_ERR_MALFORMED
 * if @state is not a state, is damaged, or is from a newer version.
 */
enum imatally_status
imatally_verifier_set_state(struct imatally_verifier *verifier,
			    const char *state, size_t len,
			    struct imatally_error *err);

/* Request a state; to be called before imatally_verifier_run(). */
void imatally_verifier_keep_state(struct imatally_verifier *verifier);

/*
 * Return the state after imatally_verifier_run(), or NULL if the PCR values
 * prove no entry.  It covers the entries up to the last one that they prove,
 * and is freed with the verifier.
 */
const char *imatally_verifier_state(const struct imatally_verifier *verifier,
				    size_t *len);

/*
 * Keep at most @max intervals, at least 16, and combine neighbours when there are
 * more: at first those that show nothing.  Without it, the result has one for each
 * record, 300 bytes.
 */
void imatally_verifier_set_max_intervals(struct imatally_verifier *verifier,
					 size_t max);

/* Called after each entry with the number of entries so far and its offset. */
typedef void imatally_progress_fn(void *data, uint64_t entries,
				  uint64_t offset);
void imatally_verifier_set_progress(struct imatally_verifier *verifier,
				    imatally_progress_fn *progress, void *data);

/*
 * Read @log from its start to its end and give the verdict.  If @verifier is
 * NULL, this fails with IMATALLY_ERR_NOMEM.  A list that is not read from a
 * pipe may be read a second time: at first, only the more likely of the two
 * kinds of digests that a kernel extends is replayed.  On success, the caller
 * frees @result with imatally_result_free().
 */
enum imatally_status imatally_verifier_run(struct imatally_verifier *verifier,
					   struct imatally_log *log,
					   struct imatally_result *result,
					   struct imatally_error *err);

/* Verify @log against @pcrs with the default settings. */
enum imatally_status imatally_verify(struct imatally_log *log,
				     const struct imatally_pcrs *pcrs,
				     struct imatally_result *result,
				     struct imatally_error *err);

#ifdef __cplusplus
}
#endif

#endif /* IMATALLY_H */
