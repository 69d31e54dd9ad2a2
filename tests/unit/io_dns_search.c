/* SPDX-License-Identifier: ISC */
/*
 * Short names: what resolv.conf says of them, and which names they lead to.
 */
#include "io_dns_world.h"

/* A file of that text; to be unlinked once it has been read. */
static const char *
file_of(char path[32], const char *text)
{
	int fd;

	strcpy(path, "/tmp/fetchd-resolv-XXXXXX");
	fd = mkstemp(path);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void
read_conf(struct resolve_search *s, const char *text)
{
	char path[32];

	resolve_search_init(s, file_of(path, text));
	unlink(path);
}

#define LABEL63 \
	"a23456789012345678901234567890123456789012345678901234567890123"
#define LONG252 \
	LABEL63 "." LABEL63 "." LABEL63 "." \
		"a23456789012345678901234567890123456789012345678901234567890"

static void
test_search_and_ndots_are_read_as_the_c_library_does(void **state)
{
	static const struct {
		const char *text, *domains;
		unsigned ndots;
	} rows[] = {
		{ "", "", 1 },
		{ "search a.test b.test\n", "a.test b.test", 1 },
		{ "search\ta.test \t b.test  # c.test\n", "a.test b.test", 1 },
		{ "search .A.Test. B.test.\n", "a.test b.test", 1 },
		{ "search a a b a\n", "a b", 1 },
		{ "search a\nsearch b\n", "b", 1 },
		{ "domain a\n", "a", 1 },
		{ "domain a b\n", "a", 1 },
		{ "search a b\ndomain c\n", "c", 1 },
		{ "domain c\nsearch a b", "a b", 1 },
		{ "search a\nsearch\n", "", 1 },
		{ "search 1 2 3 4 5 6 7 8\n", "1 2 3 4 5 6", 1 },
		{ "search . .. a..b x\\y \x01 ok\n", "ok", 1 },
		{ "search " LABEL63 "x ok\n", "ok", 1 },
		{ "search " LONG252 " ok\n", "ok", 1 },
		{ "searching a\n search b\n#search c\n", "b", 1 },
		{ "options ndots:2\n", "", 2 },
		{ "options rotate ndots:0 timeout:1\n", "", 0 },
		{ "options ndots:99999999999999\n", "", 15 },
		{ "options ndots: ndots ndots:x ndots:-1\n", "", 1 },
		{ "options ndots:3\noptions ndots:5", "", 5 },
	};
	struct resolve_search s;
	char got[2000];
	size_t i, n;
	unsigned d;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_conf(&s, rows[i].text);
		got[n = 0] = '\0';
		for (d = 0; d < s.n; d++)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%s%.*s", d > 0 ? " " : "", (int)s.domain[d].n,
			    s.domain[d].text);
		assert_string_equal(got, rows[i].domains);
		assert_int_equal(s.ndots, rows[i].ndots);
	}
	resolve_search_init(&s, "/nonexistent/resolv.conf");
	assert_int_equal(s.n, 0);
	resolve_search_init(&s, NULL);
	assert_int_equal(s.n, 0);
}

static void
test_only_names_with_few_dots_and_none_at_the_end_are_searched(void **state)
{
	static const struct {
		const char *conf, *host;
		int applies;
	} rows[] = {
		{ "search a\n", "wiki", 1 },
		{ "search a\n", "wiki.b", 0 },
		{ "search a\n", "wiki.", 0 },
		{ "search a\n", "", 0 },
		{ "options ndots:5\n", "wiki", 0 },
		{ "search a\noptions ndots:0\n", "wiki", 0 },
		{ "search a\noptions ndots:2\n", "wiki.b", 1 },
		{ "search a\noptions ndots:2\n", "wiki.b.", 0 },
		{ "search a\noptions ndots:2\n", "wiki.b.c", 0 },
		{ "search a\noptions ndots:2\n", "hidden.Onion", 0 },
	};
	struct resolve_search s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_conf(&s, rows[i].conf);
		assert_int_equal(
		    resolve_search_applies(&s, span_str(rows[i].host)),
		    rows[i].applies);
	}
}

static void
test_a_name_that_would_be_too_long_is_skipped(void **state)
{
	struct span given = SPAN("wiki");
	char out[RESOLVE_NAME_MAX];
	struct resolve_search s;
	unsigned next = 0;

	(void)state;
	read_conf(
	    &s, "search " LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 " b\n");
	assert_int_equal(s.n, 1);
	given = resolve_search_next(&s, given, &next, out);
	assert_true(span_eq(given, SPAN("wiki.b")));
	assert_int_equal(resolve_search_next(&s, given, &next, out).n, 0);
	next = 0;
	given = span_str(LONG252);
	assert_int_equal(resolve_search_next(&s, given, &next, out).n, 0);
}

/* ---- look-ups ----------------------------------------------------------- */

static const struct rule usual[] = {
	{ "wiki.two.test", A, 0, "127.0.0.2", 60, 0, 0, NULL },
	{ "wiki.two.test", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "there", A, 0, "127.0.0.3", 60, 0, 0, NULL },
	{ "there", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "bare", BOTH, 0, NULL, 60, 0, 0, NULL },
	{ "broken", BOTH, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "a.one.test", BOTH, 0, NULL, 60, 0, 0, NULL },
	{ "a.two.test", BOTH, 0, "127.0.0.4", 60, 0, 0, NULL },
	{ "b.one.test", BOTH, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "b.two.test", BOTH, 0, "127.0.0.4", 60, 0, 0, NULL },
	{ "half.one.test", A, 0, "127.0.0.5", 60, 0, 0, NULL },
	{ "half.one.test", AAAA, SERVFAIL, NULL, 0, 0, 0, NULL },
	{ "lame", A, NXDOMAIN, NULL, 60, 0, 0, NULL },
	{ "lame", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "lame.one.test", A, 0, "127.0.0.6", 60, 0, 0, NULL },
	{ "lame.one.test", AAAA, 0, NULL, 60, 0, 0, NULL },
	{ "slow", BOTH, NXDOMAIN, NULL, 60, 400, 0, NULL },
	{ "slow.one.test", BOTH, NXDOMAIN, NULL, 60, 400, 0, NULL },
	{ "slow.two.test", BOTH, 0, "127.0.0.4", 60, 400, 0, NULL },
	{ "zero", BOTH, NXDOMAIN, NULL, 0, 20, 0, NULL },
	{ "zero.two.test", A, 0, "127.0.0.7", 0, 20, 0, NULL },
	{ "zero.two.test", AAAA, 0, NULL, 0, 20, 0, NULL },
	{ NULL, 0, 0, NULL, 0, 0, 0, NULL },
};

static void
open_searching(struct world *w, int64_t timeout_us)
{
	struct resolve_conf conf = plain;
	char path[32];

	conf.timeout_us = timeout_us;
	conf.resolv_conf_path = file_of(path, "search one.test two.test\n");
	world_open(w, 1, usual, NULL, conf);
	unlink(path);
}

static void
test_a_short_name_leads_to_the_first_domain_that_has_it(void **state)
{
	static const struct {
		const char *host, *what;
		int queries;
	} rows[] = {
		{ "WIKI", "127.0.0.2", 6 },
		{ "there", "127.0.0.3", 2 },
		{ "bare", "dns_nodata", 2 },
		{ "broken", "dns_servfail", 4 },
		{ "lost", "dns_nxdomain", 6 },
		{ "lost.", "dns_nxdomain", 2 },
		{ "lost.it", "dns_nxdomain", 2 },
		{ "a", "dns_nodata", 4 },
		{ "b", "dns_servfail", 6 },
		{ "half", "127.0.0.5", 5 },
		{ "lame", "127.0.0.6", 4 },
		{ "192.0.2.1", "192.0.2.1", 0 },
		{ "localhost", "::1 127.0.0.1", 0 },
	};
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_searching(&w, 0);
		expect(&w, rows[i].host, rows[i].what);
		stay(&w, 20 * MS); /* both families' questions are there */
		assert_int_equal(w.sv[0].queries, rows[i].queries);
		world_close(&w);
	}
}

static void
test_the_result_of_a_search_is_cached(void **state)
{
	struct wait wt;
	struct world w;

	(void)state;
	open_searching(&w, 0);
	expect(&w, "wiki.two.test", "127.0.0.2");
	expect(&w, "wiki", "127.0.0.2"); /* waits for the others only */
	assert_int_equal(w.sv[0].queries, 6);
	start(&w, &wt, "wiki");
	assert_int_equal(wt.how, RESOLVE_DONE);
	assert_int_equal(wt.a.err, E_OK);
	expect(&w, "lost", "dns_nxdomain");
	start(&w, &wt, "lost");
	assert_int_equal(wt.how, RESOLVE_DONE);
	assert_int_equal(wt.a.err, E_DNS_NXDOMAIN);
	assert_int_equal(w.sv[0].queries, 12);
	world_close(&w);
}

static void
test_thousands_of_look_ups_of_a_short_name_search_once(void **state)
{
	enum { N = 3000 };
	struct wait *wt = mem_zalloc(N, sizeof(*wt));
	struct wait whole;
	struct world w;
	char out[200];
	int i;

	(void)state;
	open_searching(&w, 0);
	for (i = 0; i < N; i++)
		start(&w, &wt[i], "zero");
	start(&w, &whole, "zero.two.test");
	for (i = 0; i < N; i++) {
		finish(&wt[i]);
		assert_string_equal(
		    text_of(&wt[i].a, out, sizeof(out)), "127.0.0.7");
	}
	finish(&whole);
	assert_in_range(w.sv[0].queries, 6, 8);
	free(wt);
	world_close(&w);
}

static void
test_a_search_ends_at_the_look_ups_timeout(void **state)
{
	struct wait wt, other;
	struct world w;

	(void)state;
	open_searching(&w, 900 * MS);
	start(&w, &wt, "slow");
	stay(&w, 600 * MS);
	start(&w, &other, "slow.two.test");
	finish(&wt);
	assert_int_equal(wt.a.err, E_DNS_TIMEOUT);
	assert_in_range(wt.took_us, 890 * MS, 1100 * MS);
	finish(&other);
	assert_int_equal(other.a.err, E_OK);
	world_close(&w);
}

static void
test_a_search_may_be_cancelled_at_any_of_its_names(void **state)
{
	struct wait wt;
	struct world w;
	int ms;

	(void)state;
	for (ms = 200; ms < 1200; ms += 400) {
		open_searching(&w, 0);
		start(&w, &wt, "slow");
		stay(&w, ms * MS);
		resolve_cancel(wt.job);
		stay(&w, 500 * MS);
		assert_int_equal(wt.calls, 0);
		assert_int_equal(w.sv[0].queries, 2 * (1 + ms / 400));
		start(&w, &wt, "slow"); /* freed with the resolver */
		world_close(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_search_and_ndots_are_read_as_the_c_library_does),
		cmocka_unit_test(
		    test_only_names_with_few_dots_and_none_at_the_end_are_searched),
		cmocka_unit_test(test_a_name_that_would_be_too_long_is_skipped),
		cmocka_unit_test(
		    test_a_short_name_leads_to_the_first_domain_that_has_it),
		cmocka_unit_test(test_the_result_of_a_search_is_cached),
		cmocka_unit_test(
		    test_thousands_of_look_ups_of_a_short_name_search_once),
		cmocka_unit_test(test_a_search_ends_at_the_look_ups_timeout),
		cmocka_unit_test(
		    test_a_search_may_be_cancelled_at_any_of_its_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
