/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mainline's event kexec_execute (critical data "ima_kexec", since 6.16).  The
 * kernel makes it after all processes have ended, so it is in no copy of the list;
 * but what it says follows from the event kexec_load and from the entries since.
 */
#ifndef IMATALLY_KEXEC_EVENT_H
#define IMATALLY_KEXEC_EVENT_H

#include "private.h"

/* Initialize with zeroes. */
struct imatally_kexec_event {
	bool has_load;			/* there was an event kexec_load */
	/* what kexec_execute would say now */
	uint64_t segment_size, list_size, count;
	/* the form of such an entry on this machine */
	uint32_t pcr;
	bool big_endian, unknown_template;
	uint16_t alg;
	uint8_t alg_field[16];		/* the algorithm, before the digest */
	uint32_t alg_len;
	const char *id[3];
	char template_name[32];
	uint32_t template_name_len;
	/* the entry that was made */
	uint8_t data[512], digest[IMATALLY_SHA1_SIZE];
};

/* Take note of the next entry of the list. */
void imatally_kexec_event_see(struct imatally_kexec_event *event,
			      const struct imatally_entry *entry);

/*
 * Make the event that the kernel would have added as the next entry.  @entry is
 * valid until the next call.  False if no event kexec_load tells.
 */
bool imatally_kexec_event_make(struct imatally_kexec_event *event,
			       struct imatally_entry *entry);

#endif /* IMATALLY_KEXEC_EVENT_H */
