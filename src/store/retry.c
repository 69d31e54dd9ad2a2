/* SPDX-License-Identifier: ISC */
/*
 * Reads which items failed, and rewrites files without superseded records. A
 * file is read twice at the same time: as records, to decide, and as bytes, to
 * copy.
 */
#include "store/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/message.h"
#include "codec/compress.h"
#include "store/scan.h"

#define WRITE_BYTES ((size_t)1 << 20)
#define TOO_MANY "its seqs are out of all proportion; the file is damaged"

static int
fail(struct buf *why, const char *path, const char *text)
{
	message_show(why, path);
	buf_str(why, ": ");
	message_show(why, text);
	return -1;
}

/* Can the rest of the file not be read? */
static int
is_unreadable(enum scan_verdict v, const struct scan_item *item)
{
	return v == SCAN_FAILED || (v == SCAN_TORN && item->bytes == 0);
}

/* ---- which items failed ---- */

/* NULL, or what is wrong with the file. */
static const char *
read_failed(struct scan *s, struct seqs *failed)
{
	struct scan_item item;
	enum scan_verdict v;

	while ((v = scan_next(s, &item)) != SCAN_END) {
		if (is_unreadable(v, &item))
			return scan_why(s);
		if (v != SCAN_RECORD)
			continue;
		if (!item.has_error)
			return "its records do not say which items failed "
			       "(--fields must contain seq and error)";
		if (item.error.n == 0)
			seqs_remove(failed, item.seq);
		else if (seqs_add(failed, item.seq) == -1)
			return TOO_MANY;
	}
	return NULL;
}

int
retry_read_failed(const char *const *paths, size_t npaths, struct seqs *failed,
    struct buf *why)
{
	const char *wrong = NULL;
	struct scan *s;
	size_t i;

	for (i = 0; i < npaths && wrong == NULL; i++) {
		s = scan_open(paths[i]);
		if (s == NULL)
			return fail(why, paths[i], strerror(errno));
		wrong = read_failed(s, failed);
		if (wrong != NULL)
			(void)fail(why, paths[i], wrong);
		scan_close(s);
	}
	return wrong != NULL ? -1 : 0;
}

/* ---- which records are superseded ---- */

/* The seq of each record but the first of its item, sorted: each stands for one
 * record to remove, the oldest first. */
struct superseded {
	uint64_t *seq;
	uint32_t *removed; /* of the first entry of a seq: how many so far */
	size_t n, cap;
};

static const char *
find_superseded(struct scan *s, struct seqs *seen, struct superseded *old)
{
	struct scan_item item;
	enum scan_verdict v;

	while ((v = scan_next(s, &item)) != SCAN_END) {
		if (is_unreadable(v, &item))
			return scan_why(s);
		if (v != SCAN_RECORD)
			continue;
		switch (seqs_add(seen, item.seq)) {
		case -1:
			return TOO_MANY;
		case 0:
			old->seq = mem_grow(
			    old->seq, old->n, &old->cap, sizeof(*old->seq));
			old->seq[old->n++] = item.seq;
		}
	}
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The first entry of an item that has more records to remove, or old->n. */
static size_t
next_superseded(const struct superseded *old, uint64_t seq)
{
	size_t low = 0, high = old->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (old->seq[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == old->n || old->seq[low] != seq)
		return old->n;
	middle = low + old->removed[low];
	return middle < old->n && old->seq[middle] == seq ? low : old->n;
}

/* ---- a new file ---- */

struct rewrite {
	const char *path;
	char *folder, *name; /* of the new file */
	int fd;              /* -1: not made yet */
	struct compress *compress;
	struct buf bytes; /* not written yet */
	struct scan *from;
	uint64_t copied; /* bytes of `from` taken */
};

/* 0, or -1 with errno. */
static int
make_file(struct rewrite *w, enum scan_coding coding)
{
	char *real = realpath(w->path, NULL), *slash;
	struct buf name = { 0 };
	struct stat st;

	if (real == NULL || stat(real, &st) == -1) {
		free(real);
		return -1;
	}
	slash = strrchr(real, '/');
	w->path = real;
	w->folder = mem_strndup(real, (size_t)(slash - real) + 1);
	buf_printf(&name, "%s.fetchd-rewrite.%llx", w->folder,
	    (unsigned long long)st.st_ino);
	buf_char(&name, '\0');
	w->name = name.p;
	(void)unlink(w->name); /* left by a process that was killed */
	w->fd = open(w->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd == -1)
		return -1;
	if (fchown(w->fd, st.st_uid, st.st_gid) == -1 && errno != EPERM)
		return -1;
	if (coding != SCAN_PLAIN)
		w->compress = compress_new(
		    coding == SCAN_GZIP ? COMPRESS_GZIP : COMPRESS_ZSTD);
	return fchmod(w->fd, st.st_mode & 0777);
}

static int
write_all(int fd, struct span s)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(fd, s.p, s.n);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			span_drop(&s, (size_t)n);
	}
	return 0;
}

static int
write_bytes(struct rewrite *w)
{
	struct buf frame = { 0 };
	int r;

	if (w->compress == NULL || w->bytes.n == 0)
		r = write_all(w->fd, buf_view(&w->bytes));
	else {
		compress_frame(w->compress, buf_view(&w->bytes), &frame);
		r = write_all(w->fd, buf_view(&frame));
		buf_fini(&frame);
	}
	w->bytes.n = 0;
	return r;
}

/* Copies the bytes up to `end`, or skips them. NULL, or what is wrong. */
static const char *
take_bytes(struct rewrite *w, uint64_t end, int is_kept)
{
	struct span piece;

	while (w->copied < end) {
		if (scan_read(w->from, end - w->copied, &piece) == -1)
			return scan_why(w->from);
		if (piece.n == 0)
			return "it has become shorter meanwhile";
		w->copied += piece.n;
		if (is_kept)
			buf_span(&w->bytes, piece);
		if (w->bytes.n >= WRITE_BYTES && write_bytes(w) == -1)
			return strerror(errno);
	}
	return NULL;
}

/* The folder, so that the new name outlives a loss of power. */
static int
sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd == -1)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

static const char *
replace_file(struct rewrite *w)
{
	if (write_bytes(w) == -1 || fsync(w->fd) == -1 ||
	    rename(w->name, w->path) == -1 || sync_folder(w->folder) == -1)
		return strerror(errno);
	w->name[0] = '\0'; /* it is no temporary file any more */
	return NULL;
}

/* An old record, or a stream line before it: its entry in old; else old->n. */
static size_t
find_old(const struct superseded *old, enum scan_verdict v,
    const struct scan_item *item)
{
	if (v != SCAN_RECORD && v != SCAN_EVENT)
		return old->n;
	return next_superseded(old, item->seq);
}

/* Copies what is kept; the new file is made at the first record that is not. */
static const char *
copy_kept(struct rewrite *w, struct scan *s, struct superseded *old)
{
	const char *wrong = NULL;
	struct scan_item item;
	enum scan_verdict v;
	uint64_t end = 0;
	size_t at;

	while (wrong == NULL && (v = scan_next(s, &item)) != SCAN_END) {
		if (is_unreadable(v, &item))
			return scan_why(s);
		end = item.offset + item.bytes;
		at = find_old(old, v, &item);
		if (at == old->n)
			continue;
		if (v == SCAN_RECORD)
			old->removed[at]++;
		if (w->fd == -1 && make_file(w, scan_coding(s)) == -1)
			return strerror(errno);
		wrong = take_bytes(w, item.offset, 1);
		if (wrong == NULL)
			wrong = take_bytes(w, end, 0);
	}
	if (wrong != NULL || w->fd == -1)
		return wrong;
	wrong = take_bytes(w, end, 1);
	return wrong != NULL ? wrong : replace_file(w);
}

static int
rewrite_file(const char *path, struct superseded *old, struct buf *why)
{
	struct rewrite w = { .path = path, .fd = -1 };
	struct scan *s = scan_open(path);
	const char *wrong;

	w.from = scan_open(path);
	wrong = s == NULL || w.from == NULL ? strerror(errno)
					    : copy_kept(&w, s, old);
	if (wrong != NULL)
		(void)fail(why, path, wrong);
	if (w.name != NULL && w.name[0] != '\0')
		(void)unlink(w.name);
	if (w.fd != -1)
		close(w.fd);
	if (w.path != path)
		free((void *)(uintptr_t)w.path);
	free(w.folder);
	free(w.name);
	compress_free(w.compress);
	buf_fini(&w.bytes);
	scan_close(s);
	scan_close(w.from);
	return wrong != NULL ? -1 : 0;
}

int
retry_remove_superseded(
    const char *const *paths, size_t npaths, struct buf *why)
{
	struct superseded old = { 0 };
	struct seqs *seen = seqs_new();
	const char *wrong = NULL;
	struct scan *s;
	int r = 0;
	size_t i;

	for (i = 0; i < npaths && r == 0; i++) {
		s = scan_open(paths[i]);
		wrong = s == NULL ? strerror(errno)
				  : find_superseded(s, seen, &old);
		if (wrong != NULL)
			r = fail(why, paths[i], wrong);
		scan_close(s);
	}
	seqs_free(seen);
	if (old.n > 0) {
		qsort(old.seq, old.n, sizeof(*old.seq), compare);
		old.removed = mem_zalloc(old.n, sizeof(*old.removed));
	}
	for (i = 0; i < npaths && r == 0 && old.n > 0; i++)
		r = rewrite_file(paths[i], &old, why);
	free(old.seq);
	free(old.removed);
	return r;
}
