/* SPDX-License-Identifier: ISC */
/*
 * Reads the files that values come from: @FILE, and @- for standard input. They
 * may contain secrets: no message shows what was read.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/message.h"
#include "base/read_file.h"
#include "options/options_int.h"

/* Is the list of items read from standard input? */
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

/* Standard input can be read once: by one option, or as the list. */
static int
take_stdin(struct opts *o, enum opt id, struct buf *err)
{
	if (is_stdin_the_list(o))
		return opts_say(err, id,
		    "@- reads standard input, which is already the list of "
		    "items; give the list as FILE or URL");
	if (o->stdin_taken != 0) {
		message_line(err,
		    "--%s: standard input was already read by --%s",
		    opts_row(id)->name,
		    opts_row((enum opt)(o->stdin_taken - 1))->name);
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
		message_begin(err);
		buf_printf(err, "--%s: ", opts_row(id)->name);
		message_quote_path(err, path);
		buf_printf(
		    err, " is larger than the limit of %zu bytes\n", max);
		status = 2;
	}
	if (!is_stdin)
		close(fd);
	return status;
}
