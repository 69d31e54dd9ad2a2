/* SPDX-License-Identifier: ISC */
/* A growable byte buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

void
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap > 0 ? b->cap : 256;

	CHECK(more < SIZE_MAX / 4 && b->n < SIZE_MAX / 4);
	while (cap - b->n < more)
		cap *= 2;
	b->p = mem_realloc(b->p, cap);
	b->cap = cap;
}

void
buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void
buf_wipe(struct buf *b)
{
	if (b->cap > 0)
		explicit_bzero(b->p, b->cap);
	buf_fini(b);
}

void
buf_clear(struct buf *b, size_t keep)
{
	if (b->cap > keep)
		buf_fini(b);
	b->n = 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	CHECK(n <= b->n);
	b->n -= n;
	if (b->n > 0 && n > 0)
		memmove(b->p, b->p + n, b->n);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	buf_reserve(b, 128);
	n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
	CHECK(n >= 0);
	if ((size_t)n >= b->cap - b->n) {
		buf_grow(b, (size_t)n + 1);
		vsnprintf(b->p + b->n, b->cap - b->n, fmt, again);
	}
	va_end(again);
	b->n += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_lower(struct buf *b, struct span s)
{
	char *p = buf_reserve(b, s.n);
	size_t i;

	for (i = 0; i < s.n; i++)
		p[i] = span_lower(s.p[i]);
	b->n += s.n;
}

void
buf_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, digits + i, sizeof(digits) - i);
}

void
buf_i64(struct buf *b, int64_t v)
{
	if (v < 0) {
		buf_char(b, '-');
		buf_u64(b, (uint64_t)0 - (uint64_t)v);
	} else
		buf_u64(b, (uint64_t)v);
}
