// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is a measurement list in two parts.  Its last two bytes tell where
 * it is cut: at the start of an entry, or at any byte.  If it is cut between
 * entries, it is read and judged like the whole list, unless the second part
 * looks like another layout.  If it is cut within an entry of a binary list,
 * reading fails there.
 */

#include "limit.h"

struct two {
	FILE *part[2];
	struct imatally_log *log;
};

struct whole {
	const uint8_t *data;
	size_t size;
	struct imatally_layout layout;
	uint64_t entries;
	bool fails;
	uint64_t cut_entry;	/* the first entry that does not end before the cut */
	bool cut_between;	/* whether it starts there */
	bool has_record;
	struct imatally_record record;	/* the last entry */
};

/* fmemopen() requires at least a byte: for an empty part, seek to the end. */
static FILE *open_part(const uint8_t *data, size_t size)
{
	const void *bytes = size ? data : (const void *)".";
	FILE *file = fmemopen((void *)(uintptr_t)bytes, size ? size : 1, "rb");

	EXPECT(file);
	if (!size)
		EXPECT(fgetc(file) == '.');
	return file;
}

static struct two open_two(const uint8_t *data, size_t size, size_t cut)
{
	struct two two = {
		.part = { open_part(data, cut),
			  open_part(data + cut, size - cut) },
	};

	two.log = imatally_log_open_file(two.part[0]);
	EXPECT(!imatally_log_add_file(two.log, two.part[1]));
	return two;
}

static void close_two(struct two *two)
{
	imatally_log_close(two->log);
	fclose(two->part[0]);
	fclose(two->part[1]);
}

static bool same_layout(struct imatally_layout a, struct imatally_layout b)
{
	return a.is_ascii == b.is_ascii && a.big_endian == b.big_endian &&
	       a.digest_len == b.digest_len;
}

/* Return the place of the cut. */
static size_t choose_cut(const uint8_t *data, size_t size, const size_t *start,
			 size_t nr_starts)
{
	size_t wish = size < 2 ? 0 : data[size - 2] << 8 | data[size - 1];

	if (wish % 2 && nr_starts)
		return start[wish / 2 % nr_starts];
	return wish / 2 % (size + 1);
}

static size_t read_whole(struct whole *whole)
{
	struct imatally_log *log = imatally_log_open_buffer(whole->data,
							    whole->size);
	size_t *start = malloc((whole->size + 1) * sizeof(*start));
	struct imatally_entry entry;
	struct imatally_error err;
	const char *text;
	size_t cut, len, end = 0;
	bool foreign;
	int got;

	while ((got = imatally_log_next(log, &entry, &err)) > 0) {
		start[whole->entries++] = entry.offset;
		text = imatally_entry_record(&entry, &len, &foreign);
		if (text && !imatally_record_parse(&whole->record, text, len,
						   &err))
			whole->has_record = true;
	}
	whole->fails = got < 0;
	whole->layout = imatally_log_layout(log);
	imatally_log_close(log);

	cut = choose_cut(whole->data, whole->size, start, whole->entries);
	while (whole->cut_entry < whole->entries) {
		end = whole->cut_entry + 1 < whole->entries ?
			      start[whole->cut_entry + 1] : whole->size;
		if (start[whole->cut_entry] >= cut || end > cut)
			break;
		whole->cut_entry++;
	}
	whole->cut_between = whole->cut_entry < whole->entries ?
				     start[whole->cut_entry] == cut :
				     cut == whole->size && !whole->fails;
	free(start);
	return cut;
}

/* Read both.  False if a part has another layout than the whole. */
static bool read_parts(const struct whole *whole, size_t cut)
{
	struct imatally_log *log = imatally_log_open_buffer(whole->data,
							    whole->size);
	struct two two = open_two(whole->data, whole->size, cut);
	struct imatally_entry a, b;
	struct imatally_error err, other;
	uint64_t entries = 0;
	bool same = true;
	int got;

	while ((got = imatally_log_next(two.log, &b, &err)) > 0) {
		size_t part = imatally_log_part(two.log);

		EXPECT(part < 2 && b.index == entries++);
		EXPECT(b.offset < (part ? whole->size - cut : cut));
		same = same && same_layout(imatally_log_layout(two.log),
					   whole->layout);
		if (!same || (!whole->cut_between && whole->layout.is_ascii))
			continue;
		EXPECT(imatally_log_next(log, &a, &other) == 1);
		EXPECT(b.offset + (part ? cut : 0) == a.offset);
		expect_same_entry(&a, &b);
	}
	if (got < 0) {
		size_t part = imatally_log_part(two.log);

		expect_message(&err);
		EXPECT(err.in_log && err.entry == entries);
		EXPECT(err.offset <= (part ? whole->size - cut : cut));
		EXPECT(imatally_log_next(two.log, &b, &other) == -1);
		EXPECT(!strcmp(other.text, err.text));
	}
	same = same && same_layout(imatally_log_layout(two.log), whole->layout);
	if (same && whole->cut_between)
		EXPECT(entries == whole->entries && (got < 0) == whole->fails);
	else if (same && !whole->layout.is_ascii && !whole->fails)
		EXPECT(got < 0 && entries == whole->cut_entry);
	close_two(&two);
	imatally_log_close(log);
	return same;
}

static enum imatally_status judge(const struct whole *whole,
				  struct imatally_log *log,
				  struct imatally_result *result,
				  struct imatally_error *err)
{
	static const struct imatally_bank_value nothing = {
		.alg = IMATALLY_ALG_SHA1, .len = 20,
	};
	struct imatally_pcr pcr[IMATALLY_MAX_BANKS];
	struct imatally_pcrs pcrs = { .pcr = pcr, .nr = 1 };
	unsigned int i;

	memset(pcr, 0, sizeof(pcr));
	pcr[0].index = IMATALLY_PCR_OF_LOG;
	pcr[0].bank = nothing;
	/* those of the last record, which match if the list is not forged */
	if (whole->has_record && whole->record.pcr.nr) {
		pcrs.nr = whole->record.pcr.nr;
		for (i = 0; i < pcrs.nr; i++) {
			pcr[i].index = whole->record.pcr.index;
			pcr[i].bank = whole->record.pcr.bank[i];
		}
	}
	return imatally_verify(log, &pcrs, result, err);
}

static void expect_same_result(const struct imatally_result *a,
			       const struct imatally_result *b)
{
	size_t i;

	EXPECT(a->verdict == b->verdict && a->entries == b->entries);
	EXPECT(a->records == b->records && a->kernels == b->kernels);
	EXPECT(a->lost == b->lost && a->trimmed == b->trimmed);
	EXPECT(a->trimmed <= a->lost);
	EXPECT(a->dropped == b->dropped && a->failed == b->failed);
	EXPECT(a->tail == b->tail && a->restarted == b->restarted);
	EXPECT(a->nr_intervals == b->nr_intervals);
	EXPECT(a->nr_findings == b->nr_findings);
	for (i = 0; i < a->nr_findings; i++) {
		const struct imatally_finding *f = &a->finding[i];
		const struct imatally_finding *g = &b->finding[i];

		EXPECT(f->kind == g->kind && f->count == g->count);
		EXPECT(f->from.index == g->from.index &&
		       f->to.index == g->to.index);
	}
}

/*
 * A part may begin amid a kernel, or after entries that were deleted.  One file
 * may not, so these findings are about the whole only.
 */
static bool is_judged_alike(const struct imatally_result *whole)
{
	size_t i;

	for (i = 0; i < whole->nr_findings; i++)
		if (whole->finding[i].kind == IMATALLY_NO_START ||
		    whole->finding[i].kind == IMATALLY_INSERTED)
			return false;
	return true;
}

static void judge_both(const struct whole *whole, size_t cut)
{
	FILE *file = open_part(whole->data, whole->size);
	struct imatally_log *log = imatally_log_open_file(file);
	struct two two = open_two(whole->data, whole->size, cut);
	struct imatally_error of_whole, of_parts;
	struct imatally_result one, other;
	enum imatally_status status = judge(whole, log, &one, &of_whole);

	EXPECT(judge(whole, two.log, &other, &of_parts) == status);
	if (status) {
		EXPECT(of_parts.entry == of_whole.entry);
		EXPECT(!strcmp(of_parts.text, of_whole.text));
	} else {
		EXPECT(one.entries == other.entries);
		if (is_judged_alike(&one))
			expect_same_result(&one, &other);
		imatally_result_free(&one);
		imatally_result_free(&other);
	}
	close_two(&two);
	imatally_log_close(log);
	fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct whole whole = { .data = data, .size = size };
	size_t cut;

	limit_begin(size, 20);
	cut = read_whole(&whole);
	if (read_parts(&whole, cut) && whole.cut_between)
		judge_both(&whole, cut);
	limit_end();
	return 0;
}
