// SPDX-License-Identifier: GPL-2.0
/*
 * Prints by how much this machine's TPM increments its pcrUpdateCounter for each
 * command that updates PCRs, next to what the kernel's account expects
 * (drivers/char/tpm/tpm2-account.c).
 *
 * It needs no kernel with the account, only a TPM 2.0 and its device. It extends
 * and resets PCR 16, the debug PCR, and extends the PCR that --pcr names. Others
 * may update PCRs while it runs, so each command is sent several times, and the
 * smallest increment counts.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tpm2.h"

#define CC_PCR_RESET			0x013d
#define CC_GET_CAPABILITY		0x017a
#define CC_EVENT_SEQUENCE_COMPLETE	0x0185
#define CC_HASH_SEQUENCE_START		0x0186
#define CAP_PCRS			5
#define CAP_TPM_PROPERTIES		6
#define CAP_PCR_PROPERTIES		7
#define PT_MANUFACTURER			0x105
#define PT_VENDOR_STRING_1		0x106
#define PT_FIRMWARE_VERSION_1		0x10b
#define PT_FIRMWARE_VERSION_2		0x10c
#define PT_PCR_NO_INCREMENT		0x11
#define RH_NULL				0x40000007

#define NR_PCRS		24
#define DEBUG_PCR	16
#define MAX_BANKS	16
#define REPETITIONS	5

/* Exit statuses; 4 is what kselftest takes for a test that was skipped. */
enum { AS_EXPECTED = 0, DIFFERS = 1, FAILED = 2, NO_TPM = 4 };

/* PCRs 16, 21, 22 and 23, which the kernel assumes not to count if not told */
#define ASSUMED_NO_INCREMENT	0x00e10000

struct bank {
	uint16_t alg;
	uint32_t pcrs;
};

static const char *device = TPMRM_DEV;
static struct bank banks[MAX_BANKS];
static unsigned int nr_banks;
static uint32_t no_increment = ASSUMED_NO_INCREMENT;
static unsigned int differences;

static void get_capability(int fd, uint32_t capability, uint32_t property,
			   uint32_t count, struct tpm2_buffer *rsp)
{
	struct tpm2_buffer cmd;
	int rc;

	tpm2_begin(&cmd, CC_GET_CAPABILITY);
	tpm2_put(&cmd, capability, 4);
	tpm2_put(&cmd, property, 4);
	tpm2_put(&cmd, count, 4);
	rc = tpm2_transmit(fd, &cmd, rsp);
	if (rc) {
		fprintf(stderr, "%s: TPM2_GetCapability(%u): %d\n",
			program_invocation_short_name, capability, rc);
		exit(FAILED);
	}
}

static uint32_t property(int fd, uint32_t tag)
{
	struct tpm2_buffer rsp;

	/* moreData, capability, count, tag, value */
	get_capability(fd, CAP_TPM_PROPERTIES, tag, 1, &rsp);
	return tpm2_get(&rsp, TPM2_HEADER_SIZE + 9, 4) == tag ?
	       tpm2_get(&rsp, TPM2_HEADER_SIZE + 13, 4) : 0;
}

/* Read a PCR selection, of which only the PCRs below 24 are known. */
static uint32_t selection(const struct tpm2_buffer *rsp, size_t *at)
{
	unsigned int i, size = tpm2_get(rsp, (*at)++, 1);
	uint32_t pcrs = 0;

	for (i = 0; i < size; i++, (*at)++)
		if (i < NR_PCRS / 8)
			pcrs |= tpm2_get(rsp, *at, 1) << (8 * i);
	return pcrs;
}

static const char *alg_name(uint16_t id)
{
	const struct tpm2_alg *alg = tpm2_find_alg(id);
	static char number[8];

	if (alg)
		return alg->name;
	snprintf(number, sizeof(number), "0x%04x", id);
	return number;
}

static void print_pcrs(uint32_t pcrs)
{
	const char *separator = "";
	unsigned int i, last;

	for (i = 0; i < NR_PCRS; i = last + 1) {
		for (last = i; last + 1 < NR_PCRS && (pcrs & 1 << i) &&
		     (pcrs & 1 << (last + 1)); last++)
			;
		if (!(pcrs & 1 << i))
			continue;
		printf(last > i ? "%s%u-%u" : "%s%u", separator, i, last);
		separator = ", ";
	}
	printf(pcrs ? "\n" : "none\n");
}

static void print_text(uint32_t value)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		char c = value >> (24 - 8 * i);

		if (c >= ' ' && c <= '~')
			putchar(c);
	}
}

static void describe(int fd)
{
	struct tpm2_buffer rsp;
	unsigned int i;
	size_t at;

	printf("manufacturer  ");
	print_text(property(fd, PT_MANUFACTURER));
	printf("\nvendor        ");
	for (i = 0; i < 4; i++)
		print_text(property(fd, PT_VENDOR_STRING_1 + i));
	printf("\nfirmware      %08x %08x\n", property(fd, PT_FIRMWARE_VERSION_1),
	       property(fd, PT_FIRMWARE_VERSION_2));

	get_capability(fd, CAP_PCRS, 0, 1, &rsp);
	at = TPM2_HEADER_SIZE + 9;
	for (i = 0; i < tpm2_get(&rsp, TPM2_HEADER_SIZE + 5, 4) && at < rsp.len &&
	     nr_banks < MAX_BANKS; i++) {
		banks[nr_banks].alg = tpm2_get(&rsp, at, 2);
		at += 2;
		banks[nr_banks].pcrs = selection(&rsp, &at);
		printf("bank          %s: ", alg_name(banks[nr_banks].alg));
		print_pcrs(banks[nr_banks].pcrs);
		if (banks[nr_banks].pcrs)
			nr_banks++;
	}

	get_capability(fd, CAP_PCR_PROPERTIES, PT_PCR_NO_INCREMENT, 1, &rsp);
	at = TPM2_HEADER_SIZE + 13;
	if (tpm2_get(&rsp, TPM2_HEADER_SIZE + 5, 4) == 1 &&
	    tpm2_get(&rsp, TPM2_HEADER_SIZE + 9, 4) == PT_PCR_NO_INCREMENT) {
		no_increment = selection(&rsp, &at);
		printf("never count   ");
	} else {
		printf("never count   not reported, the kernel assumes ");
	}
	print_pcrs(no_increment);
}

/* Start a hash sequence of events, whose handle the last command needs. */
static int start_sequence(int fd, uint32_t *handle)
{
	struct tpm2_buffer cmd, rsp;
	int rc;

	tpm2_begin(&cmd, CC_HASH_SEQUENCE_START);
	tpm2_put(&cmd, 0, 2);
	tpm2_put(&cmd, 0x0010, 2);
	rc = tpm2_transmit(fd, &cmd, &rsp);
	*handle = tpm2_get(&rsp, TPM2_HEADER_SIZE, 4);
	return rc;
}

/*
 * Print a line of the table. @sequence: the command completes a sequence, and
 * is made from its handle; @ids: the digests of an extend
 */
static void measure(int fd, const char *what, uint32_t code, uint32_t handle,
		    const uint16_t *ids, unsigned int count, unsigned int rule)
{
	uint32_t before, after, least = UINT32_MAX, handles[] = { handle, 0 };
	struct tpm2_buffer cmd, rsp;
	unsigned int i, n;
	char name[16];
	int rc = 0;

	for (n = 0; n < REPETITIONS && !rc; n++) {
		if (code == CC_EVENT_SEQUENCE_COMPLETE) {
			rc = start_sequence(fd, &handles[1]);
			if (rc)
				break;
			tpm2_begin_auth(&cmd, code, handles, 2);
		} else {
			tpm2_begin_auth(&cmd, code, handles, 1);
		}
		if (code == TPM2_CC_PCR_EXTEND) {
			tpm2_put(&cmd, count, 4);
			for (i = 0; i < count; i++) {
				tpm2_put(&cmd, ids[i], 2);
				tpm2_put_filler(&cmd, tpm2_find_alg(ids[i])->size);
			}
		} else if (code != CC_PCR_RESET) {
			tpm2_put(&cmd, 5, 2);
			tpm2_put_filler(&cmd, 5);
		}

		if (tpm2_read_counter(fd, &before)) {
			rc = -EIO;
			break;
		}
		rc = tpm2_transmit(fd, &cmd, &rsp);
		if (tpm2_read_counter(fd, &after))
			rc = -EIO;
		if (after - before < least)
			least = after - before;
	}

	snprintf(name, sizeof(name), handle == RH_NULL ? "none" : "%u", handle);
	if (rc > 0) {
		printf("%-50s %4s     -  refused: 0x%x\n", what, name, rc);
		return;
	}
	if (rc) {
		printf("%-50s %4s     -  %s\n", what, name, strerror(-rc));
		return;
	}
	printf("%-50s %4s  %4u  %8u%s\n", what, name, rule, least,
	       least == rule ? "" : "  differs");
	if (least != rule)
		differences++;
}

static void measure_extends(int fd, uint32_t pcr)
{
	bool counts = pcr < NR_PCRS && !(no_increment & 1 << pcr);
	unsigned int i, expected, held = 0, known = 0;
	uint16_t ids[MAX_BANKS];
	char what[64];
	size_t a;

	for (i = 0; i < nr_banks; i++) {
		expected = counts && (banks[i].pcrs & 1 << pcr);
		held += expected;
		if (!tpm2_find_alg(banks[i].alg))
			continue;
		ids[known++] = banks[i].alg;
		snprintf(what, sizeof(what), "TPM2_PCR_Extend, one digest (%s)",
			 alg_name(banks[i].alg));
		measure(fd, what, TPM2_CC_PCR_EXTEND, pcr, &banks[i].alg, 1,
			expected);
	}
	if (known == nr_banks)
		measure(fd, "TPM2_PCR_Extend, a digest for each bank",
			TPM2_CC_PCR_EXTEND, pcr, ids, known, held);
	if (known) {
		const uint16_t twice[] = { ids[0], ids[0] };

		expected = 0;
		for (i = 0; i < nr_banks; i++)
			if (counts && banks[i].alg == ids[0] &&
			    (banks[i].pcrs & 1 << pcr))
				expected = 2;
		snprintf(what, sizeof(what), "TPM2_PCR_Extend, one bank twice (%s)",
			 alg_name(ids[0]));
		measure(fd, what, TPM2_CC_PCR_EXTEND, pcr, twice, 2, expected);
	}
	for (a = 0; a < TPM2_NR_ALGS; a++) {
		for (i = 0; i < nr_banks; i++)
			if (banks[i].alg == tpm2_algs[a].id)
				break;
		if (i < nr_banks)
			continue;
		snprintf(what, sizeof(what), "TPM2_PCR_Extend, a bank that is off (%s)",
			 tpm2_algs[a].name);
		measure(fd, what, TPM2_CC_PCR_EXTEND, pcr, &tpm2_algs[a].id, 1, 0);
	}
	measure(fd, "TPM2_PCR_Event", TPM2_CC_PCR_EVENT, pcr, NULL, 0, held);
	measure(fd, "TPM2_EventSequenceComplete", CC_EVENT_SEQUENCE_COMPLETE,
		pcr, NULL, 0, held);
}

static const char help[] =
	"Usage: %s [--pcr N] [--device FILE]\n"
	"\n"
	"Print by how much this TPM increments pcrUpdateCounter for each command, next to\n"
	"what the kernel's account expects.\n"
	"\n"
	"  --pcr N        measure on PCR N as well: 12 to 15, or 17 to 23\n"
	"  --device FILE  the TPM's device (/dev/tpmrm0)\n"
	"\n"
	"PCR 16, the debug PCR, is extended and reset. It does not count on most TPMs, so\n"
	"it shows little. PCR N is extended, which lasts until the next boot: until then,\n"
	"what is sealed to its value can't be unsealed, and a quote of it does not match.\n"
	"Choose one that nothing on this machine uses. PCRs 0 to 11, which firmware, boot\n"
	"loaders and IMA use, are refused.\n"
	"\n"
	"Exit status: 0 all increments are as expected, 1 some differ, 2 an error, 4 there\n"
	"is no TPM 2.0 to ask.\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pcr", required_argument, NULL, 'p' },
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	unsigned long pcr = NR_PCRS;
	uint32_t counter;
	char *end;
	int c, fd;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			pcr = strtoul(optarg, &end, 10);
			if (!*optarg || *end || pcr <= 11 || pcr >= NR_PCRS) {
				fprintf(stderr, "%s: --pcr: %s is not 12 to 23\n",
					program_invocation_short_name, optarg);
				return FAILED;
			}
			break;
		case 'd':
			device = optarg;
			break;
		case 'h':
			printf(help, program_invocation_short_name);
			return AS_EXPECTED;
		default:
			fprintf(stderr, help, program_invocation_short_name);
			return FAILED;
		}
	}
	if (optind != argc) {
		fprintf(stderr, help, program_invocation_short_name);
		return FAILED;
	}

	fd = open(device, O_RDWR);
	if (fd < 0) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name,
			device, strerror(errno));
		return errno == ENOENT ? NO_TPM : FAILED;
	}

	describe(fd);
	if (tpm2_read_counter(fd, &counter)) {
		fprintf(stderr, "%s: TPM2_PCR_Read failed\n",
			program_invocation_short_name);
		return FAILED;
	}
	printf("counter       %u\n\n", counter);

	printf("%-50s  PCR  rule  measured\n", "command");
	measure_extends(fd, RH_NULL);
	measure_extends(fd, DEBUG_PCR);
	measure(fd, "TPM2_PCR_Reset", CC_PCR_RESET, DEBUG_PCR, NULL, 0,
		!(no_increment & 1 << DEBUG_PCR));
	if (pcr < NR_PCRS)
		measure_extends(fd, pcr);

	printf("\n");
	if (differences)
		printf("%u increments differ from the rule\n", differences);
	else
		printf("all increments are as the rule says\n");
	if (pcr == NR_PCRS)
		printf("no PCR that counts was extended; see --help for --pcr\n");
	close(fd);
	return differences ? DIFFERS : AS_EXPECTED;
}
