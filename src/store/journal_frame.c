/* SPDX-License-Identifier: ISC */
/* Frames and the numbers in them. Knows nothing of what they mean. */
#include <endian.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "store/journal_int.h"

/* Offsets in the head of a frame. */
enum {
	AT_CRC = 0, /* of all bytes after it */
	AT_LENGTH = 4,
	AT_COUNTER = 8,
	AT_SYNCED = 16,
	AT_TYPE = 24,
};

static uint32_t
get_le32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t
get_le64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static void
put_le32(char *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static void
put_le64(char *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

void
journal_put_head(struct buf *to, uint32_t version)
{
	char *p = buf_reserve(to, JOURNAL_HEAD_BYTES);

	memcpy(p, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES);
	put_le32(p + JOURNAL_MAGIC_BYTES, version);
	put_le32(
	    p + JOURNAL_MAGIC_BYTES + 4, crc32c(0, p, JOURNAL_MAGIC_BYTES + 4));
	to->n += JOURNAL_HEAD_BYTES;
}

int
journal_get_head(struct span s, uint32_t *version)
{
	const char *at = s.p + JOURNAL_MAGIC_BYTES;

	if (s.n < JOURNAL_HEAD_BYTES ||
	    get_le32(at + 4) != crc32c(0, s.p, JOURNAL_MAGIC_BYTES + 4))
		return 0;
	*version = get_le32(at);
	return 1;
}

size_t
journal_begin_frame(struct buf *to, enum journal_frame_type type)
{
	size_t at = to->n;
	char *p = buf_reserve(to, JOURNAL_FRAME_HEAD);

	memset(p, 0, JOURNAL_FRAME_HEAD);
	p[AT_TYPE] = (char)type;
	to->n += JOURNAL_FRAME_HEAD;
	return at;
}

void
journal_end_frame(struct buf *to, size_t at)
{
	size_t n = to->n - at - JOURNAL_FRAME_HEAD;

	CHECK(n <= UINT32_MAX);
	put_le32(to->p + at + AT_LENGTH, (uint32_t)n);
}

void
journal_seal(char *frame, uint64_t counter, uint64_t synced)
{
	size_t n = JOURNAL_FRAME_HEAD + get_le32(frame + AT_LENGTH);

	put_le64(frame + AT_COUNTER, counter);
	put_le64(frame + AT_SYNCED, synced);
	put_le32(frame + AT_CRC, crc32c(0, frame + AT_LENGTH, n - AT_LENGTH));
}

int
journal_get_frame_head(struct span s, struct journal_frame *f)
{
	size_t n;

	if (s.n < JOURNAL_FRAME_HEAD)
		return 0;
	n = get_le32(s.p + AT_LENGTH);
	if (n > s.n - JOURNAL_FRAME_HEAD)
		return 0;
	f->counter = get_le64(s.p + AT_COUNTER);
	f->synced = get_le64(s.p + AT_SYNCED);
	f->type = (unsigned char)s.p[AT_TYPE];
	f->payload = span_of(s.p + JOURNAL_FRAME_HEAD, n);
	f->size_bytes = JOURNAL_FRAME_HEAD + n;
	return 1;
}

int
journal_get_frame(struct span s, struct journal_frame *f)
{
	return journal_get_frame_head(s, f) &&
	       get_le32(s.p + AT_CRC) ==
		   crc32c(0, s.p + AT_LENGTH, f->size_bytes - AT_LENGTH);
}

void
journal_put_u64(struct buf *to, uint64_t v)
{
	while (v > 0x7f) {
		buf_char(to, (char)(v | 0x80));
		v >>= 7;
	}
	buf_char(to, (char)v);
}

void
journal_put_i64(struct buf *to, int64_t v)
{
	journal_put_u64(to, v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1);
}

void
journal_put_hash(struct buf *to, const uint64_t hash[2])
{
	char *p = buf_reserve(to, 16);

	put_le64(p, hash[0]);
	put_le64(p + 8, hash[1]);
	to->n += 16;
}

void
journal_put_bytes(struct buf *to, struct span s)
{
	journal_put_u64(to, s.n);
	buf_span(to, s);
}

static void
fail(struct journal_cursor *c, const char *wrong)
{
	if (c->wrong == NULL)
		c->wrong = wrong;
	c->rest.n = 0;
}

uint64_t
journal_get_u64(struct journal_cursor *c)
{
	uint64_t v = 0, byte;
	unsigned shift;

	for (shift = 0; shift < 64; shift += 7) {
		if (c->rest.n == 0) {
			fail(c, "a frame is too short");
			return 0;
		}
		byte = (unsigned char)c->rest.p[0];
		span_drop(&c->rest, 1);
		v |= (byte & 0x7f) << shift;
		if (byte <= 0x7f) {
			if (shift == 63 && byte > 1)
				break;
			return v;
		}
	}
	fail(c, "a number is too large");
	return 0;
}

uint64_t
journal_get_max(struct journal_cursor *c, uint64_t max)
{
	uint64_t v = journal_get_u64(c);

	if (v <= max)
		return v;
	fail(c, "a number is too large");
	return 0;
}

int64_t
journal_get_i64(struct journal_cursor *c)
{
	uint64_t v = journal_get_u64(c);

	return (int64_t)(v & 1 ? ~(v >> 1) : v >> 1);
}

void
journal_get_raw(struct journal_cursor *c, void *to, size_t n)
{
	if (c->rest.n < n) {
		fail(c, "a frame is too short");
		memset(to, 0, n);
		return;
	}
	memcpy(to, c->rest.p, n);
	span_drop(&c->rest, n);
}

void
journal_get_hash(struct journal_cursor *c, uint64_t hash[2])
{
	char raw[16];

	journal_get_raw(c, raw, sizeof(raw));
	hash[0] = get_le64(raw);
	hash[1] = get_le64(raw + 8);
}

struct span
journal_get_bytes(struct journal_cursor *c, size_t max)
{
	size_t n = journal_get_max(c, max);
	struct span s;

	if (n > c->rest.n) {
		fail(c, "a frame is too short");
		n = 0;
	}
	s = span_of(c->rest.p, n);
	span_drop(&c->rest, n);
	return s;
}
