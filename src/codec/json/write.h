/* SPDX-License-Identifier: ISC */
/*
 * Writes JSON values through a bare pointer, without bounds checks. Each
 * function writes at p and returns the end of what it wrote. The caller must
 * have reserved JSON_WRITE_SCALAR bytes for a number, time, timestamp or
 * literal, JSON_WRITE_STRING(n) bytes for a string of n bytes. The output is
 * always valid UTF-8.
 */
#ifndef CODEC_JSON_WRITE_H
#define CODEC_JSON_WRITE_H

#include <stdint.h>
#include <string.h>

#include "base/span.h"

#define JSON_WRITE_SCALAR 32
/* A byte takes up to six, and eight bytes are written at a time. */
#define JSON_WRITE_STRING(n) (6 * (n) + 2 + 8)

/* The bytes, verbatim. */
static inline char *
json_write_raw(char *p, struct span s)
{
	memcpy(p, s.p, s.n);
	return p + s.n;
}

static inline char *
json_write_null(char *p)
{
	return json_write_raw(p, SPAN("null"));
}

/* A JSON text, or a piece of one, on one line: its line ends, which in valid
 * JSON occur only between tokens, become spaces. */
char *json_write_line(char *p, struct span s);
char *json_write_u64(char *p, uint64_t v);
/* null for anything below 0. */
char *json_write_int(char *p, int64_t v);
char *json_write_bool(char *p, int v);
/* Microseconds, as seconds with six decimals. */
char *json_write_time(char *p, int64_t us);
/* Microseconds since 1970, as an RFC 3339 string in UTC with milliseconds. */
char *json_write_timestamp(char *p, int64_t us);

/* A string; null if s.p is NULL. Invalid UTF-8 becomes U+FFFD, one for each
 * truncated sequence, as chapter 3 of Unicode recommends. */
char *json_write_string(char *p, struct span s);
/* The same with ASCII letters in lower case; null also if empty. */
char *json_write_lower(char *p, struct span s);
/* The contents of a string, without quotes. */
char *json_write_inside(char *p, struct span s);
/* The same for text known to be UTF-8, or for any part of such text. */
char *json_write_inside_utf8(char *p, struct span s);

#endif
