/* SPDX-License-Identifier: ISC */
/* Frames: each readable alone, any number of them one after another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/compress.h"
#include "codec/decode.h"

static const enum compress_coding codings[] = { COMPRESS_GZIP, COMPRESS_ZSTD };

/* What a whole stream decodes to; *is_whole says whether it ended. */
static struct buf
decoded(enum compress_coding coding, struct span in, int *is_whole)
{
	struct span name =
	    coding == COMPRESS_GZIP ? SPAN("gzip") : SPAN("zstd");
	struct decode *d = NULL;
	struct buf out = { 0 };
	enum decode_verdict v = DECODE_FULL;
	size_t n;
	int unknown;

	assert_int_equal(decode_open(&d, &name, 1, &unknown), E_OK);
	while (v == DECODE_FULL) {
		v = decode_step(d, &in, buf_reserve(&out, 65536), 65536, &n);
		out.n += n;
	}
	*is_whole = v != DECODE_BAD && decode_finish(d);
	decode_close(d);
	return out;
}

static struct buf
make(size_t n, uint32_t seed)
{
	struct buf b = { 0 };

	while (b.n < n) {
		seed = seed * 1664525 + 1013904223;
		buf_printf(&b, "%u\n", seed >> (seed % 3 * 8));
	}
	b.n = n;
	return b;
}

static void
test_a_frame_decodes_to_what_it_was_made_of(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 1000, 65536, 300000, 3000000 };
	struct compress *c;
	struct buf in, frame = { 0 }, out;
	size_t i, k;
	int is_whole;

	(void)state;
	for (k = 0; k < 2; k++) {
		c = compress_new(codings[k]);
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			in = make(sizes[i], (uint32_t)i);
			frame.n = 0;
			compress_frame(c, buf_view(&in), &frame);
			out = decoded(codings[k], buf_view(&frame), &is_whole);
			assert_true(is_whole);
			assert_int_equal(out.n, in.n);
			if (in.n > 0)
				assert_memory_equal(out.p, in.p, in.n);
			buf_fini(&in);
			buf_fini(&out);
		}
		compress_free(c);
	}
	buf_fini(&frame);
}

static void
test_a_series_of_frames_cut_anywhere_reads_to_its_last_whole_frame(void **state)
{
	struct compress *c;
	struct buf all = { 0 }, in, out;
	size_t ends[9], k, i, n, frames;
	int is_whole;

	(void)state;
	for (k = 0; k < 2; k++) {
		c = compress_new(codings[k]);
		in = make(8 * 100, 7);
		all.n = ends[0] = 0;
		for (i = 0; i < 8; i++) {
			compress_frame(c, span_of(in.p + i * 100, 100), &all);
			ends[i + 1] = all.n;
		}
		for (n = 1; n <= all.n; n++) {
			for (frames = 0; frames < 8 && ends[frames + 1] <= n;)
				frames++;
			out = decoded(codings[k], span_of(all.p, n), &is_whole);
			assert_true(out.n >= frames * 100);
			assert_memory_equal(out.p, in.p, out.n);
			if (n == ends[frames] && frames > 0)
				assert_true(is_whole && out.n == frames * 100);
			buf_fini(&out);
		}
		buf_fini(&in);
		compress_free(c);
	}
	buf_fini(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_frame_decodes_to_what_it_was_made_of),
		cmocka_unit_test(
		    test_a_series_of_frames_cut_anywhere_reads_to_its_last_whole_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
