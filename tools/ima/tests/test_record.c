// SPDX-License-Identifier: GPL-2.0-only
/* The grammar of the record. */

#include "mklog.h"
#include "test.h"

#define H20 "00112233445566778899aabbccddeeff01234567"
#define H32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TPM "updates=9;uncertain=0;banks=2;"
#define REST "entries=5;carried=1;trimmed=0;extends=4;failed=0;dropped=0;"
#define BOOT "version=1;event=boot;"
#define COUNT BOOT "pcrUpdateCounter=29;"
#define LEAST COUNT TPM REST
#define PCR "pcr=10:sha1:" H20 ",sha256:" H32 ";"
#define WHOLE BOOT "pcrUpdateCounter=4294967295;" TPM			\
	      "step=2;resets=7;restarts=3;" REST "unread=6;protected=1;"	\
	      "before=10:sha1:" H20 ",sha256:" H32 ";" PCR

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

static void takes_every_key(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;

	(void)state;
	assert_int_equal(parse(WHOLE, &rec, &err), IMATALLY_OK);
	assert_int_equal(rec.event, IMATALLY_EVENT_BOOT);
	assert_int_equal(rec.value[IMATALLY_KEY_COUNTER], 4294967295);
	assert_int_equal(rec.value[IMATALLY_KEY_UPDATES], 9);
	assert_int_equal(rec.value[IMATALLY_KEY_BANKS], 2);
	assert_int_equal(rec.value[IMATALLY_KEY_RESETS], 7);
	assert_int_equal(rec.value[IMATALLY_KEY_RESTARTS], 3);
	assert_int_equal(rec.value[IMATALLY_KEY_EXTENDS], 4);
	assert_int_equal(rec.value[IMATALLY_KEY_UNREAD], 6);
	assert_int_equal(rec.value[IMATALLY_KEY_PROTECTED], 1);
	assert_true(imatally_record_has(&rec, IMATALLY_KEY_FAILED));
	assert_false(imatally_record_has(&rec, IMATALLY_KEY_ERROR));
	assert_int_equal(rec.before.index, 10);
	assert_int_equal(rec.before.nr, 2);
	assert_int_equal(rec.before.bank[0].value[19], 0x67);
	assert_int_equal(rec.pcr.index, 10);
	assert_int_equal(rec.pcr.nr, 2);
	assert_int_equal(rec.pcr.bank[0].alg, IMATALLY_ALG_SHA1);
	assert_int_equal(rec.pcr.bank[1].alg, IMATALLY_ALG_SHA256);
	assert_int_equal(rec.pcr.bank[1].len, 32);
	assert_int_equal(rec.pcr.bank[1].value[31], 0xff);
	assert_string_equal(rec.unknown_key, "");
	assert_string_equal(rec.unknown_event, "");
}

static void takes_what_the_machine_of_these_tests_writes(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;
	struct machine m;
	char text[2048];

	(void)state;
	machine_init(&m, 4, NULL);
	text[machine_record_text(&m, "boot", text, sizeof(text))] = 0;
	assert_int_equal(parse(text, &rec, &err), IMATALLY_OK);
	assert_int_equal(rec.pcr.nr, 4);
	assert_int_equal(rec.before.nr, 4);
	m.tpm_error = "EIO";
	text[machine_record_text(&m, "resume", text, sizeof(text))] = 0;
	assert_int_equal(parse(text, &rec, &err), IMATALLY_OK);
	assert_string_equal(rec.error, "EIO");
	assert_int_equal(rec.pcr.nr, 0);
	machine_free(&m);
}

static void takes_these(void **state)
{
	static const char *const good[] = {
		/* what the kernel could not know is missing */
		LEAST,
		BOOT "error=ENODEV;" REST,
		BOOT "error=EIO;" TPM REST "unread=0;protected=0;",
		COUNT TPM "step=2;" REST,
		COUNT TPM "resets=4294967295;restarts=0;" REST,
		LEAST "before=10:sha1:" H20 ";",
		BOOT "error=EIO;" TPM REST "before=10:sha1:" H20 ";",
		BOOT "error=E2BIG;" REST,
		BOOT "error=TPM_0x101;" TPM REST,
		BOOT "error=TPM_0x9a2;" TPM REST,
		BOOT "error=TPM_0xffffffff;" TPM REST,
		LEAST "pcr=0:sha1:" H20 ";",
		LEAST "pcr=23:sm3:" H32 ";",
		LEAST "pcr=10:0x0027:" H32 ",0x7777:00;",
		COUNT TPM "entries=1099511627776;carried=0;trimmed=0;"
		"extends=0;failed=0;dropped=0;",
	};
	struct imatally_record rec;
	struct imatally_error err;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (parse(good[i], &rec, &err))
			fail_msg("%s: %s", good[i], err.text);
}

#define LEN(text) (sizeof(text) - 1)

static void refuses_these_and_says_where(void **state)
{
	static const struct {
		const char *text, *about;
		unsigned int offset;
	} bad[] = {
		{ "", "key event is missing", 0 },
		{ ";", "key=value", 0 },
		{ "event=boot;version=1;", "the first key is not version", 0 },
		{ "colour=red;version=1;", "the first key is not version", 0 },
		{ "version=1", "';'", 9 },
		{ COUNT "banks=2", "';'", LEN(COUNT) + 7 },
		{ LEAST "\n", "';'", LEN(LEAST) + 1 },
		{ "version=1;", "key event is missing", 10 },
		{ "version=0;event=boot;", "version 0", 8 },
		{ "version=1;version=1;event=boot;", "duplicate key version", 10 },
		{ COUNT "banks=2;banks=2;", "duplicate key banks",
		  LEN(COUNT) + 8 },
		{ COUNT "entries=1;banks=2;", "key banks is out of order",
		  LEN(COUNT) + 10 },
		{ COUNT "error=EIO;", "both pcrUpdateCounter and error",
		  LEN(COUNT) },
		{ BOOT "error=EIO;pcrUpdateCounter=1;", "out of order", 31 },
		{ BOOT "error=EIO;" REST PCR, "both error and pcr",
		  LEN(BOOT "error=EIO;" REST PCR) },
		{ BOOT "error=;", "errno", 27 },
		{ BOOT "error=eio;", "errno", 27 },
		{ BOOT "error=-5;", "errno", 27 },
		{ BOOT "error=EVERYMUCHTOOLONGANAMETHIS;", "errno", 27 },
		{ BOOT "error=TPM_0x;", "code of the TPM", 27 },
		{ BOOT "error=TPM_101;", "code of the TPM", 27 },
		{ BOOT "error=TPM_0x1A;", "code of the TPM", 27 },
		{ BOOT "error=TPM_0x0101;", "code of the TPM", 27 },
		{ BOOT "error=TPM_0x123456789;", "code of the TPM", 27 },
		{ "version=1;event=;", "event", 16 },
		{ "version=1;event=a b;", "event", 16 },
		{ "version=1;event=a_name_of_thirty_two_characters_;", "event",
		  16 },
		{ "version=;", "version: not a decimal", 8 },
		{ "version=-1;", "version: not a decimal", 8 },
		{ "version=65536;", "version: not a decimal", 8 },
		{ BOOT "pcrUpdateCounter=4294967296;", "not a decimal", 38 },
		{ BOOT "pcrUpdateCounter=029;", "not a decimal", 38 },
		{ BOOT "pcrUpdateCounter=+29;", "not a decimal", 38 },
		{ BOOT "pcrUpdateCounter= 29;", "not a decimal", 38 },
		{ BOOT "pcrUpdateCounter=0x29;", "not a decimal", 38 },
		{ BOOT "pcrUpdateCounter=29 ;", "not a decimal", 38 },
		{ BOOT "pcrUpdateCounter=;", "not a decimal", 38 },
		{ BOOT "pcrupdatecounter=1;" TPM REST,
		  "pcrUpdateCounter is missing", LEN(BOOT) + 19 + LEN(TPM REST) },
		{ COUNT "entries=1099511627777;", "not a decimal",
		  LEN(COUNT) + 8 },
		{ COUNT "entries=99999999999999999999999999;",
		  "not a decimal", LEN(COUNT) + 8 },
		{ COUNT "banks=16385;", "not a decimal", LEN(COUNT) + 6 },
		{ COUNT "resets=4294967296;", "not a decimal", LEN(COUNT) + 7 },
		{ LEAST "protected=2;", "not a decimal", LEN(LEAST) + 10 },
		{ LEAST "=;", "invalid key", LEN(LEAST) },
		{ LEAST "co lour=;", "invalid key", LEN(LEAST) },
		{ LEAST "before=24:sha1:" H20 ";", "before: PCR index",
		  LEN(LEAST) + 7 },
		{ LEAST "before=10:sha1:" H20 ",sha1:" H20 ";",
		  "before: duplicate bank", LEN(LEAST) + 56 },
		{ LEAST PCR "before=10:sha1:" H20 ";", "out of order",
		  LEN(LEAST PCR) },
		{ COUNT "pcr=10;", "pcr: PCR index", LEN(COUNT) + 4 },
		{ COUNT "pcr=24:sha1:" H20 ";", "PCR index", LEN(COUNT) + 4 },
		{ COUNT "pcr=:sha1:" H20 ";", "PCR index", LEN(COUNT) + 4 },
		{ COUNT "pcr=10:;", "hash algorithm", LEN(COUNT) + 7 },
		{ COUNT "pcr=10:md5:" H20 ";", "hash algorithm",
		  LEN(COUNT) + 7 },
		{ COUNT "pcr=10:0x0:" H20 ";", "hash algorithm",
		  LEN(COUNT) + 7 },
		{ COUNT "pcr=10:sha1;", "hash algorithm", LEN(COUNT) + 7 },
		{ COUNT "pcr=10:sha1:;", "size", LEN(COUNT) + 12 },
		{ COUNT "pcr=10:sha1:" H32 ";", "size", LEN(COUNT) + 12 },
		{ COUNT "pcr=10:sha1:" H20 "0;", "size", LEN(COUNT) + 12 },
		{ COUNT "pcr=10:sha1:g0112233445566778899aabbccddeeff01234567;",
		  "lower-case", LEN(COUNT) + 12 },
		{ COUNT "pcr=10:sha1:00112233445566778899AABBCCDDEEFF01234567;",
		  "lower-case", LEN(COUNT) + 12 },
		{ COUNT "pcr=10:sha1:" H20 ",sha1:" H20 ";", "duplicate bank",
		  LEN(COUNT) + 53 },
		{ COUNT "pcr=10:sha1:" H20 ",;", "hash algorithm",
		  LEN(COUNT) + 53 },
		{ COUNT REST, "key updates is missing", LEN(COUNT REST) },
		{ COUNT TPM, "key entries is missing", LEN(COUNT TPM) },
		{ BOOT "error=EIO;", "key entries is missing", LEN(BOOT) + 10 },
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
	char text[1024] = LEAST "pcr=10:";
	struct imatally_record rec;
	struct imatally_error err;
	int i;

	(void)state;
	for (i = 1; i <= 16; i++)
		sprintf(text + strlen(text), "%s0x%x:00", i > 1 ? "," : "",
			0x100 + i);
	strcat(text, ";");
	assert_int_equal(parse(text, &rec, &err), IMATALLY_OK);
	assert_int_equal(rec.pcr.nr, 16);
	strcpy(text + strlen(text) - 1, ",0x200:00;");
	assert_int_equal(parse(text, &rec, &err), IMATALLY_ERR_MALFORMED);
}

static void truncation_within_a_pair_is_an_error(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;
	char text[] = WHOLE;
	size_t len;

	(void)state;
	for (len = strlen(text) - 1; len; len--) {
		text[len] = '\0';
		if (text[len - 1] != ';' || len < LEN(LEAST))
			assert_int_equal(parse(text, &rec, &err),
					 IMATALLY_ERR_MALFORMED);
	}
}

static void a_newer_kernel_may_write_more(void **state)
{
	struct imatally_record rec;
	struct imatally_error err;

	(void)state;
	assert_int_equal(parse("version=1;hour=9;event=moon;pcrUpdateCounter=29;"
			       TPM "tides=;step=2;" REST "moons=-1 or 2;"
			       "protected=1;" PCR "last=1;", &rec, &err),
			 IMATALLY_OK);
	assert_int_equal(rec.event, IMATALLY_EVENT_UNKNOWN);
	assert_string_equal(rec.unknown_event, "moon");
	assert_string_equal(rec.unknown_key, "hour");
	assert_int_equal(rec.value[IMATALLY_KEY_EXTENDS], 4);
	assert_int_equal(rec.value[IMATALLY_KEY_PROTECTED], 1);
	assert_int_equal(rec.pcr.nr, 2);
	/* of another version, too */
	assert_int_equal(parse("version=2;event=boot;pcrUpdateCounter=29;" TPM
			       REST "colour=;", &rec, &err), IMATALLY_OK);
	assert_string_equal(rec.unknown_event, "");
	assert_string_equal(rec.unknown_key, "colour");
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
		assert_memory_equal(text, BOOT, len);
	imatally_log_close(log);
}

static void a_record_has_a_limit(void **state)
{
	static const char start[] = BOOT "error=EIO;" REST;
	struct imatally_record rec;
	struct imatally_error err;
	static char text[65537];

	(void)state;
	memset(text, '9', sizeof(text));
	memcpy(text, start, LEN(start));
	memcpy(text + LEN(start), "later=", 6);
	text[65535] = ';';
	assert_int_equal(imatally_record_parse(&rec, text, 65536, &err),
			 IMATALLY_OK);
	text[65535] = '9';
	text[65536] = ';';
	assert_int_equal(imatally_record_parse(&rec, text, 65537, &err),
			 IMATALLY_ERR_MALFORMED);
	assert_string_equal(err.text, "65537 bytes, more than 65536");
}

static void only_an_entry_of_that_name_is_a_record(void **state)
{
	const struct machine_field txt[] = { { "d", 1 },
					     { "pcr_counter", 12 },
					     { BOOT, sizeof(BOOT) - 1 } };
	struct machine m;

	(void)state;
	machine_init(&m, 1, NULL);
	machine_buffer(&m, "pcr_counter", BOOT, strlen(BOOT));
	expect_record(&m, true, false);
	machine_add(&m, 10, "ima-txt", txt, 3);
	expect_record(&m, true, false);
	machine_add(&m, 10, "d-ng|n-ng|buf", txt, 3);
	expect_record(&m, true, false);
	machine_buffer(&m, "kernel_info", BOOT, strlen(BOOT));
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
		cmocka_unit_test(takes_every_key),
		cmocka_unit_test(takes_what_the_machine_of_these_tests_writes),
		cmocka_unit_test(takes_these),
		cmocka_unit_test(refuses_these_and_says_where),
		cmocka_unit_test(sixteen_banks_are_the_most),
		cmocka_unit_test(truncation_within_a_pair_is_an_error),
		cmocka_unit_test(a_newer_kernel_may_write_more),
		cmocka_unit_test(a_record_has_a_limit),
		cmocka_unit_test(only_an_entry_of_that_name_is_a_record),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
