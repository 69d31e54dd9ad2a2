/* SPDX-License-Identifier: ISC */
/*
 * Why nothing was extracted from a document: the codes of a record's
 * parse.error. Separate from base/error.h because they never make an item fail.
 */
#ifndef BASE_PARSE_ERROR_H
#define BASE_PARSE_ERROR_H

enum parse_error {
	PARSE_OK = 0,
#define PARSE(id, code, text) id,
#include "base/parse_error_table.h"
#undef PARSE
	PARSE_COUNT
};

/* "worker_crashed"; NULL for PARSE_OK. */
const char *parse_error_code(enum parse_error e);
/* For people; "" for PARSE_OK. */
const char *parse_error_text(enum parse_error e);

#endif
