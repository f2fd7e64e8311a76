/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page.c: self-contained HTML pages.  A page loads nothing, and as a second line of
 * defence besides escaping, its content security policy allows no other script or
 * style than its own.
 */
#ifndef PROGRAMS_PAGE_H
#define PROGRAMS_PAGE_H

#include <stdio.h>

/* Escape text for any place in a page, and replace control characters. */
void page_put_escaped(FILE *to, const char *text);

/* Put the hash of a script or style, for the policy. */
void page_put_hash(FILE *to, const char *of);

/* Fills in what the comment <!--@NAME--> in a page stands for. */
typedef void page_place_fn(FILE *to, const char *name, const void *data);

/*
 * Put the page @text.  The places "style" and "style-hash", which all pages have, are
 * filled in here, and all others by @put.
 */
void page_put(FILE *to, const char *text, page_place_fn *put, const void *data);

#endif /* PROGRAMS_PAGE_H */
