/* SPDX-License-Identifier: ISC */
/*
 * A request body that is read from files while it is sent: texts and files in a
 * row, one piece in memory at a time. Its size is fixed when the request is
 * prepared: a file that has grown since is sent up to that size, and one that
 * was shortened, replaced or removed is an error.
 */
#ifndef CORE_UPLOAD_H
#define CORE_UPLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "io/file.h"

#define UPLOAD_PIECE_BYTES (128u << 10)

struct upload_part {
	struct span text; /* or the file's path; not owned */
	int is_file, fd;  /* -1: not open */
	struct file_info info;
};

/* All-zero: none. */
struct upload {
	struct upload_part *v;
	size_t n, cap;
	uint64_t size_bytes; /* of all parts */
	size_t part;         /* the one being sent, */
	uint64_t done;       /* and how much of it was read, */
	uint64_t left;       /* and how much of all is left */
	struct buf piece;
};

void upload_fini(struct upload *u);
/* Closes its files and forgets all parts; keeps little memory. */
void upload_clear(struct upload *u);
void upload_add_text(struct upload *u, struct span text);
/* 0, or -1 with "PATH: reason" appended to *why. */
int upload_add_file(struct upload *u, struct span path, struct buf *why);

/*
 * Opens the files that are not open and goes back to the beginning. E_OK;
 * E_INPUT_INVALID with *why; or E_RESOURCE_LIMIT if no descriptor is free: then
 * none of them is open.
 */
enum err upload_open(struct upload *u, struct buf *why);
/* Reads the next piece, which there must be. 0; or -1 with *why, and all files
 * are closed. */
int upload_read(struct upload *u, struct span *piece, struct buf *why);
/* Are bytes left to be read? */
int upload_is_left(const struct upload *u);
/* Its memory. A piece counts before it is read, so that no more uploads start
 * than have room for one. */
size_t upload_held_bytes(const struct upload *u);

#endif
