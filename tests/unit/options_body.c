/* SPDX-License-Identifier: ISC */
/*
 * The body that the options describe: data joined in its order, forms as curl
 * writes them, files that are read when they are sent.
 */
#include "options_test.h"

/* The body with each file piece as {PATH}, the boundary as BOUNDARY. */
static const char *
body(void)
{
	static struct buf b;
	const char *boundary =
	    o.form.n > 0 ? strstr(o.content_type, "boundary=") + 9 : "";
	size_t i, n = strlen(boundary);
	struct buf all = { 0 };
	const char *p;

	for (i = 0; i < o.npieces; i++) {
		buf_str(&all, o.pieces[i].is_path ? "{" : "");
		buf_add(&all, o.pieces[i].text, o.pieces[i].n);
		buf_str(&all, o.pieces[i].is_path ? "}" : "");
	}
	buf_span(&all, buf_view(&o.payload));
	buf_char(&all, '\0');
	b.n = 0;
	for (p = all.p; *p != '\0'; p++) {
		if (n > 0 && strncmp(p, boundary, n) == 0) {
			buf_str(&b, "BOUNDARY");
			p += n - 1;
		} else if (*p != '\r')
			buf_char(&b, *p);
	}
	buf_char(&b, '\0');
	buf_fini(&all);
	return b.p;
}

static void
test_data_of_all_kinds_is_joined_in_its_order(void **state)
{
	(void)state;
	write_file("data", "1\n", 2);
	assert_int_equal(PARSE("--data-raw", "@a", "-d", "b", "--data-binary",
			     at_file("data"), "--data-raw", "c"),
	    0);
	assert_string_equal(body(), "@a&b&1\n&c");
	assert_string_equal(
	    o.content_type, "application/x-www-form-urlencoded");
	assert_string_equal(o.method, "POST");
}

static void
test_a_form_is_multipart_and_a_post(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-F", "a=1", "-Fb=x=y;type=text/html"), 0);
	assert_string_equal(o.method, "POST");
	assert_ptr_equal(strstr(o.content_type, "multipart/form-data; bound"),
	    o.content_type);
	assert_string_equal(body(),
	    "--BOUNDARY\nContent-Disposition: form-data; name=\"a\"\n\n1\n"
	    "--BOUNDARY\nContent-Disposition: form-data; name=\"b\"\n"
	    "Content-Type: text/html\n\nx=y\n--BOUNDARY--\n");
	assert_int_equal(o.npieces, 0);
}

static void
test_quotes_hold_a_semicolon_and_what_would_end_a_string_is_escaped(
    void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE("-F", "a\"\r\n=\"x;\\\"y\\\\\";filename=\"q;\"\""), 2);
	assert_int_equal(
	    PARSE("-F", "a\"\n=\"x;\\\"y\\\\\";filename=\"q;\\\"\""), 0);
	assert_string_equal(body(),
	    "--BOUNDARY\nContent-Disposition: form-data; name=\"a%22%0A\"; "
	    "filename=\"q;%22\"\n\nx;\"y\\\n--BOUNDARY--\n");
}

static void
test_a_file_is_named_and_not_read_before_it_is_sent(void **state)
{
	char arg[128], want[512];
	const char *path = path_of("data");

	(void)state;
	write_file("data", "1", 1);
	snprintf(arg, sizeof(arg), "f=@%s", path);
	assert_int_equal(PARSE("-F", arg), 0);
	snprintf(want, sizeof(want),
	    "--BOUNDARY\nContent-Disposition: form-data; name=\"f\"; "
	    "filename=\"data\"\nContent-Type: application/octet-stream\n\n"
	    "{%s}\n--BOUNDARY--\n",
	    path);
	assert_string_equal(body(), want);
	snprintf(arg, sizeof(arg), "f=@%s;type=a/b; filename=x.png", path);
	assert_int_equal(PARSE("-F", arg), 0);
	assert_non_null(
	    strstr(body(), "filename=\"x.png\"\nContent-Type: a/b\n"));
	snprintf(arg, sizeof(arg), "f=@%s;filename=x.PNG", path);
	assert_int_equal(PARSE("-F", arg), 0);
	assert_non_null(
	    strstr(body(), "filename=\"x.PNG\"\nContent-Type: image/png\n"));
	snprintf(arg, sizeof(arg), "f=<%s", path);
	assert_int_equal(PARSE("-F", arg), 0);
	snprintf(want, sizeof(want),
	    "--BOUNDARY\nContent-Disposition: form-data; name=\"f\"\n\n{%s}\n"
	    "--BOUNDARY--\n",
	    path);
	assert_string_equal(body(), want);
	/* As curl has it: the file's own ending if the name given has none. */
	write_file("data.txt", "1", 1);
	snprintf(arg, sizeof(arg), "f=@%s;filename=x", path_of("data.txt"));
	assert_int_equal(PARSE("-F", arg), 0);
	assert_non_null(
	    strstr(body(), "filename=\"x\"\nContent-Type: text/plain\n"));
	assert_int_equal(unlink(path_of("data.txt")), 0);
}

static void
test_a_type_of_ones_own_gets_the_boundary(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-Fa=1", "-HContent-Type: multipart/mixed"), 0);
	assert_ptr_equal(
	    strstr(o.headers[0].value, "multipart/mixed; boundary=------"),
	    o.headers[0].value);
	assert_int_equal(
	    PARSE("-Fa=1", "-Hcontent-type: multipart/x; boundary=y"), 0);
	assert_string_equal(o.headers[0].value, "multipart/x; boundary=y");
}

static void
test_what_is_no_form_is_refused_without_showing_it(void **state)
{
	static const char *const bad[] = { "", "a", "=b", "a=@", "a=<",
		"a=secret;b", "a=secret;type=", "a=secret;type=x",
		"a=secret;headers=X", "a=\"secret", "a=\"secret\"x",
		"a=secret;filename=\"x" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		if (i != 6 && PARSE("-F", bad[i]) != 2)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_null(strstr(err.p, "secret"));
	}
	assert_int_equal(PARSE("-F", "a=@/no/such/file"), 3);
	assert_string_equal(err.p,
	    "fetchd: --form: cannot read \"/no/such/file\": No such file or "
	    "directory\n");
	assert_int_equal(PARSE("-Fa=1", "-db"), 2);
	assert_int_equal(PARSE("-Fa=1", "--json-data={}"), 2);
	assert_int_equal(PARSE("-Fa=1", "-I"), 2);
	assert_int_equal(PARSE("-d1", "-I"), 2);
}

static void
test_standard_input_is_read_once_and_not_if_it_is_the_list(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-d", "@-"), 2);
	assert_string_equal(err.p,
	    "fetchd: --data: @- reads standard input, which is already the "
	    "list of items; give the list as FILE or URL\n");
	assert_int_equal(PARSE("x", "-", "-H", "@-"), 2);
	assert_int_equal(PARSE("-i-", "-u@-"), 2);
	assert_int_equal(PARSE("-i", "x", "--url=-", "-Fa=@-", "-H@-"), 2);
	assert_string_equal(err.p,
	    "fetchd: --form: standard input was already read by --header\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_of_all_kinds_is_joined_in_its_order),
		cmocka_unit_test(test_a_form_is_multipart_and_a_post),
		cmocka_unit_test(
		    test_quotes_hold_a_semicolon_and_what_would_end_a_string_is_escaped),
		cmocka_unit_test(
		    test_a_file_is_named_and_not_read_before_it_is_sent),
		cmocka_unit_test(test_a_type_of_ones_own_gets_the_boundary),
		cmocka_unit_test(
		    test_what_is_no_form_is_refused_without_showing_it),
		cmocka_unit_test(
		    test_standard_input_is_read_once_and_not_if_it_is_the_list),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
