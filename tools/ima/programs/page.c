// SPDX-License-Identifier: GPL-2.0-only
/* See page.h. */

#include <stdint.h>
#include <string.h>

#include <openssl/evp.h>

#include "page.h"

/* Generated from the file with this name */
static const char style[] = {
#include "page.css.inc"
	0
};

void page_put_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (strchr("<>&\"'", *text))
			fprintf(to, "&#%d;", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fputs("&#xfffd;", to);
		else
			fputc(*text, to);
	}
}

void page_put_hash(FILE *to, const char *of)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned char text[2 * EVP_MAX_MD_SIZE];
	unsigned int len;

	if (!EVP_Digest(of, strlen(of), digest, &len, EVP_sha256(), NULL))
		return;		/* the page works without it */
	EVP_EncodeBlock(text, digest, len);
	fputs((char *)text, to);
}

void page_put(FILE *to, const char *text, page_place_fn *put, const void *data)
{
	const char *at = text, *begin, *end;

	while ((begin = strstr(at, "<!--@")) && (end = strstr(begin, "-->"))) {
		char name[32];

		fwrite(at, 1, begin - at, to);
		begin += strlen("<!--@");
		snprintf(name, sizeof(name), "%.*s", (int)(end - begin), begin);
		if (!strcmp(name, "style"))
			fputs(style, to);
		else if (!strcmp(name, "style-hash"))
			page_put_hash(to, style);
		else
			put(to, name, data);
		at = end + strlen("-->");
	}
	fputs(at, to);
}
