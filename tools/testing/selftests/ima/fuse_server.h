/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file system of a user, whose files fail to be read as their names say
 */
#ifndef FUSE_SERVER_H
#define FUSE_SERVER_H

#include <sys/types.h>

/*
 * The name of a file is a number: an errno with which the second page of the
 * file fails to be read, or one of these
 */
#define FUSE_FILE_GOOD		"1000"	/* can be read */
#define FUSE_FILE_KILLS		"1001"	/* kills the task that reads it */
#define FUSE_FILE_HASH		"1002"	/* has an xattr with an unknown hash */

/**
 * fuse_mount - mount the file system, as a helper such as fusermount does
 * @dir: mount point
 * @user: who serves the file system
 *
 * Return: a file descriptor for fuse_serve(), or a negative errno.
 */
int fuse_mount(const char *dir, uid_t user);

/* Serve the file system until it is unmounted. Never returns. */
void fuse_serve(int fd);

#endif
