/* SPDX-License-Identifier: ISC */
/*
 * Many look-ups begun at once: no more of them than a server can take, and as
 * soon as it can.
 */
#include "io_dns_world.h"

static const struct rule answered[] = {
	{ "*", A, 0, "127.0.0.2", 60, 0, 0, NULL },
	{ "*", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static const struct rule late[] = {
	{ "*", A, 0, "127.0.0.2", 60, 500, 0, NULL },
	{ "*", AAAA, 0, NULL, 60, 500, 0, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static const struct rule silent[] = {
	{ "*", BOTH, 0, NULL, 0, 0, DROP, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static void
start_many(struct world *w, struct wait *wt, int n)
{
	char host[32];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(host, sizeof(host), "n%d.test", i);
		start(w, &wt[i], host);
	}
}

static void
test_a_thousand_names_at_once_fit_the_usual_buffer_of_a_server(void **state)
{
	enum { N = 1000 };
	struct wait *wt = mem_zalloc(N, sizeof(*wt));
	int i, size = 212992 / 2; /* the kernel doubles it */
	struct world w;

	(void)state;
	world_open(&w, 1, answered, NULL, plain);
	setsockopt(w.sv[0].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	start_many(&w, wt, N);
	for (i = 0; i < N; i++) {
		finish(&wt[i]);
		assert_int_equal(wt[i].a.err, E_OK);
		assert_in_range(wt[i].took_us, 0, 1400 * MS);
	}
	expect(&w, "n1.test", "127.0.0.2");
	assert_int_equal(w.sv[0].queries, 2 * N);
	free(wt);
	world_close(&w);
}

static void
test_late_replies_delay_other_queries_for_a_limited_time(void **state)
{
	enum { N = 400 };
	struct wait *wt = mem_zalloc(N, sizeof(*wt));
	struct world w;
	int i;

	(void)state;
	world_open(&w, 1, late, NULL, plain);
	start_many(&w, wt, N);
	stay(&w, 20 * MS);
	assert_in_range(w.sv[0].queries, 1, N);
	stay(&w, 420 * MS);
	assert_int_equal(w.sv[0].queries, 2 * N);
	for (i = 0; i < N; i++) {
		finish(&wt[i]);
		assert_int_equal(wt[i].a.err, E_OK);
	}
	free(wt);
	world_close(&w);
}

static void
test_a_paced_query_that_is_not_wanted_any_more_is_not_sent(void **state)
{
	enum { N = 400, WANTED = 100 };
	struct wait *wt = mem_zalloc(N, sizeof(*wt));
	struct world w;
	int i;

	(void)state;
	world_open(&w, 1, silent, NULL, plain);
	start_many(&w, wt, N);
	for (i = WANTED; i < N; i++)
		resolve_cancel(wt[i].job);
	stay(&w, 200 * MS);
	assert_int_equal(w.sv[0].queries, 2 * WANTED);
	start_many(&w, wt + WANTED, N - WANTED); /* freed while held back */
	world_close(&w);
	free(wt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_thousand_names_at_once_fit_the_usual_buffer_of_a_server),
		cmocka_unit_test(
		    test_late_replies_delay_other_queries_for_a_limited_time),
		cmocka_unit_test(
		    test_a_paced_query_that_is_not_wanted_any_more_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
