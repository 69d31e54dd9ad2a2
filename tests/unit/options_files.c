/* SPDX-License-Identifier: ISC */
/* --output-dir: its defaults, what needs it, what it excludes. */
#include <sys/stat.h>

#include "options_test.h"

#define DIR "--output-dir=d"

static void
test_bodies_that_only_go_to_files_may_be_large_and_take_long(void **state)
{
	(void)state;
	assert_int_equal(PARSE(DIR, "http://a.test"), 0);
	assert_int_equal(o.body, BODY_NONE);
	assert_true(o.max_filesize_bytes == 1ULL << 40);
	assert_int_equal(o.max_time_us, 0);
	assert_int_equal(o.ttfb_timeout_us, OPT_UNTIMED_TTFB_US);
	assert_int_equal(o.speed_limit_bytes, OPT_UNTIMED_SPEED_BYTES);
	assert_int_equal(PARSE(DIR, "--body=none", "http://a.test"), 0);
	assert_true(o.max_filesize_bytes == 1ULL << 40);
	assert_int_equal(
	    PARSE(DIR, "--max-filesize=1M", "--max-time=3", "http://a.test"),
	    0);
	assert_true(o.max_filesize_bytes == 1 << 20);
	assert_int_equal(o.max_time_us, 3000000);
}

static void
test_bodies_that_are_in_records_too_keep_their_limits(void **state)
{
	(void)state;
	assert_int_equal(PARSE(DIR, "--body=inline", "http://a.test"), 0);
	assert_int_equal(o.body, BODY_INLINE);
	assert_true(o.max_filesize_bytes == 16 << 20);
	assert_int_equal(o.max_time_us, 60000000);
}

static void
test_what_needs_or_excludes_the_directory_is_named(void **state)
{
	static const struct {
		const char *args[4], *says;
	} t[] = {
		{ { "--output-name={seq}" }, "--output-name: needs" },
		{ { "--keep-partial" }, "--keep-partial: needs" },
		{ { "--overwrite" }, "--overwrite: needs" },
		{ { "-O", "HTTP://a.test/x" },
		    "--output-dir: -O takes a directory in fetchd; try "
		    "--output-dir DIR, or -o FILE --format body" },
		{ { DIR, "--stream" }, "--stream" },
		{ { DIR, "--format=body" }, "--format body" },
		{ { DIR, "--output-name={x}" },
		    "--output-name: \"{x}\" is not one of {host}" },
		{ { DIR, "--output-name=" }, "--output-name: \"\" is empty" },
		{ { DIR, "--fields=body" }, "--body" },
		{ { "--fields=body_file" }, "needs --output-dir" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		if (parse(t[i].args) != 2 || strstr(err.p, t[i].says) == NULL)
			fail_msg("%s %s: %s", t[i].args[0],
			    t[i].args[1] != NULL ? t[i].args[1] : "", err.p);
	}
	assert_int_equal(
	    PARSE(DIR, "--fields=body_file,sha256", "http://a.test"), 0);
	assert_int_equal(
	    PARSE(DIR, "--body=inline", "--fields=body", "http://a.test"), 0);
}

static void
test_a_list_inside_the_directory_is_refused(void **state)
{
	char inner[200], list[256], link[256], beside[256];
	FILE *f;

	(void)state;
	snprintf(inner, sizeof(inner), "%s/out", dir);
	snprintf(list, sizeof(list), "%s/urls", inner);
	snprintf(link, sizeof(link), "%s/link", dir);
	snprintf(beside, sizeof(beside), "%s/out.txt", dir);
	mkdir(inner, 0700);
	f = fopen(list, "w");
	assert_non_null(f);
	fclose(f);
	f = fopen(beside, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(symlink(list, link), 0);
	assert_int_equal(PARSE("-O", inner, list), 2);
	assert_non_null(strstr(err.p, "--output-dir"));
	assert_non_null(strstr(err.p, "out/urls"));
	assert_int_equal(PARSE("-O", inner, "-i", link), 2);
	assert_int_equal(PARSE("-O", inner, beside), 0);
	assert_int_equal(PARSE("-O", "/nonexistent/x", list), 0);
	unlink(list);
	unlink(link);
	unlink(beside);
	assert_int_equal(rmdir(inner), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_bodies_that_only_go_to_files_may_be_large_and_take_long),
		cmocka_unit_test(
		    test_bodies_that_are_in_records_too_keep_their_limits),
		cmocka_unit_test(
		    test_what_needs_or_excludes_the_directory_is_named),
		cmocka_unit_test(test_a_list_inside_the_directory_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
