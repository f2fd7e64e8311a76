// SPDX-License-Identifier: GPL-2.0-only
/* See json.h. */

#include <stdlib.h>
#include <string.h>

#include "json.h"

json_t *js_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy, *c;

	if (value)
		return value;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

json_t *js_alg(uint16_t alg)
{
	char name[IMATALLY_ALG_NAME_SIZE];

	return json_string(imatally_alg_name(alg, name));
}

json_t *js_number(bool valid, int64_t number)
{
	return valid ? json_integer(number) : json_null();
}

json_t *js_with(json_t *object, const char *key, json_t *value)
{
	if (!object)
		json_decref(value);
	else if (!json_object_set_new(object, key, value))
		return object;
	json_decref(object);
	return NULL;
}

json_t *js_error(void)
{
	const struct complaint *why = last_complaint();
	json_t *error = json_object();

	error = js_with(error, "text", js_text(why ? why->text : ""));
	if (why && why->in_log) {
		error = js_with(error, "entry", json_integer(why->entry));
		error = js_with(error, "offset", json_integer(why->offset));
	}
	return error;
}

bool js_wanted(int argc, char *argv[])
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

int js_put(json_t *value)
{
	/* as a whole, so that no line is cut when out of memory */
	char *line = json_text(value, JSON_COMPACT);
	int ret = line ? 0 : -1;

	if (line)
		puts(line);
	else
		complain("out of memory");
	free(line);
	json_decref(value);
	return ret;
}
