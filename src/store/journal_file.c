/* SPDX-License-Identifier: ISC */
#include "store/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"

/* Older headers do not have them. */
#define CIFS_MAGIC 0xff534d42u
#define SMB2_MAGIC 0xfe534d42u
#define CEPH_MAGIC 0x00c36400u

int
journal_file_create(const char *path, int *fd)
{
	*fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd == -1 ? errno : 0;
}

int
journal_file_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? EAGAIN : errno;
}

int
journal_file_write(int fd, struct span bytes, uint64_t at)
{
	uint64_t end = at;
	ssize_t n;
	int error;

	while (bytes.n > 0) {
		n = pwrite(fd, bytes.p, bytes.n, (off_t)end);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			error = n == 0 ? EIO : errno;
			return ftruncate(fd, (off_t)at) == 0 ? error : EIO;
		}
		end += (uint64_t)n;
		span_drop(&bytes, (size_t)n);
	}
	return 0;
}

int
journal_file_reserve(int fd, uint64_t at, uint64_t bytes)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)bytes) == 0 ||
	    (errno != ENOSPC && errno != EDQUOT && errno != EIO))
		return 0;
	return errno;
}

int
journal_file_sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL   ? mem_strdup(".")
		    : slash == path ? mem_strdup("/")
				    : mem_strndup(path, (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	free(dir);
	if (fd == -1)
		return errno;
	/* Some file systems cannot sync a directory. */
	if (fsync(fd) == -1 && errno != EINVAL)
		error = errno;
	close(fd);
	return error;
}

const char *
journal_file_warning(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st) == -1)
		return NULL;
	switch ((uint32_t)st.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case CIFS_MAGIC:
	case SMB2_MAGIC:
	case V9FS_MAGIC:
	case CEPH_MAGIC:
	case AFS_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
		return "the journal is on a network file system: after a "
		       "crash of its server or of this machine it may not be "
		       "complete, and its lock may not hold between machines";
	default:
		return NULL;
	}
}
