/* SPDX-License-Identifier: ISC */
/*
 * Adds operands, the files of -i and standard input to the source, after
 * checking that they can be read and look like lists. Does not parse lines.
 */
#include "inputs.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/message.h"
#include "codec/input_kind.h"
#include "codec/unpack.h"
#include "codec/url/url.h"
#include "io/source.h"

static int
is_url(const char *s)
{
	return strncasecmp(s, "http://", 7) == 0 ||
	       strncasecmp(s, "https://", 8) == 0;
}

static int
looks_like_host(const char *s)
{
	size_t n = strcspn(s, "/?#");
	const char *dot = memchr(s, '.', n);

	return dot != NULL && dot > s && s + n > dot + 1 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789.-:") >= n;
}

/* ---- messages ---- */

/* Shows an operand, which may be an invalid URL with a password in it. */
static void
show_operand(struct buf *err, const char *text)
{
	struct buf b = { 0 };

	url_redact(&b, span_str(text));
	message_show_span(err, buf_view(&b));
	buf_fini(&b);
}

static int
refuse(struct buf *err, int status, const char *name, const char *why)
{
	message_begin(err);
	show_operand(err, name);
	buf_printf(err, ": %s\n", why);
	return status;
}

/* The file cannot be opened; a URL may have been meant. */
static int
refuse_missing(struct buf *err, const char *path, int why)
{
	message_begin(err);
	show_operand(err, path);
	buf_printf(err, ": %s", strerror(why));
	if (is_url(path)) /* -i is curl's --include */
		buf_str(err,
		    "; -i (--input-file) takes a file; give the URL as an "
		    "operand (and --include-headers for response headers)");
	else if (strstr(path, "://") != NULL)
		buf_str(err, "; a URL must begin with http:// or https://");
	else if (looks_like_host(path)) {
		buf_str(err, "; did you mean https://");
		show_operand(err, path);
		buf_char(err, '?');
	}
	buf_char(err, '\n');
	return 3;
}

/* ---- files that are not lists ---- */

/* Appends the beginning of what a compressed file holds. */
static void
put_unpacked(struct buf *out, struct span head)
{
	struct unpack *u = unpack_new();

	unpack_begin(u, head);
	while (out->n < INPUT_KIND_BYTES &&
	       unpack_step(u, out, INPUT_KIND_BYTES) == UNPACK_SOME)
		;
	unpack_free(u);
}

/* Appends "what it is: command", with the command that decompresses `word`
 * before one that reads /dev/stdin. */
static void
show_kind(struct buf *err, struct span kind, int is_packed, const char *word)
{
	const char *colon = memmem(kind.p, kind.n, ": ", 2);
	size_t n = colon != NULL ? (size_t)(colon - kind.p) + 2 : kind.n;

	message_show_span(err, span_of(kind.p, n));
	if (is_packed && memmem(kind.p, kind.n, "/dev/stdin", 10) != NULL) {
		buf_str(err, "zcat ");
		message_show(err, word);
		buf_str(err, " | ");
	}
	message_show_span(err, span_skip(kind, n));
}

/* Refuses a file whose first bytes are not those of a list, compressed or not.
 * path NULL: standard input. */
static int
refuse_kind(struct buf *err, const char *path, struct span head)
{
	int is_packed = unpack_detect(head, 1) == UNPACK_PACKED, status = 0;
	struct buf word = { 0 }, kind = { 0 }, unpacked = { 0 };

	message_shell_word(&word, path != NULL ? path : "FILE");
	buf_char(&word, '\0');
	if (is_packed) {
		put_unpacked(&unpacked, head);
		head = buf_view(&unpacked);
	}
	if (input_kind_refuse(&kind, head, is_packed ? "/dev/stdin" : word.p)) {
		message_begin(err);
		message_show(err, path != NULL ? path : "standard input");
		buf_str(err, is_packed
				 ? ": this is compressed, and its content is "
				 : ": this is ");
		show_kind(err, buf_view(&kind), is_packed, word.p);
		buf_char(err, '\n');
		status = 2;
	}
	buf_fini(&word);
	buf_fini(&kind);
	buf_fini(&unpacked);
	return status;
}

/* Reads the beginning of a regular file without moving its offset. */
static void
read_head(int fd, struct buf *head)
{
	off_t from = lseek(fd, 0, SEEK_CUR);
	ssize_t n;

	n = pread(fd, buf_reserve(head, INPUT_KIND_BYTES), INPUT_KIND_BYTES,
	    from > 0 ? from : 0);
	if (n > 0)
		head->n += (size_t)n;
}

static int
check_kind(int fd, const char *path, struct buf *err)
{
	struct buf head = { 0 };
	int status = 0;

	read_head(fd, &head);
	if (head.n > 0)
		status = refuse_kind(err, path, buf_view(&head));
	buf_fini(&head);
	return status;
}

static int
check_file(const char *path, struct buf *err)
{
	struct stat st;
	int fd, status;

	if (stat(path, &st) == -1)
		return refuse_missing(err, path, errno);
	if (S_ISDIR(st.st_mode))
		return refuse(err, 3, path, strerror(EISDIR));
	if (!S_ISREG(st.st_mode))
		return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0
			   ? 0
			   : refuse(err, 3, path, strerror(errno));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return refuse(err, 3, path, strerror(errno));
	status = check_kind(fd, path, err);
	close(fd);
	return status;
}

/* ---- operands ---- */

static int
add_stdin(struct source *s, const struct inputs_stdin *in, struct buf *err)
{
	struct stat st;

	if (in->spool != NULL && !in->is_spool_new) {
		source_add_spool(s, in->spool);
		return 0;
	}
	if (in->is_closed)
		return refuse(err, 3, "standard input", "it is closed");
	if (fstat(0, &st) == 0 && S_ISDIR(st.st_mode))
		return refuse(err, 3, "standard input", strerror(EISDIR));
	if (fstat(0, &st) == 0 && S_ISREG(st.st_mode) &&
	    check_kind(0, NULL, err) != 0)
		return 2;
	if (in->spool != NULL)
		source_add_spool(s, in->spool);
	else
		source_add_stdin(s);
	return 0;
}

static int
add_operand(struct source *s, const struct opt_operand *op, size_t i,
    const struct inputs_stdin *in, struct buf *err)
{
	int status;

	if (strcmp(op->text, "-") == 0 && !op->is_url)
		return add_stdin(s, in, err);
	if (opts_is_url_operand(op)) {
		source_add_url(s, op->text, i + 1);
		return 0;
	}
	if (!op->is_file && op->text[0] == '{')
		return refuse(err, 2, "a JSON request cannot be an operand",
		    "write it to a file and use -i FILE, or send a request "
		    "body with --json-data");
	status = check_file(op->text, err);
	if (status == 0)
		source_add_file(s, op->text);
	return status;
}

/* Without operands: standard input, if there is something to read. */
static int
add_default(struct source *s, const struct inputs_stdin *in, struct buf *err)
{
	struct stat st;

	if (in->spool != NULL && !in->is_spool_new)
		return add_stdin(s, in, err);
	if (!in->is_closed && fstat(0, &st) == 0 && S_ISDIR(st.st_mode))
		return add_stdin(s, in, err);
	if (in->is_closed || fstat(0, &st) == -1 ||
	    !(S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode) ||
		S_ISSOCK(st.st_mode))) {
		message_line(err, "no input: give a URL or a FILE, or pipe a "
				  "list into standard input");
		opts_usage(err);
		return 2;
	}
	return add_stdin(s, in, err);
}

static int
add_operands(struct source *s, const struct opts *o,
    const struct inputs_stdin *in, struct buf *err)
{
	int status = 0;
	size_t i;

	for (i = 0; i < o->noperands && status == 0; i++)
		status = add_operand(s, &o->operands[i], i, in, err);
	return status;
}

static int
is_packed_file(const char *path)
{
	struct stat st;
	struct buf head = { 0 };
	int is_stdin = strcmp(path, "-") == 0, is_packed = 0;
	int fd = 0;

	if ((is_stdin ? fstat(0, &st) : stat(path, &st)) == -1 ||
	    !S_ISREG(st.st_mode))
		return 0;
	if (!is_stdin)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	read_head(fd, &head);
	is_packed = unpack_detect(buf_view(&head), 1) == UNPACK_PACKED;
	if (fd > 0)
		close(fd);
	buf_fini(&head);
	return is_packed;
}

int
inputs_add(struct source *s, const struct opts *o,
    const struct inputs_stdin *in, struct buf *err)
{
	int status = o->noperands > 0 ? add_operands(s, o, in, err)
				      : add_default(s, in, err);

	const struct opt_operand *last =
	    o->noperands > 0 ? &o->operands[o->noperands - 1] : NULL;

	if (status != 0 || !o->follow)
		return status;
	if (last != NULL && opts_is_url_operand(last))
		return refuse(err, 2, "--follow",
		    "the last input is a URL; only a file or a FIFO can be "
		    "followed");
	if (is_packed_file(last != NULL ? last->text : "-"))
		return refuse(err, 2, "--follow",
		    "the last input is compressed, and cannot be followed");
	source_follow(s, 1);
	return 0;
}

int
inputs_is_single(const struct opts *o)
{
	return o->limit == 1 ||
	       (o->noperands == 1 && opts_is_url_operand(&o->operands[0]));
}
