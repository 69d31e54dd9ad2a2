/* SPDX-License-Identifier: ISC */
/* Proves src/io/spill.c against the bytes themselves, kept in memory. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/spill.h"

#define MIB (1u << 20)
#define SPANS 400

static uint32_t
draw(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Bytes that tell where they belong. */
static void
fill(struct buf *b, uint32_t seed, size_t n)
{
	b->n = 0;
	buf_reserve(b, n + 4);
	for (; b->n < n; b->n += 4) {
		draw(&seed);
		memcpy(b->p + b->n, &seed, 4);
	}
	b->n = n;
}

static void
test_spilled_bytes_are_read_again_in_any_order(void **state)
{
	struct spill *s = spill_new();
	struct buf b = { 0 };
	uint64_t a1, a2, a3;

	(void)state;
	assert_int_equal(spill_append(s, SPAN("first,"), &a1), E_OK);
	assert_int_equal(spill_append(s, SPAN("second,"), &a2), E_OK);
	assert_int_equal(spill_append(s, SPAN("third"), &a3), E_OK);
	assert_int_equal(spill_live_bytes(s), 18);
	assert_int_equal(spill_read(s, a3, 5, &b), E_OK);
	assert_int_equal(spill_read(s, a1, 13, &b), E_OK);
	assert_true(span_eq(buf_view(&b), SPAN("thirdfirst,second,")));
	b.n = 0;
	assert_int_equal(spill_patch(s, a2 + 1, SPAN("ECO")), E_OK);
	assert_int_equal(spill_read(s, a2, 7, &b), E_OK);
	assert_true(span_eq(buf_view(&b), SPAN("sECOnd,")));
	buf_fini(&b);
	spill_free(s);
}

static void
test_no_file_is_created_before_it_is_needed(void **state)
{
	struct spill *s = spill_new();

	(void)state;
	assert_int_equal(spill_file_bytes(s), 0);
	spill_free(s);
	spill_free(NULL);
}

static void
test_a_span_larger_than_a_block_is_read_completely(void **state)
{
	struct spill *s = spill_new();
	struct buf want = { 0 }, got = { 0 };
	uint64_t a, b;

	(void)state;
	fill(&want, 1, 5 * MIB + 77);
	assert_int_equal(spill_append(s, SPAN("x"), &a), E_OK);
	assert_int_equal(spill_append(s, buf_view(&want), &b), E_OK);
	assert_int_equal(b, a + 1);
	assert_int_equal(spill_read(s, b, want.n, &got), E_OK);
	assert_true(span_eq(buf_view(&got), buf_view(&want)));
	got.n = 0;
	assert_int_equal(spill_patch(s, b + MIB - 3, SPAN("ab\ncd")), E_OK);
	assert_int_equal(spill_read(s, b + MIB - 4, 7, &got), E_OK);
	assert_memory_equal(got.p + 1, "ab\ncd", 5);
	assert_int_equal(got.p[0], want.p[MIB - 4]);
	assert_int_equal(got.p[6], want.p[MIB + 2]);
	buf_fini(&want);
	buf_fini(&got);
	spill_free(s);
}

struct kept {
	uint64_t at;
	size_t n;
	uint32_t seed;
};

/* For long enough that each block has been taken again many times. */
static void
test_released_space_is_reused(void **state)
{
	struct kept *k = calloc(SPANS, sizeof(*k)), *one;
	struct spill *s = spill_new();
	struct buf want = { 0 }, got = { 0 };
	uint64_t live = 0, most = 0, all = 0;
	uint32_t seed = 3;
	int i, run;

	(void)state;
	assert_non_null(k);
	for (run = 0; run < 8000; run++) {
		one = &k[draw(&seed) % SPANS];
		if (one->n > 0) {
			got.n = 0;
			fill(&want, one->seed, one->n);
			assert_int_equal(
			    spill_read(s, one->at, one->n, &got), E_OK);
			assert_true(span_eq(buf_view(&got), buf_view(&want)));
			spill_release(s, one->at, one->n);
			live -= one->n;
			one->n = 0;
			continue;
		}
		one->seed = draw(&seed) | 1;
		one->n = 1 + draw(&seed) % 60000;
		fill(&want, one->seed, one->n);
		assert_int_equal(
		    spill_append(s, buf_view(&want), &one->at), E_OK);
		live += one->n;
		all += one->n;
		most = live > most ? live : most;
		assert_int_equal(spill_live_bytes(s), live);
	}
	assert_true(all > 100 * (uint64_t)MIB);
	assert_true(spill_file_bytes(s) < 8 * most);
	assert_true(spill_file_bytes(s) < all / 2);
	for (i = 0; i < SPANS; i++)
		if (k[i].n > 0)
			spill_release(s, k[i].at, k[i].n);
	assert_int_equal(spill_file_bytes(s), 0);
	buf_fini(&want);
	buf_fini(&got);
	spill_free(s);
	free(k);
}

/* As a queue: what is in it is little, however much goes through. */
static void
test_a_queue_takes_no_more_space_than_its_content(void **state)
{
	struct spill *s = spill_new();
	struct buf b = { 0 };
	uint64_t at[8];
	int i;

	(void)state;
	fill(&b, 9, 300000);
	for (i = 0; i < 800; i++) {
		if (i >= 8)
			spill_release(s, at[i % 8], b.n);
		assert_int_equal(
		    spill_append(s, buf_view(&b), &at[i % 8]), E_OK);
		assert_true(spill_file_bytes(s) <= 5 * MIB);
	}
	buf_fini(&b);
	spill_free(s);
}

/* The one descriptor this process has more than before, or -1. */
static int
newest_fd(int before)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd > before ? fd - 1 : -1;
}

static void
test_the_file_is_unnamed_and_empty_once_all_is_released(void **state)
{
	char dir[] = "/tmp/fetchd-spill-XXXXXX";
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), fd, n = 0;
	struct spill *s = spill_new();
	struct stat st;
	struct dirent *e;
	uint64_t a, b;
	DIR *d;

	(void)state;
	close(before);
	assert_non_null(mkdtemp(dir));
	setenv("TMPDIR", dir, 1);
	assert_int_equal(spill_append(s, SPAN("abc"), &a), E_OK);
	assert_int_equal(spill_append(s, SPAN("def"), &b), E_OK);
	fd = newest_fd(before);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	d = opendir(dir);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n++;
	closedir(d);
	assert_int_equal(n, 2);
	spill_release(s, a, 3);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 6);
	spill_release(s, b, 3);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(spill_append(s, SPAN("abc"), &a), E_OK);
	assert_int_equal(spill_live_bytes(s), 3);
	spill_free(s);
	unsetenv("TMPDIR");
	assert_int_equal(rmdir(dir), 0);
}

static void
test_a_missing_directory_is_skipped(void **state)
{
	struct spill *s = spill_new();
	uint64_t at;

	(void)state;
	setenv("TMPDIR", "/nonexistent", 1);
	assert_int_equal(spill_append(s, SPAN("abc"), &at), E_OK);
	spill_free(s);
	unsetenv("TMPDIR");
}

/* A limit on the size of files simulates a full disk. */
static void
test_a_full_file_is_an_error_but_can_be_read(void **state)
{
	struct rlimit before, small = { 0 };
	struct spill *s = spill_new();
	struct buf b = { 0 }, got = { 0 };
	uint64_t a1, a2;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	small.rlim_cur = 2 * MIB;
	small.rlim_max = before.rlim_max;
	fill(&b, 5, MIB + 100);
	assert_int_equal(spill_append(s, buf_view(&b), &a1), E_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(spill_append(s, buf_view(&b), &a2), E_OUTPUT_IO);
	assert_int_not_equal(spill_errno(s), 0);
	assert_int_equal(spill_live_bytes(s), b.n);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(spill_append(s, SPAN("abc"), &a2), E_OK);
	assert_int_equal(a2, a1 + b.n);
	assert_int_equal(spill_read(s, a1, b.n, &got), E_OK);
	assert_true(span_eq(buf_view(&got), buf_view(&b)));
	buf_fini(&b);
	buf_fini(&got);
	spill_free(s);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_spilled_bytes_are_read_again_in_any_order),
		T(test_no_file_is_created_before_it_is_needed),
		T(test_a_span_larger_than_a_block_is_read_completely),
		T(test_released_space_is_reused),
		T(test_a_queue_takes_no_more_space_than_its_content),
		T(test_the_file_is_unnamed_and_empty_once_all_is_released),
		T(test_a_missing_directory_is_skipped),
		T(test_a_full_file_is_an_error_but_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
