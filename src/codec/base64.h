/* SPDX-License-Identifier: ISC */
/*
 * Base64 (RFC 4648 section 4): the standard alphabet, padding required, no
 * white space.
 */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include <stddef.h>

#include "base/span.h"

/* The length of n bytes once encoded. */
#define BASE64_BYTES(n) (((n) + 2) / 3 * 4)

/*
 * Writes BASE64_BYTES(in.n) bytes to out and returns their end. When a text is
 * encoded in pieces, the length of all but the last must be a multiple of 3.
 */
char *base64_encode(char *out, struct span in);
/*
 * Writes at most in.n / 4 * 3 bytes to out, which may be the same as in.p.
 * Returns 0 with *n set, or -1 if `in` is not base64.
 */
int base64_decode(char *out, size_t *n, struct span in);

#endif
