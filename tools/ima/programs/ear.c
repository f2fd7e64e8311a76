// SPDX-License-Identifier: GPL-2.0-only
/* See ear.h. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ear.h"
#include "json.h"

/* Of draft-ietf-rats-ear-04 */
#define PROFILE "tag:ietf.org,2026:rats/ear#04"

/* The table below.  If it changes, so does the number. */
#define POLICY "imatally-ear-1"

/* The only label in "submods": there is one attester. */
#define SUBMOD "ima"

/* RFC 9711, section 4.1, in bytes */
#define MIN_EAT_NONCE 8

/* ---- What is claimed */

enum outcome {
	COMPLETE,
	WITH_FINDINGS,		/* complete, and they count (--strict) */
	INCOMPLETE,
	OTHER_BOOT,		/* a mismatch with --boot-pcrs, and no other */
	MISMATCH,
	NOT_AUTHENTIC,
	NO_VERDICT,
	NR_OUTCOMES
};

enum signed_by {
	NOBODY,
	AK,			/* a key that the caller named */
	ENROLLED_AK,		/* in a TPM that is known */
	NR_SIGNED_BY
};

/* Trustworthiness claims of AR4SI (draft-ietf-rats-ar4si), section 2.3.4 */
enum {
	NO_CLAIM = 0,
	NOT_EVALUATED = 1,	/* "contains unknown elements" */
	RECOGNIZED = 2,
	UNRECOGNIZED_LOADED = 33,
	UNRECOGNIZED_FIRMWARE = 97,
	FINDINGS = -33,		/* not a standard value: of this program */
	CRYPTO_FAILED = 99,
};

struct vector {
	int identity;		/* "instance-identity" */
	int executables;
	int hardware;		/* and firmware */
};

/*
 * The appraisal policy, which imatally-ear(5) explains.  Nothing compares the
 * files that were measured with those that should be, so executables are never
 * affirmed.
 */
static const struct vector policy[NR_OUTCOMES][NR_SIGNED_BY] = {
	[COMPLETE] = {
		[NOBODY] = { NO_CLAIM, NO_CLAIM, NO_CLAIM },
		[AK] = { NO_CLAIM, NOT_EVALUATED, NO_CLAIM },
		[ENROLLED_AK] = { RECOGNIZED, NOT_EVALUATED, NO_CLAIM },
	},
	[WITH_FINDINGS] = {
		[NOBODY] = { NO_CLAIM, FINDINGS, NO_CLAIM },
		[AK] = { NO_CLAIM, FINDINGS, NO_CLAIM },
		[ENROLLED_AK] = { RECOGNIZED, FINDINGS, NO_CLAIM },
	},
	[INCOMPLETE] = {
		[NOBODY] = { NO_CLAIM, UNRECOGNIZED_LOADED, NO_CLAIM },
		[AK] = { NO_CLAIM, UNRECOGNIZED_LOADED, NO_CLAIM },
		[ENROLLED_AK] = { RECOGNIZED, UNRECOGNIZED_LOADED, NO_CLAIM },
	},
	[OTHER_BOOT] = {
		[NOBODY] = { NO_CLAIM, NO_CLAIM, UNRECOGNIZED_FIRMWARE },
		[AK] = { NO_CLAIM, NO_CLAIM, UNRECOGNIZED_FIRMWARE },
		[ENROLLED_AK] = { NO_CLAIM, NO_CLAIM, UNRECOGNIZED_FIRMWARE },
	},
	[MISMATCH] = {
		[NOBODY] = { NO_CLAIM, CRYPTO_FAILED, NO_CLAIM },
		[AK] = { NO_CLAIM, CRYPTO_FAILED, NO_CLAIM },
		[ENROLLED_AK] = { NO_CLAIM, CRYPTO_FAILED, NO_CLAIM },
	},
	/* who signed is not known in these */
	[NOT_AUTHENTIC] = {
		[NOBODY] = { CRYPTO_FAILED, CRYPTO_FAILED, CRYPTO_FAILED },
	},
	[NO_VERDICT] = { [NOBODY] = { NO_CLAIM, NO_CLAIM, NO_CLAIM } },
};

/* Of a mismatch: whether there is no fault but that the machine booted otherwise. */
static bool is_other_boot(const struct imatally_result *result)
{
	bool any = false;
	size_t i;

	for (i = 0; i < result->nr_findings; i++) {
		const struct imatally_finding *f = &result->finding[i];

		if (f->severity != IMATALLY_FAULT)
			continue;
		if (f->kind != IMATALLY_BOOT_PCR_DIFFERS &&
		    f->kind != IMATALLY_BOOT_PCR_MISSING)
			return false;
		any = true;
	}
	return any;
}

static enum outcome outcome_of(const struct report *report)
{
	if (!report->result)
		return report->status == EXIT_NOT_AUTHENTIC ? NOT_AUTHENTIC :
							      NO_VERDICT;
	switch (report->result->verdict) {
	case IMATALLY_COMPLETE:
	case IMATALLY_COMPLETE_NOT_COUNTED:
		break;
	case IMATALLY_INCOMPLETE:
		return INCOMPLETE;
	case IMATALLY_MISMATCH:
		return is_other_boot(report->result) ? OTHER_BOOT : MISMATCH;
	}
	return report->strict && has_findings(report->result, report->signer) ?
		       WITH_FINDINGS : COMPLETE;
}

static enum signed_by signed_by(const struct signer *signer)
{
	if (!signer)
		return NOBODY;
	return signer->enrollment.ak ? ENROLLED_AK : AK;
}

/* The tier of a claim: 0 none or affirming, 1 warning, 2 contraindicated */
static int tier(int claim)
{
	if (claim >= 96 || claim <= -97)
		return 2;
	return claim >= 32 || claim <= -33;
}

/*
 * The status is never "affirming": that would be about all of the machine, of
 * which what it runs is not appraised.
 */
static const char *status_for(const struct vector *vector)
{
	static const char *const names[] = { "none", "warning", "contraindicated" };
	int worst = tier(vector->identity);

	if (worst < tier(vector->executables))
		worst = tier(vector->executables);
	if (worst < tier(vector->hardware))
		worst = tier(vector->hardware);
	return names[worst];
}

/* ---- How it is written */

/* NULL if the nonce is shorter than an EAT allows, and when out of memory */
static json_t *eat_nonce(const struct imatally_bytes *nonce)
{
	char *text = jwt_base64url(nonce->data, nonce->len);
	json_t *value = text ? json_string(text) : NULL;

	free(text);
	return value;
}

/* Add the nonce if the evidence answers it, and an EAT can have it. */
static json_t *with_nonce(json_t *appraisal, const struct report *report,
			  const char *digits)
{
	struct imatally_bytes nonce = { 0 };

	if (!report->signer)
		return appraisal;
	if (option_nonce(&nonce, digits)) {
		json_decref(appraisal);
		return NULL;
	}
	if (nonce.len >= MIN_EAT_NONCE)
		appraisal = js_with(appraisal, "eat_nonce", eat_nonce(&nonce));
	free(nonce.data);
	return appraisal;
}

static json_t *vector_json(const struct vector *vector)
{
	json_t *v = json_object();

	v = js_with(v, "instance-identity", json_integer(vector->identity));
	v = js_with(v, "executables", json_integer(vector->executables));
	return js_with(v, "hardware", json_integer(vector->hardware));
}

static json_t *policies(const struct report *report)
{
	return json_append(json_array(),
			   json_string(report->strict ? POLICY "-strict" :
							POLICY));
}

static json_t *with_signer(json_t *v, const struct signer *signer)
{
	if (!signer)
		return v;
	v = js_with(v, "ak_sha256",
		    json_hex(signer->fingerprint, sizeof(signer->fingerprint)));
	if (!signer->enrollment.ak)
		return v;
	return js_with(v, "ek_sha256",
		       json_hex(signer->enrollment.ek_sha256,
				sizeof(signer->enrollment.ek_sha256)));
}

/* The answer in short: its members are those of imatally-result(5). */
static json_t *answer(const struct report *report)
{
	const struct imatally_result *result = report->result;
	json_t *v = json_object();

	v = js_with(v, "verdict", json_string(report_verdict(report)));
	v = js_with(v, "status", json_integer(report->status));
	v = js_with(v, "strict", json_boolean(report->strict));
	if (!result)
		return v;
	v = js_with(v, "has_findings",
		    json_boolean(has_findings(result, report->signer)));
	v = js_with(v, "entries", json_integer(result->entries));
	v = js_with(v, "records", json_integer(result->records));
	v = js_with(v, "kernels", json_integer(result->kernels));
	v = js_with(v, "lost", json_integer(result->lost));
	v = js_with(v, "dropped", json_integer(result->dropped));
	v = js_with(v, "failed", json_integer(result->failed));
	v = js_with(v, "tail", json_integer(result->tail));
	return with_signer(v, report->signer);
}

static json_t *appraisal(const struct report *report, const char *nonce)
{
	const struct vector *vector =
		&policy[outcome_of(report)][signed_by(report->signer)];
	json_t *v = json_object();

	v = js_with(v, "ear_status", json_string(status_for(vector)));
	v = js_with(v, "ear_trustworthiness_vector", vector_json(vector));
	v = js_with(v, "ear_appraisal_policy_ids", policies(report));
	v = with_nonce(v, report, nonce);
	return js_with(v, "ear_verifier_claims",
		       js_with(json_object(), "imatally", answer(report)));
}

static json_t *verifier_id(void)
{
	json_t *v = json_object();

	v = js_with(v, "developer", json_string("the authors of imatally"));
	return js_with(v, "build", json_string("imatally " IMATALLY_VERSION));
}

static json_t *claims(const struct report *report, const char *nonce)
{
	json_t *v = json_object();

	v = js_with(v, "eat_profile", json_string(PROFILE));
	v = js_with(v, "iat", json_integer(time(NULL)));
	v = js_with(v, "ear_verifier_id", verifier_id());
	return js_with(v, "submods",
		       js_with(json_object(), SUBMOD, appraisal(report, nonce)));
}

int ear_write(const struct report *report, const char *nonce,
	      const struct jwt_key *key, const char *path)
{
	json_t *value = claims(report, nonce);
	char *token = jwt_make(value, key);
	int ret = token ? output_write(path, token, strlen(token)) : -1;

	json_decref(value);
	free(token);
	return ret;
}
