/* SPDX-License-Identifier: ISC */
/* The directory: opened once, with the temporary directory of the run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/message.h"
#include "io/files/files_int.h"

#define DIR_MODE 0700
#define RUN_TRIES 16
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

int
files_openat(int at, const char *path, int flags, unsigned mode)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)flags,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS };
	long fd;

	do {
		fd = syscall(SYS_openat2, at, path, &how, sizeof(how));
	} while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

/* ---- temporary directories ---- */

/* Removes the files of a directory that no run uses. */
static void
remove_files(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy != -1 ? fdopendir(copy) : NULL;
	struct dirent *e;

	if (d == NULL) {
		if (copy != -1)
			close(copy);
		return;
	}
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(fd, e->d_name, 0);
	closedir(d);
}

/* Removes what a run has left that was killed: its lock is free. */
static void
remove_stale(int tmp_fd, const char *name)
{
	int fd = files_openat(tmp_fd, name, DIR_FLAGS, 0);

	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		remove_files(fd);
		(void)unlinkat(tmp_fd, name, AT_REMOVEDIR);
	}
	close(fd);
}

static void
remove_all_stale(int tmp_fd)
{
	int copy = fcntl(tmp_fd, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy != -1 ? fdopendir(copy) : NULL;
	struct dirent *e;

	if (d == NULL) {
		if (copy != -1)
			close(copy);
		return;
	}
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			remove_stale(tmp_fd, e->d_name);
	closedir(d);
}

static void
draw_name(char name[FILES_RUN + 1])
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[FILES_RUN];
	size_t i;

	CHECK(getrandom(random, sizeof(random), 0) == FILES_RUN);
	for (i = 0; i < FILES_RUN; i++)
		name[i] = chars[random[i] & 31];
	name[FILES_RUN] = '\0';
}

/* Opens and locks the directory of this run. Another run may have taken it for
 * stale before it was locked: 0 then. */
static int
lock_run(struct files *fs)
{
	struct stat st;

	fs->run_fd = files_openat(fs->tmp_fd, fs->run, DIR_FLAGS, 0);
	if (fs->run_fd != -1 && flock(fs->run_fd, LOCK_EX | LOCK_NB) == 0 &&
	    fstat(fs->run_fd, &st) == 0 && st.st_nlink > 0) {
		fs->started_at = st.st_ctim;
		return 1;
	}
	if (fs->run_fd != -1)
		close(fs->run_fd);
	fs->run_fd = -1;
	return 0;
}

/* Makes the directory of the temporary files and locks it. -1 with errno set.
 */
static int
open_run(struct files *fs)
{
	int tries;

	for (tries = 0; tries < RUN_TRIES; tries++) {
		if (mkdirat(fs->dir_fd, FILES_TMP, DIR_MODE) == -1 &&
		    errno != EEXIST)
			return -1;
		fs->tmp_fd = files_openat(fs->dir_fd, FILES_TMP, DIR_FLAGS, 0);
		if (fs->tmp_fd == -1 && errno == ENOENT)
			continue; /* another run has just ended */
		if (fs->tmp_fd == -1)
			return -1;
		draw_name(fs->run);
		if (mkdirat(fs->tmp_fd, fs->run, DIR_MODE) == 0) {
			if (lock_run(fs))
				return 0;
		} else if (errno != EEXIST && errno != ENOENT)
			return -1;
		close(fs->tmp_fd);
		fs->tmp_fd = -1;
	}
	errno = EBUSY;
	return -1;
}

/* ---- the directory ---- */

static int
open_dir(struct files *fs)
{
	fs->dir_fd = open(fs->dir, DIR_FLAGS);
	if (fs->dir_fd == -1 && errno == ENOENT &&
	    (mkdir(fs->dir, DIR_MODE) == 0 || errno == EEXIST))
		fs->dir_fd = open(fs->dir, DIR_FLAGS);
	return fs->dir_fd == -1 ? -1 : open_run(fs);
}

struct files *
files_open(const struct files_conf *conf, struct buf *err)
{
	struct files *fs = mem_zalloc(1, sizeof(*fs));
	int errnum;

	fs->conf = *conf;
	fs->dir = mem_strdup(conf->dir);
	fs->dir_fd = fs->tmp_fd = fs->run_fd = -1;
	list_init(&fs->live);
	if (open_dir(fs) == 0) {
		remove_all_stale(fs->tmp_fd);
		return fs;
	}
	errnum = errno;
	message_begin(err);
	buf_str(err, "--output-dir: ");
	message_show(err, fs->dir);
	buf_printf(err, ": %s\n",
	    errnum == ENOSYS  ? "this system has no openat2 (Linux 5.6)"
	    : errnum == ELOOP ? FILES_TMP " in it is a symbolic link"
			      : strerror(errnum));
	files_free(fs);
	return NULL;
}

void
files_free(struct files *fs)
{
	struct link *k;
	size_t i;

	if (fs == NULL)
		return;
	while ((k = list_first(&fs->live)) != NULL)
		body_file_free(k);
	if (fs->run_fd != -1) {
		remove_files(fs->run_fd);
		(void)unlinkat(fs->tmp_fd, fs->run, AT_REMOVEDIR);
		(void)unlinkat(fs->dir_fd, FILES_TMP, AT_REMOVEDIR);
		close(fs->run_fd);
	}
	if (fs->tmp_fd != -1)
		close(fs->tmp_fd);
	if (fs->dir_fd != -1)
		close(fs->dir_fd);
	for (i = 0; i < fs->ndirty; i++)
		free(fs->dirty[i]);
	free(fs->dirty);
	free(fs->error_path);
	free(fs->dir);
	free(fs);
}

/* ---- errors ---- */

void
files_fail(struct files *fs, int errnum, const char *path)
{
	struct buf b = { 0 };

	if (fs->error != E_OK)
		return;
	fs->error = errnum == ENOSPC || errnum == EDQUOT ? E_OUTPUT_NO_SPACE
							 : E_OUTPUT_IO;
	fs->errnum = errnum;
	buf_printf(&b, "%s/%s", fs->dir, path);
	buf_char(&b, '\0');
	fs->error_path = b.p;
}

enum err
files_error(const struct files *fs)
{
	return fs->error;
}

int
files_errno(const struct files *fs)
{
	return fs->errnum;
}

const char *
files_error_path(const struct files *fs)
{
	return fs->error_path;
}

size_t
files_held_bytes(const struct files *fs)
{
	return fs->held_bytes;
}

int
files_remove(struct files *fs, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *dir;
	int fd, e = 0;

	if (!place_is_safe(span_str(name)))
		return EINVAL;
	dir = slash != NULL ? mem_strndup(name, (size_t)(slash - name))
			    : mem_strdup(".");
	fd = files_openat(fs->dir_fd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	free(dir);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
	if (unlinkat(fd, slash != NULL ? slash + 1 : name, 0) == -1 &&
	    errno != ENOENT)
		e = errno;
	close(fd);
	return e;
}

/* ---- durable names ---- */

static int
sync_dir(struct files *fs, const char *path)
{
	int fd = files_openat(fs->dir_fd, path, DIR_FLAGS, 0), e = 0;

	if (fd == -1) /* somebody has removed or replaced it */
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			   ? 0
			   : errno;
	if (fsync(fd) == -1)
		e = errno;
	close(fd);
	return e;
}

int
files_sync_dirs(struct files *fs)
{
	size_t i;
	int e = 0, e_dir;

	if (fs->is_all_dirty && syncfs(fs->dir_fd) == -1)
		e = errno;
	for (i = 0; i < fs->ndirty; i++) {
		e_dir = fs->is_all_dirty ? 0 : sync_dir(fs, fs->dirty[i]);
		if (e == 0)
			e = e_dir;
		free(fs->dirty[i]);
	}
	fs->ndirty = 0;
	fs->is_all_dirty = 0;
	return e;
}
