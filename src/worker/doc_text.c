/* SPDX-License-Identifier: ISC */
/*
 * Extracts the visible text of a document: white space collapsed, blocks on
 * separate lines. Style sheets are ignored.
 */
#include "worker/doc.h"

#include "worker/tree.h"

struct writer {
	struct buf *out;
	int is_html;
	unsigned pre; /* open elements that preserve white space */
	int at_pre;   /* directly after the start tag of one */
	int has_line; /* the current line is not empty */
	int breaks;   /* the next character begins a new line */
	char blank;   /* space or tab before the next character; or 0 */
};

static void
break_line(struct writer *w)
{
	w->breaks |= w->has_line;
	w->blank = '\0';
}

/* Writes the pending line end or blank before a character. */
static void
settle(struct writer *w)
{
	if (w->breaks)
		buf_char(w->out, '\n');
	else if (w->blank != '\0' && w->has_line)
		buf_char(w->out, w->blank);
	w->breaks = 0;
	w->blank = '\0';
	w->has_line = 1;
}

static void
put_text(struct writer *w, struct span s)
{
	size_t i, from;

	for (i = 0; i < s.n;) {
		if (span_is_html_space(s.p[i])) {
			if (w->blank == '\0')
				w->blank = ' ';
			i++;
			continue;
		}
		for (from = i; i < s.n && !span_is_html_space(s.p[i]);)
			i++;
		settle(w);
		buf_add(w->out, s.p + from, i - from);
	}
}

static void
put_line_end(struct writer *w)
{
	/* No empty lines at the start of the text. */
	if (w->out->n > 0) {
		if (w->breaks)
			buf_char(w->out, '\n');
		buf_char(w->out, '\n');
	}
	w->breaks = 0;
	w->blank = '\0';
	w->has_line = 0;
}

/* The length of the line end at i, or 0. */
static size_t
line_end_len(struct span s, size_t i)
{
	if (i == s.n || (s.p[i] != '\n' && s.p[i] != '\r'))
		return 0;
	return s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n' ? 2 : 1;
}

static void
put_pre(struct writer *w, struct span s)
{
	size_t i = 0, from;

	/* A line end directly after the start tag does not count. */
	if (w->at_pre)
		i = line_end_len(s, 0);
	while (i < s.n) {
		for (from = i; i < s.n && s.p[i] != '\n' && s.p[i] != '\r';)
			i++;
		if (i > from) {
			settle(w);
			buf_add(w->out, s.p + from, i - from);
		}
		if (i == s.n)
			break;
		put_line_end(w);
		i += line_end_len(s, i);
	}
}

static enum tree_show
show_of(const struct writer *w, const xmlNode *n)
{
	return w->is_html ? tree_show(n) : TREE_BLOCK;
}

/* Nonzero if the children of n are to be visited. */
static int
enter_node(struct writer *w, const xmlNode *n)
{
	struct span s;

	if (n->type != XML_ELEMENT_NODE) {
		s = tree_chars(n);
		if (w->pre > 0)
			put_pre(w, s);
		else
			put_text(w, s);
		if (s.n > 0)
			w->at_pre = 0;
		return 0;
	}
	w->at_pre = 0;
	switch (show_of(w, n)) {
	case TREE_INLINE:
		break;
	case TREE_CELL:
		w->blank = '\t';
		break;
	case TREE_HIDDEN:
		return 0;
	case TREE_PRE:
		w->pre++;
		w->at_pre = 1;
		/* FALLTHROUGH */
	case TREE_BLOCK:
	case TREE_BREAK:
		break_line(w);
		break;
	}
	return 1;
}

static void
leave_node(struct writer *w, const xmlNode *n)
{
	switch (show_of(w, n)) {
	case TREE_PRE:
		w->pre--;
		/* FALLTHROUGH */
	case TREE_BLOCK:
		break_line(w);
		break;
	case TREE_INLINE:
	case TREE_CELL:
	case TREE_BREAK:
	case TREE_HIDDEN:
		break;
	}
}

static void
write_tree(struct writer *w, xmlNode *top)
{
	xmlNode *n = top;
	int inside;

	for (;;) {
		inside = enter_node(w, n);
		if (inside && n->children != NULL) {
			n = n->children;
			continue;
		}
		if (inside)
			leave_node(w, n);
		while (n != top && n->next == NULL) {
			n = n->parent;
			leave_node(w, n);
		}
		if (n == top)
			return;
		n = n->next;
	}
}

struct span
doc_text(struct doc *d)
{
	struct writer w = { .out = &d->text, .is_html = d->kind == DOC_HTML };

	if (d->tree == NULL)
		return d->source;
	if (!d->has_text) {
		d->text.n = 0;
		write_tree(&w, xmlDocGetRootElement(d->tree));
		while (d->text.n > 0 &&
		       span_is_html_space(d->text.p[d->text.n - 1]))
			d->text.n--;
		d->has_text = 1;
	}
	return d->text.n > 0 ? buf_view(&d->text) : SPAN("");
}
