// SPDX-License-Identifier: GPL-2.0-only
/* Parsing PCR values as printed by tpm2-tools and sysfs. */

#include <stdlib.h>
#include <string.h>

#include "private.h"

struct line {
	const char *start, *end;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct line trim(struct line line)
{
	while (line.start < line.end && is_space(*line.start))
		line.start++;
	while (line.start < line.end && is_space(line.end[-1]))
		line.end--;
	return line;
}

/* Return whether one of the first @nr values is of bank @alg. */
static bool has_bank(const struct imatally_pcrs *pcrs, size_t nr, uint16_t alg)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (pcrs->pcr[i].bank.alg == alg)
			return true;
	return false;
}

static unsigned int count_banks(const struct imatally_pcrs *pcrs)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < pcrs->nr; i++)
		nr += !has_bank(pcrs, i, pcrs->pcr[i].bank.alg);
	return nr;
}

static enum imatally_status add(struct imatally_pcrs *pcrs,
				const struct imatally_pcr *new,
				struct imatally_error *err)
{
	struct imatally_pcr *grown;
	size_t i;

	for (i = 0; i < pcrs->nr; i++) {
		const struct imatally_pcr *old = &pcrs->pcr[i];

		if (old->index != new->index || old->bank.alg != new->bank.alg)
			continue;
		if (old->bank.len == new->bank.len &&
		    !memcmp(old->bank.value, new->bank.value, new->bank.len))
			return IMATALLY_OK;
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "two different values for the same PCR");
	}
	/*
	 * adding takes time linear in their number, and any 0xNNNN is an
	 * algorithm
	 */
	if (!has_bank(pcrs, pcrs->nr, new->bank.alg) &&
	    count_banks(pcrs) == IMATALLY_MAX_BANKS)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "values of more than %d banks: give those of a single TPM",
				     IMATALLY_MAX_BANKS);
	grown = realloc(pcrs->pcr, (pcrs->nr + 1) * sizeof(*grown));
	if (!grown)
		return imatally_fail(err, IMATALLY_ERR_NOMEM, "out of memory");
	grown[pcrs->nr++] = *new;
	pcrs->pcr = grown;
	return IMATALLY_OK;
}

static enum imatally_status add_value(struct imatally_pcrs *pcrs,
				      uint32_t index, uint16_t alg,
				      struct line digits,
				      struct imatally_error *err)
{
	struct imatally_pcr pcr = { .index = index, .bank.alg = alg };
	size_t known_size = imatally_alg_size(alg), size = known_size;
	char name[IMATALLY_ALG_NAME_SIZE];

	if (digits.end - digits.start > 2 && digits.start[0] == '0' &&
	    (digits.start[1] == 'x' || digits.start[1] == 'X'))
		digits.start += 2;
	if (!size && digits.end - digits.start <= 2 * IMATALLY_MAX_DIGEST)
		size = (digits.end - digits.start) / 2;
	if (!size || (size_t)(digits.end - digits.start) != 2 * size ||
	    !imatally_hex_decode(pcr.bank.value, size, digits.start)) {
		if (known_size)
			return imatally_fail(err, IMATALLY_ERR_MALFORMED,
					     "not a %s digest: %zu hexadecimal digits expected",
					     imatally_alg_name(alg, name),
					     2 * known_size);
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "not a digest in hexadecimal");
	}
	pcr.bank.len = size;
	return add(pcrs, &pcr, err);
}

enum imatally_status imatally_pcrs_add_hex(struct imatally_pcrs *pcrs,
					   uint32_t index, uint16_t alg,
					   const char *text, size_t len,
					   struct imatally_error *err)
{
	return add_value(pcrs, index, alg,
			 trim((struct line){ text, text + len }), err);
}

/* "10", up to IMATALLY_MAX_PCR */
static bool parse_index(struct line line, uint32_t *index)
{
	const char *c;

	*index = 0;
	for (c = line.start; c < line.end; c++) {
		if (*c < '0' || *c > '9')
			return false;
		*index = *index * 10 + (*c - '0');
		if (*index > IMATALLY_MAX_PCR)
			return false;
	}
	return line.end > line.start;
}

/*
 * tpm2_pcrread prints
 *
 *	  sha256:
 *	    0 : 0x0123...
 *	    10: 0x4567...
 */
static enum imatally_status parse_line(struct imatally_pcrs *pcrs,
				       struct line line, uint16_t *alg,
				       bool *any, struct imatally_error *err)
{
	const char *colon = memchr(line.start, ':', line.end - line.start);
	struct line name, value;
	uint32_t index;

	if (!colon)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "neither a bank (\"sha256:\") nor a PCR value (\"10: 0x...\")");
	name = trim((struct line){ line.start, colon });
	value = trim((struct line){ colon + 1, line.end });

	if (value.start == value.end) {
		*alg = imatally_alg_from_name(name.start,
					      name.end - name.start);
		if (!*alg)
			return imatally_fail(err, IMATALLY_ERR_MALFORMED,
					     "unknown hash algorithm");
		return IMATALLY_OK;
	}
	if (!parse_index(name, &index))
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "not a PCR index from 0 to %d",
				     IMATALLY_MAX_PCR);
	if (!*alg)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "PCR value before the first bank");
	*any = true;
	return add_value(pcrs, index, *alg, value, err);
}

/*
 * The kernel's file "pcrs" of a TPM 1.2, which has SHA-1 only:
 *
 *	PCR-00: 01 23 45 ...
 *	PCR-10: 67 89 AB ...
 */
static const char kernel_start[] = "PCR-";

static bool is_kernel_line(struct line line)
{
	size_t len = strlen(kernel_start);

	return (size_t)(line.end - line.start) > len &&
	       !memcmp(line.start, kernel_start, len);
}

static enum imatally_status parse_kernel_line(struct imatally_pcrs *pcrs,
					      struct line line,
					      struct imatally_error *err)
{
	const char *colon = memchr(line.start, ':', line.end - line.start);
	char digits[2 * IMATALLY_SHA1_SIZE + 1];
	size_t nr = 0;
	const char *c;
	uint32_t index;

	line.start += strlen(kernel_start);
	if (!colon || !parse_index((struct line){ line.start, colon }, &index))
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "not a PCR index from 0 to %d",
				     IMATALLY_MAX_PCR);
	/* one digit too many is kept, and found to be wrong */
	for (c = colon + 1; c < line.end && nr < sizeof(digits); c++)
		if (*c != ' ')
			digits[nr++] = *c;
	return add_value(pcrs, index, IMATALLY_ALG_SHA1,
			 (struct line){ digits, digits + nr }, err);
}

enum imatally_status imatally_pcrs_add_pcrread(struct imatally_pcrs *pcrs,
					       const char *text, size_t len,
					       struct imatally_error *err)
{
	const char *end = text + len;
	unsigned int number = 0;
	bool any = false;
	uint16_t alg = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', end - text);
		const char *stop = newline ? newline : end;
		struct line line = trim((struct line){ text, stop });
		struct imatally_error why;

		enum imatally_status status = IMATALLY_OK;

		number++;
		if (is_kernel_line(line)) {
			status = parse_kernel_line(pcrs, line, &why);
			any = true;
		} else if (line.start < line.end) {
			status = parse_line(pcrs, line, &alg, &any, &why);
		}
		if (status)
			return imatally_fail(err, status, "line %u: %s",
					     number, why.text);
		text = newline ? newline + 1 : end;
	}
	if (!any)
		return imatally_fail(err, IMATALLY_ERR_MALFORMED,
				     "no PCR values found");
	return IMATALLY_OK;
}

void imatally_pcrs_free(struct imatally_pcrs *pcrs)
{
	free(pcrs->pcr);
	pcrs->pcr = NULL;
	pcrs->nr = 0;
}
