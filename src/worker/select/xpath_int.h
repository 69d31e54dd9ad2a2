/* SPDX-License-Identifier: ISC */
/* Between the files of xpath: what functions keep from call to call. */
#ifndef WORKER_SELECT_XPATH_INT_H
#define WORKER_SELECT_XPATH_INT_H

#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "base/buf.h"
#include "worker/select/regex.h"
#include "worker/select/xpath_functions.h"

#define XPATH_PATTERNS 16 /* compiled and kept */
#define XPATH_ARGS 4      /* strings that a function of re takes */

struct xpath_pattern {
	struct buf text;
	int caseless;
	struct regex *regex;
};

struct xpath_functions {
	struct buf scratch;
	struct buf arg[XPATH_ARGS];
	struct xpath_pattern pattern[XPATH_PATTERNS];
	unsigned oldest; /* the pattern to be replaced next */
	xmlDoc **made;   /* documents that functions made */
	size_t n_made, cap_made;
	size_t n_matches; /* elements in them */
};

/* xpath_re.c */
void xpath_re_test(xmlXPathParserContext *p, int n_args);
void xpath_re_match(xmlXPathParserContext *p, int n_args);
void xpath_re_replace(xmlXPathParserContext *p, int n_args);

#endif
