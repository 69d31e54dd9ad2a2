/* SPDX-License-Identifier: ISC */
/*
 * Output to a file, pipe, terminal or socket. Does not block the loop where the
 * kernel allows that, and never sets O_NONBLOCK on an open file description
 * that other processes share. Knows nothing of records: the caller appends
 * whole lines.
 *
 * Leaf contract: sink_buf and sink_flush never call back; the callback comes
 * only from the loop, never after sink_free has returned.
 */
#ifndef IO_SINK_H
#define IO_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct event_base;
struct sink;

#define SINK_HIGH_WATER (1u << 20)
#define SINK_LOW_WATER (256u << 10)
#define SINK_NOTES_MAX 65536 /* unwritten bytes of notes */

typedef void sink_cb(void *arg);

/*
 * Over an open descriptor, which sink_free does not close. `cb` is called when
 * a full sink has drained below the low water mark, and when it has failed.
 * With a `cb` it fails (E_OUTPUT_CLOSED) as soon as the reader of a pipe or
 * socket has closed; without one, at the next write.
 */
struct sink *sink_new(struct event_base *base, int fd, sink_cb *cb, void *arg);
/*
 * Creates or truncates `path`. A FIFO is opened as a shell does it, waiting for
 * a reader. NULL with errno if that fails.
 */
struct sink *
sink_open(struct event_base *base, const char *path, sink_cb *cb, void *arg);
/*
 * The same for output that may contain secrets: a regular file gets mode 0600,
 * also if it exists. It is truncated by sink_empty only, which returns -1 with
 * errno if that fails. sink_empty does nothing on a descriptor of sink_new.
 */
struct sink *sink_open_private(
    struct event_base *base, const char *path, sink_cb *cb, void *arg);
int sink_empty(struct sink *s);
/*
 * As sink_open_private, where others may have put something at `path` before:
 * no symbolic link, but for one to a descriptor (/dev/fd/3), and no file of
 * another user.
 */
struct sink *sink_open_own(
    struct event_base *base, const char *path, sink_cb *cb, void *arg);
/* Unwritten bytes are lost; see sink_finish. */
void sink_free(struct sink *s);

/* The buffer to append whole lines to; sink_flush writes it. */
struct buf *sink_buf(struct sink *s);
/* Writes what can be written now. After a failure it discards. */
void sink_flush(struct sink *s);
/* Writes all of it, waiting up to timeout_us; for the end of a run. */
void sink_finish(struct sink *s, int64_t timeout_us);
/*
 * For a run that was interrupted: a line that was written in part is removed
 * from a regular file; elsewhere an LF ends it, if that can be written soon.
 */
void sink_end_line(struct sink *s);
size_t sink_pending(const struct sink *s);
/* From the high water mark until below the low one. */
int sink_is_full(const struct sink *s);
uint64_t sink_written(const struct sink *s);
/* Were bytes discarded, or are some unwritten? */
int sink_has_lost(const struct sink *s);
/* E_OK, or E_OUTPUT_*: nothing is written any more. */
enum err sink_error(const struct sink *s);
int sink_errno(const struct sink *s);

/*
 * For people, on stderr: appends one line, or drops and counts it if more than
 * SINK_NOTES_MAX bytes are unwritten. The count is reported when there is room.
 */
void sink_note(struct sink *s, struct span line);

#endif
