// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checking what a TPM signed: signature, nonce, quoted digest, audit digest,
 * clock.
 */

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <limits.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "imatally-evidence.h"
#include "private.h"

/* The key */

struct imatally_ak {
	EVP_PKEY *pkey;
	uint8_t fingerprint[IMATALLY_FINGERPRINT_SIZE];
};

static bool fingerprint(struct imatally_ak *ak)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(ak->pkey, &der);
	bool done;

	done = len > 0 && EVP_Digest(der, len, ak->fingerprint, NULL,
				     EVP_sha256(), NULL);
	OPENSSL_free(der);
	return done;
}

enum imatally_status imatally_ak_from_pem(struct imatally_ak **ak,
					  const char *text, size_t len,
					  struct imatally_error *err)
{
	struct imatally_ak *new = calloc(1, sizeof(*new));
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
	enum imatally_status status = IMATALLY_OK;

	if (new && bio)
		new->pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (!new || !bio)
		status = imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	else if (!new->pkey)
		status = imatally_fail(err, IMATALLY_ERR_MALFORMED,
				       "not a public key in PEM (\"BEGIN PUBLIC KEY\")");
	else if (!EVP_PKEY_is_a(new->pkey, "RSA") &&
		 !EVP_PKEY_is_a(new->pkey, "EC"))
		status = imatally_fail(err, IMATALLY_ERR_MALFORMED,
				       "neither an RSA nor an ECC key");
	else if (!fingerprint(new))
		status = imatally_fail(err, IMATALLY_ERR_CRYPTO,
				       "libcrypto failed to hash the key");
	BIO_free(bio);
	if (status) {
		imatally_ak_free(new);
		new = NULL;
	}
	*ak = new;
	return status;
}

void imatally_ak_free(struct imatally_ak *ak)
{
	if (!ak)
		return;
	EVP_PKEY_free(ak->pkey);
	free(ak);
}

const uint8_t *imatally_ak_fingerprint(const struct imatally_ak *ak)
{
	return ak->fingerprint;
}

/* Every reason starts with what is not authentic. */
#define NOT_AUTHENTIC(err, what, fmt, ...) \
	imatally_fail(err, IMATALLY_ERR_NOT_AUTHENTIC, "%s: " fmt, what, \
		      ##__VA_ARGS__)

/* Signatures */

/*
 * Return the hash algorithm of a signature, which is also that of a quoted
 * digest. 0 if it is unknown or not trusted.
 */
static uint16_t signature_hash(const TPMT_SIGNATURE *sig)
{
	uint16_t hash = sig->signature.any.hashAlg;

	return imatally_alg_is_trusted(hash) ? hash : 0;
}

/* Encode for libcrypto.  Returns the length; free @der with OPENSSL_free(). */
static int ecdsa_der(const TPMS_SIGNATURE_ECDSA *sig, unsigned char **der)
{
	ECDSA_SIG *rs = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig->signatureR.buffer, sig->signatureR.size, NULL);
	BIGNUM *s = BN_bin2bn(sig->signatureS.buffer, sig->signatureS.size, NULL);
	int len = -1;

	if (rs && r && s && ECDSA_SIG_set0(rs, r, s)) {
		len = i2d_ECDSA_SIG(rs, der);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(rs);
	return len;
}

static bool verifies(EVP_PKEY *pkey, const EVP_MD *md, int padding,
		     const uint8_t *sig, size_t len,
		     const struct imatally_bytes *attest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	bool good;

	good = ctx && EVP_DigestVerifyInit(ctx, &pctx, md, NULL, pkey) == 1;
	if (good && padding)
		good = EVP_PKEY_CTX_set_rsa_padding(pctx, padding) == 1;
	/* TPMs differ in the salt's length (Part 1, annex B) */
	if (good && padding == RSA_PKCS1_PSS_PADDING)
		good = EVP_PKEY_CTX_set_rsa_pss_saltlen(
			       pctx, RSA_PSS_SALTLEN_AUTO) == 1;
	good = good && EVP_DigestVerify(ctx, sig, len, attest->data,
					attest->len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static bool signature_is_by(EVP_PKEY *pkey, const TPMT_SIGNATURE *sig,
			    const struct imatally_bytes *attest)
{
	const TPM2B_PUBLIC_KEY_RSA *rsa = &sig->signature.rsassa.sig;
	EVP_MD *md = imatally_alg_fetch(signature_hash(sig));
	unsigned char *der = NULL;
	bool good = false;
	int len;

	if (md && sig->sigAlg == TPM2_ALG_ECDSA && EVP_PKEY_is_a(pkey, "EC")) {
		len = ecdsa_der(&sig->signature.ecdsa, &der);
		good = len > 0 && verifies(pkey, md, 0, der, len, attest);
		OPENSSL_free(der);
	} else if (md && EVP_PKEY_is_a(pkey, "RSA")) {
		if (sig->sigAlg == TPM2_ALG_RSASSA)
			good = verifies(pkey, md, RSA_PKCS1_PADDING,
					rsa->buffer, rsa->size, attest);
		else if (sig->sigAlg == TPM2_ALG_RSAPSS)
			good = verifies(pkey, md, RSA_PKCS1_PSS_PADDING,
					rsa->buffer, rsa->size, attest);
	}
	EVP_MD_free(md);
	return good;
}

/*
 * Check and unmarshal an attestation structure, which must be of @type.  The
 * signature is checked first, so that nothing is unmarshalled which the AK did
 * not sign.
 */
static enum imatally_status
open_attestation(const struct imatally_attestation *attestation,
		 const struct imatally_ak *ak, const char *what,
		 TPMI_ST_ATTEST type, TPMS_ATTEST *attest, uint16_t *hash,
		 struct imatally_error *err)
{
	TPMT_SIGNATURE sig = { 0 };
	size_t offset = 0;

	memset(attest, 0, sizeof(*attest));
	*hash = 0;
	if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(attestation->signature.data,
					     attestation->signature.len,
					     &offset, &sig) ||
	    offset != attestation->signature.len)
		return NOT_AUTHENTIC(err, what, "the signature is not a TPMT_SIGNATURE");
	*hash = signature_hash(&sig);
	if (!*hash)
		return NOT_AUTHENTIC(err, what,
				     "the hash algorithm of the signature is not trusted (0x%04x)",
				     sig.signature.any.hashAlg);
	if (!signature_is_by(ak->pkey, &sig, &attestation->attest))
		return NOT_AUTHENTIC(err, what,
				     "the signature is not by this AK, or what it signed was changed");
	offset = 0;
	if (Tss2_MU_TPMS_ATTEST_Unmarshal(attestation->attest.data,
					  attestation->attest.len, &offset,
					  attest) ||
	    offset != attestation->attest.len ||
	    attest->magic != TPM2_GENERATED_VALUE)
		return NOT_AUTHENTIC(err, what,
				     "signed by the AK, but not created by a TPM: is the AK a restricted key?");
	if (attest->type != type)
		return NOT_AUTHENTIC(err, what,
				     "it is another attestation structure (type 0x%04x)",
				     attest->type);
	return IMATALLY_OK;
}

/* If @nonce is NULL, any nonce is accepted. */
static enum imatally_status check_nonce(const TPMS_ATTEST *attest,
					const uint8_t *nonce, size_t len,
					const char *what,
					struct imatally_error *err)
{
	char text[2 * IMATALLY_MAX_NONCE + 1] = "none";
	size_t answered = attest->extraData.size;

	if (!nonce || (answered == len &&
		       !memcmp(attest->extraData.buffer, nonce, len)))
		return IMATALLY_OK;
	if (answered > IMATALLY_MAX_NONCE)
		answered = IMATALLY_MAX_NONCE;
	if (answered)
		imatally_hex_from_bytes(text, attest->extraData.buffer,
					answered);
	return NOT_AUTHENTIC(err, what, "wrong nonce: it answers %s", text);
}

/* PCR values */

/* The PCR values in the evidence, and which of them were covered so far. */
struct values {
	const struct imatally_pcrs *pcrs;
	bool *covered;
	size_t nr_covered;
};

static enum imatally_status values_init(struct values *values,
					const struct imatally_pcrs *pcrs,
					struct imatally_error *err)
{
	values->pcrs = pcrs;
	values->nr_covered = 0;
	values->covered = calloc(pcrs->nr, sizeof(*values->covered));
	if (!values->covered)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	return IMATALLY_OK;
}

/* Return the value of a PCR; NULL if there is none or it was covered before. */
static const struct imatally_bank_value *cover(struct values *values,
					       uint32_t index, uint16_t alg)
{
	size_t i;

	for (i = 0; i < values->pcrs->nr; i++) {
		const struct imatally_pcr *pcr = &values->pcrs->pcr[i];

		if (pcr->index != index || pcr->bank.alg != alg)
			continue;
		if (values->covered[i])
			return NULL;
		values->covered[i] = true;
		values->nr_covered++;
		return &pcr->bank;
	}
	return NULL;
}

static enum imatally_status all_covered(const struct values *values,
					const char *what,
					struct imatally_error *err)
{
	if (values->nr_covered == values->pcrs->nr)
		return IMATALLY_OK;
	return NOT_AUTHENTIC(err, what, "it covers %zu of %zu PCR values",
			     values->nr_covered, values->pcrs->nr);
}

typedef bool (*selected_fn)(const struct imatally_bank_value *bank, void *arg);

/*
 * Call @fn for the value of each selected PCR in the order of the TPM, until it
 * returns false.
 */
static enum imatally_status each_selected(const TPML_PCR_SELECTION *selection,
					  struct values *values, selected_fn fn,
					  void *arg, const char *what,
					  struct imatally_error *err)
{
	uint32_t i, index;

	for (i = 0; i < selection->count; i++) {
		const TPMS_PCR_SELECTION *one = &selection->pcrSelections[i];
		char alg[IMATALLY_ALG_NAME_SIZE];

		imatally_alg_name(one->hash, alg);
		for (index = 0; index < one->sizeofSelect * 8U; index++) {
			const struct imatally_bank_value *bank;

			if (!(one->pcrSelect[index / 8] & 1 << index % 8))
				continue;
			bank = cover(values, index, one->hash);
			if (!bank)
				return NOT_AUTHENTIC(err, what,
						     "it covers PCR %u of bank %s twice, or the evidence has no value of it",
						     index, alg);
			if (!fn(bank, arg))
				return NOT_AUTHENTIC(err, what,
						     "the value of PCR %u in bank %s differs",
						     index, alg);
		}
	}
	return IMATALLY_OK;
}

static bool hash_value(const struct imatally_bank_value *bank, void *ctx)
{
	return EVP_DigestUpdate(ctx, bank->value, bank->len) == 1;
}

/* A quote */

static const char quote_name[] = "the quote";
static const char boot_name[] = "the quote of PCRs 0 to 9";

/* The quoted digest must cover exactly these PCR values of the evidence. */
static enum imatally_status check_quoted(const TPMS_QUOTE_INFO *quote,
					 uint16_t hash,
					 const struct imatally_pcrs *pcrs,
					 const char *what,
					 struct imatally_error *err)
{
	EVP_MD *md = imatally_alg_fetch(hash);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	enum imatally_status status;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	struct values values;

	status = values_init(&values, pcrs, err);
	if (status)
		goto out;
	if (!md || !ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1) {
		status = imatally_fail(err, IMATALLY_ERR_CRYPTO,
				       "libcrypto failed to hash the PCR values");
		goto out;
	}
	status = each_selected(&quote->pcrSelect, &values, hash_value, ctx,
			       what, err);
	if (!status)
		status = all_covered(&values, what, err);
	if (!status &&
	    (EVP_DigestFinal_ex(ctx, digest, &len) != 1 ||
	     len != quote->pcrDigest.size ||
	     memcmp(digest, quote->pcrDigest.buffer, len)))
		status = NOT_AUTHENTIC(err, what,
				       "the PCR values are not the quoted ones");
out:
	free(values.covered);
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	return status;
}

static enum imatally_status
check_quote(const struct imatally_attestation *quote,
	    const struct imatally_pcrs *pcrs, const char *what,
	    const struct imatally_ak *ak, const uint8_t *nonce, size_t nonce_len,
	    TPMS_ATTEST *attest, struct imatally_error *err)
{
	enum imatally_status status;
	uint16_t hash;

	status = open_attestation(quote, ak, what, TPM2_ST_ATTEST_QUOTE, attest,
				  &hash, err);
	if (!status)
		status = check_nonce(attest, nonce, nonce_len, what, err);
	if (status)
		return status;
	return check_quoted(&attest->attested.quote, hash, pcrs, what, err);
}

/* The attested counter */

static const char audit_name[] = "the attested counter";

static bool hash_bytes(const EVP_MD *md, const struct imatally_bytes *bytes,
		       uint8_t *digest)
{
	return EVP_Digest(bytes->data, bytes->len, digest, NULL, md, NULL) == 1;
}

/*
 * auditDigest = H(auditDigest || cpHash || rpHash), starting from zeroes (Part
 * 1, session audit).  Returns its length, or 0 if libcrypto fails.
 */
static size_t audit_digest(const struct imatally_evidence *evidence,
			   uint8_t *digest)
{
	EVP_MD *md = imatally_alg_fetch(evidence->audit_alg);
	uint8_t chain[3 * EVP_MAX_MD_SIZE] = { 0 };
	size_t i, len = md ? EVP_MD_get_size(md) : 0;
	bool good = md;

	for (i = 0; i < evidence->nr_exchanges && good; i++) {
		const struct imatally_exchange *exchange = &evidence->exchange[i];

		good = hash_bytes(md, &exchange->command, chain + len) &&
		       hash_bytes(md, &exchange->response, chain + 2 * len) &&
		       EVP_Digest(chain, 3 * len, chain, NULL, md, NULL) == 1;
	}
	EVP_MD_free(md);
	memcpy(digest, chain, len);
	return good ? len : 0;
}

/* Return whether the command is TPM2_Hash(nonce). */
static bool begins_with(const struct imatally_exchange *exchange,
			const TPM2B_DATA *nonce)
{
	const struct imatally_bytes *command = &exchange->command;
	TPM2B_MAX_BUFFER data;
	size_t offset = 0;
	TPM2_CC code;

	return !Tss2_MU_TPM2_CC_Unmarshal(command->data, command->len, &offset,
					  &code) &&
	       code == TPM2_CC_Hash &&
	       !Tss2_MU_TPM2B_MAX_BUFFER_Unmarshal(command->data, command->len,
						   &offset, &data) &&
	       data.size == nonce->size &&
	       !memcmp(data.buffer, nonce->buffer, data.size);
}

struct digests {
	TPML_DIGEST list;
	uint32_t next;
};

static bool same_digest(const struct imatally_bank_value *bank, void *arg)
{
	struct digests *digests = arg;
	const TPM2B_DIGEST *digest;

	if (digests->next == digests->list.count)
		return false;
	digest = &digests->list.digests[digests->next++];
	return digest->size == bank->len &&
	       !memcmp(digest->buffer, bank->value, bank->len);
}

/*
 * Check one TPM2_PCR_Read, which returned the counter and some of the values.
 */
static enum imatally_status check_read(const struct imatally_exchange *exchange,
				       struct values *values, uint32_t *counter,
				       struct imatally_error *err)
{
	const struct imatally_bytes *command = &exchange->command;
	const struct imatally_bytes *response = &exchange->response;
	size_t in = 0, out = 0;
	TPM2_CC sent, answered;
	TPML_PCR_SELECTION selection;
	struct digests digests = { 0 };
	enum imatally_status status;
	UINT32 code;

	if (Tss2_MU_TPM2_CC_Unmarshal(command->data, command->len, &in, &sent) ||
	    sent != TPM2_CC_PCR_Read ||
	    Tss2_MU_UINT32_Unmarshal(response->data, response->len, &out,
				     &code) ||
	    code != TPM2_RC_SUCCESS ||
	    Tss2_MU_TPM2_CC_Unmarshal(response->data, response->len, &out,
				      &answered) ||
	    answered != TPM2_CC_PCR_Read ||
	    Tss2_MU_UINT32_Unmarshal(response->data, response->len, &out,
				     counter) ||
	    Tss2_MU_TPML_PCR_SELECTION_Unmarshal(response->data, response->len,
						 &out, &selection) ||
	    Tss2_MU_TPML_DIGEST_Unmarshal(response->data, response->len, &out,
					  &digests.list) ||
	    out != response->len)
		return NOT_AUTHENTIC(err, audit_name,
				     "the session contains something other than TPM2_PCR_Read and its response");
	status = each_selected(&selection, values, same_digest, &digests,
			       audit_name, err);
	if (!status && digests.next != digests.list.count)
		status = NOT_AUTHENTIC(err, audit_name,
				       "a response has more values than it selects");
	return status;
}

/* All PCR values in the evidence were read, with the same counter. */
static enum imatally_status
check_reads(const struct imatally_evidence *evidence, uint32_t *counter,
	    struct imatally_error *err)
{
	enum imatally_status status;
	struct values values;
	size_t i;

	status = values_init(&values, &evidence->pcrs, err);
	for (i = 1; i < evidence->nr_exchanges && !status; i++) {
		uint32_t read = 0;

		status = check_read(&evidence->exchange[i], &values, &read, err);
		if (!status && i > 1 && read != *counter)
			status = NOT_AUTHENTIC(err, audit_name,
					       "PCRs were updated between the reads");
		*counter = read;
	}
	if (!status)
		status = all_covered(&values, audit_name, err);
	free(values.covered);
	return status;
}

static enum imatally_status
check_counter(const struct imatally_evidence *evidence,
	      const struct imatally_ak *ak, const uint8_t *nonce, size_t nonce_len,
	      TPMS_ATTEST *attest, uint32_t *counter, struct imatally_error *err)
{
	const TPM2B_DIGEST *signed_digest;
	uint8_t digest[EVP_MAX_MD_SIZE];
	enum imatally_status status;
	uint16_t hash;
	size_t len;

	status = open_attestation(&evidence->audit, ak, audit_name,
				  TPM2_ST_ATTEST_SESSION_AUDIT, attest, &hash,
				  err);
	if (!status)
		status = check_nonce(attest, nonce, nonce_len, audit_name, err);
	if (status)
		return status;
	if (!imatally_alg_is_trusted(evidence->audit_alg))
		return NOT_AUTHENTIC(err, audit_name,
				     "the hash algorithm of the session is not trusted (0x%04x)",
				     evidence->audit_alg);

	len = audit_digest(evidence, digest);
	if (!len)
		return imatally_fail(err, IMATALLY_ERR_CRYPTO,
				     "libcrypto failed to compute the audit digest (hash algorithm 0x%04x)",
				     evidence->audit_alg);
	signed_digest = &attest->attested.sessionAudit.sessionDigest;
	if (signed_digest->size != len ||
	    memcmp(signed_digest->buffer, digest, len))
		return NOT_AUTHENTIC(err, audit_name,
				     "the commands and responses are not the ones that the TPM audited");
	/*
	 * The TPM signs the digest of a session at any time: only the nonce in
	 * the session proves that the read is not older than the nonce.
	 */
	if (!begins_with(&evidence->exchange[0], &attest->extraData))
		return NOT_AUTHENTIC(err, audit_name,
				     "the session did not start with the nonce: the read may be an old one");
	return check_reads(evidence, counter, err);
}

/* Both must be from the same boot and answer the same nonce. */
static enum imatally_status check_same(const TPMS_ATTEST *one,
				       const TPMS_ATTEST *other,
				       const char *what,
				       struct imatally_error *err)
{
	if (other->clockInfo.resetCount != one->clockInfo.resetCount ||
	    other->clockInfo.restartCount != one->clockInfo.restartCount)
		return NOT_AUTHENTIC(err, what,
				     "it is not from the same boot as the values of the IMA PCR");
	return check_nonce(other, one->extraData.buffer, one->extraData.size,
			   what, err);
}

static enum imatally_status
check_boot(const struct imatally_evidence *evidence, const TPMS_ATTEST *first,
	   const struct imatally_ak *ak, const uint8_t *nonce, size_t nonce_len,
	   struct imatally_error *err)
{
	enum imatally_status status;
	TPMS_ATTEST boot;

	status = check_quote(&evidence->boot_quote, &evidence->boot_pcrs,
			     boot_name, ak, nonce, nonce_len, &boot, err);
	return status ? status : check_same(first, &boot, boot_name, err);
}

enum imatally_status
imatally_evidence_check(const struct imatally_evidence *evidence,
			const struct imatally_ak *ak, const uint8_t *nonce,
			size_t nonce_len, struct imatally_attested *attested,
			struct imatally_error *err)
{
	bool has_quote = evidence->quote.attest.data;
	enum imatally_status status = IMATALLY_OK;
	const TPMS_ATTEST *first;
	TPMS_ATTEST quote, audit;

	memset(attested, 0, sizeof(*attested));
	attested->has_counter = evidence->nr_exchanges;
	if (!has_quote && !attested->has_counter)
		return NOT_AUTHENTIC(err, "the PCR values",
				     "they are not signed");
	if (has_quote)
		status = check_quote(&evidence->quote, &evidence->pcrs,
				     quote_name, ak, nonce, nonce_len, &quote,
				     err);
	if (!status && attested->has_counter)
		status = check_counter(evidence, ak, nonce, nonce_len, &audit,
				       &attested->counter, err);
	if (!status && has_quote && attested->has_counter)
		status = check_same(&quote, &audit, audit_name, err);
	first = has_quote ? &quote : &audit;
	if (!status && evidence->boot_pcrs.nr)
		status = check_boot(evidence, first, ak, nonce, nonce_len, err);
	if (status)
		return status;
	attested->clock = (struct imatally_clock){
		.clock = first->clockInfo.clock,
		.reset = first->clockInfo.resetCount,
		.restart = first->clockInfo.restartCount,
		.safe = first->clockInfo.safe,
	};
	return IMATALLY_OK;
}

/* Time */

/*
 * By how much a count increased.  The TPM may have added a constant to both
 * values (Part 1, attestation), so that only their difference is meaningful.
 */
static int32_t went(uint32_t now, uint32_t before)
{
	return (int32_t)(now - before);
}

enum imatally_status
imatally_attested_follows(const struct imatally_attested *now,
			  const struct imatally_attested *before,
			  bool *rebooted, struct imatally_error *err)
{
	static const char what[] = "older than the previous evidence";
	int32_t resets = went(now->clock.reset, before->clock.reset);
	int32_t restarts = went(now->clock.restart, before->clock.restart);

	*rebooted = resets || restarts;
	if (resets < 0)
		return NOT_AUTHENTIC(err, what,
				     "resetCount decreased by %lld: it was replayed, or the TPM was cleared",
				     -(long long)resets);
	if (!resets && restarts < 0)
		return NOT_AUTHENTIC(err, what, "restartCount decreased by %lld",
				     -(long long)restarts);
	/*
	 * unless "safe", a power loss may have set the clock back to its value
	 * in NV
	 */
	if (now->clock.clock < before->clock.clock &&
	    (!resets || now->clock.safe))
		return NOT_AUTHENTIC(err, what,
				     "the TPM's clock went back by %llu ms",
				     (unsigned long long)(before->clock.clock -
							  now->clock.clock));
	if (!resets && now->has_counter && before->has_counter &&
	    now->counter < before->counter)
		return NOT_AUTHENTIC(err, what,
				     "pcrUpdateCounter decreased by %u",
				     before->counter - now->counter);
	return IMATALLY_OK;
}
