/* SPDX-License-Identifier: ISC */
/* The bytes that a run passes on: counts, origins, budgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/saved.h"
#include "core/stats.h"

static void
count(struct stats *s, enum err e, unsigned exit_class, unsigned parse)
{
	const struct item_outcome o = { .err = (unsigned char)e,
		.exit_class = (unsigned char)exit_class,
		.status_class = 2,
		.parse = (unsigned char)parse };

	stats_count(s, &o);
}

static void
test_counts_go_on_where_they_were(void **state)
{
	struct stats s = { 0 }, t = { 0 };
	struct buf b = { 0 };

	(void)state;
	s.items = 10; /* six of them have no record yet */
	s.requests = 12;
	s.bytes_in = UINT64_MAX / 2;
	count(&s, E_OK, 0, PARSE_OK);
	count(&s, E_OK, 0, PARSE_COUNT);
	count(&s, E_DNS_NXDOMAIN, 4, PARSE_COUNT);
	count(&s, E_INTERRUPTED, 75, PARSE_COUNT);
	stats_save(&s, &b);

	t.items = t.ok = 5;
	t.exit_classes = 1u << 7;
	t.by_error[E_OK] = 5;
	assert_int_equal(stats_restore(&t, buf_view(&b)), 0);
	assert_int_equal(t.items, 9);
	assert_int_equal(t.ok, 7);
	assert_int_equal(t.failed, 2);
	assert_int_equal(t.requests, 12);
	assert_true(t.bytes_in == UINT64_MAX / 2);
	assert_int_equal(t.by_status[2], 2);
	assert_int_equal(t.by_error[E_OK], 7);
	assert_int_equal(t.by_error[E_DNS_NXDOMAIN], 1);
	assert_int_equal(t.by_error[E_INTERRUPTED], 1);
	assert_int_equal(t.by_parse[PARSE_OK], 1);
	assert_int_equal(t.exit_classes, 1u | 1u << 4 | 1u << 7);
	buf_fini(&b);
}

static void
test_counts_that_are_cut_add_nothing(void **state)
{
	struct stats s = { .ok = 300, .failed = 7 }, t = { 0 };
	struct buf b = { 0 };
	size_t n;

	(void)state;
	s.by_error[E_OK] = 300;
	s.by_error[E_CONNECT_REFUSED] = 7;
	stats_save(&s, &b);
	for (n = 0; n < b.n; n++) {
		assert_int_equal(stats_restore(&t, span_of(b.p, n)), -1);
		assert_int_equal(t.ok + t.failed + t.items, 0);
	}
	buf_char(&b, 0);
	assert_int_equal(stats_restore(&t, buf_view(&b)), -1);
	buf_fini(&b);
}

/* A newer version may have codes that this one does not. */
static void
test_an_unknown_code_is_left_out(void **state)
{
	struct stats s = { .failed = 1 }, t = { 0 };
	struct buf b = { 0 };
	char *p;

	(void)state;
	s.by_error[E_DNS_NXDOMAIN] = 1;
	stats_save(&s, &b);
	p = memmem(b.p, b.n, "dns_nxdomain", 12);
	assert_non_null(p);
	p[0] = 'x';
	assert_int_equal(stats_restore(&t, buf_view(&b)), 0);
	assert_int_equal(t.failed, 1);
	assert_int_equal(t.by_error[E_DNS_NXDOMAIN], 0);
	buf_fini(&b);
}

static void
test_numbers_of_every_length_come_back(void **state)
{
	uint64_t v, n;
	struct buf b = { 0 };
	struct saved s;
	unsigned i;

	(void)state;
	for (i = 0; i <= 64; i++) {
		v = n = i == 64 ? UINT64_MAX : UINT64_C(1) << i;
		b.n = 0;
		s = (struct saved){ .to = &b };
		saved_u64(&s, &v, UINT64_MAX);
		s = (struct saved){ .from = buf_view(&b) };
		v = 7;
		saved_u64(&s, &v, UINT64_MAX);
		assert_true(v == n && !s.is_bad && s.from.n == 0);
	}
	/* One bit more than 64. */
	s = (struct saved){ .from = SPAN(
				"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02") };
	saved_u64(&s, &v, UINT64_MAX);
	assert_true(s.is_bad && v == 0);
	buf_fini(&b);
}

static void
test_values_out_of_range_are_refused(void **state)
{
	struct buf b = { 0 };
	struct saved s = { .to = &b };
	uint64_t v = (uint64_t)OPT_DUR_MAX + 1;
	double d = -1;
	int64_t us = 5;

	(void)state;
	saved_u64(&s, &v, UINT64_MAX);
	saved_fraction(&s, &d, 1e9);
	s = (struct saved){ .from = buf_view(&b) };
	saved_us(&s, &us);
	assert_true(s.is_bad && us == 0);
	s = (struct saved){ .from = span_of(b.p + b.n - 8, 8) };
	saved_fraction(&s, &d, 1e9);
	assert_true(s.is_bad && d == 0);
	/* What is written is in range. */
	b.n = 0;
	s = (struct saved){ .to = &b };
	us = -3;
	saved_us(&s, &us);
	us = INT64_MAX;
	saved_us(&s, &us);
	s = (struct saved){ .from = buf_view(&b) };
	saved_us(&s, &us);
	assert_int_equal(us, 0);
	saved_us(&s, &us);
	assert_int_equal(us, OPT_DUR_MAX);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_go_on_where_they_were),
		cmocka_unit_test(test_counts_that_are_cut_add_nothing),
		cmocka_unit_test(test_an_unknown_code_is_left_out),
		cmocka_unit_test(test_numbers_of_every_length_come_back),
		cmocka_unit_test(test_values_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
