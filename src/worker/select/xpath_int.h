/* SPDX-License-Identifier: ISC */
/* Shared by the xpath files only: the state that functions keep between calls.
 */
#ifndef WORKER_SELECT_XPATH_INT_H
#define WORKER_SELECT_XPATH_INT_H

#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "base/buf.h"
#include "worker/select/regex.h"
#include "worker/select/xpath_functions.h"

#define XPATH_PATTERNS 16 /* compiled patterns kept */
#define XPATH_ARGS 4      /* string arguments of a re function */

struct xpath_pattern {
	struct buf text;
	int caseless;
	struct regex *regex;
};

struct xpath_functions {
	struct buf scratch;
	struct buf arg[XPATH_ARGS];
	struct xpath_pattern pattern[XPATH_PATTERNS];
	unsigned oldest; /* index of the pattern to replace next */
	xmlDoc **made;   /* documents created by functions */
	size_t n_made, cap_made;
	size_t n_matches; /* elements in them */
};

/* xpath_re.c */
void xpath_re_test(xmlXPathParserContext *p, int n_args);
void xpath_re_match(xmlXPathParserContext *p, int n_args);
void xpath_re_replace(xmlXPathParserContext *p, int n_args);

#endif
