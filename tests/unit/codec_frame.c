/* SPDX-License-Identifier: ISC */
/*
 * Tests src/codec/frame.c: encoded messages decode to the same values;
 * malformed and truncated ones are rejected. Payloads are in memory of the
 * exact size, so that AddressSanitizer detects reads past the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/frame.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define FETCHD FRAME_READER_FETCHD
#define WORKER FRAME_READER_WORKER

static void
expect_span(struct span got, struct span want)
{
	if (!span_eq(got, want))
		fail_msg("\"%.*s\", not \"%.*s\"", (int)got.n, got.p,
		    (int)want.n, want.p);
}

/* A copy of the first n bytes of s. */
static struct span
cut(struct span s, size_t n)
{
	char *p = mem_alloc(n);

	if (n > 0)
		memcpy(p, s.p, n);
	return span_of(p, n);
}

static void
drop(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

/* ---- heads ---- */

static const struct {
	const char *name;
	enum frame_reader reader;
	struct frame f;
	uint32_t max;
} types[] = {
	{ "CONFIG", WORKER, { FRAME_CONFIG, 9, 0 }, FRAME_CONFIG_MAX },
	{ "DOC", WORKER, { FRAME_DOC, 9, 7 }, FRAME_DOC_MAX },
	{ "READY", FETCHD, { FRAME_READY, 4, 0 }, 4 },
	{ "BAD", FETCHD, { FRAME_BAD, 9, 0 }, FRAME_TEXT_MAX },
	{ "RESULT", FETCHD, { FRAME_RESULT, 9, 7 }, FRAME_RESULT_MAX },
};

static enum frame_reader
other(enum frame_reader r)
{
	return r == FETCHD ? WORKER : FETCHD;
}

static int
reads(const struct frame *f, enum frame_reader who)
{
	char head[FRAME_HEAD];
	struct frame got;

	memset(head, 0xa5, sizeof(head));
	frame_put_head(head, f);
	if (frame_get_head(head, who, &got) == -1)
		return 0;
	assert_int_equal(got.type, f->type);
	assert_int_equal(got.length, f->length);
	assert_true(got.id == f->id);
	return 1;
}

static void
test_a_head_has_the_bytes_that_are_documented(void **state)
{
	static const char want[] = "F\x01\x02\0"
				   "\x78\x56\x34\x12"
				   "\x08\x07\x06\x05\x04\x03\x02\x81";
	const struct frame f = { FRAME_DOC, 0x12345678, 0x8102030405060708 };
	char head[FRAME_HEAD];

	(void)state;
	frame_put_head(head, &f);
	assert_memory_equal(head, want, FRAME_HEAD);
}

static void
test_a_head_of_every_type_reads_back_and_only_by_whom_it_is_sent(void **state)
{
	struct frame f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(types); i++) {
		f = types[i].f;
		if (!reads(&f, types[i].reader))
			fail_msg("%s is refused", types[i].name);
		if (reads(&f, other(types[i].reader)))
			fail_msg("%s goes the wrong way", types[i].name);
		f.length = 0;
		assert_true(reads(&f, types[i].reader));
		f.length = types[i].max;
		assert_true(reads(&f, types[i].reader));
	}
}

static void
test_a_length_over_its_types_cap_is_refused(void **state)
{
	struct frame f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(types); i++) {
		f = types[i].f;
		f.length = types[i].max + 1;
		if (reads(&f, types[i].reader))
			fail_msg(
			    "%s of %u bytes is taken", types[i].name, f.length);
		f.length = UINT32_MAX;
		assert_false(reads(&f, types[i].reader));
	}
}

static void
test_an_id_stands_where_one_belongs_and_nowhere_else(void **state)
{
	static const uint64_t ids[] = { 1, UINT32_MAX, 1ull << 32, UINT64_MAX };
	struct frame f;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(types); i++) {
		f = types[i].f;
		f.id = 0;
		assert_int_equal(
		    reads(&f, types[i].reader), types[i].f.id == 0);
		for (k = 0; k < COUNT(ids); k++) {
			f.id = ids[k];
			assert_int_equal(
			    reads(&f, types[i].reader), types[i].f.id != 0);
		}
	}
}

static void
check_bytes(size_t at, int only)
{
	char head[FRAME_HEAD];
	struct frame got;
	size_t i;
	int b;

	for (i = 0; i < COUNT(types); i++) {
		for (b = 0; b < 256; b++) {
			frame_put_head(head, &types[i].f);
			head[at] = (char)b;
			assert_int_equal(
			    frame_get_head(head, types[i].reader, &got),
			    b == only ? 0 : -1);
		}
	}
}

static void
test_magic_version_and_the_reserved_byte_have_one_value_each(void **state)
{
	(void)state;
	check_bytes(0, 'F');
	check_bytes(1, 1);
	check_bytes(3, 0);
}

/* With a length and an id that are valid for all types but READY. */
static void
test_a_type_unknown_is_refused_by_both(void **state)
{
	struct frame f = { FRAME_DOC, 4, 0 }, got;
	char head[FRAME_HEAD];
	int type, n = 0;

	(void)state;
	for (type = 0; type < 256; type++)
		for (f.id = 0; f.id < 2; f.id++) {
			frame_put_head(head, &f);
			head[2] = (char)type;
			if (frame_get_head(head, FETCHD, &got) == 0 ||
			    frame_get_head(head, WORKER, &got) == 0) {
				assert_int_equal(got.type, type);
				n++;
			}
		}
	assert_int_equal(n, COUNT(types));
}

/* ---- CONFIG ---- */

static const struct frame_job jobs[] = {
	{ FRAME_JOB_TITLE, SPAN("title"), SPAN("") },
	{ FRAME_JOB_LINKS, SPAN("links"), SPAN("") },
	{ FRAME_JOB_TEXT, SPAN("text"), SPAN("") },
	{ FRAME_JOB_META, SPAN("meta"), SPAN("") },
	{ FRAME_JOB_JSONLD, SPAN("jsonld"), SPAN("") },
	{ FRAME_JOB_CSS, SPAN("a"), SPAN("h1::text") },
	{ FRAME_JOB_XPATH, SPAN("b.c"), SPAN("//a/@href") },
	{ FRAME_JOB_REGEX, SPAN("d"), SPAN("a\0b\n\xff") },
	{ FRAME_JOB_REGEX_TEXT, SPAN("e"), SPAN("(x+)") },
};

/* The number of jobs; -1 if one is malformed. */
static int
get_jobs(struct span payload)
{
	struct frame_job j;
	int n = 0, got;

	while ((got = frame_get_job(&payload, &j)) == 1) {
		assert_true((size_t)n < COUNT(jobs));
		assert_int_equal(j.kind, jobs[n].kind);
		expect_span(j.name, jobs[n].name);
		expect_span(j.expr, jobs[n].expr);
		n++;
	}
	assert_true(got == -1 || payload.n == 0);
	return got == -1 ? -1 : n;
}

/* A truncated CONFIG is valid only if it ends between two jobs. */
static void
test_jobs_read_back_and_are_refused_cut_anywhere_within_one(void **state)
{
	size_t end[COUNT(jobs) + 1] = { 0 }, i, n;
	struct buf b = { 0 };
	struct span s;

	(void)state;
	for (i = 0; i < COUNT(jobs); i++) {
		frame_put_job(&b, &jobs[i]);
		end[i + 1] = b.n;
	}
	for (i = n = 0; n <= b.n; n++) {
		s = cut(buf_view(&b), n);
		i += n == end[i + 1];
		assert_int_equal(get_jobs(s), n == end[i] ? (int)i : -1);
		drop(s);
	}
	assert_int_equal(i, COUNT(jobs));
	assert_int_equal(get_jobs(SPAN_NONE), 0);
	buf_fini(&b);
}

#define JOB(kind) \
	kind "\x01\0\0\0" \
	     "n" \
	     "\x01\0\0\0" \
	     "x"

static void
test_a_job_that_is_none_is_refused(void **state)
{
	static const struct span bad[] = {
		SPAN(JOB("\0")),
		SPAN(JOB("\x0a")),
		SPAN(JOB("\xff")),
		SPAN("\x06\0\0\0\0\x01\0\0\0x"),          /* no name */
		SPAN("\x06\x01\0\0\0n\x02\0\0\0x"),       /* one more */
		SPAN("\x06\xff\xff\xff\xffn\x01\0\0\0x"), /* 4 GiB */
		SPAN("\x06\x01\0\0\0n\xff\xff\xff\x7fx"),
		SPAN("\x06\x01\0\0\0n\xfc\xff\xff\xffx"),
		SPAN("\x06\x00\0\0\x01n\x01\0\0\0x"),
	};
	struct span s, good = SPAN(JOB("\x06"));
	struct frame_job j;
	size_t i;

	(void)state;
	assert_int_equal(frame_get_job(&good, &j), 1);
	expect_span(j.name, SPAN("n"));
	expect_span(j.expr, SPAN("x"));
	for (i = 0; i < COUNT(bad); i++) {
		struct span rest;

		s = rest = cut(bad[i], bad[i].n);
		if (frame_get_job(&rest, &j) != -1)
			fail_msg("job %zu is taken", i);
		drop(s);
	}
}

/* ---- DOC ---- */

static void
check_doc(struct span url, struct span type, struct span body)
{
	struct buf b = { 0 };
	struct frame_doc d;
	size_t n, strings;
	struct span s;
	int got;

	frame_put_doc(&b, url, type);
	strings = b.n;
	buf_span(&b, body);
	assert_true(frame_doc_length(url, type, body.n) == b.n);
	for (n = 0; n <= b.n; n++) {
		s = cut(buf_view(&b), n);
		got = frame_get_doc(s, &d);
		assert_int_equal(got, n < strings ? -1 : 0);
		if (got == 0) {
			expect_span(d.url, url);
			expect_span(d.content_type, type);
			expect_span(d.body, span_of(body.p, n - strings));
		}
		drop(s);
	}
	buf_fini(&b);
}

static void
test_a_document_reads_back_and_is_refused_cut_before_its_body(void **state)
{
	static const struct span bodies[] = { SPAN(""), SPAN("<p>"),
		SPAN("\0\xff\x01\0\0\0") };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bodies); i++) {
		check_doc(SPAN("http://a.test/"),
		    SPAN("text/html; charset=\"x\""), bodies[i]);
		check_doc(SPAN("u"), SPAN(""), bodies[i]);
		check_doc(SPAN("u"), SPAN_NONE, bodies[i]);
	}
}

static void
test_a_document_of_no_url_or_of_lengths_that_lie_is_refused(void **state)
{
	static const struct span bad[] = {
		SPAN("\0\0\0\0\0\0\0\0"),
		SPAN("\0\0\0\0\x01\0\0\0tbody"),
		SPAN("\x05\0\0\0u\0\0\0"),
		SPAN("\xff\xff\xff\xffu\0\0\0\0"),
		SPAN("\x01\0\0\0u\xff\xff\xff\xff"),
		SPAN("\x01\0\0\0u\x01\0\0\0"),
	};
	struct frame_doc d;
	struct span s;
	size_t i;

	(void)state;
	assert_int_equal(frame_get_doc(SPAN_NONE, &d), -1);
	for (i = 0; i < COUNT(bad); i++) {
		s = cut(bad[i], bad[i].n);
		if (frame_get_doc(s, &d) != -1)
			fail_msg("document %zu is taken", i);
		drop(s);
	}
}

static void
test_a_documents_length_does_not_wrap_around(void **state)
{
	(void)state;
	assert_true(frame_doc_length(SPAN("ab"), SPAN("c"), UINT32_MAX) ==
		    11ull + UINT32_MAX);
}

/* ---- READY ---- */

static void
test_every_set_of_missing_parts_reads_back(void **state)
{
	struct buf b = { 0 };
	struct frame f;
	uint32_t v, got;

	(void)state;
	for (v = 0; v <= FRAME_NO_ALL; v++) {
		b.n = 0;
		frame_put_ready(&b, v);
		assert_int_equal(frame_get_head(b.p, FETCHD, &f), 0);
		assert_int_equal(f.type, FRAME_READY);
		assert_int_equal(b.n, FRAME_HEAD + f.length);
		assert_int_equal(
		    frame_get_ready(span_of(b.p + FRAME_HEAD, f.length), &got),
		    0);
		assert_int_equal(got, v);
	}
	buf_fini(&b);
}

static void
test_a_ready_of_unknown_bits_or_of_another_length_is_refused(void **state)
{
	static const struct span bad[] = { SPAN(""), SPAN("\0"), SPAN("\0\0"),
		SPAN("\0\0\0"), SPAN("\0\0\0\0\0"), SPAN("\x20\0\0\0"),
		SPAN("\x3f\0\0\0"), SPAN("\0\x01\0\0"), SPAN("\0\0\0\x80"),
		SPAN("\xff\xff\xff\xff") };
	uint32_t got;
	struct span s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		s = cut(bad[i], bad[i].n);
		if (frame_get_ready(s, &got) != -1)
			fail_msg("READY %zu is taken", i);
		drop(s);
	}
}

/* ---- RESULT ---- */

static void
test_what_a_worker_may_report_reads_back(void **state)
{
	static const enum parse_error may[] = { PARSE_OK, PARSE_FAILED,
		PARSE_TOO_LARGE };
	struct frame_result r;
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(may); i++) {
		b.n = 0;
		frame_put_result(&b, may[i]);
		assert_int_equal(frame_get_result(buf_view(&b), &r),
		    may[i] == PARSE_OK ? -1 : 0);
		buf_str(&b, "{\"a\":\n1}");
		assert_int_equal(frame_get_result(buf_view(&b), &r), 0);
		assert_int_equal(r.error, may[i]);
		expect_span(r.json, SPAN("{\"a\":\n1}"));
	}
	b.n = 0;
	frame_put_result(&b, PARSE_FAILED);
	assert_int_equal(frame_get_result(buf_view(&b), &r), 0);
	assert_int_equal(r.json.n, 0);
	buf_fini(&b);
}

static void
test_a_result_of_any_other_code_or_of_nothing_is_refused(void **state)
{
	struct frame_result r;
	struct span s;
	int e, n = 0;

	(void)state;
	assert_int_equal(frame_get_result(SPAN_NONE, &r), -1);
	for (e = 0; e < 256; e++) {
		s = cut(span_of((const char[]){ (char)e, '{', '}' }, 3), 3);
		if (frame_get_result(s, &r) == 0) {
			assert_true(e == PARSE_OK || e == PARSE_FAILED ||
				    e == PARSE_TOO_LARGE);
			n++;
		}
		drop(s);
	}
	assert_int_equal(n, 3);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_a_head_has_the_bytes_that_are_documented),
		T(test_a_head_of_every_type_reads_back_and_only_by_whom_it_is_sent),
		T(test_a_length_over_its_types_cap_is_refused),
		T(test_an_id_stands_where_one_belongs_and_nowhere_else),
		T(test_magic_version_and_the_reserved_byte_have_one_value_each),
		T(test_a_type_unknown_is_refused_by_both),
		T(test_jobs_read_back_and_are_refused_cut_anywhere_within_one),
		T(test_a_job_that_is_none_is_refused),
		T(test_a_document_reads_back_and_is_refused_cut_before_its_body),
		T(test_a_document_of_no_url_or_of_lengths_that_lie_is_refused),
		T(test_a_documents_length_does_not_wrap_around),
		T(test_every_set_of_missing_parts_reads_back),
		T(test_a_ready_of_unknown_bits_or_of_another_length_is_refused),
		T(test_what_a_worker_may_report_reads_back),
		T(test_a_result_of_any_other_code_or_of_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
