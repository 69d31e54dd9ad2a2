/* SPDX-License-Identifier: ISC */
/*
 * Chunked bodies, by a state machine over bytes. Why not llhttp: it has no
 * limits on chunk lines, Debian's 8.1.0 has no flag for blanks behind a size or
 * for bare LF, and what a filter in front of it would have to know to count and
 * mend chunk lines is all there is to know of them. Extensions are passed over.
 */
#include "codec/http/chunk.h"

#include <string.h>

#include "codec/http/chars.h"

#define MAX_SIZE_DIGITS 16
/* The allowance grows by a byte for so many of body, so that a server that pads
 * its chunk lines can send a long body in chunks of common size. */
#define BODY_PER_EXTRA_BYTE 32

enum {
	AT_SIZE, /* no digit yet */
	AT_DIGITS,
	AT_BLANKS, /* behind the size */
	AT_EXTENSION,
	AT_SIZE_LF, /* behind CR */
	AT_DATA,
	AT_DATA_END,
	AT_DATA_LF,
};

void
http_chunk_start(struct http_chunk *c)
{
	*c = (struct http_chunk){ .state = AT_SIZE };
}

static enum http_verdict
fail(struct http_chunk *c, enum err error, const char *detail)
{
	c->error = error;
	c->detail = detail;
	return HTTP_BAD;
}

static enum http_verdict
fail_size(struct http_chunk *c)
{
	return fail(c, E_HTTP_BAD_CHUNK, "HPE_INVALID_CHUNK_SIZE");
}

/*
 * A byte that the shortest line for this chunk does not have: a leading zero, a
 * blank, an extension's. Digits and line ends cost nothing, however many chunks
 * there are.
 */
static enum http_verdict
count_extra(struct http_chunk *c)
{
	uint64_t allowed = HTTP_MAX_CHUNK_EXTRA + c->data / BODY_PER_EXTRA_BYTE;

	if (c->extra++ < allowed)
		return HTTP_MORE;
	return fail(
	    c, E_HTTP_HEADER_TOO_LARGE, "HPE_CHUNK_EXTENSIONS_OVERFLOW");
}

static enum http_verdict
take_digit(struct http_chunk *c, int digit)
{
	if (c->state == AT_SIZE) {
		c->state = AT_DIGITS;
		c->digits = 0;
		c->left = 0;
	} else if (c->digits == 0 && count_extra(c) == HTTP_BAD)
		return HTTP_BAD; /* the zeros before it lead */
	if (c->digits > 0 || digit > 0)
		c->digits++;
	if (c->digits > MAX_SIZE_DIGITS)
		return fail_size(c);
	c->left = c->left << 4 | (uint64_t)digit;
	return HTTP_MORE;
}

static enum http_verdict
end_size_line(struct http_chunk *c, int bare_lf)
{
	if (bare_lf)
		c->flags |= HTTP_LENIENT_FRAMING;
	c->state = AT_DATA;
	return c->left > 0 ? HTTP_MORE : HTTP_DONE;
}

/* A byte behind the digits: the line's end, an extension, or blanks. */
static enum http_verdict
take_after_size(struct http_chunk *c, char ch)
{
	if (ch == '\r')
		c->state = AT_SIZE_LF;
	else if (ch == '\n')
		return end_size_line(c, 1);
	else if (ch == ';') {
		c->state = AT_EXTENSION;
		return count_extra(c);
	} else if (http_is_blank(ch)) {
		c->flags |= HTTP_LENIENT_FRAMING;
		c->state = AT_BLANKS;
		return count_extra(c);
	} else
		return fail_size(c);
	return HTTP_MORE;
}

static enum http_verdict
take_extension(struct http_chunk *c, char ch)
{
	if (ch == '\r')
		c->state = AT_SIZE_LF;
	else if (ch == '\n')
		return end_size_line(c, 1);
	else if (http_is_control(ch))
		return fail(c, E_HTTP_BAD_CHUNK, "HPE_STRICT");
	else
		return count_extra(c);
	return HTTP_MORE;
}

/* Behind a chunk's data: CRLF, or a bare LF. */
static enum http_verdict
take_data_end(struct http_chunk *c, char ch)
{
	if (ch == '\r' && c->state == AT_DATA_END) {
		c->state = AT_DATA_LF;
		return HTTP_MORE;
	}
	if (ch != '\n')
		return fail(c, E_HTTP_BAD_CHUNK, "HPE_STRICT");
	if (c->state == AT_DATA_END)
		c->flags |= HTTP_LENIENT_FRAMING;
	c->state = AT_SIZE;
	return HTTP_MORE;
}

static enum http_verdict
take_byte(struct http_chunk *c, char ch)
{
	int digit = span_hex_value(ch);

	switch (c->state) {
	case AT_SIZE:
		return digit >= 0 ? take_digit(c, digit) : fail_size(c);
	case AT_DIGITS:
		if (digit >= 0)
			return take_digit(c, digit);
		return take_after_size(c, ch);
	case AT_BLANKS:
		return take_after_size(c, ch);
	case AT_EXTENSION:
		return take_extension(c, ch);
	case AT_SIZE_LF:
		if (ch != '\n')
			return fail(c, E_HTTP_BAD_CHUNK, "HPE_LF_EXPECTED");
		return end_size_line(c, 0);
	default:
		return take_data_end(c, ch);
	}
}

static void
take_data(struct http_chunk *c, struct span *in, struct span *data)
{
	size_t n = in->n < c->left ? in->n : (size_t)c->left;

	*data = span_of(in->p, n);
	in->p += n;
	in->n -= n;
	c->left -= n;
	c->data += n;
	if (c->left == 0)
		c->state = AT_DATA_END;
}

enum http_verdict
http_chunk_feed(struct http_chunk *c, struct span *in, struct span *data)
{
	enum http_verdict v = HTTP_MORE;

	*data = SPAN_NONE;
	while (in->n > 0 && v == HTTP_MORE) {
		if (c->state == AT_DATA) {
			take_data(c, in, data);
			return HTTP_MORE;
		}
		v = take_byte(c, *in->p++);
		in->n--;
	}
	return v;
}
