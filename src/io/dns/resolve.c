/* SPDX-License-Identifier: ISC */
/*
 * Look-ups (jobs): who waits for which name, and when an answer is ready. The
 * jobs that wait for one name form a batch: they share its queries and the
 * answers, even if these expire at once. Knows nothing of c-ares and servers.
 */
#include "io/dns/resolve.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/dns/resolve_int.h"

/* RFC 8305 section 3, "Resolution Delay". */
#define RESOLUTION_DELAY_US (50 * 1000LL)

/* The error of one family of a name for which the other says NXDOMAIN: it is
 * not certain then that the name does not exist. E_OK: none so far. */
struct pending_error {
	enum err err;
	const char *detail;
};

struct resolve_job {
	struct link on_name;
	struct link on_all;
	struct resolve *r;
	struct resolve_name *name;
	unsigned batch;
	size_t given_bytes;   /* of the name as it was given, with which `name`
			       * begins; 0: the search list is not for it */
	unsigned next_domain; /* of the search list */
	struct pending_error pending_error;
	int64_t deadline_at_us;
	resolve_cb *cb;
	void *arg;
};

/* ---- jobs --------------------------------------------------------------- */

/* After a change to a name's jobs or queries: is it idle now? */
static void
update_idle(struct resolve *r, struct resolve_name *nm)
{
	if (nm->known[RESOLVE_V6].q == NULL &&
	    nm->known[RESOLVE_V4].q == NULL && link_on(&nm->on_delay))
		list_remove(&r->delays, &nm->on_delay);
	if (nm->jobs.n == 0)
		nm->waiting = 0;
	if (nm->jobs.n > 0 || nm->delivering ||
	    nm->known[RESOLVE_V6].q != NULL || nm->known[RESOLVE_V4].q != NULL)
		resolve_cache_set_busy(&r->cache, nm);
	else
		resolve_cache_set_idle(&r->cache, nm);
}

/* Takes a job off its lists. */
static void
unlink_job(struct resolve_job *job)
{
	struct resolve *r = job->r;

	list_remove(&job->name->jobs, &job->on_name);
	list_remove(&r->jobs, &job->on_all);
	if (r->jobs.n == 0)
		timer_clear(r->deadline);
}

static void
start_delay(struct resolve *r, struct resolve_name *nm, int64_t now_us)
{
	if (link_on(&nm->on_delay))
		return;
	nm->delay_end_at_us = now_us + RESOLUTION_DELAY_US;
	list_push(&r->delays, &nm->on_delay);
	if (timer_at(r->delay) == TIMER_NEVER)
		timer_set(r->delay, nm->delay_end_at_us);
}

/* Is one family known, and has the other had its Resolution Delay? */
static int
is_delay_over(const struct resolve_name *nm, int64_t now_us)
{
	const struct resolve_known *kn;
	int f;

	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		kn = &nm->known[f];
		if (kn->q != NULL
			? kn->asked_at_us + RESOLUTION_DELAY_US > now_us
			: kn->learned_at_us + RESOLUTION_DELAY_US > now_us)
			return 0;
	}
	return !link_on(&nm->on_delay);
}

/* ---- names -------------------------------------------------------------- */

static struct resolve_name *
find_or_add(struct resolve *r, struct span name)
{
	uint64_t hash = hash_of(&r->cache.table, name);
	struct resolve_name *nm = resolve_cache_find(&r->cache, name, hash);

	return nm != NULL ? nm : resolve_cache_add(&r->cache, name, hash);
}

/* Begins a new batch and opens the queries that are missing. 1 if its jobs must
 * wait for them. */
static int
open_batch(struct resolve *r, struct resolve_name *nm, int64_t now_us)
{
	struct resolve_known *kn;
	struct resolve_view v;
	int f, sent = 0;

	nm->batch++;
	v = resolve_answer_look(r, nm, now_us);
	resolve_cache_set_busy(&r->cache, nm);
	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		kn = &nm->known[f];
		if (!r->use[f] || kn->q != NULL ||
		    resolve_answer_is_usable(nm, kn, now_us))
			continue;
		resolve_query_start(r, nm, (enum resolve_family)f, now_us);
		sent = 1;
	}
	r->nlookup += (unsigned)sent;
	r->ncached += (unsigned)!sent;
	if (sent == 0 && v.pending == 0)
		return 0;
	if (sent == 0 && v.found > 0 && is_delay_over(nm, now_us))
		return 0;
	nm->waiting = 1;
	if (v.found > 0)
		start_delay(r, nm, now_us);
	return 1;
}

/* The name that a job must wait for; or NULL, and *a is the answer. */
static struct resolve_name *
look_up(struct resolve *r, struct span name, int64_t now_us,
    struct resolve_answer *a)
{
	struct resolve_name *nm = find_or_add(r, name);

	if (nm->waiting) {
		r->ncached++;
		return nm;
	}
	if (open_batch(r, nm, now_us))
		return nm;
	resolve_answer_known(r, nm, now_us, a);
	update_idle(r, nm);
	return NULL;
}

static void
note_pending_error(struct pending_error *d, const struct resolve_answer *a)
{
	if (d->err != E_OK || a->err == E_DNS_NXDOMAIN)
		return;
	d->err = a->err;
	d->detail = a->detail;
}

static void
apply_pending_error(const struct pending_error *d, struct resolve_answer *a)
{
	if (d->err == E_OK || a->err != E_DNS_NXDOMAIN)
		return;
	a->err = d->err;
	a->detail = d->detail;
}

/*
 * After NXDOMAIN, tries the search list until a name exists or needs a query.
 * Returns the name that a job must wait for; or NULL, and *a is the answer.
 */
static struct resolve_name *
look_up_in_search_list(struct resolve *r, struct span given, unsigned *domain,
    struct pending_error *d, int64_t now_us, struct resolve_answer *a)
{
	char text[RESOLVE_NAME_MAX];
	struct resolve_name *nm = NULL;
	struct span name;

	while (nm == NULL && a->is_absent) {
		note_pending_error(d, a);
		name = resolve_search_next(&r->search, given, domain, text);
		if (name.n == 0)
			break;
		nm = look_up(r, name, now_us, a);
	}
	if (nm == NULL)
		apply_pending_error(d, a);
	return nm;
}

/* 1: the job waits for a name of the search list now. 0: *a is its answer. */
static int
move_on(struct resolve_job *job, int64_t now_us, struct resolve_answer *a)
{
	struct resolve_name *nm;

	if (job->given_bytes == 0)
		return 0;
	nm = look_up_in_search_list(job->r,
	    span_of(job->name->text, job->given_bytes), &job->next_domain,
	    &job->pending_error, now_us, a);
	if (nm == NULL)
		return 0;
	list_remove(&job->name->jobs, &job->on_name);
	list_push(&nm->jobs, &job->on_name);
	job->name = nm;
	job->batch = nm->batch;
	return 1;
}

/* ---- answers ------------------------------------------------------------ */

static void
answer_job(struct resolve_job *job, const struct resolve_answer *a)
{
	resolve_cb *cb = job->cb;
	void *arg = job->arg;

	unlink_job(job);
	free(job);
	cb(arg, a);
}

/* Answers all jobs of the present batch. Jobs that callbacks start meanwhile
 * belong to the next one. */
static void
deliver(struct resolve *r, struct resolve_name *nm, int64_t now_us)
{
	unsigned batch = nm->batch;
	struct resolve_answer a, own;
	struct resolve_job *job;
	struct link *k;

	a.from_cache = 0;
	resolve_answer_known(r, nm, now_us, &a);
	nm->waiting = 0;
	nm->delivering++;
	while ((k = list_first(&nm->jobs)) != NULL) {
		job = CONTAINER(k, struct resolve_job, on_name);
		if (job->batch != batch)
			break;
		own = a;
		if (!move_on(job, now_us, &own))
			answer_job(job, &own);
	}
	nm->delivering--;
}

static void
on_reply(struct resolve *r, struct resolve_name *nm, enum resolve_family f,
    const struct resolve_reply *rp)
{
	int64_t now_us = timer_now_us();
	struct resolve_view v;

	if (rp != NULL)
		resolve_cache_learn(&r->cache, nm, f, rp, now_us);
	v = resolve_answer_look(r, nm, now_us);
	if (nm->waiting && v.pending == 0)
		deliver(r, nm, now_us);
	else if (nm->waiting && v.found > 0)
		start_delay(r, nm, now_us);
	update_idle(r, nm);
}

static void
on_delay(void *arg)
{
	struct resolve *r = arg;
	int64_t now_us = timer_now_us();
	struct resolve_name *nm;
	struct link *k;

	while ((k = list_first(&r->delays)) != NULL) {
		nm = CONTAINER(k, struct resolve_name, on_delay);
		if (nm->delay_end_at_us > now_us) {
			timer_set(r->delay, nm->delay_end_at_us);
			return;
		}
		list_remove(&r->delays, k);
		if (nm->waiting)
			deliver(r, nm, now_us);
		update_idle(r, nm);
	}
}

static void
expire(struct resolve *r, struct resolve_job *job, int64_t now_us)
{
	struct resolve_name *nm = job->name;
	struct resolve_answer a;

	a.from_cache = 0;
	resolve_answer_known(r, nm, now_us, &a);
	nm->delivering++;
	answer_job(job, &a);
	nm->delivering--;
	update_idle(r, nm);
}

/* Before anything is given up: reads the replies that have arrived. */
static void
read_answers(struct resolve *r)
{
	unsigned i;

	for (i = 0; i < r->nserver; i++) {
		resolve_chan_read(r->server[i].udp);
		if (r->server[i].tcp != NULL)
			resolve_chan_read(r->server[i].tcp);
	}
	resolve_query_handle_done(r);
}

static void
on_deadline(void *arg)
{
	struct resolve *r = arg;
	int64_t now_us = timer_now_us();
	struct resolve_job *job;
	struct link *k;

	k = list_first(&r->jobs);
	if (k != NULL &&
	    CONTAINER(k, struct resolve_job, on_all)->deadline_at_us <= now_us)
		read_answers(r);
	while ((k = list_first(&r->jobs)) != NULL) {
		job = CONTAINER(k, struct resolve_job, on_all);
		if (job->deadline_at_us > now_us) {
			timer_set(r->deadline, job->deadline_at_us);
			return;
		}
		expire(r, job, now_us);
	}
}

/* ---- start and cancel --------------------------------------------------- */

static struct resolve_job *
add_job(struct resolve *r, struct resolve_name *nm, resolve_cb *cb, void *arg,
    int64_t now_us)
{
	struct resolve_job *job = mem_zalloc(1, sizeof(*job));

	job->r = r;
	job->name = nm;
	job->batch = nm->batch;
	job->cb = cb;
	job->arg = arg;
	job->deadline_at_us =
	    r->timeout_us > 0 ? now_us + r->timeout_us : TIMER_NEVER;
	list_push(&nm->jobs, &job->on_name);
	list_push(&r->jobs, &job->on_all);
	if (timer_at(r->deadline) == TIMER_NEVER)
		timer_set(r->deadline, job->deadline_at_us);
	return job;
}

/* In lower case, without its final dot; empty if it cannot be a name. */
static struct span
normal(struct span host, char out[RESOLVE_NAME_MAX])
{
	size_t i;

	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n > RESOLVE_NAME_MAX)
		return SPAN_NONE;
	for (i = 0; i < host.n; i++) {
		if (host.p[i] <= ' ' || host.p[i] == 0x7f || host.p[i] == '\\')
			return SPAN_NONE;
		out[i] = span_lower(host.p[i]);
	}
	return span_of(out, host.n);
}

enum resolve_start
resolve_start(struct resolve *r, struct span host, uint16_t port,
    resolve_cb *cb, void *arg, struct resolve_answer *answer,
    struct resolve_job **job)
{
	char text[RESOLVE_NAME_MAX];
	struct span name = normal(host, text);
	struct resolve_fixed_answer fa;
	struct resolve_name *nm;
	struct pending_error pending_error = { E_OK, NULL };
	unsigned domain = 0;
	size_t given_bytes;
	int64_t now_us;

	*job = NULL;
	answer->from_cache = 1;
	if (name.n == 0 || resolve_fixed_find(&r->fixed, name, port, &fa)) {
		r->ncached++;
		if (name.n > 0)
			resolve_answer_fixed(r, &fa, answer);
		else
			resolve_answer_fail(
			    answer, E_DNS_ERROR, "EBADNAME", TIMER_NEVER);
		return RESOLVE_DONE;
	}
	now_us = timer_now_us();
	given_bytes = resolve_search_applies(&r->search, host) ? name.n : 0;
	nm = look_up(r, name, now_us, answer);
	if (nm == NULL && given_bytes > 0)
		nm = look_up_in_search_list(
		    r, name, &domain, &pending_error, now_us, answer);
	if (nm == NULL)
		return RESOLVE_DONE;
	*job = add_job(r, nm, cb, arg, now_us);
	(*job)->given_bytes = given_bytes;
	(*job)->next_domain = domain;
	(*job)->pending_error = pending_error;
	return RESOLVE_PENDING;
}

void
resolve_extend_deadlines(struct resolve *r, int64_t us)
{
	struct resolve_job *job;
	struct link *k;

	for (k = list_first(&r->jobs); k != NULL; k = list_next(&r->jobs, k)) {
		job = CONTAINER(k, struct resolve_job, on_all);
		if (job->deadline_at_us != TIMER_NEVER)
			job->deadline_at_us += us;
	}
}

void
resolve_forget(struct resolve *r, struct span host)
{
	char text[RESOLVE_NAME_MAX];
	struct span name = normal(host, text);
	struct resolve_name *nm = NULL;
	int f;

	if (name.n > 0)
		nm = resolve_cache_find(
		    &r->cache, name, hash_of(&r->cache.table, name));
	for (f = 0; nm != NULL && f < RESOLVE_FAMILIES; f++)
		nm->known[f].until_at_us = 0;
}

void
resolve_cancel(struct resolve_job *job)
{
	struct resolve *r = job->r;
	struct resolve_name *nm = job->name;

	unlink_job(job);
	free(job);
	update_idle(r, nm);
}

/* ---- life --------------------------------------------------------------- */

static void
on_later(void *arg)
{
	resolve_query_handle_done(arg);
}

static void
on_again(void *arg)
{
	read_answers(arg);
	resolve_query_ask_again(arg);
}

static void
on_unstall(void *arg)
{
	resolve_query_unstall(arg);
}

static void
on_pace(void *arg)
{
	resolve_query_pace(arg);
}

struct resolve *
resolve_new(struct event_base *base, const struct resolve_conf *conf, char *why,
    size_t why_size)
{
	union resolve_addr addr[RESOLVE_MAX_SERVERS];
	struct resolve *r;
	int i, n = resolve_conf_servers(conf, addr, why, why_size);

	CHECK(conf->use_v4 || conf->use_v6);
	if (n == -1)
		return NULL;
	r = mem_zalloc(1, sizeof(*r));
	if (resolve_fixed_init(&r->fixed, conf, why, why_size) == -1) {
		free(r);
		return NULL;
	}
	resolve_search_init(&r->search, conf->resolv_conf_path);
	resolve_cache_init(&r->cache);
	resolve_query_init(r);
	r->on_reply = on_reply;
	r->base = base;
	r->timeout_us = conf->timeout_us;
	r->use[RESOLVE_V6] = conf->use_v6;
	r->use[RESOLVE_V4] = conf->use_v4;
	list_init(&r->done);
	list_init(&r->open);
	list_init(&r->stalled);
	list_init(&r->paced);
	list_init(&r->recent);
	list_init(&r->jobs);
	list_init(&r->delays);
	r->later = timer_new(base, on_later, r);
	r->again = timer_new(base, on_again, r);
	r->unstall = timer_new(base, on_unstall, r);
	r->pace = timer_new(base, on_pace, r);
	r->deadline = timer_new(base, on_deadline, r);
	r->delay = timer_new(base, on_delay, r);
	for (i = 0; i < n; i++) {
		r->server[i].addr = addr[i];
		r->server[i].udp = resolve_chan_new(r, &addr[i], 0);
	}
	r->nserver = (unsigned)n;
	return r;
}

static void
drop_queries(struct resolve *r)
{
	struct resolve_name *nm;
	struct hash_link *k;
	size_t i;
	int f;

	for (i = 0; i < r->cache.table.nslot; i++)
		for (k = r->cache.table.slot[i]; k != NULL; k = k->next) {
			nm = CONTAINER(k, struct resolve_name, in_table);
			for (f = 0; f < RESOLVE_FAMILIES; f++)
				if (nm->known[f].q != NULL)
					resolve_query_drop(nm->known[f].q);
		}
}

void
resolve_free(struct resolve *r)
{
	struct link *k;
	unsigned i;

	r->is_closing = 1;
	while ((k = list_first(&r->jobs)) != NULL)
		resolve_cancel(CONTAINER(k, struct resolve_job, on_all));
	for (i = 0; i < r->nserver; i++) {
		resolve_chan_free(r->server[i].udp);
		resolve_chan_free(r->server[i].tcp);
	}
	resolve_query_fini(r);
	drop_queries(r);
	resolve_cache_fini(&r->cache);
	resolve_fixed_fini(&r->fixed);
	timer_free(r->later);
	timer_free(r->again);
	timer_free(r->unstall);
	timer_free(r->pace);
	timer_free(r->deadline);
	timer_free(r->delay);
	free(r);
}

void
resolve_stats(const struct resolve *r, struct resolve_stats *st)
{
	st->lookups = r->nlookup;
	st->cached = r->ncached;
	st->open = (unsigned)r->jobs.n;
}
