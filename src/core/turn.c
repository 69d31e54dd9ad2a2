/* SPDX-License-Identifier: ISC */
/* The order of steps in a pass of the loop. Each step is elsewhere. */
#include "core/turn.h"

#include <string.h>

#include "base/trace.h"
#include "core/output/emit.h"
#include "core/output/failed_input.h"
#include "core/fetch.h"
#include "core/intake.h"
#include "core/origin/host.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "core/sched.h"
#include "io/conn/conn.h"
#include "io/timer.h"

static int
has_to_emit(const struct job *j)
{
	const struct emit *e = &j->emit;

	if (e->out->ops->error(e->out) != E_OK)
		return 0;
	return emit_has_any(j) ||
	       (e->order != NULL && order_is_due(e->order) &&
		   e->unfinished == NULL && !e->out->ops->is_full(e->out));
}

/* Has any job output that can be written? */
static int
has_output(const struct core *c)
{
	const struct link *k;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k))
		if (has_to_emit(CONTAINER(k, const struct job, of_core)))
			return 1;
	return 0;
}

int
turn_has_work(const struct core *c)
{
	return has_output(c) || c->run.n > 0 || c->hosts.given_up.n > 0 ||
	       c->hosts.unresolved.n > 0 || c->turn.is_work_left ||
	       sched_may_start(c);
}

static void
start_next(struct core *c)
{
	struct conn *conn;
	struct fetch *f = sched_next(c, &conn);

	if (f != NULL)
		fetch_start(f, conn);
}

/* While the network is down, one look-up or start at a time probes it. */
static void
probe_network(struct core *c)
{
	size_t before = c->sched.slots + c->hosts.lookups;
	int n;

	if ((c->hosts.nready == 0 && c->hosts.nneed_lookup == 0) ||
	    !network_begin_probe(c))
		return;
	c->sched.pauses &= ~(unsigned)PAUSE_NET;
	for (n = 0; n < 4 && c->sched.slots + c->hosts.lookups == before; n++)
		if (!c->network.is_dns_only && sched_may_start(c))
			start_next(c);
		else if (c->sched.pauses == 0 && c->hosts.nneed_lookup > 0 &&
			 c->hosts.lookups == 0)
			host_look_up(queue_first_needing_lookup(c)->host);
	if (c->sched.slots + c->hosts.lookups == before &&
	    c->network.lookup == NULL)
		network_postpone_probe(c);
	if (c->network.is_down && !c->network.is_dns_only)
		c->sched.pauses |= PAUSE_NET;
}

void
turn_decide(struct core *c)
{
	struct conn *conn;
	struct fetch *f;
	int is_more;

	clock_tick(&c->clock);
	sched_wake(c);
	fetch_fail_waiting(c);
	is_more = intake_read(c);
	if (c->network.is_down)
		probe_network(c);
	sched_look_up_ahead(c);
	if ((f = sched_next_in_order(c, &conn)) != NULL)
		fetch_start(f, conn);
	while (sched_may_start(c))
		start_next(c);
	sched_look_up_ahead(c);
	fetch_fail_waiting(c);
	c->turn.is_work_left =
	    (is_more && intake_is_wanted(c)) || sched_may_start(c);
	fetch_run_queue(c);
}

static void
emit_job(struct job *j)
{
	const struct turn *t = &j->core->turn;

	fetch_emit_waiting(j);
	(void)emit_ordered(j);
	if (j->emit.out->ops->pending(j->emit.out) > 0 &&
	    t->before_output != NULL)
		t->before_output(t->before_output_arg);
	j->emit.out->ops->flush(j->emit.out);
	failed_input_flush(j);
	output_settle(j);
}

/* Writes large bodies piece by piece, as long as the sink has room. */
static void
emit(struct core *c)
{
	struct link *k;

	do {
		for (k = list_first(&c->jobs); k != NULL;
		     k = list_next(&c->jobs, k))
			emit_job(CONTAINER(k, struct job, of_core));
		clock_tick(&c->clock);
	} while (has_output(c) && !clock_is_over_budget(&c->clock));
}

/* How many of the engine and the jobs are paused. */
static unsigned
count_pauses(const struct core *c)
{
	const struct link *k;
	unsigned n = c->sched.pauses != 0;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k))
		n += CONTAINER(k, const struct job, of_core)->pauses != 0;
	return n;
}

static void
trace_pauses(struct core *c)
{
	static const struct {
		enum core_pause bit;
		const char *name;
	} pauses[] = {
		{ PAUSE_SINK, "output " },
		{ PAUSE_FD, "fd_limit " },
		{ PAUSE_MEMORY, "memory " },
		{ PAUSE_STOP, "stop " },
		{ PAUSE_NET, "net_down " },
		{ PAUSE_POOL, "workers " },
		{ PAUSE_SPILL, "spill " },
		{ PAUSE_FILES, "files " },
	};
	const struct trace_event e = {
		.at_us = c->clock.now_us,
		.kind = TRACE_RUN_PAUSED,
	};
	unsigned now = c->sched.pauses;
	char text[64] = "";
	const struct link *k;
	size_t n = 0, i;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k))
		now |= CONTAINER(k, const struct job, of_core)->pauses;
	if (now == c->sched.traced_pauses)
		return;
	c->sched.traced_pauses = now;
	for (i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		if (!(now & pauses[i].bit))
			continue;
		memcpy(text + n, pauses[i].name, strlen(pauses[i].name));
		n += strlen(pauses[i].name);
	}
	trace_put(c->trace, &e, span_of(text, n > 0 ? n - 1 : 0));
}

void
turn_finish(struct core *c)
{
	unsigned pauses;

	emit(c);
	pauses = count_pauses(c);
	sched_update_pauses(c);
	if (count_pauses(c) < pauses)
		c->turn.is_work_left = 1; /* no event will wake us for this */
	trace_pauses(c);
	fetch_resume_paused(c);
	conns_reap(c->conns);
	stats_lag(&c->turn.lag, clock_tick(&c->clock) - c->clock.pass_at_us);
	sched_set_timer(c);
	clock_end_pass(&c->clock);
}

static int
has_ordered_left(const struct core *c)
{
	const struct link *k;
	const struct order *o;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		o = CONTAINER(k, const struct job, of_core)->emit.order;
		if (o != NULL && order_is_due(o))
			return 1;
	}
	return 0;
}

int
turn_emit_rest(struct core *c)
{
	clock_end_pass(&c->clock);
	clock_tick(&c->clock);
	fetch_run_queue(c);
	emit(c);
	return c->run.n > 0 || c->emitting > 0 || has_ordered_left(c);
}
