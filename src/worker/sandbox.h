/* SPDX-License-Identifier: ISC */
/*
 * What keeps a worker from doing harm, whatever a document makes of it. Owner
 * of libseccomp and of what the kernel has besides. Each step that a kernel
 * does not know is a bit of FRAME_NO_*, and the others are taken all the same.
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

struct sandbox {
	pid_t parent;
	uint64_t mem_bytes; /* of address space; 0: no limit */
	uint64_t time_s;    /* a document may take; 0: no limit */
	int is_on;          /* 0: the limits of memory and CPU only */
	uint64_t life_s;    /* of CPU, in all; 0: no limit. By sandbox_enter */
};

/*
 * The process as it should have come: a group of its own, no terminal, behind
 * the loop when they want the same core, signals as at first but for SIGPIPE,
 * nothing open but 0, 1 and 2, and it dies when its parent does.
 * Ends the process with FRAME_EXIT_ORPHAN if that has happened already.
 * Returns FRAME_NO_DEATHSIG or 0.
 */
uint32_t sandbox_begin(const struct sandbox *sb);

/* Puts everything in force, for good. Returns FRAME_NO_*. */
uint32_t sandbox_enter(struct sandbox *sb);
/* System calls: sandbox_filter.c. 0 or FRAME_NO_SECCOMP. */
uint32_t sandbox_filter(void);

/* Has it used half of its life? Then it had better make room for a fresh one,
 * between two documents, before the kernel ends it within one. */
int sandbox_is_worn(const struct sandbox *sb);

/* Instead of sandbox_enter, before another program is executed. */
void sandbox_limit_program(const struct sandbox *sb);

#endif
