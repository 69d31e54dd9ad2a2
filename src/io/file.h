/* SPDX-License-Identifier: ISC */
/* Reads whole small files: request bodies that an input line names. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Appends the file's bytes to `to`. Returns 0, or -1 with "PATH: reason"
 * appended to *why: it cannot be read, is not a regular file, or has more than
 * `max` bytes. May block on the disk.
 */
int file_read(struct buf *to, struct span path, size_t max, struct buf *why);

#endif
