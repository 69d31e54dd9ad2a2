/* SPDX-License-Identifier: ISC */
/*
 * One run of the deciders in a world of its own, checked as it goes.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "core/core.h"
#include "options/options.h"
#include "world.h"

#define SIM_MORE 3

struct sim {
	struct event_base w;
	struct core core;
	struct job job;
	struct opts opts;
	struct sim_job {
		struct job job;
		struct opts opts;
	} more[SIM_MORE]; /* jobs beside the first */
	unsigned nmore;
	struct timer *grace;
	int is_cut;
	uint64_t turns;
	uint64_t moved_turn, moved_records; /* when a record came last */
	unsigned check_every; /* turns between two full checks; 1 */
	int64_t slack_us;     /* how late a deadline may be */
	size_t most_slots, most_known;
	uint64_t most_held, most_pending;
	void (*each_turn)(struct sim *s); /* what a scenario looks at */
	void *arg;
};

/* The arguments end with NULL. */
void sim_init(struct sim *s, uint64_t seed, const struct origin *origins,
    const char *const *args);
/* Sets the input. */
void sim_input(struct sim *s, uint64_t items,
    void (*item)(struct event_base *w, uint64_t seq, struct item *to));
/* Another job, with options of its own. */
void sim_add_job(struct sim *s, const char *const *args);
/* Of these items so many are the next job's: the first's, then of each that was
 * added. Instead of sim_input, which gives all to the first. */
void sim_inputs(struct sim *s, const uint64_t *items,
    void (*item)(struct event_base *w, uint64_t number, struct item *to));
/* Limits the number of open connections. */
void sim_sockets(struct sim *s, size_t max);
void sim_turn(struct sim *s);
/* Turns until `us` of virtual time have passed, or it is over. */
void sim_run_for(struct sim *s, int64_t us);
/* Turns until it is over, at most `us`; then all items have one record. */
void sim_run(struct sim *s, int64_t us);
int sim_is_over(const struct sim *s);
/* As the first INT does. */
void sim_stop(struct sim *s);
/* Frees, and checks that nothing is left behind. */
void sim_fini(struct sim *s);
/* The number of items that ended with e. */
uint64_t sim_count(const struct sim *s, enum err e);

/* ---- check.c ---- */
/* The counts are what a recount gives; lists, limits and deadlines hold. */
void check_all(struct sim *s);
/* Before the loop waits: no work may be left for which no event will come. */
void check_sleep(struct sim *s);
/* Each item has one record, and no POST was sent twice. */
void check_records(struct sim *s);

#endif
