/* SPDX-License-Identifier: ISC */
/* Whole small files, for request bodies that an input line names. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Appends the file's bytes to `to`. Returns 0, or -1 with the reason appended
 * to *why, the path whole: it cannot be read, is no regular file, or has more
 * than `max` bytes. Blocks while the disk does.
 */
int file_read(struct buf *to, struct span path, size_t max, struct buf *why);

#endif
