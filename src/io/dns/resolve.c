/* SPDX-License-Identifier: ISC */
/*
 * Jobs: who waits for which name, and when an answer is complete enough to be
 * given. Those who wait for one name form a batch: they share its questions and
 * its answers, even such as expire at once. Knows nothing of c-ares and
 * servers.
 */
#include "io/dns/resolve.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/dns/resolve_int.h"

/* RFC 8305 section 3, "Resolution Delay". */
#define WINDOW_US (50 * 1000LL)

/* How one family of a name failed of which the other says that there is none;
 * E_OK: none has so far. */
struct doubt {
	enum err err;
	const char *detail;
};

struct resolve_job {
	struct link on_name;
	struct link on_all;
	struct resolve *r;
	struct resolve_name *name;
	unsigned batch;
	size_t given;    /* bytes of the name that was asked for, with which
			  * `name` begins; 0: it is not searched for */
	unsigned domain; /* of the search list: the next one */
	struct doubt doubt;
	int64_t deadline_us;
	resolve_cb *cb;
	void *arg;
};

/* ---- jobs --------------------------------------------------------------- */

static void
settle(struct resolve *r, struct resolve_name *nm)
{
	if (nm->known[RESOLVE_V6].q == NULL &&
	    nm->known[RESOLVE_V4].q == NULL && link_on(&nm->on_window))
		list_remove(&r->windows, &nm->on_window);
	if (nm->jobs.n == 0)
		nm->waiting = 0;
	if (nm->jobs.n > 0 || nm->delivering ||
	    nm->known[RESOLVE_V6].q != NULL || nm->known[RESOLVE_V4].q != NULL)
		resolve_cache_busy(&r->cache, nm);
	else
		resolve_cache_idle(&r->cache, nm);
}

/* Takes a job away; its callback is the caller's affair. */
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
open_window(struct resolve *r, struct resolve_name *nm, int64_t now_us)
{
	if (link_on(&nm->on_window))
		return;
	nm->window_at_us = now_us + WINDOW_US;
	list_push(&r->windows, &nm->on_window);
	if (timer_at(r->window) == TIMER_NEVER)
		timer_set(r->window, nm->window_at_us);
}

/* One family is known, the other has had its 50 ms. */
static int
is_window_over(const struct resolve_name *nm, int64_t now_us)
{
	const struct resolve_known *kn;
	int f;

	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		kn = &nm->known[f];
		if (kn->q != NULL ? kn->asked_at_us + WINDOW_US > now_us
				  : kn->at_us + WINDOW_US > now_us)
			return 0;
	}
	return !link_on(&nm->on_window);
}

/* ---- the names to ask for ----------------------------------------------- */

static struct resolve_name *
find_or_add(struct resolve *r, struct span name)
{
	uint64_t hash = hash_of(&r->cache.table, name);
	struct resolve_name *nm = resolve_cache_find(&r->cache, name, hash);

	return nm != NULL ? nm : resolve_cache_add(&r->cache, name, hash);
}

/* 1 if somebody must wait: what is missing is then being asked for. */
static int
open_batch(struct resolve *r, struct resolve_name *nm, int64_t now_us)
{
	struct resolve_known *kn;
	struct resolve_view v;
	int f, sent = 0;

	nm->batch++;
	v = resolve_answer_look(r, nm, now_us);
	resolve_cache_busy(&r->cache, nm);
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
	if (sent == 0 && v.found > 0 && is_window_over(nm, now_us))
		return 0;
	nm->waiting = 1;
	if (v.found > 0)
		open_window(r, nm, now_us);
	return 1;
}

/* NULL: *a is what is known of the name. */
static struct resolve_name *
enter(struct resolve *r, struct span name, int64_t now_us,
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
	settle(r, nm);
	return NULL;
}

/* That a name does not exist was not certain. */
static void
note_doubt(struct doubt *d, const struct resolve_answer *a)
{
	if (d->err != E_OK || a->err == E_DNS_NXDOMAIN)
		return;
	d->err = a->err;
	d->detail = a->detail;
}

/* Then it is not certain either that nothing of that name does. */
static void
tell_doubt(const struct doubt *d, struct resolve_answer *a)
{
	if (d->err == E_OK || a->err != E_DNS_NXDOMAIN)
		return;
	a->err = d->err;
	a->detail = d->detail;
}

/*
 * On from a name that does not exist, over what else may be meant, to one that
 * must be waited for. NULL if there is none: *a is then what the last one gave.
 */
static struct resolve_name *
enter_next(struct resolve *r, struct span given, unsigned *domain,
    struct doubt *d, int64_t now_us, struct resolve_answer *a)
{
	char text[RESOLVE_NAME_MAX];
	struct resolve_name *nm = NULL;
	struct span name;

	while (nm == NULL && a->is_absent) {
		note_doubt(d, a);
		name = resolve_search_next(&r->search, given, domain, text);
		if (name.n == 0)
			break;
		nm = enter(r, name, now_us, a);
	}
	if (nm == NULL)
		tell_doubt(d, a);
	return nm;
}

/* 1: the job waits for another name now; 0: *a is its answer. */
static int
go_on(struct resolve_job *job, int64_t now_us, struct resolve_answer *a)
{
	struct resolve_name *nm;

	if (job->given == 0)
		return 0;
	nm = enter_next(job->r, span_of(job->name->text, job->given),
	    &job->domain, &job->doubt, now_us, a);
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

/* To all of the present batch; who comes meanwhile belongs to the next. */
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
		if (!go_on(job, now_us, &own))
			answer_job(job, &own);
	}
	nm->delivering--;
}

void
resolve_learn(struct resolve *r, struct resolve_name *nm, enum resolve_family f,
    const struct resolve_reply *rp)
{
	int64_t now = timer_now_us();
	struct resolve_view v;

	if (rp != NULL)
		resolve_cache_learn(&r->cache, nm, f, rp, now);
	v = resolve_answer_look(r, nm, now);
	if (nm->waiting && v.pending == 0)
		deliver(r, nm, now);
	else if (nm->waiting && v.found > 0)
		open_window(r, nm, now);
	settle(r, nm);
}

static void
on_window(void *arg)
{
	struct resolve *r = arg;
	int64_t now = timer_now_us();
	struct resolve_name *nm;
	struct link *k;

	while ((k = list_first(&r->windows)) != NULL) {
		nm = CONTAINER(k, struct resolve_name, on_window);
		if (nm->window_at_us > now) {
			timer_set(r->window, nm->window_at_us);
			return;
		}
		list_remove(&r->windows, k);
		if (nm->waiting)
			deliver(r, nm, now);
		settle(r, nm);
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
	settle(r, nm);
}

/* What is there unread comes before the verdict. */
static void
read_answers(struct resolve *r)
{
	unsigned i;

	for (i = 0; i < r->nserver; i++) {
		resolve_chan_read(r->server[i].udp);
		if (r->server[i].tcp != NULL)
			resolve_chan_read(r->server[i].tcp);
	}
	resolve_query_drain(r);
}

static void
on_deadline(void *arg)
{
	struct resolve *r = arg;
	int64_t now = timer_now_us();
	struct resolve_job *job;
	struct link *k;

	k = list_first(&r->jobs);
	if (k != NULL &&
	    CONTAINER(k, struct resolve_job, on_all)->deadline_us <= now)
		read_answers(r);
	while ((k = list_first(&r->jobs)) != NULL) {
		job = CONTAINER(k, struct resolve_job, on_all);
		if (job->deadline_us > now) {
			timer_set(r->deadline, job->deadline_us);
			return;
		}
		expire(r, job, now);
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
	job->deadline_us =
	    r->timeout_us > 0 ? now_us + r->timeout_us : TIMER_NEVER;
	list_push(&nm->jobs, &job->on_name);
	list_push(&r->jobs, &job->on_all);
	if (timer_at(r->deadline) == TIMER_NEVER)
		timer_set(r->deadline, job->deadline_us);
	return job;
}

/* In lower case, without its last dot; 0 bytes if it cannot be a name. */
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
	struct doubt doubt = { E_OK, NULL };
	unsigned domain = 0;
	size_t given;
	int64_t now;

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
	now = timer_now_us();
	given = resolve_search_applies(&r->search, host) ? name.n : 0;
	nm = enter(r, name, now, answer);
	if (nm == NULL && given > 0)
		nm = enter_next(r, name, &domain, &doubt, now, answer);
	if (nm == NULL)
		return RESOLVE_DONE;
	*job = add_job(r, nm, cb, arg, now);
	(*job)->given = given;
	(*job)->domain = domain;
	(*job)->doubt = doubt;
	return RESOLVE_PENDING;
}

void
resolve_put_off(struct resolve *r, int64_t us)
{
	struct resolve_job *job;
	struct link *k;

	for (k = list_first(&r->jobs); k != NULL; k = list_next(&r->jobs, k)) {
		job = CONTAINER(k, struct resolve_job, on_all);
		if (job->deadline_us != TIMER_NEVER)
			job->deadline_us += us;
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
	settle(r, nm);
}

/* ---- life --------------------------------------------------------------- */

static void
on_later(void *arg)
{
	resolve_query_drain(arg);
}

/* What is there unread comes before what is asked again. */
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

static void
init(
    struct resolve *r, struct event_base *base, const struct resolve_conf *conf)
{
	CHECK(conf->use_v4 || conf->use_v6);
	r->base = base;
	r->timeout_us = conf->timeout_us;
	r->use[RESOLVE_V6] = conf->use_v6;
	r->use[RESOLVE_V4] = conf->use_v4;
	resolve_cache_init(&r->cache);
	list_init(&r->done);
	list_init(&r->open);
	list_init(&r->stalled);
	list_init(&r->paced);
	list_init(&r->young);
	list_init(&r->jobs);
	list_init(&r->windows);
	r->later = timer_new(base, on_later, r);
	r->again = timer_new(base, on_again, r);
	r->unstall = timer_new(base, on_unstall, r);
	r->pace = timer_new(base, on_pace, r);
	r->deadline = timer_new(base, on_deadline, r);
	r->window = timer_new(base, on_window, r);
}

struct resolve *
resolve_new(struct event_base *base, const struct resolve_conf *conf, char *why,
    size_t why_size)
{
	union resolve_addr addr[RESOLVE_MAX_SERVERS];
	struct resolve *r;
	int i, n = resolve_conf_servers(conf, addr, why, why_size);

	if (n == -1)
		return NULL;
	r = mem_zalloc(1, sizeof(*r));
	if (resolve_fixed_init(&r->fixed, conf, why, why_size) == -1) {
		free(r);
		return NULL;
	}
	resolve_search_init(&r->search, conf->resolv_conf_path);
	init(r, base, conf);
	for (i = 0; i < n; i++) {
		r->server[i].addr = addr[i];
		r->server[i].udp = resolve_chan_new(r, &addr[i], 0);
	}
	r->nserver = (unsigned)n;
	return r;
}

/* What has ended is c-ares's no more. */
static void
drop_done(struct resolve *r)
{
	struct link *k;

	while ((k = list_shift(&r->done)) != NULL)
		resolve_ask_done(CONTAINER(k, struct resolve_ask, on_done));
}

void
resolve_free(struct resolve *r)
{
	struct link *k;
	unsigned i;

	r->closing = 1;
	while ((k = list_first(&r->jobs)) != NULL)
		resolve_cancel(CONTAINER(k, struct resolve_job, on_all));
	for (i = 0; i < r->nserver; i++) {
		resolve_chan_free(r->server[i].udp);
		resolve_chan_free(r->server[i].tcp);
	}
	drop_done(r);
	resolve_cache_fini(&r->cache);
	resolve_fixed_fini(&r->fixed);
	timer_free(r->later);
	timer_free(r->again);
	timer_free(r->unstall);
	timer_free(r->pace);
	timer_free(r->deadline);
	timer_free(r->window);
	free(r);
}

void
resolve_stats(const struct resolve *r, struct resolve_stats *st)
{
	st->lookups = r->nlookup;
	st->cached = r->ncached;
	st->open = (unsigned)r->jobs.n;
}
