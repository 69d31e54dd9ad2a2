/* SPDX-License-Identifier: ISC */
/*
 * Names of files for bodies, made from a template and the facts of an item:
 * relative, safe on every usual file system, at most FILE_NAME_MAX bytes. Opens
 * no file and does not know which names are in use.
 */
#ifndef CODEC_FILE_NAME_H
#define CODEC_FILE_NAME_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define FILE_NAME_MAX 200       /* bytes, with the directories */
#define FILE_NAME_SHA256_HEX 64 /* digits of a digest */

/* What a name is made of. A span with n 0 is unknown. */
struct file_name_facts {
	struct span host;   /* without port */
	struct span target; /* path?query of the URL, percent-encoded */
	struct span type;   /* media type, lower case, without parameters */
	struct span id;     /* raw JSON scalar */
	struct span sha256; /* FILE_NAME_SHA256_HEX hexadecimal digits */
	uint64_t seq;
};

/*
 * Checks a template: text with the words {host}, {path}, {ext}, {seq}, {id},
 * {sha256}, {seq/N} (N at least 1) and {sha256:N} (N from 1 to 64). Returns
 * NULL, or what is wrong with *bad, a part of the template.
 */
const char *file_name_check(struct span template, struct span *bad);
/*
 * Appends the name by a template that file_name_check accepts. Each component
 * is valid UTF-8 without control characters and \ : * ? " < > |, does not begin
 * with a dot, a dash or a blank, does not end with a dot or a blank, and is not
 * a device name of Windows; ASCII letters are in lower case. There is room for
 * two suffixes "-SEQ", a "-1000" and ".part" below FILE_NAME_MAX: {path} is cut
 * for it, then {host} and {id}.
 *
 * {path} is the path, `index` for one that ends with '/', and the query after a
 * '_'; its extension only if the template has no {ext}. {ext} is that extension
 * with its dot, otherwise one for the media type, or nothing. {id} is `seq`
 * for an item without one.
 */
void file_name_make(
    struct buf *out, struct span template, const struct file_name_facts *f);

#endif
