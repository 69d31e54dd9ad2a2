/* SPDX-License-Identifier: ISC */
/*
 * After a failed look-up a new one sends a new query: a later caller's, and one
 * from the callback itself.
 */
#include "io_dns_world.h"

static const struct rule usual[] = {
	{ "half.test", A, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "half.test", AAAA, 0, "::5", 60, 0, 0, NULL },
	{ "mixed.test", A, REFUSED, NULL, 0, 0, 0, NULL },
	{ "mixed.test", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "servfail.test", BOTH, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "refused.test", BOTH, REFUSED, NULL, 0, 0, 0, NULL },
	{ "formerr.test", BOTH, FORMERR, NULL, 0, 0, 0, NULL },
	{ "notimp.test", BOTH, NOTIMP, NULL, 0, 0, 0, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static const struct rule recovered[] = {
	{ "*", A, 0, "127.0.0.2", 60, 0, 0, NULL },
	{ "*", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static const struct {
	const char *host, *fails;
} bad[] = {
	{ "mixed.test", "dns_refused" },
	{ "servfail.test", "dns_servfail" },
	{ "refused.test", "dns_refused" },
	{ "formerr.test", "dns_bad_response" },
	{ "notimp.test", "dns_error" },
};

#define NBAD (sizeof(bad) / sizeof(bad[0]))

static void
test_a_look_up_after_a_failure_sends_a_query(void **state)
{
	static const int later_ms[] = { 0, 20, 60 };
	struct world w;
	struct wait wt;
	size_t i, k;

	(void)state;
	for (k = 0; k < sizeof(later_ms) / sizeof(later_ms[0]); k++) {
		world_open(&w, 1, usual, NULL, plain);
		for (i = 0; i < NBAD; i++) {
			w.sv[0].rules = usual;
			expect(&w, bad[i].host, bad[i].fails);
			stay(&w, later_ms[k] * MS);
			w.sv[0].rules = recovered;
			start(&w, &wt, bad[i].host);
			assert_int_equal(wt.how, RESOLVE_PENDING);
			finish(&wt);
			assert_int_equal(wt.a.err, E_OK);
			assert_in_range(wt.took_us, 0, 500 * MS);
		}
		world_close(&w);
	}
}

static void
test_a_failed_family_is_queried_again_beside_one_that_is_known(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	expect(&w, "half.test", "::5");
	w.sv[0].rules = recovered;
	stay(&w, 60 * MS);
	expect(&w, "half.test", "::5 127.0.0.2");
	world_close(&w);
}

static void
test_a_dead_name_is_queried_20_times_a_second_at_most(void **state)
{
	enum { N = 400 };
	struct wait *wt = mem_zalloc(N, sizeof(*wt));
	int64_t began = timer_now_us();
	struct resolve_stats st;
	struct world w;
	uint64_t most;
	int i;

	(void)state;
	world_open(&w, 1, usual, NULL, plain);
	for (i = 0; i < N; i++) {
		start(&w, &wt[i], "servfail.test");
		stay(&w, 1 * MS);
	}
	for (i = 0; i < N; i++) {
		finish(&wt[i]);
		assert_int_equal(wt[i].how, RESOLVE_PENDING);
		assert_int_equal(wt[i].a.err, E_DNS_SERVFAIL);
	}
	most = (uint64_t)((timer_now_us() - began) / (50 * MS)) + 1;
	resolve_stats(w.r, &st);
	assert_in_range(st.lookups, 3, most);
	/* Two families, two rounds. */
	assert_in_range(w.sv[0].queries, 12, 4 * most);
	free(wt);
	world_close(&w);
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
	ag.left = 5;
	assert_int_equal(resolve_start(w.r, SPAN("gone.test"), 80, on_failure,
			     &ag, &ag.wt.a, &ag.wt.job),
	    RESOLVE_PENDING);
	assert_int_equal(ag.wt.calls, 0);
	while (ag.wt.calls <= 5 && timer_now_us() < limit)
		stay(&w, 10 * MS);
	stay(&w, 10 * MS);
	assert_int_equal(ag.wt.calls, 6);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_look_up_after_a_failure_sends_a_query),
		cmocka_unit_test(
		    test_a_failed_family_is_queried_again_beside_one_that_is_known),
		cmocka_unit_test(
		    test_a_dead_name_is_queried_20_times_a_second_at_most),
		cmocka_unit_test(
		    test_a_callback_may_start_the_same_look_up_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
