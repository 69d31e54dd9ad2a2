/* SPDX-License-Identifier: ISC */
/*
 * Parses argv into options and operands. Knows the syntax of options, not what
 * they mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guess.h"
#include "base/mem.h"
#include "base/message.h"
#include "options/options_int.h"

#define NAME_SHOWN 40

/* Options planned for later versions. */
static const char *const later[] = { "aia", "allow", "allow-ports",
	"allow-private", "auto-throttle", "cert", "changed-only", "ciphers",
	"config", "contact", "cookie-jar", "cookies", "crawl", "crlfile",
	"curves", "dedup", "deny", "deny-host", "depth", "exclude",
	"follow-links", "http2", "key", "limit-rate", "limit-rate-per-host",
	"max-crawl-delay", "max-pages", "max-pages-per-host", "max-per-ip",
	"max-url-length", "noproxy", "pass", "pinnedpubkey", "print-config",
	"proxy", "proxy-list", "proxy-user", "queue", "report-skipped",
	"robots", "robots-agent", "scope", "seen", "shuffle", "sitemaps",
	"skip", "socket", "state", "strict", "tls-legacy", "tls-max", "warc" };
static const char later_letters[] = "ExK";

struct walk {
	struct opts *o;
	char **argv;
	int argc, at;
	struct buf *err;
};

static void
add_operand(struct opts *o, struct opt_operand operand)
{
	o->operands = mem_grow(
	    o->operands, o->noperands, &o->operand_cap, sizeof(o->operands[0]));
	o->operands[o->noperands++] = operand;
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

	if (opts_foreign(name) != NULL)
		return 0;
	if (is_negation(name))
		name = span_of(name.p + 3, name.n - 3);
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (span_eq(name, span_str(later[i])))
			return 1;
	return 0;
}

/* The option most similar to what was typed, or -1. *no: its negation. */
static int
guess(struct span typed, int *no)
{
	struct guess g = GUESS_OF(typed);
	char negated[NAME_SHOWN + 1];
	const struct opt_row *row;
	int id;

	for (id = 0; id < OPT_COUNT; id++) {
		row = opts_row((enum opt)id);
		guess_look(&g, span_str(row->name), id);
		if (row->type != OPT_BOOL || row->max == 0)
			continue;
		snprintf(negated, sizeof(negated), "no-%s", row->name);
		guess_look(&g, span_str(negated), OPT_COUNT + id);
	}
	*no = g.found >= OPT_COUNT;
	return *no ? g.found - OPT_COUNT : g.found;
}

/* Appends which option may have been meant, if one can be guessed. */
static void
put_hint(struct buf *out, struct span name, int is_long)
{
	const char *text = opts_foreign(name);
	int id, no = 0;

	if (text != NULL) {
		buf_printf(out, "; %s", text);
		return;
	}
	id = is_long ? guess(name, &no) : -1;
	if (id >= 0)
		buf_printf(out, " (did you mean --%s%s?)", no ? "no-" : "",
		    opts_row((enum opt)id)->name);
}

static int
say_unknown(struct walk *w, struct span name, const char *dashes)
{
	int is_long = dashes[1] != '\0';
	char *text = mem_strndup(name.p, name.n);
	struct buf shown = { 0 };

	message_quote(&shown, text);
	free(text);
	message_begin(w->err);
	if (is_long ? is_later(name) : strchr(later_letters, *name.p) != NULL) {
		buf_printf(w->err, "%s%.*s is not supported by this version\n",
		    dashes, (int)name.n, name.p);
	} else {
		buf_printf(w->err, "unknown option %s%.*s", dashes,
		    (int)shown.n - 2, shown.p + 1);
		put_hint(w->err, name, is_long);
		buf_char(w->err, '\n');
	}
	buf_str(w->err, "Try fetchd --help.\n");
	buf_fini(&shown);
	return 2;
}

/* The last value of --url or --input-file. */
static char *
last_of(const struct opts *o, int id)
{
	const struct opt_list *l = id == OPT_url ? &o->url : &o->input_file;

	return l->v[l->n - 1];
}

/* Sets an option. value NULL: the value is the next argument. */
static int
take(struct walk *w, int id, const char *value)
{
	const struct opt_row *row = opts_row((enum opt)id);
	size_t start = w->err->n;

	if (value == NULL) {
		if (w->at + 1 >= w->argc) {
			message_line(w->err, "--%s needs a value: %s",
			    row->name, row->meta);
			return 2;
		}
		value = w->argv[++w->at];
	}
	message_begin(w->err);
	buf_printf(w->err, "--%s: ", row->name);
	if (opts_set(w->o, (enum opt)id, value, w->err) != 0) {
		buf_char(w->err, '\n');
		return 2;
	}
	w->err->n = start;
	if (id == OPT_input_file || id == OPT_url)
		add_operand(
		    w->o, (struct opt_operand){ .text = last_of(w->o, id),
			      .argument = w->at,
			      .is_file = id == OPT_input_file,
			      .is_url = id == OPT_url });
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
	if (value != NULL) {
		message_line(w->err, "--%s takes no value", row->name);
		return 2;
	}
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
		add_operand(w->o, (struct opt_operand){
				      .text = opts_keep(w->o, arg, strlen(arg)),
				      .argument = w->at });
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

int
opts_is_url_operand(const struct opt_operand *op)
{
	return !op->is_file && op->text[0] != '{' &&
	       (op->is_url || strncasecmp(op->text, "http://", 7) == 0 ||
		   strncasecmp(op->text, "https://", 8) == 0);
}
