/* SPDX-License-Identifier: ISC */
/* What the tests of the journal share: a directory, a state and a run. */
#ifndef UNIT_STORE_JOURNAL_TEST_H
#define UNIT_STORE_JOURNAL_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/read_file.h"
#include "store/identity.h"
#include "store/journal_int.h"

struct run {
	char dir[64], path[96], other[96];
	struct journal *j;
	struct journal_state s;
};

static inline void
run_paths(struct run *r)
{
	snprintf(r->dir, sizeof(r->dir), "/tmp/unit_journal.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/out.journal", r->dir);
	snprintf(r->other, sizeof(r->other), "%s/other.journal", r->dir);
	journal_state_init(&r->s);
}

static inline void
run_open(struct run *r, int is_synced)
{
	enum journal_verdict verdict;
	struct buf why = { 0 };

	r->j = journal_open(r->path, &verdict, &why);
	assert_non_null(r->j);
	assert_int_equal(journal_start(r->j, &r->s, is_synced, &why), 0);
	assert_int_equal(why.n, 0);
}

/* A run of two inputs that has just begun. */
static inline void
run_begin(struct run *r, int is_synced)
{
	struct journal_identity *i = &r->s.identity;

	run_paths(r);
	memset(i->run, 7, sizeof(i->run));
	identity_digest(SPAN("--http1.1"), i->options);
	buf_str(&i->text, "fetchd a b --resume");
	journal_state_add_input(&r->s, SPAN("a"), 1000, -5);
	journal_state_add_input(&r->s, SPAN("b\377"), 2000, INT64_MAX);
	run_open(r, is_synced);
}

static inline void
run_end(struct run *r)
{
	journal_close(r->j);
	journal_state_fini(&r->s);
	unlink(r->path);
	unlink(r->other);
	assert_int_equal(rmdir(r->dir), 0); /* nothing else is left */
}

static inline void
run_give(struct run *r, uint64_t from, uint64_t to)
{
	for (; from <= to; from++)
		progress_give(r->s.progress, from);
}

static inline int
run_write(struct run *r, struct journal_batch b, int compact)
{
	struct buf frame = { 0 };
	int error;

	journal_encode_checkpoint(&frame, &r->s, &b);
	if (compact || journal_needs_compaction(r->j))
		journal_start_compaction(r->j, &r->s);
	error = journal_commit(r->j, buf_view(&frame));
	buf_fini(&frame);
	return error;
}

static inline int
run_commit(struct run *r, struct journal_batch b)
{
	return run_write(r, b, 0);
}

static inline int
run_compact(struct run *r, struct journal_batch b)
{
	return run_write(r, b, 1);
}

/* A few frames of each kind. */
static inline void
run_play(struct run *r)
{
	uint64_t done[] = { 3, 1, 2, 6 }, changed[] = { 5, 4, 4, 99 };

	run_give(r, 1, 3);
	progress_give(r->s.progress, 5);
	assert_int_equal(run_commit(r, (struct journal_batch){ 0 }), 0);
	assert_int_equal(journal_begun(r->j, 5), 0);
	assert_int_equal(journal_begun(r->j, 7), 0); /* not given so far */
	assert_int_equal(journal_published(r->j, 2, SPAN("h/two")), 0);
	run_give(r, 6, 8);
	assert_int_equal(journal_published(r->j, 8, SPAN("h/eight")), 0);
	progress_find(r->s.progress, 5)->was_begun = 1;
	progress_find(r->s.progress, 5)->attempts = 2;
	progress_find(r->s.progress, 5)->not_before_us = 1700000000000000;
	r->s.out = (struct journal_place){ 2, 12345678901 };
	r->s.failed = (struct journal_place){ 0, 77 };
	r->s.identity.inputs[0].bytes = 1000;
	r->s.identity.inputs[0].lines = 6;
	r->s.identity.inputs[0].hash[1] = UINT64_MAX;
	r->s.mark = (struct journal_mark){ 1, 300, 2, { 1, 2 } };
	buf_str(&r->s.counts, "counts");
	buf_str(&r->s.governor, "governor");
	assert_int_equal(
	    run_commit(r, (struct journal_batch){ done, 4, changed, 4, 1 }), 0);
	assert_int_equal(journal_finish(r->j), 0);
}

/* The bytes of a file. */
static inline struct buf
run_bytes(const char *path)
{
	struct buf b = { 0 };
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read_file_bytes(fd, JOURNAL_FILE_MAX, &b), 0);
	close(fd);
	return b;
}

static inline void
run_replace(const char *path, struct span bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
	close(fd);
}

/* What a journal of these bytes says, as the bytes of a snapshot: the same for
 * the same state. Empty unless the verdict is OK. */
static inline struct buf
run_said(struct span bytes, enum journal_verdict *verdict, struct buf *why)
{
	struct journal_state s;
	struct buf said = { 0 };
	size_t valid_bytes;

	/* A copy of the exact size, so that AddressSanitizer detects a read
	 * past its end. */
	char *copy = malloc(bytes.n + !bytes.n);

	if (bytes.n > 0)
		memcpy(copy, bytes.p, bytes.n);
	journal_state_init(&s);
	buf_clear(why, SIZE_MAX);
	*verdict = journal_parse(span_of(copy, bytes.n), &s, why, &valid_bytes);
	assert_true((why->n > 0) == (*verdict != JOURNAL_OK));
	if (*verdict == JOURNAL_OK)
		journal_encode_snapshot(
		    &said, &s, s.published, s.npublished, s.begun, s.nbegun);
	journal_state_fini(&s);
	free(copy);
	return said;
}

#define FRAMES_MAX 64

/* Where the frames of a journal begin, and last where they end. */
static inline size_t
run_frames(struct span bytes, size_t at[FRAMES_MAX])
{
	struct journal_frame f;
	size_t n = 0;

	at[0] = JOURNAL_HEAD_BYTES;
	while (at[n] < bytes.n) {
		assert_true(journal_get_frame(span_skip(bytes, at[n]), &f));
		at[n + 1] = at[n] + f.size_bytes;
		assert_true(++n + 1 < FRAMES_MAX);
	}
	return n;
}

#endif
