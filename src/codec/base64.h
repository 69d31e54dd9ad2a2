/* SPDX-License-Identifier: ISC */
/*
 * Base64 (RFC 4648 section 4): the standard alphabet, padding required, no
 * white space.
 */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include <stddef.h>

#include "base/span.h"

/* Bytes that n bytes become. */
#define BASE64_BYTES(n) (((n) + 2) / 3 * 4)

/*
 * Writes BASE64_BYTES(in.n) bytes to out; returns their end. All pieces of a
 * text but the last must be a multiple of 3 bytes.
 */
char *base64_encode(char *out, struct span in);
/*
 * Writes at most in.n / 4 * 3 bytes to out, which may be where `in` stands.
 * Returns 0 with *n set, or -1 if it is no base64.
 */
int base64_decode(char *out, size_t *n, struct span in);

#endif
