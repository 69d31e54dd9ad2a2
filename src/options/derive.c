/* SPDX-License-Identifier: ISC */
/*
 * What follows from several options together: which of two options wins,
 * defaults that depend on other options, and conflicts. Calls the derivations
 * of the other files in their order.
 */
#include <string.h>

#include "base/check.h"
#include "options/options_int.h"

#define IDLE_MIN 64
#define FILES_MAX_BYTES (1ULL << 40)

/* Of two options that exclude each other the later one wins. */
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

/* By the name of the output, without the suffix of a compressed file. */
static int
format_of_output(const char *name)
{
	struct span s = span_str(name);

	if (span_ends(s, SPAN(".gz")))
		s.n -= 3;
	else if (span_ends(s, SPAN(".zst")))
		s.n -= 4;
	if (span_ends(s, SPAN(".csv")))
		return FORMAT_CSV;
	return span_ends(s, SPAN(".tsv")) ? FORMAT_TSV : FORMAT_AUTO;
}

static void
derive_choices(struct opts *o)
{
	if (o->json && o->given[OPT_json] > o->given[OPT_format])
		o->format = FORMAT_JSONL;
	if (o->format == FORMAT_AUTO)
		o->format = format_of_output(o->output);
	/* On a terminal auto would be text, which shows neither a stream nor
	 * extracted values. */
	if (o->format == FORMAT_AUTO &&
	    (o->stream || opts_extracting(o) != OPT_COUNT))
		o->format = FORMAT_JSONL;
	if (o->output_dir != NULL && !opts_given(o, OPT_body))
		o->body = BODY_NONE;
	exclude(o, OPT_ipv4, OPT_ipv6, &o->ipv4, &o->ipv6);
	if (o->given[OPT_silent] > o->given[OPT_quiet]) {
		o->given[OPT_quiet] = o->given[OPT_silent];
		o->quiet = o->silent;
	}
	exclude(o, OPT_quiet, OPT_verbose, &o->quiet, &o->verbose);
	if (!opts_given(o, OPT_location))
		o->follow_redirects = FOLLOW_SAFE;
	else
		o->follow_redirects = o->location ? FOLLOW_ALL : FOLLOW_NEVER;
}

static void
derive_limits(struct opts *o)
{
	int untimed;

	/* Bodies that only go to files may be large, and take long. */
	if (o->output_dir != NULL && o->body == BODY_NONE) {
		if (!opts_given(o, OPT_max_time))
			o->max_time_us = 0;
		if (!opts_given(o, OPT_max_filesize))
			o->max_filesize_bytes = FILES_MAX_BYTES;
	}
	untimed = o->max_time_us == 0;
	if (opts_given(o, OPT_concurrency) && !opts_given(o, OPT_max_per_host))
		o->max_per_host = 0;
	if (!opts_given(o, OPT_max_idle))
		o->max_idle =
		    o->concurrency > IDLE_MIN ? o->concurrency : IDLE_MIN;
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

/* An option that only adds to records needs a format that has them. */
static int
check_format(const struct opts *o, enum opt id, struct buf *err)
{
	if (o->format == FORMAT_TEXT)
		return opts_say_conflict(err, id, "--format text");
	if (o->format == FORMAT_BODY)
		return opts_say_conflict(err, id, "--format body");
	return 0;
}

/* The lines of a stream are written before its outcome is known, and it leaves
 * no body to parse. */
static int
check_conflicts(const struct opts *o, struct buf *err)
{
	enum opt extract = opts_extracting(o);

	if (o->output_kind == OUTPUT_DATABASE &&
	    opts_check_database(o, err) != 0)
		return 2;
	if (o->csv_safe && !opts_is_table(o))
		return opts_say(
		    err, OPT_csv_safe, "needs --format csv or --format tsv");
	if (o->verify != NULL && o->follow)
		return opts_say_conflict(err, OPT_verify, "--follow");
	if (o->only_failed && o->only_ok)
		return opts_say_conflict(err, OPT_only_failed, "--only-ok");
	if (opts_check_files(o, err) != 0)
		return 2;
	if (extract != OPT_COUNT && check_format(o, extract, err) != 0)
		return 2;
	if (extract != OPT_COUNT && o->stream)
		return opts_say_conflict(err, extract, "--stream");
	if (o->rotate_bytes > 0 && strcmp(o->output, "-") == 0)
		return opts_say(err, OPT_rotate, "needs -o FILE");
	if (o->append && strcmp(o->output, "-") == 0)
		return opts_say(err, OPT_append, "needs -o FILE");
	if (!o->stream)
		return 0;
	if (o->only_failed)
		return opts_say_conflict(err, OPT_stream, "--only-failed");
	if (o->only_ok)
		return opts_say_conflict(err, OPT_stream, "--only-ok");
	if (o->format == FORMAT_CSV)
		return opts_say_conflict(err, OPT_stream, "--format csv");
	if (o->format == FORMAT_TSV)
		return opts_say_conflict(err, OPT_stream, "--format tsv");
	return check_format(o, OPT_stream, err);
}

int
opts_derive(struct opts *o, struct buf *err)
{
	int status = opts_derive_output(o, err);

	if (status != 0)
		return status;
	derive_choices(o);
	derive_limits(o);
	status = check_conflicts(o, err);
	if (status == 0)
		status = opts_derive_lists(o, err);
	if (status == 0)
		status = opts_derive_resume(o, err);
	if (status == 0)
		status = opts_derive_extract(o, err);
	if (status == 0)
		status = opts_derive_fields(o, err);
	return status != 0 ? status : opts_derive_request(o, err);
}

void
opts_init(struct opts *o)
{
	struct buf err = { 0 };

	opts_defaults(o);
	CHECK(opts_derive(o, &err) == 0);
	buf_fini(&err);
}
