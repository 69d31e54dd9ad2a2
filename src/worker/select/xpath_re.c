/* SPDX-License-Identifier: ISC */
/*
 * The regular expression functions of EXSLT as lxml implements them, with
 * Python's conversion to strings, groups and replacement syntax. Compiled
 * patterns are cached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "worker/select/xpath_int.h"
#include "worker/select/xpath_number.h"

#define MATCHES_MAX 1000000      /* elements created by one evaluation */
#define REPLACED_MAX (64u << 20) /* bytes of a result of replace() */

/* Appends the string that lxml makes of a node; 0 if lxml skips the node. */
static int
put_node(struct buf *out, const xmlNode *node)
{
	const xmlNs *ns = (const xmlNs *)node;
	xmlChar *s;

	switch ((int)node->type) {
	case XML_NAMESPACE_DECL:
		buf_printf(out, "('%s', '%s')", (const char *)ns->prefix,
		    (const char *)ns->href);
		return 1;
	case XML_ELEMENT_NODE:
	case XML_ATTRIBUTE_NODE:
	case XML_TEXT_NODE:
	case XML_CDATA_SECTION_NODE:
	case XML_ENTITY_REF_NODE:
	case XML_PI_NODE:
	case XML_COMMENT_NODE:
		s = xmlNodeGetContent(node);
		if (s != NULL)
			buf_str(out, (char *)s);
		xmlFree(s);
		return 1;
	}
	return 0;
}

static void
put_object(struct buf *out, const xmlXPathObject *o)
{
	int i, n;

	if (o->type == XPATH_STRING)
		buf_str(out, (char *)o->stringval);
	else if (o->type == XPATH_BOOLEAN)
		buf_str(out, o->boolval ? "True" : "False");
	else if (o->type == XPATH_NUMBER)
		xpath_number_put(out, o->floatval);
	else if (o->type == XPATH_NODESET) {
		n = xmlXPathNodeSetGetLength(o->nodesetval);
		for (i = 0; i < n; i++)
			if (put_node(out, o->nodesetval->nodeTab[i]))
				return;
	}
}

/* Pops the arguments into f->arg as strings. 0; -1 with an error set. */
static int
pop_args(xmlXPathParserContext *p, int n_args, int least, int most)
{
	struct xpath_functions *f = p->context->userData;
	xmlXPathObject *o;
	int i;

	if (n_args < least || n_args > most) {
		xmlXPathSetArityError(p);
		return -1;
	}
	for (i = 0; i < XPATH_ARGS; i++)
		f->arg[i].n = 0;
	for (i = n_args - 1; i >= 0; i--) {
		o = valuePop(p);
		if (o == NULL) {
			xmlXPathErr(p, XPATH_STACK_ERROR);
			return -1;
		}
		put_object(&f->arg[i], o);
		xmlXPathFreeObject(o);
		if (utf8_valid(buf_view(&f->arg[i])) != f->arg[i].n) {
			xmlXPathErr(p, XPATH_INVALID_CHAR_ERROR);
			return -1;
		}
	}
	return 0;
}

static int
has_flag(const struct buf *flags, char c)
{
	return flags->n > 0 && memchr(flags->p, c, flags->n) != NULL;
}

/* The second argument as a compiled pattern; NULL with an error set. */
static struct regex *
find_pattern(xmlXPathParserContext *p)
{
	struct xpath_functions *f = p->context->userData;
	struct span text = buf_view(&f->arg[1]);
	int caseless = has_flag(&f->arg[2], 'i');
	struct buf why = { 0 };
	struct xpath_pattern *k;
	size_t i;

	for (i = 0; i < XPATH_PATTERNS; i++) {
		k = &f->pattern[i];
		if (k->regex != NULL && k->caseless == caseless &&
		    span_eq(buf_view(&k->text), text))
			return k->regex;
	}
	k = &f->pattern[f->oldest++ % XPATH_PATTERNS];
	regex_free(k->regex);
	k->regex =
	    caseless ? regex_new_caseless(text, &why) : regex_new(text, &why);
	buf_fini(&why);
	if (k->regex == NULL) {
		xmlXPathErr(p, XPATH_EXPR_ERROR);
		return NULL;
	}
	k->text.n = 0;
	buf_span(&k->text, text);
	k->caseless = caseless;
	return k->regex;
}

void
xpath_re_test(xmlXPathParserContext *p, int n_args)
{
	struct xpath_functions *f = p->context->userData;
	struct regex *r;
	int rc;

	if (pop_args(p, n_args, 2, 3) < 0 || (r = find_pattern(p)) == NULL)
		return;
	regex_start(r, buf_view(&f->arg[0]));
	rc = regex_next(r);
	if (rc < 0) {
		xmlXPathErr(p, XPATH_EXPR_ERROR);
		return;
	}
	xmlXPathReturnBoolean(p, rc);
}

/* Creates a document that lives until the evaluation is done; returns its root.
 */
static xmlNode *
make_root(struct xpath_functions *f)
{
	xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *root;

	if (doc == NULL)
		return NULL;
	f->made =
	    mem_grow(f->made, f->n_made, &f->cap_made, sizeof(f->made[0]));
	f->made[f->n_made++] = doc;
	root = xmlNewDocNode(doc, NULL, BAD_CAST "matches", NULL);
	if (root != NULL)
		xmlDocSetRootElement(doc, root);
	return root;
}

/* <match>text</match>. 0 or -1. */
static int
add_match(
    struct xpath_functions *f, xmlNode *root, xmlNodeSet *set, struct span text)
{
	xmlNode *e, *t;

	if (++f->n_matches > MATCHES_MAX)
		return -1;
	e = xmlNewDocNode(root->doc, NULL, BAD_CAST "match", NULL);
	if (e == NULL)
		return -1;
	xmlAddChild(root, e);
	if (text.p == NULL)
		text = SPAN("");
	t = xmlNewDocTextLen(root->doc, BAD_CAST text.p, (int)text.n);
	if (t == NULL)
		return -1;
	xmlAddChild(e, t);
	return xmlXPathNodeSetAddUnique(set, e);
}

/* With g: all groups of a match, concatenated. */
static int
add_joined(struct xpath_functions *f, const struct regex *r, xmlNode *root,
    xmlNodeSet *set)
{
	unsigned i;

	if (regex_groups(r) == 0)
		return add_match(f, root, set, regex_group(r, 0));
	f->scratch.n = 0;
	for (i = 1; i <= regex_groups(r); i++)
		buf_span(&f->scratch, regex_group(r, i));
	return add_match(f, root, set, buf_view(&f->scratch));
}

static int
add_matches(struct xpath_functions *f, struct regex *r, xmlNodeSet *set)
{
	xmlNode *root = NULL;
	unsigned i;
	int rc, all = has_flag(&f->arg[2], 'g');

	regex_start(r, buf_view(&f->arg[0]));
	while ((rc = regex_next(r)) > 0) {
		if (root == NULL && (root = make_root(f)) == NULL)
			return -1;
		if (all) {
			if (add_joined(f, r, root, set) < 0)
				return -1;
			continue;
		}
		for (i = 0; i <= regex_groups(r); i++)
			if (add_match(f, root, set, regex_group(r, i)) < 0)
				return -1;
		break;
	}
	return rc < 0 ? -1 : 0;
}

void
xpath_re_match(xmlXPathParserContext *p, int n_args)
{
	struct xpath_functions *f = p->context->userData;
	struct regex *r;
	xmlNodeSet *set;

	if (pop_args(p, n_args, 2, 3) < 0 || (r = find_pattern(p)) == NULL)
		return;
	set = xmlXPathNodeSetCreate(NULL);
	if (set == NULL) {
		xmlXPathErr(p, XPATH_MEMORY_ERROR);
		return;
	}
	if (add_matches(f, r, set) < 0) {
		xmlXPathFreeNodeSet(set);
		xmlXPathErr(p, XPATH_EXPR_ERROR);
		return;
	}
	xmlXPathReturnNodeSet(p, set);
}

static int
is_digit(struct span s, size_t i, char last)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= last;
}

static int
put_group(struct buf *out, const struct regex *r, unsigned group)
{
	if (group > regex_groups(r))
		return -1;
	buf_span(out, regex_group(r, group));
	return 0;
}

/* Appends a character if documents may contain it. */
static int
put_character(struct buf *out, unsigned c)
{
	char text[4];

	if (c > 0xff || (c < ' ' && c != '\t' && c != '\n' && c != '\r'))
		return -1;
	buf_add(out, text, utf8_put(text, c));
	return 0;
}

/* Handles \1, \12, \012 and \123 at the start of s: a group or a character.
 * Returns its length, or 0 if it is invalid. */
static size_t
put_numbered(struct buf *out, const struct regex *r, struct span s)
{
	unsigned v = 0;
	size_t n = 1, i;
	int octal = s.p[1] == '0';

	if (octal) {
		for (n = 2; n < 4 && is_digit(s, n, '7');)
			n++;
	} else {
		n = is_digit(s, 2, '9') ? 3 : 2;
		octal = n == 3 && s.p[1] <= '7' && s.p[2] <= '7' &&
			is_digit(s, 3, '7');
		n += (size_t)octal;
	}
	for (i = 1; i < n; i++)
		v = v * (octal ? 8 : 10) + (unsigned)(s.p[i] - '0');
	if ((octal ? put_character(out, v) : put_group(out, r, v)) < 0)
		return 0;
	return n;
}

/* Handles \g<name> and \g<2>. Returns its length, or 0 if it is invalid. */
static size_t
put_named(struct buf *out, const struct regex *r, struct span s)
{
	const char *end;
	struct span name;
	unsigned v = 0;
	size_t i;

	if (s.n < 4 || s.p[2] != '<' || (end = memchr(s.p, '>', s.n)) == NULL ||
	    end == s.p + 3)
		return 0;
	name = span_of(s.p + 3, (size_t)(end - s.p) - 3);
	for (i = 0; is_digit(name, i, '9') && i < 4; i++)
		v = v * 10 + (unsigned)(name.p[i] - '0');
	if (i < name.n) {
		v = regex_group_number(r, name);
		if (v == 0)
			return 0;
	}
	return put_group(out, r, v) < 0 ? 0 : name.n + 4;
}

/* Handles one escape of a replacement; returns its length, or 0. */
static size_t
put_escape(struct buf *out, const struct regex *r, struct span s)
{
	static const char letter[] = "abfnrtv\\", is[] = "\a\b\f\n\r\t\v\\";
	const char *at;
	char c = s.n > 1 ? s.p[1] : '\0';

	if (c == '\0')
		return 0;
	if (c == 'g')
		return put_named(out, r, s);
	if (c >= '0' && c <= '9')
		return put_numbered(out, r, s);
	at = strchr(letter, c);
	if (at != NULL)
		return put_character(out, (unsigned)is[at - letter]) < 0 ? 0
									 : 2;
	if (span_is_letter(c))
		return 0;
	buf_add(out, s.p, 2);
	return 2;
}

static int
put_replacement(struct buf *out, const struct regex *r, struct span s)
{
	size_t n;

	for (; s.n > 0; s.p += n, s.n -= n) {
		n = 1;
		if (s.p[0] != '\\')
			buf_char(out, s.p[0]);
		else if ((n = put_escape(out, r, s)) == 0)
			return -1;
	}
	return out->n <= REPLACED_MAX ? 0 : -1;
}

static int
replace(struct xpath_functions *f, struct regex *r)
{
	struct span text = buf_view(&f->arg[0]), m;
	struct buf *out = &f->scratch;
	size_t done = 0;
	int rc, all = has_flag(&f->arg[2], 'g');

	out->n = 0;
	regex_start(r, text);
	while ((rc = regex_next(r)) > 0) {
		m = regex_group(r, 0);
		buf_add(out, text.p + done, (size_t)(m.p - text.p) - done);
		done = (size_t)(m.p - text.p) + m.n;
		if (put_replacement(out, r, buf_view(&f->arg[3])) < 0)
			return -1;
		if (!all)
			break;
	}
	buf_add(out, text.p + done, text.n - done);
	buf_char(out, '\0');
	return rc < 0 ? -1 : 0;
}

void
xpath_re_replace(xmlXPathParserContext *p, int n_args)
{
	struct xpath_functions *f = p->context->userData;
	struct regex *r;

	if (pop_args(p, n_args, 4, 4) < 0 || (r = find_pattern(p)) == NULL)
		return;
	if (replace(f, r) < 0) {
		xmlXPathErr(p, XPATH_EXPR_ERROR);
		return;
	}
	xmlXPathReturnString(p, xmlStrdup(BAD_CAST f->scratch.p));
}
