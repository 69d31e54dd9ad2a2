/* SPDX-License-Identifier: ISC */
/*
 * A strict JSON reader: a cursor over a text, with one bit of state for each
 * open list or object.
 */
#include "codec/json/json.h"

#include <endian.h>

#include "base/check.h"
#include "base/utf8.h"

struct span
json_trim(struct span text)
{
	return span_trim_space(utf8_skip_bom(text));
}

static int
fail(struct json *j, size_t at, const char *why)
{
	j->at = at;
	j->why = why;
	return -1;
}

/* Moves to the next byte that is not white space; -1 at the end. */
static int
next_byte(struct json *j)
{
	for (; j->at < j->text.n; j->at++)
		if (!span_is_space(j->text.p[j->at]))
			return (unsigned char)j->text.p[j->at];
	return -1;
}

static int
is_digit(struct span s, size_t i)
{
	return i < s.n && span_is_digit(s.p[i]);
}

/* Four hex digits at s.p[i], or -1. */
static int
hex4(struct span s, size_t i)
{
	int v = 0, digit, k;

	if (s.n < 4 || i > s.n - 4)
		return -1;
	for (k = 0; k < 4; k++) {
		digit = span_hex_value(s.p[i + (size_t)k]);
		if (digit == -1)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/* The code point of the \u escape whose first digit is s.p[i]; *n becomes the
 * bytes from there to its end. -1: malformed, -2: half of a pair, alone. */
static int
read_code_point(struct span s, size_t i, size_t *n)
{
	int hi = hex4(s, i), lo;

	*n = 4;
	if (hi < 0xd800 || hi > 0xdfff)
		return hi;
	if (hi > 0xdbff || s.n - i < 6 || s.p[i + 4] != '\\' ||
	    s.p[i + 5] != 'u')
		return -2;
	lo = hex4(s, i + 6);
	if (lo < 0xdc00 || lo > 0xdfff)
		return -2;
	*n = 10;
	return 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
}

/* Advances *i over the escape that begins there with a backslash. */
static int
skip_escape(struct json *j, size_t *i)
{
	struct span s = j->text;
	size_t n;
	int c;

	if (*i + 1 == s.n)
		return fail(j, *i, "incomplete escape");
	if (s.p[*i + 1] != 'u') {
		if (strchr("\"\\/bfnrt", s.p[*i + 1]) == NULL ||
		    s.p[*i + 1] == '\0')
			return fail(j, *i, "unknown escape");
		*i += 2;
		return 0;
	}
	c = read_code_point(s, *i + 2, &n);
	if (c == -1)
		return fail(j, *i, "malformed \\u escape");
	if (c == -2 && !j->is_answer)
		return fail(j, *i, "unpaired surrogate escape");
	*i += 2 + n;
	return 0;
}

/* The next byte from i on that is not a plain ASCII character of a string. */
static size_t
skip_plain(struct span s, size_t i)
{
	const uint64_t high = 0x8080808080808080ULL;
	uint64_t w, m;
	unsigned char c;

	while (s.n - i >= 8) {
		memcpy(&w, s.p + i, 8);
		m = json_special(le64toh(w), high);
		if (m != 0)
			return i + (size_t)__builtin_ctzll(m) / 8;
		i += 8;
	}
	for (; i < s.n; i++) {
		c = (unsigned char)s.p[i];
		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return i;
}

static int
read_string(struct json *j, struct json_value *v)
{
	struct span s = j->text;
	size_t start = j->at, i = start + 1, n;

	v->kind = JSON_STRING;
	v->escaped = 0;
	while ((i = skip_plain(s, i)) < s.n && s.p[i] != '"') {
		if (s.p[i] == '\\') {
			v->escaped = 1;
			if (skip_escape(j, &i) == -1)
				return -1;
			continue;
		}
		if ((unsigned char)s.p[i] < 0x20)
			return fail(
			    j, i, "unescaped control character in a string");
		n = utf8_len(span_of(s.p + i, s.n - i));
		if (n == 0)
			return fail(j, i, "not UTF-8");
		i += n;
	}
	if (i == s.n)
		return fail(j, start, "unterminated string");
	j->at = i + 1;
	return 0;
}

static int
read_number(struct json *j, struct json_value *v)
{
	struct span s = j->text;
	size_t i = j->at;

	v->kind = JSON_NUMBER;
	if (s.p[i] == '-')
		i++;
	if (!is_digit(s, i))
		return fail(j, i, "malformed number");
	if (s.p[i] == '0' && is_digit(s, i + 1))
		return fail(j, i, "number with a leading zero");
	while (is_digit(s, i))
		i++;
	if (i < s.n && s.p[i] == '.') {
		if (!is_digit(s, ++i))
			return fail(j, i, "malformed number");
		while (is_digit(s, i))
			i++;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		if (!is_digit(s, i))
			return fail(j, i, "malformed number");
		while (is_digit(s, i))
			i++;
	}
	j->at = i;
	return 0;
}

static int
read_word(
    struct json *j, struct json_value *v, struct span word, enum json_kind kind)
{
	if (j->text.n - j->at < word.n ||
	    memcmp(j->text.p + j->at, word.p, word.n) != 0)
		return fail(j, j->at, "expected a value");
	v->kind = kind;
	j->at += word.n;
	return 0;
}

/* Reads a string, number or literal that starts with c. */
static int
read_scalar(struct json *j, int c, struct json_value *v)
{
	if (c == '"')
		return read_string(j, v);
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(j, v);
	if (c == 'n')
		return read_word(j, v, SPAN("null"), JSON_NULL);
	if (c == 't')
		return read_word(j, v, SPAN("true"), JSON_TRUE);
	if (c == 'f')
		return read_word(j, v, SPAN("false"), JSON_FALSE);
	return fail(
	    j, j->at, c == -1 ? "unexpected end of text" : "expected a value");
}

static int
in_object(const struct json *j)
{
	unsigned at = j->depth - 1;

	return (int)(j->objects[at / 64] >> (at % 64) & 1);
}

static int
open_container(struct json *j, int c)
{
	uint64_t *word = &j->objects[j->depth / 64];
	uint64_t bit = (uint64_t)1 << (j->depth % 64);

	if (j->depth == j->depth_max)
		return fail(j, j->at,
		    j->is_answer ? "nested too deeply"
				 : "nested deeper than 64");
	j->depth++;
	*word = c == '{' ? *word | bit : *word & ~bit;
	j->first = 1;
	j->at++;
	return 0;
}

/* Skips to the end of the list or object just opened. */
static int
skip_container(struct json *j)
{
	unsigned outside = j->depth - 1;
	struct json_value v;
	int more, c;

	while (j->depth > outside) {
		more = in_object(j) ? json_member(j, &v) : json_element(j);
		if (more == -1)
			return -1;
		if (more == 0)
			continue;
		c = next_byte(j);
		if (c == '{' || c == '[')
			more = open_container(j, c);
		else
			more = read_scalar(j, c, &v);
		if (more == -1)
			return -1;
	}
	return 0;
}

/*
 * Before a member or an element: 1 when there is one, 0 when the container's
 * end was read.
 */
static int
next_inside(struct json *j, char end, const char *why)
{
	int c, first = j->first;

	if (j->why != NULL)
		return -1;
	c = next_byte(j);
	j->first = 0;
	if (c == end) {
		j->at++;
		j->depth--;
		return 0;
	}
	if (first)
		return 1;
	if (c != ',')
		return fail(j, j->at, c == -1 ? "unexpected end of text" : why);
	j->at++;
	return 1;
}

void
json_start(struct json *j, struct span text)
{
	*j = (struct json){ .text = text, .depth_max = JSON_DEPTH_MAX };
}

void
json_start_answer(struct json *j, struct span text)
{
	*j = (struct json){
		.text = text, .is_answer = 1, .depth_max = JSON_READER_DEPTH_MAX
	};
	j->at = text.n - utf8_skip_bom(text).n;
}

int
json_value(struct json *j, struct json_value *v)
{
	size_t start;
	int c;

	if (j->why != NULL)
		return -1;
	c = next_byte(j);
	start = j->at;
	v->escaped = 0;
	if (c == '{' || c == '[') {
		v->kind = c == '{' ? JSON_OBJECT : JSON_LIST;
		if (open_container(j, c) == -1 || skip_container(j) == -1)
			return -1;
	} else if (read_scalar(j, c, v) == -1)
		return -1;
	v->raw = span_of(j->text.p + start, j->at - start);
	return 0;
}

int
json_enter(struct json *j)
{
	int c;

	if (j->why != NULL)
		return -1;
	c = next_byte(j);
	if (c == '{' || c == '[')
		return open_container(j, c);
	return fail(j, j->at,
	    c == -1 ? "unexpected end of text"
		    : "expected an object or a list");
}

int
json_member(struct json *j, struct json_value *key)
{
	size_t start;
	int more;

	CHECK(j->why != NULL || (j->depth > 0 && in_object(j)));
	more = next_inside(j, '}', "expected ',' or '}'");
	if (more != 1)
		return more;
	if (next_byte(j) != '"')
		return fail(j, j->at, "expected a key");
	start = j->at;
	if (read_string(j, key) == -1)
		return -1;
	key->raw = span_of(j->text.p + start, j->at - start);
	if (next_byte(j) != ':')
		return fail(j, j->at, "expected ':'");
	j->at++;
	return 1;
}

int
json_element(struct json *j)
{
	CHECK(j->why != NULL || (j->depth > 0 && !in_object(j)));
	return next_inside(j, ']', "expected ',' or ']'");
}

int
json_end(struct json *j)
{
	if (j->why != NULL)
		return -1;
	CHECK(j->depth == 0);
	if (next_byte(j) != -1)
		return fail(j, j->at, "unexpected text after the value");
	return 0;
}

int
json_read_answer(struct span text, struct span *raw)
{
	struct json_value v;
	struct json j;

	json_start_answer(&j, text);
	j.depth_max = JSON_ANSWER_DEPTH_MAX;
	if (json_value(&j, &v) == -1 || json_end(&j) == -1)
		return 0;
	if (raw != NULL)
		*raw = v.raw;
	return 1;
}

struct span
json_inside(const struct json_value *v)
{
	CHECK(v->kind == JSON_STRING && v->raw.n >= 2);
	return span_of(v->raw.p + 1, v->raw.n - 2);
}

/* The byte that the escape \c denotes. */
static char
escaped_byte(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	}
	return c;
}

void
json_unescape(struct buf *out, const struct json_value *v)
{
	struct span s = json_inside(v);
	const char *q = s.p, *end = s.p + s.n, *slash;
	char *p, *start;
	size_t n;
	int c;

	if (s.n == 0)
		return;
	p = start = buf_reserve(out, s.n);
	while ((slash = memchr(q, '\\', (size_t)(end - q))) != NULL) {
		memcpy(p, q, (size_t)(slash - q));
		p += slash - q;
		q = slash + 2;
		if (slash[1] != 'u') {
			*p++ = escaped_byte(slash[1]);
			continue;
		}
		c = read_code_point(s, (size_t)(q - s.p), &n);
		CHECK(c != -1);
		if (c == -2)
			c = 0xfffd;
		p += utf8_put(p, (uint32_t)c);
		q += n;
	}
	memcpy(p, q, (size_t)(end - q));
	p += end - q;
	out->n += (size_t)(p - start);
}
