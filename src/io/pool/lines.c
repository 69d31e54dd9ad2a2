/* SPDX-License-Identifier: ISC */
/*
 * The output of an --exec program: one line for each document, in order.
 * Checks no JSON: that is the owner's.
 */
#include "codec/frame.h"

#include "io/pool/pool_int.h"

static struct span
trim(struct span s)
{
	s = span_trim(s);
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return span_trim(s);
}

/* A program that copies its input, as cat does, also copies the prefix of the
 * next line, which is the beginning of its next answer. */
static int
is_echo(const struct worker *w, struct span s)
{
	return s.n == 0 ||
	       (w->probe_fd != -1 && span_eq(s, w->pool->conf.prefix));
}

/* As it has one document at a time, anything after its line is an error. */
enum parse_step
lines_parse(const struct worker *w, struct span in, struct message *m)
{
	size_t from = w->scanned, n;
	const char *lf;

	*m = (struct message){ .type = MESSAGE_ANSWER, .error = PARSE_OK };
	if (w->ntasks == 0 ||
	    (w->is_filling && w->probe_fd != -1 && !w->has_begun))
		return is_echo(w, in) ? STEP_MORE : STEP_BAD;
	lf = in.n > from ? memchr(in.p + from, '\n', in.n - from) : NULL;
	n = lf != NULL ? (size_t)(lf - in.p) : in.n;
	if (n > FRAME_RESULT_MAX ||
	    (lf != NULL && !is_echo(w, span_of(lf + 1, in.n - n - 1))))
		return STEP_BAD;
	if (lf == NULL) {
		m->scanned = n;
		return STEP_MORE;
	}
	if (w->is_filling)
		return STEP_EARLY;
	if (w->probe_fd != -1 && w->probe != PROBE_READ && !w->is_final)
		return STEP_HOLD;
	m->bytes = n + 1;
	m->text = trim(span_of(in.p, n));
	return m->text.n > 0 ? STEP_MESSAGE : STEP_BAD;
}
