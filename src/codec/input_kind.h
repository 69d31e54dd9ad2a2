/* SPDX-License-Identifier: ISC */
/*
 * Recognises from its first bytes that a file given as a list of URLs is
 * something else.
 */
#ifndef CODEC_INPUT_KIND_H
#define CODEC_INPUT_KIND_H

#include "base/buf.h"
#include "base/span.h"

#define INPUT_KIND_BYTES 65536 /* bytes of a file to examine */

/*
 * Returns 0 if a file that begins with `head` may be a list. Otherwise returns
 * nonzero and appends what the file is and how to use it, such as
 * "a bzip2 file: bzcat F | fetchd" with `name` for F.
 */
int input_kind_refuse(struct buf *out, struct span head, const char *name);

/*
 * Does the line hold two URLs: is a comma or a space in it followed by another
 * URL or host ("http://a.test/, b.test")?
 */
int input_kind_has_two(struct span url);

#endif
