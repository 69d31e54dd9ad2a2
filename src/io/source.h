/* SPDX-License-Identifier: ISC */
/*
 * Lines in, from operands, files, standard input and FIFOs, one after another
 * and only when asked for. Knows nothing of what a line means beyond its
 * length limits.
 *
 * Leaf contract: source_next never calls back. After SOURCE_WAIT the callback
 * comes once, from the loop, when it is worth asking again; never after
 * source_free has returned.
 */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct event_base;
struct source;

typedef void source_cb(void *arg);

enum source_verdict {
	SOURCE_LINE, /* *line is filled in, valid until the next call */
	SOURCE_WAIT, /* nothing yet: the callback will come */
	SOURCE_MORE, /* nothing yet, but ask again next turn */
	SOURCE_END,
	SOURCE_FAILED, /* source_error says why; nothing more will come */
};

struct source_line {
	struct span text; /* without its line end; n > 0, unless too_long */
	int had_bom;      /* before the text stood a byte order mark, */
	int had_cr;       /* and after it a CR */
	int too_long;     /* over its limit; text is its beginning */
	const char *name; /* file, "-", or "argument"; lives with the source */
	uint64_t number;  /* of the line, or of the argument; from 1 */
	int is_argument;
};

struct source *source_new(struct event_base *base, source_cb *cb, void *arg);
void source_free(struct source *s);
/* Limits in bytes for a line that starts with '{' and for any other. */
void source_limits(struct source *s, size_t json_max, size_t url_max);

/* Appends an input; the strings must outlive the source. */
void source_add_url(struct source *s, const char *url, uint64_t number);
void source_add_file(struct source *s, const char *path);
void source_add_stdin(struct source *s);

/*
 * The last input goes on after its end: a FIFO with its next writer, a regular
 * file with what is appended, as long as they have a name; a writer's last
 * line needs no LF, one of a file does. Anything else ends as always.
 * on 0: no more, so that what is left can be read to the end.
 */
void source_follow(struct source *s, int on);

/* Skips blank lines and lines that start with '#'. */
enum source_verdict source_next(struct source *s, struct source_line *line);
/* "urls.txt: No such file or directory", after SOURCE_FAILED. */
const char *source_error(const struct source *s);

/* Bytes read ahead of the line given last. */
size_t source_held_bytes(const struct source *s);
/*
 * Before the first source_next: how many lines it will give, if its inputs are
 * regular files of at most max_bytes together; -1 if they are not.
 */
int64_t source_count(const struct source *s, uint64_t max_bytes);
/*
 * How far it is: bytes read and bytes in all; *total is 0 if that is not
 * known (a pipe among them).
 */
void source_progress(const struct source *s, uint64_t *done, uint64_t *total);

#endif
