/* SPDX-License-Identifier: ISC */
/*
 * Options that are lists: what is worth another try, which schemes a redirect
 * may take, budgets.
 */
#include "options_test.h"

static int
statuses(void)
{
	int i, n = 0;

	for (i = 0; i < OPT_STATUSES; i++)
		n += o.retry_status[i];
	return n;
}

static int
errors(void)
{
	int e, n = 0;

	for (e = 0; e < E_COUNT; e++)
		n += o.retry_error[e];
	return n;
}

/* By default, and by the word "errors". */
static void
check_errors_are_those_marked(void)
{
	int e;

	for (e = E_OK + 1; e < E_COUNT; e++)
		assert_int_equal(
		    o.retry_error[e], error_info((enum err)e)->retry == 'Y');
	assert_true(o.retry_errors);
}

static void
test_by_default_what_may_pass_is_worth_another_try(void **state)
{
	static const int listed[] = { 408, 425, 429, 500, 502, 503, 504, 529 };
	size_t i;

	(void)state;
	assert_int_equal(PARSE("x"), 0);
	for (i = 0; i < COUNT(listed); i++)
		assert_true(o.retry_status[listed[i]]);
	assert_int_equal(statuses(), COUNT(listed));
	check_errors_are_those_marked();
	forget();
	opts_init(&o);
	assert_int_equal(statuses(), COUNT(listed));
	check_errors_are_those_marked();
}

static void
test_a_list_of_ones_own_replaces_the_default(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--retry-on", "200, 999 ,recv_reset"), 0);
	assert_true(o.retry_status[200] && o.retry_status[999]);
	assert_int_equal(statuses(), 2);
	assert_true(o.retry_error[E_RECV_RESET]);
	assert_int_equal(errors(), 1);
	assert_false(o.retry_errors);
	assert_int_equal(PARSE("--retry-on=503", "--retry-on=504"), 0);
	assert_true(!o.retry_status[503] && o.retry_status[504]);
	assert_int_equal(PARSE("--retry-on="), 0);
	assert_int_equal(statuses() + errors(), 0);
	assert_int_equal(PARSE("--retry-on", "errors"), 0);
	check_errors_are_those_marked();
	assert_int_equal(statuses(), 0);
}

/* Those that go by their cause, and those that never are by themselves. */
static void
test_a_code_that_is_named_is_set_whatever_its_mark(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--retry-on=timeout_total,tls_handshake_alert,"
			       "http_status,dns_nxdomain,body_too_large"),
	    0);
	assert_true(o.retry_error[E_TIMEOUT_TOTAL]);
	assert_true(o.retry_error[E_TLS_HANDSHAKE_ALERT]);
	assert_true(o.retry_error[E_HTTP_STATUS]);
	assert_true(o.retry_error[E_DNS_NXDOMAIN]);
	assert_true(o.retry_error[E_BODY_TOO_LARGE]);
	assert_int_equal(errors(), 5);
}

static void
test_a_class_or_a_range_of_statuses_is_all_of_them(void **state)
{
	int i;

	(void)state;
	assert_int_equal(PARSE("--retry-on", "5xx"), 0);
	for (i = 500; i <= 599; i++)
		assert_true(o.retry_status[i]);
	assert_int_equal(statuses(), 100);
	assert_int_equal(PARSE("--retry-on", "4XX,500-503, 429"), 0);
	assert_true(o.retry_status[400] && o.retry_status[499]);
	assert_true(o.retry_status[500] && o.retry_status[503]);
	assert_int_equal(statuses(), 104);
	assert_int_equal(PARSE("--retry-on", "9xx,503-503"), 0);
	assert_int_equal(statuses(), 101);
}

static void
test_a_word_that_is_neither_status_nor_code_is_refused(void **state)
{
	static const char *const bad[] = { "x", "503,x", "99", "100", "199",
		"1000", "0503", "50", "1xx", "5x", "xx5", "5xxx", "504-500",
		"100-200", "500-", "500-5xx", "500..503", "+503", "-1", "503,",
		",503", ",", "503,,504", "503;504", "503 504", "Errors",
		"error", "ok", "no_such_code", "url_invalid", "input_invalid",
		"output_io" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		if (PARSE("--retry-on", bad[i]) != 2)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_ptr_equal(
		    strstr(err.p, "fetchd: --retry-on: \""), err.p);
	}
	assert_int_equal(PARSE("--retry-on=500,5\n3,501"), 2);
	assert_string_equal(err.p,
	    "fetchd: --retry-on: \"5\\x0a3\" is not a status (503, 5xx, "
	    "500-504), an error code (see ERROR CODES in man fetchd) or "
	    "\"errors\"\n");
	assert_int_equal(PARSE("--retry-on=output_io"), 2);
	assert_string_equal(err.p, "fetchd: --retry-on: \"output_io\" is an "
				   "error that is never retried\n");
}

static void
check_schemes(const char *list, int http, int https)
{
	assert_int_equal(PARSE("--proto-redir", list), 0);
	assert_int_equal(o.redir_http, http);
	assert_int_equal(o.redir_https, https);
}

static void
test_a_redirect_may_lead_to_the_schemes_that_are_listed(void **state)
{
	static const char *const bad[] = { "", " ", ",", "ftp", "http,ftp",
		"https,", "=https", "http://", "all" };
	size_t i;

	(void)state;
	check_schemes("http", 1, 0);
	check_schemes("https", 0, 1);
	check_schemes("HTTPS , http", 1, 1);
	check_schemes("https,https", 0, 1);
	for (i = 0; i < COUNT(bad); i++) {
		if (PARSE("--proto-redir", bad[i]) != 2)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_ptr_equal(
		    strstr(err.p, "fetchd: --proto-redir: \""), err.p);
	}
}

static void
check_budget(size_t i, const char *name, double amount, int64_t per_us)
{
	assert_true(i < o.nbudgets);
	assert_string_equal(o.budgets[i].name, name);
	assert_true(o.budgets[i].rate.amount == amount);
	assert_int_equal(o.budgets[i].rate.per_us, per_us);
}

static void
test_budgets_are_kept_in_their_order(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--budget", "tokens=200000/m",
			     "--budget=USD.x_-"
			     "=0.5/h",
			     "--budget", "9=1"),
	    0);
	assert_int_equal(o.nbudgets, 3);
	check_budget(0, "tokens", 200000, 60000000);
	check_budget(1, "USD.x_-", .5, 3600000000);
	check_budget(2, "9", 1, 1000000);
}

static void
test_a_budget_that_cannot_be_kept_is_refused(void **state)
{
	static const char *const bad[] = { "", "a", "=5", "a=", "a b=5",
		"a\xc3\xa4=5", "a:5", "a==5", "a=5/d", "a=-1", "a=0", "a=0/h",
		"a=x" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		if (PARSE("--budget", bad[i]) != 2)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_ptr_equal(strstr(err.p, "fetchd: --budget: \""), err.p);
		assert_ptr_equal(strchr(err.p, '\n'), err.p + err.n - 2);
	}
	assert_int_equal(PARSE("--budget=a=1", "--budget=A=1"), 0);
	assert_int_equal(PARSE("--budget=a=1", "--budget=a=2"), 2);
	assert_string_equal(err.p,
	    "fetchd: --budget: \"a=2\" has the name of an earlier budget\n");
}

static void
test_there_are_16_budgets_at_most(void **state)
{
	static char program[] = "fetchd", text[17][40];
	char *argv[18] = { program };
	int i;

	(void)state;
	for (i = 0; i < 17; i++) {
		snprintf(text[i], sizeof(text[i]), "--budget=n%d=%d", i, i + 1);
		argv[i + 1] = text[i];
	}
	forget();
	assert_int_equal(opts_parse(&o, 17, argv, &err), 0);
	check_budget(15, "n15", 16, 1000000);
	forget();
	assert_int_equal(opts_parse(&o, 18, argv, &err), 2);
	buf_char(&err, '\0');
	assert_string_equal(err.p,
	    "fetchd: --budget: \"n16=17\" exceeds the limit of 16 budgets\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_by_default_what_may_pass_is_worth_another_try),
		cmocka_unit_test(test_a_list_of_ones_own_replaces_the_default),
		cmocka_unit_test(
		    test_a_class_or_a_range_of_statuses_is_all_of_them),
		cmocka_unit_test(
		    test_a_code_that_is_named_is_set_whatever_its_mark),
		cmocka_unit_test(
		    test_a_word_that_is_neither_status_nor_code_is_refused),
		cmocka_unit_test(
		    test_a_redirect_may_lead_to_the_schemes_that_are_listed),
		cmocka_unit_test(test_budgets_are_kept_in_their_order),
		cmocka_unit_test(test_a_budget_that_cannot_be_kept_is_refused),
		cmocka_unit_test(test_there_are_16_budgets_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
