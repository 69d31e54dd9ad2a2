/* SPDX-License-Identifier: ISC */
/*
 * A growable byte buffer. An all-zero struct buf is an empty one. It doubles
 * when full and never shrinks by itself. Adding never fails (base/mem.h), so
 * callers compare bytes from outside with a limit first.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

struct buf {
	char *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
};

/* Makes room for `more` bytes after the n in use. */
void buf_grow(struct buf *b, size_t more);
/* Frees the memory. The buffer is empty and can be used again. */
void buf_fini(struct buf *b);
/* Empties the buffer, and frees its memory if that is more than `keep` bytes.
 */
void buf_clear(struct buf *b, size_t keep);
/* Removes n bytes from the front. */
void buf_drop(struct buf *b, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* Overwrites the bytes with zeros before it frees them: for secrets. */
void buf_wipe(struct buf *b);
/* Decimal digits. */
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);

/* Returns room for `more` bytes after the n in use. The caller writes there and
 * adds to n. */
static inline char *
buf_reserve(struct buf *b, size_t more)
{
	if (b->cap - b->n < more)
		buf_grow(b, more);
	return b->p + b->n;
}

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->n += n;
}

static inline void
buf_span(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

/* s with its letters in lower case. */
void buf_lower(struct buf *b, struct span s);

static inline void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_char(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->n++;
}

/* The bytes in use; valid until the next call that adds to the buffer. */
static inline struct span
buf_view(const struct buf *b)
{
	return (struct span){ b->p, b->n };
}

#endif
