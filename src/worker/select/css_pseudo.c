/* SPDX-License-Identifier: ISC */
/* Translates pseudo-classes to XPath conditions, exactly as cssselect 1.2. */
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "worker/select/css_int.h"

#define ANY_FIELD \
	"(name(.) = 'input' and @type != 'hidden') or name(.) = 'button' or " \
	"name(.) = 'select' or name(.) = 'textarea'"

#define DISABLED \
	" ( @disabled and ( " ANY_FIELD " or name(.) = 'command' or " \
	"name(.) = 'fieldset' or name(.) = 'optgroup' or " \
	"name(.) = 'option' ) ) or ( ( " ANY_FIELD " ) and " \
	"ancestor::fieldset[@disabled] ) "

#define ENABLED \
	" ( @href and ( name(.) = 'a' or name(.) = 'link' or " \
	"name(.) = 'area' ) ) or ( ( name(.) = 'command' or " \
	"name(.) = 'fieldset' or name(.) = 'optgroup' ) and " \
	"not(@disabled) ) or ( ( " ANY_FIELD " or name(.) = 'keygen' ) and " \
	"not (@disabled or ancestor::fieldset[@disabled]) ) or ( " \
	"name(.) = 'option' and not( @disabled or " \
	"ancestor::optgroup[@disabled] ) ) "

#define CHECKED \
	"(@selected and name(.) = 'option') or (@checked and " \
	"(name(.) = 'input' or name(.) = 'command')and " \
	"(@type = 'checkbox' or @type = 'radio'))"

#define LINK "@href and (name(.) = 'a' or name(.) = 'link' or name(.) = 'area')"

static const struct {
	const char *name, *xml, *html; /* html NULL: the same */
} plain[] = {
	{ "root", "not(parent::*)", NULL },
	{ "scope", "1", NULL },
	{ "first-child", "count(preceding-sibling::*) = 0", NULL },
	{ "last-child", "count(following-sibling::*) = 0", NULL },
	{ "only-child", "count(parent::*/child::*) = 1", NULL },
	{ "empty", "not(*) and not(string-length())", NULL },
	{ "link", "0", LINK },
	{ "visited", "0", NULL },
	{ "hover", "0", NULL },
	{ "active", "0", NULL },
	{ "focus", "0", NULL },
	{ "target", "0", NULL },
	{ "enabled", "0", ENABLED },
	{ "disabled", "0", DISABLED },
	{ "checked", "0", CHECKED },
};

static const struct {
	const char *name, *before, *after; /* around the element's name */
} of_type[] = {
	{ "first-of-type", "count(preceding-sibling::", ") = 0" },
	{ "last-of-type", "count(following-sibling::", ") = 0" },
	{ "only-of-type", "count(parent::*/child::", ") = 1" },
};

static int
check_typed(struct css *c, const struct css_node *n, const struct css_expr *x)
{
	if (!span_eq(buf_view(&x->element), SPAN("*")))
		return 0;
	return css_fail(
	    c, "*:%.*s is not supported", (int)n->name.n, n->name.p);
}

int
css_pseudo(struct css *c, const struct css_node *n, enum css_language language,
    struct css_expr *x)
{
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (!css_is(n->name, plain[i].name))
			continue;
		buf_str(&b, language == CSS_HTML && plain[i].html != NULL
				? plain[i].html
				: plain[i].xml);
		css_condition(x, "and", &b);
		return 0;
	}
	for (i = 0; i < sizeof(of_type) / sizeof(of_type[0]); i++) {
		if (!css_is(n->name, of_type[i].name))
			continue;
		if (check_typed(c, n, x) < 0)
			return -1;
		buf_str(&b, of_type[i].before);
		buf_span(&b, buf_view(&x->element));
		buf_str(&b, of_type[i].after);
		css_condition(x, "and", &b);
		return 0;
	}
	return css_fail(
	    c, "the pseudo-class :%.*s is unknown", (int)n->name.n, n->name.p);
}

/* A whole number as Python's int() accepts it, up to about 2^31. */
static int
parse_int(struct span s, int64_t *out)
{
	int negative, digit = 0;
	int64_t v = 0;

	while (s.n > 0 && strchr(" \t\r\n\f\v", s.p[0]) != NULL)
		s.p++, s.n--;
	while (s.n > 0 && strchr(" \t\r\n\f\v", s.p[s.n - 1]) != NULL)
		s.n--;
	negative = s.n > 0 && s.p[0] == '-';
	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
		s.p++, s.n--;
	for (; s.n > 0; s.p++, s.n--) {
		if (s.p[0] == '_' && digit) {
			digit = 0;
			continue;
		}
		if (s.p[0] < '0' || s.p[0] > '9' || v > INT32_MAX)
			return -1;
		v = v * 10 + (s.p[0] - '0');
		digit = 1;
	}
	*out = negative ? -v : v;
	return digit ? 0 : -1;
}

/* an+b, odd, even. */
static int
parse_series(struct span s, int64_t *a, int64_t *b)
{
	const char *n = s.n > 0 ? memchr(s.p, 'n', s.n) : NULL;
	struct span left, right;

	*a = 2;
	*b = span_eq(s, SPAN("odd"));
	if (*b || span_eq(s, SPAN("even")))
		return 0;
	*a = 0;
	if (n == NULL)
		return parse_int(s, b);
	left = span_of(s.p, (size_t)(n - s.p));
	right = span_of(n + 1, s.n - left.n - 1);
	*a = 1;
	if (span_eq(left, SPAN("-")))
		*a = -1;
	else if (left.n > 0 && !span_eq(left, SPAN("+")) &&
		 parse_int(left, a) < 0)
		return -1;
	*b = 0;
	return right.n > 0 ? parse_int(right, b) : 0;
}

static int
read_series(struct css *c, const struct css_node *n, int64_t *a, int64_t *b)
{
	struct buf text = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < n->n_args; i++) {
		rc |= n->args[i].kind == CSS_STRING ? -1 : 0;
		buf_span(&text, n->args[i].value);
	}
	if (rc == 0)
		rc = parse_series(span_trim(buf_view(&text)), a, b);
	buf_fini(&text);
	if (rc < 0)
		return css_fail(c, ":%.*s() takes an+b, a number, odd or even",
		    (int)n->name.n, n->name.p);
	return 0;
}

static int64_t
modulo(int64_t v, int64_t m)
{
	return (v % m + m) % m;
}

/* Condition: the count of siblings on one side is a*n + b1 for some n >= 0. */
static void
put_series(struct buf *out, struct span count, int64_t a, int64_t b1)
{
	int64_t m = a < 0 ? -a : a, rest = m > 1 ? modulo(-b1, m) : 0;
	int bounded = a < 0 || b1 > 0, both = bounded && m != 1;

	if (a == 0) {
		buf_printf(out, "%.*s = %" PRId64, (int)count.n, count.p, b1);
		return;
	}
	buf_str(out, both ? "(" : "");
	if (bounded)
		buf_printf(out, "%.*s %s %" PRId64, (int)count.n, count.p,
		    a > 0 ? ">=" : "<=", b1);
	buf_str(out, both ? ") and (" : "");
	if (m != 1 && rest != 0)
		buf_printf(out, "(%.*s +%" PRId64 ") mod %" PRId64 " = 0",
		    (int)count.n, count.p, rest, a);
	else if (m != 1)
		buf_printf(
		    out, "%.*s mod %" PRId64 " = 0", (int)count.n, count.p, a);
	buf_str(out, both ? ")" : "");
}

static int
write_nth(struct css *c, const struct css_node *n, int last, int typed,
    struct css_expr *x)
{
	struct buf count = { 0 }, b = { 0 };
	int64_t a, b1;

	if ((typed && check_typed(c, n, x) < 0) ||
	    read_series(c, n, &a, &b1) < 0)
		return -1;
	b1--;
	if (a == 1 && b1 <= 0)
		return 0;
	if (a < 0 && b1 < 0)
		buf_char(&b, '0');
	else {
		buf_str(&count, last ? "count(following-sibling::"
				     : "count(preceding-sibling::");
		buf_span(&count, typed ? buf_view(&x->element) : SPAN("*"));
		buf_char(&count, ')');
		put_series(&b, buf_view(&count), a, b1);
		buf_fini(&count);
	}
	css_condition(x, "and", &b);
	return 0;
}

static int
write_contains(struct css *c, const struct css_node *n, struct span v,
    enum css_language language, struct css_expr *x)
{
	struct buf b = { 0 };

	(void)c;
	(void)n;
	(void)language;
	buf_str(&b, "contains(., ");
	css_literal(&b, v);
	buf_char(&b, ')');
	css_condition(x, "and", &b);
	return 0;
}

static int
write_lang(struct css *c, const struct css_node *n, struct span v,
    enum css_language language, struct css_expr *x)
{
	struct buf b = { 0 }, low = { 0 };

	if (language == CSS_XML) {
		buf_str(&b, "lang(");
		css_literal(&b, v);
		buf_char(&b, ')');
	} else {
		if (v.n == 0)
			return css_fail(c, ":%.*s() takes a language",
			    (int)n->name.n, n->name.p);
		buf_lower(&low, v);
		buf_char(&low, '-');
		buf_str(&b, "ancestor-or-self::*[@lang][1][starts-with(concat("
			    "translate(@lang, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', "
			    "'abcdefghijklmnopqrstuvwxyz'), '-'), ");
		css_literal(&b, buf_view(&low));
		buf_str(&b, ")]");
		buf_fini(&low);
	}
	css_condition(x, "and", &b);
	return 0;
}

int
css_function(struct css *c, const struct css_node *n,
    enum css_language language, struct css_expr *x)
{
	int lang = css_is(n->name, "lang");

	if (css_is(n->name, "nth-child"))
		return write_nth(c, n, 0, 0, x);
	if (css_is(n->name, "nth-last-child"))
		return write_nth(c, n, 1, 0, x);
	if (css_is(n->name, "nth-of-type"))
		return write_nth(c, n, 0, 1, x);
	if (css_is(n->name, "nth-last-of-type"))
		return write_nth(c, n, 1, 1, x);
	if (!lang && !css_is(n->name, "contains"))
		return css_fail(c, "the pseudo-class :%.*s() is unknown",
		    (int)n->name.n, n->name.p);
	if (n->n_args != 1 ||
	    (n->args[0].kind != CSS_IDENT && n->args[0].kind != CSS_STRING))
		return css_fail(c, ":%.*s() takes one string or name",
		    (int)n->name.n, n->name.p);
	if (lang)
		return write_lang(c, n, n->args[0].value, language, x);
	return write_contains(c, n, n->args[0].value, language, x);
}
