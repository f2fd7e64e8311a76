// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verify a measurement list with libimatally:
 *
 *	cc verdict.c $(pkg-config --cflags --libs libimatally) -o verdict
 *	./verdict LIST PCRS		(the output of tpm2_pcrread)
 */
#include <imatally.h>
#include <inttypes.h>

int main(int argc, char *argv[])
{
	static char text[65536];
	FILE *list = argc == 3 ? fopen(argv[1], "rb") : NULL;
	FILE *values = argc == 3 ? fopen(argv[2], "rb") : NULL;
	struct imatally_pcrs pcrs = { 0 };
	struct imatally_result result;
	struct imatally_error err;
	struct imatally_log *log;
	size_t i;

	if (!list || !values || !(log = imatally_log_open_file(list))) {
		fprintf(stderr, "usage: %s LIST PCRS\n", argv[0]);
		return 3;
	}
	if (imatally_pcrs_add_pcrread(&pcrs, text, fread(text, 1, sizeof(text), values), &err) ||
	    imatally_verify(log, &pcrs, &result, &err)) {
		fprintf(stderr, "entry %" PRIu64 ", offset %" PRIu64 ": %s\n",
			err.entry, err.offset, err.text);
		return 3;
	}
	printf("%s: %" PRIu64 " entries, %" PRIu64 " lost\n",
	       imatally_verdict_name(result.verdict), result.entries, result.lost);
	for (i = 0; i < result.nr_findings; i++)
		printf("  %s: %" PRId64 "\n", imatally_kind_name(result.finding[i].kind),
		       result.finding[i].count);
	i = result.verdict == IMATALLY_COMPLETE_NOT_COUNTED ? 0 : result.verdict;
	imatally_result_free(&result);
	imatally_log_close(log);
	imatally_pcrs_free(&pcrs);
	return i;
}
