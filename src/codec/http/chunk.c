/* SPDX-License-Identifier: ISC */
/*
 * Decodes chunked bodies with a state machine over bytes. llhttp is not used
 * here: it does not limit chunk lines, and Debian's 8.1.0 has no flag to accept
 * spaces after a size or a bare LF. A filter in front of it would have to parse
 * chunk lines completely anyway. Extensions are ignored.
 */
#include "codec/http/chunk.h"

#include <string.h>

#include "codec/http/chars.h"

#define MAX_SIZE_DIGITS 16
/* The allowance for extra bytes grows by one for each 32 bytes of body, so that
 * a server that pads its chunk lines can send a long body. */
#define BODY_PER_EXTRA_BYTE 32

enum {
	AT_SIZE, /* no digit yet */
	AT_DIGITS,
	AT_BLANKS, /* after the size */
	AT_EXTENSION,
	AT_SIZE_LF, /* after CR */
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
 * Counts a byte that the shortest line for this chunk would not have: a leading
 * zero, a space, or a byte of an extension.
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
		return HTTP_BAD; /* the digit before was a leading zero */
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

/* A byte after the digits: a line end, an extension, or spaces. */
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

/* After a chunk's data: CRLF, or a bare LF. */
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
