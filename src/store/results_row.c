/* SPDX-License-Identifier: ISC */
/*
 * A record line as a row. The columns are the keys of the record, in the order
 * of their table, without `type` (it is the same in every row) and without
 * `body_base64`: such a body is stored as its bytes, in `body`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/json/json.h"
#include "store/results_int.h"

#define KEEP_BYTES (1u << 20) /* of scratch memory */

enum kind {
	NOT_STORED,
	SEQ,
	INTEGER, /* also a bool: 0 or 1 */
	REAL,
	TEXT,
	BYTES,  /* base64 of the column `body` */
	SCALAR, /* an id: a string, or a number */
	JSON,   /* its text; null is NULL */
	ANY,    /* its text; null too, as without the key it is NULL */
};

static const struct key {
	const char *name, *type;
} keys[RESULTS_NKEY] = {
#define KEY(id, name, when, value, type, text) { name, type },
#define WIDE(id, name, type, text) { name, type },
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
};

static int
has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static enum kind
kind_of(const struct key *k)
{
	if (strcmp(k->name, "type") == 0)
		return NOT_STORED;
	if (strcmp(k->name, "seq") == 0)
		return SEQ;
	if (strcmp(k->name, "body_base64") == 0)
		return BYTES;
	if (strcmp(k->name, "id") == 0 || strcmp(k->name, "custom_id") == 0)
		return SCALAR;
	if (has_prefix(k->type, "int") || has_prefix(k->type, "bool"))
		return INTEGER;
	if (has_prefix(k->type, "number"))
		return REAL;
	if (has_prefix(k->type, "any"))
		return ANY;
	return has_prefix(k->type, "string") ? TEXT : JSON;
}

static int
is_column(enum kind k)
{
	return k != NOT_STORED && k != BYTES;
}

/* An id has the type that it has in the input: no affinity. */
static const char *
definition(enum kind k)
{
	switch (k) {
	case SEQ:
		return "INTEGER PRIMARY KEY";
	case INTEGER:
		return "INTEGER";
	case REAL:
		return "REAL";
	case TEXT:
	case JSON:
	case ANY:
		return "TEXT";
	case SCALAR:
	case NOT_STORED:
	case BYTES:
		return "";
	}
	return "";
}

const char *
results_column(int i, const char **name)
{
	int k;

	for (k = 0; k < RESULTS_NKEY; k++)
		if (is_column(kind_of(&keys[k])) && i-- == 0) {
			*name = keys[k].name;
			return definition(kind_of(&keys[k]));
		}
	return NULL;
}

void
results_columns(struct buf *sql)
{
	const char *type, *name;
	int i;

	for (i = 0; (type = results_column(i, &name)) != NULL; i++)
		buf_printf(sql, "%s\"%s\" %s", i == 0 ? "" : ", ", name, type);
}

void
results_insert(struct results *r, struct buf *sql)
{
	int k, n = 0, body = 0;

	buf_printf(sql, "INSERT %sINTO results(",
	    r->flags & RESULTS_REPLACE ? "OR REPLACE " : "");
	for (k = 0; k < RESULTS_NKEY; k++) {
		r->kind[k] = (unsigned char)kind_of(&keys[k]);
		if (!is_column(kind_of(&keys[k])))
			continue;
		r->parameter[k] = (unsigned char)++n;
		if (strcmp(keys[k].name, "body") == 0)
			body = n;
		buf_printf(sql, "%s\"%s\"", n == 1 ? "" : ",", keys[k].name);
	}
	for (k = 0; k < RESULTS_NKEY; k++)
		if (r->kind[k] == BYTES)
			r->parameter[k] = (unsigned char)body;
	buf_str(sql, ") VALUES (?");
	while (--n > 0)
		buf_str(sql, ",?");
	buf_str(sql, ")");
}

/* ---- one line ---- */

static int
refuse(struct results *r, const char *what)
{
	snprintf(r->why, sizeof(r->why), "a record cannot be stored: %s", what);
	return -1;
}

/* The number of the key; they come in the order of the table, so that the
 * search begins after the last one. RESULTS_NKEY: unknown. */
static int
find_key(struct span name, int after)
{
	int i, k;

	for (i = 1; i <= RESULTS_NKEY; i++) {
		k = (after + i) % RESULTS_NKEY;
		if (span_eq(name, span_str(keys[k].name)))
			return k;
	}
	return RESULTS_NKEY;
}

static int
bind_text(struct results *r, int at, struct span s)
{
	return sqlite3_bind_text64(
	    r->put, at, s.n > 0 ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

/* There is room for all strings of the line in r->scratch: it does not move. */
static int
bind_string(struct results *r, int at, const struct json_value *v)
{
	size_t from = r->scratch.n;

	if (!v->escaped)
		return bind_text(r, at, json_inside(v));
	json_unescape(&r->scratch, v);
	return bind_text(
	    r, at, span_of(r->scratch.p + from, r->scratch.n - from));
}

static int
bind_bytes(struct results *r, int at, const struct json_value *v)
{
	char *to = r->scratch.p + r->scratch.n;
	size_t n;

	if (base64_decode(to, &n, json_inside(v)) == -1)
		return SQLITE_MISMATCH;
	r->scratch.n += n;
	return sqlite3_bind_blob64(
	    r->put, at, n > 0 ? to : "", n, SQLITE_STATIC);
}

/* A number of another length is an id. */
#define NUMBER_MAX 63

/* A copy that ends with NUL. 0, or -1 if it is too long. */
static int
copy_number(char to[NUMBER_MAX + 1], const struct json_value *v)
{
	if (v->kind != JSON_NUMBER || v->raw.n > NUMBER_MAX)
		return -1;
	memcpy(to, v->raw.p, v->raw.n);
	to[v->raw.n] = '\0';
	return 0;
}

static int
bind_number(struct results *r, int at, const struct json_value *v, enum kind k)
{
	char text[NUMBER_MAX + 1], *end;
	int is_short = copy_number(text, v) == 0;
	long long n = 0;

	if (is_short && k != REAL) {
		errno = 0;
		n = strtoll(text, &end, 10);
		if (errno == 0 && *end == '\0')
			return sqlite3_bind_int64(r->put, at, n);
	}
	if (k == SCALAR) /* every digit of an id counts */
		return bind_text(r, at, v->raw);
	return is_short ? sqlite3_bind_double(r->put, at, strtod(text, NULL))
			: SQLITE_MISMATCH;
}

static int
bind_value(struct results *r, int at, const struct json_value *v, enum kind k)
{
	if (k == ANY || (k == JSON && v->kind != JSON_NULL))
		return bind_text(r, at, v->raw);
	switch (v->kind) {
	case JSON_NULL:
		return sqlite3_bind_null(r->put, at);
	case JSON_TRUE:
	case JSON_FALSE:
		return sqlite3_bind_int(r->put, at, v->kind == JSON_TRUE);
	case JSON_NUMBER:
		return bind_number(r, at, v, k);
	case JSON_STRING:
		return k == BYTES ? bind_bytes(r, at, v)
				  : bind_string(r, at, v);
	case JSON_LIST:
	case JSON_OBJECT:
		return bind_text(r, at, v->raw);
	}
	return SQLITE_MISMATCH;
}

static int
read_seq(const struct json_value *v, uint64_t *seq)
{
	char text[NUMBER_MAX + 1], *end;

	if (copy_number(text, v) == -1 || text[0] == '-')
		return -1;
	errno = 0;
	*seq = strtoull(text, &end, 10);
	return *seq > 0 && *seq <= INT64_MAX && errno == 0 && *end == '\0' ? 0
									   : -1;
}

int
results_bind(struct results *r, struct span line, uint64_t *seq)
{
	struct json_value key, v;
	int k = 0, more, rc;
	enum kind kind;
	struct json j;

	*seq = 0;
	buf_clear(&r->scratch, KEEP_BYTES);
	(void)buf_reserve(&r->scratch, line.n + 1);
	sqlite3_clear_bindings(r->put);
	if (line.n == 0 || line.p[0] != '{')
		return refuse(r, "its line is not a JSON object");
	json_start_answer(&j, line);
	(void)json_enter(&j);
	while ((more = json_member(&j, &key)) == 1 && json_value(&j, &v) == 0) {
		k = find_key(json_inside(&key), k);
		if (k == RESULTS_NKEY)
			return refuse(r, "it has an unknown key");
		kind = (enum kind)r->kind[k];
		if (kind == SEQ && read_seq(&v, seq) == -1)
			return refuse(r, "its seq is not a number from 1");
		if (kind == SEQ || kind == NOT_STORED)
			continue;
		rc = bind_value(r, r->parameter[k], &v, kind);
		if (rc == SQLITE_TOOBIG)
			return refuse(r, "it is larger than a row can be");
		if (rc != SQLITE_OK)
			return refuse(r, sqlite3_errstr(rc));
	}
	if (more != 0 || json_end(&j) == -1)
		return refuse(r, "its line is not complete JSON");
	return *seq > 0 ? 0 : refuse(r, "it has no seq");
}
