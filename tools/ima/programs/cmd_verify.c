// SPDX-License-Identifier: GPL-2.0-only
/* imatally verify: replay a log, count it, and give the verdict. */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "progress.h"
#include "report.h"

const char cmd_verify_usage[] =
"Usage: imatally verify LOG... (--pcrs FILE | --pcr ALG:FILE)... [OPTION]...\n"
"       imatally verify --evidence DIR --ak PUB --nonce HEX [--previous DIR]\n"
"                       [LOG...] [OPTION]...\n"
"       imatally verify --jobs N [--ak PUB --nonce HEX] [OPTION]... DIR...\n"
"         Replay LOG, a measurement list, binary or ASCII, compare with the PCR\n"
"         values given, and count its entries by its counter records.  Of a list\n"
"         that was trimmed, give the parts in order: what was deleted and kept,\n"
"         then what is left (with --evidence: the log in DIR, by itself).\n"
"           --pcrs FILE     PCR values as tpm2_pcrread prints them\n"
"           --pcr ALG:FILE  the log's PCR in bank ALG, in hexadecimal, as in\n"
"                           /sys/class/tpm/tpm0/pcr-sha256/10\n"
"           --ima-pcr N     the PCR that IMA extends there, if not 10\n"
"           --evidence DIR  log and PCR values from \"imatally collect\"\n"
"           --ak PUB        the public key of the AK that must have signed it, PEM\n"
"           --nonce HEX     the nonce that it must answer\n"
"           --previous DIR  earlier evidence of the same AK, which it must follow\n"
"           --state FILE    keep there what is verified, and look only at entries\n"
"                           that are new since\n"
"           --jobs N        verify many folders, N at a time (0: one for each\n"
"                           core), and tell a line each; without --ak a folder has\n"
"                           \"log\" and \"pcrs\".  PUB and FILE may be folders, with\n"
"                           NAME.pem and NAME for a DIR called NAME; the exit status\n"
"                           is the highest\n"
"           --strict        exit with 1 if anything was found, though the list is\n"
"                           complete\n"
"           --json          answer as imatally-result(5) describes, errors too\n"
"           --html FILE     write a page with a plot of the log, too\n"
"         Read the PCRs first and the log afterwards: a log that is longer than\n"
"         the PCR values is no fault.  \"-\" is standard input.\n"
"         Exit status: 0 complete, 1 incomplete, 2 mismatch, 3 error,\n"
"         4 not authentic.\n";

#define MAX_JOBS 256

struct arguments {
	const char *log;	/* the last part */
	const char **part;	/* all of them */
	size_t nr_parts;
	const char *state;	/* file, or NULL */
	struct evidence_arguments evidence;
	struct imatally_pcrs pcrs;
	uint32_t ima_pcr;
	bool strict, json;
	const char *html;	/* file to write, or NULL */
	bool stdin_used;
	/* with --jobs */
	bool has_jobs;
	unsigned int jobs;
	char **dirs;
	unsigned int nr_dirs;
	const char *name;	/* of the folder that is being verified */
};

/* Standard input can be read once. */
static int claim(struct arguments *args, const char *path)
{
	if (strcmp(path, "-"))
		return 0;
	if (args->stdin_used) {
		complain("standard input can be read only once");
		return -1;
	}
	args->stdin_used = true;
	return 0;
}

static int add_pcrs(struct arguments *args, const char *path)
{
	struct imatally_error err;
	size_t len;
	char *text;
	int ret = 0;

	if (claim(args, path))
		return -1;
	/* in a folder of --jobs, or named by the user */
	text = args->name ? input_read_within(path, &len) :
			    input_read(path, &len);
	if (!text)
		return -1;
	if (imatally_pcrs_add_pcrread(&args->pcrs, text, len, &err)) {
		complain_about(input_name(path), &err);
		ret = -1;
	}
	free(text);
	return ret;
}

static int add_pcr(struct arguments *args, const char *arg)
{
	const char *colon = strchr(arg, ':');
	struct imatally_error err;
	const char *path;
	uint16_t alg;
	size_t len;
	char *text;
	int ret = 0;

	alg = colon ? imatally_alg_from_name(arg, colon - arg) : 0;
	if (!alg) {
		complain("--pcr %s: give an algorithm and a file, such as sha256:/sys/class/tpm/tpm0/pcr-sha256/10",
			 arg);
		return -1;
	}
	path = colon + 1;
	if (claim(args, path))
		return -1;
	text = input_read(path, &len);
	if (!text)
		return -1;
	if (imatally_pcrs_add_hex(&args->pcrs, IMATALLY_PCR_OF_LOG, alg, text,
				  len, &err)) {
		complain_about(input_name(path), &err);
		ret = -1;
	}
	free(text);
	return ret;
}

static int check_evidence_arguments(const struct arguments *args)
{
	if (args->evidence.dir && args->evidence.ak && args->evidence.nonce &&
	    !args->pcrs.nr)
		return 0;
	if (args->pcrs.nr)
		complain("--evidence has its own PCR values");
	else
		complain("--evidence, --ak and --nonce go together");
	fputs(cmd_verify_usage, stderr);
	return -1;
}

/* The log's parts, and room for the one of evidence.  -1 after a complaint. */
static int add_parts(struct arguments *args, int nr, char *path[])
{
	int i;

	args->part = calloc(nr + 1, sizeof(*args->part));
	if (!args->part) {
		complain("out of memory");
		return -1;
	}
	for (i = 0; i < nr; i++) {
		if (claim(args, path[i]))
			return -1;
		args->part[args->nr_parts++] = args->log = path[i];
	}
	if (args->state && nr + (args->evidence.dir != NULL) > 1) {
		complain("--state takes a log in one file");
		return -1;
	}
	return 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int parse_ima_pcr(struct arguments *args, const char *number)
{
	char *end;
	unsigned long pcr = strtoul(number, &end, 10);

	if (*number < '0' || *number > '9' || *end || pcr > IMATALLY_MAX_PCR) {
		complain("--ima-pcr %s: not a number up to %u", number,
			 IMATALLY_MAX_PCR);
		return -1;
	}
	args->ima_pcr = pcr;
	return 0;
}

static int parse_jobs(struct arguments *args, const char *number)
{
	char *end;
	unsigned long jobs = strtoul(number, &end, 10);

	if (*number < '0' || *number > '9' || *end || jobs > MAX_JOBS) {
		complain("--jobs %s: not a number up to %u", number, MAX_JOBS);
		return -1;
	}
	args->has_jobs = true;
	args->jobs = jobs ? jobs : (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
	return 0;
}

/* The last part of a path; to be freed. */
static char *last_part(const char *path)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/'; start--)
		;
	return strndup(path + start, end - start);
}

struct named_folder {
	const char *dir;
	char *name;
};

static int compare_names(const void *a, const void *b)
{
	const struct named_folder *one = a, *other = b;

	return strcmp(one->name, other->name);
}

/* Each must have a state of its own.  -1 after a complaint. */
static int check_states(const struct arguments *args)
{
	struct named_folder *folder = calloc(args->nr_dirs, sizeof(*folder));
	unsigned int nr, i;
	int ret = -1;

	for (nr = 0; folder && nr < args->nr_dirs; nr++) {
		folder[nr].dir = args->dirs[nr];
		folder[nr].name = last_part(args->dirs[nr]);
		if (!folder[nr].name)
			break;
	}
	if (nr < args->nr_dirs) {
		complain("out of memory");
		goto out;
	}
	qsort(folder, nr, sizeof(*folder), compare_names);
	for (i = 1; i < nr; i++) {
		if (strcmp(folder[i - 1].name, folder[i].name))
			continue;
		complain("%s and %s: both would have the state %s/%s: give folders of different names, or a --state for each",
			 folder[i - 1].dir, folder[i].dir, args->state,
			 folder[i].name);
		goto out;
	}
	ret = 0;
out:
	while (nr)
		free(folder[--nr].name);
	free(folder);
	return ret;
}

static int check_jobs_arguments(struct arguments *args, int operands)
{
	bool has_state_folder = !args->state || is_folder(args->state);

	if (operands && !args->pcrs.nr && !args->evidence.dir &&
	    !args->evidence.previous && !args->html && has_state_folder &&
	    !args->evidence.ak == !args->evidence.nonce)
		return args->state ? check_states(args) : 0;
	if (!has_state_folder)
		complain("--state %s: with --jobs it must be a folder",
			 args->state);
	else if (!operands)
		complain("--jobs: no folders to verify");
	else if (!args->evidence.ak != !args->evidence.nonce)
		complain("--ak and --nonce go together");
	else
		complain("--jobs takes folders, and none of --pcrs, --pcr, --evidence, --previous, --html");
	fputs(cmd_verify_usage, stderr);
	return -1;
}

/* 0, 1 if only help was wanted, -1 */
static int parse(struct arguments *args, int argc, char *argv[])
{
	enum {
		OPT_PCRS = 256, OPT_PCR, OPT_STRICT, OPT_JSON, OPT_HTML,
		OPT_STATE, OPT_JOBS, OPT_IMA_PCR,
		OPT_EVIDENCE, OPT_AK, OPT_NONCE, OPT_PREVIOUS,
	};
	static const struct option options[] = {
		{ "pcrs", required_argument, NULL, OPT_PCRS },
		{ "pcr", required_argument, NULL, OPT_PCR },
		{ "ima-pcr", required_argument, NULL, OPT_IMA_PCR },
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "state", required_argument, NULL, OPT_STATE },
		{ "html", required_argument, NULL, OPT_HTML },
		{ "jobs", required_argument, NULL, OPT_JOBS },
		{ "evidence", required_argument, NULL, OPT_EVIDENCE },
		{ "ak", required_argument, NULL, OPT_AK },
		{ "nonce", required_argument, NULL, OPT_NONCE },
		{ "previous", required_argument, NULL, OPT_PREVIOUS },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case OPT_PCRS:
			if (add_pcrs(args, optarg))
				return -1;
			break;
		case OPT_PCR:
			if (add_pcr(args, optarg))
				return -1;
			break;
		case OPT_IMA_PCR:
			if (parse_ima_pcr(args, optarg))
				return -1;
			break;
		case OPT_STRICT:
			args->strict = true;
			break;
		case OPT_STATE:
			args->state = optarg;
			break;
		case OPT_JOBS:
			if (parse_jobs(args, optarg))
				return -1;
			break;
		case OPT_JSON:
			args->json = true;
			break;
		case OPT_HTML:
			args->html = optarg;
			break;
		case OPT_EVIDENCE:
			args->evidence.dir = optarg;
			break;
		case OPT_AK:
			args->evidence.ak = optarg;
			break;
		case OPT_NONCE:
			args->evidence.nonce = optarg;
			break;
		case OPT_PREVIOUS:
			args->evidence.previous = optarg;
			break;
		case 'h':
			fputs(cmd_verify_usage, stdout);
			return 1;
		default:
			complain("%s: not an option, or one that lacks its value",
				 argv[optind - 1]);
			fputs(cmd_verify_usage, stderr);
			return -1;
		}
	}
	args->dirs = argv + optind;
	args->nr_dirs = argc - optind;
	if (args->has_jobs)
		return check_jobs_arguments(args, argc - optind);
	if (add_parts(args, argc - optind, argv + optind))
		return -1;
	if (args->evidence.dir || args->evidence.ak || args->evidence.nonce ||
	    args->evidence.previous)
		return check_evidence_arguments(args);
	if (args->nr_parts && args->pcrs.nr)
		return 0;
	complain(args->nr_parts ?
			 "no PCR values to compare with: give --pcrs or --pcr" :
			 "verify takes a log, in one file or more");
	fputs(cmd_verify_usage, stderr);
	return -1;
}

static int exit_status(const struct imatally_result *result, bool strict)
{
	switch (result->verdict) {
	case IMATALLY_INCOMPLETE:
		return 1;
	case IMATALLY_MISMATCH:
		return 2;
	case IMATALLY_COMPLETE:
	case IMATALLY_COMPLETE_NOT_COUNTED:
		break;
	}
	return strict && result->has_findings ? 1 : 0;
}

static void show_progress(void *progress, uint64_t entries, uint64_t offset)
{
	progress_at(progress, entries, offset);
}

/* 0, or -1 after a complaint. */
static int judge(const struct parts *parts, const struct arguments *args,
		 const struct signer *signer, struct imatally_result *result)
{
	struct imatally_verifier *v = imatally_verifier_new(&args->pcrs);
	struct imatally_error err;
	struct progress progress = { 0 };
	int ret = 0;

	/*
	 * Each part has offsets of its own, which are no part of a whole.  With
	 * several logs at a time they would write over each other.
	 */
	if (!args->has_jobs)
		progress_begin(&progress, parts->nr == 1 ? parts->file[0] :
							   NULL);
	if (v)
		imatally_verifier_set_pcr(v, args->ima_pcr);
	if (v)
		imatally_verifier_set_progress(v, show_progress, &progress);
	if (v && signer && signer->attested.has_counter)
		imatally_verifier_set_counter(v, signer->attested.counter);
	if (v && args->state)
		ret = state_read(args->state, v);
	if (!ret && imatally_verifier_run(v, parts->log, result, &err)) {
		progress_end(&progress);
		complain_about(parts_name(parts), &err);
		ret = -1;
	}
	progress_end(&progress);
	/* a mismatch is nothing to go on from */
	if (!ret && args->state && result->verdict != IMATALLY_MISMATCH &&
	    state_write(args->state, v)) {
		imatally_result_free(result);
		ret = -1;
	}
	imatally_verifier_free(v);
	return ret;
}

/* Say it in the form that was asked for; the exit status. */
static int answer(const struct arguments *args, struct report *report)
{
	int status = report->status;

	report->strict = args->strict;
	if (args->html && report_html(report, args->html))
		status = EXIT_ERROR;
	if (!args->json && args->name)
		report_line(report, args->name);
	else if (!args->json)
		report_text(report);
	else if (report_json(report))
		status = EXIT_ERROR;
	return status;
}

/* An error was complained about. */
static int answer_error(const struct arguments *args)
{
	struct report report = { .status = EXIT_ERROR, .log = args->log };

	return answer(args, &report);
}

/* @signer is NULL if nobody signed the PCR values. */
static int verify(const struct arguments *args, const struct signer *signer)
{
	struct report report = { .log = args->log, .signer = signer };
	struct imatally_result result;
	struct parts parts;
	int status;

	/* then the last one is the folder's log */
	if (parts_open(&parts, args->part, args->nr_parts,
		       args->evidence.dir || args->name))
		return answer_error(args);
	if (judge(&parts, args, signer, &result)) {
		status = answer_error(args);
	} else {
		report.result = &result;
		report.status = exit_status(&result, args->strict);
		if (!report.status && args->strict && signer && signer->weak)
			report.status = 1;
		status = answer(args, &report);
		imatally_result_free(&result);
	}
	parts_close(&parts);
	return status;
}

static int verify_evidence(struct arguments *args)
{
	struct imatally_error err;
	struct signer signer;
	char *log = NULL;
	int ret;

	ret = evidence_check(&args->evidence, &args->pcrs, &signer, &err);
	if (ret) {
		struct report report = { .status = ret, .why = &err };

		return answer(args, &report);
	}
	if (asprintf(&log, "%s/" IMATALLY_EVIDENCE_LOG,
		     args->evidence.dir) < 0) {
		complain("out of memory");
		return answer_error(args);
	}
	args->part[args->nr_parts++] = args->log = log;
	ret = verify(args, &signer);
	free(log);
	return ret;
}

/* @path, or a file called after @name in it if it is a folder; to be freed. */
static char *file_for(const char *path, const char *name, const char *suffix)
{
	char *file = NULL;

	if (!is_folder(path))
		return strdup(path);
	return asprintf(&file, "%s/%s%s", path, name, suffix) < 0 ? NULL : file;
}

/* What one folder's files are called; NULL for those that are not asked for. */
struct folder_files {
	char *state, *ak, *pcrs, *log;
};

/* False when out of memory; what was found is the caller's to free. */
static bool find_files(struct folder_files *files,
		       const struct arguments *args, const char *dir)
{
	char *name = last_part(dir);
	bool found = name;

	if (found && args->state)
		found = (files->state = file_for(args->state, name, ""));
	if (found && args->evidence.ak)
		found = (files->ak = file_for(args->evidence.ak, name, ".pem"));
	if (found && asprintf(&files->pcrs, "%s/pcrs", dir) < 0) {
		files->pcrs = NULL;
		found = false;
	}
	if (found && asprintf(&files->log, "%s/log", dir) < 0) {
		files->log = NULL;
		found = false;
	}
	free(name);
	return found;
}

/* A task of its own process */
static int verify_folder(void *data, const char *dir)
{
	struct arguments args = *(struct arguments *)data;
	struct folder_files files = { 0 };
	const char *part[1];
	int ret;

	args.part = part;
	args.name = dir;
	args.log = dir;
	if (!find_files(&files, &args, dir)) {
		complain("out of memory");
		ret = answer_error(&args);
	} else {
		args.state = files.state;
		args.evidence.ak = files.ak;
		if (args.evidence.ak) {
			args.evidence.dir = dir;
			ret = verify_evidence(&args);
		} else if (add_pcrs(&args, files.pcrs)) {
			ret = answer_error(&args);
		} else {
			args.log = files.log;
			part[args.nr_parts++] = files.log;
			ret = verify(&args, NULL);
		}
	}
	free(files.state);
	free(files.ak);
	free(files.pcrs);
	free(files.log);
	return ret;
}

static int verify_folders(struct arguments *args)
{
	const char *const words[NR_EXITS] = {
		"complete",
		args->strict ? "incomplete or with findings" : "incomplete",
		"mismatch", "error", "not authentic",
	};
	unsigned int count[NR_EXITS], i;
	const char *separator = ": ";
	int worst = 0;

	if (jobs_run(args->jobs, args->dirs, args->nr_dirs, verify_folder, args,
		     count))
		return EXIT_ERROR;
	for (i = 0; i < NR_EXITS; i++)
		if (count[i])
			worst = i;
	if (args->json)
		return worst;
	printf("%u %s", args->nr_dirs, args->nr_dirs == 1 ? "log" : "logs");
	for (i = 0; i < NR_EXITS; i++) {
		if (!count[i])
			continue;
		printf("%s%u %s", separator, count[i], words[i]);
		separator = ", ";
	}
	putchar('\n');
	return worst;
}

int cmd_verify(int argc, char *argv[])
{
	struct arguments args = { .json = js_wanted(argc, argv),
				  .ima_pcr = IMATALLY_IMA_PCR };
	int ret = parse(&args, argc, argv);

	if (ret > 0)
		ret = 0;
	else if (ret)
		ret = answer_error(&args);
	else if (args.has_jobs)
		ret = verify_folders(&args);
	else
		ret = args.evidence.dir ? verify_evidence(&args) :
					  verify(&args, NULL);
	imatally_pcrs_free(&args.pcrs);
	free(args.part);
	return ret;
}
