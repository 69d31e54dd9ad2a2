/* SPDX-License-Identifier: ISC */
/* Resolves URL references, cleaned as the URL standard requires. */
#include "worker/href.h"

static int
is_edge(char c)
{
	return (unsigned char)c <= ' ';
}

static int
is_dropped(char c)
{
	return c == '\t' || c == '\n' || c == '\r';
}

enum err
href_resolve(
    struct url *u, const struct url *base, struct span ref, struct buf *scratch)
{
	size_t i;

	while (ref.n > 0 && is_edge(ref.p[0]))
		ref.p++, ref.n--;
	while (ref.n > 0 && is_edge(ref.p[ref.n - 1]))
		ref.n--;
	for (i = 0; i < ref.n && !is_dropped(ref.p[i]);)
		i++;
	if (i == ref.n)
		return url_resolve(u, base, ref);
	scratch->n = 0;
	for (i = 0; i < ref.n; i++)
		if (!is_dropped(ref.p[i]))
			buf_char(scratch, ref.p[i]);
	return url_resolve(u, base, buf_view(scratch));
}
