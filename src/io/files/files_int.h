/* SPDX-License-Identifier: ISC */
/* What the files of src/io/files share. For them and their tests only. */
#ifndef IO_FILES_FILES_INT_H
#define IO_FILES_FILES_INT_H

#include <time.h>

#include "base/list.h"
#include "io/files/files.h"

#define FILES_TMP ".fetchd-tmp"
#define FILES_RUN 8        /* characters of a run's directory */
#define FILES_DIRS_MAX 512 /* directories to sync, before all are */

struct files {
	struct files_conf conf;
	char *dir;
	int dir_fd, tmp_fd, run_fd;
	char run[FILES_RUN + 1];
	struct timespec started_at; /* by the clock of the file system */

	/* The loop's. */
	struct list live; /* struct body_file */
	size_t held_bytes;
	unsigned opened; /* makes temporary names unique */
	enum err error;
	int errnum;
	char *error_path;

	/* The syncer thread's: directories that have new names. */
	char **dirty;
	size_t ndirty, dirty_cap;
	int is_all_dirty;
};

/* Notes the first error; the loop's. */
void files_fail(struct files *fs, int errnum, const char *path);

/* Frees a body of fs->live; no job of it may be at work. */
void body_file_free(struct link *of_live);

/* openat2 with the flags, without symbolic links and never out of `at`. -1 with
 * errno set. */
int files_openat(int at, const char *path, int flags, unsigned mode);

/* ---- place.c: names below the directory; on the syncer's thread ---- */

struct place {
	struct files *files;
	const char *temp; /* name in the run's directory */
	uint64_t seq;
	int is_own;
	struct buf name; /* in: the name wanted; out: the one it has */
	const char *why; /* of -1 */
};

/* Gives the temporary file its name. Returns 0; -1 if the name exists or is not
 * safe, with p->why; or an errno of the disk. */
int place_file(struct place *p);
/* Is it a relative path of plain components, outside of FILES_TMP? */
int place_is_safe(struct span name);

#endif
