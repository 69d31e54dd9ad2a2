/* SPDX-License-Identifier: ISC */
/*
 * Answers reported while they arrive (SPEC section 3.3): decoded bytes become
 * lines of the output at once, or with --format body of a single item the
 * bytes themselves. Nothing of such a body is kept.
 */
#ifndef CORE_LIVE_H
#define CORE_LIVE_H

struct fetch;
struct xchg;

enum live {
	LIVE_NONE,
	LIVE_LINES, /* events, lines or chunks by the content type */
	LIVE_BYTES, /* the body as it is */
};

enum live_verdict {
	LIVE_TAKEN,   /* all decoded bytes are */
	LIVE_BLOCKED, /* the output has no room: call again */
	LIVE_TOO_BIG, /* an event or line that is too long */
};

/* The header section of an answer that is the item's last has come. */
void live_begin(struct xchg *x);
/* Forgets the answer. */
void live_clear(struct xchg *x);
/*
 * Takes the decoded bytes in x->body, as far as the output has room for what
 * becomes of them; until all are taken nothing may be added there.
 */
enum live_verdict live_run(struct xchg *x);
/*
 * No more will come: what is left of it goes out. Nonzero: all of it is; 0:
 * call again. `all`: room or not.
 */
int live_finish(struct xchg *x, int all);
/* Is the output in the midst of another item's record? */
int live_is_blocked(const struct fetch *f);

#endif
