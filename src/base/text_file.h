/* SPDX-License-Identifier: ISC */
/* Text files read whole. The one place that knows of byte order marks. */
#ifndef BASE_TEXT_FILE_H
#define BASE_TEXT_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* The text after a byte order mark (of UTF-8) at its start, if there is one. */
struct span text_file_skip_bom(struct span text);

/*
 * Appends what fd still gives, without a byte order mark at its start. 0; -1
 * with errno; or 1 if it is more than `max` bytes, of which `out` then has the
 * first. Blocks as fd does.
 */
int text_file_read(int fd, size_t max, struct buf *out);

#endif
