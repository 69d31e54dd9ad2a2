/* SPDX-License-Identifier: ISC */
/*
 * fetchd-worker from its arguments to its exit status (FRAME_EXIT_*):
 *
 *   --serve PARENT_PID MEM_BYTES TIME_SECONDS SANDBOX(0|1)
 *   --exec PARENT_PID MEM_BYTES TIME_SECONDS -- PROGRAM [ARG...]
 *   --version
 *
 * fetchd starts it, with descriptors 0 and 1 the same socket and 2 a pipe. A
 * limit of 0 is none.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "worker/serve.h"

/* hooks: NULL but in tests. */
int worker_main(int argc, char **argv, const struct serve_hooks *hooks);

#endif
