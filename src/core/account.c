/* SPDX-License-Identifier: ISC */
/* The account against --max-buffer and its shares. Decides nothing: sched and
 * histories do. */
#include "core/account.h"

#include "core/core.h"
#include "core/input.h"
#include "core/output/failed_input.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "io/conn/conn.h"
#include "io/files/files.h"
#include "io/pool/pool.h"

/* Of --max-buffer. */
#define ITEMS_SHARE 4
#define HISTORY_SHARE 4
#define ORIGINS_SHARE 8
#define ORDER_SHARE 8 /* for the records, and again for their list */

#define ORDER_WINDOW_MAX (16u << 20)
#define SHARE_MIN (64u << 10) /* however small --max-buffer is */

static uint64_t
limit_of(const struct core *c)
{
	uint64_t max = c->limits.max_buffer_bytes;

	return max > 0 ? max : UINT64_MAX;
}

static uint64_t
share_of(const struct core *c, unsigned part)
{
	uint64_t share = limit_of(c) / part;

	return share > SHARE_MIN ? share : SHARE_MIN;
}

void
account_update(struct core *c)
{
	struct account *a = &c->account;
	size_t order = 0, output = 0;
	size_t movers = conns_unread_bytes(c->conns);
	const struct link *k;
	const struct job *j;

	for (k = list_first(&c->jobs); k != NULL; k = list_next(&c->jobs, k)) {
		j = CONTAINER(k, const struct job, of_core);
		if (j->emit.order != NULL)
			order += order_held_bytes(j->emit.order) +
				 order_list_bytes(j->emit.order);
		output += j->emit.out->ops->pending(j->emit.out) +
			  failed_input_pending(j);
		if (j->files != NULL)
			movers += files_held_bytes(j->files);
		movers += j->intake.input->ops->held_bytes(j->intake.input);
	}
	if (c->workers != NULL)
		movers += pool_held_bytes(c->workers);
	if (c->coprocs != NULL)
		movers += pool_held_bytes(c->coprocs);
	account_set(a, ACCOUNT_OUTPUT, &a->output, output);
	account_set(a, ACCOUNT_ORDER, &a->order, order);
	account_set(a, ACCOUNT_MOVERS, &a->movers, movers);
}

void
account_release(struct core *c)
{
	struct account *a = &c->account;

	account_set(a, ACCOUNT_OUTPUT, &a->output, 0);
	account_set(a, ACCOUNT_ORDER, &a->order, 0);
	account_set(a, ACCOUNT_MOVERS, &a->movers, 0);
}

int
account_is_over(const struct core *c)
{
	return c->account.held > limit_of(c);
}

int
account_is_full_of_items(const struct core *c, size_t known)
{
	const struct account *a = &c->account;

	return known > 0 && a->of[ACCOUNT_ITEMS] + a->of[ACCOUNT_ORIGINS] >
				share_of(c, ITEMS_SHARE);
}

int
account_may_remember(const struct core *c, size_t bytes)
{
	uint64_t share = share_of(c, HISTORY_SHARE);

	return bytes <= share &&
	       c->account.of[ACCOUNT_HISTORY] <= share - bytes;
}

size_t
account_order_window(const struct core *c)
{
	uint64_t share = share_of(c, ORDER_SHARE);

	return share < ORDER_WINDOW_MAX ? (size_t)share : ORDER_WINDOW_MAX;
}

int
account_is_full_of_order(const struct core *c, const struct order *o)
{
	return order_list_bytes(o) > share_of(c, ORDER_SHARE);
}

int
account_is_full_of_origins(const struct core *c)
{
	return c->account.of[ACCOUNT_ORIGINS] > share_of(c, ORIGINS_SHARE);
}
