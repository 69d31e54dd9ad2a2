/* SPDX-License-Identifier: ISC */
/*
 * Writes the journal: its lock, its appends and its compaction. The mutex
 * guards everything that both threads use; it is not held during a sync.
 *
 * The file is never rewritten in place. A new one is written beside it, synced
 * and renamed. Frames that are appended meanwhile go to the old file and to
 * `pending`, then to both files, and after the rename to the new one only: at
 * each moment the file that has the name is complete.
 */
#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/journal_file.h"
#include "store/journal_int.h"

#define OPEN_TRIES 100
#define KEPT_BYTES 65536 /* of a buffer that has been used */

struct journal {
	char *path, *new_path;
	const char *warning;
	unsigned is_created : 1, is_started : 1, is_synced : 1;

	pthread_mutex_t mutex;
	int fd;
	uint64_t size_bytes;
	uint64_t compact_at_bytes;
	uint64_t reserved_bytes; /* to this offset */
	uint64_t counter;        /* of the last frame */
	uint64_t synced;         /* of the last durable frame */
	int is_broken;
	struct buf frame; /* the one that is written */
	struct journal_published *published;
	size_t npublished;
	uint64_t *begun;
	size_t nbegun;

	/* During a compaction. */
	int is_compacting;
	struct buf snapshot; /* a whole file */
	struct buf pending;  /* frames since, until new_fd has them */
	int new_fd;          /* from then on they go there too; or -1 */
	uint64_t new_size_bytes;
};

static void
lock(struct journal *j)
{
	CHECK(pthread_mutex_lock(&j->mutex) == 0);
}

static void
unlock(struct journal *j)
{
	CHECK(pthread_mutex_unlock(&j->mutex) == 0);
}

static int
is_still_named(const char *path, int fd)
{
	struct stat named, opened;

	return stat(path, &named) == 0 && fstat(fd, &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static enum journal_verdict
refuse(struct buf *why, const char *what, int error)
{
	buf_printf(why, "%s: %s", what, strerror(error));
	errno = error;
	return JOURNAL_IO;
}

/* One try to open the file and take its lock. *fd is -1 if it must be tried
 * again. */
static enum journal_verdict
open_locked(struct journal *j, struct buf *why)
{
	struct stat st;
	int error;

	j->fd = open(
	    j->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	error = j->fd == -1 ? errno : 0;
	if (error == ENOENT) {
		error = journal_file_create(j->path, &j->fd);
		j->is_created = error == 0;
	}
	if (error == EEXIST)
		return JOURNAL_OK;
	if (error != 0)
		return refuse(why, "cannot open", error);
	if (fstat(j->fd, &st) == -1)
		return refuse(why, "cannot open", errno);
	if (!S_ISREG(st.st_mode))
		return refuse(why, "not a regular file", EINVAL);
	error = journal_file_lock(j->fd);
	if (error == EAGAIN) {
		buf_str(why, "another process uses it");
		return JOURNAL_LOCKED;
	}
	if (error != 0)
		return refuse(why, "cannot lock", error);
	if (!is_still_named(j->path, j->fd)) {
		close(j->fd);
		j->fd = -1;
	}
	return JOURNAL_OK;
}

static struct journal *
journal_new(const char *path)
{
	struct journal *j = mem_zalloc(1, sizeof(*j));
	struct buf name = { 0 };
	char *real = realpath(path, NULL);

	/* A rename would replace a symbolic link, not the file. */
	j->path = mem_strdup(real != NULL ? real : path);
	free(real);
	buf_printf(&name, "%s.new", j->path);
	j->new_path = mem_strndup(name.p, name.n);
	buf_fini(&name);
	CHECK(pthread_mutex_init(&j->mutex, NULL) == 0);
	j->fd = j->new_fd = -1;
	return j;
}

struct journal *
journal_open(const char *path, enum journal_verdict *verdict, struct buf *why)
{
	struct journal *j = journal_new(path);
	int error, tries = 0;

	do
		*verdict = open_locked(j, why);
	while (*verdict == JOURNAL_OK && j->fd == -1 && ++tries < OPEN_TRIES);
	if (*verdict == JOURNAL_OK && j->fd == -1)
		*verdict = refuse(why, "cannot open", EBUSY);
	if (*verdict == JOURNAL_OK) {
		j->warning = journal_file_warning(j->fd);
		return j;
	}
	error = errno;
	/* The file that another process uses may be the one that was created
	 * here. */
	j->is_created = j->is_created && *verdict != JOURNAL_LOCKED;
	journal_close(j);
	errno = error;
	return NULL;
}

const char *
journal_warning(const struct journal *j)
{
	return j->warning;
}

void
journal_close(struct journal *j)
{
	size_t i;

	if (j == NULL)
		return;
	/* Without the reserve; if that fails, it only stays. */
	if (j->fd != -1 && j->is_started &&
	    ftruncate(j->fd, (off_t)j->size_bytes) == -1)
		j->is_broken = 1;
	if (j->fd != -1 && j->is_created && !j->is_started &&
	    is_still_named(j->path, j->fd))
		unlink(j->path);
	if (j->fd != -1)
		close(j->fd);
	for (i = 0; i < j->npublished; i++)
		free(j->published[i].name);
	free(j->published);
	free(j->begun);
	buf_fini(&j->frame);
	buf_fini(&j->snapshot);
	buf_fini(&j->pending);
	pthread_mutex_destroy(&j->mutex);
	free(j->path);
	free(j->new_path);
	free(j);
}

/* ---- the new file ---------------------------------------------------------
 */

/* With the mutex: a whole file that says what the old one does, or at the start
 * nothing yet. It is durable before it is used. */
static void
prepare_snapshot(struct journal *j, struct journal_state *s)
{
	size_t at;

	journal_prune(
	    s->progress, j->published, &j->npublished, j->begun, &j->nbegun);
	buf_clear(&j->snapshot, KEPT_BYTES);
	journal_put_head(&j->snapshot, JOURNAL_VERSION);
	at = j->snapshot.n;
	journal_encode_snapshot(
	    &j->snapshot, s, j->published, j->npublished, j->begun, j->nbegun);
	journal_seal(j->snapshot.p + at, j->counter, j->counter);
	buf_clear(&j->pending, KEPT_BYTES);
	j->is_compacting = 1;
}

static int
write_new(struct journal *j, int *fd)
{
	struct span s = buf_view(&j->snapshot);
	int error;

	if (unlink(j->new_path) == -1 && errno != ENOENT)
		return errno;
	error = journal_file_create(j->new_path, fd);
	if (error == 0)
		error = journal_file_lock(*fd);
	if (error == 0)
		error = journal_file_reserve(*fd, 0,
		    s.n + JOURNAL_COMPACT_BYTES + JOURNAL_RESERVE_BYTES);
	if (error == 0)
		error = journal_file_write(*fd, s, 0);
	if (error == 0 && fsync(*fd) == -1)
		error = errno;
	return error;
}

/* From now on frames go to both files. */
static int
write_pending(struct journal *j, int fd, uint64_t *counter)
{
	int error;

	lock(j);
	j->new_size_bytes = j->snapshot.n + j->pending.n;
	error = journal_file_write(fd, buf_view(&j->pending), j->snapshot.n);
	if (error == 0)
		j->new_fd = fd;
	*counter = j->counter;
	unlock(j);
	if (error == 0 && fdatasync(fd) == -1)
		error = errno;
	return error;
}

/* The old file stays in use, and is not compacted again soon. */
static void
give_up_new(struct journal *j, int fd)
{
	lock(j);
	j->new_fd = -1;
	j->is_compacting = 0;
	j->compact_at_bytes = j->size_bytes + JOURNAL_COMPACT_BYTES;
	unlock(j);
	if (fd != -1) {
		unlink(j->new_path);
		close(fd);
	}
}

static void
use_new(struct journal *j, int fd, uint64_t synced, int error)
{
	size_t n = j->snapshot.n;
	int old_fd;

	lock(j);
	old_fd = j->fd;
	j->fd = fd;
	j->new_fd = -1;
	j->size_bytes = j->new_size_bytes;
	j->reserved_bytes = n + JOURNAL_COMPACT_BYTES + JOURNAL_RESERVE_BYTES;
	j->compact_at_bytes =
	    n + (n > JOURNAL_COMPACT_BYTES ? n : JOURNAL_COMPACT_BYTES);
	j->synced = synced;
	j->is_compacting = 0;
	if (error != 0)
		j->is_broken = 1;
	unlock(j);
	close(old_fd); /* it frees the old file: that may take long */
	buf_clear(&j->snapshot, KEPT_BYTES);
}

/* Replaces the file. After an error the old one is still in use, unless the
 * journal is broken. */
static int
replace(struct journal *j)
{
	uint64_t synced = 0;
	int fd = -1, error;

	error = write_new(j, &fd);
	if (error == 0)
		error = write_pending(j, fd, &synced);
	if (error == 0 && rename(j->new_path, j->path) == -1)
		error = errno;
	if (error != 0) {
		give_up_new(j, fd);
		return error;
	}
	error = journal_file_sync_dir(j->path);
	use_new(j, fd, synced, error);
	return error;
}

int
journal_start(
    struct journal *j, struct journal_state *s, int is_synced, struct buf *why)
{
	size_t i;
	int error;

	CHECK(!j->is_started);
	if (progress_open(s->progress) > JOURNAL_OPEN_MAX) {
		buf_str(why, "too many items are open");
		return EFBIG;
	}
	for (i = 0; i < s->npublished; i++)
		journal_add_published(&j->published, &j->npublished,
		    s->published[i].seq, span_str(s->published[i].name));
	for (i = 0; i < s->nbegun; i++)
		journal_add_begun(&j->begun, &j->nbegun, s->begun[i]);
	lock(j);
	j->is_synced = is_synced;
	j->counter = 1;
	prepare_snapshot(j, s);
	unlock(j);
	error = replace(j);
	if (error == 0)
		j->is_started = 1;
	else
		buf_printf(
		    why, "cannot write %s: %s", j->new_path, strerror(error));
	return error;
}

int
journal_rewrite(struct journal *j, struct journal_state *s)
{
	CHECK(j->is_started);
	lock(j);
	CHECK(!j->is_compacting);
	prepare_snapshot(j, s);
	unlock(j);
	return replace(j);
}

int
journal_needs_compaction(struct journal *j)
{
	int needs;

	lock(j);
	needs = !j->is_compacting && j->size_bytes >= j->compact_at_bytes;
	unlock(j);
	return needs;
}

void
journal_start_compaction(struct journal *j, struct journal_state *s)
{
	CHECK(j->is_started);
	/* The checkpoint that may be written instead says the same. */
	CHECK(s->encoded_last == progress_last(s->progress));
	CHECK(s->encoded_input == s->mark.index);
	lock(j);
	CHECK(!j->is_compacting);
	prepare_snapshot(j, s);
	unlock(j);
}

/* ---- frames ---------------------------------------------------------------
 */

/* Errors after which the file is as it was before the write. */
static int
is_no_space(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* With the mutex: writes j->frame to the file, and to the new one. */
static int
write_frame(struct journal *j)
{
	struct span s = buf_view(&j->frame);
	int error;

	if (j->is_broken)
		return EIO;
	if (j->size_bytes + s.n > JOURNAL_FILE_MAX)
		return EFBIG;
	journal_seal(
	    j->frame.p, j->counter + 1, j->is_synced ? j->synced : j->counter);
	error = journal_file_write(j->fd, s, j->size_bytes);
	if (error == 0 && j->new_fd != -1) {
		error = journal_file_write(j->new_fd, s, j->new_size_bytes);
		if (error != 0 && ftruncate(j->fd, (off_t)j->size_bytes) == -1)
			error = EIO;
	}
	if (error != 0) {
		j->is_broken = !is_no_space(error);
		return error;
	}
	j->counter++;
	j->size_bytes += s.n;
	if (j->new_fd != -1)
		j->new_size_bytes += s.n;
	else if (j->is_compacting)
		buf_span(&j->pending, s);
	if (j->size_bytes + JOURNAL_RESERVE_BYTES > j->reserved_bytes &&
	    journal_file_reserve(
		j->fd, j->size_bytes, 2 * JOURNAL_RESERVE_BYTES) == 0)
		j->reserved_bytes = j->size_bytes + 2 * JOURNAL_RESERVE_BYTES;
	return 0;
}

static int
append(struct journal *j, struct span frame)
{
	int error;

	CHECK(j->is_started);
	lock(j);
	buf_clear(&j->frame, KEPT_BYTES);
	buf_span(&j->frame, frame);
	error = write_frame(j);
	unlock(j);
	return error;
}

int
journal_sync(struct journal *j)
{
	uint64_t counter;
	int error = 0;

	lock(j);
	counter = j->counter;
	if (j->is_broken)
		error = EIO;
	unlock(j);
	if (error != 0)
		return error;
	/* Only this thread changes j->fd. */
	if (fdatasync(j->fd) == -1)
		error = errno;
	lock(j);
	if (error == 0)
		j->synced = counter;
	else
		j->is_broken = 1;
	unlock(j);
	return error;
}

int
journal_commit(struct journal *j, struct span frame)
{
	int error, is_compacting;

	lock(j);
	is_compacting = j->is_compacting;
	if (j->is_broken)
		is_compacting = 0;
	unlock(j);
	if (is_compacting) {
		error = replace(j);
		if (error == 0)
			return 0;
		/* The old file is in use still, unless it is broken: then the
		 * append says so. */
	}
	error = append(j, frame);
	if (error == 0 && j->is_synced)
		error = journal_sync(j);
	return error;
}

int
journal_begun(struct journal *j, uint64_t seq)
{
	struct buf frame = { 0 };
	size_t at = journal_begin_frame(&frame, JOURNAL_FRAME_BEGUN);
	int error;

	journal_put_u64(&frame, seq);
	journal_end_frame(&frame, at);
	lock(j);
	journal_add_begun(&j->begun, &j->nbegun, seq);
	unlock(j);
	error = append(j, buf_view(&frame));
	buf_fini(&frame);
	return error;
}

int
journal_published(struct journal *j, uint64_t seq, struct span name)
{
	struct buf frame = { 0 };
	size_t at = journal_begin_frame(&frame, JOURNAL_FRAME_PUBLISHED);
	int error;

	CHECK(name.n <= JOURNAL_TEXT_MAX);
	journal_put_u64(&frame, seq);
	journal_put_bytes(&frame, name);
	journal_end_frame(&frame, at);
	lock(j);
	journal_add_published(&j->published, &j->npublished, seq, name);
	unlock(j);
	error = append(j, buf_view(&frame));
	buf_fini(&frame);
	return error;
}

int
journal_finish(struct journal *j)
{
	struct buf frame = { 0 };
	int error;

	journal_end_frame(
	    &frame, journal_begin_frame(&frame, JOURNAL_FRAME_FINISHED));
	error = append(j, buf_view(&frame));
	buf_fini(&frame);
	if (error == 0 && j->is_synced)
		error = journal_sync(j);
	return error;
}

/* ---- salvage --------------------------------------------------------------
 */

/* Writes a journal that is not in use. */
static int
write_whole(const char *path, struct journal_state *s)
{
	struct buf file = { 0 };
	size_t at;
	int fd, error;

	journal_put_head(&file, JOURNAL_VERSION);
	at = file.n;
	journal_encode_snapshot(
	    &file, s, s->published, s->npublished, s->begun, s->nbegun);
	journal_seal(file.p + at, 1, 1);
	error = journal_file_create(path, &fd);
	if (error == 0) {
		error = journal_file_write(fd, buf_view(&file), 0);
		if (error == 0 && fsync(fd) == -1)
			error = errno;
		close(fd);
		if (error == 0)
			error = journal_file_sync_dir(path);
		else
			unlink(path);
	}
	buf_fini(&file);
	return error;
}

enum journal_verdict
journal_salvage(const char *from, const char *to, struct buf *why)
{
	struct buf file = { 0 }, ignored = { 0 };
	struct journal_state s;
	enum journal_verdict verdict = journal_load(from, &file, why);
	size_t valid_bytes = 0;
	int error;

	journal_state_init(&s);
	if (verdict == JOURNAL_OK)
		verdict = journal_parse(buf_view(&file), &s, why, &valid_bytes);
	if (verdict == JOURNAL_DAMAGED && valid_bytes > JOURNAL_HEAD_BYTES) {
		journal_state_fini(&s);
		journal_state_init(&s);
		verdict = journal_parse(
		    span_of(file.p, valid_bytes), &s, &ignored, &valid_bytes);
		buf_clear(why, SIZE_MAX);
	}
	error = verdict == JOURNAL_OK ? write_whole(to, &s) : 0;
	if (error != 0)
		verdict = refuse(why, "cannot write the new journal", error);
	journal_state_fini(&s);
	buf_fini(&file);
	buf_fini(&ignored);
	return verdict;
}
