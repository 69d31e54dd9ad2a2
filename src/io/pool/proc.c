/* SPDX-License-Identifier: ISC */
/*
 * A worker's process: its start, its end, and what its exit status means. Each
 * has a pidfd, so that any number may end at once. Knows nothing of its
 * messages.
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

#define POLL_US 20000       /* between polls, where there is no pidfd */
#define REAP_ALL_US 2000000 /* for all that were killed */

/* ---- out of memory, as the kernel sees it ---- */

/* How many processes the kernel has killed for lack of memory; UINT64_MAX:
 * unknown. */
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

/* ---- what an exit status means ---- */

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

enum parse_error
proc_judge(const struct proc *c, int status)
{
	const struct worker *w = c->worker;
	int is_frames = c->pool->conf.protocol == POOL_FRAMES;

	if (status == PROC_STATUS_UNKNOWN)
		return PARSE_CRASHED;
	if (WIFSIGNALED(status))
		return by_signal(c, WTERMSIG(status));
	if (is_frames && WEXITSTATUS(status) == FRAME_EXIT_OOM)
		return PARSE_OOM;
	if (!is_frames && w->answered == 0 &&
	    WEXITSTATUS(status) == FRAME_EXIT_EXEC)
		return PARSE_OK; /* it never ran */
	if (w->in.n > 0)         /* in the middle of an answer */
		return is_frames ? PARSE_PROTOCOL : PARSE_CRASHED;
	return WEXITSTATUS(status) == FRAME_EXIT_OK && w->answered > 0
		   ? PARSE_OK
		   : PARSE_CRASHED;
}

static const char *
exit_text(const struct pool *p, int status)
{
	if (p->conf.protocol == POOL_LINES)
		return status == FRAME_EXIT_EXEC
			   ? " (the program cannot be executed)"
			   : "";
	switch (status) {
	case FRAME_EXIT_USAGE:
		return " (another version of fetchd-worker)";
	case FRAME_EXIT_OOM:
		return " (out of memory)";
	case FRAME_EXIT_PROTOCOL:
		return " (it received an invalid message)";
	}
	return "";
}

void
proc_describe(const struct proc *c, int status, struct buf *b)
{
	const char *name;

	if (status == PROC_STATUS_UNKNOWN) {
		buf_str(b, "exited");
	} else if (WIFSIGNALED(status)) {
		name = sigdescr_np(WTERMSIG(status));
		buf_printf(b, "killed by signal %d", WTERMSIG(status));
		if (name != NULL)
			buf_printf(b, " (%s)", name);
	} else
		buf_printf(b, "exited with status %d%s", WEXITSTATUS(status),
		    exit_text(c->pool, WEXITSTATUS(status)));
}

/* ---- its end ---- */

/* While SIGCHLD is ignored (whoever started us may have done that), the kernel
 * keeps no exit status. */
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

int
proc_has_ended(const struct proc *c)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) !=
		   0 ||
	       si.si_pid != 0;
}

int
proc_reap(struct proc *c)
{
	siginfo_t si = { 0 };
	int status;

	if (waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) != 0)
		return PROC_STATUS_UNKNOWN;
	/* Until it is reaped, the number is its group's and no other's. */
	kill(-c->pid, SIGKILL);
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return PROC_STATUS_UNKNOWN;
	return status;
}

static void
on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct proc *c = arg;
	struct pool *p = c->pool;

	(void)fd;
	(void)what;
	pool_tick(p);
	p->events->proc(c);
	p->events->over(p);
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
			p->events->proc(c);
	}
	if (is_left)
		timer_set(p->poll, timer_now_us() + POLL_US);
	p->events->over(p);
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
	int64_t end_at_us = timer_now_us() + REAP_ALL_US, left_us;
	struct pollfd f = { .events = POLLIN };
	struct proc *c;
	struct link *k;
	pid_t got;

	while ((k = list_first(&p->procs)) != NULL) {
		c = CONTAINER(k, struct proc, link);
		kill_group(c);
		for (;;) {
			got = waitpid(c->pid, NULL, WNOHANG);
			left_us = end_at_us - timer_now_us();
			if (got != 0 || left_us <= 0)
				break;
			f.fd = c->pidfd;
			(void)poll(&f, 1,
			    c->pidfd != -1 ? (int)(left_us / 1000) + 1 : 1);
		}
		proc_free(c);
	}
}

/* ---- its start ---- */

/* With `sock` as stdin and stdout, `err` as stderr, nothing else of ours, and a
 * process group of its own. Returns an errno. */
static int
spawn(const struct pool *p, char *const *argv, int sock, int err, pid_t *pid)
{
	char *none[] = { NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t empty, full;
	int e;

	/* A dup2 to itself would keep CLOEXEC; one over the other would lose
	 * it. */
	CHECK(sock > 2 && err > 2);
	sigemptyset(&empty);
	sigfillset(&full);
	posix_spawnattr_init(&at);
	posix_spawnattr_setsigmask(&at, &empty);
	posix_spawnattr_setsigdefault(&at, &full);
	e = posix_spawnattr_setflags(&at, POSIX_SPAWN_SETPGROUP |
					      POSIX_SPAWN_SETSIGMASK |
					      POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&fa);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&fa, sock, 0);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&fa, sock, 1);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&fa, err, 2);
	if (e == 0)
		e = posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	if (e == 0)
		e = posix_spawn(pid, p->conf.program, &fa, &at, argv,
		    p->conf.protocol == POOL_FRAMES ? none : environ);
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	return e;
}

#define NUMBER_BYTES 24
#define ARGS 6 /* before the program's own */

/* Returns an errno. */
static int
spawn_worker(const struct pool *p, int sock, int err, pid_t *pid)
{
	const struct pool_conf *conf = &p->conf;
	int is_frames = conf->protocol == POOL_FRAMES;
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

struct proc *
proc_start(struct worker *w, int fd[2])
{
	struct pool *p = w->pool;
	int sock[2] = { -1, -1 }, err[2] = { -1, -1 }, e = 0;
	uint64_t oom_kills = count_oom_kills();
	pid_t pid = -1;
	struct proc *c;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) == -1 ||
	    pipe2(err, O_CLOEXEC) == -1 ||
	    fcntl(err[0], F_SETFL, O_NONBLOCK) == -1)
		e = errno;
	if (e == 0)
		e = spawn_worker(p, sock[1], err[1], &pid);
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

	c = mem_zalloc(1, sizeof(*c));
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
