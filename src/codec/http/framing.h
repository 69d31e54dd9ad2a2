/* SPDX-License-Identifier: ISC */
/*
 * What a response's fields say of its body's end and of the connection
 * (RFC 9112 sections 6.3 and 9.3), for codec/http alone. Fields in, a judgement
 * out; sees no body byte.
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
	HTTP_BODY_EOF, /* as far as the connection goes */
};

struct http_framing {
	enum http_body body;
	int64_t length; /* as declared, or -1 */
	unsigned flags; /* leniencies */
	int keep_alive; /* by version, Connection and what is above */
	int64_t keep_alive_timeout; /* seconds, or -1 */
	/* Content-Length and Transfer-Encoding do not stand there once and
	 * plainly, or do not count. */
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
