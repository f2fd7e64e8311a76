/* SPDX-License-Identifier: GPL-2.0-only */
/* Declarations shared by the modules of the library. */
#ifndef IMATALLY_PRIVATE_H
#define IMATALLY_PRIVATE_H

#include <openssl/evp.h>
#include <string.h>

#include "array_size.h"
#include "imatally.h"

/* Return whether the @len bytes at @text equal @word. */
static inline bool imatally_is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(text, word, len);
}

/* error.c */
enum imatally_status imatally_fail(struct imatally_error *err,
				   enum imatally_status status, const char *fmt,
				   ...) __attribute__((format(printf, 3, 4)));
/* Like imatally_fail(), at a place in the list. */
enum imatally_status imatally_fail_at(struct imatally_error *err,
				      enum imatally_status status,
				      uint64_t entry, uint64_t offset,
				      const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * Copy @len bytes to @out, a buffer of @size bytes, so that they can be printed
 * safely: everything but printable ASCII is replaced by '?', and what does not
 * fit is cut off.  Returns @out.
 */
const char *imatally_printable(char *out, size_t size, const void *in,
			       size_t len);

/* hex.c */
/* Return the value of a hexadecimal digit, or -1. */
int imatally_hex_digit(char c);
/* Decode 2 * @size digits.  False if there is another character. */
bool imatally_hex_decode(uint8_t *out, size_t size, const char *digits);

/* alg.c */
/* Return the digest size in bytes, or 0 if the algorithm is not known. */
size_t imatally_alg_size(uint16_t alg);

/* NULL if libcrypto does not have it.  To be freed with EVP_MD_free(). */
EVP_MD *imatally_alg_fetch(uint16_t alg);

/*
 * Return whether what was signed or named by a digest of this algorithm can be
 * relied on.  Not for SHA-1: whoever chooses part of what is hashed can prepare
 * two inputs with the same digest.
 */
bool imatally_alg_is_trusted(uint16_t alg);

/* sha.c */
struct imatally_sha {
	/* @digest may overlap @data. */
	void (*hash)(const uint8_t *data, size_t len, uint8_t *digest);
	void (*extend)(uint8_t *value, const uint8_t *digest);
};

/* NULL if @alg is left to EVP. */
const struct imatally_sha *imatally_sha(uint16_t alg);

/* hash.c */
/*
 * An algorithm, prepared for hashing.  Not to be used by two threads at once.
 */
struct imatally_hash {
	const struct imatally_sha *sha;	/* NULL to use EVP */
	EVP_MD *md;
	EVP_MD_CTX *initialized, *ctx;
	size_t size;		/* of a digest in bytes; 0 if not prepared */
};

/*
 * IMATALLY_ERR_CRYPTO if libcrypto does not have the algorithm, IMATALLY_ERR_NOMEM
 * if it fails otherwise, which it only does when out of memory.  Then there is
 * nothing to free.
 */
enum imatally_status imatally_hash_init(struct imatally_hash *hash,
					uint16_t alg);
void imatally_hash_free(struct imatally_hash *hash);
/* With EVP, for the two functions below. */
bool imatally_hash_evp(const struct imatally_hash *hash, const void *data,
		       size_t len, uint8_t *digest);
bool imatally_extend_evp(const struct imatally_hash *hash, uint8_t *value,
			 const uint8_t *digest);

/* @digest may overlap @data.  False if libcrypto fails. */
static inline bool imatally_hash(const struct imatally_hash *hash,
				 const void *data, size_t len, uint8_t *digest)
{
	if (!hash->sha)
		return imatally_hash_evp(hash, data, len, digest);
	hash->sha->hash(data, len, digest);
	return true;
}

/* PCR = H(PCR || digest) (TPM 2.0 Part 1, section 17.2 "Extend of a PCR") */
static inline bool imatally_extend(const struct imatally_hash *hash,
				   uint8_t *value, const uint8_t *digest)
{
	if (!hash->sha)
		return imatally_extend_evp(hash, value, digest);
	hash->sha->extend(value, digest);
	return true;
}

/* digest.c */
/* IMA_EVENT_NAME_LEN_MAX: the maximum length of a name in template "ima" */
#define IMATALLY_MAX_IMA_NAME 255

/* Compute the template digest with @hash.  False if libcrypto fails. */
bool imatally_hash_entry(const struct imatally_hash *hash,
			 const struct imatally_entry *entry, uint8_t *digest);

/* Checks template digests of all supported lengths. */
struct imatally_digester;

/* NULL if out of memory. */
struct imatally_digester *imatally_digester_new(void);
void imatally_digester_free(struct imatally_digester *digester);

/*
 * Check whether the entry's template digest is the digest of its data, by any
 * algorithm with digests of that length or as zero-padded SHA-1.  Returns 1 if
 * it is, 0 if not, -1 if libcrypto fails.
 */
int imatally_digester_check(struct imatally_digester *digester,
			    const struct imatally_entry *entry);

/* entry.c */
/*
 * Return whether a field of the entry is the event name @name, whatever the
 * field is called: no digest covers the name of the template, from which the
 * names of the fields follow, so an attacker can change it.
 */
bool imatally_entry_is_named(const struct imatally_entry *entry,
			     const char *name);

/* trail.c */
#define IMATALLY_MAX_LEFT_OUT 16

/* Entries that were never extended */
struct imatally_left_out {
	unsigned int nr;
	uint64_t index[IMATALLY_MAX_LEFT_OUT];
};

enum imatally_search {
	IMATALLY_SEARCH_FOUND,
	IMATALLY_SEARCH_NONE,
	IMATALLY_SEARCH_GIVEN_UP,	/* too many entries, failures or attempts */
};

/*
 * What a kernel extends into a bank: the bank's own digests, or padded SHA-1.
 */
enum mode { MODE_OWN, MODE_PADDED, NR_MODES };

/*
 * The digests extended into one PCR of one bank since its last known value, for
 * each mode that is possible.  A mode is NULL where it is not.
 */
struct imatally_trail;

/* Starts with a PCR of zeroes.  @hash must outlive the trail. */
struct imatally_trail *imatally_trail_new(const struct imatally_hash *hash);
void imatally_trail_free(struct imatally_trail *trail);
void imatally_trail_restart(struct imatally_trail *trail,
			    const uint8_t *const value[NR_MODES]);
/* Extends are missing here: a search is not possible until a restart. */
void imatally_trail_lose(struct imatally_trail *trail);
void imatally_trail_add(struct imatally_trail *trail, uint64_t index,
			const uint8_t *const digest[NR_MODES]);

/*
 * Find the smallest set of at most @at_most entries without which the PCR has
 * the value @goal.  The total time of all searches in a trail is limited.
 */
enum imatally_search imatally_trail_search(struct imatally_trail *trail,
					   const uint8_t *goal,
					   uint64_t at_most,
					   struct imatally_left_out *left_out);

/* finding.c */
/* @kind must be one of enum imatally_kind. */
enum imatally_severity imatally_kind_severity(enum imatally_kind kind);
/* False if no kind is called @name. */
bool imatally_kind_from_name(const char *name, enum imatally_kind *kind);

#endif /* IMATALLY_PRIVATE_H */
