/* SPDX-License-Identifier: ISC */
/* The distance of Damerau and Levenshtein, restricted, with a small limit. */
#include "base/guess.h"

#include <stddef.h>

#define LONGEST 40 /* longer names are not worth a guess */
#define SHORTEST 3
#define TWO_EDITS 8 /* characters from which two mistakes are likely */

static int
min2(int a, int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours from a to b. */
static int
edits(struct span a, struct span b)
{
	int d[LONGEST + 1][LONGEST + 1];
	size_t i, j;
	int differ;

	for (i = 0; i <= a.n; i++)
		d[i][0] = (int)i;
	for (j = 0; j <= b.n; j++)
		d[0][j] = (int)j;
	for (i = 1; i <= a.n; i++) {
		for (j = 1; j <= b.n; j++) {
			differ = span_lower(a.p[i - 1]) != b.p[j - 1];
			d[i][j] = min2(d[i - 1][j - 1] + differ,
			    min2(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				d[i][j] = min2(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a.n][b.n];
}

static int
is_start(struct span start, struct span name)
{
	return start.n < name.n && memcmp(start.p, name.p, start.n) == 0;
}

void
guess_look(struct guess *g, struct span name, int i)
{
	struct span typed = g->typed;
	int n, most = typed.n < TWO_EDITS ? 1 : 2;

	if (typed.n < SHORTEST || typed.n > LONGEST || name.n > LONGEST)
		return;
	n = edits(typed, name);
	if (n > most && is_start(typed, name))
		n = most + 1;
	else if (n > most)
		return;
	if (n == g->best)
		g->found = -1;
	if (n >= g->best)
		return;
	g->best = n;
	g->found = i;
}
