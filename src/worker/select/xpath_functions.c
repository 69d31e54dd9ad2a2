/* SPDX-License-Identifier: ISC */
/* Extension functions of XPath: their names, has-class() of parsel, and the set
 * functions of EXSLT. */
#include "worker/select/xpath_functions.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "worker/select/xpath_int.h"

#define RE_NAMESPACE "http://exslt.org/regular-expressions"
#define SET_NAMESPACE "http://exslt.org/sets"

/* The class attribute with one space around each word. */
static int
put_words(struct buf *out, const xmlNode *element)
{
	xmlChar *s = xmlGetNoNsProp(element, BAD_CAST "class"), *p;

	if (s == NULL)
		return -1;
	buf_char(out, ' ');
	for (p = s; *p != '\0'; p++) {
		if (strchr(" \t\r\n\f", *p) == NULL)
			buf_char(out, (char)*p);
		else if (out->p[out->n - 1] != ' ')
			buf_char(out, ' ');
	}
	if (out->p[out->n - 1] != ' ')
		buf_char(out, ' ');
	xmlFree(s);
	return 0;
}

static int
has_word(const struct buf *words, const char *word)
{
	size_t n = strlen(word);
	const char *p = words->p, *end = words->p + words->n;

	for (; (p = memchr(p, ' ', (size_t)(end - p))) != NULL; p++)
		if ((size_t)(end - p) >= n + 2 && p[n + 1] == ' ' &&
		    memcmp(p + 1, word, n) == 0)
			return 1;
	return 0;
}

/* Pops an argument. 1 if it is one of the words, 0 if not, -1 if it is not a
 * string. */
static int
pop_class(xmlXPathParserContext *p, const struct buf *words)
{
	xmlXPathObject *o = valuePop(p);
	int rc = -1;

	if (o != NULL && o->type == XPATH_STRING)
		rc = words->n > 0 && has_word(words, (char *)o->stringval);
	xmlXPathFreeObject(o);
	return rc;
}

static void
on_has_class(xmlXPathParserContext *p, int n_args)
{
	struct xpath_functions *f = p->context->userData;
	const xmlNode *node = p->context->node;
	int i, rc, all = 1;

	f->scratch.n = 0;
	if (node != NULL && node->type == XML_ELEMENT_NODE)
		put_words(&f->scratch, node);
	else if (node == NULL ||
		 (node->type != XML_COMMENT_NODE && node->type != XML_PI_NODE &&
		     node->type != XML_ENTITY_REF_NODE))
		n_args = 0;
	if (n_args == 0) {
		xmlXPathErr(p, XPATH_EXPR_ERROR);
		return;
	}
	for (i = 0; i < n_args; i++) {
		rc = pop_class(p, &f->scratch);
		if (rc < 0) {
			xmlXPathErr(p, XPATH_INVALID_TYPE);
			return;
		}
		all &= rc;
	}
	xmlXPathReturnBoolean(p, all);
}

/* Pops two node sets. On failure sets an error and leaves nothing to free. */
static int
pop_sets(
    xmlXPathParserContext *p, int n_args, xmlNodeSet **one, xmlNodeSet **two)
{
	if (n_args != 2) {
		xmlXPathSetArityError(p);
		return -1;
	}
	*two = xmlXPathPopNodeSet(p);
	if (xmlXPathCheckError(p))
		return -1;
	*one = xmlXPathPopNodeSet(p);
	if (!xmlXPathCheckError(p))
		return 0;
	xmlXPathFreeNodeSet(*two);
	return -1;
}

static void
push_set(xmlXPathParserContext *p, xmlNodeSet *one, xmlNodeSet *two,
    xmlNodeSet *result)
{
	if (result != one)
		xmlXPathFreeNodeSet(one);
	xmlXPathFreeNodeSet(two);
	xmlXPathReturnNodeSet(p, result);
}

static void
on_difference(xmlXPathParserContext *p, int n_args)
{
	xmlNodeSet *one, *two;

	if (pop_sets(p, n_args, &one, &two) == 0)
		push_set(p, one, two, xmlXPathDifference(one, two));
}

static void
on_intersection(xmlXPathParserContext *p, int n_args)
{
	xmlNodeSet *one, *two;

	if (pop_sets(p, n_args, &one, &two) == 0)
		push_set(p, one, two, xmlXPathIntersection(one, two));
}

static void
on_leading(xmlXPathParserContext *p, int n_args)
{
	xmlNodeSet *one, *two;

	if (pop_sets(p, n_args, &one, &two) == 0)
		push_set(p, one, two,
		    xmlXPathNodeSetIsEmpty(two)
			? one
			: xmlXPathNodeLeadingSorted(
			      one, xmlXPathNodeSetItem(two, 0)));
}

static void
on_trailing(xmlXPathParserContext *p, int n_args)
{
	xmlNodeSet *one, *two;

	if (pop_sets(p, n_args, &one, &two) == 0)
		push_set(p, one, two,
		    xmlXPathNodeSetIsEmpty(two)
			? one
			: xmlXPathNodeTrailingSorted(
			      one, xmlXPathNodeSetItem(two, 0)));
}

static void
on_has_same_node(xmlXPathParserContext *p, int n_args)
{
	xmlNodeSet *one, *two;
	int same;

	if (pop_sets(p, n_args, &one, &two) < 0)
		return;
	same = xmlXPathHasSameNodes(one, two);
	xmlXPathFreeNodeSet(one);
	xmlXPathFreeNodeSet(two);
	xmlXPathReturnBoolean(p, same);
}

static void
on_distinct(xmlXPathParserContext *p, int n_args)
{
	xmlNodeSet *one;

	if (n_args != 1) {
		xmlXPathSetArityError(p);
		return;
	}
	one = xmlXPathPopNodeSet(p);
	if (!xmlXPathCheckError(p))
		push_set(p, one, NULL, xmlXPathDistinctSorted(one));
}

static const struct {
	const char *ns, *name;
	xmlXPathFunction f;
} functions[] = {
	{ NULL, "has-class", on_has_class },
	{ RE_NAMESPACE, "test", xpath_re_test },
	{ RE_NAMESPACE, "match", xpath_re_match },
	{ RE_NAMESPACE, "replace", xpath_re_replace },
	{ SET_NAMESPACE, "difference", on_difference },
	{ SET_NAMESPACE, "intersection", on_intersection },
	{ SET_NAMESPACE, "distinct", on_distinct },
	{ SET_NAMESPACE, "has-same-node", on_has_same_node },
	{ SET_NAMESPACE, "leading", on_leading },
	{ SET_NAMESPACE, "trailing", on_trailing },
};

int
xpath_functions_register(xmlXPathContext *x)
{
	size_t i;

	if (xmlXPathRegisterNs(x, BAD_CAST "re", BAD_CAST RE_NAMESPACE) != 0 ||
	    xmlXPathRegisterNs(x, BAD_CAST "set", BAD_CAST SET_NAMESPACE) != 0)
		return -1;
	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (xmlXPathRegisterFuncNS(x, BAD_CAST functions[i].name,
			BAD_CAST functions[i].ns, functions[i].f) != 0)
			return -1;
	return 0;
}

struct xpath_functions *
xpath_functions_new(void)
{
	return mem_zalloc(1, sizeof(struct xpath_functions));
}

void
xpath_functions_done(struct xpath_functions *f)
{
	while (f->n_made > 0)
		xmlFreeDoc(f->made[--f->n_made]);
	f->n_matches = 0;
}

void
xpath_functions_free(struct xpath_functions *f)
{
	size_t i;

	if (f == NULL)
		return;
	xpath_functions_done(f);
	free(f->made);
	for (i = 0; i < XPATH_PATTERNS; i++) {
		buf_fini(&f->pattern[i].text);
		regex_free(f->pattern[i].regex);
	}
	for (i = 0; i < XPATH_ARGS; i++)
		buf_fini(&f->arg[i]);
	buf_fini(&f->scratch);
	free(f);
}
