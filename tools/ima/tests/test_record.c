// SPDX-License-Identifier: GPL-2.0-only
/* The grammar of the record. */

#include "mklog.h"
#include "test.h"

#define H20 "00112233445566778899aabbccddeeff01234567"
#define H32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define V0 "version=0;event=boot;"
#define V0C V0 "pcrUpdateCounter=29;"
#define V1 "version=1;event=policy;pcrUpdateCounter=29;updates=9;uncertain=0;" \
	   "banks=2;step=2;entries=5;carried=1;trimmed=0;extends=4;failed=0;" \
	   "dropped=0;protected=1;"
#define PCR "pcr=10:sha1:" H20 ",sha256:" H32 ";"

static enum imatally_status parse(const char *text, struct imatally_record *rec,
				  struct imatally_error *err)
{
	/* in a separate allocation, so that sanitizers detect an overrun */
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);
	enum imatally_status status;

	memcpy(copy, text, len);
	status = imatally_record_parse(rec, copy, len, err);
	free(copy);
	return status;
}

static void takes_version_0(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;

	(void)state;
	assert_int_equal(parse("version=0;event=boot;pcrUpdateCounter=4294967295;"
			       "banks=2;entries=1;carried=0;extends=1;failed=0;"
			       PCR, &rec, &err), IMATALLY_OK);
	assert_int_equal(rec.event, IMATALLY_EVENT_BOOT);
	assert_int_equal(rec.value[IMATALLY_KEY_COUNTER], 4294967295);
	assert_int_equal(rec.value[IMATALLY_KEY_BANKS], 2);
	assert_int_equal(rec.value[IMATALLY_KEY_EXTENDS], 1);
	assert_true(imatally_record_has(&rec, IMATALLY_KEY_CARRIED));
	assert_false(imatally_record_has(&rec, IMATALLY_KEY_UPDATES));
	assert_int_equal(rec.pcr, 10);
	assert_int_equal(rec.nr_banks, 2);
	assert_int_equal(rec.bank[0].alg, IMATALLY_ALG_SHA1);
	assert_int_equal(rec.bank[1].alg, IMATALLY_ALG_SHA256);
	assert_int_equal(rec.bank[1].len, 32);
	assert_int_equal(rec.bank[1].value[31], 0xff);
}

static void takes_version_1(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;

	(void)state;
	assert_int_equal(parse(V1 PCR, &rec, &err), IMATALLY_OK);
	assert_int_equal(rec.event, IMATALLY_EVENT_POLICY);
	assert_int_equal(rec.value[IMATALLY_KEY_UPDATES], 9);
	assert_int_equal(rec.value[IMATALLY_KEY_PROTECTED], 1);
}

static void takes_what_the_machine_of_these_tests_writes(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;
	struct machine m;
	char text[2048];

	(void)state;
	machine_init(&m, 4, NULL);
	for (m.version = 0; m.version < 2; m.version++) {
		m.tpm_error = NULL;
		text[machine_record_text(&m, "resume", text, sizeof(text))] = 0;
		assert_int_equal(parse(text, &rec, &err), IMATALLY_OK);
		assert_int_equal(rec.nr_banks, 4);
		m.tpm_error = "EIO";
		text[machine_record_text(&m, "resume", text, sizeof(text))] = 0;
		assert_int_equal(parse(text, &rec, &err), IMATALLY_OK);
		assert_string_equal(rec.error, "EIO");
		assert_int_equal(rec.nr_banks, 0);
	}
	machine_free(&m);
}

static void takes_these(void **state)
{
	static const char *const good[] = {
		V0C,
		V0 "error=ENODEV;",
		V0 "error=E2BIG;",
		V0C "pcr=0:sha1:" H20 ";",
		V0C "pcr=23:sm3:" H32 ";",
		V0C "pcr=10:0x0027:" H32 ",0x7777:00;",
		V0C "entries=1099511627776;",
		"version=1;event=boot;error=ENODEV;entries=5;carried=1;"
		"trimmed=0;extends=4;failed=0;dropped=0;",
		"version=1;event=boot;error=EIO;updates=1;uncertain=1;banks=1;"
		"step=1;entries=5;carried=1;trimmed=0;extends=4;failed=0;"
		"dropped=0;protected=0;",
	};
	struct imatally_record rec;
	struct imatally_error err;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (parse(good[i], &rec, &err))
			fail_msg("%s: %s", good[i], err.text);
}

static void refuses_these_and_says_where(void **state)
{
	static const struct {
		const char *text, *about;
		unsigned int offset;
	} bad[] = {
		{ "", "key event is missing", 0 },
		{ ";", "key=value", 0 },
		{ "event=boot;version=0;", "the first key is not version", 0 },
		{ "version=0", "';'", 9 },
		{ V0C "banks=2", "';'", 48 },
		{ V0C "\n", "';'", 42 },
		{ "version=0;", "key event is missing", 10 },
		{ V0, "key pcrUpdateCounter is missing", 21 },
		{ "version=0;version=0;event=boot;", "duplicate key version", 10 },
		{ V0C "banks=2;banks=2;", "duplicate key banks", 49 },
		{ V0C "entries=1;banks=2;", "key banks is out of order", 51 },
		{ V0C "error=EIO;", "both pcrUpdateCounter and error", 41 },
		{ V0 "error=EIO;pcrUpdateCounter=1;", "out of order", 31 },
		{ V0 "error=EIO;" PCR, "both error and pcr", 151 },
		{ V0 "error=;", "errno", 27 },
		{ V0 "error=eio;", "errno", 27 },
		{ V0 "error=-5;", "errno", 27 },
		{ V0 "error=EVERYMUCHTOOLONGANAMETHIS;", "errno", 27 },
		{ "version=0;event=kexec;", "unknown event", 16 },
		{ "version=0;event=;", "unknown event", 16 },
		{ "version=0;event=boots;", "unknown event", 16 },
		{ "version=;", "version: not a decimal", 8 },
		{ "version=-1;", "version: not a decimal", 8 },
		{ "version=65536;", "version: not a decimal", 8 },
		{ V0 "pcrUpdateCounter=4294967296;", "not a decimal", 38 },
		{ V0 "pcrUpdateCounter=029;", "not a decimal", 38 },
		{ V0 "pcrUpdateCounter=+29;", "not a decimal", 38 },
		{ V0 "pcrUpdateCounter= 29;", "not a decimal", 38 },
		{ V0 "pcrUpdateCounter=0x29;", "not a decimal", 38 },
		{ V0 "pcrUpdateCounter=29 ;", "not a decimal", 38 },
		{ V0 "pcrUpdateCounter=;", "not a decimal", 38 },
		{ V0 "pcrupdatecounter=1;", "unknown key", 21 },
		{ V0C "entries=1099511627777;", "not a decimal", 49 },
		{ V0C "entries=99999999999999999999999999;", "not a decimal",
		  49 },
		{ V0C "banks=16385;", "not a decimal", 47 },
		{ V0C "protected=2;", "not a decimal", 51 },
		{ V0C "colour=red;", "unknown key \"colour\"", 41 },
		{ V0C "=;", "invalid key", 41 },
		{ V0C "pcr=10;", "PCR index", 45 },
		{ V0C "pcr=24:sha1:" H20 ";", "PCR index", 45 },
		{ V0C "pcr=:sha1:" H20 ";", "PCR index", 45 },
		{ V0C "pcr=10:;", "hash algorithm", 48 },
		{ V0C "pcr=10:md5:" H20 ";", "hash algorithm", 48 },
		{ V0C "pcr=10:0x0:" H20 ";", "hash algorithm", 48 },
		{ V0C "pcr=10:sha1;", "hash algorithm", 48 },
		{ V0C "pcr=10:sha1:;", "size", 53 },
		{ V0C "pcr=10:sha1:" H32 ";", "size", 53 },
		{ V0C "pcr=10:sha1:" H20 "0;", "size", 53 },
		{ V0C "pcr=10:sha1:g0112233445566778899aabbccddeeff01234567;",
		  "lower-case", 53 },
		{ V0C "pcr=10:sha1:00112233445566778899AABBCCDDEEFF01234567;",
		  "lower-case", 53 },
		{ V0C "pcr=10:sha1:" H20 ",sha1:" H20 ";", "duplicate bank", 94 },
		{ V0C "pcr=10:sha1:" H20 ",;", "hash algorithm", 94 },
		{ V1, "key pcr is missing", 158 },
		{ "version=1;event=boot;pcrUpdateCounter=1;" PCR,
		  "key updates is missing", 160 },
		{ "version=1;event=boot;error=EIO;", "key entries is missing",
		  31 },
	};
	struct imatally_record rec;
	struct imatally_error err;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i].text, &rec, &err) != IMATALLY_ERR_MALFORMED)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(err.text, bad[i].about))
			fail_msg("%s: \"%s\" does not speak of \"%s\"",
				 bad[i].text, err.text, bad[i].about);
		/* in the invalid part */
		if (err.offset > strlen(bad[i].text) ||
		    err.offset + 8 < bad[i].offset ||
		    err.offset > bad[i].offset + 8)
			fail_msg("%s: offset %u", bad[i].text,
				 (unsigned int)err.offset);
	}
}

static void sixteen_banks_are_the_most(void **state)
{
	char text[1024] = V0C "pcr=10:";
	struct imatally_record rec;
	struct imatally_error err;
	int i;

	(void)state;
	for (i = 1; i <= 16; i++)
		sprintf(text + strlen(text), "%s0x%x:00", i > 1 ? "," : "",
			0x100 + i);
	strcat(text, ";");
	assert_int_equal(parse(text, &rec, &err), IMATALLY_OK);
	assert_int_equal(rec.nr_banks, 16);
	strcpy(text + strlen(text) - 1, ",0x200:00;");
	assert_int_equal(parse(text, &rec, &err), IMATALLY_ERR_MALFORMED);
}

static void truncation_anywhere_is_an_error(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;
	char text[] = V1 PCR;
	size_t len;

	(void)state;
	for (len = strlen(text) - 1; len; len--) {
		text[len] = '\0';
		assert_int_equal(parse(text, &rec, &err),
				 IMATALLY_ERR_MALFORMED);
	}
}

static void a_newer_version_may_have_more(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;

	(void)state;
	assert_int_equal(parse("version=2;event=moon;pcrUpdateCounter=29;"
			       "updates=9;uncertain=0;banks=2;step=2;entries=5;"
			       "carried=1;tide=high;moons=1;trimmed=0;extends=4;"
			       "failed=0;dropped=0;protected=1;" PCR,
			       &rec, &err), IMATALLY_OK);
	assert_int_equal(rec.event, IMATALLY_EVENT_UNKNOWN);
	assert_string_equal(rec.unknown_key, "tide");
	assert_int_equal(rec.value[IMATALLY_KEY_EXTENDS], 4);
}

/* The entry with the record */
static void expect_record(const struct machine *m, bool record, bool foreign)
{
	struct imatally_log *log = imatally_log_open_buffer(m->log, m->len);
	struct imatally_entry entry;
	struct imatally_error err;
	bool is_foreign;
	const char *text = NULL;
	size_t len;

	while (imatally_log_next(log, &entry, &err) > 0)
		text = imatally_entry_record(&entry, &len, &is_foreign);
	assert_true(record == !!text);
	assert_true(foreign == is_foreign);
	if (record)
		assert_memory_equal(text, V0, len);
	imatally_log_close(log);
}

static void only_an_entry_of_that_name_is_a_record(void **state)
{
	const struct machine_field txt[] = { { "d", 1 },
					     { "pcr_counter", 12 },
					     { V0, sizeof(V0) - 1 } };
	struct machine m;

	(void)state;
	machine_init(&m, 1, NULL);
	machine_buffer(&m, "pcr_counter", V0, strlen(V0));
	expect_record(&m, true, false);
	machine_add(&m, 10, "ima-txt", txt, 3);
	expect_record(&m, true, false);
	machine_add(&m, 10, "d-ng|n-ng|buf", txt, 3);
	expect_record(&m, true, false);
	machine_buffer(&m, "kernel_info", V0, strlen(V0));
	expect_record(&m, false, false);
	machine_buffer(&m, "pcr_counter", "\x30\x82 a certificate", 16);
	expect_record(&m, false, true);
	machine_measure_as(&m, 10, "pcr_counter");
	expect_record(&m, false, true);
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_version_0),
		cmocka_unit_test(takes_version_1),
		cmocka_unit_test(takes_what_the_machine_of_these_tests_writes),
		cmocka_unit_test(takes_these),
		cmocka_unit_test(refuses_these_and_says_where),
		cmocka_unit_test(sixteen_banks_are_the_most),
		cmocka_unit_test(truncation_anywhere_is_an_error),
		cmocka_unit_test(a_newer_version_may_have_more),
		cmocka_unit_test(only_an_entry_of_that_name_is_a_record),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
