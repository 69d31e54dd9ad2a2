/* SPDX-License-Identifier: ISC */
/* Reads regular files, as a whole or in pieces. Knows nothing of what they are
 * for. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/read_file.h"

static int
fail(struct buf *why, struct span path, const char *text)
{
	buf_span(why, path);
	buf_printf(why, ": %s", text);
	return -1;
}

/* The path as a string; -1: it is not one. */
static int
name_of(char name[PATH_MAX], struct span path, struct buf *why)
{
	if (path.n >= PATH_MAX || memchr(path.p, '\0', path.n) != NULL)
		return fail(why, path, "not a path");
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	return 0;
}

static int
take_info(struct file_info *info, const struct stat *st, struct span path,
    struct buf *why)
{
	if (!S_ISREG(st->st_mode))
		return fail(why, path, "not a regular file");
	info->size_bytes = (uint64_t)st->st_size;
	info->device = (uint64_t)st->st_dev;
	info->inode = (uint64_t)st->st_ino;
	return 0;
}

int
file_stat(struct span path, struct file_info *info, struct buf *why)
{
	char name[PATH_MAX];
	struct stat st;

	if (name_of(name, path, why) == -1)
		return -1;
	if (stat(name, &st) == -1)
		return fail(why, path, strerror(errno));
	return take_info(info, &st, path, why);
}

int
file_open(
    struct span path, struct file_info *info, int *is_shortage, struct buf *why)
{
	char name[PATH_MAX];
	struct stat st;
	int fd;

	*is_shortage = 0;
	if (name_of(name, path, why) == -1)
		return -1;
	/* Non-blocking, as it may be a FIFO. */
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1) {
		*is_shortage = error_is_shortage(errno);
		return fail(why, path, strerror(errno));
	}
	if (fstat(fd, &st) == -1)
		(void)fail(why, path, strerror(errno));
	else if (take_info(info, &st, path, why) == 0)
		return fd;
	close(fd);
	return -1;
}

void
file_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

int
file_read_at(
    int fd, char *to, size_t n, uint64_t at, struct span path, struct buf *why)
{
	ssize_t got;

	while (n > 0) {
		got = pread(fd, to, n, (off_t)at);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return fail(why, path, strerror(errno));
		if (got == 0)
			return fail(
			    why, path, "it became shorter while it was sent");
		to += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

int
file_read(struct buf *to, struct span path, size_t max, struct buf *why)
{
	struct file_info info;
	int fd, errnum, r, is_shortage;

	fd = file_open(path, &info, &is_shortage, why);
	if (fd == -1)
		return -1;
	r = read_file_bytes(fd, max, to);
	errnum = r == -1 ? errno : r == 1 ? EFBIG : 0;
	file_close(&fd);
	if (errnum != 0)
		return fail(why, path, strerror(errnum));
	return 0;
}
