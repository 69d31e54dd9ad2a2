/* SPDX-License-Identifier: ISC */
/*
 * Input lines from arguments, files, standard input and FIFOs, one after
 * another and only on request. Knows nothing of what a line means beyond its
 * length limits.
 *
 * Leaf contract: source_next never calls back. After SOURCE_WAIT the callback
 * comes once, from the loop, when source_next may give a line; never after
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
/* See source_watch. */
typedef void source_watch_cb(void *arg, size_t input, struct span bytes);

enum source_verdict {
	SOURCE_LINE, /* *line is filled in, valid until the next call */
	SOURCE_WAIT, /* nothing yet: the callback will come */
	SOURCE_MORE, /* nothing yet: call again in the next pass of the loop */
	SOURCE_END,
	SOURCE_FAILED, /* source_error says why; there are no more lines */
};

struct source_line {
	struct span text; /* without its line end; n > 0, unless too_long */
	int had_bom;      /* a byte order mark was removed before the text */
	int had_cr;       /* a CR was removed after it */
	int too_long;     /* over its limit; text is its beginning */
	const char *name; /* file, "-", or "argument"; lives with the source */
	uint64_t number;  /* of the line, or of the argument; from 1 */
	int is_argument;
	size_t input;      /* the ordinal of its input, from 0 */
	uint64_t consumed; /* bytes of that input up to the end of this line */
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
 * Standard input as it is copied to the file `path` (io/spool), which grows
 * until source_end_spool is called. Its lines are named "-".
 */
void source_add_spool(struct source *s, const char *path);
void source_end_spool(struct source *s);

/*
 * --follow: the last input continues after its end until it is removed: a FIFO
 * with its next writer, a regular file with what is appended. A writer's last
 * line needs no LF, an appended one does. Other inputs end as always. on 0:
 * stops it, so that the rest can be read to its end.
 */
void source_follow(struct source *s, int on);

/* Skips blank lines and lines that start with '#'. */
enum source_verdict source_next(struct source *s, struct source_line *line);
/*
 * `cb` gets all bytes of each input, in order, as lines are taken from them:
 * when source_next returns a line, all bytes up to its end have been given, LF,
 * skipped lines and byte order marks included. (Of a line that is too long only
 * the beginning; the rest comes before the next line.) Of compressed inputs
 * these are the decoded bytes, of an argument its text. Called from within
 * source_next; must not call the source.
 */
void source_watch(struct source *s, source_watch_cb *cb, void *arg);
/* "urls.txt: No such file or directory", after SOURCE_FAILED. */
const char *source_error(const struct source *s);

/* Bytes in the buffer. */
size_t source_held_bytes(const struct source *s);
/*
 * Before the first source_next: how many lines there are, if all inputs are
 * regular files of at most max_bytes together; otherwise -1.
 */
int64_t source_count(const struct source *s, uint64_t max_bytes);
/*
 * Bytes read, and bytes in total; *total is 0 if that is unknown (an input is a
 * pipe, or is followed).
 */
void source_progress(const struct source *s, uint64_t *done, uint64_t *total);

#endif
