/* SPDX-License-Identifier: ISC */
/*
 * The history of an item that is retried or redirected. Decides nothing: retry
 * and redirect do.
 */
#include "core/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/item.h"
#include "core/xchg.h"

#define KEEP_BYTES 1024 /* of a buffer, kept for the next item */
#define NOTED_MIN 4096  /* bytes per item that are always allowed */
#define SPARE_MAX 256   /* histories kept for the next items */

struct history *
history_of(struct fetch *f)
{
	struct core *c = f->core;
	struct link *k;

	if (f->history != NULL)
		return f->history;
	k = list_shift(&c->spare.histories);
	f->history = k != NULL ? CONTAINER(k, struct history, spare)
			       : mem_zalloc(1, sizeof(struct history));
	f->history->fetch = f;
	history_count_held(f->history);
	return f->history;
}

void
history_count_held(struct history *t)
{
	account_set(&t->fetch->core->account, ACCOUNT_HISTORY, &t->charged,
	    sizeof(*t) + t->url.cap + t->seen.cap + t->cap * sizeof(t->v[0]) +
		t->noted_bytes);
}

static void
clear_notes(struct history *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (i == 0 || t->v[i].url.p != t->v[i - 1].url.p)
			free((void *)(uintptr_t)t->v[i].url.p);
		free((void *)(uintptr_t)t->v[i].remote_ip.p);
	}
	free(t->v);
	t->v = NULL;
	t->n = t->cap = t->noted_bytes = 0;
}

void
history_release(struct fetch *f)
{
	struct history *t = f->history;
	struct buf url, seen;

	if (t == NULL)
		return;
	f->history = NULL;
	account_set(&f->core->account, ACCOUNT_HISTORY, &t->charged, 0);
	if (f->core->spare.histories.n >= SPARE_MAX) {
		history_free(t);
		return;
	}
	clear_notes(t);
	buf_clear(&t->url, KEEP_BYTES);
	buf_clear(&t->seen, KEEP_BYTES);
	url = t->url;
	seen = t->seen;
	memset(t, 0, sizeof(*t));
	t->url = url;
	t->seen = seen;
	list_unshift(&f->core->spare.histories, &t->spare);
}

void
history_free(struct history *t)
{
	clear_notes(t);
	buf_fini(&t->url);
	buf_fini(&t->seen);
	free(t);
}

void
history_set_last(struct fetch *f)
{
	const struct xchg *x = f->x;
	struct history *t = f->history;
	int has_answer = x != NULL && xchg_has_begun(x) && xchg_has_head(x);

	t->last_err = f->err;
	t->last_phase = f->phase;
	t->last_status = has_answer ? http_status(x->http) : 0;
	t->last_took_us =
	    x != NULL ? f->core->clock.now_us - x->start_at_us : 0;
	if (t->last_err == E_OK && t->last_status >= 400) {
		t->last_err = E_HTTP_STATUS;
		t->last_phase = PHASE_HEADERS;
	}
}

void
history_start_over(struct history *t)
{
	t->redirects = 0;
	t->method = SPAN_NONE;
	t->drops_body = t->continues_attempt = t->was_unsafe = 0;
	buf_clear(&t->url, KEEP_BYTES);
	buf_clear(&t->seen, KEEP_BYTES);
	t->header_bytes = 0;
	t->used_us = t->redirect_us = 0;
	history_count_held(t);
}

int
history_parse_redirect(const struct history *t, struct url *to)
{
	const char *why;
	size_t at;

	return url_parse(to, buf_view(&t->url), &why, &at) == E_OK ? 0 : -1;
}

int
history_add_request(struct history *t, struct span url, struct span method)
{
	const struct hash *key = &t->fetch->core->hosts.table;
	uint64_t h = hash_of(key, url) * 31 + hash_of(key, method), have;
	size_t at;

	for (at = 0; at < t->seen.n; at += sizeof(have)) {
		memcpy(&have, t->seen.p + at, sizeof(have));
		if (have == h)
			return 1;
	}
	buf_add(&t->seen, &h, sizeof(h));
	history_count_held(t);
	return 0;
}

/* ---- the list ---- */

static struct span
copy(struct history *t, struct span s)
{
	if (s.p == NULL)
		return s;
	t->noted_bytes += s.n + 1;
	return span_of(mem_strndup(s.p, s.n), s.n);
}

/* Most attempts request the same URL: they share one copy. */
static struct span
copy_url(struct history *t, struct span url)
{
	if (t->n > 1 && span_eq(t->v[t->n - 2].url, url))
		return t->v[t->n - 2].url;
	return copy(t, url);
}

/* Is there room for one more entry with a URL of n bytes? */
static int
has_room(const struct history *t, const struct core *c, size_t n)
{
	return t->n < ATTEMPTS_MAX &&
	       (t->noted_bytes + n <= NOTED_MIN || account_may_remember(c, n));
}

static struct record_attempt *
add(struct history *t)
{
	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(t->v[0]));
	t->v[t->n] = (struct record_attempt){ 0 };
	return &t->v[t->n++];
}

static void
fill_from_xchg(struct record_attempt *a, struct history *history,
    const struct xchg *x, int64_t now_us)
{
	char ip[XCHG_IP_TEXT];
	struct xchg_times t;

	xchg_times(x, now_us, &t);
	a->url = copy_url(history, url_text(&x->url));
	a->remote_ip = copy(history, span_str(xchg_peer_text(x, ip)));
	a->conn_id = (int64_t)x->conn_id;
	if (xchg_has_begun(x) && xchg_has_head(x))
		a->status_code = http_status(x->http);
	a->time_namelookup = t.namelookup;
	a->time_connect = t.connect;
	a->time_appconnect = t.appconnect;
	a->time_starttransfer = t.starttransfer;
	a->time_total = t.total;
}

/* The URL of a request without an exchange, without its fragment. */
static struct span
url_of(const struct fetch *f)
{
	const struct history *t = f->history;
	const struct url *own;
	struct span url;
	const char *hash;

	if (t->redirects == 0) {
		own = item_own_url(f);
		return own != NULL ? url_text(own) : SPAN_NONE;
	}
	url = buf_view(&t->url);
	hash = memchr(url.p, '#', url.n);
	if (hash != NULL)
		url.n = (size_t)(hash - url.p);
	return url;
}

/* For a look-up that failed, which has no exchange. */
static void
fill_from_lookup(struct record_attempt *a, struct fetch *f, int64_t now_us)
{
	struct history *t = f->history;

	a->url = copy_url(t, url_of(f));
	a->time_namelookup = a->time_connect = a->time_appconnect =
	    a->time_starttransfer = RECORD_NO_TIME;
	a->time_total =
	    now_us - (t->lookup_at_us != 0 ? t->lookup_at_us : now_us);
}

void
history_add_attempt(struct fetch *f)
{
	struct record_attempt *a;
	struct history *t;

	if (!f->job->opts->include_attempts || f->attempts == 0)
		return;
	t = history_of(f);
	if (!has_room(t, f->core, f->x != NULL ? f->x->url.text.n : t->url.n))
		return;
	a = add(t);
	a->attempt = f->attempts;
	a->error = f->err;
	a->wait_us = t->wait_us;
	a->wait_reason = span_str(t->wait_reason);
	if (f->x != NULL)
		fill_from_xchg(a, t, f->x, f->core->clock.now_us);
	else
		fill_from_lookup(a, f, f->core->clock.now_us);
	history_count_held(t);
}

void
history_set_error(struct fetch *f, enum err e)
{
	struct history *t = f->history;

	if (t != NULL && t->n > 0)
		t->v[t->n - 1].error = e;
}
