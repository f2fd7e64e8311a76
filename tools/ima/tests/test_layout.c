// SPDX-License-Identifier: GPL-2.0-only
/*
 * A list is read the same in all formats: ASCII or binary, with the digests of
 * any bank, in both byte orders, in one file or in parts.
 */

#include <dirent.h>
#include <errno.h>

#include "../lib/log.h"
#include "mklog.h"
#include "test.h"

static const struct {
	bool ascii, big_endian;
	unsigned int list_of;	/* of sha1, sha256, sha384, sha512 */
	bool padded;
} layouts[] = {
	{ false, false, 0, false }, { false, false, 2, false },
	{ false, false, 3, true },  { false, false, 4, false },
	{ false, true, 0, false },  { false, true, 2, false },
	{ true, false, 0, false },  { true, false, 2, false },
	{ true, false, 3, true },   { true, false, 4, false },
	{ true, true, 0, false },   { true, true, 3, false },
};

static const struct machine_field ima[] = {
	{ "twenty bytes as SHA1", 20 }, { "/sbin/init", 11 },
};
static const struct machine_field modsig[] = {
	{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
	{ "/lib/modules/a.ko", 18 }, { "", 0 }, { "", 0 }, { "", 0 },
};
static const struct machine_field sigv2[] = {
	{ "verity:sha256:\0digestdigestdigestdigestdigestdi", 47 },
	{ "/a\tb\\c\303\244", 9 }, { "\3\2\4signature", 12 },
};
/* a name with three lines; a line with spaces could look like an entry */
static const struct machine_field lines[] = {
	{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
	{ "/x\n10_0123456789abcdef_ima-ng\n\303/y", 34 },
	{ "\3\2\4signature", 12 },
};
static const struct machine_field txt[] = {
	{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
	{ "label", 6 }, { "a b\\c\n\377=1;", 11 },
};
static struct machine_field evm[] = {
	{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
	{ "/usr/bin/env", 13 },
	{ "\5\2\4signature", 12 },
	{ "security.ima|security.selinux", 30 },
	{ "\14\0\0\0\5\0\0\0", 8 },
	{ "xattrvalues", 11 },
	{ "\350\3\0\0", 4 },
	{ "\350\3\0\0", 4 },
	{ "\244\201", 2 },
};

static void fill(struct machine *m)
{
	evm[6].data = evm[7].data = m->big_endian ? "\0\0\3\350" : "\350\3\0\0";
	evm[8].data = m->big_endian ? "\201\244" : "\244\201";
	machine_boot(m, true);
	machine_add(m, 10, "ima", ima, 2);
	machine_add(m, 10, "ima-modsig", modsig, 5);
	machine_add(m, 9, "ima-sigv2", sigv2, 3);
	machine_add(m, 10, "ima-ng", lines, 2);
	machine_add(m, 10, "ima-sig", lines, 3);
	machine_violation(m);
	machine_add(m, 10, "ima-txt", txt, 3);
	machine_add(m, 10, "evm-sig", evm, 9);
	machine_add(m, 10, "d-ng|n-ng|iuid", (struct machine_field[]){
			evm[0], evm[1], evm[6] }, 3);
	machine_measure(m, 5);
	machine_kexec(m, m->nr_entries, true);
	machine_measure(m, 5);
}

static void start(struct machine *m, unsigned int i)
{
	machine_init(m, 4, NULL);
	m->ascii = layouts[i].ascii;
	m->big_endian = layouts[i].big_endian;
	m->list_of = layouts[i].list_of;
	if (layouts[i].padded)
		m->bank[layouts[i].list_of - 1].padded = true;
}

static enum imatally_status judge(struct imatally_log *log,
				  const struct machine *m,
				  struct imatally_result *result,
				  struct imatally_error *err)
{
	char *pcrread = machine_pcrread(m);
	struct imatally_pcrs pcrs = { 0 };
	enum imatally_status status;

	assert_int_equal(imatally_pcrs_add_pcrread(&pcrs, pcrread,
						   strlen(pcrread), err),
			 IMATALLY_OK);
	free(pcrread);
	status = imatally_verify(log, &pcrs, result, err);
	imatally_pcrs_free(&pcrs);
	return status;
}

static void expect_verdict(const struct machine *m,
			   enum imatally_verdict verdict)
{
	/* in a separate allocation, so that sanitizers detect an overrun */
	void *copy = malloc(m->len);
	struct imatally_result result;
	struct imatally_error err;
	struct imatally_log *log;

	memcpy(copy, m->log, m->len);
	log = imatally_log_open_buffer(copy, m->len);
	if (judge(log, m, &result, &err))
		fail_msg("entry %u, offset %u: %s", (unsigned int)err.entry,
			 (unsigned int)err.offset, err.text);
	assert_int_equal(result.entries, m->nr_entries);
	assert_int_equal(result.verdict, verdict);
	imatally_result_free(&result);
	imatally_log_close(log);
	free(copy);
}

static void every_layout_is_found_and_verified_in_all_banks(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct imatally_layout layout;
		struct imatally_entry entry;
		struct imatally_error err;
		struct imatally_log *log;
		struct machine m;

		start(&m, i);
		fill(&m);
		expect_verdict(&m, IMATALLY_COMPLETE);

		log = imatally_log_open_buffer(m.log, m.len);
		assert_int_equal(imatally_log_layout(log).digest_len, 0);
		imatally_log_next(log, &entry, &err);
		layout = imatally_log_layout(log);
		assert_int_equal(layout.is_ascii, m.ascii);
		assert_int_equal(layout.big_endian, m.big_endian);
		assert_int_equal(layout.digest_len,
				 m.list_of ? m.bank[m.list_of - 1].size : 20);
		imatally_log_close(log);
		machine_free(&m);
	}
}

static void an_altered_entry_is_a_mismatch_in_every_layout(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct machine m;

		start(&m, i);
		fill(&m);
		machine_measure_as(&m, 10, "/a/name");
		/*
		 * the last letter of the name, before the terminator or line
		 * feed
		 */
		m.log[m.len - 2] ^= 1;
		expect_verdict(&m, IMATALLY_MISMATCH);
		m.log[m.len - 2] ^= 1;
		/* a digit of the template digest */
		m.log[m.start[m.nr_entries - 1] + 5] ^= 1;
		expect_verdict(&m, IMATALLY_MISMATCH);
		machine_free(&m);
	}
}

/* Check that both lists have the same entries, and return their number. */
static unsigned int expect_same(struct imatally_log *text,
				struct imatally_log *binary)
{
	struct imatally_entry a, b;
	struct imatally_error err;
	unsigned int i;

	while (imatally_log_next(binary, &b, &err) == 1) {
		assert_int_equal(imatally_log_next(text, &a, &err), 1);
		assert_int_equal(a.index, b.index);
		assert_int_equal(a.pcr, b.pcr);
		assert_memory_equal(a.digest, b.digest, 20);
		assert_int_equal(a.template_name_len, b.template_name_len);
		assert_memory_equal(a.template_name, b.template_name,
				    a.template_name_len);
		assert_int_equal(a.data_len, b.data_len);
		assert_memory_equal(a.data, b.data, a.data_len);
		assert_int_equal(a.nr_fields, b.nr_fields);
		for (i = 0; i < a.nr_fields; i++) {
			assert_string_equal(a.fields[i].id, b.fields[i].id);
			assert_int_equal(a.fields[i].len, b.fields[i].len);
			assert_memory_equal(a.fields[i].data, b.fields[i].data,
					    a.fields[i].len);
		}
	}
	assert_int_equal(imatally_log_next(text, &a, &err), 0);
	imatally_log_close(text);
	imatally_log_close(binary);
	return a.index + 1;
}

static void text_is_what_the_binary_list_is(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct machine m, n;

		machine_init(&m, 2, NULL);
		machine_init(&n, 2, NULL);
		m.ascii = true;
		m.big_endian = n.big_endian = i;
		fill(&m);
		fill(&n);
		assert_int_equal(expect_same(
			imatally_log_open_buffer(m.log, m.len),
			imatally_log_open_buffer(n.log, n.len)), n.nr_entries);
		machine_free(&m);
		machine_free(&n);
	}
}

#define VECTORS "vectors"

/* Lists from real boots in both formats */
static void text_of_a_kernel_is_what_its_binary_list_is(void **state)
{
	DIR *vectors = opendir(VECTORS);
	struct dirent *vector;
	unsigned int lists = 0;

	(void)state;
	assert_non_null(vectors);
	while ((vector = readdir(vectors))) {
		FILE *text, *binary;
		char path[512];

		snprintf(path, sizeof(path), VECTORS "/%s/list.ascii",
			 vector->d_name);
		text = fopen(path, "r");
		if (!text)
			continue;
		*strrchr(path, '.') = '\0';
		binary = fopen(path, "r");
		assert_non_null(binary);
		assert_true(expect_same(imatally_log_open_file(text),
					imatally_log_open_file(binary)) > 1);
		fclose(text);
		fclose(binary);
		lists++;
	}
	closedir(vectors);
	assert_true(lists > 0);
}

/* Read a text to its end.  Returns the number of entries, or -1. */
static int read_text(const char *text, size_t len, struct imatally_error *err)
{
	void *copy = malloc(len ? len : 1);
	struct imatally_entry entry;
	struct imatally_log *log;
	int got, entries = 0;

	memcpy(copy, text, len);
	log = imatally_log_open_buffer(copy, len);
	while ((got = imatally_log_next(log, &entry, err)) > 0)
		entries++;
	imatally_log_close(log);
	free(copy);
	return got ? got : entries;
}

static void a_text_that_ends_amid_an_entry_is_an_error(void **state)
{
	struct imatally_error err;
	unsigned int whole = 0;
	struct machine m;
	size_t len;

	(void)state;
	machine_init(&m, 1, NULL);
	m.ascii = true;
	fill(&m);
	for (len = 1; len <= m.len; len++) {
		int got = read_text((char *)m.log, len, &err);

		if (len == m.start[whole + 1])
			whole++;
		if (len == m.start[whole]) {
			assert_int_equal(got, whole);
			continue;
		}
		/*
		 * Spaces for empty fields and the line feed may be missing if
		 * the digest matches anyway.  The end of a line in a name may
		 * be taken for the end of the entry, whose digest then does not
		 * match.
		 */
		if (got >= 0) {
			assert_int_equal(got, whole + 1);
			assert_true(m.log[len] == '\n' || m.log[len] == ' ' ||
				    m.log[len - 1] == '\n');
			continue;
		}
		assert_int_equal(err.status, IMATALLY_ERR_MALFORMED);
		/* a line of a name may be taken for the next entry */
		assert_in_range(err.entry, whole, whole + 1);
		assert_in_range(err.offset, m.start[whole], len);
	}
	machine_free(&m);
}

static void malformed_text_is_told_with_its_place(void **state)
{
#define START "10 0000000000000000000000000000000000000000 "
	static const struct {
		const char *text;
		unsigned int offset;
		const char *about;
	} bad[] = {
		{ START "ima-new sha1:00 /x\n", 44, "template \"ima-new\"" },
		{ START "\n", 44, "template \"\"" },
		{ "10 00 ima-ng sha1:00 /x\n", 3, "40 hexadecimal digits" },
		{ "24 0000000000000000000000000000000000000000 ima-ng sha1:00 /x\n",
		  0, "PCR index 24" },
		{ START "ima-ng sha1:0 /x\n", 56, "d-ng is not hexadecimal" },
		{ START "ima-ng sha1:0x /x\n", 56, "d-ng is not hexadecimal" },
		{ START "ima-ng sha1:00\n", 58, "n-ng is missing" },
		{ START "ima-ng  /x\n", 51, "d-ng is missing" },
		{ START "ima-sig sha1:00 /x 0g\n", 63, "sig is not hexadecimal" },
		{ START "ima-sig sha1:00 /x 00 00\n", 63, "sig is not" },
		{ START "ima-txt sha1:00 x a\\n\n", 63, "backslash" },
		{ START "d-ng|n-ng|imode sha1:00 /x 65536\n", 71, "imode" },
		{ START "d-ng|n-ng|iuid sha1:00 /x 4294967296\n", 70, "iuid" },
		{ START "d-ng|n-ng|iuid sha1:00 /x 99999999999999999999999\n",
		  70, "iuid" },
		{ START "ima 000000000000000000000000000000000000000000 /x\n",
		  48, "longer than a SHA-1 digest" },
		{ START "ima-ng sha1:00 /x", 61, "ends within" },
		{ "10 da39a3ee5e6b4b0d3255bfef95601890afd80709 ima-ng sha1:00 /x",
		  61, "ends within" },
		{ "10 da39a3ee5e6b4b0d3255bfef95601890afd80709 ima-ng sha1:00 /x\n"
		  "PCR 10\n", 62, "does not begin with a PCR index" },
	};
	static const char violations[] = START "ima-ng sha1:00 /x\n\n/y\n"
		START "ima-sig sha1:00 /x\n/y \n" START "ima-ng sha1:00 /x\n";
	struct imatally_error err;
	unsigned int i;

	(void)state;
	assert_int_equal(read_text(violations, strlen(violations), &err), 3);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(read_text(bad[i].text, strlen(bad[i].text),
					   &err), -1);
		assert_int_equal(err.status, IMATALLY_ERR_MALFORMED);
		if (!strstr(err.text, bad[i].about) ||
		    err.offset != bad[i].offset)
			fail_msg("%s: offset %u: %s", bad[i].text,
				 (unsigned int)err.offset, err.text);
	}
}

static FILE *file_of(const void *data, size_t len)
{
	FILE *file = tmpfile();

	assert_int_equal(fwrite(data, 1, len, file), len);
	rewind(file);
	return file;
}

/* The list cut in three parts: ASCII, empty, and binary. */
static void parts_are_one_list(void **state)
{
	struct imatally_result result;
	struct imatally_error err;
	struct imatally_log *log;
	struct machine m, n;
	FILE *file[3];
	unsigned int i;

	(void)state;
	start(&m, 11);		/* of big-endian text */
	start(&n, 5);
	fill(&m);
	fill(&n);
	file[0] = file_of(m.log, m.start[7]);
	file[1] = file_of("", 0);
	file[2] = file_of(n.log + n.start[7], n.len - n.start[7]);
	log = imatally_log_open_file(file[0]);
	assert_int_equal(imatally_log_add_file(log, file[1]), IMATALLY_OK);
	assert_int_equal(imatally_log_add_file(log, file[2]), IMATALLY_OK);
	assert_int_equal(judge(log, &n, &result, &err), IMATALLY_OK);
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
	assert_int_equal(result.entries, n.nr_entries);
	imatally_result_free(&result);

	/* once more, from the start */
	assert_true(imatally_log_can_seek(log));
	assert_int_equal(imatally_log_seek(log, 0, 0, &err), IMATALLY_OK);
	assert_int_equal(judge(log, &n, &result, &err), IMATALLY_OK);
	assert_int_equal(result.verdict, IMATALLY_COMPLETE);
	imatally_result_free(&result);
	imatally_log_close(log);
	for (i = 0; i < 3; i++)
		fclose(file[i]);
	machine_free(&m);
	machine_free(&n);
}

static void an_error_in_a_part_has_the_parts_offset(void **state)
{
	struct imatally_entry entry;
	struct imatally_error err;
	struct imatally_log *log;
	struct machine m;
	FILE *file[2];
	int got;

	(void)state;
	machine_init(&m, 1, NULL);
	fill(&m);
	file[0] = file_of(m.log, m.start[6]);
	file[1] = file_of(m.log + m.start[6], m.start[9] - m.start[6] - 1);
	log = imatally_log_open_file(file[0]);
	imatally_log_add_file(log, file[1]);
	while ((got = imatally_log_next(log, &entry, &err)) > 0)
		assert_int_equal(imatally_log_part(log), entry.index >= 6);
	assert_int_equal(got, -1);
	assert_int_equal(err.entry, 8);
	assert_in_range(err.offset, m.start[8] - m.start[6],
			m.start[9] - m.start[6]);
	assert_int_equal(imatally_log_part(log), 1);
	imatally_log_close(log);
	fclose(file[0]);
	fclose(file[1]);
	machine_free(&m);
}

/*
 * ASCII lists that other projects publish, in the directory $IMA_LOGS: they are
 * not this project's to distribute.
 */
static void lists_of_other_projects_parse(void **state)
{
	const char *dir = getenv("IMA_LOGS");
	unsigned int lists = 0;
	struct dirent *entry;
	DIR *folder;

	(void)state;
	if (!dir) {
		print_message("skipped: IMA_LOGS does not name a directory of published lists\n");
		skip();
	}
	folder = opendir(dir);
	if (!folder)
		fail_msg("%s: %s", dir, strerror(errno));
	while ((entry = readdir(folder))) {
		const char *dot = strrchr(entry->d_name, '.');
		static char text[1 << 20];
		struct imatally_error err;
		char path[4096];
		unsigned int lines = 0;
		size_t len, i;
		FILE *file;

		if (!dot || strcmp(dot, ".ascii"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		file = fopen(path, "r");
		assert_non_null(file);
		len = fread(text, 1, sizeof(text), file);
		fclose(file);
		for (i = 0; i < len; i++)
			lines += text[i] == '\n';
		if (read_text(text, len, &err) < 0)
			fail_msg("%s: entry %u, offset %u: %s", path,
				 (unsigned int)err.entry,
				 (unsigned int)err.offset, err.text);
		assert_int_equal(read_text(text, len, &err), lines);
		lists++;
	}
	closedir(folder);
	assert_true(lists > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout_is_found_and_verified_in_all_banks),
		cmocka_unit_test(an_altered_entry_is_a_mismatch_in_every_layout),
		cmocka_unit_test(text_is_what_the_binary_list_is),
		cmocka_unit_test(text_of_a_kernel_is_what_its_binary_list_is),
		cmocka_unit_test(a_text_that_ends_amid_an_entry_is_an_error),
		cmocka_unit_test(malformed_text_is_told_with_its_place),
		cmocka_unit_test(parts_are_one_list),
		cmocka_unit_test(an_error_in_a_part_has_the_parts_offset),
		cmocka_unit_test(lists_of_other_projects_parse),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
