/* SPDX-License-Identifier: GPL-2.0-only */
/* json.c: JSON on standard output, one value a line. */
#ifndef PROGRAMS_JSON_H
#define PROGRAMS_JSON_H

#include <jansson.h>

#include "commands.h"

/*
 * All of them take NULL for what could not be made, and make NULL of it: only
 * the last step, js_put(), has to be checked.
 */

/* Any bytes: those that are not UTF-8 become '?'. */
json_t *js_text(const char *text);
json_t *js_hex(const uint8_t *data, size_t len);
/* Its name, as imatally_alg_name() has it. */
json_t *js_alg(uint16_t alg);
/* Number, or null if it is not @valid. */
json_t *js_number(bool valid, int64_t number);
/* The last complaint, as the member "error" of any output. */
json_t *js_error(void);

/* Add a member; both are consumed or freed.  Returns @object, or NULL. */
json_t *js_with(json_t *object, const char *key, json_t *value);
/* Add an element in the same way. */
json_t *js_append(json_t *array, json_t *value);

/*
 * Whether "--json" is among the arguments, wherever: a program gets JSON even if
 * others of them are wrong.
 */
bool js_wanted(int argc, char *argv[]);

/* Print @value and free it.  -1 after a complaint. */
int js_put(json_t *value);

#endif /* PROGRAMS_JSON_H */
