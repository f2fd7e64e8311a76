// SPDX-License-Identifier: GPL-2.0-only
/* The replay of a machine's list leads to the PCRs of the machine. */

#include "../lib/replay.h"
#include "mklog.h"
#include "test.h"

static uint16_t alg_of(const struct machine_bank *bank)
{
	return imatally_alg_from_name(bank->alg, strlen(bank->alg));
}

static struct imatally_bank_value value_of(const struct machine_bank *bank,
					   uint32_t pcr)
{
	struct imatally_bank_value value = { .alg = alg_of(bank),
					     .len = bank->size };

	memcpy(value.value, bank->pcr[pcr], bank->size);
	return value;
}

static void extend_all(struct imatally_replay *replay, const struct machine *m,
		       unsigned int *altered)
{
	struct imatally_log *log = imatally_log_open_buffer(m->log, m->len);
	struct imatally_entry entry;
	struct imatally_error err;
	bool is_altered;

	*altered = 0;
	while (imatally_log_next(log, &entry, &err) > 0) {
		assert_int_equal(imatally_replay_extend(replay, &entry,
							&is_altered),
				 IMATALLY_OK);
		*altered += is_altered;
	}
	imatally_log_close(log);
}

static struct imatally_replay *replay_of(const struct machine *m)
{
	struct imatally_replay *replay = imatally_replay_new();
	unsigned int i, altered;

	for (i = 0; i < m->nr_banks; i++)
		assert_int_equal(imatally_replay_add_bank(replay,
							  alg_of(&m->bank[i]),
							  true), IMATALLY_OK);
	extend_all(replay, m, &altered);
	assert_int_equal(altered, 0);
	return replay;
}

static void expect_pcr(const struct imatally_replay *replay,
		       const struct machine *m, uint32_t pcr,
		       enum imatally_match match)
{
	unsigned int i;

	for (i = 0; i < m->nr_banks; i++) {
		struct imatally_bank_value value = value_of(&m->bank[i], pcr);

		assert_int_equal(imatally_replay_compare(replay, pcr, &value),
				 match);
	}
}

/* Entries of all kinds */
static void fill(struct machine *m)
{
	static const struct machine_field ima[] = {
		{ "twenty bytes as SHA1", 20 }, { "/sbin/init", 11 },
	};
	static const struct machine_field custom[] = {
		{ "sha1:\0twenty bytes as SHA1", 26 }, { "/sbin/init", 11 },
		{ "", 0 }, { "\0\0\0\0", 4 },
	};

	machine_boot(m, true);
	machine_add(m, 10, "ima", ima, 2);
	machine_add(m, 10, "d-ng|n-ng|sig|iuid", custom, 4);
	machine_violation(m);
	machine_measure(m, 3);
	machine_measure_as(m, 11, "/into/another/pcr");
	machine_record(m, "request");
}

static void reaches_the_pcrs_of_one_two_and_four_banks(void **state)
{
	static const struct {
		unsigned int nr;
		const char *only;
	} banks[] = { { 1, NULL }, { 2, NULL }, { 4, NULL }, { 4, "sha256" },
		      { 4, "sha512" } };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(banks); i++) {
		struct imatally_replay *replay;
		struct machine m;

		machine_init(&m, banks[i].nr, banks[i].only);
		fill(&m);
		replay = replay_of(&m);
		expect_pcr(replay, &m, 10, IMATALLY_MATCH_SAME);
		expect_pcr(replay, &m, 11, IMATALLY_MATCH_SAME);
		machine_measure(&m, 1);
		expect_pcr(replay, &m, 10, IMATALLY_MATCH_DIFFERENT);
		imatally_replay_free(replay);
		machine_free(&m);
	}
}

static void padded_sha1_where_the_kernel_lacks_the_algorithm(void **state)
{
	struct imatally_bank_value sha256, sha384;
	struct imatally_replay *replay;
	unsigned int altered;
	struct machine m;

	(void)state;
	machine_init(&m, 3, NULL);
	m.bank[2].padded = true;
	fill(&m);
	replay = replay_of(&m);
	expect_pcr(replay, &m, 10, IMATALLY_MATCH_SAME);
	sha256 = value_of(&m.bank[1], 10);
	sha384 = value_of(&m.bank[2], 10);
	assert_false(imatally_replay_settle(replay, 10, &sha256));
	assert_true(imatally_replay_settle(replay, 10, &sha384));

	/* the next kernel has it */
	imatally_replay_new_kernel(replay);
	m.bank[2].padded = false;
	m.len = m.nr_entries = 0;
	machine_measure(&m, 2);
	extend_all(replay, &m, &altered);
	expect_pcr(replay, &m, 10, IMATALLY_MATCH_SAME);
	sha384 = value_of(&m.bank[2], 10);
	assert_false(imatally_replay_settle(replay, 10, &sha384));

	/* once known, it cannot change for this kernel */
	m.bank[2].padded = true;
	m.len = m.nr_entries = 0;
	machine_measure(&m, 1);
	extend_all(replay, &m, &altered);
	sha384 = value_of(&m.bank[2], 10);
	assert_int_equal(imatally_replay_compare(replay, 10, &sha384),
			 IMATALLY_MATCH_DIFFERENT);
	imatally_replay_free(replay);
	machine_free(&m);
}

static void a_digest_that_is_not_its_datas_is_seen(void **state)
{
	struct imatally_replay *replay = imatally_replay_new();
	unsigned int altered;
	struct machine m;

	(void)state;
	machine_init(&m, 1, NULL);
	fill(&m);
	m.log[m.start[2] + 4] ^= 1;	/* the digest of an entry */
	m.log[m.start[6] - 2] ^= 1;	/* the name of another entry */
	extend_all(replay, &m, &altered);
	assert_int_equal(altered, 2);
	imatally_replay_free(replay);
	machine_free(&m);
}

static void restarts_from_a_true_value(void **state)
{
	struct imatally_bank_value value;
	struct imatally_replay *replay;
	unsigned int altered;
	struct machine m;

	(void)state;
	machine_init(&m, 2, NULL);
	fill(&m);
	replay = replay_of(&m);
	machine_measure(&m, 2);		/* an entry that is not replayed */
	imatally_replay_forget(replay);
	expect_pcr(replay, &m, 10, IMATALLY_MATCH_UNKNOWN);
	value = value_of(&m.bank[1], 10);
	imatally_replay_restart(replay, 10, &value);
	m.len = m.nr_entries = 0;
	machine_measure(&m, 2);
	extend_all(replay, &m, &altered);
	value = value_of(&m.bank[1], 10);
	assert_int_equal(imatally_replay_compare(replay, 10, &value),
			 IMATALLY_MATCH_SAME);
	value = value_of(&m.bank[0], 10);
	assert_int_equal(imatally_replay_compare(replay, 10, &value),
			 IMATALLY_MATCH_UNKNOWN);
	imatally_replay_free(replay);
	machine_free(&m);
}

static void unknown_banks_are_refused(void **state)
{
	struct imatally_replay *replay = imatally_replay_new();

	(void)state;
	assert_int_equal(imatally_replay_add_bank(replay, 0x7777, true),
			 IMATALLY_ERR_CRYPTO);
	assert_int_equal(imatally_replay_add_bank(replay, IMATALLY_ALG_SM3_256,
						  true), IMATALLY_OK);
	assert_true(imatally_replay_has_bank(replay, IMATALLY_ALG_SM3_256));
	assert_false(imatally_replay_has_bank(replay, 0x7777));
	imatally_replay_free(replay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reaches_the_pcrs_of_one_two_and_four_banks),
		cmocka_unit_test(padded_sha1_where_the_kernel_lacks_the_algorithm),
		cmocka_unit_test(a_digest_that_is_not_its_datas_is_seen),
		cmocka_unit_test(restarts_from_a_true_value),
		cmocka_unit_test(unknown_banks_are_refused),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
