// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware's log.  Its format is that of the TCG PC Client specification,
 * which grows with every kind of firmware, so it is left to tpm2_eventlog.  The
 * log is an attacker's to choose: that program gets it in a file of its own,
 * without a shell, with little time and memory, and only the values at the end of
 * its output are read.
 */

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"

#define PROGRAM "tpm2_eventlog"
#define MAX_SECONDS 20
#define MAX_MEMORY (512UL << 20)
#define MAX_OUTPUT (64UL << 20)
#define MAX_VALUES (64UL << 10)	/* text with 24 PCRs of all banks */
#define NOT_INSTALLED 127

static int digest(const char *data, size_t len, struct imatally_bytes *bytes)
{
	uint8_t *md = malloc(EVP_MAX_MD_SIZE);
	size_t size;

	if (md && EVP_Q_digest(NULL, "SHA256", NULL, data, len, md, &size)) {
		*bytes = (struct imatally_bytes){ .data = md, .len = size };
		return 0;
	}
	free(md);
	complain("cannot compute a SHA-256 digest");
	return -1;
}

static char *path_in(const char *dir)
{
	char *path;

	if (asprintf(&path, "%s/" IMATALLY_EVIDENCE_FIRMWARE_LOG, dir) >= 0)
		return path;
	complain("out of memory");
	return NULL;
}

int firmware_collect(const char *from, const char *dir,
		     struct imatally_evidence *evidence)
{
	char *log, *path;
	int ret = -1;
	size_t len;

	/* virtual machines have none, and some firmware */
	if (!strcmp(from, FIRMWARE_LOG) && access(from, F_OK) && errno == ENOENT)
		return 0;
	log = input_read(from, &len);
	path = log ? path_in(dir) : NULL;
	if (path && !digest(log, len, &evidence->firmware_log))
		ret = output_write(path, log, len);
	free(path);
	free(log);
	return ret;
}

/* The process that becomes the program. */
static void __attribute__((noreturn)) be_program(int log, int output)
{
	const struct rlimit seconds = { MAX_SECONDS, MAX_SECONDS };
	const struct rlimit memory = { MAX_MEMORY, MAX_MEMORY };
	const struct rlimit none = { 0, 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", log);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(output, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
	    setrlimit(RLIMIT_CPU, &seconds) || setrlimit(RLIMIT_AS, &memory) ||
	    setrlimit(RLIMIT_FSIZE, &none) || setrlimit(RLIMIT_CORE, &none))
		_exit(1);
	/* outlasts exec */
	alarm(MAX_SECONDS);
	execlp(PROGRAM, PROGRAM, path, (char *)NULL);
	_exit(errno == ENOENT ? NOT_INSTALLED : 1);
}

/*
 * Keep what follows the last line "pcrs:" of the output in @values, of
 * MAX_VALUES bytes.  Strings in the log can look like such a line, but the values
 * come last.  False if the output is too long.
 */
static bool read_values(FILE *output, char *values)
{
	size_t total = 0, kept = 0;
	bool keeps = false;
	char line[512];

	while (fgets(line, sizeof(line), output)) {
		size_t len = strlen(line);

		total += len;
		if (!strcmp(line, "pcrs:\n")) {
			keeps = true;
			kept = 0;
			continue;
		}
		if (!keeps)
			continue;
		if (kept + len >= MAX_VALUES)
			return false;
		memcpy(values + kept, line, len);
		kept += len;
		if (total > MAX_OUTPUT)
			return false;
	}
	values[kept] = '\0';
	return total <= MAX_OUTPUT && !ferror(output);
}

/* Returns the status of the program, or -1 if it did not end by itself. */
static int run(int log, char *values)
{
	int ends[2], status;
	bool good = false;
	FILE *output;
	pid_t pid;

	/* if the caller ignores it, nobody can wait for a process */
	signal(SIGCHLD, SIG_DFL);
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	fflush(stdout);
	pid = fork();
	if (!pid)
		be_program(log, ends[1]);
	close(ends[1]);
	output = fdopen(ends[0], "r");
	if (output)
		good = pid > 0 && read_values(output, values);
	/* closed, so that it does not wait for a reader */
	if (output)
		fclose(output);
	else
		close(ends[0]);
	if (pid < 0)
		return -1;
	if (!good)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return good && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct imatally_bank_value *find(const struct imatally_pcrs *pcrs,
					      uint32_t index, uint16_t alg,
					      bool *has_bank)
{
	const struct imatally_bank_value *found = NULL;
	size_t i;

	*has_bank = false;
	for (i = 0; i < pcrs->nr; i++) {
		if (pcrs->pcr[i].bank.alg != alg)
			continue;
		*has_bank = true;
		if (pcrs->pcr[i].index == index)
			found = &pcrs->pcr[i].bank;
	}
	return found;
}

/* A PCR that the log does not extend is still zero. */
static void compare(const struct imatally_pcrs *replayed,
		    const struct imatally_pcrs *quoted, struct firmware *firmware)
{
	static const uint8_t zero[IMATALLY_MAX_DIGEST];
	size_t i;

	firmware->verdict = FIRMWARE_UNREADABLE;
	for (i = 0; i < quoted->nr; i++) {
		const struct imatally_bank_value *bank = &quoted->pcr[i].bank;
		const struct imatally_bank_value *value;
		bool has_bank;

		value = find(replayed, quoted->pcr[i].index, bank->alg, &has_bank);
		if (!has_bank)
			continue;
		firmware->verdict = FIRMWARE_MATCHES;
		if (!memcmp(value ? value->value : zero, bank->value, bank->len))
			continue;
		firmware->verdict = FIRMWARE_DIFFERS;
		firmware->pcr = quoted->pcr[i].index;
		firmware->alg = bank->alg;
		return;
	}
}

/* @log is a file with the log alone. */
static void replay(int log, const struct imatally_pcrs *quoted,
		   struct firmware *firmware)
{
	char *values = malloc(MAX_VALUES);
	struct imatally_pcrs replayed = { 0 };
	struct imatally_error err;
	int status = values ? run(log, values) : -1;

	firmware->verdict = FIRMWARE_UNREADABLE;
	if (status == NOT_INSTALLED)
		firmware->verdict = FIRMWARE_NOT_REPLAYED;
	else if (!status && !imatally_pcrs_add_pcrread(&replayed, values,
						       strlen(values), &err))
		compare(&replayed, quoted, firmware);
	imatally_pcrs_free(&replayed);
	free(values);
}

/* 0 if the log is the one that was collected */
static int check_digest(const char *path, const char *log, size_t len,
			const struct imatally_bytes *expected)
{
	struct imatally_bytes found = { 0 };
	int ret = digest(log, len, &found);

	if (!ret && (found.len != expected->len ||
		     memcmp(found.data, expected->data, found.len))) {
		complain("%s: damaged: its digest is not the one in the manifest",
			 path);
		ret = -1;
	}
	free(found.data);
	return ret;
}

int firmware_check(const char *dir, const struct imatally_evidence *evidence,
		   struct firmware *firmware)
{
	char *path, *log = NULL;
	int ret = -1, file;
	size_t len;

	*firmware = (struct firmware){ .verdict = FIRMWARE_NO_LOG };
	if (!evidence->firmware_log.len)
		return 0;
	path = path_in(dir);
	if (path)
		log = input_read_within(path, &len);
	if (log)
		ret = check_digest(path, log, len, &evidence->firmware_log);
	if (!ret) {
		firmware->verdict = FIRMWARE_NOT_REPLAYED;
		/* what was hashed, and not what the file may have become */
		file = memfd_create("firmware_log", 0);
		if (evidence->boot_pcrs.nr && file >= 0 &&
		    write(file, log, len) == (ssize_t)len)
			replay(file, &evidence->boot_pcrs, firmware);
		if (file >= 0)
			close(file);
	}
	free(log);
	free(path);
	return ret;
}
