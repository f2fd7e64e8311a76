/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the library, the command and the tests; not installed. */
#ifndef IMATALLY_ARRAY_SIZE_H
#define IMATALLY_ARRAY_SIZE_H

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif /* IMATALLY_ARRAY_SIZE_H */
