/* SPDX-License-Identifier: ISC */
/*
 * Look-ups against small scripted name servers on loopback, on one libevent
 * base with the resolver. What follows a failure: io_dns_resolve_again.c; what
 * needs no server: io_dns_fixed.c.
 */
#include "io_dns_world.h"

#include <sys/resource.h>

/* ---- promises ----------------------------------------------------------- */

static const struct rule usual[] = {
	{ "h.test", A, 0, "127.0.0.2", 60, 0, 0, NULL },
	{ "h.test", AAAA, 0, "::2", 60, 0, 0, NULL },
	{ "four.test", A, 0, "127.0.0.4", 60, 0, 0, NULL },
	{ "four.test", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "half.test", A, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "half.test", AAAA, 0, "::5", 60, 0, 0, NULL },
	{ "empty.test", BOTH, 0, NULL, 60, 0, 0, NULL },
	{ "mixed.test", A, REFUSED, NULL, 0, 0, 0, NULL },
	{ "mixed.test", AAAA, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "servfail.test", BOTH, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "refused.test", BOTH, REFUSED, NULL, 0, 0, 0, NULL },
	{ "formerr.test", BOTH, FORMERR, NULL, 0, 0, 0, NULL },
	{ "notimp.test", BOTH, NOTIMP, NULL, 0, 0, 0, NULL },
	{ "zero.test", BOTH, 0, "127.0.0.9", 0, 20, 0, NULL },
	{ "slow.test", A, 0, "127.0.0.2", 60, 1200, 0, NULL },
	{ "slow.test", AAAA, 0, "::1", 60, 0, 0, NULL },
	{ "late.test", A, 0, "127.0.0.2", 60, 25, 0, NULL },
	{ "late.test", AAAA, 0, "::1", 60, 0, 0, NULL },
	{ "big.test", A, 0, "127.0.0.7", 60, 0, TC, NULL },
	{ "big.test", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "old.test", A, 0, "127.0.0.8", 60, 0, NO_EDNS, NULL },
	{ "old.test", AAAA, 0, NULL, 60, 0, NO_EDNS, NULL },
	{ "short.test", A, 0, "127.0.0.6", 1, 0, 0, NULL },
	{ "short.test", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "c0.test", BOTH, 0, NULL, 60, 0, 0, "c1.test" },
	{ "c1.test", BOTH, 0, NULL, 60, 0, 0, "c2.test" },
	{ "c2.test", BOTH, 0, NULL, 60, 0, 0, "c3.test" },
	{ "c3.test", BOTH, 0, NULL, 60, 0, 0, "c4.test" },
	{ "c4.test", BOTH, 0, NULL, 60, 0, 0, "c5.test" },
	{ "c5.test", BOTH, 0, NULL, 60, 0, 0, "c6.test" },
	{ "c6.test", BOTH, 0, NULL, 60, 0, 0, "c7.test" },
	{ "c7.test", BOTH, 0, NULL, 60, 0, 0, "h.test" },
	{ "loop.test", BOTH, 0, NULL, 60, 0, 0, "pool.test" },
	{ "pool.test", BOTH, 0, NULL, 60, 0, 0, "loop.test" },
	{ "drop.test", BOTH, 0, NULL, 60, 0, DROP, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static const struct rule all_refused[] = {
	{ "*", BOTH, REFUSED, NULL, 0, 0, 0, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static const struct rule black_hole[] = {
	{ "*", BOTH, 0, NULL, 0, 0, DROP, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static const struct rule all_answered[] = {
	{ "*", A, 0, "127.0.0.2", 60, 0, 0, NULL },
	{ "*", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static void
test_each_kind_of_reply_has_its_own_result(void **state)
{
	static const struct {
		const char *host, *what;
	} rows[] = { { "h.test", "::2 127.0.0.2" },
		{ "H.Test.", "::2 127.0.0.2" }, { "four.test", "127.0.0.4" },
		{ "half.test", "::5" }, { "empty.test", "dns_nodata" },
		{ "nx.test", "dns_nxdomain" }, { "mixed.test", "dns_servfail" },
		{ "servfail.test", "dns_servfail" },
		{ "refused.test", "dns_refused" },
		{ "formerr.test", "dns_bad_response" },
		{ "notimp.test", "dns_error" }, { "zero.test", "127.0.0.9" },
		{ "c0.test", "::2 127.0.0.2" },
		{ "loop.test", "dns_bad_response" },
		{ "big.test", "127.0.0.7" }, { "old.test", "127.0.0.8" },
		{ "bad name", "dns_error" }, { "", "dns_error" },
		{ "a..b", "dns_error" } };
	struct world w;
	size_t i;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&w, rows[i].host, rows[i].what);
	world_close(&w);
}

static void
test_an_answer_is_cached_for_its_ttl(void **state)
{
	struct world w;
	struct wait wt;
	int before;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	expect(&w, "h.test", "::2 127.0.0.2");
	expect(&w, "short.test", "127.0.0.6");
	expect(&w, "nx.test", "dns_nxdomain");
	before = w.sv[0].queries;
	start(&w, &wt, "h.test");
	assert_int_equal(wt.how, RESOLVE_DONE);
	assert_true(wt.a.until_at_us > timer_now_us() + 58000 * MS);
	start(&w, &wt, "short.test");
	assert_int_equal(wt.how, RESOLVE_DONE);
	start(&w, &wt, "nx.test");
	assert_int_equal(wt.how, RESOLVE_DONE);
	assert_int_equal(w.sv[0].queries, before);
	stay(&w, 1100 * MS);
	expect(&w, "short.test", "127.0.0.6");
	assert_int_equal(w.sv[0].queries, before + 1); /* AAAA is fresh yet */
	world_close(&w);
}

static void
test_thousands_of_look_ups_of_a_name_share_two_queries_even_at_ttl_0(
    void **state)
{
	enum { N = 5000 };
	struct wait *wt = mem_zalloc(N, sizeof(*wt));
	struct resolve_stats st;
	struct wait again;
	struct world w;
	int i;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	for (i = 0; i < N; i++)
		start(&w, &wt[i], "zero.test");
	resolve_stats(w.r, &st);
	assert_int_equal(st.open, N);
	for (i = 0; i < N; i++) {
		finish(&wt[i]);
		assert_int_equal(wt[i].a.err, E_OK);
	}
	assert_int_equal(w.sv[0].queries, 2);
	assert_int_equal(w.sv[0].a_queries, 1);
	start(&w, &again, "zero.test");
	assert_int_equal(again.how, RESOLVE_PENDING);
	finish(&again);
	assert_int_equal(
	    w.sv[0].queries, 3); /* NODATA has its SOA's 0 -> 1 s */
	resolve_stats(w.r, &st);
	assert_int_equal(st.lookups, 2);
	assert_int_equal(st.cached, N - 1);
	assert_int_equal(st.open, 0);
	free(wt);
	world_close(&w);
}

static void
test_the_second_family_is_waited_for_50_ms(void **state)
{
	struct world w;
	struct wait wt;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	start(&w, &wt, "slow.test");
	finish(&wt);
	assert_int_equal(wt.a.n, 1);
	assert_int_equal(wt.a.addr[0].sa.sa_family, AF_INET6);
	assert_in_range(wt.took_us, 45 * MS, 300 * MS);
	start(&w, &wt, "slow.test"); /* a later look-up does not wait at all */
	assert_int_equal(wt.how, RESOLVE_DONE);
	expect(&w, "late.test", "::1 127.0.0.2");
	stay(&w, 1300 * MS); /* the slow answer is not lost */
	start(&w, &wt, "slow.test");
	assert_int_equal(wt.how, RESOLVE_DONE);
	assert_int_equal(wt.a.n, 2);
	world_close(&w);
}

static void
test_a_server_that_refuses_is_skipped_and_then_asked_last(void **state)
{
	struct world w;
	int before;

	(void)state;
	world_open(&w, 2, all_refused, usual, plain);
	expect(&w, "h.test", "::2 127.0.0.2");
	before = w.sv[0].queries;
	expect(&w, "four.test", "127.0.0.4");
	assert_int_equal(w.sv[0].queries, before);
	world_close(&w);
}

static void
test_only_the_first_names_wait_for_the_timeout_of_a_dead_server(void **state)
{
	enum { N = 300 };
	struct wait *wt = mem_zalloc(N, sizeof(*wt));
	int64_t began = timer_now_us();
	struct world w;
	char host[32];
	int i;

	(void)state;
	world_open(&w, 2, black_hole, all_answered, plain);
	for (i = 0; i < N; i++) {
		if (i == N / 2)
			stay(&w, 1000 * MS);
		snprintf(host, sizeof(host), "n%d.test", i);
		start(&w, &wt[i], host);
	}
	for (i = 0; i < N; i++) {
		finish(&wt[i]);
		assert_int_equal(wt[i].a.err, E_OK);
	}
	assert_in_range(timer_now_us() - began, 1400 * MS, 2000 * MS);
	start(&w, &wt[0], "one.more.test");
	finish(&wt[0]);
	assert_in_range(wt[0].took_us, 0, 300 * MS);
	assert_int_equal(w.sv[0].queries, 2 * N);
	free(wt);
	world_close(&w);
}

static void
test_an_avoided_server_is_probed_by_one_query(void **state)
{
	enum { N = 20 };
	struct wait wt[N];
	struct world w;
	char host[32];
	int i;

	(void)state;
	world_open(&w, 2, black_hole, all_answered, plain);
	w.r->server[0].failures = 2; /* as if 30 s ago */
	for (i = 0; i < N; i++) {
		snprintf(host, sizeof(host), "n%d.test", i);
		start(&w, &wt[i], host);
	}
	for (i = 0; i < N; i++) {
		finish(&wt[i]);
		assert_int_equal(wt[i].a.err, E_OK);
	}
	assert_int_equal(w.sv[0].queries, 1);
	w.sv[0].rules = all_answered;
	w.r->server[0].avoid_until_at_us = 0;
	expect(&w, "back.test", "127.0.0.2");
	expect(&w, "again.test", "127.0.0.2");
	assert_int_equal(w.sv[0].queries, 4);
	world_close(&w);
}

static void
test_if_no_server_answers_a_look_up_ends_at_its_timeout(void **state)
{
	struct resolve_conf conf = plain;
	struct wait wt[2];
	struct world w;

	(void)state;
	conf.timeout_us = 2000 * MS;
	world_open(&w, 2, black_hole, NULL, conf);
	start(&w, &wt[0], "h.test");
	stay(&w, 200 * MS);
	start(&w, &wt[1], "h.test");
	finish(&wt[0]);
	finish(&wt[1]);
	assert_int_equal(wt[0].a.err, E_DNS_TIMEOUT);
	assert_string_equal(wt[0].a.detail, "TIMEOUT");
	assert_in_range(wt[0].took_us, 1990 * MS, 2200 * MS);
	assert_in_range(wt[1].took_us, 1990 * MS, 2200 * MS);
	assert_int_equal(w.sv[0].queries, 2);
	assert_int_equal(w.sv[1].queries, 2);
	world_close(&w);
}

static void
test_after_an_icmp_error_the_next_server_is_asked_at_once(void **state)
{
	struct world w;
	struct wait wt;

	(void)state;
	world_open(&w, 2, usual, NULL, plain);
	server_close(&w.sv[0]);
	start(&w, &wt, "h.test");
	finish(&wt);
	assert_int_equal(wt.a.n, 2);
	assert_in_range(wt.took_us, 0, 500 * MS);
	server_close(&w.sv[1]);
	start(&w, &wt, "four.test");
	finish(&wt);
	assert_int_equal(wt.a.err, E_DNS_NO_SERVER);
	assert_string_equal(wt.a.detail, "ECONNREFUSED");
	assert_in_range(wt.took_us, 0, 500 * MS);
	world_close(&w);
}

static void
test_a_truncated_reply_is_repeated_over_tcp(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	expect(&w, "big.test", "127.0.0.7");
	assert_int_equal(w.sv[0].tcp_queries, 1);
	world_close(&w);
	world_open(&w, 1, usual, NULL, plain);
	server_close_tcp(&w.sv[0]);
	expect(&w, "big.test", "dns_truncated");
	expect(&w, "h.test", "::2 127.0.0.2");
	world_close(&w);
}

static void
test_only_enabled_families_are_queried(void **state)
{
	struct resolve_conf conf = plain;
	struct world w;

	(void)state;
	conf.use_v4 = 1;
	world_open(&w, 1, usual, NULL, conf);
	expect(&w, "h.test", "127.0.0.2");
	expect(&w, "::1", "dns_nodata");
	assert_int_equal(w.sv[0].queries, 1);
	assert_int_equal(w.sv[0].a_queries, 1);
	world_close(&w);
}

static void
test_a_query_goes_on_after_its_job_is_cancelled(void **state)
{
	struct wait first, other;
	struct world w;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	start(&w, &first, "zero.test");
	start(&w, &other, "late.test");
	resolve_cancel(first.job);
	resolve_cancel(other.job);
	stay(&w, 100 * MS);
	assert_int_equal(first.calls + other.calls, 0);
	start(&w, &other, "late.test");
	assert_int_equal(other.how, RESOLVE_DONE);
	assert_int_equal(other.a.n, 2);
	assert_int_equal(w.sv[0].queries, 4);
	start(&w, &first, "drop.test"); /* freed with the resolver */
	start(&w, &other, "h.test");
	world_close(&w);
	assert_int_equal(first.calls + other.calls, 0);
}

static void
test_a_shortage_of_descriptors_delays_a_look_up_and_does_not_fail_it(
    void **state)
{
	struct rlimit old, none;
	struct world w;
	struct wait wt;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	start(&w, &wt, "h.test");
	stay(&w, 120 * MS);
	assert_int_equal(wt.calls, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	finish(&wt);
	assert_int_equal(wt.a.err, E_OK);
	assert_int_equal(wt.a.n, 2);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_of_reply_has_its_own_result),
		cmocka_unit_test(test_an_answer_is_cached_for_its_ttl),
		cmocka_unit_test(
		    test_thousands_of_look_ups_of_a_name_share_two_queries_even_at_ttl_0),
		cmocka_unit_test(test_the_second_family_is_waited_for_50_ms),
		cmocka_unit_test(
		    test_a_server_that_refuses_is_skipped_and_then_asked_last),
		cmocka_unit_test(
		    test_only_the_first_names_wait_for_the_timeout_of_a_dead_server),
		cmocka_unit_test(test_an_avoided_server_is_probed_by_one_query),
		cmocka_unit_test(
		    test_if_no_server_answers_a_look_up_ends_at_its_timeout),
		cmocka_unit_test(
		    test_after_an_icmp_error_the_next_server_is_asked_at_once),
		cmocka_unit_test(test_a_truncated_reply_is_repeated_over_tcp),
		cmocka_unit_test(test_only_enabled_families_are_queried),
		cmocka_unit_test(
		    test_a_query_goes_on_after_its_job_is_cancelled),
		cmocka_unit_test(
		    test_a_shortage_of_descriptors_delays_a_look_up_and_does_not_fail_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
