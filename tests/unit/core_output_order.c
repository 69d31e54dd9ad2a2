/* SPDX-License-Identifier: ISC */
/* Proves src/core/output/order.c with a real sink and a real spill file:
 * whatever the order items come in, what comes out is that of a run one by one.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/output/order.h"
#include "core/output/output.h"
#include "io/sink.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PIECE_BYTES (64u << 10) /* what order.c moves at a time */

static uint32_t
draw(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* As much of an output as an order asks for. */
struct to {
	struct output output;
	struct sink *sink;
};

static struct buf *
buffer(struct output *o)
{
	return sink_buf(((struct to *)(void *)o)->sink);
}

static int
is_full(const struct output *o)
{
	return sink_is_full(((const struct to *)(const void *)o)->sink);
}

static const struct output_ops ops = { .buffer = buffer, .is_full = is_full };

static void
end_item(struct order *o, uint64_t seq)
{
	const struct output_token token = { .token = seq };

	order_end(o, seq, &token);
}

/* An order and where it leads. */
struct run {
	struct order *o;
	struct to to;
	struct sink *out;
	int fd;
};

static void
begin(struct run *r, size_t window)
{
	char path[] = "/tmp/fetchd-order-XXXXXX";

	r->fd = mkstemp(path);
	assert_int_not_equal(r->fd, -1);
	unlink(path);
	r->out = sink_new(NULL, r->fd, NULL, NULL);
	r->o = order_new(window, 0);
	r->to = (struct to){ { &ops }, r->out };
}

static void
flush(struct run *r)
{
	assert_int_equal(order_flush(r->o, &r->to.output), E_OK);
	assert_true(sink_pending(r->out) < SINK_HIGH_WATER + PIECE_BYTES);
}

/* Until nothing more comes out. */
static void
drain(struct run *r)
{
	do {
		flush(r);
		sink_flush(r->out);
	} while (order_is_due(r->o));
}

static void
put(struct run *r, uint64_t seq, struct span s)
{
	buf_span(order_begin(r->o, seq), s);
	order_add(r->o, seq);
}

/* What came out is that. */
static void
expect(struct run *r, struct span want)
{
	struct stat st;
	char *got;

	assert_int_equal(fstat(r->fd, &st), 0);
	assert_int_equal(st.st_size, want.n);
	got = malloc(want.n + 1);
	assert_non_null(got);
	assert_int_equal(pread(r->fd, got, want.n, 0), want.n);
	assert_memory_equal(got, want.p, want.n);
	free(got);
}

static void
end(struct run *r)
{
	order_free(r->o);
	sink_free(r->out);
	close(r->fd);
}

static void
test_items_leave_in_the_order_of_seq(void **state)
{
	struct run r;

	(void)state;
	begin(&r, 1 << 20);
	assert_int_equal(order_next_place(r.o), 1);
	put(&r, 3, SPAN("three\n"));
	end_item(r.o, 3);
	put(&r, 2, SPAN("two\n"));
	drain(&r);
	expect(&r, SPAN(""));
	assert_int_equal(order_pending(r.o), 2);
	put(&r, 1, SPAN("one\n"));
	assert_int_equal(order_pending(r.o), 2);
	drain(&r);
	expect(&r, SPAN("one\n"));
	assert_int_equal(order_next_place(r.o), 1);
	end_item(r.o, 1);
	assert_int_equal(order_next_place(r.o), 2);
	assert_int_equal(order_pending(r.o), 1);
	drain(&r);
	expect(&r, SPAN("one\ntwo\n"));
	put(&r, 2, SPAN("and two\n"));
	end_item(r.o, 2);
	drain(&r);
	expect(&r, SPAN("one\ntwo\nand two\nthree\n"));
	assert_int_equal(order_next_place(r.o), 4);
	assert_int_equal(order_pending(r.o), 0);
	assert_int_equal(order_held_bytes(r.o), 0);
	end(&r);
}

static void
test_an_item_without_lines_is_in_nobodys_way(void **state)
{
	struct run r;

	(void)state;
	begin(&r, 1 << 20);
	end_item(r.o, 2);
	end_item(r.o, 4);
	put(&r, 3, SPAN("three\n"));
	order_begin(r.o, 5);
	order_add(r.o, 5);
	assert_int_equal(order_pending(r.o), 4);
	end_item(r.o, 3);
	assert_int_equal(order_next_place(r.o), 1);
	end_item(r.o, 1);
	assert_int_equal(order_next_place(r.o), 3);
	drain(&r);
	assert_int_equal(order_next_place(r.o), 5);
	assert_int_equal(order_pending(r.o), 0);
	end_item(r.o, 5);
	assert_int_equal(order_next_place(r.o), 6);
	expect(&r, SPAN("three\n"));
	end(&r);
}

static void
test_the_item_in_turn_writes_to_the_sink_once_nothing_is_held_of_it(
    void **state)
{
	struct run r;

	(void)state;
	begin(&r, 1 << 20);
	assert_true(order_is_next(r.o, 1));
	assert_false(order_is_next(r.o, 2));
	put(&r, 2, SPAN("half a "));
	buf_str(sink_buf(r.out), "one\n");
	end_item(r.o, 1);
	assert_false(order_is_next(r.o, 2));
	assert_true(order_is_due(r.o));
	drain(&r);
	assert_true(order_is_next(r.o, 2));
	buf_str(sink_buf(r.out), "line\n");
	end_item(r.o, 2);
	assert_true(order_is_next(r.o, 3));
	drain(&r);
	expect(&r, SPAN("one\nhalf a line\n"));
	end(&r);
}

/* Held back until the whole of it is there, larger than anything else. */
static void
test_a_large_record_passes_and_the_sink_is_not_flooded(void **state)
{
	static const size_t windows[] = { 0, 1 << 20, 256 << 20 };
	struct buf want = { 0 };
	struct run r;
	uint32_t seed = 11;
	size_t i;

	(void)state;
	while (want.n < (16 << 20) + 12345)
		buf_u64(&want, draw(&seed));
	for (i = 0; i < COUNT(windows); i++) {
		begin(&r, windows[i]);
		put(&r, 2, buf_view(&want));
		end_item(r.o, 2);
		assert_true(order_held_bytes(r.o) <= windows[i]);
		assert_int_equal(
		    order_spilled_bytes(r.o) > 0, windows[i] < 4 * want.n);
		end_item(r.o, 1);
		flush(&r);
		assert_true(sink_is_full(r.out));
		assert_true(order_is_due(r.o));
		drain(&r);
		expect(&r, buf_view(&want));
		assert_int_equal(order_held_bytes(r.o), 0);
		end(&r);
	}
	buf_fini(&want);
}

/* A sink that is nearly full takes a few items: were they in memory? */
static void
check_nearest(uint64_t first, int step)
{
	struct buf full = { 0 };
	char line[1000];
	struct run r;
	size_t held;
	uint64_t seq;

	memset(line, 'x', sizeof(line));
	begin(&r, 20000);
	for (seq = first; seq >= 2 && seq <= 100; seq += (uint64_t)step) {
		put(&r, seq, span_of(line, sizeof(line)));
		end_item(r.o, seq);
		assert_true(order_held_bytes(r.o) <= 20000);
	}
	end_item(r.o, 1);
	held = order_held_bytes(r.o);
	assert_true(held > 17000);
	buf_reserve(&full, SINK_HIGH_WATER);
	memset(full.p, 'y', SINK_HIGH_WATER);
	buf_add(sink_buf(r.out), full.p, SINK_HIGH_WATER - 10000);
	flush(&r);
	assert_int_equal(order_next_place(r.o), 12);
	assert_true(order_held_bytes(r.o) <= held - 10000);
	drain(&r);
	assert_int_equal(order_next_place(r.o), 101);
	buf_fini(&full);
	end(&r);
}

static void
test_what_is_nearest_its_turn_stays_in_memory(void **state)
{
	(void)state;
	check_nearest(2, 1);
	check_nearest(100, -1);
}

/* A limit on the size of files stands for a full disk. */
static void
test_what_a_full_disk_does_not_take_stays_in_memory(void **state)
{
	struct rlimit before, small = { 0 };
	struct buf want = { 0 };
	struct run r;
	uint64_t seq;

	(void)state;
	begin(&r, 100);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	small.rlim_cur = 10000;
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (seq = 2; order_has_room(r.o) && seq < 1000; seq++) {
		put(&r, seq, SPAN("forty bytes of an item that waits\n"));
		buf_str(&want, "forty bytes of an item that waits\n");
		end_item(r.o, seq);
	}
	assert_true(seq > 100 && seq < 1000);
	assert_false(order_retry_disk(r.o));
	assert_int_equal(order_errno(r.o), EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(order_retry_disk(r.o));
	end_item(r.o, 1);
	assert_int_equal(order_flush(r.o, &r.to.output), E_OK);
	sink_flush(r.out);
	expect(&r, buf_view(&want));
	buf_fini(&want);
	end(&r);
}

static void
test_the_file_has_a_limit(void **state)
{
	struct order *o = order_new(1000, 3 << 20);
	char lines[20000];
	uint64_t seq;

	(void)state;
	memset(lines, 'x', sizeof(lines));
	for (seq = 2; order_has_room(o) && seq < 1000; seq++) {
		buf_add(order_begin(o, seq), lines, sizeof(lines));
		order_add(o, seq);
		end_item(o, seq);
	}
	assert_in_range(seq, 150, 160);
	assert_in_range(order_spilled_bytes(o), 3 << 20, (3 << 20) + 40000);
	order_free(o);
}

/* ---- any order ---- */

#define ITEMS 600

/* One run: `apart` items are begun at once. */
struct plan {
	size_t window;
	unsigned apart, adds, bytes;
};

static const struct plan plans[] = {
	{ 0, 40, 4, 3000 },
	{ 2000, 40, 4, 3000 },
	{ 30000, 100, 3, 1000 },
	{ 30000, 600, 30, 200 },
	{ 300000, 300, 12, 9000 },
	{ 400000, 600, 1, 200000 },
	{ 8 << 20, 600, 8, 20000 },
	{ 1 << 30, 600, 8, 20000 },
};

/* Its n-th piece, from what seq and n say. */
static void
make_piece(struct buf *b, uint64_t seq, unsigned n, unsigned bytes)
{
	uint32_t seed = (uint32_t)(seq * 1000003 + n * 7 + 1);
	size_t end = b->n + draw(&seed) % (bytes + 1);

	while (b->n < end)
		buf_u64(b, draw(&seed));
}

static unsigned
pieces_of(uint64_t seq, unsigned max)
{
	uint32_t seed = (uint32_t)(seq * 7919 + 5);

	draw(&seed);
	return draw(&seed) % (max + 1);
}

/* One piece more of that item, or its end. Returns 1 when it has ended. */
static int
step(struct run *r, const struct plan *p, uint64_t seq, unsigned *done)
{
	if (*done == pieces_of(seq, p->adds)) {
		end_item(r->o, seq);
		return 1;
	}
	if (order_is_next(r->o, seq)) {
		make_piece(sink_buf(r->out), seq, *done, p->bytes);
	} else {
		make_piece(order_begin(r->o, seq), seq, *done, p->bytes);
		order_add(r->o, seq);
		assert_true(order_held_bytes(r->o) <= p->window);
	}
	++*done;
	return 0;
}

static void
check_plan(const struct plan *p, uint32_t seed)
{
	uint64_t open[ITEMS], next = 1, seq;
	unsigned done[ITEMS + 1] = { 0 }, n;
	struct buf want = { 0 };
	struct run r;
	size_t nopen = 0, k;

	begin(&r, p->window);
	for (seq = 1; seq <= ITEMS; seq++)
		for (n = 0; n < pieces_of(seq, p->adds); n++)
			make_piece(&want, seq, n, p->bytes);
	while (next <= ITEMS || nopen > 0) {
		while (next <= ITEMS && nopen < p->apart)
			open[nopen++] = next++;
		k = draw(&seed) % nopen;
		if (step(&r, p, open[k], &done[open[k]]))
			open[k] = open[--nopen];
		if (draw(&seed) % 16 == 0)
			assert_int_equal(order_flush(r.o, &r.to.output), E_OK);
		if (draw(&seed) % 64 == 0)
			sink_flush(r.out);
	}
	drain(&r);
	assert_int_equal(order_next_place(r.o), ITEMS + 1);
	assert_int_equal(order_pending(r.o), 0);
	assert_int_equal(order_held_bytes(r.o), 0);
	assert_int_equal(order_spilled_bytes(r.o), 0);
	expect(&r, buf_view(&want));
	buf_fini(&want);
	end(&r);
}

static void
test_in_any_order_and_any_window_the_outcome_is_the_same(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(plans); i++) {
		check_plan(&plans[i], 1 + (uint32_t)i);
		check_plan(&plans[i], 1001 + (uint32_t)i);
	}
}

/* A stream beyond the window that is not small enough to be kept either is
 * taken up again behind what was put aside of it. */
static void
test_a_stream_that_is_put_aside_again_and_again_stays_whole(void **state)
{
	struct buf want = { 0 };
	struct run r;
	uint32_t seed = 3;
	size_t n;
	int i;

	(void)state;
	begin(&r, 3000);
	for (i = 0; i < 3000; i++) {
		n = want.n;
		make_piece(&want, 2, (unsigned)i, 200);
		put(&r, 2, span_of(want.p + n, want.n - n));
		if (i == 1000)
			end_item(r.o, 1);
		if (i > 1000 && draw(&seed) % 4 == 0)
			assert_int_equal(order_flush(r.o, &r.to.output), E_OK);
	}
	end_item(r.o, 2);
	drain(&r);
	expect(&r, buf_view(&want));
	buf_fini(&want);
	end(&r);
}

static void
test_a_million_items_may_be_ahead(void **state)
{
	struct run r;
	uint64_t seq;

	(void)state;
	begin(&r, 1 << 20);
	for (seq = ORDER_AHEAD_MAX; seq > 1; seq--) {
		if (seq % 1000 == 0)
			put(&r, seq, SPAN("x\n"));
		end_item(r.o, seq);
	}
	assert_int_equal(order_pending(r.o), ORDER_AHEAD_MAX - 1);
	end_item(r.o, 1);
	drain(&r);
	assert_int_equal(order_next_place(r.o), ORDER_AHEAD_MAX + 1);
	assert_int_equal(sink_written(r.out), 2 * (ORDER_AHEAD_MAX / 1000));
	put(&r, 2 * ORDER_AHEAD_MAX, SPAN("x\n"));
	end(&r);
}

static void
test_what_is_left_unfinished_is_freed(void **state)
{
	struct run r;
	uint64_t seq;

	(void)state;
	begin(&r, 2000);
	for (seq = 1; seq < 300; seq++)
		put(&r, seq, SPAN("an item that never ends\n"));
	flush(&r);
	end(&r);
	order_free(NULL);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_items_leave_in_the_order_of_seq),
		T(test_an_item_without_lines_is_in_nobodys_way),
		T(test_the_item_in_turn_writes_to_the_sink_once_nothing_is_held_of_it),
		T(test_a_large_record_passes_and_the_sink_is_not_flooded),
		T(test_what_is_nearest_its_turn_stays_in_memory),
		T(test_what_a_full_disk_does_not_take_stays_in_memory),
		cmocka_unit_test(test_the_file_has_a_limit),
		T(test_in_any_order_and_any_window_the_outcome_is_the_same),
		T(test_a_stream_that_is_put_aside_again_and_again_stays_whole),
		T(test_a_million_items_may_be_ahead),
		T(test_what_is_left_unfinished_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
