/* SPDX-License-Identifier: ISC */
/* What a journal says after what was written to it, whole or damaged. */
#include "store_journal_test.h"

static void
test_a_journal_says_what_was_committed(void **state)
{
	struct run r;
	struct journal_state s;
	struct buf why = { 0 };
	const struct progress_item *i;

	(void)state;
	run_begin(&r, 1);
	run_play(&r);
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	assert_int_equal(s.identity.run[15], 7);
	assert_int_equal(s.identity.options[0], r.s.identity.options[0]);
	assert_int_equal(s.identity.ninputs, 2);
	assert_string_equal(s.identity.inputs[1].name, "b\377");
	assert_int_equal(s.identity.inputs[0].size_bytes, 1000);
	assert_int_equal(s.identity.inputs[0].mtime_ns, -5);
	assert_int_equal(s.identity.inputs[1].mtime_ns, INT64_MAX);
	assert_int_equal(s.identity.inputs[0].bytes, 1000);
	assert_int_equal(s.identity.inputs[0].lines, 6);
	assert_true(s.identity.inputs[0].hash[1] == UINT64_MAX);
	assert_true(
	    span_eq(buf_view(&s.identity.text), SPAN("fetchd a b --resume")));
	assert_int_equal(s.out.file, 2);
	assert_int_equal(s.out.bytes, 12345678901);
	assert_int_equal(s.failed.bytes, 77);
	assert_int_equal(s.mark.index, 1);
	assert_int_equal(s.mark.bytes, 300);
	assert_int_equal(s.mark.lines, 2);
	assert_int_equal(s.mark.hash[1], 2);
	assert_true(span_eq(buf_view(&s.counts), SPAN("counts")));
	assert_true(span_eq(buf_view(&s.governor), SPAN("governor")));
	assert_int_equal(s.is_finished, 1);

	assert_int_equal(progress_last(s.progress), 8);
	assert_int_equal(progress_open(s.progress), 3);
	i = progress_from(s.progress, 0);
	assert_int_equal(i->seq, 5);
	assert_int_equal(i->attempts, 2);
	assert_int_equal(i->was_begun, 1);
	assert_int_equal(i->not_before_us, 1700000000000000);
	i = progress_from(s.progress, 6);
	assert_int_equal(i->seq, 7);
	assert_int_equal(i->was_begun, 1); /* begun before it was given */
	assert_int_equal(s.nbegun, 0);
	assert_int_equal(s.npublished, 1); /* item 2 is done */
	assert_int_equal(s.published[0].seq, 8);
	assert_string_equal(s.published[0].name, "h/eight");
	journal_state_fini(&s);
	run_end(&r);
}

/* It was begun, but no checkpoint knows the item: it is given again. */
static void
test_an_item_that_was_begun_before_any_checkpoint_is_known(void **state)
{
	struct run r;
	struct journal_state s;
	struct buf why = { 0 };
	int again;

	(void)state;
	run_begin(&r, 0);
	assert_int_equal(journal_begun(r.j, 9), 0);
	assert_int_equal(journal_begun(r.j, 4), 0);
	assert_int_equal(journal_published(r.j, 4, SPAN("four")), 0);
	for (again = 0; again < 3; again++) {
		journal_state_init(&s);
		assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
		assert_int_equal(progress_last(s.progress), 0);
		assert_int_equal(s.nbegun, 2);
		assert_true(journal_state_was_begun(&s, 4));
		assert_false(journal_state_was_begun(&s, 5));
		assert_true(journal_state_was_begun(&s, 9));
		assert_int_equal(s.npublished, 1);
		/* Through a new start, and through a compaction. */
		if (again == 0) {
			journal_close(r.j);
			journal_state_fini(&r.s);
			r.s = s;
			run_open(&r, 0);
		} else {
			journal_state_fini(&s);
			assert_int_equal(
			    run_compact(&r, (struct journal_batch){ 0 }), 0);
		}
	}
	run_end(&r);
}

static void
test_a_finished_run_that_goes_on_is_not_finished(void **state)
{
	struct run r;
	struct buf why = { 0 }, bytes, said;
	enum journal_verdict verdict;
	struct journal_state s;

	(void)state;
	run_begin(&r, 0);
	assert_int_equal(journal_finish(r.j), 0);
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), 0);
	bytes = run_bytes(r.path);
	said = run_said(buf_view(&bytes), &verdict, &why);
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	assert_int_equal(s.is_finished, 0);
	journal_state_fini(&s);
	buf_fini(&bytes);
	buf_fini(&said);
	run_end(&r);
}

static void
test_a_journal_cut_anywhere_says_what_its_whole_frames_say(void **state)
{
	struct run r;
	struct buf why = { 0 }, bytes, said, whole = { 0 };
	size_t at[FRAMES_MAX], nframes, cut, n = 0;
	enum journal_verdict verdict;

	(void)state;
	run_begin(&r, 1);
	run_play(&r);
	bytes = run_bytes(r.path);
	nframes = run_frames(buf_view(&bytes), at);
	assert_int_equal(nframes, 8);
	for (cut = 0; cut <= bytes.n; cut++) {
		said = run_said(span_of(bytes.p, cut), &verdict, &why);
		if (n < nframes && cut == at[n + 1]) {
			n++;
			assert_false(
			    span_eq(buf_view(&whole), buf_view(&said)));
			buf_fini(&whole);
			whole = said;
			said = (struct buf){ 0 };
		}
		assert_int_equal(verdict, cut <= JOURNAL_HEAD_BYTES
					      ? JOURNAL_NONE
					  : n == 0 ? JOURNAL_DAMAGED
						   : JOURNAL_OK);
		if (n > 0 && cut != at[n])
			assert_true(span_eq(buf_view(&whole), buf_view(&said)));
		buf_fini(&said);
	}
	assert_int_equal(n, nframes);
	buf_fini(&bytes);
	buf_fini(&whole);
	buf_fini(&why);
	run_end(&r);
}

/* The number of the frame that has a byte. */
static size_t
frame_of(const size_t at[FRAMES_MAX], size_t byte)
{
	size_t n = 0;

	while (at[n + 1] <= byte)
		n++;
	return n;
}

/*
 * Refused with the offset of the frame; or the frame was not durable for sure,
 * then what the frames before it say. With syncs the last frames are not
 * durable for sure; without, only the last one.
 */
static void
flip_everywhere(int is_synced, size_t nfirm)
{
	struct run r;
	struct buf why = { 0 }, bytes, said, before;
	size_t at[FRAMES_MAX], nframes, i, frame;
	char offset[64];
	enum journal_verdict verdict;
	int bit;

	run_begin(&r, is_synced);
	run_play(&r);
	bytes = run_bytes(r.path);
	nframes = run_frames(buf_view(&bytes), at);
	for (i = 0; i < bytes.n * 8; i++) {
		bit = 1 << i % 8;
		bytes.p[i / 8] = (char)(bytes.p[i / 8] ^ bit);
		said = run_said(buf_view(&bytes), &verdict, &why);
		bytes.p[i / 8] = (char)(bytes.p[i / 8] ^ bit);
		buf_char(&why, '\0');
		if (i / 8 < JOURNAL_HEAD_BYTES) {
			assert_int_equal(verdict, JOURNAL_DAMAGED);
			assert_non_null(strstr(why.p, "offset 0"));
			continue;
		}
		frame = frame_of(at, i / 8);
		assert_int_equal(
		    verdict, frame < nfirm ? JOURNAL_DAMAGED : JOURNAL_OK);
		if (frame < nfirm) {
			snprintf(offset, sizeof(offset),
			    "at offset %zu:", at[frame]);
			assert_non_null(strstr(why.p, offset));
			continue;
		}
		before = run_said(span_of(bytes.p, at[frame]), &verdict, &why);
		assert_true(span_eq(buf_view(&said), buf_view(&before)));
		buf_fini(&said);
		buf_fini(&before);
	}
	assert_true(nfirm < nframes);
	buf_fini(&bytes);
	buf_fini(&why);
	run_end(&r);
}

static void
test_a_flipped_bit_is_refused_or_in_the_tail(void **state)
{
	(void)state;
	/* Snapshot, checkpoint, 4 of the loop, checkpoint, finished: what was
	 * synced before the last frame was written is firm. */
	flip_everywhere(1, 7);
	flip_everywhere(0, 7);
}

/* A crash can keep a later page and lose one before it, if neither was
 * synced. */
static void
test_frames_lost_in_a_crash_are_no_damage(void **state)
{
	struct run r;
	struct buf why = { 0 }, bytes, said, before;
	size_t at[FRAMES_MAX], n;
	enum journal_verdict verdict;

	(void)state;
	run_begin(&r, 1);
	run_give(&r, 1, 4);
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), 0);
	assert_int_equal(journal_begun(r.j, 1), 0);
	assert_int_equal(journal_begun(r.j, 2), 0);
	assert_int_equal(journal_begun(r.j, 3), 0);
	bytes = run_bytes(r.path);
	n = run_frames(buf_view(&bytes), at);
	assert_int_equal(n, 5);
	before = run_said(span_of(bytes.p, at[2]), &verdict, &why);
	memset(bytes.p + at[2], 0, at[3] - at[2]);
	said = run_said(buf_view(&bytes), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_OK);
	assert_true(span_eq(buf_view(&said), buf_view(&before)));
	buf_fini(&said);
	buf_fini(&bytes);

	/* Once they were synced, and a later frame says so, it is damage. */
	assert_int_equal(journal_sync(r.j), 0);
	assert_int_equal(journal_begun(r.j, 4), 0);
	bytes = run_bytes(r.path);
	memset(bytes.p + at[2], 0, at[3] - at[2]);
	said = run_said(buf_view(&bytes), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_DAMAGED);
	buf_fini(&bytes);
	buf_fini(&before);
	buf_fini(&why);
	run_end(&r);
}

static void
test_frames_that_are_repeated_or_moved_are_refused(void **state)
{
	struct run r;
	struct buf why = { 0 }, bytes, said, other = { 0 };
	size_t at[FRAMES_MAX], n, from, to, i;
	enum journal_verdict verdict;

	(void)state;
	run_begin(&r, 1);
	run_play(&r);
	bytes = run_bytes(r.path);
	n = run_frames(buf_view(&bytes), at);
	/* Frame `from` before frame `to`; then the rest; and with `from` at its
	 * own place too. */
	for (from = 0; from < n; from++)
		for (to = 0; to < n; to++) {
			if (to == from || to == from + 1)
				continue;
			buf_clear(&other, SIZE_MAX);
			buf_add(&other, bytes.p, at[to]);
			buf_add(&other, bytes.p + at[from],
			    at[from + 1] - at[from]);
			for (i = to; i < n; i++)
				if (i != from || to % 2 == 0)
					buf_add(&other, bytes.p + at[i],
					    at[i + 1] - at[i]);
			said = run_said(buf_view(&other), &verdict, &why);
			assert_int_equal(verdict, JOURNAL_DAMAGED);
		}
	/* A frame is missing. */
	for (from = 0; from + 1 < n; from++) {
		buf_clear(&other, SIZE_MAX);
		buf_add(&other, bytes.p, at[from]);
		buf_add(&other, bytes.p + at[from + 1], at[n] - at[from + 1]);
		said = run_said(buf_view(&other), &verdict, &why);
		assert_int_equal(verdict, JOURNAL_DAMAGED);
		assert_int_equal(said.n, 0);
	}
	buf_fini(&bytes);
	buf_fini(&other);
	buf_fini(&why);
	run_end(&r);
}

/* A valid journal and one more frame with this payload. */
static void
refuse_frame(
    struct buf *file, char type, struct buf *payload, const char *wrong)
{
	size_t n = file->n, frame = journal_begin_frame(file, 'F');
	struct journal_frame f;
	size_t at[FRAMES_MAX], last;
	enum journal_verdict verdict;
	struct buf why = { 0 };

	buf_span(file, buf_view(payload));
	journal_end_frame(file, frame);
	last = run_frames(span_of(file->p, n), at);
	assert_true(journal_get_frame(
	    span_of(file->p + at[last - 1], n - at[last - 1]), &f));
	file->p[frame + JOURNAL_FRAME_HEAD - 1] = type;
	journal_seal(file->p + frame, f.counter + 1, 0);
	run_said(buf_view(file), &verdict, &why);
	buf_char(&why, '\0');
	assert_int_equal(verdict, JOURNAL_DAMAGED);
	assert_non_null(strstr(why.p, wrong));
	file->n = n;
	buf_fini(&why);
	buf_clear(payload, SIZE_MAX);
}

/* The start of a checkpoint that changes nothing, up to the items. */
static void
put_checkpoint(struct buf *b, char flags, unsigned index, size_t ncounts)
{
	static const char zeros[JOURNAL_COUNTS_MAX + 1];

	buf_char(b, flags);
	buf_add(b, zeros, 4);
	journal_put_u64(b, index);
	buf_add(b, zeros, 2 + 16);
	journal_put_bytes(b, span_of(zeros, ncounts));
}

static void
test_frames_that_make_no_sense_are_refused(void **state)
{
	struct run r;
	struct buf file, p = { 0 };

	(void)state;
	run_begin(&r, 0);
	run_give(&r, 1, 3);
	r.s.mark.index = 1;
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), 0);
	file = run_bytes(r.path);
	refuse_frame(&file, 'X', &p, "unknown type");
	refuse_frame(&file, 'S', &p, "second snapshot");
	refuse_frame(&file, 'B', &p, "too short");
	buf_str(&p, "\1\1");
	refuse_frame(&file, 'B', &p, "too long");
	buf_str(&p, "x");
	refuse_frame(&file, 'F', &p, "too long");
	buf_add(&p, "\377\377\377\377\377\377\377\377\377\177", 10);
	refuse_frame(&file, 'B', &p, "too large");
	buf_add(&p, "\1\3a\0b", 5);
	refuse_frame(&file, 'P', &p, "zero byte");
	buf_add(&p, "\1\4abc", 5);
	refuse_frame(&file, 'P', &p, "too short");
	journal_put_u64(&p, 1);
	journal_put_u64(&p, JOURNAL_TEXT_MAX + 1);
	refuse_frame(&file, 'P', &p, "too large");
	put_checkpoint(&p, 2, 1, 0);
	refuse_frame(&file, 'C', &p, "unknown flag");
	put_checkpoint(&p, 0, 0, 0);
	refuse_frame(&file, 'C', &p, "the input goes back");
	put_checkpoint(&p, 0, 3, 0);
	refuse_frame(&file, 'C', &p, "too large");
	put_checkpoint(&p, 0, 1, JOURNAL_COUNTS_MAX + 1);
	refuse_frame(&file, 'C', &p, "too large");
	put_checkpoint(&p, 1, 1, 0);
	journal_put_u64(&p, JOURNAL_GOVERNOR_MAX + 1);
	refuse_frame(&file, 'C', &p, "too large");
	put_checkpoint(&p, 0, 1, 0);
	buf_add(&p, "\0\0\1\3\0", 5); /* done: 4 */
	refuse_frame(&file, 'C', &p, "done that is not open");
	put_checkpoint(&p, 0, 1, 0);
	buf_add(&p, "\0\0\2\0\1\1\0", 7); /* done: 1 2, 4 */
	refuse_frame(&file, 'C', &p, "done that is not open");
	put_checkpoint(&p, 0, 1, 0);
	buf_add(&p, "\0\1\3\0\0", 5); /* changed: 4 */
	refuse_frame(&file, 'C', &p, "not open has changed");
	put_checkpoint(&p, 0, 1, 0);
	buf_add(&p, "\1\0", 2); /* given: 4 and many more */
	journal_put_u64(&p, UINT64_MAX - 10);
	refuse_frame(&file, 'C', &p, "too many items");
	put_checkpoint(&p, 0, 1, 0);
	buf_add(&p, "\1\0", 2); /* ... past the largest number */
	journal_put_u64(&p, UINT64_MAX);
	refuse_frame(&file, 'C', &p, "too large");
	put_checkpoint(&p, 0, 1, 0);
	buf_add(&p, "\1", 1);
	journal_put_u64(&p, UINT64_MAX);
	refuse_frame(&file, 'C', &p, "too large");
	buf_fini(&p);
	buf_fini(&file);
	run_end(&r);
}

static void
test_files_that_are_not_journals_are_told_apart(void **state)
{
	struct run r;
	struct journal_state s;
	struct buf why = { 0 }, head = { 0 };
	enum journal_verdict verdict;

	(void)state;
	run_paths(&r);
	r.j = NULL;
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_NONE);
	assert_int_equal(journal_read(r.dir, &s, &why), JOURNAL_IO);
	assert_int_equal(journal_read("/dev/null", &s, &why), JOURNAL_IO);
	run_said(SPAN(""), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_NONE);
	run_said(SPAN("http://a/\n"), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_DAMAGED);
	run_said(SPAN("http://a/\nhttp://b/\nhttp://c/\n"), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_DAMAGED);
	journal_put_head(&head, 2);
	buf_str(&head, "what a format of the future may say");
	run_said(buf_view(&head), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_NEWER);
	buf_char(&why, '\0');
	assert_non_null(strstr(why.p, "its format is 2"));
	head.n = 0;
	journal_put_head(&head, 0);
	buf_str(&head, "x");
	run_said(buf_view(&head), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_DAMAGED);
	journal_state_fini(&s);
	buf_fini(&head);
	buf_fini(&why);
	run_end(&r);
}

static void
test_salvage_writes_what_was_valid_before_the_damage(void **state)
{
	struct run r;
	struct buf why = { 0 }, bytes, damaged, said, before;
	size_t at[FRAMES_MAX];
	enum journal_verdict verdict;

	(void)state;
	run_begin(&r, 0);
	run_play(&r);
	bytes = run_bytes(r.path);
	run_frames(buf_view(&bytes), at);
	before = run_said(span_of(bytes.p, at[3]), &verdict, &why);
	bytes.p[at[3] + JOURNAL_FRAME_HEAD] ^= 4;
	run_replace(r.path, buf_view(&bytes));
	assert_int_equal(journal_salvage(r.path, r.other, &why), JOURNAL_OK);
	assert_int_equal(why.n, 0);
	damaged = run_bytes(r.path); /* unchanged */
	assert_true(span_eq(buf_view(&damaged), buf_view(&bytes)));
	buf_fini(&damaged);
	buf_fini(&bytes);
	bytes = run_bytes(r.other);
	said = run_said(buf_view(&bytes), &verdict, &why);
	assert_int_equal(verdict, JOURNAL_OK);
	assert_true(span_eq(buf_view(&said), buf_view(&before)));
	/* Never over a file that exists. */
	assert_int_equal(journal_salvage(r.path, r.other, &why), JOURNAL_IO);
	assert_int_equal(journal_salvage(r.other, r.path, &why), JOURNAL_IO);
	unlink(r.other);
	bytes.p[at[0] + 30] ^= 4; /* the snapshot */
	run_replace(r.path, buf_view(&bytes));
	assert_int_equal(
	    journal_salvage(r.path, r.other, &why), JOURNAL_DAMAGED);
	assert_int_equal(access(r.other, F_OK), -1);
	buf_fini(&bytes);
	buf_fini(&said);
	buf_fini(&before);
	buf_fini(&why);
	run_end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_journal_says_what_was_committed),
		cmocka_unit_test(
		    test_an_item_that_was_begun_before_any_checkpoint_is_known),
		cmocka_unit_test(
		    test_a_finished_run_that_goes_on_is_not_finished),
		cmocka_unit_test(
		    test_a_journal_cut_anywhere_says_what_its_whole_frames_say),
		cmocka_unit_test(test_a_flipped_bit_is_refused_or_in_the_tail),
		cmocka_unit_test(test_frames_lost_in_a_crash_are_no_damage),
		cmocka_unit_test(
		    test_frames_that_are_repeated_or_moved_are_refused),
		cmocka_unit_test(test_frames_that_make_no_sense_are_refused),
		cmocka_unit_test(
		    test_files_that_are_not_journals_are_told_apart),
		cmocka_unit_test(
		    test_salvage_writes_what_was_valid_before_the_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
