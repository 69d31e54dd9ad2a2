/* SPDX-License-Identifier: ISC */
/*
 * The files of an output: opening without loss, names of a rotated series,
 * where an end is on the disk, and what must be forced there. Knows nothing of
 * compression beyond that places are known only where a frame ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "io/sink_int.h"

/* A power failure may have left a later file and none of those before it. */
#define RESUMED_GAP_MAX 1024u

/* ---- names ---- */

enum sink_coding
sink_coding_of(const char *path)
{
	size_t n = strlen(path);

	if (n > 3 && strcasecmp(path + n - 3, ".gz") == 0)
		return SINK_GZIP;
	return n > 4 && strcasecmp(path + n - 4, ".zst") == 0 ? SINK_ZSTD
							      : SINK_PLAIN;
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Where ".N" is inserted: before the extension, and that of compression. */
static size_t
stem_bytes(const char *path)
{
	static const size_t extra[] = {
		[SINK_PLAIN] = 0, [SINK_GZIP] = 3, [SINK_ZSTD] = 4
	};
	const char *base = base_of(path);
	size_t n = strlen(base) - extra[sink_coding_of(base)], i;

	for (i = n; i > 1; i--)
		if (base[i - 1] == '.')
			return (size_t)(base - path) + i - 1;
	return (size_t)(base - path) + n;
}

void
sink_file_name(struct buf *out, const char *path, uint32_t number)
{
	size_t stem = stem_bytes(path);

	if (number == 0) {
		buf_str(out, path);
		return;
	}
	buf_add(out, path, stem);
	buf_printf(out, ".%u", number);
	buf_str(out, path + stem);
}

/* The number in `name`, or 0 if it is not one of the series. */
static uint32_t
number_of(const char *path, const char *name)
{
	const char *base = base_of(path), *p;
	size_t stem = stem_bytes(path) - (size_t)(base - path);
	uint64_t n = 0;

	if (strncmp(name, base, stem) != 0 || name[stem] != '.' ||
	    name[stem + 1] == '0')
		return 0;
	for (p = name + stem + 1; *p >= '0' && *p <= '9' && n < UINT32_MAX; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	return strcmp(p, base + stem) == 0 && n < UINT32_MAX ? (uint32_t)n : 0;
}

static char *
name_of(const struct sink_files *f, uint32_t number)
{
	struct buf b = { 0 };

	sink_file_name(&b, f->path, number);
	buf_char(&b, '\0');
	return b.p;
}

/* The highest number of the series, 0 if there is none. */
static uint32_t
highest(const struct sink_files *f)
{
	int fd = fcntl(f->folder, F_DUPFD_CLOEXEC, 3);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	uint32_t most = 0, n;

	if (d == NULL)
		return 0;
	rewinddir(d);
	while ((e = readdir(d)) != NULL) {
		n = number_of(f->path, e->d_name);
		most = n > most ? n : most;
	}
	closedir(d);
	return most;
}

/*
 * Removes the files of an earlier run that follow `number` with less than `gap`
 * missing ones between two of them: a number far away may be a date, and not
 * part of the series.
 */
static void
remove_later(const struct sink_files *f, uint32_t number, uint32_t gap)
{
	uint32_t missing = 0;
	struct stat st;
	int r;

	do {
		char *name = name_of(f, ++number);

		r = lstat(name, &st);
		if (r == -1 && errno == ENOENT) {
			missing++;
			r = 0;
		} else if (r == 0) {
			missing = 0;
			r = S_ISREG(st.st_mode) ? unlink(name) : -1;
		}
		free(name);
	} while (r == 0 && missing < gap);
}

/* ---- opening ---- */

static int
open_folder(const char *path)
{
	const char *base = base_of(path);
	char *folder = base > path ? mem_strndup(path, (size_t)(base - path))
				   : mem_strdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(folder);
	return fd;
}

/* 0, or -1 with EBUSY if another process has the lock. Where the file system
 * has no locks there is none. */
static int
lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0 ||
	    (errno != EAGAIN && errno != EACCES))
		return 0;
	errno = EBUSY;
	return -1;
}

static int
open_file(const struct sink_files *f, uint32_t number, int flags)
{
	char *name = name_of(f, number);
	int fd = open(name, O_WRONLY | O_CLOEXEC | flags,
	    f->conf.is_private ? 0600 : 0666);

	free(name);
	return fd;
}

/* Checks what was opened. 0, or -1 with errno. */
static int
inspect(struct sink_files *f, int fd)
{
	const struct sink_conf *c = &f->conf;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	f->is_regular = S_ISREG(st.st_mode);
	if (!f->is_regular && (c->is_resumed || c->rotate_bytes > 0)) {
		errno = ESPIPE;
		return -1;
	}
	if (!f->is_regular)
		return 0;
	if (c->is_resumed && (uint64_t)st.st_size < c->resume_at.bytes) {
		errno = ENODATA;
		return -1;
	}
	f->begin.bytes = c->is_resumed   ? c->resume_at.bytes
			 : c->may_append ? (uint64_t)st.st_size
					 : 0;
	if (c->is_private && (st.st_mode & 077) != 0 && fchmod(fd, 0600) == -1)
		return -1;
	return lock(fd);
}

/* A descriptor for the output, or -1 with errno. */
static int
open_first(struct sink_files *f)
{
	const struct sink_conf *c = &f->conf;
	int flags = c->may_append && !c->is_resumed ? O_APPEND : 0, fd, errnum;
	uint32_t number = 0;
	struct stat st;

	if (c->rotate_bytes > 0) {
		if (stat(f->path, &st) == 0 && !S_ISREG(st.st_mode)) {
			errno = ESPIPE;
			return -1;
		}
		number = c->is_resumed   ? c->resume_at.file
			 : c->may_append ? highest(f) + 1
					 : 1;
	}
	if (!c->is_resumed || c->resume_at.bytes == 0)
		flags |= O_CREAT;
	fd = open_file(f, number, flags);
	if (fd != -1 && inspect(f, fd) == -1) {
		errnum = errno;
		close(fd);
		errno = errnum;
		return -1;
	}
	f->last.at.file = f->begin.file = number;
	f->has_new_name = 1;
	return fd;
}

struct sink *
sink_open_output(struct event_base *base, struct disk *writer, const char *path,
    const struct sink_conf *conf, sink_cb *cb, void *arg)
{
	struct sink_files *f = mem_zalloc(1, sizeof(*f));
	struct sink *s;
	int fd, errnum;

	f->conf = *conf;
	f->path = path;
	f->folder = open_folder(path);
	fd = open_first(f);
	if (fd == -1) {
		errnum = errno;
		if (f->folder != -1)
			close(f->folder);
		free(f);
		errno = errnum;
		return NULL;
	}
	s = sink_make(base, fd, 1, cb, arg);
	s->files = f;
	s->is_rotated = conf->rotate_bytes > 0 && conf->coding == SINK_PLAIN;
	if (conf->coding != SINK_PLAIN)
		sink_frames_open(s, base, writer, conf->coding);
	return s;
}

void
sink_file_free(struct sink *s)
{
	struct sink_files *f = s->files;
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->nfinished; i++)
		close(f->finished[i]);
	if (f->folder != -1)
		close(f->folder);
	free(f->marks.v);
	free(f->known);
	free(f);
}

/* ---- beginning ---- */

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

/* Writes the head of an empty file. Returns the file's size, or -1 with errno.
 */
static int64_t
write_head(struct sink *s)
{
	struct span head = s->files->conf.head;
	struct buf frame = { 0 };
	int64_t n;

	if (head.n == 0)
		return s->files->head_bytes = 0;
	if (s->frames != NULL) {
		sink_frames_put(s, head, &frame);
		head = buf_view(&frame);
	}
	n = write_all(s->fd, head) == 0 ? (int64_t)head.n : -1;
	s->files->head_bytes = head.n;
	buf_fini(&frame);
	return n;
}

/* Ends an incomplete last line of a file to append to. Returns the size. */
static int64_t
end_last_line(const struct sink *s, int64_t size)
{
	char *name = name_of(s->files, s->files->last.at.file);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	char c = '\n';
	int is_ended = fd == -1 || pread(fd, &c, 1, size - 1) != 1 || c == '\n';

	free(name);
	if (fd != -1)
		close(fd);
	if (is_ended)
		return size;
	return write_all(s->fd, SPAN("\n")) == 0 ? size + 1 : -1;
}

/* The place of `end` is known from now on: the latest one. */
static void
note(struct sink_files *f, uint64_t end, uint32_t file, uint64_t bytes)
{
	f->last = (struct sink_known){ end, { file, bytes } };
	if (!f->conf.has_commits)
		return;
	f->known = mem_grow(
	    f->known, f->known_count, &f->known_cap, sizeof(f->known[0]));
	f->known[f->known_count++] = f->last;
}

struct sink_place
sink_begins_at(const struct sink *s)
{
	return s->files != NULL ? s->files->begin : (struct sink_place){ 0 };
}

/* May the file end with an incomplete line that is not of this run? */
static int
may_end_in_line(const struct sink_conf *c)
{
	return c->is_resumed ? c->is_lines || c->head.n > 0 : c->may_append;
}

int
sink_begin(struct sink *s)
{
	struct sink_files *f = s->files;
	int64_t size;

	if (f == NULL)
		return 0;
	if (!f->is_regular) {
		if (s->frames != NULL && f->conf.head.n > 0)
			sink_frames_put(s, f->conf.head, &s->buf);
		else
			buf_span(&s->buf, f->conf.head);
		return 0;
	}
	size = f->conf.is_resumed ? (int64_t)f->begin.bytes : 0;
	if ((f->conf.is_resumed || !f->conf.may_append) &&
	    ftruncate(s->fd, size) == -1)
		return -1;
	if (f->conf.rotate_bytes > 0 &&
	    (f->conf.is_resumed || !f->conf.may_append))
		remove_later(f, f->last.at.file,
		    f->conf.is_resumed ? RESUMED_GAP_MAX : 1);
	size = lseek(s->fd, 0, SEEK_END);
	if (size == 0)
		size = write_head(s);
	else if (may_end_in_line(&f->conf) && s->frames == NULL)
		size = end_last_line(s, size);
	if (size == -1)
		return -1;
	note(f, 0, f->last.at.file, (uint64_t)size);
	f->whole = f->last;
	return 0;
}

void
sink_file_fill_empty(struct sink *s)
{
	struct sink_files *f = s->files;
	struct buf frame = { 0 };

	if (!f->is_regular || f->last.at.bytes > 0)
		return;
	sink_frames_put(s, SPAN_NONE, &frame);
	if (write_all(s->fd, buf_view(&frame)) == -1)
		sink_fail(s, errno);
	else
		note(f, f->last.end, f->last.at.file, frame.n);
	f->whole = f->last;
	buf_fini(&frame);
}

/* ---- rotation ---- */

/* The size of the present file, of whole frames if it is compressed. */
static uint64_t
size_of(const struct sink *s)
{
	const struct sink_known *last = &s->files->last;

	return last->at.bytes +
	       (s->frames != NULL ? 0 : s->written - last->end);
}

int
sink_file_is_over(const struct sink *s, uint64_t bytes)
{
	const struct sink_conf *c = &s->files->conf;
	uint64_t size = size_of(s);

	return c->rotate_bytes > 0 && size + bytes > c->rotate_bytes &&
	       size > s->files->head_bytes;
}

/* The file is complete. Its descriptor is needed until it has been forced to
 * the disk; of too many, the oldest way is taken at once. */
static int
finish_file(struct sink *s)
{
	struct sink_files *f = s->files;

	if (f->conf.has_commits && f->nfinished < SINK_FINISHED_MAX) {
		f->finished[f->nfinished++] = s->fd;
		s->fd = -1;
		return 0;
	}
	if (f->conf.has_commits && fdatasync(s->fd) == -1)
		return -1;
	close(s->fd);
	s->fd = -1;
	return 0;
}

int
sink_file_next(struct sink *s)
{
	struct sink_files *f = s->files;
	uint32_t number = f->last.at.file + 1;
	int64_t size;

	/* A file that is there now was not part of the series: it is not
	 * touched, and nothing is lost if the run ends here. */
	int fd = open_file(f, number, O_CREAT | O_EXCL);

	if (fd == -1 || lock(fd) == -1 || finish_file(s) == -1) {
		sink_fail(s, errno);
		if (fd != -1)
			close(fd);
		return -1;
	}
	s->fd = fd;
	s->partial = 0;
	f->has_new_name = 1;
	size = write_head(s);
	note(f, s->frames != NULL ? s->frames->written : s->written, number,
	    size > 0 ? (uint64_t)size : 0);
	f->whole = f->last;
	if (size == -1)
		sink_fail(s, errno);
	return size == -1 ? -1 : 0;
}

/* Bytes of the first record that is not written, as far as it is known, and
 * whether its end is. */
static uint64_t
next_record(const struct sink *s, int *is_whole)
{
	uint64_t mark = sink_ends_first(&s->files->marks);

	*is_whole = mark != UINT64_MAX;
	return *is_whole ? mark - s->written : sink_pending(s);
}

size_t
sink_file_limit(struct sink *s)
{
	struct sink_files *f = s->files;
	uint64_t n, end = s->written;
	int is_whole;
	size_t i;

	f->last_mark = sink_ends_drop(&f->marks, s->written, f->last_mark);
	n = next_record(s, &is_whole);
	if (s->written != f->last_mark) /* in the middle of a record */
		return s->off + (size_t)n;
	/* A record that is not complete waits, unless it is a large one. */
	if (n == 0 || (!is_whole && n < SINK_HIGH_WATER))
		return s->off;
	if (sink_file_is_over(s, n) && sink_file_next(s) == -1)
		return s->off;
	for (i = f->marks.first; i < f->marks.n; i++) {
		if (i > f->marks.first &&
		    size_of(s) + f->marks.v[i] - s->written >
			f->conf.rotate_bytes)
			break;
		end = f->marks.v[i];
	}
	return s->off + (size_t)(is_whole ? end - s->written : n);
}

/* ---- places ---- */

void
sink_mark(struct sink *s)
{
	struct sink_files *f = s->files;
	int is_plain = f != NULL && !s->is_rotated && s->frames == NULL;
	uint64_t end;

	if (f == NULL || (is_plain && f->conf.is_lines))
		return;
	if (is_plain) /* nothing else drops its marks */
		f->last_mark =
		    sink_ends_drop(&f->marks, s->written, f->last_mark);
	end = sink_end(s);
	if (end > f->last_mark)
		sink_ends_put(&f->marks, end);
}

void
sink_file_note_frame(struct sink *s, uint64_t end, uint64_t bytes)
{
	struct sink_files *f = s->files;

	if (!f->is_regular)
		return;
	note(f, end, f->last.at.file, f->last.at.bytes + bytes);
	if (s->frames->ends_record)
		f->whole = f->last;
}

int
sink_is_file(const struct sink *s)
{
	return s->files != NULL && s->files->is_regular;
}

/* Where an end is that is not after `last`: in the file that begins before it,
 * or where a frame ends. */
static const struct sink_known *
find(const struct sink *s, uint64_t end)
{
	const struct sink_files *f = s->files;
	const struct sink_known *k = NULL;
	size_t i;

	if (!f->conf.has_commits)
		return f->last.end <= end ? &f->last : NULL;
	for (i = 0; i < f->known_count && f->known[i].end <= end; i++)
		if (k == NULL || f->known[i].end < end || s->frames != NULL)
			k = &f->known[i];
	return k;
}

int
sink_locate(const struct sink *s, uint64_t end, struct sink_place *at)
{
	const struct sink_known *k;
	const struct sink_files *f = s->files;

	if (f == NULL || !f->is_regular || end > sink_written(s))
		return -1;
	k = find(s, end);
	if (k == NULL || (s->frames != NULL && k->end != end))
		return -1;
	*at = k->at;
	at->bytes += end - k->end;
	return 0;
}

void
sink_forget(struct sink *s, uint64_t end)
{
	struct sink_files *f = s->files;
	size_t n = 0;

	if (f == NULL)
		return;
	while (n + 1 < f->known_count && f->known[n + 1].end < end)
		n++;
	f->known_count -= n;
	memmove(f->known, f->known + n, f->known_count * sizeof(f->known[0]));
}

/* Makes `at` the end of the output: files that this run began after it go, and
 * no others. */
static int
cut_at(struct sink *s, struct sink_place at)
{
	struct sink_files *f = s->files;
	int fd = s->fd, r;

	if (at.file != f->last.at.file && (fd = open_file(f, at.file, 0)) == -1)
		return -1;
	r = ftruncate(fd, (off_t)at.bytes);
	if (fd != s->fd)
		close(fd);
	else if (r == 0)
		r = lseek(fd, (off_t)at.bytes, SEEK_SET) == -1 ? -1 : 0;
	if (r == 0)
		s->partial = 0;
	while (r == 0 && at.file < f->last.at.file) {
		char *name = name_of(f, ++at.file);

		r = unlink(name);
		free(name);
	}
	return r;
}

int
sink_cut_back(struct sink *s, uint64_t end)
{
	struct sink_place at;

	if (sink_locate(s, end, &at) == -1) {
		errno = ENOENT;
		return -1;
	}
	return cut_at(s, at);
}

int
sink_file_end_record(struct sink *s)
{
	struct sink_files *f = s->files;
	struct sink_place at = f->whole.at;

	if (!f->is_regular)
		return 0;
	if (s->frames == NULL) {
		f->last_mark =
		    sink_ends_drop(&f->marks, s->written, f->last_mark);
		at = f->last.at;
		at.bytes += f->last_mark - f->last.end;
	}
	return cut_at(s, at);
}

/* ---- the disk ---- */

struct sink_sync {
	int fd[SINK_FINISHED_MAX + 1];
	size_t n;
	int folder; /* -1: no new names */
	int errnum;
};

static int
duplicate(struct sink_sync *y, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy == -1)
		y->errnum = errno;
	return copy;
}

struct sink_sync *
sink_sync_begin(struct sink *s)
{
	struct sink_sync *y = mem_zalloc(1, sizeof(*y));
	struct sink_files *f = s->files;
	int fd;

	y->folder = -1;
	if (f != NULL) {
		memcpy(y->fd, f->finished, f->nfinished * sizeof(y->fd[0]));
		y->n = f->nfinished;
		f->nfinished = 0;
		if (f->is_regular && f->has_new_name && f->folder != -1)
			y->folder = duplicate(y, f->folder);
		f->has_new_name = 0;
	}
	fd = duplicate(y, s->fd);
	if (fd != -1)
		y->fd[y->n++] = fd;
	return y;
}

int
sink_sync_run(struct sink_sync *y)
{
	size_t i;

	/* Pipes and some file systems have nothing to be forced. */
	for (i = 0; i < y->n && y->errnum == 0; i++)
		if (fdatasync(y->fd[i]) == -1 && errno != EINVAL &&
		    errno != EROFS)
			y->errnum = errno;
	if (y->folder != -1 && y->errnum == 0 && fsync(y->folder) == -1 &&
	    errno != EINVAL)
		y->errnum = errno;
	return y->errnum;
}

void
sink_sync_free(struct sink_sync *y)
{
	size_t i;

	if (y == NULL)
		return;
	for (i = 0; i < y->n; i++)
		close(y->fd[i]);
	if (y->folder != -1)
		close(y->folder);
	free(y);
}
