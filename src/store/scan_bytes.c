/* SPDX-License-Identifier: ISC */
/* The bytes of a file of results, decoded if they are compressed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "codec/decode.h"
#include "store/scan_int.h"

/* The bytes read, 0 at the end, or -1 with s->why. */
static ssize_t
read_some(struct scan *s, char *to)
{
	ssize_t n;

	do {
		n = read(s->fd, to, SCAN_CHUNK_BYTES);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		(void)scan_say(s, SCAN_FAILED, "%s", strerror(errno));
	if (n == 0)
		s->is_file_end = 1;
	return n;
}

int
scan_begin(struct scan *s)
{
	static const struct {
		struct span magic;
		enum scan_coding coding;
		struct span name;
	} codings[] = {
		{ { "\x1f\x8b", 2 }, SCAN_GZIP, { "gzip", 4 } },
		{ { "\x28\xb5\x2f\xfd", 4 }, SCAN_ZSTD, { "zstd", 4 } },
	};
	ssize_t n = read_some(s, s->raw);
	int unknown;
	size_t i;

	if (n == -1)
		return -1;
	s->raw_in = span_of(s->raw, (size_t)n);
	if (span_starts(s->raw_in, SPAN("SQLite format 3")))
		s->form = SCAN_DATABASE;
	for (i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
		if (span_starts(s->raw_in, codings[i].magic)) {
			s->coding = codings[i].coding;
			CHECK(decode_open(&s->decode, &codings[i].name, 1,
				  &unknown) == E_OK);
		}
	return 0;
}

static int
end(struct scan *s, const char *why)
{
	s->is_end = 1;
	if (why != NULL) {
		s->is_damaged = 1;
		(void)scan_say(s, SCAN_TORN, "%s", why);
	}
	return 0;
}

static int
fill_plain(struct scan *s)
{
	ssize_t n = (ssize_t)s->raw_in.n;

	if (n > 0)
		memcpy(s->chunk, s->raw_in.p, s->raw_in.n);
	else if (!s->is_file_end)
		n = read_some(s, s->chunk);
	if (n == -1)
		return -1;
	s->raw_in = SPAN_NONE;
	s->in = span_of(s->chunk, (size_t)n);
	return n == 0 ? end(s, NULL) : 0;
}

static int
fill_decoded(struct scan *s)
{
	enum decode_verdict v = DECODE_FULL;
	size_t n = 0;
	ssize_t got;

	while (n == 0) {
		if (s->raw_in.n == 0 && v == DECODE_MORE) {
			got = read_some(s, s->raw);
			if (got == -1)
				return -1;
			if (got == 0)
				return end(
				    s, decode_finish(s->decode) &&
					       !decode_trailing(s->decode)
					   ? NULL
					   : "the compressed data ends "
					     "in the middle of a frame");
			s->raw_in = span_of(s->raw, (size_t)got);
		}
		v = decode_step(
		    s->decode, &s->raw_in, s->chunk, SCAN_CHUNK_BYTES, &n);
		if (n > 0)
			break;
		if (v == DECODE_BAD)
			return end(s, "the compressed data is damaged");
		if (v == DECODE_DONE)
			return end(s, decode_trailing(s->decode)
					  ? "the compressed data is followed "
					    "by other bytes"
					  : NULL);
	}
	s->in = span_of(s->chunk, n);
	return 0;
}

int
scan_fill(struct scan *s)
{
	if (s->in.n > 0 || s->is_end)
		return 0;
	return s->decode != NULL ? fill_decoded(s) : fill_plain(s);
}
