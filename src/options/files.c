/* SPDX-License-Identifier: ISC */
/* --output-dir: the options that need it, and what it excludes. */
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "codec/file_name.h"
#include "options/options_int.h"

/* curl's -O takes no value, so a URL may follow it. */
static int
is_url(struct span s)
{
	return span_istarts(s, SPAN("http://")) ||
	       span_istarts(s, SPAN("https://"));
}

int
opts_check_files(const struct opts *o, struct buf *err)
{
	const char *dir = o->output_dir;
	struct span bad;
	const char *why;

	if (dir == NULL && opts_given(o, OPT_output_name))
		return opts_say(err, OPT_output_name, "needs --output-dir");
	if (dir == NULL && o->keep_partial)
		return opts_say(err, OPT_keep_partial, "needs --output-dir");
	if (dir == NULL && o->overwrite && strcmp(o->output, "-") == 0)
		return opts_say(
		    err, OPT_overwrite, "needs --output-dir or -o FILE");
	if (dir == NULL)
		return 0;
	if (is_url(span_str(dir)))
		return opts_say(err, OPT_output_dir,
		    "-O takes a directory in fetchd; try --output-dir DIR, or "
		    "-o FILE --format body");
	if (o->stream)
		return opts_say_conflict(err, OPT_output_dir, "--stream");
	if (o->format == FORMAT_BODY)
		return opts_say_conflict(err, OPT_output_dir, "--format body");
	why = file_name_check(span_str(o->output_name), &bad);
	return why != NULL ? opts_say_span(err, OPT_output_name, bad, why) : 0;
}

/* Is the file `path` below the directory? Neither need exist. */
static int
is_inside(const char *path, const char *dir)
{
	char *file = realpath(path, NULL), *root = realpath(dir, NULL);
	size_t n = root != NULL ? strlen(root) : 0;
	int is = file != NULL && root != NULL && n > 0 &&
		 strncmp(file, root, n) == 0 &&
		 (file[n] == '/' || root[n - 1] == '/');

	free(file);
	free(root);
	return is;
}

int
opts_check_inside(const struct opts *o, const char *path, struct buf *err)
{
	const char *file = strcmp(path, "-") == 0 ? "/proc/self/fd/0" : path;

	if (o->output_dir == NULL || !is_inside(file, o->output_dir))
		return 0;
	message_begin(err);
	buf_str(err, "--output-dir: an input is inside it: ");
	message_quote_path(err, path);
	buf_char(err, '\n');
	return 2;
}
