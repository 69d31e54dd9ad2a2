/* SPDX-License-Identifier: ISC */
/*
 * Derives the framing of a response's body and the persistence of its
 * connection from its fields (RFC 9112 sections 6.3 and 9.3), for codec/http
 * only.
 */
#ifndef CODEC_HTTP_FRAMING_H
#define CODEC_HTTP_FRAMING_H

#include <stdint.h>

#include "base/error.h"
#include "codec/http/http.h"

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_EOF, /* until the connection ends */
};

struct http_framing {
	enum http_body body;
	int64_t length;             /* as declared, or -1 */
	unsigned flags;             /* leniencies */
	int keep_alive;             /* by version, Connection and framing */
	int64_t keep_alive_timeout; /* seconds, or -1 */
	/* Content-Length and Transfer-Encoding are repeated, written as lists,
	 * or ignored: llhttp must be given one clean line instead. */
	int rewrite;
	enum err error;
	const char *detail;
};

/* `head`: the request was HEAD. */
void http_framing_judge(struct http_framing *fr, const struct http_fields *f,
    int status, int minor, int head);
/* Is field i one of those that frame the message? */
int http_framing_is_frame(const struct http_fields *f, size_t i);

#endif
