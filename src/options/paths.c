/* SPDX-License-Identifier: ISC */
/* Checks that no file is both an input and an output. */
#include <sys/stat.h>

#include <string.h>
#include <unistd.h>

#include "base/message.h"
#include "options/options_int.h"

/* Can what is written there be read again? A terminal or /dev/null may be an
 * input and an output. */
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
	message_begin(err);
	buf_printf(err, "%s is also an input: ", what);
	message_quote_path(err, path);
	buf_char(err, '\n');
	return 2;
}

/* Fails if `path` is the file at `written`. */
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
	if (status == 0 && o->journal != NULL)
		status = check_path(o->journal, "the journal", path, err);
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

/* Fails if two outputs are one file. */
static int
check_outputs(const struct opts *o, struct buf *err)
{
	const char *failed = o->failed_input, *trace = o->trace;

	if (failed != NULL && is_one_file(failed, o->output))
		return opts_say(err, OPT_failed_input,
		    strcmp(failed, "-") == 0
			? "this is also the output; to use -, write the "
			  "results elsewhere with -o FILE"
			: "this is also the output");
	if (o->journal != NULL &&
	    (is_one_file(o->journal, o->output) ||
		(failed != NULL && is_one_file(o->journal, failed)) ||
		(trace != NULL && is_one_file(o->journal, trace))))
		return opts_say(
		    err, OPT_journal, "must not be the file of another option");
	if (trace == NULL || strcmp(trace, "-") == 0)
		return 0;
	if (is_one_file(trace, o->output) ||
	    (failed != NULL && is_one_file(trace, failed)))
		return opts_say(err, OPT_trace,
		    "must not be the file of --output or --failed-input");
	return 0;
}

static int
check_list(const struct opts *o, const char *path, struct buf *err)
{
	int status = opts_check_path(o, path, err);

	return status != 0 ? status : opts_check_inside(o, path, err);
}

int
opts_check_paths(const struct opts *o, struct buf *err)
{
	int status = check_outputs(o, err);
	size_t i;

	if (status == 0 && o->noperands == 0)
		status = check_list(o, "-", err);
	for (i = 0; i < o->noperands && status == 0; i++)
		if (!o->operands[i].is_url)
			status = check_list(o, o->operands[i].text, err);
	if (status == 0 && o->cacert != NULL)
		status = opts_check_path(o, o->cacert, err);
	return status;
}
