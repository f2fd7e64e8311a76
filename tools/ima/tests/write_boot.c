// SPDX-License-Identifier: GPL-2.0-only
/*
 * A boot for a real TPM: write_boot LIST BANKS COUNTER RESETS RESTARTS [MORE]
 * writes the list of a kernel that booted when pcrUpdateCounter, resetCount and
 * restartCount were these, on a TPM with the first BANKS of sha1, sha256, sha384
 * and sha512 (0: only sha256), with MORE entries after its last record.  It
 * prints the arguments of tpm2_pcrextend for each entry, one line each.
 */

#include <openssl/evp.h>

#include "mklog.h"
#include "test.h"

static void print_digest(const struct imatally_entry *entry, const char *alg)
{
	char digits[2 * EVP_MAX_MD_SIZE + 1];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	EVP_Digest(entry->data, entry->data_len, digest, &len,
		   EVP_get_digestbyname(alg), NULL);
	printf("%s=%s", alg, imatally_hex_from_bytes(digits, digest, len));
}

static void print_extends(const struct machine *m)
{
	struct imatally_log *log = imatally_log_open_buffer(m->log, m->len);
	struct imatally_entry entry;
	struct imatally_error err;
	unsigned int i;

	while (imatally_log_next(log, &entry, &err) > 0) {
		printf("%u:", entry.pcr);
		for (i = 0; i < m->nr_banks; i++) {
			if (i)
				putchar(',');
			print_digest(&entry, m->bank[i].alg);
		}
		putchar('\n');
	}
	imatally_log_close(log);
}

int main(int argc, char *argv[])
{
	struct machine m;
	FILE *file;

	if (argc < 6) {
		fprintf(stderr, "Usage: write_boot LOG BANKS COUNTER RESETS RESTARTS [MORE]\n");
		return 2;
	}
	if (atoi(argv[2]))
		machine_init(&m, atoi(argv[2]), NULL);
	else
		machine_init(&m, 4, "sha256");
	m.counter = atoi(argv[3]);
	m.resets = atoi(argv[4]);
	m.restarts = atoi(argv[5]);
	machine_boot(&m, true);
	machine_measure(&m, 3);
	machine_record(&m, "request");
	machine_measure(&m, argc > 6 ? atoi(argv[6]) : 2);

	file = fopen(argv[1], "wb");
	if (!file || fwrite(m.log, 1, m.len, file) != m.len || fclose(file)) {
		perror(argv[1]);
		return 1;
	}
	print_extends(&m);
	machine_free(&m);
	return 0;
}
