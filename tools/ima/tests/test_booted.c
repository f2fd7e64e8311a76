// SPDX-License-Identifier: GPL-2.0-only
/* What booted: boot_aggregate entries and PCRs 0 to 9. */

#include <jansson.h>

#include "mklog.h"
#include "test.h"

static struct machine m;
static struct imatally_result result;
static bool strict;
static char *known;		/* values that are known, or NULL */
static char *state;		/* to verify from and to keep, if keeps_state */
static bool keeps_state;

static void read_values(struct imatally_pcrs *pcrs, const char *text)
{
	struct imatally_error err;

	assert_int_equal(imatally_pcrs_add_pcrread(pcrs, text, strlen(text),
						   &err), IMATALLY_OK);
}

static void set_state(struct imatally_verifier *v)
{
	struct imatally_error err;

	if (state)
		assert_int_equal(imatally_verifier_set_state(v, state,
							     strlen(state), &err),
				 IMATALLY_OK);
	imatally_verifier_keep_state(v);
}

static void keep_state(const struct imatally_verifier *v)
{
	const char *text;
	size_t len;

	text = imatally_verifier_state(v, &len);
	free(state);
	state = text ? strdup(text) : NULL;
}

/* Verify the list against these values of all PCRs, those of @boot 0 to 9. */
static enum imatally_verdict verdict_with(const char *pcrread, const char *boot)
{
	struct imatally_log *log = imatally_log_open_buffer(m.log, m.len);
	struct imatally_pcrs pcrs = { 0 }, booted = { 0 }, expected = { 0 };
	struct imatally_verifier *v;
	struct imatally_error err;

	read_values(&pcrs, pcrread);
	v = imatally_verifier_new(&pcrs);
	if (boot) {
		read_values(&booted, boot);
		assert_int_equal(imatally_verifier_set_boot_pcrs(v, &booted, strict),
				 IMATALLY_OK);
	}
	if (known) {
		read_values(&expected, known);
		assert_int_equal(imatally_verifier_set_known_boot_pcrs(v, &expected),
				 IMATALLY_OK);
	}
	if (keeps_state)
		set_state(v);
	imatally_result_free(&result);
	if (imatally_verifier_run(v, log, &result, &err))
		fail_msg("%s", err.text);
	if (keeps_state)
		keep_state(v);
	imatally_verifier_free(v);
	imatally_pcrs_free(&pcrs);
	imatally_pcrs_free(&booted);
	imatally_pcrs_free(&expected);
	imatally_log_close(log);
	return result.verdict;
}

static enum imatally_verdict verdict(void)
{
	char *pcrread = machine_pcrread(&m);
	enum imatally_verdict found = verdict_with(pcrread, pcrread);

	free(pcrread);
	return found;
}

/* The only finding of that kind, or NULL */
static const struct imatally_finding *finding(enum imatally_kind kind)
{
	const struct imatally_finding *found = NULL;
	size_t i;

	for (i = 0; i < result.nr_findings; i++) {
		if (result.finding[i].kind != kind)
			continue;
		if (found)
			fail_msg("kind %d twice", kind);
		found = &result.finding[i];
	}
	return found;
}

static void expect_difference(uint64_t entry, enum imatally_severity severity)
{
	const struct imatally_finding *f = finding(IMATALLY_BOOT_AGGREGATE);

	assert_non_null(f);
	assert_int_equal(f->from.index, entry);
	assert_int_equal(f->severity, severity);
}

/* Firmware has extended PCRs before the kernel starts. */
static void power_on(unsigned int banks)
{
	uint32_t pcr;

	machine_free(&m);
	machine_init(&m, banks, NULL);
	for (pcr = 0; pcr < 10; pcr++)
		machine_extend(&m, pcr);
}

static void start(unsigned int banks)
{
	power_on(banks);
	machine_boot(&m, true);
	machine_measure(&m, 3);
}

static int teardown(void **unused)
{
	(void)unused;
	machine_free(&m);
	memset(&m, 0, sizeof(m));
	imatally_result_free(&result);
	strict = false;
	free(known);
	known = NULL;
	keeps_state = false;
	free(state);
	state = NULL;
	return 0;
}

static void every_kernel_says_what_booted(void **unused)
{
	unsigned int banks;

	(void)unused;
	strict = true;
	for (banks = 1; banks <= 4; banks++) {
		start(banks);
		machine_record(&m, "kexec_execute");
		machine_kexec(&m, m.nr_entries, true);
		machine_measure(&m, 2);
		assert_int_equal(verdict(), IMATALLY_COMPLETE);
		assert_int_equal(result.nr_findings, 0);
	}
}

static void without_values_nothing_is_compared(void **unused)
{
	char *pcrread;

	(void)unused;
	start(2);
	machine_extend(&m, 4);
	pcrread = machine_pcrread(&m);
	assert_int_equal(verdict_with(pcrread, NULL), IMATALLY_COMPLETE);
	assert_null(finding(IMATALLY_BOOT_AGGREGATE));
	assert_null(finding(IMATALLY_BOOT_NOT_COMPARED));
	free(pcrread);
}

static void an_extend_after_the_start_is_a_finding(void **unused)
{
	(void)unused;
	start(2);
	machine_extend(&m, 4);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_true(result.has_findings);
	expect_difference(0, IMATALLY_FINDING);
	assert_int_equal(finding(IMATALLY_BOOT_AGGREGATE)->alg, IMATALLY_ALG_SHA256);

	strict = true;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	expect_difference(0, IMATALLY_FAULT);
}

static void which_pcrs_depends_on_the_algorithm(void **unused)
{
	uint32_t pcr;

	(void)unused;
	for (pcr = 0; pcr < 24; pcr++) {
		if (pcr == 10)
			continue;
		start(1);	/* sha1 */
		machine_extend(&m, pcr);
		verdict();
		assert_int_equal(!!finding(IMATALLY_BOOT_AGGREGATE), pcr < 8);

		start(2);	/* sha256 */
		machine_extend(&m, pcr);
		verdict();
		assert_int_equal(!!finding(IMATALLY_BOOT_AGGREGATE), pcr < 10);
	}
}

static void only_the_kernel_before_the_extend_differs(void **unused)
{
	(void)unused;
	start(2);
	machine_record(&m, "kexec_execute");
	machine_extend(&m, 9);
	machine_kexec(&m, m.nr_entries, true);
	machine_measure(&m, 1);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	expect_difference(0, IMATALLY_FINDING);
}

static void equal_ones_are_reported_once(void **unused)
{
	int i;

	(void)unused;
	start(2);
	for (i = 0; i < 40; i++) {
		machine_record(&m, "kexec_execute");
		machine_kexec(&m, m.nr_entries, true);
	}
	machine_extend(&m, 0);
	verdict();
	expect_difference(0, IMATALLY_FINDING);
}

/* Also if there are more different ones than are kept */
static void each_different_one_is_reported(void **unused)
{
	size_t i, nr = 0;

	(void)unused;
	start(2);
	for (i = 0; i < 40; i++) {
		machine_record(&m, "kexec_execute");
		machine_extend(&m, 1);
		machine_kexec(&m, m.nr_entries, true);
	}
	verdict();
	for (i = 0; i < result.nr_findings; i++)
		nr += result.finding[i].kind == IMATALLY_BOOT_AGGREGATE;
	assert_in_range(nr, 16, 40);
}

static void a_file_of_that_name_is_not_compared(void **unused)
{
	int i;

	(void)unused;
	strict = true;
	start(2);
	for (i = 0; i < 300; i++)
		machine_measure_as(&m, 10, "boot_aggregate");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_null(finding(IMATALLY_BOOT_AGGREGATE));
	machine_record(&m, "request");
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_null(finding(IMATALLY_BOOT_AGGREGATE));
}

/* ... and hides no kernel's, before its first record or after it */
static void many_files_of_that_name_hide_nothing(void **unused)
{
	int i;

	(void)unused;
	power_on(2);
	machine_boot(&m, false);
	for (i = 0; i < 300; i++)
		machine_measure_as(&m, 10, "boot_aggregate");
	machine_record(&m, "policy");
	machine_extend(&m, 3);
	for (i = 0; i < 300; i++)
		machine_measure_as(&m, 10, "boot_aggregate");
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, true);
	machine_extend(&m, 4);
	verdict();
	assert_int_equal(result.finding[0].kind, IMATALLY_NAMED_ONLY);
	for (i = 0; result.finding[i].kind != IMATALLY_BOOT_AGGREGATE; i++)
		;
	assert_int_equal(result.finding[i].from.index, 0);
	assert_int_equal(result.finding[i + 1].kind, IMATALLY_BOOT_AGGREGATE);
	assert_int_equal(result.finding[i + 1].from.index, 603);
}

/* Anyone can choose the name, so it makes no fault. */
static void without_records_the_name_decides(void **unused)
{
	(void)unused;
	strict = true;
	power_on(2);
	machine_boot(&m, false);
	machine_measure(&m, 3);
	assert_int_equal(verdict(), IMATALLY_COMPLETE_NOT_COUNTED);
	assert_false(result.has_findings);
	machine_measure_as(&m, 10, "boot_aggregate");
	assert_int_equal(verdict(), IMATALLY_COMPLETE_NOT_COUNTED);
	expect_difference(4, IMATALLY_FINDING);
}

/* The one after the last record of its kernel is the next kernel's. */
static void a_kernel_without_records_may_follow(void **unused)
{
	(void)unused;
	start(2);
	machine_record(&m, "kexec_execute");
	machine_extend(&m, 2);
	machine_kexec(&m, m.nr_entries, false);
	machine_extend(&m, 2);
	strict = true;
	verdict();
	assert_int_equal(result.finding[0].from.index, 0);
	assert_int_equal(result.finding[0].severity, IMATALLY_FAULT);
	assert_int_equal(result.finding[1].from.index, 6);
	assert_int_equal(result.finding[1].severity, IMATALLY_FINDING);
}

static void reset_tpm(void)
{
	unsigned int i;

	m.resets++;
	for (i = 0; i < m.nr_banks; i++)
		memset(m.bank[i].pcr, 0, sizeof(m.bank[i].pcr));
}

static void a_hibernated_kernel_was_booted_before(void **unused)
{
	(void)unused;
	strict = true;
	start(2);
	reset_tpm();
	machine_extend(&m, 0);
	machine_record(&m, "resume");
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_INCOMPLETE);
	assert_non_null(finding(IMATALLY_RESET));
	assert_null(finding(IMATALLY_BOOT_AGGREGATE));

	/* a kernel after that is of this boot */
	machine_record(&m, "kexec_execute");
	machine_kexec(&m, m.nr_entries, true);
	machine_extend(&m, 0);
	verdict();
	expect_difference(9, IMATALLY_FAULT);
}

static void after_suspend_to_ram_it_is_the_same_boot(void **unused)
{
	(void)unused;
	start(2);
	m.restarts++;
	machine_record(&m, "resume");
	machine_extend(&m, 0);
	verdict();
	expect_difference(0, IMATALLY_FINDING);
}

/* Whoever hands over the list appends a record that would excuse it. */
static void what_the_values_do_not_prove_excuses_nothing(void **unused)
{
	char *pcrread;

	(void)unused;
	start(2);
	machine_extend(&m, 4);
	pcrread = machine_pcrread(&m);
	m.resets++;
	machine_record(&m, "resume");
	assert_int_equal(verdict_with(pcrread, pcrread), IMATALLY_COMPLETE);
	assert_int_equal(result.tail, 1);
	expect_difference(0, IMATALLY_FINDING);
	free(pcrread);
}

static void a_kernel_without_a_tpm_could_not_read_them(void **unused)
{
	uint8_t zero[8 + 32] = "sha256:";
	struct machine_field field[] = {
		{ zero, sizeof(zero) }, { "boot_aggregate", 15 },
	};

	(void)unused;
	power_on(2);
	machine_add(&m, 10, "ima-ng", field, 2);
	machine_record(&m, "boot");
	verdict();
	expect_difference(0, IMATALLY_FINDING);
}

static void template_ima_has_a_bare_digest(void **unused)
{
	uint8_t values[8 * 20], digest[20];
	struct machine_field field[] = {
		{ digest, sizeof(digest) }, { "boot_aggregate", 14 },
	};
	unsigned int i;

	(void)unused;
	power_on(2);
	for (i = 0; i < 8; i++)
		memcpy(values + 20 * i, m.bank[0].pcr[i], 20);
	EVP_Digest(values, sizeof(values), digest, NULL, m.sha1, NULL);
	machine_add(&m, 10, "ima", field, 2);
	machine_record(&m, "boot");
	verdict();
	assert_int_equal(result.nr_findings, 0);
	machine_extend(&m, 7);
	verdict();
	expect_difference(0, IMATALLY_FINDING);
}

static void a_later_template_names_the_kind_of_digest(void **unused)
{
	uint8_t d[12 + 32] = "ima:sha256:", values[10 * 32];
	struct machine_field field[] = {
		{ d, sizeof(d) }, { "boot_aggregate_late", 20 },
	};
	unsigned int i;

	(void)unused;
	power_on(2);
	for (i = 0; i < 10; i++)
		memcpy(values + 32 * i, m.bank[1].pcr[i], 32);
	EVP_Digest(values, sizeof(values), d + 12, NULL, m.sha256, NULL);
	machine_add(&m, 10, "ima-ngv2", field, 2);
	machine_record(&m, "boot");
	verdict();
	assert_int_equal(result.nr_findings, 0);
	machine_extend(&m, 8);
	verdict();
	expect_difference(0, IMATALLY_FINDING);
}

static void values_of_its_bank_may_be_missing(void **unused)
{
	const struct imatally_finding *f;
	char *pcrread, *end;

	(void)unused;
	start(2);
	pcrread = machine_pcrread(&m);
	/* all but those of sha256 */
	end = strdup(pcrread);
	*strstr(end, "  sha256:") = '\0';
	assert_int_equal(verdict_with(pcrread, end), IMATALLY_COMPLETE);
	f = finding(IMATALLY_BOOT_NOT_COMPARED);
	assert_int_equal(f->severity, IMATALLY_NOTE);
	assert_int_equal(f->alg, IMATALLY_ALG_SHA256);
	assert_false(result.has_findings);
	free(end);

	/* all but PCR 9 */
	end = strstr(strstr(pcrread, "  sha256:"), "    9 ");
	memset(end, ' ', strchr(end, '\n') - end);
	verdict_with(pcrread, pcrread);
	assert_non_null(finding(IMATALLY_BOOT_NOT_COMPARED));
	free(pcrread);
}

static void a_digest_in_another_form_is_not_compared(void **unused)
{
	static const char *const forms[] = { "sha256", ":", "what:", "" };
	size_t i;

	(void)unused;
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		uint8_t d[40] = { 0 };
		struct machine_field field[] = {
			{ d, sizeof(d) }, { "boot_aggregate", 15 },
		};

		strcpy((char *)d, forms[i]);
		power_on(2);
		machine_add(&m, 10, "ima-ng", field, 2);
		machine_record(&m, "boot");
		verdict();
		assert_int_equal(finding(IMATALLY_BOOT_NOT_COMPARED)->alg, 0);
	}
}

static void known_values(void **unused)
{
	const struct imatally_finding *f;

	(void)unused;
	start(2);
	known = machine_pcrread(&m);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(result.nr_findings, 0);

	/* those of other PCRs are of no interest */
	machine_others(&m, 1);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);

	/* another boot loader */
	power_on(2);
	machine_extend(&m, 4);
	machine_boot(&m, true);
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_null(finding(IMATALLY_BOOT_AGGREGATE));
	assert_int_equal(result.nr_findings, 2);
	f = &result.finding[1];
	assert_int_equal(f->kind, IMATALLY_BOOT_PCR_DIFFERS);
	assert_int_equal(f->pcr, 4);
	assert_int_equal(f->alg, IMATALLY_ALG_SHA256);
}

static void known_values_have_to_be_there(void **unused)
{
	char *pcrread;

	(void)unused;
	start(1);
	known = machine_pcrread(&m);
	pcrread = machine_pcrread(&m);
	assert_int_equal(verdict_with(pcrread, NULL), IMATALLY_MISMATCH);
	assert_int_equal(result.nr_findings, 10);
	assert_int_equal(result.finding[9].kind, IMATALLY_BOOT_PCR_MISSING);
	assert_int_equal(result.finding[9].pcr, 9);
	free(pcrread);
}

static void a_state_keeps_what_booted(void **unused)
{
	(void)unused;
	keeps_state = true;
	start(2);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	machine_measure(&m, 2);
	assert_int_equal(verdict(), IMATALLY_COMPLETE);
	assert_int_equal(result.resumption, IMATALLY_RESUMED);
	assert_false(result.has_findings);
	machine_extend(&m, 4);
	machine_measure(&m, 2);
	strict = true;
	assert_int_equal(verdict(), IMATALLY_MISMATCH);
	assert_int_equal(result.resumption, IMATALLY_RESUMED);
	expect_difference(0, IMATALLY_FAULT);
}

/* Change the JSON of a state, and its checksum with it. */
static void edit_state(void (*edit)(json_t *))
{
	uint8_t digest[32];
	char hex[65];
	json_t *json;
	char *line;

	*strchr(state, '\n') = '\0';
	json = json_loads(state, 0, NULL);
	assert_non_null(json);
	edit(json);
	line = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	EVP_Digest(line, strlen(line), digest, NULL, EVP_sha256(), NULL);
	free(state);
	assert_true(asprintf(&state, "%s\nsha256:%s\n", line,
			     imatally_hex_from_bytes(hex, digest, 32)) > 0);
	free(line);
}

static void without_booted(json_t *json)
{
	json_object_del(json, "booted");
}

static void with_no_array(json_t *json)
{
	json_object_set_new(json, "booted", json_integer(1));
}

static void with_too_many(json_t *json)
{
	json_t *array = json_object_get(json, "booted");
	int i;

	for (i = 0; i < 16; i++)
		json_array_append(array, json_array_get(array, 0));
}

static void with_another_length(json_t *json)
{
	json_t *array = json_object_get(json, "booted");

	json_object_set_new(json_array_get(array, 0), "value", json_string("00"));
}

static void with_no_digits(json_t *json)
{
	json_t *first = json_array_get(json_object_get(json, "booted"), 0);
	char text[65];

	memset(text, 'x', 64);
	text[64] = '\0';
	json_object_set_new(first, "value", json_string(text));
}

static void with_another_member(json_t *json)
{
	json_t *array = json_object_get(json, "booted");

	json_object_set_new(json_array_get(array, 0), "more", json_true());
}

static void a_state_is_checked(void **unused)
{
	static void (*const edits[])(json_t *) = {
		without_booted, with_no_array, with_too_many, with_another_length,
		with_no_digits, with_another_member,
	};
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_verifier *v;
	struct imatally_error err;
	size_t i;

	(void)unused;
	keeps_state = true;
	for (i = 0; i < ARRAY_SIZE(edits); i++) {
		start(2);
		free(state);
		state = NULL;
		verdict();
		edit_state(edits[i]);
		v = imatally_verifier_new(&pcrs);
		assert_int_equal(imatally_verifier_set_state(v, state,
							     strlen(state), &err),
				 IMATALLY_ERR_MALFORMED);
		imatally_verifier_free(v);
	}
}

#define TEST(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kernel_says_what_booted),
		TEST(without_values_nothing_is_compared),
		TEST(an_extend_after_the_start_is_a_finding),
		TEST(which_pcrs_depends_on_the_algorithm),
		TEST(only_the_kernel_before_the_extend_differs),
		TEST(equal_ones_are_reported_once),
		TEST(each_different_one_is_reported),
		TEST(a_file_of_that_name_is_not_compared),
		TEST(many_files_of_that_name_hide_nothing),
		TEST(without_records_the_name_decides),
		TEST(a_kernel_without_records_may_follow),
		TEST(a_hibernated_kernel_was_booted_before),
		TEST(after_suspend_to_ram_it_is_the_same_boot),
		TEST(what_the_values_do_not_prove_excuses_nothing),
		TEST(a_kernel_without_a_tpm_could_not_read_them),
		TEST(template_ima_has_a_bare_digest),
		TEST(a_later_template_names_the_kind_of_digest),
		TEST(values_of_its_bank_may_be_missing),
		TEST(a_digest_in_another_form_is_not_compared),
		TEST(known_values),
		TEST(known_values_have_to_be_there),
		TEST(a_state_keeps_what_booted),
		TEST(a_state_is_checked),
	};

	return cmocka_run_group_tests_name("booted", tests, NULL, NULL);
}
