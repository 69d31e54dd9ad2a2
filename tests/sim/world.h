/* SPDX-License-Identifier: ISC */
/*
 * The world the deciders are run in: a virtual clock, events in a seeded
 * order, origins that answer or misbehave, an input and an output. It stands
 * in for libevent's base, so the fakes find it wherever io would find that.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "base/span.h"

#define MS 1000LL
#define SECOND 1000000LL
#define MINUTE (60 * SECOND)

#define WORLD_KINDS 16
#define WORLD_LISTS 4
#define WORLD_LIMITED 64 /* hosts of a kind that may have a limit */
#define WORLD_APIS (WORLD_KINDS * WORLD_LIMITED)

/* ---- events ---- */

typedef void ev_cb(void *arg);

struct ev {
	int64_t at_us;
	uint64_t key, born; /* order among those of one moment; pass */
	size_t place;       /* in the heap, from 1; 0: not set */
	ev_cb *cb;
	void *arg;
};

/* ---- origins; all chances are of 1,000 ---- */

enum trouble {
	TROUBLE_NONE,
	DOWN_REFUSES,  /* refuses connections, resets those it has */
	DOWN_SILENT,   /* not a packet comes back */
	DOWN_MUTE,     /* takes connections and never answers */
	DOWN_NO_ROUTE, /* EHOSTUNREACH after some seconds */
	DOWN_UNNAMED,  /* its name server is silent */
};

struct origin {
	/* How long each phase takes; under chaos half to one and a half. */
	int64_t lookup_at_us, connect_us, tls_us, first_at_us, piece_us;
	int64_t ttl_us;       /* of its addresses; 0: a minute */
	int64_t handshake_us; /* of tls_us, that our own queue held it */
	size_t body_bytes, piece_bytes; /* piece 0: all at once */
	size_t upload_bytes; /* taken per upload_us; 0: all at once */
	int64_t upload_us;
	int is_page;        /* it says text/html */
	int is_brotli;      /* 700,000 bytes come as a few */
	int is_early;       /* answers when it has the header section */
	int is_mute_reused; /* closes when a second request comes */

	int lookup_cached, lookup_fails, lookup_stalls;
	int refuses, connect_stalls, lacks_port;
	int tls_fails, tls_stalls;
	int upload_stalls;
	int resets_before, closes_before, stalls_before;
	int resets_after, truncates, stalls_after;
	int says_close, closes_idle, closes_reused, talks_idle;
	int lookup_servfails, has_bad_cert;

	/* Trouble for a while; times since the start, until 0: for ever. */
	enum trouble trouble;
	int64_t trouble_from_us, trouble_until_us;

	/* What it answers, 200 or: */
	int status;          /* to all */
	int errs, busy;      /* 500; 429 */
	int unavailable;     /* 503 */
	unsigned allows;     /* a second and host; 429 to more. Hosts < 64 */
	int retry_after_s;   /* with 429 and 503; 0: it does not say */
	int retry_after_of;  /* how often it says so; 0: always */
	int redirects;       /* each of them again */
	int redirect_status; /* 0: 301, 302, 303, 307 or 308 */
	unsigned to_kind;    /* to the host of that number there, */
	unsigned to_hosts;   /* or to any below this */
};

/* ---- what the peers see ---- */

struct input_item;

enum seen_what { SEEN_LOOKUP, SEEN_DIAL, SEEN_REQUEST };

struct seen {
	int64_t at_us; /* when it was handed to the network */
	int64_t
	    begun_at_us; /* when its connection was dialled for it, or at_us */
	uint64_t seq;    /* of a request */
	unsigned kind, host;
	short status; /* answered; 0: not yet */
	unsigned char what, hop, is_plain, is_unsafe;
	char method; /* G, H, P, U (PUT), D, or another first letter */
};

/* An answer that is not plainly 200. */
struct answer {
	int status;
	int retry_after_s; /* 0: none */
	int has_location;
	unsigned to_kind, to_host, to_hop;
	int to_plain;
};

/* ---- items ---- */

struct item {
	unsigned kind, host; /* index into origins; any number */
	int is_plain;        /* http, not https */
	const char *method;  /* NULL: a URL line */
	size_t body_bytes;   /* of a body in the line */
	size_t file_bytes;   /* of a body_file */
	const char *more;    /* raw JSON, begins with a comma; or NULL */
};

/* The outcome of an item. */
struct outcome {
	unsigned records, done; /* done: how often its token came back */
	unsigned handed;        /* handed: how often its request went out */
	unsigned asked;         /* answers that asked to wait */
	unsigned hops;          /* farthest one it came to */
	unsigned unsafe_hops;   /* a bit each: its POST was taken there */
	enum err err;
	int status, attempts, redirects, is_post;
	int retry;      /* its own, or -1 */
	int64_t at_us;  /* when its record left */
	int was_parsed; /* with a result, or a crash */
	/* What its input was told. */
	unsigned tried, tried_attempts, tries;
	int64_t not_before_at_us;
	unsigned begun;      /* how often it may have been sent */
	int64_t begin_at_us; /* when that is recorded; 0: not asked */
	char detail[20];
	unsigned saved; /* how often its body got a file, the last one: */
	size_t saved_bytes;
	int is_partial;
};

struct event_base {
	/* The clock. */
	uint64_t seed, random, keys, passes;
	int64_t now_us, horizon_us; /* horizon: time stops there */
	int64_t start_at_us;
	int is_chaotic;
	struct ev **heap;
	size_t nheap, heap_cap;

	/* The turn's budget, in calls of clock_tick. */
	int work, budget;

	/* The network. */
	const struct origin *origins;
	int64_t fd_lacks_until; /* none at all before that */
	int nojitter_timers;
	/* Nothing can be reached, since the start; until 0: for ever. */
	int64_t offline_from_us, offline_until_us;
	int is_offline_afar; /* there is a way out of the machine all the same
			      */
	/* What an origin answers to e; a is what it would. */
	void (*answer)(
	    struct event_base *w, const struct seen *e, struct answer *a);
	/* Nonzero: it breaks the connection; more than 1: in the middle of its
	 * header section. */
	int (*breaks)(struct event_base *w, const struct seen *e);
	int may_repeat; /* --retry-post: a POST may come twice */
	int64_t **api;  /* of origins with `allows`: moments */

	/* The parsers. */
	int64_t parse_us; /* for a document */
	int parse_fails;  /* of 1,000: they crash */

	/* The files. */
	int64_t write_us, place_us; /* to write what waits; to name a file */
	int file_conflicts;         /* of 1,000: their name is taken */

	/* The input: a list for each job. The items of the second are numbered
	 * after those of the first, and so on. */
	struct world_list {
		uint64_t first, items; /* numbers begin after first */
		uint64_t given, last_seq;
		uint64_t done; /* tokens that came back */
	} list[WORLD_LISTS];
	unsigned sources, sinks; /* made; each has the next list */
	void (*item)(struct event_base *w, uint64_t seq, struct item *to);
	uint64_t items, given;
	/* Of a run that is resumed: nonzero if the item was done, otherwise
	 * sets what is known of it. NULL: a first run. */
	int (*resume)(
	    struct event_base *w, uint64_t number, struct input_item *to);
	int64_t begin_us; /* until input_ops.begin says yes */
	/* Files that are open, how many may be (0: no limit), and where they
	 * end too soon (0: they do not). */
	size_t files, files_max;
	uint64_t files_end;
	int64_t input_gap_us; /* between two lines; 0: all are there */

	/* The output. */
	uint64_t sink_rate; /* bytes a second; 0: no limit */
	int64_t sink_blocks_from, sink_blocks_until;
	int is_ordered;              /* --keep-order */
	int may_lack_records;        /* --only-failed, --only-ok */
	int64_t failed_blocks_until; /* the reader of --failed-input */
	struct outcome *outcomes;    /* by seq, from 1 */
	uint64_t records;
	uint64_t body_bytes_out;

	/* What was seen. */
	size_t most_sockets;
	struct seen *seen;
	size_t nseen, seen_cap;
};

/* A world with that seed; now_us is not 0, as on a machine. */
void world_init(struct event_base *w, uint64_t seed);
void world_fini(struct event_base *w);
/* Ends the test, naming the seed and the moment. */
_Noreturn void world_fail(const struct event_base *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A number below n. */
uint64_t world_draw(struct event_base *w, uint64_t n);
int world_chance(struct event_base *w, int of_1000);
/* About `us`: under chaos half to one and a half of it. */
int64_t world_about(struct event_base *w, int64_t us);

void ev_init(struct ev *e, ev_cb *cb, void *arg);
/* Sets it, or moves it. What is due now comes in the next pass. */
void ev_set(struct event_base *w, struct ev *e, int64_t at_us);
void ev_clear(struct event_base *w, struct ev *e);
/*
 * Runs what is due. If `wait`, time goes on to the next event first, but not
 * beyond the horizon; -1 if there is none and there never will be.
 */
int world_pass(struct event_base *w, int wait);

/* Since the start. */
int64_t world_time(const struct event_base *w);
/* Is it in trouble of that kind; and when that ends (INT64_MAX: never)? */
int
world_has(const struct event_base *w, const struct origin *o, enum trouble t);
int64_t world_trouble_ends(const struct event_base *w, const struct origin *o);
int world_is_offline(const struct event_base *w);
/* When a packet lost from now on gets through at last: TCP sends it again 1,
 * 3, 7, ... s after the first time. */
int64_t world_retransmit(const struct event_base *w, int64_t until_us);
/* Adds it to the log and sets at_us. Valid until the next call. */
struct seen *world_see(struct event_base *w, const struct seen *e);

/* The world of this test, for io/timer.h, whose clock has no argument. */
struct event_base *world_now(void);

#endif
