/* SPDX-License-Identifier: ISC */
/*
 * One buffer and one descriptor. A regular file is written directly, a pipe or
 * terminal through an open file description of our own, which may be
 * non-blocking, a socket with MSG_DONTWAIT. Knows nothing of what the bytes
 * mean.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/message.h"
#include "io/sink_int.h"
#include "io/timer.h"

#define LINE_END_MS 200
#define KEEP_BYTES (2u * SINK_HIGH_WATER) /* memory kept between batches */

void
sink_report_drained(struct sink *s)
{
	if (s->err == E_OK && (!s->is_full || sink_pending(s) > SINK_LOW_WATER))
		return;
	s->is_full = 0;
	if (s->cb != NULL)
		s->cb(s->arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct sink *s = arg;

	(void)fd;
	(void)what;
	s->is_waiting = 0;
	sink_flush(s);
	sink_report_drained(s);
}

/* Edge-triggered, as bytes from the peer, or an end of these, are ignored. */
static void
on_reader(evutil_socket_t fd, short what, void *arg)
{
	struct sink *s = arg;
	struct pollfd p = { .fd = fd };

	(void)what;
	if (s->err != E_OK || poll(&p, 1, 0) <= 0 ||
	    !(p.revents & (POLLERR | POLLHUP)))
		return;
	sink_fail(s, EPIPE);
	sink_flush(s);
	sink_report_drained(s);
}

static int
has_reader(const struct sink *s)
{
	struct stat st;
	int type = 0;
	socklen_t n = sizeof(type);

	if (fstat(s->fd, &st) == -1)
		return 0;
	if (S_ISFIFO(st.st_mode))
		return 1;
	return S_ISSOCK(st.st_mode) &&
	       getsockopt(s->fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	       type != SOCK_DGRAM;
}

/*
 * The writing end of a pipe or socket becomes readable only when the other end
 * is closed. It needs a descriptor of its own, as the event for writing is not
 * edge-triggered.
 */
static void
watch_reader(struct sink *s, struct event_base *base)
{
	if (!(event_base_get_features(base) & EV_FEATURE_ET) || !has_reader(s))
		return;
	s->reader_fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 3);
	if (s->reader_fd == -1)
		return;
	s->reader = event_new(
	    base, s->reader_fd, EV_READ | EV_ET | EV_PERSIST, on_reader, s);
	if (s->reader == NULL || event_add(s->reader, NULL) != 0)
		fatalx("event_new failed");
}

/*
 * O_NONBLOCK belongs to the open file description, which other processes may
 * share. So the same pipe or terminal is opened again.
 */
static void
choose_kind(struct sink *s, int fd)
{
	char path[64];
	struct stat st;
	int own;

	CHECK(fstat(fd, &st) == 0);
	s->fd = fd;
	s->kind = SINK_DIRECT;
	if (S_ISSOCK(st.st_mode))
		s->kind = SINK_SOCKET;
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	s->kind = own != -1 ? SINK_OWN : SINK_SHARED;
	if (own == -1)
		return;
	if (s->owns_fd)
		close(fd);
	s->fd = own;
	s->owns_fd = 1;
}

struct sink *
sink_make(struct event_base *base, int fd, int owns_fd, sink_cb *cb, void *arg)
{
	struct sink *s = mem_zalloc(1, sizeof(*s));

	s->cb = cb;
	s->arg = arg;
	s->owns_fd = owns_fd;
	s->reader_fd = -1;
	choose_kind(s, fd);
	if (cb != NULL)
		watch_reader(s, base);
	if (s->kind == SINK_DIRECT)
		return s;
	s->writable = event_new(base, s->fd, EV_WRITE, on_writable, s);
	if (s->writable == NULL)
		fatalx("event_new failed");
	return s;
}

struct sink *
sink_new(struct event_base *base, int fd, sink_cb *cb, void *arg)
{
	return sink_make(base, fd, 0, cb, arg);
}

struct sink *
sink_open(struct event_base *base, const char *path, sink_cb *cb, void *arg)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	return fd != -1 ? sink_make(base, fd, 1, cb, arg) : NULL;
}

static struct sink *
open_private(struct event_base *base, const char *path, int flags, sink_cb *cb,
    void *arg)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
	int errnum;
	struct stat st;

	if (fd == -1)
		return NULL;
	if (flags & O_NOFOLLOW && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid != geteuid()) {
		close(fd);
		errno = EACCES;
		return NULL;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) != 0 && fchmod(fd, 0600) == -1) {
		errnum = errno;
		close(fd);
		errno = errnum;
		return NULL;
	}
	return sink_make(base, fd, 1, cb, arg);
}

struct sink *
sink_open_private(
    struct event_base *base, const char *path, sink_cb *cb, void *arg)
{
	return open_private(base, path, 0, cb, arg);
}

/* The kernel's links to descriptors are no file's that anybody could put. */
static int
is_descriptor(const char *path)
{
	static const char *const dirs[] = { "/dev/fd/", "/dev/std",
		"/proc/self/fd/" };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0)
			return 1;
	return 0;
}

struct sink *
sink_open_own(struct event_base *base, const char *path, sink_cb *cb, void *arg)
{
	return open_private(
	    base, path, is_descriptor(path) ? 0 : O_NOFOLLOW, cb, arg);
}

int
sink_empty(struct sink *s)
{
	struct stat st;

	if (!s->owns_fd || fstat(s->fd, &st) == -1 || !S_ISREG(st.st_mode))
		return 0;
	return ftruncate(s->fd, 0);
}

void
sink_free(struct sink *s)
{
	if (s == NULL)
		return;
	if (s->writable != NULL)
		event_free(s->writable);
	if (s->reader != NULL)
		event_free(s->reader);
	if (s->reader_fd != -1)
		close(s->reader_fd);
	if (s->owns_fd && s->fd != -1)
		close(s->fd);
	sink_frames_free(s);
	sink_file_free(s);
	buf_fini(&s->buf);
	free(s);
}

struct buf *
sink_buf(struct sink *s)
{
	return s->frames != NULL ? &s->frames->raw : &s->buf;
}

void
sink_fail(struct sink *s, int errnum)
{
	s->errnum = errnum;
	if (errnum == EPIPE || errnum == ECONNRESET)
		s->err = E_OUTPUT_CLOSED;
	else if (errnum == ENOSPC || errnum == EDQUOT)
		s->err = E_OUTPUT_NO_SPACE;
	else
		s->err = E_OUTPUT_IO;
}

/* Like write(2); -1 with EAGAIN where it would block. */
static ssize_t
write_once(struct sink *s, const char *p, size_t n)
{
	struct pollfd ready = { .fd = s->fd, .events = POLLOUT };

	switch (s->kind) {
	case SINK_SOCKET:
		return send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SINK_SHARED:
		if (poll(&ready, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(s->fd, p, n < PIPE_BUF ? n : PIPE_BUF);
	case SINK_DIRECT:
	case SINK_OWN:
		return write(s->fd, p, n);
	}
	return -1;
}

void
sink_await_writable(struct sink *s)
{
	if (s->is_waiting || s->writable == NULL)
		return;
	s->is_waiting = 1;
	CHECK(event_add(s->writable, NULL) == 0);
}

static void
count_written(struct sink *s, size_t n)
{
	const char *p = s->buf.p + s->off;
	const char *lf = n > 0 ? memrchr(p, '\n', n) : NULL;

	s->partial = lf != NULL ? (uint64_t)(p + n - lf) - 1 : s->partial + n;
	s->off += n;
	s->written += n;
}

/* Writes until the buffer is empty (0), would block (1) or has failed (0). */
int
sink_write_buffered(struct sink *s)
{
	size_t limit = s->buf.n;
	ssize_t n;

	for (;;) {
		if (s->is_rotated && s->err == E_OK)
			limit = sink_file_limit(s);
		if (s->err != E_OK || s->off == limit)
			break;
		n = write_once(s, s->buf.p + s->off, limit - s->off);
		if (n >= 0) {
			count_written(s, (size_t)n);
		} else if (errno == EAGAIN) {
			return 1;
		} else if (errno != EINTR)
			sink_fail(s, errno);
	}
	if (s->err != E_OK || s->off == s->buf.n) {
		s->has_lost |= s->off < s->buf.n;
		s->off = 0;
		buf_clear(&s->buf, KEEP_BYTES);
	}
	return 0;
}

static void
report_dropped(struct sink *s)
{
	uint64_t n = s->dropped;

	if (n == 0 || sink_pending(s) > 0)
		return;
	s->dropped = 0;
	message_line(&s->buf,
	    "%llu lines were dropped because standard error was not read fast "
	    "enough",
	    (unsigned long long)n);
}

/* Lines are appended whole, but for a large one that is not complete. */
static void
mark_lines(struct sink *s)
{
	const struct buf *b = sink_buf(s);

	if (b->n > 0 && b->p[b->n - 1] == '\n')
		sink_mark(s);
}

void
sink_flush(struct sink *s)
{
	report_dropped(s);
	if (s->files != NULL && s->files->conf.is_lines)
		mark_lines(s);
	if (s->frames != NULL) {
		sink_frames_flush(s);
		return;
	}
	if (s->off == s->buf.n && s->err == E_OK)
		return;
	if (s->is_waiting && s->err == E_OK) {
		s->is_full = s->is_full || sink_pending(s) >= SINK_HIGH_WATER;
		return;
	}
	if (sink_write_buffered(s))
		sink_await_writable(s);
	if (s->off > SINK_HIGH_WATER) {
		buf_drop(&s->buf, s->off);
		s->off = 0;
	}
	s->is_full = s->is_full || sink_pending(s) >= SINK_HIGH_WATER;
	/* Rotation may leave an incomplete record, which has room to grow. */
	if (!s->is_waiting &&
	    sink_pending(s) <=
		(s->is_rotated ? SINK_HIGH_WATER - 1 : SINK_LOW_WATER))
		s->is_full = 0;
}

void
sink_finish(struct sink *s, int64_t timeout_us)
{
	int64_t end_at_us = timer_now_us() + timeout_us, left_us;
	struct pollfd ready = { .fd = s->fd, .events = POLLOUT };

	report_dropped(s);
	if (s->frames != NULL) {
		sink_frames_finish(s, timeout_us);
		return;
	}
	if (s->is_rotated)
		sink_flush(s);
	while (sink_write_buffered(s) &&
	       (left_us = end_at_us - timer_now_us()) > 0)
		(void)poll(&ready, 1, (int)(left_us / 1000) + 1);
}

/* Cuts the partial line off a regular file, unless others have appended. */
static int
truncate_partial(struct sink *s)
{
	struct stat st;
	off_t at = lseek(s->fd, 0, SEEK_CUR), whole = at - (off_t)s->partial;

	if (s->kind != SINK_DIRECT || fstat(s->fd, &st) == -1 ||
	    !S_ISREG(st.st_mode) || st.st_size != at || whole < 0)
		return 0;
	return ftruncate(s->fd, whole) == 0 &&
	       lseek(s->fd, whole, SEEK_SET) == whole;
}

void
sink_end_line(struct sink *s)
{
	struct pollfd ready = { .fd = s->fd, .events = POLLOUT };

	if (s->frames != NULL || s->is_rotated ||
	    (s->files != NULL && !s->files->conf.is_lines)) {
		if (sink_is_file(s))
			(void)sink_file_end_record(s);
		return;
	}
	if (s->partial == 0 || truncate_partial(s) ||
	    write_once(s, "\n", 1) == 1)
		s->partial = 0;
	/* A slow reader may make room for one byte. */
	else if (poll(&ready, 1, LINE_END_MS) == 1 &&
		 write_once(s, "\n", 1) == 1)
		s->partial = 0;
}

size_t
sink_pending(const struct sink *s)
{
	if (s->frames != NULL)
		return (size_t)(sink_end(s) - s->frames->written);
	return s->buf.n - s->off;
}

uint64_t
sink_end(const struct sink *s)
{
	if (s->frames != NULL)
		return s->frames->taken + s->frames->raw.n;
	return s->written + sink_pending(s);
}

void
sink_cut(struct sink *s)
{
	if (s->frames != NULL)
		sink_frames_cut(s);
}

int
sink_is_full(const struct sink *s)
{
	return s->is_full || sink_pending(s) >= SINK_HIGH_WATER;
}

uint64_t
sink_written(const struct sink *s)
{
	return s->frames != NULL ? s->frames->written : s->written;
}

int
sink_has_lost(const struct sink *s)
{
	return s->has_lost || sink_pending(s) > 0;
}

enum err
sink_error(const struct sink *s)
{
	return s->err;
}

int
sink_errno(const struct sink *s)
{
	return s->errnum;
}

void
sink_note(struct sink *s, struct span line)
{
	if (sink_pending(s) + line.n > SINK_NOTES_MAX) {
		s->dropped++;
		return;
	}
	report_dropped(s);
	buf_span(&s->buf, line);
}

/* ---- ends ---- */

void
sink_ends_put(struct sink_ends *e, uint64_t end)
{
	if (e->first < e->n && e->v[e->n - 1] >= end)
		return;
	/* Moves as many as were taken, so that memory is bounded. */
	if (e->first > 0 && e->first >= e->n / 2) {
		e->n -= e->first;
		memmove(e->v, e->v + e->first, e->n * sizeof(e->v[0]));
		e->first = 0;
	}
	e->v = mem_grow(e->v, e->n, &e->cap, sizeof(e->v[0]));
	e->v[e->n++] = end;
}

uint64_t
sink_ends_first(const struct sink_ends *e)
{
	return e->first < e->n ? e->v[e->first] : UINT64_MAX;
}

uint64_t
sink_ends_drop(struct sink_ends *e, uint64_t end, uint64_t none)
{
	while (e->first < e->n && e->v[e->first] <= end)
		none = e->v[e->first++];
	return none;
}
