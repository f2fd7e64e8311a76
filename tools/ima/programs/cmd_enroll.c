// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally enroll: on the measured machine, ask a verifier to enroll an AK, and
 * answer its challenge.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "tpm.h"

const char cmd_enroll_usage[] =
"Usage: imatally enroll --ak AK --out REQUEST [OPTION...]\n"
"         On the measured machine: write to REQUEST what the verifier needs to\n"
"         enroll the AK: its public area, and the certificate of the TPM's EK.\n"
"       imatally enroll --ak AK --activate CHALLENGE --out ANSWER [OPTION...]\n"
"         Have the TPM open the verifier's challenge, which it can only if it has\n"
"         both keys, and write the answer.\n"
"       Options of both:\n"
"           --ak AK         a persistent handle (0x81...), or a context saved by\n"
"                           tpm2-tools\n"
"           --ek-cert CERT  the EK certificate: an NV index (0x01...) or a file, if\n"
"                           not the first one in the TPM\n"
"           --tcti TCTI     the TPM, as for tpm2-tools (device:/dev/tpmrm0)\n"
"           --ak-auth V, --endorsement-auth V\n"
"                           authorization values, unless empty: text or\n"
"                           file:PATH\n";

struct arguments {
	const char *ak, *activate, *out, *ek_cert, *tcti;
	const char *auth[TPM_NR_AUTHS];
};

/* 0; 1 after --help; -1 after an error message */
static int parse(struct arguments *args, int argc, char *argv[])
{
	const struct option_row rows[] = {
		{ "ak", .text = &args->ak },
		{ "activate", .text = &args->activate },
		{ "out", .text = &args->out },
		{ "ek-cert", .text = &args->ek_cert },
		{ "tcti", .text = &args->tcti },
		{ "ak-auth", .text = &args->auth[TPM_AUTH_AK] },
		{ "endorsement-auth",
		  .text = &args->auth[TPM_AUTH_ENDORSEMENT] },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows),
				cmd_enroll_usage, NULL);

	if (ret)
		return ret;
	if (optind == argc && args->ak && args->out)
		return 0;
	complain(optind < argc ? "enroll takes no arguments besides options" :
		 args->ak ? "--out is missing" : "--ak is missing");
	fputs(cmd_enroll_usage, stderr);
	return -1;
}

static int write_request(struct tpm *tpm, const char *path,
			 struct imatally_request *request)
{
	if (tpm_ak_public(tpm, &request->ak_public) ||
	    output_text_new(path, imatally_request_format(request)))
		return -1;
	printf("request in %s\n", path);
	return 0;
}

static int read_challenge(const char *path, struct imatally_challenge *challenge)
{
	struct imatally_error err;
	size_t len;
	char *text = input_read_within(path, &len);
	int ret = -1;

	if (text)
		ret = complain_if(imatally_challenge_parse(challenge, text, len, &err),
				  path, &err);
	free(text);
	return ret;
}

static int write_answer(struct tpm *tpm, const char *path,
			const struct imatally_challenge *challenge)
{
	struct imatally_bytes answer = { 0 };
	int ret;

	ret = tpm_activate(tpm, challenge, &answer) ||
	      output_text_new(path, imatally_answer_format(&answer)) ? -1 : 0;
	if (!ret)
		printf("answer in %s\n", path);
	free(answer.data);
	return ret;
}

static int run(const struct arguments *args)
{
	struct imatally_challenge challenge = { 0 };
	struct imatally_request request = { 0 };
	struct tpm *tpm;
	int ret = -1;

	if (args->activate && read_challenge(args->activate, &challenge))
		return -1;
	tpm = tpm_open_with(args->tcti, args->auth);
	if (tpm && !tpm_load_ak(tpm, args->ak) &&
	    !tpm_load_ek(tpm, args->ek_cert, &request.ek_certificate))
		ret = args->activate ?
			      write_answer(tpm, args->out, &challenge) :
			      write_request(tpm, args->out, &request);
	tpm_close(tpm);
	imatally_request_free(&request);
	imatally_challenge_free(&challenge);
	return ret;
}

int cmd_enroll(int argc, char *argv[])
{
	struct arguments args = { 0 };
	int ret = parse(&args, argc, argv);

	if (ret)
		return ret > 0 ? 0 : EXIT_ERROR;
	return run(&args) ? EXIT_ERROR : 0;
}
