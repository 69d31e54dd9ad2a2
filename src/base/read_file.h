/* SPDX-License-Identifier: ISC */
/* Reads a whole file into memory. */
#ifndef BASE_READ_FILE_H
#define BASE_READ_FILE_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Appends the rest of the file to `out`. Returns 0; -1 with errno set; or 1 if
 * the file has more than `max` bytes: `out` then has the first `max` of them.
 * Blocks if fd blocks.
 */
int read_file_bytes(int fd, size_t max, struct buf *out);
/* The same without a byte order mark at the start of the file. */
int read_file_text(int fd, size_t max, struct buf *out);

#endif
