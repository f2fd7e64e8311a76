/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Putting entries back into a list from a copy of it.  Whoever made the copy may
 * have invented it, so this only proposes a longer list: the verifier judges that
 * one like any other, and the copy counts only if the replay then reaches the PCR
 * values.
 */
#ifndef IMATALLY_RESTORE_H
#define IMATALLY_RESTORE_H

#include "private.h"

struct imatally_restore;

/* NULL when out of memory. */
struct imatally_restore *imatally_restore_new(void);
void imatally_restore_free(struct imatally_restore *restore);

/*
 * Add a part of the copy, which counts up to its first malformed entry.  @run must
 * be able to seek, and remain open.
 */
enum imatally_status imatally_restore_add(struct imatally_restore *restore,
					  struct imatally_log *run);

/*
 * Find where entries are missing from @log according to @result, the answer
 * without the copy, and these places in the copy.  Returns IMATALLY_ERR_IO with
 * @err if one of the two cannot be read.
 */
enum imatally_status imatally_restore_plan(struct imatally_restore *restore,
					   const struct imatally_result *result,
					   struct imatally_log *log,
					   struct imatally_error *err);

/* Begin another reading of the list. */
void imatally_restore_rewind(struct imatally_restore *restore);

/*
 * Like imatally_log_next(), for the list with entries put back.  Entries are
 * numbered as in the longer list; *@is_back tells that this one is from the copy.
 */
int imatally_restore_next(struct imatally_restore *restore,
			  struct imatally_log *log,
			  struct imatally_entry *entry, bool *is_back,
			  struct imatally_error *err);

/*
 * How many entries were missing in all, as far as the records counted them, and
 * how many of these the copy had, in the last reading.
 */
uint64_t imatally_restore_missing(const struct imatally_restore *restore);
uint64_t imatally_restore_had(const struct imatally_restore *restore);

/*
 * Return whether the answer @with, for the list with entries put back, takes the
 * place of the answer without: no entry is missing any more, and the replay did
 * without a PCR value from a record.
 */
bool imatally_restore_closes(const struct imatally_result *with);

#endif /* IMATALLY_RESTORE_H */
