/* SPDX-License-Identifier: ISC */
/* The table of names: what stays, what goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/dns/resolve_int.h"

static struct resolve_name *
find(const struct resolve_cache *c, const char *name)
{
	struct span s = span_str(name);

	return resolve_cache_find(c, s, hash_of(&c->table, s));
}

static struct resolve_name *
add(struct resolve_cache *c, const char *name, unsigned naddr)
{
	struct span s = span_str(name);
	struct resolve_name *nm =
	    resolve_cache_add(c, s, hash_of(&c->table, s));
	struct resolve_reply rp;

	memset(&rp, 0, sizeof(rp));
	rp.ttl_s = 60;
	rp.n = naddr;
	resolve_cache_learn(c, nm, RESOLVE_V6, &rp, 1000);
	return nm;
}

static void
test_over_the_limit_the_least_recently_used_name_is_evicted(void **state)
{
	struct resolve_cache c;
	struct resolve_name *busy;
	char name[32];
	int i;

	(void)state;
	resolve_cache_init(&c);
	busy = add(&c, "busy.test", 1);
	resolve_cache_set_idle(&c, add(&c, "first.test", 1));
	resolve_cache_set_idle(&c, add(&c, "second.test", 1));
	resolve_cache_set_idle(&c, find(&c, "first.test"));
	for (i = 3; i < 100 * 1000; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		resolve_cache_set_idle(&c, add(&c, name, 1));
	}
	assert_int_equal(c.table.n, 100 * 1000);
	assert_non_null(find(&c, "second.test"));
	resolve_cache_set_idle(&c, add(&c, "more.test", 1));
	assert_int_equal(c.table.n, 100 * 1000);
	assert_null(find(&c, "second.test"));
	assert_non_null(find(&c, "first.test"));
	assert_ptr_equal(find(&c, "busy.test"), busy);
	resolve_cache_fini(&c);
}

static void
test_the_bytes_of_the_cache_are_limited(void **state)
{
	struct resolve_cache c;
	char name[254];
	int i;

	(void)state;
	resolve_cache_init(&c);
	for (i = 0; i < 90 * 1000; i++) {
		memset(name, 'a', sizeof(name));
		snprintf(name, sizeof(name), "%0250d", i);
		resolve_cache_set_idle(&c, add(&c, name, RESOLVE_MAX_ADDRS));
	}
	assert_in_range(c.bytes, 30 << 20, 33 << 20);
	assert_in_range(c.table.n, 1000, 80 * 1000);
	resolve_cache_fini(&c);
}

static void
test_a_name_of_which_nothing_is_known_is_not_kept(void **state)
{
	struct resolve_cache c;
	struct span s = SPAN("gone.test");

	(void)state;
	resolve_cache_init(&c);
	resolve_cache_set_idle(
	    &c, resolve_cache_add(&c, s, hash_of(&c.table, s)));
	assert_null(find(&c, "gone.test"));
	assert_int_equal(c.bytes, 0);
	resolve_cache_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_over_the_limit_the_least_recently_used_name_is_evicted),
		cmocka_unit_test(test_the_bytes_of_the_cache_are_limited),
		cmocka_unit_test(
		    test_a_name_of_which_nothing_is_known_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
