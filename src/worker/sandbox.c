/* SPDX-License-Identifier: ISC */
/*
 * Sets resource limits and drops privileges and access to files; the system
 * call filter is in sandbox_filter.c. A step that the kernel does not support
 * is reported to the caller as missing.
 */
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/sanitised.h"
#include "codec/frame.h"

/* CPU seconds of a process: the larger of LIFE_MIN_S and LIFE_DOCS times
 * --worker-time. */
#define LIFE_MIN_S 600
#define LIFE_DOCS 20
#define OPEN_FILES 8
#define NICE 10 /* yields to the event loop; getpriority(2) */

/* ---- process setup ---- */

static void
reset_signals(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL); /* the unchangeable ones fail */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
close_others(void)
{
	int fd;

	if (close_range(3, ~0u, 0) == 0)
		return;
	for (fd = 3; fd < 1024; fd++)
		close(fd);
}

static void
set_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags != -1 && (flags & O_NONBLOCK) != 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

/*
 * Leaves the process group and the terminal without setsid(): with autogroups
 * (sched(7)) a session is a scheduling group, in which each worker would weigh
 * as much as fetchd itself or, with a lower weight, starve beside any other
 * busy program. Instead the nice value lets fetchd's event loop go first.
 */
static void
leave_group_and_terminal(void)
{
	int tty;

	setpgid(0, 0); /* fails if it leads a session */
	if (getsid(0) != getpid() &&
	    (tty = open("/dev/tty", O_RDWR | O_CLOEXEC)) != -1) {
		ioctl(tty, TIOCNOTTY);
		close(tty);
	}
	if (nice(NICE) == -1)
		(void)0; /* no permission, or the new value is -1 */
}

/* Sets a limit, at most the current hard limit. 0 or -1. */
static int
limit(__rlimit_resource_t what, rlim_t soft, rlim_t hard)
{
	struct rlimit rl;

	if (getrlimit(what, &rl) == -1)
		return -1;
	if (hard < rl.rlim_max)
		rl.rlim_max = hard;
	rl.rlim_cur = soft < rl.rlim_max ? soft : rl.rlim_max;
	return setrlimit(what, &rl);
}

uint32_t
sandbox_begin(const struct sandbox *sb)
{
	uint32_t missing = 0;

	leave_group_and_terminal();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		missing |= FRAME_NO_DEATHSIG;
	/* The parent may have died before PR_SET_PDEATHSIG took effect. */
	if (getppid() != sb->parent)
		_exit(FRAME_EXIT_ORPHAN);
	/* Memory must never reach a core file, even without a sandbox. */
	if (!IS_SANITISED)
		prctl(PR_SET_DUMPABLE, 0);
	if (limit(RLIMIT_CORE, 0, 0) == -1)
		missing |= FRAME_NO_RLIMITS;
	close_others();
	set_blocking(0);
	set_blocking(1);
	reset_signals();
	return missing;
}

/* ---- limits ---- */

static int
limit_memory(const struct sandbox *sb)
{
	if (sb->mem_bytes == 0)
		return 0;
	return limit(RLIMIT_AS, sb->mem_bytes, sb->mem_bytes);
}

/* SIGXCPU at the limit, SIGKILL a second later. No limit if --worker-time is
 * unlimited. */
static int
limit_cpu(struct sandbox *sb)
{
	struct rlimit rl;
	rlim_t s = LIFE_MIN_S;

	if (sb->time_s == 0 || sb->time_s > INT32_MAX)
		return 0;
	if (s < sb->time_s * LIFE_DOCS)
		s = sb->time_s * LIFE_DOCS;
	if (limit(RLIMIT_CPU, s, s + 1) == -1 ||
	    getrlimit(RLIMIT_CPU, &rl) == -1)
		return -1;
	sb->life_s = rl.rlim_cur;
	return 0;
}

static uint32_t
enter_limits(struct sandbox *sb)
{
	int failed = limit_cpu(sb);

	if (IS_SANITISED)
		return FRAME_NO_RLIMITS;
	failed |= limit_memory(sb);
	if (sb->is_on) {
		failed |= limit(RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES);
		failed |= limit(RLIMIT_NPROC, 0, 0);
		failed |= limit(RLIMIT_FSIZE, 0, 0);
	}
	return failed != 0 ? FRAME_NO_RLIMITS : 0;
}

int
sandbox_is_worn(const struct sandbox *sb)
{
	struct timespec ts;

	if (sb->life_s == 0 ||
	    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == -1)
		return 0;
	return (uint64_t)ts.tv_sec >= sb->life_s / 2;
}

/* ---- privileges, network, files ---- */

/*
 * Enters an empty network namespace (0.3 ms). Not reported if it fails: it
 * matters only without the system call filter, which permits no sockets.
 */
static void
enter_no_network(void)
{
	if (unshare(CLONE_NEWNET) == -1)
		unshare(CLONE_NEWUSER | CLONE_NEWNET);
}

/* Drops capabilities of root and of the user namespace. */
static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	syscall(SYS_capset, &head, none);
}

static uint32_t
enter_no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ? FRAME_NO_PRIVS
							    : 0;
}

/* All file rights of the kernel's Landlock version. <linux/landlock.h> may be
 * older than the kernel. */
static uint64_t
file_rights(long abi)
{
	static const unsigned char bits[] = { 0, 13, 14, 15, 15, 16 };
	const long known = sizeof(bits) / sizeof(bits[0]);

	return (UINT64_C(1) << bits[abi < known ? abi : known - 1]) - 1;
}

/* No rule is added, so all handled accesses are denied. */
static uint32_t
enter_landlock(void)
{
	struct {
		uint64_t files, net, scopes;
	} handled = { 0 };
	long abi, fd, failed;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (IS_SANITISED || abi < 1)
		return FRAME_NO_LANDLOCK;
	handled.files = file_rights(abi);
	if (abi >= 4)
		handled.net = 3; /* bind and connect, TCP */
	if (abi >= 6)
		handled.scopes = 3; /* abstract sockets, signals */
	fd = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (fd == -1)
		return FRAME_NO_LANDLOCK;
	failed = syscall(SYS_landlock_restrict_self, fd, 0);
	close((int)fd);
	return failed != 0 ? FRAME_NO_LANDLOCK : 0;
}

uint32_t
sandbox_enter(struct sandbox *sb)
{
	uint32_t missing;

	if (!sb->is_on)
		return enter_limits(sb);
	enter_no_network();
	missing = enter_limits(sb);
	drop_capabilities();
	/* Landlock and seccomp require this. */
	missing |= enter_no_new_privs();
	missing |= enter_landlock();
	missing |= IS_SANITISED ? FRAME_NO_SECCOMP : sandbox_filter();
	return missing;
}

/*
 * A user's program may be an interpreter that opens files and starts threads,
 * and its CPU time is that of a whole run, so the other limits of a worker do
 * not apply. The pool watches the time per document. Failures are ignored: the
 * user asked for this program.
 */
void
sandbox_limit_program(const struct sandbox *sb)
{
	enter_no_new_privs();
	limit_memory(sb);
}
