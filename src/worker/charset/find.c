/* SPDX-License-Identifier: ISC */
/*
 * Finds the encoding that a document or its header declares: BOM, Content-Type,
 * the prescan of the HTML standard (section 13.2.3.2), the XML declaration.
 */
#include "worker/charset/charset_int.h"

#include <stdlib.h>

#define PRESCAN 1024

/* The bytes still to be scanned. */
struct scan {
	const char *p, *end;
};

struct attr {
	struct span name, value;
};

/* The attributes of a <meta> so far. */
struct meta {
	int got_pragma, need_pragma; /* need_pragma -1: unknown */
	int has_charset;
	enum charset_id id;
};

static const struct {
	const char *label;
	enum charset_id id;
} label_table[] = {
#define LABEL(label, id) { label, id },
#include "worker/charset/labels.h"
#undef LABEL
};

static struct span
trim(struct span s)
{
	while (s.n > 0 && span_is_html_space(s.p[0]))
		s.p++, s.n--;
	while (s.n > 0 && span_is_html_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static int
by_label(const void *key, const void *row)
{
	const struct span *s = key;
	const char *label = *(const char *const *)row;
	size_t i;
	int a, b;

	for (i = 0; i < s->n; i++) {
		a = (unsigned char)span_lower(s->p[i]);
		b = (unsigned char)label[i];
		if (a != b || b == 0)
			return a < b ? -1 : 1;
	}
	return label[i] == '\0' ? 0 : -1;
}

enum charset_id
charset_find_label(struct span label)
{
	size_t n = sizeof(label_table) / sizeof(label_table[0]), at;
	const char *row;

	label = trim(label);
	row = bsearch(&label, label_table, n, sizeof(label_table[0]), by_label);
	if (row == NULL)
		return CHARSET_NONE;
	at = (size_t)(row - (const char *)label_table) / sizeof(label_table[0]);
	return label_table[at].id;
}

enum charset_id
charset_find_bom(struct span body, size_t *bytes)
{
	*bytes = 3;
	if (body.n >= 3 && memcmp(body.p, "\xef\xbb\xbf", 3) == 0)
		return CHARSET_UTF_8;
	*bytes = 2;
	if (body.n >= 2 && memcmp(body.p, "\xff\xfe", 2) == 0)
		return CHARSET_UTF_16LE;
	if (body.n >= 2 && memcmp(body.p, "\xfe\xff", 2) == 0)
		return CHARSET_UTF_16BE;
	*bytes = 0;
	return CHARSET_NONE;
}

enum charset_id
charset_find_parameter(struct span charset)
{
	while (charset.n > 0 && charset.p[0] == '\'')
		charset.p++, charset.n--;
	while (charset.n > 0 && charset.p[charset.n - 1] == '\'')
		charset.n--;
	return charset_find_label(charset);
}

/* The first occurrence of `what` (lower case) from p on; or NULL. */
static const char *
find(const char *p, const char *end, const char *what)
{
	size_t n = strlen(what);

	for (; (size_t)(end - p) >= n; p++)
		if (span_ieq(span_of(p, n), span_of(what, n)))
			return p;
	return NULL;
}

static int
starts(const struct scan *s, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(s->end - s->p) >= n &&
	       span_ieq(span_of(s->p, n), span_of(what, n));
}

/* "Extracting a character encoding from a meta element", from its content. */
static enum charset_id
find_in_content(struct span content)
{
	const char *p = content.p, *end = content.p + content.n, *q;

	for (;;) {
		p = find(p, end, "charset");
		if (p == NULL)
			return CHARSET_NONE;
		for (p += 7; p < end && span_is_html_space(*p);)
			p++;
		if (p < end && *p == '=')
			break;
	}
	for (p++; p < end && span_is_html_space(*p);)
		p++;
	if (p == end)
		return CHARSET_NONE;
	if (*p == '"' || *p == '\'') {
		q = memchr(p + 1, *p, (size_t)(end - p - 1));
		if (q == NULL)
			return CHARSET_NONE;
		return charset_find_label(span_of(p + 1, (size_t)(q - p - 1)));
	}
	for (q = p; q < end && !span_is_html_space(*q) && *q != ';';)
		q++;
	return charset_find_label(span_of(p, (size_t)(q - p)));
}

static void
skip_blanks(struct scan *s)
{
	while (s->p < s->end && span_is_html_space(*s->p))
		s->p++;
}

static struct span
take_value(struct scan *s)
{
	const char *start = s->p, *q;

	if (s->p < s->end && (*s->p == '"' || *s->p == '\'')) {
		q = memchr(s->p + 1, *s->p, (size_t)(s->end - s->p - 1));
		s->p = q != NULL ? q + 1 : s->end;
		return span_of(
		    start + 1, (size_t)((q != NULL ? q : s->end) - start - 1));
	}
	while (s->p < s->end && !span_is_html_space(*s->p) && *s->p != '>')
		s->p++;
	return span_of(start, (size_t)(s->p - start));
}

/* "Get an attribute": 1, or 0 at the end of the tag or of the bytes. */
static int
take_attr(struct scan *s, struct attr *a)
{
	const char *start;

	while (s->p < s->end && (span_is_html_space(*s->p) || *s->p == '/'))
		s->p++;
	if (s->p == s->end || *s->p == '>')
		return 0;
	start = s->p;
	while (s->p < s->end && !span_is_html_space(*s->p) && *s->p != '/' &&
	       *s->p != '>' && (*s->p != '=' || s->p == start))
		s->p++;
	a->name = span_of(start, (size_t)(s->p - start));
	a->value = SPAN("");
	skip_blanks(s);
	if (s->p < s->end && *s->p == '=') {
		s->p++;
		skip_blanks(s);
		a->value = take_value(s);
	}
	/* An attribute truncated at the end of the scan does not count. */
	return s->p < s->end;
}

static void
hear_attr(struct meta *m, const struct attr *a)
{
	enum charset_id id;

	if (span_ieq(a->name, SPAN("http-equiv"))) {
		if (span_ieq(a->value, SPAN("content-type")))
			m->got_pragma = 1;
	} else if (span_ieq(a->name, SPAN("content"))) {
		id = find_in_content(a->value);
		if (id != CHARSET_NONE && !m->has_charset) {
			m->id = id;
			m->has_charset = 1;
			m->need_pragma = 1;
		}
	} else if (span_ieq(a->name, SPAN("charset"))) {
		m->id = charset_find_label(a->value);
		m->has_charset = 1;
		m->need_pragma = 0;
	}
}

/* Reads the attributes of a <meta>; the first of each name counts. */
static enum charset_id
take_meta(struct scan *s)
{
	struct meta m = { .need_pragma = -1, .id = CHARSET_NONE };
	struct span seen[3] = { { 0 } };
	struct attr a;
	size_t i, n = 0;

	while (take_attr(s, &a)) {
		if (!span_ieq(a.name, SPAN("http-equiv")) &&
		    !span_ieq(a.name, SPAN("content")) &&
		    !span_ieq(a.name, SPAN("charset")))
			continue;
		for (i = 0; i < n && !span_ieq(seen[i], a.name);)
			i++;
		if (i < n)
			continue;
		seen[n++] = a.name;
		hear_attr(&m, &a);
	}
	if (s->p == s->end || m.need_pragma < 0 ||
	    (m.need_pragma && !m.got_pragma))
		return CHARSET_NONE;
	/* A readable <meta> proves that the bytes are not UTF-16. */
	if (m.id == CHARSET_UTF_16LE || m.id == CHARSET_UTF_16BE)
		return CHARSET_UTF_8;
	if (m.id == CHARSET_X_USER_DEFINED)
		return CHARSET_WINDOWS_1252;
	return m.id;
}

static int
is_tag(const struct scan *s)
{
	const char *p = s->p + 1;

	if (p < s->end && *p == '/')
		p++;
	return p < s->end && span_is_letter(*p);
}

static void
skip_tag(struct scan *s)
{
	struct attr a;

	while (s->p < s->end && !span_is_html_space(*s->p) && *s->p != '>')
		s->p++;
	while (take_attr(s, &a))
		;
}

/* Skips the markup that begins with the '<' at s->p. */
static void
skip_markup(struct scan *s)
{
	const char *end = NULL;

	if (starts(s, "<!--"))
		/* The dashes of the start may be part of the end. */
		end = find(s->p + 2, s->end, "-->");
	else if (is_tag(s)) {
		skip_tag(s);
		return;
	} else if (starts(s, "<!") || starts(s, "</") || starts(s, "<?"))
		end = memchr(s->p, '>', (size_t)(s->end - s->p));
	else
		end = s->p;
	s->p = end != NULL ? end : s->end;
}

static int
is_meta(const struct scan *s)
{
	return starts(s, "<meta") && s->end - s->p > 5 &&
	       (span_is_html_space(s->p[5]) || s->p[5] == '/');
}

enum charset_id
charset_find_meta(struct span body)
{
	struct scan s = { body.p, body.p };
	enum charset_id id;

	if (body.n == 0)
		return CHARSET_NONE;
	s.end += body.n < PRESCAN ? body.n : PRESCAN;
	while (s.p < s.end) {
		s.p = memchr(s.p, '<', (size_t)(s.end - s.p));
		if (s.p == NULL)
			return CHARSET_NONE;
		if (is_meta(&s)) {
			s.p += strlen("<meta");
			id = take_meta(&s);
			if (id != CHARSET_NONE)
				return id;
		} else
			skip_markup(&s);
		s.p += s.p < s.end;
	}
	return CHARSET_NONE;
}

/* The value of "encoding" in the XML declaration. */
static struct span
take_declared(struct scan *s)
{
	const char *start, *q;

	while (s->p < s->end && (unsigned char)*s->p <= ' ')
		s->p++;
	if (s->p == s->end || *s->p++ != '=')
		return SPAN_NONE;
	while (s->p < s->end && (unsigned char)*s->p <= ' ')
		s->p++;
	if (s->p == s->end || (*s->p != '"' && *s->p != '\''))
		return SPAN_NONE;
	start = s->p + 1;
	q = memchr(start, *s->p, (size_t)(s->end - start));
	return q != NULL ? span_of(start, (size_t)(q - start)) : SPAN_NONE;
}

enum charset_id
charset_find_xml(struct span body)
{
	struct scan s = { body.p, body.p };
	enum charset_id id;

	if (body.n >= 6 && memcmp(body.p, "<\0?\0x\0", 6) == 0)
		return CHARSET_UTF_16LE;
	if (body.n >= 6 && memcmp(body.p, "\0<\0?\0x", 6) == 0)
		return CHARSET_UTF_16BE;
	if (body.n < 5 || memcmp(body.p, "<?xml", 5) != 0)
		return CHARSET_NONE;
	s.end = memchr(body.p, '>', body.n < PRESCAN ? body.n : PRESCAN);
	if (s.end == NULL)
		return CHARSET_NONE;
	s.p = find(body.p, s.end, "encoding");
	if (s.p == NULL)
		return CHARSET_NONE;
	s.p += strlen("encoding");
	id = charset_find_label(take_declared(&s));
	if (id == CHARSET_UTF_16LE || id == CHARSET_UTF_16BE)
		return CHARSET_UTF_8;
	return id;
}
