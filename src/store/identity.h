/* SPDX-License-Identifier: ISC */
/*
 * What a journal compares to know that it belongs to a run: XXH3-128 of the
 * bytes of an input that have been consumed, and of the options. It protects
 * from mistakes, not from somebody who wants to make two inputs look alike.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include <stdint.h>

#include "base/span.h"

struct identity_hash;

/* A hash of bytes that come in pieces; how they are cut does not matter. */
struct identity_hash *identity_hash_new(void);
void identity_hash_free(struct identity_hash *h); /* NULL is allowed */
void identity_hash_reset(struct identity_hash *h);
void identity_hash_update(struct identity_hash *h, struct span bytes);
/* Of the bytes so far; more can follow. */
void identity_hash_digest(const struct identity_hash *h, uint64_t hash[2]);

/* Of bytes that are there as a whole, such as the options. */
void identity_digest(struct span bytes, uint64_t hash[2]);

enum identity_verdict {
	IDENTITY_SAME,
	IDENTITY_DIFFERS,
	IDENTITY_SHORTER, /* fewer than `bytes` bytes */
	IDENTITY_IO,      /* errno is set */
};

/* Compares the first `bytes` bytes of a file with their hash. Reads with
 * pread(), so the offset of fd does not matter and does not change. Blocks for
 * as long as the disk takes. */
enum identity_verdict
identity_verify(int fd, uint64_t bytes, const uint64_t hash[2]);

/* A random name for a run. */
void identity_new_run(unsigned char run[16]);

#endif
