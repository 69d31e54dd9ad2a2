/* SPDX-License-Identifier: ISC */
/*
 * What any other program says: a line for each document, in their order.
 * Takes it for untrusted; what the line says is its owner's.
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

static int
on_line(struct worker *w, struct span line)
{
	line = trim(line);
	return line.n == 0 ? -1 : talk_answer(w, PARSE_OK, line);
}

/* A program that passes on what it reads, as cat does, also passes on what was
 * sent ahead of the next line: the beginning of its answer. */
static int
is_echo(const struct worker *w, struct span s)
{
	return s.n == 0 ||
	       (w->probe_fd != -1 && span_eq(s, w->pool->conf.prefix));
}

/* One document at a time: more than its line is nobody's. */
ssize_t
lines_take(struct worker *w, struct span all)
{
	size_t from = w->scanned, n;
	const char *lf;

	w->scanned = 0;
	if (w->ntasks == 0 ||
	    (w->is_filling && w->probe_fd != -1 && !w->is_begun))
		return is_echo(w, all) ? 0 : -1; /* nothing was asked yet */
	lf = all.n > from ? memchr(all.p + from, '\n', all.n - from) : NULL;
	n = lf != NULL ? (size_t)(lf - all.p) : all.n;
	if (n > FRAME_RESULT_MAX ||
	    (lf != NULL && !is_echo(w, span_of(lf + 1, all.n - n - 1))))
		return -1;
	if (lf == NULL) {
		w->scanned = n;
		return 0;
	}
	if (w->is_filling) {
		w->is_held = 1;
		return 0;
	}
	if (w->probe_fd != -1 && w->probe != PROBE_READ && !w->is_settled) {
		talk_hold(w);
		return 0;
	}
	return on_line(w, span_of(all.p, n)) == -1 ? -1 : (ssize_t)n + 1;
}
