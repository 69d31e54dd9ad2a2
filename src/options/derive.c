/* SPDX-License-Identifier: ISC */
/*
 * What follows from several options together, the request aside
 * (options/request.c): which of two holds, which do not go together, defaults
 * that hang on others, and that the output is none of the inputs.
 */
#include <sys/stat.h>

#include <string.h>
#include <unistd.h>

#include "options/row.h"

#define IDLE_MIN 64

/* Of two that exclude each other the later one holds. */
static void
exclude(struct opts *o, enum opt a, enum opt b, int *va, int *vb)
{
	if (!*va || !*vb)
		return;
	if (o->given[a] > o->given[b])
		*vb = 0;
	else
		*va = 0;
}

static void
derive_choices(struct opts *o)
{
	if (o->json && o->given[OPT_json] > o->given[OPT_format])
		o->format = FORMAT_JSONL;
	exclude(o, OPT_ipv4, OPT_ipv6, &o->ipv4, &o->ipv6);
	if (o->given[OPT_silent] > o->given[OPT_quiet]) {
		o->given[OPT_quiet] = o->given[OPT_silent];
		o->quiet = o->silent;
	}
	exclude(o, OPT_quiet, OPT_verbose, &o->quiet, &o->verbose);
}

static void
derive_follow(struct opts *o)
{
	if (!opts_given(o, OPT_location))
		o->follow_redirects = FOLLOW_SAFE;
	else
		o->follow_redirects = o->location ? FOLLOW_ALL : FOLLOW_NEVER;
}

static void
derive_limits(struct opts *o)
{
	if (opts_given(o, OPT_concurrency) && !opts_given(o, OPT_max_per_host))
		o->max_per_host = 0;
	if (!opts_given(o, OPT_max_idle))
		o->max_idle =
		    o->concurrency > IDLE_MIN ? o->concurrency : IDLE_MIN;
}

static void
derive_times(struct opts *o)
{
	int untimed = o->max_time_us == 0;

	if (untimed && !opts_given(o, OPT_ttfb_timeout))
		o->ttfb_timeout_us = OPT_UNTIMED_TTFB_US;
	if ((untimed || opts_given(o, OPT_speed_time)) &&
	    !opts_given(o, OPT_speed_limit))
		o->speed_limit_bytes = OPT_UNTIMED_SPEED_BYTES;
	if (o->speed_limit_bytes == 0 || o->speed_time_us == 0) {
		o->speed_limit_bytes = 0;
		o->speed_time_us = 0;
	}
}

static int
say_conflict(struct buf *err, enum opt a, const char *b)
{
	buf_printf(err, "fetchd: --%s: cannot be combined with %s\n",
	    opts_row(a)->name, b);
	return 2;
}

/* The option that asks for extraction, or OPT_COUNT. */
static enum opt
extracting(const struct opts *o)
{
	static const enum opt ids[] = { OPT_exec, OPT_extract, OPT_css,
		OPT_xpath, OPT_regex };
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (opts_given(o, ids[i]))
			return ids[i];
	return OPT_COUNT;
}

/* On a terminal auto would be text, which shows neither. */
static void
derive_format(struct opts *o)
{
	if ((o->stream || extracting(o) != OPT_COUNT) &&
	    o->format == FORMAT_AUTO)
		o->format = FORMAT_JSONL;
}

/* What stands in the record alone does not go with a format without one. */
static int
check_format(const struct opts *o, enum opt id, struct buf *err)
{
	if (o->format == FORMAT_TEXT)
		return say_conflict(err, id, "--format text");
	if (o->format == FORMAT_BODY)
		return say_conflict(err, id, "--format body");
	return 0;
}

/* A stream's lines cannot be taken back, and it leaves no body to parse. */
static int
check_conflicts(const struct opts *o, struct buf *err)
{
	enum opt extract = extracting(o);

	if (o->only_failed && o->only_ok)
		return say_conflict(err, OPT_only_failed, "--only-ok");
	if (extract != OPT_COUNT && check_format(o, extract, err) != 0)
		return 2;
	if (extract != OPT_COUNT && o->stream)
		return say_conflict(err, extract, "--stream");
	if (!o->stream)
		return 0;
	if (o->only_failed)
		return say_conflict(err, OPT_stream, "--only-failed");
	if (o->only_ok)
		return say_conflict(err, OPT_stream, "--only-ok");
	return check_format(o, OPT_stream, err);
}

int
opts_derive(struct opts *o, struct buf *err)
{
	int status;

	derive_choices(o);
	derive_format(o);
	derive_follow(o);
	derive_limits(o);
	derive_times(o);
	status = check_conflicts(o, err);
	if (status == 0)
		status = opts_derive_lists(o, err);
	if (status == 0)
		status = opts_derive_extract(o, err);
	if (status == 0)
		status = opts_derive_fields(o, err);
	return status != 0 ? status : opts_derive_request(o, err);
}

/* What can be written and read again: a terminal or /dev/null may be both. */
static int
is_store(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode);
}

static int
stat_path(const char *path, int standard, struct stat *st)
{
	return strcmp(path, "-") == 0 ? fstat(standard, st) : stat(path, st);
}

static int
is_same(const char *path, int standard, const struct stat *out)
{
	struct stat st;

	return stat_path(path, standard, &st) == 0 &&
	       st.st_dev == out->st_dev && st.st_ino == out->st_ino;
}

static int
say_same(struct buf *err, const char *what, const char *path)
{
	buf_printf(err, "fetchd: %s is also an input: ", what);
	opts_quote_path(err, path);
	buf_char(err, '\n');
	return 2;
}

/* 0, or 2 if the file at `path` is the one that is written to. */
static int
check_path(
    const char *written, const char *what, const char *path, struct buf *err)
{
	struct stat out;

	if (stat_path(written, STDOUT_FILENO, &out) != 0 || !is_store(&out))
		return 0;
	return is_same(path, STDIN_FILENO, &out) ? say_same(err, what, path)
						 : 0;
}

int
opts_check_path(const struct opts *o, const char *path, struct buf *err)
{
	int status = check_path(o->output, "the output file", path, err);

	if (status == 0 && o->trace != NULL && strcmp(o->trace, "-") != 0)
		status = check_path(o->trace, "the --trace file", path, err);

	if (status == 0 && o->failed_input != NULL)
		status = check_path(
		    o->failed_input, "the --failed-input file", path, err);
	return status;
}

/* Do two options write to one file? "-" is standard output. */
static int
is_one_file(const char *a, const char *b)
{
	struct stat st;

	return strcmp(a, b) == 0 ||
	       (stat_path(a, STDOUT_FILENO, &st) == 0 && is_store(&st) &&
		   is_same(b, STDOUT_FILENO, &st));
}

static int
check_outputs(const struct opts *o, struct buf *err)
{
	const char *failed = o->failed_input, *trace = o->trace;

	if (failed != NULL && is_one_file(failed, o->output)) {
		buf_printf(err, "fetchd: --%s: this is also the output%s\n",
		    opts_row(OPT_failed_input)->name,
		    strcmp(failed, "-") == 0
			? "; to use -, write the results elsewhere with -o FILE"
			: "");
		return 2;
	}
	if (trace == NULL || strcmp(trace, "-") == 0)
		return 0;
	if (is_one_file(trace, o->output) ||
	    (failed != NULL && is_one_file(trace, failed))) {
		buf_printf(err,
		    "fetchd: --%s: must not be the file of --output or "
		    "--failed-input\n",
		    opts_row(OPT_trace)->name);
		return 2;
	}
	return 0;
}

int
opts_check_paths(const struct opts *o, struct buf *err)
{
	int status = check_outputs(o, err);
	size_t i;

	if (status == 0 && o->noperands == 0)
		status = opts_check_path(o, "-", err);
	for (i = 0; i < o->noperands && status == 0; i++)
		if (!o->operands[i].is_url)
			status = opts_check_path(o, o->operands[i].text, err);
	if (status == 0 && o->cacert != NULL)
		status = opts_check_path(o, o->cacert, err);
	return status;
}
