/* SPDX-License-Identifier: ISC */
/*
 * Reads regular files: request bodies that an input line or --form names. Each
 * call may block on the disk. A function that fails returns -1 and appends
 * "PATH: reason" to *why.
 */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct file_info {
	uint64_t size_bytes;
	uint64_t device, inode; /* equal: it is the same file */
};

/* Appends the file's bytes to `to`, at most `max`; more are an error. */
int file_read(struct buf *to, struct span path, size_t max, struct buf *why);

/* Needs no descriptor. */
int file_stat(struct span path, struct file_info *info, struct buf *why);
/* A descriptor, or -1: then *is_shortage says whether there is none left. */
int file_open(struct span path, struct file_info *info, int *is_shortage,
    struct buf *why);
/* Reads n bytes from that offset on. 0; or -1, also if the file ends before. */
int file_read_at(
    int fd, char *to, size_t n, uint64_t at, struct span path, struct buf *why);
/* Closes *fd unless it is -1, and sets it to -1. */
void file_close(int *fd);

#endif
