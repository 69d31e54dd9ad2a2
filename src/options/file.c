/* SPDX-License-Identifier: ISC */
/*
 * The files that option values come from: @FILE, and @- for standard input.
 * What is read here may be secret: no message shows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/read_file.h"
#include "options/row.h"

int
opts_say_unreadable(struct buf *err, enum opt id, const char *path)
{
	int why = errno;

	buf_printf(err, "fetchd: --%s: cannot read ", opts_row(id)->name);
	opts_quote_path(err, path);
	buf_printf(err, ": %s\n", strerror(why));
	return 3;
}

/* Does the list of items come from there? */
static int
is_stdin_the_list(const struct opts *o)
{
	size_t i;

	for (i = 0; i < o->noperands; i++)
		if (!o->operands[i].is_url &&
		    strcmp(o->operands[i].text, "-") == 0)
			return 1;
	return o->noperands == 0;
}

/* It can be read once. */
static int
take_stdin(struct opts *o, enum opt id, struct buf *err)
{
	const char *name = opts_row(id)->name;

	if (is_stdin_the_list(o)) {
		buf_printf(err,
		    "fetchd: --%s: @- reads standard input, which is already "
		    "the list of items; give the list as FILE or URL\n",
		    name);
		return 2;
	}
	if (o->stdin_taken != 0) {
		buf_printf(err,
		    "fetchd: --%s: standard input was already read by --%s\n",
		    name, opts_row((enum opt)(o->stdin_taken - 1))->name);
		return 2;
	}
	o->stdin_taken = (int)id + 1;
	return 0;
}

int
opts_read_file(struct opts *o, enum opt id, const char *path, size_t max,
    struct buf *out, struct buf *err)
{
	int is_stdin = strcmp(path, "-") == 0;
	int fd = STDIN_FILENO, status = 0, r;

	if (is_stdin && take_stdin(o, id, err) != 0)
		return 2;
	if (opts_check_path(o, path, err) != 0)
		return 2;
	if (!is_stdin)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return opts_say_unreadable(err, id, path);
	r = read_file_bytes(fd, max > out->n ? max - out->n : 0, out);
	if (r < 0)
		status = opts_say_unreadable(err, id, path);
	else if (r > 0) {
		buf_printf(err, "fetchd: --%s: ", opts_row(id)->name);
		opts_quote_path(err, path);
		buf_printf(
		    err, " is larger than the limit of %zu bytes\n", max);
		status = 2;
	}
	if (!is_stdin)
		close(fd);
	return status;
}
