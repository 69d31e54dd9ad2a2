/* SPDX-License-Identifier: ISC */
/*
 * A document as the extractors see it: its source as UTF-8 and, of HTML and
 * XML, its tree. Made once, however many jobs look at it. Owner of libxml2's
 * parsers; knows nothing of what is looked for.
 */
#ifndef WORKER_DOC_H
#define WORKER_DOC_H

#include <libxml/tree.h>

#include "base/buf.h"
#include "base/parse_error.h"
#include "base/span.h"
#include "codec/frame.h"
#include "codec/media_type.h"
#include "codec/url/url.h"

enum doc_kind {
	DOC_HTML, /* text/html, application/xhtml+xml, or what looks like it */
	DOC_XML,  /* application/xml, text/xml, anything +xml */
	DOC_TEXT, /* no tree: source only */
};

/* All-zero is an empty one; doc_load may be called again and again. */
struct doc {
	enum doc_kind kind;
	struct media_type type; /* as its header says */
	struct span source; /* UTF-8, no BOM, no NULs; in `utf8` or the body */
	struct buf utf8;    /* made if the body was in another encoding */
	xmlDoc *tree;       /* NULL for DOC_TEXT */
	struct url url;     /* where it came from */
	struct url base;    /* what its references are relative to: <base> */
	struct buf text;    /* its text, made by doc_text */
	int has_text;
};

struct charset;

/*
 * For the process, before any document: libxml2 set up, never to load anything
 * nor to write to stderr.
 */
void doc_setup(void);
/*
 * PARSE_OK; PARSE_FAILED if it is XML without an element, or its URL none;
 * PARSE_TOO_LARGE if it is more than FRAME_DOC_MAX bytes as UTF-8. Of HTML
 * there always is a tree, the one lxml makes for Scrapy. Afterwards the
 * document stands only as long as in's bytes do.
 */
enum parse_error
doc_load(struct doc *d, const struct frame_doc *in, struct charset *cs);
/*
 * What a reader would see, blocks on lines of their own (doc_text.c): of
 * DOC_TEXT the source, of XML all its text, an element a line. Until doc_clear
 * or doc_fini.
 */
struct span doc_text(struct doc *d);
/* Forgets the document and keeps the memory. */
void doc_clear(struct doc *d);
void doc_fini(struct doc *d);

#endif
