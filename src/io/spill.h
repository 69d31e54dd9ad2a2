/* SPDX-License-Identifier: ISC */
/*
 * Bytes in an unnamed temporary file, to be read later and in any order.
 * Released space is reused; the file is truncated when all bytes are released.
 * Knows nothing of what the bytes mean.
 *
 * Nothing here calls back. Reading and writing may block on the disk.
 */
#ifndef IO_SPILL_H
#define IO_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct spill;

/* Creates no file: the first spill_append does, in the first of $TMPDIR,
 * /var/tmp and /tmp that allows it. */
struct spill *spill_new(void);
void spill_free(struct spill *s);

/*
 * Functions that can fail return E_OK, E_OUTPUT_NO_SPACE or E_OUTPUT_IO;
 * spill_errno has the errno.
 *
 * An offset counts all bytes ever appended, not bytes of the file: two spans
 * appended one after another are contiguous. If spill_append fails, nothing is
 * appended.
 */
enum err spill_append(struct spill *s, struct span bytes, uint64_t *offset);
/* Appends n bytes, which are not released, to `to`; all or none. */
enum err spill_read(struct spill *s, uint64_t offset, size_t n, struct buf *to);
/* Overwrites bytes. */
enum err spill_patch(struct spill *s, uint64_t offset, struct span bytes);
/* Releases bytes, each once. */
void spill_release(struct spill *s, uint64_t offset, uint64_t n);

uint64_t spill_live_bytes(const struct spill *s); /* not released */
/* The file's size without the places that will be reused. */
uint64_t spill_used_bytes(const struct spill *s);
uint64_t spill_file_bytes(const struct spill *s); /* the file's size */
int spill_errno(const struct spill *s);

#endif
