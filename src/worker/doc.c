/* SPDX-License-Identifier: ISC */
/*
 * Determines the kind of a document, decodes its source to UTF-8 and builds its
 * tree as lxml does for Scrapy: same library, same options. External entities
 * are never loaded.
 */
#include "worker/doc.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>
#include <libxml/xmlerror.h>

#include "base/utf8.h"
#include "worker/charset/charset.h"
#include "worker/href.h"
#include "worker/tree.h"

#define KEEP_BYTES (4u << 20) /* memory kept between documents */
#define ENTITY_MAX 16

#define HTML_OPTIONS \
	(HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_COMPACT | \
	    HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | \
	    HTML_PARSE_IGNORE_ENC | (int)XML_PARSE_HUGE)
#define XML_OPTIONS \
	(XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_COMPACT | \
	    XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC | \
	    XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES | XML_PARSE_HUGE)

static xmlParserInput *
load_nothing(const char *url, const char *id, xmlParserCtxt *ctxt)
{
	(void)url;
	(void)id;
	(void)ctxt;
	return NULL;
}

/* Errors in documents are normal; the parsers recover from them. */
static void
on_error(void *arg, xmlError *e)
{
	(void)arg;
	(void)e;
}

/* Messages that do not go to on_error, such as unknown XPath functions. */
static void
on_message(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

void
doc_setup(void)
{
	xmlInitParser();
	xmlSetExternalEntityLoader(load_nothing);
	xmlSetStructuredErrorFunc(NULL, on_error);
	xmlSetGenericErrorFunc(NULL, on_message);
}

/* ---- the tree ---- */

/*
 * Declares entities that could grow when expanded as empty, so that only names
 * of characters keep their value. (Leaving them undeclared would make the
 * document ill-formed.) External entities are never loaded.
 */
static void
on_entity(void *arg, const xmlChar *name, int type, const xmlChar *public_id,
    const xmlChar *system_id, xmlChar *content)
{
	xmlChar none[] = "";

	if (content != NULL && (type != XML_INTERNAL_GENERAL_ENTITY ||
				   xmlStrlen(content) > ENTITY_MAX ||
				   xmlStrchr(content, '&') != NULL))
		content = none;
	xmlSAX2EntityDecl(arg, name, type, public_id, system_id, content);
}

/*
 * Like htmlCtxtReadMemory, but tells libxml2 that the bytes are UTF-8, so that
 * it does not convert a copy of them first.
 */
static xmlDoc *
read_html(struct span s)
{
	htmlParserCtxt *ctxt = htmlCreateMemoryParserCtxt(s.p, (int)s.n);
	xmlDoc *tree;

	if (ctxt == NULL)
		return NULL;
	htmlCtxtUseOptions(ctxt, HTML_OPTIONS);
	ctxt->charset = XML_CHAR_ENCODING_UTF8;
	ctxt->input->encoding = xmlStrdup(BAD_CAST "UTF-8");
	/* Scripts become text nodes, as in lxml. */
	ctxt->sax->cdataBlock = NULL;
	htmlParseDocument(ctxt);
	tree = ctxt->myDoc;
	htmlFreeParserCtxt(ctxt);
	return tree;
}

static xmlDoc *
read_xml(struct span s)
{
	xmlParserCtxt *ctxt = xmlNewParserCtxt();
	xmlDoc *tree = NULL;

	if (ctxt != NULL) {
		ctxt->sax->entityDecl = on_entity;
		tree = xmlCtxtReadMemory(
		    ctxt, s.p, (int)s.n, NULL, "UTF-8", XML_OPTIONS);
		xmlFreeParserCtxt(ctxt);
	}
	return tree;
}

/* A character that Python's str.strip() removes. */
static int
is_python_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) ||
	       c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

static uint32_t
char_at(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	uint32_t c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	size_t i;

	for (i = 1; i < n; i++)
		c = c << 6 | (u[i] & 0x3f);
	return c;
}

/* parsel strips documents before parsing; otherwise the space would be text. */
static struct span
strip(struct span s)
{
	size_t n;

	while ((n = utf8_len(s)) > 0 && is_python_space(char_at(s.p, n)))
		s = span_of(s.p + n, s.n - n);
	while (s.n > 0) {
		for (n = 1; n < s.n && n < 4 && (s.p[s.n - n] & 0xc0) == 0x80;)
			n++;
		if (!is_python_space(char_at(s.p + s.n - n, n)))
			break;
		s.n -= n;
	}
	return s;
}

static xmlDoc *
read_tree(enum doc_kind kind, struct span source)
{
	struct span s = strip(source);
	xmlDoc *tree = NULL;

	if (s.n > 0)
		tree = kind == DOC_HTML ? read_html(s) : read_xml(s);
	if (tree != NULL && xmlDocGetRootElement(tree) != NULL)
		return tree;
	xmlFreeDoc(tree);
	return kind == DOC_HTML ? read_html(SPAN("<html/>")) : NULL;
}

/* ---- the document ---- */

/* Sets the base URL from the first <base href>, if that is valid. */
static void
find_base(struct doc *d)
{
	xmlNode *top = xmlDocGetRootElement(d->tree), *n;
	struct buf held = { 0 }, scratch = { 0 };
	struct span href;

	for (n = top; n != NULL; n = tree_next(n, top)) {
		if (!tree_is(n, "base"))
			continue;
		href = tree_attr(n, "href", &held);
		if (href.p == NULL)
			continue;
		if (href_resolve(&d->base, &d->url, href, &scratch) != E_OK)
			url_resolve(&d->base, &d->url, SPAN(""));
		break;
	}
	buf_fini(&held);
	buf_fini(&scratch);
}

enum parse_error
doc_load(struct doc *d, const struct frame_doc *in, struct charset *cs)
{
	static const struct {
		enum doc_kind kind;
		enum charset_look look;
	} kinds[] = {
		[MEDIA_HTML] = { DOC_HTML, CHARSET_LOOK_HTML },
		[MEDIA_XML] = { DOC_XML, CHARSET_LOOK_XML },
		[MEDIA_TEXT] = { DOC_TEXT, CHARSET_LOOK_NOT },
		[MEDIA_OTHER] = { DOC_TEXT, CHARSET_LOOK_NOT },
	};
	enum media_kind is;
	const char *why;
	size_t at;

	doc_clear(d);
	if (url_parse(&d->url, in->url, &why, &at) != E_OK)
		return PARSE_FAILED;
	url_resolve(&d->base, &d->url, SPAN(""));
	media_type_read(&d->type, in->content_type);
	is = media_type_kind(&d->type, in->body);
	d->kind = kinds[is].kind;
	d->source = charset_utf8(
	    cs, in->body, d->type.charset, kinds[is].look, &d->utf8);
	if (d->source.n > FRAME_DOC_MAX)
		return PARSE_TOO_LARGE;
	if (d->kind == DOC_TEXT)
		return PARSE_OK;
	d->tree = read_tree(d->kind, d->source);
	if (d->tree == NULL)
		return PARSE_FAILED;
	/* XHTML sent as XML can have a <base>, too. */
	if (d->kind == DOC_HTML ||
	    tree_is(xmlDocGetRootElement(d->tree), "html"))
		find_base(d);
	return PARSE_OK;
}

void
doc_clear(struct doc *d)
{
	xmlFreeDoc(d->tree);
	d->tree = NULL;
	d->source = SPAN_NONE;
	d->has_text = 0;
	buf_clear(&d->utf8, KEEP_BYTES);
	buf_clear(&d->text, KEEP_BYTES);
}

void
doc_fini(struct doc *d)
{
	doc_clear(d);
	media_type_fini(&d->type);
	url_fini(&d->url);
	url_fini(&d->base);
	buf_fini(&d->utf8);
	buf_fini(&d->text);
}
