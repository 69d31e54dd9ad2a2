/* SPDX-License-Identifier: ISC */
/*
 * Writes records as rows of CSV (RFC 4180) or TSV. The JSON of each key, which
 * record.c writes in pieces, becomes the text of a cell; the text is then
 * quoted. So a large body is never in memory twice.
 */
#include "base/check.h"
#include "base/utf8.h"
#include "codec/json/json.h"
#include "codec/record/record_int.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Where in its JSON a cell is. All that follows VALUE is inside a value. */
enum {
	VALUE,      /* before a value */
	LIST,       /* behind the '[' of a list */
	END,        /* behind the value */
	SCALAR,     /* in a number, true or false */
	NOTHING,    /* in null */
	STRING,     /* in a string whose text is the cell, or an element */
	JSON,       /* in an object or list that stays JSON */
	JSON_TEXT,  /* in a string of that */
	JSON_ESCAPE /* behind its backslash */
};

/* ---- from JSON to text ---- */

/* The first n bytes kept of an escape, as text. */
static void
add_escape(struct buf *out, struct record_cell *c, unsigned n)
{
	char raw[sizeof(c->escape) + 2];
	struct json_value v = { JSON_STRING, { raw, n + 2 }, 1 };
	size_t from = out->n;

	raw[0] = raw[n + 1] = '"';
	memcpy(raw + 1, c->escape, n);
	json_unescape(out, &v);
	if (out->n == from + 1 && out->p[from] == '\0') {
		out->n = from;
		buf_str(out, REPLACEMENT);
	}
	c->nescape -= n;
	memmove(c->escape, c->escape + n, c->nescape);
}

static int
is_high_surrogate(const char *escape)
{
	return span_hex_value(escape[2]) == 0xd &&
	       span_hex_value(escape[3]) >= 8 && span_hex_value(escape[3]) < 12;
}

/* A byte that follows a backslash. Returns 0 if it is not of the escape. */
static int
take_escape(struct buf *out, struct record_cell *c, char b)
{
	const char *e = c->escape;

	/* The first half of a pair; is this the second? */
	if (c->nescape == 6 && b != '\\') {
		add_escape(out, c, 6);
		return 0;
	}
	if (c->nescape == 7 && b != 'u')
		add_escape(out, c, 6);
	c->escape[c->nescape++] = b;
	if ((c->nescape == 2 && b != 'u') || c->nescape == 12 ||
	    (c->nescape == 6 && !is_high_surrogate(e)))
		add_escape(out, c, c->nescape);
	return 1;
}

/* Takes bytes of a string up to an escape or its end. */
static void
take_string(struct buf *out, struct record_cell *c, struct span *in)
{
	size_t n;

	if (c->nescape > 0 && take_escape(out, c, in->p[0])) {
		span_drop(in, 1);
		return;
	}
	for (n = 0; n < in->n && in->p[n] != '"' && in->p[n] != '\\'; n++)
		continue;
	buf_add(out, in->p, n);
	span_drop(in, n);
	if (in->n == 0)
		return;
	if (in->p[0] == '\\')
		c->escape[c->nescape++] = '\\';
	else
		c->state = c->is_list ? LIST : END;
	span_drop(in, 1);
}

static void
take_json(struct buf *out, struct record_cell *c, char b)
{
	buf_char(out, b);
	if (c->state == JSON_ESCAPE)
		c->state = JSON_TEXT;
	else if (c->state == JSON_TEXT) {
		if (b == '\\')
			c->state = JSON_ESCAPE;
		else if (b == '"')
			c->state = JSON;
	} else if (b == '"')
		c->state = JSON_TEXT;
	else if (b == '{' || b == '[')
		c->depth++;
	else if ((b == '}' || b == ']') && --c->depth == 0)
		c->state = c->is_list ? LIST : END;
}

/* The first byte of a value: of the cell, or of an element. */
static void
begin_value(struct buf *out, struct record_cell *c, char b)
{
	if (b == '[' && !c->is_list) {
		c->state = LIST;
		c->is_list = 1;
		return;
	}
	if (c->is_list && c->has_element)
		buf_char(out, ' ');
	c->has_element = 1;
	if (b == '"')
		c->state = STRING;
	else if (b == 'n')
		c->state = NOTHING;
	else {
		c->state = b == '{' || b == '[' ? JSON : SCALAR;
		if (c->state == JSON)
			take_json(out, c, b);
		else
			buf_char(out, b);
	}
	c->is_text = c->is_list || b == '"';
}

/* A byte between the elements of a list. A list that begins with a list or an
 * object stays JSON. */
static void
take_between(struct buf *out, struct record_cell *c, char b)
{
	if (b == ']')
		c->state = END;
	else if (!c->has_element && (b == '{' || b == '[')) {
		c->is_list = 0;
		c->state = JSON;
		take_json(out, c, '[');
		take_json(out, c, b);
	} else if (b != ',')
		begin_value(out, c, b);
}

/* Appends the text of a piece of the JSON. */
static void
add_text(struct buf *out, struct record_cell *c, struct span in)
{
	char b;

	while (in.n > 0) {
		if (c->state == STRING) {
			take_string(out, c, &in);
			continue;
		}
		b = in.p[0];
		/* A scalar ends at what follows it. */
		if ((c->state == SCALAR || c->state == NOTHING) &&
		    (b == ',' || b == ']' || span_is_space(b)))
			c->state = c->is_list ? LIST : END;
		span_drop(&in, 1);
		if (c->state == JSON || c->state == JSON_TEXT ||
		    c->state == JSON_ESCAPE)
			take_json(out, c, b);
		else if (c->state == SCALAR)
			buf_char(out, b);
		else if (span_is_space(b))
			continue;
		else if (c->state == VALUE)
			begin_value(out, c, b);
		else if (c->state == LIST)
			take_between(out, c, b);
	}
}

/* ---- from text to a cell ---- */

static void
insert(struct buf *out, size_t at, char c)
{
	buf_char(out, c);
	memmove(out->p + at + 1, out->p + at, out->n - at - 1);
	out->p[at] = c;
}

/* What is written in place of byte c: 2 bytes, or 0 for c itself. */
static const char *
pair_of(char c, int is_tsv)
{
	if (!is_tsv)
		return c == '"' ? "\"\"" : NULL;
	switch (c) {
	case '\t':
		return "\\t";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\\':
		return "\\\\";
	}
	return NULL;
}

static void
escape(struct buf *out, size_t from, int is_tsv)
{
	size_t i, more = 0;
	const char *pair;
	char *to;

	for (i = from; i < out->n; i++)
		more += pair_of(out->p[i], is_tsv) != NULL;
	if (more == 0)
		return;
	to = buf_reserve(out, more) + more;
	for (i = out->n; i > from; i--) {
		pair = pair_of(out->p[i - 1], is_tsv);
		if (pair != NULL) {
			*--to = pair[1];
			*--to = pair[0];
		} else
			*--to = out->p[i - 1];
	}
	out->n += more;
}

/* Also a cell that a reader may trim, or take for the end of the data. */
static int
needs_quotes(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' ||
		    s.p[i] == '\r')
			return 1;
	return s.n > 0 && (span_is_space(s.p[0]) ||
			      span_is_space(s.p[s.n - 1]) || s.p[0] == '\\');
}

static int
is_number(struct span s)
{
	size_t i, digits = 0, points = 0;

	for (i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'); i < s.n; i++)
		if (span_is_digit(s.p[i]))
			digits++;
		else if (s.p[i] != '.' || ++points > 1)
			return 0;
	return digits > 0;
}

/* Does a spreadsheet evaluate a cell that begins so? */
static int
is_formula(struct span s)
{
	static const char *const signs[] = { "=", "+", "-", "@",
		/* the full-width forms of these */
		"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
		"\xef\xbc\xa0" };
	size_t i;

	if (s.n > 0 && span_is_space(s.p[0]) && s.p[0] != ' ')
		return 1;
	while (s.n > 0 && s.p[0] == ' ')
		span_drop(&s, 1);
	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (span_starts(s, span_str(signs[i])))
			return 1;
	return 0;
}

/* Makes what out has from `from` on a cell, or the next piece of one: quoted,
 * if it is all and must be, or if more follows. */
static void
finish_piece(struct buf *out, size_t from, const struct record_format *f,
    struct record_cell *c, int is_last)
{
	struct span text = span_of(out->p + from, out->n - from);
	int is_first = !c->is_begun;

	c->is_begun = 1;
	if (is_first && f->is_safe && c->is_text && is_formula(text) &&
	    !(is_last && is_number(text))) {
		insert(out, from, '\'');
		text = span_of(out->p + from, out->n - from);
	}
	if (!f->is_tsv && is_first &&
	    (!is_last || needs_quotes(text) || (text.n == 0 && c->is_text)))
		c->is_quoted = 1;
	escape(out, from, f->is_tsv);
	if (c->is_quoted && is_first)
		insert(out, from, '"');
	if (c->is_quoted && is_last)
		buf_char(out, '"');
}

/* ---- a row ---- */

/* The value in the first piece of a key: without '{' or ',', the name and the
 * colon. */
static struct span
skip_name(struct span piece)
{
	size_t i;

	CHECK(piece.n > 2 && piece.p[1] == '"');
	for (i = 2; i < piece.n && piece.p[i] != '"'; i++)
		if (piece.p[i] == '\\')
			i++;
	CHECK(i + 1 < piece.n && piece.p[i + 1] == ':');
	return span_skip(piece, i + 2);
}

/* The cell of this step, or a piece of it. 1 while there is more. */
static int
add_cell(struct buf *out, const struct record *r, const struct record_format *f,
    struct record_at *at, struct buf *scratch, size_t end)
{
	struct record_cell *c = &at->cell;
	size_t from = out->n;
	struct span json;
	int more;

	scratch->n = 0;
	more =
	    record_add_step(scratch, r, f, at, out->n < end ? end - out->n : 1);
	json = buf_view(scratch);
	if (!c->is_begun && json.n > 0)
		json = skip_name(json);
	add_text(out, c, json);
	/* Readers skip an empty line. */
	if (!f->is_tsv && f->nfield == 1 && !more && !c->is_begun &&
	    out->n == from)
		c->is_text = 1;
	finish_piece(out, from, f, c, !more);
	return more;
}

int
record_csv_write(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, size_t max)
{
	size_t room = max > 0 ? max : 1;
	size_t end = room < SIZE_MAX - out->n ? out->n + room : SIZE_MAX;
	struct buf scratch = { 0 };
	int more = 0;

	CHECK(f->nfield > 0);
	for (; at->step < f->nfield; at->step++) {
		more = add_cell(out, r, f, at, &scratch, end);
		if (more)
			break;
		at->cell = (struct record_cell){ 0 };
		buf_char(out, at->step + 1 == f->nfield ? '\n'
			      : f->is_tsv               ? '\t'
							: ',');
	}
	buf_fini(&scratch);
	return more;
}

void
record_csv_head(struct buf *out, const struct record_format *f)
{
	struct record_cell c;
	size_t from;
	int i;

	for (i = 0; i < f->nfield; i++) {
		c = (struct record_cell){ .is_text = 1 };
		from = out->n;
		buf_span(out, f->field[i].name);
		finish_piece(out, from, f, &c, 1);
		buf_char(out, i + 1 == f->nfield ? '\n'
			      : f->is_tsv        ? '\t'
						 : ',');
	}
}
