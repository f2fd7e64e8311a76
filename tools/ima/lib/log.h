/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a log again. */
#ifndef IMATALLY_LOG_H
#define IMATALLY_LOG_H

#include "private.h"

/* Whether imatally_log_seek() can work: not on a pipe. */
bool imatally_log_can_seek(const struct imatally_log *log);

/*
 * Go on with the entry number @index, which begins at @offset of the first
 * part; 0 and 0 is the start.  An error that the log had is forgotten.  Past the
 * end of the log it ends.  IMATALLY_ERR_IO if the file can't seek.
 */
enum imatally_status imatally_log_seek(struct imatally_log *log,
				       uint64_t offset, uint64_t index,
				       struct imatally_error *err);

#endif /* IMATALLY_LOG_H */
