/* SPDX-License-Identifier: ISC */
/*
 * Writes result records as JSON lines. This is a hot path: all keys with short
 * values are written through a bare pointer into room that is reserved once.
 */
#include "base/check.h"
#include "base/utf8.h"
#include "codec/json/write.h"
#include "codec/record/record_int.h"

#define INPUT_MAX 65535

/* Bytes of all narrow keys with their values, without their strings. */
enum {
	NARROW_MAX = 128
#define KEY(id, name, when, value, type, text) +sizeof(name) + 40
#define WIDE(id, name, type, text)
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
};

enum {
	NNARROW = 0
#define KEY(id, name, when, value, type, text) +1
#define WIDE(id, name, type, text)
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
};

_Static_assert(NNARROW == (int)RECORD_KEY_HEADER &&
		   RECORD_NKEY == (int)RECORD_KEY_PARSE + 1,
    "the wide keys come last");

#define FLAGS_KNOWN \
	(HTTP_LENIENT_FRAMING | HTTP_FRAMING_CONFLICT | HTTP_UNFOLDED_HEADER | \
	    RECORD_UNKNOWN_CODING | RECORD_TRAILING_DATA)

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

/* ---- the record as JSON ---- */

/* All narrow keys in order, each preceded by a comma. */
static char *
put_narrow_keys(char *p, const struct record *r)
{
#define KEY(id, name, when, value, type, text) \
	if (when) { \
		p = json_write_raw(p, SPAN(",\"" name "\":")); \
		p = value; \
	}
#define WIDE(id, name, type, text)
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
	return p;
}

/* A comma and one narrow key; returns p if the record does not have it. */
static char *
put_narrow_key(char *p, const struct record *r, enum record_key k)
{
	switch (k) {
#define KEY(id, name, when, value, type, text) \
	case RECORD_KEY_##id: \
		if (!(when)) \
			return p; \
		p = json_write_raw(p, SPAN(",\"" name "\":")); \
		return value;
#define WIDE(id, name, type, text) case RECORD_KEY_##id:
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
	case RECORD_NKEY:
		break;
	}
	return p;
}

/* An upper bound of the bytes of all narrow keys. */
static size_t
narrow_bytes(const struct record *r)
{
	size_t n = r->input.n < INPUT_MAX ? r->input.n : INPUT_MAX;

	n += r->url.n + r->final_url.n + r->method.n + r->errormsg.n +
	     r->error_detail.n + r->content_type.n + r->charset.n +
	     r->location.n + r->remote_ip.n + r->tls_version.n +
	     r->body_file.n + r->sha256.n;
	return NARROW_MAX + r->id.n + r->meta.n + JSON_WRITE_STRING(n);
}

/* The comma before the record's first key becomes its opening brace. */
static void
add_narrow(struct buf *out, const struct record *r, struct record_at *at,
    enum record_key k)
{
	size_t room = narrow_bytes(r);
	char *start = buf_reserve(out, room), *p;

	if (k == RECORD_NKEY)
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

static void
add_num_events(struct buf *out, const struct record *r, struct record_at *at)
{
	if (r->num_events < 0)
		return;
	record_add_name(out, at, SPAN("num_events"));
	buf_i64(out, r->num_events);
}

/* 1 while there is more. */
static int
add_wide(struct buf *out, const struct record *r, const struct record_format *f,
    struct record_at *at, enum record_key k, size_t end)
{
	switch (k) {
	case RECORD_KEY_HEADER:
	case RECORD_KEY_TRAILER:
	case RECORD_KEY_INTERIM:
		record_header(out, r, f, at, k);
		return 0;
	case RECORD_KEY_BODY:
	case RECORD_KEY_BODY_BASE64:
	case RECORD_KEY_BODY_JSON:
		return record_body(out, r, f, at, k, end);
	case RECORD_KEY_ATTEMPTS:
		return record_attempts(out, r, at, end);
	case RECORD_KEY_EXTRACT:
		return record_extract(out, r, at, end);
	case RECORD_KEY_PARSE:
		record_parse(out, r, at);
		return 0;
	case RECORD_KEY_NUM_EVENTS:
		add_num_events(out, r, at);
		return 0;
#define KEY(id, name, when, value, type, text) case RECORD_KEY_##id:
#define WIDE(id, name, type, text)
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
	case RECORD_NKEY:
		break;
	}
	CHECK(0);
	return 0;
}

/* The key of that step: of --fields or, without it, of the table. */
static enum record_key
key_at(const struct record_format *f, const struct record *r, int step)
{
	enum record_key k;

	if (f->nfield == 0)
		return (enum record_key)step;
	k = (enum record_key)f->field[step].key;
	if (k == RECORD_KEY_ID && f->id_either && r->id_is_custom)
		return RECORD_KEY_CUSTOM_ID;
	return k;
}

/* The value that the path of a field is searched in. *path loses what is
 * already followed. Large values are not copied. */
static struct span
path_root(const struct record *r, const struct record_format *f,
    enum record_key k, struct span *path, struct buf *scratch)
{
	struct record_format one = { .body = f->body,
		.include_headers = f->include_headers,
		.nfield = 1,
		.field = { { .key = (unsigned char)k } } };
	struct record_at at = { 0 };

	if (k == RECORD_KEY_META)
		return r->meta;
	if (k == RECORD_KEY_BODY_JSON)
		return record_body_json(r, f);
	if (k == RECORD_KEY_EXTRACT) {
		if (r->has_exec && record_path_skip(path, SPAN("exec"), 0))
			return r->exec;
		return r->extract;
	}
	(void)record_add_step(scratch, r, &one, &at, SIZE_MAX);
	buf_char(scratch, '}');
	return record_path_find(
	    buf_view(scratch), span_str(record_key_name((int)k)), 0);
}

/* A part of a key's value; null if the path leads nowhere. 1 while there is
 * more. */
static int
add_path(struct buf *out, const struct record *r, const struct record_format *f,
    const struct record_field *field, struct record_at *at, size_t end)
{
	enum record_key k = (enum record_key)field->key;
	int any_case = k == RECORD_KEY_HEADER || k == RECORD_KEY_TRAILER;
	struct span path = field->path, piece, v;
	struct buf scratch = { 0 };
	int more;

	v = path_root(r, f, k, &path, &scratch);
	if (v.p != NULL)
		v = record_path_find(v, path, any_case);
	if (v.p == NULL)
		v = SPAN("null");
	if (at->path_done == 0)
		record_add_name(out, at, field->name);
	while (at->path_done < v.n && (at->path_done == 0 || out->n < end)) {
		piece = utf8_cut(span_skip(v, at->path_done), RECORD_PIECE);
		record_add_json(out, piece);
		at->path_done += piece.n;
	}
	more = at->path_done < v.n;
	buf_fini(&scratch);
	if (!more)
		at->path_done = 0;
	return more;
}

int
record_add_step(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, size_t end)
{
	enum record_key k = key_at(f, r, at->step);

	if (f->nfield > 0 && f->field[at->step].path.n > 0)
		return add_path(out, r, f, &f->field[at->step], at, end);
	if ((int)k >= NNARROW)
		return add_wide(out, r, f, at, k, end);
	add_narrow(out, r, at, k);
	return 0;
}

int
record_write(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, size_t max)
{
	/* At least one byte, so that each call makes progress. */
	size_t room = max > 0 ? max : 1;
	size_t end = room < SIZE_MAX - out->n ? out->n + room : SIZE_MAX;
	int n = f->nfield > 0 ? f->nfield : RECORD_NKEY;

	if (f->nfield == 0 && at->step == 0) {
		add_narrow(out, r, at, RECORD_NKEY);
		at->step = NNARROW;
	}
	for (; at->step < n; at->step++)
		if (record_add_step(out, r, f, at, end) == 1)
			return 1;
	buf_str(out, at->any ? "}\n" : "{}\n");
	return 0;
}
