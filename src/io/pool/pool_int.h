/* SPDX-License-Identifier: ISC */
/*
 * What the files of the pool share: its slots, their processes, their talk.
 *
 * Whatever goes wrong with a worker, in whatever call, only marks it
 * (slot_doom); it ends, and its documents with it, in the pool's own turn,
 * which is a timer's callback. So nothing is freed under a reader's feet, and
 * calls from outside never call back.
 */
#ifndef IO_POOL_POOL_INT_H
#define IO_POOL_POOL_INT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/pool/pool.h"

struct timer;
struct worker;

#define POOL_DEPTH 2           /* documents with a worker */
#define POOL_READ_BYTES 65536u /* of one read */

enum doc_state {
	DOC_NONE, /* not the pool's */
	DOC_WAITING,
	DOC_WITH, /* a worker */
};

/* A process, from its start until it is reaped: that may be later than its
 * slot is done with it. */
struct proc {
	struct pool *pool;
	struct link link;      /* pool->procs */
	struct worker *worker; /* NULL: nobody asks how it ends */
	pid_t pid;
	int pidfd; /* -1: none to be had, it is asked for by the clock */
	struct event ev;
	uint64_t oom_kills; /* of the whole system, when it was started */
};

/* A document that is with a worker, unanswered. */
struct task {
	struct pool_doc *doc; /* NULL: taken back, its answer is ignored */
	uint64_t id;
	int64_t first_at_us; /* since when it is the one being parsed */
};

enum worker_state {
	WORKER_NONE,     /* no process: on pool->empty */
	WORKER_STARTING, /* FRAMES: not READY yet */
	WORKER_UP,
	WORKER_ENDING, /* nothing more to read: what did it end with? */
	WORKER_DOOMED, /* ends in the pool's turn: on pool->doomed */
};

/* LINES: where the first byte of the next line is. */
enum probe_state {
	PROBE_NONE, /* not sent, or part of a line that has been sent */
	PROBE_SENT,
	PROBE_READ, /* by the program: it waits for the rest */
};

/* How a worker that is marked ends. */
enum ending {
	END_DIED,   /* by itself */
	END_LATE,   /* killed for its time */
	END_FAULT,  /* killed for what it said */
	END_WANTED, /* killed for no fault of its own */
};

/* Lines of a worker's stderr. */
struct worker_stderr {
	int fd; /* -1: closed */
	struct event ev;
	struct buf line;     /* unfinished */
	int64_t since_at_us; /* of the second that is counted */
	size_t bytes;        /* said in it */
	uint64_t dropped;    /* lines, not told of yet */
};

struct worker { /* a slot */
	struct pool *pool;
	struct link link;
	struct list *on; /* the list it is on, or NULL */
	unsigned number; /* from 1 */
	enum worker_state state;
	struct proc *proc;
	int64_t start_at_us;
	uint64_t starts;
	struct task tasks[POOL_DEPTH];
	unsigned ntasks;
	uint64_t answered;

	int fd; /* the socket */
	struct event ev_read, ev_write;
	struct buf in;  /* a message or line that is not whole yet */
	size_t scanned; /* bytes of it without LF */
	struct buf out;
	size_t sent;     /* bytes of out that are written */
	uint64_t filled; /* bytes of the last task that were asked for */
	struct worker_stderr err;

	enum probe_state probe;
	int probe_fd; /* -1: there is no probing */
	struct event ev_read_off;
	int64_t answer_at_us;    /* when the answer that is held came */
	unsigned is_settled : 1; /* ... it was held for long enough */

	struct timer *timer;
	int64_t due_at_us;    /* TIMER_NEVER: nothing */
	int64_t paused_at_us; /* since when it lacks room; 0: it does not */

	unsigned is_filling : 1;      /* more of the last task is to come */
	unsigned is_begun : 1;        /* ... and some has come */
	unsigned is_held : 1;         /* answered before it was wholly sent */
	unsigned is_put_off : 1;      /* due_us, as it was us who were late */
	unsigned is_proven : 1;       /* READY; LINES: has answered something */
	unsigned is_writing : 1;      /* waits to */
	unsigned is_not_executed : 1; /* the program, as the worker said */
	enum ending ending;
	enum parse_error why; /* what its first document is charged with */
};

/* How often and how fast workers that cannot be started are tried again. */
struct pool_pace {
	int64_t first_us, max_us; /* the waits between tries, doubling */
	unsigned frames, lines;   /* failures in a row until it is given up */
	int64_t ready_us;         /* for a start */
	int64_t ending_us;        /* from the end of talk to a death */
};

struct pool {
	struct event_base *base;
	struct pool_conf conf;
	struct pool_pace pace;
	struct worker *workers;
	struct list queue;      /* documents */
	struct list idle, half; /* workers with none, with one and room */
	struct list empty, doomed;
	struct list procs;
	struct timer *turn, *restart, *poll;
	char *scratch; /* what is read, POOL_READ_BYTES */
	uint64_t last_id;
	struct worker *favoured; /* goes on where there is room for one */

	unsigned proven;       /* workers that are */
	unsigned fails;        /* starts that failed in a row */
	unsigned stumbles;     /* the same, and deaths of idle ones */
	int64_t failed_at_us;  /* when the last one was counted, */
	int64_t counted_at_us; /* as a failed start */
	int64_t restart_at_us; /* not before */
	struct buf reason;     /* why the last one failed, for people */
	struct buf bad;        /* a BAD's text */
	unsigned is_broken : 1, is_told : 1, is_warned : 1;

	int64_t busy_us;
	uint64_t restarts;
	size_t queue_max;
	uint32_t missing;
};

/* ---- pool.c: the queue ---- */
void pool_tick(struct pool *p);
/* What is left to do is done in a turn of its own. */
void pool_defer(struct pool *p);
/* Gives waiting documents to workers with room. */
void pool_pump(struct pool *p);
/* d is no longer with its worker: waits again, first of all. */
void pool_give_back(struct pool *p, struct pool_doc *d);
/* d's time with its worker came to that: once more, or its end (calls back).
 */
void
pool_charge(struct pool *p, struct pool_doc *d, const struct pool_result *r);
void
pool_finish(struct pool *p, struct pool_doc *d, const struct pool_result *r);

/* ---- pool_slot.c: a slot's life ---- */
void slot_init(struct pool *p, struct worker *w, unsigned number);
void slot_fini(struct worker *w);
/* Puts w on the list where its state belongs. */
void slot_place(struct worker *w);
/* Starts what is missing, as far as it is time. */
void slots_start(struct pool *p);
/* Is READY, or has answered. */
void slot_prove(struct worker *w);
/* The first of w's documents has been answered: the next is first. */
void slot_answered(struct worker *w);
/* Marks w; of two reasons the first counts. */
void slot_doom(struct worker *w, enum ending ending, enum parse_error why);
/* Ends w, which is doomed, replaces it, settles its documents. Calls back. */
void slot_end(struct worker *w);
/* There will never be a worker. */
void slots_break(struct pool *p);

/* ---- pool_proc.c: a process ---- */
void proc_setup(void);
/*
 * Starts w's process. Its socket and the end of its stderr are fd[0] and
 * fd[1]. NULL with errno.
 */
struct proc *proc_start(struct worker *w, int fd[2]);
/* Its worker has no more use for it: kills it and its group. */
void proc_abandon(struct proc *c);
/* Has it ended? If so its worker is doomed accordingly. */
void proc_look(struct proc *c);
void proc_free(struct proc *c);
/* Asks for those without a pidfd. */
void proc_poll(void *pool);
/* Waits for all, for a while. */
void proc_reap_all(struct pool *p);

/* ---- pool_talk.c: bytes to and from a worker ---- */
void talk_init(struct worker *w);
void talk_fini(struct worker *w);
void talk_open(struct worker *w);
void talk_close(struct worker *w); /* events, buffers, socket */
void talk_stop(struct worker *w);  /* no events any more */
void talk_give(struct worker *w, struct pool_doc *d);
/* Writes what can be written. */
void talk_pour(struct worker *w);
/* Reads what can be read, up to a few hundred KiB. Nonzero: there may be
 * more. */
int talk_read(struct worker *w);
/* There may be room for the rest of its answer. */
void talk_resume(struct worker *w);
/* Reads what is left of a worker that has ended. */
void talk_drain(struct worker *w);
/* FRAMES: the worker is READY. */
void talk_ready(struct worker *w);
/* An answer to the first document, JSON in `value`. 0, or -1: it is none. */
int talk_answer(struct worker *w, enum parse_error e, struct span value);

/* The program has read what was sent ahead of the next line. */
void talk_go_on(struct worker *w);
/* LINES: has it said anything while nothing was asked? Then it is doomed. */
int talk_judge_idle(struct worker *w);
/* LINES: the answer is whole, and held until it is known to be the last. */
void talk_hold(struct worker *w);

/* ---- pool_probe.c: has it read all? ---- */
void probe_open(struct worker *w);
/* Sends what every line begins with. */
void probe_send(struct worker *w);
/* That has been sent: takes it out of w->out, where a line begins at `from`. */
int probe_skip(struct worker *w, size_t from);
void probe_stop(struct worker *w);
void probe_close(struct worker *w);

/* ---- pool_frames.c, pool_lines.c: what the bytes say ---- */
/* Bytes taken off the front of `all`; -1: it is nonsense. */
ssize_t frames_take(struct worker *w, struct span all);
ssize_t lines_take(struct worker *w, struct span all);

/* ---- stderr.c: its stderr ---- */
void stderr_open(struct worker *w, int fd);
/* The last of it, as far as it has been written. */
void stderr_close(struct worker *w, int is_told);

#endif
