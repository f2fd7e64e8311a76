// SPDX-License-Identifier: GPL-2.0

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tpm2.h"

#define TPM2_ST_NO_SESSIONS	0x8001
#define TPM2_ST_SESSIONS	0x8002
#define TPM2_RS_PW		0x40000009

const struct tpm2_alg tpm2_algs[TPM2_NR_ALGS] = {
	{ "sha1", TPM2_ALG_SHA1, 20 },
	{ "sha256", TPM2_ALG_SHA256, 32 },
	{ "sha384", TPM2_ALG_SHA384, 48 },
	{ "sha512", TPM2_ALG_SHA512, 64 },
	{ "sm3", 0x0012, 32 },
	{ "sha3-256", 0x0027, 32 },
	{ "sha3-384", 0x0028, 48 },
	{ "sha3-512", 0x0029, 64 },
};

const struct tpm2_alg *tpm2_find_alg(uint16_t id)
{
	size_t i;

	for (i = 0; i < TPM2_NR_ALGS; i++)
		if (tpm2_algs[i].id == id)
			return &tpm2_algs[i];
	return NULL;
}

bool tpm2_present(void)
{
	return !access(TPMRM_DEV, R_OK | W_OK);
}

void tpm2_put(struct tpm2_buffer *cmd, uint32_t value, unsigned int size)
{
	while (size--)
		cmd->data[cmd->len++] = value >> (8 * size);
}

void tpm2_put_filler(struct tpm2_buffer *cmd, unsigned int size)
{
	memset(&cmd->data[cmd->len], 0xa5, size);
	cmd->len += size;
}

uint32_t tpm2_get(const struct tpm2_buffer *rsp, size_t at, unsigned int size)
{
	uint32_t value = 0;

	for (; size--; at++)
		value = value << 8 | (at < rsp->len ? rsp->data[at] : 0);
	return value;
}

static void begin(struct tpm2_buffer *cmd, uint16_t tag, uint32_t code)
{
	cmd->len = 0;
	tpm2_put(cmd, tag, 2);
	tpm2_put(cmd, 0, 4);
	tpm2_put(cmd, code, 4);
}

void tpm2_begin(struct tpm2_buffer *cmd, uint32_t code)
{
	begin(cmd, TPM2_ST_NO_SESSIONS, code);
}

void tpm2_begin_auth(struct tpm2_buffer *cmd, uint32_t code,
		     const uint32_t *handles, unsigned int count)
{
	unsigned int i;

	begin(cmd, TPM2_ST_SESSIONS, code);
	for (i = 0; i < count; i++)
		tpm2_put(cmd, handles[i], 4);
	tpm2_put(cmd, 9 * count, 4);
	for (i = 0; i < count; i++) {
		tpm2_put(cmd, TPM2_RS_PW, 4);
		tpm2_put(cmd, 0, 2);
		tpm2_put(cmd, 0, 1);
		tpm2_put(cmd, 0, 2);
	}
}

int tpm2_transmit(int fd, struct tpm2_buffer *cmd, struct tpm2_buffer *rsp)
{
	uint32_t len = htobe32(cmd->len);
	ssize_t got;

	memcpy(&cmd->data[2], &len, sizeof(len));
	if (write(fd, cmd->data, cmd->len) != (ssize_t)cmd->len)
		return -errno;

	got = read(fd, rsp->data, sizeof(rsp->data));
	if (got < TPM2_HEADER_SIZE)
		return got < 0 ? -errno : -EPROTO;

	rsp->len = got;
	return tpm2_get(rsp, 6, 4);
}

/* Send a command to a device. */
static int send_to(const char *dev, struct tpm2_buffer *cmd,
		   struct tpm2_buffer *rsp)
{
	int fd, ret;

	fd = open(dev, O_RDWR);
	if (fd < 0)
		return -errno;

	ret = tpm2_transmit(fd, cmd, rsp);
	close(fd);
	return ret;
}

int tpm2_pcr_event(const char *dev, unsigned int pcr, const char *event)
{
	struct tpm2_buffer cmd, rsp;
	size_t len = strlen(event);

	if (len > 200)
		return -EINVAL;

	tpm2_begin_auth(&cmd, TPM2_CC_PCR_EVENT, &pcr, 1);
	tpm2_put(&cmd, len, 2);
	memcpy(&cmd.data[cmd.len], event, len);
	cmd.len += len;

	return send_to(dev, &cmd, &rsp);
}

int tpm2_pcr_extend(const char *dev, unsigned int pcr, const uint16_t *ids,
		    unsigned int count)
{
	struct tpm2_buffer cmd, rsp;
	unsigned int i;

	if (count > 8)
		return -EINVAL;

	tpm2_begin_auth(&cmd, TPM2_CC_PCR_EXTEND, &pcr, 1);
	tpm2_put(&cmd, count, 4);
	for (i = 0; i < count; i++) {
		const struct tpm2_alg *alg = tpm2_find_alg(ids[i]);

		tpm2_put(&cmd, ids[i], 2);
		tpm2_put_filler(&cmd, alg ? alg->size : 0);
	}

	return send_to(dev, &cmd, &rsp);
}

int tpm2_read_counter(int fd, uint32_t *counter)
{
	struct tpm2_buffer cmd, rsp;
	int ret;

	tpm2_begin(&cmd, TPM2_CC_PCR_READ);
	tpm2_put(&cmd, 0, 4);
	ret = tpm2_transmit(fd, &cmd, &rsp);
	if (!ret && rsp.len < TPM2_HEADER_SIZE + 4)
		ret = -EPROTO;
	if (!ret)
		*counter = tpm2_get(&rsp, TPM2_HEADER_SIZE, 4);
	return ret;
}

int tpm2_update_counter(uint32_t *counter)
{
	int fd, ret;

	fd = open(TPMRM_DEV, O_RDWR);
	if (fd < 0)
		return -errno;

	ret = tpm2_read_counter(fd, counter);
	close(fd);
	return ret;
}

static const struct tpm2_alg *find_alg_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < TPM2_NR_ALGS; i++)
		if (!strcmp(tpm2_algs[i].name, name))
			return &tpm2_algs[i];
	return NULL;
}

int tpm2_pcr_hex(const char *name, unsigned int pcr, char *hex, size_t size)
{
	/* pcrUpdateCounter, one selection of three bytes, count of digests */
	const size_t digest_at = TPM2_HEADER_SIZE + 4 + 4 + 6 + 4;
	const struct tpm2_alg *alg = find_alg_by_name(name);
	struct tpm2_buffer cmd, rsp;
	size_t i, digest_len;
	int ret;

	if (!alg)
		return -EINVAL;

	tpm2_begin(&cmd, TPM2_CC_PCR_READ);
	tpm2_put(&cmd, 1, 4);
	tpm2_put(&cmd, alg->id, 2);
	tpm2_put(&cmd, 3, 1);
	for (i = 0; i < 3; i++)
		tpm2_put(&cmd, i == pcr / 8 ? 1 << (pcr % 8) : 0, 1);
	ret = send_to(TPMRM_DEV, &cmd, &rsp);
	if (ret)
		return ret;

	hex[0] = '\0';
	if (rsp.len < digest_at + 2)
		return 0;

	digest_len = tpm2_get(&rsp, digest_at, 2);
	if (rsp.len < digest_at + 2 + digest_len || size < 2 * digest_len + 1)
		return -EPROTO;

	for (i = 0; i < digest_len; i++)
		sprintf(hex + 2 * i, "%02x", rsp.data[digest_at + 2 + i]);
	return 0;
}
