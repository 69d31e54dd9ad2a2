/* SPDX-License-Identifier: ISC */
/*
 * The messages of fetchd-worker (codec/frame), each of which must be one that
 * is expected now. Checks no JSON: that is the owner's.
 */
#include "codec/frame.h"

#include "io/pool/pool_int.h"

static int
is_expected(const struct worker *w, const struct frame *f)
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
parse_payload(const struct frame *f, struct span payload, struct message *m)
{
	struct frame_result r;

	switch (f->type) {
	case FRAME_READY:
		m->type = MESSAGE_READY;
		return frame_get_ready(payload, &m->missing);
	case FRAME_BAD:
		m->type = MESSAGE_REFUSED;
		m->text = payload;
		return 0;
	case FRAME_RESULT:
		if (frame_get_result(payload, &r) == -1)
			return -1;
		m->type = MESSAGE_ANSWER;
		m->error = r.error;
		m->text = r.json;
		return 0;
	case FRAME_CONFIG:
	case FRAME_DOC:
		return -1;
	}
	return -1;
}

enum parse_step
frames_parse(const struct worker *w, struct span in, struct message *m)
{
	struct frame f;

	*m = (struct message){ .type = MESSAGE_READY };
	if (in.n < FRAME_HEAD) {
		/* A worker without a document has nothing to send. */
		if (in.n > 0 && w->state == WORKER_UP && w->ntasks == 0)
			return STEP_BAD;
		return STEP_MORE;
	}
	if (frame_get_head(in.p, FRAME_READER_FETCHD, &f) == -1 ||
	    !is_expected(w, &f))
		return STEP_BAD;
	m->bytes = FRAME_HEAD + f.length;
	if (in.n < m->bytes)
		return STEP_MORE;
	if (w->is_filling && w->ntasks == 1)
		return in.n > m->bytes ? STEP_BAD : STEP_EARLY;
	if (parse_payload(&f, span_of(in.p + FRAME_HEAD, f.length), m) == -1)
		return STEP_BAD;
	return STEP_MESSAGE;
}
