/* SPDX-License-Identifier: ISC */
/*
 * The request that the options describe, the files they name, and that no
 * message shows a secret.
 */
#include <sys/stat.h>

#include <fcntl.h>

#include "options_test.h"

static void
check_body(const char *method, const char *type, const char *p, size_t n)
{
	assert_string_equal(o.method, method);
	assert_true(o.has_body);
	assert_string_equal(o.content_type, type);
	assert_int_equal(o.payload.n, n);
	if (n > 0)
		assert_memory_equal(o.payload.p, p, n);
}

static void
test_data_is_joined_in_order_and_files_taken_byte_for_byte(void **state)
{
	static const char form[] = "application/x-www-form-urlencoded";
	static const char bytes[] = "a\0b\r\n";

	(void)state;
	write_file("data", bytes, 5);
	assert_int_equal(PARSE("-d", "a=1"), 0);
	check_body("POST", form, "a=1", 3);
	assert_int_equal(PARSE("-d", ""), 0);
	check_body("POST", form, "", 0);
	assert_int_equal(PARSE("-da", "--data-raw", "@b", "--data", "c",
			     "--data-raw=", "-dd"),
	    0);
	check_body("POST", form, "a&@b&c&&d", 9);
	assert_int_equal(PARSE("-XPUT", "-d", at_file("data"), "-dx"), 0);
	check_body("PUT", form, "a\0b\r\n&x", 7);
	assert_int_equal(PARSE("--json-data", "{}"), 0);
	check_body("POST", "application/json", "{}", 2);
	assert_int_equal(PARSE("--json-data", at_file("data")), 0);
	check_body("POST", "application/json", bytes, 5);
}

static void
test_the_method_follows_from_the_request(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-I"), 0);
	assert_string_equal(o.method, "HEAD");
	assert_true(o.method_given);
	assert_int_equal(PARSE("-I", "-XHEAD"), 0);
	assert_int_equal(PARSE("-X", "PROPFIND"), 0);
	assert_string_equal(o.method, "PROPFIND");
	assert_true(o.method_given);
	assert_int_equal(PARSE("-dx"), 0);
	assert_false(o.method_given);
}

static void
test_options_that_contradict_each_other_are_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-da", "--json-data", "{}"), 2);
	assert_int_equal(PARSE("--data-raw=a", "--json-data", "{}"), 2);
	assert_int_equal(PARSE("-I", "-da"), 2);
	assert_int_equal(PARSE("-I", "--json-data=1"), 2);
	assert_int_equal(PARSE("-I", "-XGET"), 2);
	assert_int_equal(PARSE("-X", "GET / HTTP/1.1\r\nX:"), 2);
	assert_int_equal(PARSE("-X", ""), 2);
	assert_int_equal(PARSE("-X", "CONNECT"), 2);
	assert_int_equal(PARSE("-X", "connect"), 2);
	assert_non_null(strstr(err.p, "--request: the method CONNECT"));
	assert_int_equal(PARSE("-o", ""), 2);
}

static void
test_a_base_url_is_absolute_and_kept_out_of_messages(void **state)
{
	static const char *const good[] = { "https://a.test",
		"HTTP://a.test/v1/", " http://u:p@a.test:8080/x?y#z " };
	static const char *const bad[] = { "", "a.test", "/v1/", "//a.test/",
		"ftp://a.test/", "https://", "https:a.test",
		"http://user:secret@a..test/", "http://user:secret@a.test:0/",
		"https://user:secret@a.test/\x01" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(PARSE("--base-url", good[i]), 0);
		assert_string_equal(o.base_url, good[i]);
	}
	for (i = 0; i < COUNT(bad); i++) {
		if (PARSE("--base-url", bad[i]) != 2)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_ptr_equal(strstr(err.p, "fetchd: --base-url: "), err.p);
		assert_null(strstr(err.p, "secret"));
	}
}

static void
check_header(size_t i, const char *name, const char *value, int remove_it)
{
	assert_true(i < o.nheaders);
	assert_string_equal(o.headers[i].name, name);
	assert_string_equal(o.headers[i].value, value);
	assert_int_equal(o.headers[i].remove, remove_it);
}

static void
test_headers_come_from_arguments_and_lines_of_files(void **state)
{
	static const char lines[] = "X-One: 1\r\n\nX-Two:\t2 2 \nX-Three:";

	(void)state;
	write_file("secret", lines, sizeof(lines) - 1);
	assert_int_equal(PARSE("-H", "A: b:c", "-H", "Accept:", "-H",
			     at_file("secret"), "-HExpect:", "-HZ:z"),
	    0);
	assert_int_equal(o.nheaders, 7);
	check_header(0, "A", "b:c", 0);
	check_header(1, "Accept", "", 1);
	check_header(2, "X-One", "1", 0);
	check_header(3, "X-Two", "2 2", 0);
	check_header(4, "X-Three", "", 1);
	check_header(5, "Expect", "", 1);
	check_header(6, "Z", "z", 0);
}

static void
test_credentials_are_split_at_the_first_colon(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-u", "me:p:w"), 0);
	assert_string_equal(o.user, "me");
	assert_string_equal(o.password, "p:w");
	write_file("secret", "me:pw \r\n", 8);
	assert_int_equal(PARSE("-u", at_file("secret")), 0);
	assert_string_equal(o.user, "me");
	assert_string_equal(o.password, "pw ");
	assert_int_equal(PARSE("-u", ":"), 0);
	assert_string_equal(o.user, "");
	assert_string_equal(o.password, "");
}

/* Each is refused; "s3cret" stands in what must not be shown. */
static void
test_no_message_shows_a_secret(void **state)
{
	static const char *const t[][2] = {
		{ "-u", "s3cret" },
		{ "-u", "me:s3cret\n" },
		{ "-H", "Bearer s3cret" },
		{ "-H", "Authorization: s3cret\r\nX: y" },
		{ "-H", "Bearer s3cret: x" },
		{ "-H", "Content-Length: s3cret" },
		{ "-H", ": s3cret" },
		{ "-b", "s3cret\n" },
		{ "-A", "s3cret\x01" },
		{ "-X", "s3cret s3cret" },
		{ "--pasword=s3cret", "x" },
		{ "--insecure=s3cret", "x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		if (PARSE(t[i][0], t[i][1]) != 2)
			fail_msg("%s %s is taken", t[i][0], t[i][1]);
		assert_null(strstr(err.p, "s3cret"));
		assert_memory_equal(err.p, "fetchd: ", 8);
		assert_int_equal(err.p[err.n - 2], '\n');
	}
}

static void
test_no_message_shows_a_secret_of_a_file(void **state)
{
	static const char *const t[] = { "s3cret", "a:b\nc:s3cret\n\n",
		"X: s3cret\x01", "a b: s3cret", "s3cret\0:" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		write_file("secret", t[i], strlen(t[i]) + (i == 4 ? 2 : 0));
		if (i != 1) {
			assert_int_equal(PARSE("-H", at_file("secret")), 2);
			assert_null(strstr(err.p, "s3cret"));
		}
		if (i != 3) {
			assert_int_equal(PARSE("-u", at_file("secret")), 2);
			assert_null(strstr(err.p, "s3cret"));
		}
	}
}

static void
test_a_file_that_cannot_be_read_is_status_3(void **state)
{
	static const char *const names[] = { "-H", "-u", "-d", "--json-data" };
	char dir_arg[64];
	size_t i;

	(void)state;
	snprintf(dir_arg, sizeof(dir_arg), "@%s", dir);
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(PARSE(names[i], at_file("no\nfile")), 3);
		assert_non_null(strstr(err.p, "no\\x0afile"));
		assert_non_null(strstr(err.p, "No such file"));
		assert_int_equal(PARSE(names[i], dir_arg), 3);
		assert_int_equal(PARSE(names[i], "@"), 3);
	}
}

static void
test_a_file_over_its_limit_is_refused_unread(void **state)
{
	(void)state;
	write_file("big", "", 0);
	assert_int_equal(truncate(path_of("big"), OPT_BODY_MAX + 1L), 0);
	assert_int_equal(PARSE("-d", at_file("big")), 2);
	assert_int_equal(PARSE("--json-data", at_file("big")), 2);
	assert_int_equal(truncate(path_of("big"), OPT_FILE_MAX + 1L), 0);
	assert_int_equal(PARSE("-H", at_file("big")), 2);
	assert_non_null(strstr(err.p, "is larger than the limit"));
	assert_int_equal(PARSE("-u", at_file("big")), 2);
	assert_non_null(strstr(err.p, "is larger than the limit"));
	/* One without a size. */
	assert_int_equal(PARSE("-u", "@/dev/zero"), 2);
	assert_non_null(strstr(err.p, "is larger than the limit"));
	/* At the limit, and over it with one more. */
	assert_int_equal(truncate(path_of("big"), OPT_FILE_MAX), 0);
	assert_int_equal(PARSE("-u", at_file("big")), 2);
	assert_null(strstr(err.p, "is larger than the limit"));
	assert_int_equal(truncate(path_of("big"), OPT_BODY_MAX), 0);
	assert_int_equal(PARSE("-d", at_file("big"), "-dx"), 2);
	assert_string_equal(
	    err.p, "fetchd: --data: the request body is larger than 256M\n");
	assert_int_equal(truncate(path_of("big"), 0), 0);
}

static void
test_the_output_may_not_be_an_input(void **state)
{
	char list[64], link_path[64], fifo[64];

	(void)state;
	write_file("list", "http://a/\n", 10);
	snprintf(list, sizeof(list), "%s", path_of("list"));
	snprintf(link_path, sizeof(link_path), "%s", path_of("link"));
	snprintf(fifo, sizeof(fifo), "%s", path_of("fifo"));
	assert_int_equal(symlink(list, link_path), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(PARSE(list, "-o", list), 2);
	assert_non_null(strstr(err.p, "the output file is also an input"));
	assert_int_equal(PARSE("-o", link_path, "x", "-i", list), 2);
	assert_int_equal(PARSE("-o", fifo, fifo), 2);
	assert_int_equal(PARSE("-o", "/dev/null", "/dev/null"), 0);
	assert_int_equal(PARSE("-o", path_of("new"), list), 0);
	assert_int_equal(PARSE("-o", fifo, list), 0);
}

static void
test_nor_may_it_be_standard_input(void **state)
{
	int in = dup(STDIN_FILENO), fd, with, without, other;
	char list[64];

	(void)state;
	write_file("list", "http://a/\n", 10);
	snprintf(list, sizeof(list), "%s", path_of("list"));
	fd = open(list, O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	with = PARSE("-o", list, "-");
	without = PARSE("-o", list);
	other = PARSE("-o", list, "http://a/");
	if (in >= 0) {
		dup2(in, STDIN_FILENO);
		close(in);
	} else {
		close(STDIN_FILENO);
	}
	assert_int_equal(with, 2);
	assert_int_equal(without, 2);
	assert_int_equal(other, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_base_url_is_absolute_and_kept_out_of_messages),
		cmocka_unit_test(
		    test_data_is_joined_in_order_and_files_taken_byte_for_byte),
		cmocka_unit_test(test_the_method_follows_from_the_request),
		cmocka_unit_test(
		    test_options_that_contradict_each_other_are_refused),
		cmocka_unit_test(
		    test_headers_come_from_arguments_and_lines_of_files),
		cmocka_unit_test(test_credentials_are_split_at_the_first_colon),
		cmocka_unit_test(test_no_message_shows_a_secret),
		cmocka_unit_test(test_no_message_shows_a_secret_of_a_file),
		cmocka_unit_test(test_a_file_that_cannot_be_read_is_status_3),
		cmocka_unit_test(test_a_file_over_its_limit_is_refused_unread),
		cmocka_unit_test(test_the_output_may_not_be_an_input),
		cmocka_unit_test(test_nor_may_it_be_standard_input),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
