/* SPDX-License-Identifier: ISC */
/*
 * Parses Content-Type by the grammar of the MIME Sniffing standard, which
 * equals RFC 9110's for well-formed values and tolerates spaces around "=".
 * Classifies types as HTML, XML, text or other.
 */
#include "codec/media_type.h"

#include "codec/http/http.h"
#include "codec/http/list.h"

#define SNIFF_BYTES 1024

/* The bytes before the first a or b. */
static struct span
until(struct span s, char a, char b)
{
	size_t i;

	for (i = 0; i < s.n && s.p[i] != a && s.p[i] != b;)
		i++;
	return span_of(s.p, i);
}

/* The length of the quoted string at the front of s, with its quotes. */
static size_t
quoted_bytes(struct span s)
{
	size_t i;

	for (i = 1; i < s.n && s.p[i] != '"'; i++)
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
	return i < s.n ? i + 1 : s.n;
}

/* Removes a parameter value from *s, up to and including the next semicolon.
 * Returns it as written. */
static struct span
take_value(struct span *s)
{
	struct span value, junk;

	while (s->n > 0 && span_is_space(s->p[0]))
		*s = span_skip(*s, 1);
	if (s->n > 0 && s->p[0] == '"')
		value = span_of(s->p, quoted_bytes(*s));
	else
		value = until(*s, ';', ';');
	*s = span_skip(*s, value.n);
	junk = until(*s, ';', ';');
	*s = span_skip(*s, junk.n < s->n ? junk.n + 1 : junk.n);
	return span_trim_space(value);
}

/* The first charset among the parameters, as written; or p NULL. */
static struct span
find_charset(struct span s)
{
	struct span name, value;

	while (s.n > 0) {
		name = until(s, ';', '=');
		s = span_skip(s, name.n);
		if (s.n == 0)
			break;
		s = span_skip(s, 1);
		if (name.p[name.n] == ';')
			continue;
		value = take_value(&s);
		if (value.n > 0 &&
		    span_ieq(span_trim_space(name), SPAN("charset")))
			return value;
	}
	return SPAN_NONE;
}

/* Removes "type/subtype" from the front of *s. 0 if there is none. */
static int
take_type(struct span *s, struct span *type)
{
	struct span name;

	*type = span_trim_space(until(*s, ';', ';'));
	name = until(*type, '/', '/');
	*s = span_skip(*s, until(*s, ';', ';').n);
	if (s->n > 0)
		*s = span_skip(*s, 1);
	return name.n < type->n && http_is_token(name) &&
	       http_is_token(span_skip(*type, name.n + 1));
}

/* Appends a value in lower case, without its quotes and backslashes. */
static void
add_value(struct buf *out, struct span s)
{
	size_t i;

	if (s.n == 0 || s.p[0] != '"') {
		buf_lower(out, s);
		return;
	}
	for (i = 1; i < s.n && s.p[i] != '"'; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		buf_char(out, span_lower(s.p[i]));
	}
}

static void
keep(struct media_type *m, struct span type, struct span charset)
{
	m->text.n = 0;
	(void)buf_reserve(&m->text, type.n + charset.n + 1);
	buf_lower(&m->text, type);
	add_value(&m->text, charset);
	m->type = span_of(m->text.p, type.n);
	m->charset = SPAN_NONE;
	if (charset.p != NULL)
		m->charset = span_of(m->text.p + type.n, m->text.n - type.n);
}

void
media_type_read(struct media_type *m, struct span value)
{
	struct span one, type, found, last = SPAN_NONE, charset = SPAN_NONE;
	int known;

	while (http_list_next(&value, &one)) {
		one = span_trim_space(one);
		known = take_type(&one, &type) && !span_eq(type, SPAN("*/*"));
		found = find_charset(one);
		if (!known) {
			if (last.n == 0 && found.p != NULL)
				charset = found;
			continue;
		}
		if (found.p != NULL || !span_ieq(type, last))
			charset = found;
		last = type;
	}
	keep(m, last, charset);
}

void
media_type_clear(struct media_type *m, size_t keep_bytes)
{
	buf_clear(&m->text, keep_bytes);
	m->type = m->charset = SPAN_NONE;
}

void
media_type_fini(struct media_type *m)
{
	buf_fini(&m->text);
	*m = (struct media_type){ 0 };
}

/* ---- kinds ---- */

/* "+xml" alone is not a media type. */
static int
has_suffix(struct span s, struct span suffix)
{
	return s.n > suffix.n && span_ends(s, suffix);
}

static int
contains(struct span s, struct span what)
{
	for (; s.n >= what.n; s = span_skip(s, 1))
		if (span_ieq(span_of(s.p, what.n), what))
			return 1;
	return 0;
}

/* Is it a byte of a byte order mark, or the zero byte of an ASCII character in
 * UTF-16? */
static int
is_encoding_byte(char c)
{
	return c == '\0' || memchr("\xef\xbb\xbf\xfe\xff", c, 5) != NULL;
}

/* Guesses the kind from the first bytes. */
static enum media_kind
sniff(struct span body)
{
	char text[SNIFF_BYTES];
	struct span s = { text, 0 };
	size_t i;

	for (i = 0; i < body.n && i < SNIFF_BYTES; i++)
		if (!is_encoding_byte(body.p[i]) &&
		    (s.n > 0 || !span_is_html_space(body.p[i])))
			text[s.n++] = body.p[i];
	if (s.n == 0 || s.p[0] != '<')
		return MEDIA_TEXT;
	if (s.n >= 5 && span_ieq(span_of(s.p, 5), SPAN("<?xml")) &&
	    !contains(s, SPAN("<html")))
		return MEDIA_XML;
	return MEDIA_HTML;
}

/* No type, or one that means unknown (MIME Sniffing standard, section 7). */
static int
is_unknown(struct span t)
{
	return t.n == 0 || span_eq(t, SPAN("unknown/unknown")) ||
	       span_eq(t, SPAN("application/unknown"));
}

enum media_kind
media_type_kind(const struct media_type *m, struct span body)
{
	struct span t = m->type;

	if (is_unknown(t))
		return sniff(body);
	if (span_eq(t, SPAN("text/html")) || has_suffix(t, SPAN("xhtml+xml")))
		return MEDIA_HTML;
	if (span_eq(t, SPAN("text/xml")) ||
	    span_eq(t, SPAN("application/xml")) || has_suffix(t, SPAN("+xml")))
		return MEDIA_XML;
	if (span_starts(t, SPAN("text/")) ||
	    span_eq(t, SPAN("application/json")) ||
	    span_eq(t, SPAN("application/javascript")) ||
	    has_suffix(t, SPAN("+json")))
		return MEDIA_TEXT;
	return MEDIA_OTHER;
}

int
media_type_may_be_json(struct span type)
{
	return is_unknown(type) || span_eq(type, SPAN("application/json")) ||
	       span_eq(type, SPAN("text/json")) ||
	       has_suffix(type, SPAN("+json"));
}
