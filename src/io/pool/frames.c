/* SPDX-License-Identifier: ISC */
/*
 * What fetchd-worker says: messages, each of which must be one that may come
 * now. Takes all of it for untrusted; what the JSON says is its owner's.
 */
#include "codec/frame.h"

#include "io/pool/pool_int.h"
#include "io/timer.h"

static int
may_come(const struct worker *w, const struct frame *f)
{
	switch (f->type) {
	case FRAME_READY:
	case FRAME_BAD:
		return w->state == WORKER_STARTING;
	case FRAME_RESULT:
		return w->state == WORKER_UP && w->ntasks > 0 &&
		       f->id == w->tasks[0].id;
	case FRAME_CONFIG:
	case FRAME_DOC:
		return 0;
	}
	return 0;
}

static int
on_ready(struct worker *w, struct span payload)
{
	uint32_t missing;

	if (frame_get_ready(payload, &missing) == -1)
		return -1;
	w->pool->missing |= missing;
	talk_ready(w);
	return 0;
}

/* The same for every worker, unless others have been content with it. */
static int
on_bad(struct worker *w, struct span payload)
{
	struct pool *p = w->pool;
	struct buf *to = p->proven > 0 ? &p->reason : &p->bad;

	to->n = 0;
	buf_span(to, payload.n > 0 ? payload : SPAN("no reason given"));
	if (p->proven > 0)
		slot_doom(w, END_DIED, PARSE_OK);
	else
		slots_break(p);
	return 0;
}

static int
on_result(struct worker *w, struct span payload)
{
	struct frame_result r;

	if (frame_get_result(payload, &r) == -1)
		return -1;
	return talk_answer(w, r.error, r.json);
}

static int
on_message(struct worker *w, const struct frame *f, struct span payload)
{
	switch (f->type) {
	case FRAME_READY:
		return on_ready(w, payload);
	case FRAME_BAD:
		return on_bad(w, payload);
	case FRAME_RESULT:
		return on_result(w, payload);
	case FRAME_CONFIG:
	case FRAME_DOC:
		return -1;
	}
	return -1;
}

/* Nothing may come from one that has nothing to answer. */
static int
is_owed_nothing(const struct worker *w)
{
	return w->state == WORKER_UP && w->ntasks == 0;
}

ssize_t
frames_take(struct worker *w, struct span all)
{
	size_t used = 0, whole;
	struct frame f;

	while (all.n - used >= FRAME_HEAD) {
		if (frame_get_head(all.p + used, FRAME_READER_FETCHD, &f) ==
			-1 ||
		    !may_come(w, &f))
			return -1;
		whole = FRAME_HEAD + f.length;
		if (all.n - used < whole)
			break;
		if (w->is_filling && w->ntasks == 1) {
			w->is_held = 1;
			return all.n - used > whole ? -1 : (ssize_t)used;
		}
		if (on_message(w, &f,
			span_of(all.p + used + FRAME_HEAD, f.length)) == -1)
			return -1;
		used += whole;
		if (w->state == WORKER_DOOMED)
			return (ssize_t)used;
	}
	return used < all.n && is_owed_nothing(w) ? -1 : (ssize_t)used;
}
