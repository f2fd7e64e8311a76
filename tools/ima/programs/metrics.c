// SPDX-License-Identifier: GPL-2.0-only
/*
 * See metrics.h.  No label names a list, so that the number of time series does
 * not depend on the number of lists.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "gauges.h"
#include "metrics.h"

/* An error is first: it is what a sample of zeroes says. */
static const char *const verdicts[] = {
	"error", "not_authentic", "mismatch", "incomplete",
	"complete_not_counted", "complete",
};

struct total {
	uint64_t verdict[ARRAY_SIZE(verdicts)];
	uint64_t with_findings, proved, lost, dropped, failed;
	int64_t oldest;		/* 0 if no time is known */
};

struct sample *metrics_begin(size_t nr)
{
	void *samples = mmap(NULL, nr * sizeof(struct sample),
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);

	if (samples != MAP_FAILED)
		return samples;
	complain("--metrics: %s", strerror(errno));
	return NULL;
}

void metrics_end(struct sample *samples, size_t nr)
{
	if (samples)
		munmap(samples, nr * sizeof(*samples));
}

/*
 * When a file arrived on this machine.  Whoever handed it over may have chosen
 * its time of modification, but not that of its inode's last change.
 */
static int64_t arrival(const char *file)
{
	struct stat st;

	return file && !stat(file, &st) && S_ISREG(st.st_mode) ? st.st_ctime : 0;
}

void metrics_take(struct sample *sample, const struct report *report,
		  const char *file)
{
	const struct imatally_result *result = report->result;
	const char *verdict = report_verdict(report);
	struct sample taken = { .arrived = arrival(file) };

	while (strcmp(verdicts[taken.verdict], verdict))
		taken.verdict++;
	/* of a mismatch, nothing is certain */
	if (result && result->verdict != IMATALLY_MISMATCH) {
		taken.has_findings = has_findings(result, report->signer);
		taken.lost = result->lost;
		taken.dropped = result->dropped;
		taken.failed = result->failed;
		if (result->verdict != IMATALLY_INCOMPLETE)
			taken.proved = result->entries - result->tail;
	}
	*sample = taken;
}

static void add(struct total *total, const struct sample *sample)
{
	total->verdict[sample->verdict]++;
	total->with_findings += sample->has_findings;
	total->proved += sample->proved;
	total->lost += sample->lost;
	total->dropped += sample->dropped;
	total->failed += sample->failed;
	if (sample->arrived && (!total->oldest || sample->arrived < total->oldest))
		total->oldest = sample->arrived;
}

static void put(FILE *to, const struct total *total)
{
	size_t i;

	gauge_family(to, "lists", "Lists that were verified, by verdict.");
	for (i = 0; i < ARRAY_SIZE(verdicts); i++)
		gauge_member(to, "lists", "verdict", verdicts[i],
			     total->verdict[i]);
	gauge_put(to, "lists_with_findings", total->with_findings,
		  "Complete and incomplete lists that have findings.");
	gauge_put(to, "entries_verified", total->proved,
		  "Entries of complete lists that the PCR values prove.");
	gauge_put(to, "entries_lost", total->lost,
		  "Entries that are missing from incomplete lists.");
	gauge_put(to, "measurements_dropped", total->dropped,
		  "Measurements that never became an entry of incomplete lists.");
	gauge_put(to, "extends_failed", total->failed,
		  "Entries of incomplete lists that were not extended.");
	if (total->oldest)
		gauge_put(to, "oldest_evidence_timestamp_seconds", total->oldest,
			  "When the oldest evidence was received.");
	gauge_put(to, "verified_timestamp_seconds", time(NULL),
		  "When the lists were verified.");
	gauges_end(to);
}

int metrics_write(const char *path, const struct sample *samples, size_t nr)
{
	struct total total = { 0 };
	struct output output;
	size_t i;

	for (i = 0; i < nr; i++)
		add(&total, &samples[i]);
	if (output_open(&output, path))
		return -1;
	put(output.file, &total);
	return output_close(&output, true);
}
