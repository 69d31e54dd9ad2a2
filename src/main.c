/* SPDX-License-Identifier: ISC */
/*
 * The program, from argv to the exit status: options, operands, limits of the
 * machine, then the engine. The only file that uses every module.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/message.h"
#include "base/sanitised.h"
#include "codec/http/http.h"
#include "core/output/order.h"
#include "engine.h"
#include "engine_resume.h"
#include "inputs.h"
#include "io/files/files.h"
#include "io/pool/pool.h"
#include "io/signals.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/spool.h"
#include "options/options.h"
#include "verify.h"
#include "watch.h"

/* Descriptors reserved for everything but transfers. */
#define FDS_SPARE_MIN 20
#define FDS_SPARE_MAX 64
#define FDS_FILES 72 /* for bodies that wait for their names */
#define NOTES_US 1000000
/* malloc maps blocks of this size: they grow without a copy and are unmapped
 * when they are freed. */
#define MAPPED_BYTES (1 << 20)
/* Free memory at the end of the heap that malloc keeps. */
#define KEPT_BYTES (4 << 20)

/* Which standard descriptors were closed at the start. */
struct closed {
	int in, out;
};

/* Opens /dev/null for closed standard descriptors; a socket would get their
 * numbers otherwise. */
static struct closed
open_standard_fds(void)
{
	struct closed was = { fcntl(0, F_GETFD) == -1,
		fcntl(1, F_GETFD) == -1 };
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
	return was;
}

/* Returns freed memory to the system: by default malloc stops mapping large
 * blocks after a few have been freed. */
static void
setup_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

/* Memory contains passwords and bodies, which must not get into a file. */
static void
forbid_core_dumps(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	if (!IS_SANITISED)
		(void)prctl(PR_SET_DUMPABLE, 0);
}

/* Writes one message before the engine has a sink for standard error. */
static void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
warn(const char *fmt, ...)
{
	struct buf text = { 0 }, b = { 0 };
	ssize_t n;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	message_begin(&b);
	message_show_span(&b, buf_view(&text));
	buf_char(&b, '\n');
	n = write(2, b.p, b.n); /* a failure cannot be reported */
	(void)n;
	buf_fini(&text);
	buf_fini(&b);
}

/* ---- the limits of the machine ---- */

static void
warn_of_lowering(const char *option, int64_t from, rlim_t limit, int64_t to)
{
	warn("%s %lld exceeds what the limit of %lld open files allows; "
	     "lowered to %lld",
	    option, (long long)from, (long long)limit, (long long)to);
}

/* Lowers --workers until one transfer fits beside them. Returns the number of
 * their descriptors. */
static int64_t
fit_workers(struct opts *o, rlim_t limit, int64_t spare)
{
	int pools = (o->njobs > 0) + (o->exec_argv != NULL);
	int64_t each = POOL_WORKER_FDS * pools, most;

	if (pools == 0)
		return 0;
	most = limit > INT32_MAX ? INT32_MAX : (int64_t)limit;
	most = (most - spare - 1) / each;
	if (most < 1)
		most = 1;
	if (o->workers > most) {
		warn_of_lowering("--workers", o->workers, limit, most);
		o->workers = most;
	}
	return o->workers * each;
}

/*
 * Raises the limit of open files; lowers -c if it still exceeds the limit.
 * Returns the maximum number of sockets.
 */
static int64_t
fit_descriptors(struct opts *o)
{
	struct rlimit rl;
	int64_t room, spare;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return INT64_MAX;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1 &&
	    getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return INT64_MAX;
	spare = (int64_t)rl.rlim_cur / 4;
	spare = spare < FDS_SPARE_MIN ? FDS_SPARE_MIN : spare;
	spare = spare > FDS_SPARE_MAX ? FDS_SPARE_MAX : spare;
	spare += fit_workers(o, rl.rlim_cur, spare);
	room = rl.rlim_cur > OPT_NUM_MAX * 2 ? OPT_NUM_MAX * 2
					     : (int64_t)rl.rlim_cur - spare;
	/* Each transfer has a file open, and those that wait for a name. */
	if (o->output_dir != NULL)
		room = room > FDS_FILES ? (room - FDS_FILES) / 2 : 1;
	if (room < 1)
		room = 1;
	if (o->concurrency > room) {
		warn_of_lowering("-c", o->concurrency, rl.rlim_cur, room);
		o->concurrency = room;
	}
	if (o->max_idle > room - o->concurrency)
		o->max_idle = room - o->concurrency;
	return room;
}

/* ---- warnings ---- */

/* Not HTTP_PROXY, which a request to a CGI program can set (CVE-2016-5385). */
static void
warn_of_proxies(void)
{
	static const char *const names[] = { "http_proxy", "https_proxy",
		"HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
	const char *v;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		v = getenv(names[i]);
		if (v == NULL || v[0] == '\0')
			continue;
		warn("%s is ignored: this version does not support proxies",
		    names[i]);
		return;
	}
}

static void
warn_of_options(const struct opts *o)
{
	const char *path = getenv("SSL_CERT_FILE");
	const char *meant = http_method_meant(span_str(o->method));

	if (o->quiet)
		return;
	warn_of_proxies();
	/* Without the file no certificate can be verified. */
	if (path != NULL && path[0] != '\0' && !o->insecure &&
	    o->cacert == NULL && access(path, R_OK) != 0)
		warn(
		    "SSL_CERT_FILE: cannot read %s: %s", path, strerror(errno));
	if (meant != NULL)
		warn("the method %s is sent as written; did you mean %s? "
		     "(methods are case-sensitive)",
		    o->method, meant);
	if (o->location_trusted)
		warn("warning: --location-trusted sends credentials to every "
		     "host that a redirect leads to");
}

static void
warn_of_journal(const struct engine_resume *r, const struct opts *o)
{
	const char *what = NULL;

	if (r != NULL && r->journal.file != NULL)
		what = journal_warning(r->journal.file);
	if (what != NULL && !o->quiet)
		warn("%s: %s", o->journal, what);
}

/* ---- the run ---- */

static void
choose_format(struct opts *o)
{
	if (o->format != FORMAT_AUTO)
		return;
	o->format =
	    isatty(1) && strcmp(o->output, "-") == 0 && o->fields == NULL
		? FORMAT_TEXT
		: FORMAT_JSONL;
}

/* NO_COLOR counts if it is not empty (no-color.org). */
static int
wants_colour(const struct opts *o, int is_terminal)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (o->color != COLOR_AUTO)
		return o->color == COLOR_ALWAYS;
	return is_terminal && (no == NULL || *no == '\0') && term != NULL &&
	       *term != '\0' && strcmp(term, "dumb") != 0;
}

static void
set_output(struct emit *e, const struct opts *o)
{
	struct winsize ws;

	e->is_terminal = strcmp(o->output, "-") == 0 && isatty(STDOUT_FILENO);
	e->text.is_coloured = wants_colour(o, e->is_terminal);
	if (e->is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		e->text.columns = ws.ws_col;
}

static void
put_fault(struct buf *b, enum err e, const char *why, const char *name)
{
	if (e != E_OUTPUT_IO && e != E_OUTPUT_NO_SPACE)
		return;
	message_begin(b);
	message_show(b, strcmp(name, "-") == 0 ? "standard output" : name);
	buf_printf(b, ": %s (%s)\n", why, error_code(e));
}

/* May the command line contain a secret? */
static int
has_secrets(const struct opts *o)
{
	static const enum opt ids[] = { OPT_user, OPT_oauth2_bearer, OPT_cookie,
		OPT_header, OPT_data, OPT_data_raw, OPT_data_binary,
		OPT_json_data, OPT_form };
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (opts_given(o, ids[i]))
			return 1;
	for (i = 0; i < o->noperands; i++)
		if (opts_is_url_operand(&o->operands[i]) &&
		    strchr(o->operands[i].text, '@') != NULL)
			return 1;
	return 0;
}

/* Is it one of those that are for the beginning of a run only? */
static int
is_for_first_run(const char *word)
{
	static const char *const words[] = { "--append", "--overwrite",
		"--resume", "--resume-force", "--journal-salvage" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return 1;
	return 0;
}

static void
put_files_fault(struct buf *b, const struct files *fs)
{
	if (fs == NULL || files_error(fs) == E_OK)
		return;
	message_begin(b);
	message_show(b, files_error_path(fs));
	buf_printf(b, ": %s (%s)\n", strerror(files_errno(fs)),
	    error_code(files_error(fs)));
}

/* One line that can be copied into a shell. */
static void
put_how_to_resume(struct buf *b, const struct opts *o, char *const *argv)
{
	message_begin(b);
	if (has_secrets(o)) {
		buf_str(b, "not finished; to go on, run the same command with "
			   "--resume\n");
		return;
	}
	buf_str(b, "not finished; to go on: ");
	message_shell_word(b, argv[0]);
	for (argv++; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
		if (!is_for_first_run(*argv)) {
			buf_char(b, ' ');
			message_shell_word(b, *argv);
		}
	buf_str(b, " --resume");
	for (; *argv != NULL; argv++) {
		buf_char(b, ' ');
		message_shell_word(b, *argv);
	}
	buf_char(b, '\n');
}

static void
put_journal_end(struct buf *b, const struct engine_resume *r,
    const struct opts *o, char *const *argv)
{
	if (r == NULL || !r->has_begun)
		return;
	if (r->spool != NULL && spool_error(r->spool) != NULL)
		message_about(b, "standard input", spool_error(r->spool));
	if (!r->is_finished)
		put_how_to_resume(b, o, argv);
	else if (r->is_resumed && r->journal.saved.items == r->items_before)
		message_line(b,
		    "%s: the run is finished: nothing was left of its %llu "
		    "items",
		    r->path, (unsigned long long)r->items_before);
}

static void
say_end(struct engine *e, struct watch *w, char *const *argv)
{
	const struct job *j = engine_job(e);
	struct sink *notes = engine_notes(e);
	struct buf b = { 0 };
	const char *why;
	enum err err;

	watch_end(w);
	if (j->intake.failed) {
		message_begin(&b);
		message_show(&b, source_error(engine_source(e)));
		buf_char(&b, '\n');
	}
	err = engine_output_error(e, &why);
	put_fault(&b, err, why, j->opts->output);
	if (j->emit.failed != NULL)
		put_fault(&b, sink_error(j->emit.failed),
		    strerror(sink_errno(j->emit.failed)),
		    j->opts->failed_input);
	put_files_fault(&b, j->files);
	if (j->emit.spill_error != E_OK)
		message_line(&b, "temporary file of --keep-order: %s (%s)",
		    strerror(order_errno(j->emit.order)),
		    error_code(j->emit.spill_error));
	engine_put_commit_fault(e, &b);
	put_journal_end(&b, engine_resume(e), j->opts, argv);
	sink_note(notes, buf_view(&b));
	sink_finish(notes, NOTES_US);
	buf_fini(&b);
}

/* Adds the inputs and, if there is a journal, compares them with those of the
 * run before. */
static int
add_inputs(
    struct engine *e, const struct opts *o, int stdin_closed, struct buf *err)
{
	const struct engine_resume *r = engine_resume(e);
	struct inputs_stdin in = { .is_closed = stdin_closed };
	struct source *fresh;
	int status;

	if (r != NULL) {
		in.spool = r->spool_path;
		in.is_spool_new = r->is_spool_new;
	}
	status = inputs_add(engine_source(e), o, &in, err);
	if (status != 0 || r == NULL)
		return status;
	fresh = engine_new_source(e);
	status = inputs_add(fresh, o, &in, err);
	source_end_spool(fresh);
	if (status == 0)
		status = engine_check_inputs(e, fresh, err);
	source_free(fresh);
	return status;
}

static int
run(struct opts *o, struct closed was, char *const *argv, struct buf *err)
{
	struct engine *e;
	struct watch *w;
	enum engine_end end;
	int64_t sockets;
	int status = 0;

	if (was.out && strcmp(o->output, "-") == 0) {
		message_line(err, "standard output is closed");
		return 3;
	}
	choose_format(o);
	sockets = fit_descriptors(o);
	e = engine_new(o, (size_t)sockets, err, &status);
	if (e == NULL)
		return status;
	w = watch_new(e);
	engine_job(e)->is_single = inputs_is_single(o);
	set_output(&engine_job(e)->emit, o);
	status = engine_open_journal(e, was.in, err);
	if (status == 0)
		status = add_inputs(e, o, was.in, err);
	if (status == 0)
		status = engine_open_output(e, err);
	if (status == 0) {
		warn_of_options(o);
		warn_of_journal(engine_resume(e), o);
		watch_begin(w);
		end = engine_run(e);
		signals_after_loop();
		status = engine_exit_status(e, end);
		say_end(e, w, argv);
	}
	watch_free(w);
	engine_free(e);
	return status;
}

static int
show(void (*write_to)(struct buf *))
{
	struct buf b = { 0 };
	size_t n;

	signal(
	    SIGPIPE, SIG_DFL); /* ends quietly if the reader closes the pipe */
	write_to(&b);
	n = fwrite(b.p, 1, b.n, stdout);
	n = n == b.n && fflush(stdout) == 0 ? 0 : 3;
	buf_fini(&b);
	return (int)n;
}

static void
version(struct buf *b)
{
	buf_str(b, "fetchd " FETCHD_VERSION "\n");
	engine_libraries(b);
}

int
main(int argc, char **argv)
{
	struct closed was;
	struct opts o;
	struct buf err = { 0 };
	int status;

	signals_before_loop();
	setup_memory();
	forbid_core_dumps();
	was = open_standard_fds();
	status = opts_parse(&o, argc, argv, &err);
	if (status == OPTS_HELP)
		status = show(opts_help);
	else if (status == OPTS_VERSION)
		status = show(version);
	else if (status == 0 && o.verify != NULL)
		status = verify(&o, was.in, &err);
	else if (status == 0)
		status = run(&o, was, argv, &err);
	if (err.n > 0 && write(2, err.p, err.n) < 0)
		status = status != 0 ? status : 3;
	buf_fini(&err);
	opts_fini(&o);
	return status;
}
