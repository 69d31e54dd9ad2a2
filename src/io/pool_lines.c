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

ssize_t
lines_take(struct worker *w, struct span all)
{
	size_t used = 0, from = w->scanned, n;
	const char *lf;

	w->scanned = 0;
	while (used < all.n && w->ntasks > 0) {
		lf = memchr(all.p + from, '\n', all.n - from);
		n = (lf != NULL ? (size_t)(lf - all.p) : all.n) - used;
		if (n > FRAME_RESULT_MAX)
			return -1;
		if (lf == NULL) {
			w->scanned = all.n - used;
			return (ssize_t)used;
		}
		if (w->is_filling && w->ntasks == 1) {
			w->is_held = 1;
			return all.n - used > n + 1 ? -1 : (ssize_t)used;
		}
		if (on_line(w, span_of(all.p + used, n)) == -1)
			return -1;
		from = used += n + 1;
		if (w->state == WORKER_DOOMED)
			return (ssize_t)used;
	}
	return used < all.n ? -1 : (ssize_t)used;
}
