/* SPDX-License-Identifier: ISC */
/*
 * Parses one line of input: a plain URL or a JSON request. Checks the keys and
 * their types; codec/url parses the URL itself.
 */
#include "codec/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/json/json.h"
#include "codec/quantity.h"
#include "codec/request_number.h"
#include "codec/url/url.h"

#define STORE_KEEP (64u << 10) /* bytes kept from line to line */
#define RETRY_MAX 1000
#define FAULT_KEY_MAX 48 /* bytes of a key shown in a message */

/* One line being read. */
struct parse {
	struct request *r;
	struct span line;
	struct request_fault *fault;
	int bad;
	unsigned seen; /* SEEN_* */
};

/* Mutually exclusive keys share a bit. */
enum {
	SEEN_URL = 1 << 0,
	SEEN_ID = 1 << 1,
	SEEN_METHOD = 1 << 2,
	SEEN_HEADERS = 1 << 3,
	SEEN_BODY = 1 << 4,
	SEEN_META = 1 << 5,
	SEEN_TIMEOUT = 1 << 6,
	SEEN_RETRY = 1 << 7,
	SEEN_STREAM = 1 << 8,
	SEEN_COST = 1 << 9,
	SEEN_OUTPUT = 1 << 10,
	SEEN_SHA256 = 1 << 11,
};

/* Records the first fault; later ones are ignored. `key` is raw, with quotes.
 */
static void
set_fault(struct parse *s, const char *at, struct span key, const char *what)
{
	struct request_fault *f = s->fault;
	struct buf shown = { 0 };
	size_t n;

	if (s->bad)
		return;
	s->bad = 1;
	if (key.n > 0)
		url_redact(&shown, key); /* it may be anything */
	key = buf_view(&shown);
	n = key.n < FAULT_KEY_MAX ? key.n : FAULT_KEY_MAX;
	f->column = (size_t)(at - s->line.p) + 1;
	n = n > 0 ? utf8_valid(span_of(key.p, n)) : 0;
	snprintf(f->text, sizeof(f->text), "%.*s%s%s%s", (int)n,
	    n > 0 ? key.p : "", n < key.n ? "...\"" : "",
	    n > 0 && what[0] != ':' ? " " : "", what);
	buf_fini(&shown);
}

/*
 * Reserves the store before anything points into it, so that it never moves. It
 * never needs more bytes than the line has, as each byte of the line is copied
 * there at most once.
 */
static void
make_room(struct parse *s)
{
	struct buf *store = &s->r->store;

	if (store->n == 0)
		buf_reserve(store, s->line.n);
}

/* The decoded characters of a string. */
static struct span
take_string(struct parse *s, const struct json_value *v)
{
	struct buf *store = &s->r->store;
	size_t at = store->n;

	if (!v->escaped)
		return json_inside(v);
	make_room(s);
	CHECK(store->cap - at >= v->raw.n);
	json_unescape(store, v);
	return span_of(store->p + at, store->n - at);
}

static int
has_nul(struct span s)
{
	return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

static int
expect_string(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	if (v->kind == JSON_STRING)
		return 1;
	set_fault(s, v->raw.p, key->raw, "must be a string");
	return 0;
}

static void
take_url(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	if (!expect_string(s, key, v))
		return;
	s->r->url = take_string(s, v);
	if (has_nul(s->r->url))
		set_fault(s, v->raw.p, key->raw, "contains a NUL character");
}

static void
take_id(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	if (v->kind == JSON_OBJECT || v->kind == JSON_LIST) {
		set_fault(s, v->raw.p, key->raw,
		    "must be a string, a number, true, false or null");
		return;
	}
	s->r->id = v->raw;
}

static void
take_custom_id(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	take_id(s, key, v);
	s->r->id_is_custom = s->r->id.n > 0;
}

static void
take_meta(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	(void)key;
	s->r->meta = v->raw;
}

static void
take_method(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct span m;

	if (!expect_string(s, key, v))
		return;
	m = take_string(s, v);
	if (!http_is_token(m))
		set_fault(s, v->raw.p, key->raw, "is not a token");
	else if (span_ieq(m, SPAN("CONNECT")))
		set_fault(s, v->raw.p, key->raw, "must not be CONNECT");
	else
		s->r->method = m;
}

static int
is_header_repeated(const struct request *r, struct span name)
{
	size_t i;

	for (i = 0; i < r->nheader; i++)
		if (span_ieq(r->header[i].name, name))
			return 1;
	return 0;
}

static void
add_header(
    struct parse *s, const struct json_value *key, struct http_header header)
{
	struct request *r = s->r;

	if (r->nheader == HTTP_MAX_FIELDS) {
		set_fault(s, key->raw.p, key->raw,
		    "exceeds the limit of 1000 headers");
		return;
	}
	r->header =
	    mem_grow(r->header, r->nheader, &r->header_cap, sizeof(*r->header));
	r->header[r->nheader++] = header;
}

static void
take_header_value(struct parse *s, const struct json_value *key,
    struct span name, const struct json_value *v)
{
	char what[96];
	struct span value;
	const char *why;

	if (v->kind != JSON_STRING) {
		set_fault(s, v->raw.p, key->raw,
		    "must be a string, a list of strings or null");
		return;
	}
	value = take_string(s, v);
	why = http_header_ok(name, value);
	if (why != NULL) {
		snprintf(what, sizeof(what), ": %s", why);
		set_fault(s, v->raw.p, key->raw, what);
	} else
		add_header(s, key, (struct http_header){ name, value, 0 });
}

/* An empty list means the same as null. */
static void
take_header_list(struct parse *s, const struct json_value *key,
    struct span name, const struct json_value *list)
{
	struct json j;
	struct json_value v;
	int any = 0;

	json_start(&j, list->raw);
	json_enter(&j);
	while (json_element(&j) == 1 && json_value(&j, &v) == 0) {
		take_header_value(s, key, name, &v);
		any = 1;
	}
	if (!any)
		add_header(s, key, (struct http_header){ name, SPAN_NONE, 1 });
}

static void
take_header(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct span name = take_string(s, key);

	if (!http_is_token(name))
		set_fault(
		    s, key->raw.p, key->raw, "is not a header name (a token)");
	else if (is_header_repeated(s->r, name))
		set_fault(s, key->raw.p, key->raw, "is a duplicate key");
	else if (v->kind == JSON_NULL)
		add_header(s, key, (struct http_header){ name, SPAN_NONE, 1 });
	else if (v->kind == JSON_LIST)
		take_header_list(s, key, name, v);
	else
		take_header_value(s, key, name, v);
}

static void
take_headers(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct json j;
	struct json_value name, value;

	if (v->kind != JSON_OBJECT) {
		set_fault(s, v->raw.p, key->raw, "must be an object");
		return;
	}
	/* The value is valid JSON, so the reader cannot fail. */
	json_start(&j, v->raw);
	json_enter(&j);
	while (!s->bad && json_member(&j, &name) == 1 &&
	       json_value(&j, &value) == 0)
		take_header(s, &name, &value);
}

static void
take_body(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct request *r = s->r;

	if (v->kind == JSON_OBJECT || v->kind == JSON_LIST) {
		r->body = v->raw;
		r->body_is_json = 1;
	} else if (v->kind == JSON_STRING)
		r->body = take_string(s, v);
	else {
		set_fault(s, v->raw.p, key->raw,
		    "must be a string, an object or a list");
		return;
	}
	r->has_body = 1;
}

static void
take_body_base64(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct request *r = s->r;
	struct buf *store = &r->store;
	struct span text;
	size_t at = store->n, n;

	if (!expect_string(s, key, v))
		return;
	make_room(s);
	text = take_string(s, v);
	CHECK(store->cap - at >= text.n);
	if (base64_decode(store->p + at, &n, text) == -1) {
		set_fault(s, v->raw.p, key->raw, "is not base64");
		return;
	}
	store->n = at + n;
	r->body = span_of(store->p + at, n);
	r->has_body = 1;
}

static void
take_body_file(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct span path;

	if (!expect_string(s, key, v))
		return;
	path = take_string(s, v);
	if (path.n == 0 || has_nul(path)) {
		set_fault(s, v->raw.p, key->raw, "is not a file name");
		return;
	}
	s->r->body_file = path;
	s->r->has_body = 1;
}

/* A number of seconds, or a duration as in options: "10s", "1m30s". */
static void
take_timeout(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	uint64_t duration;
	int64_t us = -1;

	if (v->kind == JSON_NUMBER)
		us = request_number_us(v->raw);
	else if (v->kind == JSON_STRING &&
		 quantity_duration(take_string(s, v), &duration) == 0)
		us = request_number_bound_us(duration);
	if (us >= 0)
		s->r->timeout_us = us;
	else if (v->kind == JSON_NUMBER)
		set_fault(s, v->raw.p, key->raw, "must not be negative");
	else
		set_fault(s, v->raw.p, key->raw,
		    "must be a number of seconds or a duration such as "
		    "\"10s\"");
}

static void
take_retry(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	int64_t n = v->kind == JSON_NUMBER
			? request_number_count(v->raw, RETRY_MAX)
			: -1;

	if (n < 0)
		set_fault(s, v->raw.p, key->raw,
		    "must be a whole number from 0 to 1000");
	else
		s->r->retry = n;
}

static void
take_stream(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	if (v->kind == JSON_TRUE || v->kind == JSON_FALSE)
		s->r->stream = v->kind == JSON_TRUE;
	else if (v->kind != JSON_NULL)
		set_fault(s, v->raw.p, key->raw, "must be true, false or null");
}

static int
is_cost_repeated(const struct request *r, struct span name)
{
	size_t i;

	for (i = 0; i < r->ncost; i++)
		if (span_eq(r->cost[i].name, name))
			return 1;
	return 0;
}

static void
take_amount(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct request *r = s->r;
	struct span name = take_string(s, key);
	double amount =
	    v->kind == JSON_NUMBER ? request_number_amount(v->raw) : -1;

	if (amount < 0)
		set_fault(s, v->raw.p, key->raw,
		    "in \"cost\" must be a number of 0 or more");
	else if (is_cost_repeated(r, name))
		set_fault(s, key->raw.p, key->raw, "is a duplicate key");
	else if (r->ncost == REQUEST_COST_MAX)
		set_fault(s, key->raw.p, key->raw,
		    "exceeds the limit of 16 entries in \"cost\"");
	else
		r->cost[r->ncost++] = (struct request_cost){ name, amount };
}

static void
take_cost(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct json j;
	struct json_value name, value;

	if (v->kind == JSON_NULL)
		return;
	if (v->kind != JSON_OBJECT) {
		set_fault(s, v->raw.p, key->raw,
		    "must be an object of budget names and numbers");
		return;
	}
	if (s->r->cost == NULL)
		s->r->cost = mem_zalloc(REQUEST_COST_MAX, sizeof(*s->r->cost));
	json_start(&j, v->raw);
	json_enter(&j);
	while (!s->bad && json_member(&j, &name) == 1 &&
	       json_value(&j, &value) == 0)
		take_amount(s, &name, &value);
}

/* Whether it is a safe name turns out when the file gets it. */
static void
take_output(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct span name;

	if (!expect_string(s, key, v))
		return;
	name = take_string(s, v);
	if (name.n == 0)
		set_fault(s, v->raw.p, key->raw, "is not a file name");
	else
		s->r->output = name;
}

static void
take_sha256(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	struct span hex;
	size_t i;

	if (!expect_string(s, key, v))
		return;
	hex = take_string(s, v);
	for (i = 0; i < hex.n && span_hex_value(hex.p[i]) >= 0; i++)
		;
	if (hex.n != REQUEST_SHA256_HEX || i < hex.n)
		set_fault(
		    s, v->raw.p, key->raw, "must be 64 hexadecimal digits");
	else
		s->r->sha256 = hex;
}

static const struct key {
	const char *name;
	size_t n;
	unsigned seen;
	void (*take)(struct parse *s, const struct json_value *key,
	    const struct json_value *v);
} keys[] = {
#define KEY(name, seen, take) \
	{ \
		name, sizeof(name) - 1, seen, take \
	}
	KEY("url", SEEN_URL, take_url),
	KEY("id", SEEN_ID, take_id),
	KEY("custom_id", SEEN_ID, take_custom_id),
	KEY("method", SEEN_METHOD, take_method),
	KEY("headers", SEEN_HEADERS, take_headers),
	KEY("body", SEEN_BODY, take_body),
	KEY("body_base64", SEEN_BODY, take_body_base64),
	KEY("body_file", SEEN_BODY, take_body_file),
	KEY("meta", SEEN_META, take_meta),
	KEY("timeout", SEEN_TIMEOUT, take_timeout),
	KEY("retry", SEEN_RETRY, take_retry),
	KEY("stream", SEEN_STREAM, take_stream),
	KEY("cost", SEEN_COST, take_cost),
	KEY("output", SEEN_OUTPUT, take_output),
	KEY("sha256", SEEN_SHA256, take_sha256),
#undef KEY
};

static void
take_member(
    struct parse *s, const struct json_value *key, const struct json_value *v)
{
	size_t at = s->r->store.n, i;
	struct span name = take_string(s, key);

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (span_eq(name, span_of(keys[i].name, keys[i].n)))
			break;
	s->r->store.n = at;
	if (i == sizeof(keys) / sizeof(keys[0])) {
		set_fault(s, key->raw.p, key->raw, "is not a known key");
		return;
	}
	if ((s->seen & keys[i].seen) != 0) {
		set_fault(s, key->raw.p, key->raw,
		    keys[i].seen == SEEN_BODY
			? "is a second body; give one of \"body\", "
			  "\"body_base64\" and \"body_file\""
		    : keys[i].seen == SEEN_ID
			? "is a second id; give \"id\" or \"custom_id\""
			: "is a duplicate key");
		return;
	}
	s->seen |= keys[i].seen;
	keys[i].take(s, key, v);
}

/* Nothing of a line that is not valid JSON is used or echoed. */
static void
set_unreadable(struct parse *s, const struct json *j)
{
	struct request *r = s->r;
	char what[80];

	r->id = r->meta = r->url = SPAN_NONE;
	r->id_is_custom = 0;
	s->bad = 0;
	snprintf(what, sizeof(what), "not valid JSON: %s", j->why);
	set_fault(s, s->line.p + j->at, SPAN_NONE, what);
}

static void
parse_json(struct parse *s)
{
	struct json j;
	struct json_value key, v;

	s->r->is_json = 1;
	json_start(&j, s->line);
	json_enter(&j);
	while (json_member(&j, &key) == 1 && json_value(&j, &v) == 0)
		take_member(s, &key, &v);
	if (json_end(&j) == -1)
		set_unreadable(s, &j);
	else if ((s->seen & SEEN_URL) == 0)
		set_fault(s, s->line.p, SPAN("\"url\""), "is missing");
}

static void
parse_url_line(struct parse *s, struct span url)
{
	s->r->url = url;
	if (has_nul(url))
		set_fault(s, memchr(url.p, '\0', url.n), SPAN_NONE,
		    "the line contains a NUL byte");
}

static void
reset(struct request *r)
{
	struct http_header *header = r->header;
	size_t header_cap = r->header_cap;
	struct request_cost *cost = r->cost;
	struct buf store = r->store;

	buf_clear(&store, STORE_KEEP);
	*r = (struct request){
		.header = header,
		.header_cap = header_cap,
		.cost = cost,
		.store = store,
		.timeout_us = -1,
		.retry = -1,
		.stream = -1,
	};
}

enum err
request_parse(struct request *r, struct span line, struct request_fault *fault)
{
	struct parse s = { .r = r, .line = line, .fault = fault };
	struct span trimmed = span_trim(line);

	reset(r);
	if (trimmed.n > 0 && trimmed.p[0] == '{')
		parse_json(&s);
	else
		parse_url_line(&s, trimmed);
	return s.bad ? E_INPUT_INVALID : E_OK;
}

void
request_fini(struct request *r)
{
	free(r->header);
	free(r->cost);
	buf_fini(&r->store);
	*r = (struct request){ 0 };
}
