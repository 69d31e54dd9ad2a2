/* SPDX-License-Identifier: ISC */
/*
 * Messages for people, one line each: "fetchd: " and what is wrong. Text that
 * came from outside is made safe for a terminal here: control bytes and what is
 * not UTF-8 are written as \xNN.
 */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include "base/buf.h"
#include "base/span.h"

/* Appends "fetchd: ", for a message that is put together from several parts;
 * the caller ends it with LF. */
void message_begin(struct buf *out);
/* Appends "fetchd: ", the formatted text and LF. */
void message_line(struct buf *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends "fetchd: NAME: TEXT" and LF; both are made safe. */
void message_about(struct buf *out, const char *name, const char *text);

/* Appends text, made safe. */
void message_show(struct buf *out, const char *text);
void message_show_span(struct buf *out, struct span text);
/* Appends text, made safe and in double quotes; a long one is cut. */
void message_quote(struct buf *out, const char *text);
/* The same for the name of a file, which is never cut. */
void message_quote_path(struct buf *out, const char *path);
/* Appends text as a word of a shell command, in single quotes if needed. Not
 * made safe. */
void message_shell_word(struct buf *out, const char *text);

#endif
