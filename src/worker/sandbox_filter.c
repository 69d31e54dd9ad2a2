/* SPDX-License-Identifier: ISC */
/*
 * The system call filter of a worker: I/O on open descriptors, memory, clock,
 * exit. Any other call kills the process (SIGSYS). The list is that of
 * OpenSSH's sandbox without the calls that are not needed here.
 */
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/frame.h"
#include "worker/sandbox.h"

/* Allowed with any arguments. abort() uses gettid and getpid. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static int
allow_all(scmp_filter_ctx ctx)
{
	size_t i;
	int failed = 0;

	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		failed |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	return failed;
}

/* Memory that is not executable; a signal to the process itself, as abort()
 * sends it. */
static int
allow_some(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp no_exec =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp self =
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	int failed = 0;

	failed |= seccomp_rule_add_array(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_exec);
	failed |= seccomp_rule_add_array(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &no_exec);
	failed |= seccomp_rule_add_array(
	    ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
	return failed;
}

uint32_t
sandbox_filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int failed;

	if (ctx == NULL)
		return FRAME_NO_SECCOMP;
	failed = seccomp_attr_set(
	    ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	failed |= allow_all(ctx);
	failed |= allow_some(ctx);
	if (failed == 0)
		failed = seccomp_load(ctx);
	seccomp_release(ctx);
	return failed != 0 ? FRAME_NO_SECCOMP : 0;
}
