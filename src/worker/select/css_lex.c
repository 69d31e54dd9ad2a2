/* SPDX-License-Identifier: ISC */
/*
 * Splits a selector into tokens (CSS 2.1 section 4.1, as in cssselect 1.2).
 * Escapes are decoded in the same passes as in cssselect, so that even escapes
 * produced by an earlier pass have the same meaning.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "worker/select/css_int.h"

/* The length of the line end or space at s: 0, 1 or 2 bytes. */
static size_t
blank_len(struct span s)
{
	if (s.n == 0 || !span_is_html_space(s.p[0]))
		return 0;
	return s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n' ? 2 : 1;
}

/* The length of an escape \HHHHHH with the space after it; 0 if there is none.
 */
static size_t
hex_escape_len(struct span s)
{
	size_t i = 1;

	if (s.n < 2 || s.p[0] != '\\')
		return 0;
	while (i < s.n && i <= 6 && span_hex_value(s.p[i]) >= 0)
		i++;
	return i == 1 ? 0 : i + blank_len(span_skip(s, i));
}

static size_t
escape_len(struct span s)
{
	size_t n = hex_escape_len(s);

	if (n > 0)
		return n;
	if (s.n < 2 || s.p[0] != '\\' || strchr("\n\r\f", s.p[1]) != NULL)
		return 0;
	return 1 + utf8_len(span_skip(s, 1));
}

/* The length of a character of a name, or 0. */
static size_t
name_char_len(struct span s, int first)
{
	char c = s.n > 0 ? s.p[0] : '\0';

	if (span_is_letter(c) || c == '_')
		return 1;
	if (!first && (span_is_digit(c) || c == '-'))
		return 1;
	if ((unsigned char)c >= 0x80)
		return utf8_len(s);
	return escape_len(s);
}

static size_t
name_len(struct span s)
{
	size_t i = 0, n;

	while ((n = name_char_len(span_skip(s, i), 0)) > 0)
		i += n;
	return i;
}

static size_t
ident_len(struct span s)
{
	size_t i = s.n > 0 && s.p[0] == '-', n;

	n = name_char_len(span_skip(s, i), 1);
	if (n == 0)
		return 0;
	return i + n + name_len(span_skip(s, i + n));
}

static size_t
number_len(struct span s)
{
	size_t i = s.n > 0 && (s.p[0] == '+' || s.p[0] == '-'), start = i, end;

	while (i < s.n && span_is_digit(s.p[i]))
		i++;
	end = i > start ? i : 0;
	if (i < s.n && s.p[i] == '.') {
		for (i++; i < s.n && span_is_digit(s.p[i]); i++)
			end = i + 1;
	}
	return end;
}

/* The length of the string between the quotes, the first of which is s.p[0]. */
static size_t
string_len(struct span s)
{
	size_t i = 1, n;

	while (i < s.n && s.p[i] != s.p[0]) {
		n = 1;
		if (s.p[i] == '\\') {
			n = blank_len(span_skip(s, i + 1));
			if (n > 0 && strchr(" \t", s.p[i + 1]) == NULL)
				n++;
			else
				n = escape_len(span_skip(s, i));
		} else if (strchr("\n\r\f", s.p[i]) != NULL)
			n = 0;
		if (n == 0)
			break;
		i += n;
	}
	return i - 1;
}

/* First pass: removes escaped line ends in place. Returns the new length. */
static size_t
drop_line_ends(char *p, size_t n)
{
	size_t i, k, out = 0;

	for (i = 0; i < n; i++) {
		k = p[i] == '\\' ? blank_len(span_of(p + i + 1, n - i - 1)) : 0;
		if (k > 0 && strchr(" \t", p[i + 1]) == NULL)
			i += k;
		else
			p[out++] = p[i];
	}
	return out;
}

/* Second pass: decodes numeric escapes in place (none is shorter than its
 * character). SIZE_MAX if one is not a valid character. */
static size_t
resolve_numbers(char *p, size_t n)
{
	size_t i = 0, k, h, out = 0;
	uint32_t c;

	while (i < n) {
		k = hex_escape_len(span_of(p + i, n - i));
		if (k == 0) {
			p[out++] = p[i++];
			continue;
		}
		for (c = 0, h = 1; h < k && span_hex_value(p[i + h]) >= 0; h++)
			c = c * 16 + (uint32_t)span_hex_value(p[i + h]);
		if (c > 0x10ffff)
			c = 0xfffd;
		if (c == 0 || (c >= 0xd800 && c < 0xe000))
			return SIZE_MAX;
		i += k;
		out += utf8_put(p + out, c);
	}
	return out;
}

/* Third pass: removes backslashes before other characters. */
static size_t
drop_backslashes(char *p, size_t n)
{
	size_t i, out = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == '\\' && i + 1 < n && p[i + 1] != '\n')
			i++;
		p[out++] = p[i];
	}
	return out;
}

struct lex {
	struct css *c;
	struct span text;
	size_t i;                /* the next byte */
	struct css_token *token; /* the next one */
	char *value;             /* where its value goes */
};

static void
put_token(struct lex *l, enum css_token_kind kind, struct span value)
{
	l->token->kind = kind;
	l->token->value = value;
	l->token->at = l->i;
	l->token++;
}

/* Adds a token from `raw`, which may contain escapes. It uses `taken` bytes of
 * the text. */
static int
put_escaped(
    struct lex *l, enum css_token_kind kind, struct span raw, size_t taken)
{
	size_t n = raw.n;
	char *p = l->value;

	if (n > 0)
		memcpy(p, raw.p, n);
	if (kind == CSS_STRING)
		n = drop_line_ends(p, n);
	n = resolve_numbers(p, n);
	if (n == SIZE_MAX)
		return css_fail(
		    l->c, "the escape at %zu is not a valid character", l->i);
	n = drop_backslashes(p, n);
	l->value += n;
	put_token(l, kind, span_of(p, n));
	l->i += taken;
	return 0;
}

static int
put_string(struct lex *l, struct span s)
{
	size_t n = string_len(s);

	if (n + 1 == s.n)
		return css_fail(l->c, "unterminated string at %zu", l->i);
	if (s.p[n + 1] != s.p[0])
		return css_fail(l->c, "invalid string at %zu", l->i);
	return put_escaped(l, CSS_STRING, span_of(s.p + 1, n), n + 2);
}

/* The length of the comment at s, or 0. */
static size_t
comment_len(struct span s)
{
	const char *end;

	if (s.n < 2 || s.p[0] != '/' || s.p[1] != '*')
		return 0;
	end = memmem(s.p + 2, s.n - 2, "*/", 2);
	return end != NULL ? (size_t)(end - s.p) + 2 : s.n;
}

static int
lex_next(struct lex *l)
{
	struct span s = span_skip(l->text, l->i);
	size_t n;

	for (n = 0; n < s.n && span_is_html_space(s.p[n]);)
		n++;
	if (n > 0) {
		put_token(l, CSS_SPACE, SPAN(" "));
		l->i += n;
		return 0;
	}
	n = ident_len(s);
	if (n > 0)
		return put_escaped(l, CSS_IDENT, span_of(s.p, n), n);
	n = s.p[0] == '#' ? name_len(span_skip(s, 1)) : 0;
	if (n > 0)
		return put_escaped(l, CSS_HASH, span_of(s.p + 1, n), n + 1);
	if (s.p[0] == '\'' || s.p[0] == '"')
		return put_string(l, s);
	n = number_len(s);
	if (n > 0)
		put_token(l, CSS_NUMBER, span_of(s.p, n));
	else if ((n = comment_len(s)) == 0) {
		n = 1;
		put_token(l, CSS_DELIM, span_of(s.p, 1));
	}
	l->i += n;
	return 0;
}

const struct css_token *
css_lex(struct css *c, struct span text)
{
	struct lex l = { .c = c, .text = text };
	struct css_token *first;

	first = css_alloc(c, text.n + 1, sizeof(*first));
	l.token = first;
	l.value = css_alloc(c, text.n, 1);
	while (l.i < text.n)
		if (lex_next(&l) < 0)
			return NULL;
	put_token(&l, CSS_END, SPAN(""));
	return first;
}

int
css_is(struct span name, const char *word)
{
	size_t i;

	if (name.n != strlen(word))
		return 0;
	for (i = 0; i < name.n; i++)
		if ((name.p[i] == '_' ? '-' : span_lower(name.p[i])) != word[i])
			return 0;
	return 1;
}
