/* SPDX-License-Identifier: ISC */
/* io/spill.h in memory: all bytes are kept until the last is released. Writing
 * never fails. */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/spill.h"

struct spill {
	struct buf bytes;
	uint64_t live;
};

struct spill *
spill_new(void)
{
	return mem_zalloc(1, sizeof(struct spill));
}

void
spill_free(struct spill *s)
{
	if (s == NULL)
		return;
	buf_fini(&s->bytes);
	free(s);
}

enum err
spill_append(struct spill *s, struct span bytes, uint64_t *offset)
{
	*offset = s->bytes.n;
	buf_span(&s->bytes, bytes);
	s->live += bytes.n;
	return E_OK;
}

enum err
spill_read(struct spill *s, uint64_t offset, size_t n, struct buf *to)
{
	CHECK(offset <= s->bytes.n && n <= s->bytes.n - offset);
	buf_add(to, s->bytes.p + offset, n);
	return E_OK;
}

enum err
spill_patch(struct spill *s, uint64_t offset, struct span bytes)
{
	CHECK(offset <= s->bytes.n && bytes.n <= s->bytes.n - offset);
	memcpy(s->bytes.p + offset, bytes.p, bytes.n);
	return E_OK;
}

void
spill_release(struct spill *s, uint64_t offset, uint64_t n)
{
	CHECK(offset <= s->bytes.n && n <= s->bytes.n - offset);
	CHECK(n <= s->live);
	s->live -= n;
	if (s->live == 0)
		buf_clear(&s->bytes, 1 << 20);
}

uint64_t
spill_live_bytes(const struct spill *s)
{
	return s->live;
}

uint64_t
spill_used_bytes(const struct spill *s)
{
	return s->live;
}

uint64_t
spill_file_bytes(const struct spill *s)
{
	return s->bytes.n;
}

int
spill_errno(const struct spill *s)
{
	(void)s;
	return 0;
}
