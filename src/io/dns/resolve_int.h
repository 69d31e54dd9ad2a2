/* SPDX-License-Identifier: ISC */
/*
 * What the files of the resolver share. Calls go down this list only; what the
 * lower files notice comes up through callbacks that are set at the start:
 *
 *   resolve.c  look-ups: who waits for which name, and when an answer is ready
 *   query.c    one query: which server is asked when, and what a failure means
 *   chan.c     c-ares: one query, one server, one try
 *   answer.c   what is known of a name, as an answer
 *   cache.c    what is known of each name; LRU
 *   reply.c    a server's reply, parsed
 *   fixed.c    --resolve, numeric addresses, the hosts file, localhost
 *   search.c   the search list of resolv.conf
 *   conf.c     which servers to ask
 */
#ifndef IO_DNS_RESOLVE_INT_H
#define IO_DNS_RESOLVE_INT_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "io/dns/resolve.h"
#include "io/timer.h"

#define RESOLVE_MAX_SERVERS 16
#define RESOLVE_MAX_DOMAINS 6
#define RESOLVE_NAME_MAX 253
/* After this time without an answer the next server is asked as well. */
#define RESOLVE_TRY_MS 1500
/* How long c-ares waits for an answer if --dns-timeout is 0. */
#define RESOLVE_LISTEN_MS 30000
#define RESOLVE_MIN_TTL_S 1
#define RESOLVE_MAX_TTL_S 3600
#define RESOLVE_MAX_NEG_TTL_S 300

/* The order in which addresses are tried. */
enum resolve_family { RESOLVE_V6, RESOLVE_V4, RESOLVE_FAMILIES };

static inline size_t
resolve_addr_len(enum resolve_family f)
{
	return f == RESOLVE_V6 ? 16 : 4;
}

/* Addresses of one family in wire format, one after the other. */
struct resolve_set {
	unsigned n; /* <= RESOLVE_MAX_ADDRS */
	unsigned char *addr;
};

/* ---- reply.c ------------------------------------------------------------ */

struct resolve_reply {
	/* E_OK with n > 0 addresses, or E_DNS_*; E_RESOURCE_LIMIT if no packet
	 * was sent because a descriptor or a buffer is short. */
	enum err err;
	const char *detail; /* static */
	int truncated;      /* to be repeated over TCP */
	uint32_t ttl_s;     /* clamped; 0: only for the callers that wait,
			     * as a failure always is */
	unsigned n;
	unsigned char addr[RESOLVE_MAX_ADDRS * 16];
};

/*
 * Parses a complete reply to a query for one name and family. What it cannot
 * use is E_DNS_BAD_RESPONSE. Takes no memory, and its work is bounded. RFC
 * 1035; CNAME chains in any order, at most 16 long; TTL the least of the
 * chain's (RFC 2181), negative from the SOA (RFC 2308).
 */
void resolve_reply_parse(struct resolve_reply *rp, enum resolve_family f,
    const unsigned char *p, size_t n);
/* A reply that is an error. */
void
resolve_reply_fail(struct resolve_reply *rp, enum err err, const char *detail);
/* 1 if error a says more about why a name has no address than b does. */
int resolve_reply_says_more(enum err a, enum err b);

/* ---- chan.c ------------------------------------------------------------- */

struct resolve_try;
struct resolve_chan;
struct resolve_query;

/* The events that r->chan_events reports. */
struct resolve_chan_events {
	/* A try has ended, and t->reply is filled in. May come from inside
	 * resolve_chan_send. */
	void (*done)(struct resolve_try *t);
	/* The end of an event, in which tries may have ended. */
	void (*over)(struct resolve *r);
};

/* A c-ares channel to one server, over UDP or TCP. Owned by the caller. */
struct resolve_chan *
resolve_chan_new(struct resolve *r, const union resolve_addr *server, int tcp);
/* Ends the tries that are open: events->done comes for each. */
void resolve_chan_free(struct resolve_chan *c); /* NULL is allowed */
/* Sends a query for `name`. The reply is waited for as long as a whole look-up
 * may take. */
void resolve_chan_send(
    struct resolve_chan *c, const char *name, struct resolve_try *t);
/* Reads what has arrived, without waiting for an event. */
void resolve_chan_read(struct resolve_chan *c);

/* ---- cache.c ------------------------------------------------------------ */

/* What is known of a name in one family. */
struct resolve_known {
	struct resolve_query *q; /* open, or NULL */
	int64_t asked_at_us;     /* when it was opened */
	int64_t learned_at_us;   /* 0: nothing known */
	int64_t until_at_us;     /* when it expires */
	unsigned batch;          /* whose jobs may use it even so */
	enum err err;
	const char *detail;
	struct resolve_set set;
};

/*
 * A name. While no job waits for it and no query is open for it, it is idle:
 * on the LRU list, and may be evicted.
 */
struct resolve_name {
	struct hash_link in_table;
	struct link on_lru;
	struct link on_delay; /* its Resolution Delay runs */
	int64_t delay_end_at_us;
	struct list jobs;
	int waiting;    /* jobs wait for the open queries */
	unsigned batch; /* number of the jobs that wait, or waited last: they
			 * may use what is learned meanwhile. A number, as two
			 * batches may fall into one microsecond. */
	int delivering; /* callbacks are running */
	struct resolve_known known[RESOLVE_FAMILIES];
	size_t n;
	char text[]; /* NUL-terminated */
};

struct resolve_cache {
	struct hash table;
	struct list lru; /* the most recently used first */
	size_t bytes;
};

void resolve_cache_init(struct resolve_cache *c);
/* Frees all names, idle or not. No query may be open. */
void resolve_cache_fini(struct resolve_cache *c);
/* Names are in lower case, without a final dot. NULL if there is none. */
struct resolve_name *resolve_cache_find(
    const struct resolve_cache *c, struct span name, uint64_t hash);
/* Adds a name, not idle. Evicts idle ones over the limits. */
struct resolve_name *
resolve_cache_add(struct resolve_cache *c, struct span name, uint64_t hash);
/* Both may be repeated. An idle name of which nothing is known is freed. */
void resolve_cache_set_idle(struct resolve_cache *c, struct resolve_name *nm);
void resolve_cache_set_busy(struct resolve_cache *c, struct resolve_name *nm);
/* Stores a reply. */
void resolve_cache_learn(struct resolve_cache *c, struct resolve_name *nm,
    enum resolve_family f, const struct resolve_reply *rp, int64_t now_us);

/* ---- fixed.c ------------------------------------------------------------ */

/* Names that need no query. */
struct resolve_fixed {
	struct hash overrides, hosts;
};

/* 0, or -1 with *why filled in. An unreadable hosts file is an empty one. */
int resolve_fixed_init(struct resolve_fixed *fx,
    const struct resolve_conf *conf, char *why, size_t why_size);
void resolve_fixed_fini(struct resolve_fixed *fx);

/* The sets are valid until resolve_fixed_fini, and only while the struct is not
 * moved. */
struct resolve_fixed_answer {
	struct resolve_set set[RESOLVE_FAMILIES]; /* n 0: none of it */
	unsigned char own[RESOLVE_FAMILIES][16];
};
/* 1 if the name (lower case, no final dot) is answered without a query: by an
 * override for host and port, a number, the hosts file, localhost. */
int resolve_fixed_find(const struct resolve_fixed *fx, struct span name,
    uint16_t port, struct resolve_fixed_answer *out);

/* ---- conf.c ------------------------------------------------------------- */

/* The number of servers in out, at least one; or -1 with *why filled in. */
int resolve_conf_servers(const struct resolve_conf *conf,
    union resolve_addr out[RESOLVE_MAX_SERVERS], char *why, size_t why_size);
/* At most cap bytes of a text file; 0, or -1 if it cannot be read. */
int resolve_conf_read(const char *path, size_t cap, struct buf *out);
/* Takes the first line off *rest, without its end and its comment. */
struct span resolve_conf_line(struct span *rest);
/* Takes the first word off *line; empty at the end. */
struct span resolve_conf_word(struct span *line);
/* Decimal digits, 1 to 65535; 0, or -1. */
int resolve_conf_port(struct span s, uint16_t *port);
/* 1 and the address in wire form if s is a numeric one of either family. */
int resolve_conf_number(
    struct span s, enum resolve_family *f, unsigned char out[16]);

/* ---- search.c ----------------------------------------------------------- */

/* In lower case, without leading and trailing dots. */
struct resolve_domain {
	size_t n;
	char text[RESOLVE_NAME_MAX];
};

struct resolve_search {
	unsigned ndots; /* the list is for names with fewer dots */
	unsigned n;
	struct resolve_domain domain[RESOLVE_MAX_DOMAINS];
};

/* From resolv.conf. A file that cannot be read counts as empty; so does NULL.
 */
void resolve_search_init(struct resolve_search *s, const char *path);
/* 1 if the list is for that name: it has few enough dots, and none at its end.
 */
int resolve_search_applies(const struct resolve_search *s, struct span host);
/* `given` in the next domain, in `out`; *next is 0 at first. Empty: no more. */
struct span resolve_search_next(const struct resolve_search *s,
    struct span given, unsigned *next, char out[RESOLVE_NAME_MAX]);

/* ---- query.c ------------------------------------------------------------ */

/*
 * An open query for one name and family. It asks one server after another while
 * a job waits for the name. Earlier tries stay open: the first useful reply of
 * any server ends the query.
 */
struct resolve_query {
	struct list *list;   /* r->open, stalled or paced; or NULL */
	struct link on_list; /* of it */
	struct link on_recent;
	int64_t asked_at_us; /* when the last try was sent */
	struct resolve *r;
	struct resolve_name *name;
	enum resolve_family family;
	uint32_t tried; /* servers asked in this round, as bits */
	unsigned round;
	struct list tries;        /* open ones */
	struct resolve_try *last; /* the latest of these, or NULL */
	enum err err;             /* the one that says most so far */
	const char *detail;
};

/* One try with one server. */
struct resolve_try {
	struct link on_query; /* q->tries, until it has ended */
	struct link on_done;  /* r->done, from then on */
	struct resolve *r;
	struct resolve_query *q; /* NULL: its reply is not needed any more */
	enum resolve_family family;
	unsigned server;
	int tcp;
	struct resolve_reply reply;
};

struct resolve_server {
	struct resolve_chan *udp;
	struct resolve_chan *tcp; /* NULL until a reply is truncated */
	union resolve_addr addr;
	unsigned failures;         /* timeouts and refusals in a row */
	int64_t avoid_until_at_us; /* asked last until then */
	int64_t answered_at_us;    /* the last time, however late */
};

/* Sets r->chan_events. */
void resolve_query_init(struct resolve *r);
/* Frees the tries that have ended, after all channels are closed. */
void resolve_query_fini(struct resolve *r);
void resolve_query_start(struct resolve *r, struct resolve_name *nm,
    enum resolve_family f, int64_t now_us);
/* Acts on the tries that have ended; from the loop only. */
void resolve_query_handle_done(struct resolve *r);
/* Asks the next server for each query whose last try is open too long. */
void resolve_query_ask_again(struct resolve *r);
/* Frees a query. Its tries continue; their replies are ignored. */
void resolve_query_drop(struct resolve_query *q);
/* Sends what was held back: stalled queries, and those over the burst limit. */
void resolve_query_unstall(struct resolve *r);
void resolve_query_pace(struct resolve *r);

/* ---- answer.c ----------------------------------------------------------- */

/* Is it fresh, or was it learned for the present batch? */
int resolve_answer_is_usable(const struct resolve_name *nm,
    const struct resolve_known *kn, int64_t now_us);

struct resolve_view {
	int pending; /* families with an open query */
	int found;   /* families with addresses */
	int absent;  /* families that say NXDOMAIN */
};

struct resolve_view resolve_answer_look(
    const struct resolve *r, const struct resolve_name *nm, int64_t now_us);
/* Each fills in all of *a but from_cache. */
void resolve_answer_known(const struct resolve *r,
    const struct resolve_name *nm, int64_t now_us, struct resolve_answer *a);
void resolve_answer_fixed(const struct resolve *r,
    struct resolve_fixed_answer *fa, struct resolve_answer *a);
void resolve_answer_fail(struct resolve_answer *a, enum err err,
    const char *detail, int64_t until_at_us);

/* ---- resolve.c ---------------------------------------------------------- */

struct resolve {
	struct event_base *base;
	int64_t timeout_us; /* 0: none */
	int use[RESOLVE_FAMILIES];
	struct resolve_fixed fixed;
	struct resolve_search search;
	struct resolve_cache cache;
	struct resolve_server server[RESOLVE_MAX_SERVERS];
	unsigned nserver;
	const struct resolve_chan_events *chan_events;
	/* A query has ended; rp NULL: no reply was needed any more. */
	void (*on_reply)(struct resolve *r, struct resolve_name *nm,
	    enum resolve_family f, const struct resolve_reply *rp);
	struct list done;    /* tries that have ended */
	struct list open;    /* queries whose last try is still in time, the
			      * oldest first */
	struct list stalled; /* queries that wait for descriptors, or because
			      * the same query has just failed */
	struct list paced;   /* queries over the burst limit */
	struct list recent;  /* queries sent just now, the oldest first */
	int is_in_cares;     /* c-ares runs in an event: `over` follows */
	int is_closing;      /* resolve_free runs */
	struct timer *later; /* handles tries that ended in a start call */
	struct timer *again; /* asks the next server for the first of `open` */
	struct timer *unstall;
	struct timer *pace;
	struct list jobs; /* the first to time out first */
	struct timer *deadline;
	struct list delays; /* names, the first to be due first */
	struct timer *delay;
	uint64_t nlookup, ncached;
};

#endif
