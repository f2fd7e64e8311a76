// SPDX-License-Identifier: GPL-2.0-only
/*
 * What booted.  Firmware, boot loaders and the kernel's EFI stub extend PCRs 0
 * to 9, and IMA's first entry is a digest over them (ima_calc_boot_aggregate()).
 * Only a reset of the TPM takes an extend back, so the aggregate of each kernel
 * since then is that of the PCRs now, unless something was extended later.  A
 * kexec extends none of them.
 */

#include <stdlib.h>
#include <string.h>

#include "booted.h"

/* The PCRs that the aggregate covers: 8 and 9 only with later algorithms. */
static unsigned int covered(uint16_t alg)
{
	return alg == IMATALLY_ALG_SHA1 ? 8 : IMATALLY_NR_BOOT_PCRS;
}

/*
 * Read the first field: 20 bytes (template "ima"), or an algorithm's name, with
 * "ima:" before it in later templates, a colon, a NUL and the digest.  It is
 * read by its content: no digest covers the name of the template, from which
 * the name of the field follows.
 */
static void read_digest(const struct imatally_entry *entry,
			struct imatally_bank_value *value)
{
	const struct imatally_field *field = &entry->fields[0];
	const char *start = (const char *)field->data, *end, *c;
	size_t len;

	*value = (struct imatally_bank_value){ 0 };
	if (!entry->nr_fields || !field->len)
		return;
	end = memchr(start, '\0', field->len);
	if (entry->is_ima && field->len == IMATALLY_SHA1_SIZE) {
		value->alg = IMATALLY_ALG_SHA1;
		len = field->len;
		c = start;
	} else if (end && end > start && end[-1] == ':') {
		for (c = end - 1; c > start && c[-1] != ':'; c--)
			;
		value->alg = imatally_alg_from_name(c, end - 1 - c);
		c = end + 1;
		len = field->len - (c - start);
	} else {
		return;
	}
	if (len != imatally_alg_size(value->alg)) {
		value->alg = 0;
		return;
	}
	value->len = len;
	memcpy(value->value, c, len);
}

static void drop(struct imatally_booted *b, unsigned int i)
{
	memmove(&b->kept[i], &b->kept[i + 1],
		(--b->nr - i) * sizeof(*b->kept));
}

/*
 * Make room.  Any user can add entries of that name, so of too many the last one
 * has to go: a kernel's own comes before those of users, and is followed by its
 * boot record.
 */
static bool make_room(struct imatally_booted *b)
{
	if (b->nr == IMATALLY_MAX_AGGREGATES && !b->kept[b->nr - 1].is_start)
		b->nr--;
	return b->nr < IMATALLY_MAX_AGGREGATES;
}

void imatally_booted_entry(struct imatally_booted *b,
			   const struct imatally_entry *entry)
{
	struct imatally_aggregate *new;

	if (!make_room(b))
		return;
	new = &b->kept[b->nr++];
	new->index = entry->index;
	new->is_start = false;
	read_digest(entry, &new->value);
}

/*
 * Return the number of entries at the start of the list that are of an earlier
 * boot of the TPM: a hibernated kernel brings its list along, and the firmware
 * then started the machine that resumes it.
 */
static uint64_t of_earlier_boot(uint64_t index, const struct imatally_record *rec,
				const struct imatally_kernels *kernels,
				const struct imatally_record *starts)
{
	bool known = starts && imatally_record_has(rec, IMATALLY_KEY_RESETS);
	bool differs = known && rec->value[IMATALLY_KEY_RESETS] !=
					starts->value[IMATALLY_KEY_RESETS];

	if (rec->event == IMATALLY_EVENT_RESUME)
		return differs || !known ? index : 0;
	return rec->event == IMATALLY_EVENT_BOOT && differs ? kernels->start : 0;
}

static bool is_same(const struct imatally_bank_value *a,
		    const struct imatally_bank_value *b)
{
	return a->alg == b->alg && a->len == b->len &&
	       !memcmp(a->value, b->value, a->len);
}

static bool is_repeated(const struct imatally_booted *b, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < i; j++)
		if (is_same(&b->kept[j].value, &b->kept[i].value))
			return true;
	return false;
}

void imatally_booted_record(struct imatally_booted *b, uint64_t index,
			    const struct imatally_record *rec, bool first,
			    const struct imatally_kernels *kernels,
			    const struct imatally_record *starts)
{
	uint64_t earlier = of_earlier_boot(index, rec, kernels, starts);
	unsigned int i = 0;

	while (i < b->nr) {
		struct imatally_aggregate *aggregate = &b->kept[i];

		if (first && kernels->has_boot_aggregate &&
		    aggregate->index == kernels->start)
			aggregate->is_start = true;
		if (!aggregate->is_start || aggregate->index < earlier ||
		    is_repeated(b, i))
			drop(b, i);
		else
			i++;
	}
}

bool imatally_booted_counts(const struct imatally_aggregate *aggregate,
			    const struct imatally_kernels *k)
{
	if (aggregate->is_start || !k->has_record)
		return true;
	/* nothing else follows this record in its kernel */
	return k->executed && aggregate->index == k->record + 1;
}

const struct imatally_bank_value *
imatally_pcrs_find(const struct imatally_pcrs *pcrs, uint32_t index,
		   uint16_t alg)
{
	size_t i;

	for (i = 0; i < pcrs->nr; i++)
		if (pcrs->pcr[i].index == index && pcrs->pcr[i].bank.alg == alg)
			return &pcrs->pcr[i].bank;
	return NULL;
}

enum imatally_match imatally_booted_compare(const struct imatally_aggregate *aggregate,
					    const struct imatally_pcrs *pcrs)
{
	const struct imatally_bank_value *value = &aggregate->value;
	uint8_t values[IMATALLY_NR_BOOT_PCRS * IMATALLY_MAX_DIGEST];
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct imatally_hash hash;
	unsigned int pcr;
	size_t len = 0;
	bool done;

	for (pcr = 0; pcr < covered(value->alg); pcr++) {
		const struct imatally_bank_value *bank =
			imatally_pcrs_find(pcrs, pcr, value->alg);

		if (!bank)
			return IMATALLY_MATCH_UNKNOWN;
		memcpy(values + len, bank->value, bank->len);
		len += bank->len;
	}
	done = !imatally_hash_init(&hash, value->alg) &&
	       imatally_hash(&hash, values, len, digest);
	imatally_hash_free(&hash);
	if (!done)
		return IMATALLY_MATCH_UNKNOWN;
	return memcmp(digest, value->value, value->len) ?
		       IMATALLY_MATCH_DIFFERENT : IMATALLY_MATCH_SAME;
}

bool imatally_booted_copy(struct imatally_pcrs *to,
			  const struct imatally_pcrs *from)
{
	struct imatally_pcr *pcr = malloc((from->nr + 1) * sizeof(*pcr));
	size_t i;

	if (!pcr)
		return false;
	imatally_pcrs_free(to);
	to->pcr = pcr;
	for (i = 0; i < from->nr; i++)
		if (from->pcr[i].index < IMATALLY_NR_BOOT_PCRS)
			pcr[to->nr++] = from->pcr[i];
	return true;
}
