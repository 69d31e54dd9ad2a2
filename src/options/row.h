/* SPDX-License-Identifier: ISC */
/*
 * The rows of options/table.h as data: for src/options, the man page and the
 * tests.
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
	GROUP(FILES, "Files and resume") \
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

/* Never NULL. */
const struct opt_row *opts_row(enum opt id);
const char *opts_group_title(enum opt_group g);

#endif
