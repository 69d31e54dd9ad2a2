/* SPDX-License-Identifier: ISC */
/*
 * Bytes put aside in a temporary file that has no name, to be read again later
 * and in another order. Space that was released is used again; the file is
 * empty again once all is. Knows nothing of what the bytes say.
 *
 * Nothing here calls back. Reading and writing block while the disk does.
 */
#ifndef IO_SPILL_H
#define IO_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct spill;

/* Makes no file yet: the first spill_append does, in $TMPDIR, /var/tmp or
 * /tmp, whichever is the first to allow it. */
struct spill *spill_new(void);
void spill_free(struct spill *s);

/*
 * All that can fail returns E_OK, E_OUTPUT_NO_SPACE or E_OUTPUT_IO, and
 * spill_errno says why.
 *
 * An offset is a place in what was ever appended, not in the file: two spans
 * appended one after another are one run of bytes. Nothing is appended if that
 * fails.
 */
enum err spill_append(struct spill *s, struct span bytes, uint64_t *offset);
/* Appends n bytes to `to`; all or none. What is read was not released. */
enum err spill_read(struct spill *s, uint64_t offset, size_t n, struct buf *to);
/* Writes over bytes that are there. */
enum err spill_patch(struct spill *s, uint64_t offset, struct span bytes);
/* These bytes are needed no more; each is released once. */
void spill_release(struct spill *s, uint64_t offset, uint64_t n);

uint64_t spill_live_bytes(const struct spill *s); /* not released */
/* What the file takes but for places that will be used again. */
uint64_t spill_used_bytes(const struct spill *s);
uint64_t spill_file_bytes(const struct spill *s); /* what the file takes */
int spill_errno(const struct spill *s);

#endif
