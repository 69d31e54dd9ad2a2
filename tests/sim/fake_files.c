/* SPDX-License-Identifier: ISC */
/*
 * io/files/files.h and io/digest.h over the virtual clock: a body is written
 * some time after its bytes were put, and has its name some time after that.
 * Every item's digest is the number of its bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake.h"
#include "io/files/files.h"

#define QUEUE_BYTES (256u << 10)

struct body_file {
	struct link link;
	struct files *files;
	uint64_t seq;
	size_t bytes, waiting; /* waiting: for the writer */
	struct body_file_how how;
	int is_ending;
	struct ev written, placed;
};

struct files {
	struct event_base *world;
	void (*tick)(void *arg);
	void *tick_arg;
	struct list live;
	size_t held_bytes;
};

struct digest {
	size_t bytes;
};

static void
digits(char hex[DIGEST_HEX], size_t bytes)
{
	char text[DIGEST_HEX + 1];

	snprintf(text, sizeof(text), "%064zx", bytes);
	memcpy(hex, text, DIGEST_HEX);
}

struct digest *
digest_new(void)
{
	return mem_zalloc(1, sizeof(struct digest));
}

void
digest_add(struct digest *d, struct span bytes)
{
	d->bytes += bytes.n;
}

void
digest_end(struct digest *d, char hex[DIGEST_HEX])
{
	digits(hex, d->bytes);
}

void
digest_free(struct digest *d)
{
	free(d);
}

/* ---- the directory ---- */

struct files *
fake_files_new(struct event_base *w, void (*tick)(void *arg), void *arg)
{
	struct files *fs = mem_zalloc(1, sizeof(*fs));

	fs->world = w;
	fs->tick = tick;
	fs->tick_arg = arg;
	list_init(&fs->live);
	return fs;
}

void
fake_files_free(struct files *fs)
{
	if (fs == NULL)
		return;
	if (fs->live.n != 0 || fs->held_bytes != 0)
		world_fail(fs->world, "%zu files were left", fs->live.n);
	free(fs);
}

size_t
fake_files_live(const struct files *fs)
{
	return fs->live.n;
}

size_t
files_held_bytes(const struct files *fs)
{
	return fs->held_bytes;
}

/* ---- one body ---- */

static void
forget(struct body_file *b)
{
	struct files *fs = b->files;

	ev_clear(fs->world, &b->written);
	ev_clear(fs->world, &b->placed);
	fs->held_bytes -= b->waiting;
	list_remove(&fs->live, &b->link);
	free(b);
}

static void
end(struct body_file *b, enum body_file_end how)
{
	struct body_file_result r = { .end = how, .why = "taken" };
	void (*done)(void *, const struct body_file_result *) = b->how.done;
	void *arg = b->how.arg;
	struct buf name = { 0 };
	char hex[DIGEST_HEX];

	digits(hex, b->bytes);
	r.sha256 = span_of(hex, DIGEST_HEX);
	if (how == BODY_FILE_SAVED) {
		b->how.name(arg, r.sha256, &name);
		r.name = buf_view(&name);
		b->files->world->outcomes[b->seq].saved++;
		b->files->world->outcomes[b->seq].saved_bytes = b->bytes;
		b->files->world->outcomes[b->seq].is_partial =
		    b->how.is_partial;
	}
	forget(b);
	done(arg, &r);
	buf_fini(&name);
}

static void
on_placed(void *arg)
{
	struct body_file *b = arg;
	struct event_base *w = b->files->world;
	char hex[DIGEST_HEX];

	b->files->tick(b->files->tick_arg);
	digits(hex, b->bytes);
	if (b->how.expected.n > 0 && !b->how.is_partial &&
	    !span_ieq(b->how.expected, span_of(hex, DIGEST_HEX)))
		end(b, BODY_FILE_MISMATCH);
	else if (world_chance(w, w->file_conflicts))
		end(b, BODY_FILE_CONFLICT);
	else
		end(b, BODY_FILE_SAVED);
}

static void
begin_place(struct body_file *b)
{
	struct event_base *w = b->files->world;

	ev_set(w, &b->placed, w->now_us + world_about(w, w->place_us));
}

static void
on_written(void *arg)
{
	struct body_file *b = arg;

	b->files->tick(b->files->tick_arg);
	b->files->held_bytes -= b->waiting;
	b->waiting = 0;
	if (b->is_ending)
		begin_place(b);
}

struct body_file *
body_file_open(struct files *fs, uint64_t seq)
{
	struct body_file *b = mem_zalloc(1, sizeof(*b));

	b->files = fs;
	b->seq = seq;
	ev_init(&b->written, on_written, b);
	ev_init(&b->placed, on_placed, b);
	list_push(&fs->live, &b->link);
	return b;
}

void
body_file_put(struct body_file *b, struct span bytes)
{
	struct event_base *w = b->files->world;

	if (b->is_ending)
		world_fail(w, "bytes after the end of a file");
	b->bytes += bytes.n;
	b->waiting += bytes.n;
	b->files->held_bytes += bytes.n;
	if (b->written.place == 0)
		ev_set(w, &b->written, w->now_us + world_about(w, w->write_us));
}

int
body_file_has_room(const struct body_file *b)
{
	return b->waiting < QUEUE_BYTES;
}

void
body_file_finish(struct body_file *b, const struct body_file_how *how)
{
	b->how = *how;
	b->is_ending = 1;
	if (b->waiting == 0)
		begin_place(b);
}

void
body_file_abandon(struct body_file **b)
{
	if (*b != NULL)
		forget(*b);
	*b = NULL;
}
