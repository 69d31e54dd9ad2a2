/* SPDX-License-Identifier: ISC */
/*
 * A pool of parser processes: starts them, feeds them documents, watches their
 * time, reaps and replaces them. Knows bytes, messages and lines; not what a
 * document is nor what is made of it.
 *
 * Leaf contract: pool_put is always PENDING, the callback comes only from the
 * loop, and never after pool_cancel or pool_free has returned. From `done`
 * other documents may be put and taken back, but the pool not be freed; the
 * other callbacks call nothing of the pool.
 *
 * At most two documents are with a worker: the one being parsed and one in the
 * pipe behind it (with LINES, where answers carry no number, only the one). A
 * worker that dies, is too slow or talks nonsense is killed with its process
 * group and replaced; that is charged to the first document it had not
 * answered, the other is uncharged; to nobody if it left by itself, with status
 * 0, after it had answered others. A document charged with a crash, lack of
 * memory or nonsense is tried once more; one charged with its time or the
 * sandbox is not. What goes to another worker goes before all others, and to
 * one that has nothing else to do. A document's time runs from when it is the
 * first with its worker, its own way there included.
 */
#ifndef IO_POOL_POOL_H
#define IO_POOL_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/parse_error.h"
#include "base/span.h"

struct event_base;
struct pool;

/* Descriptors that a worker takes; for a moment one more when it dies. */
#define POOL_WORKER_FDS 4

enum pool_talk {
	POOL_FRAMES, /* fetchd-worker itself: codec/frame */
	POOL_LINES,  /* any program: a line in, a line out, in order */
};

/* A document. The owner embeds it, zeroed at first; it is the pool's from
 * pool_put to its callback or pool_cancel. */
struct pool_doc {
	struct link link;
	void *arg;      /* the owner's */
	uint64_t bytes; /* FRAMES: of the whole payload; LINES: about so many */
	/* The pool's own. */
	void *worker;
	unsigned char state, charges;
	unsigned char returns; /* workers that left when it was their next */
	unsigned char is_back; /* it was with another worker before */
};

struct pool_result {
	enum parse_error error;
	struct span value; /* the JSON text; n 0: none. Until the return */
	/* What value lies in, with nothing of use behind it, if it is large:
	 * may be swapped for an empty one instead of copying. Else NULL. */
	struct buf *held;
	int64_t time_us; /* how long it was with its worker, being parsed */
	unsigned worker; /* from 1; 0: it was with none */
};

/* What may be read of answers that are on their way. */
enum pool_room {
	POOL_ROOM_NONE,
	POOL_ROOM_ONE, /* the rest of one that is begun */
	POOL_ROOM_ALL,
};

struct pool_conf {
	enum pool_talk talk;
	const char *program; /* path of fetchd-worker */
	char *const *argv;   /* LINES: the program to run, by its arguments */
	unsigned workers;
	uint64_t mem_bytes; /* --worker-mem; 0: no limit */
	int64_t time_us;    /* --worker-time; 0: no limit */
	int use_sandbox;
	struct span config; /* FRAMES: the payload of CONFIG */
	/*
	 * LINES: what every line begins with. It is sent ahead: an answer
	 * counts once the program has read it and said nothing more, and a line
	 * is given to a program that has said nothing else. A program that says
	 * more than one line for each is replaced, and the document whose
	 * answer is in doubt is given to the next. n 0: nothing of that.
	 */
	struct span prefix;

	/*
	 * Appends the next bytes of d, some hundred KiB, to out: FRAMES the
	 * payload, LINES the line with its LF. Nonzero while there are more.
	 * `begin`: from the start again. An answer that comes before the last
	 * of them is held back until then.
	 */
	int (*fill)(struct pool_doc *d, struct buf *out, int begin);
	/*
	 * Is `value` what d's parser may say? 0 or -1; then it is
	 * worker_protocol.
	 */
	int (*check)(struct pool_doc *d, struct span value);
	/* d is finished and no longer the pool's. */
	void (*done)(struct pool_doc *d, const struct pool_result *r);
	/*
	 * Asked before more of a large answer is read. A worker whose answer
	 * has no room is not read from, and its time stands still, until
	 * pool_go_on. NULL: there always is room.
	 */
	enum pool_room (*room)(void *arg, const struct pool *p);
	/* A line the worker wrote to stderr, without LF, bytes as they came (a
	 * long one in pieces of 4 KiB); or, with worker 0, of the pool itself.
	 * For people. */
	void (*say)(void *arg, unsigned worker, struct span line);
	/* Before any other callback of an event: the owner reads the clock. */
	void (*tick)(void *arg);
	void *arg; /* of room, say and tick */
};

struct pool_stats {
	unsigned workers;  /* slots */
	unsigned running;  /* processes */
	int64_t busy_us;   /* time with a document, over all workers */
	uint64_t restarts; /* processes started beyond the first of a slot */
	size_t queue_max;  /* most documents that waited for a worker at once */
	uint32_t missing;  /* FRAMES: parts of the sandbox, FRAME_NO_* */
	int is_broken;     /* no worker could be started: see pool_put */
};

/*
 * The conf is copied; what it points to outlives the pool. Processes are
 * started at once, each slot's by itself. An ignored SIGCHLD is set back to its
 * default.
 */
struct pool *pool_new(struct event_base *base, const struct pool_conf *conf);
/* Kills the workers, forgets the documents without a callback. */
void pool_free(struct pool *p);

/*
 * FRAMES: waits up to `us` for a worker that says that it is READY, before the
 * loop runs. 0; -1 if there is none, or if what was configured is of no use,
 * with the reason appended to why.
 */
int pool_check(struct pool *p, int64_t us, struct buf *why);

/*
 * Hands d over. Once so many starts in a row have failed that it is given up
 * (6; LINES 10, unless the program cannot be executed at all), every document
 * ends with PARSE_UNAVAILABLE (from the loop). LINES: a start has failed if
 * the program dies without ever having answered. A lack of descriptors or
 * processes is no failed start while a worker is up.
 */
void pool_put(struct pool *p, struct pool_doc *d);
/* Takes d back: no callback. Nothing happens if it is not the pool's. */
void pool_cancel(struct pool *p, struct pool_doc *d);
/* Documents put and not given to a worker yet. */
size_t pool_waiting(const struct pool *p);
/* Is d with a worker (being parsed, or in its pipe)? */
int pool_is_with_worker(const struct pool_doc *d);
/* There may be room again for the answers that wait for it. */
void pool_go_on(struct pool *p);
/* Is any document waiting or with a worker? */
int pool_is_busy(const struct pool *p);
/* Bytes of documents and answers that are on their way. */
size_t pool_held_bytes(const struct pool *p);
void pool_stats(const struct pool *p, struct pool_stats *st);

#endif
