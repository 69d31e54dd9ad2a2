/* SPDX-License-Identifier: ISC */
/*
 * argv, however long and odd, and what follows from several options together.
 */
#include "options_test.h"

static void
test_an_unknown_option_is_named_and_guessed_at(void **state)
{
	static const struct {
		const char *arg, *first_line;
	} t[] = {
		{ "--fial", "unknown option --fial (did you mean --fail?)" },
		{ "--maxtime=5",
		    "unknown option --maxtime (did you mean --max-time?)" },
		{ "--max-t",
		    "unknown option --max-t (did you mean --max-time?)" },
		{ "--no-compresed", "unknown option --no-compresed (did you "
				    "mean --no-compressed?)" },
		{ "--no-limit", "unknown option --no-limit" },
		{ "--frobnicate", "unknown option --frobnicate" },
		{ "--x", "unknown option --x" },
		{ "--=x", "unknown option --" },
		{ "-z", "unknown option -z" },
		{ "-kz", "unknown option -z" },
		{ "---", "unknown option ---" },
		{ "--a\nb\x1b[31m", "unknown option --a\\x0ab\\x1b[31m" },
		{ "--\xff\xc2\x9b", "unknown option --\\xff\\xc2\\x9b" },
		{ "--proxy", "--proxy is not supported by this version" },
		{ "--http2=2", "--http2 is not supported by this version" },
		{ "--no-crawl", "--no-crawl is not supported by this version" },
		{ "--no-workers", "unknown option --no-workers" },
		{ "-K", "-K is not supported by this version" },
	};
	char want[160];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(PARSE("a", t[i].arg), 2);
		snprintf(want, sizeof(want), "fetchd: %s\nTry fetchd --help.\n",
		    t[i].first_line);
		assert_string_equal(err.p, want);
	}
}

static void
test_a_very_long_argument_gives_a_short_message(void **state)
{
	char *arg = mem_alloc(100001);

	(void)state;
	memset(arg, '-', 100000);
	arg[100000] = '\0';
	assert_int_equal(PARSE(arg), 2);
	assert_true(err.n < 200);
	assert_int_equal(PARSE("-c", arg), 2);
	assert_true(err.n < 200);
	free(arg);
}

static void
test_letters_combine_and_values_attach(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-kIvc100", "-m5", "--max-idle=3"), 0);
	assert_true(o.insecure && o.head && o.verbose);
	assert_int_equal(o.concurrency, 100);
	assert_int_equal(o.max_time_us, 5000000);
	assert_int_equal(o.max_idle, 3);
	assert_int_equal(PARSE("-o", "-k", "--limit", "3", "--limit=4"), 0);
	assert_string_equal(o.output, "-k");
	assert_false(o.insecure);
	assert_int_equal(o.limit, 4);
}

static void
check_operand(size_t i, const char *text, int argument, int is_file)
{
	assert_true(i < o.noperands);
	assert_string_equal(o.operands[i].text, text);
	assert_int_equal(o.operands[i].argument, argument);
	assert_int_equal(o.operands[i].is_file, is_file);
}

static void
test_operands_and_input_files_keep_their_order(void **state)
{
	(void)state;
	assert_int_equal(PARSE("a", "-i", "b", "-c5", "-", "-ic",
			     "--input-file=http://d", "--", "-e", "--", "f\ng"),
	    0);
	assert_int_equal(o.noperands, 8);
	check_operand(0, "a", 1, 0);
	check_operand(1, "b", 3, 1);
	check_operand(2, "-", 5, 0);
	check_operand(3, "c", 6, 1);
	check_operand(4, "http://d", 7, 1);
	check_operand(5, "-e", 9, 0);
	check_operand(6, "--", 10, 0);
	check_operand(7, "f\ng", 11, 0);
	assert_int_equal(o.input_file.n, 3);
	assert_string_equal(o.input_file.v[2], "http://d");
	assert_int_equal(o.concurrency, 5);
	assert_int_equal(PARSE(""), 0);
	check_operand(0, "", 1, 0);
}

static void
test_a_hundred_thousand_arguments_are_no_trouble(void **state)
{
	enum { N = 100000 };
	static char *argv[2 * N + 1];
	static char program[] = "fetchd", url[] = "http://a/", h[] = "-Hn:v";
	int i;

	(void)state;
	forget();
	argv[0] = program;
	for (i = 0; i < N; i++) {
		argv[2 * i + 1] = url;
		argv[2 * i + 2] = h;
	}
	assert_int_equal(opts_parse(&o, 2 * N + 1, argv, &err), 0);
	assert_int_equal(o.noperands, N);
	assert_int_equal(o.nheaders, N);
	assert_int_equal(o.operands[N - 1].argument, 2 * N - 1);
	assert_string_equal(o.headers[N - 1].value, "v");
}

static void
test_no_argument_at_all_is_no_trouble(void **state)
{
	char *argv[] = { NULL };

	(void)state;
	forget();
	assert_int_equal(opts_parse(&o, 0, argv, &err), 0);
	assert_int_equal(o.noperands, 0);
}

static void
test_the_defaults_are_those_of_the_manual(void **state)
{
	(void)state;
	forget();
	opts_init(&o);
	assert_int_equal(o.concurrency, 64);
	assert_int_equal(o.max_per_host, 6);
	assert_int_equal(o.max_idle, 64);
	assert_int_equal(o.max_buffer_bytes, 256 << 20);
	assert_true(o.rate.amount == 0 && o.rate_per_host.amount == 0);
	assert_int_equal(o.delay_us, 0);
	assert_int_equal(o.nbudgets, 0);
	assert_int_equal(o.max_run_time_us, 0);
	assert_int_equal(o.retry, 2);
	assert_int_equal(o.retry_delay_us, 1000000);
	assert_int_equal(o.retry_max_time_us, 900000000);
	assert_int_equal(o.retry_after_max_us, 600000000);
	assert_int_equal(o.max_host_errors, 0);
	assert_int_equal(o.host_dead_after_us, 300000000);
	assert_int_equal(o.net_down, NET_DOWN_WAIT);
	assert_int_equal(o.follow_redirects, FOLLOW_SAFE);
	assert_int_equal(o.max_redirs, 10);
	assert_true(o.redir_http && o.redir_https);
	assert_false(o.rate_headers || o.retry_post || o.location_trusted);
	assert_false(o.stream || o.include_attempts || o.keep_order);
	assert_false(o.only_failed || o.only_ok);
	assert_null(o.base_url);
	assert_null(o.interface);
	assert_int_equal(o.dns_timeout_us, 5000000);
	assert_int_equal(o.connect_timeout_us, 10000000);
	assert_int_equal(o.tls_timeout_us, 10000000);
	assert_int_equal(o.ttfb_timeout_us, 0);
	assert_int_equal(o.idle_timeout_us, 30000000);
	assert_int_equal(o.speed_limit_bytes, 0);
	assert_int_equal(o.speed_time_us, 0);
	assert_int_equal(o.max_time_us, 60000000);
	assert_int_equal(o.max_filesize_bytes, 16 << 20);
	assert_int_equal(o.max_header_size_bytes, 256 << 10);
	assert_int_equal(o.max_ratio, 1000);
	assert_int_equal(o.grace_us, 10000000);
	assert_true(o.limit == INT64_MAX);
	assert_true(o.compressed);
	assert_string_equal(o.user_agent, "fetchd/" FETCHD_VERSION);
	assert_string_equal(o.output, "-");
	assert_string_equal(o.method, "GET");
	assert_false(o.method_given || o.has_body || o.insecure);
	assert_null(o.content_type);
	assert_null(o.user);
	assert_null(o.password);
	assert_null(o.cacert);
	assert_null(o.fields);
	assert_int_equal(o.format, FORMAT_AUTO);
	assert_int_equal(o.body, BODY_INLINE);
	assert_int_equal(o.progress, PROGRESS_AUTO);
	assert_false(opts_given(&o, OPT_concurrency));
}

static void
test_zero_is_taken_where_it_means_no_limit_or_none(void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE("--max-per-host=0", "--max-idle=0", "--max-buffer=0",
		"--grace=0", "--limit=0", "--max-filesize=0", "--max-ratio=0"),
	    0);
	assert_int_equal(o.max_per_host, 0);
	assert_int_equal(o.max_idle, 0);
	assert_int_equal(o.max_buffer_bytes, 0);
	assert_int_equal(o.grace_us, 0);
	assert_int_equal(o.limit, 0);
	assert_int_equal(o.max_filesize_bytes, 0);
	assert_int_equal(o.max_ratio, 0);
	assert_int_equal(PARSE("--retry=0", "--retry-delay=0", "--max-redirs=0",
			     "--delay=0", "--retry-after-max=0",
			     "--max-host-errors=0", "--host-dead-after=0",
			     "--retry-max-time=0", "--max-run-time=0"),
	    0);
	assert_int_equal(o.retry, 0);
	assert_int_equal(o.retry_delay_us, 0);
	assert_int_equal(o.max_redirs, 0);
	assert_int_equal(o.retry_after_max_us, 0);
	assert_int_equal(o.max_host_errors, 0);
	assert_int_equal(o.host_dead_after_us, 0);
}

static void
test_concurrency_moves_the_limits_that_hang_on_it(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-c100"), 0);
	assert_int_equal(o.max_per_host, 0);
	assert_int_equal(o.max_idle, 100);
	assert_int_equal(PARSE("-c10", "--max-per-host=6"), 0);
	assert_int_equal(o.max_per_host, 6);
	assert_int_equal(o.max_idle, 64);
	assert_int_equal(PARSE("--max-idle=1", "-c100"), 0);
	assert_int_equal(o.max_idle, 1);
}

static void
check_times(int64_t ttfb, uint64_t limit, int64_t time)
{
	assert_int_equal(o.ttfb_timeout_us, ttfb);
	assert_int_equal(o.speed_limit_bytes, limit);
	assert_int_equal(o.speed_time_us, time);
}

static void
test_without_max_time_other_limits_take_its_place(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--max-time=0"), 0);
	check_times(300000000, 100, 30000000);
	assert_int_equal(
	    PARSE("-m0", "--ttfb-timeout=0", "--speed-limit=0"), 0);
	check_times(0, 0, 0);
	assert_int_equal(PARSE("-m0", "--ttfb-timeout=1", "--speed-limit=5k",
			     "--speed-time=2"),
	    0);
	check_times(1000000, 5120, 2000000);
	assert_int_equal(PARSE("--speed-limit=9"), 0);
	check_times(0, 9, 30000000);
	assert_int_equal(PARSE("--speed-time=9"), 0);
	check_times(0, 100, 9000000);
	assert_int_equal(PARSE("-m0", "--speed-time=0"), 0);
	check_times(300000000, 0, 0);
}

static void
test_of_two_that_exclude_each_other_the_later_holds(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-4", "-6"), 0);
	assert_true(o.ipv6 && !o.ipv4);
	assert_int_equal(PARSE("-64"), 0);
	assert_true(o.ipv4 && !o.ipv6);
	assert_int_equal(PARSE("-qv"), 0);
	assert_true(o.verbose && !o.quiet);
	assert_int_equal(PARSE("-v", "-q"), 0);
	assert_true(o.quiet && !o.verbose);
	assert_int_equal(PARSE("-j"), 0);
	assert_int_equal(o.format, FORMAT_JSONL);
	assert_int_equal(PARSE("-j", "--format=text"), 0);
	assert_int_equal(o.format, FORMAT_TEXT);
	assert_int_equal(PARSE("--format=text", "-j"), 0);
	assert_int_equal(o.format, FORMAT_JSONL);
	assert_int_equal(PARSE("--format=text", "-j", "--no-json"), 0);
	assert_int_equal(o.format, FORMAT_TEXT);
	assert_int_equal(
	    PARSE("-f", "--no-fail", "--summary", "--no-summary"), 0);
	assert_false(o.fail || o.summary);
}

static void
test_which_redirects_are_followed_is_said_last(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-L"), 0);
	assert_int_equal(o.follow_redirects, FOLLOW_ALL);
	assert_int_equal(PARSE("--no-location"), 0);
	assert_int_equal(o.follow_redirects, FOLLOW_NEVER);
	assert_int_equal(PARSE("-L", "--no-location"), 0);
	assert_int_equal(o.follow_redirects, FOLLOW_NEVER);
	assert_int_equal(PARSE("--no-location", "-kL"), 0);
	assert_int_equal(o.follow_redirects, FOLLOW_ALL);
	assert_int_equal(PARSE("--location-trusted"), 0);
	assert_int_equal(o.follow_redirects, FOLLOW_SAFE);
}

static void
test_a_stream_makes_auto_jsonl_and_leaves_what_was_chosen(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--stream"), 0);
	assert_int_equal(o.format, FORMAT_JSONL);
	assert_int_equal(PARSE("--stream", "--no-stream"), 0);
	assert_int_equal(o.format, FORMAT_AUTO);
	assert_int_equal(PARSE("--format=text", "--stream", "-j"), 0);
	assert_int_equal(o.format, FORMAT_JSONL);
}

static void
test_what_does_not_go_together_is_said_in_one_line(void **state)
{
	static const struct {
		const char *args[3];
		const char *text;
	} t[] = {
		{ { "--stream", "--only-failed" },
		    "--stream: cannot be combined with --only-failed" },
		{ { "--only-ok", "--stream" },
		    "--stream: cannot be combined with --only-ok" },
		{ { "--stream", "--format=text" },
		    "--stream: cannot be combined with --format text" },
		{ { "--format=body", "--stream" },
		    "--stream: cannot be combined with --format body" },
		{ { "--format=csv", "--stream" },
		    "--stream: cannot be combined with --format csv" },
		{ { "--stream", "-oout.tsv.gz" },
		    "--stream: cannot be combined with --format tsv" },
		{ { "--csv-safe" },
		    "--csv-safe: needs --format csv or --format tsv" },
		{ { "--only-ok", "--only-failed" },
		    "--only-failed: cannot be combined with --only-ok" },
	};
	char want[120];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(parse(t[i].args), 2);
		snprintf(want, sizeof(want), "fetchd: %s\n", t[i].text);
		assert_string_equal(err.p, want);
	}
	assert_int_equal(
	    PARSE("--only-ok", "--only-failed", "--no-only-ok"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_an_unknown_option_is_named_and_guessed_at),
		cmocka_unit_test(
		    test_a_very_long_argument_gives_a_short_message),
		cmocka_unit_test(test_letters_combine_and_values_attach),
		cmocka_unit_test(
		    test_operands_and_input_files_keep_their_order),
		cmocka_unit_test(
		    test_a_hundred_thousand_arguments_are_no_trouble),
		cmocka_unit_test(test_no_argument_at_all_is_no_trouble),
		cmocka_unit_test(test_the_defaults_are_those_of_the_manual),
		cmocka_unit_test(
		    test_zero_is_taken_where_it_means_no_limit_or_none),
		cmocka_unit_test(
		    test_concurrency_moves_the_limits_that_hang_on_it),
		cmocka_unit_test(
		    test_without_max_time_other_limits_take_its_place),
		cmocka_unit_test(
		    test_of_two_that_exclude_each_other_the_later_holds),
		cmocka_unit_test(
		    test_which_redirects_are_followed_is_said_last),
		cmocka_unit_test(
		    test_a_stream_makes_auto_jsonl_and_leaves_what_was_chosen),
		cmocka_unit_test(
		    test_what_does_not_go_together_is_said_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
