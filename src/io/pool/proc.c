/* SPDX-License-Identifier: ISC */
/*
 * A worker's process: how it is started, killed and reaped, and what its end
 * says. Each has a pidfd, so that any number may end at once. Knows nothing of
 * what is said to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/frame.h"
#include "io/pool/pool_int.h"
#include "io/timer.h"

#define POLL_US 20000       /* between questions, where there is no pidfd */
#define REAP_ALL_US 2000000 /* for all that were killed */
#define STATUS_UNKNOWN (-1) /* somebody else has reaped it */

/* ---- out of memory, as the kernel sees it ---- */

/* How often the kernel has killed for lack of memory; UINT64_MAX: unknown. */
static uint64_t
count_oom_kills(void)
{
	unsigned long long n;
	char line[128];
	FILE *f = fopen("/proc/vmstat", "re");
	uint64_t found = UINT64_MAX;

	if (f == NULL)
		return found;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "oom_kill %llu", &n) == 1)
			found = n;
	fclose(f);
	return found;
}

static int
is_oom(const struct proc *c)
{
	uint64_t n = count_oom_kills();

	return n == UINT64_MAX || n > c->oom_kills;
}

/* ---- what its end says ---- */

static enum parse_error
by_signal(const struct proc *c, int sig)
{
	switch (sig) {
	case SIGSYS:
		return PARSE_SANDBOX;
	case SIGXCPU:
		return PARSE_TIMEOUT;
	case SIGKILL:
		return is_oom(c) ? PARSE_OOM : PARSE_CRASHED;
	}
	return PARSE_CRASHED;
}

/* PARSE_OK: it has left, between two documents. */
static enum parse_error
judge(const struct proc *c, int status)
{
	const struct worker *w = c->worker;
	int is_frames = c->pool->conf.talk == POOL_FRAMES;

	if (status == STATUS_UNKNOWN)
		return PARSE_CRASHED;
	if (WIFSIGNALED(status))
		return by_signal(c, WTERMSIG(status));
	if (is_frames && WEXITSTATUS(status) == FRAME_EXIT_OOM)
		return PARSE_OOM;
	if (!is_frames && w->answered == 0 &&
	    WEXITSTATUS(status) == FRAME_EXIT_EXEC)
		return PARSE_OK; /* it never was */
	if (w->in.n > 0)         /* in the middle of an answer */
		return is_frames ? PARSE_PROTOCOL : PARSE_CRASHED;
	return WEXITSTATUS(status) == FRAME_EXIT_OK && w->answered > 0
		   ? PARSE_OK
		   : PARSE_CRASHED;
}

static const char *
exit_text(const struct pool *p, int status)
{
	if (status == FRAME_EXIT_EXEC && p->conf.talk == POOL_LINES)
		return " (it cannot be executed)";
	if (p->conf.talk == POOL_LINES)
		return "";
	switch (status) {
	case FRAME_EXIT_USAGE:
		return " (it is of another version)";
	case FRAME_EXIT_OOM:
		return " (no memory)";
	case FRAME_EXIT_PROTOCOL:
		return " (it did not understand)";
	}
	return "";
}

static void
describe(struct pool *p, int status)
{
	const char *name;

	p->reason.n = 0;
	if (status == STATUS_UNKNOWN) {
		buf_str(&p->reason, "the last one ended");
	} else if (WIFSIGNALED(status)) {
		name = sigdescr_np(WTERMSIG(status));
		buf_printf(&p->reason, "the last one was killed by signal %d",
		    WTERMSIG(status));
		if (name != NULL)
			buf_printf(&p->reason, " (%s)", name);
	} else
		buf_printf(&p->reason, "the last one ended with status %d%s",
		    WEXITSTATUS(status), exit_text(p, WEXITSTATUS(status)));
}

/* ---- its end ---- */

/* Who ignores SIGCHLD, as whoever started us may have, learns of no status. */
void
proc_setup(void)
{
	struct sigaction sa;

	CHECK(sigaction(SIGCHLD, NULL, &sa) == 0);
	if (sa.sa_handler == SIG_IGN || (sa.sa_flags & SA_NOCLDWAIT))
		signal(SIGCHLD, SIG_DFL);
}

void
proc_free(struct proc *c)
{
	list_remove(&c->pool->procs, &c->link);
	if (c->pidfd != -1) {
		event_del(&c->ev);
		close(c->pidfd);
	}
	free(c);
}

static void
reaped(struct proc *c, int status)
{
	struct worker *w = c->worker;

	if (w == NULL)
		return;
	w->proc = NULL;
	if (w->state == WORKER_DOOMED)
		return;
	if (!w->is_proven)
		describe(c->pool, status);
	w->is_not_executed = status != STATUS_UNKNOWN && WIFEXITED(status) &&
			     WEXITSTATUS(status) == FRAME_EXIT_EXEC;
	slot_doom(w, END_DIED, judge(c, status));
}

void
proc_look(struct proc *c)
{
	siginfo_t si = { 0 };
	int known, status = STATUS_UNKNOWN;

	known =
	    waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
	if (known && si.si_pid == 0)
		return;
	if (c->worker != NULL)
		talk_drain(c->worker);
	if (known) {
		/* Not reaped yet: the number still is its group's. */
		kill(-c->pid, SIGKILL);
		if (waitpid(c->pid, &status, WNOHANG) != c->pid)
			status = STATUS_UNKNOWN;
	}
	reaped(c, status);
	proc_free(c);
}

static void
on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct proc *c = arg;
	struct pool *p = c->pool;

	(void)fd;
	(void)what;
	pool_tick(p);
	proc_look(c);
	pool_pump(p);
}

void
proc_poll(void *pool)
{
	struct pool *p = pool;
	struct link *k, *next;
	struct proc *c;
	int is_left = 0;

	pool_tick(p);
	for (k = list_first(&p->procs); k != NULL; k = next) {
		next = list_next(&p->procs, k);
		c = CONTAINER(k, struct proc, link);
		is_left |= c->pidfd == -1;
		if (c->pidfd == -1)
			proc_look(c);
	}
	if (is_left)
		timer_set(p->poll, timer_now_us() + POLL_US);
	pool_pump(p);
}

static void
kill_group(const struct proc *c)
{
	kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);
}

void
proc_abandon(struct proc *c)
{
	kill_group(c);
	c->worker->proc = NULL;
	c->worker = NULL;
}

void
proc_reap_all(struct pool *p)
{
	int64_t end = timer_now_us() + REAP_ALL_US, left;
	struct pollfd f = { .events = POLLIN };
	struct proc *c;
	struct link *k;
	pid_t got;

	while ((k = list_first(&p->procs)) != NULL) {
		c = CONTAINER(k, struct proc, link);
		kill_group(c);
		for (;;) {
			got = waitpid(c->pid, NULL, WNOHANG);
			left = end - timer_now_us();
			if (got != 0 || left <= 0)
				break;
			f.fd = c->pidfd;
			(void)poll(
			    &f, 1, c->pidfd != -1 ? (int)(left / 1000) + 1 : 1);
		}
		proc_free(c);
	}
}

/* ---- its start ---- */

static int
set_attributes(posix_spawnattr_t *at)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(at, &none);
	posix_spawnattr_setsigdefault(at, &all);
	return posix_spawnattr_setflags(at, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
}

static int
set_descriptors(posix_spawn_file_actions_t *fa, int sock, int err)
{
	int e;

	if ((e = posix_spawn_file_actions_adddup2(fa, sock, 0)) != 0 ||
	    (e = posix_spawn_file_actions_adddup2(fa, sock, 1)) != 0 ||
	    (e = posix_spawn_file_actions_adddup2(fa, err, 2)) != 0)
		return e;
	return posix_spawn_file_actions_addclosefrom_np(fa, 3);
}

/* Returns an errno. */
static int
spawn(const struct pool *p, char *const *argv, int sock, int err, pid_t *pid)
{
	char *none[] = { NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	int e;

	/* dup2 to itself, or over the other, would not do. */
	CHECK(sock > 2 && err > 2);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	e = set_attributes(&at);
	if (e == 0)
		e = set_descriptors(&fa, sock, err);
	if (e == 0)
		e = posix_spawn(pid, p->conf.program, &fa, &at, argv,
		    p->conf.talk == POOL_FRAMES ? none : environ);
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	return e;
}

#define NUMBER_BYTES 24
#define ARGS 6 /* before the program's own */

static int
spawn_argv(const struct pool *p, int sock, int err, pid_t *pid)
{
	const struct pool_conf *conf = &p->conf;
	int is_frames = conf->talk == POOL_FRAMES;
	char num[3][NUMBER_BYTES];
	char **argv;
	size_t n = 0, i;
	int e;

	while (!is_frames && conf->argv[n] != NULL)
		n++;
	argv = mem_zalloc(ARGS + n + 1, sizeof(*argv));
	snprintf(num[0], NUMBER_BYTES, "%d", (int)getpid());
	snprintf(
	    num[1], NUMBER_BYTES, "%llu", (unsigned long long)conf->mem_bytes);
	snprintf(num[2], NUMBER_BYTES, "%llu",
	    (unsigned long long)(conf->time_us + 999999) / 1000000);
	argv[0] = (char *)conf->program;
	argv[1] = (char *)(is_frames ? "--serve" : "--exec");
	for (i = 0; i < 3; i++)
		argv[2 + i] = num[i];
	argv[5] = (char *)(!is_frames ? "--" : conf->use_sandbox ? "1" : "0");
	for (i = 0; i < n; i++)
		argv[ARGS + i] = conf->argv[i];
	e = spawn(p, argv, sock, err, pid);
	free(argv);
	return e;
}

static void
close_pair(int fd[2])
{
	if (fd[0] != -1)
		close(fd[0]);
	if (fd[1] != -1)
		close(fd[1]);
}

static struct proc *
make(struct worker *w, pid_t pid, uint64_t oom_kills)
{
	struct pool *p = w->pool;
	struct proc *c = mem_zalloc(1, sizeof(*c));

	c->pool = p;
	c->worker = w;
	c->pid = pid;
	c->oom_kills = oom_kills;
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	list_push(&p->procs, &c->link);
	if (c->pidfd != -1) {
		CHECK(event_assign(&c->ev, p->base, c->pidfd,
			  EV_READ | EV_PERSIST, on_pidfd, c) == 0);
		CHECK(event_add(&c->ev, NULL) == 0);
	} else if (timer_at(p->poll) == TIMER_NEVER)
		timer_set(p->poll, timer_now_us() + POLL_US);
	return c;
}

struct proc *
proc_start(struct worker *w, int fd[2])
{
	int sock[2] = { -1, -1 }, err[2] = { -1, -1 }, e = 0;
	uint64_t oom_kills = count_oom_kills();
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) == -1 ||
	    pipe2(err, O_CLOEXEC) == -1 ||
	    fcntl(err[0], F_SETFL, O_NONBLOCK) == -1)
		e = errno;
	if (e == 0)
		e = spawn_argv(w->pool, sock[1], err[1], &pid);
	if (e != 0) {
		close_pair(sock);
		close_pair(err);
		errno = e;
		return NULL;
	}
	close(sock[1]);
	close(err[1]);
	fd[0] = sock[0];
	fd[1] = err[0];
	return make(w, pid, oom_kills);
}
