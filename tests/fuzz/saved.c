/* SPDX-License-Identifier: ISC */
/*
 * What a run passes on to the next one: reading stays within bounds, and what
 * was read is read again the same once it is written. The first byte says what
 * follows.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "core/saved.h"
#include "core/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_stats(struct span in)
{
	struct stats s = { 0 }, again = { 0 };
	struct buf out = { 0 };

	if (stats_restore(&s, in) == 0) {
		stats_save(&s, &out);
		CHECK(stats_restore(&again, buf_view(&out)) == 0);
		CHECK(s.ok == again.ok && s.failed == again.failed &&
		      s.exit_classes == again.exit_classes &&
		      memcmp(s.by_error, again.by_error, sizeof(s.by_error)) ==
			  0);
	}
	buf_fini(&out);
}

static void
try_origin(struct span in)
{
	struct saved r = { .from = in }, w = { 0 };
	struct saved_origin o = { 0 }, again = { 0 };
	struct buf out = { 0 };

	saved_origin(&r, &o);
	CHECK(o.held_left_us >= 0 && o.held_left_us <= OPT_DUR_MAX);
	CHECK(o.rate >= 0 && o.nfailed <= 3);
	if (!r.is_bad) {
		w.to = &out;
		saved_origin(&w, &o);
		r = (struct saved){ .from = buf_view(&out) };
		saved_origin(&r, &again);
		CHECK(!r.is_bad && r.from.n == 0);
		CHECK(
		    span_eq(o.origin, again.origin) && o.flags == again.flags);
		CHECK(o.sent_age_us == again.sent_age_us);
	}
	buf_fini(&out);
}

static void
try_budget(struct span in)
{
	struct saved r = { .from = in };
	struct saved_budget b = { 0 };
	struct saved_part p;
	unsigned i;

	saved_budget(&r, &b);
	for (i = 0; i < b.nparts && !r.is_bad; i++) {
		p = (struct saved_part){ 0 };
		saved_part(&r, &p);
		CHECK(p.age_us >= 0 && p.amount >= 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of((const char *)data, size);

	if (size == 0)
		return 0;
	in = span_skip(in, 1);
	switch (data[0] % 3) {
	case 0:
		try_stats(in);
		break;
	case 1:
		try_origin(in);
		break;
	default:
		try_budget(in);
	}
	return 0;
}
