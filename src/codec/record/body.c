/* SPDX-License-Identifier: ISC */
/*
 * Writes the body of a record in pieces: as text if it is UTF-8, else as
 * base64, or as a JSON value.
 */
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/json/json.h"
#include "codec/json/write.h"
#include "codec/media_type.h"
#include "codec/record/record_int.h"

_Static_assert(RECORD_PIECE % 3 == 0, "a piece is whole base64 groups");

/* Values of record_at.body_form. FORM_OPEN: not chosen yet. */
enum { FORM_OPEN, FORM_TEXT, FORM_BASE64, FORM_JSON };

/* Is the body one JSON value, and its type JSON or unknown? */
static int
is_json(const struct record *r)
{
	return media_type_may_be_json(r->content_type) &&
	       json_read_answer(r->body, NULL);
}

static int
choose_form(const struct record *r, const struct record_format *f)
{
	if (r->body.n == 0)
		return FORM_TEXT;
	if (f->body == RECORD_BODY_BASE64)
		return FORM_BASE64;
	if (f->body == RECORD_BODY_JSON && r->complete && is_json(r))
		return FORM_JSON;
	return utf8_valid(r->body) == r->body.n ? FORM_TEXT : FORM_BASE64;
}

static const struct {
	enum record_key key;
	const char *name;
} forms[] = {
	[FORM_TEXT] = { RECORD_KEY_BODY, "body" },
	[FORM_BASE64] = { RECORD_KEY_BODY_BASE64, "body_base64" },
	[FORM_JSON] = { RECORD_KEY_BODY_JSON, "body_json" },
};

/* Is the body written under key k if it has that form? With --fields, `body`
 * also selects a form that is not named there. */
static int
is_key_of_form(const struct record_format *f, enum record_key k, int form)
{
	if (k == forms[form].key)
		return 1;
	if (k != RECORD_KEY_BODY)
		return 0;
	return form == FORM_JSON ? f->json_either : f->body_either;
}

static void
add_piece(struct buf *out, struct span piece, int form)
{
	char *p;

	if (form == FORM_JSON) {
		record_add_json(out, piece);
		return;
	}
	p = buf_reserve(out, JSON_WRITE_STRING(piece.n));
	if (form == FORM_TEXT)
		p = json_write_inside_utf8(p, piece);
	else
		p = base64_encode(p, piece);
	out->n = (size_t)(p - out->p);
}

static int
add_pieces(struct buf *out, struct span s, struct record_at *at, size_t end)
{
	struct span piece;
	size_t left;

	while ((left = s.n - at->body_done) > 0) {
		if (out->n >= end && at->body_done > 0)
			return 1;
		piece = span_of(s.p + at->body_done, left);
		if (at->body_form != FORM_BASE64)
			piece = utf8_cut(piece, RECORD_PIECE);
		else if (piece.n > RECORD_PIECE)
			piece.n = RECORD_PIECE;
		add_piece(out, piece, at->body_form);
		at->body_done += piece.n;
	}
	return 0;
}

struct span
record_body_json(const struct record *r, const struct record_format *f)
{
	if (!r->has_body || r->body_streamed || choose_form(r, f) != FORM_JSON)
		return SPAN_NONE;
	return json_trim(r->body);
}

int
record_body(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, enum record_key k,
    size_t end)
{
	struct span s = r->body;

	if (f->body == RECORD_BODY_NONE)
		return 0;
	if (!r->has_body || r->body_streamed) {
		if (k == RECORD_KEY_BODY) {
			record_add_name(out, at, SPAN("body"));
			buf_str(out, "null");
		}
		return 0;
	}
	if (at->body_form == FORM_OPEN)
		at->body_form = choose_form(r, f);
	if (!is_key_of_form(f, k, at->body_form))
		return 0;
	if (at->body_form == FORM_JSON)
		s = json_trim(s);
	if (at->body_done == 0) {
		record_add_name(out, at, span_str(forms[at->body_form].name));
		buf_str(out, at->body_form == FORM_JSON ? "" : "\"");
	}
	if (add_pieces(out, s, at, end) == 1)
		return 1;
	buf_str(out, at->body_form == FORM_JSON ? "" : "\"");
	return 0;
}
