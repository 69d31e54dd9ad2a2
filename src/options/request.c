/* SPDX-License-Identifier: ISC */
/*
 * The request given by options: headers, method, credentials, base URL. Values
 * may be secret: no message shows one.
 */
#include <string.h>

#include "base/mem.h"
#include "base/message.h"
#include "base/utf8.h"
#include "codec/http/http.h"
#include "codec/url/url.h"
#include "options/options_int.h"

/* ---- headers ---- */

static void
add_header(struct opts *o, struct span name, struct span value)
{
	o->headers = mem_grow(
	    o->headers, o->nheaders, &o->header_cap, sizeof(o->headers[0]));
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
		return opts_say(
		    err, OPT_header, "missing colon; expected \"Name: value\"");
	name = span_of(line.p, (size_t)(colon - line.p));
	value = span_trim(span_of(colon + 1, line.n - name.n - 1));
	why = http_header_ok(name, value);
	/* A header that fetchd sets may still be removed. */
	if (value.n == 0 && http_is_token(name))
		why = NULL;
	if (why != NULL) {
		message_begin(err);
		buf_str(err, "--header: ");
		if (http_is_token(name))
			buf_printf(err, "%.*s: ", (int)name.n, name.p);
		buf_printf(err, "%s\n", why);
		return 2;
	}
	add_header(o, name, value);
	return 0;
}

/* The text of a file without its byte order mark. */
static struct span
text_of(const struct buf *file)
{
	return utf8_skip_bom(buf_view(file));
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
		status = opts_read_file(
		    o, OPT_header, text + 1, OPT_FILE_MAX, &file, err);
		if (status == 0)
			status = parse_header_lines(o, text_of(&file), err);
	}
	buf_wipe(&file);
	return status;
}

/* ---- method, credentials, base URL ---- */

static int
derive_method(struct opts *o, struct buf *err)
{
	o->method = o->has_body ? "POST" : "GET";
	if (o->request != NULL)
		o->method = o->request;
	if (!http_is_token(span_str(o->method)))
		return opts_say(
		    err, OPT_request, "the method is not an HTTP token");
	if (span_ieq(span_str(o->method), SPAN("CONNECT")))
		return opts_say(
		    err, OPT_request, "the method CONNECT is not supported");
	if (o->head && o->request != NULL && strcmp(o->request, "HEAD") != 0)
		return opts_say(err, OPT_head,
		    "cannot be combined with --request other than HEAD");
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
		return opts_say(err, OPT_user, "expected NAME:PASSWORD");
	if (has_control(text))
		return opts_say(
		    err, OPT_user, "the value contains a control character");
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
	status =
	    opts_read_file(o, OPT_user, o->user + 1, OPT_FILE_MAX, &file, err);
	if (status == 0)
		status = split_user(o, cut_newline(text_of(&file)), err);
	buf_wipe(&file);
	return status;
}

/* Any visible characters: servers accept more than RFC 6750 section 2.1. */
static int
take_token(struct opts *o, struct span text, struct buf *err)
{
	size_t i;

	text = span_trim(text);
	if (text.n == 0)
		return opts_say(err, OPT_oauth2_bearer, "the token is empty");
	for (i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= 0x20 || text.p[i] == 0x7f)
			return opts_say(err, OPT_oauth2_bearer,
			    "the token contains a blank or a control "
			    "character");
	o->oauth2_bearer = opts_keep(o, text.p, text.n);
	return 0;
}

static int
derive_bearer(struct opts *o, struct buf *err)
{
	struct buf file = { 0 };
	int status;

	if (o->oauth2_bearer == NULL)
		return 0;
	if (o->user != NULL)
		return opts_say_conflict(err, OPT_oauth2_bearer, "--user");
	if (*o->oauth2_bearer != '@')
		return take_token(o, span_str(o->oauth2_bearer), err);
	status = opts_read_file(o, OPT_oauth2_bearer, o->oauth2_bearer + 1,
	    OPT_FILE_MAX, &file, err);
	if (status == 0)
		status = take_token(o, cut_newline(text_of(&file)), err);
	buf_wipe(&file);
	return status;
}

static int
check_value(enum opt id, const char *text, struct buf *err)
{
	if (text == NULL || http_is_value(span_str(text)))
		return 0;
	return opts_say(err, id,
	    "the value contains a character that is not allowed in a header");
}

/* curl's ;auto is not supported; sending it as text would be wrong. */
static int
check_referer(const struct opts *o, struct buf *err)
{
	size_t n = o->referer != NULL ? strlen(o->referer) : 0;

	if (n >= 5 && strcmp(o->referer + n - 5, ";auto") == 0)
		return opts_say(err, OPT_referer,
		    "\";auto\" is not supported; redirects keep the Referer");
	return check_value(OPT_referer, o->referer, err);
}

/* The URL may contain a password: messages do not show it. */
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
	if (!span_istarts(text, SPAN("http://")) &&
	    !span_istarts(text, SPAN("https://")))
		return opts_say(
		    err, OPT_base_url, "must begin with http:// or https://");
	if (url_has_stray_scheme(text))
		status = opts_say(err, OPT_base_url, "contains two schemes");
	else if (url_parse(&url, text, &why, &at) != E_OK)
		status = opts_say(err, OPT_base_url, why);
	url_fini(&url);
	return status;
}

int
opts_derive_request(struct opts *o, struct buf *err)
{
	int status = derive_headers(o, err);

	if (status == 0)
		status = opts_derive_body(o, err);
	if (status == 0)
		status = derive_method(o, err);
	if (status == 0)
		status = derive_user(o, err);
	if (status == 0)
		status = derive_bearer(o, err);
	if (status == 0)
		status = check_value(OPT_user_agent, o->user_agent, err);
	if (status == 0)
		status = check_value(OPT_cookie, o->cookie, err);
	if (status == 0)
		status = check_referer(o, err);
	if (status == 0)
		status = check_base(o, err);
	return status;
}
