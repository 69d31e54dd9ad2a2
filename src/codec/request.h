/* SPDX-License-Identifier: ISC */
/*
 * One line of input, understood. Pure: opens no file, looks
 * nothing up; the URL itself is left to codec/url.
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

/* What an item takes from the budget of that name; 0 or more, finite. */
struct request_cost {
	struct span name;
	double amount;
};

/*
 * All-zero is an empty one; it may be parsed into again and again and keeps
 * its memory. Spans point into the line or into `store`.
 */
struct request {
	int is_json;
	struct span id;     /* raw JSON scalar, byte for byte; n 0: none */
	int id_is_custom;   /* it came as custom_id */
	struct span meta;   /* raw JSON value; n 0: none */
	struct span url;    /* as given (a JSON line's: unescaped) */
	struct span method; /* n 0: not given */
	struct http_header *header; /* the line's own, in order */
	size_t nheader, header_cap;
	int has_body;              /* by any of the three keys */
	int body_is_json;          /* object or list: its bytes as they stand */
	struct span body;          /* decoded (body_base64) or raw */
	struct span body_file;     /* n 0: none */
	int64_t timeout_us;        /* -1: not given; 0: none */
	int64_t retry;             /* -1: not given */
	int stream;                /* -1: not given, or null; 0; 1 */
	struct request_cost *cost; /* no name twice, at most REQUEST_COST_MAX */
	size_t ncost;
	struct buf store; /* what had to be unescaped; never moved while
			   * spans point into it */
};

/* What is wrong with a line, for errormsg. */
struct request_fault {
	size_t column;  /* from 1 */
	char text[160]; /* valid UTF-8, names the key where there is one */
};

/*
 * Parses a line without its line end; blanks around it are trimmed, and a
 * first '{' makes it JSON. Returns E_OK or E_INPUT_INVALID with
 * *fault filled in; then, if the line is valid JSON, id and meta are set all
 * the same, and url if it is there and a string. Does not parse the URL.
 */
enum err
request_parse(struct request *r, struct span line, struct request_fault *fault);
void request_fini(struct request *r);

#endif
