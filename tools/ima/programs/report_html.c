// SPDX-License-Identifier: GPL-2.0-only
/* The verdict as a page: report.html with the results filled in. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "page.h"
#include "report.h"

/* Generated from the files with these names */
static const char page[] = {
#include "report.html.inc"
	0
};
static const char script[] = {
#include "report.js.inc"
	0
};

/* Something is missing from the page, for want of memory. */
static bool is_short_of_memory;

/* Escape what @write prints. */
static void put_words(FILE *to, void (*write)(FILE *to, const void *of),
		      const void *of)
{
	char *text = NULL;
	size_t len;
	FILE *words = open_memstream(&text, &len);

	if (words)
		write(words, of);
	/* when out of memory, there may be no text even if this succeeds */
	if (words && !fclose(words) && text)
		page_put_escaped(to, text);
	else
		is_short_of_memory = true;
	free(text);
}

static void write_finding(FILE *to, const void *of)
{
	put_finding(to, of);
}

static void write_copy(FILE *to, const void *of)
{
	const struct report *report = of;

	put_copy(to, report->result, report->copy);
}

/* ---- Places in the page */

static void put_script_hash(FILE *to, const struct report *report)
{
	(void)report;
	page_put_hash(to, script);
}

static void put_script(FILE *to, const struct report *report)
{
	(void)report;
	fputs(script, to);
}

/* A class for the style sheet */
static void put_class(FILE *to, const struct report *report)
{
	const char *class = "bad";

	if (report->result) {
		switch (report->result->verdict) {
		case IMATALLY_COMPLETE:
		case IMATALLY_COMPLETE_NOT_COUNTED:
			class = "complete";
			break;
		case IMATALLY_INCOMPLETE:
			class = "incomplete";
			break;
		case IMATALLY_MISMATCH:
			break;
		}
	}
	fputs(class, to);
}

static void put_heading(FILE *to, const struct report *report)
{
	if (report->result)
		put_verdict(to, report->result);
	else if (report->status == EXIT_NOT_AUTHENTIC)
		fputs("not authentic", to);
	else
		fputs("no verdict: an error", to);
}

static void put_title(FILE *to, const struct report *report)
{
	put_heading(to, report);
	if (report->log) {
		fputs(" - ", to);
		page_put_escaped(to, report->log);
	}
}

static void put_signer(FILE *to, const struct signer *signer)
{
	const struct imatally_clock *clock = &signer->attested.clock;

	fputs("<dt>PCR values</dt><dd>signed by the AK <span class=\"digest\">sha256:", to);
	put_digest(to, signer->fingerprint, sizeof(signer->fingerprint));
	fputs("</span>", to);
	if (signer->enrollment.ak) {
		fputs("; ", to);
		put_enrollment(to, &signer->enrollment);
	}
	if (signer->weak)
		fprintf(to, "; %s", weak_values);
	fputs("</dd>\n<dt>What booted</dt><dd>", to);
	put_booted(to, signer);
	fprintf(to, "</dd>\n<dt>TPM</dt><dd>resetCount %" PRIu32 ", restartCount %" PRIu32 ", clock %" PRIu64 " ms, ",
		clock->reset, clock->restart, clock->clock);
	if (signer->attested.has_counter)
		fprintf(to, "pcrUpdateCounter %" PRIu32, signer->attested.counter);
	else
		put_no_counter(to, signer->no_counter);
	if (signer->has_previous)
		fputs(signer->rebooted ?
		      "; rebooted or restarted since the previous evidence" :
		      "; the same boot as the previous evidence", to);
	fputs("</dd>\n", to);
}

static void put_facts(FILE *to, const struct report *report)
{
	fputs("<dl>\n", to);
	if (report->log) {
		/* the name could change the direction of the text after it */
		fputs("<dt>List</dt><dd><bdi>", to);
		page_put_escaped(to, report->log);
		fputs("</bdi></dd>\n", to);
	}
	if (report->result) {
		fputs("<dt>Contents</dt><dd>", to);
		put_summary(to, report->result);
		fputs("</dd>\n", to);
		if (report->result->resumption != IMATALLY_NO_STATE) {
			fputs("<dt>State</dt><dd>", to);
			put_resumption(to, report->result);
			fputs("</dd>\n", to);
		}
		if (report->result->copy != IMATALLY_NO_COPY) {
			fputs("<dt>Copy</dt><dd><bdi>", to);
			put_words(to, write_copy, report);
			fputs("</bdi></dd>\n", to);
		}
		if (report->signer)
			put_signer(to, report->signer);
		else
			fputs("<dt>PCR values</dt><dd>unsigned</dd>\n", to);
	}
	fputs("</dl>\n", to);
}

static void put_said(FILE *to, const struct imatally_result *result,
		     enum imatally_severity severity)
{
	size_t i;

	for (i = 0; i < result->nr_findings; i++) {
		if (result->finding[i].severity != severity)
			continue;
		fprintf(to, "<li class=\"%s\">", imatally_severity_name(severity));
		put_words(to, write_finding, &result->finding[i]);
		fputs("</li>\n", to);
	}
}

static void put_problems(FILE *to, const struct report *report)
{
	const struct complaint *complaint = last_complaint();
	const struct imatally_result *result = report->result;

	if (result && result->verdict != IMATALLY_INCOMPLETE &&
	    result->verdict != IMATALLY_MISMATCH)
		return;
	fputs("<h2>Why</h2>\n<ul class=\"said\">\n", to);
	if (result) {
		put_said(to, result, IMATALLY_FAULT);
		put_said(to, result, IMATALLY_LOSS);
	} else {
		fputs("<li class=\"fault\">", to);
		if (report->status == EXIT_NOT_AUTHENTIC)
			page_put_escaped(to, report->why->text);
		else if (complaint)
			page_put_escaped(to, complaint->text);
		fputs("</li>\n", to);
	}
	fputs("</ul>\n", to);
}

static void put_plot(FILE *to, const struct report *report)
{
	struct plot *plot;

	if (!report->result)
		return;
	fputs("<h2>The list against the counter</h2>\n", to);
	plot = plot_new(report->result);
	if (!plot) {
		is_short_of_memory = true;
		return;
	}
	if (plot_is_empty(plot)) {
		fputs("<p>Fewer than two records contain the TPM's counter, so there is nothing to compare.</p>\n", to);
		plot_free(plot);
		return;
	}
	fputs("<figure>\n", to);
	plot_put(to, plot);
	fputs("<figcaption>Circles are records; lost entries are shown in their place.<span class=\"screen\"> Point at an interval to see its numbers, click to go to its row in the table.</span></figcaption>\n</figure>\n", to);
	plot_free(plot);
}

static void put_number(FILE *to, bool valid, int64_t number, const char *class)
{
	if (valid)
		fprintf(to, "<td class=\"number%s\">%" PRId64 "</td>",
			number ? class : "", number);
	else
		fputs("<td class=\"number\">&ndash;</td>", to);
}

/* The last column of the table: what the numbers do not show */
static void put_remarks(FILE *to, const struct fold *row)
{
	const struct imatally_interval *iv = &row->sum;
	const char *separator = "";

	fputs("<td class=\"why\">", to);
	if (iv->combined > 1) {
		fprintf(to, "%" PRIu64 " intervals", iv->combined);
		separator = "; ";
	}
	if (iv->has_from && iv->from_kernel != iv->to_kernel) {
		fprintf(to, "%skexec", separator);
		separator = "; ";
	}
	if (iv->put_back) {
		fprintf(to, "%s%" PRIu64 " put back", separator, iv->put_back);
		separator = "; ";
	}
	if (iv->inserted) {
		fprintf(to, "%s%" PRIu64 " %s more than the kernel counted",
			separator, iv->inserted, entries(iv->inserted));
		separator = "; ";
	}
	if (iv->accounts_disagree) {
		fprintf(to, "%sthe kernel's counts contradict each other", separator);
		separator = "; ";
	}
	if (iv->by_counter) {
		fprintf(to, "%s", separator);
		fputs(iv->at_most ? "at most, by pcrUpdateCounter" :
				    "by pcrUpdateCounter alone", to);
		separator = "; ";
	}
	if (iv->unjudged) {
		fprintf(to, "%s", separator);
		put_reasons(to, iv->unjudged, "");
	}
	fputs("</td>", to);
}

static void put_row(FILE *to, const struct fold *row)
{
	const struct imatally_interval *iv = &row->sum;
	char from[48], until[48];

	name_end(from, iv->has_from, iv->from, iv->from_event, "(start)");
	name_end(until, iv->has_to, iv->to, iv->to_event, "(end)");
	fprintf(to, "<tr id=\"i%zu\"><td>%s</td><td>%s</td>", row->first, from,
		until);
	put_number(to, true, iv->present, "");
	put_number(to, iv->has_to, iv->lost + iv->lost_handover, " lost");
	put_number(to, iv->has_to, iv->dropped, " lost");
	put_number(to, iv->has_to, iv->failed, " lost");
	put_number(to, iv->has_to_counter, iv->to_counter, "");
	put_number(to, iv->has_counter, iv->counter, "");
	put_number(to, iv->has_ima, iv->ima, "");
	put_number(to, iv->has_others, iv->others, "");
	put_number(to, iv->has_rest, iv->rest, " rest");
	put_remarks(to, row);
	fputs("</tr>\n", to);
}

static void put_intervals(FILE *to, const struct report *report)
{
	struct fold row = { 0 };

	if (!report->result || !report->result->nr_intervals)
		return;
	fputs("<h2>Intervals between records</h2>\n<div class=\"wide\"><table class=\"intervals\">\n<thead><tr><th>from</th><th>to</th>"
	      "<th class=\"number\">entries</th><th class=\"number\">lost</th>"
	      "<th class=\"number\">dropped</th><th class=\"number\">failed</th>"
	      "<th class=\"number\">counter</th><th class=\"number\">moved</th>"
	      "<th class=\"number\">by IMA</th><th class=\"number\">others</th>"
	      "<th class=\"number\">rest</th><th></th></tr></thead>\n<tbody>\n", to);
	while (fold_next(&row, report->result, MAX_PAGE_ROWS))
		put_row(to, &row);
	fputs("</tbody></table></div>\n", to);
}

static void put_values(FILE *to, const struct report *report)
{
	size_t i;

	if (!report->result)
		return;
	fputs("<h2>PCR values</h2>\n<table>\n<thead><tr><th>PCR</th><th>bank</th><th>value</th><th>is</th></tr></thead>\n<tbody>\n", to);
	for (i = 0; i < report->result->nr_targets; i++) {
		const struct imatally_target *target = &report->result->target[i];

		if (!target->in_log)
			continue;
		fprintf(to, "<tr><td>%" PRIu32 "</td><td>", target->pcr);
		put_alg(to, target->bank.alg);
		fputs("</td><td class=\"digest\">", to);
		put_digest(to, target->bank.value, target->bank.len);
		fputs("</td><td>", to);
		put_match(to, target);
		fputs("</td></tr>\n", to);
	}
	fputs("</tbody></table>\n", to);
}

static void put_findings(FILE *to, const struct report *report)
{
	const struct imatally_result *result = report->result;
	size_t i, found = 0;

	if (!result)
		return;
	for (i = 0; i < result->nr_findings; i++)
		found += result->finding[i].severity <= IMATALLY_FINDING;
	if (!found && !result->findings_not_kept)
		return;
	fputs("<h2>Findings and notes</h2>\n<ul class=\"said\">\n", to);
	put_said(to, result, IMATALLY_FINDING);
	put_said(to, result, IMATALLY_NOTE);
	if (result->findings_not_kept)
		fprintf(to, "<li>and %" PRIu64 " more, none more severe than these</li>\n",
			result->findings_not_kept);
	fputs("</ul>\n", to);
}

static void put_footer(FILE *to, const struct report *report)
{
	time_t now = time(NULL);
	char text[32];

	if (!strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", gmtime(&now)))
		text[0] = '\0';
	fprintf(to, "imatally " IMATALLY_VERSION " at %s UTC, exit status %d",
		text, report->status);
	if (report->strict)
		fputs(" with --strict", to);
}

static const struct place {
	const char *name;
	void (*put)(FILE *to, const struct report *report);
} places[] = {
	{ "script-hash", put_script_hash }, { "script", put_script },
	{ "title", put_title },		    { "class", put_class },
	{ "verdict", put_heading },	    { "facts", put_facts },
	{ "problems", put_problems },	    { "plot", put_plot },
	{ "intervals", put_intervals },	    { "values", put_values },
	{ "findings", put_findings },	    { "footer", put_footer },
};

static void put_place(FILE *to, const char *name, const void *report)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(places[i].name, name))
			places[i].put(to, report);
}

int report_html(const struct report *report, const char *path)
{
	struct output output;

	if (output_open(&output, path))
		return -1;
	is_short_of_memory = false;
	page_put(output.file, page, put_place, report);
	if (is_short_of_memory)
		complain("out of memory");
	return output_close(&output, !is_short_of_memory);
}
