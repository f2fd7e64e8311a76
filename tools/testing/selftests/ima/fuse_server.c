// SPDX-License-Identifier: GPL-2.0

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse_server.h"

#define FILE_SIZE	8192
#define PAGE		4096

/* IMA_XATTR_DIGEST_NG, and a hash of linux/hash_info.h that few kernels have */
#define XATTR_DIGEST_NG	0x04
#define HASH_WP_512	0x09

int fuse_mount(const char *dir, uid_t user)
{
	char options[128];
	int fd;

	fd = open("/dev/fuse", O_RDWR);
	if (fd < 0)
		return -errno;

	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=%u,group_id=%u", fd, user, user);
	if (mount("fuse", dir, "fuse", MS_NOSUID | MS_NODEV, options)) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

static void reply(int fd, uint64_t unique, int error, const void *data,
		  size_t size)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + size,
		.error = error,
		.unique = unique,
	};
	struct iovec iov[] = {
		{ &out, sizeof(out) }, { (void *)data, size },
	};

	/* Fails if the task does not wait any longer. */
	if (writev(fd, iov, size ? 2 : 1) < 0 && errno != ENOENT)
		_exit(1);
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr) {
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755,
		.nlink = 1,
		.size = node == FUSE_ROOT_ID ? 0 : FILE_SIZE,
		.uid = getuid(),
		.gid = getgid(),
		.blksize = PAGE,
	};
}

/* Nodes of files are their names, plus this. */
static uint64_t node_of(const char *name)
{
	return FUSE_ROOT_ID + 1 + strtoul(name, NULL, 10);
}

static void serve_read(int fd, const struct fuse_in_header *in,
		       const struct fuse_read_in *read)
{
	static const char zeros[FILE_SIZE];
	uint64_t name = in->nodeid - node_of("0");
	size_t size = FILE_SIZE - read->offset;

	if (read->offset >= FILE_SIZE)
		size = 0;
	if (size > read->size)
		size = read->size;

	/* The first page is good, so that the file can be executed. */
	if (read->offset + size > PAGE && name < 1000) {
		reply(fd, in->unique, -(int)name, NULL, 0);
	} else if (read->offset + size > PAGE &&
		   in->nodeid == node_of(FUSE_FILE_KILLS)) {
		kill(in->pid, SIGKILL);
		reply(fd, in->unique, -EIO, NULL, 0);
	} else {
		reply(fd, in->unique, 0, zeros, size);
	}
}

static void serve_xattr(int fd, const struct fuse_in_header *in,
			const struct fuse_getxattr_in *get)
{
	char value[34] = { XATTR_DIGEST_NG, HASH_WP_512 };
	struct fuse_getxattr_out out = { .size = sizeof(value) };

	if (in->nodeid != node_of(FUSE_FILE_HASH) ||
	    strcmp((const char *)(get + 1), "security.ima"))
		reply(fd, in->unique, -ENODATA, NULL, 0);
	else if (!get->size)
		reply(fd, in->unique, 0, &out, sizeof(out));
	else if (get->size < sizeof(value))
		reply(fd, in->unique, -ERANGE, NULL, 0);
	else
		reply(fd, in->unique, 0, value, sizeof(value));
}

void fuse_serve(int fd)
{
	static char request[FUSE_MIN_READ_BUFFER + FILE_SIZE];
	const struct fuse_in_header *in = (void *)request;
	const void *arg = in + 1;
	struct fuse_entry_out entry;
	struct fuse_init_out init;
	struct fuse_attr_out attr;
	struct fuse_open_out open;

	while (read(fd, request, sizeof(request)) > 0) {
		switch (in->opcode) {
		case FUSE_INIT:
			init = (struct fuse_init_out) {
				.major = FUSE_KERNEL_VERSION,
				.minor = FUSE_KERNEL_MINOR_VERSION,
				.max_write = PAGE,
			};
			reply(fd, in->unique, 0, &init, sizeof(init));
			break;
		case FUSE_LOOKUP:
			entry = (struct fuse_entry_out) {
				.nodeid = node_of(arg),
				.attr = attributes(node_of(arg)),
			};
			reply(fd, in->unique, 0, &entry, sizeof(entry));
			break;
		case FUSE_GETATTR:
			attr = (struct fuse_attr_out) {
				.attr = attributes(in->nodeid),
			};
			reply(fd, in->unique, 0, &attr, sizeof(attr));
			break;
		case FUSE_OPEN:
			/* Otherwise each error in the page cache is EIO. */
			open = (struct fuse_open_out) {
				.open_flags = FOPEN_DIRECT_IO,
			};
			reply(fd, in->unique, 0, &open, sizeof(open));
			break;
		case FUSE_READ:
			serve_read(fd, in, arg);
			break;
		case FUSE_GETXATTR:
			serve_xattr(fd, in, arg);
			break;
		case FUSE_FLUSH:
		case FUSE_RELEASE:
			reply(fd, in->unique, 0, NULL, 0);
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			reply(fd, in->unique, -EOPNOTSUPP, NULL, 0);
		}
	}
	_exit(0);
}
