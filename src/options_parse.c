/* SPDX-License-Identifier: ISC */
/*
 * Walks argv. Knows how options are spelt and how operands stand between them;
 * does not know what any of them means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "options_row.h"

#define NAME_SHOWN 40 /* longer names are not worth a guess */
#define GUESS_MAX 2   /* edits between a guess and what was typed */

/* Options that later versions bring. */
static const char *const later[] = { "skip", "shuffle", "cert", "key",
	"tls-max", "tls-legacy", "pinnedpubkey", "crlfile", "proxy", "noproxy",
	"allow", "deny", "allow-private", "deny-host", "allow-ports", "strict",
	"limit-rate", "output-dir", "output-name", "overwrite", "keep-partial",
	"journal", "resume", "resume-force", "spool", "journal-salvage",
	"fsync", "rotate", "verify", "warc", "config", "socket", "print-config",
	"robots", "cookie-jar", "http2", "dedup" };
static const char later_letters[] = "ExOK";

struct walk {
	struct opts *o;
	char **argv;
	int argc, at;
	struct buf *err;
};

static void
add_operand(struct opts *o, char *text, int argument, int is_file)
{
	if (o->noperands == o->operand_cap) {
		o->operand_cap = o->operand_cap > 0 ? o->operand_cap * 2 : 16;
		o->operands = mem_realloc(
		    o->operands, o->operand_cap * sizeof(o->operands[0]));
	}
	o->operands[o->noperands++] =
	    (struct opt_operand){ text, argument, is_file };
}

static int
find_long(struct span name)
{
	int id;

	for (id = 0; id < OPT_COUNT; id++)
		if (span_eq(name, span_str(opts_row((enum opt)id)->name)))
			return id;
	return -1;
}

static int
find_letter(char letter)
{
	int id;

	for (id = 0; id < OPT_COUNT; id++)
		if (opts_row((enum opt)id)->letter == letter)
			return id;
	return -1;
}

static int
is_negation(struct span name)
{
	return name.n > 3 && memcmp(name.p, "no-", 3) == 0;
}

static int
is_later(struct span name)
{
	size_t i;

	if (is_negation(name))
		name = span_of(name.p + 3, name.n - 3);
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (span_eq(name, span_str(later[i])))
			return 1;
	return 0;
}

static int
min2(int a, int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours from a to b. */
static int
edits(struct span a, struct span b)
{
	int d[NAME_SHOWN + 1][NAME_SHOWN + 1];
	size_t i, j;
	int differ;

	for (i = 0; i <= a.n; i++)
		d[i][0] = (int)i;
	for (j = 0; j <= b.n; j++)
		d[0][j] = (int)j;
	for (i = 1; i <= a.n; i++) {
		for (j = 1; j <= b.n; j++) {
			differ = a.p[i - 1] != b.p[j - 1];
			d[i][j] = min2(d[i - 1][j - 1] + differ,
			    min2(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				d[i][j] = min2(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a.n][b.n];
}

/* How far a guess is from what was typed; the start of a name is near it. */
static int
distance(struct span typed, struct span name)
{
	int n = edits(typed, name);

	if (typed.n >= 3 && typed.n < name.n &&
	    memcmp(typed.p, name.p, typed.n) == 0)
		n = min2(n, GUESS_MAX);
	return n;
}

/* The option that was meant, with *no set for its negation, or -1. */
static int
guess(struct span typed, int *no)
{
	int best = GUESS_MAX + 1, found = -1, id, n;
	char negated[NAME_SHOWN + 1];
	const struct opt_row *row;

	if (typed.n < 3 || typed.n > NAME_SHOWN)
		return -1;
	if (typed.n < 5)
		best = GUESS_MAX;
	for (id = 0; id < OPT_COUNT; id++) {
		row = opts_row((enum opt)id);
		n = distance(typed, span_str(row->name));
		if (n < best)
			best = n, found = id, *no = 0;
		if (row->type != OPT_BOOL || row->max == 0)
			continue;
		snprintf(negated, sizeof(negated), "no-%s", row->name);
		n = distance(typed, span_str(negated));
		if (n < best)
			best = n, found = id, *no = 1;
	}
	return found;
}

static int
say_unknown(struct walk *w, struct span name, const char *dashes)
{
	int id, no = 0, is_long = dashes[1] != '\0';
	char *text = mem_strndup(name.p, name.n);
	struct buf shown = { 0 };

	opts_quote(&shown, text);
	free(text);
	buf_str(w->err, "fetchd: ");
	if (is_long ? is_later(name) : strchr(later_letters, *name.p) != NULL) {
		buf_printf(w->err, "%s%.*s is not in this version\n", dashes,
		    (int)name.n, name.p);
	} else {
		buf_printf(w->err, "unknown option %s%.*s", dashes,
		    (int)shown.n - 2, shown.p + 1);
		id = is_long ? guess(name, &no) : -1;
		if (id >= 0)
			buf_printf(w->err, " (did you mean --%s%s?)",
			    no ? "no-" : "", opts_row((enum opt)id)->name);
		buf_char(w->err, '\n');
	}
	buf_str(w->err, "Try fetchd --help.\n");
	buf_fini(&shown);
	return 2;
}

static int
say(struct walk *w, const char *name, const char *what)
{
	buf_printf(w->err, "fetchd: --%s %s\n", name, what);
	return 2;
}

/* `value` NULL: it is the next argument. */
static int
take(struct walk *w, int id, const char *value)
{
	const struct opt_row *row = opts_row((enum opt)id);
	size_t start = w->err->n;

	if (value == NULL) {
		if (w->at + 1 >= w->argc) {
			buf_printf(w->err, "fetchd: --%s needs a value: %s\n",
			    row->name, row->meta);
			return 2;
		}
		value = w->argv[++w->at];
	}
	buf_printf(w->err, "fetchd: --%s: ", row->name);
	if (opts_set(w->o, (enum opt)id, value, w->err) != 0) {
		buf_char(w->err, '\n');
		return 2;
	}
	w->err->n = start;
	if (id == OPT_input_file)
		add_operand(
		    w->o, w->o->input_file.v[w->o->input_file.n - 1], w->at, 1);
	return 0;
}

static int
take_bool(struct walk *w, int id, int on)
{
	int status = take(w, id, on ? "on" : "off");

	if (id == OPT_help)
		return OPTS_HELP;
	if (id == OPT_version)
		return OPTS_VERSION;
	return status;
}

static int
parse_long(struct walk *w)
{
	const char *arg = w->argv[w->at] + 2;
	struct span name = span_of(arg, strcspn(arg, "="));
	const char *value = arg[name.n] == '=' ? arg + name.n + 1 : NULL;
	const struct opt_row *row;
	int on = 1, id = find_long(name);

	if (id < 0 && is_negation(name)) {
		id = find_long(span_of(name.p + 3, name.n - 3));
		if (id >= 0 && opts_row((enum opt)id)->max == 0)
			id = -1;
		if (id >= 0 && opts_row((enum opt)id)->type != OPT_BOOL)
			id = -1;
		on = 0;
	}
	if (id < 0)
		return say_unknown(w, name, "--");
	row = opts_row((enum opt)id);
	if (row->type != OPT_BOOL)
		return take(w, id, value);
	if (value != NULL)
		return say(w, row->name, "takes no value");
	return take_bool(w, id, on);
}

static int
parse_letters(struct walk *w)
{
	const char *p = w->argv[w->at] + 1;
	int id, status;

	for (; *p != '\0'; p++) {
		id = find_letter(*p);
		if (id < 0)
			return say_unknown(w, span_of(p, 1), "-");
		if (opts_row((enum opt)id)->type != OPT_BOOL)
			return take(w, id, p[1] != '\0' ? p + 1 : NULL);
		status = take_bool(w, id, 1);
		if (status != 0)
			return status;
	}
	return 0;
}

static int
parse_argument(struct walk *w, int *ended)
{
	const char *arg = w->argv[w->at];

	if (*ended || arg[0] != '-' || arg[1] == '\0') {
		add_operand(w->o, opts_keep(w->o, arg, strlen(arg)), w->at, 0);
		return 0;
	}
	if (arg[1] != '-')
		return parse_letters(w);
	if (arg[2] != '\0')
		return parse_long(w);
	*ended = 1;
	return 0;
}

int
opts_parse(struct opts *o, int argc, char **argv, struct buf *err)
{
	struct walk w = { o, argv, argc, 1, err };
	int status, ended = 0;

	opts_defaults(o);
	for (; w.at < argc; w.at++) {
		status = parse_argument(&w, &ended);
		if (status != 0)
			return status;
	}
	status = opts_derive(o, err);
	return status != 0 ? status : opts_check_paths(o, err);
}
