/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in the list the kernels begin that added to it. */
#ifndef IMATALLY_KERNELS_H
#define IMATALLY_KERNELS_H

#include "private.h"

#define IMATALLY_MAX_NAMED 256

struct imatally_kernels {
	uint32_t pcr;			/* the PCR that IMA extends */
	/* The kernel that added the last entry: */
	unsigned int number;
	uint64_t start;			/* index of its first entry */
	bool has_boot_aggregate;	/* that entry is its boot_aggregate */
	/*
	 * Whether that entry, or its absence, can be the kernel's doing: the
	 * oldest entries may be missing, and those between the boot_aggregate
	 * and a later record, but not between it and the boot record.
	 */
	bool is_plausible;

	/* that of the kernel before, and what it carried */
	bool has_earlier;
	uint64_t earlier_start, earlier_carried;

	bool has_record;
	uint64_t record, carried;	/* of the last record */
	bool executed;			/* its event is kexec_execute */

	/*
	 * Entries named boot_aggregate since the last record.  Those beyond
	 * IMATALLY_MAX_NAMED are only counted.
	 */
	uint64_t nr_named, named[IMATALLY_MAX_NAMED];
	uint64_t all_named;		/* since the start of the list */
	bool begins_with_named;
	/* those between the last two records at which no kernel begins */
	uint64_t others, first_other;
};

/* Take note of the next entry. */
void imatally_kernels_entry(struct imatally_kernels *kernels,
			    const struct imatally_entry *entry);

/*
 * Take note of a record, which is entry @index.  Returns whether it is the first
 * one of its kernel.  If so, the kernel's start is set.
 */
bool imatally_kernels_record(struct imatally_kernels *kernels, uint64_t index,
			     const struct imatally_record *rec);

/* Return how many kernels added to the list, which ends here. */
unsigned int imatally_kernels_in_list(const struct imatally_kernels *kernels);

#endif /* IMATALLY_KERNELS_H */
