/* SPDX-License-Identifier: ISC */
/*
 * Parses Content-Type (RFC 9110 section 8.3); of several types it selects one
 * as the Fetch standard does. fetchd and fetchd-worker both use it, so that
 * they agree on the kind of a document.
 */
#ifndef CODEC_MEDIA_TYPE_H
#define CODEC_MEDIA_TYPE_H

#include "base/buf.h"
#include "base/span.h"

/* All-zero is an empty one. The spans point into `text`. */
struct media_type {
	struct span type;    /* "text/html", lower case; n 0: none */
	struct span charset; /* unquoted, lower case; p NULL: none */
	struct buf text;
};

/*
 * Parses a Content-Type, several lines joined by ", ". Among several media
 * types the last valid one that is not a wildcard counts. If it has no charset,
 * it keeps that of a previous equal type. A charset is accepted even without a
 * valid type ("html; charset=utf-8"). A repeated parameter counts once, the
 * first time. Reuses its memory.
 */
void media_type_read(struct media_type *m, struct span value);
/* Empties it, and frees its memory if that is more than `keep` bytes. */
void media_type_clear(struct media_type *m, size_t keep);
void media_type_fini(struct media_type *m);

enum media_kind {
	MEDIA_HTML,
	MEDIA_XML,
	MEDIA_TEXT,  /* other text, or an unknown type that looks like text */
	MEDIA_OTHER, /* not text */
};

/* The kind of a body by its type or, if that is unknown, by its first bytes. */
enum media_kind media_type_kind(const struct media_type *m, struct span body);
/* Is the type (as in struct media_type) JSON or unknown? */
int media_type_may_be_json(struct span type);

#endif
