/* SPDX-License-Identifier: ISC */
/*
 * The request that the options describe: headers, body, method, credentials,
 * base URL, and the files (@FILE) that some of these come from. What is read
 * here may be secret: no message shows a value.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/http.h"
#include "codec/url.h"
#include "options_row.h"

#define READ_BYTES 65536

static int
say(struct buf *err, enum opt id, const char *what)
{
	buf_printf(err, "fetchd: --%s: %s\n", opts_row(id)->name, what);
	return 2;
}

static int
say_unreadable(struct buf *err, enum opt id, const char *path)
{
	buf_printf(err, "fetchd: --%s: cannot read ", opts_row(id)->name);
	opts_quote(err, path);
	buf_printf(err, ": %s\n", strerror(errno));
	return 3;
}

/* Appends what fd gives. 1 if that makes `out` more than max bytes. */
static int
read_all(int fd, size_t max, struct buf *out)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if ((uint64_t)st.st_size > max - out->n)
			return 1;
		buf_reserve(out, (size_t)st.st_size + 1);
	}
	for (;;) {
		n = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out->n += (size_t)n;
		if (out->n > max)
			return 1;
	}
}

static int
read_file(
    enum opt id, const char *path, size_t max, struct buf *out, struct buf *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status = 0, r;

	if (fd < 0)
		return say_unreadable(err, id, path);
	r = read_all(fd, max, out);
	if (r < 0)
		status = say_unreadable(err, id, path);
	else if (r > 0)
		status = opts_say(err, id, path, "is too large");
	close(fd);
	return status;
}

/* For what must not stay behind in freed memory. */
static void
wipe(struct buf *b)
{
	if (b->cap > 0)
		explicit_bzero(b->p, b->cap);
	buf_fini(b);
}

/* ---- headers ---- */

static void
add_header(struct opts *o, struct span name, struct span value)
{
	size_t n = o->nheaders;

	/* Doubles at each power of two, so that it needs no capacity. */
	if ((n & (n - 1)) == 0)
		o->headers = mem_realloc(
		    o->headers, (n > 0 ? n * 2 : 1) * sizeof(o->headers[0]));
	o->headers[o->nheaders++] =
	    (struct opt_header){ opts_keep(o, name.p, name.n),
		    opts_keep(o, value.p, value.n), value.n == 0 };
}

static int
parse_header(struct opts *o, struct span line, struct buf *err)
{
	const char *colon = memchr(line.p, ':', line.n), *why;
	struct span name, value;

	if (colon == NULL)
		return say(err, OPT_header,
		    "there is no colon in it, it should be \"Name: value\"");
	name = span_of(line.p, (size_t)(colon - line.p));
	value = span_trim(span_of(colon + 1, line.n - name.n - 1));
	why = http_header_ok(name, value);
	/* What is not ours to send may still be asked away. */
	if (value.n == 0 && http_is_token(name))
		why = NULL;
	if (why != NULL) {
		buf_str(err, "fetchd: --header: ");
		if (http_is_token(name))
			buf_printf(err, "%.*s: ", (int)name.n, name.p);
		buf_printf(err, "%s\n", why);
		return 2;
	}
	add_header(o, name, value);
	return 0;
}

static int
parse_header_lines(struct opts *o, struct span text, struct buf *err)
{
	struct span line;
	int status = 0;

	while (text.n > 0 && status == 0) {
		line = text;
		text.p = memchr(line.p, '\n', line.n);
		if (text.p != NULL)
			line.n = (size_t)(text.p++ - line.p);
		text.n -= text.p != NULL ? line.n + 1 : text.n;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n > 0)
			status = parse_header(o, line, err);
	}
	return status;
}

static int
derive_headers(struct opts *o, struct buf *err)
{
	struct buf file = { 0 };
	const char *text;
	int status = 0;
	size_t i;

	for (i = 0; i < o->header.n && status == 0; i++) {
		text = o->header.v[i];
		if (*text != '@') {
			status = parse_header(o, span_str(text), err);
			continue;
		}
		file.n = 0;
		status =
		    read_file(OPT_header, text + 1, OPT_FILE_MAX, &file, err);
		if (status == 0)
			status = parse_header_lines(o, buf_view(&file), err);
	}
	wipe(&file);
	return status;
}

/* ---- body ---- */

static int
add_data(struct opts *o, enum opt id, const char *text, int may_be_file,
    struct buf *err)
{
	size_t n = strlen(text);

	if (o->has_body)
		buf_char(&o->payload, '&');
	o->has_body = 1;
	if (may_be_file && *text == '@')
		return read_file(id, text + 1, OPT_BODY_MAX, &o->payload, err);
	if (n > OPT_BODY_MAX || o->payload.n > OPT_BODY_MAX - n)
		return say(err, id, "the body is too large");
	buf_add(&o->payload, text, n);
	return 0;
}

/* -d and --data-raw in the order in which they were given. */
static int
derive_form(struct opts *o, struct buf *err)
{
	const struct opt_list *d = &o->data, *r = &o->data_raw;
	size_t i = 0, j = 0;
	int status = 0;

	while (status == 0 && (i < d->n || j < r->n)) {
		if (j == r->n || (i < d->n && d->at[i] < r->at[j]))
			status = add_data(o, OPT_data, d->v[i++], 1, err);
		else
			status = add_data(o, OPT_data_raw, r->v[j++], 0, err);
	}
	o->content_type = "application/x-www-form-urlencoded";
	return status;
}

static int
derive_body(struct opts *o, struct buf *err)
{
	int form = o->data.n > 0 || o->data_raw.n > 0;

	if (form && o->json_data != NULL)
		return say(
		    err, OPT_json_data, "does not go together with --data");
	if ((form || o->json_data != NULL) && o->head)
		return say(err, OPT_head, "does not go together with a body");
	if (form)
		return derive_form(o, err);
	if (o->json_data == NULL)
		return 0;
	o->content_type = "application/json";
	return add_data(o, OPT_json_data, o->json_data, 1, err);
}

/* ---- the rest ---- */

static int
derive_method(struct opts *o, struct buf *err)
{
	o->method = o->has_body ? "POST" : "GET";
	if (o->request != NULL)
		o->method = o->request;
	if (!http_is_token(span_str(o->method)))
		return say(err, OPT_request, "the method is not a token");
	if (span_ieq(span_str(o->method), SPAN("CONNECT")))
		return say(
		    err, OPT_request, "the method CONNECT cannot be asked for");
	if (o->head && o->request != NULL && strcmp(o->request, "HEAD") != 0)
		return say(err, OPT_head,
		    "does not go together with another --request");
	if (o->head)
		o->method = "HEAD";
	o->method_given = o->head || o->request != NULL;
	return 0;
}

static int
has_control(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return 1;
	return 0;
}

/* RFC 7617: the name ends at the first colon; no control bytes. */
static int
split_user(struct opts *o, struct span text, struct buf *err)
{
	const char *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
	size_t n;

	if (colon == NULL)
		return say(err, OPT_user, "it should be NAME:PASSWORD");
	if (has_control(text))
		return say(err, OPT_user, "it has a control byte");
	n = (size_t)(colon - text.p);
	o->password = opts_keep(o, colon + 1, text.n - n - 1);
	o->user = opts_keep(o, text.p, n);
	return 0;
}

static struct span
cut_newline(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static int
derive_user(struct opts *o, struct buf *err)
{
	struct buf file = { 0 };
	int status;

	if (o->user == NULL)
		return 0;
	if (*o->user != '@')
		return split_user(o, span_str(o->user), err);
	status = read_file(OPT_user, o->user + 1, OPT_FILE_MAX, &file, err);
	if (status == 0)
		status = split_user(o, cut_newline(buf_view(&file)), err);
	wipe(&file);
	return status;
}

static int
check_value(enum opt id, const char *text, struct buf *err)
{
	if (text == NULL || http_is_value(span_str(text)))
		return 0;
	return say(err, id, "it has a byte that no header may have");
}

static int
starts_with(struct span s, struct span start)
{
	return s.n >= start.n && span_ieq(span_of(s.p, start.n), start);
}

/* It may hold a password: what is wrong is told without it. */
static int
check_base(const struct opts *o, struct buf *err)
{
	struct span text = span_trim(span_str(o->base_url));
	struct url url = { 0 };
	const char *why;
	size_t at;
	int status = 0;

	if (o->base_url == NULL)
		return 0;
	if (!starts_with(text, SPAN("http://")) &&
	    !starts_with(text, SPAN("https://")))
		return say(err, OPT_base_url,
		    "it should begin with http:// or https://");
	if (url_parse(&url, text, &why, &at) != E_OK)
		status = say(err, OPT_base_url, why);
	url_fini(&url);
	return status;
}

int
opts_derive_request(struct opts *o, struct buf *err)
{
	int status = derive_headers(o, err);

	if (status == 0)
		status = derive_body(o, err);
	if (status == 0)
		status = derive_method(o, err);
	if (status == 0)
		status = derive_user(o, err);
	if (status == 0)
		status = check_value(OPT_user_agent, o->user_agent, err);
	if (status == 0)
		status = check_value(OPT_cookie, o->cookie, err);
	if (status == 0)
		status = check_base(o, err);
	return status;
}
