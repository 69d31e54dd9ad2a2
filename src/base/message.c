/* SPDX-License-Identifier: ISC */
/* Composes the messages of fetchd; does not know where they are written. */
#include "base/message.h"

#include <stdarg.h>
#include <stdint.h>

#include "base/utf8.h"

#define QUOTED_MAX 60 /* bytes of a quoted text before it is cut */

void
message_begin(struct buf *out)
{
	buf_str(out, "fetchd: ");
}

void
message_line(struct buf *out, const char *fmt, ...)
{
	va_list ap;

	message_begin(out);
	va_start(ap, fmt);
	buf_vprintf(out, fmt, ap);
	va_end(ap);
	buf_char(out, '\n');
}

void
message_about(struct buf *out, const char *name, const char *text)
{
	message_begin(out);
	message_show(out, name);
	buf_str(out, ": ");
	message_show(out, text);
	buf_char(out, '\n');
}

/* Appends the first character of s. Returns its bytes in s. */
static size_t
show_character(struct buf *out, struct span s)
{
	size_t n = utf8_len(s);
	unsigned char c = (unsigned char)*s.p;

	/* U+0080 to U+009F are controls too. */
	if (n == 0 || c < 0x20 || c == 0x7f ||
	    (n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0)) {
		buf_printf(out, "\\x%02x", c);
		return 1;
	}
	buf_add(out, s.p, n);
	return n;
}

/* Shows whole characters until max bytes are reached; returns the rest. */
static struct span
show(struct buf *out, struct span s, size_t max)
{
	size_t n, shown;

	for (shown = 0; s.n > 0 && shown < max; shown += n) {
		n = show_character(out, s);
		s = span_skip(s, n);
	}
	return s;
}

void
message_show_span(struct buf *out, struct span text)
{
	(void)show(out, text, SIZE_MAX);
}

void
message_show(struct buf *out, const char *text)
{
	message_show_span(out, span_str(text));
}

void
message_quote(struct buf *out, const char *text)
{
	struct span rest;

	buf_char(out, '"');
	rest = show(out, span_str(text), QUOTED_MAX);
	buf_str(out, rest.n > 0 ? "...\"" : "\"");
}

void
message_quote_path(struct buf *out, const char *path)
{
	buf_char(out, '"');
	message_show(out, path);
	buf_char(out, '"');
}

void
message_shell_word(struct buf *out, const char *text)
{
	size_t plain =
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_./+=:@%,-");

	if (text[plain] == '\0' && plain > 0) {
		buf_str(out, text);
		return;
	}
	buf_char(out, '\'');
	for (; *text != '\0'; text++)
		if (*text == '\'')
			buf_str(out, "'\\''");
		else
			buf_char(out, *text);
	buf_char(out, '\'');
}
