/* SPDX-License-Identifier: ISC */
/*
 * Reads a journal, and decides whether what cannot be read is the tail that a
 * crash left or damage.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"
#include "store/journal_int.h"

/* Items and bytes to look at for each byte of the file. */
#define STEPS_A_BYTE 4096
#define CHECKED_A_BYTE 16

enum journal_verdict
journal_load(const char *path, struct buf *file, struct buf *why)
{
	enum journal_verdict verdict = JOURNAL_OK;
	int fd, got, error;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 && errno == ENOENT) {
		buf_str(why, "there is no journal");
		return JOURNAL_NONE;
	}
	if (fd == -1 || fstat(fd, &st) == -1) {
		error = errno;
		buf_printf(why, "cannot open: %s", strerror(error));
		if (fd != -1)
			close(fd);
		errno = error;
		return JOURNAL_IO;
	}
	if (!S_ISREG(st.st_mode)) {
		buf_str(why, "not a regular file");
		close(fd);
		errno = EINVAL;
		return JOURNAL_IO;
	}
	got = read_file_bytes(fd, JOURNAL_FILE_MAX, file);
	error = errno;
	if (got == -1) {
		buf_printf(why, "cannot read: %s", strerror(error));
		verdict = JOURNAL_IO;
	} else if (got == 1) {
		buf_printf(why, "not a journal: larger than %zu bytes",
		    JOURNAL_FILE_MAX);
		verdict = JOURNAL_DAMAGED;
	}
	close(fd);
	errno = error;
	return verdict;
}

static enum journal_verdict
check_head(struct span file, struct buf *why)
{
	uint32_t version;
	size_t n = file.n < JOURNAL_MAGIC_BYTES ? file.n : JOURNAL_MAGIC_BYTES;

	if (n > 0 && memcmp(file.p, JOURNAL_MAGIC, n) != 0) {
		buf_str(why, "not a journal of fetchd (offset 0)");
		return JOURNAL_DAMAGED;
	}
	if (file.n <= JOURNAL_HEAD_BYTES) {
		buf_str(why, "the journal is empty");
		return JOURNAL_NONE;
	}
	if (!journal_get_head(file, &version)) {
		buf_str(why, "the head of the journal is damaged (offset 0)");
		return JOURNAL_DAMAGED;
	}
	if (version > JOURNAL_VERSION) {
		buf_printf(why,
		    "a newer fetchd has written it: its format is %" PRIu32
		    ", the newest that this one reads is %d",
		    version, JOURNAL_VERSION);
		return JOURNAL_NEWER;
	}
	if (version < JOURNAL_OLDEST) {
		buf_printf(why,
		    "its format is %" PRIu32
		    ", the oldest that this fetchd reads is %d",
		    version, JOURNAL_OLDEST);
		return JOURNAL_DAMAGED;
	}
	return JOURNAL_OK;
}

static int
is_known_type(unsigned char type)
{
#define X(name, letter) \
	if (type == (letter)) \
		return 1;
	JOURNAL_FRAME_TYPES(X)
#undef X
	return 0;
}

/*
 * After the last valid frame, whose counter is given: whether the next frame
 * was durable once, because a later one says so. Then this is not the tail that
 * a crash leaves. The search stops, and says yes, if more looks like frames
 * than a crash can leave.
 */
static int
is_damage(struct span tail, uint64_t counter)
{
	size_t at, left = tail.n * CHECKED_A_BYTE;
	struct journal_frame f;

	for (at = 1; at < tail.n; at++) {
		struct span rest = span_skip(tail, at);

		if (!journal_get_frame_head(rest, &f) ||
		    !is_known_type(f.type) || f.counter <= counter ||
		    f.counter - counter > tail.n || f.synced <= counter ||
		    f.synced >= f.counter)
			continue;
		if (f.size_bytes > left)
			return 1;
		left -= f.size_bytes;
		if (journal_get_frame(rest, &f))
			return 1;
	}
	return 0;
}

static const char *
check_order(const struct journal_frame *f, uint64_t counter, int is_first)
{
	if (is_first != (f->type == JOURNAL_FRAME_SNAPSHOT))
		return is_first ? "the first frame is not a snapshot"
				: "a second snapshot";
	if (!is_known_type(f->type))
		return "a frame of an unknown type";
	if (!is_first && f->counter != counter + 1)
		return "frames are missing, repeated or in the wrong order";
	if (f->synced > f->counter)
		return "a frame says that later ones were durable";
	return NULL;
}

enum journal_verdict
journal_parse(struct span file, struct journal_state *s, struct buf *why,
    size_t *valid_bytes)
{
	enum journal_verdict verdict = check_head(file, why);
	struct journal_budget budget = { .least_begun = UINT64_MAX };
	struct journal_frame f;
	uint64_t counter = 0;
	size_t at = JOURNAL_HEAD_BYTES;
	const char *wrong = NULL;
	int is_first;

	*valid_bytes = 0;
	if (verdict != JOURNAL_OK)
		return verdict;
	budget.steps = JOURNAL_GIVEN_MAX + (uint64_t)file.n * STEPS_A_BYTE;
	while (at < file.n) {
		is_first = at == JOURNAL_HEAD_BYTES;
		if (!journal_get_frame(span_skip(file, at), &f)) {
			if (is_first || is_damage(span_skip(file, at), counter))
				wrong = "a frame is damaged";
			break;
		}
		wrong = check_order(&f, counter, is_first);
		if (wrong == NULL)
			wrong = journal_apply_frame(s, &f, &budget);
		if (wrong != NULL)
			break;
		counter = f.counter;
		at += f.size_bytes;
	}
	*valid_bytes = at;
	if (wrong != NULL) {
		buf_printf(why, "damaged at offset %zu: %s", at, wrong);
		return JOURNAL_DAMAGED;
	}
	journal_prune(
	    s->progress, s->published, &s->npublished, s->begun, &s->nbegun);
	if (s->nbegun > 1)
		qsort(s->begun, s->nbegun, sizeof(s->begun[0]),
		    journal_compare_seqs);
	return JOURNAL_OK;
}

enum journal_verdict
journal_read(const char *path, struct journal_state *s, struct buf *why)
{
	struct buf file = { 0 };
	enum journal_verdict verdict = journal_load(path, &file, why);
	size_t valid_bytes;

	if (verdict == JOURNAL_OK)
		verdict = journal_parse(buf_view(&file), s, why, &valid_bytes);
	buf_fini(&file);
	return verdict;
}
