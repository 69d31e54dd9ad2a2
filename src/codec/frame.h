/* SPDX-License-Identifier: ISC */
/*
 * The protocol between fetchd and fetchd-worker: messages of a fixed head and a
 * payload. Both programs use it, and neither trusts the other's bytes.
 *
 * Head, FRAME_HEAD bytes, little endian: magic 0x46 ('F'), version 1, type,
 * zero; u32 length of the payload; u64 id of the document (0 where there is
 * none).
 *
 *   CONFIG  to the worker, first and once: the list of jobs
 *   DOC     to the worker: url, content type (strings), then the body
 *   READY   from the worker, once: u32, bits of the parts of the sandbox that
 *           could not be set up (FRAME_NO_*)
 *   BAD     from the worker, instead of READY: a message for the user; the
 *           configuration cannot be used
 *   RESULT  from the worker, its id that of the DOC: u8 enum parse_error, then
 *           a JSON object, or nothing
 *
 * A string is its u32 length and its bytes. A job is u8 enum frame_job_kind,
 * its name and its expression, both strings.
 */
#ifndef CODEC_FRAME_H
#define CODEC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/parse_error.h"
#include "base/span.h"

#define FRAME_HEAD 16
#define FRAME_DOC_MAX (1u << 30)     /* bytes of a document's payload */
#define FRAME_RESULT_MAX (16u << 20) /* of a result's */
#define FRAME_CONFIG_MAX (1u << 20)
#define FRAME_TEXT_MAX 4096 /* of a BAD's */

enum frame_type {
	FRAME_CONFIG = 1,
	FRAME_DOC,
	FRAME_READY,
	FRAME_BAD,
	FRAME_RESULT,
};

/* Parts of the sandbox, as bits: READY lists those that are not available. */
enum {
	FRAME_NO_PRIVS = 1 << 0,    /* no_new_privs */
	FRAME_NO_SECCOMP = 1 << 1,  /* the filter of system calls */
	FRAME_NO_LANDLOCK = 1 << 2, /* no file can be opened */
	FRAME_NO_RLIMITS = 1 << 3,  /* limits of memory, CPU, descriptors */
	FRAME_NO_DEATHSIG = 1 << 4, /* it dies with its parent */
	FRAME_NO_ALL = (1 << 5) - 1,
};

/* Exit statuses of fetchd-worker. Any other status or a signal means a crash;
 * SIGSYS means a forbidden system call. */
enum {
	FRAME_EXIT_OK = 0,        /* end of input, retired by age, or after
				     BAD */
	FRAME_EXIT_USAGE = 2,     /* wrong arguments */
	FRAME_EXIT_OOM = 71,      /* out of memory */
	FRAME_EXIT_EXEC = 72,     /* --exec: not executable; message printed */
	FRAME_EXIT_PROTOCOL = 73, /* malformed message received */
	FRAME_EXIT_ORPHAN = 74,   /* PARENT_PID is not its parent */
};

enum frame_job_kind {
	FRAME_JOB_TITLE = 1,
	FRAME_JOB_LINKS,
	FRAME_JOB_TEXT,
	FRAME_JOB_META,
	FRAME_JOB_JSONLD,
	FRAME_JOB_CSS,
	FRAME_JOB_XPATH,
	FRAME_JOB_REGEX,      /* matches the source, as UTF-8 */
	FRAME_JOB_REGEX_TEXT, /* matches the text */
};

struct frame {
	enum frame_type type;
	uint32_t length; /* of the payload */
	uint64_t id;
};

struct frame_job {
	enum frame_job_kind kind;
	struct span name; /* the key of its result */
	struct span expr; /* of CSS, XPATH and REGEX */
};

struct frame_doc {
	struct span url;          /* final URL; never empty */
	struct span content_type; /* the header's lines as one; may be empty */
	struct span body;
};

struct frame_result {
	enum parse_error error;
	struct span json; /* n 0: none */
};

/* Who reads: decides which types are accepted. */
enum frame_reader { FRAME_READER_FETCHD, FRAME_READER_WORKER };

void frame_put_head(char p[FRAME_HEAD], const struct frame *f);
/*
 * Decodes a head. 0, or -1 if it is malformed, of a type that this reader does
 * not accept, too long for its type, or with an id where none is allowed.
 */
int frame_get_head(
    const char p[FRAME_HEAD], enum frame_reader who, struct frame *f);

/* The encoded size of a job. */
#define FRAME_JOB_BYTES(name_bytes, expr_bytes) \
	(9 + (name_bytes) + (expr_bytes))

/* A CONFIG is a head followed by jobs. */
void frame_put_job(struct buf *out, const struct frame_job *j);
/* Removes the next job from *payload. 1, 0 at the end, -1 if it is malformed.
 */
int frame_get_job(struct span *payload, struct frame_job *j);

/* The part of a DOC before its body, and the length of the whole payload. */
void frame_put_doc(struct buf *out, struct span url, struct span content_type);
uint64_t frame_doc_length(
    struct span url, struct span content_type, uint64_t body_bytes);
/* 0 or -1. The spans point into the payload. */
int frame_get_doc(struct span payload, struct frame_doc *d);

/* A whole message, head included. missing: FRAME_NO_*. */
void frame_put_ready(struct buf *out, uint32_t missing);
int frame_get_ready(struct span payload, uint32_t *missing);

/* The byte before a RESULT's JSON. */
void frame_put_result(struct buf *out, enum parse_error e);
/*
 * 0 or -1. A worker may report only PARSE_OK, PARSE_FAILED and PARSE_TOO_LARGE.
 * PARSE_OK comes with JSON, which is not validated here.
 */
int frame_get_result(struct span payload, struct frame_result *r);

#endif
