/* SPDX-License-Identifier: ISC */
/*
 * Media types: the one reader of Content-Type, by RFC 9110 section 8.3 and,
 * where several are listed, as the Fetch standard extracts a MIME type. Both
 * programs decide by it what a document is, so that they agree.
 */
#ifndef CODEC_MEDIA_TYPE_H
#define CODEC_MEDIA_TYPE_H

#include "base/buf.h"
#include "base/span.h"

/* All-zero is one that says nothing. The spans lie in `text`. */
struct media_type {
	struct span type;    /* "text/html", lower case; n 0: none */
	struct span charset; /* unquoted, lower case; p NULL: none */
	struct buf text;
};

/*
 * Reads a Content-Type; several lines joined by ", ". Of several media types
 * the last one counts that can be read and is no wildcard; one of the same type
 * without a charset keeps that of the one before. Where there is none, a
 * charset is read all the same ("html; charset=utf-8"). Of parameters of one
 * name the first counts. Keeps its memory.
 */
void media_type_read(struct media_type *m, struct span value);
/* It says nothing any more; gives memory back if it is more than `keep`. */
void media_type_clear(struct media_type *m, size_t keep);
void media_type_fini(struct media_type *m);

enum media_kind {
	MEDIA_HTML,
	MEDIA_XML,
	MEDIA_TEXT,  /* other text, or an unknown type that looks like text */
	MEDIA_OTHER, /* not to be read as text */
};

/* What a body of that type is; where no type is known, by its first bytes. */
enum media_kind media_type_kind(const struct media_type *m, struct span body);
/* Is that type (as in struct media_type) one of JSON, or unknown? */
int media_type_may_be_json(struct span type);

#endif
