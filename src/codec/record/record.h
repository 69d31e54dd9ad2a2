/* SPDX-License-Identifier: ISC */
/*
 * Writes result records as JSON lines, rows of CSV or short text lines. The
 * input is a plain struct that the caller has filled in.
 */
#ifndef CODEC_RECORD_RECORD_H
#define CODEC_RECORD_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/parse_error.h"
#include "base/span.h"
#include "codec/http/http.h"

#define RECORD_NO_TIME (-1) /* a time that is null */

/*
 * RECORD_BODY_JSON: a complete body that is one JSON value (json_read_answer)
 * is written as that value, any other body as with RECORD_BODY_INLINE.
 */
enum record_body {
	RECORD_BODY_INLINE,
	RECORD_BODY_NONE,
	RECORD_BODY_BASE64,
	RECORD_BODY_JSON,
};

/*
 * One request, or a look-up, connect or handshake that failed. Null values are
 * given as in struct record.
 */
struct record_attempt {
	unsigned attempt; /* from 1; the requests of one attempt share it */
	struct span url;
	int status_code;
	enum err error;
	struct span remote_ip;
	int64_t conn_id; /* 0: null */
	int64_t time_namelookup, time_connect, time_appconnect,
	    time_starttransfer, time_total;
	int64_t wait_us; /* waiting time before it */
	struct span wait_reason;
};

/* Times are microseconds. A span with p NULL is null. */
struct record {
	uint64_t seq;
	struct span id, meta; /* raw JSON; n 0: no such key */
	int id_is_custom;
	struct span input, url, final_url, method;
	int64_t timestamp_us; /* wall clock; RECORD_NO_TIME: null */
	int status_code;
	enum err error;
	enum phase error_phase; /* when error is not E_OK */
	struct span errormsg, error_detail;
	struct span content_type, charset; /* by codec/media_type */
	int64_t content_length;            /* -1: null */
	struct span location;
	int http_minor; /* -1: null */
	struct span remote_ip;
	int remote_port; /* -1: null */
	struct span tls_version;
	int tls_verified; /* -1: null */
	int64_t conn_id;  /* 0: null */
	int conn_reused;
	unsigned num_attempts, num_redirects;
	uint64_t size_download, size_decoded;
	int complete;
	int64_t time_queue, time_item, time_namelookup, time_connect,
	    time_appconnect, time_starttransfer, time_total, time_redirect;
	unsigned flags; /* HTTP_* of codec/http/http.h and RECORD_* below */
	const struct http *http; /* for header, trailer, interim; or NULL */
	int has_body;      /* the body of a response began, even an empty one */
	struct span body;  /* decoded */
	int body_streamed; /* it was written as lines: body is null */
	int has_file;      /* are there keys body_file and sha256 */
	struct span body_file, sha256;
	int has_attempts;                     /* is there a key attempts */
	const struct record_attempt *attempt; /* nattempt of them */
	size_t nattempt;
	int64_t num_events; /* -1: no such key */

	int has_parse;       /* are there keys extract and parse */
	struct span extract; /* raw JSON object of --extract and its kin */
	int has_exec;        /* with --exec: extract has a key exec */
	struct span exec;    /* raw JSON value of that key */
	int was_parsed;      /* parse is an object, else null */
	enum parse_error parse_error;
	int64_t parse_time;    /* RECORD_NO_TIME: null */
	unsigned parse_worker; /* 0: null */
};

enum {
	RECORD_UNKNOWN_CODING = 1 << 8,
	RECORD_TRAILING_DATA = 1 << 9,
};

#define RECORD_FIELDS_MAX 128

/* One of --fields. `path` leads into the value of the key; n 0: the whole. */
struct record_field {
	unsigned char key;
	struct span name, path; /* name: as it was given, "header.etag" */
};

/* How records are written; made once a run. */
struct record_format {
	enum record_body body;
	int is_tsv;  /* of record_csv_*: TSV rather than CSV */
	int is_safe; /* the same: no cell that a spreadsheet evaluates */
	int include_headers;
	int nfield;                                   /* 0: all keys */
	struct record_field field[RECORD_FIELDS_MAX]; /* in their order */
	/* With --fields, a key that also selects another one not listed: */
	int body_either; /* `body` selects body_base64 */
	int json_either; /* `body` selects body_json */
	int id_either;   /* `id` selects custom_id */
};

enum record_fields_fault {
	RECORD_FIELDS_OK,
	RECORD_FIELDS_UNKNOWN,   /* no such key */
	RECORD_FIELDS_REPEATED,  /* listed twice */
	RECORD_FIELDS_NO_OBJECT, /* a path into a scalar */
	RECORD_FIELDS_TOO_MANY,
};

/*
 * Parses a --fields list ("url,header.etag"). The format keeps pointers into
 * the list. On a fault *bad is the offending name.
 */
enum record_fields_fault
record_fields(struct record_format *f, struct span list, struct span *bad);
/* Adds a key that is not in the list, unless all keys are written. */
void record_fields_need(struct record_format *f, struct span name);
/* The name of key number i; NULL after the last. */
const char *record_key_name(int i);

/* The position in a cell of CSV or TSV (csv.c). */
struct record_cell {
	unsigned char state;
	unsigned char is_begun, is_quoted, is_list, has_element;
	unsigned char is_text; /* it is a string or a list of some */
	unsigned depth;        /* of lists and objects written as JSON */
	unsigned nescape;      /* of a string: bytes of a cut escape */
	char escape[14];
};

/*
 * The position of the writer in a record. A record is written in pieces so that
 * a large body is never in memory twice: record_write appends about `max` bytes
 * (at least one piece) and returns 1 while there is more, 0 once the line with
 * its LF is complete. Zero `at` for a new record, then pass the same one until
 * 0 is returned.
 */
struct record_at {
	int step;
	int any; /* a key has been written */
	size_t body_done;
	int body_form; /* which key; chosen at the first piece */
	size_t attempts_done;
	size_t extract_done; /* of its bytes */
	size_t path_done;    /* of the value that a path leads to */
	struct record_cell cell;
};

int record_write(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, size_t max);

/*
 * The same as a row of CSV or TSV: a cell for each of --fields, of which there
 * must be at least one, and LF. A string is its text, a list of strings or
 * numbers these with blanks in between, any other list or an object JSON text,
 * null an empty cell. CSV: quoted where RFC 4180 requires it; an empty string
 * is "", which differs from null. TSV: tabs, line ends and backslashes are
 * \t \n \r \\, as in the text format of PostgreSQL. NUL becomes U+FFFD.
 */
int record_csv_write(struct buf *out, const struct record *r,
    const struct record_format *f, struct record_at *at, size_t max);
/* The header line: the names of --fields. */
void record_csv_head(struct buf *out, const struct record_format *f);

/* How text lines are written. All-zero: without colour, not truncated. */
struct record_text {
	int is_coloured;
	unsigned columns; /* width of the terminal; 0: not a terminal */
};

/*
 * Appends a text line: "200  1.2k  0.034s  https://…\n". A failed item has its
 * error code in place of the size, and the message after the URL. Control bytes
 * are replaced. The message is truncated to end within a row of the terminal.
 */
void record_write_text(
    struct buf *out, const struct record *r, const struct record_text *how);

/*
 * Escapes DEL and C1 controls (U+007F to U+009F) as \u00XX in the JSON lines
 * that b holds from offset `from` on. JSON allows them in strings, but a
 * terminal may interpret them.
 */
void record_spare_terminal(struct buf *b, size_t from);

/* Replaces control characters in the rows of CSV or TSV that b holds from
 * offset `from` on, all but tab and LF, by '?'. */
void record_hide_controls(struct buf *b, size_t from);

/*
 * Appends s as the contents of a JSON string, without quotes. Invalid UTF-8
 * becomes U+FFFD.
 */
void record_escape(struct buf *out, struct span s);

#endif
