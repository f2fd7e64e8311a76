/* SPDX-License-Identifier: GPL-2.0-only */
/* What booted: the boot_aggregate entries of a list, and PCRs 0 to 9. */
#ifndef IMATALLY_BOOTED_H
#define IMATALLY_BOOTED_H

#include "kernels.h"

/*
 * Enough for one of each value in which a difference can be seen: at most one
 * value of an algorithm is that of the PCRs, so further ones change no verdict.
 */
#define IMATALLY_MAX_AGGREGATES 16

/* A boot_aggregate: the digest of the PCRs from 0 on when a kernel started. */
struct imatally_aggregate {
	uint64_t index;			/* of the entry */
	bool is_start;			/* a record says that a kernel begins there */
	struct imatally_bank_value value;	/* alg is 0 if it is not known */
};

/*
 * Those that a list has of this boot of the TPM: of equal ones the first, and
 * entries named boot_aggregate since the last record.
 */
struct imatally_booted {
	unsigned int nr;
	struct imatally_aggregate kept[IMATALLY_MAX_AGGREGATES];
};

/* Take note of an entry of the IMA PCR that is named boot_aggregate. */
void imatally_booted_entry(struct imatally_booted *booted,
			   const struct imatally_entry *entry);

/*
 * Take note of record @rec, which is entry @index.  @kernels knows it already;
 * @first: it is the first one of its kernel.  @starts is the last record before
 * that has resetCount, or NULL.
 */
void imatally_booted_record(struct imatally_booted *booted, uint64_t index,
			    const struct imatally_record *rec, bool first,
			    const struct imatally_kernels *kernels,
			    const struct imatally_record *starts);

/*
 * Return whether a kernel begins with the entry, or may do so.  It is compared
 * only then.
 */
bool imatally_booted_counts(const struct imatally_aggregate *aggregate,
			    const struct imatally_kernels *kernels);

/* Compare it with the PCRs.  They are unknown if a value is missing. */
enum imatally_match imatally_booted_compare(const struct imatally_aggregate *aggregate,
					    const struct imatally_pcrs *pcrs);

/* Return the value of a PCR in bank @alg, or NULL. */
const struct imatally_bank_value *
imatally_pcrs_find(const struct imatally_pcrs *pcrs, uint32_t index,
		   uint16_t alg);

/* Keep copies of the values of PCRs 0 to 9.  False when out of memory. */
bool imatally_booted_copy(struct imatally_pcrs *to,
			  const struct imatally_pcrs *from);

#endif /* IMATALLY_BOOTED_H */
