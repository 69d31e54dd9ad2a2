/* SPDX-License-Identifier: ISC */
/*
 * The counts of a job, for the summary, --stats and the exit status. No
 * decision depends on them.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/parse_error.h"
#include "base/span.h"

struct buf;

/* Why an item waits; users see the names of stats_wait_name(). */
enum wait_reason {
	WAIT_SLOT,
	WAIT_HOST_LIMIT,
	WAIT_RATE,
	WAIT_DELAY,
	WAIT_BUDGET,
	WAIT_RETRY_AFTER,
	WAIT_BACKOFF,
	WAIT_DNS,
	WAIT_HANDSHAKE,
	WAIT_NET_DOWN,
	WAIT_FD_LIMIT,
	WAIT_MEMORY,
	WAIT_ORDER,
	WAIT_OUTPUT_BLOCKED,
	WAIT_WORKER_BUSY,
	WAIT_JOURNAL,
	WAIT_COUNT
};

/* Buckets of 1/8 octave over microseconds. */
#define LAG_BUCKETS 256

struct stats {
	uint64_t items, ok, failed, requests;
	uint64_t bytes_in, bytes_out;
	uint64_t conns_reused;
	uint64_t by_status[6]; /* 1xx to 5xx at 1 to 5, anything else at 0 */
	uint64_t by_error[E_COUNT];
	uint64_t by_parse[PARSE_COUNT]; /* of answers to be parsed */
	unsigned exit_classes; /* bit n: an item ended in exit class n */
	struct {
		uint64_t count;
		int64_t time_us;
	} waits[WAIT_COUNT];
};

/* What is counted of an item once it has its record. */
struct item_outcome {
	unsigned char err;          /* enum err */
	unsigned char exit_class;   /* of err */
	unsigned char status_class; /* 1 to 5; 0: anything else */
	unsigned char parse; /* enum parse_error; PARSE_COUNT: not parsed */
};

/* How long ready events wait for the loop. */
struct lag {
	uint64_t of[LAG_BUCKETS];
	int64_t max_us;
};

/*
 * Appends the counts of records, requests and bytes, to go on with in a run
 * that is resumed. `items` becomes the number of records: the other items are
 * read again.
 */
void stats_save(const struct stats *s, struct buf *to);
/* Adds saved counts. 0, or -1 if the bytes are damaged: then none is added. */
int stats_restore(struct stats *s, struct span from);

const char *stats_wait_name(enum wait_reason r);
void stats_wait(struct stats *s, enum wait_reason r, int64_t us);
/* An item has its record. The caller counts in s->items when it begins. */
void stats_count(struct stats *s, const struct item_outcome *o);
/* A ready event waited up to `us`. */
void stats_lag(struct lag *l, int64_t us);
/* The lag that a share of all passes (0.5, 0.99) did not exceed, in us. */
int64_t stats_lag_quantile(const struct lag *l, double share);

#endif
