/* SPDX-License-Identifier: ISC */
/*
 * Writes result records as JSON lines. The hottest writer there is, so the
 * narrow keys are written through a bare pointer into room taken once. Knows
 * the keys' order and shapes, not where their values come from.
 */
#include "codec/record.h"

#include "base/check.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/json_write.h"

#define INPUT_MAX 65535
#define PIECE (12u << 10) /* bytes of a body taken at once; 3 divides it */

enum key {
#define KEY(id, name, when, value) KEY_##id,
#define WIDE(id, name) KEY_##id,
#include "codec/record_keys.h"
#undef KEY
#undef WIDE
	NKEY
};

/* Room for all narrow keys with their values, strings apart. */
enum {
	NARROW_MAX = 128
#define KEY(id, name, when, value) +sizeof(name) + 40
#define WIDE(id, name)
#include "codec/record_keys.h"
#undef KEY
#undef WIDE
};

enum {
	NNARROW = 0
#define KEY(id, name, when, value) +1
#define WIDE(id, name)
#include "codec/record_keys.h"
#undef KEY
#undef WIDE
};

_Static_assert(NNARROW == (int)KEY_HEADER && NKEY == (int)KEY_BODY_BASE64 + 1,
    "the wide keys stand last");
_Static_assert(NKEY <= sizeof(((struct record_format *)0)->key),
    "--fields can name every key");
_Static_assert(PIECE % 3 == 0, "base64 goes in threes");

#define FLAGS_KNOWN \
	(HTTP_LENIENT_FRAMING | HTTP_FRAMING_CONFLICT | HTTP_UNFOLDED_HEADER | \
	    RECORD_UNKNOWN_CODING | RECORD_TRAILING_DATA)

/* At most `max` bytes, cut at a character's border. */
static struct span
cut(struct span s, size_t max)
{
	size_t i, n = s.n < max ? s.n : max;

	if (n == s.n)
		return s;
	for (i = n; i > 0 && n - i <= 3; i--)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return span_of(s.p, i);
	return span_of(s.p, n);
}

static char *
put_name(char *p, const char *name)
{
	*p++ = '"';
	p = json_write_raw(p, span_str(name));
	*p++ = '"';
	return p;
}

static char *
put_error(char *p, const struct record *r)
{
	if (r->error == E_OK)
		return json_write_null(p);
	return put_name(p, error_code(r->error));
}

static char *
put_error_phase(char *p, const struct record *r)
{
	if (r->error == E_OK)
		return json_write_null(p);
	return put_name(p, error_phase_name(r->error_phase));
}

static char *
put_http_version(char *p, int minor)
{
	if (minor < 0)
		return json_write_null(p);
	return json_write_raw(
	    p, minor == 0 ? SPAN("\"1.0\"") : SPAN("\"1.1\""));
}

static char *
put_flags(char *p, unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{ HTTP_LENIENT_FRAMING, "lenient_framing" },
		{ HTTP_FRAMING_CONFLICT, "framing_conflict" },
		{ RECORD_UNKNOWN_CODING, "unknown_coding" },
		{ RECORD_TRAILING_DATA, "trailing_data" },
		{ HTTP_UNFOLDED_HEADER, "unfolded_header" },
	};
	size_t i;

	*p = '[';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((flags & names[i].flag) != 0) {
			p = put_name(p + 1, names[i].name);
			*p = ',';
		}
	*p = ']';
	return p + 1;
}

/* The bytes up to `stop`, or all; a quoted string counts as one. */
static struct span
until(struct span s, char stop)
{
	size_t i;
	int quoted = 0;

	for (i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.p[i] == stop)
			break;
	}
	return span_of(s.p, i < s.n ? i : s.n);
}

static char *
put_content_type(char *p, struct span value)
{
	return json_write_lower(p, span_trim(until(value, ';')));
}

static char *
put_charset(char *p, struct span rest)
{
	struct span param, name, value;

	while (rest.n > 0) {
		param = until(rest, ';');
		if (param.n == rest.n)
			rest.n = 0;
		else
			rest =
			    span_of(rest.p + param.n + 1, rest.n - param.n - 1);
		name = until(param, '=');
		if (name.n == param.n ||
		    !span_ieq(span_trim(name), SPAN("charset")))
			continue;
		value = span_trim(
		    span_of(param.p + name.n + 1, param.n - name.n - 1));
		if (value.n >= 2 && value.p[0] == '"' &&
		    value.p[value.n - 1] == '"')
			value = span_of(value.p + 1, value.n - 2);
		return json_write_lower(p, value);
	}
	return json_write_null(p);
}

/* ---- the record as JSON ---- */

/* The narrow keys of f->nkey == 0, one after another, each behind a comma. */
static char *
put_narrow_keys(char *p, const struct record *r)
{
#define KEY(id, name, when, value) \
	if (when) { \
		p = json_write_raw(p, SPAN(",\"" name "\":")); \
		p = value; \
	}
#define WIDE(id, name)
#include "codec/record_keys.h"
#undef KEY
#undef WIDE
	return p;
}

/* One narrow key behind a comma; p if it is not there. */
static char *
put_narrow_key(char *p, const struct record *r, enum key k)
{
	switch (k) {
#define KEY(id, name, when, value) \
	case KEY_##id: \
		if (!(when)) \
			return p; \
		p = json_write_raw(p, SPAN(",\"" name "\":")); \
		return value;
#define WIDE(id, name) case KEY_##id:
#include "codec/record_keys.h"
#undef KEY
#undef WIDE
	case NKEY:
		break;
	}
	return p;
}

/* What the narrow keys may take, whatever stands in the strings. */
static size_t
narrow_bytes(const struct record *r)
{
	size_t n = r->input.n < INPUT_MAX ? r->input.n : INPUT_MAX;

	n += r->url.n + r->final_url.n + r->method.n + r->errormsg.n +
	     r->error_detail.n + 2 * r->content_type.n + r->location.n +
	     r->remote_ip.n + r->tls_version.n;
	return NARROW_MAX + r->id.n + r->meta.n + JSON_WRITE_STRING(n);
}

/* The first key's comma becomes the brace. */
static void
add_narrow(
    struct buf *out, const struct record *r, struct record_at *at, enum key k)
{
	size_t room = narrow_bytes(r);
	char *start = buf_reserve(out, room), *p;

	if (k == NKEY)
		p = put_narrow_keys(start, r);
	else
		p = put_narrow_key(start, r, k);
	CHECK((size_t)(p - start) <= room);
	out->n += (size_t)(p - start);
	if (p > start && !at->any) {
		*start = '{';
		at->any = 1;
	}
}

void
record_escape(struct buf *out, struct span s)
{
	char *start = buf_reserve(out, JSON_WRITE_STRING(s.n));

	out->n += (size_t)(json_write_inside(start, s) - start);
}

static void
add_string(struct buf *out, struct span s)
{
	buf_char(out, '"');
	record_escape(out, s);
	buf_char(out, '"');
}

/* For each field the next one of the same name, 0 if none; first[i]: no field
 * of that name stands before it. */
struct groups {
	uint16_t next[HTTP_MAX_FIELDS];
	uint16_t last[HTTP_MAX_FIELDS];  /* of a first: the last so far */
	uint16_t chain[HTTP_MAX_FIELDS]; /* of a first: the next in its slot */
	uint16_t slot[256];              /* a first, plus one; 0 if none */
	unsigned char first[HTTP_MAX_FIELDS];
};

static void
group_field(struct groups *g, const struct http_fields *f, size_t i)
{
	struct span name = http_field_name(f, i);
	uint16_t *slot, at;
	unsigned h = (unsigned)name.n;
	size_t k;

	for (k = 0; k < name.n; k++)
		h = h * 31 + (unsigned char)name.p[k];
	slot = &g->slot[(h ^ h >> 8) & 255];
	for (at = *slot; at != 0; at = g->chain[at - 1])
		if (span_eq(http_field_name(f, at - 1u), name))
			break;
	g->next[i] = 0;
	g->first[i] = at == 0;
	if (at == 0) {
		g->last[i] = (uint16_t)i;
		g->chain[i] = *slot;
		*slot = (uint16_t)(i + 1);
	} else {
		g->next[g->last[at - 1]] = (uint16_t)i;
		g->last[at - 1] = (uint16_t)i;
	}
}

/* {"name":["value",...],...}, a name where it first stands. */
static void
add_fields(struct buf *out, const struct http_fields *f)
{
	struct groups g;
	size_t i, k;

	CHECK(f->n <= HTTP_MAX_FIELDS);
	memset(g.slot, 0, sizeof(g.slot));
	for (i = 0; i < f->n; i++)
		group_field(&g, f, i);
	buf_char(out, '{');
	for (i = 0; i < f->n; i++) {
		if (!g.first[i])
			continue;
		if (i > 0)
			buf_char(out, ',');
		add_string(out, http_field_name(f, i));
		buf_str(out, ":[");
		for (k = i;; k = g.next[k]) {
			add_string(out, http_field_value(f, k));
			if (g.next[k] == 0)
				break;
			buf_char(out, ',');
		}
		buf_char(out, ']');
	}
	buf_char(out, '}');
}

static void
add_interim(struct buf *out, const struct http *h)
{
	const struct http_interim *interim;
	size_t i, n = http_interim_count(h);

	for (i = 0; i < n; i++) {
		interim = http_interim(h, i);
		buf_str(out, i == 0 ? "[{" : ",{");
		buf_str(out, "\"status_code\":");
		buf_i64(out, interim->status);
		buf_str(out, ",\"header\":");
		add_fields(out, &interim->fields);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

/* The key's name behind what separates it from the one before. */
static void
add_name(struct buf *out, struct record_at *at, const char *name)
{
	buf_char(out, at->any ? ',' : '{');
	at->any = 1;
	add_string(out, span_str(name));
	buf_char(out, ':');
}

static void
add_header(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, enum key k)
{
	const struct http *h = r->http;
	const struct http_fields *fields = NULL;

	if (!f->include_headers)
		return;
	if (k == KEY_INTERIM) {
		if (h != NULL && http_interim_count(h) > 0) {
			add_name(out, at, "interim");
			add_interim(out, h);
		}
		return;
	}
	if (h != NULL && http_has_head(h))
		fields = k == KEY_HEADER ? http_header(h) : http_trailer(h);
	add_name(out, at, k == KEY_HEADER ? "header" : "trailer");
	if (fields == NULL || (k == KEY_TRAILER && fields->n == 0))
		buf_str(out, "null");
	else
		add_fields(out, fields);
}

/* Pieces of the body until out holds `end` bytes. 1 while there is more. */
static int
add_body_pieces(
    struct buf *out, const struct record *r, struct record_at *at, size_t end)
{
	struct span piece;
	size_t left;
	char *p;

	while ((left = r->body.n - at->body_done) > 0) {
		if (out->n >= end && at->body_done > 0)
			return 1;
		piece = span_of(
		    r->body.p + at->body_done, left < PIECE ? left : PIECE);
		p = buf_reserve(out, JSON_WRITE_STRING(piece.n));
		p = at->body_text == 1 ? json_write_inside_utf8(p, piece)
				       : base64_encode(p, piece);
		out->n = (size_t)(p - out->p);
		at->body_done += piece.n;
	}
	return 0;
}

static int
is_text(const struct record *r, const struct record_format *f)
{
	return r->body.n == 0 || (f->body == RECORD_BODY_INLINE &&
				     utf8_valid(r->body) == r->body.n);
}

/* body, body_base64 or neither. 1 while there is more. */
static int
add_body(struct buf *out, const struct record *r, const struct record_format *f,
    struct record_at *at, enum key k, size_t end)
{
	if (f->body == RECORD_BODY_NONE)
		return 0;
	if (!r->has_body) {
		if (k == KEY_BODY) {
			add_name(out, at, "body");
			buf_str(out, "null");
		}
		return 0;
	}
	if (at->body_text == 0)
		at->body_text = is_text(r, f) ? 1 : -1;
	if (!f->body_either && (k == KEY_BODY) != (at->body_text == 1))
		return 0;
	if (at->body_done == 0) {
		add_name(out, at, at->body_text == 1 ? "body" : "body_base64");
		buf_char(out, '"');
	}
	if (add_body_pieces(out, r, at, end) == 1)
		return 1;
	buf_char(out, '"');
	return 0;
}

int
record_write(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, size_t max)
{
	/* At least one byte, so that a full buffer does not stop it for ever.
	 */
	size_t room = max > 0 ? max : 1;
	size_t end = room < SIZE_MAX - out->n ? out->n + room : SIZE_MAX;
	int n = f->nkey > 0 ? f->nkey : NKEY;
	enum key k;

	if (f->nkey == 0 && at->step == 0) {
		add_narrow(out, r, at, NKEY);
		at->step = NNARROW;
	}
	for (; at->step < n; at->step++) {
		k = f->nkey > 0 ? f->key[at->step] : (enum key)at->step;
		if ((int)k < NNARROW)
			add_narrow(out, r, at, k);
		else if (k < KEY_BODY)
			add_header(out, r, f, at, k);
		else if (add_body(out, r, f, at, k, end) == 1)
			return 1;
	}
	buf_str(out, at->any ? "}\n" : "{}\n");
	return 0;
}

/* ---- --fields ---- */

static const char *const key_names[] = {
#define KEY(id, name, when, value) name,
#define WIDE(id, name) name,
#include "codec/record_keys.h"
#undef KEY
#undef WIDE
};

/* The key of that name that is not in f yet, or NKEY. */
static int
find_key(const struct record_format *f, struct span name)
{
	int k, i;

	for (k = 0; k < NKEY; k++)
		if (span_eq(name, span_str(key_names[k])))
			break;
	for (i = 0; i < f->nkey; i++)
		if (f->key[i] == k)
			return NKEY;
	return k;
}

int
record_fields(struct record_format *f, struct span list, struct span *bad)
{
	struct span name;
	const char *comma;
	size_t n;
	int k;

	f->nkey = 0;
	for (;;) {
		comma = list.n > 0 ? memchr(list.p, ',', list.n) : NULL;
		n = comma != NULL ? (size_t)(comma - list.p) : list.n;
		name = span_trim(span_of(list.p, n));
		k = find_key(f, name);
		if (k == NKEY) {
			*bad = name;
			return -1;
		}
		f->key[f->nkey++] = (unsigned char)k;
		if (comma == NULL)
			break;
		list = span_of(comma + 1, list.n - n - 1);
	}
	f->body_either = find_key(f, SPAN("body_base64")) != NKEY;
	return 0;
}
