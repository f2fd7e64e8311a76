// SPDX-License-Identifier: GPL-2.0-only
/* Access to a TPM: connection, AK, PCR values, quote and audit session. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "commands.h"
#include "tpm_access.h"
#include "tpm_key.h"

/* How often to try again if a PCR was extended just before the quote. */
#define ATTEMPTS 20

#define DEFAULT_DEVICE "/dev/tpmrm0"

static const TPMT_SIG_SCHEME key_scheme = { .scheme = TPM2_ALG_NULL };

/* Failures */

TSS2_RC tpm_plain_code(TSS2_RC rc)
{
	rc &= ~TSS2_RC_LAYER_MASK;
	return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

/* What the TPM lacks, in words of its user */
static enum imatally_no_counter cause_of(TSS2_RC rc)
{
	switch (tpm_plain_code(rc)) {
	case TPM2_RC_SESSION_MEMORY:
	case TPM2_RC_SESSION_HANDLES:
	case TPM2_RC_CONTEXT_GAP:
		return IMATALLY_NO_COUNTER_SESSIONS;
	case TPM2_RC_AUTH_FAIL:
	case TPM2_RC_BAD_AUTH:
		return IMATALLY_NO_COUNTER_AUTHORIZATION;
	case TPM2_RC_LOCKOUT:
		return IMATALLY_NO_COUNTER_LOCKOUT;
	case TPM2_RC_HIERARCHY:
		return IMATALLY_NO_COUNTER_HIERARCHY;
	default:
		return IMATALLY_NO_COUNTER_TPM;
	}
}

/* Which authorization a command needs, for messages */
static const char *const auth_option[TPM_NR_AUTHS] = {
	[TPM_AUTH_AK] = "--ak-auth",
	[TPM_AUTH_ENDORSEMENT] = "--endorsement-auth",
	[TPM_AUTH_OWNER] = "--owner-auth",
};

int tpm_failed_with(const struct tpm *tpm, enum tpm_auth auth,
		       const char *command, TSS2_RC rc)
{
	const char *decoded = Tss2_RC_Decode(rc);

	switch (cause_of(rc)) {
	case IMATALLY_NO_COUNTER_SESSIONS:
		complain("%s: all sessions of the TPM are in use: flush those that were left behind (tpm2_flushcontext -s), or use the device of the resource manager (%s)",
			 command, decoded);
		break;
	case IMATALLY_NO_COUNTER_AUTHORIZATION:
		complain("%s: %s is %s (%s)", command, auth_option[auth],
			 tpm->auth[auth].size ? "wrong" : "missing", decoded);
		break;
	case IMATALLY_NO_COUNTER_LOCKOUT:
		complain("%s: the TPM is locked after wrong authorization values: wait, or see tpm2_dictionarylockout (%s)",
			 command, decoded);
		break;
	case IMATALLY_NO_COUNTER_HIERARCHY:
		complain("%s: the hierarchy is disabled (%s)", command, decoded);
		break;
	default:
		switch (tpm_plain_code(rc)) {
		case TPM2_RC_MEMORY:
		case TPM2_RC_OBJECT_MEMORY:
		case TPM2_RC_OBJECT_HANDLES:
			complain("%s: keys of others fill the memory of the TPM: flush those that were left behind (tpm2_flushcontext -t), or use the device of the resource manager (%s)",
				 command, decoded);
			break;
		default:
			complain("%s: %s", command, decoded);
		}
	}
	return -1;
}

int tpm_failed(const struct tpm *tpm, const char *command, TSS2_RC rc)
{
	return tpm_failed_with(tpm, TPM_AUTH_AK, command, rc);
}

/* The connection */

/* tpm2-tss does not say why a device cannot be opened. */
static void complain_about_device(const char *tcti, TSS2_RC rc)
{
	static const char name[] = "device:";
	const char *device = DEFAULT_DEVICE;

	if (tcti && !strncmp(tcti, name, strlen(name)))
		device = tcti + strlen(name);
	else if (tcti)
		device = NULL;
	if (device && access(device, R_OK | W_OK))
		complain("no TPM at %s: %s%s", device, strerror(errno),
			 errno == EACCES || errno == EPERM ?
				 ": only root and the group of the device (tss) may use it" :
				 "");
	else
		complain("no TPM at %s: %s", tcti ? tcti : device,
			 Tss2_RC_Decode(rc));
}

static struct tpm *open_tpm(const char *tcti)
{
	struct tpm *tpm = calloc(1, sizeof(*tpm));
	TSS2_RC rc;

	if (!tpm) {
		complain("out of memory");
		return NULL;
	}
	tpm->ak = ESYS_TR_NONE;
	tpm->ek = ESYS_TR_NONE;
	rc = Tss2_TctiLdr_Initialize(tcti, &tpm->tcti);
	if (!rc)
		rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
	if (rc) {
		complain_about_device(tcti, rc);
		tpm_close(tpm);
		return NULL;
	}
	return tpm;
}

void tpm_close(struct tpm *tpm)
{
	if (!tpm)
		return;
	if (tpm->ak_is_transient)
		Esys_FlushContext(tpm->esys, tpm->ak);
	if (tpm->ek_is_transient)
		Esys_FlushContext(tpm->esys, tpm->ek);
	Esys_Finalize(&tpm->esys);
	Tss2_TctiLdr_Finalize(&tpm->tcti);
	memset(tpm->auth, 0, sizeof(tpm->auth));
	free(tpm);
}

static int set_auth(struct tpm *tpm, enum tpm_auth which, const char *value)
{
	static const char from_file[] = "file:";
	TPM2B_AUTH *auth = &tpm->auth[which];
	char *text = NULL;
	size_t len;

	if (!strncmp(value, from_file, strlen(from_file))) {
		text = input_read(value + strlen(from_file), &len);
		if (!text)
			return -1;
		/* editors append a newline */
		if (len && text[len - 1] == '\n')
			len--;
		value = text;
	} else {
		len = strlen(value);
	}
	if (len > sizeof(auth->buffer)) {
		complain("an authorization value has at most %zu bytes",
			 sizeof(auth->buffer));
	} else {
		auth->size = len;
		memcpy(auth->buffer, value, len);
	}
	free(text);
	return len > sizeof(auth->buffer) ? -1 : 0;
}

struct tpm *tpm_open_with(const char *tcti, const char *const auth[TPM_NR_AUTHS])
{
	struct tpm *tpm = open_tpm(tcti);
	int i;

	for (i = 0; tpm && i < TPM_NR_AUTHS; i++) {
		if (!auth[i] || !set_auth(tpm, i, auth[i]))
			continue;
		tpm_close(tpm);
		tpm = NULL;
	}
	return tpm;
}

/* The AK */

static int use_ak(struct tpm *tpm, ESYS_TR ak, bool is_transient)
{
	TSS2_RC rc = Esys_TR_SetAuth(tpm->esys, ak, &tpm->auth[TPM_AUTH_AK]);

	tpm->ak = ak;
	tpm->ak_is_transient = is_transient;
	return rc ? tpm_failed(tpm, "the AK's authorization", rc) : 0;
}

/* Parse a persistent handle.  Returns 0 if it is not one. */
static TPM2_HANDLE persistent(const char *ak)
{
	char *end;
	unsigned long handle = strtoul(ak, &end, 16);

	if (*end || strncmp(ak, "0x", 2) || handle >> 24 != TPM2_HT_PERSISTENT)
		return 0;
	return handle;
}

int tpm_load_ak(struct tpm *tpm, const char *name)
{
	TPM2_HANDLE handle = persistent(name);
	TPMS_CONTEXT context;
	ESYS_TR ak;
	TSS2_RC rc;

	if (handle)
		rc = Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE,
					   ESYS_TR_NONE, ESYS_TR_NONE, &ak);
	else if (tpm_context_read(name, &context))
		return -1;
	else
		rc = Esys_ContextLoad(tpm->esys, &context, &ak);
	if (!rc)
		return use_ak(tpm, ak, !handle);
	/* not so for a shortage of memory */
	if (!handle && tpm_plain_code(rc) & TPM2_RC_FMT1)
		complain("--ak %s: %s (a saved context becomes invalid when the TPM is reset)",
			 name, Tss2_RC_Decode(rc));
	else if (tpm_plain_code(rc) == TPM2_RC_HANDLE)
		complain("--ak %s: the TPM has no key there (%s)", name,
			 Tss2_RC_Decode(rc));
	else
		tpm_failed(tpm, "loading the AK", rc);
	return -1;
}

int tpm_check_unused(struct tpm *tpm, const char *name)
{
	TPM2_HANDLE handle = persistent(name);
	struct stat there;
	ESYS_TR ak;

	if (!handle) {
		if (lstat(name, &there) && errno == ENOENT)
			return 0;
		complain("--ak %s: exists already, and is not overwritten", name);
		return -1;
	}
	if (Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE,
				  ESYS_TR_NONE, ESYS_TR_NONE, &ak))
		return 0;
	Esys_TR_Close(tpm->esys, &ak);
	complain("--ak %s: the TPM has a key there already: use another handle, or remove the key (tpm2_evictcontrol -c %s)",
		 name, name);
	return -1;
}

int tpm_create_ak(struct tpm *tpm, const char *alg)
{
	TPM2B_SENSITIVE_CREATE sensitive = {
		.sensitive.userAuth = tpm->auth[TPM_AUTH_AK],
	};
	TPML_PCR_SELECTION no_pcr = { 0 };
	TPM2B_DATA no_data = { 0 };
	TPM2B_PUBLIC template;
	ESYS_TR ak;
	TSS2_RC rc;

	if (tpm_key_template(alg, &template))
		return -1;
	Esys_TR_SetAuth(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
			&tpm->auth[TPM_AUTH_ENDORSEMENT]);
	rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
				ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				&sensitive, &template, &no_data, &no_pcr, &ak,
				NULL, NULL, NULL, NULL);
	if (rc)
		return tpm_failed_with(tpm, TPM_AUTH_ENDORSEMENT,
				   "TPM2_CreatePrimary", rc);
	return use_ak(tpm, ak, true);
}

int tpm_keep_ak(struct tpm *tpm, const char *name)
{
	TPM2_HANDLE handle = persistent(name);
	ESYS_TR kept;
	TSS2_RC rc;

	if (!handle) {
		TPMS_CONTEXT *context;
		int ret;

		rc = Esys_ContextSave(tpm->esys, tpm->ak, &context);
		if (rc)
			return tpm_failed(tpm, "TPM2_ContextSave", rc);
		ret = tpm_context_write(name, context);
		Esys_Free(context);
		return ret;
	}
	Esys_TR_SetAuth(tpm->esys, ESYS_TR_RH_OWNER,
			&tpm->auth[TPM_AUTH_OWNER]);
	rc = Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, tpm->ak,
			       ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       handle, &kept);
	if (rc) {
		char command[64];

		snprintf(command, sizeof(command),
			 "--ak 0x%x: TPM2_EvictControl", handle);
		return tpm_failed_with(tpm, TPM_AUTH_OWNER, command, rc);
	}
	Esys_TR_Close(tpm->esys, &kept);
	return 0;
}

/* Structures.  A buffer has room for any of them. */

#define LARGEST 8192

struct buffer {
	uint8_t data[LARGEST];
	size_t len;
};

/* Append @value to a buffer.  Nonzero if it is invalid or does not fit. */
#define MARSHAL(type, value, buffer)					\
	Tss2_MU_##type##_Marshal(value, (buffer)->data, LARGEST, &(buffer)->len)

int tpm_keep_bytes(struct imatally_bytes *bytes, const uint8_t *data,
		      size_t len)
{
	bytes->data = malloc(len);
	if (!bytes->data) {
		complain("out of memory");
		return -1;
	}
	memcpy(bytes->data, data, len);
	bytes->len = len;
	return 0;
}

int tpm_public(struct tpm *tpm, ESYS_TR key, struct imatally_bytes *public)
{
	struct buffer buf = { .len = 0 };
	TPM2B_PUBLIC *area;
	TSS2_RC rc;

	rc = Esys_ReadPublic(tpm->esys, key, ESYS_TR_NONE, ESYS_TR_NONE,
			     ESYS_TR_NONE, &area, NULL, NULL);
	if (rc)
		return tpm_failed(tpm, "TPM2_ReadPublic", rc);
	rc = MARSHAL(TPM2B_PUBLIC, area, &buf);
	Esys_Free(area);
	if (!rc)
		return tpm_keep_bytes(public, buf.data, buf.len);
	complain("the type of a key's public area is not supported");
	return -1;
}

int tpm_ak_public(struct tpm *tpm, struct imatally_bytes *public)
{
	return tpm_public(tpm, tpm->ak, public);
}

char *tpm_ak_pem(struct tpm *tpm)
{
	struct imatally_bytes public;
	char *pem;

	if (tpm_ak_public(tpm, &public))
		return NULL;
	pem = imatally_public_pem(&public);
	free(public.data);
	if (!pem)
		complain("the type of the AK's public key is not supported");
	return pem;
}

static int keep_attestation(struct imatally_attestation *attestation,
			    const TPM2B_ATTEST *attest,
			    const TPMT_SIGNATURE *signature)
{
	struct buffer buf = { .len = 0 };

	if (MARSHAL(TPMT_SIGNATURE, signature, &buf)) {
		complain("the type of the TPM's signature is not supported");
		return -1;
	}
	return tpm_keep_bytes(&attestation->attest, attest->attestationData,
			      attest->size) ||
	       tpm_keep_bytes(&attestation->signature, buf.data, buf.len) ? -1 : 0;
}

/* Keep a command and its response as hashed for cpHash and rpHash. */
static int keep_exchange(struct imatally_evidence *evidence,
			 const struct buffer *command,
			 const struct buffer *response)
{
	struct imatally_exchange *grown;

	grown = realloc(evidence->exchange,
			(evidence->nr_exchanges + 1) * sizeof(*grown));
	if (!grown) {
		complain("out of memory");
		return -1;
	}
	evidence->exchange = grown;
	grown += evidence->nr_exchanges++;
	memset(grown, 0, sizeof(*grown));
	return tpm_keep_bytes(&grown->command, command->data, command->len) ||
	       tpm_keep_bytes(&grown->response, response->data, response->len) ?
		       -1 : 0;
}

static void begin_exchange(TPM2_CC code, struct buffer *command,
			   struct buffer *response)
{
	command->len = 0;
	response->len = 0;
	MARSHAL(TPM2_CC, code, command);
	MARSHAL(UINT32, TPM2_RC_SUCCESS, response);
	MARSHAL(TPM2_CC, code, response);
}

/* PCR values */

static bool is_selected(const TPMS_PCR_SELECTION *bank, unsigned int pcr)
{
	return pcr / 8 < bank->sizeofSelect &&
	       bank->pcrSelect[pcr / 8] & 1 << pcr % 8;
}

/* Select PCRs, of which bits are set in @pcrs, in all banks that have them. */
static int select_pcrs(struct tpm *tpm, uint32_t pcrs,
		       TPML_PCR_SELECTION *selection)
{
	TPMS_CAPABILITY_DATA *capability;
	const TPML_PCR_SELECTION *banks;
	unsigned int pcr;
	UINT32 i;
	TSS2_RC rc;

	rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
				ESYS_TR_NONE, TPM2_CAP_PCRS, 0, 1, NULL,
				&capability);
	if (rc)
		return tpm_failed(tpm, "TPM2_GetCapability", rc);
	banks = &capability->data.assignedPCR;
	memset(selection, 0, sizeof(*selection));
	for (i = 0; i < banks->count; i++) {
		const TPMS_PCR_SELECTION *bank = &banks->pcrSelections[i];
		TPMS_PCR_SELECTION *one =
			&selection->pcrSelections[selection->count];
		bool any = false;

		*one = (TPMS_PCR_SELECTION){
			.hash = bank->hash, .sizeofSelect = bank->sizeofSelect,
		};
		for (pcr = 0; pcr <= IMATALLY_MAX_PCR; pcr++) {
			if (!(pcrs & UINT32_C(1) << pcr) || !is_selected(bank, pcr))
				continue;
			one->pcrSelect[pcr / 8] |= 1 << pcr % 8;
			any = true;
		}
		selection->count += any;
	}
	Esys_Free(capability);
	return 0;
}

static int keep_value(struct imatally_pcrs *pcrs, unsigned int index,
		      uint16_t alg, const TPM2B_DIGEST *digest)
{
	struct imatally_pcr *grown =
		realloc(pcrs->pcr, (pcrs->nr + 1) * sizeof(*grown));

	if (!grown) {
		complain("out of memory");
		return -1;
	}
	pcrs->pcr = grown;
	grown += pcrs->nr++;
	grown->index = index;
	grown->bank.alg = alg;
	grown->bank.len = digest->size;
	memcpy(grown->bank.value, digest->buffer, digest->size);
	return 0;
}

/* Remove a PCR of bank @alg from @wanted, and a bank without any left. */
static void remove_pcr(TPML_PCR_SELECTION *wanted, uint16_t alg,
		       unsigned int pcr)
{
	UINT32 i, left = 0;
	unsigned int byte;

	for (i = 0; i < wanted->count; i++) {
		TPMS_PCR_SELECTION *bank = &wanted->pcrSelections[i];
		bool any = false;

		if (bank->hash == alg)
			bank->pcrSelect[pcr / 8] &= ~(1 << pcr % 8);
		for (byte = 0; byte < bank->sizeofSelect; byte++)
			any |= bank->pcrSelect[byte];
		if (any)
			wanted->pcrSelections[left++] = *bank;
	}
	wanted->count = left;
}

/* Keep the values in a response, and remove them from @wanted. */
static int keep_values(struct imatally_pcrs *pcrs, TPML_PCR_SELECTION *wanted,
		       const TPML_PCR_SELECTION *got, const TPML_DIGEST *values)
{
	UINT32 i, next = 0;
	unsigned int pcr;

	for (i = 0; i < got->count; i++) {
		const TPMS_PCR_SELECTION *bank = &got->pcrSelections[i];

		for (pcr = 0; pcr <= IMATALLY_MAX_PCR && next < values->count;
		     pcr++) {
			if (!is_selected(bank, pcr))
				continue;
			if (keep_value(pcrs, pcr, bank->hash,
				       &values->digests[next++]))
				return -1;
			remove_pcr(wanted, bank->hash, pcr);
		}
	}
	if (next)
		return 0;
	complain("TPM2_PCR_Read: the TPM returned no value");
	return -1;
}

/*
 * Read once, in the audit session if there is one, whose exchanges are kept in
 * @evidence.
 */
static int read_once(struct tpm *tpm, ESYS_TR session,
		     TPML_PCR_SELECTION *wanted, struct imatally_pcrs *pcrs,
		     struct imatally_evidence *evidence)
{
	struct buffer command, response;
	TPML_PCR_SELECTION *got;
	TPML_DIGEST *values;
	UINT32 counter;
	TSS2_RC rc;
	int ret = 0;

	rc = Esys_PCR_Read(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
			   wanted, &counter, &got, &values);
	if (rc)
		return tpm_failed(tpm, "TPM2_PCR_Read", rc);
	if (session != ESYS_TR_NONE) {
		begin_exchange(TPM2_CC_PCR_Read, &command, &response);
		MARSHAL(TPML_PCR_SELECTION, wanted, &command);
		MARSHAL(UINT32, counter, &response);
		MARSHAL(TPML_PCR_SELECTION, got, &response);
		MARSHAL(TPML_DIGEST, values, &response);
		ret = keep_exchange(evidence, &command, &response);
	}
	if (!ret)
		ret = keep_values(pcrs, wanted, got, values);
	Esys_Free(got);
	Esys_Free(values);
	return ret;
}

static int read_all(struct tpm *tpm, ESYS_TR session,
		    const TPML_PCR_SELECTION *selection,
		    struct imatally_pcrs *pcrs,
		    struct imatally_evidence *evidence)
{
	TPML_PCR_SELECTION wanted = *selection;

	/* a TPM returns at most 8 values at a time, and may return fewer */
	while (wanted.count)
		if (read_once(tpm, session, &wanted, pcrs, evidence))
			return -1;
	return 0;
}

/* Quote and audit */

static int quote(struct tpm *tpm, const TPM2B_DATA *nonce,
		 const TPML_PCR_SELECTION *selection,
		 struct imatally_attestation *attestation)
{
	TPMT_SIGNATURE *signature;
	TPM2B_ATTEST *attest;
	TSS2_RC rc;
	int ret;

	rc = Esys_Quote(tpm->esys, tpm->ak, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			ESYS_TR_NONE, nonce, &key_scheme, selection, &attest,
			&signature);
	if (rc)
		return tpm_failed(tpm, "TPM2_Quote", rc);
	ret = keep_attestation(attestation, attest, signature);
	Esys_Free(attest);
	Esys_Free(signature);
	return ret;
}

static int start_audit(struct tpm *tpm, ESYS_TR *session,
		       enum imatally_no_counter *why)
{
	TPMT_SYM_DEF no_encryption = { .algorithm = TPM2_ALG_NULL };
	TSS2_RC rc;

	rc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   NULL, TPM2_SE_HMAC, &no_encryption,
				   TPM2_ALG_SHA256, session);
	if (!rc)
		return 0;
	*session = ESYS_TR_NONE;
	*why = cause_of(rc);
	return tpm_failed(tpm, "TPM2_StartAuthSession", rc);
}

/*
 * Hash the nonce, only to have it in the session.  The audit digest is reset
 * here, so that the commands that follow are known to be no older than the
 * nonce.
 */
static int audit_nonce(struct tpm *tpm, ESYS_TR session,
		       const TPM2B_DATA *nonce,
		       struct imatally_evidence *evidence)
{
	TPM2B_MAX_BUFFER data = { .size = nonce->size };
	struct buffer command, response;
	TPMT_TK_HASHCHECK *ticket;
	TPM2B_DIGEST *digest;
	TSS2_RC rc;

	memcpy(data.buffer, nonce->buffer, nonce->size);
	Esys_TRSess_SetAttributes(tpm->esys, session,
				  TPMA_SESSION_AUDIT | TPMA_SESSION_AUDITRESET |
					  TPMA_SESSION_CONTINUESESSION,
				  0xff);
	rc = Esys_Hash(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, &data,
		       TPM2_ALG_SHA256, ESYS_TR_RH_NULL, &digest, &ticket);
	if (rc)
		return tpm_failed(tpm, "TPM2_Hash", rc);
	Esys_TRSess_SetAttributes(tpm->esys, session, 0,
				  TPMA_SESSION_AUDITRESET);
	begin_exchange(TPM2_CC_Hash, &command, &response);
	MARSHAL(TPM2B_MAX_BUFFER, &data, &command);
	MARSHAL(UINT16, TPM2_ALG_SHA256, &command);
	MARSHAL(UINT32, TPM2_RH_NULL, &command);
	MARSHAL(TPM2B_DIGEST, digest, &response);
	MARSHAL(TPMT_TK_HASHCHECK, ticket, &response);
	Esys_Free(digest);
	Esys_Free(ticket);
	return keep_exchange(evidence, &command, &response);
}

static int sign_audit(struct tpm *tpm, ESYS_TR session, const TPM2B_DATA *nonce,
		      struct imatally_evidence *evidence)
{
	TPMT_SIGNATURE *signature;
	TPM2B_ATTEST *attest;
	TSS2_RC rc;
	int ret;

	Esys_TR_SetAuth(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
			&tpm->auth[TPM_AUTH_ENDORSEMENT]);
	rc = Esys_GetSessionAuditDigest(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
					tpm->ak, session, ESYS_TR_PASSWORD,
					ESYS_TR_PASSWORD, ESYS_TR_NONE, nonce,
					&key_scheme, &attest, &signature);
	if (rc) {
		evidence->no_counter = cause_of(rc);
		return tpm_failed_with(tpm, TPM_AUTH_ENDORSEMENT,
				   "TPM2_GetSessionAuditDigest", rc);
	}
	ret = keep_attestation(&evidence->audit, attest, signature);
	evidence->audit_alg = TPM2_ALG_SHA256;
	Esys_Free(attest);
	Esys_Free(signature);
	return ret;
}

/* Return whether the quote is of the values that were read before. */
static bool is_quoted(struct imatally_evidence *evidence,
		      const struct imatally_ak *ak,
		      const struct imatally_bytes *nonce,
		      struct imatally_error *err)
{
	size_t nr_exchanges = evidence->nr_exchanges;
	struct imatally_attested attested;
	bool good;

	/* the exchanges are not signed yet */
	evidence->nr_exchanges = 0;
	good = !imatally_evidence_check(evidence, ak, nonce->data, nonce->len,
					&attested, err);
	evidence->nr_exchanges = nr_exchanges;
	return good;
}

/*
 * Read the PCR and quote it.  *@quoted is false if the PCR was extended in
 * between in every attempt; the values that were read are kept nevertheless.
 */
static int read_and_quote(struct tpm *tpm, ESYS_TR session,
			  const TPML_PCR_SELECTION *selection,
			  const struct imatally_ak *ak,
			  const struct imatally_bytes *nonce,
			  struct imatally_evidence *evidence, bool *quoted,
			  struct imatally_error *err)
{
	TPM2B_DATA data = { .size = nonce->len };
	int i;

	memcpy(data.buffer, nonce->data, nonce->len);
	*quoted = false;
	for (i = 0; i < ATTEMPTS && !*quoted; i++) {
		imatally_evidence_free(evidence);
		if (session != ESYS_TR_NONE &&
		    audit_nonce(tpm, session, &data, evidence))
			return -1;
		if (read_all(tpm, session, selection, &evidence->pcrs,
			     evidence) ||
		    quote(tpm, &data, selection, &evidence->quote))
			return -1;
		*quoted = is_quoted(evidence, ak, nonce, err);
	}
	return 0;
}

/* Without a quote, the values are only useful if the read is attested. */
static int finish(struct tpm *tpm, ESYS_TR session,
		  const struct imatally_bytes *nonce, bool quoted,
		  struct imatally_evidence *evidence,
		  struct imatally_error *err)
{
	TPM2B_DATA data = { .size = nonce->len };

	memcpy(data.buffer, nonce->data, nonce->len);
	if (session == ESYS_TR_NONE ||
	    sign_audit(tpm, session, &data, evidence)) {
		complain("the counter is not attested");
		imatally_evidence_drop_counter(evidence);
		if (quoted)
			return 0;
		complain("none of %d quotes is of the values read before it: %s",
			 ATTEMPTS, err->text);
		return -1;
	}
	if (!quoted) {
		complain("the PCR is extended too often to be quoted; its values are attested with the counter");
		imatally_evidence_drop_quote(evidence);
	}
	return 0;
}

/* Check the evidence as the verifier will do. */
static int check_own(const struct imatally_evidence *evidence,
		     const struct imatally_ak *ak,
		     const struct imatally_bytes *nonce)
{
	struct imatally_attested attested;
	struct imatally_error err;

	if (!imatally_evidence_check(evidence, ak, nonce->data, nonce->len,
				     &attested, &err))
		return 0;
	complain("this TPM's evidence would not verify: %s", err.text);
	return -1;
}

/*
 * Quote PCRs 0 to 9, but not the IMA PCR @pcr, should it be among them.  In a
 * quote of their own: that of the IMA PCR has to come between two extends, and
 * would come too late more often if up to 80 further values, 8 at a time, were
 * read before it.  These PCRs are not extended any more, so it does not matter
 * that this is a moment later; resetCount and restartCount show that it is the
 * same boot.
 */
static int attest_boot(struct tpm *tpm, unsigned int pcr,
		       const struct imatally_bytes *nonce,
		       struct imatally_evidence *evidence)
{
	uint32_t pcrs = (1U << IMATALLY_NR_BOOT_PCRS) - 1;
	TPM2B_DATA data = { .size = nonce->len };
	TPML_PCR_SELECTION selection;

	memcpy(data.buffer, nonce->data, nonce->len);
	return select_pcrs(tpm, pcrs & ~(UINT32_C(1) << pcr), &selection) ||
	       read_all(tpm, ESYS_TR_NONE, &selection, &evidence->boot_pcrs,
			evidence) ||
	       quote(tpm, &data, &selection, &evidence->boot_quote) ? -1 : 0;
}

/*
 * Attest the IMA PCR @pcr of @selection, and what booted.  @ak: the public key.
 */
static int attest(struct tpm *tpm, unsigned int pcr,
		  const TPML_PCR_SELECTION *selection,
		  const struct imatally_ak *ak,
		  const struct imatally_bytes *nonce,
		  struct imatally_evidence *evidence)
{
	enum imatally_no_counter why = IMATALLY_NO_COUNTER_UNKNOWN;
	ESYS_TR session = ESYS_TR_NONE;
	struct imatally_error err;
	bool quoted;
	int ret;

	/* without the session, there can still be a quote */
	start_audit(tpm, &session, &why);
	ret = read_and_quote(tpm, session, selection, ak, nonce, evidence,
			     &quoted, &err);
	evidence->no_counter = why;
	ret = ret || finish(tpm, session, nonce, quoted, evidence, &err) ||
	      attest_boot(tpm, pcr, nonce, evidence) ||
	      check_own(evidence, ak, nonce) ? -1 : 0;
	if (session != ESYS_TR_NONE)
		Esys_FlushContext(tpm->esys, session);
	return ret;
}

int tpm_attest(struct tpm *tpm, unsigned int pcr,
	       const struct imatally_bytes *nonce,
	       struct imatally_evidence *evidence)
{
	TPML_PCR_SELECTION selection;
	struct imatally_ak *ak = NULL;
	struct imatally_error err;
	int ret = -1;
	char *pem;

	pem = tpm_ak_pem(tpm);
	if (!pem || select_pcrs(tpm, UINT32_C(1) << pcr, &selection))
		goto out;
	if (!selection.count)
		complain("no bank of the TPM has PCR %u", pcr);
	else if (imatally_ak_from_pem(&ak, pem, strlen(pem), &err))
		complain_about("the AK", &err);
	else
		ret = attest(tpm, pcr, &selection, ak, nonce, evidence);
out:
	imatally_ak_free(ak);
	free(pem);
	return ret;
}
