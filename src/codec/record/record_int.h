/* SPDX-License-Identifier: ISC */
/*
 * Shared by the files of codec/record only: the keys by number, and the writers
 * of keys with large values.
 */
#ifndef CODEC_RECORD_RECORD_INT_H
#define CODEC_RECORD_RECORD_INT_H

#include "codec/record/record.h"

/* A text is written in pieces of this size; divisible by 3 for base64. */
#define RECORD_PIECE (12u << 10)

enum record_key {
#define KEY(id, name, when, value, type, text) RECORD_KEY_##id,
#define WIDE(id, name, type, text) RECORD_KEY_##id,
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
	RECORD_NKEY
};

/* record.c */
/* `{"name":value` or `,"name":value` of step at->step, nothing if the record
 * does not have the key; at least one piece, about `end` bytes in out. 1 while
 * there is more. */
int record_add_step(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, size_t end);

/* pieces.c */
/* `{"name":` for the first key of a record, `,"name":` for the others. */
void record_add_name(struct buf *out, struct record_at *at, struct span name);
void record_add_string(struct buf *out, struct span s);
/* A piece of a JSON text, by json_write_line. */
void record_add_json(struct buf *out, struct span piece);

/* path.c */
/* The value that the path leads to inside a JSON text; p NULL if there is none.
 * An empty path leads to the whole value. */
struct span record_path_find(struct span text, struct span path, int any_case);
/* If `name` is the first name of the path, removes it and its dot from the
 * path and returns 1. A name may contain dots itself. */
int record_path_skip(struct span *path, struct span name, int any_case);

/* parse: how the extraction went. */
void
record_parse(struct buf *out, const struct record *r, struct record_at *at);
/* header, trailer or interim. */
void record_header(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, enum record_key k);
/* These stop once out has `end` bytes, and return 1 while there is more. */
int record_body(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, enum record_key k,
    size_t end);
int record_extract(
    struct buf *out, const struct record *r, struct record_at *at, size_t end);
int record_attempts(
    struct buf *out, const struct record *r, struct record_at *at, size_t end);
/* The body, if it is written as a JSON value; else p is NULL. */
struct span
record_body_json(const struct record *r, const struct record_format *f);

#endif
