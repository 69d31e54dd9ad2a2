/* SPDX-License-Identifier: ISC */
/*
 * Creates the pools from the options and connects them to the deciders. Finds
 * fetchd-worker; core/output/parse knows documents.
 */
#include "engine_workers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/message.h"
#include "codec/frame.h"
#include "core/core.h"
#include "core/fetch.h"
#include "core/output/parse.h"
#include "io/pool/pool.h"
#include "io/sink.h"
#include "options/options.h"

#define CHECK_US 10000000 /* until the first worker must be ready */
#define LAST_WORDS_US 100000
#define PATH_BYTES 4096

/* ---- the program ---- */

/* "DIR/NAME", if that is an executable. */
static int
find_in(struct buf *path, const char *dir, size_t n, const char *name)
{
	path->n = 0;
	buf_add(path, dir, n);
	buf_str(path, name);
	buf_char(path, '\0');
	return access(path->p, X_OK) == 0;
}

/*
 * Searches for fetchd-worker beside fetchd (the build tree), in
 * ../libexec/fetchd from there (an installation, even if it was moved), and in
 * the configured directory. If there is none, it returns the last of these, so
 * that starting it gives the error message.
 */
static void
find_program(struct buf *path)
{
	char self[PATH_BYTES];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	size_t dir;

	for (dir = n > 0 ? (size_t)n : 0; dir > 0 && self[dir - 1] != '/';)
		dir--;
	if (dir > 0 &&
	    (find_in(path, self, dir, "fetchd-worker") ||
		find_in(path, self, dir, "../libexec/fetchd/fetchd-worker")))
		return;
	(void)find_in(
	    path, FETCHD_LIBEXEC, strlen(FETCHD_LIBEXEC), "/fetchd-worker");
}

/* ---- messages of workers ---- */

static void
say(struct engine_workers *w, const char *who, unsigned worker,
    struct span line)
{
	struct buf b = { 0 };

	if (worker == 0 && w->opts->quiet)
		return;
	message_begin(&b);
	if (worker > 0)
		buf_printf(&b, "%s %u: ", who, worker);
	message_show_span(&b, line);
	buf_char(&b, '\n');
	sink_note(w->notes, buf_view(&b));
	buf_fini(&b);
}

static void
on_worker_log(void *arg, unsigned worker, struct span line)
{
	say(arg, "worker", worker, line);
}

static void
on_exec_log(void *arg, unsigned worker, struct span line)
{
	say(arg, "exec", worker, line);
}

static enum pool_room
room(void *arg, const struct pool *p)
{
	struct engine_workers *w = arg;

	return parse_room(w->core, p);
}

static void
on_event(void *arg)
{
	struct engine_workers *w = arg;

	clock_tick(&w->core->clock);
}

/* A sandbox feature that the kernel lacks is reported once and left out. */
static void
warn_of_sandbox(struct engine_workers *w)
{
	static const struct {
		unsigned bit;
		const char *name;
	} parts[] = {
		{ FRAME_NO_PRIVS, "no_new_privs" },
		{ FRAME_NO_SECCOMP, "seccomp" },
		{ FRAME_NO_LANDLOCK, "Landlock" },
		{ FRAME_NO_RLIMITS, "limits" },
		{ FRAME_NO_DEATHSIG, "parent death signal" },
	};
	struct pool_stats st;
	struct buf b = { 0 };
	size_t i;

	pool_stats(w->core->workers, &st);
	if (!w->opts->sandbox)
		buf_str(&b, "workers run without a sandbox (--no-sandbox)");
	else if (st.missing != 0)
		buf_str(&b, "workers run without these parts of the sandbox:");
	for (i = 0; w->opts->sandbox && i < sizeof(parts) / sizeof(parts[0]);
	     i++)
		if (st.missing & parts[i].bit)
			buf_printf(&b, " %s", parts[i].name);
	if (b.n > 0)
		say(w, "", 0, buf_view(&b));
	buf_fini(&b);
}

/* ---- the pools ---- */

static struct pool_conf
common(struct engine_workers *w)
{
	const struct opts *o = w->opts;

	return (struct pool_conf){ .program = w->program.p,
		.workers = (unsigned)o->workers,
		.mem_bytes = o->worker_mem_bytes,
		.time_us = o->worker_time_us,
		.use_sandbox = o->sandbox,
		.done = fetch_on_parsed,
		.room = room,
		.tick = on_event,
		.trace = w->core->trace,
		.arg = w };
}

static int
open_workers(struct engine_workers *w, struct event_base *base, struct buf *err)
{
	const struct opts *o = w->opts;
	struct pool_conf conf = common(w);
	struct buf why = { 0 };
	size_t i;
	int status;

	for (i = 0; i < o->njobs; i++)
		frame_put_job(&w->config, &o->jobs[i]);
	conf.protocol = POOL_FRAMES;
	conf.config = buf_view(&w->config);
	conf.fill = parse_fill_document;
	conf.check = parse_check_object;
	conf.log = on_worker_log;
	w->core->workers = pool_new(base, &conf);
	status = pool_check(w->core->workers, CHECK_US, &why);
	if (status == -1) {
		sink_finish(w->notes, LAST_WORDS_US); /* their messages */
		message_begin(err);
		message_show_span(err, buf_view(&why));
		buf_char(err, '\n');
	} else
		warn_of_sandbox(w);
	buf_fini(&why);
	return status;
}

static void
open_coprocs(struct engine_workers *w, struct event_base *base)
{
	struct pool_conf conf = common(w);

	conf.protocol = POOL_LINES;
	conf.argv = w->opts->exec_argv;
	conf.prefix = SPAN("{");
	conf.fill = parse_fill_line;
	conf.check = parse_check_value;
	conf.log = on_exec_log;
	w->core->coprocs = pool_new(base, &conf);
}

int
engine_workers_open(struct engine_workers *w, struct core *c,
    const struct opts *o, struct event_base *base, struct sink *notes,
    struct buf *err)
{
	w->core = c;
	w->opts = o;
	w->notes = notes;
	if (!opts_extracts(o))
		return 0;
	find_program(&w->program);
	if (o->njobs > 0 && open_workers(w, base, err) == -1)
		return -1;
	if (o->exec_argv != NULL)
		open_coprocs(w, base);
	return 0;
}

void
engine_workers_close(struct engine_workers *w)
{
	if (w->core != NULL && w->core->workers != NULL)
		pool_free(w->core->workers);
	if (w->core != NULL && w->core->coprocs != NULL)
		pool_free(w->core->coprocs);
	buf_fini(&w->program);
	buf_fini(&w->config);
}

/* ---- figures ---- */

static void
add_stats(const struct pool *p, struct engine_workers_stats *to, int64_t *busy)
{
	struct pool_stats st;

	if (p == NULL)
		return;
	pool_stats(p, &st);
	to->workers += st.workers;
	to->queue_max =
	    st.queue_max > to->queue_max ? st.queue_max : to->queue_max;
	to->restarts += st.restarts;
	*busy += st.busy_us;
}

void
engine_workers_stats(
    const struct core *c, int64_t took_us, struct engine_workers_stats *st)
{
	int64_t busy_us = 0;

	*st = (struct engine_workers_stats){ 0 };
	add_stats(c->workers, st, &busy_us);
	add_stats(c->coprocs, st, &busy_us);
	if (st->workers > 0 && took_us > 0)
		st->busy =
		    (double)busy_us / ((double)took_us * (double)st->workers);
}
