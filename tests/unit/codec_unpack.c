/* SPDX-License-Identifier: ISC */
/* Compressed files, fed cut at every byte, cut short and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/compress.h"
#include "codec/unpack.h"

struct result {
	struct buf out;
	enum unpack_verdict v; /* UNPACK_HUNGRY: it was whole */
	char error[200];
};

/* Feeds it in two pieces. */
static struct result
unpacked(struct span in, size_t first, size_t cap)
{
	struct unpack *u = unpack_new();
	struct result r = { .v = UNPACK_SOME };

	unpack_begin(u, span_of(in.p, first));
	while (r.v == UNPACK_SOME)
		r.v = unpack_step(u, &r.out, cap);
	if (r.v == UNPACK_HUNGRY) {
		assert_int_equal(unpack_unread(u), 0);
		unpack_feed(u, span_skip(in, first));
		do
			r.v = unpack_step(u, &r.out, cap);
		while (r.v == UNPACK_SOME);
	}
	if (r.v == UNPACK_HUNGRY && unpack_end(u) == -1)
		r.v = UNPACK_BAD;
	strcpy(r.error, unpack_error(u));
	unpack_free(u);
	return r;
}

/* Three frames of "one\n", "two\n", "three\n". */
static struct buf
make(enum compress_coding coding)
{
	struct compress *c = compress_new(coding);
	struct buf b = { 0 };

	compress_frame(c, SPAN("one\n"), &b);
	compress_frame(c, SPAN("two\n"), &b);
	compress_frame(c, SPAN("three\n"), &b);
	compress_free(c);
	return b;
}

static const enum compress_coding codings[] = { COMPRESS_GZIP, COMPRESS_ZSTD };
static const char text[] = "one\ntwo\nthree\n";

static void
test_a_file_of_several_frames_reads_as_one_however_it_is_fed(void **state)
{
	struct result r;
	struct buf b;
	size_t k, n, cap;

	(void)state;
	for (k = 0; k < 2; k++) {
		b = make(codings[k]);
		for (cap = 1; cap < 40; cap += 13)
			for (n = 1; n <= b.n; n++) {
				r = unpacked(buf_view(&b), n, cap);
				assert_int_equal(r.v, UNPACK_HUNGRY);
				assert_int_equal(r.out.n, strlen(text));
				assert_memory_equal(r.out.p, text, r.out.n);
				buf_fini(&r.out);
			}
		buf_fini(&b);
	}
}

static void
test_a_file_that_is_cut_gives_what_it_has_and_is_incomplete(void **state)
{
	struct result r;
	struct buf b, frame = { 0 };
	struct compress *c;
	size_t k, n, ends[2];

	(void)state;
	for (k = 0; k < 2; k++) {
		b = make(codings[k]);
		c = compress_new(codings[k]);
		frame.n = 0;
		compress_frame(c, SPAN("one\n"), &frame);
		ends[0] = frame.n;
		compress_frame(c, SPAN("two\n"), &frame);
		ends[1] = frame.n;
		compress_free(c);
		for (n = 1; n < b.n; n++) {
			r = unpacked(span_of(b.p, n), 1, 64);
			assert_memory_equal(r.out.p, text, r.out.n);
			if (n == ends[0] || n == ends[1]) {
				assert_int_equal(r.v, UNPACK_HUNGRY);
			} else {
				assert_int_equal(r.v, UNPACK_BAD);
				assert_non_null(strstr(r.error, " data: "));
			}
			buf_fini(&r.out);
		}
		buf_fini(&b);
	}
	buf_fini(&frame);
}

static void
test_damage_is_found_and_so_is_what_follows(void **state)
{
	struct result r;
	struct buf b;
	size_t k;

	(void)state;
	for (k = 0; k < 2; k++) {
		b = make(codings[k]);
		b.p[b.n - 3] ^= 0x40; /* of the checksum */
		r = unpacked(buf_view(&b), 1, 64);
		assert_int_equal(r.v, UNPACK_BAD);
		assert_non_null(strstr(r.error, "damaged "));
		buf_fini(&r.out);
		b.p[b.n - 3] ^= 0x40;
		buf_str(&b, "http://a.test/\n");
		r = unpacked(buf_view(&b), 1, 64);
		assert_int_equal(r.v, UNPACK_BAD);
		assert_int_equal(r.out.n, strlen(text));
		assert_non_null(strstr(r.error, "follow"));
		buf_fini(&r.out);
		buf_fini(&b);
	}
}

static void
test_the_first_bytes_say_what_a_file_is(void **state)
{
	static const struct {
		struct span head;
		enum unpack_kind more, all;
	} t[] = {
		{ SPAN(""), UNPACK_UNKNOWN, UNPACK_PLAIN },
		{ SPAN("\x1f"), UNPACK_UNKNOWN, UNPACK_PLAIN },
		{ SPAN("\x1f\x8b"), UNPACK_PACKED, UNPACK_PACKED },
		{ SPAN("\x1f\x8c"), UNPACK_PLAIN, UNPACK_PLAIN },
		{ SPAN("\x28\xb5\x2f"), UNPACK_UNKNOWN, UNPACK_PLAIN },
		{ SPAN("\x28\xb5\x2f\xfd"), UNPACK_PACKED, UNPACK_PACKED },
		{ SPAN("\x5a\x2a\x4d\x18"), UNPACK_PACKED, UNPACK_PACKED },
		{ SPAN("P"), UNPACK_UNKNOWN, UNPACK_PLAIN },
		{ SPAN("P*\n"), UNPACK_PLAIN, UNPACK_PLAIN },
		{ SPAN("http://a.test/"), UNPACK_PLAIN, UNPACK_PLAIN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(unpack_detect(t[i].head, 0), t[i].more);
		assert_int_equal(unpack_detect(t[i].head, 1), t[i].all);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_file_of_several_frames_reads_as_one_however_it_is_fed),
		cmocka_unit_test(
		    test_a_file_that_is_cut_gives_what_it_has_and_is_incomplete),
		cmocka_unit_test(test_damage_is_found_and_so_is_what_follows),
		cmocka_unit_test(test_the_first_bytes_say_what_a_file_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
