/* SPDX-License-Identifier: ISC */
/*
 * For io/sink* only. sink.c has the buffer and the descriptor, sink_file.c the
 * files of an output and the places in them, sink_frames.c compression.
 *
 * An "end" is a position in the stream of bytes that the caller appends.
 */
#ifndef IO_SINK_INT_H
#define IO_SINK_INT_H

#include "io/disk.h"
#include "io/sink.h"

#define SINK_FINISHED_MAX 16 /* rotated files that wait for sink_sync_begin */

enum sink_kind {
	SINK_DIRECT, /* regular files, devices: write() */
	SINK_OWN,    /* a non-blocking description of our own */
	SINK_SHARED, /* a shared one that must stay blocking: poll first */
	SINK_SOCKET,
};

/* Rising ends, taken in the order they were put. */
struct sink_ends {
	uint64_t *v;
	size_t first, n, cap; /* v[first] to v[n - 1] */
};

/* The byte after `end` is, or will be, at this place. */
struct sink_known {
	uint64_t end;
	struct sink_place at;
};

/* What sink_open_output adds. */
struct sink_files {
	struct sink_conf conf;
	const char *path;
	int is_regular; /* else all that follows is unused */
	int folder;     /* a descriptor, or -1 */
	int has_new_name;
	struct sink_place begin; /* where the run begins, before the head */
	uint64_t head_bytes;     /* of the head in the present file */
	/* The latest known place: where the present file begins, or of a
	 * compressed one where its last frame ends. */
	struct sink_known last;
	/* The latest one that is the end of a record. For compressed output. */
	struct sink_known whole;
	struct sink_ends marks; /* ends of records not yet written */
	uint64_t last_mark;     /* the one before these */
	/* With has_commits: known places not forgotten, `last` included, and
	 * descriptors of files that rotation has finished. */
	struct sink_known *known;
	size_t known_count, known_cap;
	int finished[SINK_FINISHED_MAX];
	size_t nfinished;
};

/* What compression adds. One frame at a time is compressed by the writer, then
 * written. */
struct sink_frames {
	struct disk_job job;
	struct sink *sink;
	struct disk *writer;
	struct compress *compress; /* the job's while it runs */
	struct buf in, out;        /* the same: a frame's bytes, the frame */
	struct buf raw;            /* what the caller appends */
	struct sink_ends cuts;
	struct timer *timer;
	int is_busy;      /* the job runs */
	uint64_t taken;   /* end of the bytes in frames */
	uint64_t written; /* end of those in frames that are written */
	size_t frame_bytes;
	int begins_record, ends_record; /* this frame */
};

struct sink {
	enum sink_kind kind;
	int fd;
	int owns_fd;
	struct event *writable; /* NULL for SINK_DIRECT */
	int is_waiting;         /* for writable */
	int is_full;
	struct buf buf; /* to be written; of compressed output the frame */
	size_t off;     /* bytes of buf that are written */
	uint64_t written;
	uint64_t partial;     /* of these, bytes after the last LF */
	int has_lost;         /* bytes were thrown away */
	uint64_t dropped;     /* notes */
	struct event *reader; /* watches whether it has closed; NULL: unknown */
	int reader_fd;
	enum err err;
	int errnum;
	sink_cb *cb;
	void *arg;
	int is_rotated;             /* and not compressed */
	struct sink_files *files;   /* NULL unless sink_open_output */
	struct sink_frames *frames; /* NULL unless compressed */
};

/* ---- sink.c ---- */

struct sink *
sink_make(struct event_base *base, int fd, int owns_fd, sink_cb *cb, void *arg);
void sink_fail(struct sink *s, int errnum);
/* Writes until the buffer is empty (0), would block (1) or has failed (0). */
int sink_write_buffered(struct sink *s);
void sink_await_writable(struct sink *s);
void sink_report_drained(struct sink *s);

void sink_ends_put(struct sink_ends *e, uint64_t end);
/* The first one, or UINT64_MAX. */
uint64_t sink_ends_first(const struct sink_ends *e);
/* Removes those up to `end`; returns the last of them, or `none`. */
uint64_t sink_ends_drop(struct sink_ends *e, uint64_t end, uint64_t none);

/* ---- sink_file.c ---- */

void sink_file_free(struct sink *s);
/* How much of s->buf may be written now, from its beginning; with rotation.
 * Opens the next file where the next record needs it. */
size_t sink_file_limit(struct sink *s);
/* With rotation: must what begins with a record and is this large go to the
 * next file? */
int sink_file_is_over(const struct sink *s, uint64_t bytes);
/* Opens the next file. -1 if the sink has failed. */
int sink_file_next(struct sink *s);
/* A frame of `bytes` is written, to `end`. */
void sink_file_note_frame(struct sink *s, uint64_t end, uint64_t bytes);
/* Nothing was written: makes the compressed file one that can be read. */
void sink_file_fill_empty(struct sink *s);
/* Truncates to the last record that is whole. -1 with errno if that fails. */
int sink_file_end_record(struct sink *s);

/* ---- sink_frames.c ---- */

void sink_frames_open(struct sink *s, struct event_base *base,
    struct disk *writer, enum sink_coding coding);
void sink_frames_free(struct sink *s);
void sink_frames_flush(struct sink *s);
void sink_frames_finish(struct sink *s, int64_t timeout_us);
void sink_frames_cut(struct sink *s);
/* Appends a frame with `bytes` to out, at once. Not while the job runs. */
void sink_frames_put(struct sink *s, struct span bytes, struct buf *out);

#endif
