/* SPDX-License-Identifier: ISC */
#include "store/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/mem.h"

#define BLOCK_BYTES 65536

struct identity_hash {
	XXH3_state_t *xxh; /* it needs more alignment than malloc() gives */
};

struct identity_hash *
identity_hash_new(void)
{
	struct identity_hash *h = mem_zalloc(1, sizeof(*h));

	h->xxh = XXH3_createState();
	if (h->xxh == NULL)
		mem_exhausted(1, 576); /* the size of its state */
	identity_hash_reset(h);
	return h;
}

void
identity_hash_free(struct identity_hash *h)
{
	if (h == NULL)
		return;
	XXH3_freeState(h->xxh);
	free(h);
}

void
identity_hash_reset(struct identity_hash *h)
{
	CHECK(XXH3_128bits_reset(h->xxh) == XXH_OK);
}

void
identity_hash_update(struct identity_hash *h, struct span bytes)
{
	if (bytes.n > 0)
		CHECK(XXH3_128bits_update(h->xxh, bytes.p, bytes.n) == XXH_OK);
}

static void
store(uint64_t hash[2], XXH128_hash_t x)
{
	hash[0] = x.low64;
	hash[1] = x.high64;
}

void
identity_hash_digest(const struct identity_hash *h, uint64_t hash[2])
{
	store(hash, XXH3_128bits_digest(h->xxh));
}

void
identity_digest(struct span bytes, uint64_t hash[2])
{
	store(hash, XXH3_128bits(bytes.p, bytes.n));
}

/* pread() that an interrupt does not end. */
static ssize_t
read_at(int fd, char *p, size_t n, uint64_t at)
{
	ssize_t got;

	do
		got = pread(fd, p, n, (off_t)at);
	while (got == -1 && errno == EINTR);
	return got;
}

enum identity_verdict
identity_verify(int fd, uint64_t bytes, const uint64_t hash[2])
{
	struct identity_hash *h;
	enum identity_verdict verdict = IDENTITY_SAME;
	uint64_t at = 0, found[2];
	char *block;
	ssize_t got;
	size_t n;

	if (bytes > INT64_MAX)
		return IDENTITY_SHORTER;
	h = identity_hash_new();
	block = mem_alloc(BLOCK_BYTES);
	while (at < bytes && verdict == IDENTITY_SAME) {
		n = bytes - at < BLOCK_BYTES ? (size_t)(bytes - at)
					     : BLOCK_BYTES;
		got = read_at(fd, block, n, at);
		if (got == -1)
			verdict = IDENTITY_IO;
		else if (got == 0)
			verdict = IDENTITY_SHORTER;
		else {
			identity_hash_update(h, span_of(block, (size_t)got));
			at += (uint64_t)got;
		}
	}
	if (verdict == IDENTITY_SAME) {
		identity_hash_digest(h, found);
		if (found[0] != hash[0] || found[1] != hash[1])
			verdict = IDENTITY_DIFFERS;
	}
	free(block);
	identity_hash_free(h);
	return verdict;
}

void
identity_new_run(unsigned char run[16])
{
	CHECK(getrandom(run, 16, 0) == 16);
}
