/* SPDX-License-Identifier: ISC */
/*
 * A journal with any bytes in it. If the first byte is odd, the rest is the
 * file; if it is even, the rest are frames whose counters and checksums are put
 * right first, so that what the frames say is reached. What was read is the
 * same again after it was written.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "store/journal_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The frames with valid heads; the last one may be cut. */
static void
put_right(struct buf *file, struct span frames)
{
	struct journal_frame f;
	uint64_t counter = 1;
	size_t at;

	journal_put_head(file, JOURNAL_VERSION);
	while (journal_get_frame_head(frames, &f)) {
		at = file->n;
		buf_add(file, frames.p, f.size_bytes);
		journal_seal(file->p + at, counter, counter - 1);
		counter++;
		span_drop(&frames, f.size_bytes);
	}
	buf_span(file, frames);
}

/* *said becomes a snapshot of what the file says. */
static enum journal_verdict
parse(struct span file, struct buf *said)
{
	/* A copy of the exact size, so that AddressSanitizer detects a read
	 * past its end. */
	char *copy = mem_alloc(file.n);
	struct journal_state s;
	struct buf why = { 0 };
	enum journal_verdict verdict;
	size_t valid_bytes;

	if (file.n > 0)
		memcpy(copy, file.p, file.n);
	journal_state_init(&s);
	verdict = journal_parse(span_of(copy, file.n), &s, &why, &valid_bytes);
	CHECK(valid_bytes <= file.n);
	CHECK((why.n > 0) == (verdict != JOURNAL_OK));
	if (verdict == JOURNAL_OK) {
		journal_put_head(said, JOURNAL_VERSION);
		journal_encode_snapshot(
		    said, &s, s.published, s.npublished, s.begun, s.nbegun);
		journal_seal(said->p + JOURNAL_HEAD_BYTES, 9, 9);
	}
	journal_state_fini(&s);
	buf_fini(&why);
	free(copy);
	return verdict;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf file = { 0 }, said = { 0 }, again = { 0 };
	struct span rest;

	if (size == 0)
		return 0;
	rest = span_of((const char *)data + 1, size - 1);
	if (data[0] & 1)
		buf_span(&file, rest);
	else
		put_right(&file, rest);
	if (parse(buf_view(&file), &said) == JOURNAL_OK) {
		CHECK(parse(buf_view(&said), &again) == JOURNAL_OK);
		CHECK(span_eq(buf_view(&said), buf_view(&again)));
	}
	buf_fini(&file);
	buf_fini(&said);
	buf_fini(&again);
	return 0;
}
