/* SPDX-License-Identifier: ISC */
/*
 * Owns and connects the modules; engine_turn() is one pass of the loop. Knows
 * the order of steps, not what each does.
 */
#include "engine.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/message.h"
#include "codec/http/http.h"
#include "core/output/emit.h"
#include "core/output/failed_input.h"
#include "core/fetch.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "core/intake.h"
#include "core/sched.h"
#include "core/turn.h"
#include "core/standstill.h"
#include "engine_int.h"
#include "engine_retry.h"
#include "io/conn/conn.h"
#include "io/disk.h"
#include "io/files/files.h"
#include "io/dns/resolve.h"
#include "io/signals.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/spool.h"
#include "io/stall.h"
#include "io/timer.h"
#include "io/tls/tls.h"

#define HANDSHAKE_US 5000 /* CPU time for handshakes in each pass */
#define FINISH_US 2000000 /* for the last output after a stop */
#define ROWS_FINISH_US \
	60000000         /* the same for a database, whose disk is busy */
#define KILLED_US 300000 /* the same, after a second signal */
#define SLICE_US 50000   /* of these, between checks for signals */

/* ---- a pass of the loop ---- */

/* The process did not run: extends deadlines and look-ups. */
static void
on_stall(void *arg, int64_t length_us)
{
	standstill_note(arg, length_us);
}

static void
engine_turn(struct engine *e)
{
	struct core *c = &e->core;
	int is_busy = turn_has_work(c) || e->handshakes_left;
	int flags = EVLOOP_ONCE | (is_busy ? EVLOOP_NONBLOCK : 0);

	stall_begin_pass(e->stall, c->sched.slots + c->hosts.lookups > 0);
	CHECK(event_base_loop(e->base, flags) != -1);
	fetch_run_queue(c);
	e->handshakes_left = tls_run(e->tls, HANDSHAKE_US);
	turn_decide(c);
	turn_finish(c);
	if (sched_is_done(c)) {
		if (e->rows != NULL)
			engine_rows_end(e->rows);
		else
			sink_cut(e->out);
	}
	if (e->observer.on_pass != NULL)
		e->observer.on_pass(e->observer.arg);
	engine_trace_flush(&e->trace);
	sink_flush(e->notes);
}

/* ---- stopping ---- */

static void
on_grace(void *arg)
{
	struct engine *e = arg;

	clock_tick(&e->core.clock);
	e->is_cut = 1;
}

static void
on_run_time(void *arg)
{
	struct engine *e = arg;

	clock_tick(&e->core.clock);
	sched_stop(&e->core);
	e->is_cut = e->is_timed_out = 1;
}

static void
stop(struct engine *e)
{
	struct core *c = &e->core;

	sched_stop(c);
	if (e->grace == NULL)
		e->grace = timer_new(e->base, on_grace, e);
	timer_set(e->grace, c->clock.now_us + e->job.opts->grace_us);
}

static void
on_stop_signal(evutil_socket_t sig, short what, void *arg)
{
	struct engine *e = arg;

	(void)what;
	clock_tick(&e->core.clock);
	e->is_killed = e->signal != 0;
	e->signal = (int)sig;
	if (e->is_killed)
		return;
	stop(e);
	if (e->observer.on_stopping != NULL)
		e->observer.on_stopping(e->observer.arg, (int)sig);
}

static void
on_usr1(evutil_socket_t sig, short what, void *arg)
{
	struct engine *e = arg;

	(void)sig;
	(void)what;
	clock_tick(&e->core.clock);
	if (e->observer.on_dump != NULL)
		e->observer.on_dump(e->observer.arg);
}

static void
on_usr2(evutil_socket_t sig, short what, void *arg)
{
	struct engine *e = arg;

	(void)sig;
	(void)what;
	clock_tick(&e->core.clock);
	engine_trace_dump(&e->trace);
}

/* Only wakes the loop, which checks for input itself. */
void
engine_wake(void *arg)
{
	struct core *c = arg;

	clock_tick(&c->clock);
}

/* ---- wiring ---- */

void
engine_catch_signals(struct engine *e)
{
	static const int stops[] = { SIGINT, SIGHUP, SIGTERM };
	size_t i;

	for (i = 0; i < 3; i++) {
		/* nohup and a shell's background jobs ignore signals: keep
		 * that. */
		if (stops[i] != SIGTERM && signals_is_ignored(stops[i]))
			continue;
		e->signals[i] =
		    evsignal_new(e->base, stops[i], on_stop_signal, e);
		CHECK(evsignal_add(e->signals[i], NULL) == 0);
	}
	e->signals[3] = evsignal_new(e->base, SIGUSR1, on_usr1, e);
	CHECK(evsignal_add(e->signals[3], NULL) == 0);
	e->signals[4] = evsignal_new(e->base, SIGUSR2, on_usr2, e);
	CHECK(evsignal_add(e->signals[4], NULL) == 0);
}

static struct event_base *
make_base(void)
{
	struct event_config *conf = event_config_new();
	struct event_base *base;

	CHECK(conf != NULL);
	event_config_set_flag(conf, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(conf);
	event_config_free(conf);
	if (base == NULL)
		fatalx("cannot create the event loop");
	return base;
}

static int
refuse(struct buf *err, const char *why)
{
	message_begin(err);
	message_show(err, why);
	buf_char(err, '\n');
	return -1;
}

static int
open_network(struct engine *e, struct buf *err, int *status)
{
	const struct opts *o = e->job.opts;
	struct tls_conf tc = { o->insecure, o->cacert,
		getenv("SSLKEYLOGFILE") };
	struct resolve_conf rc = { .timeout_us = o->dns_timeout_us,
		.use_v4 = !o->ipv6,
		.use_v6 = !o->ipv4,
		.servers = o->dns_servers,
		.overrides = (const char *const *)o->resolve.v,
		.noverride = o->resolve.n,
		.hosts_path = "/etc/hosts",
		.resolv_conf_path = "/etc/resolv.conf" };
	char why[2 * PATH_MAX]; /* a file's name is never cut */

	*status = 2;
	e->tls = tls_new(e->base, &tc, why, sizeof(why));
	if (e->tls == NULL)
		return refuse(err, why);
	e->core.resolve = resolve_new(e->base, &rc, why, sizeof(why));
	if (e->core.resolve == NULL)
		return refuse(err, why);
	e->core.conns = conns_new(e->base, e->tls, e->max_sockets);
	conns_trace(e->core.conns, e->core.trace);
	if (o->interface != NULL &&
	    conns_interface(e->core.conns, o->interface) == -1)
		return refuse(err, "--interface: not an IP address and not a "
				   "network device of this machine");
	return 0;
}

static void
set_format(struct job *j)
{
	static const enum record_body bodies[] = {
		[BODY_INLINE] = RECORD_BODY_INLINE,
		[BODY_NONE] = RECORD_BODY_NONE,
		[BODY_BASE64] = RECORD_BODY_BASE64,
		[BODY_JSON] = RECORD_BODY_JSON,
	};
	struct span bad;

	j->emit.format.body = bodies[j->opts->body];
	j->emit.format.include_headers = j->opts->include_headers;
	j->emit.format.is_tsv = j->opts->format == FORMAT_TSV;
	j->emit.format.is_safe = j->opts->csv_safe;
	j->emit.line_format.body = RECORD_BODY_INLINE;
	j->emit.line_format.include_headers = j->opts->include_headers;
	if (j->opts->fields != NULL) /* known to be good */
		(void)record_fields(
		    &j->emit.format, span_str(j->opts->fields), &bad);
	if (j->opts->output_kind == OUTPUT_DATABASE)
		record_fields_need(&j->emit.format, SPAN("seq"));
}

static int
open_workers(struct engine *e, struct buf *err, int *status)
{
	*status = 2;
	return engine_workers_open(
	    &e->workers, &e->core, e->job.opts, e->base, e->notes, err);
}

struct engine *
engine_new(
    const struct opts *o, size_t max_sockets, struct buf *err, int *status)
{
	struct engine *e = mem_zalloc(1, sizeof(*e));
	struct core *c = &e->core;

	e->base = make_base();
	e->writer = disk_new(e->base);
	e->syncer = disk_new(e->base);
	e->max_sockets = max_sockets;
	core_init(c, e->base);
	core_set_limits(c, o);
	job_init(&e->job, c, o);
	e->stall = stall_new(e->base, engine_wake, c);
	clock_watch(&c->clock, e->stall, on_stall, c);
	e->notes = sink_new(e->base, 2, NULL, NULL);
	engine_trace_init(&e->trace, c, e->notes);
	set_format(&e->job);
	if (open_workers(e, err, status) == -1 ||
	    open_network(e, err, status) == -1) {
		engine_free(e);
		return NULL;
	}
	e->source = engine_new_source(e);
	engine_input_init(&e->input, e->source, (uint64_t)o->limit);
	e->job.intake.input = &e->input.input;
	return e;
}

struct source *
engine_new_source(const struct engine *e)
{
	struct source *s =
	    source_new(e->base, engine_wake, (void *)(uintptr_t)&e->core);

	source_limits(s, REQUEST_JSON_LINE_MAX, REQUEST_URL_LINE_MAX);
	return s;
}

void
engine_free(struct engine *e)
{
	struct core *c = &e->core;
	size_t i;

	core_drop(c);
	job_fini(&e->job);
	core_fini(c);
	engine_workers_close(&e->workers);
	if (c->conns != NULL)
		conns_free(c->conns);
	if (c->resolve != NULL)
		resolve_free(c->resolve);
	if (e->tls != NULL)
		tls_free(e->tls);
	if (e->source != NULL)
		source_free(e->source);
	stall_free(e->stall);
	engine_output_fini(&e->output);
	disk_free(e->writer); /* its jobs use the sinks and files */
	disk_free(e->syncer);
	files_free(e->files);
	if (e->has_commit)
		engine_commit_fini(&e->commit);
	engine_rows_close(e->rows); /* its thread reads the state */
	engine_resume_close(&e->resume);
	sink_free(e->out);
	sink_free(e->failed);
	buf_fini(&e->head);
	engine_trace_close(&e->trace);
	sink_free(e->notes);
	timer_free(e->grace);
	timer_free(e->run_time);
	for (i = 0; i < ENGINE_SIGNALS; i++)
		if (e->signals[i] != NULL)
			event_free(e->signals[i]);
	event_base_free(e->base);
	free(e);
}

/* ---- running ---- */

/* The error of the first output that failed: records or --failed-input. */
static enum err
first_output_error(const struct engine *e)
{
	const struct output *out = e->job.emit.out;
	enum err err = out->ops->error(out);

	if (err == E_OK)
		err = failed_input_error(&e->job);
	if (err == E_OK && e->has_commit)
		err = engine_commit_error(&e->commit);
	if (err == E_OK && e->resume.is_open &&
	    engine_journal_errno(&e->resume.journal) != 0)
		err = E_OUTPUT_IO;
	return err;
}

/* Makes all that is written durable; a second signal ends the wait. */
static void
finish_commit(struct engine *e)
{
	if (!e->has_commit)
		return;
	engine_commit_end(&e->commit);
	while (!e->is_killed && engine_commit_error(&e->commit) == E_OK &&
	       first_output_error(e) == E_OK &&
	       !engine_commit_is_idle(&e->commit)) {
		engine_commit_step(&e->commit);
		disk_finish(e->syncer, SLICE_US);
		CHECK(event_base_loop(e->base, EVLOOP_NONBLOCK) != -1);
		output_settle(&e->job);
	}
}

static void
finish_records(struct engine *e, int64_t timeout_us)
{
	if (e->rows != NULL)
		engine_rows_finish(e->rows, timeout_us);
	else
		sink_finish(e->out, timeout_us);
}

/* Are there records that were not written? */
static int
has_lost_records(const struct engine *e)
{
	return e->rows != NULL ? engine_rows_has_lost(e->rows)
			       : sink_has_lost(e->out);
}

/* Waits until the output's reader has read all; a signal or `us` ends the
 * wait. */
static void
drain(struct engine *e, int64_t us)
{
	const struct output *out = e->job.emit.out;
	int64_t end = timer_now_us() + us;

	do {
		finish_records(e, SLICE_US);
		CHECK(event_base_loop(e->base, EVLOOP_NONBLOCK) != -1);
	} while (out->ops->pending(out) > 0 && out->ops->error(out) == E_OK &&
		 !e->is_killed && timer_now_us() < end);
}

/* Lets bodies that are complete have their names, for a limited time. */
static void
finish_files(struct engine *e)
{
	int64_t end = timer_now_us() + FINISH_US;
	struct core *c = &e->core;

	while (c->state[FETCH_SAVING].n > 0 && files_error(e->files) == E_OK &&
	       timer_now_us() < end) {
		clock_end_pass(&c->clock);
		clock_tick(&c->clock);
		fetch_run_queue(c);
		disk_finish(e->writer, SLICE_US);
		disk_finish(e->syncer, SLICE_US);
	}
}

/* Interrupts items that have begun, and writes all records left. */
static void
finish_output(struct engine *e)
{
	struct core *c = &e->core;
	struct job *j = &e->job;
	int is_more = 1;

	if (e->files != NULL)
		finish_files(e);
	if (c->sched.pauses & PAUSE_STOP)
		fetch_interrupt_all(c);
	while (is_more && j->emit.spill_error == E_OK && !e->is_killed) {
		is_more = turn_emit_rest(c);
		drain(e, e->rows != NULL ? ROWS_FINISH_US : FINISH_US);
		finish_commit(e);
		output_settle(j);
		if (has_lost_records(e))
			return; /* its reader has stopped */
	}
}

/* The disk is full, or a body file failed: what is wholly written counts. */
static void
salvage_output(struct engine *e)
{
	if (!e->has_commit)
		return;
	disk_finish(e->syncer, FINISH_US);
	output_settle(&e->job);
	engine_commit_salvage(&e->commit);
	disk_finish(e->syncer, FINISH_US);
	output_settle(&e->job);
}

static int
has_spool_failed(const struct engine *e)
{
	return e->resume.spool != NULL && spool_error(e->resume.spool) != NULL;
}

/* Nothing is left to do: removes records of --retry-failed, and notes it. */
static void
finish_journal(struct engine *e)
{
	struct engine_journal *j = &e->resume.journal;
	struct buf err = { 0 };

	if (!e->resume.is_open || e->is_killed || !job_is_done(&e->job) ||
	    e->job.intake.failed || has_spool_failed(e) ||
	    first_output_error(e) != E_OK ||
	    progress_open(j->state.progress) > 0)
		return;
	if (engine_retry_finish(j, e->job.opts, &err) == 0) {
		e->resume.is_finished = 1;
		j->ops->finish(j);
	} else {
		e->has_failed_retry = 1;
		sink_note(e->notes, buf_view(&err));
	}
	buf_fini(&err);
}

static int
has_files_error(const struct engine *e)
{
	return e->files != NULL && files_error(e->files) != E_OK;
}

static int
is_over(const struct engine *e)
{
	const struct core *c = &e->core;
	const struct job *j = &e->job;
	const struct output *out = j->emit.out;

	return e->is_killed || e->is_cut || j->emit.spill_error != E_OK ||
	       first_output_error(e) != E_OK || has_spool_failed(e) ||
	       has_files_error(e) ||
	       (sched_is_done(c) && out->ops->pending(out) == 0 &&
		   failed_input_pending(j) == 0);
}

enum engine_end
engine_run(struct engine *e)
{
	struct core *c = &e->core;
	struct job *j = &e->job;

	clock_tick(&c->clock);
	if (j->opts->max_run_time_us > 0) {
		e->run_time = timer_new(e->base, on_run_time, e);
		timer_set(
		    e->run_time, c->clock.now_us + j->opts->max_run_time_us);
	}
	while (!is_over(e))
		engine_turn(e);
	if (!e->is_killed && has_files_error(e))
		finish_records(e, FINISH_US);
	else if (!e->is_killed &&
		 j->emit.out->ops->error(j->emit.out) == E_OK &&
		 j->emit.spill_error == E_OK)
		finish_output(e);
	if (!e->is_killed && e->out != NULL &&
	    (sink_error(e->out) == E_OUTPUT_NO_SPACE ||
		(has_files_error(e) && sink_error(e->out) == E_OK)))
		salvage_output(e);
	if (!sched_is_done(c) || c->sched.pauses & PAUSE_STOP)
		intake_check_left(c);
	finish_journal(e);
	if (e->failed != NULL)
		sink_finish(e->failed, e->is_killed ? KILLED_US : FINISH_US);
	if (e->is_killed)
		finish_records(e, KILLED_US);
	if (e->rows == NULL && j->opts->format != FORMAT_BODY)
		sink_end_line(e->out);
	if (e->failed != NULL)
		sink_end_line(e->failed);
	engine_trace_finish(&e->trace);
	if (e->is_killed)
		return ENGINE_KILLED;
	if (first_output_error(e) != E_OK || j->emit.spill_error != E_OK ||
	    has_files_error(e))
		return ENGINE_STOPPED;
	return c->sched.pauses & PAUSE_STOP ? ENGINE_STOPPED : ENGINE_DONE;
}

static int
has_output_failed(const struct engine *e)
{
	const struct job *j = &e->job;
	enum err out = first_output_error(e);

	return j->intake.failed || has_spool_failed(e) || e->has_failed_retry ||
	       has_files_error(e) || j->stats.exit_classes & 1u << 3 ||
	       j->emit.spill_error != E_OK || out == E_OUTPUT_IO ||
	       out == E_OUTPUT_NO_SPACE;
}

/* Is a record left that the output's reader did not read in time? */
static int
has_unwritten(const struct engine *e)
{
	const struct order *order = e->job.emit.order;

	return has_lost_records(e) ||
	       (e->failed != NULL && sink_has_lost(e->failed)) ||
	       (order != NULL && order_is_due(order));
}

int
engine_exit_status(struct engine *e, enum engine_end end)
{
	const struct job *j = &e->job;
	int i;

	if (end == ENGINE_KILLED)
		return e->signal == SIGINT ? 130 : 143;
	if (has_output_failed(e))
		return 3;
	if (e->is_timed_out)
		return 124;
	if (has_unwritten(e) || j->stats.by_error[E_INTERRUPTED] > 0 ||
	    (end == ENGINE_STOPPED && j->was_left))
		return 75;
	for (i = 1; i < 32; i++)
		if (j->stats.exit_classes & 1u << i)
			return i;
	return 0;
}

/* ---- accessors ---- */

void
engine_put_commit_fault(const struct engine *e, struct buf *b)
{
	const char *what = e->commit.failed_at;
	int errnum = e->commit.errnum;

	if (e->resume.is_open &&
	    engine_journal_errno(&e->resume.journal) != 0) {
		what = e->job.opts->journal;
		errnum = engine_journal_errno(&e->resume.journal);
	} else if (!e->has_commit || engine_commit_error(&e->commit) == E_OK)
		return;
	message_begin(b);
	message_show(b, what);
	buf_printf(b,
	    ": %s (%s); what was not on the disk by then is fetched again on "
	    "resume\n",
	    strerror(errnum),
	    error_code(errnum == ENOSPC || errnum == EDQUOT ? E_OUTPUT_NO_SPACE
							    : E_OUTPUT_IO));
}

enum err
engine_output_error(const struct engine *e, const char **why)
{
	const struct output *out = e->job.emit.out;

	if (e->rows == NULL) {
		*why = strerror(sink_errno(e->out));
		return sink_error(e->out);
	}
	*why = engine_rows_why(e->rows);
	return out->ops->error(out);
}

struct source *
engine_source(struct engine *e)
{
	return e->source;
}

struct job *
engine_job(const struct engine *e)
{
	return (struct job *)(uintptr_t)&e->job;
}

struct core *
engine_core(const struct engine *e)
{
	return (struct core *)(uintptr_t)&e->core;
}

struct sink *
engine_notes(struct engine *e)
{
	return e->notes;
}

void
engine_observe(struct engine *e, const struct engine_observer *o)
{
	e->observer = *o;
}

void
engine_counts(const struct engine *e, struct engine_counts *n)
{
	struct resolve_stats st;

	resolve_stats(e->core.resolve, &st);
	n->lookups = st.lookups;
	n->lookups_cached = st.cached;
	n->handshakes = tls_handshakes(e->tls);
	n->conns_opened = conns_opened(e->core.conns);
}

void
engine_libraries(struct buf *out)
{
	buf_printf(out, "libevent %s, %s, c-ares %s, ", event_get_version(),
	    tls_library(), resolve_library());
	http_library(out);
	buf_char(out, '\n');
}
