/* SPDX-License-Identifier: ISC */
/*
 * What any other program says: a line for each document, in their order.
 * Takes it for untrusted; what the line says is its owner's.
 */
#include "codec/frame.h"

#include "io/pool_int.h"

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

/* One document at a time: more than its line is nobody's. */
ssize_t
lines_take(struct worker *w, struct span all)
{
	size_t from = w->scanned, n;
	const char *lf;

	w->scanned = 0;
	if (all.n == 0 || w->ntasks == 0)
		return all.n == 0 ? 0 : -1;
	lf = memchr(all.p + from, '\n', all.n - from);
	n = lf != NULL ? (size_t)(lf - all.p) : all.n;
	if (n > FRAME_RESULT_MAX || all.n > n + 1)
		return -1;
	if (lf == NULL) {
		w->scanned = n;
		return 0;
	}
	if (w->is_filling) {
		w->is_held = 1;
		return 0;
	}
	return on_line(w, span_of(all.p, n)) == -1 ? -1 : (ssize_t)n + 1;
}
