/* SPDX-License-Identifier: ISC */
/*
 * Writes XPath from the tree of a selector, exactly as cssselect 1.2 does and,
 * for
 * ::text and ::attr(), as parsel 1.7.
 */
#include <string.h>

#include "worker/select/css_int.h"

struct writer {
	struct css *c;
	enum css_language language;
};

static int
write_node(struct writer *w, const struct css_node *n, struct css_expr *x);

static void
put_text(struct buf *out, const struct css_expr *x)
{
	buf_span(out, buf_view(&x->path));
	buf_span(out, buf_view(&x->element));
	if (x->condition.n == 0)
		return;
	buf_char(out, '[');
	buf_span(out, buf_view(&x->condition));
	buf_char(out, ']');
}

static void
condition(struct css_expr *x, const char *text)
{
	struct buf b = { 0 };

	buf_str(&b, text);
	css_condition(x, "and", &b);
}

static int
is_star(const struct css_expr *x)
{
	return span_eq(buf_view(&x->element), SPAN("*"));
}

/* Moves the name of the element into the condition and leaves * in the path. */
static void
add_name_test(struct css_expr *x)
{
	struct buf b = { 0 };

	if (is_star(x))
		return;
	buf_str(&b, "name() = ");
	css_literal(&b, buf_view(&x->element));
	css_condition(x, "and", &b);
	x->element.n = 0;
	buf_char(&x->element, '*');
}

/* Appends the path of `other` and takes over its element and condition. */
static void
join(struct css_expr *x, const char *combiner, struct css_expr *other)
{
	struct buf path = { 0 };

	put_text(&path, x);
	buf_str(&path, combiner);
	buf_span(&path, buf_view(&other->path));
	css_replace(&x->path, &path);
	css_replace(&x->element, &other->element);
	css_replace(&x->condition, &other->condition);
}

/* Letters, digits, _ . - as cssselect tests it: a line end may follow. */
static int
is_safe(struct span s)
{
	size_t i;
	char c;

	if (s.n > 1 && s.p[s.n - 1] == '\n')
		s.n--;
	for (i = 0; i < s.n; i++) {
		c = s.p[i];
		if (!(span_is_letter(c) || c == '_' ||
			(i > 0 && (span_is_digit(c) || c == '.' || c == '-'))))
			return 0;
	}
	return s.n > 0;
}

/* ns:name, the name in lower case for HTML. */
static void
put_name(struct writer *w, struct buf *out, struct span ns, struct span name)
{
	if (ns.n > 0) {
		buf_span(out, ns);
		buf_char(out, ':');
	}
	if (w->language == CSS_HTML)
		buf_lower(out, name);
	else
		buf_span(out, name);
}

static int
write_element(struct writer *w, const struct css_node *n, struct css_expr *x)
{
	struct span name = n->name.n > 0 ? n->name : SPAN("*");

	put_name(w, &x->element, n->ns, name);
	if ((n->name.n > 0 && !is_safe(name)) ||
	    (n->ns.n > 0 && !is_safe(n->ns)))
		add_name_test(x);
	return 0;
}

static size_t
count_characters(struct span s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++)
		n += (s.p[i] & 0xc0) != 0x80;
	return n;
}

/* One word, as cssselect tests it: a line end may follow. */
static int
is_word(struct span s)
{
	size_t i;

	if (s.n > 1 && s.p[s.n - 1] == '\n')
		s.n--;
	for (i = 0; i < s.n; i++)
		if (strchr(" \t\r\n\f", s.p[i]) != NULL)
			return 0;
	return s.n > 0;
}

/* name and function(name, literal) */
static void
put_call(struct buf *b, struct span name, const char *function, struct span v)
{
	buf_printf(b, "%.*s and %s(%.*s, ", (int)name.n, name.p, function,
	    (int)name.n, name.p);
	css_literal(b, v);
	buf_char(b, ')');
}

static void
put_includes(struct buf *b, struct span name, struct span v)
{
	struct buf word = { 0 };

	buf_printf(&word, " %.*s ", (int)v.n, v.p);
	buf_printf(b,
	    "%.*s and contains(concat(' ', normalize-space(%.*s), ' '), ",
	    (int)name.n, name.p, (int)name.n, name.p);
	css_literal(b, buf_view(&word));
	buf_char(b, ')');
	buf_fini(&word);
}

static void
put_dashmatch(struct buf *b, struct span name, struct span v)
{
	struct buf dashed = { 0 };

	buf_printf(&dashed, "%.*s-", (int)v.n, v.p);
	buf_printf(
	    b, "%.*s and (%.*s = ", (int)name.n, name.p, (int)name.n, name.p);
	css_literal(b, v);
	buf_printf(b, " or starts-with(%.*s, ", (int)name.n, name.p);
	css_literal(b, buf_view(&dashed));
	buf_str(b, "))");
	buf_fini(&dashed);
}

static void
put_suffixmatch(struct buf *b, struct span name, struct span v)
{
	int n = (int)name.n;

	buf_printf(b, "%.*s and substring(%.*s, string-length(%.*s)-%zu) = ", n,
	    name.p, n, name.p, n, name.p, count_characters(v) - 1);
	css_literal(b, v);
}

static void
put_equals(struct buf *b, struct span name, const char *op, struct span v)
{
	buf_printf(b, "%.*s %s ", (int)name.n, name.p, op);
	css_literal(b, v);
}

/* The condition on an attribute that XPath calls `name`. */
static void
put_attrib(struct buf *b, char op, struct span name, struct span v)
{
	if (op == 0)
		buf_span(b, name);
	else if (op == '=')
		put_equals(b, name, "=", v);
	else if (op == '|')
		put_dashmatch(b, name, v);
	else if (op == '!') {
		if (v.n > 0)
			buf_printf(b, "not(%.*s) or ", (int)name.n, name.p);
		put_equals(b, name, "!=", v);
	} else if (v.n == 0 || (op == '~' && !is_word(v)))
		buf_char(b, '0');
	else if (op == '~')
		put_includes(b, name, v);
	else if (op == '$')
		put_suffixmatch(b, name, v);
	else
		put_call(b, name, op == '^' ? "starts-with" : "contains", v);
}

static int
write_attrib(struct writer *w, const struct css_node *n, struct css_expr *x)
{
	struct buf name = { 0 }, plain = { 0 }, b = { 0 };

	if (n->kind != CSS_ATTRIB)
		buf_str(&name, n->kind == CSS_ID ? "@id" : "@class");
	else {
		put_name(w, &plain, n->ns, n->name);
		if (is_safe(n->name) && (n->ns.n == 0 || is_safe(n->ns))) {
			buf_char(&name, '@');
			buf_span(&name, buf_view(&plain));
		} else {
			buf_str(&name, "attribute::*[name() = ");
			css_literal(&name, buf_view(&plain));
			buf_char(&name, ']');
		}
	}
	put_attrib(&b,
	    n->kind == CSS_ATTRIB  ? n->op
	    : n->kind == CSS_CLASS ? '~'
				   : '=',
	    buf_view(&name), n->value);
	css_condition(x, "and", &b);
	buf_fini(&plain);
	buf_fini(&name);
	return 0;
}

static void
put_not(struct css_expr *x, struct css_expr *right)
{
	struct buf b = { 0 };

	add_name_test(right);
	if (right->condition.n > 0)
		buf_printf(&b, "not(%.*s)", (int)right->condition.n,
		    right->condition.p);
	else
		buf_char(&b, '0');
	css_condition(x, "and", &b);
}

/* Some conditions are written twice, after the bracket, or not at all: this is
 * how cssselect does it. */
static void
put_has(struct css_expr *x, char op, struct css_expr *right)
{
	struct buf b = { 0 };

	if (op == '+') {
		buf_printf(&b,
		    "following-sibling::*[(name() = '%.*s') and "
		    "(position() = 1)]",
		    (int)right->element.n, right->element.p);
		css_condition(x, "and", &b);
		return;
	}
	if (op == ' ') {
		if (right->condition.n > 0)
			buf_printf(&right->element, "[%.*s]",
			    (int)right->condition.n, right->condition.p);
		right->condition.n = 0;
		buf_span(&right->condition, buf_view(&x->condition));
	}
	buf_char(&right->element, ']');
	join(x,
	    op == ' '   ? "[descendant::"
	    : op == '>' ? "[./"
			: "[following-sibling::",
	    right);
}

static void
put_combined(struct css_expr *x, char op, struct css_expr *right)
{
	if (op == ' ')
		join(x, "/descendant-or-self::*/", right);
	else if (op == '>')
		join(x, "/", right);
	else
		join(x, "/following-sibling::", right);
	if (op == '+') {
		add_name_test(x);
		condition(x, "position() = 1");
	}
}

static int
write_list(struct writer *w, const struct css_node *list, struct css_expr *x)
{
	struct css_expr one;
	int rc = 0;

	for (; list != NULL && rc == 0; list = list->next) {
		one = (struct css_expr){ 0 };
		rc = write_node(w, list, &one);
		if (rc == 0) {
			add_name_test(&one);
			if (one.condition.n > 0)
				css_condition(x, "or", &one.condition);
		}
		css_expr_fini(&one);
	}
	return rc;
}

/* :not(), :has() and combinators. */
static int
write_right(struct writer *w, const struct css_node *n, struct css_expr *x)
{
	struct css_expr right = { 0 };
	int rc = write_node(w, n->right, &right);

	if (rc == 0) {
		if (n->kind == CSS_NOT)
			put_not(x, &right);
		else if (n->kind == CSS_HAS)
			put_has(x, n->op, &right);
		else
			put_combined(x, n->op, &right);
	}
	css_expr_fini(&right);
	return rc;
}

static int
write_node(struct writer *w, const struct css_node *n, struct css_expr *x)
{
	if (n->left != NULL && write_node(w, n->left, x) < 0)
		return -1;
	switch (n->kind) {
	case CSS_ELEMENT:
		return write_element(w, n, x);
	case CSS_CLASS:
	case CSS_ID:
	case CSS_ATTRIB:
		return write_attrib(w, n, x);
	case CSS_PSEUDO:
		return css_pseudo(w->c, n, w->language, x);
	case CSS_FUNCTION:
		return css_function(w->c, n, w->language, x);
	case CSS_IS:
		return write_list(w, n->right, x);
	case CSS_NOT:
	case CSS_HAS:
	case CSS_COMBINED:
		return write_right(w, n, x);
	}
	return -1;
}

static void
put_text_nodes(struct buf *path)
{
	if (span_eq(buf_view(path), SPAN("*")))
		path->n = 0;
	else if (span_ends(buf_view(path), SPAN("::*/*")))
		path->n -= 3;
	else
		buf_char(path, '/');
	buf_str(path, "text()");
}

static void
put_attribute(struct buf *path, struct span name)
{
	if (span_ends(buf_view(path), SPAN("::*/*")))
		path->n -= 2;
	buf_str(path, "/@");
	buf_span(path, name);
}

/* Parsel's ::text and ::attr(). */
static int
put_pseudo_element(
    struct css *c, const struct css_selector *s, struct buf *path)
{
	int call = s->pseudo == CSS_PSEUDO_CALL;

	if (s->pseudo == CSS_PLAIN)
		return 0;
	if (!call && css_is(s->name, "text")) {
		put_text_nodes(path);
		return 0;
	}
	if (!call || !css_is(s->name, "attr"))
		return css_fail(c, "the pseudo-element ::%.*s%s is unknown",
		    (int)s->name.n, s->name.p, call ? "()" : "");
	if (s->n_args != 1 ||
	    (s->args[0].kind != CSS_IDENT && s->args[0].kind != CSS_STRING))
		return css_fail(c, "::attr() takes one name");
	put_attribute(path, s->args[0].value);
	return 0;
}

int
css_write(struct css *c, const struct css_selector *s,
    enum css_language language, struct buf *xpath)
{
	struct writer w = { .c = c, .language = language };
	struct css_expr x;
	struct buf path = { 0 };
	int rc = 0;

	for (; s != NULL && rc == 0; s = s->next) {
		x = (struct css_expr){ 0 };
		path.n = 0;
		rc = write_node(&w, s->tree, &x);
		if (rc == 0) {
			put_text(&path, &x);
			rc = put_pseudo_element(c, s, &path);
		}
		css_expr_fini(&x);
		buf_str(xpath, "descendant-or-self::");
		buf_span(xpath, buf_view(&path));
		if (s->next != NULL)
			buf_str(xpath, " | ");
	}
	buf_fini(&path);
	return rc;
}
