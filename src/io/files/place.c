/* SPDX-License-Identifier: ISC */
/*
 * Gives a temporary file its name: makes the directories, chooses another name
 * if one is taken, and never follows a symbolic link.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/files/files_int.h"

#define DIR_MODE 0700
#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define TRIES_MAX 1000 /* names that were taken */

#define EXISTS "the name exists; --overwrite replaces files"
#define UNSAFE \
	"the name is not a relative path of plain components below " \
	"--output-dir"
#define LINKED "a directory of the name is a symbolic link or not on the disk"
#define NO_DIR "a directory of the name is a file"
#define REFUSED "the file system does not allow this name"

int
place_is_safe(struct span name)
{
	size_t i, from = 0;
	struct span c;

	if (name.n == 0 || name.n >= PATH_MAX ||
	    memchr(name.p, '\0', name.n) != NULL)
		return 0;
	for (i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] != '/')
			continue;
		c = span_of(name.p + from, i - from);
		if (c.n == 0 || span_eq(c, SPAN(".")) ||
		    span_eq(c, SPAN("..")) ||
		    (from == 0 && span_ieq(c, SPAN(FILES_TMP))))
			return 0;
		from = i + 1;
	}
	return 1;
}

/* Does the error say something of the name, and not of the disk? */
static const char *
why_refused(int errnum)
{
	switch (errnum) {
	case ELOOP:
	case EXDEV:
		return LINKED;
	case EEXIST:
	case EISDIR:
		return EXISTS;
	case ENOTDIR:
		return NO_DIR;
	case ENAMETOOLONG:
	case EINVAL:
	case EILSEQ:
		return REFUSED;
	}
	return NULL;
}

static int
refuse(struct place *p, int errnum)
{
	p->why = why_refused(errnum);
	return p->why != NULL ? -1 : errnum;
}

/* ---- directories that have new names ---- */

static void
mark_dirty(struct files *fs, struct span dir)
{
	size_t i;

	if (!fs->conf.is_synced || fs->is_all_dirty)
		return;
	if (dir.n == 0)
		dir = SPAN(".");
	for (i = fs->ndirty; i > 0; i--)
		if (span_eq(span_str(fs->dirty[i - 1]), dir))
			return;
	if (fs->ndirty == FILES_DIRS_MAX) {
		fs->is_all_dirty = 1;
		return;
	}
	fs->dirty = mem_grow(
	    fs->dirty, fs->ndirty, &fs->dirty_cap, sizeof(fs->dirty[0]));
	fs->dirty[fs->ndirty++] = mem_strndup(dir.p, dir.n);
}

/* The directories of a path; n 0: none. */
static struct span
dir_of(struct span path)
{
	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	return span_of(path.p, path.n > 0 ? path.n - 1 : 0);
}

/* Opens the directory `name` in `at`, which is made if it is missing. -1 with
 * errno set. `path` is its own, for the sync of its parent. */
static int
enter(struct files *fs, int at, const char *name, struct span path)
{
	int fd = files_openat(at, name, PATH_FLAGS, 0);

	if (fd != -1 || errno != ENOENT)
		return fd;
	if (mkdirat(at, name, DIR_MODE) == 0)
		mark_dirty(fs, dir_of(path));
	else if (errno != EEXIST)
		return -1;
	return files_openat(at, name, PATH_FLAGS, 0);
}

/* As enter; a file in its place gives the directory the name "NAME-SEQ", unless
 * the name is the item's own. Appends the name to path. */
static int
enter_or_rename(struct place *p, int at, struct span name, struct buf *path)
{
	struct buf one = { 0 };
	int fd;

	buf_span(path, name);
	buf_span(&one, name);
	buf_char(&one, '\0');
	fd = enter(p->files, at, one.p, buf_view(path));
	if (fd == -1 && errno == ENOTDIR && !p->is_own) {
		one.n--;
		buf_printf(&one, "-%llu", (unsigned long long)p->seq);
		buf_add(path, one.p + name.n, one.n - name.n);
		buf_char(&one, '\0');
		fd = enter(p->files, at, one.p, buf_view(path));
	}
	buf_fini(&one);
	return fd;
}

/*
 * Opens the directories of p->name one by one, makes those that are missing,
 * and replaces p->name by the name that results. -1 with errno set.
 */
static int
walk(struct place *p)
{
	int at = fcntl(p->files->dir_fd, F_DUPFD_CLOEXEC, 0), next, e = 0;
	struct span rest = buf_view(&p->name);
	struct buf path = { 0 };
	const char *slash;
	size_t n;

	while (at != -1 && (slash = memchr(rest.p, '/', rest.n)) != NULL) {
		n = (size_t)(slash - rest.p);
		next = enter_or_rename(p, at, span_of(rest.p, n), &path);
		e = errno;
		close(at);
		at = next;
		buf_char(&path, '/');
		rest = span_skip(rest, n + 1);
	}
	buf_span(&path, rest);
	buf_fini(&p->name);
	p->name = path;
	errno = e;
	return at;
}

/* ---- the name ---- */

/* Renames without replacing. A file system that cannot do that links. */
static int
rename_new(int from_fd, const char *from, int to_fd, const char *to)
{
	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from_fd, from, to_fd, to, 0) == -1)
		return -1;
	(void)unlinkat(from_fd, from, 0);
	return 0;
}

/* Has the file got its name during this run? Of two items with one name none
 * replaces the other. */
static int
is_of_this_run(const struct files *fs, const struct stat *st)
{
	const struct timespec *t = &fs->started_at;

	return st->st_ctim.tv_sec > t->tv_sec ||
	       (st->st_ctim.tv_sec == t->tv_sec &&
		   st->st_ctim.tv_nsec >= t->tv_nsec);
}

/* Must the name not be used? */
static int
is_taken(const struct place *p, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	if (!p->files->conf.is_overwriting || S_ISDIR(st.st_mode))
		return 1;
	return !p->is_own && is_of_this_run(p->files, &st);
}

/* The last component without its extension, as an offset in the name. */
static size_t
stem_end(struct span name)
{
	size_t from = dir_of(name).n, i = name.n;

	from += from > 0; /* the '/' */
	while (i > from + 1 && name.p[i - 1] != '.')
		i--;
	return i > from + 1 ? i - 1 : name.n;
}

/* The n-th name for the file: "a.x", "a-SEQ.x", "a-SEQ-2.x" and so on. */
static void
choose(struct buf *out, struct span wanted, uint64_t seq, int n)
{
	size_t stem = stem_end(wanted);

	out->n = 0;
	buf_add(out, wanted.p, n > 0 ? stem : wanted.n);
	if (n > 0)
		buf_printf(out, "-%llu", (unsigned long long)seq);
	if (n > 1)
		buf_printf(out, "-%d", n);
	if (n > 0)
		buf_add(out, wanted.p + stem, wanted.n - stem);
	buf_char(out, '\0');
	out->n--;
}

/* Tries one name in the directory. 0, -1 if it is taken, or an errno. */
static int
try_name(struct place *p, int dir, const char *path)
{
	const struct files_conf *conf = &p->files->conf;
	const char *name = path + dir_of(span_str(path)).n;
	int e = 0;

	name += *name == '/';
	/* First, so that nobody is told of a name that cannot be had. */
	if (is_taken(p, dir, name))
		return -1;
	if (conf->before_publish != NULL)
		e = conf->before_publish(conf->arg, p->seq, path);
	if (e != 0)
		return e;
	if (conf->is_overwriting)
		e = renameat(p->files->run_fd, p->temp, dir, name);
	else
		e = rename_new(p->files->run_fd, p->temp, dir, name);
	if (e == 0)
		return 0;
	return errno == EEXIST || errno == EISDIR || errno == ENOTEMPTY ? -1
									: errno;
}

int
place_file(struct place *p)
{
	struct buf name = { 0 };
	int dir, e, n, last = p->is_own ? 0 : TRIES_MAX;

	if (!place_is_safe(buf_view(&p->name))) {
		p->why = UNSAFE;
		return -1;
	}
	dir = walk(p);
	if (dir == -1)
		return refuse(p, errno);
	for (n = 0, e = -1; e == -1 && n <= last; n++) {
		choose(&name, buf_view(&p->name), p->seq, n);
		e = try_name(p, dir, name.p);
	}
	close(dir);
	if (e == 0) {
		mark_dirty(p->files, dir_of(buf_view(&name)));
		buf_fini(&p->name);
		p->name = name;
		return 0;
	}
	buf_fini(&name);
	return refuse(p, e == -1 ? EEXIST : e);
}
