/* SPDX-License-Identifier: ISC */
/*
 * Decides where the body of a response ends and whether its connection can be
 * reused, from Content-Length, Transfer-Encoding, Connection and Keep-Alive.
 * When two of them disagree, the response is rejected or not reused.
 */
#include "codec/http/framing.h"

#include "codec/http/list.h"

#define MAX_LENGTH_DIGITS 19
#define MAX_TIMEOUT_S 1000000000

/* What the fields say, before it is judged. */
struct seen {
	struct http_framing *fr;
	int length_fields, lengths, bad_length;
	int coding_fields, codings, bad_coding;
	int is_listed; /* a length or coding is written as a list */
	int close, keep_alive;
};

/* 1*DIGIT; -1 if s is anything else or too large. */
static int64_t
parse_length(struct span s)
{
	uint64_t v = 0;
	size_t i;

	if (s.n == 0 || s.n > MAX_LENGTH_DIGITS)
		return -1;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	return v <= INT64_MAX ? (int64_t)v : -1;
}

/* Equal lengths count as one, also `6, 6` (RFC 9112 section 6.3). */
static void
see_length(struct seen *s, struct span value)
{
	struct span list = value, member;
	int64_t v;

	s->length_fields++;
	while (http_list_next(&list, &member)) {
		v = parse_length(member);
		s->is_listed |= member.n != value.n;
		s->bad_length |=
		    v < 0 || (s->lengths > 0 && v != s->fr->length);
		if (s->lengths++ == 0)
			s->fr->length = v;
	}
}

/* Only `chunked` is accepted, and only once. */
static void
see_coding(struct seen *s, struct span value)
{
	struct span list = value, member;

	s->coding_fields++;
	s->is_listed |= value.n == 0;
	while (http_list_next(&list, &member)) {
		s->is_listed |= member.n != value.n;
		if (s->codings++ > 0 || !span_ieq(member, SPAN("chunked")))
			s->bad_coding = 1;
	}
}

static void
see_connection(struct seen *s, struct span value)
{
	struct span member;

	while (http_list_next(&value, &member)) {
		if (span_ieq(member, SPAN("close")))
			s->close = 1;
		else if (span_ieq(member, SPAN("keep-alive")))
			s->keep_alive = 1;
	}
}

static struct span
unquote(struct span s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return span_of(s.p + 1, s.n - 2);
	return s;
}

static void
see_timeout(struct seen *s, struct span value)
{
	struct span member;
	int64_t v;

	while (http_list_next(&value, &member)) {
		if (!span_ieq(http_list_part(&member, '='), SPAN("timeout")))
			continue;
		v = parse_length(unquote(span_trim(member)));
		if (v >= 0 && s->fr->keep_alive_timeout < 0)
			s->fr->keep_alive_timeout =
			    v < MAX_TIMEOUT_S ? v : MAX_TIMEOUT_S;
	}
}

int
http_framing_is_frame(const struct http_fields *f, size_t i)
{
	struct span name = http_field_name(f, i);

	return span_eq(name, SPAN("content-length")) ||
	       span_eq(name, SPAN("transfer-encoding"));
}

static void
see_field(struct seen *s, struct span name, struct span value)
{
	switch (name.n) {
	case 10:
		if (span_eq(name, SPAN("connection")))
			see_connection(s, value);
		else if (span_eq(name, SPAN("keep-alive")))
			see_timeout(s, value);
		break;
	case 14:
		if (span_eq(name, SPAN("content-length")))
			see_length(s, value);
		break;
	case 17:
		if (span_eq(name, SPAN("transfer-encoding")))
			see_coding(s, value);
		break;
	default:
		break;
	}
}

static void
fail(struct http_framing *fr, enum err error, const char *detail)
{
	fr->error = error;
	fr->detail = detail;
}

/*
 * HEAD, 204 and 304 have no body, whatever these fields say (RFC 9112 section
 * 6.3, 1), so bad fields are no error. But the connection is not reused after
 * bad fields, or after a 204 that announces a body.
 */
static void
judge_none(struct http_framing *fr, const struct seen *s, int status)
{
	fr->body = HTTP_BODY_NONE;
	fr->rewrite = s->length_fields + s->coding_fields > 0;
	if (s->bad_length)
		fr->length = -1;
	if (s->bad_length || s->bad_coding)
		fr->keep_alive = 0;
	if (status == 204 && (fr->length > 0 || s->codings > 0))
		fr->keep_alive = 0;
}

static void
judge_body(struct http_framing *fr, const struct seen *s, int minor)
{
	fr->rewrite = s->length_fields + s->coding_fields > 1 || s->is_listed;
	if (s->bad_length) {
		fail(fr, E_HTTP_BAD_CONTENT_LENGTH,
		    "HPE_INVALID_CONTENT_LENGTH");
	} else if (s->bad_coding) {
		fail(fr, E_HTTP_BAD_TRANSFER_ENCODING,
		    "HPE_INVALID_TRANSFER_ENCODING");
	} else if (s->codings > 0) {
		fr->body = HTTP_BODY_CHUNKED;
		if (minor == 0)
			fr->flags |= HTTP_LENIENT_FRAMING;
	} else if (s->lengths > 0) {
		fr->body = HTTP_BODY_LENGTH;
	} else {
		fr->body = HTTP_BODY_EOF;
		fr->keep_alive = 0;
	}
}

void
http_framing_judge(struct http_framing *fr, const struct http_fields *f,
    int status, int minor, int head)
{
	struct seen s = { .fr = fr };
	size_t i;

	*fr = (struct http_framing){ .length = -1, .keep_alive_timeout = -1 };
	for (i = 0; i < f->n; i++)
		see_field(&s, http_field_name(f, i), http_field_value(f, i));
	/* Empty list members are ignored; a list of nothing else is an error.
	 */
	s.bad_length |= s.length_fields > 0 && s.lengths == 0;
	s.bad_coding |= s.coding_fields > 0 && s.codings == 0;
	fr->keep_alive = !s.close && (minor > 0 || s.keep_alive);
	if (s.lengths > 0 && s.codings > 0)
		fr->flags |= HTTP_FRAMING_CONFLICT;
	if (head || status == 204 || status == 304)
		judge_none(fr, &s, status);
	else
		judge_body(fr, &s, minor);
}
