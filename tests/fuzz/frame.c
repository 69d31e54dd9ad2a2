/* SPDX-License-Identifier: ISC */
/*
 * Messages between fetchd and its workers. The first byte selects the reader
 * (even: fetchd, odd: the worker); the rest is what the peer sent. A decoded
 * message encodes to the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "codec/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decoded spans lie within the input. */
static void
check_within(struct span part, struct span s)
{
	CHECK(part.n == 0 || (part.p >= s.p && part.p + part.n <= s.p + s.n));
}

static int
read_config(struct buf *out, struct span payload)
{
	struct span rest = payload;
	struct frame_job j;
	int got;

	while ((got = frame_get_job(&rest, &j)) == 1) {
		CHECK(j.kind >= FRAME_JOB_TITLE &&
		      j.kind <= FRAME_JOB_REGEX_TEXT && j.name.n > 0);
		check_within(j.name, payload);
		check_within(j.expr, payload);
		check_within(rest, payload);
		frame_put_job(out, &j);
	}
	return got;
}

static int
read_doc(struct buf *out, struct span payload)
{
	struct frame_doc d;

	if (frame_get_doc(payload, &d) == -1)
		return -1;
	CHECK(d.url.n > 0);
	check_within(d.url, payload);
	check_within(d.content_type, payload);
	check_within(d.body, payload);
	CHECK(frame_doc_length(d.url, d.content_type, d.body.n) == payload.n);
	frame_put_doc(out, d.url, d.content_type);
	buf_span(out, d.body);
	return 0;
}

/* frame_put_ready writes the head too. */
static int
read_ready(struct buf *out, struct span payload)
{
	uint32_t missing;

	if (frame_get_ready(payload, &missing) == -1)
		return -1;
	CHECK((missing & ~(uint32_t)FRAME_NO_ALL) == 0);
	out->n -= FRAME_HEAD;
	frame_put_ready(out, missing);
	return 0;
}

static int
read_result(struct buf *out, struct span payload)
{
	struct frame_result r;

	if (frame_get_result(payload, &r) == -1)
		return -1;
	CHECK(r.error == PARSE_OK || r.error == PARSE_FAILED ||
	      r.error == PARSE_TOO_LARGE);
	CHECK(r.error != PARSE_OK || r.json.n > 0);
	check_within(r.json, payload);
	frame_put_result(out, r.error);
	buf_span(out, r.json);
	return 0;
}

static int
read_payload(struct buf *out, enum frame_type type, struct span payload)
{
	switch (type) {
	case FRAME_CONFIG:
		return read_config(out, payload);
	case FRAME_DOC:
		return read_doc(out, payload);
	case FRAME_READY:
		return read_ready(out, payload);
	case FRAME_BAD:
		buf_span(out, payload);
		return 0;
	case FRAME_RESULT:
		return read_result(out, payload);
	}
	CHECK(!"a type that is none");
	return -1;
}

static uint32_t
cap_of(enum frame_type type)
{
	switch (type) {
	case FRAME_CONFIG:
		return FRAME_CONFIG_MAX;
	case FRAME_DOC:
		return FRAME_DOC_MAX;
	case FRAME_READY:
		return 4;
	case FRAME_BAD:
		return FRAME_TEXT_MAX;
	case FRAME_RESULT:
		return FRAME_RESULT_MAX;
	}
	return 0;
}

static void
check_head(const struct frame *f, enum frame_reader who)
{
	CHECK((f->type <= FRAME_DOC) == (who == FRAME_READER_WORKER));
	CHECK(f->length <= cap_of(f->type));
	CHECK(
	    (f->id != 0) == (f->type == FRAME_DOC || f->type == FRAME_RESULT));
}

/* Removes a message from s. Zero once a message is malformed. */
static int
read_message(struct span *s, enum frame_reader who)
{
	struct span payload;
	struct buf out = { 0 };
	struct frame f;
	char *copy;
	int got;

	if (s->n < FRAME_HEAD || frame_get_head(s->p, who, &f) == -1)
		return 0;
	check_head(&f, who);
	if (f.length > s->n - FRAME_HEAD)
		return 0;
	/*
	 * A copy of the exact size, so that AddressSanitizer detects a read
	 * past its end.
	 */
	copy = mem_alloc(f.length);
	memcpy(copy, s->p + FRAME_HEAD, f.length);
	payload = span_of(copy, f.length);
	frame_put_head(buf_reserve(&out, FRAME_HEAD), &f);
	out.n += FRAME_HEAD;
	got = read_payload(&out, f.type, payload);
	if (got == 0)
		CHECK(span_eq(
		    buf_view(&out), span_of(s->p, FRAME_HEAD + f.length)));
	*s =
	    span_of(s->p + FRAME_HEAD + f.length, s->n - FRAME_HEAD - f.length);
	free(copy);
	buf_fini(&out);
	return got == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum frame_reader who;
	struct span s;

	if (size == 0)
		return 0;
	who = data[0] & 1 ? FRAME_READER_WORKER : FRAME_READER_FETCHD;
	s = span_of((const char *)data + 1, size - 1);
	while (read_message(&s, who))
		;
	return 0;
}
