/* SPDX-License-Identifier: ISC */
/*
 * A helper thread for calls that block on the disk: fsync, rename, writes of
 * large files. It runs jobs one after another, in the order of submission.
 * Knows nothing of what a job does.
 *
 * Leaf contract: disk_submit never calls back; done() comes only from the loop
 * or from disk_finish, in the order of submission, never after disk_free has
 * returned.
 */
#ifndef IO_DISK_H
#define IO_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct disk;
struct event_base;

/* The caller's, as a member of its own struct, until done() is called. */
struct disk_job {
	struct link link;
	/* On the thread. What it touches is the job's alone until done(). */
	void (*run)(struct disk_job *job);
	/* In the loop. May submit jobs, this one too, and may free the job. */
	void (*done)(struct disk_job *job);
};

/* Starts no thread: the first disk_submit does. */
struct disk *disk_new(struct event_base *base);
/* Runs what was submitted, and calls no done(). Waits as long as that takes.
 * NULL is allowed. */
void disk_free(struct disk *d);
void disk_submit(struct disk *d, struct disk_job *job);
/* Jobs whose done() has not been called. */
size_t disk_pending(const struct disk *d);
/* For the end of a run: waits up to timeout_us for the jobs and calls their
 * done(). */
void disk_finish(struct disk *d, int64_t timeout_us);

#endif
