// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally challenge: on the verifier, check a request to enroll an AK, make a
 * challenge, and enroll the AK if the answer is right.
 */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

const char cmd_challenge_usage[] =
"Usage: imatally challenge --request REQUEST --ca DIR --pending FILE --out CHALLENGE\n"
"         On the verifier: check a request of \"imatally enroll\", and write a\n"
"         challenge for that machine.  FILE is for the answer, and stays here.\n"
"           --ca DIR        the CA certificates to trust (PEM or DER), with those\n"
"                           of intermediate CAs, and no other files\n"
"       imatally challenge --answer ANSWER --pending FILE --out ENROLLED\n"
"         If the answer is right, write the file for \"verify --enrolled\".  FILE is\n"
"         deleted: an answer is accepted once.\n"
"         Exit status: 0, 3 error, 4 refused.\n";

/* Empty if not given */
struct arguments {
	const char *request, *ca, *pending, *answer, *out;
};

static int check_arguments(const struct arguments *args, int operands)
{
	if (operands)
		complain("challenge takes no arguments besides options");
	else if (!*args->pending || !*args->out)
		complain("--pending or --out is missing");
	else if (*args->request ? *args->answer || !*args->ca :
				  !*args->answer || *args->ca)
		complain("give either --request and --ca, or --answer");
	else
		return 0;
	fputs(cmd_challenge_usage, stderr);
	return -1;
}

/* 0; 1 after --help; -1 after an error message */
static int parse(struct arguments *args, int argc, char *argv[])
{
	const struct option_row rows[] = {
		{ "request", .text = &args->request },
		{ "ca", .text = &args->ca },
		{ "pending", .text = &args->pending },
		{ "answer", .text = &args->answer },
		{ "out", .text = &args->out },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows),
				cmd_challenge_usage, NULL);

	if (ret)
		return ret;
	return check_arguments(args, argc - optind);
}

/* ---- CA certificates */

static int add_ca(struct imatally_trust *trust, const char *dir,
		  const char *name)
{
	struct imatally_error err;
	char *path, *text;
	int ret = -1;
	size_t len;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		complain("out of memory");
		return -1;
	}
	text = input_read(path, &len);
	if (text && imatally_trust_add(trust, text, len, &err))
		complain_about(path, &err);
	else if (text)
		ret = 0;
	free(text);
	free(path);
	return ret;
}

static int add_all(struct imatally_trust *trust, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int nr = 0;
	int ret = 0;

	if (!dir) {
		complain("%s: %s", path, strerror(errno));
		return -1;
	}
	errno = 0;
	while (!ret && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		ret = add_ca(trust, path, entry->d_name);
		nr++;
		errno = 0;
	}
	if (!ret && (errno || !nr)) {
		complain("%s: %s", path, errno ? strerror(errno) :
						 "no certificates in this directory");
		ret = -1;
	}
	closedir(dir);
	return ret;
}

/* NULL after an error message */
static struct imatally_trust *read_cas(const char *path)
{
	struct imatally_trust *trust = imatally_trust_new();

	if (!trust) {
		complain("out of memory");
	} else if (add_all(trust, path)) {
		imatally_trust_free(trust);
		trust = NULL;
	}
	return trust;
}

/* ---- Files */

static int read_request(const char *path, struct imatally_request *request)
{
	struct imatally_error err;
	size_t len;
	char *text = input_read_within(path, &len);
	int ret = -1;

	if (text)
		ret = complain_if(imatally_request_parse(request, text, len, &err),
				  path, &err);
	free(text);
	return ret;
}

static int read_answer(const char *path, struct imatally_bytes *answer)
{
	struct imatally_error err;
	size_t len;
	char *text = input_read_within(path, &len);
	int ret = -1;

	if (text)
		ret = complain_if(imatally_answer_parse(answer, text, len, &err),
				  path, &err);
	free(text);
	return ret;
}

static int read_pending(const char *path, struct imatally_enrollment *pending)
{
	struct imatally_error err;
	int ret = -1;
	size_t len;
	char *text;

	if (access(path, F_OK) && errno == ENOENT) {
		complain("--pending %s: there is no such file: it is deleted with the first right answer, which is not accepted again",
			 path);
		return -1;
	}
	text = input_read(path, &len);
	if (text)
		ret = complain_if(imatally_enrollment_parse(pending, true, text,
							    len, &err),
				  path, &err);
	free(text);
	return ret;
}

/* An exit status, after a message */
static int refuse(const char *path, const struct imatally_error *err)
{
	if (err->status == IMATALLY_ERR_NOT_AUTHENTIC)
		complain("%s: refused: %s", path, err->text);
	else
		complain_about(path, err);
	return err->status == IMATALLY_ERR_NOT_AUTHENTIC ? EXIT_NOT_AUTHENTIC :
							   EXIT_ERROR;
}

/* What the operator may know from elsewhere */
static void describe(const struct imatally_enrollment *enrollment)
{
	char digits[2 * 32 + 1];

	printf("  EK: sha256:%s\n",
	       imatally_hex_from_bytes(digits, enrollment->ek_sha256, 32));
	printf("  EK certificate: sha256:%s\n",
	       imatally_hex_from_bytes(digits, enrollment->ek_certificate_sha256,
				       32));
	printf("  EK certificate: serial number %s of \"%s\"\n",
	       enrollment->ek_serial, enrollment->ek_issuer);
}

/* ---- Both steps return an exit status. */

/* A challenge without the file for its answer would be of no use. */
static int write_both(const struct arguments *args,
		      const struct imatally_challenge *challenge,
		      const struct imatally_enrollment *pending)
{
	if (output_text_new(args->pending, imatally_enrollment_format(pending)))
		return EXIT_ERROR;
	if (!output_text_new(args->out, imatally_challenge_format(challenge)))
		return 0;
	unlink(args->pending);
	return EXIT_ERROR;
}

static int run_request(const struct arguments *args)
{
	struct imatally_enrollment pending = { 0 };
	struct imatally_challenge challenge = { 0 };
	struct imatally_request request = { 0 };
	struct imatally_trust *trust;
	struct imatally_error err;
	int ret = EXIT_ERROR;

	trust = read_cas(args->ca);
	if (trust && !read_request(args->request, &request)) {
		if (imatally_challenge_make(&request, trust, &challenge,
					    &pending, &err))
			ret = refuse(args->request, &err);
		else
			ret = write_both(args, &challenge, &pending);
	}
	if (!ret) {
		printf("challenge in %s, for the TPM with\n", args->out);
		describe(&pending);
	}
	imatally_trust_free(trust);
	imatally_request_free(&request);
	imatally_challenge_free(&challenge);
	imatally_enrollment_free(&pending);
	return ret;
}

/* Only one process can delete the file, and so use the answer. */
static int write_enrolled(const struct arguments *args,
			  const struct imatally_enrollment *enrolled)
{
	struct stat there;

	if (!lstat(args->out, &there)) {
		complain("--out %s: exists already, and is not overwritten",
			 args->out);
		return EXIT_ERROR;
	}
	if (unlink(args->pending)) {
		complain("--pending %s: %s", args->pending, strerror(errno));
		return EXIT_ERROR;
	}
	return output_text_new(args->out, imatally_enrollment_format(enrolled)) ?
		       EXIT_ERROR : 0;
}

static int run_answer(const struct arguments *args)
{
	struct imatally_enrollment enrollment = { 0 };
	struct imatally_bytes answer = { 0 };
	struct imatally_error err;
	int ret = EXIT_ERROR;

	if (!read_pending(args->pending, &enrollment) &&
	    !read_answer(args->answer, &answer)) {
		if (imatally_enrollment_complete(&enrollment, &answer, &err))
			ret = refuse(args->answer, &err);
		else
			ret = write_enrolled(args, &enrollment);
	}
	if (!ret) {
		printf("enrolled in %s: the AK is in the TPM with\n", args->out);
		describe(&enrollment);
	}
	free(answer.data);
	imatally_enrollment_free(&enrollment);
	return ret;
}

int cmd_challenge(int argc, char *argv[])
{
	struct arguments args = { "", "", "", "", "" };
	int ret = parse(&args, argc, argv);

	if (ret)
		return ret > 0 ? 0 : EXIT_ERROR;
	return *args.request ? run_request(&args) : run_answer(&args);
}
