/* SPDX-License-Identifier: ISC */
/*
 * Reads header sections line by line. The result does not depend on how the
 * bytes are split: a line is checked in a fixed order (its limit, the start of
 * a status line byte by byte, control bytes, and once it is complete its
 * parts).
 */
#include "codec/http/head.h"

#include <string.h>

#include "base/mem.h"
#include "codec/http/chars.h"

/* The name that http-parser used; llhttp has no such limit. */
#define OVERFLOW_DETAIL "HPE_HEADER_OVERFLOW"
#define LINE_KEPT_BYTES 4096
#define STATUS_LINE_MIN 12 /* "HTTP/1.1 200" */

void
http_head_start(struct http_head *hd, size_t budget)
{
	struct buf line = hd->line;

	*hd = (struct http_head){ .line = line, .left = budget };
	buf_clear(&hd->line, LINE_KEPT_BYTES);
}

void
http_head_section(
    struct http_head *hd, struct http_fields *fields, int trailers)
{
	hd->fields = fields;
	hd->in_fields = trailers;
	fields->bytes.n = 0;
	fields->n = 0;
}

void
http_head_fini(struct http_head *hd)
{
	buf_fini(&hd->line);
}

static enum http_verdict
fail(struct http_head *hd, enum err error, const char *detail)
{
	hd->error = error;
	hd->detail = detail;
	return HTTP_BAD;
}

/*
 * Checks the first bytes of a status line, as many as have arrived:
 * "HTTP/1." [01] SP 3DIGIT, then SP or the line end.
 */
static enum http_verdict
check_start(struct http_head *hd, const char *p, size_t n)
{
	static const char form[] = "HTTP/1.v sdd";
	size_t i;
	int ok;

	for (i = 0; i < n && i < STATUS_LINE_MIN; i++) {
		if (form[i] == 'v')
			ok = p[i] == '0' || p[i] == '1';
		else if (form[i] == 's')
			ok = p[i] >= '1' && p[i] <= '9';
		else if (form[i] == 'd')
			ok = p[i] >= '0' && p[i] <= '9';
		else
			ok = p[i] == form[i];
		if (ok)
			continue;
		if (i < 5)
			return fail(
			    hd, E_HTTP_NOT_HTTP, "HPE_INVALID_CONSTANT");
		return fail(hd, E_HTTP_BAD_STATUS_LINE,
		    i < 9 ? "HPE_INVALID_VERSION" : "HPE_INVALID_STATUS");
	}
	if (n > STATUS_LINE_MIN && p[STATUS_LINE_MIN] != ' ' &&
	    p[STATUS_LINE_MIN] != '\r' && p[STATUS_LINE_MIN] != '\n')
		return fail(hd, E_HTTP_BAD_STATUS_LINE, "HPE_INVALID_STATUS");
	return HTTP_MORE;
}

/* Accepts blank lines before a status line, within the budget. */
static enum http_verdict
check_line_start(struct http_head *hd, const char *p, size_t n)
{
	if (n == 0 || p[0] == '\r' || p[0] == '\n')
		return HTTP_MORE;
	hd->begun = 1;
	return check_start(hd, p, n);
}

/* A control byte at offset `at` of the line that is not part of its end. */
static enum http_verdict
fail_control(struct http_head *hd, size_t at, char c)
{
	if (!hd->in_fields && at == 0) {
		hd->begun = 1;
		return fail(hd, E_HTTP_NOT_HTTP, "HPE_INVALID_CONSTANT");
	}
	if (!hd->in_fields && c != '\0')
		return fail(hd, E_HTTP_BAD_STATUS_LINE,
		    c == '\r' ? "HPE_LF_EXPECTED" : "HPE_STRICT");
	return fail(hd, E_HTTP_BAD_HEADER,
	    c == '\r' ? "HPE_LF_EXPECTED" : "HPE_INVALID_HEADER_TOKEN");
}

static enum http_verdict
take_status_line(struct http_head *hd, const char *p, size_t n)
{
	struct buf *out = &hd->fields->bytes;

	if (n == 0) {
		hd->flags |= HTTP_LENIENT_FRAMING;
		return HTTP_MORE;
	}
	/* check_start has accepted the bytes; there may be too few of them. */
	if (n < STATUS_LINE_MIN)
		return fail(hd, E_HTTP_BAD_STATUS_LINE, "HPE_INVALID_STATUS");
	hd->minor = p[7] - '0';
	hd->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
	hd->in_fields = 1;
	buf_add(out, p, STATUS_LINE_MIN);
	buf_add(out, " \r\n", 3);
	return HTTP_MORE;
}

/* RFC 9112 section 5.2: a fold is a space. */
static enum http_verdict
take_fold(struct http_head *hd, struct span more)
{
	struct http_fields *f = hd->fields;
	struct http_field *last;

	if (f->n == 0)
		return fail(hd, E_HTTP_BAD_HEADER, "HPE_UNEXPECTED_SPACE");
	hd->flags |= HTTP_UNFOLDED_HEADER;
	if (more.n == 0)
		return HTTP_MORE;
	last = &f->v[f->n - 1];
	f->bytes.n -= 2; /* its CRLF */
	if (last->value_n > 0)
		buf_char(&f->bytes, ' ');
	buf_span(&f->bytes, more);
	last->value_n = (uint32_t)(f->bytes.n - last->value_at);
	buf_add(&f->bytes, "\r\n", 2);
	return HTTP_MORE;
}

static struct http_field *
new_field(struct http_fields *f)
{
	if (f->n == f->cap)
		f->v = mem_grow(f->v, f->n, &f->cap, sizeof(*f->v));
	return &f->v[f->n++];
}

/* Copies a token in lower case; returns its length. */
static size_t
copy_name(char *to, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		to[i] = http_token_lower[(unsigned char)p[i]];
		if (to[i] == '\0')
			break;
	}
	return i;
}

static enum http_verdict
take_field(struct http_head *hd, const char *p, size_t n)
{
	struct http_fields *f = hd->fields;
	struct http_field *field;
	struct span value;
	size_t name_n;
	char *to;

	if (http_is_blank(p[0]))
		return take_fold(hd, span_trim(span_of(p, n)));
	if (f->n == HTTP_MAX_FIELDS)
		return fail(hd, E_HTTP_HEADER_TOO_LARGE, OVERFLOW_DETAIL);
	to = buf_reserve(&f->bytes, n + 3);
	name_n = copy_name(to, p, n);
	if (name_n == 0 || name_n == n || p[name_n] != ':')
		return fail(hd, E_HTTP_BAD_HEADER, "HPE_INVALID_HEADER_TOKEN");
	value = span_trim(span_of(p + name_n + 1, n - name_n - 1));
	field = new_field(f);
	field->name_at = (uint32_t)f->bytes.n;
	field->name_n = (uint32_t)name_n;
	to += name_n;
	*to++ = ':';
	*to++ = ' ';
	memcpy(to, value.p, value.n);
	to += value.n;
	*to++ = '\r';
	*to++ = '\n';
	f->bytes.n = (size_t)(to - f->bytes.p);
	field->value_n = (uint32_t)value.n;
	field->value_at = (uint32_t)(f->bytes.n - 2 - value.n);
	return HTTP_MORE;
}

static enum http_verdict
take_line(struct http_head *hd, const char *p, size_t n)
{
	if (!hd->in_fields)
		return take_status_line(hd, p, n);
	if (n > 0)
		return take_field(hd, p, n);
	buf_add(&hd->fields->bytes, "\r\n", 2);
	return HTTP_DONE;
}

/*
 * Finds the end of the line at p, of which `avail` bytes have arrived. The
 * first `from` bytes are known to be free of control bytes. HTTP_DONE: the line
 * has *n bytes, *raw with its line end. HTTP_MORE: no line end yet, and *n
 * bytes are free of control bytes.
 */
static enum http_verdict
find_end(struct http_head *hd, const char *p, size_t avail, size_t from,
    size_t *n, size_t *raw)
{
	size_t limit = hd->left; /* for the line and its end */
	const char *end = p + (avail < limit ? avail : limit);
	const char *q;

	if (!hd->in_fields &&
	    check_line_start(hd, p, (size_t)(end - p)) == HTTP_BAD)
		return HTTP_BAD;
	q = http_find_control(p + from, end);
	*n = (size_t)(q - p);
	if (end - q >= 2 && q[0] == '\r' && q[1] == '\n') {
		*raw = *n + 2;
		return HTTP_DONE;
	}
	if (q < end && *q == '\n') {
		hd->flags |= HTTP_LENIENT_FRAMING;
		*raw = *n + 1;
		return HTTP_DONE;
	}
	if (avail <= limit && (q == end || (*q == '\r' && q + 1 == end)))
		return HTTP_MORE;
	/* The line is not terminated correctly at q. */
	if (q < end && (*q != '\r' || q + 1 < end))
		return fail_control(hd, *n, *q);
	return fail(hd, E_HTTP_HEADER_TOO_LARGE, OVERFLOW_DETAIL);
}

static enum http_verdict
end_line(struct http_head *hd, const char *p, size_t n, size_t raw)
{
	hd->left -= raw;
	return take_line(hd, p, n);
}

/* Continues a line that an earlier call began. */
static enum http_verdict
feed_rest(struct http_head *hd, struct span *in)
{
	const char *lf = memchr(in->p, '\n', in->n);
	size_t take = lf != NULL ? (size_t)(lf - in->p) + 1 : in->n;
	size_t cap = hd->left + 1 - hd->line.n; /* one more shows an overflow */
	enum http_verdict v;
	size_t n, raw;

	if (take > cap)
		take = cap;
	buf_add(&hd->line, in->p, take);
	in->p += take;
	in->n -= take;
	v = find_end(hd, hd->line.p, hd->line.n, hd->scanned, &n, &raw);
	if (v == HTTP_MORE)
		hd->scanned = n;
	if (v != HTTP_DONE)
		return v;
	v = end_line(hd, hd->line.p, n, raw);
	hd->line.n = 0;
	hd->scanned = 0;
	return v;
}

/* A new line: parsed in place if it is complete. */
static enum http_verdict
feed_line(struct http_head *hd, struct span *in)
{
	const char *p = in->p;
	enum http_verdict v;
	size_t n, raw;

	v = find_end(hd, p, in->n, 0, &n, &raw);
	if (v == HTTP_MORE) {
		buf_add(&hd->line, p, in->n);
		hd->scanned = n;
		in->p += in->n;
		in->n = 0;
	}
	if (v != HTTP_DONE)
		return v;
	in->p += raw;
	in->n -= raw;
	return end_line(hd, p, n, raw);
}

enum http_verdict
http_head_feed(struct http_head *hd, struct span *in)
{
	enum http_verdict v = HTTP_MORE;

	while (in->n > 0 && v == HTTP_MORE)
		v = hd->line.n > 0 ? feed_rest(hd, in) : feed_line(hd, in);
	return v;
}
