/* SPDX-License-Identifier: ISC */
/*
 * Extraction: --extract, --css, --xpath and --regex as one list of jobs, --exec
 * as an argument vector, --workers. The worker checks selectors.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/message.h"
#include "options/options_int.h"

/* ---- jobs ---- */

/* The size of all jobs in the configuration message to a worker. */
static size_t
config_bytes(const struct opts *o)
{
	size_t i, n = 0;

	for (i = 0; i < o->njobs; i++)
		n += FRAME_JOB_BYTES(o->jobs[i].name.n, o->jobs[i].expr.n);
	return n;
}

static int
add_job(struct opts *o, enum opt id, const struct frame_job *j, struct buf *err)
{
	size_t i;
	char *name = opts_keep(o, j->name.p, j->name.n);

	for (i = 0; i < o->njobs; i++)
		if (span_eq(o->jobs[i].name, j->name))
			return opts_say_value(
			    err, id, name, "is a duplicate name");
	if (o->exec != NULL && span_eq(j->name, SPAN("exec")))
		return opts_say_value(
		    err, id, name, "is reserved for the result of --exec");
	if (o->njobs == OPT_JOBS_MAX)
		return opts_say_value(
		    err, id, name, "exceeds the limit of 64 extracted fields");
	if (config_bytes(o) + FRAME_JOB_BYTES(j->name.n, j->expr.n) >
	    FRAME_CONFIG_MAX)
		return opts_say_value(err, id, name,
		    "exceeds the limit of 1 MiB for all extraction options "
		    "together");
	if (o->jobs == NULL)
		o->jobs = mem_zalloc(OPT_JOBS_MAX, sizeof(*o->jobs));
	o->jobs[o->njobs] = *j;
	o->jobs[o->njobs++].name = span_of(name, j->name.n);
	return 0;
}

static const struct {
	const char *name;
	enum frame_job_kind kind;
} words[] = {
	{ "title", FRAME_JOB_TITLE },
	{ "links", FRAME_JOB_LINKS },
	{ "text", FRAME_JOB_TEXT },
	{ "meta", FRAME_JOB_META },
	{ "jsonld", FRAME_JOB_JSONLD },
};

static int
take_word(struct opts *o, struct span word, struct buf *err)
{
	struct frame_job j = { .name = word, .expr = SPAN("") };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_eq(word, span_str(words[i].name))) {
			j.kind = words[i].kind;
			return add_job(o, OPT_extract, &j, err);
		}
	return opts_say_value(err, OPT_extract, opts_keep(o, word.p, word.n),
	    "is not one of title, links, text, meta, jsonld");
}

static int
take_words(struct opts *o, const char *list, struct buf *err)
{
	struct span rest = span_str(list), word;
	int status = 0;

	while (status == 0 && opts_next_word(&rest, &word))
		status = take_word(o, word, err);
	return status;
}

/* Removes "@text" from the name of a --regex. */
static enum frame_job_kind
regex_kind(struct span *name)
{
	const char *at = name->n > 0 ? memchr(name->p, '@', name->n) : NULL;
	struct span over;

	if (at == NULL)
		return FRAME_JOB_REGEX;
	over = span_of(at, name->n - (size_t)(at - name->p));
	if (span_eq(over, SPAN("@text")))
		name->n -= over.n;
	return FRAME_JOB_REGEX_TEXT;
}

/* NAME=EXPRESSION */
static int
take_pair(struct opts *o, enum opt id, const char *text, struct buf *err)
{
	struct frame_job j = { .name = span_of(text, strcspn(text, "=")) };
	size_t n = j.name.n;

	j.kind = id == OPT_css ? FRAME_JOB_CSS : FRAME_JOB_XPATH;
	if (id == OPT_regex)
		j.kind = regex_kind(&j.name);
	if (text[n] == '\0' || !opts_is_name(j.name))
		return opts_say_value(err, id, text,
		    id == OPT_regex
			? "is not NAME=REGEX or NAME@text=REGEX " OPT_NAME_RULE
			: "does not begin with NAME= " OPT_NAME_RULE);
	j.expr = span_str(text + n + 1);
	if (j.expr.n == 0)
		return opts_say_value(
		    err, id, text, "has an empty expression after =");
	return add_job(o, id, &j, err);
}

/* The values of all four options in the order they were given. */
static int
derive_jobs(struct opts *o, struct buf *err)
{
	struct opt_visit v = { o,
		{ OPT_extract, OPT_css, OPT_xpath, OPT_regex }, 4, { 0 } };
	const char *text;
	enum opt id;
	int status = 0;

	while (status == 0 && opts_visit(&v, &id, &text))
		status = id == OPT_extract ? take_words(o, text, err)
					   : take_pair(o, id, text, err);
	return status;
}

/* ---- --exec ---- */

/* Appends one word of the command without its quotes. NULL: a quote is not
 * terminated. */
static const char *
take_argument(const char *p, struct buf *word)
{
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || strchr(" \t\n", *p) == NULL);
	     p++) {
		if (quote == '\0' && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (*p == quote)
			quote = '\0';
		else
			buf_char(word, *p);
	}
	return quote == '\0' ? p : NULL;
}

static int
split_exec(struct opts *o, struct buf *err)
{
	const char *p = o->exec + strspn(o->exec, " \t\n");
	struct buf word = { 0 };
	size_t n = 0;

	o->exec_argv = mem_zalloc(OPT_EXEC_ARGS + 1, sizeof(*o->exec_argv));
	while (p != NULL && *p != '\0' && n < OPT_EXEC_ARGS) {
		word.n = 0;
		p = take_argument(p, &word);
		if (p == NULL)
			break;
		o->exec_argv[n++] = opts_keep(o, word.p, word.n);
		p += strspn(p, " \t\n");
	}
	buf_fini(&word);
	if (p == NULL)
		return opts_say_value(
		    err, OPT_exec, o->exec, "has an unterminated quote");
	if (*p != '\0')
		return opts_say_value(
		    err, OPT_exec, o->exec, "has more than 64 arguments");
	return n > 0 ? 0
		     : opts_say_value(
			   err, OPT_exec, o->exec, "contains no command");
}

static int
is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

/* Searches PATH, so that execv(3) can be used: execvp(3) would run a script
 * without #! by a shell. */
static int
find_program(struct opts *o)
{
	const char *name = o->exec_argv[0], *path = getenv("PATH");
	struct buf file = { 0 };
	int found = 0;
	size_t n;

	if (strchr(name, '/') != NULL)
		return is_executable(name);
	if (path == NULL)
		path = "/bin:/usr/bin";
	for (;; path += n + 1) {
		n = strcspn(path, ":");
		file.n = 0;
		buf_add(&file, n > 0 ? path : ".", n > 0 ? n : 1);
		buf_char(&file, '/');
		buf_add(&file, name, strlen(name) + 1);
		found = is_executable(file.p);
		if (found || path[n] == '\0')
			break;
	}
	if (found)
		o->exec_argv[0] = opts_keep(o, file.p, file.n - 1);
	buf_fini(&file);
	return found;
}

static int
say_no_program(const char *name, struct buf *err)
{
	message_begin(err);
	buf_str(err, "--exec: ");
	message_quote_path(err, name);
	buf_printf(err, " is not an executable file%s\n",
	    strchr(name, '/') == NULL ? " in PATH" : "");
	return 2;
}

/* ---- --workers ---- */

static int64_t
default_workers(void)
{
	cpu_set_t set;
	long n = sysconf(_SC_NPROCESSORS_ONLN); /* if set is too small */

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	if (n > OPT_WORKERS_MAX)
		return OPT_WORKERS_MAX;
	return n > 2 ? n - 1 : 1;
}

enum opt
opts_extracting(const struct opts *o)
{
	static const enum opt ids[] = { OPT_exec, OPT_extract, OPT_css,
		OPT_xpath, OPT_regex };
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (opts_given(o, ids[i]))
			return ids[i];
	return OPT_COUNT;
}

int
opts_derive_extract(struct opts *o, struct buf *err)
{
	int status;

	if (!opts_given(o, OPT_workers))
		o->workers = default_workers();
	status = derive_jobs(o, err);
	if (status == 0 && o->exec != NULL)
		status = split_exec(o, err);
	if (status != 0 || !opts_extracts(o))
		return status;
	if (o->workers == 0) {
		message_line(err, "--workers must be at least 1 with --%s",
		    opts_row(opts_extracting(o))->name);
		return 2;
	}
	if (o->worker_mem_bytes != 0 &&
	    o->worker_mem_bytes < OPT_WORKER_MEM_MIN) {
		message_line(err,
		    "--worker-mem must be at least 64M (or 0 for no limit)");
		return 2;
	}
	if (o->exec != NULL && !find_program(o))
		return say_no_program(o->exec_argv[0], err);
	return 0;
}
