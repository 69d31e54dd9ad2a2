/* SPDX-License-Identifier: ISC */
/*
 * Begins a fetch: parses a line of input to know its origin, or what is wrong
 * with it. Keeps little else: the line is parsed again when the fetch gets its
 * transfer slot.
 */

#include "base/mem.h"
#include "codec/input_kind.h"
#include "core/fetch.h"
#include "core/history.h"
#include "core/input.h"
#include "core/item.h"
#include "core/origin/host.h"
#include "io/source.h"

#define BAD_LINE_KEPT 65535 /* bytes of a line too long, for its record */

void
fetch_reject(struct fetch *f, enum err e, size_t column, const char *text)
{
	struct buf note = { 0 };

	buf_printf(&note, "%s", f->source);
	if (f->is_argument)
		buf_printf(&note, " %llu:1:%zu: %s",
		    (unsigned long long)f->source_line, column, text);
	else
		buf_printf(&note, ":%llu:%zu: %s",
		    (unsigned long long)f->source_line, column, text);
	buf_char(&note, '\0');
	f->note = note.p;
	fetch_fail(f, e, PHASE_INPUT, NULL);
}

static struct fetch *
make(struct job *j, const struct source_line *line, struct span text,
    const struct input_item *item)
{
	struct fetch *f = fetch_new(j, text);

	f->seq = j->seq = item->seq;
	f->place = ++j->given;
	f->token = item->token;
	f->source = line->name;
	f->source_line = line->number;
	f->is_argument = line->is_argument != 0;
	f->had_bom = line->had_bom != 0;
	f->had_cr = line->had_cr != 0;
	j->stats.items++;
	return f;
}

/* The column, from 1, at which the line's URL begins; 1 if not known. */
static size_t
url_column(const struct core *c, struct span line)
{
	const char *p = c->scratch.request.url.p;

	return p >= line.p && p <= line.p + line.n ? (size_t)(p - line.p) + 1
						   : 1;
}

/* Do the options allow an answer to be written while it arrives? */
static int
is_streamable(const struct opts *o)
{
	return o->format != FORMAT_TEXT && o->format != FORMAT_BODY &&
	       !opts_is_table(o) && o->output_kind != OUTPUT_DATABASE &&
	       !o->only_failed && !o->only_ok && !opts_extracts(o) &&
	       o->output_dir == NULL;
}

/* Why a line with valid syntax cannot be sent; NULL: it can. */
static const char *
why_unsendable(const struct request *r, const struct opts *o)
{
	if (span_eq(item_method(r, o), SPAN("CONNECT")))
		return "the method CONNECT is not supported";
	if (item_is_streamed(r, o) && !is_streamable(o))
		return "\"stream\" cannot be combined with --format text, "
		       "body, csv or tsv, a database, --only-failed, "
		       "--only-ok, --output-dir or extraction";
	if (r->output.n > 0 && o->output_dir == NULL)
		return "\"output\" needs --output-dir";
	return NULL;
}

/* The cost of each --budget: as the line says, otherwise 0. */
static void
note_cost(struct fetch *f)
{
	const struct request *r = &f->core->scratch.request;
	const struct opts *o = f->job->opts;
	size_t i, k;

	if (o->nbudgets == 0 || r->ncost == 0)
		return;
	f->cost = mem_alloc(o->nbudgets * sizeof(f->cost[0]));
	for (i = 0; i < o->nbudgets; i++) {
		f->cost[i] = 0;
		for (k = 0; k < r->ncost; k++)
			if (span_eq(
				r->cost[k].name, span_str(o->budgets[i].name)))
				f->cost[i] = r->cost[k].amount;
	}
}

static void
note_request(struct fetch *f)
{
	const struct request *r = &f->core->scratch.request;

	f->is_idempotent = http_is_idempotent(item_method(r, f->job->opts)) ||
			   item_has_idempotency_key(r, f->job->opts);
	f->is_streamed = item_is_streamed(r, f->job->opts) != 0;
	f->retry = (short)r->retry;
	note_cost(f);
}

static void
note_oddity(struct oddity *o, const struct fetch *f)
{
	*o = (struct oddity){ f->source, f->source_line };
}

/* Records the first likely mistake of each kind, for a warning. */
static void
note_oddities(struct fetch *f)
{
	struct intake *in = &f->job->intake;
	const struct request *r = &f->core->scratch.request;

	if (in->two_urls.source == NULL && !r->is_json &&
	    input_kind_has_two(r->url))
		note_oddity(&in->two_urls, f);
	if (in->method_case.source == NULL && r->method.n > 0 &&
	    http_method_meant(r->method) != NULL)
		note_oddity(&in->method_case, f);
}

/*
 * An item of a run before: its attempts count. One that may have been sent and
 * must not be sent twice ends here.
 */
static void
resume(struct fetch *f, const struct input_item *item)
{
	struct history *t;

	f->attempts = item->attempts;
	if (item->attempts > 0 || item->was_begun)
		f->begun_at_us = f->read_at_us;
	if (item->attempts > 0 || item->not_before_at_us > 0) {
		t = history_of(f);
		t->tries = item->tries;
		t->due_at_us = item->not_before_at_us;
	}
	if (!item->was_begun || f->is_idempotent || f->job->opts->retry_post) {
		fetch_enter(f, FETCH_QUEUED, "read");
		return;
	}
	(void)history_of(f); /* the record needs one */
	f->attempts++;
	f->err = E_INTERRUPTED;
	f->phase = PHASE_SEND;
	f->note = mem_strdup(
	    "the run before was interrupted when this request may have been "
	    "sent; without --retry-post it is not sent again");
	fetch_enter(f, FETCH_EMITTING, error_code(E_INTERRUPTED));
}

void
fetch_begin(struct job *j, const struct source_line *line,
    const struct input_item *item)
{
	struct core *c = j->core;
	struct span text = line->text;
	struct request_fault fault;
	const char *why;
	struct fetch *f;
	size_t at;
	enum err e;

	if (line->too_long && text.n > BAD_LINE_KEPT)
		text.n = BAD_LINE_KEPT;
	f = make(j, line, text, item);
	if (line->too_long) {
		fetch_reject(f, E_INPUT_TOO_LONG, 1, "the line is too long");
		return;
	}
	if (request_parse(&c->scratch.request, f->line, &fault) != E_OK) {
		fetch_reject(f, E_INPUT_INVALID, fault.column, fault.text);
		return;
	}
	why = why_unsendable(&c->scratch.request, j->opts);
	if (why != NULL) {
		fetch_reject(f, E_INPUT_INVALID, 1, why);
		return;
	}
	e = item_url(j, &c->scratch.url, c->scratch.request.url, &why, &at);
	if (e != E_OK) {
		fetch_reject(f, e, url_column(c, f->line) + at, why);
		return;
	}
	note_request(f);
	note_oddities(f);
	f->host = host_of(c, &c->scratch.url);
	resume(f, item);
}
