/* SPDX-License-Identifier: ISC */
/* The output of a run against the bytes that were appended: places, rotation,
 * frames, what is replaced and what is kept. */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/decode.h"
#include "io/disk.h"
#include "io/sink.h"
#include "io/timer.h"

#define SECOND 1000000

struct world {
	struct event_base *base;
	struct disk *writer;
	char dir[64];
};

static int
begin(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));

	w->base = event_base_new();
	w->writer = disk_new(w->base);
	strcpy(w->dir, "/tmp/fetchd-sink-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chdir(w->dir), 0);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;
	DIR *d = opendir(w->dir);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlink(e->d_name);
	closedir(d);
	assert_int_equal(rmdir(w->dir), 0);
	disk_free(w->writer);
	event_base_free(w->base);
	free(w);
	return 0;
}

static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_true(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static struct buf
file(const char *path)
{
	struct buf b = { 0 };
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd == -1)
		fail_msg("%s: %s", path, strerror(errno));
	while ((n = read(fd, buf_reserve(&b, 65536), 65536)) > 0)
		b.n += (size_t)n;
	close(fd);
	return b;
}

static void
check_file(const char *path, const char *text)
{
	struct buf b = file(path);

	if (b.n != strlen(text) || memcmp(b.p, text, b.n) != 0)
		fail_msg("%s has \"%.*s\"", path, (int)b.n, b.p);
	buf_fini(&b);
}

static int
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static struct sink *
open_it(struct world *w, const char *path, const struct sink_conf *conf)
{
	return sink_open_output(w->base, w->writer, path, conf, NULL, NULL);
}

static struct sink *
must_open(struct world *w, const char *path, const struct sink_conf *conf)
{
	struct sink *s = open_it(w, path, conf);

	if (s == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(sink_begin(s), 0);
	return s;
}

static void
put(struct sink *s, const char *text)
{
	buf_str(sink_buf(s), text);
	sink_mark(s);
}

static void
finish(struct sink *s)
{
	sink_finish(s, 20 * SECOND);
	assert_int_equal(sink_error(s), E_OK);
	assert_int_equal(sink_pending(s), 0);
	assert_int_equal(sink_written(s), sink_end(s));
}

/* ---- what is replaced and what is kept ---- */

static void
test_a_file_is_replaced_only_once_the_run_begins(void **state)
{
	struct sink_conf conf = { .coding = SINK_PLAIN };
	struct sink *s;

	put_file("out", "old\n");
	s = open_it(*state, "out", &conf);
	check_file("out", "old\n");
	sink_free(s);
	check_file("out", "old\n");
	s = must_open(*state, "out", &conf);
	check_file("out", "");
	put(s, "new\n");
	finish(s);
	sink_free(s);
	check_file("out", "new\n");
}

static void
test_append_adds_after_a_whole_line(void **state)
{
	struct sink_conf conf = { .may_append = 1, .head = SPAN("head\n") };
	struct sink *s;

	put_file("out", "old");
	s = must_open(*state, "out", &conf);
	put(s, "new\n");
	finish(s);
	sink_free(s);
	check_file("out", "old\nnew\n");
	s = must_open(*state, "out", &conf);
	put(s, "third\n");
	finish(s);
	sink_free(s);
	check_file("out", "old\nnew\nthird\n");
	s = must_open(*state, "other", &conf);
	put(s, "first\n");
	finish(s);
	sink_free(s);
	check_file("other", "head\nfirst\n");
}

static void
test_only_one_process_writes_a_file(void **state)
{
	struct sink_conf conf = { .coding = SINK_PLAIN };
	struct sink *s = must_open(*state, "out", &conf);

	assert_null(open_it(*state, "out", &conf));
	assert_int_equal(errno, EBUSY);
	sink_free(s);
	s = must_open(*state, "out", &conf);
	sink_free(s);
}

static void
test_a_resumed_file_ends_where_its_place_says(void **state)
{
	struct sink_conf conf = {
		.is_resumed = 1, .resume_at = { 0, 4 }, .head = SPAN("head\n")
	};
	struct sink_place at;
	struct sink *s;

	put_file("out", "one\ntw");
	s = must_open(*state, "out", &conf);
	check_file("out", "one\n");
	put(s, "two\n");
	finish(s);
	assert_int_equal(sink_locate(s, 4, &at), 0);
	assert_int_equal(at.bytes, 8);
	sink_free(s);
	check_file("out", "one\ntwo\n");
	conf.resume_at.bytes = 9;
	assert_null(open_it(*state, "out", &conf));
	assert_int_equal(errno, ENODATA);
	assert_null(open_it(*state, "none", &conf));
	assert_int_equal(errno, ENOENT);
	conf.resume_at.bytes = 0;
	s = must_open(*state, "out", &conf);
	check_file("out", "head\n");
	sink_free(s);
}

static void
test_private_files_have_mode_0600(void **state)
{
	struct sink_conf conf = { .is_private = 1 };
	struct sink *s;
	struct stat st;

	put_file("out", "old\n");
	assert_int_equal(chmod("out", 0644), 0);
	s = must_open(*state, "out", &conf);
	assert_int_equal(stat("out", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	sink_free(s);
}

static void
test_what_is_no_file_has_no_place(void **state)
{
	struct sink_conf conf = { .head = SPAN("head\n") };
	struct sink_place at;
	struct sink *s = must_open(*state, "/dev/null", &conf);

	assert_false(sink_is_file(s));
	put(s, "one\n");
	finish(s);
	assert_int_equal(sink_locate(s, 9, &at), -1);
	sink_free(s);
	conf.rotate_bytes = 10;
	assert_null(open_it(*state, "/dev/null", &conf));
	assert_int_equal(errno, ESPIPE);
}

/* ---- rotation ---- */

static void
test_names_of_a_series_keep_the_extension(void **state)
{
	static const char *const names[][2] = { { "out.jsonl", "out.7.jsonl" },
		{ "out.jsonl.gz", "out.7.jsonl.gz" },
		{ "a.b/out.csv.zst", "a.b/out.7.csv.zst" },
		{ "a.b/out", "a.b/out.7" }, { "out", "out.7" },
		{ ".hidden", ".hidden.7" }, { "out.gz", "out.7.gz" },
		{ "x/.gz", "x/.gz.7" }, { "out.", "out.7." } };
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		b.n = 0;
		sink_file_name(&b, names[i][0], 7);
		buf_char(&b, '\0');
		assert_string_equal(b.p, names[i][1]);
	}
	b.n = 0;
	sink_file_name(&b, "out.jsonl", 0);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "out.jsonl");
	buf_fini(&b);
}

static void
test_no_record_is_split_and_a_large_one_has_its_own_file(void **state)
{
	struct sink_conf conf = { .rotate_bytes = 10, .head = SPAN("h\n") };
	struct sink *s = must_open(*state, "out.txt", &conf);

	put(s, "aaa\n");
	put(s, "bbb\n");
	put(s, "c\n");
	put(s, "a very large record\n");
	put(s, "d\n");
	sink_flush(s);
	put(s, "eeeee\n");
	buf_str(sink_buf(s), "unfin");
	sink_flush(s);
	check_file("out.1.txt", "h\naaa\nbbb\n");
	check_file("out.2.txt", "h\nc\n");
	check_file("out.3.txt", "h\na very large record\n");
	check_file("out.4.txt", "h\nd\neeeee\n");
	assert_int_equal(sink_pending(s), 5);
	put(s, "ished\n");
	finish(s);
	sink_free(s);
	check_file("out.5.txt", "h\nunfinished\n");
	assert_false(exists("out.txt"));
	assert_false(exists("out.6.txt"));
}

/* One that grows larger than the buffer is written before its end is known. */
static void
test_a_record_larger_than_the_buffer_is_not_split(void **state)
{
	struct sink_conf conf = { .rotate_bytes = 100 };
	struct sink *s = must_open(*state, "out", &conf);
	struct buf piece = { 0 }, b;
	int i;

	memset(buf_reserve(&piece, SINK_HIGH_WATER), 'x', SINK_HIGH_WATER);
	piece.n = SINK_HIGH_WATER;
	put(s, "first\n");
	for (i = 0; i < 3; i++) {
		buf_span(sink_buf(s), buf_view(&piece));
		sink_flush(s);
		assert_false(sink_is_full(s));
	}
	put(s, "\n");
	put(s, "last\n");
	finish(s);
	sink_free(s);
	check_file("out.1", "first\n");
	b = file("out.2");
	assert_int_equal(b.n, 3 * SINK_HIGH_WATER + 1);
	check_file("out.3", "last\n");
	buf_fini(&b);
	buf_fini(&piece);
}

static void
test_a_new_series_replaces_the_old_one_and_nothing_else(void **state)
{
	struct sink_conf conf = { .rotate_bytes = 4 };
	struct sink *s;

	put_file("out.1.txt", "1");
	put_file("out.2.txt", "2");
	put_file("out.3.txt", "3");
	put_file("out.txt", "not of the series");
	put_file("out.2024.txt", "a date");
	put_file("out.02.txt", "no number");
	s = open_it(*state, "out.txt", &conf);
	check_file("out.1.txt", "1");
	check_file("out.2.txt", "2");
	assert_int_equal(sink_begin(s), 0);
	put(s, "new\n");
	finish(s);
	sink_free(s);
	check_file("out.1.txt", "new\n");
	assert_false(exists("out.2.txt") || exists("out.3.txt"));
	check_file("out.txt", "not of the series");
	check_file("out.2024.txt", "a date");
	check_file("out.02.txt", "no number");
	conf.may_append = 1;
	s = must_open(*state, "out.txt", &conf);
	put(s, "more\n");
	finish(s);
	sink_free(s);
	check_file("out.1.txt", "new\n");
	check_file("out.2025.txt", "more\n");
}

static void
test_a_file_in_the_way_of_a_series_ends_the_run_and_is_kept(void **state)
{
	struct sink_conf conf = { .rotate_bytes = 4 };
	struct sink *s = must_open(*state, "out", &conf);

	put_file("out.2", "mine");
	put(s, "one\n");
	put(s, "two\n");
	sink_flush(s);
	assert_int_equal(sink_error(s), E_OUTPUT_IO);
	assert_int_equal(sink_errno(s), EEXIST);
	assert_true(sink_has_lost(s));
	sink_end_line(s);
	check_file("out.1", "one\n");
	check_file("out.2", "mine");
	sink_free(s);
}

static void
test_a_resumed_series_loses_its_later_files(void **state)
{
	struct sink_conf conf = {
		.rotate_bytes = 8, .is_resumed = 1, .resume_at = { 2, 4 }
	};
	struct sink *s;

	put_file("out.1", "one\n");
	put_file("out.2", "two\nxx");
	put_file("out.3", "xxx");
	/* The power failed, and only this one had its name. */
	put_file("out.6", "xxx");
	put_file("out.2024", "a date");
	s = must_open(*state, "out", &conf);
	put(s, "abc\n");
	put(s, "def\n");
	finish(s);
	sink_free(s);
	check_file("out.1", "one\n");
	check_file("out.2", "two\nabc\n");
	check_file("out.3", "def\n");
	assert_int_equal(access("out.6", F_OK), -1);
	check_file("out.2024", "a date");
}

/* ---- places ---- */

static struct span
coding_name(enum sink_coding c)
{
	return c == SINK_GZIP ? SPAN("gzip") : SPAN("zstd");
}

/* The bytes that `name` holds, decoded, up to `most` bytes of the file. */
static void
add_decoded(struct buf *out, const char *name, enum sink_coding c, size_t most)
{
	struct buf b = file(name);
	struct span in, coding = coding_name(c);
	struct decode *d = NULL;
	enum decode_verdict v = DECODE_FULL;
	size_t n;
	int unknown;

	assert_true(b.n >= most || most == SIZE_MAX);
	in = span_of(b.p, b.n < most ? b.n : most);
	if (c == SINK_PLAIN)
		buf_span(out, in);
	else if (in.n > 0) {
		assert_int_equal(decode_open(&d, &coding, 1, &unknown), E_OK);
		while (v == DECODE_FULL) {
			v = decode_step(
			    d, &in, buf_reserve(out, 65536), 65536, &n);
			out->n += n;
		}
		assert_true(v != DECODE_BAD && decode_finish(d));
		assert_false(decode_trailing(d));
		decode_close(d);
	}
	buf_fini(&b);
}

/* All that a series holds up to a place. */
static struct buf
read_to(const char *path, enum sink_coding c, struct sink_place at)
{
	struct buf out = { 0 }, name = { 0 };
	uint32_t i;

	for (i = at.file == 0 ? 0 : 1; i <= at.file; i++) {
		name.n = 0;
		sink_file_name(&name, path, i);
		buf_char(&name, '\0');
		add_decoded(
		    &out, name.p, c, i == at.file ? at.bytes : SIZE_MAX);
	}
	buf_fini(&name);
	return out;
}

static uint32_t
draw(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void
check_place(struct sink *s, const char *path, enum sink_coding c, uint64_t end,
    struct buf *all)
{
	struct sink_place at = { 0, 0 };
	struct buf out;

	assert_int_equal(sink_locate(s, end, &at), 0);
	out = read_to(path, c, at);
	assert_int_equal(out.n, end);
	assert_memory_equal(out.p, all->p, out.n);
	buf_fini(&out);
}

/* No file of the series is larger than `rotate`, except with one record. */
static void
check_sizes(
    const char *path, enum sink_coding c, uint64_t rotate, uint32_t last)
{
	struct buf name = { 0 }, out = { 0 };
	struct stat st;
	uint32_t i;

	for (i = 1; i <= last; i++) {
		name.n = out.n = 0;
		sink_file_name(&name, path, i);
		buf_char(&name, '\0');
		assert_int_equal(stat(name.p, &st), 0);
		add_decoded(&out, name.p, c, SIZE_MAX);
		assert_true(out.n > 0 && out.p[out.n - 1] == '\n');
		if ((uint64_t)st.st_size > rotate &&
		    memchr(out.p, '\n', out.n - 1) != NULL)
			fail_msg(
			    "%s has %lld bytes", name.p, (long long)st.st_size);
	}
	buf_fini(&name);
	buf_fini(&out);
}

/* Records of all sizes, flushed, cut, committed and forgotten at random. */
static void
check_random(
    struct world *w, enum sink_coding c, uint64_t rotate, uint32_t seed)
{
	static const char *const paths[] = { "r.txt", "r.txt.gz", "r.txt.zst" };
	struct sink_conf conf = {
		.coding = c, .rotate_bytes = rotate, .has_commits = 1
	};
	struct buf all = { 0 };
	struct sink *s = must_open(w, paths[c], &conf);
	struct sink_place at = { 0, 0 };
	struct sink_sync *y;
	uint64_t cut = 0;
	size_t n;
	int i;

	for (i = 0; i < 400; i++) {
		n = draw(&seed) % 8 == 0 ? draw(&seed) % 3000000 % 40000
					 : draw(&seed) % 300;
		for (; n > 0; n--)
			buf_char(&all, (char)('a' + draw(&seed) % 7));
		buf_char(&all, '\n');
		n = all.n - (size_t)sink_end(s);
		buf_add(sink_buf(s), all.p + all.n - n, n);
		sink_mark(s);
		assert_int_equal(sink_end(s), all.n);
		if (draw(&seed) % 4 == 0)
			sink_flush(s);
		if (draw(&seed) % 16 == 0)
			event_base_loop(w->base, EVLOOP_NONBLOCK);
		if (cut == 0 && draw(&seed) % 16 == 0) {
			cut = sink_end(s);
			sink_cut(s);
		}
		if (cut > 0 && sink_written(s) >= cut) {
			check_place(s, paths[c], c, cut, &all);
			y = sink_sync_begin(s);
			assert_int_equal(sink_sync_run(y), 0);
			sink_sync_free(y);
			sink_forget(s, cut);
			check_place(s, paths[c], c, cut, &all);
			cut = 0;
		}
	}
	finish(s);
	check_place(s, paths[c], c, all.n, &all);
	assert_int_equal(sink_locate(s, all.n, &at), 0);
	assert_true(rotate == 0 || at.file > 3);
	check_sizes(paths[c], c, rotate, at.file);
	sink_free(s);
	buf_fini(&all);
}

static void
test_a_place_has_all_bytes_before_it(void **state)
{
	static const uint64_t rotates[] = { 0, 1, 5000, 100000 };
	size_t i;
	int c;

	for (c = SINK_PLAIN; c <= SINK_ZSTD; c++)
		for (i = 0; i < 4; i++)
			check_random(*state, (enum sink_coding)c, rotates[i],
			    (uint32_t)(c * 100 + 17) + (uint32_t)i);
}

static void
test_an_output_can_be_cut_back_to_a_place(void **state)
{
	struct sink_conf conf = { .rotate_bytes = 8, .has_commits = 1 };
	struct sink *s = must_open(*state, "out", &conf);

	put(s, "aaa\n");
	put(s, "bbb\n");
	put(s, "ccc\n");
	put(s, "ddd\n");
	put(s, "eee\n");
	finish(s);
	check_file("out.3", "eee\n");
	assert_int_equal(sink_cut_back(s, 12), 0);
	check_file("out.1", "aaa\nbbb\n");
	check_file("out.2", "ccc\n");
	assert_false(exists("out.3"));
	assert_int_equal(sink_cut_back(s, 100), -1);
	assert_int_equal(errno, ENOENT);
	sink_free(s);
}

static void
test_nothing_is_cut_off_after_it_was_cut_back(void **state)
{
	struct sink_conf conf = { .is_lines = 1, .has_commits = 1 };
	struct sink *s = must_open(*state, "out", &conf);

	put(s, "aaa\n");
	put(s, "part of a line");
	finish(s);
	assert_int_equal(sink_cut_back(s, 4), 0);
	sink_end_line(s);
	check_file("out", "aaa\n");
	sink_free(s);
}

/* A row of a table may contain line ends. */
static void
test_a_row_that_is_not_complete_is_removed_whole(void **state)
{
	struct sink_conf conf = { .head = SPAN("seq,body\n") };
	struct sink *s = must_open(*state, "out", &conf);
	struct buf b;
	int i;

	for (i = 0; i < 1000; i++) {
		put(s, "1,\"a\nb\"\n");
		if (i % 7 == 0)
			sink_flush(s);
	}
	buf_str(sink_buf(s), "2,\"c\nd");
	sink_flush(s);
	sink_end_line(s);
	b = file("out");
	assert_int_equal(b.n, 9 + 1000 * 8);
	assert_memory_equal(b.p + b.n - 8, "1,\"a\nb\"\n", 8);
	buf_fini(&b);
	sink_free(s);
}

static void
test_a_run_that_was_killed_at_once_begins_where_it_began(void **state)
{
	struct sink_conf conf = { .is_lines = 1, .may_append = 1 };
	struct sink_conf rotated = { .rotate_bytes = 8, .is_lines = 1 };
	struct sink *s;

	put_file("out", "before\nno end");
	s = must_open(*state, "out", &conf);
	put(s, "aaa\n");
	finish(s);
	conf = (struct sink_conf){
		.is_lines = 1, .is_resumed = 1, .resume_at = sink_begins_at(s)
	};
	sink_free(s);
	s = must_open(*state, "out", &conf);
	put(s, "bbb\n");
	finish(s);
	sink_free(s);
	check_file("out", "before\nno end\nbbb\n");

	s = must_open(*state, "series", &rotated);
	assert_int_equal(sink_begins_at(s).file, 1);
	assert_int_equal(sink_begins_at(s).bytes, 0);
	sink_free(s);
}

/* ---- frames ---- */

static void
test_a_frame_is_written_after_a_second(void **state)
{
	struct world *w = *state;
	struct sink_conf conf = { .coding = SINK_GZIP, .is_lines = 1 };
	struct sink *s = must_open(w, "out.gz", &conf);
	int64_t began_at_us = timer_now_us(), took_us;
	struct buf b = { 0 };

	buf_str(sink_buf(s), "one\n");
	sink_flush(s);
	while (sink_pending(s) > 0)
		event_base_loop(w->base, EVLOOP_ONCE);
	took_us = timer_now_us() - began_at_us;
	assert_in_range(took_us, SECOND * 9 / 10, SECOND * 5);
	add_decoded(&b, "out.gz", SINK_GZIP, SIZE_MAX);
	assert_int_equal(b.n, 4);
	buf_fini(&b);
	sink_free(s);
}

static void
test_an_empty_compressed_file_is_readable(void **state)
{
	struct sink_conf conf = { .coding = SINK_ZSTD };
	struct sink *s = must_open(*state, "out.zst", &conf);
	struct buf b = { 0 }, raw;

	finish(s);
	sink_end_line(s);
	sink_free(s);
	raw = file("out.zst");
	assert_true(raw.n > 0);
	add_decoded(&b, "out.zst", SINK_ZSTD, SIZE_MAX);
	assert_int_equal(b.n, 0);
	buf_fini(&raw);
	buf_fini(&b);
}

static void
test_a_full_disk_leaves_whole_frames_and_whole_records(void **state)
{
	struct world *w = *state;
	struct sink_conf conf = { .coding = SINK_GZIP, .is_lines = 1 };
	struct rlimit was, small;
	struct sink *s;
	struct buf b = { 0 };
	uint32_t seed = 5;
	int i;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 300000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	s = must_open(w, "out.gz", &conf);
	for (i = 0; i < 300000 && sink_error(s) == E_OK; i++) {
		buf_printf(sink_buf(s), "%u\n", draw(&seed));
		if (i % 1000 == 0)
			sink_flush(s);
		while (sink_is_full(s) && sink_error(s) == E_OK)
			event_base_loop(w->base, EVLOOP_ONCE);
	}
	assert_int_equal(sink_error(s), E_OUTPUT_IO);
	assert_true(sink_has_lost(s));
	assert_int_equal(sink_pending(s), 0);
	sink_end_line(s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	add_decoded(&b, "out.gz", SINK_GZIP, SIZE_MAX);
	assert_true(b.n > 100000 && b.p[b.n - 1] == '\n');
	buf_fini(&b);
	sink_free(s);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_a_file_is_replaced_only_once_the_run_begins),
		TEST(test_append_adds_after_a_whole_line),
		TEST(test_only_one_process_writes_a_file),
		TEST(test_a_resumed_file_ends_where_its_place_says),
		TEST(test_private_files_have_mode_0600),
		TEST(test_what_is_no_file_has_no_place),
		TEST(test_names_of_a_series_keep_the_extension),
		TEST(test_no_record_is_split_and_a_large_one_has_its_own_file),
		TEST(test_a_record_larger_than_the_buffer_is_not_split),
		TEST(test_a_new_series_replaces_the_old_one_and_nothing_else),
		TEST(
		    test_a_file_in_the_way_of_a_series_ends_the_run_and_is_kept),
		TEST(test_a_resumed_series_loses_its_later_files),
		TEST(test_a_place_has_all_bytes_before_it),
		TEST(test_an_output_can_be_cut_back_to_a_place),
		TEST(test_nothing_is_cut_off_after_it_was_cut_back),
		TEST(test_a_row_that_is_not_complete_is_removed_whole),
		TEST(test_a_run_that_was_killed_at_once_begins_where_it_began),
		TEST(test_a_frame_is_written_after_a_second),
		TEST(test_an_empty_compressed_file_is_readable),
		TEST(test_a_full_disk_leaves_whole_frames_and_whole_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
