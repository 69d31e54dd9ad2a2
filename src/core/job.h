/* SPDX-License-Identifier: ISC */
/*
 * One list of work: its options, its input, its output, and what is counted of
 * it. Every fetch belongs to one job. What jobs share (connections, origins,
 * slots, memory) is in struct core.
 */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "codec/http/http.h"
#include "codec/url/url.h"
#include "core/intake.h"
#include "core/origin/pace.h"
#include "core/output/emit.h"
#include "core/stats.h"
#include "options/options.h"

struct core;
struct files;

struct job {
	struct link of_core; /* of core->jobs */
	struct core *core;
	const struct opts *opts;
	struct intake intake;
	struct emit emit;
	struct files *files; /* --output-dir; NULL: none. Not the job's */
	struct job_pace pace;

	/* What is the same in all its requests. */
	struct url base_url;      /* --base-url */
	struct buf authorization; /* of -u or --oauth2-bearer */
	struct http_headers headers;

	/* Its items. */
	uint64_t seq;             /* of the newest one */
	uint64_t given;           /* how many there were in this run */
	size_t alive;             /* that have no record yet */
	size_t slots;             /* transfer slots in use */
	size_t known;             /* that wait for a slot, */
	size_t known_bytes;       /* and the bytes of their lines */
	unsigned pauses;          /* PAUSE_SINK, PAUSE_SPILL */
	size_t startable;         /* of these, how many could start now */
	struct list ready;        /* struct queue in READY, in rotation */
	struct list needs_lookup; /* struct queue in NEEDS_LOOKUP */
	int is_single;            /* there is one item and no more */
	int was_left;             /* items were dropped without a record */
	uint64_t left_place;      /* of the first of them, for --keep-order */
	int is_resumable; /* its items have a journal: at a stop those in
			   * flight get no record if they can be
			   * requested again */

	struct stats stats;
};

/* Adds it to the core. The options must outlive it; the input and the output
 * follow. */
void job_init(struct job *j, struct core *c, const struct opts *o);
/* After core_drop: none of its items is anywhere. */
void job_fini(struct job *j);
/* Every item has its record and no more can come. */
int job_is_done(const struct job *j);

#endif
