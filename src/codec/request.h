/* SPDX-License-Identifier: ISC */
/*
 * Parses one line of input: a plain URL or a JSON request. Opens no file; the
 * URL itself is parsed by codec/url.
 */
#ifndef CODEC_REQUEST_H
#define CODEC_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "codec/http/http.h"

#define REQUEST_URL_LINE_MAX (1u << 20)   /* bytes of a URL line */
#define REQUEST_JSON_LINE_MAX (16u << 20) /* bytes of a JSON line */
#define REQUEST_DEPTH_MAX 64
#define REQUEST_COST_MAX 16
#define REQUEST_SHA256_HEX 64 /* digits of a digest */

/* How much of the named budget an item uses; finite, 0 or more. */
struct request_cost {
	struct span name;
	double amount;
};

/*
 * All-zero is an empty one. It can be reused for line after line and keeps its
 * memory. Spans point into the line or into `store`.
 */
struct request {
	int is_json;
	struct span id;     /* raw JSON scalar, byte for byte; n 0: none */
	int id_is_custom;   /* it came as custom_id */
	struct span meta;   /* raw JSON value; n 0: none */
	struct span url;    /* as given (a JSON line's: unescaped) */
	struct span method; /* n 0: not given */
	struct http_header *header; /* of the line, in order */
	size_t nheader, header_cap;
	int has_body;              /* by any of the three keys */
	int body_is_json;          /* object or list: verbatim */
	struct span body;          /* decoded (body_base64) or raw */
	struct span body_file;     /* n 0: none */
	struct span output;        /* name under --output-dir; n 0: none */
	struct span sha256;        /* 64 hexadecimal digits; n 0: none */
	int64_t timeout_us;        /* -1: not given; 0: none */
	int64_t retry;             /* -1: not given */
	int stream;                /* -1: not given, or null; 0; 1 */
	struct request_cost *cost; /* no name twice, at most REQUEST_COST_MAX */
	size_t ncost;
	struct buf store; /* decoded strings; never moved while spans point
			   * into it */
};

/* What is wrong with a line, for errormsg. */
struct request_fault {
	size_t column;  /* from 1 */
	char text[160]; /* valid UTF-8, names the key where there is one */
};

/*
 * Parses a line without its line end. Spaces and tabs around it are trimmed. A
 * line that starts with '{' is JSON. Returns E_OK, or E_INPUT_INVALID with
 * *fault filled in; then id, meta and url are set nevertheless if the line is
 * valid JSON and has them.
 */
enum err
request_parse(struct request *r, struct span line, struct request_fault *fault);
void request_fini(struct request *r);

#endif
