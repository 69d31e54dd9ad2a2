/* SPDX-License-Identifier: ISC */
/*
 * One body: bytes collect in `filling` while the writer's thread writes and
 * hashes `writing`; at the end the syncer's thread gives the file its name. At
 * most one job of a body is under way, so `job` and what belongs to it are
 * touched by one thread at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/disk.h"
#include "io/files/files_int.h"

#define PIECE_MIN_BYTES (64u << 10)  /* written at once, before the end */
#define PIECE_MAX_BYTES (256u << 10) /* that may wait, before it is paused */
#define FILE_MODE 0600
#define TEMP_BYTES 48

enum step { WRITE, PLACE, DISCARD };

struct body_file {
	struct link link; /* of files->live */
	struct files *files;
	uint64_t seq;
	char temp[TEMP_BYTES];

	/* The loop's. */
	struct buf filling;
	struct body_file_how how;
	size_t counted; /* of both buffers, in files->held_bytes */
	int is_ending;  /* body_file_finish was called */
	int is_busy;    /* a job is under way */
	atomic_int is_abandoned;

	/* The job's, while there is one. */
	struct disk_job job;
	enum step step;
	struct buf writing;
	int fd;
	int is_last; /* the last piece is written */
	struct digest *digest;
	char sha256[DIGEST_HEX];
	struct place place;
	int result; /* 0, an errno; -1: CONFLICT */
};

/* ---- on the threads ---- */

static int
write_all(int fd, struct span s)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(fd, s.p, s.n);
		if (n == -1 && errno != EINTR)
			return errno;
		if (n > 0)
			span_drop(&s, (size_t)n);
	}
	return 0;
}

static int
write_piece(struct body_file *b)
{
	int e;

	if (b->fd == -1)
		b->fd = openat(b->files->run_fd, b->temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    FILE_MODE);
	if (b->fd == -1)
		return errno;
	e = write_all(b->fd, buf_view(&b->writing));
	if (e != 0)
		return e;
	digest_add(b->digest, buf_view(&b->writing));
	if (!b->is_last)
		return 0;
	digest_end(b->digest, b->sha256);
	if (b->files->conf.is_synced)
		return 0;
	/* What a network or a quota has to say comes with close. */
	e = close(b->fd) == -1 && errno != EINTR ? errno : 0;
	b->fd = -1;
	return e;
}

static int
place(struct body_file *b)
{
	int e = 0;

	if (b->fd != -1) {
		if (fdatasync(b->fd) == -1)
			e = errno;
		if (close(b->fd) == -1 && errno != EINTR && e == 0)
			e = errno;
		b->fd = -1;
	}
	return e != 0 ? e : place_file(&b->place);
}

static void
discard(struct body_file *b)
{
	if (b->fd != -1)
		close(b->fd);
	b->fd = -1;
	(void)unlinkat(b->files->run_fd, b->temp, 0);
}

static void
run(struct disk_job *job)
{
	struct body_file *b = CONTAINER(job, struct body_file, job);

	b->result = 0;
	if (b->step == DISCARD)
		discard(b);
	else if (atomic_load(&b->is_abandoned))
		b->result = ECANCELED; /* on_done discards it */
	else
		b->result = b->step == WRITE ? write_piece(b) : place(b);
}

/* ---- in the loop ---- */

static void
count(struct body_file *b, size_t bytes)
{
	b->files->held_bytes += bytes - b->counted;
	b->counted = bytes;
}

void
body_file_free(struct link *of_live)
{
	struct body_file *b = CONTAINER(of_live, struct body_file, link);

	count(b, 0);
	list_remove(&b->files->live, &b->link);
	if (b->fd != -1)
		close(b->fd);
	digest_free(b->digest);
	buf_fini(&b->filling);
	buf_fini(&b->writing);
	buf_fini(&b->place.name);
	free(b);
}

static void
submit(struct body_file *b, struct disk *disk, enum step step)
{
	b->step = step;
	b->is_busy = 1;
	disk_submit(disk, &b->job);
}

/* Writes what has come, if that is worth a call or the last. */
static void
submit_piece(struct body_file *b)
{
	struct buf empty = b->writing;

	if (b->is_busy || (b->filling.n < PIECE_MIN_BYTES && !b->is_ending))
		return;
	b->writing = b->filling;
	b->filling = empty;
	b->filling.n = 0;
	b->is_last = b->is_ending;
	submit(b, b->files->conf.writer, WRITE);
}

static void
end(struct body_file *b, enum body_file_end how, const char *why)
{
	struct body_file_result r = {
		.end = how, .sha256 = span_of(b->sha256, DIGEST_HEX), .why = why
	};

	if (how == BODY_FILE_SAVED)
		r.name = buf_view(&b->place.name);
	else
		submit(b, b->files->conf.writer, DISCARD);
	b->how.done(b->how.arg, &r);
	if (how == BODY_FILE_SAVED)
		body_file_free(&b->link);
	else
		atomic_store(&b->is_abandoned, 1);
}

/* All is written: compares the digest and asks for the name. */
static void
begin_place(struct body_file *b)
{
	const struct body_file_how *how = &b->how;
	struct span sha256 = span_of(b->sha256, DIGEST_HEX);

	if (how->expected.n > 0 && !how->is_partial &&
	    !span_ieq(how->expected, sha256)) {
		end(b, BODY_FILE_MISMATCH, NULL);
		return;
	}
	b->place.files = b->files;
	b->place.temp = b->temp;
	b->place.seq = b->seq;
	b->place.is_own = how->is_own;
	how->name(how->arg, sha256, &b->place.name);
	if (how->is_partial)
		buf_str(&b->place.name, ".part");
	submit(b, b->files->conf.syncer, PLACE);
}

static void
fail(struct body_file *b)
{
	struct buf path = { 0 };

	if (b->step == PLACE)
		buf_span(&path, buf_view(&b->place.name));
	else
		buf_printf(
		    &path, "%s/%s/%s", FILES_TMP, b->files->run, b->temp);
	buf_char(&path, '\0');
	files_fail(b->files, b->result, path.p);
	buf_fini(&path);
}

static void
on_done(struct disk_job *job)
{
	struct body_file *b = CONTAINER(job, struct body_file, job);

	b->is_busy = 0;
	b->writing.n = 0;
	count(b, b->filling.n);
	if (b->step == DISCARD || (b->step == PLACE && b->result == 0 &&
				      atomic_load(&b->is_abandoned)))
		body_file_free(&b->link);
	else if (atomic_load(&b->is_abandoned))
		submit(b, b->files->conf.writer, DISCARD);
	else if (b->result > 0)
		fail(b); /* it stays as it is until its fetch is dropped */
	else if (b->step == PLACE && b->result == 0)
		end(b, BODY_FILE_SAVED, NULL);
	else if (b->step == PLACE)
		end(b, BODY_FILE_CONFLICT, b->place.why);
	else if (b->is_last)
		begin_place(b);
	else
		submit_piece(b);
}

struct body_file *
body_file_open(struct files *fs, uint64_t seq)
{
	struct body_file *b = mem_zalloc(1, sizeof(*b));

	b->files = fs;
	b->seq = seq;
	b->fd = -1;
	b->digest = digest_new();
	b->job.run = run;
	b->job.done = on_done;
	snprintf(b->temp, sizeof(b->temp), "%llu.%u", (unsigned long long)seq,
	    fs->opened++);
	list_push(&fs->live, &b->link);
	return b;
}

void
body_file_put(struct body_file *b, struct span bytes)
{
	CHECK(!b->is_ending);
	if (b->files->error != E_OK)
		return; /* the run ends */
	buf_span(&b->filling, bytes);
	count(b, b->counted + bytes.n);
	submit_piece(b);
}

int
body_file_has_room(const struct body_file *b)
{
	const struct files *fs = b->files;

	if (b->filling.n == 0 && !b->is_busy)
		return 1;
	return b->filling.n < PIECE_MAX_BYTES &&
	       fs->held_bytes < fs->conf.queue_bytes;
}

void
body_file_finish(struct body_file *b, const struct body_file_how *how)
{
	CHECK(!b->is_ending);
	b->how = *how;
	b->is_ending = 1;
	if (b->files->error == E_OK)
		submit_piece(b);
}

void
body_file_abandon(struct body_file **bp)
{
	struct body_file *b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	atomic_store(&b->is_abandoned, 1);
	if (b->is_busy)
		return;
	if (b->fd != -1 || b->is_last)
		submit(b, b->files->conf.writer, DISCARD);
	else
		body_file_free(&b->link);
}
