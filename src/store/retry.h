/* SPDX-License-Identifier: ISC */
/*
 * What --retry-failed needs of files of results: which items failed, and at the
 * end the removal of the records that a newer one of the same item replaces.
 * Paths are the files of one output in their order: one, or a rotated series.
 * None is a database (see store/results).
 */
#ifndef STORE_RETRY_H
#define STORE_RETRY_H

#include <stddef.h>

#include "base/buf.h"
#include "store/seqs.h"

/*
 * Adds the items whose newest record has an error to `failed`. 0, or -1 with
 * "PATH: what is wrong" appended to *why: a file cannot be read, is damaged, or
 * does not say which items failed (--fields without seq and error).
 */
int retry_read_failed(const char *const *paths, size_t npaths,
    struct seqs *failed, struct buf *why);

/*
 * Removes each record that a later one of the same seq follows, in the same
 * file or a later one, and the stream lines that belong to it, which are those
 * before it. All else stays as it is, byte for byte before compression.
 *
 * A file is replaced by a new one in the same folder (a name that begins with
 * .fetchd-rewrite; fsync, rename, fsync of the folder): whenever the process or
 * the machine stops, the name leads to the old file or to the new one, whole.
 * Files without such records are not touched. Can be repeated after it was
 * interrupted, with the same result. Nobody may have the files open for
 * writing. Memory: a bit an item, and 12 bytes for each record removed.
 *
 * 0, or -1 with *why as above: the file it names is unchanged.
 */
int retry_remove_superseded(
    const char *const *paths, size_t npaths, struct buf *why);

#endif
