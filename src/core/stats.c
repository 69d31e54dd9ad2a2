/* SPDX-License-Identifier: ISC */
/* Counters and a histogram. Knows nothing of what is counted. */
#include "core/stats.h"

#include "base/buf.h"
#include "core/saved.h"

static const char *const names[WAIT_COUNT] = {
	[WAIT_SLOT] = "slot",
	[WAIT_HOST_LIMIT] = "host_limit",
	[WAIT_RATE] = "rate",
	[WAIT_DELAY] = "delay",
	[WAIT_BUDGET] = "budget",
	[WAIT_RETRY_AFTER] = "retry_after",
	[WAIT_BACKOFF] = "backoff",
	[WAIT_DNS] = "dns_wait",
	[WAIT_HANDSHAKE] = "handshake",
	[WAIT_NET_DOWN] = "net_down",
	[WAIT_FD_LIMIT] = "fd_limit",
	[WAIT_MEMORY] = "memory",
	[WAIT_ORDER] = "order",
	[WAIT_OUTPUT_BLOCKED] = "output_blocked",
	[WAIT_WORKER_BUSY] = "worker_busy",
	[WAIT_JOURNAL] = "journal",
};

const char *
stats_wait_name(enum wait_reason r)
{
	return names[r];
}

void
stats_wait(struct stats *s, enum wait_reason r, int64_t us)
{
	s->waits[r].count++;
	s->waits[r].time_us += us;
}

void
stats_count(struct stats *s, const struct item_outcome *o)
{
	s->by_error[o->err]++;
	if (o->parse < PARSE_COUNT)
		s->by_parse[o->parse]++;
	if (o->err != E_INTERRUPTED) /* by_error counts it */
		s->exit_classes |= 1u << o->exit_class;
	if (o->err == E_OK) {
		s->ok++;
		s->by_status[o->status_class]++;
	} else
		s->failed++;
}

/* ---- as bytes ---- */

#define VERSION 1
#define STATUSES (sizeof(((struct stats *)0)->by_status) / sizeof(uint64_t))

/* A count that is not 0 is written after its name: codes may be added. */
static void
save_named(struct saved *to, const char *name, uint64_t count)
{
	struct span s = span_str(name);

	if (count == 0)
		return;
	saved_text(to, &s);
	saved_u64(to, &count, UINT64_MAX);
}

void
stats_save(const struct stats *s, struct buf *to)
{
	uint64_t v[] = { s->ok, s->failed, s->requests, s->bytes_in,
		s->bytes_out, s->conns_reused, s->exit_classes };
	struct saved b = { .to = to };
	struct span end = SPAN_NONE;
	uint64_t n;
	size_t i;

	buf_char(to, VERSION);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		saved_u64(&b, &v[i], UINT64_MAX);
	for (i = 0; i < STATUSES; i++) {
		n = s->by_status[i];
		saved_u64(&b, &n, UINT64_MAX);
	}
	for (i = 0; i < E_COUNT; i++)
		save_named(&b, error_code((enum err)i), s->by_error[i]);
	saved_text(&b, &end);
	for (i = 0; i < PARSE_COUNT; i++)
		save_named(&b,
		    i == PARSE_OK ? error_code(E_OK)
				  : parse_error_code((enum parse_error)i),
		    s->by_parse[i]);
	saved_text(&b, &end);
}

static uint64_t *
error_named(struct stats *s, struct span name)
{
	size_t i;

	for (i = 0; i < E_COUNT; i++)
		if (span_eq(name, span_str(error_code((enum err)i))))
			return &s->by_error[i];
	return NULL;
}

static uint64_t *
parse_named(struct stats *s, struct span name)
{
	size_t i;

	if (span_eq(name, span_str(error_code(E_OK))))
		return &s->by_parse[PARSE_OK];
	for (i = 1; i < PARSE_COUNT; i++)
		if (span_eq(
			name, span_str(parse_error_code((enum parse_error)i))))
			return &s->by_parse[i];
	return NULL;
}

static void
read_named(struct saved *from, struct stats *s,
    uint64_t *(*find)(struct stats *s, struct span name))
{
	struct span name = SPAN_NONE;
	uint64_t n = 0, *to;

	for (saved_text(from, &name); name.n > 0; saved_text(from, &name)) {
		saved_u64(from, &n, UINT64_MAX);
		to = find(s, name);
		if (to != NULL) /* otherwise a code of a newer version */
			*to += n;
	}
}

int
stats_restore(struct stats *s, struct span from)
{
	struct stats sum = *s;
	uint64_t *to[] = { &sum.ok, &sum.failed, &sum.requests, &sum.bytes_in,
		&sum.bytes_out, &sum.conns_reused };
	struct saved b = { .from = from };
	unsigned version = 0, classes = 0;
	uint64_t n = 0;
	size_t i;

	saved_unsigned(&b, &version, VERSION);
	for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		saved_u64(&b, &n, UINT64_MAX);
		*to[i] += n;
		if (i < 2) /* items that have a record */
			sum.items += n;
	}
	saved_unsigned(&b, &classes, UINT32_MAX);
	sum.exit_classes |= classes;
	for (i = 0; i < STATUSES; i++) {
		saved_u64(&b, &n, UINT64_MAX);
		sum.by_status[i] += n;
	}
	read_named(&b, &sum, error_named);
	read_named(&b, &sum, parse_named);
	if (version != VERSION || b.is_bad || b.from.n > 0)
		return -1;
	*s = sum;
	return 0;
}

/* ---- how long events wait ---- */

/* Below 8 us a bucket each, then 8 a doubling. */
static unsigned
bucket_of(int64_t us)
{
	uint64_t v = us > 0 ? (uint64_t)us : 0;
	unsigned octave, b;

	if (v < 8)
		return (unsigned)v;
	octave = 63 - (unsigned)__builtin_clzll(v);
	b = (octave - 2) * 8 + (unsigned)((v >> (octave - 3)) & 7);
	return b < LAG_BUCKETS ? b : LAG_BUCKETS - 1;
}

/* The upper edge of a bucket. */
static int64_t
edge_of(unsigned b)
{
	unsigned octave = b / 8 + 2;

	if (b < 8)
		return b;
	return (int64_t)((8ULL + b % 8 + 1) << (octave - 3)) - 1;
}

void
stats_lag(struct lag *l, int64_t us)
{
	l->of[bucket_of(us)]++;
	if (us > l->max_us)
		l->max_us = us;
}

int64_t
stats_lag_quantile(const struct lag *l, double share)
{
	uint64_t total = 0, seen = 0, want;
	unsigned i;

	for (i = 0; i < LAG_BUCKETS; i++)
		total += l->of[i];
	want = (uint64_t)((double)total * share);
	for (i = 0; i < LAG_BUCKETS; i++) {
		seen += l->of[i];
		if (seen > want)
			break;
	}
	if (i == LAG_BUCKETS)
		return l->max_us;
	return edge_of(i) < l->max_us ? edge_of(i) : l->max_us;
}
