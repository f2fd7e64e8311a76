// SPDX-License-Identifier: GPL-2.0-only
/* See json_file.h. */

#include <stdlib.h>
#include <string.h>

#include "json_file.h"
#include "json_whole.h"
#include "private.h"

/* Reading */

/*
 * More than any of these files has: 16 banks of 24 PCRs, and the commands of an
 * audit session.  jansson takes up to 300 bytes for a value of two, such as {}.
 */
#define MAX_VALUES 10000

/* Return whether there are so many that they would take much memory. */
static bool has_too_many(const char *text, size_t len)
{
	size_t i, nr = 0;

	for (i = 0; i < len; i++)
		nr += text[i] == '[' || text[i] == '{' || text[i] == ',';
	return nr > MAX_VALUES;
}

/*
 * The texts of jansson quote what they complain about.  The file may be a
 * secret of the verifier, if others can choose which file is read, and messages
 * may be shown to them.
 */
static const char *fault(const json_error_t *where)
{
	switch (json_error_code(where)) {
	case json_error_out_of_memory:
		return NULL;
	case json_error_stack_overflow:
		return "nested too deeply";
	case json_error_premature_end_of_input:
		return "the file ends too early";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_duplicate_key:
		return "duplicate key";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a string contains a NUL";
	case json_error_numeric_overflow:
		return "number out of range";
	default:
		return "not JSON";
	}
}

static enum imatally_status check_format(const json_t *root, const char *format,
					 int version, struct imatally_error *err)
{
	json_t *value = json_object_get(root, "format");

	if (!json_is_string(value) || strcmp(json_string_value(value), format))
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "\"format\" is not \"%s\"", format);
	value = imatally_json_member(root, "version", JSON_INTEGER, err);
	if (!value)
		return err->status;
	if (json_integer_value(value) != version)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "version %lld is not supported, only version %d",
				     (long long)json_integer_value(value),
				     version);
	return IMATALLY_OK;
}

json_t *imatally_json_open(const char *text, size_t len, const char *format,
			   int version, struct imatally_error *err)
{
	json_error_t where;
	json_t *root;

	if (has_too_many(text, len)) {
		imatally_fail(err, IMATALLY_ERR_MALFORMED,
			      "more than %d values", MAX_VALUES);
		return NULL;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!root) {
		/* jansson leaves the error empty when out of memory */
		const char *why = where.text[0] ? fault(&where) : NULL;

		if (why)
			imatally_fail(err, IMATALLY_ERR_MALFORMED,
				      "line %d, column %d: %s", where.line,
				      where.column, why);
		else
			imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
		return NULL;
	}
	if (!check_format(root, format, version, err))
		return root;
	json_decref(root);
	return NULL;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	default:
		return "an integer";
	}
}

json_t *imatally_json_member(const json_t *object, const char *name,
			     json_type type, struct imatally_error *err)
{
	json_t *value = json_object_get(object, name);

	if (value && json_typeof(value) == type)
		return value;
	imatally_fail(err, IMATALLY_ERR_MALFORMED, "\"%s\": %s expected",
		      name, type_name(type));
	return NULL;
}

enum imatally_status imatally_bytes_from_hex(struct imatally_bytes *bytes,
					     const char *digits,
					     struct imatally_error *err)
{
	size_t len = strlen(digits);

	bytes->len = len / 2;
	bytes->data = malloc(bytes->len + 1);
	if (!bytes->data)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	if (!(len % 2) &&
	    imatally_hex_decode(bytes->data, bytes->len, digits))
		return IMATALLY_OK;
	free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
	return imatally_fail(err, IMATALLY_ERR_MALFORMED,
			     "not an even number of hexadecimal digits");
}

enum imatally_status imatally_json_bytes(struct imatally_bytes *bytes,
					 const json_t *object, const char *name,
					 struct imatally_error *err)
{
	json_t *value = imatally_json_member(object, name, JSON_STRING, err);
	struct imatally_error why;
	enum imatally_status status;

	if (!value)
		return err->status;
	status = imatally_bytes_from_hex(bytes, json_string_value(value), &why);
	if (status)
		imatally_fail(err, status, "\"%s\": %s", name, why.text);
	return status;
}

/* Writing.  Calls of jansson that take a value fail if it is NULL. */

json_t *imatally_json_new(const char *format, int version)
{
	json_t *root = json_object();

	if (!json_object_set_new(root, "format", json_string(format)) &&
	    !json_object_set_new(root, "version", json_integer(version)))
		return root;
	json_decref(root);
	return NULL;
}

bool imatally_json_put_bytes(json_t *object, const char *name,
			     const struct imatally_bytes *bytes)
{
	return !json_object_set_new(object, name,
				    json_hex(bytes->data, bytes->len));
}
