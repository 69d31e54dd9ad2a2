/* SPDX-License-Identifier: ISC */
/*
 * The invariants of every pass, recounted from the lists. Knows the structs of
 * core, not what led to them.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/output/output.h"
#include "core/output/parse.h"
#include "core/sched.h"
#include "core/history.h"
#include "core/xchg.h"
#include "fake.h"
#include "io/conn/conn.h"
#include "io/sink.h"
#include "io/timer.h"
#include "sim.h"

#define KNOWN_MAX 65536
#define KNOWN_BYTES_MAX (16u << 20)
#define LINE_MAX_BYTES (16u << 20)

#define EXPECT(s, cond) \
	do { \
		if (!(cond)) \
			world_fail(&(s)->w, "does not hold: %s", #cond); \
	} while (0)

struct count {
	size_t waiting, lines, startable, lookups, idle, active;
	size_t ready, needs_lookup, unused, given_up, unresolved, held_queues,
	    delayed;
	size_t nslot;
	uint64_t held[ACCOUNT_KINDS]; /* bytes charged */
	const struct fetch **slots;   /* the fetches with one */
};

/* The first job there is, or the one after j; NULL: there is none. */
static const struct job *
next_job(const struct sim *s, const struct job *j)
{
	const struct list *l = &s->core.jobs;
	const struct link *k =
	    j != NULL ? list_next(l, &j->of_core) : list_first(l);

	return k != NULL ? CONTAINER(k, const struct job, of_core) : NULL;
}

/* The bytes an item is charged for in any state. */
static void
count_item(const struct fetch *f, struct count *n)
{
	n->held[ACCOUNT_ITEMS] += f->charged;
	if (f->history != NULL)
		n->held[ACCOUNT_HISTORY] += f->history->charged;
}

/* ---- origins ---- */

static void
check_queued(struct sim *s, const struct queue *q, const struct fetch *f,
    struct count *n)
{
	EXPECT(s, f->state == FETCH_QUEUED && f->host == q->host);
	EXPECT(s, f->job == q->job);
	EXPECT(s, f->x == NULL);
	EXPECT(s, !f->is_hook_due); /* it may still be on the run queue */
	EXPECT(s, f->err == E_OK && sched_why(f) != NULL);
	count_item(f, n);
	n->waiting++;
	n->lines += f->line.n;
}

static void
check_waiting(struct sim *s, const struct queue *q, struct count *n)
{
	const struct fetch *f;
	struct link *k;

	for (k = list_first(&q->waiting); k != NULL;
	     k = list_next(&q->waiting, k)) {
		f = CONTAINER(k, struct fetch, link);
		check_queued(s, q, f, n);
		EXPECT(s, !sched_is_delayed(f));
	}
	for (k = list_first(&q->delayed); k != NULL;
	     k = list_next(&q->delayed, k)) {
		f = CONTAINER(k, struct fetch, link);
		check_queued(s, q, f, n);
		EXPECT(s, sched_is_delayed(f) && f->history->fetch == f);
		EXPECT(s, f->history->later.key == f->history->due_at_us);
		n->delayed++;
	}
}

static size_t
less(size_t room, int64_t max, size_t active)
{
	size_t left;

	if (max == 0)
		return room;
	left = active < (size_t)max ? (size_t)max - active : 0;
	return left < room ? left : room;
}

/* How many more of q may start, recounted from every limit there is. */
static size_t
room_of(struct sim *s, const struct queue *q)
{
	const struct host *h = q->host;
	const struct backoff *g = &h->backoff;
	int64_t most = s->core.limits.max_per_host;
	size_t room = SIZE_MAX;

	EXPECT(s, most == 0 || h->active <= (size_t)most);
	if (h->unsent > 0 && q->job->opts->delay_us > 0)
		return 0;
	room = less(room, most, h->active);
	room = less(room, q->job->opts->max_per_host, h->active);
	EXPECT(s, g->window == 0 || g->window >= 2);
	room = less(room, g->window, h->active);
	return less(room, g->recovery_limit, h->active - g->active_before);
}

static void
check_queue_state(struct sim *s, const struct queue *q, struct count *n)
{
	size_t room = room_of(s, q), startable = 0;
	const struct host *h = q->host;

	switch (q->state) {
	case QUEUE_EMPTY:
		EXPECT(s, q->waiting.n == 0 && !link_on(&q->link));
		break;
	case QUEUE_READY:
		EXPECT(s, q->waiting.n > 0 && room > 0 && link_on(&q->link));
		startable = q->waiting.n < room ? q->waiting.n : room;
		n->ready++;
		break;
	case QUEUE_FULL:
		EXPECT(s, q->waiting.n > 0 && room == 0 && !link_on(&q->link));
		break;
	case QUEUE_NEEDS_LOOKUP:
		EXPECT(s, q->waiting.n > 0 && room > 0 && link_on(&q->link));
		EXPECT(s, h->lookup == NULL);
		n->needs_lookup++;
		break;
	case QUEUE_LOOKING_UP:
		EXPECT(s, q->waiting.n > 0);
		EXPECT(s,
		    h->lookup != NULL || (h->pending_dns_error != E_OK &&
					     s->core.network.lookup != NULL));
		EXPECT(s, !link_on(&q->link));
		break;
	case QUEUE_HELD:
		EXPECT(s, q->waiting.n > 0 && !link_on(&q->link));
		EXPECT(s, heap_on(&q->held));
		EXPECT(s, q->held.key == q->held_until_at_us ||
			      q->held.key == backoff_dead_at_us(h));
		break;
	case QUEUE_UNRESOLVED:
		EXPECT(s, q->waiting.n > 0 && link_on(&q->link));
		EXPECT(s, h->lookup_err != E_OK && h->lookup == NULL);
		n->unresolved++;
		break;
	case QUEUE_GIVEN_UP:
		EXPECT(s, q->waiting.n + q->delayed.n > 0);
		EXPECT(s, link_on(&q->link));
		n->given_up++;
		break;
	}
	n->held_queues += (size_t)heap_on(&q->held);
	/* A timer is set for the moment it is given up. */
	EXPECT(s, heap_on(&q->held) || q->state == QUEUE_GIVEN_UP ||
		      q->waiting.n + q->delayed.n == 0 ||
		      backoff_dead_at_us(h) == TIMER_NEVER ||
		      backoff_dead_at_us(h) <= s->core.clock.now_us);
	EXPECT(s, q->contribution == startable);
	n->startable += startable;
}

static void
check_host_queues(struct sim *s, const struct host *h, struct count *n)
{
	const struct queue *q;
	struct link *k;

	for (k = list_first(&h->queues); k != NULL;
	     k = list_next(&h->queues, k)) {
		q = CONTAINER(k, const struct queue, of_host);
		EXPECT(s, q->host == h && queue_find(h, q->job) == q);
		check_waiting(s, q, n);
		check_queue_state(s, q, n);
	}
	EXPECT(s, link_on(&h->link) == (h->active == 0 && h->idle.n == 0 &&
					   host_waiting(h) == 0));
	n->unused += (size_t)link_on(&h->link);
}

static void
check_hosts(struct sim *s, struct count *n)
{
	const struct core *c = &s->core;
	const struct host *h;
	struct hash_link *k;
	size_t i;

	for (i = 0; i < c->hosts.table.nslot; i++)
		for (k = c->hosts.table.slot[i]; k != NULL; k = k->next) {
			h = CONTAINER(k, struct host, hashed);
			check_host_queues(s, h, n);
			n->held[ACCOUNT_ORIGINS] += h->charged;
			n->lookups += h->lookup != NULL;
			n->idle += h->idle.n;
			n->active += h->active;
		}
}

/* ---- fetches in a state ---- */

/* No deadline may be long past; time paused by us does not count. */
static void
check_deadline(struct sim *s, const struct fetch *f)
{
	const struct xchg *x = f->x;
	int64_t now = s->w.now_us;
	int64_t stood = x->paused_total_us + x->memory_us +
			standstill_since_us(&s->core, x->slot_at_us);
	int64_t max = x->req.timeout_us >= 0 ? x->req.timeout_us
					     : f->job->opts->max_time_us;

	if (x->paused_at_us != 0 || f->is_streamed)
		return; /* judged when it reads again; has limits of its own */
	if (x->conn != NULL)
		stood += conn_handshake_queue_us(x->conn);
	if (f->history != NULL)
		stood -= f->history->used_us;
	if (max > 0 && now > x->slot_at_us + max + stood + s->slack_us)
		world_fail(&s->w,
		    "item %llu, %s: it has had its slot for %.3f s, "
		    "--max-time is %.3f s",
		    (unsigned long long)f->seq, fetch_state_name(f->state),
		    (double)(now - x->slot_at_us) / 1e6, (double)max / 1e6);
}

static void
check_held(struct sim *s, const struct fetch *f, struct count *n)
{
	const struct xchg *x = f->x;
	uint64_t held =
	    x->body.n + x->pending.n + x->content.n + x->upload.piece.n;

	if (x->parse != NULL)
		held += x->parse->object.n + x->parse->exec.n;
	EXPECT(s, x->fetch == f);
	EXPECT(s, x->charged >= held);
	n->held[ACCOUNT_EXCHANGES] += x->charged;
}

/* No request may have begun while its origin was held. */
static void
check_hold(struct sim *s, const struct fetch *f)
{
	const struct backoff *g = &f->host->backoff;

	if (f->x->epoch == g->epoch && f->x->slot_at_us < g->held_until_at_us)
		world_fail(&s->w, "item %llu was begun on an origin held (%s)",
		    (unsigned long long)f->seq, stats_wait_name(g->why));
}

static void
check_slot(struct sim *s, const struct fetch *f, struct count *n)
{
	EXPECT(s, f->x != NULL && f->host != NULL);
	count_item(f, n);
	check_held(s, f, n);
	check_deadline(s, f);
	check_hold(s, f);
	n->slots[n->nslot++] = f;
}

/* A fetch with unread bytes for which no event will come must be queued. */
static void
check_reader(struct sim *s, const struct fetch *f)
{
	const struct conn *conn = f->x->conn;

	if (f->state < FETCH_SENDING || conn == NULL)
		return;
	if (fake_conn_is_paused(conn) ||
	    (conn_has_more(conn) && !link_on(&f->run)))
		world_fail(&s->w,
		    "item %llu, %s: nobody will read from its connection again",
		    (unsigned long long)f->seq, fetch_state_name(f->state));
}

static void
check_list(
    struct sim *s, enum fetch_state st, const struct list *l, struct count *n)
{
	const struct fetch *f;
	struct link *k;

	for (k = list_first(l); k != NULL; k = list_next(l, k)) {
		f = CONTAINER(k, struct fetch, link);
		EXPECT(s, f->state == st);
		if (f->x != NULL)
			EXPECT(s, f->x->paused_at_us == 0);
		if (st < FETCH_CONNECTING || st > FETCH_RECEIVING) {
			EXPECT(s, f->x == NULL || f->x->conn == NULL);
			count_item(f, n);
			if (f->x != NULL)
				check_held(s, f, n);
			continue;
		}
		check_slot(s, f, n);
		check_reader(s, f);
	}
}

static void
check_state(struct sim *s, enum fetch_state st, struct count *n)
{
	const struct job *j = NULL;

	if (st != FETCH_EMITTING)
		check_list(s, st, &s->core.state[st], n);
	else
		while ((j = next_job(s, j)) != NULL)
			check_list(s, st, &j->emit.waiting, n);
}

static void
check_paused(struct sim *s, struct count *n)
{
	const struct list *l = &s->core.paused;
	const struct fetch *f;
	struct link *k;

	for (k = list_first(l); k != NULL; k = list_next(l, k)) {
		f = CONTAINER(k, struct fetch, link);
		EXPECT(s, f->state >= FETCH_SENDING);
		EXPECT(s, f->state <= FETCH_RECEIVING);
		check_slot(s, f, n);
		EXPECT(s, f->x->paused_at_us != 0 && sched_why(f) != NULL);
		EXPECT(s, fake_conn_is_paused(f->x->conn));
	}
}

static size_t
count_done(struct sim *s, struct count *n)
{
	const struct list *l = &s->core.run;
	const struct fetch *f;
	struct link *k;
	size_t done = 0;

	for (k = list_first(l); k != NULL; k = list_next(l, k)) {
		f = CONTAINER(k, struct fetch, run);
		if (f->state != FETCH_DONE)
			continue;
		done++;
		count_item(f, n);
		EXPECT(s, !link_on(&f->link));
		if (f->x != NULL)
			check_held(s, f, n);
	}
	return done;
}

/* ---- limits ---- */

static int
by_host(const void *a, const void *b)
{
	const struct fetch *const *x = a, *const *y = b;

	return (*x)->host < (*y)->host ? -1 : (*x)->host > (*y)->host;
}

/* Compares the counts of an origin with those of its n fetches. */
static void
check_host(struct sim *s, const struct fetch *const *f, size_t n)
{
	const struct host *h = f[0]->host;
	size_t i, unsent = 0, since = 0;

	for (i = 0; i < n; i++) {
		unsent += f[i]->x->is_unsent != 0;
		since += f[i]->x->epoch == h->backoff.epoch;
	}
	EXPECT(s, h->active == n && h->unsent == unsent);
	EXPECT(s, since + h->backoff.active_before == n);
	EXPECT(s, h->backoff.recovery_limit == 0 ||
		      since <= h->backoff.recovery_limit);
}

static void
check_active(struct sim *s, struct count *n)
{
	size_t i, k;

	qsort(n->slots, n->nslot, sizeof(*n->slots), by_host);
	for (i = 0; i < n->nslot; i = k) {
		for (k = i;
		     k < n->nslot && n->slots[k]->host == n->slots[i]->host;
		     k++)
			;
		check_host(s, n->slots + i, k - i);
	}
	EXPECT(s, n->active == n->nslot);
}

/* The account is the sum of what its holders were charged for. */
static void
check_account(struct sim *s, const struct count *n)
{
	const struct account *a = &s->core.account;
	uint64_t sum = 0;
	size_t k;

	EXPECT(s, a->of[ACCOUNT_ITEMS] == n->held[ACCOUNT_ITEMS]);
	EXPECT(s, a->of[ACCOUNT_ORIGINS] == n->held[ACCOUNT_ORIGINS]);
	EXPECT(s, a->of[ACCOUNT_HISTORY] == n->held[ACCOUNT_HISTORY]);
	EXPECT(s, a->of[ACCOUNT_EXCHANGES] == n->held[ACCOUNT_EXCHANGES]);
	for (k = 0; k < ACCOUNT_KINDS; k++)
		sum += a->of[k];
	EXPECT(s, a->held == sum);
}

static void
check_counts(struct sim *s, const struct count *n, size_t done)
{
	const struct core *c = &s->core;
	size_t most = 2 * (size_t)c->limits.concurrency;
	size_t slots = 0, known = 0, bytes = 0, startable = 0, alive = 0;
	const struct job *j = NULL;

	while ((j = next_job(s, j)) != NULL) {
		EXPECT(s, j->slots <= (size_t)j->opts->concurrency);
		EXPECT(s, j->known_bytes < KNOWN_BYTES_MAX + LINE_MAX_BYTES);
		slots += j->slots;
		known += j->known;
		bytes += j->known_bytes;
		startable += j->startable;
		alive += j->alive;
	}
	EXPECT(s, slots == c->sched.slots && known == c->sched.known);
	EXPECT(s, startable == n->startable && alive == c->alive);
	EXPECT(s, n->nslot == c->sched.slots);
	EXPECT(s, c->sched.slots <= (size_t)c->limits.concurrency);
	EXPECT(s, n->waiting == c->sched.known && n->lines == bytes);
	EXPECT(s, c->sched.known <= 2 * KNOWN_MAX);
	EXPECT(s, n->lookups == c->hosts.lookups);
	EXPECT(s, c->hosts.lookups <= (most < 16       ? 16
					  : most > 500 ? 500
						       : most));
	EXPECT(s, n->idle == c->idle_pool.list.n);
	EXPECT(s, c->idle_pool.list.n <= (size_t)c->limits.max_idle);
	EXPECT(s, n->ready == c->hosts.nready &&
		      n->needs_lookup == c->hosts.nneed_lookup);
	EXPECT(s, n->unused == c->hosts.unused.n &&
		      n->given_up == c->hosts.given_up.n);
	EXPECT(s, n->unresolved == c->hosts.unresolved.n);
	EXPECT(s, n->held_queues == c->hosts.held.n &&
		      n->delayed == c->sched.later.n);
	check_account(s, n);
	EXPECT(s, c->alive == n->waiting + n->nslot + c->state[FETCH_SAVING].n +
				  c->state[FETCH_PARSING].n + c->emitting +
				  done);
	EXPECT(s, c->state[FETCH_QUEUED].n == 0);
	EXPECT(s, c->state[FETCH_DONE].n == 0);
}

void
check_all(struct sim *s)
{
	struct count n = { 0 };
	size_t done;
	int st;

	n.slots = mem_zalloc(s->core.sched.slots + 1, sizeof(*n.slots));
	check_hosts(s, &n);
	for (st = FETCH_CONNECTING; st < CORE_STATES; st++) {
		EXPECT(s, n.nslot <= s->core.sched.slots);
		check_state(s, (enum fetch_state)st, &n);
	}
	check_paused(s, &n);
	done = count_done(s, &n);
	check_active(s, &n);
	check_counts(s, &n, done);
	free(n.slots);
}

/* ---- before the loop waits ---- */

/* Can lines be read and slots filled, though no event will come? */
static int
forgets_input(const struct sim *s, const struct job *j)
{
	const struct core *c = &s->core;
	size_t most = (size_t)c->limits.concurrency;

	if (most > (size_t)j->opts->concurrency)
		most = (size_t)j->opts->concurrency;
	return !j->intake.ended && c->sched.pauses == 0 && j->pauses == 0 &&
	       c->hosts.lookups == 0 && c->hosts.nready == 0 &&
	       !c->network.is_down &&
	       c->sched.slots < (size_t)c->limits.concurrency &&
	       j->slots < most && j->startable < 4 * most &&
	       c->jobs.n * (j->known + most) < KNOWN_MAX &&
	       c->jobs.n * j->known_bytes < KNOWN_BYTES_MAX &&
	       !account_is_full_of_items(c, j->known) &&
	       fake_input_has_line(j->intake.input);
}

static int
is_woken_by(const struct core *c, int64_t at)
{
	return c->sched.due_timer != NULL && timer_at(c->sched.due_timer) <= at;
}

/* Is a timer set for everything that time alone changes? */
static int
is_woken(const struct sim *s)
{
	const struct core *c = &s->core;
	const struct heap_link *later = heap_first(&c->sched.later);
	const struct heap_link *held = heap_first(&c->hosts.held);
	const struct network *n = &c->network;
	const struct job *j = NULL;

	if (later != NULL && !is_woken_by(c, later->key))
		return 0;
	if (held != NULL && !is_woken_by(c, held->key))
		return 0;
	while ((j = next_job(s, j)) != NULL)
		if (j->ready.n > 0 && j->pace.next_at_us > c->clock.now_us &&
		    !is_woken_by(c, j->pace.next_at_us))
			return 0;
	if (!n->is_down || n->lookup != NULL ||
	    c->hosts.nready + c->hosts.nneed_lookup == 0 ||
	    (n->is_probing && c->sched.slots + c->hosts.lookups > 0))
		return 1;
	return !n->is_probing && is_woken_by(c, n->probe_at_us);
}

/* Nothing of the job may be left to do that no event tells of. */
static void
check_job_sleep(struct sim *s, const struct job *j)
{
	const struct core *c = &s->core;
	int is_free = c->sched.pauses == 0 && j->pauses == 0;

	EXPECT(s,
	    !(is_free && j->ready.n > 0 && j->pace.next_at_us <= s->w.now_us &&
		j->slots < (size_t)j->opts->concurrency &&
		c->sched.slots < (size_t)c->limits.concurrency));
	EXPECT(s, !(is_free && j->needs_lookup.n > 0 && c->hosts.lookups == 0 &&
		      j->ready.n == 0 && !c->network.is_down));
	EXPECT(s, !forgets_input(s, j));
	EXPECT(s, !(j->pauses & PAUSE_SINK &&
		      !j->emit.out->ops->is_full(j->emit.out)));
}

void
check_sleep(struct sim *s)
{
	const struct core *c = &s->core;
	struct link *k = list_first(&c->paused);
	const struct job *j = NULL;

	while ((j = next_job(s, j)) != NULL)
		check_job_sleep(s, j);
	EXPECT(s, c->hosts.given_up.n == 0 && c->hosts.unresolved.n == 0);
	EXPECT(s, is_woken(s));
	EXPECT(s, !(c->sched.pauses & PAUSE_FD &&
		      timer_at(c->sched.fd_timer) == TIMER_NEVER));
	/* With a hook due its request waits to be recorded. */
	EXPECT(s, k == NULL || CONTAINER(k, struct fetch, link)->is_hook_due ||
		      sched_must_pause(CONTAINER(k, struct fetch, link)));
}

/* ---- at the end ---- */

/* How often its request may have been sent, as the peers saw it. */
/* A probe of an origin that had answered costs no try. */
static int
may_probe_freely(struct sim *s, uint64_t seq)
{
	const struct origin *o;
	struct item item = { 0 };

	s->w.item(&s->w, seq, &item);
	o = &s->w.origins[item.kind];
	return s->w.offline_until_us > 0 || s->w.is_chaotic ||
	       o->redirects > 0 || s->w.answer != NULL ||
	       o->trouble != TROUBLE_NONE || o->refuses > 0 ||
	       o->connect_stalls > 0 || o->tls_fails > 0 || o->tls_stalls > 0;
}

static void
check_requests(struct sim *s, uint64_t seq)
{
	const struct outcome *o = &s->w.outcomes[seq];
	uint64_t most,
	    tries = 1 + (uint64_t)(o->retry >= 0 ? o->retry : s->opts.retry);

	/* Each may be sent once more on a fresh connection, which may wait for
	 * the network or a descriptor and begin anew. */
	most = tries * (1 + o->hops) * 3 + o->asked;
	if (o->handed > most)
		world_fail(&s->w,
		    "item %llu: its request went out %u times, %u answers "
		    "asked it to wait",
		    (unsigned long long)seq, o->handed, o->asked);
	if ((uint64_t)o->attempts > tries + o->asked &&
	    !may_probe_freely(s, seq))
		world_fail(&s->w, "item %llu had %d attempts",
		    (unsigned long long)seq, o->attempts);
}

void
check_records(struct sim *s)
{
	uint64_t i;

	EXPECT(s, s->w.given == s->w.items);
	for (i = 1; i <= s->w.items; i++) {
		if (s->w.outcomes[i].records != 1)
			world_fail(&s->w, "item %llu has %u records",
			    (unsigned long long)i, s->w.outcomes[i].records);
		check_requests(s, i);
	}
}
