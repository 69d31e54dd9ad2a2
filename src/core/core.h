/* SPDX-License-Identifier: ISC */
/*
 * What the deciders share: the run's options, the movers they call, and the
 * lists and counts that say where every item is. Owned by struct engine; there
 * may be any number of them in a process.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "codec/record/record.h"
#include "codec/request.h"
#include "codec/url/url.h"
#include "core/account.h"
#include "core/origin/host.h"
#include "core/origin/idle.h"
#include "core/origin/network.h"
#include "core/origin/pace.h"
#include "core/sched.h"
#include "core/standstill.h"
#include "core/stats.h"
#include "io/clock.h"
#include "options/options.h"

struct conns;
struct decode;
struct event_base;
struct fetch;
struct host;
struct order;
struct pool;
struct resolve;
struct sink;
struct source;
struct timer;

#define CORE_READ_BYTES 65536
#define CORE_STATES 9

/* The first line of the run with something odd in it that is fetched all the
 * same. */
struct core_oddity {
	const char *source; /* file, "-", "argument"; NULL: there was none */
	uint64_t line;
};

struct core {
	const struct opts *opts;
	struct event_base *base; /* opaque here: for timers */
	struct conns *conns;
	struct resolve *resolve;
	struct source *source;
	struct sink *out;
	struct sink *failed;  /* --failed-input; or NULL */
	struct pool *workers; /* --extract and the like; or NULL */
	struct pool *coprocs; /* --exec; or NULL */
	struct order *order;  /* --keep-order; or NULL */
	enum err spill_error; /* of its file: ends the run */

	/* Where every fetch is. */
	struct list state[CORE_STATES]; /* QUEUED: unused, see struct host */
	struct list run;                /* entry hooks and reads that are due */
	struct list paused;             /* reading stopped by us */
	struct fetch *emitting;         /* its record is half written */
	struct buf *emit_to;            /* what output_open gave, */
	size_t emit_from;               /* and where its end was */
	size_t alive;
	uint64_t seq; /* of the newest item */

	/* Pace (core/origin/pace). */
	struct pace rate, host_rate; /* --rate; --rate-per-host, --delay */
	int64_t rate_at_us;          /* --rate: nothing before */
	int64_t rate_held_at_us;     /* when it last held something */
	struct pace_budget *budgets; /* opts->nbudgets of them */
	uint64_t random;             /* of jitter; never 0 */
	int input_ended, input_failed;
	int is_terminal;         /* records go to one: no control bytes */
	struct record_text text; /* of --format text */
	int is_single;           /* there is one item and no more */
	int was_left;            /* items were dropped without a record */

	struct sched sched;         /* admission */
	struct hosts hosts;         /* all origins */
	struct idle_pool idle_pool; /* kept-alive connections */
	struct network network;     /* is there one at all */

	/* Memory. */
	struct account account;
	struct list spare_fetches, spare_xchgs, spare_histories;
	char *read_buf; /* CORE_READ_BYTES */
	struct decode *spare_decode;

	/* Scratch for looking at a line before it waits. */
	struct request request;
	struct url url, target;
	struct url base_url; /* --base-url */
	struct record_format format;
	struct record_format line_format; /* of what --exec reads */
	struct buf authorization;         /* of -u or --oauth2-bearer */
	struct http_headers option_headers;
	struct core_oddity two_urls;    /* after a comma or blank another one */
	struct core_oddity method_case; /* "get" */
	struct core_oddity left_out;    /* of --failed-input */

	/* The turn (core/turn). */
	int input_left; /* the pump has more to do that no event tells of */
	void (*before_output)(void *arg); /* NULL: nobody asks */
	void *before_output_arg;
	struct clock clock;     /* the moment of the present callback */
	int64_t wall_offset_us; /* core/output/emit: the wall clock less ours */
	struct standstills standstills;

	struct stats stats;
};

/* The options must outlive it; `base` is for timers. The movers follow. */
void core_init(struct core *c, const struct opts *o, struct event_base *base);
/* Items that are still somewhere end without a record. */
void core_drop(struct core *c);
/* Frees all that core_init made and what came since. */
void core_fini(struct core *c);

#endif
