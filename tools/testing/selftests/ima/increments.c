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

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ST_NO_SESSIONS			0x8001
#define ST_SESSIONS			0x8002
#define CC_PCR_EVENT			0x013c
#define CC_PCR_RESET			0x013d
#define CC_GET_CAPABILITY		0x017a
#define CC_PCR_READ			0x017e
#define CC_PCR_EXTEND			0x0182
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
#define RS_PW				0x40000009

#define HEADER_SIZE	10
#define NR_PCRS		24
#define DEBUG_PCR	16
#define MAX_BANKS	16
#define REPETITIONS	5

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

/* Exit statuses; 4 is what kselftest takes for a test that was skipped. */
enum { AS_EXPECTED = 0, DIFFERS = 1, FAILED = 2, NO_TPM = 4 };

/* PCRs 16, 21, 22 and 23, which the kernel assumes not to count if not told */
#define ASSUMED_NO_INCREMENT	0x00e10000

static const struct {
	const char *name;
	uint16_t id;
	unsigned int size;
} algs[] = {
	{ "sha1", 0x0004, 20 },
	{ "sha256", 0x000b, 32 },
	{ "sha384", 0x000c, 48 },
	{ "sha512", 0x000d, 64 },
	{ "sm3", 0x0012, 32 },
	{ "sha3-256", 0x0027, 32 },
	{ "sha3-384", 0x0028, 48 },
	{ "sha3-512", 0x0029, 64 },
};

struct bank {
	uint16_t alg;
	uint32_t pcrs;
};

struct buffer {
	size_t len;
	uint8_t data[4096];
};

static const char *device = "/dev/tpmrm0";
static struct bank banks[MAX_BANKS];
static unsigned int nr_banks;
static uint32_t no_increment = ASSUMED_NO_INCREMENT;
static unsigned int differences;

static void put(struct buffer *b, uint32_t value, unsigned int size)
{
	while (size--)
		b->data[b->len++] = value >> (8 * size);
}

static void put_filler(struct buffer *b, unsigned int size)
{
	memset(&b->data[b->len], 0xa5, size);
	b->len += size;
}

static uint32_t get(const struct buffer *b, size_t at, unsigned int size)
{
	uint32_t value = 0;

	/* What the TPM did not send is 0. */
	for (; size--; at++)
		value = value << 8 | (at < b->len ? b->data[at] : 0);
	return value;
}

static void begin(struct buffer *cmd, uint32_t code)
{
	cmd->len = 0;
	put(cmd, ST_NO_SESSIONS, 2);
	put(cmd, 0, 4);
	put(cmd, code, 4);
}

/* Begin a command with handles, each of which has an empty password. */
static void begin_auth(struct buffer *cmd, uint32_t code, uint32_t handle,
		       const uint32_t *second)
{
	unsigned int i, count = second ? 2 : 1;

	begin(cmd, code);
	cmd->data[1] = ST_SESSIONS & 0xff;
	put(cmd, handle, 4);
	if (second)
		put(cmd, *second, 4);
	put(cmd, 9 * count, 4);
	for (i = 0; i < count; i++) {
		put(cmd, RS_PW, 4);
		put(cmd, 0, 2);
		put(cmd, 0, 1);
		put(cmd, 0, 2);
	}
}

/* Return 0, a negative errno, or the response code. */
static int transmit(int fd, struct buffer *cmd, struct buffer *rsp)
{
	uint32_t len = htobe32(cmd->len);
	ssize_t got;

	memcpy(&cmd->data[2], &len, sizeof(len));
	if (write(fd, cmd->data, cmd->len) != (ssize_t)cmd->len)
		return -errno;

	got = read(fd, rsp->data, sizeof(rsp->data));
	if (got < HEADER_SIZE)
		return got < 0 ? -errno : -EPROTO;

	rsp->len = got;
	return get(rsp, 6, 4);
}

static void get_capability(int fd, uint32_t capability, uint32_t property,
			   uint32_t count, struct buffer *rsp)
{
	struct buffer cmd;
	int rc;

	begin(&cmd, CC_GET_CAPABILITY);
	put(&cmd, capability, 4);
	put(&cmd, property, 4);
	put(&cmd, count, 4);
	rc = transmit(fd, &cmd, rsp);
	if (rc) {
		fprintf(stderr, "increments: TPM2_GetCapability(%u): %d\n",
			capability, rc);
		exit(FAILED);
	}
}

static uint32_t property(int fd, uint32_t tag)
{
	struct buffer rsp;

	/* moreData, capability, count, tag, value */
	get_capability(fd, CAP_TPM_PROPERTIES, tag, 1, &rsp);
	return get(&rsp, HEADER_SIZE + 9, 4) == tag ?
	       get(&rsp, HEADER_SIZE + 13, 4) : 0;
}

/* Read a PCR selection, of which only the PCRs below 24 are known. */
static uint32_t selection(const struct buffer *rsp, size_t *at)
{
	unsigned int i, size = get(rsp, (*at)++, 1);
	uint32_t pcrs = 0;

	for (i = 0; i < size; i++, (*at)++)
		if (i < NR_PCRS / 8)
			pcrs |= get(rsp, *at, 1) << (8 * i);
	return pcrs;
}

static const char *alg_name(uint16_t id)
{
	static char number[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].id == id)
			return algs[i].name;
	snprintf(number, sizeof(number), "0x%04x", id);
	return number;
}

static unsigned int digest_size(uint16_t id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].id == id)
			return algs[i].size;
	return 0;
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
	struct buffer rsp;
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
	at = HEADER_SIZE + 9;
	for (i = 0; i < get(&rsp, HEADER_SIZE + 5, 4) && at < rsp.len &&
	     nr_banks < MAX_BANKS; i++) {
		banks[nr_banks].alg = get(&rsp, at, 2);
		at += 2;
		banks[nr_banks].pcrs = selection(&rsp, &at);
		printf("bank          %s: ", alg_name(banks[nr_banks].alg));
		print_pcrs(banks[nr_banks].pcrs);
		if (banks[nr_banks].pcrs)
			nr_banks++;
	}

	get_capability(fd, CAP_PCR_PROPERTIES, PT_PCR_NO_INCREMENT, 1, &rsp);
	at = HEADER_SIZE + 13;
	if (get(&rsp, HEADER_SIZE + 5, 4) == 1 &&
	    get(&rsp, HEADER_SIZE + 9, 4) == PT_PCR_NO_INCREMENT) {
		no_increment = selection(&rsp, &at);
		printf("never count   ");
	} else {
		printf("never count   not reported, the kernel assumes ");
	}
	print_pcrs(no_increment);
}

static bool update_counter(int fd, uint32_t *counter)
{
	struct buffer cmd, rsp;

	begin(&cmd, CC_PCR_READ);
	put(&cmd, 0, 4);
	if (transmit(fd, &cmd, &rsp) || rsp.len < HEADER_SIZE + 4)
		return false;
	*counter = get(&rsp, HEADER_SIZE, 4);
	return true;
}

/* Start a hash sequence of events, whose handle the last command needs. */
static int start_sequence(int fd, uint32_t *handle)
{
	struct buffer cmd, rsp;
	int rc;

	begin(&cmd, CC_HASH_SEQUENCE_START);
	put(&cmd, 0, 2);
	put(&cmd, 0x0010, 2);
	rc = transmit(fd, &cmd, &rsp);
	*handle = get(&rsp, HEADER_SIZE, 4);
	return rc;
}

/*
 * Print a line of the table. @sequence: the command completes a sequence, and
 * is made from its handle; @ids: the digests of an extend
 */
static void measure(int fd, const char *what, uint32_t code, uint32_t handle,
		    const uint16_t *ids, unsigned int count, unsigned int rule)
{
	uint32_t before, after, least = UINT32_MAX, sequence;
	struct buffer cmd, rsp;
	unsigned int i, n;
	char name[16];
	int rc = 0;

	for (n = 0; n < REPETITIONS && !rc; n++) {
		if (code == CC_EVENT_SEQUENCE_COMPLETE) {
			rc = start_sequence(fd, &sequence);
			if (rc)
				break;
			begin_auth(&cmd, code, handle, &sequence);
		} else {
			begin_auth(&cmd, code, handle, NULL);
		}
		if (code == CC_PCR_EXTEND) {
			put(&cmd, count, 4);
			for (i = 0; i < count; i++) {
				put(&cmd, ids[i], 2);
				put_filler(&cmd, digest_size(ids[i]));
			}
		} else if (code != CC_PCR_RESET) {
			put(&cmd, 5, 2);
			put_filler(&cmd, 5);
		}

		if (!update_counter(fd, &before)) {
			rc = -EIO;
			break;
		}
		rc = transmit(fd, &cmd, &rsp);
		if (!update_counter(fd, &after))
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
		if (!digest_size(banks[i].alg))
			continue;
		ids[known++] = banks[i].alg;
		snprintf(what, sizeof(what), "TPM2_PCR_Extend, one digest (%s)",
			 alg_name(banks[i].alg));
		measure(fd, what, CC_PCR_EXTEND, pcr, &banks[i].alg, 1,
			expected);
	}
	if (known == nr_banks)
		measure(fd, "TPM2_PCR_Extend, a digest for each bank",
			CC_PCR_EXTEND, pcr, ids, known, held);
	if (known) {
		const uint16_t twice[] = { ids[0], ids[0] };

		expected = 0;
		for (i = 0; i < nr_banks; i++)
			if (counts && banks[i].alg == ids[0] &&
			    (banks[i].pcrs & 1 << pcr))
				expected = 2;
		snprintf(what, sizeof(what), "TPM2_PCR_Extend, one bank twice (%s)",
			 alg_name(ids[0]));
		measure(fd, what, CC_PCR_EXTEND, pcr, twice, 2, expected);
	}
	for (a = 0; a < ARRAY_SIZE(algs); a++) {
		for (i = 0; i < nr_banks; i++)
			if (banks[i].alg == algs[a].id)
				break;
		if (i < nr_banks)
			continue;
		snprintf(what, sizeof(what), "TPM2_PCR_Extend, a bank that is off (%s)",
			 algs[a].name);
		measure(fd, what, CC_PCR_EXTEND, pcr, &algs[a].id, 1, 0);
	}
	measure(fd, "TPM2_PCR_Event", CC_PCR_EVENT, pcr, NULL, 0, held);
	measure(fd, "TPM2_EventSequenceComplete", CC_EVENT_SEQUENCE_COMPLETE,
		pcr, NULL, 0, held);
}

static const char help[] =
	"Usage: increments [--pcr N] [--device FILE]\n"
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
				fprintf(stderr, "increments: --pcr: %s is not 12 to 23\n",
					optarg);
				return FAILED;
			}
			break;
		case 'd':
			device = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return AS_EXPECTED;
		default:
			fputs(help, stderr);
			return FAILED;
		}
	}
	if (optind != argc) {
		fputs(help, stderr);
		return FAILED;
	}

	fd = open(device, O_RDWR);
	if (fd < 0) {
		fprintf(stderr, "increments: %s: %s\n", device, strerror(errno));
		return errno == ENOENT ? NO_TPM : FAILED;
	}

	describe(fd);
	if (!update_counter(fd, &counter)) {
		fprintf(stderr, "increments: TPM2_PCR_Read failed\n");
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
