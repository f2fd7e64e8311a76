/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's templates: the fields of an entry and their formats. */
#ifndef IMATALLY_TEMPLATE_H
#define IMATALLY_TEMPLATE_H

#include "private.h"

#define IMATALLY_MAX_TEMPLATE_NAME 255

/*
 * The format of a field's bytes, which determines how an ASCII list shows them.
 */
enum imatally_shape {
	IMATALLY_SHAPE_DIGEST,		/* only a digest */
	IMATALLY_SHAPE_NAMED_DIGEST,	/* "sha256:", NUL, the digest */
	IMATALLY_SHAPE_NAME,		/* terminated; never empty */
	IMATALLY_SHAPE_STRING,		/* terminated, or empty */
	IMATALLY_SHAPE_BYTES,
	IMATALLY_SHAPE_TEXT,
	IMATALLY_SHAPE_U16,
	IMATALLY_SHAPE_U32,
};

struct imatally_field_type {
	const char *id;
	enum imatally_shape shape;
};

/* Initialize with zeroes. */
struct imatally_template {
	uint32_t name_len;
	char name[IMATALLY_MAX_TEMPLATE_NAME];	/* not terminated */
	bool is_ima;		/* template "ima", which is hashed differently */
	unsigned int nr_fields;
	const struct imatally_field_type *field[IMATALLY_MAX_FIELDS];
};

/*
 * Set @t to the template called @name, which may also be a format string.  Fast
 * if @t is that template already.  False if it is unknown or has an unknown
 * field; @t is then invalid.
 */
bool imatally_template_find(struct imatally_template *t, const char *name,
			    size_t len);

#endif /* IMATALLY_TEMPLATE_H */
