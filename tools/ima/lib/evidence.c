// SPDX-License-Identifier: GPL-2.0-only
/* The manifest of evidence: JSON with the TPM's structures in hexadecimal. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imatally-evidence.h"
#include "json_file.h"
#include "json_whole.h"
#include "private.h"

#define FORMAT "imatally-evidence"

static const char *const no_counter_names[] = {
	[IMATALLY_NO_COUNTER_SESSIONS] = "sessions",
	[IMATALLY_NO_COUNTER_AUTHORIZATION] = "authorization",
	[IMATALLY_NO_COUNTER_LOCKOUT] = "lockout",
	[IMATALLY_NO_COUNTER_HIERARCHY] = "hierarchy",
	[IMATALLY_NO_COUNTER_TPM] = "tpm",
};

const char *imatally_no_counter_name(enum imatally_no_counter why)
{
	return why < ARRAY_SIZE(no_counter_names) ? no_counter_names[why] :
						    NULL;
}

/* Reading */

static enum imatally_status
read_attestation(struct imatally_attestation *attestation,
		 const json_t *object, struct imatally_error *err)
{
	enum imatally_status status;

	status = imatally_json_bytes(&attestation->attest, object, "attest", err);
	if (!status)
		status = imatally_json_bytes(&attestation->signature, object,
				    "signature", err);
	return status;
}

/* @where is the member of the manifest that names the algorithm. */
static uint16_t read_alg(const char *name, const char *where,
			 struct imatally_error *err)
{
	uint16_t alg = imatally_alg_from_name(name, strlen(name));

	if (!alg)
		imatally_fail(err, IMATALLY_ERR_MALFORMED,
			      "\"%s\": unknown hash algorithm", where);
	return alg;
}

/* The values of one bank, by index of the PCR. */
static enum imatally_status read_bank(struct imatally_pcrs *pcrs, uint16_t alg,
				      json_t *bank, struct imatally_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(bank, name, value) {
		enum imatally_status status;
		struct imatally_error why;
		unsigned long index;
		char *end;

		errno = 0;
		index = strtoul(name, &end, 10);
		if (name[0] < '0' || name[0] > '9' || *end || errno ||
		    index > IMATALLY_MAX_PCR)
			return imatally_fail(err, IMATALLY_ERR_MALFORMED,
					     "\"pcrs\": PCR index from 0 to %d expected",
					     IMATALLY_MAX_PCR);
		if (!json_is_string(value))
			return imatally_fail(err, IMATALLY_ERR_MALFORMED,
					     "\"pcrs\": PCR %lu: a string expected",
					     index);
		status = imatally_pcrs_add_hex(pcrs, index, alg,
					       json_string_value(value),
					       json_string_length(value), &why);
		if (status)
			return imatally_fail(err, status,
					     "\"pcrs\": PCR %lu: %s", index,
					     why.text);
	}
	return IMATALLY_OK;
}

/* @parent: the object with a member "pcrs" */
static enum imatally_status read_pcrs(struct imatally_pcrs *pcrs,
				      const json_t *parent,
				      struct imatally_error *err)
{
	json_t *banks = imatally_json_member(parent, "pcrs", JSON_OBJECT, err);
	const char *name;
	json_t *bank;

	if (!banks)
		return err->status;
	json_object_foreach(banks, name, bank) {
		uint16_t alg = read_alg(name, "pcrs", err);

		if (!alg)
			return err->status;
		if (!json_is_object(bank))
			return imatally_fail(err, IMATALLY_ERR_MALFORMED,
					     "\"pcrs\": an object expected for each bank");
		if (read_bank(pcrs, alg, bank, err))
			return err->status;
	}
	if (!pcrs->nr)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "\"pcrs\": no PCR values");
	return IMATALLY_OK;
}

static enum imatally_status read_quote(struct imatally_evidence *evidence,
				       const json_t *root,
				       struct imatally_error *err)
{
	json_t *quote;

	if (!json_object_get(root, "quote"))
		return IMATALLY_OK;
	quote = imatally_json_member(root, "quote", JSON_OBJECT, err);
	return quote ? read_attestation(&evidence->quote, quote, err) :
		       err->status;
}

static enum imatally_status read_exchanges(struct imatally_evidence *evidence,
					   const json_t *counter,
					   struct imatally_error *err)
{
	json_t *list = imatally_json_member(counter, "exchanges", JSON_ARRAY, err);
	json_t *object;
	size_t i;

	if (!list)
		return err->status;
	if (!json_array_size(list) ||
	    json_array_size(list) > IMATALLY_MAX_EXCHANGES)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "\"exchanges\": 1 to %d elements expected",
				     IMATALLY_MAX_EXCHANGES);
	evidence->exchange = calloc(json_array_size(list),
				    sizeof(*evidence->exchange));
	if (!evidence->exchange)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	evidence->nr_exchanges = json_array_size(list);
	json_array_foreach(list, i, object) {
		struct imatally_exchange *exchange = &evidence->exchange[i];

		if (imatally_json_bytes(&exchange->command, object, "command", err) ||
		    imatally_json_bytes(&exchange->response, object, "response", err))
			return err->status;
	}
	return IMATALLY_OK;
}

/* A reason that is not known here is one of a later version. */
static enum imatally_status read_no_counter(struct imatally_evidence *evidence,
					    const json_t *root,
					    struct imatally_error *err)
{
	json_t *why;
	size_t i;

	if (!json_object_get(root, "no_counter"))
		return IMATALLY_OK;
	why = imatally_json_member(root, "no_counter", JSON_STRING, err);
	if (!why)
		return err->status;
	for (i = 0; i < ARRAY_SIZE(no_counter_names); i++)
		if (no_counter_names[i] &&
		    !strcmp(json_string_value(why), no_counter_names[i]))
			evidence->no_counter = i;
	return IMATALLY_OK;
}

static enum imatally_status read_counter(struct imatally_evidence *evidence,
					 const json_t *root,
					 struct imatally_error *err)
{
	json_t *counter, *hash;

	if (!json_object_get(root, "counter"))
		return read_no_counter(evidence, root, err);
	counter = imatally_json_member(root, "counter", JSON_OBJECT, err);
	hash = counter ? imatally_json_member(counter, "hash", JSON_STRING, err) : NULL;
	if (!hash)
		return err->status;
	evidence->audit_alg = read_alg(json_string_value(hash), "hash", err);
	if (!evidence->audit_alg)
		return err->status;
	if (read_exchanges(evidence, counter, err))
		return err->status;
	return read_attestation(&evidence->audit, counter, err);
}

static enum imatally_status read_boot(struct imatally_evidence *evidence,
				      const json_t *root,
				      struct imatally_error *err)
{
	json_t *boot;
	size_t i;

	if (!json_object_get(root, "boot"))
		return IMATALLY_OK;
	boot = imatally_json_member(root, "boot", JSON_OBJECT, err);
	if (!boot || read_pcrs(&evidence->boot_pcrs, boot, err))
		return err->status;
	for (i = 0; i < evidence->boot_pcrs.nr; i++)
		if (evidence->boot_pcrs.pcr[i].index >= IMATALLY_NR_BOOT_PCRS)
			return imatally_fail(err, IMATALLY_ERR_MALFORMED,
					     "\"boot\": PCR index from 0 to %d expected",
					     IMATALLY_NR_BOOT_PCRS - 1);
	return read_attestation(&evidence->boot_quote, boot, err);
}

static enum imatally_status read_firmware_log(struct imatally_evidence *evidence,
					      const json_t *root,
					      struct imatally_error *err)
{
	struct imatally_bytes *digest = &evidence->firmware_log;
	json_t *object;

	if (!json_object_get(root, "firmware_log"))
		return IMATALLY_OK;
	object = imatally_json_member(root, "firmware_log", JSON_OBJECT, err);
	if (!object || imatally_json_bytes(digest, object, "sha256", err))
		return err->status;
	if (digest->len == imatally_alg_size(IMATALLY_ALG_SHA256))
		return IMATALLY_OK;
	return imatally_fail(err, IMATALLY_ERR_MALFORMED,
			     "\"firmware_log\": not a SHA-256 digest");
}

static enum imatally_status read_manifest(struct imatally_evidence *evidence,
					  const json_t *root,
					  struct imatally_error *err)
{
	if (read_pcrs(&evidence->pcrs, root, err) ||
	    read_quote(evidence, root, err) ||
	    read_counter(evidence, root, err) ||
	    read_boot(evidence, root, err) ||
	    read_firmware_log(evidence, root, err))
		return err->status;
	if (!evidence->quote.attest.data && !evidence->nr_exchanges)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "neither \"quote\" nor \"counter\" is present");
	return IMATALLY_OK;
}

enum imatally_status imatally_evidence_parse(struct imatally_evidence *evidence,
					     const char *text, size_t len,
					     struct imatally_error *err)
{
	enum imatally_status status;
	json_t *root;

	memset(evidence, 0, sizeof(*evidence));
	root = imatally_json_open(text, len, FORMAT, IMATALLY_EVIDENCE_VERSION,
				  err);
	if (!root)
		return err->status;
	status = read_manifest(evidence, root, err);
	json_decref(root);
	if (status)
		imatally_evidence_free(evidence);
	return status;
}

/* Writing.  Calls of jansson that take a value fail if it is NULL. */

static bool put_attestation(json_t *object,
			    const struct imatally_attestation *attestation)
{
	return imatally_json_put_bytes(object, "attest", &attestation->attest) &&
	       imatally_json_put_bytes(object, "signature", &attestation->signature);
}

static bool put_pcr(json_t *banks, const struct imatally_pcr *pcr)
{
	char name[IMATALLY_ALG_NAME_SIZE], number[12];

	imatally_alg_name(pcr->bank.alg, name);
	if (!json_object_get(banks, name) &&
	    json_object_set_new(banks, name, json_object()))
		return false;
	snprintf(number, sizeof(number), "%u", pcr->index);
	return !json_object_set_new(json_object_get(banks, name), number,
				    json_hex(pcr->bank.value, pcr->bank.len));
}

/* @parent gets a member "pcrs". */
static bool put_pcrs(json_t *parent, const struct imatally_pcrs *pcrs)
{
	json_t *banks = json_object();
	size_t i;

	/* this takes over the reference even if it fails */
	if (json_object_set_new(parent, "pcrs", banks))
		return false;
	for (i = 0; i < pcrs->nr; i++)
		if (!put_pcr(banks, &pcrs->pcr[i]))
			return false;
	return true;
}

static bool put_boot(json_t *root, const struct imatally_evidence *evidence)
{
	json_t *boot, *log;

	if (evidence->boot_pcrs.nr) {
		boot = json_object();
		if (json_object_set_new(root, "boot", boot) ||
		    !put_pcrs(boot, &evidence->boot_pcrs) ||
		    !put_attestation(boot, &evidence->boot_quote))
			return false;
	}
	if (!evidence->firmware_log.len)
		return true;
	log = json_object();
	return !json_object_set_new(root, "firmware_log", log) &&
	       imatally_json_put_bytes(log, "sha256", &evidence->firmware_log);
}

static bool put_counter(json_t *counter,
			const struct imatally_evidence *evidence)
{
	char name[IMATALLY_ALG_NAME_SIZE];
	json_t *list = json_array();
	size_t i;

	/* this takes over the reference to @list even if it fails */
	if (json_object_set_new(counter, "hash",
				json_string(imatally_alg_name(evidence->audit_alg,
							      name))) |
	    json_object_set_new(counter, "exchanges", list))
		return false;
	for (i = 0; i < evidence->nr_exchanges; i++) {
		const struct imatally_exchange *exchange = &evidence->exchange[i];
		json_t *object = json_object();

		if (json_array_append_new(list, object) ||
		    !imatally_json_put_bytes(object, "command", &exchange->command) ||
		    !imatally_json_put_bytes(object, "response", &exchange->response))
			return false;
	}
	return put_attestation(counter, &evidence->audit);
}

static bool put_manifest(json_t *root, const struct imatally_evidence *evidence)
{
	json_t *quote, *counter;

	if (!put_pcrs(root, &evidence->pcrs) || !put_boot(root, evidence))
		return false;
	if (evidence->quote.attest.data) {
		quote = json_object();
		if (json_object_set_new(root, "quote", quote) ||
		    !put_attestation(quote, &evidence->quote))
			return false;
	}
	if (!evidence->nr_exchanges) {
		const char *why = imatally_no_counter_name(evidence->no_counter);

		return !why || !json_object_set_new(root, "no_counter",
						    json_string(why));
	}
	counter = json_object();
	return !json_object_set_new(root, "counter", counter) &&
	       put_counter(counter, evidence);
}

char *imatally_evidence_format(const struct imatally_evidence *evidence)
{
	json_t *root = imatally_json_new(FORMAT, IMATALLY_EVIDENCE_VERSION);
	char *text = NULL;

	if (root && put_manifest(root, evidence))
		text = json_text(root, JSON_INDENT(2));
	json_decref(root);
	return text;
}

static void free_attestation(struct imatally_attestation *attestation)
{
	free(attestation->attest.data);
	free(attestation->signature.data);
	memset(attestation, 0, sizeof(*attestation));
}

void imatally_evidence_drop_quote(struct imatally_evidence *evidence)
{
	free_attestation(&evidence->quote);
}

void imatally_evidence_drop_boot(struct imatally_evidence *evidence)
{
	imatally_pcrs_free(&evidence->boot_pcrs);
	free_attestation(&evidence->boot_quote);
}

void imatally_evidence_drop_counter(struct imatally_evidence *evidence)
{
	size_t i;

	free_attestation(&evidence->audit);
	for (i = 0; i < evidence->nr_exchanges; i++) {
		free(evidence->exchange[i].command.data);
		free(evidence->exchange[i].response.data);
	}
	free(evidence->exchange);
	evidence->exchange = NULL;
	evidence->nr_exchanges = 0;
}

void imatally_evidence_free(struct imatally_evidence *evidence)
{
	imatally_pcrs_free(&evidence->pcrs);
	imatally_evidence_drop_quote(evidence);
	imatally_evidence_drop_counter(evidence);
	imatally_evidence_drop_boot(evidence);
	free(evidence->firmware_log.data);
	memset(evidence, 0, sizeof(*evidence));
}
