/* SPDX-License-Identifier: ISC */
/* Reads a whole file. Knows nothing of what it is for. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"

static int
fail(struct buf *why, struct span path, const char *text)
{
	buf_span(why, path);
	buf_printf(why, ": %s", text);
	return -1;
}

int
file_read(struct buf *to, struct span path, size_t max, struct buf *why)
{
	char name[PATH_MAX];
	struct stat st;
	int fd, errnum, r;

	if (path.n >= sizeof(name) || memchr(path.p, '\0', path.n) != NULL)
		return fail(why, path, "not a path");
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return fail(why, path, strerror(errno));
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return fail(why, path, "not a regular file");
	}
	r = read_file_bytes(fd, max, to);
	errnum = r == -1 ? errno : r == 1 ? EFBIG : 0;
	close(fd);
	if (errnum != 0)
		return fail(why, path, strerror(errnum));
	return 0;
}
