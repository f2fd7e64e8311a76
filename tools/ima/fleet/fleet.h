/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of a fleet share.  Subjects, formats and failure rules are
 * described in docs/fleet.md.
 */
#ifndef FLEET_H
#define FLEET_H

#include <jansson.h>
#include <nats/nats.h>

#include "../programs/commands.h"

/* Functions that return int return 0, or -1 after an error message. */

#define FLEET_NAME_MAX 63	/* bytes of a host's name */
#define FLEET_HEX_NONCE (2 * IMATALLY_MAX_NONCE)

/* The list is sent in chunks, of which one host has at most this much. */
#define FLEET_CHUNK (768 << 10)	/* bytes */
#define FLEET_MAX_CHUNKS 256
#define FLEET_MAX_ROUND (128 << 10)	/* bytes of a round's message */
#define FLEET_MAX_STATE (768 << 10)	/* bytes of a sealed value */

/* ---- name.c */

/* Lower-case letters, digits, "-" and "_": one token of a subject. */
bool fleet_name_is_valid(const char *name);
/* Write the subject of messages of one kind ("evidence") and host. */
#define FLEET_SUBJECT_SIZE (32 + FLEET_NAME_MAX)
const char *fleet_subject(char subject[FLEET_SUBJECT_SIZE], const char *kind,
			  const char *host);
/* Return the host that a subject names, or NULL. */
const char *fleet_host_of(const char *subject, const char *kind);

/* ---- nkey.c: keys that nats-server knows users by */

#define FLEET_NKEY_SIZE 64	/* of a buffer for any of them */

/* Make a key: its secret ("SU...") and public ("U...") part. */
int fleet_nkey_new(char seed[FLEET_NKEY_SIZE], char public[FLEET_NKEY_SIZE]);
/* Derive the public part.  @name is that of the file, for messages. */
int fleet_nkey_public(const char *name, const char *seed,
		      char public[FLEET_NKEY_SIZE]);

/* ---- seal.c: what verifiers store in the server, which is not trusted */

#define FLEET_SEAL_KEY 32

/*
 * Return @text with a MAC over it and @name, under which it is stored, so that
 * one value can't be put in the place of another.  To be freed; NULL after an
 * error message.
 */
char *fleet_seal(const uint8_t key[FLEET_SEAL_KEY], const char *name,
		 const char *text);
/* Return the text of a sealed value, to be freed; NULL if it is not sealed. */
char *fleet_unseal(const uint8_t key[FLEET_SEAL_KEY], const char *name,
		   const void *value, size_t len);
/* SHA-256 in hexadecimal.  False if libcrypto fails. */
bool fleet_sha256(const void *data, size_t len, char hex[65]);

/* ---- folder.c: the folder of "imatally fleet init" */

struct fleet {
	const char *dir;
	char *url;
	uint8_t key[FLEET_SEAL_KEY];	/* for seal.c */
};

int fleet_open(struct fleet *fleet, const char *dir);
void fleet_close(struct fleet *fleet);
/* Return the path of a file in the folder, to be freed; NULL after a message. */
char *fleet_path(const char *dir, const char *name);
/* Read the first line of a text file; to be freed, NULL after a message. */
char *fleet_line(const char *path);

/* ---- net.c: the connection */

/* To be called first by a program: it sets up libraries. */
void fleet_begin(void);

struct fleet_net {
	natsOptions *options;
	natsConnection *connection;
	jsCtx *js;
	kvStore *kv;		/* only after fleet_connect() */
	/* The connection was lost and is there again; set by another thread. */
	_Atomic bool reconnected;
};

/*
 * Connect as the user whose NKey is in the file @seed.  @ca is a file with the
 * certificates that the server's leads to, or NULL without TLS.  @inbox is the
 * prefix of subjects for answers, or NULL.  With @waits, a server that is not
 * there yet is no error; one that goes away never is.
 */
int fleet_net_open(struct fleet_net *net, bool waits, const char *url,
		   const char *seed, const char *ca, const char *inbox,
		   const char *name);
void fleet_net_close(struct fleet_net *net);
/* Connect as a verifier, and create what is missing of streams and buckets. */
int fleet_connect(struct fleet_net *net, bool waits, const struct fleet *fleet,
		  const char *name);

#define FLEET_EVIDENCE "IMATALLY_EVIDENCE"	/* the streams */
#define FLEET_PARTS "IMATALLY_PARTS"
#define FLEET_RESULTS "IMATALLY_RESULTS"
#define FLEET_BUCKET "imatally"

/* ---- challenge.c: what a verifier asks a host for */

struct fleet_challenge {
	char nonce[FLEET_HEX_NONCE + 1];	/* empty: none is outstanding */
	uint64_t entry, offset;	/* the first entry wanted, and where it begins */
	int64_t issued, deadline;	/* seconds since 1970 */
};

/* Fill in a new nonce. */
int fleet_challenge_new(struct fleet_challenge *challenge);
/* NULL when out of memory. */
json_t *fleet_challenge_json(const struct fleet_challenge *challenge);
/* False if @json is not a challenge. */
bool fleet_challenge_load(struct fleet_challenge *challenge, const json_t *json);

/* ---- round.c: what an agent answers: evidence, and chunks of the list */

struct fleet_chunk {
	uint32_t size;		/* bytes */
	uint8_t sha256[32];
};

struct fleet_round {
	char nonce[FLEET_HEX_NONCE + 1];
	char *evidence;		/* the text of a manifest of evidence */
	uint64_t offset;	/* in the list, of the first chunk */
	size_t nr_chunks;
	struct fleet_chunk chunk[FLEET_MAX_CHUNKS];
};

/* To be freed; NULL when out of memory. */
char *fleet_round_format(const struct fleet_round *round, const char *host);
/*
 * Parse a message of @host, who may have written anything.  Returns false with
 * the reason in @why, and @round is empty then.
 */
bool fleet_round_parse(struct fleet_round *round, const char *host,
		       const void *message, size_t len, const char **why);
void fleet_round_free(struct fleet_round *round);

/* ---- increment.c: a list whose beginning is not here */

/*
 * Return a stream for a list of which @data has the bytes from @offset on.
 * Reading any byte before that fails, and sets *@missed.  Closing the stream does
 * not close @data.  NULL when out of memory.
 */
FILE *fleet_increment_open(FILE *data, uint64_t offset, bool *missed);

/* ---- record.c: what verifiers know about a host */

/* In the order of status: the worst first. */
enum fleet_verdict {
	FLEET_MISMATCH,
	FLEET_NOT_AUTHENTIC,
	FLEET_ERROR,		/* the list or evidence is malformed */
	FLEET_INCOMPLETE,
	FLEET_NONE,		/* no evidence was verified yet */
	FLEET_NOT_COUNTED,
	FLEET_COMPLETE,
	FLEET_NR_VERDICTS
};

const char *fleet_verdict_name(enum fleet_verdict verdict);

struct fleet_record {
	char host[FLEET_NAME_MAX + 1];
	char *ak;		/* public key in PEM */
	int64_t due;		/* when to challenge the host next */
	struct fleet_challenge challenge;
	int64_t silent_since;	/* deadline of the first challenge not answered */
	/* The last verdict */
	enum fleet_verdict verdict;
	char nonce[FLEET_HEX_NONCE + 1];	/* that it answers */
	int64_t time;		/* when that nonce was made */
	uint64_t entries, lost, dropped, failed;
	bool findings;
	char why[200];		/* one sentence, or "" */
	bool has_attested;
	struct imatally_attested attested;
	/* The state that goes with it, and where its last entry is */
	char state_sha256[65];	/* of its text, or "" */
	uint64_t entry, offset;
	/* When and why the list was last verified from its start */
	int64_t anew;
	char anew_why[64];
};

/* To be freed; NULL when out of memory. */
char *fleet_record_format(const struct fleet_record *record);
/* False if @text is no record. */
bool fleet_record_parse(struct fleet_record *record, const char *text);
void fleet_record_free(struct fleet_record *record);

/* ---- store.c: records and states in the bucket */

enum fleet_stored {
	FLEET_STORED,
	FLEET_ABSENT,		/* there is no such value */
	FLEET_BROKEN,		/* it is not what a verifier stored */
	FLEET_CONFLICT,		/* somebody else stored another value first */
	FLEET_FAILED,		/* after an error message */
};

/* @revision of a value that is absent is 0. */
enum fleet_stored fleet_get(const struct fleet_net *net,
			    const struct fleet *fleet, const char *key,
			    char **text, uint64_t *revision);
/* Store if the value still has this revision. */
enum fleet_stored fleet_put(const struct fleet_net *net,
			    const struct fleet *fleet, const char *key,
			    const char *text, uint64_t revision);
enum fleet_stored fleet_record_get(const struct fleet_net *net,
				   const struct fleet *fleet, const char *host,
				   struct fleet_record *record,
				   uint64_t *revision);
enum fleet_stored fleet_record_put(const struct fleet_net *net,
				   const struct fleet *fleet,
				   const struct fleet_record *record,
				   uint64_t revision);
/* Parse a value that a watcher got. */
enum fleet_stored fleet_record_of(const struct fleet *fleet, kvEntry *entry,
				  struct fleet_record *record);
#define FLEET_KEY_SIZE (16 + FLEET_NAME_MAX)
const char *fleet_key(char key[FLEET_KEY_SIZE], const char *kind,
		      const char *host);

/* ---- judge.c: verification, without the network */

struct fleet_judgement {
	enum fleet_verdict verdict;
	uint64_t entries, lost, dropped, failed;
	bool findings;
	char why[200];
	bool missed;		/* the whole list is needed; there is no verdict */
	const char *anew_why;	/* the state was of no use, or NULL */
	bool has_attested;
	struct imatally_attested attested;
	char *state;		/* for the next round, or NULL */
	uint64_t entry, offset;	/* of its last entry */
};

/*
 * Judge a round of the host of @before, whose list from round->offset on is in
 * @data.  @state is that of the last verdict, or NULL.  Returns -1 after an error
 * message if there is no verdict because of this machine, and it may be tried
 * again.  Free judgement->state.
 */
int fleet_judge(const struct fleet_record *before,
		const struct fleet_round *round, FILE *data, const char *state,
		struct fleet_judgement *judgement);

#endif /* FLEET_H */
