// SPDX-License-Identifier: GPL-2.0-only
/* The table of hosts as a page: status.html with the hosts filled in. */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../programs/page.h"
#include "commands.h"
#include "table.h"

/* Generated from the file with this name */
static const char page[] = {
#include "status.html.inc"
	0
};

struct view {
	const struct table *table;
	const char *url;
};

/* How many hosts from @at on are shown with the same word */
static size_t run_of(const struct table *table, size_t at)
{
	size_t i = at;

	while (i < table->nr && !strcmp(host_word(&table->record[i]),
					host_word(&table->record[at])))
		i++;
	return i - at;
}

static void put_heading(FILE *to, const struct view *view)
{
	const struct table *table = view->table;
	size_t at, nr;

	fprintf(to, "%zu %s", table->nr, table->nr == 1 ? "host" : "hosts");
	for (at = 0; at < table->nr; at += nr) {
		nr = run_of(table, at);
		fprintf(to, "%s%zu %s", at ? ", " : ": ", nr,
			host_word(&table->record[at]));
	}
}

/*
 * A class for the style sheet: that of the worst host, which is the first one.  Of no
 * hosts, nothing good is known.
 */
static void put_class(FILE *to, const struct view *view)
{
	const struct fleet_record *worst = view->table->record;

	if (view->table->nr && worst->verdict < FLEET_INCOMPLETE)
		fputs("bad", to);
	else if (view->table->nr && worst->verdict >= FLEET_NOT_COUNTED &&
		 !host_is_silent(worst))
		fputs("complete", to);
	else
		fputs("incomplete", to);
}

static void put_time(FILE *to, int64_t time)
{
	time_t when = time;
	struct tm tm;
	char text[32];

	if (time && gmtime_r(&when, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		fputs(text, to);
	else
		fputs("&ndash;", to);
}

static void put_facts(FILE *to, const struct view *view)
{
	int64_t oldest = 0;
	size_t i;

	for (i = 0; i < view->table->nr; i++) {
		int64_t time = view->table->record[i].time;

		if (time && (!oldest || time < oldest))
			oldest = time;
	}
	fputs("<dl>\n<dt>Server</dt><dd>", to);
	page_put_escaped(to, view->url);
	fputs("</dd>\n<dt>Oldest verdict</dt><dd>", to);
	put_time(to, oldest);
	fputs("</dd>\n</dl>\n", to);
}

static void put_number(FILE *to, uint64_t number, const char *class)
{
	fprintf(to, "<td class=\"number%s\">%" PRIu64 "</td>",
		number ? class : "", number);
}

static void put_host(FILE *to, const struct fleet_record *r)
{
	bool good = r->verdict >= FLEET_NONE && !host_is_silent(r);
	char age[32];

	fprintf(to, "<tr><td>%s</td><td%s>%s</td><td>", r->host,
		good ? "" : " class=\"lost\"", host_word(r));
	put_time(to, r->time);
	fprintf(to, "</td><td class=\"number\">%s</td>",
		host_age(age, r->time));
	put_number(to, r->entries, "");
	put_number(to, r->lost, " lost");
	put_number(to, r->dropped, " lost");
	put_number(to, r->failed, " lost");
	fputs("<td class=\"why\">", to);
	page_put_escaped(to, r->why[0] ? r->why : r->findings ? "findings" : "");
	if (r->silent_since) {
		fputs(r->why[0] || r->findings ? "; no answer since " :
						 "no answer since ", to);
		put_time(to, r->silent_since);
	}
	fputs("</td></tr>\n", to);
}

static void put_hosts(FILE *to, const struct view *view)
{
	size_t i;

	if (!view->table->nr)
		return;
	fputs("<h2>Hosts, the worst first</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>host</th><th>status</th>"
	      "<th>last verdict</th><th class=\"number\">age</th>"
	      "<th class=\"number\">entries</th><th class=\"number\">lost</th>"
	      "<th class=\"number\">dropped</th><th class=\"number\">failed</th>"
	      "<th></th></tr></thead>\n<tbody>\n", to);
	for (i = 0; i < view->table->nr; i++)
		put_host(to, &view->table->record[i]);
	fputs("</tbody></table></div>\n", to);
}

static void put_footer(FILE *to, const struct view *view)
{
	(void)view;
	fputs("imatally " IMATALLY_VERSION " at ", to);
	put_time(to, time(NULL));
	fputs(" UTC; all times are in UTC", to);
}

static void put_place(FILE *to, const char *name, const void *view)
{
	static const struct {
		const char *name;
		void (*put)(FILE *to, const struct view *view);
	} places[] = {
		{ "heading", put_heading }, { "class", put_class },
		{ "facts", put_facts },	    { "hosts", put_hosts },
		{ "footer", put_footer },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(places[i].name, name))
			places[i].put(to, view);
}

int fleet_page(const struct table *table, const char *url, const char *path)
{
	const struct view view = { .table = table, .url = url };
	struct output output;

	if (output_open(&output, path))
		return -1;
	page_put(output.file, page, put_place, &view);
	return output_close(&output, true);
}
