/* SPDX-License-Identifier: ISC */
/*
 * Writes the ring of events to a file or stderr. A trace never delays a run:
 * events are left out if the reader is too slow, and an error of the file ends
 * the trace only.
 */
#include "engine_trace.h"

#include <string.h>

#include "base/buf.h"
#include "base/message.h"
#include "base/trace.h"
#include "core/fetch.h"
#include "io/sink.h"
#include "io/timer.h"

#define PENDING_MAX (1u << 20) /* bytes that wait for the reader */
#define FINISH_US 500000

static const char *
state_name(unsigned state)
{
	return fetch_state_name((enum fetch_state)state);
}

void
engine_trace_init(struct engine_trace *t, struct core *c, struct sink *notes)
{
	t->trace = trace_new(timer_now_us(), timer_wall_us(), state_name);
	t->notes = notes;
	c->trace = t->trace;
}

int
engine_trace_open(
    struct engine_trace *t, struct event_base *base, const char *path)
{
	t->path = path;
	t->out = strcmp(path, "-") == 0 ? t->notes
					: sink_open_own(base, path, NULL, NULL);
	return t->out != NULL ? 0 : -1;
}

/* Formats events as lines, as long as there is room. */
static void
take(struct engine_trace *t)
{
	struct buf *b = sink_buf(t->out);
	size_t n;

	while (sink_pending(t->out) < PENDING_MAX) {
		n = trace_next(t->trace, buf_reserve(b, TRACE_LINE));
		if (n == 0)
			return;
		b->n += n;
	}
}

static void
on_full(void *arg)
{
	struct engine_trace *t = arg;

	take(t);
	sink_flush(t->out);
}

int
engine_trace_begin(struct engine_trace *t)
{
	struct buf *b;

	if (t->out == NULL)
		return 0;
	if (t->out != t->notes && sink_empty(t->out) == -1)
		return -1;
	b = sink_buf(t->out);
	b->n += trace_head(t->trace, buf_reserve(b, TRACE_LINE));
	trace_follow(t->trace, on_full, t);
	t->has_begun = 1;
	return 0;
}

static void
look_for_failure(struct engine_trace *t)
{
	struct buf b = { 0 };

	if (t->has_failed || sink_error(t->out) == E_OK)
		return;
	t->has_failed = 1;
	message_begin(&b);
	buf_str(&b, "--trace: ");
	message_show(&b, t->path);
	buf_printf(&b, ": %s; the run continues without it\n",
	    strerror(sink_errno(t->out)));
	sink_note(t->notes, buf_view(&b));
	buf_fini(&b);
}

void
engine_trace_flush(struct engine_trace *t)
{
	if (!t->has_begun)
		return;
	take(t);
	sink_flush(t->out);
	look_for_failure(t);
}

void
engine_trace_finish(struct engine_trace *t)
{
	if (!t->has_begun)
		return;
	take(t);
	sink_finish(t->out, FINISH_US);
	sink_end_line(t->out);
	look_for_failure(t);
}

/* Writes all events, as a part would not show causes; none if an earlier dump
 * has not been read yet. */
void
engine_trace_dump(struct engine_trace *t)
{
	struct buf *b = sink_buf(t->notes);
	size_t kept = trace_kept(t->trace), i;

	if (sink_pending(t->notes) > SINK_NOTES_MAX)
		return;
	b->n += trace_head(t->trace, buf_reserve(b, TRACE_LINE));
	for (i = 0; i < kept; i++)
		b->n +=
		    trace_kept_line(t->trace, i, buf_reserve(b, TRACE_LINE));
	sink_flush(t->notes);
}

void
engine_trace_close(struct engine_trace *t)
{
	engine_trace_flush(t); /* events of the modules' ends */
	if (t->out != t->notes)
		sink_free(t->out);
	trace_free(t->trace);
}
