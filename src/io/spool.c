/* SPDX-License-Identifier: ISC */
/* Compares the first bytes of the input with the file, then appends. */
#include "io/spool.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#define READ_BYTES 65536
#define READS_MAX 16 /* of one event */

struct spool {
	int in, fd;
	struct event *ev;
	int is_regular;    /* or a device: always readable, no event for it */
	uint64_t known;    /* bytes of an earlier run */
	uint64_t compared; /* of these */
	int is_complete;
	const char *error;
	spool_cb *cb;
	void *arg;
	char buf[READ_BYTES], old[READ_BYTES];
};

static void
fail(struct spool *s, const char *why)
{
	s->error = why;
}

/* The input repeats what the file holds. Returns how many bytes were compared,
 * or -1 if they differ. */
static ssize_t
compare(struct spool *s, const char *p, size_t n)
{
	size_t left = (size_t)(s->known - s->compared);
	ssize_t got;

	if (n > left)
		n = left;
	got = pread(s->fd, s->old, n, (off_t)s->compared);
	if (got < 0) {
		fail(s, strerror(errno));
		return -1;
	}
	if (got == 0 || memcmp(p, s->old, (size_t)got) != 0) {
		fail(s, "it differs from the input of the run before");
		return -1;
	}
	s->compared += (uint64_t)got;
	return got;
}

static int
append(struct spool *s, const char *p, size_t n)
{
	ssize_t put;

	while (n > 0) {
		put = write(s->fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			fail(s, strerror(errno));
			return -1;
		}
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static int
take(struct spool *s, size_t n)
{
	const char *p = s->buf;
	ssize_t same;

	while (n > 0 && s->compared < s->known) {
		same = compare(s, p, n);
		if (same < 0)
			return -1;
		p += same;
		n -= (size_t)same;
	}
	return append(s, p, n);
}

static int
is_readable(const struct spool *s)
{
	struct pollfd p = { .fd = s->in, .events = POLLIN };

	return s->is_regular || poll(&p, 1, 0) == 1;
}

/* Reads once what is there. */
static void
read_some(struct spool *s)
{
	ssize_t n = read(s->in, s->buf, READ_BYTES);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		fail(s, strerror(errno));
	else if (n == 0)
		s->is_complete = 1;
	else
		(void)take(s, (size_t)n);
}

static int
is_growing(const struct spool *s)
{
	return s->error == NULL && !s->is_complete;
}

/* Polled first: the descriptor may be shared and must stay blocking. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = { 0, 0 };
	struct spool *s = arg;
	int i;

	(void)fd;
	(void)what;
	for (i = 0; i < READS_MAX && is_growing(s) && is_readable(s); i++)
		read_some(s);
	if (!is_growing(s))
		event_del(s->ev);
	else if (s->is_regular)
		CHECK(event_add(s->ev, &soon) == 0);
	s->cb(s->arg);
}

void
spool_wait(struct spool *s, uint64_t bytes)
{
	struct stat st;

	while (is_growing(s) && fstat(s->fd, &st) == 0 &&
	       (uint64_t)st.st_size < bytes)
		read_some(s);
	if (!is_growing(s) && s->ev != NULL)
		event_del(s->ev);
}

struct spool *
spool_new(struct event_base *base, int fd, const char *path, int is_kept,
    spool_cb *cb, void *arg)
{
	const struct timeval soon = { 0, 0 };
	struct spool *s;
	struct stat st;
	int errnum;
	int file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (file == -1)
		return NULL;
	if (fstat(file, &st) == -1 || (!is_kept && unlink(path) == -1)) {
		errnum = errno;
		close(file);
		errno = errnum;
		return NULL;
	}
	s = mem_zalloc(1, sizeof(*s));
	s->in = fd;
	s->fd = file;
	s->known = (uint64_t)st.st_size;
	s->cb = cb;
	s->arg = arg;
	s->is_complete = fd == -1;
	if (s->is_complete)
		return s;
	s->is_regular = fstat(fd, &st) == 0 && !S_ISFIFO(st.st_mode) &&
			!S_ISSOCK(st.st_mode) && !isatty(fd);
	s->ev = event_new(base, s->is_regular ? -1 : fd,
	    s->is_regular ? 0 : EV_READ | EV_PERSIST, on_readable, s);
	CHECK(s->ev != NULL);
	CHECK(event_add(s->ev, s->is_regular ? &soon : NULL) == 0);
	return s;
}

void
spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->ev != NULL)
		event_free(s->ev);
	close(s->fd);
	free(s);
}

int
spool_fd(const struct spool *s)
{
	return s->fd;
}

int
spool_is_complete(const struct spool *s)
{
	return s->is_complete;
}

const char *
spool_error(const struct spool *s)
{
	return s->error;
}
