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

struct disk;
struct event_base;
struct sink;
struct sink_sync;

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
/*
 * Unwritten bytes are lost; see sink_finish. A compressed sink is freed after
 * disk_free(writer), or while it has nothing in work there (sink_finish).
 */
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

/* ---- the output of a run: files that are replaced, continued, rotated ---- */

enum sink_coding { SINK_PLAIN, SINK_GZIP, SINK_ZSTD };

/* Where a record ends on the disk. */
struct sink_place {
	uint32_t file;  /* with rotation the number in its name, otherwise 0 */
	uint64_t bytes; /* the size that the file has to that end */
};

struct sink_conf {
	enum sink_coding coding; /* see sink_coding_of */
	uint64_t rotate_bytes;   /* 0: one file */
	int is_private;          /* mode 0600, as of sink_open_private */
	int is_lines;            /* each LF ends a record: JSONL, text */
	int may_append; /* add to what exists instead of replacing it */
	/* The run goes on at this place: what follows it is removed. */
	int is_resumed;
	struct sink_place resume_at;
	/* sink_locate and sink_sync_begin are used. */
	int has_commits;
	/* Written at the beginning of each new or emptied file: the header line
	 * of CSV. Not part of the ends below. Must outlive the sink. */
	struct span head;
};

/* By the name: ".gz", ".zst", in any case of letters. */
enum sink_coding sink_coding_of(const char *path);
/*
 * Appends the name of file `number` of a rotated output: "out.jsonl.gz" gives
 * "out.3.jsonl.gz". Number 0 is the path itself.
 */
void sink_file_name(struct buf *out, const char *path, uint32_t number);
/*
 * Opens the output at `path`, which must outlive the sink; nothing that exists
 * is changed before sink_begin. `writer` compresses; it may be NULL with
 * SINK_PLAIN. NULL with errno if that fails, which also means:
 * EBUSY   another process of fetchd writes that file
 * ENODATA it is shorter than resume_at says
 * ESPIPE  to be rotated or resumed, but not a regular file
 */
struct sink *sink_open_output(struct event_base *base, struct disk *writer,
    const char *path, const struct sink_conf *conf, sink_cb *cb, void *arg);
/*
 * Where sink_begin will begin: a journal must say so first, as a run that is
 * killed before its first batch is resumed there.
 */
struct sink_place sink_begins_at(const struct sink *s);
/*
 * The run begins: truncates a file that is to be replaced, with rotation also
 * removes the files that follow it in the series; cuts at resume_at; ends an
 * incomplete last line before bytes are appended. -1 with errno if that fails.
 * Does nothing on other sinks. No flush before this.
 */
int sink_begin(struct sink *s);

/*
 * The record appended last is complete. Not needed where is_lines is set, but
 * allowed.
 */
void sink_mark(struct sink *s);
/* Compressed: ends the frame here, so that all bytes so far get written. */
void sink_cut(struct sink *s);
/*
 * Bytes appended so far, before compression, without `head`. Never falls while
 * the sink has not failed.
 * sink_written is how many of these are written: of a compressed sink those
 * whose frame is in the file. sink_pending is the difference.
 */
uint64_t sink_end(const struct sink *s);
/*
 * Where `end` is: the end of a record, at which sink_cut was called if the sink
 * is compressed, written and not forgotten. -1 if it is none of these, or the
 * output is not a regular file.
 */
int sink_locate(const struct sink *s, uint64_t end, struct sink_place *at);
/* Earlier ends than this one are not asked for any more. */
void sink_forget(struct sink *s, uint64_t end);
/* A regular file, which can be resumed. */
int sink_is_file(const struct sink *s);
/*
 * After the last write, also after an error: truncates the file to `end`, as
 * for sink_locate, and removes later files of the series. -1 with errno if that
 * fails, ENOENT if the place is not known.
 */
int sink_cut_back(struct sink *s, uint64_t end);

/*
 * Forces what is written so far to the disk: the present file, those that
 * rotation has finished since the last call, and the folder if it has new
 * names. Begun in the loop, run on any thread, freed in the loop; independent
 * of the sink's life and of later writes. One at a time for a sink. Returns 0
 * or an errno: then nothing since the last success counts as being on the disk,
 * whatever a later call returns.
 */
struct sink_sync *sink_sync_begin(struct sink *s);
int sink_sync_run(struct sink_sync *y);
void sink_sync_free(struct sink_sync *y);

#endif
