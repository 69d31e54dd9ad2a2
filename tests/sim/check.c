/* SPDX-License-Identifier: ISC */
/*
 * What must hold at every turn, recounted from the lists. Knows the structs
 * of core as they are, not how they came to be so.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/fetch.h"
#include "core/host.h"
#include "core/sched.h"
#include "core/xchg.h"
#include "fake.h"
#include "io/conn.h"
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
	size_t ready, want, quiet;
	size_t slots, nhost;
	uint64_t held;
	struct host **hosts; /* of the fetches with a slot */
};

/* ---- origins ---- */

static void
check_waiting(struct sim *s, const struct host *h, struct count *n)
{
	const struct fetch *f;
	struct link *k;

	for (k = list_first(&h->waiting); k != NULL;
	     k = list_next(&h->waiting, k)) {
		f = CONTAINER(k, struct fetch, link);
		EXPECT(s, f->state == FETCH_QUEUED && f->host == h);
		EXPECT(s, f->x == NULL && !link_on(&f->run));
		EXPECT(s, sched_why(f) != NULL);
		n->waiting++;
		n->lines += f->line.n;
	}
}

static size_t
room_of(const struct sim *s, const struct host *h)
{
	uint64_t max = (uint64_t)s->opts.max_per_host;

	EXPECT(s, max == 0 || h->active <= max);
	if (h->unsent > 0)
		return 0;
	if (h->gov.allow > 0 && (max == 0 || h->gov.allow < max))
		max = h->gov.allow;
	if (max == 0)
		return SIZE_MAX;
	return h->active < max ? max - h->active : 0;
}

static void
check_place(struct sim *s, const struct host *h, struct count *n)
{
	size_t room = room_of(s, h), startable = 0;

	switch (h->place) {
	case HOST_QUIET:
		EXPECT(s, h->waiting.n == 0);
		EXPECT(
		    s, link_on(&h->link) == (h->active == 0 && h->idle.n == 0 &&
						h->delayed.n == 0));
		n->quiet += (size_t)link_on(&h->link);
		break;
	case HOST_READY:
		EXPECT(s, h->waiting.n > 0 && room > 0 && link_on(&h->link));
		startable = h->waiting.n < room ? h->waiting.n : room;
		n->ready++;
		break;
	case HOST_FULL:
		EXPECT(s, h->waiting.n > 0 && room == 0 && !link_on(&h->link));
		break;
	case HOST_WANT:
		EXPECT(s, h->waiting.n > 0 && room > 0 && link_on(&h->link));
		EXPECT(s, h->job == NULL);
		n->want++;
		break;
	case HOST_LOOKUP:
		EXPECT(s, h->waiting.n > 0 && h->job != NULL);
		EXPECT(s, !link_on(&h->link));
		break;
	case HOST_HELD:
		EXPECT(s, h->waiting.n > 0 && !link_on(&h->link));
		break;
	case HOST_LOST:
		EXPECT(s, h->waiting.n + h->delayed.n > 0);
		EXPECT(s, link_on(&h->link));
		break;
	}
	EXPECT(s, heap_on(&h->held) == (h->place == HOST_HELD));
	EXPECT(s, h->contribution == startable);
	n->startable += startable;
}

static void
check_hosts(struct sim *s, struct count *n)
{
	const struct core *c = &s->core;
	const struct host *h;
	struct hash_link *k;
	size_t i;

	for (i = 0; i < c->hosts.nslot; i++)
		for (k = c->hosts.slot[i]; k != NULL; k = k->next) {
			h = CONTAINER(k, struct host, hashed);
			check_waiting(s, h, n);
			check_place(s, h, n);
			n->lookups += h->job != NULL;
			n->idle += h->idle.n;
			n->active += h->active;
		}
}

/* ---- fetches in a state ---- */

/* No deadline may be long past; what stood because of us does not count. */
static void
check_deadline(struct sim *s, const struct fetch *f)
{
	const struct xchg *x = f->x;
	int64_t now = s->w.now_us, stood = x->stood_us;
	int64_t max =
	    x->req.timeout_us >= 0 ? x->req.timeout_us : s->opts.max_time_us;

	if (x->paused_us != 0)
		return; /* judged when it reads again */
	if (x->conn != NULL)
		stood += conn_held_us(x->conn);
	if (max > 0 && now > x->slot_us + max + stood + s->slack_us)
		world_fail(&s->w,
		    "item %llu, %s: it has had its slot for %.3f s, "
		    "--max-time is %.3f s",
		    (unsigned long long)f->seq, fetch_state_name(f->state),
		    (double)(now - x->slot_us) / 1e6, (double)max / 1e6);
}

static void
check_held(struct sim *s, const struct fetch *f, struct count *n)
{
	const struct xchg *x = f->x;
	uint64_t held = x->body.n + x->pending.n + x->upload.n;

	EXPECT(s, x->fetch == f);
	if (x->head.n > 0 && x->req.has_body)
		held += x->req.body.n;
	EXPECT(s, x->held_bytes == held);
	n->held += held;
}

static void
check_slot(struct sim *s, const struct fetch *f, struct count *n)
{
	EXPECT(s, f->x != NULL && f->host != NULL);
	check_held(s, f, n);
	check_deadline(s, f);
	n->hosts[n->nhost++] = f->host;
}

/* Bytes that no event tells of any more must have somebody to read them. */
static void
check_reader(struct sim *s, const struct fetch *f)
{
	const struct conn *conn = f->x->conn;

	if (f->state < FETCH_SENDING || conn == NULL)
		return;
	if (fake_conn_is_paused(conn) || (conn_more(conn) && !link_on(&f->run)))
		world_fail(&s->w,
		    "item %llu, %s: nobody will read from its connection again",
		    (unsigned long long)f->seq, fetch_state_name(f->state));
}

static void
check_state(struct sim *s, enum fetch_state st, struct count *n)
{
	const struct list *l = &s->core.state[st];
	const struct fetch *f;
	struct link *k;

	for (k = list_first(l); k != NULL; k = list_next(l, k)) {
		f = CONTAINER(k, struct fetch, link);
		EXPECT(s, f->state == st);
		if (f->x != NULL)
			EXPECT(s, f->x->paused_us == 0);
		if (st < FETCH_CONNECTING || st > FETCH_RECEIVING) {
			EXPECT(s, f->x == NULL || f->x->conn == NULL);
			if (f->x != NULL)
				check_held(s, f, n);
			continue;
		}
		check_slot(s, f, n);
		check_reader(s, f);
	}
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
		EXPECT(s, f->x->paused_us != 0 && sched_why(f) != NULL);
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
		EXPECT(s, !link_on(&f->link));
		if (f->x != NULL)
			check_held(s, f, n);
	}
	return done;
}

/* ---- limits ---- */

static int
by_address(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
check_active(struct sim *s, struct count *n)
{
	size_t i, k;

	qsort(n->hosts, n->nhost, sizeof(*n->hosts), by_address);
	for (i = 0; i < n->nhost; i = k) {
		for (k = i; k < n->nhost && n->hosts[k] == n->hosts[i]; k++)
			;
		EXPECT(s, n->hosts[i]->active == k - i);
	}
	EXPECT(s, n->active == n->nhost);
}

static void
check_counts(struct sim *s, const struct count *n, size_t done)
{
	const struct core *c = &s->core;
	size_t most = 2 * (size_t)s->opts.concurrency;

	EXPECT(s, n->nhost == c->slots);
	EXPECT(s, c->slots <= (size_t)s->opts.concurrency);
	EXPECT(s, n->waiting == c->known && n->lines == c->known_bytes);
	EXPECT(s, c->known <= KNOWN_MAX);
	EXPECT(s, c->known_bytes < KNOWN_BYTES_MAX + LINE_MAX_BYTES);
	EXPECT(s, n->startable == c->startable);
	EXPECT(s, n->lookups == c->lookups);
	EXPECT(s, c->lookups <= (most < 16 ? 16 : most > 500 ? 500 : most));
	EXPECT(s, n->idle == c->idle.n);
	EXPECT(s, c->idle.n <= (size_t)s->opts.max_idle);
	EXPECT(s, n->ready == c->ready.n && n->want == c->want.n);
	EXPECT(s, n->quiet == c->quiet.n);
	EXPECT(s, n->held == c->held_bytes);
	EXPECT(s, c->alive == n->waiting + n->nhost +
				  c->state[FETCH_EMITTING].n + done);
	EXPECT(s, c->state[FETCH_QUEUED].n == 0);
	EXPECT(s, c->state[FETCH_DONE].n == 0);
}

void
check_all(struct sim *s)
{
	struct count n = { 0 };
	size_t done;
	int st;

	n.hosts = mem_zalloc(s->core.slots + 1, sizeof(*n.hosts));
	check_hosts(s, &n);
	for (st = FETCH_CONNECTING; st < CORE_STATES; st++) {
		EXPECT(s, n.nhost <= s->core.slots);
		check_state(s, (enum fetch_state)st, &n);
	}
	check_paused(s, &n);
	done = count_done(s, &n);
	check_active(s, &n);
	check_counts(s, &n, done);
	free(n.hosts);
}

/* ---- before it waits ---- */

/* Lines are there, slots are free, and nothing will come that would look. */
static int
forgets_input(const struct sim *s)
{
	const struct core *c = &s->core;

	return !c->input_ended && c->pauses == 0 && c->lookups == 0 &&
	       c->slots < (size_t)s->opts.concurrency &&
	       c->startable < 4 * (uint64_t)s->opts.concurrency &&
	       c->known + (size_t)s->opts.concurrency < KNOWN_MAX &&
	       c->known_bytes < KNOWN_BYTES_MAX &&
	       fake_source_has_line(c->source);
}

void
check_sleep(struct sim *s)
{
	const struct core *c = &s->core;
	int is_free = c->pauses == 0;
	struct link *k = list_first(&c->paused);

	EXPECT(s, !(is_free && c->ready.n > 0 &&
		      c->slots < (size_t)s->opts.concurrency));
	EXPECT(s,
	    !(is_free && c->want.n > 0 && c->lookups == 0 && c->ready.n == 0));
	EXPECT(s, !forgets_input(s));
	EXPECT(s, !(c->pauses & PAUSE_SINK && !sink_is_full(c->out)));
	EXPECT(
	    s, !(c->pauses & PAUSE_FD && timer_at(c->fd_timer) == TIMER_NEVER));
	EXPECT(
	    s, k == NULL || sched_must_pause(CONTAINER(k, struct fetch, link)));
}

/* ---- at the end ---- */

void
check_records(struct sim *s)
{
	const struct outcome *o;
	uint64_t i;

	EXPECT(s, s->w.given == s->w.items);
	for (i = 1; i <= s->w.items; i++) {
		o = &s->w.outcomes[i];
		if (o->records != 1)
			world_fail(&s->w, "item %llu has %u records",
			    (unsigned long long)i, o->records);
		if (o->handed > (o->is_post ? 1 : 2))
			world_fail(&s->w,
			    "item %llu: its request went out %u times",
			    (unsigned long long)i, o->handed);
	}
}
