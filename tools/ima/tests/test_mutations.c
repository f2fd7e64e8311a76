// SPDX-License-Identifier: GPL-2.0-only
/*
 * More than 100,000 mutations of a real list: every change of what was measured
 * is detected, and deletions between records are counted and located.
 *
 * An entry measures its PCR and its template data, a violation only its PCR.
 * No digest covers the name of the template, and the PCR values do not prove
 * the entries after them.  Only changes of these may go undetected.
 */

#include <openssl/evp.h>

#include "test.h"

#define VECTOR "vectors/two-kernels/"
#define PROVED 24	/* entries covered by the PCR values */
#define ENTRIES 25
#define ROOM 16384

struct list {
	size_t len;
	uint8_t bytes[ROOM];
};

static struct list original, mutant;
static size_t start[ENTRIES + 1];	/* of the entries in @original */
static struct imatally_pcrs pcrs;
static struct imatally_result result;
static unsigned long tried, passed;

/* The mutations are the same in every run. */
static uint32_t random_below(uint32_t end)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % end;
}

static size_t slurp(const char *path, void *buf, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	assert_non_null(file);
	len = fread(buf, 1, size, file);
	assert_true(len < size);
	fclose(file);
	return len;
}

static int setup(void **state)
{
	struct imatally_entry entry;
	struct imatally_error err;
	struct imatally_log *log;
	static char text[8192];
	size_t len;

	(void)state;
	original.len = slurp(VECTOR "list", original.bytes, ROOM);
	len = slurp(VECTOR "pcrs", text, sizeof(text));
	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, text, len, &err), 0);
	log = imatally_log_open_buffer(original.bytes, original.len);
	while (imatally_log_next(log, &entry, &err) > 0)
		start[entry.index] = entry.offset;
	imatally_log_close(log);
	start[ENTRIES] = original.len;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	imatally_pcrs_free(&pcrs);
	imatally_result_free(&result);
	print_message("%lu mutations\n", tried);
	return 0;
}

static bool verify(const struct list *list)
{
	struct imatally_log *log =
		imatally_log_open_buffer(list->bytes, list->len);
	struct imatally_error err;
	bool judged;

	imatally_result_free(&result);
	judged = !imatally_verify(log, &pcrs, &result, &err);
	imatally_log_close(log);
	return judged;
}

static void sha1(const struct imatally_entry *entry, uint8_t *digest)
{
	assert_true(EVP_Digest(entry->data, entry->data_len, digest, NULL,
			       EVP_sha1(), NULL));
}

/* Return whether the entries covered by the PCR values measure the same. */
static bool measured_the_same(const struct list *list)
{
	struct imatally_log *a, *b;
	struct imatally_entry x, y;
	struct imatally_error err;
	uint8_t digest[20];
	bool same = true;
	unsigned int i;

	a = imatally_log_open_buffer(original.bytes, original.len);
	b = imatally_log_open_buffer(list->bytes, list->len);
	for (i = 0; i < PROVED && same; i++) {
		imatally_log_next(a, &x, &err);
		same = imatally_log_next(b, &y, &err) > 0 && x.pcr == y.pcr &&
		       !memcmp(x.digest, y.digest, sizeof(digest));
		if (!same || imatally_entry_is_violation(&x))
			continue;
		same = x.data_len == y.data_len &&
		       !memcmp(x.data, y.data, x.data_len);
	}
	imatally_log_close(a);
	imatally_log_close(b);
	return same;
}

/* The mutation must be detected, unless the entries measure the same. */
static void try_mutant(const char *kind)
{
	bool judged = verify(&mutant);

	tried++;
	if (!judged || (result.verdict != IMATALLY_COMPLETE &&
			result.verdict != IMATALLY_COMPLETE_NOT_COUNTED))
		return;
	passed++;
	if (!measured_the_same(&mutant))
		fail_msg("mutation %lu, %s, is %s", tried, kind, "not seen");
}

/* Parts of a mutant */

static void put(const void *bytes, size_t len)
{
	assert_true(mutant.len + len <= ROOM);
	memcpy(mutant.bytes + mutant.len, bytes, len);
	mutant.len += len;
}

static void put_entries(unsigned int from, unsigned int to)
{
	put(original.bytes + start[from], start[to] - start[from]);
}

/* Correct the template digest of the entry that starts at @at. */
static void mend(size_t at)
{
	struct imatally_log *log = imatally_log_open_buffer(
		mutant.bytes + at, mutant.len - at);
	struct imatally_entry entry;
	struct imatally_error err;

	if (imatally_log_next(log, &entry, &err) > 0 &&
	    !imatally_entry_is_violation(&entry))
		sha1(&entry, mutant.bytes + at + 4);
	imatally_log_close(log);
}

static void the_list_itself_is_complete(void **state)
{
	(void)state;
	assert_true(verify(&original));
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
	assert_int_equal(result.entries, ENTRIES);
	assert_int_equal(result.tail, ENTRIES - PROVED);
	assert_int_equal(result.records, 6);
	assert_false(result.has_findings);
	assert_true(measured_the_same(&original));
}

static void every_bit_flipped(void **state)
{
	size_t bit;

	(void)state;
	passed = 0;
	mutant = original;
	for (bit = 0; bit < 8 * original.len; bit++) {
		mutant.bytes[bit / 8] ^= 1 << bit % 8;
		try_mutant("a bit");
		mutant.bytes[bit / 8] ^= 1 << bit % 8;
	}
	/* data of the violation, and the last entry */
	print_message("%lu of %zu bits are in no digest\n", passed, bit);
}

/* Every bit of the template data, with a correct template digest. */
static void every_bit_forged(void **state)
{
	unsigned int i;
	size_t at;
	int bit;

	(void)state;
	for (i = 0; i < PROVED; i++) {
		for (at = start[i] + 34; at < start[i + 1]; at++) {
			for (bit = 0; bit < 8; bit++) {
				mutant = original;
				mutant.bytes[at] ^= 1 << bit;
				mend(start[i]);
				try_mutant("a forged bit");
			}
		}
	}
}

/* Replace each digit of a record by each other digit. */
static void every_digit_of_the_records(void **state)
{
	unsigned int i;
	size_t at;
	char c;

	(void)state;
	for (i = 0; i < PROVED; i++) {
		const char *name = (char *)original.bytes + start[i] + 28;

		if (memcmp(name, "ima-buf", 7))
			continue;
		for (at = start[i] + 39; at < start[i + 1]; at++) {
			for (c = '0'; c <= '9'; c++) {
				mutant = original;
				if (mutant.bytes[at] < '0' ||
				    mutant.bytes[at] > '9' ||
				    mutant.bytes[at] == c)
					continue;
				mutant.bytes[at] = c;
				mend(start[i]);
				try_mutant("a digit of a record");
			}
		}
	}
}

static void cut_at_every_byte(void **state)
{
	(void)state;
	for (mutant = original; mutant.len-- > 0;)
		try_mutant("cut");
}

static void entries_deleted(void **state)
{
	unsigned int from, to;

	(void)state;
	for (from = 0; from < PROVED; from++) {
		for (to = from + 1; to <= ENTRIES; to++) {
			mutant.len = 0;
			put_entries(0, from);
			put_entries(to, ENTRIES);
			try_mutant("a deletion");
		}
	}
}

static void entries_copied_and_moved(void **state)
{
	unsigned int which, where;

	(void)state;
	for (which = 0; which < ENTRIES; which++) {
		for (where = 0; where <= ENTRIES; where++) {
			mutant.len = 0;
			put_entries(0, where);
			put_entries(which, which + 1);
			put_entries(where, ENTRIES);
			try_mutant("a copy");

			mutant.len = 0;
			if (where <= which) {
				put_entries(0, where);
				put_entries(which, which + 1);
				put_entries(where, which);
				put_entries(which + 1, ENTRIES);
			} else {
				put_entries(0, which);
				put_entries(which + 1, where);
				put_entries(which, which + 1);
				put_entries(where, ENTRIES);
			}
			try_mutant("a move");
		}
	}
}

static void entries_swapped(void **state)
{
	unsigned int a, b;

	(void)state;
	for (a = 0; a < ENTRIES; a++) {
		for (b = a + 1; b < ENTRIES; b++) {
			mutant.len = 0;
			put_entries(0, a);
			put_entries(b, b + 1);
			put_entries(a + 1, b);
			put_entries(a, a + 1);
			put_entries(b + 1, ENTRIES);
			try_mutant("a swap");
		}
	}
}

/* An entry with another name and a correct digest, at any place. */
static void entries_inserted(void **state)
{
	unsigned int like, where;

	(void)state;
	for (like = 0; like < ENTRIES; like++) {
		for (where = 0; where < PROVED; where++) {
			size_t at;

			mutant.len = 0;
			put_entries(0, where);
			at = mutant.len;
			put_entries(like, like + 1);
			/* in the digest field */
			mutant.bytes[mutant.len - 30] ^= 1;
			mend(at);
			put_entries(where, ENTRIES);
			try_mutant("an insertion");
		}
	}
}

/* Several mutations at once */
static void at_random(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 40000; n++) {
		unsigned int changes = 1 + random_below(4);
		unsigned int i = random_below(ENTRIES);

		mutant.len = 0;
		if (random_below(2)) {
			put_entries(0, i);
			put_entries(i + random_below(ENTRIES - i), ENTRIES);
		} else {
			put_entries(0, ENTRIES);
		}
		while (changes--) {
			size_t at = random_below(mutant.len);

			mutant.bytes[at] = random_below(256);
		}
		for (i = 0; i < ENTRIES; i++)
			if (random_below(2) && start[i] + 34 < mutant.len)
				mend(start[i]);
		try_mutant("something at random");
	}
}

static void there_were_a_hundred_thousand(void **state)
{
	(void)state;
	assert_true(tried >= 100000);
}

/* Entries, including records, between two records of the same kernel */
static void deletions_are_counted_and_located(void **state)
{
	static const struct {
		unsigned int first, last;	/* records of the same kernel */
	} kernels[] = { { 1, 15 }, { 17, 21 } };
	static const unsigned int records[] = { 1, 8, 13, 15, 17, 21 };
	unsigned int k, from, to, before, after, i;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(kernels); k++) {
		for (from = kernels[k].first + 1; from < kernels[k].last;
		     from++) {
			for (to = from + 1; to <= kernels[k].last; to++) {
				const struct imatally_finding *lost;

				mutant.len = 0;
				put_entries(0, from);
				put_entries(to, ENTRIES);
				assert_true(verify(&mutant));
				assert_int_equal(result.verdict,
						 IMATALLY_INCOMPLETE);
				assert_int_equal(result.lost, to - from);
				for (i = 0; records[i] < to; i++)
					;
				after = records[i];
				for (i = 0; records[i] < from; i++)
					before = records[i];
				lost = result.finding;
				assert_int_equal(lost->kind, IMATALLY_LOST);
				assert_int_equal(lost->count, to - from);
				assert_int_equal(lost->from.index, before);
				assert_int_equal(lost->to.index,
						 after - (to - from));
				assert_false(lost->by_counter);
			}
		}
	}
}

/* The data of a violation can be changed, but is not taken for a record. */
static void a_violation_is_no_record(void **state)
{
	const unsigned int violation = 11, record = 8;
	size_t at, i;

	(void)state;
	for (i = 0; i <= record; i += record) {
		mutant.len = 0;
		put_entries(0, violation);
		at = mutant.len;
		put_entries(i, i + 1);
		memset(mutant.bytes + at + 4, 0, 20);
		put_entries(violation + 1, ENTRIES);
		assert_true(verify(&mutant));
		assert_int_equal(result.verdict, IMATALLY_COMPLETE);
		assert_int_equal(result.records, 6);
		assert_int_equal(result.kernels, 2);
	}
	assert_int_equal(result.finding[0].kind, IMATALLY_FOREIGN);
}

/* Renaming a template, which no digest covers, does not hide a record. */
static void a_record_of_another_template_is_one(void **state)
{
	(void)state;
	mutant = original;
	memcpy(mutant.bytes + start[8] + 28, "ima-sig", 7);
	assert_true(verify(&mutant));
	assert_int_equal(result.records, 6);
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_itself_is_complete),
		cmocka_unit_test(every_bit_flipped),
		cmocka_unit_test(every_bit_forged),
		cmocka_unit_test(every_digit_of_the_records),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(entries_deleted),
		cmocka_unit_test(entries_copied_and_moved),
		cmocka_unit_test(entries_swapped),
		cmocka_unit_test(entries_inserted),
		cmocka_unit_test(at_random),
		cmocka_unit_test(there_were_a_hundred_thousand),
		cmocka_unit_test(deletions_are_counted_and_located),
		cmocka_unit_test(a_violation_is_no_record),
		cmocka_unit_test(a_record_of_another_template_is_one),
	};

	return cmocka_run_group_tests_name("mutations", tests, setup, teardown);
}
