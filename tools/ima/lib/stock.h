/* SPDX-License-Identifier: GPL-2.0-only */
/* What lists of kernels without this project's records say about themselves. */
#ifndef IMATALLY_STOCK_H
#define IMATALLY_STOCK_H

#include "private.h"

struct imatally_stock {
	bool writes_events;	/* the kernel of the last entry does */
	bool executed;		/* the last one was kexec_execute */
	uint64_t missing;	/* entries of its list, according to them */
	unsigned int nr_findings;
	struct imatally_finding finding[16];
};

void imatally_stock_entry(struct imatally_stock *stock,
			  const struct imatally_entry *entry);

#endif /* IMATALLY_STOCK_H */
