/* SPDX-License-Identifier: ISC */
/* Reads a whole text file into memory. */
#ifndef BASE_TEXT_FILE_H
#define BASE_TEXT_FILE_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Appends the rest of the file to `out`, without a byte order mark at its
 * start. Returns 0; -1 with errno set; or 1 if the file has more than `max`
 * bytes: `out` then holds the first `max`. Blocks if fd blocks.
 */
int text_file_read(int fd, size_t max, struct buf *out);

#endif
