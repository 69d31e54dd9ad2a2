/* SPDX-License-Identifier: ISC */
/*
 * Preloaded into fetchd: makes calls on files slow, makes them fail, and
 * records what is done to them. Knows nothing of fetchd. Environment:
 *
 *   SHIM_DIR    only files beneath it are touched
 *   SHIM_RULES  "CALL PATTERN EFFECT FIRST COUNT; ...": CALL is write, sync or
 *               lock;
 *               PATTERN is a shell pattern of the path; EFFECT is the number
 *               of an error, or a delay in milliseconds as +MS; FIRST is the
 *               first call (from 1) that matches and has the effect, COUNT the
 *               number of calls that have it, 0 for all that follow
 *   SHIM_LOG    a file to which each call is appended: one line
 *               "CALL INODE OFFSET N PATH_BYTES PATH2_BYTES ERROR", then the
 *               paths and, for a write, its N bytes
 *   SHIM_CLOCK  seconds that are added to the time of day
 *   SHIM_FS     the type of every file system (statfs(2))
 *
 * A call and its entry in the log are one step for all other threads.
 */
#define _GNU_SOURCE
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RULES 16

struct rule {
	char call[8], pattern[256], effect[16];
	long first, count, seen;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES];
static int nrules;
static char dir[PATH_MAX];
static size_t ndir;
static int log_fd = -1;

#define REAL(name) \
	static __typeof__(&name) real; \
	if (real == NULL) \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t
real_writev(int fd, const struct iovec *v, int n)
{
	REAL(writev);
	return real(fd, v, n);
}

__attribute__((constructor)) static void
init(void)
{
	const char *s = getenv("SHIM_RULES"), *log = getenv("SHIM_LOG");
	struct rule r;

	if (getenv("SHIM_DIR") == NULL ||
	    realpath(getenv("SHIM_DIR"), dir) == NULL)
		return;
	ndir = strlen(dir);
	while (s != NULL && *s != '\0' && nrules < RULES) {
		memset(&r, 0, sizeof(r));
		if (sscanf(s, " %7s %255s %15s %ld %ld", r.call, r.pattern,
			r.effect, &r.first, &r.count) != 5)
			abort();
		rules[nrules++] = r;
		s = strchr(s, ';');
		s = s != NULL ? s + 1 : NULL;
	}
	if (log != NULL)
		log_fd =
		    open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* ---- paths ---- */

static int
is_ours(const char *path)
{
	return ndir > 0 && strncmp(path, dir, ndir) == 0 &&
	       (path[ndir] == '/' || path[ndir] == '\0');
}

/* Of an open file; "" if it is none of ours. */
static void
path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t n;
	int was = errno;

	path[0] = '\0';
	if (ndir > 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, PATH_MAX - 1);
		path[n > 0 ? n : 0] = '\0';
		if (!is_ours(path))
			path[0] = '\0';
	}
	errno = was;
}

/* Of a name in a directory. */
static void
path_at(int at, const char *name, char path[PATH_MAX])
{
	char base[PATH_MAX] = "";
	int was = errno;

	path[0] = '\0';
	if (ndir > 0) {
		if (name[0] == '/')
			snprintf(path, PATH_MAX, "%s", name);
		else {
			if (at == AT_FDCWD) {
				if (getcwd(base, sizeof(base)) == NULL)
					base[0] = '\0';
			} else
				path_of(at, base);
			if ((size_t)snprintf(path, PATH_MAX, "%s/%s", base,
				name) >= PATH_MAX)
				path[0] = '\0';
		}
		if (!is_ours(path))
			path[0] = '\0';
	}
	errno = was;
}

/* ---- the log ---- */

static void
note(const char *call, unsigned long ino, long long at, size_t n,
    const char *path, const char *path2, int error, const void *data)
{
	char head[160];
	struct iovec v[4];
	int was = errno;

	if (log_fd == -1)
		return;
	v[0].iov_base = head;
	v[0].iov_len =
	    (size_t)snprintf(head, sizeof(head), "%s %lu %lld %zu %zu %zu %d\n",
		call, ino, at, n, strlen(path), strlen(path2), error);
	v[1] = (struct iovec){ (void *)path, strlen(path) };
	v[2] = (struct iovec){ (void *)path2, strlen(path2) };
	v[3] = (struct iovec){ (void *)data, data != NULL ? n : 0 };
	if (real_writev(log_fd, v, 4) < 0)
		abort();
	errno = was;
}

static void
note_fd(const char *call, int fd, long long at, size_t n, const char *path,
    int error, const void *data)
{
	struct stat st = { 0 };
	int was = errno;

	fstat(fd, &st);
	errno = was;
	note(call, st.st_ino, at, n, path, "", error, data);
}

/* ---- rules ---- */

/* Waits as told; the error that the call fails with, or 0. */
static int
effect_of(const char *call, const char *path)
{
	struct timespec ts;
	long delay_ms = 0;
	int i, error = 0;
	struct rule *r;

	pthread_mutex_lock(&lock);
	for (i = 0; i < nrules; i++) {
		r = &rules[i];
		if (strcmp(r->call, call) != 0 ||
		    fnmatch(r->pattern, path, 0) != 0)
			continue;
		r->seen++;
		if (r->seen < r->first ||
		    (r->count > 0 && r->seen >= r->first + r->count))
			continue;
		if (r->effect[0] == '+')
			delay_ms += atol(r->effect);
		else
			error = atoi(r->effect);
	}
	pthread_mutex_unlock(&lock);
	if (delay_ms > 0) {
		ts.tv_sec = delay_ms / 1000;
		ts.tv_nsec = delay_ms % 1000 * 1000000;
		nanosleep(&ts, NULL);
	}
	return error;
}

/* ---- bytes ---- */

/* at: -1 for the position of the descriptor. */
static ssize_t
put(int fd, const struct iovec *v, int nv, off_t at, const char *path)
{
	static __typeof__(&pwritev) real;
	char *all;
	size_t n = 0;
	ssize_t done;
	int i, error = effect_of("write", path);

	for (i = 0; i < nv; i++)
		n += v[i].iov_len;
	pthread_mutex_lock(&lock);
	if (real == NULL)
		real = (__typeof__(&pwritev))dlsym(RTLD_NEXT, "pwritev");
	if (error != 0) {
		note_fd("write", fd, at, 0, path, error, NULL);
		pthread_mutex_unlock(&lock);
		errno = error;
		return -1;
	}
	done = at == -1 ? real_writev(fd, v, nv) : real(fd, v, nv, at);
	if (done < 0)
		note_fd("write", fd, at, 0, path, errno, NULL);
	else {
		all = malloc(n + 1);
		for (i = 0, n = 0; i < nv; i++) {
			memcpy(all + n, v[i].iov_base, v[i].iov_len);
			n += v[i].iov_len;
		}
		if (at == -1)
			at = lseek(fd, 0, SEEK_CUR) - done;
		note_fd("write", fd, at, (size_t)done, path, 0, all);
		free(all);
	}
	pthread_mutex_unlock(&lock);
	return done;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	char path[PATH_MAX];
	struct iovec v = { (void *)p, n };

	path_of(fd, path);
	return path[0] != '\0' ? put(fd, &v, 1, -1, path)
			       : real_writev(fd, &v, 1);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	char path[PATH_MAX];

	path_of(fd, path);
	return path[0] != '\0' ? put(fd, v, n, -1, path)
			       : real_writev(fd, v, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	char path[PATH_MAX];
	struct iovec v = { (void *)p, n };

	REAL(pwrite);
	path_of(fd, path);
	return path[0] != '\0' ? put(fd, &v, 1, at, path) : real(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	char path[PATH_MAX];

	REAL(pwritev);
	path_of(fd, path);
	return path[0] != '\0' ? put(fd, v, n, at, path) : real(fd, v, n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	return pwritev(fd, v, n, at);
}

int
ftruncate(int fd, off_t size)
{
	char path[PATH_MAX];
	int done;

	REAL(ftruncate);
	path_of(fd, path);
	if (path[0] == '\0')
		return real(fd, size);
	pthread_mutex_lock(&lock);
	done = real(fd, size);
	note_fd("truncate", fd, size, 0, path, done == 0 ? 0 : errno, NULL);
	pthread_mutex_unlock(&lock);
	return done;
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
	char path[PATH_MAX];
	int done;

	REAL(fallocate);
	path_of(fd, path);
	if (path[0] == '\0')
		return real(fd, mode, at, n);
	pthread_mutex_lock(&lock);
	done = real(fd, mode, at, n);
	note_fd((mode & FALLOC_FL_KEEP_SIZE) != 0 ? "reserve" : "extend", fd,
	    at + n, 0, path, done == 0 ? 0 : errno, NULL);
	pthread_mutex_unlock(&lock);
	return done;
}

int
fallocate64(int fd, int mode, off64_t at, off64_t n)
{
	return fallocate(fd, mode, at, n);
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
	return fallocate(fd, 0, at, n) == 0 ? 0 : errno;
}

int
posix_fallocate64(int fd, off64_t at, off64_t n)
{
	return posix_fallocate(fd, at, n);
}

static int
sync_fd(int fd, int (*real)(int))
{
	char path[PATH_MAX];
	int done, error;

	path_of(fd, path);
	if (path[0] == '\0')
		return real(fd);
	error = effect_of("sync", path);
	pthread_mutex_lock(&lock);
	/* A log of what would be durable needs no durability. */
	done = error != 0 ? -1 : log_fd != -1 ? 0 : real(fd);
	if (error == 0 && done == -1)
		error = errno;
	note_fd("sync", fd, 0, 0, path, error, NULL);
	pthread_mutex_unlock(&lock);
	errno = error;
	return done;
}

int
fsync(int fd)
{
	REAL(fsync);
	return sync_fd(fd, real);
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	return sync_fd(fd, real);
}

static int
has_mode(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

/* Before the call: is there a file, and what will be new? Takes the lock. */
static int
begin_open(const char *path, int flags)
{
	int was = errno, is_new;

	pthread_mutex_lock(&lock);
	is_new = (flags & O_CREAT) != 0 && access(path, F_OK) == -1;
	errno = was;
	return is_new;
}

static void
end_open(int fd, const char *path, int flags, int is_new)
{
	if (fd != -1 && is_new)
		note_fd("create", fd, 0, 0, path, 0, NULL);
	else if (fd != -1 && (flags & O_TRUNC) != 0)
		note_fd("truncate", fd, 0, 0, path, 0, NULL);
	pthread_mutex_unlock(&lock);
}

/* ---- locks, file systems, the clock ---- */

int
fcntl(int fd, int command, ...)
{
	char path[PATH_MAX];
	va_list ap;
	void *arg;
	int error;

	REAL(fcntl);
	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (command == F_OFD_SETLK || command == F_SETLK) {
		path_of(fd, path);
		error = path[0] != '\0' ? effect_of("lock", path) : 0;
		if (error != 0) {
			errno = error;
			return -1;
		}
	}
	return real(fd, command, arg);
}

int
fcntl64(int fd, int command, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl(fd, command, arg);
}

int
flock(int fd, int how)
{
	char path[PATH_MAX];
	int error;

	REAL(flock);
	path_of(fd, path);
	error = path[0] != '\0' ? effect_of("lock", path) : 0;
	if (error == 0)
		return real(fd, how);
	errno = error;
	return -1;
}

int
fstatfs(int fd, struct statfs *st)
{
	int done;

	REAL(fstatfs);
	done = real(fd, st);
	if (done == 0 && getenv("SHIM_FS") != NULL)
		st->f_type = strtol(getenv("SHIM_FS"), NULL, 0);
	return done;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	static const char *by;
	int done;

	REAL(clock_gettime);
	done = real(id, ts);
	if (by == NULL && (by = getenv("SHIM_CLOCK")) == NULL)
		by = "0";
	if (done == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += atol(by);
	return done;
}

/* ---- names ---- */

int
openat(int at, const char *name, int flags, ...)
{
	char path[PATH_MAX];
	mode_t mode = 0;
	va_list ap;
	int fd, is_new;

	REAL(openat);
	va_start(ap, flags);
	if (has_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	path_at(at, name, path);
	if (path[0] == '\0' || (flags & (O_CREAT | O_TRUNC)) == 0)
		return real(at, name, flags, mode);
	is_new = begin_open(path, flags);
	fd = real(at, name, flags, mode);
	end_open(fd, path, flags, is_new);
	return fd;
}

int
openat64(int at, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (has_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return openat(at, name, flags, mode);
}

int
open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (has_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return openat(AT_FDCWD, name, flags, mode);
}

int
open64(const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (has_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return openat(AT_FDCWD, name, flags, mode);
}

/* openat2 has no function of its own. */
long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	const struct open_how *how;
	char path[PATH_MAX];
	long a[6], fd;
	int i, is_new;
	va_list ap;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (real == NULL)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	if (number != SYS_openat2)
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	how = (const struct open_how *)a[2];
	path_at((int)a[0], (const char *)a[1], path);
	if (path[0] == '\0' || (how->flags & (O_CREAT | O_TRUNC)) == 0)
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	is_new = begin_open(path, (int)how->flags);
	fd = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	end_open((int)fd, path, (int)how->flags, is_new);
	return fd;
}

static int
note_names(const char *call, int done, const char *path, const char *path2)
{
	struct stat st = { 0 };
	int was = errno;

	if (done == 0 && path[0] != '\0') {
		if (lstat(path2[0] != '\0' ? path2 : path, &st) == -1)
			st.st_ino = 0;
		errno = was;
		note(call, st.st_ino, 0, 0, path, path2, 0, NULL);
	}
	pthread_mutex_unlock(&lock);
	return done;
}

int
renameat2(int at, const char *from, int at2, const char *to, unsigned flags)
{
	char path[PATH_MAX], path2[PATH_MAX];

	REAL(renameat2);
	path_at(at, from, path);
	path_at(at2, to, path2);
	pthread_mutex_lock(&lock);
	return note_names(
	    "rename", real(at, from, at2, to, flags), path, path2);
}

int
renameat(int at, const char *from, int at2, const char *to)
{
	return renameat2(at, from, at2, to, 0);
}

int
rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
linkat(int at, const char *from, int at2, const char *to, int flags)
{
	char path[PATH_MAX], path2[PATH_MAX];

	REAL(linkat);
	path_at(at, from, path);
	path_at(at2, to, path2);
	pthread_mutex_lock(&lock);
	return note_names("link", real(at, from, at2, to, flags), path, path2);
}

int
link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlinkat(int at, const char *name, int flags)
{
	char path[PATH_MAX];

	REAL(unlinkat);
	path_at(at, name, path);
	pthread_mutex_lock(&lock);
	return note_names((flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink",
	    real(at, name, flags), path, "");
}

int
unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int
rmdir(const char *name)
{
	return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int
mkdirat(int at, const char *name, mode_t mode)
{
	char path[PATH_MAX];

	REAL(mkdirat);
	path_at(at, name, path);
	pthread_mutex_lock(&lock);
	return note_names("mkdir", real(at, name, mode), path, "");
}

int
mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}
