/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libimatally: read an IMA measurement list, replay it into TPM PCRs, and
 * count its entries against the TPM's pcrUpdateCounter.
 *
 * The library keeps no global state, never prints and never exits.  Objects
 * are independent of each other; one object must not be used by two threads
 * at once.
 *
 * Words: an entry is an element of the measurement list.  A record is an entry
 * named "pcr_counter", in which the kernel noted the TPM's pcrUpdateCounter
 * together with its own accounts, all as of just before that entry.  A bank is
 * a TPM's set of PCRs of one hash algorithm.
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
	IMATALLY_ERR_IO,	/* the input can't be read */
	IMATALLY_ERR_MALFORMED,	/* the input is not what it should be */
	IMATALLY_ERR_NOMEM,
	IMATALLY_ERR_CRYPTO,	/* libcrypto refused */
	IMATALLY_ERR_USAGE,	/* the arguments make no sense together */
	IMATALLY_ERR_NOT_AUTHENTIC,	/* no TPM vouches for it */
};

/*
 * What went wrong and where.  Every function that takes one fills it in when it
 * fails, and leaves it alone otherwise.
 */
struct imatally_error {
	enum imatally_status status;
	bool in_log;		/* entry and offset below mean something */
	uint64_t entry;		/* 0-based number of the entry */
	uint64_t offset;	/* in the log (or its part), in bytes */
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
 * The TPM_ALG_ID of a name ("sha256", "sm3" as the kernel writes it, "sm3_256"
 * as tpm2-tools does, "0x000b"), or 0 if it is none.  @name need not be
 * terminated.
 */
uint16_t imatally_alg_from_name(const char *name, size_t len);

/* Room for the name of any algorithm and a NUL */
#define IMATALLY_ALG_NAME_SIZE 12

/*
 * The name of an algorithm, as it is written everywhere: the kernel's, or "0x"
 * and four digits if this library has none.  Returns @name.
 */
const char *imatally_alg_name(uint16_t alg, char name[IMATALLY_ALG_NAME_SIZE]);

/*
 * Write @len bytes as 2 * @len hexadecimal digits, in lower case, and a NUL.
 * Returns @digits.
 */
char *imatally_hex_from_bytes(char *digits, const void *bytes, size_t len);

/* ------------------------------------------------------------------------- */
/* log.c: the reader of measurement lists                                    */

#define IMATALLY_MAX_FIELDS 15	/* the kernel's IMA_TEMPLATE_NUM_FIELDS_MAX */
#define IMATALLY_MAX_PCR 23	/* the kernel refuses pcr= above */

struct imatally_field {
	const char *id;		/* "d-ng", "n-ng", "buf", ...; a constant */
	const uint8_t *data;
	uint32_t len;
};

/*
 * One entry.  The pointers lead into the log's buffers and are good until the
 * next call of a function on the log.
 */
struct imatally_entry {
	uint64_t index;		/* 0-based */
	uint64_t offset;	/* of its first byte in the log, or in its part */
	uint64_t data_offset;	/* of its template data, likewise */
	uint32_t pcr;
	const uint8_t *digest;	/* template digest; zeroes for a violation */
	uint32_t digest_len;	/* IMATALLY_SHA1_SIZE, but in a bank's own list */
	const char *template_name;	/* not terminated */
	uint32_t template_name_len;
	bool is_ima;		/* the original template "ima", hashed otherwise */
	bool is_ascii;		/* data was rebuilt from text */
	const uint8_t *data;	/* template data as in a binary list */
	uint32_t data_len;
	unsigned int nr_fields;
	struct imatally_field fields[IMATALLY_MAX_FIELDS];
};

struct imatally_log;

/*
 * Open a log in memory (@buf stays the caller's, and must outlive the log; no
 * copy is made) or one to be read from @file, front to back from where it stands
 * (@file stays the caller's).  Return NULL when out of memory.
 */
struct imatally_log *imatally_log_open_buffer(const void *buf, size_t len);
struct imatally_log *imatally_log_open_file(FILE *file);

/*
 * A log in parts, as they are when the kernel's list is trimmed and what was
 * deleted is kept: after the end of the files so far it goes on in @file (which
 * stays the caller's).  Not for a log in memory.  Each part may be of another
 * layout, and has offsets of its own.
 */
enum imatally_status imatally_log_add_file(struct imatally_log *log,
					   FILE *file);

/* 0-based number of the file that the last entry, or the error, is in. */
size_t imatally_log_part(const struct imatally_log *log);

/*
 * Read the next entry.  Returns 1 with @entry filled in, 0 at the end of the
 * log, -1 on an error; then every later call fails in the same way.  Memory is
 * allocated only for bytes that have really arrived.
 */
int imatally_log_next(struct imatally_log *log, struct imatally_entry *entry,
		      struct imatally_error *err);
void imatally_log_close(struct imatally_log *log);

/*
 * How a list is written.  The kernel has binary_runtime_measurements and
 * ascii_runtime_measurements, with SHA-1 template digests, and, since 6.10, both
 * for each bank with the bank's digests.  A big-endian machine writes its own
 * byte order unless it was booted with ima_canonical_fmt.
 */
struct imatally_layout {
	bool is_ascii;
	bool big_endian;	/* the integers, also those that were hashed */
	uint32_t digest_len;	/* bytes of a template digest */
};

/* Found out from the first entry; zeroes before it was read. */
struct imatally_layout imatally_log_layout(const struct imatally_log *log);

/*
 * Offset in the log of the byte @at of the entry's template data.  In an ASCII
 * list, where bytes have no place of their own, that of all the data.
 */
uint64_t imatally_entry_locate(const struct imatally_entry *entry,
			       const void *at);

/* The field called @id of an entry, or NULL. */
const struct imatally_field *
imatally_entry_field(const struct imatally_entry *entry, const char *id);

/* A zero template digest marks a violation; the kernel extends it as ff..ff. */
bool imatally_entry_is_violation(const struct imatally_entry *entry);

/* Whether a kernel's own part of the list begins with this entry. */
bool imatally_entry_is_boot_aggregate(const struct imatally_entry *entry);

/* ------------------------------------------------------------------------- */
/* record.c: the counter record                                              */

#define IMATALLY_RECORD_NAME "pcr_counter"
#define IMATALLY_RECORD_VERSION 1	/* the newest that is understood */
#define IMATALLY_MAX_BANKS 16		/* the kernel's TPM2_MAX_PCR_BANKS is 8 */

enum imatally_event {
	IMATALLY_EVENT_BOOT,
	IMATALLY_EVENT_POLICY,
	IMATALLY_EVENT_KEXEC_LOAD,
	IMATALLY_EVENT_KEXEC_EXECUTE,
	IMATALLY_EVENT_RESUME,
	IMATALLY_EVENT_REQUEST,
	IMATALLY_EVENT_UNKNOWN,	/* only in a record newer than this library */
};

/* The record's keys, in the order that they must come in. */
enum imatally_key {
	IMATALLY_KEY_VERSION,
	IMATALLY_KEY_EVENT,
	IMATALLY_KEY_COUNTER,	/* pcrUpdateCounter */
	IMATALLY_KEY_ERROR,	/* stands in its place */
	IMATALLY_KEY_UPDATES,
	IMATALLY_KEY_UNCERTAIN,
	IMATALLY_KEY_BANKS,
	IMATALLY_KEY_STEP,
	IMATALLY_KEY_ENTRIES,
	IMATALLY_KEY_CARRIED,
	IMATALLY_KEY_TRIMMED,
	IMATALLY_KEY_EXTENDS,
	IMATALLY_KEY_FAILED,
	IMATALLY_KEY_DROPPED,
	IMATALLY_KEY_PROTECTED,
	IMATALLY_KEY_PCR,
	IMATALLY_NR_KEYS
};

struct imatally_bank_value {
	uint16_t alg;		/* TPM_ALG_ID */
	uint8_t len;		/* bytes of value */
	uint8_t value[IMATALLY_MAX_DIGEST];
};

struct imatally_record {
	uint32_t keys;		/* bit 1 << IMATALLY_KEY_x: the key is there */
	enum imatally_event event;
	/*
	 * The numeric keys' values, by enum imatally_key; 0 where the key is
	 * absent.  None exceeds 2^40, banks and step 2^14: sums and products of
	 * them can't overflow.
	 */
	uint64_t value[IMATALLY_NR_KEYS];
	char error[24];		/* name of the errno */
	uint32_t pcr;		/* index of the PCR that bank[] describes */
	unsigned int nr_banks;	/* values in bank[] */
	struct imatally_bank_value bank[IMATALLY_MAX_BANKS];
	char unknown_key[32];	/* first one of a newer version, or "" */
};

static inline bool imatally_record_has(const struct imatally_record *rec,
				       enum imatally_key key)
{
	return rec->keys & (1U << key);
}

const char *imatally_key_name(enum imatally_key key);
const char *imatally_event_name(enum imatally_event event);

/*
 * If @entry is a counter record, return its text (not terminated) and length.
 * NULL if it is another entry, or one that bears the record's name but is not
 * the kernel's record (keys are measured under the name of their keyring, so
 * user space can make such an entry): then *@foreign is set.
 */
const char *imatally_entry_record(const struct imatally_entry *entry,
				  size_t *len, bool *foreign);

/*
 * Parse a record's text, strictly.  On an error, err->offset is the byte in
 * @text (and err->in_log false, since this function knows no log).
 */
enum imatally_status imatally_record_parse(struct imatally_record *rec,
					   const char *text, size_t len,
					   struct imatally_error *err);

/* ------------------------------------------------------------------------- */
/* pcrs.c: PCR values to compare with                                        */

/*
 * A PCR whose index the input does not tell (sysfs shows one value a file): the
 * one that IMA extends is meant.
 */
#define IMATALLY_PCR_OF_LOG UINT32_MAX

struct imatally_pcr {
	uint32_t index;
	struct imatally_bank_value bank;
};

/*
 * Values of IMATALLY_MAX_BANKS banks at most.  Initialize with zeroes; free with
 * imatally_pcrs_free().
 */
struct imatally_pcrs {
	struct imatally_pcr *pcr;
	size_t nr;
};

/*
 * Add the values in what tpm2_pcrread prints.  err->text names the line.
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

/* ------------------------------------------------------------------------- */
/* What the records say of the entries between them                          */

/* Why an interval's counter could not be judged: bits */
enum {
	IMATALLY_UNJUDGED_ERROR = 1,	/* a record has error= */
	IMATALLY_UNJUDGED_KEYS = 2,	/* a record lacks a key */
	IMATALLY_UNJUDGED_RESUME = 4,	/* firmware ran in between */
	IMATALLY_UNJUDGED_STEP = 8,	/* this TPM counts otherwise */
	IMATALLY_UNJUDGED_BANKS = 16,	/* the banks are not the same */
};

/*
 * What lies between two neighbouring records, or between the log's start and
 * its first record, or its last record and its end.
 */
struct imatally_interval {
	bool has_from, has_to;	/* else the log's start, its end */
	uint64_t from, to;	/* index of the records */
	enum imatally_event from_event, to_event;
	unsigned int from_kernel, to_kernel;
	/*
	 * Where the kernel of @to begins: the index of its boot_aggregate.  Of
	 * @to itself if that entry is missing, 0 in a log that begins amid.
	 */
	uint64_t kernel_start;

	uint64_t present;	/* entries in the log from @from to before @to */

	/* Entries missing, by where: */
	uint64_t lost;		/* since @from, or @kernel_start if that is later */
	uint64_t lost_handover;	/* before @kernel_start */
	/*
	 * lost_handover was counted by pcrUpdateCounter alone, and is exact only
	 * if nothing but IMA extended a PCR; at_most: it is a bound, since
	 * something else did.
	 */
	bool by_counter, at_most;

	uint64_t inserted;	/* entries that the kernel did not count */
	uint64_t failed;	/* entries whose extend failed */
	uint64_t dropped;	/* measurements that never became an entry */
	uint64_t trimmed;	/* entries that user space had the kernel delete */
	bool accounts_disagree;	/* the kernel's own numbers contradict */

	bool has_to_counter;	/* the next is valid */
	uint32_t to_counter;	/* pcrUpdateCounter at the interval's end */
	bool has_counter;	/* the next is valid */
	int64_t counter;	/* how far it went since the interval's start */
	bool has_ima;
	int64_t ima;		/* of it, by IMA's extends, lost ones included */
	bool has_others;
	int64_t others;		/* by others, as the driver's account has it */
	/*
	 * The rest.  Without the driver's account (is_split false) others'
	 * updates are in it.
	 */
	bool has_rest, is_split;
	int64_t rest;

	unsigned int unjudged;	/* IMATALLY_UNJUDGED_x */
};

/* ------------------------------------------------------------------------- */
/* verify.c: the verdict                                                     */

/* The values are the command's exit statuses, but for NOT_COUNTED (0). */
enum imatally_verdict {
	IMATALLY_COMPLETE = 0,
	IMATALLY_INCOMPLETE = 1,
	IMATALLY_MISMATCH = 2,
	IMATALLY_COMPLETE_NOT_COUNTED = 16,
};

enum imatally_severity {
	IMATALLY_NOTE,		/* worth knowing, no fault */
	IMATALLY_FINDING,	/* could not be judged or explained */
	IMATALLY_LOSS,		/* makes the verdict incomplete */
	IMATALLY_FAULT,		/* makes the verdict mismatch */
};

/*
 * The kinds of findings.  The numbers are part of the ABI: a new kind takes the
 * next free one, wherever it is listed.  finding.c has the name and the severity
 * of each.
 */
enum imatally_kind {
	/* faults */
	IMATALLY_ALTERED = 1,	/* entry @from: digest is not that of its data */
	IMATALLY_INSERTED = 2,	/* @count entries more than the kernel counted */
	IMATALLY_ACCOUNTS = 3,	/* the kernel's accounts at @to disagree */
	IMATALLY_DIFFERS_AT_RECORD = 4, /* the replay (@alg), with nothing lost */
	IMATALLY_DIFFERS_FAILED = 5, /* so does it without any @count entries */
	IMATALLY_DIFFERS_AT_END = 6, /* the replay (@pcr, @alg) */
	/* losses */
	IMATALLY_LOST = 7,	/* @count entries */
	IMATALLY_DROPPED = 8,	/* @count measurements */
	IMATALLY_FAILED = 9,	/* @count extends */
	IMATALLY_FAILED_ENTRY = 10, /* that of entry @from was one of them */
	IMATALLY_RESET = 11,	/* the TPM was reset across a resume */
	/* findings */
	IMATALLY_REST = 12,	/* @count updates by others or unexplained */
	IMATALLY_UNEXPLAINED = 13, /* @count updates unexplained */
	IMATALLY_UNJUDGED = 14,	/* @count: IMATALLY_UNJUDGED_x */
	IMATALLY_NOT_SEARCHED = 15, /* which @count extends failed: too many to try */
	IMATALLY_UNPROTECTED = 16, /* record @to: read without a session, @from with */
	IMATALLY_NEWER_RECORD = 17, /* record @to is of version @count */
	IMATALLY_FOREIGN = 18,	/* entry @to bears the record's name only */
	IMATALLY_BANK_UNSUPPORTED = 19, /* @alg can't be computed here */
	IMATALLY_BANK_ADRIFT = 20, /* @pcr, @alg: no value known since a gap */
	IMATALLY_PCR_NOT_GIVEN = 21, /* the log extends @pcr; no value to compare */
	/* notes */
	IMATALLY_OTHERS = 22,	/* @count updates by others */
	IMATALLY_TAIL = 23,	/* @count entries follow the values given */
	IMATALLY_PADDED = 24,	/* @alg: the kernel extended padded SHA-1 */
	IMATALLY_NO_DROPPED = 25, /* the records do not count dropped ones */
};

/* A place in the log. */
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
	char word[32];			/* an errno's or a key's name, or "" */
};

/* A PCR value against the replay of the log */
enum imatally_match {
	IMATALLY_MATCH_UNKNOWN,	/* not replayed, or not since the last gap */
	IMATALLY_MATCH_SAME,
	IMATALLY_MATCH_DIFFERENT,
};

/* One of the values given, and how it compared. */
struct imatally_target {
	uint32_t pcr;
	struct imatally_bank_value bank;
	bool in_log;		/* the log extends this PCR */
	bool supported;		/* the algorithm can be computed */
	enum imatally_match match;	/* at the end of the log */
	uint64_t matched_after;	/* number of entries that gave the value, or 0 */
};

/* More findings than these are counted, not kept: the least severe ones. */
#define IMATALLY_MAX_FINDINGS 1000

/* What became of the state that the verifier was given. */
enum imatally_resumption {
	IMATALLY_NO_STATE,	/* it was given none */
	IMATALLY_RESUMED,
	/* The log was verified from its start, since */
	IMATALLY_ANEW_SHORTER,	/* it ends before the state does */
	IMATALLY_ANEW_OTHER_LOG, /* it has another entry where that ends */
	IMATALLY_ANEW_BANK,	/* the state did not follow a bank */
	IMATALLY_ANEW_DIFFERS,	/* the replay from the state on differs */
	IMATALLY_ANEW_PIPE,	/* the log can't seek */
};

struct imatally_result {
	enum imatally_verdict verdict;
	enum imatally_resumption resumption;
	/*
	 * The first entries, which the state vouches for.  What was found in
	 * them is told again, but for the intervals between their records.
	 */
	uint64_t resumed;
	uint64_t entries;
	uint64_t records;
	unsigned int kernels;
	uint64_t lost, dropped, failed;	/* totals */
	/*
	 * Of lost, those missing at the log's start that the kernel says it deleted
	 * because user space asked.
	 */
	uint64_t trimmed;
	bool by_counter, at_most;	/* something in lost is so */
	uint64_t tail;			/* entries after the PCR values given */
	bool restarted;			/* the replay went on after a gap */
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
 * names.c, finding.c: words for programs, which don't change ("complete_not_counted",
 * "loss", "differs_at_end", "same", "record"); imatally-result(5) has them all.
 * NULL if the value is none of its type.
 */
const char *imatally_verdict_name(enum imatally_verdict verdict);
const char *imatally_severity_name(enum imatally_severity severity);
const char *imatally_kind_name(enum imatally_kind kind);
const char *imatally_match_name(enum imatally_match match);
const char *imatally_place_name(enum imatally_place place);
const char *imatally_resumption_name(enum imatally_resumption resumption);
/* @reason is one bit of IMATALLY_UNJUDGED_x */
const char *imatally_unjudged_name(unsigned int reason);

struct imatally_verifier;

/* @pcrs is copied.  NULL when out of memory. */
struct imatally_verifier *
imatally_verifier_new(const struct imatally_pcrs *pcrs);
void imatally_verifier_free(struct imatally_verifier *verifier);

/*
 * The PCR that IMA extends there: CONFIG_IMA_MEASURE_PCR_IDX of its kernel, at
 * most IMATALLY_MAX_PCR; IMATALLY_IMA_PCR unless this is called, before anything
 * else.  A log that never extends it is an error: who hands a log over may have
 * invented it, and extended another PCR, such as one that anybody can reset.
 */
#define IMATALLY_IMA_PCR 10
void imatally_verifier_set_pcr(struct imatally_verifier *verifier,
			       uint32_t pcr);

/*
 * pcrUpdateCounter as it was together with the PCR values given.  It judges
 * what comes after the last record.
 */
void imatally_verifier_set_counter(struct imatally_verifier *verifier,
				   uint32_t counter);

/* Free what is in a result, which may be empty. */
void imatally_result_free(struct imatally_result *result);

/*
 * state.c: to verify a growing log, keep a state, and give it to the verifier of
 * the log's next reading: it goes on where the values proved the log, and hashes
 * new entries only.  imatally-state(5) has the format.
 *
 * The log must be the same one with entries appended.  That its beginning still
 * is what it was is not looked at, but for the last entry of the state: what the
 * state covers should be kept, not received again.
 */

/*
 * Go on from a state, if the log allows it: imatally_result tells.  To be called
 * before imatally_verifier_run().  IMATALLY_ERR_MALFORMED if it is none, is
 * damaged, or of a later version.
 */
enum imatally_status
imatally_verifier_set_state(struct imatally_verifier *verifier,
			    const char *state, size_t len,
			    struct imatally_error *err);

/* Ask for a state; to be called before imatally_verifier_run(). */
void imatally_verifier_keep_state(struct imatally_verifier *verifier);

/*
 * The state after imatally_verifier_run(), which is the verifier's; NULL if the
 * values given prove no part of the log.  It ends with the last entry that they
 * prove.
 */
const char *imatally_verifier_state(const struct imatally_verifier *verifier,
				    size_t *len);

/* Called after each entry with their number and the entry's offset. */
typedef void imatally_progress_fn(void *data, uint64_t entries,
				  uint64_t offset);
void imatally_verifier_set_progress(struct imatally_verifier *verifier,
				    imatally_progress_fn *progress, void *data);

/*
 * Read @log from its start to its end, and give the verdict.  @verifier may be
 * NULL: out of memory.  If the replay differs, a log that can seek is read a
 * second time: the first time only one of the kinds of digests that a kernel may
 * extend is tried.  @result is the caller's to free with imatally_result_free(),
 * and only if this succeeded.
 */
enum imatally_status imatally_verifier_run(struct imatally_verifier *verifier,
					   struct imatally_log *log,
					   struct imatally_result *result,
					   struct imatally_error *err);

/* All of it: read @log to its end and judge it against @pcrs. */
enum imatally_status imatally_verify(struct imatally_log *log,
				     const struct imatally_pcrs *pcrs,
				     struct imatally_result *result,
				     struct imatally_error *err);

#ifdef __cplusplus
}
#endif

#endif /* IMATALLY_H */
