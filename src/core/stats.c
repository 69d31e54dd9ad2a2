/* SPDX-License-Identifier: ISC */
/* Counters and a histogram. Knows nothing of what is counted. */
#include "core/stats.h"

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
