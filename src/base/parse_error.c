/* SPDX-License-Identifier: ISC */
/* The table of parse errors. */
#include "base/parse_error.h"

#include <stddef.h>

static const struct {
	const char *code, *text;
} rows[PARSE_COUNT] = {
	[PARSE_OK] = { NULL, "" },
#define PARSE(id, code, text) [id] = { code, text },
#include "base/parse_error_table.h"
#undef PARSE
};

const char *
parse_error_code(enum parse_error e)
{
	return rows[e].code;
}

const char *
parse_error_text(enum parse_error e)
{
	return rows[e].text;
}
