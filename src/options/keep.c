/* SPDX-License-Identifier: ISC */
/*
 * The memory of option values: strings that live as long as the options, and
 * buffers that may have held a secret.
 */
#include <string.h>

#include "base/mem.h"
#include "options/row.h"

char *
opts_keep(struct opts *o, const char *p, size_t n)
{
	o->kept = mem_grow(o->kept, o->nkept, &o->kept_cap, sizeof(o->kept[0]));
	return o->kept[o->nkept++] = mem_strndup(p, n);
}

void
opts_wipe(struct buf *b)
{
	if (b->cap > 0)
		explicit_bzero(b->p, b->cap);
	buf_fini(b);
}
