/* SPDX-License-Identifier: ISC */
/*
 * Streams: answers that are written while they arrive. With --stream decoded
 * bytes become lines of the output at once; with --format body of a single item
 * the bytes themselves do. Nothing of such a body is kept.
 */
#ifndef CORE_OUTPUT_STREAM_H
#define CORE_OUTPUT_STREAM_H

struct fetch;
struct xchg;

enum output_stream_mode {
	OUTPUT_STREAM_NONE,  /* no stream: the body is kept for the record */
	OUTPUT_STREAM_LINES, /* events, lines or chunks by the content type */
	OUTPUT_STREAM_BYTES, /* the body as it is */
};

enum output_stream_verdict {
	OUTPUT_STREAM_TAKEN,   /* all decoded bytes are written */
	OUTPUT_STREAM_BLOCKED, /* the output has no room: call again */
	OUTPUT_STREAM_TOO_BIG, /* an event or line that is too long */
};

/* Call when the header section of the item's final answer is complete: chooses
 * the mode. */
void output_stream_begin(struct xchg *x);
/* Forgets the stream, for another answer. */
void output_stream_clear(struct xchg *x);
/*
 * Writes the decoded bytes in x->body, as far as the output has room. After
 * BLOCKED nothing may be added to x->body until a later call returns TAKEN.
 */
enum output_stream_verdict output_stream_run(struct xchg *x);
/*
 * The answer is complete: writes the rest. Nonzero: all is written; 0: call
 * again. `all`: even if the output has no room.
 */
int output_stream_finish(struct xchg *x, int all);

#endif
