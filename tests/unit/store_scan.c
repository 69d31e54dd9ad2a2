/* SPDX-License-Identifier: ISC */
/*
 * Tests store/scan*.c: every form of results is read, alone and compressed;
 * what is cut or damaged anywhere is said, never trusted; memory is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/compress.h"
#include "store/results.h"
#include "store/scan.h"
#include "store/seqs.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct world {
	char folder[64], path[96];
};

static int
setup(void **state)
{
	static struct world w;

	strcpy(w.folder, "/tmp/scan.XXXXXX");
	assert_non_null(mkdtemp(w.folder));
	snprintf(w.path, sizeof(w.path), "%s/out", w.folder);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	return system(command);
}

static void
write_file(const char *path, struct span s)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	assert_int_equal(fclose(f), 0);
}

/* What a scan returns, as text: "R1", a record of seq 1; "F2:code", one that
 * failed; "E1", an event; "H", a header line; "T", torn; "X", failed; with
 * "@number+bytes". */
static void
read_scan(struct buf *out, const char *path, int is_long)
{
	struct scan *s = scan_open(path);
	struct scan_item i;
	enum scan_verdict v;
	uint64_t end = 0;

	assert_non_null(s);
	do {
		v = scan_next(s, &i);
		if (out->n > 0 && v != SCAN_END)
			buf_char(out, ' ');
		switch (v) {
		case SCAN_RECORD:
			buf_char(out, i.error.n > 0 ? 'F' : 'R');
			buf_u64(out, i.seq);
			if (i.error.n > 0) {
				buf_char(out, ':');
				buf_span(out, i.error);
			}
			if (is_long && i.input.p != NULL) {
				buf_char(out, '=');
				buf_span(out, i.input);
			}
			break;
		case SCAN_EVENT:
			buf_char(out, 'E');
			buf_u64(out, i.seq);
			break;
		case SCAN_HEAD:
			buf_char(out, 'H');
			break;
		case SCAN_TORN:
			buf_char(out, 'T');
			break;
		case SCAN_FAILED:
			buf_char(out, 'X');
			break;
		case SCAN_END:
			break;
		}
		if (is_long && v < SCAN_END)
			buf_printf(out, "@%llu+%llu",
			    (unsigned long long)i.number,
			    (unsigned long long)i.bytes);
		if (v < SCAN_END && i.bytes > 0) {
			assert_int_equal(i.offset, end);
			end += i.bytes;
		}
		if (v == SCAN_TORN || v == SCAN_FAILED)
			assert_true(strlen(scan_why(s)) > 0);
	} while (v != SCAN_END && v != SCAN_FAILED);
	assert_int_equal(scan_next(s, &i), SCAN_END);
	scan_close(s);
}

static void
expect(struct world *w, struct span text, int is_long, const char *want)
{
	struct buf out = { 0 };

	write_file(w->path, text);
	read_scan(&out, w->path, is_long);
	buf_char(&out, '\0');
	assert_string_equal(out.p, want);
	buf_fini(&out);
}

/* ---- forms ---- */

static void
test_every_form_of_results_is_read(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{ "", "" },
		{ "{\"type\":\"result\",\"seq\":1,\"error\":null}\n",
		    "R1@1+39" },
		{ "{\"seq\":2,\"input\":\"a\\u00e4\",\"error\":\"dns_"
		  "nxdomain\"}\n",
		    "F2:dns_nxdomain=a\xc3\xa4@1+51" },
		{ "{\"type\":\"event\",\"seq\":7,\"n\":1}\n{\"seq\":7}\n",
		    "E7@1+31 R7@2+10" },
		{ "{\"seq\":1,\"body\":\"\\ud83d\",\"body_json\":{\"seq\":9,"
		  "\"error\":\"x\"}}\n",
		    "R1@1+60" },
		{ "seq,error,input\n2,tls_error,\"a,\"\n1,,\n",
		    "H@1+16 F2:tls_error=a,@2+17 R1@3+4" },
		{ "input\tseq\na\\tb\t3\n", "H@1+10 R3=a\tb@2+7" },
		{ "seq\n1\n2\n", "H@1+4 R1@2+2 R2@3+2" },
		{ "seq,body\n1,\"a\n2,b\n\"\n", "H@1+9 R1@2+11" },
	};
	struct world *w = *state;
	size_t i;

	for (i = 0; i < COUNT(t); i++)
		expect(w, span_str(t[i].text), 1, t[i].want);
}

static void
test_what_holds_no_results_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} t[] = {
		{ "{\"url\":\"a\"}\n", "line 1 has no key seq" },
		{ "url,error\n", "no column seq" },
		{ "200  1.2k  https://a.test/\n", "header line" },
		{ "\xff\xfe\n", "header line" },
		{ "SQLite format 3 but not really", "not a database" },
	};
	struct world *w = *state;
	struct scan_item item;
	struct scan *s;
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		write_file(w->path, span_str(t[i].text));
		s = scan_open(w->path);
		assert_int_equal(scan_next(s, &item), SCAN_FAILED);
		if (strstr(scan_why(s), t[i].why) == NULL &&
		    strstr(scan_why(s), "has a column seq") == NULL)
			fail_msg("%s", scan_why(s));
		assert_int_equal(scan_next(s, &item), SCAN_END);
		scan_close(s);
	}
	assert_null(scan_open("/nonexistent"));
	s = scan_open(w->folder);
	assert_int_equal(scan_next(s, &item), SCAN_FAILED);
	scan_close(s);
}

static void
test_a_line_or_row_that_is_damaged_is_torn_and_those_around_it_are_read(
    void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{ "{\"seq\":1}\n{\"seq\":2,\"er{\"seq\":3}\n{\"seq\":4}\n",
		    "R1 T R4" },
		{ "{\"seq\":1}\n\n{\"seq\":2}\n", "R1 T R2" },
		{ "{\"seq\":1}{\"seq\":2}\n", "T" },
		{ "{\"seq\":0}\n{\"seq\":-1}\n{\"seq\":1.0}\n{\"seq\":\"x\"}\n"
		  "{\"seq\":99999999999999999999}\n{\"seq\":null,\"seq\":5}\n",
		    "T T T T T R5" },
		{ "{\"seq\":1}\n{\"seq\":2", "R1 T" },
		{ "{\"seq\":1}\n{\"seq\":2}", "R1 T" },
		{ "{\"seq\":1}\n[1]\n", "R1 T" },
		{ "{\"seq\":1}\n\xff{}\n", "R1 T" },
		{ "{\"seq\":1,\"a\":\"\xff\"}\n", "T" },
		{ "seq,error\n1,\n2\n3,,\n4,\n", "H R1 T T R4" },
		{ "seq,error\n1,\"a\"b\nx,\n,\n2,\n", "H T T T R2" },
		{ "seq,error\n1,\n2,\"", "H R1 T" },
		{ "seq,error\n1,\n2,", "H R1 T" },
		{ "seq\terror\n1\ta\\x\n2\t\n", "H T R2" },
		{ "seq,err", "T" },
	};
	struct world *w = *state;
	size_t i;

	for (i = 0; i < COUNT(t); i++)
		expect(w, span_str(t[i].text), 0, t[i].want);
}

/* Every cut gives whole records, then at most one that is torn. */
static void
test_a_file_cut_at_every_byte_gives_whole_records_and_one_torn(void **state)
{
	static const char *const texts[] = {
		"{\"seq\":1,\"error\":null,\"body\":\"}\\n\"}\n{\"seq\":2}\n",
		"seq,error,body\n1,,\"a\n,\"\"\"\n2,x,\n",
		"seq\terror\n1\ta\\tb\n2\t\n",
	};
	struct world *w = *state;
	struct buf out = { 0 };
	size_t i, n;

	for (i = 0; i < COUNT(texts); i++)
		for (n = 0; n <= strlen(texts[i]); n++) {
			out.n = 0;
			write_file(w->path, span_of(texts[i], n));
			read_scan(&out, w->path, 0);
			buf_char(&out, '\0');
			assert_null(strchr(out.p, 'X'));
			if (strchr(out.p, 'T') != NULL)
				assert_string_equal(strchr(out.p, 'T'), "T");
			else
				assert_true(n == 0 || texts[i][n - 1] == '\n');
		}
	buf_fini(&out);
}

/* ---- compressed ---- */

static void
compress(struct buf *out, enum compress_coding coding, struct span s)
{
	struct compress *c = compress_new(coding);

	compress_frame(c, s, out);
	compress_free(c);
}

static void
test_compressed_results_are_read_over_all_frames(void **state)
{
	struct world *w = *state;
	struct buf b = { 0 };
	int coding;

	for (coding = COMPRESS_GZIP; coding <= COMPRESS_ZSTD; coding++) {
		b.n = 0;
		compress(&b, (enum compress_coding)coding,
		    SPAN("{\"seq\":1}\n{\"se"));
		compress(&b, (enum compress_coding)coding, SPAN(""));
		compress(&b, (enum compress_coding)coding, SPAN("q\":2}\n"));
		expect(w, buf_view(&b), 1, "R1@1+10 R2@2+10");
		b.n = 0;
		compress(&b, (enum compress_coding)coding,
		    SPAN("seq,error\n1,\"\n\"\n"));
		expect(w, buf_view(&b), 1, "H@1+10 F1:\n@2+6");
	}
	buf_fini(&b);
}

static void
test_a_compressed_file_cut_or_damaged_at_every_byte_is_torn(void **state)
{
	struct buf b = { 0 }, bad = { 0 }, out = { 0 };
	struct world *w = *state;
	size_t n, first, torn = 0;
	int coding;

	for (coding = COMPRESS_GZIP; coding <= COMPRESS_ZSTD; coding++) {
		b.n = 0;
		compress(&b, (enum compress_coding)coding,
		    SPAN("{\"seq\":1}\n{\"seq\":2}\n"));
		first = b.n;
		compress(
		    &b, (enum compress_coding)coding, SPAN("{\"seq\":3}\n"));
		for (n = 5; n <= b.n; n++) {
			out.n = 0;
			write_file(w->path, span_of(b.p, n));
			read_scan(&out, w->path, 0);
			buf_char(&out, '\0');
			if ((strchr(out.p, 'T') == NULL) !=
			    (n == first || n == b.n))
				fail_msg("%d, %zu of %zu + %zu: %s", coding, n,
				    first, b.n - first, out.p);
			if (n >= first)
				assert_non_null(strstr(out.p, "R1 R2"));
		}
		/* Never more than was there, whatever byte changes. */
		for (n = 5; n < b.n; n++) {
			bad.n = out.n = 0;
			buf_span(&bad, buf_view(&b));
			bad.p[n] ^= 0x55;
			write_file(w->path, buf_view(&bad));
			read_scan(&out, w->path, 0);
			buf_char(&out, '\0');
			torn += strchr(out.p, 'T') != NULL;
		}
	}
	assert_true(torn > b.n);
	buf_fini(&b);
	buf_fini(&bad);
	buf_fini(&out);
}

/* ---- limits ---- */

static void
test_of_a_very_long_line_the_keys_and_the_end_are_read(void **state)
{
	struct world *w = *state;
	FILE *f = fopen(w->path, "wb");
	char want[100];
	size_t i, n = SCAN_LINE_MAX / 1024 + 512;
	char block[1024];
	struct buf out = { 0 };
	struct scan_item item;
	struct scan *s;

	memset(block, 'x', sizeof(block));
	fputs("{\"seq\":1,\"error\":\"x\",\"body\":\"", f);
	for (i = 0; i < n; i++)
		fwrite(block, 1, sizeof(block), f);
	fputs("\"}\n{\"seq\":2,\"body\":\"", f);
	for (i = 0; i < n; i++)
		fwrite(block, 1, sizeof(block), f);
	fputs("\n{\"seq\":3}\n", f);
	assert_int_equal(fclose(f), 0);
	read_scan(&out, w->path, 1);
	buf_char(&out, '\0');
	snprintf(want, sizeof(want), "F1:x@1+%zu T@2+%zu R3@3+10",
	    29 + n * 1024 + 3, 17 + n * 1024 + 1);
	assert_string_equal(out.p, want);
	/* The bytes come as they are. */
	s = scan_open(w->path);
	for (i = 0;;) {
		struct span piece;

		assert_int_equal(scan_read(s, 1000, &piece), 0);
		assert_true(piece.n <= 1000);
		i += piece.n;
		if (piece.n == 0)
			break;
	}
	assert_int_equal(i, 29 + n * 1024 + 3 + 17 + n * 1024 + 1 + 10);
	assert_int_equal(scan_next(s, &item), SCAN_END);
	scan_close(s);
	buf_fini(&out);
}

/* ---- databases ---- */

static void
test_the_rows_of_a_database_are_read_by_seq(void **state)
{
	struct buf why = { 0 }, out = { 0 };
	struct world *w = *state;
	struct results *r = results_open(w->path, RESULTS_NEW, 0, &why);
	struct scan_item item;
	struct scan *s;

	assert_non_null(r);
	assert_int_equal(results_begin(r, &why), 0);
	assert_int_equal(
	    results_put(
		r, SPAN("{\"type\":\"result\",\"seq\":7,\"input\":\"b\","
			"\"error\":\"tls_error\"}\n")),
	    E_OK);
	assert_int_equal(
	    results_put(r, SPAN("{\"seq\":2,\"error\":null}\n")), E_OK);
	assert_int_equal(results_commit(r, NULL), E_OK);
	results_close(r);
	read_scan(&out, w->path, 1);
	buf_char(&out, '\0');
	assert_string_equal(out.p, "R2@1+0 F7:tls_error=b@2+0");
	s = scan_open(w->path);
	assert_int_equal(scan_next(s, &item), SCAN_RECORD);
	assert_true(scan_is_database(s));
	scan_close(s);
	buf_fini(&why);
	buf_fini(&out);
}

/* ---- sets of items ---- */

static void
test_a_set_of_items_says_who_is_in_it(void **state)
{
	static const uint64_t seqs[] = { 5, 1, 65535, 65536, 65599, 1u << 30,
		UINT64_MAX };
	struct seqs *s = seqs_new();
	uint64_t i;

	(void)state;
	assert_int_equal(seqs_next(s, 1), 0);
	for (i = 0; i < COUNT(seqs); i++) {
		assert_int_equal(seqs_add(s, seqs[i]), 1);
		assert_int_equal(seqs_add(s, seqs[i]), 0);
		assert_true(seqs_has(s, seqs[i]));
		assert_false(seqs_has(s, seqs[i] - 3));
	}
	assert_int_equal(seqs_count(s), COUNT(seqs));
	assert_int_equal(seqs_next(s, 1), 1);
	assert_int_equal(seqs_next(s, 2), 5);
	assert_int_equal(seqs_next(s, 6), 65535);
	assert_int_equal(seqs_next(s, 65536), 65536);
	assert_int_equal(seqs_next(s, 65537), 65599);
	assert_int_equal(seqs_next(s, 65600), 1u << 30);
	assert_int_equal(seqs_next(s, UINT64_MAX), UINT64_MAX);
	seqs_remove(s, 65536);
	seqs_remove(s, 65536);
	seqs_remove(s, 1u << 31);
	assert_int_equal(seqs_count(s), COUNT(seqs) - 1);
	assert_int_equal(seqs_next(s, 65536), 65599);
	seqs_free(s);
	seqs_free(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_every_form_of_results_is_read),
		T(test_what_holds_no_results_is_refused_with_a_reason),
		T(test_a_line_or_row_that_is_damaged_is_torn_and_those_around_it_are_read),
		T(test_a_file_cut_at_every_byte_gives_whole_records_and_one_torn),
		T(test_compressed_results_are_read_over_all_frames),
		T(test_a_compressed_file_cut_or_damaged_at_every_byte_is_torn),
		T(test_of_a_very_long_line_the_keys_and_the_end_are_read),
		T(test_the_rows_of_a_database_are_read_by_seq),
		cmocka_unit_test(test_a_set_of_items_says_who_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
