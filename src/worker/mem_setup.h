/* SPDX-License-Identifier: ISC */
/*
 * The worker's memory: running out of it ends the process with
 * FRAME_EXIT_OOM, wherever that happens.
 */
#ifndef WORKER_MEM_SETUP_H
#define WORKER_MEM_SETUP_H

/* First of all, before libxml2 allocates. */
void mem_setup(void);
/* Gives back what a document of so many bytes left behind. */
void mem_settle(size_t bytes);

#endif
