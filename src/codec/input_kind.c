/* SPDX-License-Identifier: ISC */
/*
 * Recognises files that are not lists of URLs by magic numbers and by their
 * first two lines. In doubt a file is a list: its records report bad lines.
 */
#include "codec/input_kind.h"

#include <string.h>

#include "base/utf8.h"

/* What a file is and how to use it; '@' is replaced by its name. */
struct kind {
	const char *what, *advice;
};

static const struct magic {
	struct span bytes;
	struct kind kind;
} magics[] = {
#define MAGIC(bytes, what, advice) \
	{ \
		{ bytes, sizeof(bytes) - 1 }, \
		{ \
			what, advice \
		} \
	}
	MAGIC("BZh", "a bzip2 file", "bzcat @ | fetchd"),
	MAGIC("\xfd"
	      "7zXZ",
	    "an xz file", "xzcat @ | fetchd"),
	MAGIC("\x04\x22\x4d\x18", "an lz4 file", "lz4cat @ | fetchd"),
	MAGIC("PK\x03\x04", "a zip archive",
	    "unzip -p @ | fetchd (a spreadsheet: save it as text first)"),
	MAGIC("\xff\xfe\0\0", "text in UTF-32",
	    "iconv -f UTF-32 -t UTF-8 @ | fetchd"),
	MAGIC("\0\0\xfe\xff", "text in UTF-32",
	    "iconv -f UTF-32 -t UTF-8 @ | fetchd"),
	MAGIC("\xff\xfe", "text in UTF-16",
	    "iconv -f UTF-16 -t UTF-8 @ | fetchd"),
	MAGIC("\xfe\xff", "text in UTF-16",
	    "iconv -f UTF-16 -t UTF-8 @ | fetchd"),
	MAGIC("%PDF-", "a PDF file",
	    "extract its URLs first, for example with pdftotext @ -"),
	MAGIC("{\\rtf", "an RTF file", "save it as text first"),
	MAGIC("\x7f"
	      "ELF",
	    "a program", NULL),
	MAGIC("\x89PNG", "a picture", NULL),
	MAGIC("\xff\xd8\xff", "a picture", NULL),
	MAGIC("GIF8", "a picture", NULL),
	MAGIC("SQLite format 3", "a database",
	    "sqlite3 @ 'SELECT url FROM ...' | fetchd"),
	MAGIC("\xd0\xcf\x11\xe0", "a spreadsheet or an old office document",
	    "save it as text first"),
#undef MAGIC
};

static const struct kind
    utf16le = { "text in UTF-16", "iconv -f UTF-16LE -t UTF-8 @ | fetchd" },
    utf16be = { "text in UTF-16", "iconv -f UTF-16BE -t UTF-8 @ | fetchd" },
    binary = { "not text", NULL },
    cr_lines = { "text with CR line ends", "tr '\\r' '\\n' <@ | fetchd" },
    json_list = { "a JSON array, not one item a line",
	    "jq -c '.[]' @ | fetchd (-r for strings)" },
    json_object = { "JSON over several lines", "jq -c . @ | fetchd" },
    angled = { "a list of URLs in angle brackets", "tr -d '<>' <@ | fetchd" },
    quoted = { "a list of quoted strings", "tr -d '\"' <@ | fetchd" },
    sitemap = { "an XML sitemap", "grep -o '<loc>[^<]*' @ | sed 's/<loc>//; "
				  "s/&amp;/\\&/g' | fetchd" },
    xml = { "an XML file", "give its URL, with --extract links" },
    html = { "an HTML page", "give its URL, with --extract links" },
    header = { "a list with a header line", "tail -n +2 @ | fetchd" };

/* ---- pieces of text ---- */

static int
is_one_of(char c, struct span set)
{
	return memchr(set.p, c, set.n) != NULL;
}

static int
is_url(struct span s)
{
	return span_istarts(s, SPAN("http://")) ||
	       span_istarts(s, SPAN("https://"));
}

static int
has(struct span s, struct span what)
{
	return s.n > 0 && memmem(s.p, s.n, what.p, what.n) != NULL;
}

/* Removes the next line that is neither blank nor a comment from *rest; trims
 * it. */
static struct span
take_line(struct span *rest)
{
	const char *lf;
	struct span line = SPAN_NONE;

	while (rest->n > 0 && (line.n == 0 || line.p[0] == '#')) {
		lf = memchr(rest->p, '\n', rest->n);
		line = *rest;
		line.n = lf != NULL ? (size_t)(lf - rest->p) : rest->n;
		*rest = span_skip(*rest, lf != NULL ? line.n + 1 : line.n);
		line = span_trim_space(utf8_skip_bom(line));
	}
	return line.n > 0 && line.p[0] == '#' ? SPAN_NONE : line;
}

/* ---- bytes ---- */

static const struct kind *
by_magic(struct span head)
{
	struct span s;
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		s = magics[i].bytes;
		if (head.n >= s.n && memcmp(head.p, s.p, s.n) == 0)
			return &magics[i].kind;
	}
	return NULL;
}

static int
is_control(char c)
{
	return ((unsigned char)c < 0x20 && !span_is_space(c) && c != '\f' &&
		   c != '\x1b') ||
	       c == '\x7f';
}

/* UTF-16 has NUL in every second byte; a binary file has more control bytes
 * than a list with a few bad lines. */
static const struct kind *
by_bytes(struct span head)
{
	size_t n = head.n < 4096 ? head.n : 4096, i, controls = 0, even = 0,
	       odd = 0;

	for (i = 0; i < n; i++) {
		controls += is_control(head.p[i]) != 0;
		if (head.p[i] == '\0')
			*(i % 2 == 0 ? &even : &odd) += 1;
	}
	if (n >= 4 && odd >= n / 2 - n / 16 && even <= n / 16)
		return &utf16le;
	if (n >= 4 && even >= n / 2 - n / 16 && odd <= n / 16)
		return &utf16be;
	if (controls > 8 && controls > n / 10)
		return &binary;
	if (n > 0 && memchr(head.p, '\n', head.n) == NULL &&
	    memchr(head.p, '\r', head.n - 1) != NULL)
		return &cr_lines;
	return NULL;
}

/* ---- JSON, XML ---- */

/* A number, followed by a byte that cannot follow digits in an IPv6 address. */
static int
is_json_number(struct span s)
{
	size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0, from = i;

	while (i < s.n && span_is_digit(s.p[i]))
		i++;
	if (i == from || i == s.n)
		return 0;
	return span_is_space(s.p[i]) || is_one_of(s.p[i], SPAN(",]."));
}

/* Does the "[" begin an array, and not an IPv6 address? */
static int
is_json_list(struct span s)
{
	s = span_skip(s, 1);
	if (s.n > 0 && span_is_space(s.p[0]))
		return 1;
	return s.n > 0 &&
	       (is_one_of(s.p[0], SPAN("{[\"]")) || is_json_number(s) ||
		   span_istarts(s, SPAN("true")) ||
		   span_istarts(s, SPAN("false")) ||
		   span_istarts(s, SPAN("null")));
}

static const struct kind *
by_first_char(struct span line, struct span rest, struct span head)
{
	if (line.p[0] == '[')
		return is_json_list(line) || (line.n == 1 && rest.n > 0)
			   ? &json_list
			   : NULL;
	if (line.p[0] == '{')
		return line.n == 1 && span_trim_space(rest).n > 0 ? &json_object
								  : NULL;
	if (line.p[0] == '<') {
		if (has(head, SPAN("<urlset")) ||
		    has(head, SPAN("<sitemapindex")))
			return &sitemap;
		if (is_url(span_skip(line, 1)))
			return &angled;
		return span_istarts(line, SPAN("<?xml")) ? &xml : &html;
	}
	if (line.n > 2 && line.p[0] == '"' && line.p[line.n - 1] == '"' &&
	    is_url(span_skip(line, 1)) &&
	    memchr(line.p + 1, '"', line.n - 2) == NULL)
		return &quoted;
	return NULL;
}

/* ---- columns ---- */

#define COLUMNS_MAX 64

static char
separator_of(struct span line)
{
	static const char marks[] = "\t;,";
	size_t i;

	for (i = 0; i < sizeof(marks) - 1 && line.n > 0; i++)
		if (memchr(line.p, marks[i], line.n) != NULL)
			return marks[i];
	return '\0';
}

/* Removes the field before the separator from *line; returns it unquoted. */
static struct span
take_field(struct span *line, char separator)
{
	struct span field = *line;
	size_t i;

	for (i = 0; i < line->n && line->p[i] != separator; i++)
		;
	field.n = i;
	*line = span_skip(*line, i < line->n ? i + 1 : i);
	field = span_trim_space(field);
	if (field.n >= 2 && field.p[0] == '"' && field.p[field.n - 1] == '"')
		field = span_trim_space(span_of(field.p + 1, field.n - 2));
	return field;
}

static int
is_url_heading(struct span s)
{
	static const char *const names[] = { "url", "urls", "uri", "link",
		"links", "href", "loc", "website", "web site", "homepage",
		"page", "page url", "page_url", "site", "domain", "host",
		"hostname" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_ieq(s, span_str(names[i])))
			return 1;
	return 0;
}

/* "a.test": letters and dots, no path. A number has no letters. */
static int
is_host_name(struct span s)
{
	size_t i, dots = 0, letters = 0;

	for (i = 0; i < s.n; i++) {
		dots += s.p[i] == '.';
		letters += span_is_letter(s.p[i]);
		if (is_one_of(s.p[i], SPAN(" /:@?#\"")))
			return 0;
	}
	return dots > 0 && letters > 1;
}

/* The column, from 1, of the first field for which `is` holds; or 0. */
static int
column_of(struct span line, char separator, int (*is)(struct span))
{
	int i;

	for (i = 1; line.n > 0 && i <= COLUMNS_MAX; i++)
		if (is(take_field(&line, separator)))
			return i;
	return 0;
}

static void
put_columns(struct buf *out, int is_headed, int column, char separator,
    struct span head, const char *name)
{
	buf_printf(
	    out, "a table (CSV)%s: ", is_headed ? " with a header line" : "");
	if (has(head, SPAN("\""))) {
		buf_printf(out, "csvcut -%sc %d %s%s | fetchd",
		    is_headed ? "" : "H", column, name, " | tail -n +2");
		return;
	}
	buf_str(out, "cut ");
	if (separator != '\t')
		buf_printf(out, "-d'%c' ", separator);
	buf_printf(out, "-f%d %s%s | fetchd", column, name,
	    is_headed ? " | tail -n +2" : "");
}

/* Words only, none of which is a URL or host. */
static int
is_heading(struct span line)
{
	return !has(line, SPAN("/")) && !has(line, SPAN("."));
}

/* The column that a heading names, or under which the next line has a URL. */
static int
headed_column(struct span line, struct span next, char separator)
{
	int column;

	if (!is_heading(line))
		return 0;
	column = column_of(line, separator, is_url_heading);
	if (column == 0 && separator_of(next) == separator)
		column = column_of(next, separator, is_url);
	return column;
}

/* The column in which both lines have a URL (or, after a first column of
 * numbers, a host name), if the first column is not fetchable; or 0. */
static int
unheaded_column(struct span line, struct span next, char separator)
{
	int (*is)(struct span) = is_url;
	struct span first = line;
	int column = column_of(line, separator, is);

	if (column == 0 && line.p[0] >= '0' && line.p[0] <= '9') {
		is = is_host_name;
		column = column_of(line, separator, is);
	}
	if (column < 2 || has(take_field(&first, separator), SPAN("/")) ||
	    (next.n > 0 && column_of(next, separator, is) != column))
		return 0;
	return column;
}

static int
refuse_columns(struct buf *out, struct span line, struct span next,
    struct span head, const char *name)
{
	char separator = separator_of(line);
	int column, is_headed = 1;

	if (separator == '\0')
		return 0;
	column = headed_column(line, next, separator);
	if (column == 0) {
		column = unheaded_column(line, next, separator);
		is_headed = 0;
	}
	if (column == 0)
		return 0;
	put_columns(out, is_headed, column, separator, head, name);
	return 1;
}

/* ---- the verdict ---- */

static int
say(struct buf *out, const struct kind *kind, const char *name)
{
	const char *p = kind->advice;

	buf_str(out, kind->what);
	if (p != NULL)
		buf_str(out, ": ");
	for (; p != NULL && *p != '\0'; p++) {
		if (*p == '@')
			buf_str(out, name);
		else
			buf_char(out, *p);
	}
	return 1;
}

int
input_kind_refuse(struct buf *out, struct span head, const char *name)
{
	const struct kind *kind = by_magic(head);
	struct span rest, line, next;

	if (kind == NULL)
		kind = by_bytes(head);
	if (kind != NULL)
		return say(out, kind, name);
	rest = head;
	line = take_line(&rest);
	if (line.n == 0)
		return 0;
	kind = by_first_char(line, rest, head);
	next = take_line(&rest);
	if (kind == NULL && is_url_heading(line) && is_url(next))
		kind = &header;
	if (kind != NULL)
		return say(out, kind, name);
	if (is_one_of(line.p[0], SPAN("[{")))
		return 0;
	return refuse_columns(out, line, next, head, name);
}

/* ---- two in a line ---- */

/* The extension of a file name, not a top-level domain. */
static int
is_file_ending(struct span s)
{
	static const char *const endings[] = { "html", "htm", "shtml", "xhtml",
		"php", "asp", "aspx", "jsp", "do", "xml", "json", "txt", "md",
		"pdf", "jpg", "jpeg", "png", "gif", "svg", "webp", "css", "js",
		"mp3", "mp4", "zip", "gz" };
	size_t i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (span_ieq(s, span_str(endings[i])))
			return 1;
	return 0;
}

static int
begins_with_host(struct span s)
{
	size_t i, label = 0, dots = 0, letters = 0;
	struct span last;

	for (i = 0; i < s.n && !is_one_of(s.p[i], SPAN("/:?#, \t\"")); i++) {
		if (s.p[i] == '.') {
			if (i == label)
				return 0;
			dots++, letters = 0;
			label = i + 1;
		} else if (!span_is_letter(s.p[i]) && !span_is_digit(s.p[i]) &&
			   s.p[i] != '-' && s.p[i] != '_' &&
			   (unsigned char)s.p[i] < 0x80)
			return 0;
		else
			letters += span_is_letter(s.p[i]);
	}
	last = span_of(s.p + label, i - label);
	return dots > 0 && letters > 1 && letters == last.n &&
	       (!is_file_ending(last) || (i < s.n && s.p[i] == '/'));
}

int
input_kind_has_two(struct span url)
{
	struct span s = span_trim_space(url);
	size_t i;

	if (s.n == 0 ||
	    (memchr(s.p, ',', s.n) == NULL && memchr(s.p, ' ', s.n) == NULL &&
		memchr(s.p, '\t', s.n) == NULL))
		return 0;
	for (i = 1; i < s.n; i++) {
		if (!is_one_of(s.p[i], SPAN(", \t")))
			continue;
		while (i < s.n && is_one_of(s.p[i], SPAN(", \t\"")))
			i++;
		if (is_url(span_skip(s, i)) ||
		    begins_with_host(span_skip(s, i)))
			return 1;
	}
	return 0;
}
