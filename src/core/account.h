/* SPDX-License-Identifier: ISC */
/*
 * One account of the memory that grows with what peers send and lists name,
 * for --max-buffer. Each holder in core says how many bytes it holds, before
 * it takes more; what the movers hold is asked of them once a turn. The sum is
 * that of all holders at any time, and 0 once they are gone.
 *
 * What waits may not fill it, or nothing could be started that ends: items that
 * wait may take a quarter of it, what they remember of their redirects and
 * attempts a quarter, --keep-order a quarter.
 */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

struct core;
struct order;

enum account_kind {
	ACCOUNT_ITEMS,     /* lines that were read, until their records */
	ACCOUNT_ORIGINS,   /* struct host with its name and addresses */
	ACCOUNT_HISTORY,   /* of items that came back: URLs, attempts */
	ACCOUNT_EXCHANGES, /* requests, answers, decoders, lines of streams */
	ACCOUNT_OUTPUT,    /* records that are not written yet */
	ACCOUNT_ORDER,     /* --keep-order, in memory */
	ACCOUNT_MOVERS,    /* bytes read from TLS, from parsers, from a list */
	ACCOUNT_KINDS
};

struct account {
	uint64_t held;
	uint64_t of[ACCOUNT_KINDS];
	size_t output, order, movers; /* charged for these by account_ask */
};

/* A holder whose charge was *charged holds `bytes` now. */
static inline void
account_set(
    struct account *a, enum account_kind kind, size_t *charged, size_t bytes)
{
	a->held += bytes - *charged;
	a->of[kind] += bytes - *charged;
	*charged = bytes;
}

/* Asks the movers what they hold; once a turn, and after output was added. */
void account_ask(struct core *c);
/* They are about to go. */
void account_release(struct core *c);

/* More than --max-buffer is held. */
int account_is_over(const struct core *c);
/* Items that wait take up their share: no more is read of a list of which
 * `known` wait; one of each may always. */
int account_is_full_of_items(const struct core *c, size_t known);
/* May waiting items remember so many bytes more of where they have been? */
int account_may_remember(const struct core *c, size_t bytes);
/* --keep-order: what may wait in memory, and is the list of what does full? */
size_t account_order_window(const struct core *c);
int account_is_full_of_order(const struct core *c, const struct order *o);
/* Origins without work take up more than they are worth. */
int account_is_full_of_origins(const struct core *c);

#endif
