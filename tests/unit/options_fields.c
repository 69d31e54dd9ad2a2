/* SPDX-License-Identifier: ISC */
/* --fields: each key needs the option that makes it, and a slip is named. */
#include "options_test.h"

static void
check(const char *why)
{
	char want[200];

	snprintf(want, sizeof(want), "fetchd: --fields: %s\n", why);
	assert_string_equal(err.p, want);
}

static void
test_a_key_without_the_option_that_makes_it_names_that_option(void **state)
{
	static const struct {
		const char *key, *needs, *with;
	} t[] = {
		{ "header", "--include-headers", "--include-headers" },
		{ "header.etag", "--include-headers", "--include-headers" },
		{ "trailer", "--include-headers", "--include-headers" },
		{ "interim", "--include-headers", "--include-headers" },
		{ "attempts", "--include-attempts", "--include-attempts" },
		{ "attempts.0.url", "--include-attempts",
		    "--include-attempts" },
		{ "body_json", "--body json", "--body=json" },
		{ "body_json.a", "--body json", "--body=json" },
		{ "extract", "--extract, --css, --xpath, --regex or --exec",
		    "--css=a=b" },
		{ "parse", "--extract, --css, --xpath, --regex or --exec",
		    "--exec=/bin/true" },
		{ "extract.title",
		    "--extract, --css, --xpath, --regex or "
		    "--exec",
		    "--extract=title" },
	};
	char why[160];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(PARSE("x", "--fields", t[i].key), 2);
		snprintf(
		    why, sizeof(why), "\"%s\" needs %s", t[i].key, t[i].needs);
		check(why);
		assert_int_equal(PARSE("--fields", t[i].key, t[i].with), 0);
	}
	assert_int_equal(PARSE("--fields=seq,url,meta.a,flags,num_events"), 0);
}

static void
test_a_part_of_extract_needs_the_option_of_that_name(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--fields=extract.text", "--extract=title"), 2);
	check("\"extract.text\" needs an --extract, --css, --xpath or --regex "
	      "with that name");
	assert_int_equal(PARSE("--fields=extract.exec.a", "--css=a=b"), 2);
	check("\"extract.exec.a\" needs --exec");
	assert_int_equal(
	    PARSE("--fields=extract.exec.a,parse.time", "--exec=/bin/true"), 0);
	assert_int_equal(PARSE("--fields=extract.a.b,extract.a.b.0,extract.c.0",
			     "--css=a.b=x", "--regex=c@text=y"),
	    0);
	assert_int_equal(PARSE("--fields=extract.a", "--css=a.b=x"), 2);
}

static void
test_a_body_that_is_left_out_cannot_be_chosen(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--fields=body", "--body=none"), 2);
	check("\"body\" cannot be combined with --body none");
	assert_int_equal(PARSE("--fields=body_base64", "--body=none"), 2);
	assert_int_equal(PARSE("--fields=body,body_base64"), 0);
	assert_int_equal(PARSE("--fields=seq", "--format=text"), 2);
	check("cannot be combined with --format text");
	assert_int_equal(PARSE("--fields=seq", "--format=body"), 2);
}

static void
test_a_table_has_columns_without_fields_too(void **state)
{
	static const char plain[] =
	    "seq,input,status_code,error,content_type,size_decoded,time_total,"
	    "final_url";
	char want[200];

	(void)state;
	assert_int_equal(PARSE("--format=csv"), 0);
	assert_string_equal(o.fields, plain);
	assert_int_equal(PARSE("--format=tsv", "--fields=seq"), 0);
	assert_string_equal(o.fields, "seq");
	assert_int_equal(PARSE("-ox.csv.zst", "--extract=title", "--css=p=p",
			     "--exec=/bin/true"),
	    0);
	assert_int_equal(o.format, FORMAT_CSV);
	snprintf(want, sizeof(want), "%s,extract.title,extract.p,extract.exec",
	    plain);
	assert_string_equal(o.fields, want);
	assert_int_equal(PARSE("-ox.csv", "-j"), 0);
	assert_int_equal(o.format, FORMAT_JSONL);
	assert_null(o.fields);
	assert_int_equal(PARSE("-ox.tsv", "--format=jsonl"), 0);
	assert_int_equal(o.format, FORMAT_JSONL);
	assert_int_equal(PARSE("-ox.tsv"), 0);
	assert_int_equal(o.format, FORMAT_TSV);
	assert_int_equal(
	    PARSE("--format=csv", "--fields=body", "--body=none"), 2);
}

static void
test_a_slip_is_answered_with_the_key_that_was_meant(void **state)
{
	static const struct {
		const char *key, *meant;
	} t[] = {
		{ "status", "status_code" },
		{ "statuscode", "status_code" },
		{ "URL", "url" },
		{ "headers", "header" },
		{ "error_mesg", "errormsg" },
		{ "errormesg", "errormsg" },
		{ "final_ulr", "final_url" },
		{ "contenttype", "content_type" },
		{ "content-type", "content_type" },
		{ "bdoy", "body" },
		{ "frobnicate", NULL },
		{ "time", NULL },
		{ "price", "extract.price" },
		{ "", NULL },
	};
	char why[160];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(
		    PARSE("--css=price=b", "--fields", t[i].key), 2);
		if (t[i].meant != NULL)
			snprintf(why, sizeof(why),
			    "\"%s\" is not a key of the record (did you mean "
			    "%s?)",
			    t[i].key, t[i].meant);
		else
			snprintf(why, sizeof(why),
			    "\"%s\" is not a key of the record; see RECORD in "
			    "man fetchd",
			    t[i].key);
		check(why);
	}
	assert_int_equal(PARSE("--fields=seq, url ,seq"), 2);
	check("\"seq\" is a duplicate key");
	assert_int_equal(PARSE("--fields=url.host"), 2);
	check("\"url.host\" is a path into a key that is neither an object nor "
	      "a list");
	assert_int_equal(PARSE("--fields=a\x1b[31m"), 2);
	assert_null(strchr(err.p, '\x1b'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_key_without_the_option_that_makes_it_names_that_option),
		cmocka_unit_test(
		    test_a_part_of_extract_needs_the_option_of_that_name),
		cmocka_unit_test(test_a_body_that_is_left_out_cannot_be_chosen),
		cmocka_unit_test(test_a_table_has_columns_without_fields_too),
		cmocka_unit_test(
		    test_a_slip_is_answered_with_the_key_that_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
