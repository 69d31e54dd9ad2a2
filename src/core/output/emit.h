/* SPDX-License-Identifier: ISC */
/* Writes the record of a finished fetch, as far as the output has room. */
#ifndef CORE_OUTPUT_EMIT_H
#define CORE_OUTPUT_EMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "codec/record/record.h"
#include "core/intake.h"

struct buf;
struct core;
struct fetch;
struct job;
struct order;
struct output;
struct sink;

/* The output of a job. */
struct emit {
	struct output *out;
	struct sink *failed;      /* --failed-input; or NULL */
	struct order *order;      /* --keep-order; or NULL */
	enum err spill_error;     /* of the file of `order`: ends the run */
	struct list waiting;      /* fetches in EMITTING */
	struct fetch *unfinished; /* its record is partly written; or NULL */
	struct buf *to;           /* the buffer output_open returned, */
	size_t from;              /* and its length then */
	int64_t wall_offset_us;   /* wall clock - monotonic clock */
	struct record_format format;
	struct record_format line_format; /* of the lines --exec reads */
	struct record_text text;          /* of --format text */
	int is_terminal;        /* the output is one: no control bytes */
	struct oddity left_out; /* the first line too long for --failed-input */
};

/*
 * Writes f's record. Returns nonzero when it is wholly in the sink's buffer; 0
 * if there is no room just now, or another record is half written: call again
 * (fetch_emit_waiting does). `all`: room or not.
 */
int emit_record(struct fetch *f, int all);

/* Can any waiting record be written now? */
int emit_has_any(const struct job *j);
/* Bytes in the outputs of all jobs. */
size_t emit_unwritten_bytes(const struct core *c);
/* With --keep-order: moves records that are next in order to the sink. Nonzero:
 * there are more. */
int emit_ordered(struct job *j);

#endif
