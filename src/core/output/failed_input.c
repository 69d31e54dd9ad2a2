/* SPDX-License-Identifier: ISC */
/*
 * A fetch keeps its line to the end; the BOM and CR that the source removed are
 * added again here. Decides nothing.
 */
#include "core/output/failed_input.h"

#include <string.h>

#include "core/fetch.h"
#include "core/job.h"
#include "io/sink.h"

/* Only the beginning of a line too long is known, and an operand with an LF
 * would become two lines. */
static int
is_whole_line(const struct fetch *f)
{
	return f->err != E_INPUT_TOO_LONG &&
	       memchr(f->line.p, '\n', f->line.n) == NULL;
}

void
failed_input_put(const struct fetch *f)
{
	struct emit *e = &f->job->emit;
	struct buf *out;

	if (e->failed == NULL || f->err == E_OK)
		return;
	if (!is_whole_line(f)) {
		if (e->left_out.source == NULL)
			e->left_out =
			    (struct oddity){ f->source, f->source_line };
		return;
	}
	out = sink_buf(e->failed);
	if (f->had_bom)
		buf_str(out, "\xef\xbb\xbf");
	buf_span(out, f->line);
	if (f->had_cr)
		buf_char(out, '\r');
	buf_char(out, '\n');
}

void
failed_input_flush(struct job *j)
{
	if (j->emit.failed != NULL)
		sink_flush(j->emit.failed);
}

int
failed_input_is_full(const struct job *j)
{
	return j->emit.failed != NULL && sink_is_full(j->emit.failed);
}

size_t
failed_input_pending(const struct job *j)
{
	return j->emit.failed != NULL ? sink_pending(j->emit.failed) : 0;
}

enum err
failed_input_error(const struct job *j)
{
	return j->emit.failed != NULL ? sink_error(j->emit.failed) : E_OK;
}
