/* SPDX-License-Identifier: ISC */
/*
 * A worker's state, and the list that follows from it: which workers can take a
 * document, which are to be started and which to be ended.
 */
#include "io/pool/pool_int.h"

/*
 * Lines do not say which document they answer, and a program that writes one
 * too few or too many would shift all answers that follow. With one document at
 * a time such a program is late, or writes something that was not requested.
 */
static unsigned
max_tasks(const struct pool *p)
{
	return p->conf.protocol == POOL_LINES ? 1 : POOL_DEPTH;
}

static struct list *
list_for(struct worker *w)
{
	struct pool *p = w->pool;

	switch (w->state) {
	case WORKER_NONE:
		return &p->empty;
	case WORKER_KILL_PENDING:
		return &p->kill_pending;
	case WORKER_STARTING:
	case WORKER_EXITING:
		return NULL;
	case WORKER_UP:
		break;
	}
	if (w->ntasks == 0)
		return &p->idle;
	return w->ntasks < max_tasks(p) && !w->is_filling ? &p->half : NULL;
}

void
worker_state_relist(struct worker *w)
{
	struct list *to = list_for(w);

	if (to == w->on)
		return;
	if (w->on != NULL)
		list_remove(w->on, &w->link);
	w->on = to;
	if (to != NULL)
		list_push(to, &w->link);
}

void
worker_state_set(struct worker *w, enum worker_state state)
{
	w->state = state;
	worker_state_relist(w);
}
