/* SPDX-License-Identifier: ISC */
/* SHA-256 of bytes that come piece by piece. */
#ifndef IO_DIGEST_H
#define IO_DIGEST_H

#include "base/span.h"

#define DIGEST_HEX 64 /* digits, in lower case */

struct digest;

struct digest *digest_new(void);
void digest_add(struct digest *d, struct span bytes);
/* Writes the digest, without a NUL. Call once, after all bytes. */
void digest_end(struct digest *d, char hex[DIGEST_HEX]);
/* NULL is allowed. */
void digest_free(struct digest *d);

#endif
