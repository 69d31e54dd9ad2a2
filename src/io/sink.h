/* SPDX-License-Identifier: ISC */
/*
 * Bytes out, to a file, pipe, terminal or socket, never blocking the loop
 * where the kernel allows that, never leaving O_NONBLOCK on a description
 * that others share. Knows nothing of records: whoever appends keeps to whole
 * lines.
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
#define SINK_NOTES_MAX 65536 /* what a sink of notes keeps */

typedef void sink_cb(void *arg);

/*
 * Over an open descriptor (not closed by sink_free). `cb` is called when a
 * full sink has drained below the low water, and when it failed; without one
 * nobody asks whether the reader of a pipe or socket is gone before there is
 * something to write (otherwise: E_OUTPUT_CLOSED as soon as it is).
 */
struct sink *sink_new(struct event_base *base, int fd, sink_cb *cb, void *arg);
/*
 * Creates or truncates `path`; a FIFO is opened as a shell would (it waits for
 * its reader). NULL with errno set if that fails.
 */
struct sink *
sink_open(struct event_base *base, const char *path, sink_cb *cb, void *arg);
/*
 * The same for what may have secrets in it: a regular file gets mode 0600, also
 * if it is there already. It keeps what it has until sink_empty, which returns
 * -1 with errno if that fails. A descriptor of sink_new is never emptied: what
 * it has was put there by whoever opened it.
 */
struct sink *sink_open_private(
    struct event_base *base, const char *path, sink_cb *cb, void *arg);
int sink_empty(struct sink *s);
/* What is unwritten is lost; see sink_finish. */
void sink_free(struct sink *s);

/* The buffer to append whole lines to; sink_flush writes it. */
struct buf *sink_buf(struct sink *s);
/* Writes what can be written now. After a failure it throws away. */
void sink_flush(struct sink *s);
/* Writes all of it, waiting up to timeout_us; for the end of a run. */
void sink_finish(struct sink *s, int64_t timeout_us);
/*
 * For a run that was cut short. A line that was written in part is cut off a
 * regular file; elsewhere an LF ends it, if that can be written at once.
 */
void sink_end_line(struct sink *s);
size_t sink_pending(const struct sink *s);
/* Over the high water, until below the low water. */
int sink_is_full(const struct sink *s);
uint64_t sink_written(const struct sink *s);
/* Is there anything that its reader has not got, and perhaps never will? */
int sink_has_lost(const struct sink *s);
/* E_OK, or E_OUTPUT_*: nothing is written any more. */
enum err sink_error(const struct sink *s);
int sink_errno(const struct sink *s);

/*
 * For people, on stderr: appends one line, or drops and counts it if more than
 * SINK_NOTES_MAX is unwritten; what was dropped is said when there is room.
 */
void sink_note(struct sink *s, struct span line);

#endif
