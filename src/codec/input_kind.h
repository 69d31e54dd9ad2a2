/* SPDX-License-Identifier: ISC */
/*
 * What a file that was given as a list is, judged by its beginning: lines, or
 * something else that no line of could be used. Pure.
 */
#ifndef CODEC_INPUT_KIND_H
#define CODEC_INPUT_KIND_H

#include "base/buf.h"
#include "base/span.h"

#define INPUT_KIND_BYTES 65536 /* how much of a file is worth looking at */

/*
 * Returns 0 if a file that begins with `head` may be a list. Otherwise nonzero,
 * and what it is and what to do about it is appended to `out`, as in
 * "a gzip file: zcat F | fetchd", with `name` for F.
 */
int input_kind_refuse(struct buf *out, struct span head, const char *name);

/*
 * Is there, after a comma or a blank in a line that is a URL, what looks like
 * another URL or host ("http://a.test/, b.test")?
 */
int input_kind_has_two(struct span url);

#endif
