// SPDX-License-Identifier: GPL-2.0-only
/* Verifying a round: the signature first, then the list from the state on. */

#include <stdlib.h>
#include <string.h>

#include "fleet.h"

/* The verdict is about what the host sent: not a failure of this machine. */
static int blame(struct fleet_judgement *j, enum fleet_verdict verdict,
		 const struct imatally_error *err)
{
	if (err->status == IMATALLY_ERR_NOMEM ||
	    err->status == IMATALLY_ERR_CRYPTO ||
	    err->status == IMATALLY_ERR_IO) {
		complain("%s", err->text);
		return -1;
	}
	j->verdict = verdict;
	if (err->in_log)
		snprintf(j->why, sizeof(j->why), "entry %llu: %.170s",
			 (unsigned long long)err->entry, err->text);
	else
		snprintf(j->why, sizeof(j->why), "%s", err->text);
	return 0;
}

/* Sets j->verdict to FLEET_NONE if the evidence is authentic. */
static int check(const struct fleet_record *before,
		 const struct fleet_round *round,
		 struct imatally_evidence *evidence, struct fleet_judgement *j)
{
	struct imatally_bytes nonce = { 0 };
	struct imatally_ak *ak = NULL;
	enum imatally_status status;
	struct imatally_error err;
	bool rebooted;

	j->verdict = FLEET_NONE;
	if (imatally_evidence_parse(evidence, round->evidence,
				    strlen(round->evidence), &err))
		return blame(j, FLEET_ERROR, &err);
	/* the record's, which the caller compared with that of the round */
	status = imatally_bytes_from_hex(&nonce, before->challenge.nonce, &err);
	if (!status)
		status = imatally_ak_from_pem(&ak, before->ak,
					      strlen(before->ak), &err);
	if (!status)
		status = imatally_evidence_check(evidence, ak, nonce.data,
						 nonce.len, &j->attested, &err);
	if (!status && before->has_attested)
		status = imatally_attested_follows(&j->attested,
						   &before->attested,
						   &rebooted, &err);
	imatally_ak_free(ak);
	free(nonce.data);
	if (status)
		return blame(j, FLEET_NOT_AUTHENTIC, &err);
	j->has_attested = true;
	return 0;
}

static enum fleet_verdict verdict_of(enum imatally_verdict verdict)
{
	switch (verdict) {
	case IMATALLY_COMPLETE:
		return FLEET_COMPLETE;
	case IMATALLY_COMPLETE_NOT_COUNTED:
		return FLEET_NOT_COUNTED;
	case IMATALLY_INCOMPLETE:
		return FLEET_INCOMPLETE;
	case IMATALLY_MISMATCH:
		break;
	}
	return FLEET_MISMATCH;
}

static const char *why_anew(enum imatally_resumption resumption)
{
	switch (resumption) {
	case IMATALLY_NO_STATE:
	case IMATALLY_RESUMED:
		return NULL;
	case IMATALLY_ANEW_SHORTER:
		return "the list is shorter than before";
	case IMATALLY_ANEW_OTHER_LOG:
		return "the list is another one";
	case IMATALLY_ANEW_BANK:
		return "the PCRs of before are not the same ones";
	default:
		return "the list does not go on as before";
	}
}

/*
 * Keep the state for the next round, and where it ends.  A state that is too
 * large to be stored is not kept, and the next round is a whole one.
 */
static int keep_state(struct imatally_verifier *v, struct fleet_judgement *j)
{
	json_int_t index, offset;
	const char *text;
	json_t *json;
	size_t len;

	text = imatally_verifier_state(v, &len);
	if (!text || len > FLEET_MAX_STATE - 128)
		return 0;
	json = json_loadb(text, strcspn(text, "\n"), 0, NULL);
	if (json && !json_unpack(json, "{s:{s:I, s:I}}", "last_entry", "index",
				 &index, "offset", &offset)) {
		j->state = strdup(text);
		j->entry = index;
		j->offset = offset;
	}
	json_decref(json);
	if (j->state)
		return 0;
	complain("out of memory");
	return -1;
}

static void say(const struct imatally_result *result, struct fleet_judgement *j)
{
	j->verdict = verdict_of(result->verdict);
	j->entries = result->entries;
	j->lost = result->lost;
	j->dropped = result->dropped;
	j->failed = result->failed;
	j->findings = result->has_findings;
	j->anew_why = why_anew(result->resumption);
}

static int replay(struct imatally_verifier *v, struct imatally_log *log,
		  struct fleet_judgement *j)
{
	struct imatally_result result;
	struct imatally_error err;
	int ret = 0;

	if (imatally_verifier_run(v, log, &result, &err))
		return j->missed ? 0 : blame(j, FLEET_ERROR, &err);
	say(&result, j);
	/* what follows a mismatch must be verified from the start */
	if (result.verdict != IMATALLY_MISMATCH)
		ret = keep_state(v, j);
	imatally_result_free(&result);
	return ret;
}

static int verify(const struct imatally_evidence *evidence,
		  const struct fleet_round *round, FILE *data,
		  const char *state, struct fleet_judgement *j)
{
	struct imatally_verifier *v = imatally_verifier_new(&evidence->pcrs);
	FILE *list = fleet_increment_open(data, round->offset, &j->missed);
	struct imatally_log *log = list ? imatally_log_open_file(list) : NULL;
	struct imatally_error err;
	int ret = -1;

	if (v && log) {
		imatally_verifier_set_one_moment(v);
		imatally_verifier_set_starts(v, j->attested.clock.reset,
					     j->attested.clock.restart);
		if (j->attested.has_counter)
			imatally_verifier_set_counter(v, j->attested.counter);
		imatally_verifier_keep_state(v);
		/* a state of another version: as if there were none */
		if (state)
			imatally_verifier_set_state(v, state, strlen(state),
						    &err);
		ret = replay(v, log, j);
	} else {
		complain("out of memory");
	}
	imatally_log_close(log);
	if (list)
		fclose(list);
	imatally_verifier_free(v);
	return ret;
}

int fleet_judge(const struct fleet_record *before,
		const struct fleet_round *round, FILE *data, const char *state,
		struct fleet_judgement *judgement)
{
	struct imatally_evidence evidence = { 0 };
	int ret;

	memset(judgement, 0, sizeof(*judgement));
	ret = check(before, round, &evidence, judgement);
	if (!ret && judgement->verdict == FLEET_NONE)
		ret = verify(&evidence, round, data, state, judgement);
	imatally_evidence_free(&evidence);
	return ret;
}
