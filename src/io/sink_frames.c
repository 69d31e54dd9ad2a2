/* SPDX-License-Identifier: ISC */
/*
 * Compressed output: the appended bytes are divided into frames, each readable
 * alone, at the ends of records where possible. The helper thread compresses a
 * frame; the loop writes it and then hands on the next one. Knows nothing of
 * formats: codec/compress makes the frames.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/compress.h"
#include "io/sink_int.h"
#include "io/timer.h"

#define FRAME_BYTES (256u << 10)
#define FRAME_US 1000000 /* at the latest after this time */
#define KEEP_BYTES (2u * SINK_HIGH_WATER)
#define POLL_MS 50

/* On the thread. */
static void
run(struct disk_job *job)
{
	struct sink_frames *f = (struct sink_frames *)(void *)job;

	compress_frame(f->compress, buf_view(&f->in), &f->out);
}

static void
swap(struct buf *a, struct buf *b)
{
	struct buf c = *a;

	*a = *b;
	*b = c;
}

/*
 * Bytes of the next frame: up to the next cut; without one only when there is
 * enough for a frame. Frames end where a record ends, if that is not too far
 * away.
 */
static size_t
next_bytes(const struct sink *s)
{
	const struct sink_frames *f = s->frames;
	const struct sink_ends *marks = &s->files->marks;
	uint64_t cut = sink_ends_first(&f->cuts), end = 0;
	uint64_t most = FRAME_BYTES, rotate = s->files->conf.rotate_bytes;
	size_t i;

	/* So that a file is filled to three quarters at least. */
	if (rotate > 0 && rotate / 4 < most)
		most = rotate / 4 + 1;
	if (cut != UINT64_MAX && cut - f->taken <= most)
		return (size_t)(cut - f->taken);
	if (cut == UINT64_MAX && f->raw.n < most)
		return 0;
	for (i = marks->first; i < marks->n; i++) {
		if (end > 0 && marks->v[i] > f->taken + most)
			break;
		end = marks->v[i];
	}
	if (cut != UINT64_MAX && (end == 0 || end > cut))
		end = cut;
	return end > 0 ? (size_t)(end - f->taken) : f->raw.n;
}

static void
submit(struct sink *s, size_t n)
{
	struct sink_frames *f = s->frames;
	struct sink_files *files = s->files;

	if (n == f->raw.n)
		swap(&f->in, &f->raw);
	else {
		buf_add(&f->in, f->raw.p, n);
		buf_drop(&f->raw, n);
	}
	f->begins_record = f->taken == files->last_mark;
	f->taken += n;
	files->last_mark =
	    sink_ends_drop(&files->marks, f->taken, files->last_mark);
	f->ends_record = f->taken == files->last_mark;
	(void)sink_ends_drop(&f->cuts, f->taken, 0);
	f->is_busy = 1;
	disk_submit(f->writer, &f->job);
}

static void
discard(struct sink *s)
{
	struct sink_frames *f = s->frames;

	s->has_lost |= f->raw.n > 0 || f->taken != f->written;
	f->taken = f->written;
	buf_clear(&f->raw, 0);
	timer_clear(f->timer);
	/* The frame may be written in part. If this fails too, a reader sees
	 * that the file is cut. */
	(void)sink_file_end_record(s);
}

/* Writes the frame, and hands on the next one when it is written. */
static void
advance(struct sink *s)
{
	struct sink_frames *f = s->frames;
	size_t n;

	if (f->is_busy || (s->is_waiting && s->err == E_OK))
		return;
	if (sink_write_buffered(s)) {
		sink_await_writable(s);
		return;
	}
	if (s->err != E_OK) {
		discard(s);
		return;
	}
	if (f->written != f->taken) {
		f->written = f->taken;
		sink_file_note_frame(s, f->written, f->frame_bytes);
	}
	n = next_bytes(s);
	if (n > 0)
		submit(s, n);
}

/* Back in the loop: the frame goes to the next file, if it must, or this one.
 */
static void
done(struct disk_job *job)
{
	struct sink_frames *f = (struct sink_frames *)(void *)job;
	struct sink *s = f->sink;

	f->is_busy = 0;
	buf_clear(&f->in, KEEP_BYTES);
	if (s->err == E_OK && f->begins_record &&
	    sink_file_is_over(s, f->out.n))
		(void)sink_file_next(s);
	f->frame_bytes = f->out.n;
	swap(&f->out, &s->buf);
	buf_clear(&f->out, KEEP_BYTES);
	sink_flush(s);
	sink_report_drained(s);
}

static void
on_timer(void *arg)
{
	struct sink *s = arg;

	sink_frames_cut(s);
	sink_report_drained(s);
}

void
sink_frames_open(struct sink *s, struct event_base *base, struct disk *writer,
    enum sink_coding coding)
{
	struct sink_frames *f = mem_zalloc(1, sizeof(*f));

	f->job.run = run;
	f->job.done = done;
	f->sink = s;
	f->writer = writer;
	f->compress =
	    compress_new(coding == SINK_ZSTD ? COMPRESS_ZSTD : COMPRESS_GZIP);
	f->timer = timer_new(base, on_timer, s);
	s->frames = f;
}

void
sink_frames_free(struct sink *s)
{
	struct sink_frames *f = s->frames;

	if (f == NULL)
		return;
	timer_free(f->timer);
	compress_free(f->compress);
	buf_fini(&f->in);
	buf_fini(&f->out);
	buf_fini(&f->raw);
	free(f->cuts.v);
	free(f);
}

void
sink_frames_flush(struct sink *s)
{
	struct sink_frames *f = s->frames;

	advance(s);
	if (f->raw.n == 0)
		timer_clear(f->timer);
	else if (timer_at(f->timer) == TIMER_NEVER && s->err == E_OK)
		timer_set(f->timer, timer_now_us() + FRAME_US);
	if (sink_pending(s) >= SINK_HIGH_WATER)
		s->is_full = 1;
	else if (sink_pending(s) <= SINK_LOW_WATER)
		s->is_full = 0;
}

void
sink_frames_cut(struct sink *s)
{
	struct sink_frames *f = s->frames;

	if (f->raw.n > 0)
		sink_ends_put(&f->cuts, f->taken + f->raw.n);
	sink_flush(s);
}

void
sink_frames_finish(struct sink *s, int64_t timeout_us)
{
	struct sink_frames *f = s->frames;
	int64_t end_at_us = timer_now_us() + timeout_us, left_us;
	struct pollfd ready = { .fd = s->fd, .events = POLLOUT };

	do {
		s->is_waiting = 0;
		sink_frames_cut(s);
		if (sink_pending(s) == 0)
			break;
		left_us = end_at_us - timer_now_us();
		if (f->is_busy)
			disk_finish(f->writer, left_us);
		else if (left_us > 0)
			(void)poll(&ready, 1, (int)(left_us / 1000) + 1);
	} while (left_us > 0);
	if (sink_pending(s) == 0 && s->err == E_OK)
		sink_file_fill_empty(s);
}

void
sink_frames_put(struct sink *s, struct span bytes, struct buf *out)
{
	compress_frame(s->frames->compress, bytes, out);
}
