/* SPDX-License-Identifier: ISC */
/*
 * The request body given by options: --data and similar options, joined;
 * --json-data; --form as multipart/form-data (RFC 7578), in the format of curl.
 */
#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "codec/http/http.h"
#include "options/options_int.h"

#define BOUNDARY_DASHES "------------------------"
#define BOUNDARY_RANDOM 22

/* ---- --data, --data-binary, --data-raw, --json-data ---- */

static int
add_data(struct opts *o, enum opt id, const char *text, struct buf *err)
{
	size_t n = strlen(text);

	if (o->has_body)
		buf_char(&o->payload, '&');
	o->has_body = 1;
	if (id != OPT_data_raw && *text == '@')
		return opts_read_file(
		    o, id, text + 1, OPT_BODY_MAX, &o->payload, err);
	if (n > OPT_BODY_MAX || o->payload.n > OPT_BODY_MAX - n)
		return opts_say(
		    err, id, "the request body is larger than 256M");
	buf_add(&o->payload, text, n);
	return 0;
}

/* Joins the values in the order they were given. */
static int
derive_data(struct opts *o, struct buf *err)
{
	struct opt_visit v = { o, { OPT_data, OPT_data_binary, OPT_data_raw },
		3, { 0 } };
	const char *text;
	enum opt id;
	int status = 0;

	while (status == 0 && opts_visit(&v, &id, &text))
		status = add_data(o, id, text, err);
	o->content_type = "application/x-www-form-urlencoded";
	return status;
}

/* ---- --form ---- */

/* The parts of one -F. */
struct part {
	struct span name;
	char sign; /* '@': upload a file; '<': value from a file; or NUL */
	struct buf value; /* the value or the file's name */
	struct span type; /* n 0: not given */
	struct buf filename;
	int has_filename;
};

static int
starts_with(const char *p, const char *start)
{
	return strncmp(p, start, strlen(start)) == 0;
}

/* Takes the text up to `;` or the end, or within double quotes. NULL: the quote
 * is not terminated. */
static const char *
take_quoted(const char *p, struct buf *to)
{
	if (*p != '"') {
		buf_add(to, p, strcspn(p, ";"));
		return p + strcspn(p, ";");
	}
	for (p++; *p != '"' && *p != '\0'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		buf_char(to, *p);
	}
	return *p == '"' ? p + 1 : NULL;
}

/* A type may have parameters, so it ends before "; filename=". */
static const char *
type_end(const char *p)
{
	for (; *p != '\0'; p++)
		if (*p == ';' &&
		    starts_with(p + 1 + strspn(p + 1, " "), "filename="))
			break;
	return p;
}

/* ";type=T" and ";filename=N". NULL, or what is wrong. */
static const char *
take_parameters(struct part *part, const char *p)
{
	const char *end;

	while (*p == ';') {
		p += 1 + strspn(p + 1, " ");
		if (starts_with(p, "type=")) {
			p += strlen("type=");
			end = type_end(p);
			part->type = span_of(p, (size_t)(end - p));
			p = end;
		} else if (starts_with(p, "filename=")) {
			part->has_filename = 1;
			part->filename.n = 0;
			p = take_quoted(
			    p + strlen("filename="), &part->filename);
		} else
			return "only ;type= and ;filename= may follow the "
			       "value; put a value that contains a semicolon "
			       "in double quotes";
		if (p == NULL)
			return "unterminated quote in filename=";
	}
	return *p == '\0' ? NULL : "unexpected text after the closing quote";
}

static const char *
take_part(struct part *part, const char *text)
{
	const char *p = strchr(text, '=');

	if (p == NULL || p == text)
		return "expected NAME=VALUE or NAME=@FILE";
	part->name = span_of(text, (size_t)(p - text));
	p++;
	if (*p == '@' || *p == '<')
		part->sign = *p++;
	p = take_quoted(p, &part->value);
	if (p == NULL)
		return "unterminated quote";
	if (part->sign != '\0' && part->value.n == 0)
		return "missing file name after @ or <";
	buf_char(&part->value, '\0');
	part->value.n--;
	p = take_parameters(part, p);
	if (p == NULL && part->type.n > 0 &&
	    (!http_is_value(part->type) ||
		memchr(part->type.p, '/', part->type.n) == NULL))
		return "type= must be a media type, for example image/png";
	return p;
}

static struct opt_piece *
add_piece(struct opts *o)
{
	o->pieces = mem_grow(
	    o->pieces, o->npieces, &o->piece_cap, sizeof(o->pieces[0]));
	o->pieces[o->npieces] = (struct opt_piece){ 0 };
	return &o->pieces[o->npieces++];
}

static void
add_text(struct opts *o, struct buf *text)
{
	struct opt_piece *piece = add_piece(o);

	piece->n = text->n;
	piece->text = mem_alloc(text->n + 1);
	if (text->n > 0)
		memcpy(piece->text, text->p, text->n);
	piece->text[text->n] = '\0';
	if (text->n > 0)
		explicit_bzero(text->p, text->n);
	text->n = 0;
}

/*
 * A regular file is read for each request. Pipes and standard input can be read
 * only once and are read now.
 */
static int
add_file(struct opts *o, const char *path, struct buf *text, struct buf *err)
{
	struct opt_piece *piece;
	struct stat st;

	if (strcmp(path, "-") == 0 ||
	    (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		return opts_read_file(
		    o, OPT_form, path, OPT_BODY_MAX, text, err);
	if (access(path, R_OK) != 0)
		return opts_say_unreadable(err, OPT_form, path);
	if (opts_check_path(o, path, err) != 0)
		return 2;
	add_text(o, text);
	piece = add_piece(o);
	piece->is_path = 1;
	piece->n = strlen(path);
	piece->text = mem_strndup(path, piece->n);
	return 0;
}

/* As browsers and curl do: escapes what would end the string. */
static void
put_escaped(struct buf *out, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\r' || s.p[i] == '\n')
			buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
		else
			buf_char(out, s.p[i]);
	}
}

static struct span
base_name(struct span path)
{
	size_t n = path.n;

	while (n > 0 && path.p[n - 1] != '/')
		n--;
	return span_of(path.p + n, path.n - n);
}

/* The media type by the ending of the name, as curl does; SPAN_NONE if that is
 * not known. */
static struct span
type_of(struct span name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ ".gif", "image/gif" },
		{ ".jpg", "image/jpeg" },
		{ ".jpeg", "image/jpeg" },
		{ ".png", "image/png" },
		{ ".svg", "image/svg+xml" },
		{ ".txt", "text/plain" },
		{ ".htm", "text/html" },
		{ ".html", "text/html" },
		{ ".pdf", "application/pdf" },
		{ ".xml", "application/xml" },
	};
	struct span end;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		end = span_str(types[i].end);
		if (name.n > end.n &&
		    span_ieq(span_of(name.p + name.n - end.n, end.n), end))
			return span_str(types[i].type);
	}
	return SPAN_NONE;
}

static void
put_head(struct buf *text, const char *boundary, const struct part *part)
{
	struct span filename = buf_view(&part->filename), type = part->type;
	int is_upload = part->sign == '@';

	if (is_upload && !part->has_filename)
		filename = base_name(buf_view(&part->value));
	if (is_upload && type.n == 0)
		type = type_of(filename);
	if (is_upload && type.n == 0)
		type = type_of(buf_view(&part->value));
	if (is_upload && type.n == 0)
		type = SPAN("application/octet-stream");
	buf_printf(
	    text, "--%s\r\nContent-Disposition: form-data; name=\"", boundary);
	put_escaped(text, part->name);
	buf_char(text, '"');
	if (is_upload || part->has_filename) {
		buf_str(text, "; filename=\"");
		put_escaped(text, filename);
		buf_char(text, '"');
	}
	buf_str(text, "\r\n");
	if (type.n > 0) {
		buf_str(text, "Content-Type: ");
		buf_span(text, type);
		buf_str(text, "\r\n");
	}
	buf_str(text, "\r\n");
}

static int
add_part(struct opts *o, const char *arg, const char *boundary,
    struct buf *text, struct buf *err)
{
	struct part part = { 0 };
	const char *why = take_part(&part, arg);
	int status = 0;

	if (why != NULL)
		status = opts_say(err, OPT_form, why);
	else {
		put_head(text, boundary, &part);
		if (part.sign == '\0')
			buf_span(text, buf_view(&part.value));
		else
			status = add_file(o, part.value.p, text, err);
		buf_str(text, "\r\n");
	}
	buf_fini(&part.value);
	buf_fini(&part.filename);
	return status;
}

/* Random, so that it occurs in no content. */
static void
make_boundary(char boundary[64])
{
	static const char chars[] = "0123456789abcdefghijklmnopqrstuv"
				    "wxyzABCDEFGHIJKLMNOPQRSTUVWXYZab";
	unsigned char random[BOUNDARY_RANDOM];
	size_t i, n = strlen(BOUNDARY_DASHES);

	CHECK(getrandom(random, sizeof(random), 0) == BOUNDARY_RANDOM);
	memcpy(boundary, BOUNDARY_DASHES, n);
	for (i = 0; i < BOUNDARY_RANDOM; i++)
		boundary[n + i] = chars[random[i] % 64];
	boundary[n + i] = '\0';
}

/* Adds the boundary to a Content-Type header given by -H. */
static void
add_boundary(struct opts *o, const char *boundary)
{
	struct opt_header *h;
	struct buf value = { 0 };
	size_t i;

	for (i = 0; i < o->nheaders; i++) {
		h = &o->headers[i];
		if (!span_ieq(span_str(h->name), SPAN("content-type")) ||
		    strncasecmp(h->value, "multipart/", 10) != 0 ||
		    strcasestr(h->value, "boundary=") != NULL)
			continue;
		value.n = 0;
		buf_printf(&value, "%s; boundary=%s", h->value, boundary);
		h->value = opts_keep(o, value.p, value.n);
	}
	buf_fini(&value);
}

/* A form without files becomes o->payload, otherwise o->pieces. */
static int
derive_form(struct opts *o, struct buf *err)
{
	struct buf text = { 0 }, type = { 0 };
	char boundary[64];
	int status = 0;
	size_t i;

	make_boundary(boundary);
	o->has_body = 1;
	for (i = 0; i < o->form.n && status == 0; i++)
		status = add_part(o, o->form.v[i], boundary, &text, err);
	buf_printf(&text, "--%s--\r\n", boundary);
	if (o->npieces > 0)
		add_text(o, &text);
	else
		buf_span(&o->payload, buf_view(&text));
	buf_printf(&type, "multipart/form-data; boundary=%s", boundary);
	o->content_type = opts_keep(o, type.p, type.n);
	add_boundary(o, boundary);
	buf_wipe(&text);
	buf_fini(&type);
	return status;
}

int
opts_derive_body(struct opts *o, struct buf *err)
{
	int data = o->data.n > 0 || o->data_binary.n > 0 || o->data_raw.n > 0;
	int json = o->json_data != NULL, form = o->form.n > 0;

	if (data && json)
		return opts_say_conflict(err, OPT_json_data, "--data");
	if (form && (data || json))
		return opts_say_conflict(
		    err, OPT_form, data ? "--data" : "--json-data");
	if ((data || json || form) && o->head)
		return opts_say(err, OPT_head,
		    "cannot be combined with a request body (--data, "
		    "--json-data, --form)");
	if (data)
		return derive_data(o, err);
	if (form)
		return derive_form(o, err);
	if (!json)
		return 0;
	o->content_type = "application/json";
	return add_data(o, OPT_json_data, o->json_data, err);
}
