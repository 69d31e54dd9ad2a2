/* SPDX-License-Identifier: ISC */
/* -o: is it a file of records or a database? And what a database excludes. */
#include <string.h>

#include "options/options_int.h"

#define PREFIX "sqlite:"
/* SQLite's limit for a row is 1,000,000,000 bytes. */
#define BODY_MAX (512ull << 20)

static int
is_database(struct span name)
{
	return span_ends(name, SPAN(".db")) ||
	       span_ends(name, SPAN(".sqlite")) ||
	       span_ends(name, SPAN(".sqlite3"));
}

/* The bytes of the suffix of a compressed file. */
static size_t
compressed_suffix(struct span name)
{
	if (span_ends(name, SPAN(".gz")))
		return 3;
	return span_ends(name, SPAN(".zst")) ? 4 : 0;
}

int
opts_derive_output(struct opts *o, struct buf *err)
{
	int has_prefix = strncmp(o->output, PREFIX, strlen(PREFIX)) == 0;
	struct span name, stem;

	if (has_prefix)
		o->output += strlen(PREFIX);
	stem = name = span_str(o->output);
	stem.n -= compressed_suffix(name);
	if (!has_prefix && !is_database(stem))
		return 0;
	if (stem.n < name.n)
		return opts_say(
		    err, OPT_output, "a database cannot be compressed");
	if (name.n == 0 || span_eq(name, SPAN("-")))
		return opts_say(
		    err, OPT_output, "a database must be a file: sqlite:FILE");
	o->output_kind = OUTPUT_DATABASE;
	if (o->format == FORMAT_AUTO)
		o->format = FORMAT_JSONL;
	return 0;
}

int
opts_check_database(const struct opts *o, struct buf *err)
{
	static const char database[] = "a database as the output";

	if (o->format != FORMAT_JSONL)
		return opts_say_conflict(err, OPT_format, database);
	if (o->stream)
		return opts_say_conflict(err, OPT_stream, database);
	if (o->rotate_bytes > 0)
		return opts_say_conflict(err, OPT_rotate, database);
	if (o->append && o->overwrite)
		return opts_say_conflict(err, OPT_append, "--overwrite");
	if (o->journal != NULL)
		return opts_say(err, OPT_journal,
		    "is not needed with a database, which has the state of its "
		    "run; --resume continues it");
	if (o->body != BODY_NONE &&
	    (o->max_filesize_bytes == 0 || o->max_filesize_bytes > BODY_MAX))
		return opts_say(err, OPT_max_filesize,
		    "must be from 1 to 512M with a database as the output, or "
		    "give --body none");
	return 0;
}
