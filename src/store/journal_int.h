/* SPDX-License-Identifier: ISC */
/*
 * What the files of the journal share: the head of the file, frames, and the
 * numbers in them (docs/journal.md).
 */
#ifndef STORE_JOURNAL_INT_H
#define STORE_JOURNAL_INT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "store/journal.h"

#define JOURNAL_OLDEST 1                 /* the oldest format that is read */
#define JOURNAL_MAGIC "fetchd journal\n" /* and its NUL: 16 bytes */
#define JOURNAL_MAGIC_BYTES sizeof(JOURNAL_MAGIC)
#define JOURNAL_HEAD_BYTES (JOURNAL_MAGIC_BYTES + 8)

#define JOURNAL_FRAME_TYPES(X) \
	X(SNAPSHOT, 'S') \
	X(CHECKPOINT, 'C') \
	X(BEGUN, 'B') \
	X(PUBLISHED, 'P') \
	X(FINISHED, 'F')

enum journal_frame_type {
#define X(name, letter) JOURNAL_FRAME_##name = letter,
	JOURNAL_FRAME_TYPES(X)
#undef X
};

#define JOURNAL_FRAME_HEAD 25 /* bytes */

struct journal_frame {
	uint64_t counter; /* one more than that of the frame before */
	uint64_t synced;  /* the frames up to this counter were durable when
			   * this one was written */
	unsigned char type;
	struct span payload;
	size_t size_bytes; /* with its head */
};

/* The first bytes of a file. */
void journal_put_head(struct buf *to, uint32_t version);
/* 1, or 0 if s does not begin with a valid head. */
int journal_get_head(struct span s, uint32_t *version);
/* Begins a frame at the end of `to`; returns its offset, for
 * journal_end_frame(). */
size_t journal_begin_frame(struct buf *to, enum journal_frame_type type);
void journal_end_frame(struct buf *to, size_t at);
/* Fills in the rest of the head of a whole frame. */
void journal_seal(char *frame, uint64_t counter, uint64_t synced);
/* Whether s begins with a whole frame with a valid checksum: 1 or 0. */
int journal_get_frame(struct span s, struct journal_frame *f);
/* The same without the payload and the checksum: only what the head says. */
int journal_get_frame_head(struct span s, struct journal_frame *f);

/* Numbers: seven bits a byte, least significant first, the top bit set in all
 * bytes but the last. */
void journal_put_u64(struct buf *to, uint64_t v);
void journal_put_i64(struct buf *to, int64_t v); /* zigzag */
void journal_put_hash(struct buf *to, const uint64_t hash[2]);
void journal_put_bytes(struct buf *to, struct span s); /* with their length */

/* Reads them. After the first error all calls return 0 or nothing. */
struct journal_cursor {
	struct span rest;
	const char *wrong; /* NULL: nothing so far */
};

uint64_t journal_get_u64(struct journal_cursor *c);
/* ... at most max */
uint64_t journal_get_max(struct journal_cursor *c, uint64_t max);
int64_t journal_get_i64(struct journal_cursor *c);
void journal_get_hash(struct journal_cursor *c, uint64_t hash[2]);
/* ... at most max bytes; they stay those of the frame. */
struct span journal_get_bytes(struct journal_cursor *c, size_t max);
void journal_get_raw(struct journal_cursor *c, void *to, size_t n);

/* A whole frame that says everything in *s and what is in the two lists, which
 * *s has too but may be older there. */
void journal_encode_snapshot(struct buf *to, struct journal_state *s,
    const struct journal_published *published, size_t npublished,
    const uint64_t *begun, size_t nbegun);
/* A few bytes can give many items. The steps that remain keep the work linear
 * in the size of the file. */
struct journal_budget {
	uint64_t steps;
	uint64_t least_begun; /* of s->begun; UINT64_MAX: none */
};

/* What a frame says becomes part of *s. Its type is a known one; a snapshot is
 * only applied to an empty state. NULL, or what is wrong with the frame; *s is
 * then neither as before nor as after. */
const char *journal_apply_frame(struct journal_state *s,
    const struct journal_frame *f, struct journal_budget *b);

/* journal_read() of bytes in memory. With DAMAGED, *valid_bytes is where the
 * damage begins. */
enum journal_verdict journal_parse(struct span file, struct journal_state *s,
    struct buf *why, size_t *valid_bytes);
/* The bytes of a journal. OK, NONE or IO; or DAMAGED if it is too large. */
enum journal_verdict
journal_load(const char *path, struct buf *file, struct buf *why);

/* Appends to an array of begun or published items. */
void journal_add_begun(uint64_t **v, size_t *n, uint64_t seq);
void journal_add_published(
    struct journal_published **v, size_t *n, uint64_t seq, struct span name);
/* Leaves those whose items may still end: open, or not given yet. A begun item
 * that is given is left out too: its was_begun says it. */
void journal_prune(const struct progress *p, struct journal_published *v,
    size_t *n, uint64_t *begun, size_t *nbegun);
int journal_compare_seqs(const void *a, const void *b); /* for qsort() */

#endif
