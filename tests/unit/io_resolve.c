/* SPDX-License-Identifier: ISC */
/*
 * Look-ups against small scripted name servers on loopback, on one libevent
 * base with the resolver. What needs no server: io_resolve_fixed.c.
 */
#include "io_resolve_server.h"

#include <stdio.h>
#include <sys/resource.h>

#include "io/resolve_int.h"
#include "io/timer.h"

#define MS 1000LL

/* ---- a resolver with two servers ---------------------------------------- */

struct world {
	struct event_base *base;
	struct server sv[2];
	struct resolve *r;
	char servers[80];
	int in_start;
};

struct wait {
	struct world *w;
	struct resolve_answer a;
	struct resolve_job *job;
	enum resolve_start how;
	int calls;
	int64_t took_us, began_us;
};

static void
world_open(struct world *w, int nserver, const struct rule *r0,
    const struct rule *r1, struct resolve_conf conf)
{
	struct event_config *cfg = event_config_new();
	char why[200] = "";

	memset(w, 0, sizeof(*w));
	event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
	w->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	server_open(&w->sv[0], w->base, r0);
	server_open(&w->sv[1], w->base, r1 != NULL ? r1 : r0);
	snprintf(w->servers, sizeof(w->servers),
	    nserver == 2 ? "127.0.0.1#%u,127.0.0.1#%u" : "127.0.0.1#%u",
	    w->sv[0].port, w->sv[1].port);
	conf.servers = w->servers;
	if (conf.timeout_us == 0)
		conf.timeout_us = 5000 * MS;
	if (!conf.use_v4 && !conf.use_v6)
		conf.use_v4 = conf.use_v6 = 1;
	w->r = resolve_new(w->base, &conf, why, sizeof(why));
	assert_string_equal(why, "");
	assert_non_null(w->r);
}

static const struct resolve_conf plain;

static void
stay(struct world *w, int64_t us)
{
	struct timeval tv = { us / 1000000, us % 1000000 };

	event_base_loopexit(w->base, &tv);
	event_base_loop(w->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void
world_close(struct world *w)
{
	resolve_free(w->r);
	server_close(&w->sv[0]);
	server_close(&w->sv[1]);
	event_base_free(w->base);
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct wait *wt = arg;

	assert_false(wt->w->in_start);
	wt->a = *a;
	wt->calls++;
	wt->took_us = timer_now_us() - wt->began_us;
}

static void
start(struct world *w, struct wait *wt, const char *host)
{
	memset(wt, 0, sizeof(*wt));
	wt->w = w;
	wt->began_us = timer_now_us();
	w->in_start = 1;
	wt->how = resolve_start(
	    w->r, span_str(host), 443, on_answer, wt, &wt->a, &wt->job);
	w->in_start = 0;
	assert_int_equal(wt->job != NULL, wt->how == RESOLVE_PENDING);
}

static void
finish(struct wait *wt)
{
	int64_t limit = timer_now_us() + 8000 * MS;

	while (wt->how == RESOLVE_PENDING && wt->calls == 0 &&
	       timer_now_us() < limit)
		event_base_loop(wt->w->base, EVLOOP_ONCE);
	assert_int_equal(wt->calls, wt->how == RESOLVE_PENDING);
	assert_int_equal(wt->a.from_cache, wt->how == RESOLVE_DONE);
	assert_int_equal(wt->a.n > 0, wt->a.err == E_OK);
}

/* Addresses with blanks between them, or the error's code. */
static const char *
text_of(const struct resolve_answer *a, char *out, size_t size)
{
	char one[INET6_ADDRSTRLEN];
	const union resolve_addr *at;
	size_t n = 0;
	unsigned i;

	if (a->err != E_OK)
		return error_code(a->err);
	for (i = 0; i < a->n; i++) {
		at = &a->addr[i];
		inet_ntop(at->sa.sa_family,
		    at->sa.sa_family == AF_INET
			? (const void *)&at->in.sin_addr
			: (const void *)&at->in6.sin6_addr,
		    one, sizeof(one));
		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", i > 0 ? " " : "", one);
	}
	return out;
}

static void
expect(struct world *w, const char *host, const char *what)
{
	struct wait wt;
	char out[1024];

	start(w, &wt, host);
	finish(&wt);
	assert_string_equal(text_of(&wt.a, out, sizeof(out)), what);
}

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
test_each_kind_of_answer_has_its_own_outcome(void **state)
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
test_an_answer_is_kept_for_its_ttl_and_no_longer(void **state)
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
	assert_true(wt.a.until_us > timer_now_us() + 58000 * MS);
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
test_thousands_who_wait_for_a_name_share_two_queries_even_at_ttl_0(void **state)
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
test_a_second_family_is_waited_for_50_ms_and_no_longer(void **state)
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
	start(&w, &wt, "slow.test"); /* and who comes later not at all */
	assert_int_equal(wt.how, RESOLVE_DONE);
	expect(&w, "late.test", "::1 127.0.0.2");
	stay(&w, 1300 * MS); /* the slow answer is not lost */
	start(&w, &wt, "slow.test");
	assert_int_equal(wt.how, RESOLVE_DONE);
	assert_int_equal(wt.a.n, 2);
	world_close(&w);
}

static void
test_a_server_that_refuses_is_passed_by_and_then_asked_last(void **state)
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
test_a_dead_servers_timeout_is_paid_once_not_by_each_name(void **state)
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
test_a_server_asked_last_gets_one_question_when_its_time_is_over(void **state)
{
	enum { N = 20 };
	struct wait wt[N];
	struct world w;
	char host[32];
	int i;

	(void)state;
	world_open(&w, 2, black_hole, all_answered, plain);
	w.r->server[0].bad = 2; /* as if 30 s ago */
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
	w.r->server[0].bad_until_us = 0;
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
test_where_nobody_listens_the_next_server_is_asked_at_once(void **state)
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
test_a_cut_answer_is_asked_for_again_over_tcp(void **state)
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
test_only_enabled_families_are_asked_for(void **state)
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
test_a_query_outlives_the_job_that_asked_for_it(void **state)
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

struct again {
	struct wait wt; /* first: on_answer's argument */
	int left;
};

static void
on_failure(void *arg, const struct resolve_answer *a)
{
	struct again *ag = arg;

	assert_int_equal(a->err, E_DNS_NO_SERVER);
	ag->wt.calls++;
	if (ag->left-- > 0)
		assert_int_equal(
		    resolve_start(ag->wt.w->r, SPAN("gone.test"), 80,
			on_failure, ag, &ag->wt.a, &ag->wt.job),
		    RESOLVE_PENDING);
}

static void
test_a_callback_may_start_the_same_look_up_again(void **state)
{
	int64_t limit = timer_now_us() + 8000 * MS;
	struct again ag;
	struct world w;

	(void)state;
	memset(&ag, 0, sizeof(ag));
	world_open(&w, 1, usual, NULL, plain);
	server_close(&w.sv[0]);
	ag.wt.w = &w;
	ag.left = 20;
	assert_int_equal(resolve_start(w.r, SPAN("gone.test"), 80, on_failure,
			     &ag, &ag.wt.a, &ag.wt.job),
	    RESOLVE_PENDING);
	assert_int_equal(ag.wt.calls, 0);
	while (ag.wt.calls <= 20 && timer_now_us() < limit)
		stay(&w, 10 * MS);
	stay(&w, 10 * MS);
	assert_int_equal(ag.wt.calls, 21);
	world_close(&w);
}

static void
test_a_lack_of_descriptors_delays_a_look_up_and_does_not_fail_it(void **state)
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
		cmocka_unit_test(test_each_kind_of_answer_has_its_own_outcome),
		cmocka_unit_test(
		    test_an_answer_is_kept_for_its_ttl_and_no_longer),
		cmocka_unit_test(
		    test_thousands_who_wait_for_a_name_share_two_queries_even_at_ttl_0),
		cmocka_unit_test(
		    test_a_second_family_is_waited_for_50_ms_and_no_longer),
		cmocka_unit_test(
		    test_a_server_that_refuses_is_passed_by_and_then_asked_last),
		cmocka_unit_test(
		    test_a_dead_servers_timeout_is_paid_once_not_by_each_name),
		cmocka_unit_test(
		    test_a_server_asked_last_gets_one_question_when_its_time_is_over),
		cmocka_unit_test(
		    test_if_no_server_answers_a_look_up_ends_at_its_timeout),
		cmocka_unit_test(
		    test_where_nobody_listens_the_next_server_is_asked_at_once),
		cmocka_unit_test(test_a_cut_answer_is_asked_for_again_over_tcp),
		cmocka_unit_test(test_only_enabled_families_are_asked_for),
		cmocka_unit_test(
		    test_a_query_outlives_the_job_that_asked_for_it),
		cmocka_unit_test(
		    test_a_callback_may_start_the_same_look_up_again),
		cmocka_unit_test(
		    test_a_lack_of_descriptors_delays_a_look_up_and_does_not_fail_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
