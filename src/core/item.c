/* SPDX-License-Identifier: ISC */
/*
 * Lines into fetches. What is learned here is thrown away but for the origin:
 * a waiting fetch is its line and little more, and is read again with its
 * slot. Knows nothing of what happens then.
 */
#include "core/item.h"

#include <stdio.h>

#include "base/mem.h"
#include "core/fetch.h"
#include "core/host.h"
#include "core/xchg.h"
#include "io/source.h"

#define BAD_LINE_KEPT 65535 /* of a line that cannot be used: its record's */

void
item_reject(struct fetch *f, enum err e, size_t column, const char *text)
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
make(struct core *c, const struct source_line *line, struct span text)
{
	struct fetch *f = fetch_new(c, text);

	f->seq = ++c->seq;
	f->source = line->name;
	f->source_line = line->number;
	f->is_argument = line->is_argument != 0;
	c->stats.items++;
	return f;
}

/* Where in the line its URL begins, from 1, as far as that is known. */
static size_t
url_column(const struct core *c, struct span line)
{
	const char *p = c->request.url.p;

	return p >= line.p && p <= line.p + line.n ? (size_t)(p - line.p) + 1
						   : 1;
}

static int
is_sendable(const struct core *c, struct request_fault *fault)
{
	struct span m = xchg_method(&c->request, c->opts);

	if (span_eq(m, SPAN("CONNECT"))) {
		fault->column = 1;
		snprintf(fault->text, sizeof(fault->text),
		    "the method CONNECT cannot be asked for");
		return 0;
	}
	return 1;
}

void
item_begin(struct core *c, const struct source_line *line)
{
	struct span text = line->text;
	struct request_fault fault;
	const char *why;
	struct fetch *f;
	size_t at;
	enum err e;

	if (line->too_long) {
		if (text.n > BAD_LINE_KEPT)
			text.n = BAD_LINE_KEPT;
		f = make(c, line, text);
		item_reject(f, E_INPUT_TOO_LONG, 1, "the line is too long");
		return;
	}
	f = make(c, line, text);
	if (request_parse(&c->request, f->line, &fault) != E_OK ||
	    !is_sendable(c, &fault)) {
		item_reject(f, E_INPUT_INVALID, fault.column, fault.text);
		return;
	}
	e = url_parse(&c->url, c->request.url, &why, &at);
	if (e != E_OK) {
		item_reject(f, e, url_column(c, f->line) + at, why);
		return;
	}
	f->is_idempotent =
	    http_is_idempotent(xchg_method(&c->request, c->opts)) ||
	    xchg_has_idempotency_key(&c->request, c->opts);
	f->host = host_of(c, &c->url);
	fetch_enter(f, FETCH_QUEUED);
}

int
item_is_idempotent(const struct fetch *f)
{
	return f->is_idempotent;
}
