/* SPDX-License-Identifier: ISC */
/*
 * A document for the extractors: its source as UTF-8 and, for HTML and XML, its
 * tree. Parsed once for all jobs. Owner of libxml2's parsers.
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

/* All-zero is an empty one. doc_load may be called repeatedly. */
struct doc {
	enum doc_kind kind;
	struct media_type type; /* from Content-Type */
	struct span source; /* UTF-8, no BOM, no NULs; in `utf8` or the body */
	struct buf utf8;    /* used if the body had another encoding */
	xmlDoc *tree;       /* NULL for DOC_TEXT */
	struct url url;     /* final URL */
	struct url base;    /* base URL of its references */
	struct buf text;    /* filled by doc_text */
	int has_text;
};

struct charset;

/*
 * Call once, before any document: sets up libxml2 so that it neither loads
 * anything nor writes to stderr.
 */
void doc_setup(void);
/*
 * PARSE_OK; PARSE_FAILED for XML without an element or an invalid URL;
 * PARSE_TOO_LARGE if it has more than FRAME_DOC_MAX bytes as UTF-8. HTML always
 * has a tree, the one lxml builds for Scrapy. The document is valid only as
 * long as the bytes of `in`.
 */
enum parse_error
doc_load(struct doc *d, const struct frame_doc *in, struct charset *cs);
/*
 * The visible text, blocks on separate lines (doc_text.c). For DOC_TEXT the
 * source, for XML all text with one element per line. Valid until doc_clear or
 * doc_fini.
 */
struct span doc_text(struct doc *d);
/* Empties the document but keeps its memory. */
void doc_clear(struct doc *d);
void doc_fini(struct doc *d);

#endif
