/* SPDX-License-Identifier: ISC */
/*
 * Writes fetchd.1: the template with the options, the keys of a record and the
 * error codes from their tables. Runs while building; knows nothing of the program's code.
 */
#include <stdio.h>
#include <string.h>

#include "options/row.h"

/* The fields are of no use here. */
static const struct opt_row rows[] = {
#define OPT(id, name, letter, type, def, min, max, group, meta, help, more) \
	{ name, letter, OPT_##type, def, min, max, OPT_IN_##group, meta, help, \
		more, 0 },
#include "options/table.h"
#undef OPT
};

static const char *const titles[] = {
#define GROUP(id, title) title,
	OPT_GROUPS(GROUP)
#undef GROUP
};

static const struct {
	const char *code, *phase;
	char retry;
	int exit, curl;
	const char *text;
} errors[] = {
#define ERR(id, code, phase, retry, exitc, curl, text) \
	{ code, #phase, retry, exitc, curl, text },
#include "base/error_table.h"
#undef ERR
};

static const struct {
	const char *code, *text;
} parse_errors[] = {
#define PARSE(id, code, text) { code, text },
#include "base/parse_error_table.h"
#undef PARSE
};

static const struct {
	const char *name, *type, *text;
} keys[] = {
#define KEY(id, name, when, value, type, text) { name, type, text },
#define WIDE(id, name, type, text) { name, type, text },
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Escapes what roff would take for its own, and begins each sentence on a line
 * of its own.
 */
static void
put_text(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s != '\0'; s++) {
		if (s[0] == '.' && s[1] == ' ' && s[2] != '.') {
			fputs(".\n", f);
			s++;
		} else if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '-')
			fputs("\\-", f);
		else
			fputc(*s, f);
	}
}

/* To a sentence: the table's help texts begin small and have no full stop. */
static void
put_sentence(FILE *f, const char *s)
{
	char first[2] = { *s, '\0' };

	if (*first >= 'a' && *first <= 'z')
		*first = (char)(*first - 'a' + 'A');
	put_text(f, first);
	put_text(f, s + 1);
	fputs(".\n", f);
}

static void
put_flag(FILE *f, const char *dash, const char *name, const struct opt_row *row)
{
	fprintf(f, " Fl %s", dash);
	put_text(f, name);
	if (row->type != OPT_BOOL) {
		fputs(" Ar ", f);
		put_text(f, row->meta);
	}
}

static void
put_row(FILE *f, const struct opt_row *row)
{
	char letter[2] = { row->letter, '\0' }, name[64];
	int is_off = strcmp(row->def, "0") == 0 &&
		     (row->type == OPT_DUR || row->type == OPT_SIZE);
	int is_negated = row->type == OPT_BOOL && strcmp(row->def, "on") == 0;

	fputs(".It", f);
	if (row->letter != '\0') {
		put_flag(f, "", letter, row);
		fputs(" ,", f);
	}
	snprintf(
	    name, sizeof(name), "%s%s", is_negated ? "no-" : "", row->name);
	put_flag(f, "\\-", name, row);
	fputc('\n', f);
	put_sentence(f, row->help);
	if (*row->more != '\0') {
		put_text(f, row->more);
		fputc('\n', f);
	}
	if (*row->def != '\0' && row->type != OPT_BOOL) {
		fputs("The default is\n.Li ", f);
		put_text(f, is_off ? "off" : row->def);
		fputs(" .\n", f);
	}
}

static void
put_options(FILE *f)
{
	size_t g, i;

	for (g = 0; g < COUNT(titles); g++) {
		fprintf(f, ".Ss %s\n.Bl -tag -width Ds\n", titles[g]);
		for (i = 0; i < COUNT(rows); i++)
			if ((size_t)rows[i].group == g)
				put_row(f, &rows[i]);
		fputs(".El\n", f);
	}
}

static void
put_phase(FILE *f, const char *phase)
{
	if (strcmp(phase, "PHASE_STRUCK") == 0) {
		fputs("the phase it struck in", f);
		return;
	}
	fputs("phase ", f);
	for (phase += strlen("PHASE_"); *phase != '\0'; phase++)
		fputc(*phase - 'A' + 'a', f);
}

static const char *
retry_text(char retry)
{
	if (retry == 'Y')
		return "; worth another try";
	return retry == 'C' ? "; worth another try if the cause is" : "";
}

static void
put_errors(FILE *f)
{
	size_t i;

	fputs(".Bl -tag -width Ds\n", f);
	for (i = 0; i < COUNT(errors); i++) {
		fprintf(f, ".It Li %s\n", errors[i].code);
		put_sentence(f, errors[i].text);
		fputc('(', f);
		put_phase(f, errors[i].phase);
		if (errors[i].exit == 47)
			fputs("; exit status 4 or 7", f);
		else
			fprintf(f, "; exit status %d", errors[i].exit);
		fprintf(f, "; curl's number %d%s)\n", errors[i].curl,
		    retry_text(errors[i].retry));
	}
	fputs(".El\n", f);
}

static void
put_parse_errors(FILE *f)
{
	size_t i;

	for (i = 0; i < COUNT(parse_errors); i++) {
		fprintf(f, ".It Li %s\n", parse_errors[i].code);
		put_sentence(f, parse_errors[i].text);
	}
}

/* A line a key: its name, its type, what it means. */
static void
put_record(FILE *f)
{
	size_t i;

	fputs(".Bl -tag -width Ds\n", f);
	for (i = 0; i < COUNT(keys); i++) {
		fprintf(f, ".It Li %s No (%s)\n", keys[i].name, keys[i].type);
		put_text(f, keys[i].text);
		fputs("\n", f);
	}
	fputs(".El\n", f);
}

static int
write_page(FILE *in, FILE *out)
{
	char line[1024];

	while (fgets(line, sizeof(line), in) != NULL) {
		if (strcmp(line, "@OPTIONS@\n") == 0)
			put_options(out);
		else if (strcmp(line, "@ERRORS@\n") == 0)
			put_errors(out);
		else if (strcmp(line, "@RECORD@\n") == 0)
			put_record(out);
		else if (strcmp(line, "@PARSE@\n") == 0)
			put_parse_errors(out);
		else
			fputs(line, out);
	}
	return ferror(in) || fflush(out) != 0 || ferror(out) ? 1 : 0;
}

int
main(int argc, char **argv)
{
	FILE *in, *out;

	if (argc != 3) {
		fputs("usage: mkman TEMPLATE PAGE\n", stderr);
		return 2;
	}
	in = fopen(argv[1], "r");
	if (in == NULL) {
		perror(argv[1]);
		return 1;
	}
	out = fopen(argv[2], "w");
	if (out == NULL) {
		perror(argv[2]);
		fclose(in);
		return 1;
	}
	if (write_page(in, out) != 0 || fclose(out) != 0) {
		perror(argv[2]);
		return 1;
	}
	fclose(in);
	return 0;
}
