// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plot of entries against pcrUpdateCounter as SVG.  The x axis shows the
 * entries that were created, including lost ones; the y axis shows the counter
 * and, below it, what it was increased by, in layers.
 */

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define WIDTH 960
#define LEFT 70
#define RIGHT 14
#define KERNELS 20	/* height of the strip with the kernels */
#define LANE 16		/* height of a line of labels */
#define LANES 3
#define HEIGHT 300	/* of the plot itself */
#define CHARACTER 7.4	/* approximate width of a character */

enum layer {
	LOG,		/* extends of entries in the list */
	LOST,		/* extends of lost entries */
	OTHERS,
	REST,		/* unexplained */
	UNJUDGED,
	NR_LAYERS
};

static const struct {
	const char *class, *legend;
} layers[] = {
	[LOG] = { "log", "extends of entries in the list" },
	[LOST] = { "lost", "extends of lost entries" },
	[OTHERS] = { "others", "updates by others" },
	[REST] = { "rest", "unexplained" },
	[UNJUDGED] = { "unjudged", "not judged" },
};

/* A point where the counter is known or can be derived. */
struct point {
	double x, counter;
	double top[NR_LAYERS];	/* of each layer, in units of the counter */
	bool is_first;		/* no line leads to it */
	bool is_bridged;	/* records just before it lack the counter */
	bool is_record;
};

struct row {
	struct fold fold;
	double x0, x1;		/* entries created before and after it */
	double gap0, gap1;	/* the same for the gap, if entries are lost */
};

struct plot {
	const struct imatally_result *result;
	struct row *row;
	size_t nr_rows;
	struct point *point;
	size_t nr_points;
	double x_min, x_max, y_min, y_max;
	int top, bottom;	/* of the plot itself, in units of the SVG */
};

static uint64_t all_lost(const struct imatally_interval *iv)
{
	return iv->lost + iv->lost_handover;
}

/* Lay out the rows from left to right. */
static void lay_out(struct plot *plot)
{
	struct fold fold = { 0 };
	double x = 0;

	/* with a state, the first intervals are not reported again */
	if (plot->result->nr_intervals)
		x = plot->result->interval->from;
	plot->x_min = x;
	while (fold_next(&fold, plot->result, MAX_PAGE_ROWS)) {
		const struct imatally_interval *iv = &fold.sum;
		struct row *row = &plot->row[plot->nr_rows++];

		row->fold = fold;
		row->x0 = x;
		x += iv->present + all_lost(iv);
		row->x1 = x;
		row->gap0 = row->x0;
		row->gap1 = row->x1;
		/* a list that was cut by kexec lost its last entries */
		if (iv->combined == 1 && iv->lost_handover && !iv->lost &&
		    iv->kernel_start >= iv->from) {
			row->gap0 += iv->kernel_start - iv->from;
			row->gap1 = row->gap0 + iv->lost_handover;
		}
	}
	plot->x_max = fmax(x, plot->x_min + 1);
}

/* Return what an extend of IMA adds to the counter, if it can be derived. */
static double per_extend(const struct imatally_interval *iv, double otherwise)
{
	double extends = (double)iv->present + all_lost(iv) - iv->failed;

	return iv->has_ima && extends > 0 ? iv->ima / extends : otherwise;
}

/*
 * Compute by how much each layer grew while the counter increased by @moved and
 * @extended entries of the list were extended.
 */
static void grow_layers(const struct imatally_interval *iv, double moved,
			double extended, double per, double *grown)
{
	double left = moved;
	int i;

	grown[LOG] = per * extended;
	grown[LOST] = per * all_lost(iv);
	grown[OTHERS] = iv->has_others && iv->others > 0 ? iv->others : 0;
	grown[REST] = iv->has_rest && iv->rest > 0 ? iv->rest : 0;
	for (i = 0; i < UNJUDGED; i++) {
		grown[i] = fmax(0, fmin(grown[i], left));
		left -= grown[i];
	}
	grown[UNJUDGED] = left;
}

static struct point *add_point(struct plot *plot, double x, double counter)
{
	struct point *point = &plot->point[plot->nr_points++];

	point->x = x;
	point->counter = counter;
	plot->y_min = fmin(plot->y_min, counter);
	plot->y_max = fmax(plot->y_max, counter);
	return point;
}

/* The layers start from this point. */
static void add_first_point(struct plot *plot, double x, double counter)
{
	struct point *point = add_point(plot, x, counter);
	int i;

	point->is_first = true;
	point->is_record = true;
	for (i = 0; i < NR_LAYERS; i++)
		point->top[i] = counter;
}

/* Add both ends of a gap, in which only the layer of lost entries grows. */
static void add_gap(struct plot *plot, const struct row *row,
		    const struct point *from, const double *grown)
{
	double before = row->gap0 - row->x0, after = row->x1 - row->gap1;
	double share = before + after > 0 ? before / (before + after) : 0;
	double done[2][NR_LAYERS];
	int i, end;

	memset(done, 0, sizeof(done));
	for (i = 0; i < NR_LAYERS; i++)
		done[0][i] = done[1][i] = grown[i] * share;
	done[0][LOST] = 0;
	done[1][LOST] = grown[LOST];
	for (end = 0; end < 2; end++) {
		struct point *point;
		double sum = 0, top[NR_LAYERS];

		for (i = 0; i < NR_LAYERS; i++) {
			sum += done[end][i];
			top[i] = from->top[i] + sum;
		}
		point = add_point(plot, end ? row->gap1 : row->gap0,
				  from->counter + sum);
		memcpy(point->top, top, sizeof(top));
	}
}

static void add_points(struct plot *plot)
{
	struct point last = { 0 };
	double per = 0, extended = 0;
	bool known = false, bridged = false;
	size_t i;
	int j;

	for (i = 0; i < plot->nr_rows && !per; i++)
		per = per_extend(&plot->row[i].fold.sum, 0);
	for (i = 0; i < plot->nr_rows; i++) {
		const struct row *row = &plot->row[i];
		const struct imatally_interval *iv = &row->fold.sum;
		double grown[NR_LAYERS], sum = 0, moved;
		struct point *point;

		extended += (double)iv->present - iv->failed;
		if (!iv->has_to_counter) {
			bridged = known;
			continue;
		}
		per = per_extend(iv, per);
		/*
		 * after resuming from a state, only the first record is known
		 */
		if (!i && iv->has_from && iv->has_counter) {
			add_first_point(plot, row->x0,
					(double)iv->to_counter - iv->counter);
			last = plot->point[0];
			known = true;
		}
		moved = iv->to_counter - last.counter;
		if (!known || moved < 0) {
			add_first_point(plot, row->x1, iv->to_counter);
		} else {
			grow_layers(iv, moved, fmax(0, extended), per, grown);
			if (!bridged && grown[LOST] > 0)
				add_gap(plot, row, &last, grown);
			point = add_point(plot, row->x1, iv->to_counter);
			point->is_record = iv->has_to;
			point->is_bridged = bridged;
			for (j = 0; j < NR_LAYERS; j++) {
				sum += grown[j];
				point->top[j] = last.top[j] + sum;
			}
		}
		last = plot->point[plot->nr_points - 1];
		known = true;
		bridged = false;
		extended = 0;
	}
	if (plot->y_max <= plot->y_min)
		plot->y_max = plot->y_min + 1;
}

struct plot *plot_new(const struct imatally_result *result)
{
	struct plot *plot = calloc(1, sizeof(*plot));
	struct fold fold = { 0 };
	size_t rows = 0;

	while (fold_next(&fold, result, MAX_PAGE_ROWS))
		rows++;
	if (!plot)
		return NULL;
	plot->result = result;
	plot->y_min = INFINITY;
	plot->row = calloc(rows + 1, sizeof(*plot->row));
	/* per row, one at its end and two for a gap */
	plot->point = calloc(3 * rows + 1, sizeof(*plot->point));
	if (!plot->row || !plot->point) {
		plot_free(plot);
		return NULL;
	}
	lay_out(plot);
	add_points(plot);
	if (plot->nr_points < 2)
		return plot;
	return plot;
}

bool plot_is_empty(const struct plot *plot)
{
	return plot->nr_points < 2;
}

void plot_free(struct plot *plot)
{
	if (!plot)
		return;
	free(plot->row);
	free(plot->point);
	free(plot);
}

/* ---- Drawing */

static double at_x(const struct plot *plot, double x)
{
	return LEFT + (x - plot->x_min) / (plot->x_max - plot->x_min) *
		      (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct plot *plot, double y)
{
	return plot->bottom - (y - plot->y_min) / (plot->y_max - plot->y_min) *
				      (plot->bottom - plot->top);
}

static bool has_layer(const struct plot *plot, int layer)
{
	size_t i;

	for (i = 0; i < plot->nr_points; i++)
		if (plot->point[i].top[layer] - (layer ? plot->point[i].top[layer - 1] :
							 plot->y_min) > 0.5)
			return true;
	return false;
}

/* Return the index after the last point that is connected with @first. */
static size_t end_of_run(const struct plot *plot, size_t first)
{
	size_t i = first + 1;

	while (i < plot->nr_points && !plot->point[i].is_first)
		i++;
	return i;
}

static void put_areas(FILE *to, const struct plot *plot)
{
	size_t first, end, i;
	int layer;

	for (layer = 0; layer < NR_LAYERS; layer++) {
		if (!has_layer(plot, layer))
			continue;
		fprintf(to, "<path class=\"area %s\" d=\"", layers[layer].class);
		for (first = 0; first < plot->nr_points; first = end) {
			end = end_of_run(plot, first);
			for (i = first; i < end; i++)
				fprintf(to, "%c%.1f %.1f", i == first ? 'M' : 'L',
					at_x(plot, plot->point[i].x),
					at_y(plot, plot->point[i].top[layer]));
			for (i = end; i-- > first; )
				fprintf(to, "L%.1f %.1f",
					at_x(plot, plot->point[i].x),
					at_y(plot, layer ? plot->point[i].top[layer - 1] :
							   plot->y_min));
			fputc('Z', to);
		}
		fputs("\"/>\n", to);
	}
}

/* Draw the counter, between known points or where it is unknown. */
static void put_counter(FILE *to, const struct plot *plot, bool unknown)
{
	size_t i;

	fprintf(to, "<path class=\"counter%s\" d=\"", unknown ? " unknown" : "");
	for (i = 1; i < plot->nr_points; i++) {
		const struct point *point = &plot->point[i];

		if (point->is_first || point->is_bridged != unknown)
			continue;
		fprintf(to, "M%.1f %.1fL%.1f %.1f", at_x(plot, point[-1].x),
			at_y(plot, point[-1].counter), at_x(plot, point->x),
			at_y(plot, point->counter));
	}
	fputs("\"/>\n", to);
}

/* Return 1, 2 or 5 times a power of ten, about a fifth of @range. */
static double tick_size(double range)
{
	double size = pow(10, floor(log10(range / 5)));

	if (range / size > 25)
		size *= 5;
	else if (range / size > 10)
		size *= 2;
	return fmax(size, 1);
}

/* Return the middle of a label, moved so that it is inside of the picture. */
static double keep_inside(double x, size_t characters)
{
	double half = characters * CHARACTER / 2;

	return fmax(half + 2, fmin(x, WIDTH - half - 2));
}

static void put_axes(FILE *to, const struct plot *plot)
{
	double size = tick_size(plot->x_max - plot->x_min);
	long i;

	for (i = ceil(plot->x_min / size); i * size <= plot->x_max; i++)
		fprintf(to, "<path class=\"grid\" d=\"M%.1f %dv4\"/><text class=\"faint middle\" x=\"%.1f\" y=\"%d\">%.0f</text>\n",
			at_x(plot, i * size), plot->bottom,
			keep_inside(at_x(plot, i * size),
				    snprintf(NULL, 0, "%.0f", i * size)),
			plot->bottom + 17, i * size);
	size = tick_size(plot->y_max - plot->y_min);
	for (i = ceil(plot->y_min / size); i * size <= plot->y_max; i++)
		fprintf(to, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"faint end\" x=\"%d\" y=\"%.1f\">%.0f</text>\n",
			LEFT, at_y(plot, i * size), WIDTH - RIGHT, LEFT - 7,
			at_y(plot, i * size) + 4, i * size);
	fprintf(to, "<text class=\"faint end\" x=\"%d\" y=\"%d\">entries created</text>\n",
		WIDTH - RIGHT, plot->bottom + 33);
	fprintf(to, "<text class=\"faint\" x=\"%d\" y=\"%d\">pcrUpdateCounter</text>\n",
		4, plot->top - 8);
}

/* Lines of labels, filled from left to right. */
struct lanes {
	double end[LANES];
	int used;
};

/* Return a line with room for a label around @x, or -1. */
static int find_lane(struct lanes *lanes, double x, size_t characters)
{
	double half = characters * CHARACTER / 2 + 3;
	int i;

	for (i = 0; i < LANES; i++) {
		if (x - half < lanes->end[i])
			continue;
		lanes->end[i] = x + half;
		if (i >= lanes->used)
			lanes->used = i + 1;
		return i;
	}
	return -1;
}

static void put_kernel(FILE *to, const struct plot *plot, unsigned int kernel,
		       double from, double until)
{
	double x0 = at_x(plot, from), x1 = at_x(plot, until);

	fprintf(to, "<rect class=\"kernel\" x=\"%.1f\" y=\"0.5\" width=\"%.1f\" height=\"%d\"/>\n",
		x0, x1 - x0, KERNELS - 1);
	if (x1 - x0 > 9 * CHARACTER)
		fprintf(to, "<text class=\"middle\" x=\"%.1f\" y=\"14\">kernel %u</text>\n",
			(x0 + x1) / 2, kernel);
	if (from > plot->x_min)
		fprintf(to, "<path class=\"kexec\" d=\"M%.1f %dV%d\"/>\n", x0,
			KERNELS, plot->bottom);
}

static void put_kernels(FILE *to, const struct plot *plot)
{
	const struct imatally_interval *first = plot->result->interval;
	unsigned int kernel = first->has_from ? first->from_kernel : 1;
	double from = plot->x_min;
	size_t i;

	for (i = 0; i < plot->nr_rows; i++) {
		const struct row *row = &plot->row[i];
		const struct imatally_interval *iv = &row->fold.sum;
		double start = row->x1;

		if (!iv->has_from || iv->to_kernel == iv->from_kernel)
			continue;
		/* it starts after the gap */
		if (iv->combined == 1 && iv->kernel_start >= iv->from)
			start = row->x0 + (iv->kernel_start - iv->from) +
				iv->lost_handover;
		put_kernel(to, plot, kernel, from, start);
		kernel = iv->to_kernel;
		from = start;
	}
	put_kernel(to, plot, kernel, from, plot->x_max);
}

/* Label the records with their events, but only a few with "request". */
static void put_events(FILE *to, const struct plot *plot, struct lanes *lanes,
		       bool measure)
{
	bool few = plot->nr_rows <= 24;
	size_t i, len;

	for (i = 0; i < plot->nr_rows; i++) {
		const struct row *row = &plot->row[i];
		const struct imatally_interval *iv = &row->fold.sum;
		const char *name = imatally_event_name(iv->to_event);
		double x = at_x(plot, row->x1);
		int lane;

		if (!iv->has_to || (!few && iv->to_event == IMATALLY_EVENT_REQUEST))
			continue;
		len = strlen(name);
		lane = find_lane(lanes, keep_inside(x, len), len);
		if (lane < 0 || measure)
			continue;
		lane = plot->top - 22 - LANE * (lanes->used - lane);
		fprintf(to, "<path class=\"lead\" d=\"M%.1f %dV%d\"/><text class=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>\n",
			x, lane + 14, plot->bottom, keep_inside(x, len), lane + 11,
			name);
	}
}

/* Describe in short what is wrong in a row.  Returns its class, or NULL. */
static const char *say_problem(const struct imatally_interval *iv, char *text,
			       size_t size)
{
	if (all_lost(iv))
		snprintf(text, size, "%s%" PRIu64 " lost",
			 iv->at_most ? "at most " : "", all_lost(iv));
	else if (iv->inserted)
		snprintf(text, size, "%" PRIu64 " inserted", iv->inserted);
	else if (iv->accounts_disagree)
		snprintf(text, size, "counts contradict");
	else if (iv->dropped)
		snprintf(text, size, "%" PRIu64 " dropped", iv->dropped);
	else if (iv->failed)
		snprintf(text, size, "%" PRIu64 " failed", iv->failed);
	else if (iv->has_rest && iv->rest)
		snprintf(text, size, "%" PRId64 " %s", iv->rest,
			 iv->is_split ? "unexplained" : "others or unexplained");
	else if (iv->unjudged)
		snprintf(text, size, "not judged");
	else
		return NULL;
	if (all_lost(iv) || iv->inserted || iv->accounts_disagree ||
	    iv->dropped || iv->failed)
		return "lost";
	return iv->has_rest && iv->rest ? "rest" : "others";
}

static void put_problems(FILE *to, const struct plot *plot, struct lanes *lanes,
			 bool measure)
{
	char text[64];
	size_t i, len;

	for (i = 0; i < plot->nr_rows; i++) {
		const struct row *row = &plot->row[i];
		const char *class = say_problem(&row->fold.sum, text,
						sizeof(text));
		double x0 = at_x(plot, row->gap0), x1 = at_x(plot, row->gap1);
		double middle;
		int lane;

		if (!class)
			continue;
		if (x1 - x0 < 3) {
			x0 = (x0 + x1) / 2 - 1.5;
			x1 = x0 + 3;
		}
		len = strlen(text);
		middle = keep_inside((x0 + x1) / 2, len);
		lane = find_lane(lanes, middle, len);
		if (measure)
			continue;
		if (!strcmp(class, "lost") && all_lost(&row->fold.sum))
			fprintf(to, "<rect class=\"gap\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
				x0, plot->top, x1 - x0, plot->bottom - plot->top);
		fprintf(to, "<rect class=\"bracket %s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"4\"/>\n",
			class, x0, plot->bottom + 42, x1 - x0);
		if (lane >= 0)
			fprintf(to, "<text class=\"middle %s\" x=\"%.1f\" y=\"%d\">%s</text>\n",
				class, middle, plot->bottom + 60 + LANE * lane,
				text);
	}
}

/* The text of a row for a pointer or a screen reader */
static void put_row_title(FILE *to, const struct imatally_interval *iv)
{
	char from[48], to_text[48];

	name_end(from, iv->has_from, iv->from, iv->from_event, "start of the list");
	name_end(to_text, iv->has_to, iv->to, iv->to_event, "end of the list");
	fprintf(to, "%s to %s", from, to_text);
	if (iv->combined > 1)
		fprintf(to, " (%" PRIu64 " intervals)", iv->combined);
	fprintf(to, "\n%" PRIu64 " in the list", iv->present);
	if (all_lost(iv))
		fprintf(to, ", %s%" PRIu64 " lost", iv->at_most ? "at most " : "",
			all_lost(iv));
	if (iv->inserted)
		fprintf(to, ", %" PRIu64 " inserted", iv->inserted);
	if (iv->dropped)
		fprintf(to, ", %" PRIu64 " dropped", iv->dropped);
	if (iv->failed)
		fprintf(to, ", %" PRIu64 " failed", iv->failed);
	if (iv->has_to_counter)
		fprintf(to, "\npcrUpdateCounter %" PRIu32, iv->to_counter);
	if (iv->has_counter)
		fprintf(to, "%s %+" PRId64, iv->has_to_counter ? "," : "\ncounter",
			iv->counter);
	if (iv->has_ima)
		fprintf(to, "\nby IMA %" PRId64, iv->ima);
	if (iv->has_others)
		fprintf(to, ", others %" PRId64, iv->others);
	if (iv->has_rest)
		fprintf(to, ", rest %" PRId64, iv->rest);
	if (iv->unjudged) {
		fputs("\nnot judged: ", to);
		put_reasons(to, iv->unjudged, "");
	}
}

static void put_hits(FILE *to, const struct plot *plot)
{
	size_t i;

	for (i = 0; i < plot->nr_rows; i++) {
		const struct row *row = &plot->row[i];
		double x0 = at_x(plot, row->x0);

		fprintf(to, "<a href=\"#i%zu\"><rect class=\"hit\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/><title>",
			row->fold.first, x0, plot->top, at_x(plot, row->x1) - x0,
			plot->bottom - plot->top + 46);
		put_row_title(to, &row->fold.sum);
		fputs("</title></a>\n", to);
	}
}

static void put_legend(FILE *to, const struct plot *plot)
{
	int i;

	fputs("<ul class=\"legend\"><li><svg viewBox=\"0 0 24 14\"><path class=\"counter\" d=\"M0 7h24\"/></svg>pcrUpdateCounter, of which</li>\n", to);
	for (i = 0; i < NR_LAYERS; i++)
		if (has_layer(plot, i))
			fprintf(to, "<li><svg viewBox=\"0 0 24 14\"><rect class=\"area %s\" width=\"24\" height=\"14\"/></svg>%s</li>\n",
				layers[i].class, layers[i].legend);
	fputs("</ul>\n", to);
}

void plot_put(FILE *to, const struct plot *plot)
{
	struct plot p = *plot;
	struct lanes above = { 0 }, below = { 0 };
	size_t i;
	int used;

	put_events(to, &p, &above, true);
	put_problems(to, &p, &below, true);
	p.top = KERNELS + LANE * above.used + 34;
	p.bottom = p.top + HEIGHT;
	used = below.used;

	fprintf(to, "<div class=\"wide\"><svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"group\" aria-label=\"The entries against pcrUpdateCounter\">\n",
		WIDTH, p.bottom + 50 + LANE * used);
	fputs("<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><path class=\"hatch\" d=\"M0 6L6 0\"/></pattern></defs>\n", to);
	put_axes(to, &p);
	put_areas(to, &p);
	put_kernels(to, &p);
	memset(above.end, 0, sizeof(above.end));
	put_events(to, &p, &above, false);
	memset(&below, 0, sizeof(below));
	put_problems(to, &p, &below, false);
	fprintf(to, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		LEFT, p.top, WIDTH - LEFT - RIGHT, HEIGHT);
	put_counter(to, &p, false);
	put_counter(to, &p, true);
	for (i = 0; i < p.nr_points; i++)
		if (p.point[i].is_record)
			fprintf(to, "<circle class=\"record\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"/>\n",
				at_x(&p, p.point[i].x),
				at_y(&p, p.point[i].counter),
				p.nr_points > 60 ? "1.5" : "3");
	put_hits(to, &p);
	fputs("</svg></div>\n", to);
	put_legend(to, &p);
}
