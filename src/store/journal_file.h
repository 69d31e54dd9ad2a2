/* SPDX-License-Identifier: ISC */
/* The system calls of the journal. All block; an int is 0 or an errno. */
#ifndef STORE_JOURNAL_FILE_H
#define STORE_JOURNAL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Opens a file that must not exist, 0600, for reading and writing. *fd is -1
 * on errors. */
int journal_file_create(const char *path, int *fd);
/* Takes the lock of an open file for this process. EAGAIN: another has it. */
int journal_file_lock(int fd);
/* Writes all of it at that offset. After an error the file is as long as it
 * was; EIO if even that fails. */
int journal_file_write(int fd, struct span bytes, uint64_t at);
/* Reserves disk space after the end. 0 also if the file system cannot. */
int journal_file_reserve(int fd, uint64_t at, uint64_t bytes);
/* Syncs the directory that has this file. */
int journal_file_sync_dir(const char *path);
/* A warning if the file is on a network file system, or NULL. */
const char *journal_file_warning(int fd);

#endif
