// SPDX-License-Identifier: GPL-2.0-only
/*
 * One verification by libimatally, with the answer as JSON text: compiled against
 * imatally.h, so that the tests of the model need not know the layout of its
 * structures.
 */
#define _GNU_SOURCE
#include <imatally.h>
#include <inttypes.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum how { FROM_BUFFER, FROM_FILE, FROM_PIPE };

/* The caller of model_verify() frees it with model_free(). */
struct answer {
	char *json;
	size_t json_len;
	char *state;
	size_t state_len;
};

static const char *or_null(const char *name)
{
	return name ? name : "?";
}

static void put_point(FILE *out, const char *name, const struct imatally_point *p)
{
	fprintf(out, "\"%s\":[\"%s\",%" PRIu64 ",%u]", name,
		or_null(imatally_place_name(p->place)), p->index, p->kernel);
}

static void put_number(FILE *out, const char *name, bool has, int64_t value)
{
	if (has)
		fprintf(out, ",\"%s\":%" PRId64, name, value);
	else
		fprintf(out, ",\"%s\":null", name);
}

static void put_interval(FILE *out, const struct imatally_interval *i)
{
	put_number(out, "from", i->has_from, i->from);
	put_number(out, "to", i->has_to, i->to);
	fprintf(out, ",\"kernel\":%u,\"kernel_start\":%" PRIu64 ",\"present\":%" PRIu64
		",\"lost\":%" PRIu64 ",\"lost_handover\":%" PRIu64
		",\"by_counter\":%d,\"at_most\":%d,\"inserted\":%" PRIu64
		",\"failed\":%" PRIu64 ",\"dropped\":%" PRIu64
		",\"trimmed\":%" PRIu64 ",\"disagree\":%d,\"unjudged\":%u",
		i->to_kernel, i->kernel_start, i->present, i->lost, i->lost_handover,
		i->by_counter, i->at_most, i->inserted, i->failed, i->dropped,
		i->trimmed, i->accounts_disagree, i->unjudged);
	put_number(out, "counter", i->has_counter, i->counter);
	put_number(out, "ima", i->has_ima, i->ima);
	put_number(out, "others", i->has_others, i->others);
	put_number(out, "rest", i->has_rest, i->rest);
}

static void put_result(FILE *out, const struct imatally_result *r)
{
	size_t i;

	fprintf(out, "{\"verdict\":\"%s\",\"resumption\":\"%s\",\"resumed\":%" PRIu64
		",\"entries\":%" PRIu64 ",\"records\":%" PRIu64 ",\"kernels\":%u"
		",\"lost\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"failed\":%" PRIu64
		",\"trimmed\":%" PRIu64 ",\"by_counter\":%d,\"at_most\":%d"
		",\"tail\":%" PRIu64 ",\"restarted\":%d,\"has_findings\":%d"
		",\"copy\":\"%s\",\"put_back\":%" PRIu64,
		imatally_verdict_name(r->verdict),
		or_null(imatally_resumption_name(r->resumption)), r->resumed,
		r->entries, r->records, r->kernels, r->lost, r->dropped, r->failed,
		r->trimmed, r->by_counter, r->at_most, r->tail, r->restarted,
		r->has_findings, or_null(imatally_copy_name(r->copy)),
		r->put_back);
	fputs(",\"targets\":[", out);
	for (i = 0; i < r->nr_targets; i++)
		fprintf(out, "%s[%u,%u,\"%s\",%" PRIu64 "]", i ? "," : "",
			r->target[i].pcr, r->target[i].bank.alg,
			or_null(imatally_match_name(r->target[i].match)),
			r->target[i].matched_after);
	fputs("],\"intervals\":[", out);
	for (i = 0; i < r->nr_intervals; i++) {
		fprintf(out, "%s{\"n\":%zu", i ? "," : "", i);
		put_interval(out, &r->interval[i]);
		fputc('}', out);
	}
	fputs("],\"findings\":[", out);
	for (i = 0; i < r->nr_findings; i++) {
		const struct imatally_finding *f = &r->finding[i];

		fprintf(out, "%s{\"kind\":\"%s\",\"severity\":\"%s\",\"count\":%" PRId64 ",",
			i ? "," : "", or_null(imatally_kind_name(f->kind)),
			or_null(imatally_severity_name(f->severity)), f->count);
		put_point(out, "from", &f->from);
		fputc(',', out);
		put_point(out, "to", &f->to);
		fprintf(out, ",\"pcr\":%u,\"alg\":%u}", f->pcr, f->alg);
	}
	fputs("]}", out);
}

static void put_error(FILE *out, const char *what, const struct imatally_error *err)
{
	const char *c;

	fprintf(out, "{\"verdict\":\"error\",\"what\":\"%s\",\"status\":%d,\"entry\":%" PRIu64
		",\"text\":\"", what, err->status, err->entry);
	for (c = err->text; *c; c++)
		fputc(*c == '"' || *c == '\\' ? '\'' : *c, out);
	fputs("\"}", out);
}

static FILE *stream_of(enum how how, const void *data, size_t len)
{
	int fds[2];

	if (how == FROM_PIPE) {
		if (pipe(fds))
			return NULL;
		/* Nobody reads yet, so all of it has to fit. */
		if ((len > 65536 && fcntl(fds[1], F_SETPIPE_SZ, len) < 0) ||
		    write(fds[1], data, len) != (ssize_t)len) {
			close(fds[0]);
			close(fds[1]);
			return NULL;
		}
		close(fds[1]);
		return fdopen(fds[0], "rb");
	}
	fds[0] = memfd_create("list", MFD_CLOEXEC);
	if (fds[0] < 0)
		return NULL;
	if (write(fds[0], data, len) != (ssize_t)len || lseek(fds[0], 0, SEEK_SET)) {
		close(fds[0]);
		return NULL;
	}
	return fdopen(fds[0], "rb");
}

#define MAX_PARTS 64

/*
 * Verify the list in @nr parts.  @counter is pcrUpdateCounter at the time of the PCR
 * values, or negative; so are @resets, with @restarts, which a quote signs; @state one to resume from, or NULL; the @nr_runs of @run a copy
 * of the list.  Returns 0, or -1 if the verification could not be set up.
 */
int model_verify(int how, size_t nr, const void *const *part, const size_t *len,
		 const char *pcrread, unsigned int ima_pcr, int64_t counter,
		 int64_t resets, int64_t restarts,
		 const char *state, size_t state_len, int keep_state,
		 size_t nr_runs, const void *const *run, const size_t *run_len,
		 struct answer *answer);
void model_free(struct answer *answer);

int model_verify(int how, size_t nr, const void *const *part, const size_t *len,
		 const char *pcrread, unsigned int ima_pcr, int64_t counter,
		 int64_t resets, int64_t restarts,
		 const char *state, size_t state_len, int keep_state,
		 size_t nr_runs, const void *const *run, const size_t *run_len,
		 struct answer *answer)
{
	struct imatally_verifier *verifier = NULL;
	struct imatally_result result = { 0 };
	struct imatally_error err = { 0 };
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_log *log = NULL, *copy[MAX_PARTS] = { NULL };
	FILE *stream[MAX_PARTS] = { NULL };
	const char *kept;
	int ret = -1;
	size_t i;
	FILE *out;

	memset(answer, 0, sizeof(*answer));
	out = open_memstream(&answer->json, &answer->json_len);
	if (!out || nr > MAX_PARTS || !nr || nr_runs > MAX_PARTS)
		goto out;
	if (imatally_pcrs_add_pcrread(&pcrs, pcrread, strlen(pcrread), &err)) {
		put_error(out, "pcrs", &err);
		ret = 0;
		goto out;
	}
	if (how == FROM_BUFFER && nr == 1) {
		log = imatally_log_open_buffer(part[0], len[0]);
	} else {
		for (i = 0; i < nr; i++) {
			stream[i] = stream_of(how, part[i], len[i]);
			if (!stream[i])
				goto out;
		}
		log = imatally_log_open_file(stream[0]);
		for (i = 1; log && i < nr; i++)
			if (imatally_log_add_file(log, stream[i]))
				goto out;
	}
	verifier = imatally_verifier_new(&pcrs);
	if (!log || !verifier)
		goto out;
	if (ima_pcr != IMATALLY_IMA_PCR)
		imatally_verifier_set_pcr(verifier, ima_pcr);
	if (counter >= 0)
		imatally_verifier_set_counter(verifier, counter);
	if (resets >= 0) {
		imatally_verifier_set_starts(verifier, resets, restarts);
		imatally_verifier_set_one_moment(verifier);
	}
	if (keep_state)
		imatally_verifier_keep_state(verifier);
	for (i = 0; i < nr_runs; i++) {
		copy[i] = imatally_log_open_buffer(run[i], run_len[i]);
		if (!copy[i] || imatally_verifier_add_copy(verifier, copy[i]))
			goto out;
	}
	ret = 0;
	if (state && imatally_verifier_set_state(verifier, state, state_len, &err)) {
		put_error(out, "state", &err);
		goto out;
	}
	if (imatally_verifier_run(verifier, log, &result, &err)) {
		put_error(out, "list", &err);
		goto out;
	}
	put_result(out, &result);
	kept = keep_state ? imatally_verifier_state(verifier, &answer->state_len) : NULL;
	if (kept) {
		answer->state = malloc(answer->state_len + 1);
		if (!answer->state)
			ret = -1;
		else
			memcpy(answer->state, kept, answer->state_len);
	}
	imatally_result_free(&result);
out:
	imatally_verifier_free(verifier);
	if (log)
		imatally_log_close(log);
	for (i = 0; i < MAX_PARTS; i++) {
		if (stream[i])
			fclose(stream[i]);
		imatally_log_close(copy[i]);
	}
	imatally_pcrs_free(&pcrs);
	if (out)
		fclose(out);
	return ret;
}

void model_free(struct answer *answer)
{
	free(answer->json);
	free(answer->state);
}
