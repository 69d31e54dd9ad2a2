/* SPDX-License-Identifier: ISC */
/*
 * Builds the tree of a selector from its tokens, by the grammar of
 * cssselect 1.2 with its restrictions: :not() takes one compound selector,
 * :has() a name or a class.
 */
#include <string.h>

#include "worker/select/css_int.h"

struct parse {
	struct css *c;
	const struct css_token *token; /* all tokens */
	size_t i;                      /* index of the next one */
};

static int parse_compound(struct parse *p, int inside, struct css_node **out,
    struct css_selector *end);

static const struct css_token *
peek(const struct parse *p)
{
	return &p->token[p->i];
}

/* Returns the current token and advances, but not beyond CSS_END. */
static const struct css_token *
next(struct parse *p)
{
	const struct css_token *t = peek(p);

	if (t->kind != CSS_END)
		p->i++;
	return t;
}

static int
is_delim(const struct css_token *t, const char *any)
{
	return t->kind == CSS_DELIM && memchr(any, t->value.p[0], strlen(any));
}

static void
skip_space(struct parse *p)
{
	if (peek(p)->kind == CSS_SPACE)
		p->i++;
}

static int
expected(struct parse *p, const char *what, const struct css_token *t)
{
	if (t->kind == CSS_END)
		return css_fail(
		    p->c, "expected %s, got the end of the selector", what);
	return css_fail(p->c, "expected %s, got '%.*s' at %zu", what,
	    (int)(t->value.n < 100 ? t->value.n : 100), t->value.p, t->at);
}

static int
parse_ident(struct parse *p, struct span *out)
{
	const struct css_token *t = next(p);

	if (t->kind != CSS_IDENT)
		return expected(p, "a name", t);
	*out = t->value;
	return 0;
}

/* *out is empty for a star. */
static int
parse_ident_or_star(struct parse *p, struct span *out)
{
	const struct css_token *t = next(p);

	*out = SPAN_NONE;
	if (t->kind == CSS_IDENT)
		*out = t->value;
	else if (!is_delim(t, "*"))
		return expected(p, "a name or '*'", t);
	return 0;
}

/* Wraps *x in a node of its own. */
static struct css_node *
narrow(struct parse *p, enum css_kind kind, struct css_node **x)
{
	struct css_node *n = css_alloc(p->c, 1, sizeof(*n));

	n->kind = kind;
	n->left = *x;
	n->depth = *x != NULL ? (*x)->depth + 1 : 1;
	*x = n;
	return n;
}

static int
parse_arguments(struct parse *p, const struct css_token **args, size_t *n_args)
{
	struct css_token *list;
	const struct css_token *t;
	size_t first = p->i, n = 0, end;

	for (end = first; p->token[end].kind != CSS_END; end++)
		if (is_delim(&p->token[end], ")"))
			break;
	list = css_alloc(p->c, end - first + 1, sizeof(*list));
	for (;;) {
		skip_space(p);
		t = next(p);
		if (is_delim(t, ")"))
			break;
		if (t->kind != CSS_IDENT && t->kind != CSS_STRING &&
		    t->kind != CSS_NUMBER && !is_delim(t, "+-"))
			return expected(p, "an argument", t);
		list[n++] = *t;
	}
	*args = list;
	*n_args = n;
	return 0;
}

/* The part of an attribute selector between [ and the value. */
static int
parse_attrib_operator(struct parse *p, struct css_node *n)
{
	const struct css_token *t;

	skip_space(p);
	t = next(p);
	if (is_delim(t, "]"))
		return 0;
	if (!is_delim(t, "=^$*~|!"))
		return expected(p, "an operator", t);
	n->op = t->value.p[0];
	if (n->op != '=' && !is_delim(next(p), "="))
		return expected(p, "an operator", t);
	return 1;
}

static int
parse_attrib_value(struct parse *p, struct css_node *n)
{
	const struct css_token *t;

	skip_space(p);
	t = next(p);
	if (t->kind != CSS_IDENT && t->kind != CSS_STRING)
		return expected(p, "a string or a name", t);
	n->value = t->value;
	skip_space(p);
	t = next(p);
	return is_delim(t, "]") ? 0 : expected(p, "']'", t);
}

static int
parse_attrib(struct parse *p, struct css_node **x)
{
	struct css_node *n = narrow(p, CSS_ATTRIB, x);
	int rc = 1;

	skip_space(p);
	if (parse_ident_or_star(p, &n->name) < 0)
		return -1;
	if (n->name.n == 0 && !is_delim(peek(p), "|"))
		return expected(p, "'|'", peek(p));
	if (is_delim(peek(p), "|")) {
		next(p);
		if (is_delim(peek(p), "=")) {
			next(p);
			n->op = '|';
		} else {
			n->ns = n->name;
			if (parse_ident(p, &n->name) < 0)
				return -1;
		}
	}
	if (n->op == 0)
		rc = parse_attrib_operator(p, n);
	return rc <= 0 ? rc : parse_attrib_value(p, n);
}

/* ":scope" is allowed only at the start of a selector of a group. */
static int
check_scope(struct parse *p, const struct css_node *n)
{
	const struct css_token *t = &p->token[p->i];

	if (!css_is(n->name, "scope") || n->left->kind != CSS_ELEMENT ||
	    n->left->name.n > 0 || n->left->ns.n > 0 || p->i == 2)
		return 0;
	if ((p->i == 3 && t[-3].kind == CSS_SPACE) || is_delim(&t[-3], ",") ||
	    (p->i >= 4 && t[-3].kind == CSS_SPACE && is_delim(&t[-4], ",")))
		return 0;
	return css_fail(p->c, "':scope' is not at the start of a selector");
}

static int
parse_not(struct parse *p, int inside, struct css_node **x)
{
	struct css_node *n = narrow(p, CSS_NOT, x);
	struct css_selector end = { 0 };

	if (inside)
		return css_fail(p->c, "a ':not()' inside another ':not()'");
	if (parse_compound(p, 1, &n->right, &end) < 0)
		return -1;
	if (end.pseudo != CSS_PLAIN)
		return css_fail(p->c, "a pseudo-element inside ':not()'");
	if (!is_delim(peek(p), ")"))
		return expected(p, "')'", peek(p));
	next(p);
	return 0;
}

/* Joins the tokens of the argument of :has() and parses them again. */
static int
parse_has(struct parse *p, struct css_node **x)
{
	struct css_node *n = narrow(p, CSS_HAS, x);
	struct css_selector *list;
	const struct css_token *t, *end = peek(p);
	char *text;
	size_t size = 0;

	n->op = ' ';
	if (is_delim(end, "+->~")) {
		n->op = next(p)->value.p[0];
		skip_space(p);
	}
	for (end = peek(p); end->kind != CSS_END; end++)
		size += end->value.n;
	text = css_alloc(p->c, size, 1);
	for (size = 0; !is_delim(t = next(p), ")"); size += t->value.n) {
		if (t->kind != CSS_IDENT && t->kind != CSS_STRING &&
		    t->kind != CSS_NUMBER && !is_delim(t, ".*"))
			return expected(p, "an argument", t);
		memcpy(text + size, t->value.p, t->value.n);
	}
	if (n->op == '-')
		return css_fail(p->c, "'-' is not a combinator");
	if (css_parse(p->c, span_of(text, size), &list) < 0)
		return -1;
	n->right = list->tree;
	return 0;
}

/* The list of :is() and :where(). */
static int
parse_is(struct parse *p, struct css_node **x)
{
	struct css_node *n = narrow(p, CSS_IS, x), **last = &n->right;
	struct css_selector end = { 0 };

	for (;; last = &(*last)->next) {
		if (parse_compound(p, 1, last, &end) < 0)
			return -1;
		if (end.pseudo != CSS_PLAIN)
			return css_fail(
			    p->c, "a pseudo-element inside a function");
		skip_space(p);
		if (is_delim(peek(p), ")"))
			break;
		if (!is_delim(peek(p), ","))
			return expected(p, "an argument", peek(p));
		next(p);
	}
	next(p);
	return 0;
}

/* The part after ":name(". */
static int
parse_function(
    struct parse *p, struct span name, int inside, struct css_node **x)
{
	struct css_node *n;

	skip_space(p);
	if (css_is(name, "not"))
		return parse_not(p, inside, x);
	if (css_is(name, "has"))
		return parse_has(p, x);
	if (css_is(name, "is") || css_is(name, "matches") ||
	    css_is(name, "where"))
		return parse_is(p, x);
	n = narrow(p, CSS_FUNCTION, x);
	n->name = name;
	return parse_arguments(p, &n->args, &n->n_args);
}

static int
parse_pseudo_element(struct parse *p, struct css_selector *end)
{
	next(p);
	if (parse_ident(p, &end->name) < 0)
		return -1;
	end->pseudo = CSS_PSEUDO_NAME;
	if (!is_delim(peek(p), "("))
		return 0;
	next(p);
	end->pseudo = CSS_PSEUDO_CALL;
	return parse_arguments(p, &end->args, &end->n_args);
}

/* The part after the first colon. */
static int
parse_pseudo(
    struct parse *p, int inside, struct css_node **x, struct css_selector *end)
{
	struct css_node *n;
	struct span name;

	if (is_delim(peek(p), ":"))
		return parse_pseudo_element(p, end);
	if (parse_ident(p, &name) < 0)
		return -1;
	if (css_is(name, "first-line") || css_is(name, "first-letter") ||
	    css_is(name, "before") || css_is(name, "after")) {
		end->name = name;
		end->pseudo = CSS_PSEUDO_NAME;
		return 0;
	}
	if (is_delim(peek(p), "(")) {
		next(p);
		return parse_function(p, name, inside, x);
	}
	n = narrow(p, CSS_PSEUDO, x);
	n->name = name;
	return check_scope(p, n);
}

/* One more condition of a compound selector. */
static int
parse_condition(
    struct parse *p, int inside, struct css_node **x, struct css_selector *end)
{
	const struct css_token *t = next(p);

	if (t->kind == CSS_HASH) {
		narrow(p, CSS_ID, x)->value = t->value;
		return 0;
	}
	if (is_delim(t, "."))
		return parse_ident(p, &narrow(p, CSS_CLASS, x)->value);
	if (is_delim(t, "|")) {
		*x = NULL;
		return parse_ident(p, &narrow(p, CSS_ELEMENT, x)->name);
	}
	if (is_delim(t, "["))
		return parse_attrib(p, x);
	if (is_delim(t, ":"))
		return parse_pseudo(p, inside, x, end);
	return expected(p, "a selector", t);
}

static int
parse_element(struct parse *p, struct css_node **x)
{
	struct css_node *n;

	*x = NULL;
	n = narrow(p, CSS_ELEMENT, x);
	if (peek(p)->kind != CSS_IDENT && !is_delim(peek(p), "*"))
		return 0;
	if (parse_ident_or_star(p, &n->name) < 0)
		return -1;
	if (!is_delim(peek(p), "|"))
		return 0;
	next(p);
	n->ns = n->name;
	return parse_ident_or_star(p, &n->name);
}

static int
ends_compound(const struct css_token *t, int inside)
{
	return t->kind == CSS_SPACE || t->kind == CSS_END ||
	       is_delim(t, ",+>~") || (inside && is_delim(t, ")"));
}

static int
too_deep(struct parse *p, const struct css_node *x)
{
	if (x->depth + p->c->nested <= CSS_DEPTH_MAX)
		return 0;
	return css_fail(
	    p->c, "more than %d selectors in the list", CSS_DEPTH_MAX);
}

/* A sequence without combinators. `inside`: in :not() or :is(). */
static int
parse_compound(struct parse *p, int inside, struct css_node **out,
    struct css_selector *end)
{
	struct css_node *x;
	size_t first;

	skip_space(p);
	first = p->i;
	if (parse_element(p, &x) < 0)
		return -1;
	while (!ends_compound(peek(p), inside)) {
		if (end->pseudo != CSS_PLAIN)
			return css_fail(p->c,
			    "pseudo-element ::%.*s is not at the end",
			    (int)end->name.n, end->name.p);
		if (++p->c->nested > CSS_DEPTH_MAX)
			return too_deep(p, x);
		if (parse_condition(p, inside, &x, end) < 0 ||
		    too_deep(p, x) < 0)
			return -1;
		p->c->nested--;
	}
	if (p->i == first)
		return expected(p, "a selector", peek(p));
	*out = x;
	return 0;
}

static int
parse_selector(struct parse *p, struct css_selector *s)
{
	const struct css_token *t;
	struct css_node *n;

	if (parse_compound(p, 0, &s->tree, s) < 0)
		return -1;
	for (;;) {
		skip_space(p);
		t = peek(p);
		if (t->kind == CSS_END || is_delim(t, ","))
			return 0;
		if (s->pseudo != CSS_PLAIN)
			return css_fail(p->c,
			    "pseudo-element ::%.*s is not at the end",
			    (int)s->name.n, s->name.p);
		n = narrow(p, CSS_COMBINED, &s->tree);
		n->op = is_delim(t, "+>~") ? next(p)->value.p[0] : ' ';
		if (parse_compound(p, 0, &n->right, s) < 0 ||
		    too_deep(p, n) < 0)
			return -1;
	}
}

int
css_parse(struct css *c, struct span text, struct css_selector **list)
{
	struct parse p = { .c = c, .token = css_lex(c, text) };

	if (p.token == NULL)
		return -1;
	skip_space(&p);
	for (;; list = &(*list)->next) {
		*list = css_alloc(c, 1, sizeof(**list));
		if (parse_selector(&p, *list) < 0)
			return -1;
		if (!is_delim(peek(&p), ","))
			return 0;
		next(&p);
	}
}
