/* SPDX-License-Identifier: ISC */
/*
 * What the files of resolve share, and nobody else includes:
 *
 *   resolve.c        jobs, batches of waiters
 *   resolve_answer.c what is known, as an answer
 *   resolve_cache.c  what is known of each name; LRU
 *   resolve_fixed.c  --resolve, numbers, the hosts file, localhost
 *   resolve_conf.c   which servers to ask
 *   resolve_search.c which names a short one may stand for
 *   resolve_query.c  one question, over servers, until it is answered
 *   resolve_chan.c   c-ares: one question, one server, one try
 *   resolve_reply.c  a server's answer, from its bytes
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
/* After that long without an answer the next server is asked as well. */
#define RESOLVE_TRY_MS 1500
/* And for that long an answer is listened for where --dns-timeout is off. */
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

/* Addresses of one family, as the wire has them, one behind the other. */
struct resolve_set {
	unsigned n; /* <= RESOLVE_MAX_ADDRS */
	unsigned char *addr;
};

/* ---- resolve_reply.c ---------------------------------------------------- */

struct resolve_reply {
	/* E_OK with n > 0 addresses, or E_DNS_*. Of a try that never left
	 * this machine for want of a descriptor or a buffer:
	 * E_RESOURCE_LIMIT. */
	enum err err;
	const char *detail; /* static */
	int cut;            /* not whole: to be asked again over TCP */
	uint32_t ttl_s;     /* clamped; 0: for those who wait only, as a
			     * failure always is */
	unsigned n;
	unsigned char addr[RESOLVE_MAX_ADDRS * 16];
};

/*
 * Reads a whole answer to a question for one name and family. Never fails:
 * what it cannot use is E_DNS_BAD_RESPONSE. No memory is taken, work is
 * bounded. RFC 1035; CNAME chains in any order, at most 16 long; TTL the
 * least of the chain's (RFC 2181), negative from the SOA (RFC 2308).
 */
void resolve_reply_parse(struct resolve_reply *rp, enum resolve_family f,
    const unsigned char *p, size_t n);
/* Without an answer: the error alone. */
void
resolve_reply_fail(struct resolve_reply *rp, enum err err, const char *detail);

/* ---- resolve_chan.c ----------------------------------------------------- */

struct resolve_ask;
struct resolve_chan;
struct resolve_query;

/* One c-ares channel to one server, for UDP or for TCP. Owned by the
 * caller. */
struct resolve_chan *
resolve_chan_new(struct resolve *r, const union resolve_addr *server, int tcp);
/* What is still open is answered by resolve_ask_done while it runs. */
void resolve_chan_free(struct resolve_chan *c); /* NULL is allowed */
/*
 * One try. Its outcome goes into a->reply, then resolve_ask_done(a) is called:
 * from the loop, or from inside this call. It is listened for as long as a
 * whole look-up may take.
 */
void resolve_chan_ask(
    struct resolve_chan *c, const char *name, struct resolve_ask *a);
/* Takes in what has arrived, without waiting for the loop to tell of it. */
void resolve_chan_read(struct resolve_chan *c);

/* ---- resolve_cache.c ---------------------------------------------------- */

/* What is known of a name in one family. */
struct resolve_known {
	struct resolve_query *q; /* being asked, or NULL */
	int64_t asked_at_us;     /* since then, if so */
	int64_t at_us;           /* when it was learned; 0: nothing known */
	int64_t until_at_us;     /* when it expires */
	unsigned batch;          /* who may use it even so */
	enum err err;
	const char *detail;
	struct resolve_set set;
};

/*
 * A name. It is idle, and then on the LRU list, when nobody waits for it and
 * nothing is asked for it; only then may it be evicted.
 */
struct resolve_name {
	struct hash_link in_table;
	struct link on_lru;
	struct link on_window; /* its 50 ms are running */
	int64_t window_at_us;  /* until then */
	struct list jobs;
	int waiting;    /* jobs wait for what is being asked */
	unsigned batch; /* of the jobs that wait now, or waited last: what is
			 * learned meanwhile, they may use. Not told by the
			 * time: a microsecond is long enough for two. */
	int delivering; /* callbacks are running */
	struct resolve_known known[RESOLVE_FAMILIES];
	size_t n;
	char text[]; /* NUL-terminated */
};

struct resolve_cache {
	struct hash table;
	struct list lru; /* the latest used first */
	size_t bytes;
};

void resolve_cache_init(struct resolve_cache *c);
/* Frees all names, idle or not, and what is being asked for them. */
void resolve_cache_fini(struct resolve_cache *c);
/* Names are in lower case, without a final dot. NULL if there is none. */
struct resolve_name *resolve_cache_find(
    const struct resolve_cache *c, struct span name, uint64_t hash);
/* A new one, not idle; evicts idle ones over the caps. */
struct resolve_name *
resolve_cache_add(struct resolve_cache *c, struct span name, uint64_t hash);
/* The name is, or is no longer, idle; repeats are harmless. An idle name of
 * which nothing is known is freed. */
void resolve_cache_idle(struct resolve_cache *c, struct resolve_name *nm);
void resolve_cache_busy(struct resolve_cache *c, struct resolve_name *nm);
/* Notes what a question brought. */
void resolve_cache_learn(struct resolve_cache *c, struct resolve_name *nm,
    enum resolve_family f, const struct resolve_reply *rp, int64_t now_us);

/* ---- resolve_fixed.c ---------------------------------------------------- */

/* What needs no question. */
struct resolve_fixed {
	struct hash overrides, hosts;
};

/* 0, or -1 with *why filled in. An unreadable hosts file is an empty one. */
int resolve_fixed_init(struct resolve_fixed *fx,
    const struct resolve_conf *conf, char *why, size_t why_size);
void resolve_fixed_fini(struct resolve_fixed *fx);

/* The sets are good until fini, and as long as the answer stays in place. */
struct resolve_fixed_answer {
	struct resolve_set set[RESOLVE_FAMILIES]; /* n 0: none of it */
	unsigned char own[RESOLVE_FAMILIES][16];
};
/* 1 if the name (lower case, no final dot) is answered without a question: by
 * an override for host and port, a number, the hosts file, localhost. */
int resolve_fixed_find(const struct resolve_fixed *fx, struct span name,
    uint16_t port, struct resolve_fixed_answer *out);

/* ---- resolve_conf.c ----------------------------------------------------- */

/* How many servers stand in out, at least one; or -1 with *why filled in. */
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

/* ---- resolve_search.c --------------------------------------------------- */

/* In lower case, without dots at its ends. */
struct resolve_domain {
	size_t n;
	char text[RESOLVE_NAME_MAX];
};

struct resolve_search {
	unsigned ndots; /* it is for names with fewer dots */
	unsigned n;
	struct resolve_domain domain[RESOLVE_MAX_DOMAINS];
};

/* From resolv.conf; a file that cannot be read is an empty one, as is NULL. */
void resolve_search_init(struct resolve_search *s, const char *path);
/* 1 if that name, should it not exist, may stand for another: it has few
 * enough dots, and none at its end. */
int resolve_search_applies(const struct resolve_search *s, struct span host);
/* The next of them, put into out; *next is 0 at first. Empty: no more. */
struct span resolve_search_next(const struct resolve_search *s,
    struct span given, unsigned *next, char out[RESOLVE_NAME_MAX]);

/* ---- resolve_query.c ---------------------------------------------------- */

/*
 * One question under way. It goes over the servers as long as somebody waits
 * for the name, and is then learned. A server that is slow is not given up:
 * whichever try has an answer first ends it.
 */
struct resolve_query {
	struct list *list;   /* r->open, stalled or paced; or NULL */
	struct link on_list; /* of it */
	struct link on_young;
	int64_t asked_at_us; /* the last time */
	struct resolve *r;
	struct resolve_name *name;
	enum resolve_family family;
	uint32_t asked; /* servers of this round, as bits */
	unsigned round;
	struct list asks;         /* tries that are listened for */
	struct resolve_ask *last; /* of these the latest, or NULL */
	enum err err;             /* the most telling one so far */
	const char *detail;
};

/* One try with one server. */
struct resolve_ask {
	struct link on_query; /* of its query's; off once it has ended */
	struct link on_done;  /* of r->done */
	struct resolve *r;
	struct resolve_query *q; /* NULL: its answer is not wanted any more */
	enum resolve_family family;
	unsigned server;
	int tcp;
	struct resolve_reply reply;
};

struct resolve_server {
	struct resolve_chan *udp;
	struct resolve_chan *tcp; /* NULL until an answer is cut */
	union resolve_addr addr;
	unsigned bad;            /* timeouts and refusals in a row */
	int64_t bad_until_at_us; /* asked last until then */
	int64_t answered_at_us;  /* the last time, however late */
};

void resolve_query_start(struct resolve *r, struct resolve_name *nm,
    enum resolve_family f, int64_t now_us);
/* For resolve_chan: a->reply is filled in. Only queues. */
void resolve_ask_done(struct resolve_ask *a);
/* Goes on with what is done; from the loop only. */
void resolve_query_drain(struct resolve *r);
/* Asks the next server for what is open too long. */
void resolve_query_ask_again(struct resolve *r);
/* Frees one that is not listened for; for resolve_free. */
void resolve_query_drop(struct resolve_query *q);
/* Sends what was held back: what stalled, and what would have been too much
 * at once. */
void resolve_query_unstall(struct resolve *r);
void resolve_query_pace(struct resolve *r);
/* 1 if a says more about why a name has no address than b. */
int resolve_query_more_telling(enum err a, enum err b);

/* ---- resolve_answer.c --------------------------------------------------- */

/* Fresh, or learned while those who wait now, or waited last, were waiting. */
int resolve_answer_is_usable(const struct resolve_name *nm,
    const struct resolve_known *kn, int64_t now_us);

struct resolve_view {
	int pending; /* families being asked for */
	int found;   /* families with addresses */
	int absent;  /* families of which there is no such name */
};

struct resolve_view resolve_answer_look(
    const struct resolve *r, const struct resolve_name *nm, int64_t now_us);
/* Each fills in *a but for from_cache. */
void resolve_answer_known(const struct resolve *r,
    const struct resolve_name *nm, int64_t now_us, struct resolve_answer *a);
void resolve_answer_fixed(const struct resolve *r,
    struct resolve_fixed_answer *fa, struct resolve_answer *a);
void resolve_answer_fail(struct resolve_answer *a, enum err err,
    const char *detail, int64_t until_us);

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
	struct list done;    /* tries that have ended */
	struct list open;    /* queries whose last try has not yet, and is
			      * still in time: the oldest first */
	struct list stalled; /* queries that wait: for descriptors, or because
			      * the same one has just failed */
	struct list paced;   /* queries that would have been too much at once */
	struct list young;   /* queries asked just now, the oldest first */
	int polling;         /* c-ares runs in an event; drained after */
	int closing;         /* resolve_free runs */
	struct timer *later; /* drains what ended inside a starting call */
	struct timer *again; /* the first of `open` is asked again */
	struct timer *unstall;
	struct timer *pace;
	struct list jobs; /* the oldest, so the next to time out, first */
	struct timer *deadline;
	struct list windows; /* likewise */
	struct timer *window;
	uint64_t nlookup, ncached;
};

/* What a question brought; rp NULL: it was given up, nobody waits. */
void resolve_learn(struct resolve *r, struct resolve_name *nm,
    enum resolve_family f, const struct resolve_reply *rp);

#endif
