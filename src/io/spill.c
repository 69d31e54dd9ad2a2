/* SPDX-License-Identifier: ISC */
/*
 * An unnamed file, divided into blocks. Appended bytes fill numbered blocks;
 * each has a place in the file, which is reused once all bytes of the block are
 * released. Knows nothing of what the bytes mean.
 */
#include "io/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#define BLOCK_BYTES (1u << 20)
#define MIN_BLOCKS 16

struct block {
	uint32_t live;  /* bytes not released */
	uint32_t place; /* in the file, counted in blocks */
};

struct spill {
	int fd;
	int errnum;
	uint64_t end;   /* bytes ever appended */
	uint64_t first; /* the first block with live bytes, or the last one */
	uint64_t last;  /* the number after the last block's */
	struct block *block;   /* a ring: number n is at n & (cap - 1) */
	size_t cap;            /* a power of two */
	uint32_t *free_places; /* unused; has room for nplace */
	size_t nfree, free_cap;
	uint32_t nplace; /* in the file */
	uint64_t live;
};

/* ---- the file ---- */

static enum err
fail(struct spill *s, int errnum)
{
	s->errnum = errnum;
	return errnum == ENOSPC || errnum == EDQUOT ? E_OUTPUT_NO_SPACE
						    : E_OUTPUT_IO;
}

/* Without O_TMPFILE in the file system, the file has a name for a moment. */
static int
open_in(const char *dir)
{
	char path[PATH_MAX];
	int fd, n;

	fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1)
		return fd;
	n = snprintf(path, sizeof(path), "%s/fetchd-XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd != -1)
		unlink(path);
	return fd;
}

static enum err
open_file(struct spill *s)
{
	const char *dirs[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int errnum = 0;
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && s->fd == -1; i++) {
		if (dirs[i] == NULL || dirs[i][0] == '\0')
			continue;
		s->fd = open_in(dirs[i]);
		if (s->fd == -1 && errnum == 0)
			errnum = errno;
	}
	return s->fd != -1 ? E_OK : fail(s, errnum);
}

static enum err
write_at(struct spill *s, uint64_t at, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = pwrite(s->fd, p, n, (off_t)at);
		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail(s, done == -1 ? errno : EIO);
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return E_OK;
}

static enum err
read_at(struct spill *s, uint64_t at, char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = pread(s->fd, p, n, (off_t)at);
		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail(s, done == -1 ? errno : EIO);
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return E_OK;
}

/* ---- its blocks ---- */

static struct block *
block_of(const struct spill *s, uint64_t number)
{
	CHECK(number >= s->first && number < s->last);
	return &s->block[number & (s->cap - 1)];
}

static void
resize(struct spill *s, size_t cap)
{
	struct block *block = mem_zalloc(cap, sizeof(block[0]));
	uint64_t i;

	for (i = s->first; i < s->last; i++)
		block[i & (cap - 1)] = *block_of(s, i);
	free(s->block);
	s->block = block;
	s->cap = cap;
}

/* Adds a block, at a free place or at the end of the file. */
static void
add_block(struct spill *s)
{
	struct block *b;

	if (s->last - s->first == s->cap)
		resize(s, s->cap > 0 ? s->cap * 2 : MIN_BLOCKS);
	b = &s->block[s->last++ & (s->cap - 1)];
	b->live = 0;
	if (s->nfree > 0) {
		b->place = s->free_places[--s->nfree];
		return;
	}
	CHECK(s->nplace < UINT32_MAX);
	b->place = s->nplace++;
}

static void
free_place(struct spill *s, uint32_t place)
{
	s->free_places = mem_grow(
	    s->free_places, s->nfree, &s->free_cap, sizeof(s->free_places[0]));
	s->free_places[s->nfree++] = place;
}

/* All bytes are released: empties the file and starts at offset 0. */
static void
reset(struct spill *s)
{
	/* If it cannot be truncated, it is overwritten. */
	if (s->fd != -1 && ftruncate(s->fd, 0) == -1)
		s->errnum = errno;
	free(s->block);
	free(s->free_places);
	s->block = NULL;
	s->free_places = NULL;
	s->cap = s->nfree = s->free_cap = 0;
	s->nplace = 0;
	s->end = s->first = s->last = 0;
}

/* How many of the n bytes from `at` are in its block. */
static size_t
part_of(uint64_t at, uint64_t n)
{
	size_t left = BLOCK_BYTES - (size_t)(at % BLOCK_BYTES);

	return n < left ? (size_t)n : left;
}

static uint64_t
place_of(const struct spill *s, uint64_t at)
{
	const struct block *b = block_of(s, at / BLOCK_BYTES);

	return (uint64_t)b->place * BLOCK_BYTES + at % BLOCK_BYTES;
}

static enum err
write_bytes(struct spill *s, uint64_t offset, struct span bytes)
{
	enum err err;
	size_t n;

	for (; bytes.n > 0; bytes = span_of(bytes.p + n, bytes.n - n)) {
		n = part_of(offset, bytes.n);
		err = write_at(s, place_of(s, offset), bytes.p, n);
		if (err != E_OK)
			return err;
		offset += n;
	}
	return E_OK;
}

/* ---- the interface ---- */

struct spill *
spill_new(void)
{
	struct spill *s = mem_zalloc(1, sizeof(*s));

	s->fd = -1;
	return s;
}

void
spill_free(struct spill *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	free(s->block);
	free(s->free_places);
	free(s);
}

enum err
spill_append(struct spill *s, struct span bytes, uint64_t *offset)
{
	uint64_t at = s->end, left = bytes.n;
	enum err err;
	size_t n;

	if (s->fd == -1 && (err = open_file(s)) != E_OK)
		return err;
	while (s->last * BLOCK_BYTES < at + bytes.n)
		add_block(s);
	err = write_bytes(s, at, bytes);
	if (err != E_OK)
		return err;
	*offset = at;
	for (; left > 0; left -= n, at += n) {
		n = part_of(at, left);
		block_of(s, at / BLOCK_BYTES)->live += (uint32_t)n;
	}
	s->end = at;
	s->live += bytes.n;
	return E_OK;
}

enum err
spill_patch(struct spill *s, uint64_t offset, struct span bytes)
{
	CHECK(offset <= s->end && bytes.n <= s->end - offset);
	return write_bytes(s, offset, bytes);
}

enum err
spill_read(struct spill *s, uint64_t offset, size_t n, struct buf *to)
{
	size_t done, k;
	enum err err;
	char *p;

	CHECK(offset <= s->end && n <= s->end - offset);
	p = buf_reserve(to, n);
	for (done = 0; done < n; done += k) {
		k = part_of(offset + done, n - done);
		err = read_at(s, place_of(s, offset + done), p + done, k);
		if (err != E_OK)
			return err;
	}
	to->n += n;
	return E_OK;
}

void
spill_release(struct spill *s, uint64_t offset, uint64_t n)
{
	struct block *b;
	size_t k;

	CHECK(offset <= s->end && n <= s->end - offset && n <= s->live);
	s->live -= n;
	if (s->live == 0) {
		reset(s);
		return;
	}
	for (; n > 0; offset += k, n -= k) {
		k = part_of(offset, n);
		b = block_of(s, offset / BLOCK_BYTES);
		CHECK(b->live >= k);
		b->live -= (uint32_t)k;
		if (b->live == 0 &&
		    (offset / BLOCK_BYTES + 1) * BLOCK_BYTES <= s->end)
			free_place(s, b->place);
	}
	while ((s->first + 1) * BLOCK_BYTES <= s->end &&
	       block_of(s, s->first)->live == 0)
		s->first++;
}

uint64_t
spill_live_bytes(const struct spill *s)
{
	return s->live;
}

uint64_t
spill_used_bytes(const struct spill *s)
{
	uint64_t blocks = s->nplace - s->nfree;

	return blocks > 0
		   ? blocks * BLOCK_BYTES - (s->last * BLOCK_BYTES - s->end)
		   : 0;
}

uint64_t
spill_file_bytes(const struct spill *s)
{
	return (uint64_t)s->nplace * BLOCK_BYTES;
}

int
spill_errno(const struct spill *s)
{
	return s->errnum;
}
