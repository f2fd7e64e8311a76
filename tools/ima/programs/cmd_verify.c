// SPDX-License-Identifier: GPL-2.0-only
/* imatally verify: replay a log, count it, and give the verdict. */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "imatally.h"

const char cmd_verify_usage[] =
"Usage: imatally verify LOG (--pcrs FILE | --pcr ALG:FILE)... [--strict]\n"
"         Replay LOG, a binary measurement list, compare with the PCR values\n"
"         given, and count its entries by its counter records.\n"
"           --pcrs FILE     PCR values as tpm2_pcrread prints them\n"
"           --pcr ALG:FILE  the log's PCR in bank ALG, in hexadecimal, as in\n"
"                           /sys/class/tpm/tpm0/pcr-sha256/10\n"
"           --strict        exit with 1 if anything was found, whatever the\n"
"                           verdict\n"
"         Read the PCRs first and the log afterwards: a log that is longer than\n"
"         the PCR values is no fault.  \"-\" is standard input.\n"
"         Exit status: 0 complete, 1 incomplete, 2 mismatch, 3 error.\n";

struct arguments {
	const char *log;
	struct imatally_pcrs pcrs;
	bool strict;
	bool stdin_used;
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
	text = input_read(path, &len);
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

/* 0, 1 if only help was wanted, -1 */
static int parse(struct arguments *args, int argc, char *argv[])
{
	enum { OPT_PCRS = 256, OPT_PCR, OPT_STRICT };
	static const struct option options[] = {
		{ "pcrs", required_argument, NULL, OPT_PCRS },
		{ "pcr", required_argument, NULL, OPT_PCR },
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

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
		case OPT_STRICT:
			args->strict = true;
			break;
		case 'h':
			fputs(cmd_verify_usage, stdout);
			return 1;
		default:
			fputs(cmd_verify_usage, stderr);
			return -1;
		}
	}
	if (argc - optind != 1) {
		complain("verify takes one log");
		fputs(cmd_verify_usage, stderr);
		return -1;
	}
	args->log = argv[optind];
	if (!args->pcrs.nr) {
		complain("no PCR values to compare with: give --pcrs or --pcr");
		fputs(cmd_verify_usage, stderr);
		return -1;
	}
	return claim(args, args->log);
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

static int verify(const struct arguments *args)
{
	struct imatally_result result;
	struct imatally_error err;
	struct imatally_log *log;
	int status = EXIT_ERROR;
	FILE *file;

	file = input_open(args->log);
	if (!file)
		return EXIT_ERROR;
	log = imatally_log_open_file(file);
	if (!log) {
		complain("out of memory");
	} else if (imatally_verify(log, &args->pcrs, &result, &err)) {
		complain_about(input_name(args->log), &err);
	} else {
		report_result(&result);
		status = exit_status(&result, args->strict);
		imatally_result_free(&result);
	}
	imatally_log_close(log);
	input_close(file);
	return status;
}

int cmd_verify(int argc, char *argv[])
{
	struct arguments args = { 0 };
	int ret = parse(&args, argc, argv);

	if (!ret)
		ret = verify(&args);
	else
		ret = ret > 0 ? 0 : EXIT_ERROR;
	imatally_pcrs_free(&args.pcrs);
	return ret;
}
