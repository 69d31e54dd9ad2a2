/* SPDX-License-Identifier: ISC */
/* An XPath expression under construction. Knows nothing of selectors. */
#include <string.h>

#include "worker/select/css_int.h"

void
css_expr_fini(struct css_expr *x)
{
	buf_fini(&x->path);
	buf_fini(&x->element);
	buf_fini(&x->condition);
}

void
css_replace(struct buf *b, struct buf *with)
{
	buf_fini(b);
	*b = *with;
	*with = (struct buf){ 0 };
}

void
css_condition(struct css_expr *x, const char *conjunction, struct buf *b)
{
	struct buf both = { 0 };

	if (x->condition.n == 0) {
		css_replace(&x->condition, b);
		return;
	}
	buf_printf(&both, "(%.*s) %s (%.*s)", (int)x->condition.n,
	    x->condition.p, conjunction, (int)b->n, b->p);
	css_replace(&x->condition, &both);
	buf_fini(b);
}

/* The length of a piece of concat(): either only quotes or none. */
static size_t
quote_run(struct span s)
{
	size_t n = 1;

	while (n < s.n && (s.p[n] == '\'') == (s.p[0] == '\''))
		n++;
	return n;
}

void
css_literal(struct buf *out, struct span s)
{
	char quote = '\'';
	size_t i, n;

	if (s.n > 0 && memchr(s.p, '\'', s.n) != NULL) {
		quote = '"';
		if (memchr(s.p, '"', s.n) != NULL) {
			buf_str(out, "concat(");
			for (i = 0; i < s.n; i += n) {
				n = quote_run(span_of(s.p + i, s.n - i));
				buf_str(out, i > 0 ? "," : "");
				quote = s.p[i] == '\'' ? '"' : '\'';
				buf_char(out, quote);
				buf_add(out, s.p + i, n);
				buf_char(out, quote);
			}
			buf_char(out, ')');
			return;
		}
	}
	buf_char(out, quote);
	buf_span(out, s);
	buf_char(out, quote);
}
