/* SPDX-License-Identifier: ISC */
/*
 * Evaluates XPath with libxml2 and converts results as lxml does, so that they
 * equal those of Scrapy's selectors.
 */
#include "worker/select/select.h"

#include <ctype.h>
#include <libxml/HTMLtree.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "worker/answer.h"
#include "worker/select/css.h"
#include "worker/select/xpath_functions.h"
#include "worker/select/xpath_number.h"

struct select {
	xmlXPathCompExpr *html;
	xmlXPathCompExpr *xml; /* for XML documents; NULL: the same */
	struct xpath_functions *functions;
};

/* Errors are read from the context; nothing must be printed. */
static void
on_error(void *arg, xmlError *e)
{
	(void)arg;
	(void)e;
}

static xmlXPathContext *
make_context(xmlDoc *tree, struct xpath_functions *f)
{
	xmlXPathContext *x = xmlXPathNewContext(tree);

	if (x == NULL)
		return NULL;
	x->error = on_error;
	x->userData = f;
	x->node = tree != NULL ? xmlDocGetRootElement(tree) : NULL;
	if (xpath_functions_register(x) == 0)
		return x;
	xmlXPathFreeContext(x);
	return NULL;
}

static const char *
fault_text(const xmlXPathContext *x)
{
	switch (x->lastError.code) {
	case XML_XPATH_UNDEF_VARIABLE_ERROR:
		return "undefined variable";
	case XML_ERR_OK:
	case XML_XPATH_UNDEF_PREFIX_ERROR:
		return "undefined namespace prefix";
	case XML_XPATH_UNKNOWN_FUNC_ERROR:
		return "unknown function";
	case XML_XPATH_INVALID_ARITY:
		return "wrong number of arguments";
	case XML_XPATH_INVALID_TYPE:
		return "an argument of the wrong type";
	case XML_XPATH_INVALID_OPERAND:
		return "an operand of the wrong type";
	case XML_XPATH_UNFINISHED_LITERAL_ERROR:
		return "unterminated string";
	case XML_XPATH_INVALID_PREDICATE_ERROR:
		return "invalid predicate";
	case XML_XPATH_NUMBER_ERROR:
		return "invalid number";
	default:
		return "invalid expression";
	}
}

/* Errors that occur with every document. */
static int
is_permanent(int code)
{
	return code == XML_ERR_OK || /* a function with an unknown prefix */
	       code == XML_XPATH_UNDEF_VARIABLE_ERROR ||
	       code == XML_XPATH_UNDEF_PREFIX_ERROR ||
	       code == XML_XPATH_UNKNOWN_FUNC_ERROR ||
	       code == XML_XPATH_INVALID_ARITY ||
	       code == XML_XPATH_INVALID_TYPE ||
	       code == XML_XPATH_INVALID_OPERAND;
}

/* Evaluates the expression on an empty document. 0 or -1. */
static int
try_out(xmlXPathCompExpr *e, struct xpath_functions *f, struct buf *why)
{
	xmlDoc *tree = htmlNewDocNoDtD(NULL, NULL);
	xmlXPathContext *x = NULL;
	xmlXPathObject *o;
	int rc = -1;

	if (tree != NULL) {
		xmlDocSetRootElement(
		    tree, xmlNewDocNode(tree, NULL, BAD_CAST "html", NULL));
		x = make_context(tree, f);
	}
	if (x != NULL) {
		o = xmlXPathCompiledEval(e, x);
		rc = o == NULL && is_permanent(x->lastError.code) ? -1 : 0;
		xmlXPathFreeObject(o);
		if (rc < 0)
			buf_str(why, fault_text(x));
	} else
		buf_str(why, "out of memory");
	xmlXPathFreeContext(x);
	xpath_functions_done(f);
	xmlFreeDoc(tree);
	return rc;
}

/* The length of the name at s, or 0. */
static size_t
name_len(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)*s) || *s == '-' || *s == '.')
		return 0;
	while (isalnum((unsigned char)s[n]) || (unsigned char)s[n] >= 0x80 ||
	       (s[n] != '\0' && strchr("_-.", s[n]) != NULL))
		n++;
	return n;
}

/* The error in a name (of a function or not), or NULL. */
static const char *
look_up(xmlXPathContext *x, struct span prefix, struct span name, int call)
{
	static const char *const words[] = { "and", "or", "div", "mod", "node",
		"text", "comment", "processing-instruction" };
	char *s = mem_strndup(name.p, name.n), *p = NULL;
	const xmlChar *uri = NULL;
	const char *why = NULL;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		call &= prefix.n > 0 || strcmp(s, words[i]) != 0;
	if (prefix.n > 0) {
		p = mem_strndup(prefix.p, prefix.n);
		uri = xmlXPathNsLookup(x, BAD_CAST p);
	}
	if (prefix.n > 0 && uri == NULL)
		why = "undefined namespace prefix";
	else if (call && xmlXPathFunctionLookupNS(x, BAD_CAST s, uri) == NULL)
		why = "unknown function";
	free(p);
	free(s);
	return why;
}

/*
 * Finds unknown functions, prefixes and variables in a syntactically correct
 * expression. Evaluation would report them only with a document that contains
 * the elements concerned. NULL if there are none.
 */
static const char *
missing(xmlXPathContext *x, const char *s)
{
	struct span prefix, name;
	const char *why = NULL;

	while (*s != '\0' && why == NULL) {
		if (*s == '$')
			return "undefined variable";
		if (*s == '"' || *s == '\'')
			s = strchr(s + 1, *s);
		name = span_of(s, name_len(s));
		if (name.n == 0) {
			s++;
			continue;
		}
		s += name.n;
		prefix = SPAN_NONE;
		if (s[0] == ':' && s[1] != ':') {
			prefix = name;
			name = span_of(s + 1, name_len(s + 1));
			s += 1 + name.n;
		}
		s += strspn(s, " \t\r\n");
		why = look_up(x, prefix, name, *s == '(');
	}
	return why;
}

static xmlXPathCompExpr *
compile(struct span text, struct xpath_functions *f, struct buf *why)
{
	xmlXPathContext *x = make_context(NULL, f);
	xmlXPathCompExpr *e = NULL;
	const char *fault;
	char *s = mem_strndup(text.p != NULL ? text.p : "", text.n);

	if (utf8_valid(text) != text.n || strlen(s) != text.n)
		buf_str(why, "it is not UTF-8");
	else if (x == NULL)
		buf_str(why, "out of memory");
	else {
		e = xmlXPathCtxtCompile(x, BAD_CAST s);
		if (e == NULL)
			buf_printf(
			    why, "%s at %d", fault_text(x), x->lastError.int1);
		else if ((fault = missing(x, s)) != NULL) {
			buf_str(why, fault);
			xmlXPathFreeCompExpr(e);
			e = NULL;
		}
	}
	xmlXPathFreeContext(x);
	free(s);
	if (e == NULL || try_out(e, f, why) == 0)
		return e;
	xmlXPathFreeCompExpr(e);
	return NULL;
}

struct select *
select_xpath(struct span expression, struct buf *why)
{
	struct select *s = mem_zalloc(1, sizeof(*s));

	s->functions = xpath_functions_new();
	s->html = compile(expression, s->functions, why);
	if (s->html != NULL)
		return s;
	select_free(s);
	return NULL;
}

struct select *
select_css(struct span selector, struct buf *why)
{
	struct buf html = { 0 }, xml = { 0 };
	struct select *s = NULL;

	if (css_to_xpath(selector, CSS_HTML, &html, why) < 0 ||
	    css_to_xpath(selector, CSS_XML, &xml, why) < 0)
		goto out;
	s = select_xpath(buf_view(&html), why);
	if (s == NULL || span_eq(buf_view(&html), buf_view(&xml)))
		goto out;
	s->xml = compile(buf_view(&xml), s->functions, why);
	if (s->xml == NULL) {
		select_free(s);
		s = NULL;
	}
out:
	buf_fini(&html);
	buf_fini(&xml);
	return s;
}

void
select_free(struct select *s)
{
	if (s == NULL)
		return;
	xmlXPathFreeCompExpr(s->html);
	xmlXPathFreeCompExpr(s->xml);
	xpath_functions_free(s->functions);
	free(s);
}

/* The state of one evaluation and of writing its result. */
struct run {
	const struct doc *d;
	struct answer *list;
	struct buf text;    /* a serialised element */
	xmlOutputBuffer *o; /* created for the first element */
	int failed;
};

/* Never fails, because libxml2 would print an error. */
static int
on_write(void *arg, const char *p, int n)
{
	struct run *r = arg;

	if (r->text.n + (size_t)n > answer_room(r->list))
		r->list->full = 1;
	if (!r->list->full)
		buf_add(&r->text, p, (size_t)n);
	return n;
}

static void
write_node(struct run *r, xmlNode *node)
{
	if (r->d->kind == DOC_XML)
		xmlNodeDumpOutput(r->o, node->doc, node, 0, 0, NULL);
	else
		htmlNodeDumpFormatOutput(r->o, r->d->tree, node, NULL, 0);
	xmlOutputBufferFlush(r->o);
}

/*
 * Serialises an element of a larger document. Like lxml, declares on it the
 * prefixes that its ancestors declare, for as long as it is written. A side
 * effect that lxml has too: non-ASCII characters of its attributes are written
 * as numeric references.
 */
static void
write_with_namespaces(struct run *r, xmlNode *node)
{
	xmlNode *copy = xmlCopyNode(node, 2), *up;
	xmlAttr *attributes = node->properties;
	xmlNs *own = node->nsDef, *ns;

	if (copy == NULL) {
		r->failed = 1;
		return;
	}
	for (up = node->parent; up != NULL && up->type == XML_ELEMENT_NODE;
	     up = up->parent)
		for (ns = up->nsDef; ns != NULL; ns = ns->next)
			xmlNewNs(copy, ns->href, ns->prefix);
	node->nsDef = copy->nsDef;
	node->properties = copy->properties;
	write_node(r, node);
	node->nsDef = own;
	node->properties = attributes;
	xmlFreeNode(copy);
}

static void
put_element(struct run *r, xmlNode *node)
{
	if (r->o == NULL)
		r->o = xmlOutputBufferCreateIO(on_write, NULL, r, NULL);
	if (r->o == NULL) {
		r->failed = 1;
		return;
	}
	r->text.n = 0;
	if (r->d->kind == DOC_XML && node->type == XML_ELEMENT_NODE &&
	    node->parent != NULL && node->parent->type == XML_ELEMENT_NODE)
		write_with_namespaces(r, node);
	else
		write_node(r, node);
	answer_item(r->list, buf_view(&r->text));
}

/* As Python prints a pair of strings. */
static void
put_namespace(struct run *r, const xmlNs *ns)
{
	const char *quote = ns->prefix != NULL ? "'" : "";

	r->text.n = 0;
	buf_printf(&r->text, "(%s%s%s, '%s')", quote,
	    ns->prefix != NULL ? (const char *)ns->prefix : "None", quote,
	    ns->href != NULL ? (const char *)ns->href : "");
	answer_item(r->list, buf_view(&r->text));
}

static void
put_node(struct run *r, xmlNode *node)
{
	xmlChar *s;

	switch ((int)node->type) {
	case XML_ELEMENT_NODE:
	case XML_COMMENT_NODE:
	case XML_PI_NODE:
	case XML_ENTITY_REF_NODE:
		put_element(r, node);
		break;
	case XML_TEXT_NODE:
	case XML_CDATA_SECTION_NODE:
		answer_item(r->list, span_str((char *)node->content));
		break;
	case XML_ATTRIBUTE_NODE:
		s = xmlNodeGetContent(node);
		answer_item(r->list, span_str((char *)s));
		xmlFree(s);
		break;
	case XML_NAMESPACE_DECL:
		put_namespace(r, (xmlNs *)node);
		break;
	case XML_DOCUMENT_NODE:
	case XML_HTML_DOCUMENT_NODE:
		break; /* lxml leaves it out */
	default:
		r->failed = 1;
	}
}

static void
put_result(struct run *r, const xmlXPathObject *o)
{
	int i, n;

	if (o->type == XPATH_NODESET) {
		n = xmlXPathNodeSetGetLength(o->nodesetval);
		for (i = 0; i < n && !r->failed && !r->list->full; i++)
			put_node(r, o->nodesetval->nodeTab[i]);
	} else if (o->type == XPATH_STRING)
		answer_item(r->list, span_str((char *)o->stringval));
	else if (o->type == XPATH_BOOLEAN)
		answer_item(r->list, o->boolval ? SPAN("1") : SPAN("0"));
	else if (o->type == XPATH_NUMBER) {
		xpath_number_put(&r->text, o->floatval);
		answer_item(r->list, buf_view(&r->text));
	} else
		r->failed = 1;
}

/* Evaluates the expression and appends its result to the open list. Elements
 * are not numbered (xmlXPathOrderDocElems) first: that would make unions
 * faster, but libxml2 then sorts text nodes before elements that precede them.
 */
static void
evaluate(const struct select *s, struct run *r)
{
	xmlXPathContext *x = make_context(r->d->tree, s->functions);
	xmlXPathObject *o = NULL;

	if (x != NULL)
		o = xmlXPathCompiledEval(
		    r->d->kind == DOC_XML && s->xml != NULL ? s->xml : s->html,
		    x);
	if (o != NULL)
		put_result(r, o);
	else
		r->failed = 1;
	xmlXPathFreeObject(o);
	xmlXPathFreeContext(x);
	xpath_functions_done(s->functions);
}

int
select_run(const struct select *s, const struct doc *d, struct answer *a)
{
	struct run r = { .d = d, .list = a };
	size_t start = a->to->n;

	answer_raw(a, SPAN("["));
	if (d->tree != NULL && xmlDocGetRootElement(d->tree) != NULL)
		evaluate(s, &r);
	answer_raw(a, SPAN("]"));
	if (r.o != NULL)
		xmlOutputBufferClose(r.o);
	buf_fini(&r.text);
	if (!r.failed)
		return 0;
	a->to->n = start;
	return -1;
}
