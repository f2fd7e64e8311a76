// SPDX-License-Identifier: GPL-2.0-only
/*
 * imatally collect: collect evidence of this machine, to be verified elsewhere.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect.h"
#include "commands.h"

const char cmd_collect_usage[] =
"Usage: imatally collect --ak AK --nonce HEX --out DIR [OPTION...]\n"
"         On the measured machine: request a record from the kernel, have the TPM\n"
"         sign the IMA PCR, pcrUpdateCounter and PCRs 0 to 9, and copy the\n"
"         measurement list and the firmware's log.\n"
"           --ak AK         a persistent handle (0x81...), or a context saved by\n"
"                           tpm2-tools\n"
"           --nonce HEX     chosen by the verifier, 1 to 32 bytes\n"
"           --out DIR       where to write the evidence; created if missing\n"
"           --pcr N         the IMA PCR (10)\n"
"           --ima DIR       IMA's files (" KERNEL_IMA ")\n"
"           --firmware-log FILE\n"
"                           the firmware's log, if it is not\n"
"                           " FIRMWARE_LOG "\n"
"       imatally collect --create-ak PUB --ak AK [--ak-alg ALG] [OPTION...]\n"
"         Create an AK, save it as AK, and write its public key to PUB as PEM.\n"
"           --ak-alg ALG    ecc (P-256, the default), rsa or rsapss (2048 bits)\n"
"           --owner-auth V  required to save it at a handle, unless empty\n"
"       Options of both:\n"
"           --tcti TCTI     the TPM, as for tpm2-tools (device:/dev/tpmrm0)\n"
"           --ak-auth V, --endorsement-auth V\n"
"                           authorization values, unless empty: text or\n"
"                           file:PATH\n";

struct arguments {
	const char *ak, *nonce, *out, *create_ak, *ak_alg, *tcti, *ima;
	const char *firmware_log;
	const char *auth[TPM_NR_AUTHS];
	unsigned int pcr;
};

static int check_arguments(const struct arguments *args, int operands)
{
	if (operands)
		complain("collect takes no arguments besides options");
	else if (!args->ak)
		complain("--ak is missing");
	else if (args->create_ak && (args->nonce || args->out))
		complain("--create-ak cannot be combined with --nonce and --out");
	else if (!args->create_ak && (!args->nonce || !args->out))
		complain("--nonce or --out is missing");
	else if (args->create_ak && !strcmp(args->create_ak, args->ak))
		complain("--create-ak and --ak cannot be the same file");
	else if (!args->create_ak && args->ak_alg)
		complain("--ak-alg requires --create-ak");
	else
		return 0;
	fputs(cmd_collect_usage, stderr);
	return -1;
}

/* 0; 1 after --help; -1 after an error message */
static int parse(struct arguments *args, int argc, char *argv[])
{
	const struct option_row rows[] = {
		{ "ak", .text = &args->ak },
		{ "nonce", .text = &args->nonce },
		{ "out", .text = &args->out },
		{ "create-ak", .text = &args->create_ak },
		{ "ak-alg", .text = &args->ak_alg },
		{ "tcti", .text = &args->tcti },
		{ "pcr", .number = &args->pcr, .max = IMATALLY_MAX_PCR },
		{ "ima", .text = &args->ima },
		{ "firmware-log", .text = &args->firmware_log },
		{ "ak-auth", .text = &args->auth[TPM_AUTH_AK] },
		{ "endorsement-auth",
		  .text = &args->auth[TPM_AUTH_ENDORSEMENT] },
		{ "owner-auth", .text = &args->auth[TPM_AUTH_OWNER] },
	};
	int ret = options_parse(argc, argv, rows, ARRAY_SIZE(rows),
				cmd_collect_usage, NULL);

	if (ret)
		return ret;
	return check_arguments(args, argc - optind);
}

/* Return the path of a file; to be freed. */
static char *path_in(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) >= 0)
		return path;
	complain("out of memory");
	return NULL;
}

/* Existing evidence is not overwritten: it may be needed for --previous. */
static int prepare_folder(const char *dir)
{
	char *manifest;
	int ret = -1;

	/* Checked by check_arguments().  NOLINTNEXTLINE(*-core.NonNullParamChecker) */
	if (mkdir(dir, 0700) && errno != EEXIST) {
		complain("%s: %s", dir, strerror(errno));
		return -1;
	}
	manifest = path_in(dir, IMATALLY_EVIDENCE_MANIFEST);
	if (!manifest)
		return -1;
	if (!access(manifest, F_OK))
		complain("%s: the directory contains evidence already", dir);
	else
		ret = 0;
	free(manifest);
	return ret;
}

static int write_log(const struct kernel_list *list, const char *dir)
{
	char *path = path_in(dir, IMATALLY_EVIDENCE_LOG);
	struct output output;
	int ret = -1;

	if (path && !output_open(&output, path))
		ret = output_close(&output,
				   !kernel_copy_list(list, output.file));
	free(path);
	return ret;
}

/* The manifest is written last: a directory that has one is complete. */
static int write_manifest(const struct imatally_evidence *evidence,
			  const char *dir)
{
	char *path = path_in(dir, IMATALLY_EVIDENCE_MANIFEST);
	char *text = imatally_evidence_format(evidence);
	int ret = -1;

	if (path && text)
		ret = output_write(path, text, strlen(text));
	else
		complain("out of memory");
	free(path);
	free(text);
	return ret;
}

static int collect(struct tpm *tpm, const struct arguments *args,
		   const struct imatally_bytes *nonce)
{
	struct imatally_evidence evidence = { 0 };
	struct kernel_list list;
	int ret = -1;

	if (collect_begin(tpm, args->ima, args->pcr, nonce, &list, &evidence))
		return -1;
	if (!write_log(&list, args->out) &&
	    !firmware_collect(args->firmware_log, args->out, &evidence) &&
	    !write_manifest(&evidence, args->out))
		ret = 0;
	if (!ret)
		printf("evidence in %s: list, PCR %u in %zu bank%s %s, counter %s\n",
		       args->out, args->pcr, evidence.pcrs.nr,
		       evidence.pcrs.nr == 1 ? "" : "s",
		       evidence.quote.attest.data ? "quoted" : "not quoted",
		       evidence.nr_exchanges ? "attested" : "not attested");
	imatally_evidence_free(&evidence);
	kernel_close_list(&list);
	return ret;
}

static int run_collect(const struct arguments *args)
{
	struct imatally_bytes nonce = { 0 };
	struct tpm *tpm;
	int ret = -1;

	if (option_nonce(&nonce, args->nonce))
		return -1;
	/* the list contains names of files, which may be private */
	umask(077);
	/*
	 * first the TPM: the libraries for it are measured when they are loaded
	 */
	tpm = tpm_open_with(args->tcti, args->auth);
	if (tpm && !tpm_load_ak(tpm, args->ak) && !prepare_folder(args->out))
		ret = collect(tpm, args, &nonce);
	tpm_close(tpm);
	free(nonce.data);
	return ret;
}

/* Neither the AK nor its public key may replace an older one. */
static int check_create(struct tpm *tpm, const struct arguments *args)
{
	struct stat there;

	if (lstat(args->create_ak, &there) && errno == ENOENT)
		return tpm_check_unused(tpm, args->ak);
	complain("--create-ak %s: exists already, and is not overwritten",
		 args->create_ak);
	return -1;
}

/*
 * The public key is written first: a key that the TPM keeps, but that nobody
 * knows, would occupy the handle.
 */
static int run_create(const struct arguments *args)
{
	struct tpm *tpm = tpm_open_with(args->tcti, args->auth);
	char *pem = NULL;
	int ret = -1;

	if (tpm && !check_create(tpm, args) &&
	    !tpm_create_ak(tpm, args->ak_alg ? args->ak_alg : "ecc"))
		pem = tpm_ak_pem(tpm);
	if (pem && !output_write_new(args->create_ak, pem, strlen(pem))) {
		ret = tpm_keep_ak(tpm, args->ak);
		if (ret)
			unlink(args->create_ak);
	}
	if (!ret)
		printf("AK %s, its public key in %s\n", args->ak,
		       args->create_ak);
	free(pem);
	tpm_close(tpm);
	return ret;
}

int cmd_collect(int argc, char *argv[])
{
	struct arguments args = { .ima = KERNEL_IMA, .pcr = 10,
				  .firmware_log = FIRMWARE_LOG };
	int ret = parse(&args, argc, argv);

	if (ret)
		return ret > 0 ? 0 : EXIT_ERROR;
	ret = args.create_ak ? run_create(&args) : run_collect(&args);
	return ret ? EXIT_ERROR : 0;
}
