/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a list more than once. */
#ifndef IMATALLY_LOG_H
#define IMATALLY_LOG_H

#include "private.h"

/* Return whether imatally_log_seek() is possible, which it is not on a pipe. */
bool imatally_log_can_seek(const struct imatally_log *log);

/*
 * Continue with entry @index, which begins at @offset in all parts together;
 * both are 0 for the start.  Clears an error.  An offset beyond the end of the
 * list is the end.  Returns IMATALLY_ERR_IO if the file cannot seek.
 */
enum imatally_status imatally_log_seek(struct imatally_log *log,
				       uint64_t offset, uint64_t index,
				       struct imatally_error *err);

/* Return the number of bytes in the parts before the one of the last entry. */
uint64_t imatally_log_before(const struct imatally_log *log);

#endif /* IMATALLY_LOG_H */
