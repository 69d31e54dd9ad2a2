/* SPDX-License-Identifier: ISC */
/*
 * The rows of options/table.h as data, and what the options*.c files share.
 * For them, the man page and the tests only.
 */
#ifndef OPTIONS_ROW_H
#define OPTIONS_ROW_H

#include "options/options.h"

enum opt_type {
	OPT_BOOL,
	OPT_INT,
	OPT_SIZE,
	OPT_DUR,
	OPT_STR,
	OPT_LIST,
	OPT_ENUM,
	OPT_PATH,
	OPT_RATE
};

/* In the order of --help; GROUP(id, "title"). */
#define OPT_GROUPS(GROUP) \
	GROUP(INPUT, "Input") \
	GROUP(REQUEST, "Request") \
	GROUP(RUN, "Concurrency and memory") \
	GROUP(PACE, "Rate limits") \
	GROUP(RETRY, "Retries") \
	GROUP(LIMITS, "Timeouts and size limits") \
	GROUP(REDIRECT, "Redirects") \
	GROUP(TLS, "TLS") \
	GROUP(NETWORK, "Network") \
	GROUP(OUTPUT, "Output") \
	GROUP(EXTRACT, "Extraction") \
	GROUP(WATCH, "Monitoring")

enum opt_group {
#define GROUP(id, title) OPT_IN_##id,
	OPT_GROUPS(GROUP)
#undef GROUP
	    OPT_GROUP_COUNT
};

struct opt_row {
	const char *name;
	char letter;
	enum opt_type type;
	const char *def;
	int64_t min, max;
	enum opt_group group;
	const char *meta, *help, *more;
	size_t field; /* offset in struct opts */
};

const struct opt_row *opts_row(enum opt id);
const char *opts_group_title(enum opt_group g);

/*
 * Sets a value from its text and counts it as given; the later of two holds, a
 * LIST grows. BOOL: "on" or "off". 0, or -1 with what is wrong, as
 * `"5x" is not ...`, appended to err.
 */
int opts_set(struct opts *o, enum opt id, const char *text, struct buf *err);
/* From text to value, the row's bounds checked; as opts_set. */
int opts_value(const struct opt_row *row, const char *text, int64_t *value,
    struct buf *err);
/* "10", "2.5/s", "600/m", "1000/h"; as opts_set. */
int opts_rate(const char *text, struct opt_rate *rate, struct buf *err);
/* Each row at its default, nothing given, nothing derived. */
void opts_defaults(struct opts *o);
/* What follows from what was given; once. 0, or an exit status with the
 * message. */
int opts_derive(struct opts *o, struct buf *err);
int opts_derive_request(struct opts *o, struct buf *err);
int opts_derive_body(struct opts *o, struct buf *err);
int opts_derive_lists(struct opts *o, struct buf *err);
int opts_derive_extract(struct opts *o, struct buf *err);
int opts_derive_fields(struct opts *o, struct buf *err);
/* The output must not be an input. 0, or 2 with the message. */
int opts_check_paths(const struct opts *o, struct buf *err);
/* The same of one file that an option reads. */
int opts_check_path(const struct opts *o, const char *path, struct buf *err);
/* A copy that lives as long as *o. */
char *opts_keep(struct opts *o, const char *p, size_t n);
/* Appends text in quotes, control bytes escaped, cut if it is long. */
void opts_quote(struct buf *out, const char *text);
/* The same of a file's name, which is never cut. */
void opts_quote_path(struct buf *out, const char *path);
/*
 * Appends the file's bytes to `out`, standard input's if path is "-" and the
 * list of items does not come from there. 0, or an exit status with the
 * message: 2 if `out` grows to more than max bytes.
 */
int opts_read_file(struct opts *o, enum opt id, const char *path, size_t max,
    struct buf *out, struct buf *err);
/* By errno. Returns 3. */
int opts_say_unreadable(struct buf *err, enum opt id, const char *path);
/* Frees what may hold a secret. */
void opts_wipe(struct buf *b);
/* Appends "fetchd: --OPTION: ", text in quotes and what is wrong with it.
 * Returns 2, the exit status of that. */
int opts_say(struct buf *err, enum opt id, const char *text, const char *what);
/*
 * What is said of an option that other programs have: the one here that does
 * the same. The word has no dashes. NULL: not known.
 */
const char *opts_foreign(struct span word);
/* The words one by one, NULL after the last; for tests. */
const char *opts_foreign_word(size_t i);
/* Letters, digits, _ - . and at least one of them. */
int opts_is_name(struct span s);

#endif
