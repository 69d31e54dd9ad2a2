/* SPDX-License-Identifier: ISC */
/*
 * A pool of parser processes: starts them, sends them documents, limits their
 * time, reaps and replaces them. Knows bytes, messages and lines; not what a
 * document is nor what is made of it. docs/worker-pool.md explains the whole.
 *
 * Leaf contract: pool_put is always PENDING, the callback comes only from the
 * loop, and never after pool_cancel or pool_free has returned. From `done`
 * other documents may be put and taken back, but the pool not be freed; the
 * other callbacks call nothing of the pool.
 *
 * A worker has at most two documents: the one that it parses and one that waits
 * in its socket (with LINES, whose answers carry no number, only the one). A
 * worker that dies, exceeds its time or breaks the protocol is killed with its
 * process group and replaced. That is charged to its first unanswered document;
 * the second is requeued uncharged. If the worker exited with status 0 after it
 * had answered documents, the first is requeued uncharged as well. A document
 * that is charged with a crash, lack of memory or a protocol error is tried
 * once more; one that is charged with a timeout or a sandbox violation is not.
 * Requeued documents come first in the queue, and only an idle worker gets
 * them. A document's time runs from the moment it is its worker's first,
 * including the time it takes to send it.
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
struct trace;

/* Descriptors of one worker; one more for a moment when it is replaced. */
#define POOL_WORKER_FDS 4

enum pool_protocol {
	POOL_FRAMES, /* fetchd-worker: the messages of codec/frame */
	POOL_LINES,  /* --exec: a line in, a line out, in order */
};

/* A document. The owner embeds it, zeroed at first; it is the pool's from
 * pool_put to its callback or pool_cancel. */
struct pool_doc {
	struct link link;
	void *arg;      /* the owner's */
	uint64_t label; /* a number of the owner's, for the trace */
	uint64_t bytes; /* FRAMES: of the whole payload; LINES: an estimate */
	/* The pool's own. */
	void *worker;
	unsigned char state, charges;
	unsigned char exits; /* workers that exited when it was their first */
	unsigned char is_requeued; /* it was with another worker before */
};

struct pool_result {
	enum parse_error error;
	struct span value; /* the JSON text; n 0: none. Valid during the call */
	/* The buffer that holds a large value, which may be swapped for an
	 * empty one to save a copy; NULL otherwise. */
	struct buf *held;
	int64_t time_us; /* how long its worker had it as the first */
	unsigned worker; /* its number, from 1; 0: none had it */
};

/* How many large answers may be read on. */
enum pool_room {
	POOL_ROOM_NONE,
	POOL_ROOM_ONE, /* the rest of one that has begun to arrive */
	POOL_ROOM_ALL,
};

struct pool_conf {
	enum pool_protocol protocol;
	const char *program; /* path of fetchd-worker */
	char *const *argv;   /* LINES: the program to run and its arguments */
	unsigned workers;
	uint64_t mem_bytes; /* --worker-mem; 0: no limit */
	int64_t time_us;    /* --worker-time; 0: no limit */
	int use_sandbox;
	struct span config; /* FRAMES: the payload of CONFIG */
	/*
	 * LINES: what every line begins with. The pool sends it before there is
	 * a line to send (see probe.c): an answer is accepted once the program
	 * has read the prefix of the next line and has written nothing more. A
	 * program that writes more than one line for each is replaced, and the
	 * document whose answer is in doubt goes to another. n 0: no probe.
	 */
	struct span prefix;

	/*
	 * Appends the next bytes of d, some hundred KiB, to out: FRAMES the
	 * payload, LINES the line with its LF. Returns nonzero while there are
	 * more. `begin`: from the start again. An answer that arrives before
	 * the last of them is sent is not looked at until then.
	 */
	int (*fill)(struct pool_doc *d, struct buf *out, int begin);
	/*
	 * Is `value` an acceptable answer for d? 0, or -1: then the worker has
	 * broken the protocol.
	 */
	int (*check)(struct pool_doc *d, struct span value);
	/* d is finished and no longer the pool's. */
	void (*done)(struct pool_doc *d, const struct pool_result *r);
	/*
	 * Asked before more of a large answer is read. While there is no room,
	 * the worker is not read from and its time does not run, until
	 * pool_resume. NULL: there always is room.
	 */
	enum pool_room (*room)(void *arg, const struct pool *p);
	/* For people: a line that a worker wrote to stderr, without LF and
	 * otherwise unchanged (a long one in pieces of 4 KiB); with worker 0, a
	 * message of the pool itself. */
	void (*log)(void *arg, unsigned worker, struct span line);
	/* Called before any other callback of an event, so that the owner can
	 * read the clock. */
	void (*tick)(void *arg);
	struct trace *trace; /* or NULL */
	void *arg;           /* of room, log and tick */
};

struct pool_stats {
	unsigned workers;  /* configured */
	unsigned running;  /* processes */
	int64_t busy_us;   /* time with a document, summed over all workers */
	uint64_t restarts; /* processes started to replace another */
	size_t queue_max;  /* most documents that waited for a worker at once */
	uint32_t missing;  /* FRAMES: missing parts of the sandbox, FRAME_NO_*
			    */
	int is_broken;     /* no worker could be started: see pool_put */
};

/*
 * The conf is copied; what it points to must outlive the pool. All workers are
 * started at once. A SIGCHLD that is ignored is set back to its default, as
 * otherwise no exit status would be known.
 */
struct pool *pool_new(struct event_base *base, const struct pool_conf *conf);
/* Kills the workers and drops the documents without a callback. */
void pool_free(struct pool *p);

/*
 * FRAMES: waits up to timeout_us for a worker that is READY, before the loop
 * runs. 0; or -1 if there is none, or if the workers refuse their
 * configuration, with the reason appended to why.
 */
int pool_check(struct pool *p, int64_t timeout_us, struct buf *why);

/*
 * Queues d. After 6 failed starts in a row (LINES 10, unless the program cannot
 * be executed at all) the pool gives up, and every document ends with
 * PARSE_UNAVAILABLE (from the loop). LINES: a start has failed if the program
 * dies without ever having answered. A shortage of descriptors or processes is
 * not a failed start while a worker is up.
 */
void pool_put(struct pool *p, struct pool_doc *d);
/* Takes d back without a callback. Does nothing if it is not the pool's. */
void pool_cancel(struct pool *p, struct pool_doc *d);
/* Documents that no worker has yet. */
size_t pool_waiting(const struct pool *p);
/* Is d with a worker (being parsed, or waiting in its socket)? */
int pool_is_with_worker(const struct pool_doc *d);
/* Reads on from the workers that were paused, as far as there is room now. */
void pool_resume(struct pool *p);
/* Is any document waiting or with a worker? */
int pool_is_busy(const struct pool *p);
/* Bytes of documents and answers in our buffers. */
size_t pool_held_bytes(const struct pool *p);
void pool_stats(const struct pool *p, struct pool_stats *st);

#endif
