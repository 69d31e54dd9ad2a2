/* SPDX-License-Identifier: ISC */
/* Request bodies of texts and files, read piece by piece from real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/upload.h"

#define PIECE UPLOAD_PIECE_BYTES

static char dir[] = "/tmp/fetchd-upload-XXXXXX";

static struct span
path_of(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *p = paths[next++ % 4];

	(void)snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return span_str(p);
}

/* Byte i is i * 7 + n. */
static char
byte_at(size_t i, size_t n)
{
	return (char)(i * 7 + n);
}

static struct span
write_file(const char *name, size_t n)
{
	struct span path = path_of(name);
	FILE *f = fopen(path.p, "w");
	size_t i;

	assert_non_null(f);
	for (i = 0; i < n; i++)
		(void)fputc(byte_at(i, n), f);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* Reads all of it; each piece but the last one is full. */
static void
read_all(struct upload *u, struct buf *to)
{
	struct buf why = { 0 };
	struct span piece;

	to->n = 0;
	assert_int_equal(upload_open(u, &why), E_OK);
	while (upload_is_left(u)) {
		assert_int_equal(upload_read(u, &piece, &why), 0);
		assert_true(piece.n == PIECE || !upload_is_left(u));
		buf_span(to, piece);
	}
	assert_int_equal(to->n, u->size_bytes);
	assert_int_equal(why.n, 0);
}

static void
check_file(const struct buf *b, size_t at, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		assert_int_equal(b->p[at + i], byte_at(i, n));
}

static void
test_a_file_of_any_size_comes_whole(void **state)
{
	static const size_t sizes[] = { 1, PIECE - 1, PIECE, PIECE + 1,
		2 * PIECE, 5 * PIECE + 17 };
	struct buf got = { 0 }, why = { 0 };
	struct upload u = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(
		    upload_add_file(&u, write_file("f", sizes[i]), &why), 0);
		read_all(&u, &got);
		check_file(&got, 0, sizes[i]);
		read_all(&u, &got); /* sent again */
		check_file(&got, 0, sizes[i]);
		upload_clear(&u);
	}
	upload_fini(&u);
	buf_fini(&got);
}

static void
test_texts_and_files_come_in_a_row(void **state)
{
	struct buf got = { 0 }, why = { 0 };
	struct upload u = { 0 };

	(void)state;
	upload_add_text(&u, SPAN("begin"));
	assert_int_equal(
	    upload_add_file(&u, write_file("a", PIECE + 3), &why), 0);
	upload_add_text(&u, SPAN(""));
	assert_int_equal(upload_add_file(&u, write_file("e", 0), &why), 0);
	assert_int_equal(upload_add_file(&u, write_file("b", 9), &why), 0);
	upload_add_text(&u, SPAN("end"));
	read_all(&u, &got);
	assert_int_equal(got.n, 5 + PIECE + 3 + 9 + 3);
	assert_memory_equal(got.p, "begin", 5);
	check_file(&got, 5, PIECE + 3);
	check_file(&got, 5 + PIECE + 3, 9);
	assert_memory_equal(got.p + got.n - 3, "end", 3);
	upload_fini(&u);
	buf_fini(&got);
}

static void
test_a_file_that_changes_is_an_error_that_names_it(void **state)
{
	static const struct {
		const char *name, *why;
	} t[] = {
		{ "shorter", "became shorter" },
		{ "replaced", "was replaced" },
		{ "gone", "No such file" },
		{ "shorter_later", "became shorter" },
	};
	struct buf why = { 0 };
	struct upload u = { 0 };
	struct span path, piece;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		path = write_file(t[i].name, 3 * PIECE);
		assert_int_equal(upload_add_file(&u, path, &why), 0);
		if (i == 0)
			assert_int_equal(truncate(path.p, PIECE), 0);
		if (i == 1)
			assert_int_equal(
			    rename(write_file("other", 4 * PIECE).p, path.p),
			    0);
		if (i == 2)
			assert_int_equal(unlink(path.p), 0);
		if (i < 3) {
			assert_int_equal(
			    upload_open(&u, &why), E_INPUT_INVALID);
		} else {
			assert_int_equal(upload_open(&u, &why), E_OK);
			assert_int_equal(upload_read(&u, &piece, &why), 0);
			assert_int_equal(truncate(path.p, PIECE + 5), 0);
			assert_int_equal(upload_read(&u, &piece, &why), -1);
		}
		assert_int_equal(u.v[0].fd, -1);
		buf_char(&why, '\0');
		assert_non_null(strstr(why.p, t[i].name));
		assert_non_null(strstr(why.p, t[i].why));
		why.n = 0;
		upload_clear(&u);
	}
	upload_fini(&u);
	buf_fini(&why);
}

static void
test_of_a_file_that_grows_the_first_size_is_read(void **state)
{
	struct buf got = { 0 }, why = { 0 };
	struct upload u = { 0 };
	struct span path = write_file("grows", 2 * PIECE + 1);

	(void)state;
	assert_int_equal(upload_add_file(&u, path, &why), 0);
	assert_int_equal(truncate(path.p, 9 * PIECE), 0);
	read_all(&u, &got);
	check_file(&got, 0, 2 * PIECE + 1);
	upload_fini(&u);
	buf_fini(&got);
}

static void
test_without_a_descriptor_no_file_stays_open(void **state)
{
	struct rlimit was, low;
	struct buf why = { 0 };
	struct upload u = { 0 };
	int next;

	(void)state;
	assert_int_equal(upload_add_file(&u, write_file("a", 9), &why), 0);
	assert_int_equal(upload_add_file(&u, write_file("b", 9), &why), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	next = dup(0);
	assert_int_equal(close(next), 0);
	low = (struct rlimit){ (rlim_t)next + 1, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(upload_open(&u, &why), E_RESOURCE_LIMIT);
	assert_true(u.v[0].fd == -1 && u.v[1].fd == -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(upload_open(&u, &why), E_OK);
	upload_fini(&u);
	buf_fini(&why);
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_of_any_size_comes_whole),
		cmocka_unit_test(test_texts_and_files_come_in_a_row),
		cmocka_unit_test(
		    test_a_file_that_changes_is_an_error_that_names_it),
		cmocka_unit_test(
		    test_of_a_file_that_grows_the_first_size_is_read),
		cmocka_unit_test(test_without_a_descriptor_no_file_stays_open),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
