/* SPDX-License-Identifier: ISC */
/*
 * --fields: checks that its keys exist, and that the options they depend on are
 * given. Chooses the columns of a table without it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/guess.h"
#include "codec/record/record.h"
#include "options/options_int.h"

static int
say(struct opts *o, struct buf *err, struct span field, const char *what)
{
	return opts_say_value(
	    err, OPT_fields, opts_keep(o, field.p, field.n), what);
}

/* The name of the key, without the path into it. */
static struct span
root_of(struct span field)
{
	const char *dot = field.n > 0 ? memchr(field.p, '.', field.n) : NULL;

	return dot != NULL ? span_of(field.p, (size_t)(dot - field.p)) : field;
}

static int
has_job(const struct opts *o, struct span name)
{
	size_t i;

	for (i = 0; i < o->njobs; i++)
		if (span_eq(o->jobs[i].name, name))
			return 1;
	return o->exec_argv != NULL && span_eq(name, SPAN("exec"));
}

/* ---- unknown keys ---- */

static int
say_unknown(struct opts *o, struct buf *err, struct span field)
{
	struct guess g = GUESS_OF(root_of(field));
	struct buf what = { 0 };
	int i, status;

	for (i = 0; record_key_name(i) != NULL; i++)
		guess_look(&g, span_str(record_key_name(i)), i);
	buf_str(&what, "is not a key of the record");
	if (has_job(o, field))
		buf_printf(&what, " (did you mean extract.%.*s?)", (int)field.n,
		    field.p);
	else if (g.found >= 0)
		buf_printf(
		    &what, " (did you mean %s?)", record_key_name(g.found));
	else
		buf_str(&what, "; see RECORD in man fetchd");
	buf_char(&what, '\0');
	status = say(o, err, field, what.p);
	buf_fini(&what);
	return status;
}

static int
say_fault(struct opts *o, struct buf *err, struct span field,
    enum record_fields_fault fault)
{
	switch (fault) {
	case RECORD_FIELDS_OK:
		return 0;
	case RECORD_FIELDS_UNKNOWN:
		return say_unknown(o, err, field);
	case RECORD_FIELDS_REPEATED:
		return say(o, err, field, "is a duplicate key");
	case RECORD_FIELDS_NO_OBJECT:
		return say(o, err, field,
		    "is a path into a key that is neither an object nor a "
		    "list");
	case RECORD_FIELDS_TOO_MANY:
		return say(o, err, field, "exceeds the limit of 128 keys");
	}
	return 2;
}

/* ---- keys that depend on another option ---- */

/* Does "price" or "price.0", a path in extract, begin with a name given? */
static int
is_extracted(const struct opts *o, struct span path)
{
	size_t n;

	for (n = path.n; n > 0; n--)
		if ((n == path.n || path.p[n] == '.') &&
		    has_job(o, span_of(path.p, n)))
			return 1;
	return 0;
}

static const char *
extraction_missing(const struct opts *o, const struct record_field *field)
{
	struct span exec = root_of(field->path);

	if (!opts_extracts(o))
		return "needs --extract, --css, --xpath, --regex or --exec";
	if (field->path.n == 0 || is_extracted(o, field->path) ||
	    span_eq(root_of(field->name), SPAN("parse")))
		return NULL;
	if (span_eq(exec, SPAN("exec")))
		return "needs --exec";
	return "needs an --extract, --css, --xpath or --regex with that name";
}

/* NULL, or what is wrong with the other options. */
static const char *
missing(const struct opts *o, const struct record_field *field)
{
	struct span key = root_of(field->name);

	if (span_eq(key, SPAN("header")) || span_eq(key, SPAN("trailer")) ||
	    span_eq(key, SPAN("interim")))
		return o->include_headers ? NULL : "needs --include-headers";
	if (span_eq(key, SPAN("attempts")))
		return o->include_attempts ? NULL : "needs --include-attempts";
	if (span_eq(key, SPAN("body_json")))
		return o->body == BODY_JSON ? NULL : "needs --body json";
	if (span_eq(key, SPAN("body_file")) || span_eq(key, SPAN("sha256")))
		return o->output_dir != NULL ? NULL : "needs --output-dir";
	if (o->output_dir != NULL && !opts_given(o, OPT_body) &&
	    (span_eq(key, SPAN("body")) || span_eq(key, SPAN("body_base64"))))
		return "needs --body inline or another one with --output-dir";
	if (span_eq(key, SPAN("body")) || span_eq(key, SPAN("body_base64")))
		return o->body == BODY_NONE
			   ? "cannot be combined with --body none"
			   : NULL;
	if (span_eq(key, SPAN("extract")) || span_eq(key, SPAN("parse")))
		return extraction_missing(o, field);
	return NULL;
}

static int
check_keys(struct opts *o, const struct record_format *f, struct buf *err)
{
	const char *what;
	int i;

	for (i = 0; i < f->nfield; i++) {
		what = missing(o, &f->field[i]);
		if (what != NULL)
			return say(o, err, f->field[i].name, what);
	}
	return 0;
}

/* The columns of --format csv and tsv: what most want, and all that is
 * extracted. */
static void
choose_columns(struct opts *o)
{
	struct buf b = { 0 };
	size_t i;

	buf_str(&b, "seq,input,status_code,error,content_type,size_decoded,"
		    "time_total,final_url");
	for (i = 0; i < o->njobs; i++) {
		buf_str(&b, ",extract.");
		buf_span(&b, o->jobs[i].name);
	}
	if (o->exec_argv != NULL)
		buf_str(&b, ",extract.exec");
	o->fields = opts_keep(o, b.p, b.n);
	buf_fini(&b);
}

static int
find_path(const struct record_format *f, struct span *name)
{
	int i;

	for (i = 0; i < f->nfield; i++)
		if (f->field[i].path.n > 0) {
			*name = f->field[i].name;
			return 1;
		}
	return 0;
}

int
opts_derive_fields(struct opts *o, struct buf *err)
{
	struct record_format f = { 0 };
	enum record_fields_fault fault;
	struct span bad;

	if (o->fields == NULL && opts_is_table(o))
		choose_columns(o);
	if (o->fields == NULL)
		return 0;
	if (o->format == FORMAT_TEXT)
		return opts_say_conflict(err, OPT_fields, "--format text");
	if (o->format == FORMAT_BODY)
		return opts_say_conflict(err, OPT_fields, "--format body");
	fault = record_fields(&f, span_str(o->fields), &bad);
	if (fault != RECORD_FIELDS_OK)
		return say_fault(o, err, bad, fault);
	if (o->output_kind == OUTPUT_DATABASE && find_path(&f, &bad))
		return say(o, err, bad,
		    "is a path; a database has a column for the whole key, and "
		    "SQL reads its parts: header->>'$.etag[0]'");
	return check_keys(o, &f, err);
}
