/* SPDX-License-Identifier: ISC */
/*
 * Confines a worker in case a document takes control of it: resource limits,
 * Landlock, seccomp, no network. Owner of libseccomp. Each step that the kernel
 * does not support is reported as a bit of FRAME_NO_*; the others are still
 * taken.
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

struct sandbox {
	pid_t parent;
	uint64_t mem_bytes; /* of address space; 0: no limit */
	uint64_t time_s;    /* a document may take; 0: no limit */
	int is_on;          /* 0: only the limits of memory and CPU */
	uint64_t life_s;    /* CPU limit, set by sandbox_enter; 0: none */
};

/*
 * Sets up the process: a process group of its own, no terminal, a nice value,
 * default signal handlers, no open descriptors but 0, 1 and 2, no core files,
 * and SIGKILL when its parent dies. Exits with FRAME_EXIT_ORPHAN if the parent
 * is already dead. Returns bits of FRAME_NO_*.
 */
uint32_t sandbox_begin(const struct sandbox *sb);

/* Enters the sandbox irrevocably. Returns bits of FRAME_NO_*. */
uint32_t sandbox_enter(struct sandbox *sb);
/* The system call filter (sandbox_filter.c). 0 or FRAME_NO_SECCOMP. */
uint32_t sandbox_filter(void);

/* Has the process used half of its CPU time? Then it should exit between two
 * documents, before the kernel kills it during one. */
int sandbox_is_worn(const struct sandbox *sb);

/* Instead of sandbox_enter, before another program is executed. */
void sandbox_limit_program(const struct sandbox *sb);

#endif
