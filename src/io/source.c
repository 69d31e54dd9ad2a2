/* SPDX-License-Identifier: ISC */
/*
 * A queue of inputs and one read buffer. What can block is polled before it is
 * read, because its open file description may be shared and must stay blocking.
 * Knows nothing of items.
 */
#include "io/source.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec/unpack.h"
#include "io/timer.h"

#define READ_BYTES 65536
#define FILLS 16         /* reads without a line in one call */
#define GROWTH_US 100000 /* poll interval: has a followed file grown? */
#define WRITER_US 500000 /* poll interval: was a followed FIFO removed? */

enum input_kind { INPUT_URL, INPUT_FILE, INPUT_STDIN, INPUT_SPOOL };

/* What may follow the end of an input. */
enum follow {
	FOLLOW_NOTHING,
	FOLLOW_WRITER, /* a FIFO: another writer */
	FOLLOW_GROWTH, /* a regular file: appended lines */
};

struct input {
	struct link link;
	enum input_kind kind;
	const char *text;
	const char *path; /* of a file */
	uint64_t number;
	uint64_t size; /* of a regular file when it was added */
};

struct source {
	struct event_base *base;
	source_cb *cb;
	void *arg;
	struct list inputs; /* the first one is being read */
	int fd;             /* -1: not open */
	int owns_fd;
	int is_polled; /* a pipe, socket or terminal */
	int at_eof;
	int is_returned;         /* an argument: its line was returned */
	int skipping;            /* the rest of a line that was too long */
	enum unpack_kind packed; /* is this file compressed? */
	struct unpack *unpack;   /* NULL: none was so far */
	struct event *readable;
	int is_waiting;
	int is_spool_ended; /* a spool does not grow any more */
	int follows_last;   /* the last input is followed */
	enum follow follow; /* this one */
	struct timer *wakeup;
	struct buf buf;
	size_t off;     /* bytes of buf consumed */
	size_t scanned; /* bytes after off that hold no LF */
	uint64_t line;
	uint64_t file_bytes; /* read from the present file */
	size_t number;       /* the present input's */
	uint64_t consumed;   /* of it, in lines taken */
	source_watch_cb *watch;
	void *watch_arg;
	uint64_t done, total;
	int is_total_unknown;
	size_t json_max, url_max;
	char error[2 * PATH_MAX]; /* fits any file's name */
};

struct source *
source_new(struct event_base *base, source_cb *cb, void *arg)
{
	struct source *s = mem_zalloc(1, sizeof(*s));

	s->base = base;
	s->cb = cb;
	s->arg = arg;
	s->fd = -1;
	s->json_max = s->url_max = 1u << 20;
	list_init(&s->inputs);
	return s;
}

static void
close_input(struct source *s)
{
	if (s->readable != NULL)
		event_free(s->readable);
	s->readable = NULL;
	s->is_waiting = 0;
	if (s->fd != -1 && s->owns_fd)
		close(s->fd);
	s->fd = -1;
}

void
source_free(struct source *s)
{
	struct link *k;

	close_input(s);
	timer_free(s->wakeup);
	while ((k = list_shift(&s->inputs)) != NULL)
		free(CONTAINER(k, struct input, link));
	buf_fini(&s->buf);
	unpack_free(s->unpack);
	free(s);
}

void
source_limits(struct source *s, size_t json_max, size_t url_max)
{
	s->json_max = json_max;
	s->url_max = url_max;
}

void
source_follow(struct source *s, int on)
{
	s->follows_last = on;
	s->is_total_unknown |= on;
	if (!on)
		s->follow = FOLLOW_NOTHING;
}

void
source_watch(struct source *s, source_watch_cb *cb, void *arg)
{
	s->watch = cb;
	s->watch_arg = arg;
}

static struct input *
add(struct source *s, enum input_kind kind, const char *text)
{
	struct input *in = mem_zalloc(1, sizeof(*in));

	in->kind = kind;
	in->text = text;
	list_push(&s->inputs, &in->link);
	return in;
}

void
source_add_url(struct source *s, const char *url, uint64_t number)
{
	add(s, INPUT_URL, url)->number = number;
	s->total += strlen(url);
}

void
source_add_file(struct source *s, const char *path)
{
	struct input *in = add(s, INPUT_FILE, path);
	struct stat st;

	in->path = path;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		in->size = (uint64_t)st.st_size;
	else
		s->is_total_unknown = 1;
	s->total += in->size;
}

void
source_add_spool(struct source *s, const char *path)
{
	add(s, INPUT_SPOOL, "-")->path = path;
	s->is_total_unknown = 1;
}

void
source_end_spool(struct source *s)
{
	const struct link *k = list_first(&s->inputs);

	s->is_spool_ended = 1;
	if (k != NULL &&
	    CONTAINER(k, const struct input, link)->kind == INPUT_SPOOL)
		s->follow = FOLLOW_NOTHING;
}

void
source_add_stdin(struct source *s)
{
	struct input *in = add(s, INPUT_STDIN, "-");
	struct stat st;

	if (fstat(0, &st) == 0 && S_ISREG(st.st_mode))
		in->size = (uint64_t)st.st_size;
	else
		s->is_total_unknown = 1;
	s->total += in->size;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct source *s = arg;

	(void)fd;
	(void)what;
	s->is_waiting = 0;
	s->cb(s->arg);
}

static int
fail(struct source *s, const char *name, const char *why)
{
	snprintf(s->error, sizeof(s->error), "%s: %s",
	    strcmp(name, "-") == 0 ? "standard input" : name, why);
	close_input(s);
	return -1;
}

/* An anonymous pipe, which cannot be opened again. */
static int
is_unnamed(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static enum follow
follow_kind(
    const struct source *s, const struct input *in, const struct stat *st)
{
	if (in->kind == INPUT_SPOOL)
		return s->is_spool_ended ? FOLLOW_NOTHING : FOLLOW_GROWTH;
	if (!s->follows_last || list_next(&s->inputs, &in->link) != NULL)
		return FOLLOW_NOTHING;
	if (S_ISREG(st->st_mode))
		return FOLLOW_GROWTH;
	return S_ISFIFO(st->st_mode) && !is_unnamed(s->fd) ? FOLLOW_WRITER
							   : FOLLOW_NOTHING;
}

static void
watch_readable(struct source *s)
{
	s->readable = event_new(s->base, s->fd, EV_READ, on_readable, s);
	if (s->readable == NULL)
		fatalx("event_new failed");
}

/* Opens the first input. 0, or -1 with the error set. */
static int
open_input(struct source *s, const struct input *in)
{
	struct stat st;

	s->owns_fd = in->kind != INPUT_STDIN;
	s->fd =
	    in->kind == INPUT_STDIN
		? 0
		: open(in->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (s->fd == -1 || fstat(s->fd, &st) == -1)
		return fail(s, in->text, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fail(s, in->text, strerror(EISDIR));
	s->is_polled =
	    S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(s->fd);
	s->follow = follow_kind(s, in, &st);
	s->at_eof = s->skipping = 0;
	s->packed = UNPACK_UNKNOWN;
	s->line = 0;
	s->file_bytes = s->consumed = 0;
	if (s->is_polled)
		watch_readable(s);
	return 0;
}

static int
is_ready(const struct source *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	return !s->is_polled || poll(&p, 1, 0) > 0;
}

/* Was the file or FIFO removed, so that no writer can open it any more? */
static int
is_removed(const struct source *s)
{
	struct stat st;

	return fstat(s->fd, &st) == 0 && st.st_nlink == 0;
}

static void
on_wakeup(void *arg)
{
	struct source *s = arg;

	s->cb(s->arg);
}

static void
wake_after(struct source *s, uint64_t after_us)
{
	if (s->wakeup == NULL)
		s->wakeup = timer_new(s->base, on_wakeup, s);
	timer_set(s->wakeup, timer_now_us() + after_us);
}

/* There is no event for the removal of a FIFO: poll for it. */
static enum source_verdict
wait_readable(struct source *s)
{
	if (s->follow == FOLLOW_WRITER)
		wake_after(s, WRITER_US);
	if (!s->is_waiting)
		CHECK(event_add(s->readable, NULL) == 0);
	s->is_waiting = 1;
	return SOURCE_WAIT;
}

/* Is the file shorter than what was read? Then lines are lost. */
static int
is_shrunk(const struct source *s)
{
	struct stat st;

	return !s->is_polled && fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size < s->file_bytes;
}

/* Gives the memory of a long line back. */
static void
shrink(struct buf *b)
{
	struct buf small = { 0 };

	if (b->cap <= 4 * READ_BYTES || b->n > READ_BYTES)
		return;
	buf_span(&small, buf_view(b));
	buf_fini(b);
	*b = small;
}

/*
 * Waits for the next writer of a FIFO. A new open file description is needed,
 * as the old one keeps reporting the end. It is opened before the old one is
 * closed, so that bytes of a new writer are not lost.
 */
static void
reopen_fifo(struct source *s)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || is_removed(s)) {
		s->follow = FOLLOW_NOTHING;
		if (fd != -1)
			close(fd);
		return;
	}
	close_input(s);
	s->fd = fd;
	s->owns_fd = 1;
	watch_readable(s);
}

/* The end was read. SOURCE_LINE: nothing more will follow it. */
static enum source_verdict
on_end(struct source *s, const struct input *in)
{
	if (is_shrunk(s))
		return fail(s, in->text,
			   "the file was truncated while being read"),
		       SOURCE_FAILED;
	if (s->follow == FOLLOW_GROWTH &&
	    (in->kind == INPUT_SPOOL || !is_removed(s))) {
		/* There is no event for an append: poll for it. */
		wake_after(s, GROWTH_US);
		return SOURCE_WAIT;
	}
	if (s->follow == FOLLOW_GROWTH)
		s->follow = FOLLOW_NOTHING;
	if (s->follow == FOLLOW_WRITER)
		reopen_fifo(s);
	if (s->packed == UNPACK_PACKED && unpack_end(s->unpack) == -1)
		return fail(s, in->text, unpack_error(s->unpack)),
		       SOURCE_FAILED;
	s->at_eof = 1;
	return SOURCE_LINE;
}

/* Makes room in front of the bytes that no line was made of yet. */
static void
drop_consumed(struct source *s)
{
	if (s->off == 0)
		return;
	buf_drop(&s->buf, s->off);
	s->off = 0;
	shrink(&s->buf);
}

/* The first bytes of an input have been read: is it compressed? No line has
 * been taken, unless it ended after fewer bytes than are needed. */
static int
detect(struct source *s, const struct input *in)
{
	s->packed = unpack_detect(buf_view(&s->buf), 0);
	if (s->packed != UNPACK_PACKED)
		return 0;
	if (s->follow != FOLLOW_NOTHING && in->kind != INPUT_SPOOL)
		return fail(s, in->text,
		    "a compressed input cannot be followed (--follow)");
	if (s->unpack == NULL)
		s->unpack = unpack_new();
	unpack_begin(s->unpack, buf_view(&s->buf));
	s->buf.n = 0;
	return 0;
}

/* Reads once. SOURCE_LINE here means that there are new bytes, or the end. */
static enum source_verdict
fill(struct source *s, const struct input *in)
{
	char packed[READ_BYTES];
	int is_packed = s->packed == UNPACK_PACKED;
	ssize_t n;

	/* A removed FIFO is read: that shows whether a writer is left. */
	if (!is_ready(s) && (s->follow != FOLLOW_WRITER || !is_removed(s)))
		return wait_readable(s);
	drop_consumed(s);
	n = read(s->fd, is_packed ? packed : buf_reserve(&s->buf, READ_BYTES),
	    READ_BYTES);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return s->is_polled ? wait_readable(s) : SOURCE_MORE;
	if (n == -1)
		return fail(s, in->text, strerror(errno)), SOURCE_FAILED;
	if (n == 0)
		return on_end(s, in);
	s->file_bytes += (size_t)n;
	s->done += (size_t)n;
	if (is_packed) {
		unpack_feed(s->unpack, span_of(packed, (size_t)n));
		return SOURCE_LINE;
	}
	s->buf.n += (size_t)n;
	if (s->packed == UNPACK_UNKNOWN && detect(s, in) == -1)
		return SOURCE_FAILED;
	return SOURCE_LINE;
}

/* The same for a compressed input: decodes what was read before it reads. */
static enum source_verdict
fill_unpacked(struct source *s, const struct input *in)
{
	drop_consumed(s);
	switch (unpack_step(s->unpack, &s->buf, READ_BYTES)) {
	case UNPACK_SOME:
		return SOURCE_LINE;
	case UNPACK_BAD:
		return fail(s, in->text, unpack_error(s->unpack)),
		       SOURCE_FAILED;
	case UNPACK_HUNGRY:
		break;
	}
	return fill(s, in);
}

static void
next_input(struct source *s)
{
	close_input(s);
	s->number++;
	s->off = s->scanned = 0;
	buf_clear(&s->buf, 4 * READ_BYTES);
	free(CONTAINER(list_shift(&s->inputs), struct input, link));
}

static size_t
limit_for(const struct source *s, struct span text)
{
	size_t i = 0;

	text = utf8_skip_bom(text);
	while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\t'))
		i++;
	return i < text.n && text.p[i] == '{' ? s->json_max : s->url_max;
}

static int
is_skipped(struct span text)
{
	return text.n == 0 || text.p[0] == '#' || span_trim(text).n == 0;
}

/* Without CR, and without a byte order mark. Any line may begin with one, as
 * several files may have been joined. */
static struct span
strip(struct span text)
{
	text = utf8_skip_bom(text);
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	return text;
}

/* A whole line without its LF. Returns 0 if it is to be skipped. */
static int
accept_line(struct source *s, struct span text, struct source_line *line)
{
	s->line++;
	if (s->skipping) {
		s->skipping = 0;
		return 0;
	}
	line->text = strip(text);
	line->had_bom = line->text.p > text.p;
	line->had_cr = line->text.p + line->text.n < text.p + text.n;
	text = line->text;
	if (is_skipped(text))
		return 0;
	line->too_long = text.n > limit_for(s, text);
	line->number = s->line;
	line->is_argument = 0;
	return 1;
}

static void
show(struct source *s, struct span bytes)
{
	if (s->watch != NULL && bytes.n > 0)
		s->watch(s->watch_arg, s->number, bytes);
}

/* Takes n bytes from the front of the buffer. They stay where they are until
 * the next fill(). */
static void
consume(struct source *s, size_t n)
{
	show(s, span_of(s->buf.p + s->off, n));
	s->off += n;
	s->consumed += n;
	s->scanned = 0;
}

/*
 * Takes a line out of the buffer. SOURCE_MORE: there was none, or one that is
 * skipped (*found says which).
 */
static enum source_verdict
take_line(struct source *s, struct source_line *line, int *found)
{
	struct span rest = span_of(s->buf.p + s->off, s->buf.n - s->off);
	const char *lf = rest.n > s->scanned ? memchr(rest.p + s->scanned, '\n',
						   rest.n - s->scanned)
					     : NULL;
	size_t n;

	*found = lf != NULL || (s->at_eof && rest.n > 0);
	if (*found) {
		n = lf != NULL ? (size_t)(lf - rest.p) : rest.n;
		consume(s, lf != NULL ? n + 1 : n);
		return accept_line(s, span_of(rest.p, n), line) ? SOURCE_LINE
								: SOURCE_MORE;
	}
	s->scanned = rest.n;
	if (s->skipping) {
		consume(s, rest.n);
		return SOURCE_MORE;
	}
	if (rest.n <= limit_for(s, rest) + 1)
		return SOURCE_MORE;
	/* It is too long: return its beginning once and skip the rest. Comments
	 * are skipped whatever their length. */
	consume(s, rest.n);
	s->skipping = 1;
	line->text = span_of(rest.p, limit_for(s, rest));
	line->had_bom = line->had_cr = 0;
	line->too_long = 1;
	line->number = s->line + 1;
	line->is_argument = 0;
	rest = utf8_skip_bom(rest);
	return rest.p[0] == '#' ? SOURCE_MORE : SOURCE_LINE;
}

static enum source_verdict
next_argument(struct source *s, struct input *in, struct source_line *line)
{
	if (s->is_returned) {
		s->is_returned = 0;
		next_input(s);
		return SOURCE_MORE;
	}
	s->is_returned = 1;
	line->text = span_str(in->text);
	line->consumed = line->text.n;
	s->done += line->text.n;
	show(s, line->text);
	line->had_bom = line->had_cr = 0;
	line->too_long = line->text.n > s->url_max;
	line->name = "argument";
	line->number = in->number;
	line->is_argument = 1;
	return SOURCE_LINE;
}

static enum source_verdict
next_of_file(struct source *s, struct input *in, struct source_line *line)
{
	enum source_verdict v;
	int found, i;

	line->name = in->text;
	if (s->fd == -1 && open_input(s, in) == -1)
		return SOURCE_FAILED;
	for (i = 0; i < FILLS;) {
		v = take_line(s, line, &found);
		line->consumed = s->consumed;
		if (v == SOURCE_LINE)
			return v;
		if (found)
			continue;
		if (s->at_eof && s->follow == FOLLOW_NOTHING) {
			next_input(s);
			return SOURCE_MORE;
		}
		if (s->at_eof) /* of one writer, whose last line was taken */
			s->at_eof = s->skipping = 0;
		v = s->packed == UNPACK_PACKED ? fill_unpacked(s, in)
					       : fill(s, in);
		if (v != SOURCE_LINE)
			return v;
		i++;
	}
	return SOURCE_MORE;
}

enum source_verdict
source_next(struct source *s, struct source_line *line)
{
	enum source_verdict v = SOURCE_MORE;
	struct link *k;
	struct input *in;
	int n = 0;

	if (s->error[0] != '\0')
		return SOURCE_FAILED;
	while (v == SOURCE_MORE && n++ < 16) {
		line->input = s->number;
		k = list_first(&s->inputs);
		if (k == NULL)
			return SOURCE_END;
		in = CONTAINER(k, struct input, link);
		v = in->kind == INPUT_URL ? next_argument(s, in, line)
					  : next_of_file(s, in, line);
	}
	return v;
}

const char *
source_error(const struct source *s)
{
	return s->error;
}

void
source_progress(const struct source *s, uint64_t *done, uint64_t *total)
{
	/* What was decoded counts as done. */
	if (s->packed == UNPACK_PACKED)
		*done = s->done - unpack_unread(s->unpack);
	else
		*done = s->done - (s->buf.n - s->off);
	*total = s->is_total_unknown ? 0 : s->total;
}

size_t
source_held_bytes(const struct source *s)
{
	return s->buf.n +
	       (s->unpack != NULL ? unpack_held_bytes(s->unpack) : 0);
}

/* ---- counting ---- */

static int64_t
count_lines(struct span all)
{
	int64_t n = 0;
	const char *lf;
	size_t length;

	while (all.n > 0) {
		lf = memchr(all.p, '\n', all.n);
		length = lf != NULL ? (size_t)(lf - all.p) : all.n;
		n += !is_skipped(strip(span_of(all.p, length)));
		length += lf != NULL;
		all = span_of(all.p + length, all.n - length);
	}
	return n;
}

/* Standard input is counted from its present offset. */
static int64_t
count_file(const struct input *in, struct buf *b)
{
	int is_stdin = in->kind == INPUT_STDIN;
	int fd = is_stdin ? 0 : open(in->text, O_RDONLY | O_CLOEXEC);
	off_t at = is_stdin ? lseek(0, 0, SEEK_CUR) : 0;
	ssize_t n = -1;

	b->n = 0;
	while (fd != -1 && at >= 0 && b->n <= in->size) {
		n = pread(fd, buf_reserve(b, READ_BYTES), READ_BYTES,
		    at + (off_t)b->n);
		if (n <= 0)
			break;
		b->n += (size_t)n;
	}
	if (fd > 0)
		close(fd);
	if (n != 0 || unpack_detect(buf_view(b), 1) == UNPACK_PACKED)
		return -1;
	return count_lines(buf_view(b));
}

int64_t
source_count(const struct source *s, uint64_t max_bytes)
{
	const struct input *in;
	int64_t n = 0, more = 0;
	struct buf b = { 0 };
	struct link *k;

	if (s->is_total_unknown || s->total > max_bytes)
		return -1;
	for (k = list_first(&s->inputs); k != NULL && more >= 0;
	     k = list_next(&s->inputs, k)) {
		in = CONTAINER(k, struct input, link);
		more = in->kind == INPUT_URL ? 1 : count_file(in, &b);
		n += more;
	}
	buf_fini(&b);
	return more >= 0 ? n : -1;
}
