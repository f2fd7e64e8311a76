/* SPDX-License-Identifier: GPL-2.0-only */
/* json.c: JSON on standard output, one value per line. */
#ifndef PROGRAMS_JSON_H
#define PROGRAMS_JSON_H

#include "../lib/json_whole.h"
#include "commands.h"

/*
 * These functions return NULL if an argument is NULL, so that only the result
 * of the last one, js_put(), has to be checked.
 */

/* A string; bytes that are not UTF-8 are replaced by '?'. */
json_t *js_text(const char *text);
/* The name of an algorithm, from imatally_alg_name(). */
json_t *js_alg(uint16_t alg);
/* A number, or null if it is not @valid. */
json_t *js_number(bool valid, int64_t number);
/* The last error message, for the member "error". */
json_t *js_error(void);

/* Add a member, and return @object or NULL.  Takes over both references. */
json_t *js_with(json_t *object, const char *key, json_t *value);

/*
 * Return whether "--json" is one of the arguments, so that errors in other
 * arguments are reported as JSON.
 */
bool js_wanted(int argc, char *argv[]);

/* Print @value and free it.  Returns -1 after an error message. */
int js_put(json_t *value);

#endif /* PROGRAMS_JSON_H */
