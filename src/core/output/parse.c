/* SPDX-License-Identifier: ISC */
/*
 * Decides which answers are parsed and by which pool, sends them piece by
 * piece, and validates the results, as parsers are not trusted. Knows no HTML.
 */
#include "core/output/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/frame.h"
#include "codec/json/json.h"
#include "core/output/emit.h"
#include "core/output/facts.h"
#include "core/output/save.h"
#include "core/fetch.h"
#include "core/xchg.h"
#include "io/sink.h"

#define PIECE_BYTES (64u << 10) /* sent at a time */
#define KEEP_BYTES 16384        /* of a buffer, for the next answer */
#define WAIT_MIN_US 1000        /* shorter waits are not counted */
#define WAITING_MIN 16          /* answers that may wait for a parser, */
#define WAITING_PER_WORKER 4    /* and these more for each worker */

/* ---- which answers ---- */

static int
has_regex(const struct opts *o)
{
	size_t i;

	for (i = 0; i < o->njobs; i++)
		if (o->jobs[i].kind == FRAME_JOB_REGEX ||
		    o->jobs[i].kind == FRAME_JOB_REGEX_TEXT)
			return 1;
	return 0;
}

/* May the workers parse it? Coprocesses take every type. */
static int
is_parsed_type(const struct fetch *f)
{
	switch (media_type_kind(&f->x->media, buf_view(&f->x->body))) {
	case MEDIA_HTML:
	case MEDIA_XML:
		return 1;
	case MEDIA_TEXT:
		return has_regex(f->job->opts);
	case MEDIA_OTHER:
		break;
	}
	return 0;
}

/* Bytes of the message to a worker; of a coprocess's line, approximately. */
static uint64_t
length_of(const struct fetch *f, const struct pool *pool)
{
	const struct xchg *x = f->x;

	if (pool != f->core->workers)
		return x->body.n;
	return frame_doc_length(url_text(&x->url), x->content_type, x->body.n);
}

static int
is_too_large(const struct fetch *f, const struct pool *pool)
{
	return f->x->body.n > save_parse_max(f) ||
	       length_of(f, pool) > FRAME_DOC_MAX;
}

/* Why the pool does not get the answer; PARSE_OK: it does. */
static enum parse_error
judge(const struct fetch *f, const struct pool *pool)
{
	const struct xchg *x = f->x;

	if (x->save.is_over_parse_max)
		return PARSE_TOO_LARGE;
	if (x->body.n == 0 || x->flags & RECORD_UNKNOWN_CODING)
		return PARSE_SKIPPED;
	if (pool == f->core->workers && !is_parsed_type(f))
		return PARSE_SKIPPED;
	if (is_too_large(f, pool))
		return PARSE_TOO_LARGE;
	return PARSE_OK;
}

/* Is there a complete answer of which a record will be written? */
static int
has_answer(const struct fetch *f)
{
	if (f->x == NULL || !f->has_begun || !xchg_has_head(f->x) ||
	    (f->job->opts->only_failed && f->err == E_OK) ||
	    (f->job->opts->only_ok && f->err != E_OK))
		return 0;
	return f->err == E_OK || f->err == E_HTTP_STATUS;
}

/* ---- one pool after the other ---- */

static int
offer(struct fetch *f, struct pool *pool)
{
	struct parse *p = f->x->parse;
	enum parse_error e;

	if (pool == NULL)
		return 0;
	e = judge(f, pool);
	if (e == PARSE_OK)
		p->pool = pool;
	else if (p->error == PARSE_OK)
		p->error = e;
	return e == PARSE_OK;
}

int
parse_prepare(struct fetch *f)
{
	struct core *c = f->core;
	struct parse *p;

	if ((c->workers == NULL && c->coprocs == NULL) || !has_answer(f))
		return 0;
	if (f->x->parse == NULL)
		f->x->parse = mem_zalloc(1, sizeof(*p));
	p = f->x->parse;
	p->was_parsed = 1;
	p->time_us = RECORD_NO_TIME;
	return offer(f, c->workers) || offer(f, c->coprocs);
}

static void
submit(struct fetch *f)
{
	struct parse *p = f->x->parse;
	struct pool_doc *d = &p->doc;

	memset(d, 0, sizeof(*d));
	d->arg = f;
	d->label = f->seq;
	d->bytes = length_of(f, p->pool);
	p->is_put = 1;
	pool_put(p->pool, d);
}

void
parse_start(struct fetch *f)
{
	/* Now, as the next starts are decided in this pass. */
	if (parse_is_full(f->core))
		f->core->sched.pauses |= PAUSE_POOL;
	submit(f);
}

void
parse_cancel(struct fetch *f)
{
	struct parse *p = f->x != NULL ? f->x->parse : NULL;

	if (p == NULL)
		return;
	if (p->is_put)
		pool_cancel(p->pool, &p->doc);
	p->is_put = 0;
	p->pool = NULL;
}

int
parse_is_full(const struct core *c)
{
	size_t workers = (size_t)c->limits.workers;

	return c->state[FETCH_PARSING].n >=
	       WAITING_MIN + WAITING_PER_WORKER * workers;
}

int
parse_is_running(const struct fetch *f)
{
	return f->x->parse->is_put && pool_is_with_worker(&f->x->parse->doc);
}

/* ---- room for results ---- */

/* Is a record being written, which will free its memory? */
static int
is_writing(const struct core *c)
{
	const struct link *k;
	const struct job *j;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, const struct job, of_core);
		if (j->emit.unfinished != NULL || emit_has_any(j))
			return 1;
	}
	return emit_unwritten_bytes(c) > 0;
}

/* Records being written free memory, as do answers that --exec finishes. */
static int
gives_memory_back(const struct core *c, const struct pool *pool)
{
	return is_writing(c) || (pool == c->workers && c->coprocs != NULL &&
				    pool_is_busy(c->coprocs));
}

enum pool_room
parse_room(struct core *c, const struct pool *pool)
{
	account_update(c);
	if (!account_is_over(c))
		return POOL_ROOM_ALL;
	return gives_memory_back(c, pool) ? POOL_ROOM_NONE : POOL_ROOM_ONE;
}

void
parse_resume_pools(struct core *c)
{
	if (c->workers != NULL)
		pool_resume(c->workers);
	if (c->coprocs != NULL)
		pool_resume(c->coprocs);
}

/* ---- sending ---- */

int
parse_fill_document(struct pool_doc *d, struct buf *out, int begin)
{
	const struct fetch *f = d->arg;
	struct xchg *x = f->x;
	struct parse *p = x->parse;
	size_t n;

	if (begin) {
		p->body_done = 0;
		frame_put_doc(out, url_text(&x->url), x->content_type);
	}
	n = x->body.n - p->body_done;
	if (n > PIECE_BYTES)
		n = PIECE_BYTES;
	buf_add(out, x->body.p + p->body_done, n);
	p->body_done += n;
	return p->body_done < x->body.n;
}

int
parse_fill_line(struct pool_doc *d, struct buf *out, int begin)
{
	struct fetch *f = d->arg;
	struct parse *p = f->x->parse;
	struct facts t = { 0 };
	struct record r;
	int more;

	if (begin)
		p->at = (struct record_at){ 0 };
	facts_fill(&r, f, &t, 1);
	more = record_write(
	    out, &r, &f->job->emit.line_format, &p->at, PIECE_BYTES);
	facts_fini(&t);
	return more;
}

/* ---- results ---- */

static int
is_valid_kind(enum frame_job_kind job, enum json_kind is)
{
	if (is == JSON_NULL)
		return 1;
	switch (job) {
	case FRAME_JOB_TITLE:
	case FRAME_JOB_TEXT:
		return is == JSON_STRING;
	case FRAME_JOB_META:
		return is == JSON_OBJECT;
	case FRAME_JOB_LINKS:
	case FRAME_JOB_JSONLD:
	case FRAME_JOB_CSS:
	case FRAME_JOB_XPATH:
	case FRAME_JOB_REGEX:
	case FRAME_JOB_REGEX_TEXT:
		return is == JSON_LIST;
	}
	return 0;
}

/* The result must be an object with exactly the keys asked for, in order. */
int
parse_check_object(struct pool_doc *d, struct span value)
{
	const struct fetch *f = d->arg;
	const struct opts *o = f->job->opts;
	struct json_value key, v;
	struct json j;
	size_t i;

	json_start_answer(&j, value);
	if (value.n == 0 || value.p[0] != '{' || json_enter(&j) == -1)
		return -1;
	for (i = 0; i < o->njobs; i++)
		if (json_member(&j, &key) != 1 || key.escaped ||
		    !span_eq(json_inside(&key), o->jobs[i].name) ||
		    json_value(&j, &v) == -1 ||
		    !is_valid_kind(o->jobs[i].kind, v.kind))
			return -1;
	return json_member(&j, &key) == 0 && json_end(&j) == 0 ? 0 : -1;
}

/*
 * The member "seq" of an object: its value, and the bytes to cut out so that
 * the object has it no more. 0 if there is none.
 */
static int
find_seq(struct span object, struct json_value *seq, struct span *cut)
{
	struct json_value key;
	const char *from, *to;
	struct json j;

	json_start_answer(&j, object);
	if (object.p[0] != '{' || json_enter(&j) == -1)
		return 0;
	from = object.p + j.at;
	while (json_member(&j, &key) == 1 && json_value(&j, seq) == 0) {
		to = object.p + j.at;
		if (!key.escaped && span_eq(json_inside(&key), SPAN("seq"))) {
			/* One comma is cut as well: before or after it. */
			if (*from != ',' && json_member(&j, &key) == 1)
				to = key.raw.p;
			*cut = span_of(from, (size_t)(to - from));
			return 1;
		}
		from = to; /* the comma follows, perhaps after blanks */
		from += strspn(from, " \t\r\n");
	}
	return 0;
}

/* An object with a member "seq" must be the answer to that item. */
int
parse_check_value(struct pool_doc *d, struct span value)
{
	const struct fetch *f = d->arg;
	struct json_value seq;
	struct span cut;
	char own[24];
	int n;

	if (!json_read_answer(value, &value))
		return -1;
	if (!find_seq(value, &seq, &cut))
		return 0;
	n = snprintf(own, sizeof(own), "%llu", (unsigned long long)f->seq);
	return span_eq(seq.raw, span_of(own, (size_t)n)) ? 0 : -1;
}

static void
remove_seq(struct buf *object)
{
	struct json_value seq;
	struct span cut, raw;
	size_t at;

	if (!json_read_answer(buf_view(object), &raw) ||
	    !find_seq(raw, &seq, &cut))
		return;
	at = (size_t)(cut.p - object->p);
	object->n -= cut.n;
	memmove(object->p + at, object->p + at + cut.n, object->n - at);
}

/* Counts the time f waited for a parser, without the parsing itself. */
static void
count_wait(const struct fetch *f, int64_t since_us, int64_t parsed_us)
{
	struct core *c = f->core;
	int64_t waited = c->clock.now_us - since_us;

	if (parsed_us > 0)
		waited -= parsed_us;
	if (waited >= WAIT_MIN_US)
		stats_wait(&f->job->stats, WAIT_WORKER_BUSY, waited);
}

/* Swaps buffers instead of copying a large result. */
static void
keep(struct buf *to, const struct pool_result *r)
{
	struct buf old = *to;
	size_t at;

	CHECK(to->n == 0);
	if (r->held == NULL) {
		buf_span(to, r->value);
		return;
	}
	at = (size_t)(r->value.p - r->held->p);
	*to = *r->held;
	*r->held = old;
	buf_drop(to, at);
	to->n = r->value.n;
}

static void
take(struct parse *p, const struct pool_result *r, int is_exec)
{
	struct buf *to = is_exec ? &p->exec : &p->object;
	int has_value = r->value.n > 0;

	/* The coprocess's result replaces "skipped" or "too large". */
	if (p->error == PARSE_OK || p->error == PARSE_SKIPPED ||
	    p->error == PARSE_TOO_LARGE)
		p->error = r->error;
	if (r->worker > 0) {
		p->worker = r->worker;
		if (p->time_us == RECORD_NO_TIME)
			p->time_us = 0;
		p->time_us += r->time_us;
	}
	keep(to, r);
	if (is_exec)
		remove_seq(to);
	if (is_exec)
		p->has_exec = has_value;
	else
		p->has_object = has_value;
}

int
parse_take(struct fetch *f, const struct pool_result *r)
{
	struct core *c = f->core;
	struct parse *p = f->x->parse;
	int is_exec = p->pool == c->coprocs;

	take(p, r, is_exec);
	xchg_count_held(f->x);
	p->is_put = 0;
	p->pool = NULL;
	if (!is_exec && offer(f, c->coprocs)) {
		submit(f);
		return 0;
	}
	count_wait(f, f->entered_at_us, p->time_us);
	return 1;
}
