// SPDX-License-Identifier: GPL-2.0-only
/*
 * The copy that "watch --keep" makes.  Whole entries are appended to files, see
 * kept.h, and nothing that was written is changed; so if this process or the
 * machine dies, at most the last entry is incomplete, and the next process removes
 * it.  The next process also finds by its entries whether the kernel's list is
 * still the one that the copy ends with; otherwise it begins another run.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "keep.h"
#include "kept.h"
#include "kernel.h"

/* So that little is lost when the oldest piece gives way */
#define PIECES_AT_LIMIT 8

/*
 * A part of the SHA-256 of a secret and an entry, by which it is known again.
 * Without the secret, 64 bits would be too few for those who choose what is
 * measured.
 */
struct keys {
	uint64_t *key;
	size_t nr, room;
};

#define SECRET_SIZE 16

struct piece {
	struct kept_piece name;
	uint64_t size;
};

struct keep {
	const char *dir;
	int dir_fd, fd;		/* fd: the last piece, or -1 */
	uint64_t limit, total;	/* in bytes */
	struct piece piece[KEPT_MAX_PIECES];
	size_t nr_pieces;
	bool begun;		/* this process has copied entries */
	long long count;	/* entries in the kernel, the last time */
	uint64_t copied;	/* entries in this run */
	struct keys keys;	/* of the entries that may still be in the kernel */
	uint64_t last_offset;	/* of the last of them in the kernel's list */
	uint8_t secret[SECRET_SIZE];
	EVP_MD_CTX *hash;
	/* what is not written yet */
	uint8_t *buf;
	size_t len, room;
};

/* ---- Entries */

static int no_memory(void)
{
	complain("out of memory");
	return -1;
}

static int add_key(struct keys *keys, uint64_t key)
{
	if (keys->nr == keys->room) {
		size_t room = keys->room * 2 + 64;
		uint64_t *grown = realloc(keys->key, room * sizeof(*grown));

		if (!grown)
			return no_memory();
		keys->key = grown;
		keys->room = room;
	}
	keys->key[keys->nr++] = key;
	return 0;
}

static void put_u32(uint8_t *to, uint32_t value, bool big_endian)
{
	int i;

	for (i = 0; i < 4; i++)
		to[i] = value >> 8 * (big_endian ? 3 - i : i);
}

/* Make room for an entry that is to be written. */
static uint8_t *reserve(struct keep *keep, size_t len)
{
	if (keep->room - keep->len < len) {
		size_t room = 2 * keep->room + len;
		uint8_t *grown = realloc(keep->buf, room);

		if (!grown) {
			no_memory();
			return NULL;
		}
		keep->buf = grown;
		keep->room = room;
	}
	return keep->buf + keep->len;
}

static size_t size_of(const struct imatally_entry *entry)
{
	return 4 + entry->digest_len + 4 + entry->template_name_len +
	       (entry->is_ima ? 0 : 4) + entry->data_len;
}

/* Write an entry to memory as the kernel does. */
static void put_entry(uint8_t *to, const struct imatally_entry *entry,
		      bool big_endian)
{
	put_u32(to, entry->pcr, big_endian);
	to += 4;
	memcpy(to, entry->digest, entry->digest_len);
	to += entry->digest_len;
	put_u32(to, entry->template_name_len, big_endian);
	to += 4;
	memcpy(to, entry->template_name, entry->template_name_len);
	to += entry->template_name_len;
	if (!entry->is_ima) {
		put_u32(to, entry->data_len, big_endian);
		to += 4;
	}
	memcpy(to, entry->data, entry->data_len);
}

/* Add the key of an entry, whose bytes are put behind those to be written. */
static int add_key_of(struct keep *keep, struct keys *keys,
		      const struct imatally_entry *entry, bool big_endian)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t len = size_of(entry);
	uint8_t *bytes = reserve(keep, len);
	uint64_t key;

	if (!bytes)
		return -1;
	put_entry(bytes, entry, big_endian);
	if (!EVP_DigestInit_ex(keep->hash, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(keep->hash, keep->secret, SECRET_SIZE) ||
	    !EVP_DigestUpdate(keep->hash, bytes, len) ||
	    !EVP_DigestFinal_ex(keep->hash, digest, NULL)) {
		complain("libcrypto failed to hash");
		return -1;
	}
	memcpy(&key, digest, sizeof(key));
	return add_key(keys, key);
}

/*
 * Read keys up to the end or to the first malformed entry; @end is the offset
 * there.  Returns -1 after an error message.
 */
static int read_keys(struct keep *keep, struct imatally_log *log,
		     struct keys *keys, uint64_t *end,
		     struct imatally_error *err)
{
	struct imatally_entry entry;
	int got;

	*end = 0;
	while ((got = imatally_log_next(log, &entry, err)) > 0) {
		if (add_key_of(keep, keys, &entry,
			       imatally_log_layout(log).big_endian))
			return -1;
		keep->last_offset = entry.offset;
		*end = entry.offset + size_of(&entry);
	}
	return got < 0 ? 1 : 0;
}

/*
 * Find with how many of its first entries @list repeats the last ones of @copy: as
 * many as possible.  Entries before them were deleted from the kernel's list.
 * (Knuth, Morris and Pratt: linear, whatever repeats itself.)  Returns -1 after an
 * error message.
 */
static int find_overlap(const struct keys *copy, const struct keys *list,
			size_t *overlap)
{
	/* the overlap of each beginning of the list with the list itself */
	uint32_t *own = malloc((list->nr + 1) * sizeof(*own));
	size_t i, n = 0;

	if (!own)
		return no_memory();
	own[0] = 0;
	for (i = 1; i < list->nr; i++) {
		while (n && list->key[i] != list->key[n])
			n = own[n - 1];
		n += list->key[i] == list->key[n];
		own[i] = n;
	}
	n = 0;
	for (i = 0; list->nr && i < copy->nr; i++) {
		while (n && (n == list->nr ||
			     copy->key[i] != list->key[n]))
			n = own[n - 1];
		n += copy->key[i] == list->key[n];
	}
	free(own);
	*overlap = n;
	return 0;
}

/* ---- Files */

static int fail(const struct keep *keep, const struct kept_piece *name)
{
	char text[KEPT_NAME_SIZE];

	complain("%s/%s: %s", keep->dir, kept_name(name, text),
		 strerror(errno));
	return -1;
}

static struct piece *last_piece(struct keep *keep)
{
	return keep->nr_pieces ? &keep->piece[keep->nr_pieces - 1] : NULL;
}

static int open_piece(struct keep *keep, const struct kept_piece *name, int flags)
{
	char text[KEPT_NAME_SIZE];

	/* not for reading, which would be measured */
	keep->fd = openat(keep->dir_fd, kept_name(name, text),
			  O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags,
			  0600);
	return keep->fd < 0 ? fail(keep, name) : 0;
}

static int write_out(struct keep *keep)
{
	size_t done = 0;

	while (done < keep->len) {
		ssize_t len = write(keep->fd, keep->buf + done,
				    keep->len - done);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return fail(keep, &last_piece(keep)->name);
		done += len;
	}
	keep->len = 0;
	return 0;
}

/* Wait until what was written is on the disk. */
static int sync_piece(struct keep *keep)
{
	if (keep->fd < 0)
		return 0;
	if (write_out(keep))
		return -1;
	return fdatasync(keep->fd) ? fail(keep, &last_piece(keep)->name) : 0;
}

static int remove_oldest(struct keep *keep)
{
	char name[KEPT_NAME_SIZE];

	if (unlinkat(keep->dir_fd, kept_name(&keep->piece[0].name, name), 0))
		return fail(keep, &keep->piece[0].name);
	keep->total -= keep->piece[0].size;
	keep->nr_pieces--;
	memmove(keep->piece, keep->piece + 1,
		keep->nr_pieces * sizeof(*keep->piece));
	return 0;
}

/* Begin another file, of the same run or of the next one. */
static int add_piece(struct keep *keep, bool new_run)
{
	const struct piece *last = last_piece(keep);
	struct kept_piece name = { 1, 1 };

	if (last) {
		name.run = last->name.run + new_run;
		name.piece = new_run ? 1 : last->name.piece + 1;
	}
	if (keep->fd >= 0) {
		if (sync_piece(keep))
			return -1;
		close(keep->fd);
		keep->fd = -1;
	}
	if (keep->nr_pieces == KEPT_MAX_PIECES && remove_oldest(keep))
		return -1;
	if (open_piece(keep, &name, O_CREAT | O_EXCL))
		return -1;
	keep->piece[keep->nr_pieces++] = (struct piece){ .name = name };
	return fsync(keep->dir_fd) ? fail(keep, &name) : 0;
}

/* Append an entry; its bytes are in the buffer, but not counted. */
static int append(struct keep *keep, size_t len)
{
	struct piece *last = last_piece(keep);

	if (len > keep->limit / PIECES_AT_LIMIT) {
		complain("%s: an entry of %zu bytes is too long for --keep-size",
			 keep->dir, len);
		return -1;
	}
	if (last->size + len > keep->limit / PIECES_AT_LIMIT) {
		uint8_t *bytes = keep->buf + keep->len;

		if (add_piece(keep, false))
			return -1;
		memmove(keep->buf, bytes, len);
		last = last_piece(keep);
	}
	while (keep->total + len > keep->limit) {
		if (remove_oldest(keep))
			return -1;
		last = last_piece(keep);
	}
	last->size += len;
	keep->total += len;
	keep->len += len;
	return 0;
}

/* ---- Going on with a copy */

/*
 * Read the keys of the last run, and remove what is left of an entry that was
 * being written.
 */
static int read_piece(struct keep *keep, const struct piece *piece,
		      uint64_t *end)
{
	char name[KEPT_NAME_SIZE];
	struct imatally_error err;
	struct imatally_log *log;
	FILE *file;
	char *path;
	int ret;

	if (asprintf(&path, "%s/%s", keep->dir,
		     kept_name(&piece->name, name)) < 0)
		return no_memory();
	file = input_open_within(path);
	log = file ? imatally_log_open_file(file) : NULL;
	if (file && !log)
		no_memory();
	ret = log ? read_keys(keep, log, &keep->keys, end, &err) : -1;
	if (ret > 0 && err.status != IMATALLY_ERR_MALFORMED) {
		complain_about(path, &err);
		ret = -1;
	}
	imatally_log_close(log);
	if (file)
		fclose(file);
	free(path);
	return ret < 0 ? -1 : 0;
}

static int read_run(struct keep *keep)
{
	struct piece *last = last_piece(keep);
	size_t first = keep->nr_pieces - 1, i;
	uint64_t end = 0;

	if (!last)
		return 0;
	while (first && keep->piece[first - 1].name.run == last->name.run &&
	       keep->piece[first - 1].name.piece + 1 ==
		       keep->piece[first].name.piece)
		first--;
	for (i = first; i < keep->nr_pieces; i++)
		if (read_piece(keep, &keep->piece[i], &end))
			return -1;
	keep->copied = keep->keys.nr;
	if (open_piece(keep, &last->name, 0))
		return -1;
	if (end < last->size && ftruncate(keep->fd, end))
		return fail(keep, &last->name);
	keep->total -= last->size - end;
	last->size = end;
	return 0;
}

static int find_pieces(struct keep *keep)
{
	struct kept_piece *found;
	char name[KEPT_NAME_SIZE];
	struct stat st;
	size_t nr, i;
	int ret = 0;

	if (kept_find(keep->dir, &found, &nr))
		return -1;
	for (i = 0; i < nr && !ret; i++) {
		if (keep->nr_pieces == KEPT_MAX_PIECES)
			ret = remove_oldest(keep);
		if (!ret && fstatat(keep->dir_fd, kept_name(&found[i], name),
				    &st, AT_SYMLINK_NOFOLLOW))
			ret = fail(keep, &found[i]);
		if (ret)
			break;
		keep->piece[keep->nr_pieces++] =
			(struct piece){ found[i], st.st_size };
		keep->total += st.st_size;
	}
	free(found);
	/* a smaller limit than the last time */
	while (!ret && keep->nr_pieces > 1 && keep->total > keep->limit)
		ret = remove_oldest(keep);
	return ret;
}

static int lock_dir(struct keep *keep)
{
	if (mkdir(keep->dir, 0700) && errno != EEXIST) {
		complain("%s: %s", keep->dir, strerror(errno));
		return -1;
	}
	keep->dir_fd = open(keep->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (keep->dir_fd >= 0 && !flock(keep->dir_fd, LOCK_EX | LOCK_NB))
		return 0;
	complain("%s: %s", keep->dir, errno == EWOULDBLOCK ?
		 "another process keeps its copy there" : strerror(errno));
	return -1;
}

struct keep *keep_open(const char *dir, uint64_t limit)
{
	struct keep *keep = calloc(1, sizeof(*keep));

	if (!keep) {
		no_memory();
		return NULL;
	}
	keep->dir = dir;
	keep->limit = limit;
	keep->dir_fd = -1;
	keep->fd = -1;
	keep->count = -1;
	keep->hash = EVP_MD_CTX_new();
	if (!keep->hash)
		no_memory();
	else if (getrandom(keep->secret, SECRET_SIZE, 0) != SECRET_SIZE)
		complain("no random numbers: %s", strerror(errno));
	else if (!lock_dir(keep) && !find_pieces(keep) && !read_run(keep))
		return keep;
	keep_close(keep);
	return NULL;
}

void keep_close(struct keep *keep)
{
	if (!keep)
		return;
	if (keep->fd >= 0)
		close(keep->fd);
	if (keep->dir_fd >= 0)
		close(keep->dir_fd);
	EVP_MD_CTX_free(keep->hash);
	free(keep->keys.key);
	free(keep->buf);
	free(keep);
}

/* ---- The kernel's list */

/* Read the list from its start: NULL after an error message. */
static struct imatally_log *read_list(const struct kernel_list *list)
{
	FILE *first = list->staged ? list->staged : list->rest;
	struct imatally_log *log;

	if (kernel_rewind_list(list))
		return NULL;
	log = imatally_log_open_file(first);
	if (log && first != list->rest &&
	    imatally_log_add_file(log, list->rest)) {
		imatally_log_close(log);
		log = NULL;
	}
	if (!log)
		no_memory();
	return log;
}

/* Append the entries from @first up to @end, of more that may be there by now. */
static int copy_entries(struct keep *keep, const struct kernel_list *list,
			size_t first, size_t end)
{
	struct imatally_log *log = read_list(list);
	struct imatally_entry entry;
	struct imatally_error err;
	int got = 1, ret = 0;

	if (!log)
		return -1;
	while (!ret && end && (got = imatally_log_next(log, &entry, &err)) > 0) {
		size_t len = size_of(&entry);
		uint8_t *bytes;

		if (entry.index >= first) {
			bytes = reserve(keep, len);
			if (bytes)
				put_entry(bytes, &entry,
					  imatally_log_layout(log).big_endian);
			ret = bytes ? append(keep, len) : -1;
		}
		if (entry.index + 1 == end)
			break;
	}
	if (got < 0) {
		complain_about("the measurement list", &err);
		ret = -1;
	}
	imatally_log_close(log);
	return ret ? ret : sync_piece(keep);
}

/* The list has these entries: find which ones are new, and copy them. */
static int copy_new(struct keep *keep, const struct kernel_list *list,
		    const struct keys *now)
{
	size_t overlap;

	if (find_overlap(&keep->keys, now, &overlap))
		return -1;
	if (overlap == now->nr)
		return 0;
	/*
	 * Without an overlap it is the list of another kernel; or, if this
	 * process has seen it before, all entries that it saw were deleted.
	 */
	if ((!overlap && !keep->begun && keep->keys.nr) || !keep->nr_pieces) {
		if (add_piece(keep, keep->nr_pieces))
			return -1;
		keep->copied = 0;
	}
	if (copy_entries(keep, list, overlap, now->nr))
		return -1;
	keep->copied += now->nr - overlap;
	return 0;
}

static int copy_list(struct keep *keep, const struct kernel_list *list)
{
	struct imatally_log *log = read_list(list);
	struct keys now = { 0 };
	struct imatally_error err;
	uint64_t end;
	int ret = log ? read_keys(keep, log, &now, &end, &err) : -1;

	if (ret > 0) {
		complain_about("the measurement list", &err);
		ret = -1;
	}
	imatally_log_close(log);
	if (!ret)
		ret = copy_new(keep, list, &now);
	if (!ret) {
		free(keep->keys.key);
		keep->keys = now;
		keep->begun = true;
	} else {
		free(now.key);
	}
	return ret;
}

/* Open the list after the entry with that key, if that is at @offset; or NULL. */
static struct imatally_log *open_after(struct keep *keep,
				       const struct kernel_list *list,
				       uint64_t offset, uint64_t key)
{
	struct imatally_log *log = NULL;
	struct imatally_entry entry;
	struct imatally_error err;
	struct keys keys = { 0 };
	bool found = false;

	if (!fseeko(list->rest, offset, SEEK_SET))
		log = imatally_log_open_file(list->rest);
	if (log && imatally_log_next(log, &entry, &err) > 0 &&
	    !add_key_of(keep, &keys, &entry,
			imatally_log_layout(log).big_endian))
		found = keys.key[0] == key;
	free(keys.key);
	if (found)
		return log;
	imatally_log_close(log);
	return NULL;
}

/*
 * Usually the list has only grown: its first entry and the last one are where they
 * were.  Then copy what follows.  Returns 1 if it is not so.
 */
static int copy_growth(struct keep *keep, const struct kernel_list *list)
{
	struct keys *keys = &keep->keys;
	uint64_t start = keep->last_offset;
	struct imatally_entry entry;
	struct imatally_error err;
	struct imatally_log *log;
	int got, ret = 0;

	if (!keep->begun || !keys->nr || list->staged)
		return 1;
	log = open_after(keep, list, 0, keys->key[0]);
	if (!log)
		return 1;
	imatally_log_close(log);
	log = open_after(keep, list, start, keys->key[keys->nr - 1]);
	if (!log)
		return 1;
	while (!ret && (got = imatally_log_next(log, &entry, &err)) > 0) {
		if (add_key_of(keep, keys, &entry,
			       imatally_log_layout(log).big_endian) ||
		    append(keep, size_of(&entry)))
			ret = -1;
		keep->last_offset = start + entry.offset;
		keep->copied++;
	}
	if (!ret && got < 0) {
		complain_about("the measurement list", &err);
		ret = -1;
	}
	imatally_log_close(log);
	return ret ? ret : sync_piece(keep);
}

int keep_update(struct keep *keep, const char *ima)
{
	long long count = kernel_count_entries(ima);
	struct kernel_list list;
	int ret;

	if (count < 0)
		return -1;
	if (count == keep->count)
		return 0;
	if (kernel_open_list(ima, &list))
		return -1;
	ret = copy_growth(keep, &list);
	if (ret > 0)
		ret = copy_list(keep, &list);
	kernel_close_list(&list);
	keep->count = count;
	return ret;
}

void keep_report(const struct keep *keep)
{
	printf("%" PRIu64 " %s kept in %s\n", keep->copied,
	       keep->copied == 1 ? "entry" : "entries", keep->dir);
	fflush(stdout);
}
