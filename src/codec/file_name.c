/* SPDX-License-Identifier: ISC */
/*
 * Expands the template into text in which only '/' of the template and of the
 * URL's path separates components, then makes each component safe.
 */
#include "codec/file_name.h"

#include "base/utf8.h"
#include "codec/json/json.h"
#include "codec/quantity.h"

#define EXTENSION_MAX 10 /* characters after the dot */
#define DIGITS_MAX 20    /* of a number in a word */
#define PATH_MIN 16      /* bytes that {path} keeps however long others are */
#define OTHER_MIN 32     /* and {host} and {id} each */
#define PART_BYTES 5     /* ".part" */
#define COUNT_BYTES 5    /* "-1000" */

enum kind { TEXT, HOST, PATH, EXT, SEQ, ID, SHA256 };

/* A word of the template, or text between two. */
struct word {
	enum kind kind;
	struct span text;
	uint64_t n; /* of {seq/N} and {sha256:N} */
};

/* ---- the template ---- */

static int
take_number(struct span s, uint64_t max, uint64_t *n)
{
	return s.n > 0 && s.n < DIGITS_MAX && quantity_count(s, n) == 0 &&
	       *n >= 1 && *n <= max;
}

/* The word between braces. */
static int
parse_word(struct span name, struct word *w)
{
	static const struct {
		struct span name;
		enum kind kind;
	} words[] = {
		{ { "host", 4 }, HOST },
		{ { "path", 4 }, PATH },
		{ { "ext", 3 }, EXT },
		{ { "seq", 3 }, SEQ },
		{ { "id", 2 }, ID },
		{ { "sha256", 6 }, SHA256 },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_eq(name, words[i].name)) {
			w->kind = words[i].kind;
			w->n = w->kind == SHA256 ? FILE_NAME_SHA256_HEX : 1;
			return 1;
		}
	if (span_starts(name, SPAN("seq/"))) {
		w->kind = SEQ;
		return take_number(span_skip(name, 4), UINT64_MAX, &w->n);
	}
	if (span_starts(name, SPAN("sha256:"))) {
		w->kind = SHA256;
		return take_number(
		    span_skip(name, 7), FILE_NAME_SHA256_HEX, &w->n);
	}
	return 0;
}

/* Takes the next word or text off the template. 1; 0 at its end; -1 if it is
 * not valid, with its text in w. */
static int
next_word(struct span *rest, struct word *w)
{
	struct span s = *rest;
	size_t n = 0;

	if (s.n == 0)
		return 0;
	if (s.p[0] != '{') {
		while (n < s.n && s.p[n] != '{' && s.p[n] != '}')
			n++;
		*w = (struct word){ TEXT, span_of(s.p, n), 0 };
		if (n == 0)
			w->text.n = 1; /* a '}' alone */
		*rest = span_skip(s, w->text.n);
		return n > 0 ? 1 : -1;
	}
	while (n < s.n && s.p[n] != '}')
		n++;
	w->text = span_of(s.p, n < s.n ? n + 1 : n);
	*rest = span_skip(s, w->text.n);
	return n < s.n && parse_word(span_of(s.p + 1, n - 1), w) ? 1 : -1;
}

static int
is_all_dots(struct span s)
{
	while (s.n > 0 && s.p[0] == '.')
		s = span_skip(s, 1);
	return s.n == 0;
}

/* Is a component of the template empty, "." or ".."? */
static int
has_bad_component(struct span s)
{
	size_t i, from = 0;

	for (i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '/')
			continue;
		if (is_all_dots(span_of(s.p + from, i - from)))
			return 1;
		from = i + 1;
	}
	return 0;
}

const char *
file_name_check(struct span template, struct span *bad)
{
	struct span rest = template;
	struct word w;
	int more;

	*bad = template;
	while ((more = next_word(&rest, &w)) == 1)
		;
	if (more == -1) {
		*bad = w.text;
		return "is not one of {host}, {path}, {ext}, {seq}, {seq/N}, "
		       "{id}, {sha256}, {sha256:N}";
	}
	if (template.n == 0)
		return "is empty";
	if (template.p[0] == '/')
		return "begins with a /; names are relative to --output-dir";
	return has_bad_component(template)
		   ? "has a component that is empty, . or .."
		   : NULL;
}

/* ---- the URL ---- */

/* Appends s with its escapes decoded. An encoded '/' separates nothing, so it
 * becomes a '_', as does one in a query. */
static void
put_decoded(struct buf *out, struct span s, int is_query)
{
	size_t i;
	char c;

	for (i = 0; i < s.n; i++) {
		c = s.p[i];
		if (c == '%' && s.n - i > 2 &&
		    span_hex_value(s.p[i + 1]) >= 0 &&
		    span_hex_value(s.p[i + 2]) >= 0) {
			c = (char)(span_hex_value(s.p[i + 1]) << 4 |
				   span_hex_value(s.p[i + 2]));
			i += 2;
			buf_char(out, c == '/' ? '_' : c);
		} else
			buf_char(out, c == '/' && is_query ? '_' : c);
	}
}

/* The last '.' of the last component with an extension behind it, as an offset;
 * s.n if there is none. */
static size_t
find_extension(struct span s)
{
	size_t at = s.n;

	while (at > 0 &&
	       (span_is_digit(s.p[at - 1]) || span_is_letter(s.p[at - 1])))
		at--;
	if (at == s.n || s.n - at > EXTENSION_MAX || at < 2 ||
	    s.p[at - 1] != '.' || s.p[at - 2] == '/')
		return s.n;
	return at - 1;
}

/* The path with its query, without the extension, and that extension. */
static void
split_target(struct span target, struct buf *path, struct buf *ext)
{
	const char *mark =
	    target.n > 0 ? memchr(target.p, '?', target.n) : NULL;
	size_t n = mark != NULL ? (size_t)(mark - target.p) : target.n;
	size_t from = 0, at;

	while (from < n && target.p[from] == '/')
		from++;
	put_decoded(path, span_of(target.p + from, n - from), 0);
	if (path->n == 0 || path->p[path->n - 1] == '/')
		buf_str(path, "index");
	at = find_extension(buf_view(path));
	buf_add(ext, path->p + at, path->n - at);
	path->n = at;
	if (mark != NULL && n + 1 < target.n) {
		buf_char(path, '_');
		put_decoded(path, span_skip(target, n + 1), 1);
	}
}

static struct span
extension_of(struct span type)
{
	static const struct {
		struct span type, ext;
	} types[] = {
#define TYPE(type, ext) \
	{ \
		{ type, sizeof(type) - 1 }, \
		{ \
			ext, sizeof(ext) - 1 \
		} \
	}
		TYPE("text/html", ".html"),
		TYPE("application/xhtml+xml", ".xhtml"),
		TYPE("application/json", ".json"),
		TYPE("application/ld+json", ".json"),
		TYPE("application/x-ndjson", ".jsonl"),
		TYPE("application/jsonl", ".jsonl"),
		TYPE("text/plain", ".txt"),
		TYPE("text/markdown", ".md"),
		TYPE("text/csv", ".csv"),
		TYPE("text/tab-separated-values", ".tsv"),
		TYPE("text/xml", ".xml"),
		TYPE("application/xml", ".xml"),
		TYPE("application/rss+xml", ".xml"),
		TYPE("application/atom+xml", ".xml"),
		TYPE("text/css", ".css"),
		TYPE("text/javascript", ".js"),
		TYPE("application/javascript", ".js"),
		TYPE("application/x-javascript", ".js"),
		TYPE("application/wasm", ".wasm"),
		TYPE("application/pdf", ".pdf"),
		TYPE("application/zip", ".zip"),
		TYPE("application/gzip", ".gz"),
		TYPE("application/x-gzip", ".gz"),
		TYPE("application/zstd", ".zst"),
		TYPE("application/x-tar", ".tar"),
		TYPE("application/vnd.openxmlformats-officedocument."
		     "spreadsheetml.sheet",
		    ".xlsx"),
		TYPE("application/vnd.openxmlformats-officedocument."
		     "wordprocessingml.document",
		    ".docx"),
		TYPE("image/png", ".png"),
		TYPE("image/jpeg", ".jpg"),
		TYPE("image/gif", ".gif"),
		TYPE("image/webp", ".webp"),
		TYPE("image/avif", ".avif"),
		TYPE("image/svg+xml", ".svg"),
		TYPE("image/tiff", ".tiff"),
		TYPE("image/x-icon", ".ico"),
		TYPE("image/vnd.microsoft.icon", ".ico"),
		TYPE("video/mp4", ".mp4"),
		TYPE("video/webm", ".webm"),
		TYPE("audio/mpeg", ".mp3"),
		TYPE("audio/ogg", ".ogg"),
		TYPE("font/woff2", ".woff2"),
		TYPE("font/woff", ".woff"),
#undef TYPE
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_eq(type, types[i].type))
			return types[i].ext;
	return span_of("", 0);
}

/* ---- safe text ---- */

static int
is_unsafe_ascii(unsigned char c)
{
	return c < 0x20 || c == 0x7f || strchr("\\:*?\"<>|", c) != NULL;
}

/* C1 controls, and marks that change the direction of what is shown. */
static int
is_unsafe_wide(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	return s.n == 3 && p[0] == 0xe2 &&
	       ((p[1] == 0x80 && p[2] >= 0x8e && p[2] <= 0x8f) ||
		   (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
		   (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

/* Appends s with a '_' for each character that no name may have. */
static void
put_safe(struct buf *out, struct span s)
{
	size_t n;

	for (; s.n > 0; span_drop(&s, n)) {
		n = utf8_len(s);
		if (n == 1 && !is_unsafe_ascii((unsigned char)s.p[0]))
			buf_char(out, span_lower(s.p[0]));
		else if (n > 1 && !is_unsafe_wide(span_of(s.p, n)))
			buf_add(out, s.p, n);
		else
			buf_char(out, '_');
		if (n == 0)
			n = utf8_invalid_len(s);
	}
}

/* The devices of Windows have these names whatever the extension. */
static int
is_device(struct span s)
{
	static const char *const names[] = { "con", "prn", "aux", "nul",
		"conin$", "conout$" };
	const char *dot = memchr(s.p, '.', s.n);
	size_t i;

	if (dot != NULL)
		s.n = (size_t)(dot - s.p);
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq(s, span_str(names[i])))
			return 1;
	return s.n == 4 && s.p[3] >= '1' && s.p[3] <= '9' &&
	       (span_starts(s, SPAN("com")) || span_starts(s, SPAN("lpt")));
}

/* Appends a component that is not empty. */
static void
put_component(struct buf *out, struct span s)
{
	size_t from = out->n;
	char *p;

	put_safe(out, s);
	p = out->p + from;
	if (p[0] == '.' || p[0] == '-' || p[0] == ' ')
		p[0] = '_';
	p = out->p + out->n - 1;
	while (p >= out->p + from && (*p == '.' || *p == ' '))
		*p-- = '_';
	s = span_of(out->p + from, out->n - from);
	if (is_device(s)) {
		buf_char(out, '_');
		memmove(out->p + from + 1, out->p + from, out->n - from - 1);
		out->p[from] = '_';
	}
}

/* Appends the components of s, without those that are empty. */
static void
put_components(struct buf *out, struct span s)
{
	size_t from = out->n, i, at = 0;

	for (i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '/')
			continue;
		if (i > at) {
			if (out->n > from)
				buf_char(out, '/');
			put_component(out, span_of(s.p + at, i - at));
		}
		at = i + 1;
	}
	if (out->n == from)
		buf_char(out, '_');
}

/* ---- expansion ---- */

/* The facts, ready to be inserted. */
struct parts {
	struct buf host, path, ext, id;
	const struct file_name_facts *facts;
	size_t path_max, other_max; /* bytes of {path}; of {host} and {id} */
};

/* Appends s, cut between characters, with no separator in it. */
static void
put_flat(struct buf *out, struct span s, size_t max)
{
	size_t from = out->n;

	buf_span(out, utf8_cut(s, max));
	for (; from < out->n; from++)
		if (out->p[from] == '/')
			out->p[from] = '_';
}

static void
expand(struct buf *out, struct span template, const struct parts *p)
{
	struct word w;

	while (next_word(&template, &w) == 1) {
		switch (w.kind) {
		case TEXT:
			buf_span(out, w.text);
			break;
		case HOST:
			put_flat(out, buf_view(&p->host), p->other_max);
			break;
		case PATH:
			buf_span(
			    out, utf8_cut(buf_view(&p->path), p->path_max));
			break;
		case EXT:
			put_flat(out, buf_view(&p->ext), SIZE_MAX);
			break;
		case SEQ:
			buf_u64(out, p->facts->seq / w.n);
			break;
		case ID:
			put_flat(out, buf_view(&p->id), p->other_max);
			break;
		case SHA256:
			put_flat(out, p->facts->sha256, (size_t)w.n);
			break;
		}
	}
}

static int
has_word(struct span template, enum kind kind)
{
	struct word w;

	while (next_word(&template, &w) == 1)
		if (w.kind == kind)
			return 1;
	return 0;
}

/* A string without its quotes, any other scalar as it stands. */
static void
put_id(struct buf *out, const struct file_name_facts *f)
{
	struct json_value v;
	struct json j;

	json_start(&j, f->id);
	if (f->id.n > 0 && json_value(&j, &v) == 0) {
		if (v.kind == JSON_STRING)
			json_unescape(out, &v);
		else
			buf_span(out, v.raw);
	}
	if (out->n == 0)
		buf_u64(out, f->seq);
}

/* Valid UTF-8 in lower case, so that it can be cut. '/' stays. */
static void
make_safe(struct buf *b)
{
	struct buf safe = { 0 };

	put_safe(&safe, buf_view(b));
	buf_fini(b);
	*b = safe;
}

static void
fill_parts(
    struct parts *p, struct span template, const struct file_name_facts *f)
{
	p->facts = f;
	p->path_max = p->other_max = SIZE_MAX;
	buf_span(&p->host, f->host);
	split_target(f->target, &p->path, &p->ext);
	if (p->ext.n == 0)
		buf_span(&p->ext, extension_of(f->type));
	else if (!has_word(template, EXT))
		buf_span(&p->path, buf_view(&p->ext));
	put_id(&p->id, f);
	make_safe(&p->host);
	make_safe(&p->path);
	make_safe(&p->ext);
	make_safe(&p->id);
}

static size_t
digits_of(uint64_t n)
{
	size_t digits = 1;

	while (n >= 10) {
		n /= 10;
		digits++;
	}
	return digits;
}

void
file_name_make(
    struct buf *out, struct span template, const struct file_name_facts *f)
{
	size_t max = FILE_NAME_MAX - PART_BYTES - COUNT_BYTES -
		     2 * (1 + digits_of(f->seq));
	struct buf text = { 0 }, name = { 0 };
	struct parts p = { 0 };
	int tries;

	fill_parts(&p, template, f);
	/* First {path} is cut by what is too much, then all of them. */
	for (tries = 0;; tries++) {
		text.n = name.n = 0;
		expand(&text, template, &p);
		put_components(&name, buf_view(&text));
		if (name.n <= max || tries == 2)
			break;
		p.path_max = p.path.n > name.n - max + PATH_MIN
				 ? p.path.n - (name.n - max)
				 : PATH_MIN;
		if (tries == 1) {
			p.path_max = PATH_MIN;
			p.other_max = OTHER_MIN;
		}
	}
	if (name.n > max) {
		text.n = 0;
		buf_span(&text, utf8_cut(buf_view(&name), max - 1));
		name.n = 0;
		put_components(&name, buf_view(&text));
	}
	buf_span(out, buf_view(&name));
	buf_fini(&text);
	buf_fini(&name);
	buf_fini(&p.host);
	buf_fini(&p.path);
	buf_fini(&p.ext);
	buf_fini(&p.id);
}
