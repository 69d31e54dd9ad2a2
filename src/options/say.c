/* SPDX-License-Identifier: ISC */
/* Messages about an option; none shows a value that may be secret. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/message.h"
#include "options/options_int.h"

int
opts_say(struct buf *err, enum opt id, const char *what)
{
	message_line(err, "--%s: %s", opts_row(id)->name, what);
	return 2;
}

int
opts_say_value(struct buf *err, enum opt id, const char *text, const char *what)
{
	message_begin(err);
	buf_printf(err, "--%s: ", opts_row(id)->name);
	message_quote(err, text);
	buf_printf(err, " %s\n", what);
	return 2;
}

int
opts_say_span(struct buf *err, enum opt id, struct span text, const char *what)
{
	char *copy = mem_strndup(text.n > 0 ? text.p : "", text.n);
	int status = opts_say_value(err, id, copy, what);

	free(copy);
	return status;
}

int
opts_say_conflict(struct buf *err, enum opt id, const char *other)
{
	message_line(
	    err, "--%s: cannot be combined with %s", opts_row(id)->name, other);
	return 2;
}

int
opts_say_unreadable(struct buf *err, enum opt id, const char *path)
{
	int errnum = errno;

	message_begin(err);
	buf_printf(err, "--%s: cannot read ", opts_row(id)->name);
	message_quote_path(err, path);
	buf_printf(err, ": %s\n", strerror(errnum));
	return 3;
}
