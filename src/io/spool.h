/* SPDX-License-Identifier: ISC */
/*
 * Copies standard input to a file as fast as it arrives, so that a run that is
 * killed has lost none of it. If the file holds bytes of an earlier run, the
 * input must begin with the same bytes (or have none). Knows nothing of lines.
 *
 * Leaf contract: the callback comes only from the loop, never after spool_free
 * has returned.
 */
#ifndef IO_SPOOL_H
#define IO_SPOOL_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct spool;

/* Bytes were appended, or spool_is_complete or spool_error has changed. */
typedef void spool_cb(void *arg);

/*
 * Opens or creates the file with mode 0600. fd: what is read, -1 for nothing:
 * the file is complete. It is not closed and stays blocking. is_kept 0: the
 * file is removed at once, and lives as long as it is open. NULL with errno if
 * that fails.
 */
struct spool *spool_new(struct event_base *base, int fd, const char *path,
    int is_kept, spool_cb *cb, void *arg);
void spool_free(struct spool *s); /* NULL is allowed */

/* Before the loop runs: waits until the file has that many bytes, or does not
 * grow any more. Does not call back. */
void spool_wait(struct spool *s, uint64_t bytes);

/* The file, for reading at any offset; valid until spool_free. */
int spool_fd(const struct spool *s);
/* Has the input ended? Then the file does not grow any more. */
int spool_is_complete(const struct spool *s);
/* What is wrong, for people; NULL: nothing. Then the file does not grow any
 * more, and is not complete. */
const char *spool_error(const struct spool *s);

#endif
