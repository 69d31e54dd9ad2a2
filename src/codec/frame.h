/* SPDX-License-Identifier: ISC */
/*
 * What fetchd and fetchd-worker say to each other over their socket: messages
 * of a fixed head and a payload. Pure; both programs use it, and each takes the
 * other's bytes for untrusted ones.
 *
 * Head, FRAME_HEAD bytes, little endian: magic 0x46 ('F'), version 1, type,
 * zero; u32 length of the payload; u64 id of the document (0 where there is
 * none).
 *
 *   CONFIG  to the worker, first and once: the jobs, one behind another
 *   DOC     to the worker: url, content type (strings), then the body
 *   READY   from the worker, once: u32, bits of the parts of the sandbox that
 *           could not be set up (FRAME_NO_*)
 *   BAD     from the worker, instead of READY: a text for people; what was
 *           configured cannot be used
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

/* Parts of the sandbox, as bits: what a READY lists was not to be had. */
enum {
	FRAME_NO_PRIVS = 1 << 0,    /* no_new_privs */
	FRAME_NO_SECCOMP = 1 << 1,  /* the filter of system calls */
	FRAME_NO_LANDLOCK = 1 << 2, /* no file can be opened */
	FRAME_NO_RLIMITS = 1 << 3,  /* limits of memory, CPU, descriptors */
	FRAME_NO_DEATHSIG = 1 << 4, /* it dies with its parent */
	FRAME_NO_ALL = (1 << 5) - 1,
};

/* What fetchd-worker's exit status means. With another, or by a signal, it
 * crashed; SIGSYS: it asked the kernel for what it may not have. */
enum {
	FRAME_EXIT_OK = 0,        /* nothing more to read, or due for a fresh
				     one; BAD was its last word */
	FRAME_EXIT_USAGE = 2,     /* it was started with other arguments */
	FRAME_EXIT_OOM = 71,      /* no memory */
	FRAME_EXIT_EXEC = 72,     /* --exec: cannot be executed; says why */
	FRAME_EXIT_PROTOCOL = 73, /* what it was sent is no frame */
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
	FRAME_JOB_REGEX,      /* over the source, as UTF-8 */
	FRAME_JOB_REGEX_TEXT, /* over the text */
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
	struct span url;          /* where it came from; never empty */
	struct span content_type; /* the header's lines as one; may be empty */
	struct span body;
};

struct frame_result {
	enum parse_error error;
	struct span json; /* n 0: none */
};

/* Who reads: what the other may send, and how long. */
enum frame_reader { FRAME_READER_FETCHD, FRAME_READER_WORKER };

void frame_put_head(char p[FRAME_HEAD], const struct frame *f);
/*
 * Reads a head. 0, or -1 if it is none, of a type that this reader is not
 * sent, longer than that type may be, or with an id where none belongs.
 */
int frame_get_head(
    const char p[FRAME_HEAD], enum frame_reader who, struct frame *f);

/* What a job takes up. */
#define FRAME_JOB_BYTES(name_bytes, expr_bytes) \
	(9 + (name_bytes) + (expr_bytes))

/* A whole CONFIG is a head and these, one behind another. */
void frame_put_job(struct buf *out, const struct frame_job *j);
/* Takes the next job off *payload. 1, 0 at the end, -1 if it is malformed. */
int frame_get_job(struct span *payload, struct frame_job *j);

/* The bytes of a DOC before its body, and how long its payload is in all. */
void frame_put_doc(struct buf *out, struct span url, struct span content_type);
uint64_t frame_doc_length(
    struct span url, struct span content_type, uint64_t body_bytes);
/* 0 or -1. The spans lie in the payload. */
int frame_get_doc(struct span payload, struct frame_doc *d);

/* A whole message, head included. missing: FRAME_NO_*. */
void frame_put_ready(struct buf *out, uint32_t missing);
int frame_get_ready(struct span payload, uint32_t *missing);

/* The byte before a RESULT's JSON. */
void frame_put_result(struct buf *out, enum parse_error e);
/*
 * 0 or -1. A worker may report PARSE_OK, PARSE_FAILED and PARSE_TOO_LARGE, and
 * nothing else; PARSE_OK comes with JSON (whose validity is not looked at).
 */
int frame_get_result(struct span payload, struct frame_result *r);

#endif
