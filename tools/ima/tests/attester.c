// SPDX-License-Identifier: GPL-2.0-only
/* See attester.h. */

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <tss2/tss2_mu.h>

#include "attester.h"
#include "test.h"

static const EVP_MD *md_of(uint16_t alg)
{
	switch (alg) {
	case TPM2_ALG_SHA1:
		return EVP_sha1();
	case TPM2_ALG_SHA384:
		return EVP_sha384();
	default:
		return EVP_sha256();
	}
}

void attester_init(struct attester *a, uint16_t scheme, uint16_t hash)
{
	memset(a, 0, sizeof(*a));
	a->scheme = scheme;
	a->hash = hash;
	a->clock = (TPMS_CLOCK_INFO){ .clock = 1000000, .resetCount = 5,
				      .restartCount = 1, .safe = 1 };
	a->pkey = scheme == TPM2_ALG_ECDSA ?
			  EVP_EC_gen(hash == TPM2_ALG_SHA384 ? "P-384" : "P-256") :
			  EVP_RSA_gen(2048);
	assert_non_null(a->pkey);
}

void attester_free(struct attester *a)
{
	EVP_PKEY_free(a->pkey);
	imatally_evidence_free(&a->evidence);
}

struct imatally_ak *attester_ak(const struct attester *a)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct imatally_error err;
	struct imatally_ak *ak;
	char *pem;
	long len;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, a->pkey), 1);
	len = BIO_get_mem_data(bio, &pem);
	assert_int_equal(imatally_ak_from_pem(&ak, pem, len, &err), 0);
	BIO_free(bio);
	return ak;
}

static void keep(struct imatally_bytes *bytes, const void *data, size_t len)
{
	free(bytes->data);
	bytes->data = malloc(len);
	assert_non_null(bytes->data);
	memcpy(bytes->data, data, len);
	bytes->len = len;
}

static void keep_exchange(struct imatally_exchange *exchange, TPM2_CC code,
			  const void *command, size_t command_len,
			  const void *response, size_t response_len)
{
	const uint8_t cc[4] = { code >> 24, code >> 16, code >> 8, code };
	uint8_t buf[2048] = { 0 };

	memcpy(buf, cc, 4);
	memcpy(buf + 4, command, command_len);
	keep(&exchange->command, buf, 4 + command_len);
	memset(buf, 0, 4);	/* TPM_RC_SUCCESS */
	memcpy(buf + 4, cc, 4);
	memcpy(buf + 8, response, response_len);
	keep(&exchange->response, buf, 8 + response_len);
}

static void hash_nonce(struct imatally_exchange *exchange, const void *nonce,
		       size_t len)
{
	static const uint8_t null_ticket[] = { 0x80, 0x24, 0x40, 0, 0, 7, 0, 0 };
	uint8_t command[128], response[64] = { 0, 32 };

	command[0] = 0;
	command[1] = len;
	memcpy(command + 2, nonce, len);
	memcpy(command + 2 + len, "\0\x0b\x40\0\0\7", 6);
	EVP_Digest(nonce, len, response + 2, NULL, EVP_sha256(), NULL);
	memcpy(response + 34, null_ticket, sizeof(null_ticket));
	keep_exchange(exchange, TPM2_CC_Hash, command, 2 + len + 6, response,
		      34 + sizeof(null_ticket));
}

static void select_banks(const struct machine *m, TPML_PCR_SELECTION *selection,
			 uint32_t pcrs)
{
	unsigned int i;

	selection->count = m->nr_banks;
	for (i = 0; i < m->nr_banks; i++)
		selection->pcrSelections[i] = (TPMS_PCR_SELECTION){
			.hash = imatally_alg_from_name(m->bank[i].alg,
						       strlen(m->bank[i].alg)),
			.sizeofSelect = 3,
			.pcrSelect = { pcrs, pcrs >> 8, pcrs >> 16 },
		};
}

static void read_pcrs(struct imatally_exchange *exchange,
		      const struct machine *m,
		      const TPML_PCR_SELECTION *selection)
{
	uint8_t command[128], response[1024];
	size_t in = 0, out = 0;
	TPML_DIGEST values = { .count = m->nr_banks };
	unsigned int i;

	for (i = 0; i < m->nr_banks; i++) {
		values.digests[i].size = m->bank[i].size;
		memcpy(values.digests[i].buffer, m->bank[i].pcr[10],
		       m->bank[i].size);
	}
	Tss2_MU_TPML_PCR_SELECTION_Marshal(selection, command, sizeof(command),
					   &in);
	Tss2_MU_UINT32_Marshal(m->counter, response, sizeof(response), &out);
	Tss2_MU_TPML_PCR_SELECTION_Marshal(selection, response,
					   sizeof(response), &out);
	Tss2_MU_TPML_DIGEST_Marshal(&values, response, sizeof(response), &out);
	keep_exchange(exchange, TPM2_CC_PCR_Read, command, in, response, out);
}

void attester_audit(struct attester *a)
{
	TPM2B_DIGEST *digest = &a->audit.attested.sessionAudit.sessionDigest;
	uint8_t chain[96];
	size_t i;

	digest->size = 32;
	memset(digest->buffer, 0, 32);
	for (i = 0; i < a->evidence.nr_exchanges; i++) {
		const struct imatally_exchange *e = &a->evidence.exchange[i];

		memcpy(chain, digest->buffer, 32);
		EVP_Digest(e->command.data, e->command.len, chain + 32, NULL,
			   EVP_sha256(), NULL);
		EVP_Digest(e->response.data, e->response.len, chain + 64, NULL,
			   EVP_sha256(), NULL);
		EVP_Digest(chain, 96, digest->buffer, NULL, EVP_sha256(), NULL);
	}
}

static void quote(const struct attester *a, const struct imatally_pcrs *pcrs,
		  TPM2B_DIGEST *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int len;
	size_t i;

	EVP_DigestInit(ctx, md_of(a->hash));
	for (i = 0; i < pcrs->nr; i++)
		EVP_DigestUpdate(ctx, pcrs->pcr[i].bank.value,
				 pcrs->pcr[i].bank.len);
	EVP_DigestFinal(ctx, digest->buffer, &len);
	digest->size = len;
	EVP_MD_CTX_free(ctx);
}

void attester_quote(struct attester *a)
{
	quote(a, &a->evidence.pcrs, &a->quote.attested.quote.pcrDigest);
	quote(a, &a->evidence.boot_pcrs, &a->boot.attested.quote.pcrDigest);
}

/* Keep the values of @nr PCRs from @first on, by bank, and select them. */
static void read_values(const struct machine *m, uint32_t first, uint32_t nr,
			struct imatally_pcrs *pcrs,
			TPML_PCR_SELECTION *selection)
{
	unsigned int i;

	select_banks(m, selection, ((1U << nr) - 1) << first);
	pcrs->nr = m->nr_banks * nr;
	pcrs->pcr = calloc(pcrs->nr, sizeof(*pcrs->pcr));
	for (i = 0; i < pcrs->nr; i++) {
		const struct machine_bank *bank = &m->bank[i / nr];
		struct imatally_pcr *pcr = &pcrs->pcr[i];

		pcr->index = first + i % nr;
		pcr->bank.alg = selection->pcrSelections[i / nr].hash;
		pcr->bank.len = bank->size;
		memcpy(pcr->bank.value, bank->pcr[pcr->index], bank->size);
	}
}

void attester_answer(struct attester *a, const void *nonce, size_t len)
{
	TPMS_ATTEST *const attests[] = { &a->quote, &a->audit, &a->boot };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attests); i++) {
		attests[i]->extraData.size = len;
		memcpy(attests[i]->extraData.buffer, nonce, len);
	}
	hash_nonce(&a->evidence.exchange[0], nonce, len);
	attester_audit(a);
}

void attester_read(struct attester *a, const struct machine *m,
		   const char *nonce)
{
	TPMS_ATTEST attest = { .magic = TPM2_GENERATED_VALUE,
			       .clockInfo = a->clock };
	struct imatally_evidence *ev = &a->evidence;

	a->quote = attest;
	a->quote.type = TPM2_ST_ATTEST_QUOTE;
	a->audit = attest;
	a->audit.type = TPM2_ST_ATTEST_SESSION_AUDIT;
	a->boot = a->quote;

	imatally_evidence_free(ev);
	read_values(m, 10, 1, &ev->pcrs, &a->quote.attested.quote.pcrSelect);
	read_values(m, 0, 10, &ev->boot_pcrs, &a->boot.attested.quote.pcrSelect);
	attester_quote(a);

	ev->audit_alg = TPM2_ALG_SHA256;
	ev->nr_exchanges = 2;
	ev->exchange = calloc(2, sizeof(*ev->exchange));
	read_pcrs(&ev->exchange[1], m, &a->quote.attested.quote.pcrSelect);
	attester_answer(a, nonce, strlen(nonce));
}

static void make_signature(const struct attester *a,
			   const struct imatally_bytes *attest,
			   TPMT_SIGNATURE *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *der;
	EVP_PKEY_CTX *pctx;
	uint8_t sig[1024];
	size_t len = sizeof(sig);
	ECDSA_SIG *rs;

	memset(out, 0, sizeof(*out));
	out->sigAlg = a->scheme;
	out->signature.any.hashAlg = a->hash;
	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md_of(a->hash), NULL,
					    a->pkey), 1);
	if (a->scheme == TPM2_ALG_RSAPSS)
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, attest->data,
					attest->len), 1);
	EVP_MD_CTX_free(ctx);
	if (a->scheme != TPM2_ALG_ECDSA) {
		out->signature.rsassa.sig.size = len;
		memcpy(out->signature.rsassa.sig.buffer, sig, len);
		return;
	}
	der = sig;
	rs = d2i_ECDSA_SIG(NULL, &der, len);
	out->signature.ecdsa.signatureR.size =
		BN_bn2bin(ECDSA_SIG_get0_r(rs),
			  out->signature.ecdsa.signatureR.buffer);
	out->signature.ecdsa.signatureS.size =
		BN_bn2bin(ECDSA_SIG_get0_s(rs),
			  out->signature.ecdsa.signatureS.buffer);
	ECDSA_SIG_free(rs);
}

static void sign(const struct attester *a, const TPMS_ATTEST *attest,
		 struct imatally_attestation *out)
{
	uint8_t buf[2048];
	TPMT_SIGNATURE sig;
	size_t len = 0;

	assert_int_equal(Tss2_MU_TPMS_ATTEST_Marshal(attest, buf, sizeof(buf),
						     &len), 0);
	keep(&out->attest, buf, len);
	make_signature(a, &out->attest, &sig);
	len = 0;
	assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&sig, buf, sizeof(buf),
							&len), 0);
	keep(&out->signature, buf, len);
}

void attester_sign(struct attester *a)
{
	sign(a, &a->quote, &a->evidence.quote);
	sign(a, &a->audit, &a->evidence.audit);
	if (a->evidence.boot_pcrs.nr)
		sign(a, &a->boot, &a->evidence.boot_quote);
}

void attester_attest(struct attester *a, const struct machine *m,
		     const char *nonce)
{
	attester_read(a, m, nonce);
	attester_sign(a);
}
