// SPDX-License-Identifier: GPL-2.0-only
/* imatally verify --evidence: checking the evidence in a directory. */

#include <stdlib.h>
#include <string.h>

#include "commands.h"

/* Read a file.  NULL after an error message. */
static char *read_in(const char *dir, const char *name, size_t *len)
{
	char *path, *text;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		complain("out of memory");
		return NULL;
	}
	text = input_read_within(path, len);
	free(path);
	return text;
}

static int read_manifest(const char *dir, struct imatally_evidence *evidence)
{
	struct imatally_error err;
	int ret = 0;
	size_t len;
	char *text;

	text = read_in(dir, IMATALLY_EVIDENCE_MANIFEST, &len);
	if (!text)
		return EXIT_ERROR;
	if (imatally_evidence_parse(evidence, text, len, &err)) {
		complain("%s/" IMATALLY_EVIDENCE_MANIFEST ": %s", dir, err.text);
		ret = EXIT_ERROR;
	}
	free(text);
	return ret;
}

/* Read the public key of the AK, alone or in an enrollment. */
static int read_ak(const struct evidence_arguments *args,
		   struct imatally_enrollment *enrollment,
		   struct imatally_ak **ak)
{
	enum imatally_status status = IMATALLY_OK;
	struct imatally_error err;
	int ret = EXIT_ERROR;
	const char *pem;
	size_t len;
	char *text;

	text = input_read(args->ak, &len);
	if (!text)
		return EXIT_ERROR;
	pem = text;
	if (args->is_enrolled) {
		status = imatally_enrollment_parse(enrollment, false, text, len,
						   &err);
		pem = enrollment->ak;
		len = status ? 0 : strlen(pem);
	}
	if (!status)
		status = imatally_ak_from_pem(ak, pem, len, &err);
	if (!complain_if(status, input_name(args->ak), &err))
		ret = 0;
	free(text);
	return ret;
}

/* If @nonce is NULL, any nonce is accepted. */
static int check(const char *dir, const struct imatally_evidence *evidence,
		 const struct imatally_ak *ak,
		 const struct imatally_bytes *nonce,
		 struct imatally_attested *attested, struct imatally_error *err)
{
	switch (imatally_evidence_check(evidence, ak, nonce ? nonce->data : NULL,
					nonce ? nonce->len : 0, attested, err)) {
	case IMATALLY_OK:
		return 0;
	case IMATALLY_ERR_NOT_AUTHENTIC:
		return EXIT_NOT_AUTHENTIC;
	default:
		complain_about(dir, err);
		return EXIT_ERROR;
	}
}

static bool same_values(const struct imatally_pcrs *a,
			const struct imatally_pcrs *b)
{
	size_t i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++) {
		const struct imatally_pcr *x = &a->pcr[i], *y = &b->pcr[i];

		if (x->index != y->index || x->bank.alg != y->bank.alg ||
		    x->bank.len != y->bank.len ||
		    memcmp(x->bank.value, y->bank.value, x->bank.len))
			return false;
	}
	return true;
}

static int check_previous(const char *dir,
			  const struct imatally_evidence *evidence,
			  const struct imatally_ak *ak,
			  struct signer *signer, struct imatally_error *err)
{
	struct imatally_evidence previous;
	struct imatally_attested before;
	struct imatally_error why;
	int ret;

	ret = read_manifest(dir, &previous);
	if (ret)
		return ret;
	ret = check(dir, &previous, ak, NULL, &before, &why);
	signer->unchanged = same_values(&evidence->pcrs, &previous.pcrs);
	imatally_evidence_free(&previous);
	if (ret == EXIT_NOT_AUTHENTIC) {
		*err = why;
		snprintf(err->text, sizeof(err->text), "the previous evidence: %.170s",
			 why.text);
	}
	if (ret)
		return ret;
	signer->has_previous = true;
	return imatally_attested_follows(&signer->attested, &before,
					 &signer->rebooted, err) ?
		       EXIT_NOT_AUTHENTIC : 0;
}

/* Values of other PCRs do not make the value of the IMA PCR any stronger. */
static bool only_sha1(const struct imatally_pcrs *pcrs, uint32_t ima_pcr)
{
	size_t i;

	for (i = 0; i < pcrs->nr; i++)
		if (pcrs->pcr[i].index == ima_pcr &&
		    pcrs->pcr[i].bank.alg != IMATALLY_ALG_SHA1)
			return false;
	return true;
}

int evidence_check(const struct evidence_arguments *args,
		   struct imatally_pcrs *pcrs, struct signer *signer,
		   struct imatally_error *err)
{
	struct imatally_evidence evidence = { 0 };
	struct imatally_bytes nonce = { 0 };
	struct imatally_ak *ak = NULL;
	int ret = EXIT_ERROR;

	memset(signer, 0, sizeof(*signer));
	if (option_nonce(&nonce, args->nonce) || read_ak(args, &signer->enrollment, &ak) ||
	    read_manifest(args->dir, &evidence))
		goto out;
	memcpy(signer->fingerprint, imatally_ak_fingerprint(ak),
	       sizeof(signer->fingerprint));
	ret = check(args->dir, &evidence, ak, &nonce, &signer->attested, err);
	if (!ret && args->previous)
		ret = check_previous(args->previous, &evidence, ak, signer,
				     err);
	if (!ret && firmware_check(args->dir, &evidence, &signer->firmware))
		ret = EXIT_ERROR;
	if (!ret) {
		signer->no_counter = evidence.no_counter;
		signer->weak = only_sha1(&evidence.pcrs, args->ima_pcr);
		/* ownership passes to the caller */
		*pcrs = evidence.pcrs;
		signer->boot_pcrs = evidence.boot_pcrs;
		memset(&evidence.pcrs, 0, sizeof(evidence.pcrs));
		memset(&evidence.boot_pcrs, 0, sizeof(evidence.boot_pcrs));
	}
out:
	imatally_evidence_free(&evidence);
	imatally_ak_free(ak);
	free(nonce.data);
	return ret;
}

void signer_free(struct signer *signer)
{
	imatally_enrollment_free(&signer->enrollment);
	imatally_pcrs_free(&signer->boot_pcrs);
}
