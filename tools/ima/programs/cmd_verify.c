// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally verify: replay a list, count its entries, and give the verdict.
 * Options lead to a job for each list, and a job to an answer.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ear.h"
#include "json.h"
#include "metrics.h"
#include "progress.h"
#include "report.h"

const char cmd_verify_usage[] =
"Usage: imatally verify LIST... (--pcrs FILE | --pcr ALG:FILE)... [OPTION]...\n"
"       imatally verify --evidence DIR --ak PUB --nonce HEX [--previous DIR]\n"
"                       [LIST...] [OPTION]...\n"
"       imatally verify --jobs N [--ak PUB --nonce HEX] [OPTION]... DIR...\n"
"         Replay LIST, a binary or ASCII measurement list, compare it with PCR\n"
"         values, and count its entries against its records.  If entries were\n"
"         deleted from the list and kept, give these parts first, in order, and\n"
"         then what is left (with --evidence, the list in DIR follows them).\n"
"           --pcrs FILE     PCR values as printed by tpm2_pcrread\n"
"           --pcr ALG:FILE  the IMA PCR in bank ALG, in hexadecimal, as in\n"
"                           /sys/class/tpm/tpm0/pcr-sha256/10\n"
"           --ima-pcr N     the PCR that IMA extends on that machine, if not 10\n"
"           --record-pcr N  judge records in PCR N as well, below 16, to which a\n"
"                           rule with pcr=N sends them\n"
"           --evidence DIR  list and PCR values from \"imatally collect\"\n"
"           --ak PUB        the public key (PEM) of the AK that must have signed it\n"
"           --enrolled FILE in place of --ak: the AK as \"imatally challenge\"\n"
"                           enrolled it, and so the TPM that it is in\n"
"           --nonce HEX     the nonce that it must answer\n"
"           --previous DIR  earlier evidence by the same AK, which must be older\n"
"           --state FILE    save in FILE what has been verified, and next time\n"
"                           verify only entries that are new since\n"
"           --with COPY     try entries that are missing from a copy of the list: a\n"
"                           directory of \"imatally watch --keep\", or a file\n"
"           --jobs N        verify many directories, N at a time (0: one for each\n"
"                           core), with a line for each; without --ak, a directory\n"
"                           contains \"log\" and \"pcrs\".  Each PUB and FILE may be\n"
"                           a directory, with NAME.pem (PUB), NAME.json (enrolled)\n"
"                           and NAME (state) for a DIR called NAME.  The exit\n"
"                           status is the highest of all\n"
"           --boot-pcrs FILE\n"
"                           values of PCRs 0 to 9 that the machine must have, as\n"
"                           printed by tpm2_pcrread\n"
"           --strict        exit with 1 if there are findings, even if the list is\n"
"                           complete; a boot_aggregate that differs is a mismatch\n"
"           --json          print JSON, also for errors; see imatally-result(5)\n"
"           --html FILE     also write a page with a plot to FILE\n"
"           --ear FILE      also write an attestation result (EAT) to FILE, a JWT\n"
"                           that is signed with --ear-key, or not signed; see\n"
"                           imatally-ear(5)\n"
"           --ear-key KEY   the private key (PEM) to sign it with\n"
"           --ear-unsigned  leave it without a signature\n"
"           --metrics FILE  also write figures for monitoring to FILE, as OpenMetrics\n"
"         Read the PCRs first and the list afterwards: entries that were added\n"
"         since the PCRs were read are not a fault.  \"-\" is standard input.\n"
"         Exit status: 0 complete, 1 incomplete, 2 mismatch, 3 error,\n"
"         4 not authentic.\n";

#define MAX_JOBS 256

/* ---- The options */

struct options {
	char *const *operand;	/* parts of a list; directories with --jobs */
	unsigned int nr_operands;
	const char *log;	/* the last part, once it is accepted, or NULL */
	struct imatally_pcrs pcrs, boot_pcrs;
	bool has_record_pcr;
	uint32_t record_pcr;
	struct evidence_arguments evidence;
	const char *state;	/* file, directory of files, or NULL */
	const char *with;	/* a copy of the list, or NULL */
	bool strict, json;
	const char *html;	/* file to write, or NULL */
	const char *ear, *ear_key;	/* files, or NULL */
	bool ear_unsigned;
	struct jwt_key *key;	/* NULL to leave the EAR without a signature */
	const char *metrics;	/* file to write, or NULL */
	struct sample *samples;	/* for each list, or NULL */
	bool has_jobs;
	unsigned int jobs;	/* at a time */
	bool stdin_used;
};

/* Standard input can be read only once. */
static int claim(struct options *options, const char *path)
{
	if (strcmp(path, "-"))
		return 0;
	if (options->stdin_used) {
		complain("standard input can be read only once");
		return -1;
	}
	options->stdin_used = true;
	return 0;
}

/* Frees @text, which is NULL after an error message. */
static int add_pcrs(struct imatally_pcrs *pcrs, const char *path, char *text,
		    size_t len)
{
	struct imatally_error err;
	int ret = 0;

	if (!text)
		return -1;
	if (imatally_pcrs_add_pcrread(pcrs, text, len, &err)) {
		complain_about(input_name(path), &err);
		ret = -1;
	}
	free(text);
	return ret;
}

static int read_pcrs(struct options *options, struct imatally_pcrs *pcrs,
		     const char *path)
{
	size_t len = 0;
	char *text;

	if (claim(options, path))
		return -1;
	text = input_read(path, &len);
	return add_pcrs(pcrs, path, text, len);
}

static int add_pcrs_option(void *data, const char *path)
{
	struct options *options = data;

	return read_pcrs(options, &options->pcrs, path);
}

static int add_pcr(void *data, const char *arg)
{
	struct options *options = data;
	const char *colon = strchr(arg, ':');
	struct imatally_error err;
	const char *path;
	uint16_t alg;
	size_t len;
	char *text;
	int ret = 0;

	alg = colon ? imatally_alg_from_name(arg, colon - arg) : 0;
	if (!alg) {
		complain("--pcr %s: algorithm and file expected, such as sha256:/sys/class/tpm/tpm0/pcr-sha256/10",
			 arg);
		return -1;
	}
	path = colon + 1;
	if (claim(options, path))
		return -1;
	text = input_read(path, &len);
	if (!text)
		return -1;
	if (imatally_pcrs_add_hex(&options->pcrs, IMATALLY_PCR_OF_LOG, alg,
				  text, len, &err)) {
		complain_about(input_name(path), &err);
		ret = -1;
	}
	free(text);
	return ret;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Return the last component of a path; to be freed. */
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

/* Every directory must have a state of its own. */
static int check_states(const struct options *options)
{
	unsigned int nr, i, wanted = options->nr_operands;
	struct named_folder *folder = calloc(wanted, sizeof(*folder));
	int ret = -1;

	for (nr = 0; folder && nr < wanted; nr++) {
		folder[nr].dir = options->operand[nr];
		folder[nr].name = last_part(options->operand[nr]);
		if (!folder[nr].name)
			break;
	}
	if (nr < wanted) {
		complain("out of memory");
		goto out;
	}
	qsort(folder, nr, sizeof(*folder), compare_names);
	for (i = 1; i < nr; i++) {
		if (strcmp(folder[i - 1].name, folder[i].name))
			continue;
		complain("%s and %s: both would use the state %s/%s: rename a directory, or verify them separately",
			 folder[i - 1].dir, folder[i].dir, options->state,
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

static int check_jobs(const struct options *options)
{
	const struct evidence_arguments *evidence = &options->evidence;
	bool has_state_folder = !options->state || is_folder(options->state);

	if (options->nr_operands && !options->pcrs.nr && !evidence->dir &&
	    !evidence->previous && !options->html && !options->with &&
	    !options->ear && has_state_folder &&
	    !evidence->ak == !evidence->nonce)
		return options->state ? check_states(options) : 0;
	if (!has_state_folder)
		complain("--state %s: must be a directory with --jobs",
			 options->state);
	else if (!options->nr_operands)
		complain("--jobs: no directories given");
	else if (!evidence->ak != !evidence->nonce)
		complain("--ak (or --enrolled) and --nonce require each other");
	else
		complain("--jobs cannot be combined with --pcrs, --pcr, --evidence, --previous, --with, --html and --ear");
	fputs(cmd_verify_usage, stderr);
	return -1;
}

/* An EAR without a signature must be asked for. */
static int check_ear(struct options *options)
{
	if (options->ear &&
	    !options->ear_key != options->ear_unsigned)
		complain("--ear requires either --ear-key or --ear-unsigned");
	else if (!options->ear && (options->ear_key || options->ear_unsigned))
		complain("--ear-key and --ear-unsigned require --ear");
	else
		return options->ear_key ? claim(options, options->ear_key) : 0;
	fputs(cmd_verify_usage, stderr);
	return -1;
}

/* Check the options for a single list. */
static int check_one(struct options *options)
{
	const struct evidence_arguments *evidence = &options->evidence;
	bool has_evidence = evidence->dir || evidence->ak || evidence->nonce ||
			    evidence->previous;
	unsigned int i;

	if (options->with && claim(options, options->with))
		return -1;
	for (i = 0; i < options->nr_operands; i++) {
		if (claim(options, options->operand[i]))
			return -1;
		options->log = options->operand[i];
	}
	if (has_evidence && options->pcrs.nr)
		complain("--evidence cannot be combined with --pcrs and --pcr");
	else if (has_evidence &&
		 (!evidence->dir || !evidence->ak || !evidence->nonce))
		complain("--evidence, --ak (or --enrolled) and --nonce require each other");
	else if (!has_evidence && !options->nr_operands)
		complain("verify takes a list, in one or more files");
	else if (!has_evidence && !options->pcrs.nr)
		complain("no PCR values: give --pcrs or --pcr");
	else if (options->with && options->state)
		complain("--with cannot be combined with --state");
	else
		return 0;
	fputs(cmd_verify_usage, stderr);
	return -1;
}

static size_t nr_lists(const struct options *options)
{
	return options->has_jobs ? options->nr_operands : 1;
}

/* Prepare what the answers need.  0, or -1 after an error message. */
static int prepare(struct options *options)
{
	if (options->ear_key &&
	    !(options->key = jwt_key_read(options->ear_key)))
		return -1;
	if (options->metrics &&
	    !(options->samples = metrics_begin(nr_lists(options))))
		return -1;
	return 0;
}

/* 0; 1 after --help; -1 after an error message */
static int parse(struct options *options, int argc, char *argv[])
{
	const char *enrolled = NULL, *boot_pcrs = NULL;
	const struct option_row rows[] = {
		{ "pcrs", .take = add_pcrs_option },
		{ "pcr", .take = add_pcr },
		{ "boot-pcrs", .text = &boot_pcrs },
		{ "ima-pcr", .number = &options->evidence.ima_pcr,
		  .max = IMATALLY_MAX_PCR },
		{ "record-pcr", .given = &options->has_record_pcr,
		  .number = &options->record_pcr,
		  .max = IMATALLY_FIRST_RESETTABLE - 1 },
		{ "strict", .given = &options->strict },
		{ "json", .given = &options->json },
		{ "state", .text = &options->state },
		{ "with", .text = &options->with },
		{ "html", .text = &options->html },
		{ "ear", .text = &options->ear },
		{ "ear-key", .text = &options->ear_key },
		{ "ear-unsigned", .given = &options->ear_unsigned },
		{ "metrics", .text = &options->metrics },
		{ "jobs", .given = &options->has_jobs,
		  .number = &options->jobs, .max = MAX_JOBS },
		{ "evidence", .text = &options->evidence.dir },
		{ "ak", .text = &options->evidence.ak },
		{ "enrolled", .given = &options->evidence.is_enrolled,
		  .text = &enrolled },
		{ "nonce", .text = &options->evidence.nonce },
		{ "previous", .text = &options->evidence.previous },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows),
				cmd_verify_usage, options);

	if (ret)
		return ret;
	if (enrolled && options->evidence.ak) {
		complain("--ak and --enrolled cannot be combined");
		return -1;
	}
	if (enrolled)
		options->evidence.ak = enrolled;
	if (boot_pcrs && read_pcrs(options, &options->boot_pcrs, boot_pcrs))
		return -1;
	if (!options->jobs)
		options->jobs = sysconf(_SC_NPROCESSORS_ONLN);
	options->operand = argv + optind;
	options->nr_operands = argc - optind;
	if (check_ear(options) ||
	    (options->has_jobs ? check_jobs(options) : check_one(options)))
		return -1;
	return prepare(options);
}

/* ---- A job: a list, and what it is verified with */

struct job {
	const struct options *options;
	const char *name;	/* the directory with --jobs, otherwise NULL */
	const char **part;	/* of the list */
	size_t nr_parts;
	const char *log;	/* its name in the answer, or NULL */
	struct evidence_arguments evidence;	/* dir is NULL without evidence */
	struct imatally_pcrs pcrs;	/* from the evidence or directory */
	const char *state;		/* file, or NULL */
	const char *ear;		/* file to write, or NULL */
	struct sample *sample;		/* to be taken, or NULL */
	/* allocated strings that the others point to */
	char *log_path, *pcrs_path, *ak_path, *state_path;
};

static void job_end(struct job *job)
{
	imatally_pcrs_free(&job->pcrs);
	free(job->log_path);
	free(job->pcrs_path);
	free(job->ak_path);
	free(job->state_path);
	free(job->part);
}

/* NULL when out of memory */
static char *path_in(const char *dir, const char *name, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s/%s%s", dir, name, suffix) < 0 ? NULL : path;
}

/*
 * Return @path, or the file for @name in it if it is a directory; to be freed.
 */
static char *file_for(const char *path, const char *name, const char *suffix)
{
	return is_folder(path) ? path_in(path, name, suffix) : strdup(path);
}

/*
 * Prepare the list that was named, or the one in the evidence after its parts.
 */
static int job_begin(struct job *job, const struct options *options)
{
	unsigned int i;

	*job = (struct job){
		.options = options, .log = options->log,
		.evidence = options->evidence, .state = options->state,
		.ear = options->ear, .sample = options->samples,
	};
	job->part = calloc(options->nr_operands + 1, sizeof(*job->part));
	if (job->evidence.dir)
		job->log_path = path_in(job->evidence.dir,
					IMATALLY_EVIDENCE_LOG, "");
	if (!job->part || (job->evidence.dir && !job->log_path)) {
		complain("out of memory");
		return -1;
	}
	for (i = 0; i < options->nr_operands; i++)
		job->part[job->nr_parts++] = options->operand[i];
	if (job->log_path)
		job->part[job->nr_parts++] = job->log = job->log_path;
	return 0;
}

/* False when out of memory */
static bool find_files(struct job *job)
{
	const struct options *options = job->options;
	char *name = last_part(job->name);
	bool found = name;

	if (found && options->state)
		found = (job->state_path = file_for(options->state, name, ""));
	if (found && options->evidence.ak)
		found = (job->ak_path = file_for(options->evidence.ak, name,
						 options->evidence.is_enrolled ?
							 ".json" : ".pem"));
	free(name);
	return found && (job->pcrs_path = path_in(job->name, "pcrs", "")) &&
	       (job->log_path = path_in(job->name, IMATALLY_EVIDENCE_LOG, ""));
}

static struct sample *sample_for(const struct options *options, const char *dir)
{
	unsigned int i;

	if (!options->samples)
		return NULL;
	/* not by its name, which may be given twice */
	for (i = 0; options->operand[i] != dir; i++)
		;
	return &options->samples[i];
}

/* Prepare the list in directory @dir, with evidence or a file of PCR values. */
static int job_begin_folder(struct job *job, const struct options *options,
			    const char *dir)
{
	size_t len = 0;
	char *text;

	*job = (struct job){ .options = options, .name = dir, .log = dir,
			     .sample = sample_for(options, dir) };
	job->part = calloc(1, sizeof(*job->part));
	if (!job->part || !find_files(job)) {
		complain("out of memory");
		return -1;
	}
	job->part[job->nr_parts++] = job->log_path;
	job->state = job->state_path;
	if (job->ak_path) {
		job->evidence = options->evidence;
		job->evidence.dir = dir;
		job->evidence.ak = job->ak_path;
	} else {
		text = input_read_within(job->pcrs_path, &len);
		if (add_pcrs(&job->pcrs, job->pcrs_path, text, len))
			return -1;
	}
	job->log = job->log_path;
	return 0;
}

static void show_progress(void *progress, uint64_t entries, uint64_t offset)
{
	progress_at(progress, entries, offset);
}

/*
 * What was in the list of the previous evidence is covered by this one, if the
 * machine was not restarted since.
 */
static int set_earlier(struct imatally_verifier *v, const struct job *job,
		       bool unchanged)
{
	const char *dir = job->evidence.previous;
	uint32_t pcr = job->options->evidence.ima_pcr;
	struct imatally_entry entry;
	struct imatally_error err;
	struct parts parts;
	const char *path;
	char *allocated;
	int got;

	if (asprintf(&allocated, "%s/" IMATALLY_EVIDENCE_LOG, dir) < 0) {
		complain("out of memory");
		return -1;
	}
	path = allocated;
	if (parts_open(&parts, &path, 1, true)) {
		free(allocated);
		return -1;
	}
	while ((got = imatally_log_next(parts.log, &entry, &err)) > 0)
		if (entry.pcr == pcr && !imatally_entry_is_violation(&entry))
			imatally_verifier_set_earlier(v, &entry, unchanged);
	if (got < 0)
		complain_about(path, &err);
	parts_close(&parts);
	free(allocated);
	return got;
}

/* The values to compare with */
static const struct imatally_pcrs *given_pcrs(const struct job *job)
{
	return job->pcrs.nr ? &job->pcrs : &job->options->pcrs;
}

/*
 * What booted: from evidence, or from PCR values that nobody signed, which may be
 * of another moment or machine and make no mismatch.
 */
static int set_boot(struct imatally_verifier *v, const struct job *job,
		    const struct signer *signer)
{
	const struct options *options = job->options;

	if (!imatally_verifier_set_boot_pcrs(v, signer ? &signer->boot_pcrs :
							 given_pcrs(job),
					     options->strict && signer) &&
	    !imatally_verifier_set_known_boot_pcrs(v, &options->boot_pcrs))
		return 0;
	complain("out of memory");
	return -1;
}

/* 0, or -1 after an error message */
static int set_up(struct imatally_verifier *v, const struct job *job,
		  const struct signer *signer)
{
	const struct options *options = job->options;

	imatally_verifier_set_pcr(v, options->evidence.ima_pcr);
	if (options->has_record_pcr)
		imatally_verifier_set_record_pcr(v, options->record_pcr);
	if (set_boot(v, job, signer))
		return -1;
	if (!signer)
		return 0;
	imatally_verifier_set_one_moment(v);
	imatally_verifier_set_starts(v, signer->attested.clock.reset,
				     signer->attested.clock.restart);
	if (signer->attested.has_counter)
		imatally_verifier_set_counter(v, signer->attested.counter);
	if (!signer->has_previous || signer->rebooted)
		return 0;
	return set_earlier(v, job, signer->unchanged);
}

/* Verify the list, whose parts are open.  0, or -1 after an error message. */
static int judge(const struct job *job, const struct parts *parts,
		 const struct signer *signer, struct imatally_result *result)
{
	const struct options *options = job->options;
	struct imatally_verifier *v =
		imatally_verifier_new(given_pcrs(job));
	struct progress progress = { 0 };
	struct copies copies = { 0 };
	struct imatally_error err;
	int ret = 0;

	/*
	 * The percentage is not known with several parts, since offsets are
	 * relative to the part.  Several jobs would overwrite each other's
	 * progress.
	 */
	if (!options->has_jobs)
		progress_begin(&progress, parts->nr == 1 ? parts->file[0] :
							   NULL);
	if (v)
		ret = set_up(v, job, signer);
	/* with JSON, the answer has all of them */
	if (v && !options->json)
		imatally_verifier_set_max_intervals(v, MAX_INTERVALS);
	if (v && progress.wanted)
		imatally_verifier_set_progress(v, show_progress, &progress);
	if (v && !ret && job->state)
		ret = state_read(job->state, v);
	if (v && !ret && options->with)
		ret = copies_open(&copies, options->with) ||
				      copies_add(&copies, v, options->with) ?
			      -1 : 0;
	if (!ret && imatally_verifier_run(v, parts->log, result, &err)) {
		progress_end(&progress);
		complain_about(parts_name(parts), &err);
		ret = -1;
	}
	progress_end(&progress);
	/* do not resume from a mismatch */
	if (!ret && job->state && result->verdict != IMATALLY_MISMATCH &&
	    state_write(job->state, v)) {
		imatally_result_free(result);
		ret = -1;
	}
	imatally_verifier_free(v);
	copies_close(&copies);
	return ret;
}

/* ---- Its answer */

static int exit_status(const struct imatally_result *result,
		       const struct signer *signer, bool strict)
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
	return strict && has_findings(result, signer);
}

/* Count a list whose answer is @report. */
static void take_sample(const struct job *job, const struct report *report)
{
	char *manifest = NULL;

	if (job->evidence.dir)
		manifest = path_in(job->evidence.dir,
				   IMATALLY_EVIDENCE_MANIFEST, "");
	metrics_take(job->sample, report, manifest ? manifest : job->pcrs_path);
	free(manifest);
}

/* Print a report in the requested format.  Returns the exit status. */
static int answer(const struct job *job, struct report *report)
{
	const struct options *options = job->options;
	int status = report->status;

	report->strict = options->strict;
	report->copy = options->with;
	if (options->html && report_html(report, options->html))
		status = EXIT_ERROR;
	if (job->ear && ear_write(report, job->evidence.nonce, options->key,
				  job->ear))
		status = EXIT_ERROR;
	if (job->sample)
		take_sample(job, report);
	if (!options->json && job->name)
		report_line(report, job->name);
	else if (!options->json)
		report_text(report);
	else if (report_json(report))
		status = EXIT_ERROR;
	return status;
}

/* Report an error, after its message. */
static int answer_error(const struct job *job)
{
	struct report report = { .status = EXIT_ERROR, .log = job->log };

	return answer(job, &report);
}

/* @signer is NULL if the PCR values are not signed. */
static int verify_log(const struct job *job, const struct signer *signer)
{
	struct report report = { .log = job->log, .signer = signer };
	struct imatally_result result;
	struct parts parts;
	int status;

	/*
	 * in these cases, the last part is in a directory that others created
	 */
	if (parts_open(&parts, job->part, job->nr_parts,
		       job->evidence.dir || job->name))
		return answer_error(job);
	if (judge(job, &parts, signer, &result)) {
		status = answer_error(job);
	} else {
		report.result = &result;
		report.status = exit_status(&result, signer,
					    job->options->strict);
		status = answer(job, &report);
		imatally_result_free(&result);
	}
	parts_close(&parts);
	return status;
}

/* PCR values in evidence are used only if they are authentic. */
static int verify(struct job *job)
{
	struct imatally_error err;
	struct signer signer;
	int ret;

	if (!job->evidence.dir)
		return verify_log(job, NULL);
	ret = evidence_check(&job->evidence, &job->pcrs, &signer, &err);
	if (ret) {
		struct report report = { .status = ret, .why = &err };

		ret = answer(job, &report);
	} else {
		ret = verify_log(job, &signer);
	}
	signer_free(&signer);
	return ret;
}

/* ---- One job, or many */

/* Write the figures of all jobs.  Returns the exit status. */
static int with_metrics(const struct options *options, int status)
{
	if (!options->samples ||
	    !metrics_write(options->metrics, options->samples,
			   nr_lists(options)) ||
	    status > EXIT_ERROR)
		return status;
	return EXIT_ERROR;
}

static int verify_one(const struct options *options)
{
	struct job job;
	int ret = job_begin(&job, options) ? answer_error(&job) : verify(&job);

	job_end(&job);
	return with_metrics(options, ret);
}

/* A task in a process of its own */
static int verify_folder(const void *options, const char *dir)
{
	struct job job;
	int ret = job_begin_folder(&job, options, dir) ? answer_error(&job) :
							 verify(&job);

	job_end(&job);
	return ret;
}

/* The process for a directory was killed, or could not be started. */
static void lose_folder(const void *options, const char *dir, const char *why)
{
	struct job job = { .options = options, .name = dir, .log = dir,
			   .sample = sample_for(options, dir) };

	complain("%s: %s", dir, why);
	answer_error(&job);
}

static int verify_folders(const struct options *options)
{
	const char *const words[NR_EXITS] = {
		"complete",
		options->strict ? "incomplete or with findings" : "incomplete",
		"mismatch", "error", "not authentic",
	};
	unsigned int count[NR_EXITS], i;
	const char *separator = ": ";
	int worst = 0;

	if (jobs_run(options->jobs, options->operand, options->nr_operands,
		     verify_folder, lose_folder, options, count))
		return EXIT_ERROR;
	for (i = 0; i < NR_EXITS; i++)
		if (count[i])
			worst = i;
	worst = with_metrics(options, worst);
	if (options->json)
		return worst;
	printf("%u %s", options->nr_operands,
	       options->nr_operands == 1 ? "list" : "lists");
	for (i = 0; i < NR_EXITS; i++) {
		if (!count[i])
			continue;
		printf("%s%u %s", separator, count[i], words[i]);
		separator = ", ";
	}
	printf("; exit status %d: %s\n", worst, words[worst]);
	return worst;
}

int cmd_verify(int argc, char *argv[])
{
	struct options options = { .json = js_wanted(argc, argv),
				   .evidence.ima_pcr = IMATALLY_IMA_PCR };
	int ret = parse(&options, argc, argv);

	if (ret < 0) {
		struct job none = { .options = &options, .log = options.log };

		ret = answer_error(&none);
	} else if (ret) {
		ret = 0;
	} else if (options.has_jobs) {
		ret = verify_folders(&options);
	} else {
		ret = verify_one(&options);
	}
	imatally_pcrs_free(&options.pcrs);
	imatally_pcrs_free(&options.boot_pcrs);
	jwt_key_free(options.key);
	metrics_end(options.samples, nr_lists(&options));
	return ret;
}
