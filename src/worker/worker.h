/* SPDX-License-Identifier: ISC */
/*
 * The main function of fetchd-worker. Returns its exit status (FRAME_EXIT_*).
 *
 *   --serve PARENT_PID MEM_BYTES TIME_SECONDS SANDBOX(0|1)
 *   --exec PARENT_PID MEM_BYTES TIME_SECONDS -- PROGRAM [ARG...]
 *   --version
 *
 * fetchd starts it with descriptors 0 and 1 connected to one socket and 2 to a
 * pipe. A limit of 0 means no limit.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "worker/serve.h"

/* hooks is NULL except in tests. */
int worker_main(int argc, char **argv, const struct serve_hooks *hooks);

#endif
