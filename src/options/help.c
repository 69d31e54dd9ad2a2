/* SPDX-License-Identifier: ISC */
/* Writes --help from the table of options: by group, at most 80 columns. */
#include <string.h>

#include "options/options_int.h"

#define COLUMNS 79
#define TEXT_AT 30 /* column of the help texts */

/* " (default X)", if there is a default to show. */
static void
put_default(struct buf *b, const struct opt_row *row)
{
	int is_off = strcmp(row->def, "0") == 0 &&
		     (row->type == OPT_DUR || row->type == OPT_SIZE);

	if (*row->def != '\0' && row->type != OPT_BOOL)
		buf_printf(b, " (default %s)", is_off ? "off" : row->def);
}

static void
put_name(struct buf *b, const struct opt_row *row)
{
	if (row->letter != 0)
		buf_printf(b, "  -%c, ", row->letter);
	else
		buf_str(b, "      ");
	/* An option that is on by default is listed as --no-NAME. */
	buf_printf(b, "--%s%s",
	    row->type == OPT_BOOL && strcmp(row->def, "on") == 0 ? "no-" : "",
	    row->name);
	if (row->type != OPT_BOOL)
		buf_printf(b, " %s", row->meta);
}

static void
put_spaces(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_char(b, ' ');
}

/* Writes words from column `at`, with line breaks before COLUMNS. */
static void
put_wrapped(struct buf *b, const char *text, size_t at)
{
	size_t n, column = at;

	while (*text != '\0') {
		n = strcspn(text, " ");
		if (column > at && column + 1 + n > COLUMNS) {
			buf_char(b, '\n');
			put_spaces(b, at);
			column = at;
		} else if (column > at) {
			buf_char(b, ' ');
			column++;
		}
		buf_add(b, text, n);
		column += n;
		text += n + strspn(text + n, " ");
	}
	buf_char(b, '\n');
}

static void
put_row(struct buf *b, const struct opt_row *row)
{
	struct buf text = { 0 };
	size_t start = b->n, n;

	put_name(b, row);
	n = b->n - start;
	if (n + 2 > TEXT_AT) {
		buf_char(b, '\n');
		n = 0;
	}
	put_spaces(b, TEXT_AT - n);
	buf_str(&text, row->help);
	put_default(&text, row);
	buf_char(&text, '\0');
	put_wrapped(b, text.p, TEXT_AT);
	buf_fini(&text);
}

void
opts_help(struct buf *out)
{
	int g, id;

	buf_str(out,
	    "Usage: fetchd [options] [FILE|URL|-]...\nFetch each URL, and "
	    "the URLs listed in each FILE or on standard input (-), "
	    "many\nat a time, and write one JSON record for each.\n");
	for (g = 0; g < OPT_GROUP_COUNT; g++) {
		buf_printf(out, "\n%s:\n", opts_group_title((enum opt_group)g));
		for (id = 0; id < OPT_COUNT; id++)
			if ((int)opts_row((enum opt)id)->group == g)
				put_row(out, opts_row((enum opt)id));
	}
	buf_str(out,
	    "\nSIZE is a number of bytes, with the unit k, M or G (1024; also "
	    "kB, MB, GB).\nTIME has the unit ms, s, m (min), h or d; 1m30s is "
	    "accepted, a bare number is\nin seconds. RATE is N/s, N/min or "
	    "N/h; a bare N is per second. @FILE reads the\nvalue from a file, "
	    "@- from standard input. 0 means no limit for timeouts,\nmaximum "
	    "sizes and counts; it means zero for --limit, --max-idle, "
	    "--grace,\n--delay, --retry, --retry-delay, --max-redirs and "
	    "--workers. An option without\na value, --x, is turned off by "
	    "--no-x. Manual: man fetchd\n");
}

void
opts_usage(struct buf *out)
{
	buf_str(out, "Usage: fetchd [options] [FILE|URL|-]...\n"
		     "Try fetchd --help.\n");
}
