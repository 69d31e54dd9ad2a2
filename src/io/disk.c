/* SPDX-License-Identifier: ISC */
/*
 * Two queues under one mutex, and an eventfd that wakes the loop when the
 * second one is no longer empty.
 */
#include "io/disk.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/timer.h"

#define STACK_BYTES (512u << 10)

struct disk {
	struct event *ev; /* of fd */
	int fd;           /* an eventfd */
	int has_thread;
	size_t pending;
	pthread_t thread;

	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t work;
	struct list todo, done;
	int is_ending;
};

static void
signal_loop(struct disk *d)
{
	const uint64_t one = 1;

	while (write(d->fd, &one, sizeof(one)) == -1 && errno == EINTR)
		;
}

static void *
work(void *arg)
{
	struct disk *d = arg;
	struct disk_job *job;
	struct link *k;

	pthread_mutex_lock(&d->mutex);
	for (;;) {
		k = list_shift(&d->todo);
		if (k == NULL && d->is_ending)
			break;
		if (k == NULL) {
			pthread_cond_wait(&d->work, &d->mutex);
			continue;
		}
		pthread_mutex_unlock(&d->mutex);
		job = CONTAINER(k, struct disk_job, link);
		job->run(job);
		pthread_mutex_lock(&d->mutex);
		list_push(&d->done, &job->link);
		signal_loop(d);
	}
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

/* Calls done() of the jobs that have run. */
static void
report(struct disk *d)
{
	struct disk_job *job;
	struct link *k;
	uint64_t n;

	while (read(d->fd, &n, sizeof(n)) == -1 && errno == EINTR)
		;
	for (;;) {
		pthread_mutex_lock(&d->mutex);
		k = list_shift(&d->done);
		pthread_mutex_unlock(&d->mutex);
		if (k == NULL)
			return;
		d->pending--;
		job = CONTAINER(k, struct disk_job, link);
		job->done(job);
	}
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	report(arg);
}

struct disk *
disk_new(struct event_base *base)
{
	struct disk *d = mem_zalloc(1, sizeof(*d));

	d->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->fd == -1)
		fatalx("eventfd: %s", strerror(errno));
	d->ev = event_new(base, d->fd, EV_READ | EV_PERSIST, on_done, d);
	CHECK(d->ev != NULL && event_add(d->ev, NULL) == 0);
	CHECK(pthread_mutex_init(&d->mutex, NULL) == 0);
	CHECK(pthread_cond_init(&d->work, NULL) == 0);
	list_init(&d->todo);
	list_init(&d->done);
	return d;
}

void
disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	if (d->has_thread) {
		pthread_mutex_lock(&d->mutex);
		d->is_ending = 1;
		pthread_cond_signal(&d->work);
		pthread_mutex_unlock(&d->mutex);
		CHECK(pthread_join(d->thread, NULL) == 0);
	}
	event_free(d->ev);
	close(d->fd);
	pthread_cond_destroy(&d->work);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}

/* Signals are the loop's. */
static void
start(struct disk *d)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int e;

	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	e = pthread_create(&d->thread, &attr, work, d);
	pthread_attr_destroy(&attr);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (e != 0)
		fatalx("cannot start a thread: %s", strerror(e));
	d->has_thread = 1;
}

void
disk_submit(struct disk *d, struct disk_job *job)
{
	if (!d->has_thread)
		start(d);
	d->pending++;
	pthread_mutex_lock(&d->mutex);
	list_push(&d->todo, &job->link);
	pthread_cond_signal(&d->work);
	pthread_mutex_unlock(&d->mutex);
}

size_t
disk_pending(const struct disk *d)
{
	return d->pending;
}

void
disk_finish(struct disk *d, int64_t timeout_us)
{
	int64_t end_at_us = timer_now_us() + timeout_us, left_us;
	struct pollfd f = { .fd = d->fd, .events = POLLIN };

	while (d->pending > 0 && (left_us = end_at_us - timer_now_us()) > 0) {
		(void)poll(&f, 1, (int)(left_us / 1000) + 1);
		report(d);
	}
}
