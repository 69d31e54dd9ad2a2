/* SPDX-License-Identifier: ISC */
/* Reads a request body piece by piece. Knows nothing of HTTP. */
#include "core/upload.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

static void
close_files(struct upload *u)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		file_close(&u->v[i].fd);
}

void
upload_clear(struct upload *u)
{
	close_files(u);
	buf_clear(&u->piece, 0);
	u->n = u->part = 0;
	u->size_bytes = u->done = u->left = 0;
}

void
upload_fini(struct upload *u)
{
	upload_clear(u);
	free(u->v);
	*u = (struct upload){ 0 };
}

static struct upload_part *
add(struct upload *u)
{
	u->v = mem_grow(u->v, u->n, &u->cap, sizeof(u->v[0]));
	u->v[u->n] = (struct upload_part){ .fd = -1 };
	return &u->v[u->n++];
}

void
upload_add_text(struct upload *u, struct span text)
{
	add(u)->text = text;
	u->size_bytes += text.n;
}

int
upload_add_file(struct upload *u, struct span path, struct buf *why)
{
	struct file_info info;
	struct upload_part *p;

	if (file_stat(path, &info, why) == -1)
		return -1;
	if (info.size_bytes > (uint64_t)INT64_MAX - u->size_bytes) {
		buf_str(why, "the request body is too large");
		return -1;
	}
	p = add(u);
	p->text = path;
	p->is_file = 1;
	p->info = info;
	u->size_bytes += info.size_bytes;
	return 0;
}

/* Is the open file the one that was found when the request was prepared? */
static int
check_same(
    const struct upload_part *p, const struct file_info *now, struct buf *why)
{
	const char *text = "it became shorter while it was sent";

	if (now->device == p->info.device && now->inode == p->info.inode &&
	    now->size_bytes >= p->info.size_bytes)
		return 0;
	if (now->inode != p->info.inode)
		text = "it was replaced while it was sent";
	buf_span(why, p->text);
	buf_printf(why, ": %s", text);
	return -1;
}

enum err
upload_open(struct upload *u, struct buf *why)
{
	struct file_info now;
	int is_shortage = 0;
	size_t i;

	u->part = 0;
	u->done = 0;
	u->left = u->size_bytes;
	for (i = 0; i < u->n; i++) {
		struct upload_part *p = &u->v[i];

		if (!p->is_file || p->fd != -1)
			continue;
		p->fd = file_open(p->text, &now, &is_shortage, why);
		if (p->fd != -1 && check_same(p, &now, why) == 0)
			continue;
		close_files(u);
		return is_shortage ? E_RESOURCE_LIMIT : E_INPUT_INVALID;
	}
	return E_OK;
}

static uint64_t
part_bytes(const struct upload_part *p)
{
	return p->is_file ? p->info.size_bytes : p->text.n;
}

int
upload_read(struct upload *u, struct span *piece, struct buf *why)
{
	struct upload_part *p;
	uint64_t rest;
	size_t n;

	CHECK(u->left > 0);
	u->piece.n = 0;
	while (u->left > 0 && u->piece.n < UPLOAD_PIECE_BYTES) {
		p = &u->v[u->part];
		rest = part_bytes(p) - u->done;
		n = UPLOAD_PIECE_BYTES - u->piece.n;
		if (rest < n)
			n = (size_t)rest;
		buf_reserve(&u->piece, UPLOAD_PIECE_BYTES - u->piece.n);
		if (!p->is_file) {
			buf_add(&u->piece, p->text.p + u->done, n);
		} else if (file_read_at(p->fd, u->piece.p + u->piece.n, n,
			       u->done, p->text, why) == -1) {
			close_files(u);
			return -1;
		} else
			u->piece.n += n;
		u->done += n;
		u->left -= n;
		if (n == rest) {
			u->part++;
			u->done = 0;
		}
	}
	*piece = buf_view(&u->piece);
	if (u->left == 0)
		close_files(u);
	return 0;
}

int
upload_is_left(const struct upload *u)
{
	return u->left > 0;
}

size_t
upload_held_bytes(const struct upload *u)
{
	size_t n = u->cap * sizeof(u->v[0]);

	if (u->n == 0)
		return n + u->piece.cap;
	return n + (u->piece.cap > UPLOAD_PIECE_BYTES ? u->piece.cap
						      : UPLOAD_PIECE_BYTES);
}
