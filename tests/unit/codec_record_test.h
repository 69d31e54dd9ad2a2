/* SPDX-License-Identifier: ISC */
/*
 * Helpers for the tests of codec/record: an empty record, and access to the
 * values of a written line.
 */
#ifndef CODEC_RECORD_TEST_H
#define CODEC_RECORD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json/json.h"
#include "codec/record/record.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ALL SIZE_MAX

/* An item that was never tried. */
static const struct record blank = {
	.seq = 1,
	.timestamp_us = RECORD_NO_TIME,
	.content_length = -1,
	.http_minor = -1,
	.remote_port = -1,
	.tls_verified = -1,
	.time_queue = RECORD_NO_TIME,
	.time_item = RECORD_NO_TIME,
	.time_namelookup = RECORD_NO_TIME,
	.time_connect = RECORD_NO_TIME,
	.time_appconnect = RECORD_NO_TIME,
	.time_starttransfer = RECORD_NO_TIME,
	.time_total = RECORD_NO_TIME,
	.time_redirect = RECORD_NO_TIME,
	.num_events = -1,
};

static const struct record_format plain = { 0 };

/* Appends the record, whole, in pieces of about max. Returns their number. */
static inline int
write_record(struct buf *b, const struct record *r,
    const struct record_format *f, size_t max)
{
	struct record_at at = { 0 };
	int n = 1;

	while (record_write(b, r, f, &at, max) == 1)
		n++;
	return n;
}

/* The raw value of a key in a line that is one JSON object and LF. */
static inline struct span
find(struct span line, const char *name)
{
	struct span found = SPAN_NONE;
	struct json_value key, v;
	struct json j;

	assert_true(line.n > 0 && line.p[line.n - 1] == '\n');
	assert_null(memchr(line.p, '\n', line.n - 1));
	assert_null(memchr(line.p, '\r', line.n));
	json_start_answer(&j, line);
	json_enter(&j);
	while (json_member(&j, &key) == 1 && json_value(&j, &v) == 0)
		if (span_eq(json_inside(&key), span_str(name))) {
			assert_null(found.p);
			found = v.raw;
		}
	if (json_end(&j) == -1)
		fail_msg("%s at %zu: %.*s", j.why, j.at, (int)line.n, line.p);
	return found;
}

/* The record has that raw value; NULL: no such key. */
static inline void
expect(const struct record *r, const struct record_format *f, const char *name,
    const char *want)
{
	struct buf b = { 0 };
	struct span v;

	write_record(&b, r, f, ALL);
	v = find(buf_view(&b), name);
	if (want == NULL ? v.p != NULL : !span_eq(v, span_str(want)))
		fail_msg("%s: %.*s", name, (int)v.n, v.n > 0 ? v.p : "");
	buf_fini(&b);
}

#endif
