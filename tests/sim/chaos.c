/* SPDX-License-Identifier: ISC */
/*
 * All faults at once and in any order, with random options; and runs that are
 * stopped meanwhile. check.c has the invariants of each pass; here every run
 * must end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/origin/host.h"
#include "scenario.h"
#include "seen.h"

#define BAD 30 /* of 1,000, for each thing that can go wrong */

static const struct origin wild[] = {
	{ FAST },
	{ FAST, .busy = 100, .unavailable = 100, .errs = 100,
	    .retry_after_s = 3, .retry_after_of = 500, .closes_idle = 200 },
	{ FAST, .redirects = 500, .to_kind = 3, .to_hosts = 6,
	    .says_close = 200, .closes_reused = 200 },
	{ FAST, .redirects = 300, .to_kind = 1, .to_hosts = 6,
	    .body_bytes = 90000, .piece_bytes = 9000, .resets_after = BAD },
	{ FAST, .allows = 20, .retry_after_s = 1 },
	{ FAST, .lookup_fails = BAD, .lookup_servfails = 100,
	    .lookup_stalls = BAD, .refuses = 100, .connect_stalls = BAD,
	    .tls_fails = BAD, .tls_stalls = BAD, .lacks_port = BAD,
	    .ttl_us = 500 * MS },
	{ FAST, .resets_before = 100, .closes_before = 100,
	    .stalls_before = BAD, .truncates = BAD, .stalls_after = BAD,
	    .talks_idle = 100 },
	{ FAST, .trouble = DOWN_REFUSES, .trouble_from_us = 3 * SECOND,
	    .trouble_until_us = 40 * SECOND },
	{ FAST, .trouble = DOWN_MUTE, .trouble_from_us = 2 * SECOND },
	{ FAST, .trouble = DOWN_NO_ROUTE, .trouble_from_us = 5 * SECOND,
	    .trouble_until_us = 20 * SECOND },
	{ FAST, .trouble = DOWN_UNNAMED, .trouble_from_us = 4 * SECOND,
	    .ttl_us = SECOND },
	{ FAST, .trouble = DOWN_SILENT, .trouble_from_us = 6 * SECOND,
	    .trouble_until_us = 30 * SECOND },
	{ FAST, .status = 429, .retry_after_s = 40 },
	{ FAST, .upload_bytes = 3000, .upload_us = 30 * MS,
	    .upload_stalls = BAD, .is_early = 1, .redirects = 300, .to_kind = 2,
	    .to_hosts = 6, .closes_reused = 200 },
};

static void
wild_item(struct event_base *w, uint64_t seq, struct item *to)
{
	static const char *const methods[] = { NULL, NULL, NULL, "GET", "HEAD",
		"POST", "PUT", "POST", "DELETE" };
	static const char *const more[] = { NULL, NULL, ",\"retry\":0",
		",\"retry\":5", ",\"timeout\":2", ",\"cost\":{\"tokens\":3}",
		",\"cost\":{\"tokens\":60}",
		",\"headers\":{\"Idempotency-Key\":\"k\"}" };

	(void)seq;
	w->input_gap_us = world_chance(w, 20) ? 100 * MS : 0;
	to->kind = (unsigned)world_draw(w, COUNT(wild));
	to->host = (unsigned)world_draw(w, 6);
	to->is_plain = world_chance(w, 400);
	to->method = methods[world_draw(w, COUNT(methods))];
	if (to->method != NULL && to->method[0] == 'P')
		to->body_bytes = (size_t)world_draw(w, 15000);
	if (to->body_bytes > 0 && world_chance(w, 200)) {
		to->file_bytes = (size_t)world_draw(w, 600000);
		to->body_bytes = 0;
	}
	to->more = more[world_draw(w, COUNT(more))];
}

/* ---- options ---- */

#define ARGS_MAX 36

struct draw {
	const char *v[ARGS_MAX];
	size_t n;
};

static void
add(struct draw *d, const char *name, const char *value)
{
	assert_true(d->n + 2 < ARGS_MAX);
	d->v[d->n++] = name;
	if (value != NULL)
		d->v[d->n++] = value;
	d->v[d->n] = NULL;
}

static const char *
one_of(uint64_t *bits, const char *const v[4])
{
	const char *s = v[*bits & 3];

	*bits = *bits >> 2 | *bits << 62;
	return s;
}

#define ONE_OF(...) one_of(&bits, (const char *const[4]){ __VA_ARGS__ })

/* NULL: the option is not given. */
static void
maybe(struct draw *d, const char *name, const char *value)
{
	if (value != NULL)
		add(d, name, value);
}

static void
draw_options(struct draw *d, uint64_t bits)
{
	const char *flag;

	d->n = 0;
	add(d, "-c", ONE_OF("1", "9", "40", "150"));
	add(d, "--max-per-host", ONE_OF("0", "1", "3", "6"));
	add(d, "--retry", ONE_OF("0", "1", "2", "5"));
	maybe(d, "--retry-delay", ONE_OF("0", "100ms", "1s", NULL));
	maybe(d, "--retry-max-time", ONE_OF("20s", "1m", "3m", NULL));
	maybe(d, "--retry-after-max", ONE_OF("2s", "10s", "1m", NULL));
	maybe(d, "--max-host-errors", ONE_OF("2", "5", "0", NULL));
	maybe(d, "--host-dead-after", ONE_OF("3s", "10s", "20s", "1m"));
	maybe(d, "--rate", ONE_OF("200", "50", NULL, NULL));
	maybe(d, "--rate-per-host", ONE_OF("20", "5", NULL, NULL));
	maybe(d, "--delay", ONE_OF("50ms", NULL, NULL, NULL));
	maybe(d, "--budget", ONE_OF("tokens=50/s", "tokens=900/m", NULL, NULL));
	maybe(d, "--max-redirs", ONE_OF("0", "2", NULL, NULL));
	maybe(d, "--net-down", ONE_OF("fail", NULL, NULL, NULL));
	flag = ONE_OF("--keep-order", "--include-attempts", NULL, NULL);
	if (flag != NULL)
		add(d, flag, NULL);
	flag = ONE_OF("-L", "--no-location", "--retry-post", NULL);
	if (flag != NULL)
		add(d, flag, NULL);
	add(d, "-m", "15");
	add(d, "--connect-timeout", "3");
	add(d, "--dns-timeout", "2");
}

static void
begin(struct sim *s, uint64_t seed, uint64_t items)
{
	struct draw d;
	uint64_t bits = seed * 0x9e3779b97f4a7c15ULL;

	draw_options(&d, bits ^ bits >> 31);
	sim_init(s, seed, wild, d.v);
	s->w.is_chaotic = 1;
	s->w.may_repeat = s->opts.retry_post;
	s->w.is_ordered = s->opts.keep_order;
	s->slack_us = 200 * MS;
	s->check_every = seed % 4 == 0 ? 1 : 11;
	s->w.sink_rate = seed % 5 == 0 ? 1000000 : 0;
	if (seed % 3 == 0) {
		s->w.offline_from_us = (int64_t)(seed % 10) * SECOND;
		s->w.offline_until_us = s->w.offline_from_us + 15 * SECOND;
		s->w.is_offline_afar = seed % 2 == 0;
	}
	if (seed % 7 == 1)
		sim_sockets(s, 20);
	s->w.files_max = seed % 5 == 1 ? 2 : 0;
	s->w.begin_us = (int64_t)(seed % 4) * 100 * MS;
	s->job.is_resumable = seed % 2 == 0;
	sim_input(s, items, wild_item);
}

static void
test_everything_ends_whatever_goes_wrong(void **state)
{
	struct sim s;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= scale(40); seed++) {
		begin(&s, seed, 500);
		sim_run(&s, 120 * MINUTE);
		assert_true(s.most_slots <= (size_t)s.opts.concurrency);
		sim_fini(&s);
	}
}

/* ---- stopped ---- */

static double
begun_since(const struct sim *s, int64_t from)
{
	double n = 0;
	size_t i;

	for (i = 0; i < s->w.nseen; i++)
		n += s->w.seen[i].what == SEEN_REQUEST &&
		     s->w.seen[i].begun_at_us > from && s->w.seen[i].hop == 0;
	return n;
}

/* Of a run that can be resumed: what it left was not written and can be
 * requested again. */
static void
check_left(const struct sim *s)
{
	const struct outcome *o;
	uint64_t i;

	for (i = 1; i <= s->w.given && s->job.is_resumable; i++) {
		o = &s->w.outcomes[i];
		if (o->records == 0 && o->begun > 0 && !s->opts.keep_order)
			world_fail(&s->w, "item %llu was sent and left",
			    (unsigned long long)i);
		if (o->records == 0 && !s->job.was_left)
			world_fail(&s->w, "item %llu was left, unsaid",
			    (unsigned long long)i);
	}
}

static void
test_a_stop_at_any_moment_ends_within_the_grace(void **state)
{
	struct sim s;
	uint64_t seed;
	int64_t at;
	size_t slots;

	(void)state;
	for (seed = 1; seed <= scale(40); seed++) {
		begin(&s, seed, 500);
		sim_run_for(&s, (int64_t)(seed * 7919 % 40000) * MS + 10 * MS);
		if (!sim_is_over(&s)) {
			at = s.w.now_us;
			slots = s.core.sched.slots;
			sim_stop(&s);
			sim_run_for(&s, MINUTE);
			assert_true(sim_is_over(&s));
			assert_true(
			    s.w.now_us <= at + 10200 * MS || s.w.sink_rate > 0);
			/* What is sent again on a fresh connection had its
			 * slot before. */
			assert_true(begun_since(&s, at) <= (double)slots);
			check_left(&s);
		}
		sim_fini(&s);
	}
}

int
run_chaos(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_ends_whatever_goes_wrong),
		cmocka_unit_test(
		    test_a_stop_at_any_moment_ends_within_the_grace),
	};

	return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
