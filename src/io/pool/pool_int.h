/* SPDX-License-Identifier: ISC */
/*
 * What the files of the pool share. Calls go down this list only; what the
 * lower files notice reaches pool.c through `struct pool_events`:
 *
 *   pool.c          decides: the queue, what follows from each event
 *   worker.c        starts, restarts and ends workers
 *   worker_io.c     a worker's socket and deadline
 *   worker_state.c  a worker's state, and the list that goes with it
 *   probe.c         LINES: has the program read everything?
 *   frames.c        the messages of fetchd-worker, parsed
 *   lines.c         the lines of an --exec program, parsed
 *   proc.c          a process: start, exit status, end
 *   stderr.c        a worker's standard error
 *
 * No call ends a worker at once: worker_kill_later marks it, and the pool's
 * wake-up timer ends it and settles its documents. So nothing is freed while
 * somebody reads it, and a call from outside never calls back.
 */
#ifndef IO_POOL_POOL_INT_H
#define IO_POOL_POOL_INT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/types.h>

#include "base/trace.h"
#include "base/buf.h"
#include "base/list.h"
#include "io/pool/pool.h"
#include "io/timer.h"

struct worker;

#define POOL_DEPTH 2           /* documents of a worker */
#define POOL_READ_BYTES 65536u /* of one read */

enum doc_state {
	DOC_NONE, /* not the pool's */
	DOC_WAITING,
	DOC_WITH_WORKER,
};

/* A process from its start until it is reaped, which may be later than its
 * worker's end. */
struct proc {
	struct pool *pool;
	struct link link;      /* pool->procs */
	struct worker *worker; /* NULL: killed, its status does not matter */
	pid_t pid;
	int pidfd; /* -1: the kernel has none; a timer polls instead */
	struct event ev;
	uint64_t oom_kills; /* of the whole system, when it was started */
};

/* A document that its worker has not answered yet. */
struct task {
	struct pool_doc *doc; /* NULL: cancelled, its answer is ignored */
	uint64_t id;
	int64_t first_at_us; /* since when it is the worker's first */
};

enum worker_state {
	WORKER_NONE,     /* no process: on pool->empty */
	WORKER_STARTING, /* FRAMES: not READY yet */
	WORKER_UP,
	WORKER_EXITING,      /* it has closed its output: wait for its status */
	WORKER_KILL_PENDING, /* on pool->kill_pending */
};

/* LINES: where the prefix of the next line is. */
enum probe_state {
	PROBE_NONE, /* not sent, or part of a line that has been sent */
	PROBE_SENT,
	PROBE_READ, /* by the program: it waits for the rest of the line */
};

/* Why a worker ends. */
enum worker_end {
	END_EXITED,       /* by itself */
	END_TIMEOUT,      /* killed: it took too long */
	END_PROTOCOL,     /* killed: it broke the protocol */
	END_NOT_ITS_FAULT /* killed for a reason of ours */
};

/* Lines of a worker's stderr. */
struct worker_stderr {
	int fd; /* -1: closed */
	struct event ev;
	struct buf line;      /* unfinished */
	int64_t second_at_us; /* when the second that is counted began */
	size_t bytes;         /* logged in it */
	uint64_t dropped;     /* lines, not reported yet */
};

struct worker {
	struct pool *pool;
	struct link link;
	struct list *on; /* the list it is on, or NULL */
	unsigned number; /* from 1 */
	enum worker_state state;
	struct proc *proc;
	int64_t started_at_us;
	uint64_t starts;
	struct task tasks[POOL_DEPTH]; /* tasks[0] is being parsed */
	unsigned ntasks;
	uint64_t answered;

	int fd; /* the socket */
	struct event ev_read, ev_write;
	struct buf in;  /* a message or line that is not complete */
	size_t scanned; /* bytes of it without LF */
	struct buf out;
	size_t sent;     /* bytes of out that are written */
	uint64_t filled; /* bytes of the last task that were put into out */
	struct worker_stderr err;

	enum probe_state probe;
	int probe_fd; /* -1: no probing */
	struct event ev_probe;
	int64_t held_at_us; /* LINES: when the answer that is held arrived */

	struct timer *timer;
	int64_t deadline_at_us; /* TIMER_NEVER: none */
	int64_t paused_at_us;   /* since when there is no room; 0: there is */

	unsigned is_filling : 1;      /* more of the last task is to be sent */
	unsigned has_begun : 1;       /* ... and some was put into out */
	unsigned is_early : 1;        /* ... but an answer has arrived */
	unsigned is_final : 1;        /* the held answer waited long enough */
	unsigned is_extended : 1;     /* the deadline was moved once */
	unsigned is_proven : 1;       /* READY; LINES: answered something */
	unsigned awaits_write : 1;    /* ev_write is pending */
	unsigned is_not_executed : 1; /* the exit status says so */
	enum worker_end end;          /* KILL_PENDING: why */
	enum parse_error charge;      /* ... what its first document gets */
};

/* What the lower files report. pool.c has the only implementation. */
struct pool_events {
	/* FRAMES: READY came; these parts of the sandbox are missing. */
	void (*ready)(struct worker *w, uint32_t missing);
	/* FRAMES: the worker refuses its configuration. */
	void (*refused)(struct worker *w, struct span why);
	/* The first document is answered: error, value and held of r are set.
	 * Returns 0, or -1 if the owner does not accept the value. */
	int (*answered)(struct worker *w, struct pool_result *r);
	/* The worker is to be killed. `reason` (or NULL) is for people. */
	void (*failed)(struct worker *w, enum worker_end end,
	    enum parse_error charge, const char *reason);
	/* The process may have ended. */
	void (*proc)(struct proc *c);
	/* The end of each event: a worker may have room for a document. */
	void (*over)(struct pool *p);
};

/* How often and how fast failed starts are repeated. */
struct pool_pace {
	int64_t first_us, max_us; /* waits between tries, doubling */
	unsigned limit_frames;    /* failures until the pool gives up */
	unsigned limit_lines;     /* ... of those that execute, or get READY */
	int64_t ready_us;         /* time for a start */
	int64_t exit_us;          /* ... from the end of output to exit */
};

struct pool {
	struct event_base *base;
	struct pool_conf conf;
	const struct pool_events *events;
	struct pool_pace pace;
	struct worker *workers;
	struct list queue;      /* documents */
	struct list idle, half; /* workers with none; with one, and room */
	struct list empty, kill_pending;
	struct list procs;
	struct timer *wakeup, *restart, *poll;
	char *scratch; /* what is read, POOL_READ_BYTES */
	uint64_t last_id;
	struct worker *sole_reader; /* reads on under POOL_ROOM_ONE */

	unsigned proven;        /* workers that are */
	unsigned failed_starts; /* with no answer between them */
	unsigned backoff;       /* the same, and deaths before any work */
	int64_t backoff_at_us;  /* when it was last raised */
	int64_t failed_start_at_us;
	int64_t restart_at_us; /* not before */
	struct buf reason;     /* why the last start failed, for people */
	struct buf refusal;    /* why the workers refuse their configuration */
	unsigned is_broken : 1, is_reported : 1, is_warned : 1;

	int64_t busy_us;
	uint64_t restarts;
	size_t queue_max;
	uint32_t missing;
};

static inline void
pool_tick(struct pool *p)
{
	p->conf.tick(p->conf.arg);
}

/* Runs the wake-up timer in the next pass of the loop. */
static inline void
pool_wake(struct pool *p)
{
	if (timer_at(p->wakeup) == TIMER_NEVER)
		timer_set(p->wakeup, timer_now_us());
}

/* ---- worker.c ---- */
void worker_init(struct pool *p, struct worker *w, unsigned number);
void worker_fini(struct worker *w);
/* Starts the workers that are missing, if the back-off allows it now. */
void worker_start_missing(struct pool *p);
/* Notes that w is READY, or has answered. */
void worker_prove(struct worker *w);
/* Notes an answer, which may end the back-off. */
void worker_count_answer(struct worker *w);
/* Marks w. If it is marked already, the first reason counts. */
void worker_kill_later(
    struct worker *w, enum worker_end end, enum parse_error charge);
/* Ends w, which is marked, and counts it if it was a failed start. Its tasks
 * are left for the caller to settle. */
void worker_end(struct worker *w);
/* Starts no worker any more and ends all that there are. */
void worker_give_up(struct pool *p);

/* ---- worker_io.c ---- */
void worker_io_init(struct worker *w);
void worker_io_fini(struct worker *w);
void worker_io_open(struct worker *w);
/* No events any more. */
void worker_io_stop(struct worker *w);
/* Events, buffers, socket. */
void worker_io_close(struct worker *w);
/* READY has come. */
void worker_io_ready(struct worker *w);
/* Makes d the last of w's tasks and begins to send it. */
void worker_send(struct worker *w, struct pool_doc *d);
/* Writes what can be written now. */
void worker_flush(struct worker *w);
/* Reads what can be read now, up to a few hundred KiB. Nonzero: there may be
 * more. */
int worker_read(struct worker *w);
/* Reads on if there is room for the rest of the answer. */
void worker_resume(struct worker *w);
/* Reads all that is left of a worker that has ended. */
void worker_drain(struct worker *w);
/* LINES: reads what an idle program has written unasked, for which it is
 * killed. Nonzero if w can take a document. */
int worker_check_idle(struct worker *w);
/* Takes the first task off. Returns how long it was the first. */
int64_t worker_end_task(struct worker *w);

/* ---- trace.c ---- */
/* Puts an event of w, and of d unless that is NULL, into the trace. */
void pool_trace(const struct worker *w, enum trace_kind kind,
    const struct pool_doc *d, int64_t value, const char *why);

/* ---- worker_state.c ---- */
void worker_state_set(struct worker *w, enum worker_state state);
/* Puts w on the list for its state and its tasks. */
void worker_state_relist(struct worker *w);

/* ---- probe.c ---- */
/* Sends the first probe, unless conf.prefix is empty. on_read is called with w
 * when the program may have read it. */
void probe_open(struct worker *w, event_callback_fn on_read);
/* Puts the prefix into w->out; worker_flush sends it. */
void probe_send(struct worker *w);
/* Nonzero: the program has read the probe; the state is PROBE_READ now. */
int probe_note_read(struct worker *w);
/* If the prefix has been sent already, takes it out of the line that begins at
 * `from` in w->out, and returns 1. */
int probe_skip(struct worker *w, size_t from);
void probe_stop(struct worker *w);
void probe_close(struct worker *w);

/* ---- frames.c, lines.c ---- */
enum parse_step {
	STEP_MORE,    /* the rest is not complete */
	STEP_MESSAGE, /* *m is filled in */
	STEP_EARLY,   /* an answer, before its document is wholly sent */
	STEP_HOLD,    /* LINES: an answer that may not be final yet */
	STEP_BAD,     /* the protocol is broken */
};

struct message {
	enum { MESSAGE_READY, MESSAGE_REFUSED, MESSAGE_ANSWER } type;
	size_t bytes;           /* of it in the input */
	uint32_t missing;       /* READY */
	enum parse_error error; /* ANSWER */
	struct span text;       /* REFUSED: why; ANSWER: JSON, or n 0 */
	size_t scanned;         /* LINES, STEP_MORE: bytes without LF */
};

/* What the next bytes from w are. They are untrusted. */
enum parse_step
frames_parse(const struct worker *w, struct span in, struct message *m);
enum parse_step
lines_parse(const struct worker *w, struct span in, struct message *m);

/* ---- proc.c ---- */
/* Sets an ignored SIGCHLD back. */
void proc_setup(void);
/*
 * Starts w's process. fd[0] is our end of its socket, fd[1] of its stderr.
 * NULL with errno.
 */
struct proc *proc_start(struct worker *w, int fd[2]);
/* Kills it and its group; its worker has done with it. */
void proc_abandon(struct proc *c);
int proc_has_ended(const struct proc *c);
/* Reaps one that has ended and kills what is left of its group. The wait
 * status, or PROC_STATUS_UNKNOWN. */
int proc_reap(struct proc *c);
#define PROC_STATUS_UNKNOWN (-1) /* somebody else has reaped it */
/* What its worker's first document is charged with; PARSE_OK: nothing. */
enum parse_error proc_judge(const struct proc *c, int status);
/* "exited with status 1": appended to b. */
void proc_describe(const struct proc *c, int status, struct buf *b);
void proc_free(struct proc *c);
/* A timer's: reports the processes without a pidfd as an event. */
void proc_poll(void *pool);
/* Kills all and waits for them, 2 s at most. */
void proc_reap_all(struct pool *p);

/* ---- stderr.c ---- */
void stderr_open(struct worker *w, int fd);
/* is_told: logs what is left in the pipe first. */
void stderr_close(struct worker *w, int is_told);

#endif
