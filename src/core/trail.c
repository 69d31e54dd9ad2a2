/* SPDX-License-Identifier: ISC */
/*
 * The memory of an item that came back. Decides nothing: retry and redirect
 * do.
 */
#include "core/trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/fetch.h"
#include "core/host.h"
#include "core/item.h"
#include "core/xchg.h"

#define KEEP_BYTES 1024 /* of a buffer, from one item to the next */

struct trail *
trail_of(struct fetch *f)
{
	struct core *c = f->core;
	struct link *k;

	if (f->trail != NULL)
		return f->trail;
	k = list_shift(&c->spare_trails);
	f->trail = k != NULL ? CONTAINER(k, struct trail, spare)
			     : mem_zalloc(1, sizeof(struct trail));
	f->trail->fetch = f;
	return f->trail;
}

static void
clear_notes(struct trail *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		free((void *)(uintptr_t)t->v[i].url.p);
		free((void *)(uintptr_t)t->v[i].remote_ip.p);
	}
	free(t->v);
	t->v = NULL;
	t->n = t->cap = 0;
}

void
trail_give(struct fetch *f)
{
	struct trail *t = f->trail;
	struct buf url, seen;

	if (t == NULL)
		return;
	f->trail = NULL;
	clear_notes(t);
	buf_clear(&t->url, KEEP_BYTES);
	buf_clear(&t->seen, KEEP_BYTES);
	url = t->url;
	seen = t->seen;
	memset(t, 0, sizeof(*t));
	t->url = url;
	t->seen = seen;
	list_unshift(&f->core->spare_trails, &t->spare);
}

void
trail_free(struct trail *t)
{
	clear_notes(t);
	buf_fini(&t->url);
	buf_fini(&t->seen);
	free(t);
}

void
trail_note_end(struct fetch *f)
{
	const struct xchg *x = f->x;
	struct trail *t = f->trail;
	int has_answer = x != NULL && xchg_has_begun(x) && xchg_has_head(x);

	t->last_err = f->err;
	t->last_phase = f->phase;
	t->last_status = has_answer ? http_status(x->http) : 0;
	t->last_took_us = x != NULL ? f->core->now_us - x->start_us : 0;
	if (t->last_err == E_OK && t->last_status >= 400) {
		t->last_err = E_HTTP_STATUS;
		t->last_phase = PHASE_HEADERS;
	}
}

void
trail_start_over(struct trail *t)
{
	t->hops = 0;
	t->method = SPAN_NONE;
	t->is_bodyless = t->goes_on = t->was_unsafe = 0;
	buf_clear(&t->url, KEEP_BYTES);
	buf_clear(&t->seen, KEEP_BYTES);
	t->header_bytes = 0;
	t->used_us = t->redirect_us = 0;
}

int
trail_has_seen(struct trail *t, struct span url, struct span method)
{
	const struct hash *key = &t->fetch->core->hosts;
	uint64_t h = hash_of(key, url) * 31 + hash_of(key, method), have;
	size_t at;

	for (at = 0; at < t->seen.n; at += sizeof(have)) {
		memcpy(&have, t->seen.p + at, sizeof(have));
		if (have == h)
			return 1;
	}
	buf_add(&t->seen, &h, sizeof(h));
	return 0;
}

/* ---- the list ---- */

static struct span
keep(struct span s)
{
	return s.p != NULL ? span_of(mem_strndup(s.p, s.n), s.n) : s;
}

static struct record_attempt *
add(struct trail *t)
{
	if (t->n == t->cap) {
		t->cap = t->cap > 0 ? 2 * t->cap : 4;
		t->v = mem_realloc(t->v, t->cap * sizeof(t->v[0]));
	}
	t->v[t->n] = (struct record_attempt){ 0 };
	return &t->v[t->n++];
}

static void
note_xchg(struct record_attempt *a, const struct xchg *x, int64_t now_us)
{
	char ip[XCHG_IP_TEXT];
	struct xchg_times t;

	xchg_times(x, now_us, &t);
	a->url = keep(url_text(&x->url));
	a->remote_ip = keep(span_str(xchg_peer_text(x, ip)));
	a->conn_id = (int64_t)x->conn_id;
	if (xchg_has_begun(x) && xchg_has_head(x))
		a->status_code = http_status(x->http);
	a->time_namelookup = t.namelookup;
	a->time_connect = t.connect;
	a->time_appconnect = t.appconnect;
	a->time_starttransfer = t.starttransfer;
	a->time_total = t.total;
}

/* A look-up that failed: there was no exchange. */
static void
note_lookup(struct record_attempt *a, struct fetch *f, int64_t now_us)
{
	const struct trail *t = f->trail;
	const struct url *own;

	if (t->hops > 0)
		a->url = keep(buf_view(&t->url));
	else if ((own = item_own_url(f)) != NULL)
		a->url = keep(url_text(own));
	a->time_namelookup = a->time_connect = a->time_appconnect =
	    a->time_starttransfer = RECORD_NO_TIME;
	a->time_total = now_us - (t->lookup_us != 0 ? t->lookup_us : now_us);
}

void
trail_note(struct fetch *f)
{
	struct record_attempt *a;
	struct trail *t;

	if (!f->opts->include_attempts || f->attempts == 0)
		return;
	t = trail_of(f);
	if (t->n >= TRAIL_KEPT)
		return;
	a = add(t);
	a->attempt = f->attempts;
	a->error = f->err;
	a->wait_us = t->wait_us;
	a->wait_reason = span_str(t->wait_reason);
	if (f->x != NULL)
		note_xchg(a, f->x, f->core->now_us);
	else
		note_lookup(a, f, f->core->now_us);
}
