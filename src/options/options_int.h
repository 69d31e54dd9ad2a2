/* SPDX-License-Identifier: ISC */
/*
 * What the files of src/options share, from the bottom up. For them and their
 * tests only.
 *
 * A function that returns a status returns 0, or the exit status of the program
 * (2 usage, 3 a file that cannot be read) after it has appended a message to
 * `err`.
 */
#ifndef OPTIONS_OPTIONS_INT_H
#define OPTIONS_OPTIONS_INT_H

#include "options/options.h"
#include "options/row.h"

#define OPT_NAME_RULE "(NAME: letters, digits, '_', '-', '.')"

/* ---- say.c: messages ---- */

/* "fetchd: --OPTION: WHAT". Returns 2. */
int opts_say(struct buf *err, enum opt id, const char *what);
/* "fetchd: --OPTION: "TEXT" WHAT". Returns 2. */
int opts_say_value(
    struct buf *err, enum opt id, const char *text, const char *what);
int
opts_say_span(struct buf *err, enum opt id, struct span text, const char *what);
/* "fetchd: --OPTION: cannot be combined with OTHER". Returns 2. */
int opts_say_conflict(struct buf *err, enum opt id, const char *other);
/* "fetchd: --OPTION: cannot read "PATH": " and errno's text. Returns 3. */
int opts_say_unreadable(struct buf *err, enum opt id, const char *path);

/* ---- foreign.c: options of other programs ---- */

/*
 * Which option of fetchd does what `word`, an option of another program without
 * its dashes, does there. NULL if it is not known.
 */
const char *opts_foreign(struct span word);
/* The i-th of these words, NULL after the last; for tests. */
const char *opts_foreign_word(size_t i);

/* ---- value.c: from text to one value ---- */

/*
 * 0 and the value within the bounds of its row; or -1 with what is wrong, such
 * as `"5x" is not a size`, appended to err without an end of line.
 */
int opts_value(const struct opt_row *row, const char *text, int64_t *value,
    struct buf *err);
/* "10", "2.5/s", "600/m", "1000/h"; returns as opts_value does. */
int opts_rate(const char *text, struct opt_rate *rate, struct buf *err);
/* Is it a NAME by OPT_NAME_RULE? */
int opts_is_name(struct span s);
/*
 * Takes the next word off a comma-separated list, without the blanks around it.
 * 0 after the last one: *rest is SPAN_NONE then.
 */
int opts_next_word(struct span *rest, struct span *word);

/* ---- options.c: struct opts and its memory ---- */

/* All options at their defaults, none given, nothing derived. */
void opts_defaults(struct opts *o);
/*
 * Sets a value from its text ("on" or "off" for a BOOL) and marks it as given;
 * a later value replaces an earlier one, a LIST grows. Returns as opts_value
 * does.
 */
int opts_set(struct opts *o, enum opt id, const char *text, struct buf *err);
/* A copy that lives as long as *o. */
char *opts_keep(struct opts *o, const char *p, size_t n);

/* Visits the values of several LIST options in the order they were given. */
#define OPT_VISIT_MAX 4
struct opt_visit {
	const struct opts *o;
	enum opt ids[OPT_VISIT_MAX];
	size_t n; /* of ids */
	size_t next[OPT_VISIT_MAX];
};
/* 1 and the next value with its option, or 0. */
int opts_visit(struct opt_visit *v, enum opt *id, const char **text);

/* ---- paths.c: no file is both read and written ---- */

/* Checks `path`, which an option or operand reads. Returns a status. */
int opts_check_path(const struct opts *o, const char *path, struct buf *err);
/* Checks all inputs against all outputs. Returns a status. */
int opts_check_paths(const struct opts *o, struct buf *err);

/* ---- files.c: --output-dir ---- */

/* Checks the options of bodies in files. Returns a status. */
int opts_check_files(const struct opts *o, struct buf *err);
/* Is an input inside of --output-dir? Returns a status. */
int opts_check_inside(const struct opts *o, const char *path, struct buf *err);

/* ---- file.c: values from files ---- */

/*
 * Appends the bytes of the file to `out`; those of standard input if path is
 * "-", unless the list of items is read from there. Returns a status: 2 also if
 * `out` would have more than max bytes.
 */
int opts_read_file(struct opts *o, enum opt id, const char *path, size_t max,
    struct buf *out, struct buf *err);

/* ---- what follows from the options; each returns a status ---- */

/* Before any other: what kind of output it is. */
int opts_derive_output(struct opts *o, struct buf *err);
int opts_check_database(const struct opts *o, struct buf *err);
int opts_derive_resume(struct opts *o, struct buf *err);
int opts_derive_lists(struct opts *o, struct buf *err);
int opts_derive_extract(struct opts *o, struct buf *err);
int opts_derive_fields(struct opts *o, struct buf *err);
int opts_derive_body(struct opts *o, struct buf *err);
int opts_derive_request(struct opts *o, struct buf *err);
/* All of these, and what depends on several options. Call once. */
int opts_derive(struct opts *o, struct buf *err);

/* The first given option that extracts something, or OPT_COUNT. */
enum opt opts_extracting(const struct opts *o);

#endif
