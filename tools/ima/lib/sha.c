// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-1 and SHA-2 of short messages in memory, padded here and hashed by
 * libcrypto's SHA*_Update().  For messages of one to three blocks, EVP spends more
 * time on its contexts than on hashing, however it is called; bench/hash_cost.c
 * measures that.  OpenSSL 3.0 deprecates these functions, but has no others
 * without a context.
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

static inline void sha1_start(SHA_CTX *state)
{
	state->h0 = 0x67452301;
	state->h1 = 0xefcdab89;
	state->h2 = 0x98badcfe;
	state->h3 = 0x10325476;
	state->h4 = 0xc3d2e1f0;
	state->Nl = 0;
	state->Nh = 0;
	state->num = 0;
}

static inline void sha1_put(const SHA_CTX *state, uint8_t *digest)
{
	put32(digest, state->h0);
	put32(digest + 4, state->h1);
	put32(digest + 8, state->h2);
	put32(digest + 12, state->h3);
	put32(digest + 16, state->h4);
}

static inline void sha256_start(SHA256_CTX *state)
{
	static const SHA_LONG start[] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(state->h, start, sizeof(start));
	state->Nl = 0;
	state->Nh = 0;
	state->num = 0;
}

static inline void sha256_put(const SHA256_CTX *state, uint8_t *digest)
{
	size_t i;

	for (i = 0; i < 8; i++)
		put32(digest + 4 * i, state->h[i]);
}

static inline void sha512_begin(SHA512_CTX *state, const SHA_LONG64 start[8])
{
	memcpy(state->h, start, sizeof(state->h));
	state->Nl = 0;
	state->Nh = 0;
	state->num = 0;
}

/* SHA-384 is SHA-512 with another start, and cut. */
static inline void sha384_start(SHA512_CTX *state)
{
	static const SHA_LONG64 start[] = {
		0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
		0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
		0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
	};

	sha512_begin(state, start);
}

static inline void sha512_start(SHA512_CTX *state)
{
	static const SHA_LONG64 start[] = {
		0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
		0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
		0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	};

	sha512_begin(state, start);
}

static inline void sha512_put_words(const SHA512_CTX *state, uint8_t *digest,
				    size_t words)
{
	size_t i;

	for (i = 0; i < words; i++)
		put64(digest + 8 * i, state->h[i]);
}

static inline void sha384_put(const SHA512_CTX *state, uint8_t *digest)
{
	sha512_put_words(state, digest, 6);
}

static inline void sha512_put(const SHA512_CTX *state, uint8_t *digest)
{
	sha512_put_words(state, digest, 8);
}

/* The size of a message of @len bytes with its padding. */
#define PADDED(len, block) \
	(((len) + 1 + (block) / 8 + (block) - 1) / (block) * (block))

/*
 * Of whole blocks, SHA*_Update() hashes all at once, and copies nothing.  An
 * extend, PCR = H(PCR || digest), always has the same padding.
 */
#define DEFINE_SHA(name, context, update, size, block)			\
static void name##_hash(const uint8_t *data, size_t len, uint8_t *digest) \
{									\
	size_t whole = len - len % (block);				\
	struct tail tail;						\
	context state;							\
									\
	name##_start(&state);						\
	if (whole)							\
		update(&state, data, whole);				\
	update(&state, tail.data, pad(&tail, data, len, block));	\
	name##_put(&state, digest);					\
}									\
									\
static void name##_extend(uint8_t *value, const uint8_t *digest)	\
{									\
	static const uint8_t padding[PADDED(2 * (size), block) -	\
				     2 * (size)] = {			\
		[0] = 0x80,						\
		[sizeof(padding) - 2] = 16 * (size) >> 8,		\
		[sizeof(padding) - 1] = 16 * (size) & 0xff,		\
	};								\
	uint8_t message[PADDED(2 * (size), block)];			\
	context state;							\
									\
	memcpy(message, value, size);					\
	memcpy(message + (size), digest, size);				\
	memcpy(message + 2 * (size), padding, sizeof(padding));		\
	name##_start(&state);						\
	update(&state, message, sizeof(message));			\
	name##_put(&state, value);					\
}									\
									\
static const struct imatally_sha name##_functions = {			\
	.hash = name##_hash, .extend = name##_extend,			\
}

DEFINE_SHA(sha1, SHA_CTX, SHA1_Update, SHA_DIGEST_LENGTH, SHA_CBLOCK);
DEFINE_SHA(sha256, SHA256_CTX, SHA256_Update, SHA256_DIGEST_LENGTH,
	   SHA256_CBLOCK);
DEFINE_SHA(sha384, SHA512_CTX, SHA384_Update, SHA384_DIGEST_LENGTH,
	   SHA512_CBLOCK);
DEFINE_SHA(sha512, SHA512_CTX, SHA512_Update, SHA512_DIGEST_LENGTH,
	   SHA512_CBLOCK);

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
