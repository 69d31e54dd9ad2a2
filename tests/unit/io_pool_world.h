/* SPDX-License-Identifier: ISC */
/*
 * A pool, its owner and documents, for the pool's tests: each document is a
 * command for tests/worker/fake_worker.c. At the end of each test no child, no
 * descriptor and no callback may be left.
 */
#ifndef TESTS_UNIT_IO_POOL_WORLD_H
#define TESTS_UNIT_IO_POOL_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/frame.h"
#include "io/pool/pool.h"
#include "io/pool/pool_int.h"
#include "io/timer.h"

#define TEST_US 20000000 /* no test waits longer */
#define PIECE 100000     /* of a document */
#define MS 1000

struct world;

struct doc {
	struct pool_doc d;
	struct world *w;
	const char *text;
	size_t pad, at; /* LINES and FRAMES: bytes of 'p' after the text */
	int begins;
	int is_done, order;
	enum parse_error error;
	unsigned worker;
	int64_t time_us;
	struct buf value;
	void (*then)(struct doc *d); /* from its callback */
};

struct world {
	struct event_base *base;
	struct pool *pool;
	struct pool_conf conf;
	int done, is_ticked, fds;
	struct buf log; /* "worker: line\n" each */
	int lines_logged;
	char dir[32];
};

static inline int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static inline int
on_fill(struct pool_doc *pd, struct buf *out, int begin)
{
	struct doc *d = pd->arg;
	size_t n = strlen(d->text), piece;

	if (begin) {
		d->at = 0;
		d->begins++;
		buf_add(out, d->text, n);
	}
	piece = d->pad - d->at < PIECE ? d->pad - d->at : PIECE;
	memset(buf_reserve(out, piece), 'p', piece);
	out->n += piece;
	d->at += piece;
	if (d->at < d->pad)
		return 1;
	if (d->w->conf.protocol == POOL_LINES)
		buf_char(out, '\n');
	return 0;
}

static inline int
on_check(struct pool_doc *pd, struct span value)
{
	struct doc *d = pd->arg;

	assert_false(d->is_done);
	assert_true(d->w->is_ticked);
	return value.n >= 5 && memcmp(value.p, "wrong", 5) == 0 ? -1 : 0;
}

static inline void
on_done(struct pool_doc *pd, const struct pool_result *r)
{
	struct doc *d = pd->arg;

	assert_true(d->w->is_ticked);
	assert_false(d->is_done);
	d->is_done = 1;
	d->order = ++d->w->done;
	d->error = r->error;
	d->worker = r->worker;
	d->time_us = r->time_us;
	d->value.n = 0;
	buf_span(&d->value, r->value);
	buf_char(&d->value, '\0');
	if (d->then != NULL)
		d->then(d);
}

static inline void
on_log(void *arg, unsigned worker, struct span line)
{
	struct world *w = arg;

	assert_true(w->is_ticked);
	w->lines_logged++;
	buf_printf(&w->log, "%u: ", worker);
	buf_span(&w->log, line);
	buf_char(&w->log, '\n');
}

static inline void
on_world_tick(void *arg)
{
	struct world *w = arg;

	w->is_ticked = 1;
}

/* Everything but the pool: change conf, then world_start. */
static inline void
world_open(struct world *w, unsigned workers)
{
	struct event_config *cfg = event_config_new();

	memset(w, 0, sizeof(*w));
	event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
	snprintf(w->dir, sizeof(w->dir), "/tmp/pool.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->fds = open_fds();
	w->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	w->conf = (struct pool_conf){ .protocol = POOL_FRAMES,
		.program = FAKE_WORKER,
		.workers = workers,
		.time_us = 5000 * MS,
		.use_sandbox = 1,
		.config = SPAN("ready"),
		.fill = on_fill,
		.check = on_check,
		.done = on_done,
		.log = on_log,
		.tick = on_world_tick,
		.arg = w };
}

static inline void
world_start(struct world *w)
{
	w->pool = pool_new(w->base, &w->conf);
	/* Shorter than the defaults. */
	w->pool->pace.first_us = 5 * MS;
	w->pool->pace.max_us = 20 * MS;
}

static inline void
turn(struct world *w)
{
	w->is_ticked = 0;
	event_base_loop(w->base, EVLOOP_ONCE);
	w->is_ticked = 0;
}

/* Until n documents are done. */
static inline void
run(struct world *w, int n)
{
	int64_t end = timer_now_us() + TEST_US;

	while (w->done < n) {
		assert_true(timer_now_us() < end);
		turn(w);
	}
	assert_int_equal(w->done, n);
}

static inline void
on_time_out(void *arg)
{
	*(int *)arg = 1;
}

static inline void
run_for(struct world *w, int64_t us)
{
	int is_over = 0;
	struct timer *t = timer_new(w->base, on_time_out, &is_over);

	timer_set(t, timer_now_us() + us);
	while (!is_over)
		turn(w);
	timer_free(t);
}

/* Until the condition holds, as long as `run` would wait. */
#define RUN_UNTIL(w, condition) \
	do { \
		int64_t end_ = timer_now_us() + TEST_US; \
		while (!(condition)) { \
			assert_true(timer_now_us() < end_); \
			run_for(w, MS); \
		} \
	} while (0)

static inline void
world_close(struct world *w)
{
	char command[64];
	int done = w->done;

	pool_free(w->pool);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_base_free(w->base);
	assert_int_equal(open_fds(), w->fds);
	assert_int_equal(w->done, done);
	buf_fini(&w->log);
	snprintf(command, sizeof(command), "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
}

static inline void
doc_init(struct world *w, struct doc *d, const char *text, size_t pad)
{
	memset(d, 0, sizeof(*d));
	d->w = w;
	d->text = text;
	d->pad = pad;
	d->d.arg = d;
	d->d.bytes = strlen(text) + pad;
}

static inline void
put(struct world *w, struct doc *d, const char *text)
{
	doc_init(w, d, text, 0);
	pool_put(w->pool, &d->d);
}

static inline void
put_big(struct world *w, struct doc *d, const char *text, size_t pad)
{
	doc_init(w, d, text, pad);
	pool_put(w->pool, &d->d);
}

static inline void
doc_fini(struct doc *d)
{
	buf_fini(&d->value);
}

static inline void
expect(struct doc *d, enum parse_error e, const char *value)
{
	assert_true(d->is_done);
	assert_int_equal(d->error, e);
	assert_string_equal(d->value.p, value);
	doc_fini(d);
}

/* The file that lets "wait FILE" go on. */
static inline void
touch(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

/* The process of worker `number`. */
static inline pid_t
pid_of(struct world *w, unsigned number)
{
	struct proc *c = w->pool->workers[number - 1].proc;

	return c != NULL ? c->pid : 0;
}

static inline struct pool_stats
stats_of(struct world *w)
{
	struct pool_stats st;

	pool_stats(w->pool, &st);
	return st;
}

#endif
