/* SPDX-License-Identifier: ISC */
/*
 * Parses rate limit headers. Each field adds one value to the entry of its
 * limit; entries with a remaining count are returned. The parser knows families
 * of header names, not services.
 */
#include "codec/http/ratelimit.h"

#include "codec/http/date.h"
#include "codec/http/duration.h"
#include "codec/http/list.h"

#define US_PER_S 1000000
/* Resets above these values, in milliseconds, are points in time. */
#define UNIX_S_FROM (INT64_C(1000000000) * 1000)
#define UNIX_MS_FROM (INT64_C(1000000000000) * 1000)

enum part { LIMIT, REMAINING, RESET, PARTS };

/* The values of one limit; -1: not given. */
struct entry {
	size_t family;
	struct span name;
	int64_t value[PARTS];
	int bad;
};

struct reader {
	int64_t wall_us;
	size_t n;
	struct entry list[HTTP_RATELIMIT_MAX];
};

static const struct span part_names[PARTS] = {
	{ "limit", 5 },
	{ "remaining", 9 },
	{ "reset", 5 },
};

/* Prefixes of field names. All fields of a limit are of one family. */
static const struct span families[] = {
	{ "x-ratelimit-", 12 },
	{ "x-rate-limit-", 13 },
	{ "ratelimit-", 10 },
	{ "anthropic-ratelimit-", 20 },
};

#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

/* ---- values; -1: malformed ---- */

/* A number, rounded down. */
static int64_t
parse_count(struct span s)
{
	int64_t v = http_duration_number(&s, 1);

	return s.n == 0 ? v : -1;
}

static int64_t
parse_reset(struct span s, int64_t wall_us)
{
	struct span left = s;
	int64_t v = http_duration_number(&left, 1000), unix_s;

	if (left.n == 0 && v > UNIX_MS_FROM)
		return http_duration_until(v, wall_us);
	if (left.n == 0 && v > UNIX_S_FROM)
		return http_duration_until(v * 1000, wall_us);
	if (left.n == 0 && v >= 0)
		return v * 1000;
	if (http_date_rfc3339(s, &v) == 0)
		return http_duration_until(v, wall_us);
	if (http_date_parse(s, wall_us / US_PER_S, &unix_s) == 0)
		return http_duration_until(unix_s * US_PER_S, wall_us);
	return http_duration_us(s);
}

/* ---- limits ---- */

/* Finds or makes the entry of that name; NULL if there are too many. */
static struct entry *
find_entry(struct reader *r, size_t family, struct span name)
{
	struct entry *e;

	for (e = r->list; e < r->list + r->n; e++)
		if (e->family == family && span_eq(e->name, name))
			return e;
	if (r->n == HTTP_RATELIMIT_MAX)
		return NULL;
	r->n++;
	*e = (struct entry){
		.family = family, .name = name, .value = { -1, -1, -1 }
	};
	return e;
}

static void
put(struct reader *r, struct entry *e, enum part part, struct span value)
{
	int64_t v;

	value = span_trim(value);
	if (part == RESET)
		v = parse_reset(value, r->wall_us);
	else
		v = parse_count(value);
	if (part == LIMIT && v == -1)
		return;
	if (v == -1 || (e->value[part] != -1 && e->value[part] != v))
		e->bad = 1;
	e->value[part] = v;
}

/* Removes the word at one end of *s and the hyphen beside it. 0: not there. */
static int
drop_word(struct span *s, struct span word)
{
	size_t n = word.n + 1;

	if (span_eq(*s, word))
		*s = SPAN("");
	else if (s->n > n && s->p[word.n] == '-' &&
		 span_eq(span_of(s->p, word.n), word))
		*s = span_skip(*s, n);
	else if (s->n > n && s->p[s->n - n] == '-' &&
		 span_eq(span_skip(*s, s->n - word.n), word))
		s->n -= n;
	else
		return 0;
	return 1;
}

/* `name` is the part of the field name after its family: "remaining",
 * "remaining-tokens" or "tokens-remaining". */
static void
read_field(struct reader *r, size_t family, struct span name, struct span value)
{
	struct entry *e;
	size_t part;

	for (part = 0; part < PARTS && !drop_word(&name, part_names[part]);)
		part++;
	if (part == PARTS)
		return;
	value = http_list_part(&value, ';'); /* "76;w=21600" */
	if (part == LIMIT)
		value = http_list_part(&value, ','); /* "100, 100;w=60" */
	e = find_entry(r, family, name);
	if (e != NULL)
		put(r, e, (enum part)part, value);
}

/* ---- RateLimit: (drafts of draft-ietf-httpapi-ratelimit-headers) ---- */

/* `r=5` or `t=30` after a policy's name (from draft 8 on). */
static void
read_parameter(struct reader *r, struct entry *e, struct span value)
{
	struct span key = http_list_part(&value, '=');

	if (span_eq(key, SPAN("r")))
		put(r, e, REMAINING, value);
	else if (span_eq(key, SPAN("t")))
		put(r, e, RESET, value);
}

static void
read_policy(struct reader *r, struct span name, struct span parameters)
{
	struct entry *e;

	if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
		name = span_of(name.p + 1, name.n - 2);
	e = find_entry(r, N_FAMILIES, name);
	while (e != NULL && parameters.n > 0)
		read_parameter(r, e, http_list_part(&parameters, ';'));
}

/* A list of policies, or `limit=100, remaining=50, reset=5` (drafts 3 to 7). */
static void
read_list(struct reader *r, struct span list)
{
	struct span member, head, key, value;

	while (http_list_next(&list, &member)) {
		head = value = http_list_part(&member, ';');
		key = http_list_part(&value, '=');
		if (key.n < head.n)
			read_field(r, N_FAMILIES, key, value);
		else if (head.n > 0)
			read_policy(r, head, member);
	}
}

static void
read_any(struct reader *r, struct span name, struct span value)
{
	struct span prefix;
	size_t i;

	if (span_eq(name, SPAN("ratelimit")))
		read_list(r, value);
	for (i = 0; i < N_FAMILIES; i++) {
		prefix = families[i];
		if (name.n > prefix.n &&
		    memcmp(name.p, prefix.p, prefix.n) == 0)
			read_field(r, i, span_skip(name, prefix.n), value);
	}
}

size_t
http_ratelimit_read(const struct http_fields *f, int64_t wall_us,
    struct http_ratelimit v[HTTP_RATELIMIT_MAX])
{
	struct reader r = { .wall_us = wall_us };
	const struct entry *e;
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		read_any(&r, http_field_name(f, i), http_field_value(f, i));
	for (e = r.list; e < r.list + r.n; e++)
		if (!e->bad && e->value[REMAINING] != -1)
			v[n++] =
			    (struct http_ratelimit){ e->name, e->value[LIMIT],
				    e->value[REMAINING], e->value[RESET] };
	return n;
}
