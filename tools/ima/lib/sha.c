// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-1 and SHA-2 of short messages in memory, on libcrypto's compression
 * functions.  For messages of one to three blocks, EVP spends more time on its
 * contexts than on hashing, however it is called; bench/hash_cost.c measures
 * that.  OpenSSL 3.0 deprecates these functions, but has no others without a
 * context.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

#include "private.h"

#ifndef OPENSSL_NO_DEPRECATED_3_0

/* The last block or two of a message; before them, room for a whole copy. */
struct tail {
	uint8_t room[SHA512_CBLOCK];
	uint8_t data[2 * SHA512_CBLOCK];
};

/* Copy less than 128 bytes, in two pieces that may overlap. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t len)
{
	if (len >= 64) {
		memcpy(to, from, 64);
		memcpy(to + len - 64, from + len - 64, 64);
	} else if (len >= 32) {
		memcpy(to, from, 32);
		memcpy(to + len - 32, from + len - 32, 32);
	} else {
		memcpy(to, from, len);
	}
}

/*
 * Copy the last, partial block of a message, and pad it: a one bit, zeroes, and
 * the number of bits (FIPS 180-4, section 5.1).  Returns the size, one block or
 * two.  Copies and fills of a constant size are much faster than exact ones.
 */
static inline size_t pad(struct tail *tail, const uint8_t *data, size_t len,
			 size_t block)
{
	size_t left = len % block;
	/* the number of bits has 8 bytes of 64, or 16 of 128 */
	size_t size = left < block - block / 8 ? block : 2 * block;
	uint64_t bits = htobe64((uint64_t)len * 8);
	size_t at;

	/* in pieces, for which GCC needs no slow "rep stos" */
	for (at = 0; at < size; at += 64) {
		memset(tail->data + at, 0, 32);
		memset(tail->data + at + 32, 0, 32);
	}
	if (len >= block)
		memcpy(tail->data + left - block, data + len - block, block);
	else
		copy_short(tail->data, data, left);
	tail->data[left] = 0x80;
	memcpy(tail->data + size - sizeof(bits), &bits, sizeof(bits));
	return size;
}

static inline void put32(uint8_t *out, uint32_t word)
{
	word = htobe32(word);
	memcpy(out, &word, sizeof(word));
}

static inline void put64(uint8_t *out, uint64_t word)
{
	word = htobe64(word);
	memcpy(out, &word, sizeof(word));
}

static inline __attribute__((always_inline)) void
sha1(const uint8_t *data, size_t len, uint8_t *digest)
{
	struct tail tail;
	size_t at, size;
	SHA_CTX state;

	state.h0 = 0x67452301;
	state.h1 = 0xefcdab89;
	state.h2 = 0x98badcfe;
	state.h3 = 0x10325476;
	state.h4 = 0xc3d2e1f0;
	for (at = 0; len - at >= SHA_CBLOCK; at += SHA_CBLOCK)
		SHA1_Transform(&state, data + at);
	size = pad(&tail, data, len, SHA_CBLOCK);
	for (at = 0; at < size; at += SHA_CBLOCK)
		SHA1_Transform(&state, tail.data + at);
	put32(digest, state.h0);
	put32(digest + 4, state.h1);
	put32(digest + 8, state.h2);
	put32(digest + 12, state.h3);
	put32(digest + 16, state.h4);
}

static inline __attribute__((always_inline)) void
sha256(const uint8_t *data, size_t len, uint8_t *digest)
{
	static const SHA_LONG start[] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};
	struct tail tail;
	size_t at, size;
	SHA256_CTX state;

	memcpy(state.h, start, sizeof(start));
	for (at = 0; len - at >= SHA256_CBLOCK; at += SHA256_CBLOCK)
		SHA256_Transform(&state, data + at);
	size = pad(&tail, data, len, SHA256_CBLOCK);
	for (at = 0; at < size; at += SHA256_CBLOCK)
		SHA256_Transform(&state, tail.data + at);
	for (at = 0; at < 8; at += 4) {
		put32(digest + 4 * at, state.h[at]);
		put32(digest + 4 * at + 4, state.h[at + 1]);
		put32(digest + 4 * at + 8, state.h[at + 2]);
		put32(digest + 4 * at + 12, state.h[at + 3]);
	}
}

/* SHA-384 is SHA-512 with another start, and cut. */
static inline void sha512_from(const uint64_t start[8], const uint8_t *data,
			       size_t len, uint8_t *digest, size_t words)
{
	struct tail tail;
	size_t at, size;
	SHA512_CTX state;

	for (at = 0; at < 8; at++)
		state.h[at] = start[at];
	for (at = 0; len - at >= SHA512_CBLOCK; at += SHA512_CBLOCK)
		SHA512_Transform(&state, data + at);
	size = pad(&tail, data, len, SHA512_CBLOCK);
	for (at = 0; at < size; at += SHA512_CBLOCK)
		SHA512_Transform(&state, tail.data + at);
	for (at = 0; at < words; at++)
		put64(digest + 8 * at, state.h[at]);
}

static inline __attribute__((always_inline)) void
sha384(const uint8_t *data, size_t len, uint8_t *digest)
{
	static const uint64_t start[] = {
		0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
		0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
		0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
	};

	sha512_from(start, data, len, digest, 6);
}

static inline __attribute__((always_inline)) void
sha512(const uint8_t *data, size_t len, uint8_t *digest)
{
	static const uint64_t start[] = {
		0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
		0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
		0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	};

	sha512_from(start, data, len, digest, 8);
}

/*
 * PCR = H(PCR || digest).  As the compiler knows the length, it has the padding
 * ready.
 */
#define DEFINE_SHA(name, size)						\
static void name##_hash(const uint8_t *data, size_t len, uint8_t *digest) \
{									\
	name(data, len, digest);					\
}									\
									\
static void name##_extend(uint8_t *value, const uint8_t *digest)	\
{									\
	uint8_t both[2 * (size)];					\
									\
	memcpy(both, value, size);					\
	memcpy(both + (size), digest, size);				\
	name(both, sizeof(both), value);				\
}									\
									\
static const struct imatally_sha name##_functions = {			\
	.hash = name##_hash, .extend = name##_extend,			\
}

DEFINE_SHA(sha1, SHA_DIGEST_LENGTH);
DEFINE_SHA(sha256, SHA256_DIGEST_LENGTH);
DEFINE_SHA(sha384, SHA384_DIGEST_LENGTH);
DEFINE_SHA(sha512, SHA512_DIGEST_LENGTH);

const struct imatally_sha *imatally_sha(uint16_t alg)
{
	switch (alg) {
	case IMATALLY_ALG_SHA1:
		return &sha1_functions;
	case IMATALLY_ALG_SHA256:
		return &sha256_functions;
	case IMATALLY_ALG_SHA384:
		return &sha384_functions;
	case IMATALLY_ALG_SHA512:
		return &sha512_functions;
	default:
		return NULL;
	}
}

#else /* a libcrypto without deprecated functions */

const struct imatally_sha *imatally_sha(uint16_t alg)
{
	(void)alg;
	return NULL;
}

#endif
