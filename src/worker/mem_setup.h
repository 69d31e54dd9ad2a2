/* SPDX-License-Identifier: ISC */
/*
 * The worker's memory. If it runs out anywhere, the process exits with
 * FRAME_EXIT_OOM (mem_exhausted.c).
 */
#ifndef WORKER_MEM_SETUP_H
#define WORKER_MEM_SETUP_H

/* Call first, before libxml2 allocates. */
void mem_setup(void);
/* Returns heap memory to the system after a large document; `bytes` is its
 * size. */
void mem_settle(size_t bytes);

#endif
