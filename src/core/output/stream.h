/* SPDX-License-Identifier: ISC */
/*
 * Answers reported while they arrive (--stream): decoded bytes become
 * lines of the output at once, or with --format body of a single item the
 * bytes themselves. Nothing of such a body is kept.
 */
#ifndef CORE_OUTPUT_STREAM_H
#define CORE_OUTPUT_STREAM_H

struct fetch;
struct xchg;

enum live {
	OUTPUT_STREAM_NONE,
	OUTPUT_STREAM_LINES, /* events, lines or chunks by the content type */
	OUTPUT_STREAM_BYTES, /* the body as it is */
};

enum output_stream_verdict {
	OUTPUT_STREAM_TAKEN,   /* all decoded bytes are */
	OUTPUT_STREAM_BLOCKED, /* the output has no room: call again */
	OUTPUT_STREAM_TOO_BIG, /* an event or line that is too long */
};

/* The header section of an answer that is the item's last has come. */
void output_stream_begin(struct xchg *x);
/* Forgets the answer. */
void output_stream_clear(struct xchg *x);
/*
 * Takes the decoded bytes in x->body, as far as the output has room for what
 * becomes of them; until all are taken nothing may be added there.
 */
enum output_stream_verdict output_stream_run(struct xchg *x);
/*
 * No more will come: what is left of it goes out. Nonzero: all of it is; 0:
 * call again. `all`: room or not.
 */
int output_stream_finish(struct xchg *x, int all);

#endif
