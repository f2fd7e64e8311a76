// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel's first entry is its boot_aggregate.  But a file whose path cannot be
 * determined is measured under its last component only, so any user can add an
 * entry of that name.  Therefore a kernel begins where its first record says:
 * "entries" minus "carried" is the number of entries that it made before.  The
 * name alone only decides in a list without records.
 */

#include <stdlib.h>

#include "kernels.h"

void imatally_kernels_entry(struct imatally_kernels *k,
			    const struct imatally_entry *entry)
{
	if (!k->number)
		k->number = 1;
	if (entry->pcr != k->pcr || !imatally_entry_is_boot_aggregate(entry))
		return;
	if (k->nr_named < IMATALLY_MAX_NAMED)
		k->named[k->nr_named] = entry->index;
	k->nr_named++;
	k->all_named++;
	if (!entry->index)
		k->begins_with_named = true;
}

/*
 * Find an entry named boot_aggregate since the last record: @wanted, or the
 * first one after it, which is the right one if entries between it and the
 * record are missing.
 */
static bool find_named(const struct imatally_kernels *k, uint64_t wanted,
		       uint64_t *found)
{
	uint64_t i;

	for (i = 0; i < k->nr_named; i++) {
		/* more of them than are kept */
		if (i == IMATALLY_MAX_NAMED)
			*found = wanted;
		else if (k->named[i] < wanted)
			continue;
		else
			*found = k->named[i];
		return true;
	}
	return false;
}

static bool begins(const struct imatally_kernels *k,
		   const struct imatally_record *rec, uint64_t wanted)
{
	uint64_t found;

	if (!k->has_record || rec->event == IMATALLY_EVENT_BOOT ||
	    rec->value[IMATALLY_KEY_CARRIED] != k->carried)
		return true;
	/* nothing arrived in either kernel, and this one has no boot record */
	return wanted > k->record && find_named(k, wanted, &found) &&
	       found == wanted;
}

static void set_start(struct imatally_kernels *k, uint64_t index, uint64_t own,
		      bool is_boot)
{
	k->has_boot_aggregate =
		find_named(k, own > index ? 0 : index - own, &k->start) &&
		!(own > index && !k->has_record && k->start);
	k->is_plausible = k->has_boot_aggregate ?
				  !is_boot || k->start + own == index :
				  !k->has_record && own >= index;
	if (k->has_boot_aggregate)
		return;
	/* the start of the list, or the boot_aggregate, is missing */
	k->start = !k->has_record && own >= index ? 0 : index;
}

static void set_others(struct imatally_kernels *k, bool has_start)
{
	k->others = k->nr_named - (has_start && k->nr_named);
	k->first_other = k->named[k->nr_named > 1 && has_start &&
				  k->named[0] == k->start];
}

bool imatally_kernels_record(struct imatally_kernels *k, uint64_t index,
			     const struct imatally_record *rec)
{
	uint64_t entries = rec->value[IMATALLY_KEY_ENTRIES];
	uint64_t carried = rec->value[IMATALLY_KEY_CARRIED];
	uint64_t own = entries > carried ? entries - carried : 0;
	bool first = begins(k, rec, own > index ? 0 : index - own);

	if (first) {
		bool had_record = k->has_record;

		k->has_earlier = had_record;
		k->earlier_start = k->start;
		k->earlier_carried = k->carried;
		set_start(k, index, own, rec->event == IMATALLY_EVENT_BOOT);
		/* entries of kernels without records come first */
		if (had_record || k->start)
			k->number++;
	} else {
		/* not if this is a record of the kernel before */
		k->is_plausible = !k->has_earlier || own > index ||
				  carried != k->earlier_carried ||
				  index - own != k->earlier_start;
	}
	set_others(k, first && k->has_boot_aggregate);
	k->has_record = true;
	k->record = index;
	k->carried = carried;
	k->executed = rec->event == IMATALLY_EVENT_KEXEC_EXECUTE;
	k->nr_named = 0;
	return first;
}

unsigned int imatally_kernels_in_list(const struct imatally_kernels *k)
{
	if (!k->has_record)
		return k->all_named + !k->begins_with_named;
	/* nothing follows this record in its kernel */
	return k->number + (k->executed && k->nr_named &&
			    k->named[0] == k->record + 1);
}

struct imatally_kernels *imatally_kernels_new(uint32_t pcr)
{
	struct imatally_kernels *k = calloc(1, sizeof(*k));

	if (k)
		k->pcr = pcr;
	return k;
}

void imatally_kernels_free(struct imatally_kernels *k)
{
	free(k);
}

unsigned int imatally_kernels_number(struct imatally_kernels *k,
				     const struct imatally_entry *entry,
				     const struct imatally_record *rec)
{
	imatally_kernels_entry(k, entry);
	if (rec)
		imatally_kernels_record(k, entry->index, rec);
	return k->number;
}
