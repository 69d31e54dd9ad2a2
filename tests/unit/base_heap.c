/* SPDX-License-Identifier: ISC */
/* Tests src/base/heap.c against a linear search of an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"

#define N 2000

static uint32_t
draw(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Links hold their indexes, and no child precedes its parent. */
static void
check(const struct heap *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		assert_int_equal(h->v[i]->at, i + 1);
		assert_true(i == 0 || h->v[(i - 1) / 2]->key <= h->v[i]->key);
	}
	assert_true(h->n <= h->cap);
}

static int64_t
least(const struct heap_link *k, size_t n)
{
	int64_t found = INT64_MAX;
	size_t i;

	for (i = 0; i < n; i++)
		if (heap_on(&k[i]) && k[i].key < found)
			found = k[i].key;
	return found;
}

static void
test_an_empty_heap_has_no_first(void **state)
{
	struct heap h;

	(void)state;
	heap_init(&h);
	assert_null(heap_first(&h));
	heap_fini(&h);
}

static void
test_elements_come_out_in_the_order_of_their_keys(void **state)
{
	static const int64_t keys[] = { 5, INT64_MAX, -3, 5, 0, INT64_MIN, 4,
		-3, 7 };
	static const int64_t want[] = { INT64_MIN, -3, -3, 0, 4, 5, 5, 7,
		INT64_MAX };
	struct heap_link k[sizeof(keys) / sizeof(keys[0])] = { 0 };
	struct heap h = { 0 };
	size_t i, n = sizeof(keys) / sizeof(keys[0]);

	(void)state;
	for (i = 0; i < n; i++) {
		assert_false(heap_on(&k[i]));
		heap_push(&h, &k[i], keys[i]);
		assert_true(heap_on(&k[i]));
	}
	for (i = 0; i < n; i++) {
		assert_int_equal(heap_first(&h)->key, want[i]);
		heap_remove(&h, heap_first(&h));
		check(&h);
	}
	for (i = 0; i < n; i++)
		assert_false(heap_on(&k[i]));
	heap_fini(&h);
}

static void
test_any_run_of_moves_and_removals_keeps_the_least_first(void **state)
{
	struct heap_link *k = calloc(N, sizeof(*k)), *one;
	struct heap h = { 0 };
	uint32_t seed = 7;
	size_t n = 0, step;
	int grow;

	(void)state;
	assert_non_null(k);
	for (step = 0; step < 20000; step++) {
		grow = step / 5000 % 2 == 0;
		one = &k[draw(&seed) % N];
		if (heap_on(one) && draw(&seed) % 4 >= (grow ? 1u : 3u)) {
			heap_move(&h, one, draw(&seed) % 500);
		} else if (heap_on(one)) {
			heap_remove(&h, one);
			n--;
		} else if (grow) {
			heap_move(&h, one, (int64_t)(draw(&seed) % 500) - 250);
			n++;
		}
		assert_int_equal(h.n, n);
		if (n > 0)
			assert_int_equal(heap_first(&h)->key, least(k, N));
		if (step % 100 == 0)
			check(&h);
	}
	while (heap_first(&h) != NULL)
		heap_remove(&h, heap_first(&h));
	heap_fini(&h);
	free(k);
}

static void
test_memory_is_given_back_when_most_have_left(void **state)
{
	struct heap_link *k = calloc(N, sizeof(*k));
	struct heap h = { 0 };
	size_t i;

	(void)state;
	assert_non_null(k);
	for (i = 0; i < N; i++)
		heap_push(&h, &k[i], (int64_t)i);
	assert_true(h.cap >= N);
	for (i = 0; i < N; i++) {
		assert_ptr_equal(heap_first(&h), &k[i]);
		heap_remove(&h, &k[i]);
	}
	assert_true(h.cap <= 16);
	heap_fini(&h);
	free(k);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_an_empty_heap_has_no_first),
		T(test_elements_come_out_in_the_order_of_their_keys),
		T(test_any_run_of_moves_and_removals_keeps_the_least_first),
		T(test_memory_is_given_back_when_most_have_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
