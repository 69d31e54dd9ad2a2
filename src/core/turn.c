/* SPDX-License-Identifier: ISC */
/* The order of things in a turn. Knows nothing of what they do. */
#include "core/turn.h"

#include "core/output/emit.h"
#include "core/output/failed_input.h"
#include "core/fetch.h"
#include "core/intake.h"
#include "core/origin/host.h"
#include "core/output/order.h"
#include "core/sched.h"
#include "io/conn/conn.h"
#include "io/sink.h"
#include "io/timer.h"

static int
has_to_emit(const struct core *c)
{
	return emit_has_any(c) && sink_error(c->out) == E_OK;
}

static int
has_ordered(const struct core *c)
{
	return c->order != NULL && order_is_due(c->order) &&
	       c->emitting == NULL && !sink_is_full(c->out) &&
	       sink_error(c->out) == E_OK;
}

int
turn_has_work(const struct core *c)
{
	return has_to_emit(c) || has_ordered(c) || c->run.n > 0 ||
	       c->hosts.lost.n > 0 || c->hosts.unresolved.n > 0 ||
	       c->input_left || sched_may_start(c);
}

static void
start_next(struct core *c)
{
	struct conn *conn;
	struct fetch *f = sched_next(c, &conn);

	if (f != NULL)
		fetch_start(f, conn);
}

/* While the network is down one look-up or one start finds out whether it is
 * back. */
static void
probe_network(struct core *c)
{
	size_t before = c->sched.slots + c->hosts.lookups;
	int n;

	if ((c->hosts.ready.n == 0 && c->hosts.want.n == 0) ||
	    !network_begin_probe(c))
		return;
	c->sched.pauses &= ~(unsigned)PAUSE_NET;
	for (n = 0; n < 4 && c->sched.slots + c->hosts.lookups == before; n++)
		if (!c->network.is_dns && sched_may_start(c))
			start_next(c);
		else if (c->sched.pauses == 0 && c->hosts.want.n > 0 &&
			 c->hosts.lookups == 0)
			host_look_up(CONTAINER(
			    list_first(&c->hosts.want), struct host, link));
	if (c->sched.slots + c->hosts.lookups == before &&
	    c->network.job == NULL)
		network_put_off_probe(c);
	if (c->network.is_down && !c->network.is_dns)
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
	c->input_left = (is_more && intake_is_wanted(c)) || sched_may_start(c);
	fetch_run_queue(c);
}

/* Large bodies go out piece by piece, as long as the sink takes them. */
static void
emit(struct core *c)
{
	do {
		fetch_emit_waiting(c);
		(void)emit_ordered(c);
		if (sink_pending(c->out) > 0 && c->before_output != NULL)
			c->before_output(c->before_output_arg);
		sink_flush(c->out);
		failed_input_flush(c);
		clock_tick(&c->clock);
	} while ((has_to_emit(c) || has_ordered(c)) &&
		 !clock_is_over_budget(&c->clock));
}

void
turn_finish(struct core *c)
{
	unsigned pauses;

	emit(c);
	pauses = c->sched.pauses;
	sched_judge_pauses(c);
	if (pauses != 0 && c->sched.pauses == 0)
		c->input_left = 1; /* no event tells of it: pump again */
	fetch_resume_paused(c);
	conns_reap(c->conns);
	stats_lag(&c->stats, clock_tick(&c->clock) - c->clock.pass_at_us);
	sched_set_timer(c);
	clock_end_pass(&c->clock);
}

int
turn_emit_rest(struct core *c)
{
	clock_end_pass(&c->clock);
	clock_tick(&c->clock);
	fetch_run_queue(c);
	emit(c);
	return c->run.n > 0 || c->state[FETCH_EMITTING].n > 0 ||
	       (c->order != NULL && order_is_due(c->order));
}
