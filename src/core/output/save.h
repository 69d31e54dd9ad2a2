/* SPDX-License-Identifier: ISC */
/*
 * Bodies that go to files (--output-dir), and the digest that an item demands.
 * io/files writes the bytes; here is decided which answers have a file and what
 * its name is.
 */
#ifndef CORE_OUTPUT_SAVE_H
#define CORE_OUTPUT_SAVE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "io/digest.h"

struct body_file;
struct body_file_result;
struct core;
struct fetch;
struct xchg;

/* Of one exchange. All-zero: its answer has no file. */
struct save {
	struct body_file *file; /* until it is finished or abandoned */
	struct digest *digest;  /* of an item that demands one without a file */
	struct buf name;        /* of the finished file; n 0: none */
	char sha256[DIGEST_HEX];
	int has_sha256;
	int is_partial;        /* the body is not whole: --keep-partial */
	int keeps_body;        /* it is in memory as well, for the record */
	int parses_body;       /* or for a parser, up to what it takes, */
	int is_over_parse_max; /* which was not enough */
};

/* The header section of the item's final answer is complete: opens its file, if
 * it has one, and decides whether its body is kept in memory. */
void save_begin(struct xchg *x);
/* Decoded bytes of the body. */
void save_put(struct xchg *x, struct span bytes);
/* May more be read of the answer? 0: its file has no room. */
int save_has_room(const struct fetch *f);
/* Must `bytes` more be kept in x->body? Drops what is there once that is more
 * than a parser takes. */
int save_keep_body(struct xchg *x, size_t bytes);
/* The body is complete, and has no file: E_DIGEST_MISMATCH if it has not the
 * digest that its item demands. */
enum err save_check_digest(struct xchg *x);
/* The answer has ended: nonzero if its file is to be finished, 0 if it has none
 * or none any more. */
int save_prepare(struct fetch *f);
/* Finishes the file; `done` is called in the loop, with f as its argument. */
void save_start(
    struct fetch *f, void (*done)(void *arg, const struct body_file_result *r));
/* Takes the outcome. Returns E_OK, or the error that makes the item fail, which
 * had none. */
enum err save_take(struct fetch *f, const struct body_file_result *r);
/* Forgets the file, which is removed if it is not finished. */
void save_clear(struct xchg *x);
/* Do enough files wait to be finished, so that no new item should start? */
int save_is_full(const struct core *c);
/* The largest body that a parser takes, in bytes. */
size_t save_parse_max(const struct fetch *f);

#endif
