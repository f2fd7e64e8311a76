/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's templates: which fields stand in an entry, and how. */
#ifndef IMATALLY_TEMPLATE_H
#define IMATALLY_TEMPLATE_H

#include "private.h"

#define IMATALLY_MAX_TEMPLATE_NAME 255

/* What the bytes of a field are; an ASCII list shows each in its own way. */
enum imatally_shape {
	IMATALLY_SHAPE_DIGEST,		/* nothing but a digest */
	IMATALLY_SHAPE_NAMED_DIGEST,	/* "sha256:", NUL, the digest */
	IMATALLY_SHAPE_NAME,		/* terminated; never empty */
	IMATALLY_SHAPE_STRING,		/* terminated, or nothing at all */
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
	bool is_ima;		/* the original one, hashed otherwise */
	unsigned int nr_fields;
	const struct imatally_field_type *field[IMATALLY_MAX_FIELDS];
};

/*
 * Find a template's fields; nothing to do if @t is of that name.  False if it
 * is unknown, or a format with an unknown field: then @t is of no use.
 */
bool imatally_template_find(struct imatally_template *t, const char *name,
			    size_t len);

#endif /* IMATALLY_TEMPLATE_H */
