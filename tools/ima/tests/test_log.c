// SPDX-License-Identifier: GPL-2.0-only
/* The reader of binary measurement lists. */

#include <malloc.h>
#include <unistd.h>

#include "../lib/log.h"
#include "mklog.h"
#include "test.h"

static const struct machine_field any[9] = {
	{ "sha256:\0digestdigestdigestdigestdigestdi", 40 },
	{ "/usr/bin/env", 13 },
	{ "\3\2\4signature", 12 },
	{ "sha256:\0modsigmodsigmodsigmodsigmodsigmo", 40 },
	{ "", 0 },
	{ "lengths", 7 },
	{ "\350\3\0\0", 4 },
	{ "\350\3\0\0", 4 },
	{ "\244\201", 2 },
};

static const struct machine_field ima_fields[] = {
	{ "twenty bytes as SHA1", 20 },
	{ "/usr/bin/env", 13 },
};

static const struct {
	const char *name;
	unsigned int nr_fields;
	const char *last;	/* its last field */
} templates[] = {
	{ "ima", 2, "n" },
	{ "ima-ng", 2, "n-ng" },
	{ "ima-ngv2", 2, "n-ng" },
	{ "ima-sig", 3, "sig" },
	{ "ima-sigv2", 3, "sig" },
	{ "ima-buf", 3, "buf" },
	{ "ima-txt", 3, "txt" },
	{ "ima-modsig", 5, "modsig" },
	{ "evm-sig", 9, "imode" },
	{ "d-ng|n-ng|iuid", 3, "iuid" },
	{ "d-ngv2|n-ng|sig|buf", 4, "buf" },
	{ "n-ng", 1, "n-ng" },
};

static void add_template(struct machine *m, unsigned int i)
{
	machine_add(m, 10, templates[i].name,
		    strcmp(templates[i].name, "ima") ? any : ima_fields,
		    templates[i].nr_fields);
}

/* Read the whole list.  Returns the status at the end. */
static enum imatally_status read_all(struct imatally_log *log,
				     uint64_t *entries,
				     struct imatally_error *err)
{
	struct imatally_entry entry;
	int got;

	*entries = 0;
	while ((got = imatally_log_next(log, &entry, err)) > 0) {
		/* all bytes of the entry must be readable */
		static uint8_t copy[1 << 17];
		unsigned int i;

		memcpy(copy, entry.data, entry.data_len);
		for (i = 0; i < entry.nr_fields; i++)
			memcpy(copy, entry.fields[i].data,
			       entry.fields[i].len);
		++*entries;
	}
	return got ? err->status : IMATALLY_OK;
}

static enum imatally_status read_buffer(const void *buf, size_t len,
					uint64_t *entries,
					struct imatally_error *err)
{
	/* in a separate allocation, so that sanitizers detect an overrun */
	void *copy = malloc(len ? len : 1);
	struct imatally_log *log;
	enum imatally_status status;

	memcpy(copy, buf, len);
	log = imatally_log_open_buffer(copy, len);
	status = read_all(log, entries, err);
	imatally_log_close(log);
	free(copy);
	return status;
}

static void reads_every_template(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(templates); i++) {
		struct machine m;
		struct imatally_log *log;
		struct imatally_entry entry;
		struct imatally_error err;
		const struct imatally_field *field;

		machine_init(&m, 1, NULL);
		machine_measure(&m, 1);
		add_template(&m, i);
		log = imatally_log_open_buffer(m.log, m.len);
		assert_int_equal(imatally_log_next(log, &entry, &err), 1);
		assert_int_equal(imatally_log_next(log, &entry, &err), 1);
		assert_int_equal(entry.index, 1);
		assert_int_equal(entry.offset, m.start[1]);
		assert_int_equal(entry.pcr, 10);
		assert_int_equal(entry.nr_fields, templates[i].nr_fields);
		field = imatally_entry_field(&entry, templates[i].last);
		assert_ptr_equal(field, &entry.fields[entry.nr_fields - 1]);
		assert_memory_equal(field->data,
				    any[entry.nr_fields - 1].data, field->len);
		assert_true(!!imatally_entry_field(&entry, "buf") ==
			    !!strstr(templates[i].name, "buf"));
		assert_true(imatally_entry_is_named(&entry, "/usr/bin/env") ==
			    (strcmp(templates[i].name, "n-ng") != 0));
		assert_int_equal(imatally_log_next(log, &entry, &err), 0);
		imatally_log_close(log);
		machine_free(&m);
	}
}

static void every_template_in_one_log(struct machine *m)
{
	unsigned int i;

	machine_init(m, 1, NULL);
	machine_boot(m, true);
	for (i = 0; i < ARRAY_SIZE(templates); i++)
		add_template(m, i);
	machine_violation(m);
}

static void truncation_anywhere_is_an_error_with_its_place(void **state)
{
	struct imatally_error err;
	unsigned int whole = 0;
	uint64_t entries;
	struct machine m;
	size_t len;

	(void)state;
	every_template_in_one_log(&m);
	for (len = 0; len <= m.len; len++) {
		enum imatally_status status;

		if (len == m.start[whole + 1])
			whole++;
		status = read_buffer(m.log, len, &entries, &err);
		assert_int_equal(entries, whole);
		if (len == m.start[whole]) {
			assert_int_equal(status, IMATALLY_OK);
			continue;
		}
		assert_int_equal(status, IMATALLY_ERR_MALFORMED);
		assert_true(err.in_log);
		assert_int_equal(err.entry, whole);
		assert_in_range(err.offset, m.start[whole], len);
	}
	assert_int_equal(whole, m.nr_entries);
	machine_free(&m);
}

static void a_file_reads_as_a_buffer_does(void **state)
{
	struct imatally_log *from_file, *from_buffer;
	struct imatally_entry a, b;
	struct imatally_error err;
	static uint8_t big[100000];
	struct machine m;
	unsigned int i;
	FILE *file;

	(void)state;
	every_template_in_one_log(&m);
	/* larger than the window, at different alignments */
	for (i = 0; i < 3; i++) {
		memset(big, i, sizeof(big));
		machine_buffer(&m, "big", big, sizeof(big) - i);
		machine_measure(&m, 200);
	}
	file = tmpfile();
	fwrite(m.log, 1, m.len, file);
	rewind(file);
	from_file = imatally_log_open_file(file);
	from_buffer = imatally_log_open_buffer(m.log, m.len);
	for (i = 0; i < m.nr_entries; i++) {
		assert_int_equal(imatally_log_next(from_file, &a, &err), 1);
		assert_int_equal(imatally_log_next(from_buffer, &b, &err), 1);
		assert_int_equal(a.offset, b.offset);
		assert_int_equal(a.data_len, b.data_len);
		assert_memory_equal(a.data, b.data, a.data_len);
		assert_memory_equal(a.digest, b.digest, 20);
		assert_int_equal(a.template_name_len, b.template_name_len);
		assert_memory_equal(a.template_name, b.template_name,
				    a.template_name_len);
	}
	assert_int_equal(imatally_log_next(from_file, &a, &err), 0);
	assert_int_equal(imatally_log_next(from_buffer, &b, &err), 0);
	imatally_log_close(from_file);
	imatally_log_close(from_buffer);
	fclose(file);
	machine_free(&m);
}

static void put_u32(uint8_t *at, uint32_t value)
{
	at[0] = value;
	at[1] = value >> 8;
	at[2] = value >> 16;
	at[3] = value >> 24;
}

/* Read the first entry of a file: @start, and then @len of the text @more. */
static int read_large(const void *start, size_t start_len, const char *more,
		      size_t len, struct imatally_error *err)
{
	FILE *file = tmpfile();
	struct imatally_log *log = imatally_log_open_file(file);
	struct imatally_entry entry;
	size_t i;
	int got;

	fwrite(start, 1, start_len, file);
	for (i = 0; i < len; i += strlen(more))
		fputs(more, file);
	rewind(file);
	got = imatally_log_next(log, &entry, err);
	imatally_log_close(log);
	fclose(file);
	return got;
}

/* No length in a list makes its reader take much memory. */
static void an_entry_has_a_limit(void **state)
{
	static const char text[] =
		"10 0000000000000000000000000000000000000000 ima-ng sha256:00 ";
	uint8_t binary[4 + 20 + 4 + 6 + 4 + 4] = { 10 };
	struct imatally_error err;

	(void)state;
	memset(binary + 4, 1, 20);
	put_u32(binary + 24, 6);
	memcpy(binary + 28, "ima-xy", 6);
	put_u32(binary + 34, 3 << 20);
	put_u32(binary + 38, (3 << 20) - 4);
	assert_int_equal(read_large(binary, sizeof(binary), "a", 3 << 20, &err),
			 1);
	put_u32(binary + 34, 4 << 20);
	put_u32(binary + 38, (4 << 20) - 4);
	assert_int_equal(read_large(binary, sizeof(binary), "a", 4 << 20, &err),
			 -1);
	assert_int_equal(err.status, IMATALLY_ERR_MALFORMED);
	assert_string_equal(err.text, "an entry of more than 4 MiB");

	/* a line, and lines that may all be of one name */
	assert_int_equal(read_large(text, sizeof(text) - 1, "a", 4 << 20, &err),
			 -1);
	assert_string_equal(err.text, "an entry of more than 4 MiB");
	assert_int_equal(read_large(text, sizeof(text) - 1, "a\n", 4 << 20,
				    &err), -1);
	assert_string_equal(err.text, "an entry of more than 4 MiB");
}

/* Set a u32 in the second entry, and expect an error there or after it. */
static void expect_lie(size_t at, uint32_t value, const char *about)
{
	struct imatally_error err;
	uint64_t entries;
	struct machine m;

	machine_init(&m, 1, NULL);
	machine_boot(&m, false);
	machine_measure(&m, 1);
	put_u32(m.log + m.start[1] + at, value);
	assert_int_equal(read_buffer(m.log, m.len, &entries, &err),
			 IMATALLY_ERR_MALFORMED);
	assert_int_equal(entries, 1);
	assert_int_equal(err.entry, 1);
	assert_in_range(err.offset, m.start[1], m.len);
	if (!strstr(err.text, about))
		fail_msg("\"%s\" does not speak of %s", err.text, about);
	machine_free(&m);
}

static void lengths_that_lie_are_errors(void **state)
{
	static const uint32_t lies[] = { 0x7fffffff, 0x80000000, 0xfffffffb,
					 0xfffffffc, 0xffffffff };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		expect_lie(0, lies[i], "PCR index");
		expect_lie(24, lies[i], "template name");
		expect_lie(34, lies[i], "the template data");
		expect_lie(38, lies[i], "field d-ng");
	}
	expect_lie(0, 24, "PCR index");
	expect_lie(0, 0x0a000000, "PCR index");
	expect_lie(24, 0, "template name");
	expect_lie(24, 256, "template name");
	expect_lie(34, 7, "field d-ng has length");
	expect_lie(34, 3, "ends before field");
	expect_lie(38, 39, "field n-ng has length");
	/* the last field exceeds the template data by one byte */
	expect_lie(82, 12, "field n-ng has length 12");
}

static void bytes_after_the_last_field_are_an_error(void **state)
{
	static const struct machine_field field[] = {
		{ "sha1:\0", 6 }, { "name", 5 }, { "more", 4 },
	};
	struct imatally_error err;
	uint64_t entries;
	struct machine m;

	(void)state;
	machine_init(&m, 1, NULL);
	machine_add(&m, 10, "ima-ng", field, 3);
	assert_int_equal(read_buffer(m.log, m.len, &entries, &err),
			 IMATALLY_ERR_MALFORMED);
	assert_non_null(strstr(err.text, "8 bytes left over"));
	machine_free(&m);
}

static void the_longest_name_of_template_ima(void **state)
{
	char name[257];
	struct machine_field field[] = { { "twenty bytes as SHA1", 20 },
					 { name, 256 } };
	struct imatally_error err;
	uint64_t entries;
	struct machine m;

	(void)state;
	memset(name, 'x', sizeof(name));
	machine_init(&m, 1, NULL);
	name[255] = '\0';
	machine_add(&m, 10, "ima", field, 2);
	assert_int_equal(read_buffer(m.log, m.len, &entries, &err),
			 IMATALLY_OK);
	m.len = m.nr_entries = 0;
	name[255] = 'x';
	name[256] = '\0';
	machine_add(&m, 10, "ima", field, 2);
	assert_int_equal(read_buffer(m.log, m.len, &entries, &err),
			 IMATALLY_ERR_MALFORMED);
	machine_free(&m);
}

/* No digest covers the name of a template. */
static void unknown_templates_are_read(void **state)
{
	static const char *const names[] = {
		"ima-new", "d-ng|", "|", "d-ng|n-ngx",
		"n|n|n|n|n|n|n|n|n|n|n|n|n|n|n|n",	/* 16 */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct imatally_entry entry;
		struct imatally_error err;
		struct imatally_log *log;
		uint64_t entries;
		struct machine m;

		machine_init(&m, 1, NULL);
		machine_add(&m, 10, names[i], any, 2);
		log = imatally_log_open_buffer(m.log, m.len);
		assert_int_equal(imatally_log_next(log, &entry, &err), 1);
		assert_true(entry.unknown_template);
		assert_int_equal(entry.nr_fields, 2);
		assert_string_equal(entry.fields[0].id, "");
		assert_int_equal(entry.fields[1].len, any[1].len);
		assert_memory_equal(entry.fields[1].data, any[1].data,
				    any[1].len);
		imatally_log_close(log);

		/* a field that does not fit, which would hide all of them */
		m.log[m.len - any[1].len - 4]++;
		assert_int_equal(read_buffer(m.log, m.len, &entries, &err),
				 IMATALLY_ERR_MALFORMED);
		machine_free(&m);
	}
}

static void a_template_name_is_printable(void **state)
{
	struct imatally_error err;
	uint64_t entries;
	struct machine m;

	(void)state;
	machine_init(&m, 1, NULL);
	machine_add(&m, 10, "\033[2J\n", any, 2);
	assert_int_equal(read_buffer(m.log, m.len, &entries, &err),
			 IMATALLY_ERR_MALFORMED);
	assert_int_equal(err.offset, 28);
	assert_non_null(strstr(err.text, "\"?[2J?\""));
	machine_free(&m);
}

static void a_lie_costs_no_memory(void **state)
{
	struct mallinfo2 before, after;
	struct imatally_error err;
	struct imatally_log *log;
	uint64_t entries;
	struct machine m;
	FILE *file;

	(void)state;
	machine_init(&m, 1, NULL);
	machine_measure(&m, 1000);	/* more than the window */
	put_u32(m.log + 34, 0xfffffff0);
	file = tmpfile();
	fwrite(m.log, 1, m.len, file);
	rewind(file);
	before = mallinfo2();
	log = imatally_log_open_file(file);
	assert_int_equal(read_all(log, &entries, &err), IMATALLY_ERR_MALFORMED);
	/* its buffer still exists (this is for sanitizers) */
	after = mallinfo2();
	assert_in_range(after.uordblks + after.hblkhd,
			0, before.uordblks + before.hblkhd + (1 << 18));
	/* and the error stays */
	assert_int_equal(read_all(log, &entries, &err), IMATALLY_ERR_MALFORMED);
	imatally_log_close(log);
	fclose(file);
	machine_free(&m);
}

static void only_the_kernels_boot_aggregate_counts(void **state)
{
	struct imatally_entry entry;
	struct imatally_error err;
	struct imatally_log *log;
	struct machine m;

	(void)state;
	machine_init(&m, 1, NULL);
	machine_boot(&m, false);
	machine_measure_as(&m, 10, "/boot_aggregate");
	machine_buffer(&m, "boot_aggregate", "a key", 5);
	machine_measure_as(&m, 10, "boot_aggregates");
	machine_measure_as(&m, 10, "boot");
	log = imatally_log_open_buffer(m.log, m.len);
	imatally_log_next(log, &entry, &err);
	assert_true(imatally_entry_is_boot_aggregate(&entry));
	while (imatally_log_next(log, &entry, &err) > 0)
		assert_false(imatally_entry_is_boot_aggregate(&entry));
	assert_int_equal(entry.index, 4);
	imatally_log_close(log);
	machine_free(&m);
}

static void expect_entry_at(struct imatally_log *log, const struct machine *m,
			    unsigned int index)
{
	struct imatally_entry entry;
	struct imatally_error err;

	assert_int_equal(imatally_log_seek(log, m->start[index], index, &err),
			 IMATALLY_OK);
	assert_int_equal(imatally_log_next(log, &entry, &err),
			 index < m->nr_entries);
	if (index == m->nr_entries)
		return;
	assert_int_equal(entry.index, index);
	assert_int_equal(entry.offset, m->start[index]);
}

static void seeks_to_any_entry_also_after_an_error(void **state)
{
	static const char before[] = "something else";
	struct imatally_entry entry;
	struct imatally_error err;
	struct imatally_log *log;
	struct machine m;
	unsigned int i;
	FILE *file;
	int fds[2];

	(void)state;
	machine_init(&m, 2, NULL);
	machine_measure(&m, 900);

	/* the list may start in the middle of the file */
	file = tmpfile();
	assert_non_null(file);
	fwrite(before, 1, sizeof(before), file);
	fwrite(m.log, 1, m.len, file);
	assert_int_equal(fseek(file, sizeof(before), SEEK_SET), 0);
	log = imatally_log_open_file(file);
	assert_true(imatally_log_can_seek(log));
	for (i = 0; i <= m.nr_entries; i += 90) {
		expect_entry_at(log, &m, m.nr_entries - i);
		expect_entry_at(log, &m, i);
	}
	assert_int_equal(imatally_log_seek(log, 1, 0, &err), IMATALLY_OK);
	assert_int_equal(imatally_log_next(log, &entry, &err), -1);
	expect_entry_at(log, &m, 0);
	imatally_log_close(log);
	fclose(file);

	log = imatally_log_open_buffer(m.log, m.len);
	assert_true(imatally_log_can_seek(log));
	expect_entry_at(log, &m, 5);
	expect_entry_at(log, &m, 0);
	assert_int_equal(imatally_log_seek(log, UINT64_MAX, 9, &err),
			 IMATALLY_OK);
	assert_int_equal(imatally_log_next(log, &entry, &err), 0);
	imatally_log_close(log);
	machine_free(&m);

	assert_int_equal(pipe(fds), 0);
	file = fdopen(fds[0], "r");
	log = imatally_log_open_file(file);
	assert_false(imatally_log_can_seek(log));
	assert_int_equal(imatally_log_seek(log, 0, 0, &err), IMATALLY_ERR_IO);
	imatally_log_close(log);
	fclose(file);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_template),
		cmocka_unit_test(truncation_anywhere_is_an_error_with_its_place),
		cmocka_unit_test(a_file_reads_as_a_buffer_does),
		cmocka_unit_test(an_entry_has_a_limit),
		cmocka_unit_test(seeks_to_any_entry_also_after_an_error),
		cmocka_unit_test(lengths_that_lie_are_errors),
		cmocka_unit_test(bytes_after_the_last_field_are_an_error),
		cmocka_unit_test(the_longest_name_of_template_ima),
		cmocka_unit_test(unknown_templates_are_read),
		cmocka_unit_test(a_template_name_is_printable),
		cmocka_unit_test(a_lie_costs_no_memory),
		cmocka_unit_test(only_the_kernels_boot_aggregate_counts),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
