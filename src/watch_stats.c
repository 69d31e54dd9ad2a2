/* SPDX-License-Identifier: ISC */
/* Writes the counts as one JSON line; numbers and our own names only. */
#include "watch_stats.h"

#include <stdio.h>
#include <sys/resource.h>

#include "core/core.h"
#include "engine.h"
#include "engine_workers.h"
#include "watch_origins.h"

static void
put_count(struct buf *b, const char *key, uint64_t n)
{
	buf_printf(b, ",\"%s\":%llu", key, (unsigned long long)n);
}

static void
put_time(struct buf *b, const char *key, double s)
{
	buf_printf(b, ",\"%s\":%.6f", key, s);
}

static double
seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

/* ru_maxrss survives exec: it may be that of our parent process. */
static uint64_t
rss_peak_bytes(const struct rusage *ru)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kb = (unsigned long long)ru->ru_maxrss;
	char line[256];

	if (f == NULL)
		return kb * 1024;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmHWM: %llu kB", &kb) == 1)
			break;
	fclose(f);
	return kb * 1024;
}

static void
put_machine(struct buf *b, double took)
{
	struct rusage ru;

	put_time(b, "time", took);
	if (getrusage(RUSAGE_SELF, &ru) != 0)
		return;
	put_time(b, "cpu_user", seconds(ru.ru_utime));
	put_time(b, "cpu_sys", seconds(ru.ru_stime));
	put_count(b, "rss_peak_bytes", rss_peak_bytes(&ru));
}

static void
put_waits(struct buf *b, const struct stats *s)
{
	const char *sep = "";
	int r;

	buf_str(b, ",\"waits\":{");
	for (r = 0; r < WAIT_COUNT; r++) {
		if (s->waits[r].count == 0)
			continue;
		buf_printf(b, "%s\"%s\":{\"count\":%llu,\"time\":%.6f}", sep,
		    stats_wait_name(r), (unsigned long long)s->waits[r].count,
		    (double)s->waits[r].time_us / 1e6);
		sep = ",";
	}
	buf_char(b, '}');
}

static void
put_workers(struct buf *b, const struct core *c, double took)
{
	struct engine_workers_stats st;

	engine_workers_stats(c, (int64_t)(took * 1e6), &st);
	put_count(b, "workers", st.workers);
	put_time(b, "worker_busy", st.busy);
	put_count(b, "worker_queue_max", st.queue_max);
	put_count(b, "worker_restarts", st.restarts);
}

void
watch_stats(struct buf *b, const struct engine *e, double took)
{
	const struct stats *s = &engine_job(e)->stats;
	const struct core *c = engine_core(e);
	struct engine_counts n;

	engine_counts(e, &n);
	buf_str(b, "{\"type\":\"stats\"");
	put_count(b, "items", s->items);
	put_count(b, "ok", s->ok);
	put_count(b, "failed", s->failed);
	put_count(b, "requests", s->requests);
	put_count(b, "bytes_in", s->bytes_in);
	put_count(b, "bytes_out", s->bytes_out);
	put_machine(b, took);
	put_time(b, "loop_lag_p50",
	    (double)stats_lag_quantile(&c->turn.lag, 0.5) / 1e6);
	put_time(b, "loop_lag_p99",
	    (double)stats_lag_quantile(&c->turn.lag, 0.99) / 1e6);
	put_time(b, "loop_lag_max", (double)c->turn.lag.max_us / 1e6);
	put_count(b, "hosts", c->hosts.created);
	put_count(b, "conns_opened", n.conns_opened);
	put_count(b, "conns_reused", s->conns_reused);
	put_count(b, "handshakes", n.handshakes);
	put_count(b, "lookups", n.lookups);
	put_count(b, "lookups_cached", n.lookups_cached);
	put_waits(b, s);
	watch_origins_stats(b, c);
	put_workers(b, c, took);
	buf_str(b, "}\n");
}
