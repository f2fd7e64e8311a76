// SPDX-License-Identifier: GPL-2.0-only
/* Output and exit statuses of the command, whose path is in $IMATALLY. */

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mklog.h"
#include "test.h"

static const char *imatally;
static char dir[] = "/tmp/imatally.XXXXXX";
static struct machine m;
static char out[1 << 16], err[1 << 16];

static char *slurp(const char *name, char *buf, size_t size)
{
	char path[256];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(buf, 1, size - 1, file);
	buf[len] = '\0';
	fclose(file);
	return buf;
}

static void spill(const char *name, const void *data, size_t len)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

/* Run imatally in the directory of the tests.  Returns its exit status. */
static int run(const char *arguments)
{
	char command[1024];
	int status;

	/* limit the time, in case it blocks on a FIFO */
	snprintf(command, sizeof(command),
		 "cd %s && timeout 120 %s >out 2>err %s", dir, imatally,
		 arguments);
	status = system(command);
	slurp("out", out, sizeof(out));
	slurp("err", err, sizeof(err));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Save the list and PCRs of the machine: "log", "pcrs", "sha1" and so on. */
static void save(void)
{
	char *pcrread = machine_pcrread(&m);
	unsigned int i, j;

	spill("log", m.log, m.len);
	spill("pcrs", pcrread, strlen(pcrread));
	free(pcrread);
	for (i = 0; i < m.nr_banks; i++) {
		char text[130];

		for (j = 0; j < m.bank[i].size; j++)
			sprintf(text + 2 * j, "%02X", m.bank[i].pcr[10][j]);
		strcat(text, "\n");
		spill(m.bank[i].alg, text, strlen(text));
	}
}

static int setup(void **state)
{
	(void)state;
	machine_init(&m, 2, NULL);
	machine_boot(&m, true);
	machine_measure(&m, 5);
	machine_record(&m, "kexec_load");
	save();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_free(&m);
	return 0;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void expect_first_line(const char *line)
{
	if (strncmp(out, line, strlen(line)) || out[strlen(line)] != '\n')
		fail_msg("not \"%s\" first:\n%s", line, out);
}

static void help_and_version(void **state)
{
	(void)state;
	assert_int_equal(run("--help"), 0);
	expect(out, "imatally show");
	expect(out, "imatally verify");
	assert_int_equal(run("show --help"), 0);
	expect(out, "Usage: imatally show LIST...");
	assert_int_equal(run("verify --help"), 0);
	expect(out, "--pcrs FILE");
	expect(out, "--evidence DIR");
	assert_int_equal(run("collect --help"), 0);
	expect(out, "Usage: imatally collect --ak AK");
	assert_int_equal(run("enroll --help"), 0);
	expect(out, "Usage: imatally enroll --ak AK");
	assert_int_equal(run("challenge --help"), 0);
	expect(out, "Usage: imatally challenge --request");
	assert_int_equal(run("watch --help"), 0);
	expect(out, "Usage: imatally watch");
	assert_int_equal(run("--version"), 0);
	expect(out, "imatally ");
	assert_string_equal(err, "");
}

static void bad_usage_is_3_on_stderr(void **state)
{
	static const char *const bad[] = {
		"", "frobnicate", "show", "show --pcrs", "show log nothing",
		"verify", "verify log", "verify --pcrs pcrs",
		"verify log --pcrs", "verify log --pcrs pcrs --colour",
		"verify log --pcr sha1", "verify log --pcr md5:sha1",
		"verify log --pcr sha256:sha1", "verify log nothing --pcrs pcrs",
		"verify - - --pcrs pcrs <log",
		"show - - <log",
		"verify log --pcrs pcrs --strict --strict",
		"verify log --pcrs pcrs --ima-pcr 10 --ima-pcr 10",
		"verify log --pcrs pcrs --state a --sta b",
		"collect --ak ak --nonce 00 --out d --out e",
		"watch --every 1 --every 2",
		"verify log --pcrs log", "verify log --pcrs nothing",
		"verify nothing --pcrs pcrs", "show nothing", "show .",
		"collect", "collect --ak ak", "collect --nonce 00 --out d",
		"collect --ak ak --nonce 00", "collect --ak ak --out d",
		"collect --create-ak ak.pem", "collect x",
		"collect --create-ak ak.pem --ak ak --nonce 00",
		"collect --ak ak --nonce 00 --out d --ak-alg ecc",
		"collect --ak ak --nonce 00 --out d --pcr 24",
		"watch", "watch --every 1 --interval 1",
		"enroll", "enroll --ak ak", "enroll --out request",
		"enroll --ak ak --out request x",
		"enroll --ak ak --out a --out b",
		"enroll --ak ak --out new --activate nothing",
		"challenge", "challenge --pending p --out o",
		"challenge --request r --pending p --out o",
		"challenge --request r --ca . --pending p",
		"challenge --request r --ca . --answer a --pending p --out o",
		"challenge --answer a --ca . --pending p --out o",
		"challenge --answer a --out o",
		"challenge --answer a --pending p --out o x",
		"challenge --answer a --answer b --pending p --out o",
		"challenge --answer log --pending nothing --out o",
		"challenge --request log --ca nothing --pending p --out o",
		"verify --evidence . --enrolled log --nonce 00",
		"verify --evidence . --enrolled log --ak log --nonce 00",
		"verify --evidence .", "verify --ak log --nonce 00",
		"verify --jobs 2", "verify --jobs x .", "verify --jobs 257 .",
		"verify --jobs 1 . --ak log", "verify --jobs 1 . --pcrs pcrs",
		"verify --jobs 1 . --state log",
		"verify --evidence . --ak nothing --nonce 00",
		"verify --evidence nothing --ak log --nonce 00",
		"verify - --pcrs - <log", "verify log --pcrs - --pcrs - <pcrs",
		"verify log --pcr sha1:- --pcr sha1:- <log",
		"verify log --pcr sha256:nothing",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (run(bad[i]) != 3)
			fail_msg("imatally %s: not 3", bad[i]);
		if (*out)
			fail_msg("imatally %s: on stdout: %s", bad[i], out);
		expect(err, "imatally: ");
	}
	assert_int_equal(run("verify - --pcrs - <pcrs"), 3);
	expect(err, "only once");
	assert_int_equal(run("show nothing"), 3);
	assert_string_equal(err, "imatally: nothing: No such file or directory\n");
}

static void shows_every_record(void **state)
{
	(void)state;
	assert_int_equal(run("show log"), 0);
	expect(out, "entry 1: boot, kernel 1\n");
	expect(out, "entry 7: kexec_load, kernel 1\n");
	expect(out, "  pcrUpdateCounter  22\n");
	expect(out, "  pcrUpdateCounter  34\n");
	expect(out, "  resets            0\n");
	expect(out, "  unread            0\n");
	expect(out, "  before            10\n    sha1            ");
	expect(out, "  pcr               10\n    sha1            ");
	expect(out, "2 records in 8 entries\n");
	assert_int_equal(run("show - <log"), 0);
	expect(out, "2 records in 8 entries\n");
}

static void shows_what_is_unusual(void **state)
{
	static const char newer[] =
		"version=1;event=later;pcrUpdateCounter=40;updates=40;"
		"uncertain=0;banks=2;step=2;entries=9;carried=0;trimmed=0;"
		"extends=9;failed=0;dropped=0;protected=0;pcr=10:0x4321:00;colour=1;";

	(void)state;
	m.tpm_error = "TPM_0x101";
	machine_record(&m, "request");
	machine_buffer(&m, "pcr_counter", newer, strlen(newer));
	machine_buffer(&m, "pcr_counter", "a key", 5);
	save();
	assert_int_equal(run("show log"), 0);
	expect(out, "  error             TPM_0x101\n");
	expect(out, "entry 9: later, kernel 1\n");
	expect(out, "    0x4321");
	expect(out, "beginning with \"colour\"\n");
	expect(out, "entry 10: named pcr_counter, but not a record\n");
	assert_int_equal(run("show --json log"), 0);
	expect(out, "\"tpm_error\":\"TPM_0x101\"");
	expect(out, "\"before\":10,\"before_values\":{\"sha1\":");
	expect(out, "\"unknown_key\":\"colour\"");
	expect(out, "\"unknown_event\":\"later\"");
	expect(out, "\"foreign\":");
}

static void unreadable_pcr_values_are_3(void **state)
{
	static char large[(1 << 20) + 1];

	(void)state;
	memset(large, ' ', sizeof(large));
	spill("pcrs", large, sizeof(large));
	assert_int_equal(run("verify log --pcrs pcrs"), 3);
	expect(err, "larger than a megabyte");
	assert_int_equal(run("verify log --pcrs ."), 3);
	expect(err, "read error");
}

static void complete_is_0(void **state)
{
	(void)state;
	assert_int_equal(run("verify log --pcrs pcrs"), 0);
	expect_first_line("verdict: complete");
	expect(out, "list: 8 entries, 2 records, 1 kernel\n");
	expect(out, "PCR values: unsigned\n");
	expect(out, "PCR 10 sha256: matches the replay\n");
	assert_string_equal(err, "");
	assert_int_equal(run("verify --strict log --pcrs pcrs"), 0);
	assert_int_equal(run("verify log --pcr sha1:sha1 --pcr sha256:sha256"),
			 0);
	assert_int_equal(run("verify - --pcr sha256:sha256 <log"), 0);
	assert_int_equal(run("verify log --pcrs - <pcrs"), 0);
}

static void not_counted_is_0(void **state)
{
	(void)state;
	machine_free(&m);
	machine_init(&m, 2, NULL);
	machine_boot(&m, false);
	machine_measure(&m, 3);
	save();
	assert_int_equal(run("verify log --pcrs pcrs --strict"), 0);
	expect_first_line("verdict: complete (not counted)");
}

static void incomplete_is_1_and_says_where(void **state)
{
	(void)state;
	machine_measure(&m, 195);
	machine_kexec(&m, 8, true);
	save();
	assert_int_equal(run("verify log --pcrs pcrs"), 1);
	expect_first_line("verdict: incomplete: 195 entries lost");
	expect(out, "195 entries lost between entry 7 (kexec_load) and entry 8 (boot_aggregate of kernel 2)"
		    " (by pcrUpdateCounter; exact if nothing else moved it in between)\n");
}

static void mismatch_is_2_and_gives_advice(void **state)
{
	(void)state;
	machine_measure(&m, 2);
	save();
	machine_delete(&m, 8, 1);
	spill("log", m.log, m.len);
	assert_int_equal(run("verify log --pcrs pcrs"), 2);
	expect_first_line("verdict: mismatch: the list has no consistent reading");
	expect(out, "it matches up to entry 7 (kexec_load)\n");
	expect(out, "read\n  all PCRs at once");
}

static void a_longer_log_is_0(void **state)
{
	(void)state;
	machine_measure(&m, 2);
	spill("log", m.log, m.len);
	assert_int_equal(run("verify log --pcrs pcrs --strict"), 0);
	expect_first_line("verdict: complete");
	expect(out, "2 entries at the end of the list are not covered by the PCR values");
	expect(out, "PCR 10 sha1: matches the replay after 8 entries");
}

static void strict_makes_findings_1(void **state)
{
	(void)state;
	machine_others(&m, 2);
	machine_record(&m, "request");
	save();
	assert_int_equal(run("verify log --pcrs pcrs"), 0);
	expect(out, "findings:\n  4 unexplained updates of PCRs, between entry 7 (kexec_load) and entry 8 (request)\n");
	assert_int_equal(run("verify log --pcrs pcrs --strict"), 1);
	expect_first_line("verdict: complete");
}

static void malformed_is_3_with_entry_and_offset(void **state)
{
	char expected[64];

	(void)state;
	spill("log", m.log, m.len - 1);
	snprintf(expected, sizeof(expected), "imatally: log: entry 7, offset %u: ",
		 (unsigned int)m.start[7] + 24 + 4 + 7 + 4);
	assert_int_equal(run("verify log --pcrs pcrs"), 3);
	expect(err, expected);
	assert_string_equal(out, "");
	/* show prints the records before the error */
	assert_int_equal(run("show log"), 3);
	expect(err, expected);
	expect(out, "entry 1: boot");
	spill("log", "", 0);
	assert_int_equal(run("verify log --pcrs pcrs"), 3);
	expect(err, "the list is empty");

	machine_buffer(&m, "pcr_counter", "version=1;event=boot;=1;", 24);
	spill("log", m.log, m.len);
	snprintf(expected, sizeof(expected), "imatally: log: entry 8, offset %u: ",
		 (unsigned int)m.len - 3);
	assert_int_equal(run("show log"), 3);
	expect(err, expected);
	/* to verify, it is an entry, which the values do not cover yet */
	assert_int_equal(run("verify log --pcrs pcrs"), 0);
	expect(out, "verdict: complete");
}

static void a_state_is_gone_on_from(void **state)
{
	const char *verify = "verify log --pcrs pcrs --state state";
	char text[1 << 15];

	(void)state;
	assert_int_equal(run(verify), 0);
	assert_null(strstr(out, "state:"));
	machine_measure(&m, 3);
	save();
	assert_int_equal(run(verify), 0);
	assert_non_null(strstr(out, "verified before, 3 new"));
	/* the state is not updated after a mismatch or an error */
	m.bank[0].pcr[10][0] ^= 1;
	save();
	assert_int_equal(run(verify), 2);
	assert_non_null(strstr(out, "state: verified from the start"));
	m.bank[0].pcr[10][0] ^= 1;
	save();
	assert_int_equal(run(verify), 0);
	assert_non_null(strstr(out, "verified before, 0 new"));

	slurp("state", text, sizeof(text));
	spill("state", text, strlen(text) / 2);
	assert_int_equal(run(verify), 3);
	assert_non_null(strstr(err, "state: the state is damaged"));
	assert_string_equal(out, "");
	spill("state", m.log, m.len);
	assert_int_equal(run(verify), 3);
	assert_non_null(strstr(err, "state: not a state"));
	spill("state", "", 0);
	assert_int_equal(run(verify), 3);
	assert_int_equal(run("verify log --pcrs pcrs --state no/state"), 3);
	assert_non_null(strstr(err, "no/state"));
}

/* Links next to it are not followed, and its mode follows the umask. */
static void a_state_is_replaced_whole(void **state)
{
	const mode_t mask = umask(027);
	char path[256], text[16];
	struct stat st;

	(void)state;
	spill("other", "untouched", 9);
	snprintf(path, sizeof(path), "%s/whole.new", dir);
	assert_int_equal(symlink("other", path), 0);
	snprintf(path, sizeof(path), "%s/whole", dir);
	assert_int_equal(symlink("other", path), 0);
	assert_int_equal(run("verify log --pcrs pcrs --html whole"), 3);
	assert_non_null(strstr(err, "whole: not replaced, since it is not a regular file"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(run("verify log --pcrs pcrs --state whole"), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	umask(mask);
	assert_string_equal(slurp("other", text, sizeof(text)), "untouched");
}

static void jobs_verify_folders_in_their_order(void **state)
{
	(void)state;
	assert_int_equal(run("--version; mkdir -p a b c x; "
			     "for i in a b c x; do cp log $i; cp pcrs $i; done; "
			     "rm c/log; mkdir -p states"), 0);
	assert_int_equal(run("verify --jobs 2 a b x --state states"), 0);
	assert_string_equal(out, "a: complete\nb: complete\nx: complete\n"
				 "3 lists: 3 complete; exit status 0: complete\n");
	assert_int_equal(run("verify --jobs 0 ./a/ b x --state states"), 0);
	assert_int_equal(run("verify --jobs 3 a c b x"), 3);
	assert_string_equal(out, "a: complete\nc: error\nb: complete\n"
				 "x: complete\n4 lists: 3 complete, 1 error; exit status 3: error\n");
	assert_non_null(strstr(err, "c/log"));
	machine_delete(&m, 3, 1);
	save();
	assert_int_equal(run("verify --jobs 1 a b; cp log b"), 0);
	assert_int_equal(run("verify --jobs 9 a b"), 1);
	assert_non_null(strstr(out, "2 lists: 1 complete, 1 incomplete; exit status 1: incomplete\n"));
	assert_int_equal(run("verify --jobs 1 a; rm a/pcrs"), 0);
	assert_int_equal(run("verify --jobs 2 b a"), 3);
	assert_string_equal(out, "b: incomplete: 1 entry lost\na: error\n"
				 "2 lists: 1 incomplete, 1 error; exit status 3: error\n");
	assert_non_null(strstr(err, "a/pcrs"));
	assert_int_equal(run("verify --jobs 2 a --ak a --nonce 00"), 3);
	assert_non_null(strstr(err, "a/a.pem"));
}

static void folders_of_one_name_have_no_state(void **state)
{
	(void)state;
	assert_int_equal(run("--version; mkdir -p p/m q/m q/n one; "
			     "for i in p/m q/m q/n; do cp log pcrs $i; done"), 0);
	assert_int_equal(run("verify --jobs 2 p/m q/m"), 0);
	assert_int_equal(run("verify --jobs 2 p/m q/n --state one"), 0);
	assert_int_equal(run("verify --jobs 2 p/m q/n ./q/m// --state one"), 3);
	expect(err, "p/m");
	expect(err, "./q/m//");
	expect(err, ": both would use the state one/m: rename a directory");
	assert_string_equal(out, "");
	assert_int_equal(run("verify --jobs 1 p/m p/m --state one --json"), 3);
	expect(out, "both would use the state one/m");
}

static void the_pcr_that_ima_extends_is_the_users_to_say(void **state)
{
	(void)state;
	assert_int_equal(run("verify log --pcrs pcrs --ima-pcr 10"), 0);
	assert_int_equal(run("verify log --pcrs pcrs --ima-pcr 11"), 3);
	expect(err, "log: no entry extends PCR 11");
	assert_int_equal(run("verify log --pcrs pcrs --ima-pcr 24"), 3);
	expect(err, "--ima-pcr 24: number from 0 to 23 expected");
	assert_int_equal(run("verify log --pcrs pcrs --ima-pcr x"), 3);
	assert_int_equal(run("--version; mkdir -p k; cp log pcrs k"), 0);
	assert_int_equal(run("verify --jobs 1 k --ima-pcr 11"), 3);
	expect(err, "no entry extends PCR 11");
}

/* The contents of a directory must not make the verifier block. */
static void folders_have_regular_files_only(void **state)
{
	(void)state;
	assert_int_equal(run("--version; mkdir -p f g h; cp log g; cp pcrs f; "
			     "mkfifo f/log g/pcrs h/manifest.json fifo; "
			     "openssl genpkey -algorithm EC -pkeyopt "
			     "ec_paramgen_curve:P-256 2>/dev/null | "
			     "openssl pkey -pubout >ak.pem"), 0);
	assert_int_equal(run("verify --jobs 2 f g"), 3);
	assert_string_equal(out, "f: error\ng: error\n2 lists: 2 error; exit status 3: error\n");
	expect(err, "f/log: not a regular file\n");
	expect(err, "g/pcrs: not a regular file\n");
	assert_int_equal(run("verify --evidence h --ak ak.pem --nonce 00"), 3);
	expect(err, "h/manifest.json: not a regular file\n");
	assert_int_equal(run("verify --jobs 1 h --ak ak.pem --nonce 00"), 3);
	expect(err, "h/manifest.json: not a regular file");
	assert_int_equal(run("--version; rm f/log; ln -s /dev/zero f/log"), 0);
	assert_int_equal(run("verify --jobs 1 f"), 3);
	expect(err, "f/log: a symbolic link is not followed");

	/* files named by the user may be of any type */
	assert_int_equal(run("--version; cat log >fifo &"), 0);
	assert_int_equal(run("verify fifo --pcrs pcrs"), 0);
	expect_first_line("verdict: complete");
	assert_int_equal(run("--version; cat pcrs >fifo &"), 0);
	assert_int_equal(run("verify log --pcrs fifo"), 0);
	expect_first_line("verdict: complete");
	assert_int_equal(run("verify /dev/stdin --pcrs pcrs <log"), 0);
}

/* Verify a list from a pipe. */
static int run_on_pipe(void)
{
	char command[1024];
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command),
		 "cd %s && %s >out 2>err verify - --pcrs pcrs", dir, imatally);
	pipe = popen(command, "w");
	assert_non_null(pipe);
	assert_int_equal(fwrite(m.log, 1, m.len, pipe), m.len);
	status = pclose(pipe);
	slurp("out", out, sizeof(out));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A pipe cannot be read twice, so both kinds of digests must be replayed. */
static void padded_digests_are_found_without_a_record(void **state)
{
	(void)state;
	machine_free(&m);
	machine_init(&m, 3, NULL);
	m.bank[2].padded = true;
	machine_boot(&m, false);
	machine_measure(&m, 20);
	save();
	assert_int_equal(run("verify log --pcrs pcrs"), 0);
	assert_non_null(strstr(out, "SHA-1"));
	assert_int_equal(run("verify - --pcrs pcrs <log"), 0);
	assert_non_null(strstr(out, "SHA-1"));
	assert_int_equal(run_on_pipe(), 0);
	assert_non_null(strstr(out, "SHA-1"));
	m.bank[2].pcr[10][0] ^= 1;
	save();
	assert_int_equal(run("verify log --pcrs pcrs"), 2);
	assert_int_equal(run_on_pipe(), 2);
}

static void a_log_may_be_text_or_in_parts(void **state)
{
	(void)state;
	spill("part1", m.log, m.start[3]);
	spill("part2", m.log + m.start[3], m.start[6] - m.start[3]);
	spill("part3", m.log + m.start[6], m.len - m.start[6]);
	assert_int_equal(run("verify part1 part2 part3 --pcrs pcrs --strict"), 0);
	expect_first_line("verdict: complete");
	expect(out, "list: 8 entries, 2 records, 1 kernel\n");
	assert_int_equal(run("verify part1 part2 - --pcrs pcrs <part3"), 0);
	assert_int_equal(run("show part1 part2 part3"), 0);
	expect(out, "entry 7: kexec_load, kernel 1\n");
	expect(out, "2 records in 8 entries\n");

	/* an error has the name of the part and an offset in it */
	spill("part2", m.log + m.start[3], m.start[6] - m.start[3] - 1);
	assert_int_equal(run("verify part1 part2 part3 --pcrs pcrs"), 3);
	expect(err, "imatally: part2: entry 5, offset ");
	assert_int_equal(run("show part1 part2 part3"), 3);
	expect(err, "imatally: part2: entry 5, offset ");

	/* without the first part, its entries are missing */
	assert_int_equal(run("verify part3 --pcrs pcrs"), 1);
	expect_first_line("verdict: incomplete: 6 entries lost");

	machine_free(&m);
	machine_init(&m, 2, NULL);
	m.ascii = true;
	m.list_of = 2;
	machine_boot(&m, true);
	machine_measure(&m, 3);
	machine_record(&m, "request");
	save();
	assert_int_equal(run("verify log --pcrs pcrs --strict"), 0);
	expect_first_line("verdict: complete");
	assert_int_equal(run("show log"), 0);
	expect(out, "2 records in 6 entries, ASCII, with template digests of 256 bits\n");
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(run("show log >/dev/full"), 3);
	expect(err, "cannot write");
	assert_int_equal(run("verify log --pcrs pcrs >/dev/full"), 3);
	assert_int_equal(run("--help >/dev/full"), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(help_and_version),
		TEST(bad_usage_is_3_on_stderr),
		TEST(shows_every_record),
		TEST(shows_what_is_unusual),
		TEST(unreadable_pcr_values_are_3),
		TEST(complete_is_0),
		TEST(not_counted_is_0),
		TEST(incomplete_is_1_and_says_where),
		TEST(mismatch_is_2_and_gives_advice),
		TEST(a_longer_log_is_0),
		TEST(strict_makes_findings_1),
		TEST(malformed_is_3_with_entry_and_offset),
		TEST(a_state_is_gone_on_from),
		TEST(a_state_is_replaced_whole),
		TEST(jobs_verify_folders_in_their_order),
		TEST(folders_of_one_name_have_no_state),
		TEST(the_pcr_that_ima_extends_is_the_users_to_say),
		TEST(folders_have_regular_files_only),
		TEST(padded_digests_are_found_without_a_record),
		TEST(a_log_may_be_text_or_in_parts),
		TEST(a_full_disk_is_an_error),
	};
	char command[64];
	int failed;

	imatally = getenv("IMATALLY");
	if (!imatally || !mkdtemp(dir)) {
		fprintf(stderr, "set IMATALLY to the command's absolute path\n");
		return 1;
	}
	failed = cmocka_run_group_tests_name("cli", tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) || failed;
}
