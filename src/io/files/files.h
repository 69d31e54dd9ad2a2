/* SPDX-License-Identifier: ISC */
/*
 * Bodies in files below one directory. A body is written to a temporary name
 * and hashed by the writer's thread; once it is complete, the syncer's thread
 * gives it its final name. Nothing below the directory is reached through a
 * symbolic link, and no file is replaced unless that is asked for.
 *
 * The temporary files of a run are in DIR/.fetchd-tmp/RUN, a directory that is
 * locked as long as the run lives. What runs that were killed have left there
 * is removed by the next files_open.
 *
 * Leaf contract: no call but those of the two disks calls back.
 */
#ifndef IO_FILES_FILES_H
#define IO_FILES_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "io/digest.h"

struct body_file;
struct disk;
struct files;

struct files_conf {
	const char *dir; /* created if its parent exists */
	struct disk *writer, *syncer;
	int is_synced;        /* a file is on the disk before it has its name */
	int is_overwriting;   /* existing files are replaced */
	uint64_t queue_bytes; /* of all bodies that wait for the writer */
	/*
	 * Called on the syncer's thread before a file gets `name`, relative to
	 * dir; more than once for an item whose name was taken meanwhile.
	 * Returns 0, or an errno: then the file gets no name. May be NULL.
	 */
	int (*before_publish)(void *arg, uint64_t seq, const char *name);
	void *arg;
};

/* NULL, with a message in err, if there is no such directory, it cannot be
 * written to, or the system lacks openat2 (Linux 5.6). May block. */
struct files *files_open(const struct files_conf *conf, struct buf *err);
/* Removes the temporary files and frees all bodies. The disks must have been
 * freed before. NULL is allowed. */
void files_free(struct files *fs);

/*
 * E_OUTPUT_NO_SPACE or E_OUTPUT_IO once a body could not be written or named
 * because of the disk; E_OK before. Then no body is finished any more.
 */
enum err files_error(const struct files *fs);
int files_errno(const struct files *fs);
/* The file that failed. */
const char *files_error_path(const struct files *fs);

/* Bytes that wait for the writer. */
size_t files_held_bytes(const struct files *fs);
/*
 * On the syncer's thread: makes the names given since the last call durable.
 * Returns 0 or an errno.
 */
int files_sync_dirs(struct files *fs);
/*
 * Before the run: removes the file `name`, relative to the directory, that an
 * unfinished item of an earlier run has left. Returns 0, also if there is none,
 * or an errno. May block.
 */
int files_remove(struct files *fs, const char *name);

/* ---- one body ---- */

/* The name must be unused as long as the file lives: seq of its item. */
struct body_file *body_file_open(struct files *fs, uint64_t seq);
/* Takes a copy of the bytes, whether there is room or not. */
void body_file_put(struct body_file *b, struct span bytes);
/* May more bytes be put? 0: later, after some have been written. */
int body_file_has_room(const struct body_file *b);

enum body_file_end {
	BODY_FILE_SAVED,    /* it has its name */
	BODY_FILE_CONFLICT, /* the name exists, or is not safe */
	BODY_FILE_MISMATCH, /* not the expected digest */
};

struct body_file_result {
	enum body_file_end end;
	struct span name;   /* of SAVED: relative to the directory */
	struct span sha256; /* DIGEST_HEX digits */
	const char *why;    /* of CONFLICT: static text */
};

struct body_file_how {
	/* Appends the name to `out`, when the digest is known; in the loop. */
	void (*name)(void *arg, struct span sha256, struct buf *out);
	/* In the loop, once; b is gone then. Not called after an error of
	 * files_error. */
	void (*done)(void *arg, const struct body_file_result *r);
	void *arg;
	int is_own;           /* the name is the item's: never another one */
	int is_partial;       /* the name gets ".part" */
	struct span expected; /* DIGEST_HEX digits; n 0: any digest */
};

/*
 * All bytes were put: writes them, compares the digest, and gives the file its
 * name. A name that is taken gets "-SEQ" before its extension, and so does a
 * directory of it that is a file; with is_own it is a CONFLICT. Spans of `how`
 * must stay valid until done.
 */
void body_file_finish(struct body_file *b, const struct body_file_how *how);
/* Removes the file and forgets it: calls nothing back. Nulls *b; NULL in it is
 * allowed. */
void body_file_abandon(struct body_file **b);

#endif
