/* SPDX-License-Identifier: ISC */
/*
 * Connects a core to the fakes and runs its passes, with the virtual clock in
 * place of the loop and a budget of calls in place of CPU time.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/trace.h"
#include "core/fetch.h"
#include "core/output/parse.h"
#include "core/intake.h"
#include "core/sched.h"
#include "core/turn.h"
#include "fake.h"
#include "io/conn/conn.h"
#include "io/pool/pool.h"
#include "io/dns/resolve.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/timer.h"

#define IDLE_TURNS 200000

/* ---- wiring ---- */

static void
on_wakeup(void *arg)
{
	struct core *c = arg;

	clock_tick(&c->clock);
}

static void
parse(struct opts *o, const char *const *args)
{
	/* An operand, so that standard input is not looked at; one attempt,
	 * unless a scenario is about more. */
	char *argv[40] = { mem_strdup("fetchd"), mem_strdup("http://a.test"),
		mem_strdup("--retry"), mem_strdup("0") };
	struct buf err = { 0 };
	int n, i;

	for (n = 4; args[n - 4] != NULL && n < 39; n++)
		argv[n] = mem_strdup(args[n - 4]);
	if (opts_parse(o, n, argv, &err) != 0)
		world_fail(world_now(), "options: %.*s", (int)err.n, err.p);
	for (i = 0; i < n; i++)
		free(argv[i]);
	buf_fini(&err);
}

static void
on_event(void *arg)
{
	struct core *c = arg;

	clock_tick(&c->clock);
}

static void
open_pools(struct sim *s)
{
	struct core *c = &s->core;
	struct pool_conf conf = { .workers = (unsigned)s->opts.workers,
		.fill = parse_fill_document,
		.check = parse_check_object,
		.done = fetch_on_parsed,
		.tick = on_event,
		.arg = c };

	conf.protocol = POOL_FRAMES;
	if (s->opts.njobs > 0)
		c->workers = pool_new(&s->w, &conf);
	conf.protocol = POOL_LINES;
	conf.fill = parse_fill_line;
	conf.check = parse_check_value;
	if (s->opts.exec_argv != NULL)
		c->coprocs = pool_new(&s->w, &conf);
}

static const char *
state_name(unsigned state)
{
	return fetch_state_name((enum fetch_state)state);
}

void
sim_init(struct sim *s, uint64_t seed, const struct origin *origins,
    const char *const *args)
{
	struct event_base *w = &s->w;
	struct core *c = &s->core;
	struct resolve_conf rc = { .use_v4 = 1 };

	memset(s, 0, sizeof(*s));
	world_init(w, seed);
	w->origins = origins;
	s->check_every = 1;
	s->slack_us = 20 * MS;
	parse(&s->opts, args);
	core_init(c, w);
	core_set_limits(c, &s->opts);
	job_init(&s->job, c, &s->opts);
	c->trace = trace_new(0, 0, state_name);
	c->random = seed * 2654435761 + 1;
	rc.timeout_us = s->opts.dns_timeout_us;
	c->resolve = resolve_new(w, &rc, NULL, 0);
	c->conns = conns_new(w, NULL, SIZE_MAX);
	s->job.emit.out = fake_output_new(w, on_wakeup, c);
	s->job.intake.input = fake_input_new(w, on_wakeup, c);
	open_pools(s);
	if (s->opts.output_dir != NULL)
		s->job.files = fake_files_new(w, on_event, c);
	clock_tick(&c->clock);
}

void
sim_input(struct sim *s, uint64_t items,
    void (*item)(struct event_base *w, uint64_t seq, struct item *to))
{
	s->w.items = s->w.list[0].items = items;
	s->w.item = item;
	s->w.outcomes = mem_zalloc(items + 1, sizeof(*s->w.outcomes));
}

void
sim_add_job(struct sim *s, const char *const *args)
{
	struct sim_job *m = &s->more[s->nmore++];

	parse(&m->opts, args);
	job_init(&m->job, &s->core, &m->opts);
	m->job.emit.out = fake_output_new(&s->w, on_wakeup, &s->core);
	m->job.intake.input = fake_input_new(&s->w, on_wakeup, &s->core);
	s->core.turn.is_work_left = 1;
}

void
sim_inputs(struct sim *s, const uint64_t *items,
    void (*item)(struct event_base *w, uint64_t number, struct item *to))
{
	uint64_t all = 0;
	unsigned i;

	for (i = 0; i < WORLD_LISTS && items[i] > 0; i++) {
		s->w.list[i].first = all;
		all += items[i];
	}
	sim_input(s, all, item);
	for (i = 0; i < WORLD_LISTS && items[i] > 0; i++)
		s->w.list[i].items = items[i];
}

void
sim_sockets(struct sim *s, size_t max)
{
	conns_free(s->core.conns);
	s->core.conns = conns_new(&s->w, NULL, max);
}

/* ---- the turn ---- */

static void
note_most(struct sim *s)
{
	const struct core *c = &s->core;

	if (c->sched.slots > s->most_slots)
		s->most_slots = c->sched.slots;
	if (c->sched.known > s->most_known)
		s->most_known = c->sched.known;
	if (c->account.held > s->most_held)
		s->most_held = c->account.held;
	if (emit_unwritten_bytes(c) > s->most_pending)
		s->most_pending = emit_unwritten_bytes(c);
}

void
sim_turn(struct sim *s)
{
	struct core *c = &s->core;
	struct event_base *w = &s->w;
	int wait = !turn_has_work(c);

	if (wait)
		check_sleep(s);
	w->work = 0;
	if (w->is_chaotic)
		w->budget = world_chance(w, 200) ? 3 : 1000;
	if (world_pass(w, wait) == -1)
		world_fail(w, "it waits, and nothing will ever happen");
	fetch_run_queue(c);
	turn_decide(c);
	note_most(s);
	turn_finish(c);
	note_most(s);
	if (++s->turns % s->check_every == 0)
		check_all(s);
	if (s->each_turn != NULL)
		s->each_turn(s);
}

int
sim_is_over(const struct sim *s)
{
	const struct core *c = &s->core;

	return s->is_cut || (sched_is_done(c) && emit_unwritten_bytes(c) == 0);
}

/* Many passes without a record are an error, like waiting for ever. */
static void
check_motion(struct sim *s)
{
	if (s->w.records != s->moved_records) {
		s->moved_records = s->w.records;
		s->moved_turn = s->turns;
	}
	if (s->turns > s->moved_turn + IDLE_TURNS)
		world_fail(&s->w,
		    "%d turns and no record: %zu in flight, %zu are paused, "
		    "pauses %x, %llu bytes held",
		    IDLE_TURNS, s->core.sched.slots, s->core.paused.n,
		    s->core.sched.pauses,
		    (unsigned long long)s->core.account.held);
}

/* As the engine does. */
static void
end_early(struct sim *s)
{
	int is_more = 1;

	fetch_interrupt_all(&s->core);
	while (is_more || emit_unwritten_bytes(&s->core) > 0) {
		is_more = turn_emit_rest(&s->core);
		s->w.horizon_us = INT64_MAX;
		if (emit_unwritten_bytes(&s->core) > 0)
			(void)world_pass(&s->w, 1);
	}
	intake_check_left(&s->core);
}

void
sim_run_for(struct sim *s, int64_t us)
{
	int64_t end = s->w.now_us + us;

	s->w.horizon_us = end;
	while (s->w.now_us < end && !sim_is_over(s)) {
		sim_turn(s);
		check_motion(s);
	}
	if (sim_is_over(s) && s->core.sched.pauses & PAUSE_STOP)
		end_early(s);
}

void
sim_run(struct sim *s, int64_t us)
{
	sim_run_for(s, us);
	if (!sim_is_over(s))
		world_fail(&s->w,
		    "not over: %zu alive, %zu in flight, %zu wait, "
		    "%zu are paused, pauses %x",
		    s->core.alive, s->core.sched.slots, s->core.sched.known,
		    s->core.paused.n, s->core.sched.pauses);
	check_all(s);
	check_records(s);
	fake_output_at_end(s->job.emit.out);
	if (s->core.account.of[ACCOUNT_EXCHANGES] != 0 || s->core.alive != 0)
		world_fail(&s->w, "something is held at the end");
}

static void
on_grace(void *arg)
{
	struct sim *s = arg;

	clock_tick(&s->core.clock);
	s->is_cut = 1;
}

void
sim_stop(struct sim *s)
{
	struct core *c = &s->core;

	clock_tick(&c->clock);
	sched_stop(c);
	s->grace = timer_new(&s->w, on_grace, s);
	timer_set(s->grace, c->clock.now_us + s->job.opts->grace_us);
}

/* ---- the end ---- */

void
sim_fini(struct sim *s)
{
	struct core *c = &s->core;
	unsigned i;

	core_drop(c);
	job_fini(&s->job);
	for (i = 0; i < s->nmore; i++)
		job_fini(&s->more[i].job);
	core_fini(c);
	fake_files_free(s->job.files);
	trace_free(c->trace);
	if (c->sched.slots != 0 || c->sched.known != 0 || c->emitting != 0 ||
	    c->alive != 0 || c->account.held != 0 || c->hosts.lookups != 0)
		world_fail(&s->w, "something is counted that is gone");
	conns_reap(c->conns);
	conns_free(c->conns);
	resolve_free(c->resolve);
	fake_input_free(s->job.intake.input);
	fake_output_free(s->job.emit.out);
	for (i = 0; i < s->nmore; i++) {
		fake_input_free(s->more[i].job.intake.input);
		fake_output_free(s->more[i].job.emit.out);
		opts_fini(&s->more[i].opts);
	}
	if (c->workers != NULL)
		pool_free(c->workers);
	if (c->coprocs != NULL)
		pool_free(c->coprocs);
	timer_free(s->grace);
	if (s->w.files != 0)
		world_fail(&s->w, "%zu files were left open", s->w.files);
	if (s->w.nheap != 0)
		world_fail(&s->w, "%zu events were left", s->w.nheap);
	opts_fini(&s->opts);
	world_fini(&s->w);
}

uint64_t
sim_count(const struct sim *s, enum err e)
{
	uint64_t i, n = 0;

	for (i = 1; i <= s->w.items; i++)
		n += s->w.outcomes[i].records > 0 && s->w.outcomes[i].err == e;
	return n;
}
