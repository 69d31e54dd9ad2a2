/* SPDX-License-Identifier: ISC */
/*
 * What the files of codec/record share: the keys by number, and the writers of
 * the wide ones. Nobody else includes it.
 */
#ifndef CODEC_RECORD_RECORD_INT_H
#define CODEC_RECORD_RECORD_INT_H

#include "codec/record/record.h"

/* Bytes of a text taken at once; 3 divides it, for base64. */
#define RECORD_PIECE (12u << 10)

enum record_key {
#define KEY(id, name, when, value, type, text) RECORD_KEY_##id,
#define WIDE(id, name, type, text) RECORD_KEY_##id,
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
	RECORD_NKEY
};

/* The key's name after what separates it from the one before. */
void record_add_name(struct buf *out, struct record_at *at, struct span name);
void record_add_string(struct buf *out, struct span s);
/* At most `max` bytes of s, cut where no character is broken. */
struct span record_cut(struct span s, size_t max);

/* A JSON text without the white space around its value, and without a BOM. */
struct span record_json_value(struct span text);
/* A piece of one, s.n bytes: raw line ends, which can stand only between its
 * tokens, as blanks. */
char *record_put_json(char *p, struct span s);

/* parse: how the extraction went. */
void
record_parse(struct buf *out, const struct record *r, struct record_at *at);
/* header, trailer or interim. */
void record_header(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, enum record_key k);
/* These stop once out holds `end` bytes, and return 1 while there is more. */
int record_body(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, enum record_key k,
    size_t end);
int record_extract(
    struct buf *out, const struct record *r, struct record_at *at, size_t end);
int record_attempts(
    struct buf *out, const struct record *r, struct record_at *at, size_t end);
int record_path(struct buf *out, const struct record *r,
    const struct record_format *f, const struct record_field *field,
    struct record_at *at, size_t end);
/* The body, if it is to stand as a JSON value; else p is NULL. */
struct span
record_body_json(const struct record *r, const struct record_format *f);

#endif
