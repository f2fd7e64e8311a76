// SPDX-License-Identifier: GPL-2.0

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest.h"
#include "tpm2.h"

#define TPM2_ST_NO_SESSIONS	0x8001
#define TPM2_ST_SESSIONS	0x8002
#define TPM2_CC_PCR_EVENT	0x013c
#define TPM2_CC_PCR_READ	0x017e
#define TPM2_CC_PCR_EXTEND	0x0182
#define TPM2_RS_PW		0x40000009
#define HEADER_SIZE		10

static const struct {
	const char *name;
	uint16_t id;
	uint8_t size;
} algs[] = {
	{ "sha1", TPM2_ALG_SHA1, 20 },
	{ "sha256", TPM2_ALG_SHA256, 32 },
	{ "sha384", TPM2_ALG_SHA384, 48 },
	{ "sha512", TPM2_ALG_SHA512, 64 },
	{ "sm3", 0x0012, 32 },
};

bool tpm2_present(void)
{
	return !access(TPMRM_DEV, R_OK | W_OK);
}

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return ntohl(value);
}

static uint16_t get_u16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint8_t *put_u16(uint8_t *p, uint16_t value)
{
	*p++ = value >> 8;
	*p++ = value;
	return p;
}

static uint8_t *put_u32(uint8_t *p, uint32_t value)
{
	return put_u16(put_u16(p, value >> 16), value);
}

static int transmit(const char *dev, const uint8_t *cmd, size_t cmd_len,
		    uint8_t *rsp, size_t size, size_t *len)
{
	int fd, ret = 0;
	ssize_t got;

	fd = open(dev, O_RDWR);
	if (fd < 0)
		return -errno;

	if (write(fd, cmd, cmd_len) != (ssize_t)cmd_len) {
		ret = -errno;
		goto out;
	}

	got = read(fd, rsp, size);
	if (got < 0)
		ret = -errno;
	else if (got < HEADER_SIZE)
		ret = -EPROTO;
	else
		ret = get_u32(rsp + 6);
	*len = got;
out:
	close(fd);
	return ret;
}

/* Put the header of a command of @len bytes, the PCR and an empty password. */
static uint8_t *put_pcr_command(uint8_t *p, size_t len, uint32_t code,
				unsigned int pcr)
{
	p = put_u16(p, TPM2_ST_SESSIONS);
	p = put_u32(p, len);
	p = put_u32(p, code);
	p = put_u32(p, pcr);
	p = put_u32(p, 9);
	p = put_u32(p, TPM2_RS_PW);
	p = put_u16(p, 0);
	*p++ = 0;
	return put_u16(p, 0);
}

#define PCR_COMMAND_SIZE	(HEADER_SIZE + 4 + 4 + 9)

int tpm2_pcr_event(const char *dev, unsigned int pcr, const char *event)
{
	size_t event_len = strlen(event), len;
	uint8_t cmd[256], rsp[1024], *p;

	if (event_len > 200)
		return -EINVAL;

	p = put_pcr_command(cmd, PCR_COMMAND_SIZE + 2 + event_len,
			    TPM2_CC_PCR_EVENT, pcr);
	p = put_u16(p, event_len);
	memcpy(p, event, event_len);
	p += event_len;

	return transmit(dev, cmd, p - cmd, rsp, sizeof(rsp), &len);
}

static unsigned int digest_size(uint16_t id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].id == id)
			return algs[i].size;
	return 0;
}

int tpm2_pcr_extend(const char *dev, unsigned int pcr, const uint16_t *ids,
		    unsigned int count)
{
	size_t size = PCR_COMMAND_SIZE + 4, len;
	uint8_t cmd[1024], rsp[1024], *p;
	unsigned int i;

	if (count > 8)
		return -EINVAL;
	for (i = 0; i < count; i++)
		size += 2 + digest_size(ids[i]);

	p = put_pcr_command(cmd, size, TPM2_CC_PCR_EXTEND, pcr);
	p = put_u32(p, count);
	for (i = 0; i < count; i++) {
		p = put_u16(p, ids[i]);
		memset(p, 0xa5, digest_size(ids[i]));
		p += digest_size(ids[i]);
	}

	return transmit(dev, cmd, p - cmd, rsp, sizeof(rsp), &len);
}

/* Send one TPM2_PCR_Read, without any PCR if @alg_id is 0. */
static int pcr_read(uint16_t alg_id, unsigned int pcr, uint8_t *rsp,
		    size_t size, size_t *len)
{
	uint8_t cmd[HEADER_SIZE + 10], *p = cmd;
	int ret;

	p = put_u16(p, TPM2_ST_NO_SESSIONS);
	p = put_u32(p, HEADER_SIZE + (alg_id ? 10 : 4));
	p = put_u32(p, TPM2_CC_PCR_READ);
	p = put_u32(p, alg_id ? 1 : 0);
	if (alg_id) {
		p = put_u16(p, alg_id);
		*p++ = 3;
		memset(p, 0, 3);
		p[pcr / 8] = 1 << (pcr % 8);
		p += 3;
	}

	ret = transmit(TPMRM_DEV, cmd, p - cmd, rsp, size, len);
	if (!ret && *len < HEADER_SIZE + 4)
		ret = -EPROTO;
	return ret;
}

int tpm2_update_counter(uint32_t *counter)
{
	uint8_t rsp[256];
	size_t len;
	int ret;

	ret = pcr_read(0, 0, rsp, sizeof(rsp), &len);
	if (!ret)
		*counter = get_u32(rsp + HEADER_SIZE);
	return ret;
}

int tpm2_pcr_hex(const char *alg, unsigned int pcr, char *hex, size_t size)
{
	/* pcrUpdateCounter, one selection of three bytes, count of digests */
	const size_t digest_at = HEADER_SIZE + 4 + 4 + 6 + 4;
	uint8_t rsp[256];
	size_t i, len, digest_len;
	uint16_t id = 0;
	int ret;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (!strcmp(algs[i].name, alg))
			id = algs[i].id;
	if (!id)
		return -EINVAL;

	ret = pcr_read(id, pcr, rsp, sizeof(rsp), &len);
	if (ret)
		return ret;

	hex[0] = '\0';
	if (len < digest_at + 2)
		return 0;

	digest_len = get_u16(rsp + digest_at);
	if (len < digest_at + 2 + digest_len || size < 2 * digest_len + 1)
		return -EPROTO;

	for (i = 0; i < digest_len; i++)
		sprintf(hex + 2 * i, "%02x", rsp[digest_at + 2 + i]);
	return 0;
}
