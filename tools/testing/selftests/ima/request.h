/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests records in tests. To be included after the test harness.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "machine.h"
#include "measurement_list.h"

/**
 * request - request a record and find it
 * @list: output: the list with the record, to be freed with list_free()
 *
 * The test fails if there is no record, or if it is not the last one.
 *
 * Return: the index of the record.
 */
static long request(struct __test_metadata *_metadata, struct list *list)
{
	long index;

	ASSERT_EQ(0, file_write(REQUEST_FILE, "1\n"));
	ASSERT_EQ(0, list_read(list));
	index = list_find_last(list, "pcr_counter", "request");
	ASSERT_LE(0, index);
	ASSERT_EQ(index, list_find_last(list, "pcr_counter", NULL));
	return index;
}

#endif
