/* SPDX-License-Identifier: ISC */
/*
 * One account of the memory that grows with what peers send and with the list,
 * for --max-buffer. Each holder in core charges its bytes before it takes more;
 * account_update() asks the movers once a loop pass. The sum is that of all
 * holders at any time, and 0 once they are gone.
 *
 * What waits must not fill it, or nothing could start: waiting items may take a
 * quarter of it, their histories a quarter, --keep-order a quarter.
 */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

struct core;
struct order;

enum account_kind {
	ACCOUNT_ITEMS,     /* lines read, until their records are written */
	ACCOUNT_ORIGINS,   /* struct host with its name and addresses */
	ACCOUNT_HISTORY,   /* struct history with its URLs and attempts */
	ACCOUNT_EXCHANGES, /* requests, answers, decoders, lines of streams */
	ACCOUNT_OUTPUT,    /* records that are not written yet */
	ACCOUNT_ORDER,     /* --keep-order, in memory */
	ACCOUNT_MOVERS,    /* bytes from TLS, parsers, a list; for files */
	ACCOUNT_KINDS
};

struct account {
	uint64_t held; /* the sum, in bytes */
	uint64_t of[ACCOUNT_KINDS];
	size_t output, order, movers; /* charged for these by account_update */
};

/* Changes a holder's charge from *charged to `bytes`. */
static inline void
account_set(
    struct account *a, enum account_kind kind, size_t *charged, size_t bytes)
{
	a->held += bytes - *charged;
	a->of[kind] += bytes - *charged;
	*charged = bytes;
}

/* Charges what the movers and the output hold; once a loop pass, and after
 * output was added. */
void account_update(struct core *c);
/* Clears these charges, before their holders are freed. */
void account_release(struct core *c);

/* Is more than --max-buffer held? */
int account_is_over(const struct core *c);
/* Items that wait take up their share: no more is read of a list of which
 * `known` wait; one of each may always. */
int account_is_full_of_items(const struct core *c, size_t known);
/* May waiting items remember so many bytes more of where they have been? */
int account_may_remember(const struct core *c, size_t bytes);
/* --keep-order: bytes of records that may wait in memory; and is its list of
 * waiting records full? */
size_t account_order_window(const struct core *c);
int account_is_full_of_order(const struct core *c, const struct order *o);
/* Do origins take up their share, so that unused ones are forgotten? */
int account_is_full_of_origins(const struct core *c);

#endif
