/* SPDX-License-Identifier: ISC */
/*
 * Options of extraction: what is taken from a page and in which order, whom
 * --exec runs, how many parse, what cannot be combined with that.
 */
#include <sched.h>
#include <sys/stat.h>

#include "options_test.h"

static void
expect_span(struct span got, const char *want)
{
	if (!span_eq(got, span_str(want)))
		fail_msg("\"%.*s\", not \"%s\"", (int)got.n, got.p, want);
}

static void
expect_job(size_t i, enum frame_job_kind kind, const char *name, const char *e)
{
	assert_true(i < o.njobs);
	assert_int_equal(o.jobs[i].kind, kind);
	expect_span(o.jobs[i].name, name);
	expect_span(o.jobs[i].expr, e);
}

/* One line, of that option, and no control byte in it. */
static void
check_message(const char *option)
{
	char start[40];
	size_t i;

	snprintf(start, sizeof(start), "fetchd: --%s: ", option);
	assert_ptr_equal(strstr(err.p, start), err.p);
	assert_ptr_equal(strchr(err.p, '\n'), err.p + err.n - 2);
	for (i = 0; i + 2 < err.n; i++)
		assert_false((unsigned char)err.p[i] < ' ');
}

static void
expect_bad(const char *option, const char *text)
{
	char arg[80];

	snprintf(arg, sizeof(arg), "--%s=%s", option, text);
	if (PARSE(arg) != 2)
		fail_msg("%s is taken", arg);
	check_message(option);
}

/* ---- --extract ---- */

static void
test_nothing_is_extracted_unless_asked_for(void **state)
{
	(void)state;
	assert_int_equal(PARSE("x"), 0);
	assert_int_equal(o.njobs, 0);
	assert_null(o.exec_argv);
	assert_false(opts_extracts(&o));
}

static void
test_words_stand_in_the_order_given_with_blanks_around_them(void **state)
{
	static const char *const names[] = { "jsonld", "title", "meta", "text",
		"links" };
	static const enum frame_job_kind kinds[] = { FRAME_JOB_JSONLD,
		FRAME_JOB_TITLE, FRAME_JOB_META, FRAME_JOB_TEXT,
		FRAME_JOB_LINKS };
	size_t i;

	(void)state;
	assert_int_equal(
	    PARSE("--extract", "jsonld, title\t,meta ", "--extract=text,links"),
	    0);
	assert_int_equal(o.njobs, 5);
	for (i = 0; i < 5; i++)
		expect_job(i, kinds[i], names[i], "");
	assert_true(opts_extracts(&o));
}

static void
test_words_unknown_or_empty_or_twice_are_refused(void **state)
{
	static const char *const bad[] = { "", " ", ",", "title,", ",title",
		"title,,links", "Title", "titles", "head", "title links",
		"title;links", "exec", "title,title", "links,title,links",
		"css", "a=b" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		expect_bad("extract", bad[i]);
	assert_int_equal(PARSE("--extract=title", "--extract=title"), 2);
	assert_string_equal(
	    err.p, "fetchd: --extract: \"title\" is a duplicate name\n");
	assert_int_equal(PARSE("--extract=title,he\nad,x"), 2);
	assert_string_equal(err.p,
	    "fetchd: --extract: \"he\\x0aad\" is not one of title, links, "
	    "text, meta, jsonld\n");
}

/* ---- --css, --xpath, --regex ---- */

static void
test_a_name_and_all_behind_its_equals_sign_is_a_job(void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE("--css=a= a[href=\"x=y\"]::text ", "--xpath", "b-1_C.d==",
		"--regex=e=\xff\n@text=", "--regex=f@text=(?i)a,b"),
	    0);
	assert_int_equal(o.njobs, 4);
	expect_job(0, FRAME_JOB_CSS, "a", " a[href=\"x=y\"]::text ");
	expect_job(1, FRAME_JOB_XPATH, "b-1_C.d", "=");
	expect_job(2, FRAME_JOB_REGEX, "e", "\xff\n@text=");
	expect_job(3, FRAME_JOB_REGEX_TEXT, "f", "(?i)a,b");
}

static void
test_a_pair_without_name_or_expression_is_refused(void **state)
{
	static const char *const bad[] = { "", "a", "=", "=x", "a=", " a=x",
		"a =x", "a b=x", "a\xc3\xa4=x", "a:b=x", "a\"=x", "a@b=x",
		"@text=x", "a@text@text=x", "a@text =x", "a@TEXT=x", "a@=x",
		"a@text=", "a/b=x", "a\nb=x" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		expect_bad("css", bad[i]);
		expect_bad("xpath", bad[i]);
		expect_bad("regex", bad[i]);
	}
	/* The text is --regex's alone. */
	expect_bad("css", "a@text=x");
	expect_bad("xpath", "a@text=x");
	assert_int_equal(PARSE("--css=\x1b[31mx"), 2);
	assert_string_equal(err.p,
	    "fetchd: --css: \"\\x1b[31mx\" does not begin with NAME= "
	    "(NAME: letters, digits, '_', '-', '.')\n");
}

static void
test_jobs_stand_in_the_order_of_the_command_line(void **state)
{
	(void)state;
	assert_int_equal(
	    PARSE("--regex=r1=1", "--css=c1=2", "--extract=text,title", "x",
		"--xpath=x1=3", "--css=c2=4", "--regex=r2@text=5",
		"--extract=meta", "--xpath=x2=6"),
	    0);
	assert_int_equal(o.njobs, 9);
	expect_job(0, FRAME_JOB_REGEX, "r1", "1");
	expect_job(1, FRAME_JOB_CSS, "c1", "2");
	expect_job(2, FRAME_JOB_TEXT, "text", "");
	expect_job(3, FRAME_JOB_TITLE, "title", "");
	expect_job(4, FRAME_JOB_XPATH, "x1", "3");
	expect_job(5, FRAME_JOB_CSS, "c2", "4");
	expect_job(6, FRAME_JOB_REGEX_TEXT, "r2", "5");
	expect_job(7, FRAME_JOB_META, "meta", "");
	expect_job(8, FRAME_JOB_XPATH, "x2", "6");
}

static void
test_a_name_is_taken_once_over_all_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--css=title=h1", "--extract=title"), 2);
	assert_string_equal(
	    err.p, "fetchd: --extract: \"title\" is a duplicate name\n");
	assert_int_equal(PARSE("--extract=title", "--css=title=h1"), 2);
	check_message("css");
	assert_int_equal(PARSE("--css=a=h1", "--xpath=a=//h1"), 2);
	check_message("xpath");
	assert_int_equal(PARSE("--xpath=a=//h1", "--regex=a@text=x"), 2);
	assert_string_equal(
	    err.p, "fetchd: --regex: \"a\" is a duplicate name\n");
	assert_int_equal(PARSE("--regex=a=x", "--regex=a@text=x"), 2);
	assert_int_equal(PARSE("--css=a=x", "--css=A=x", "--css=text=x"), 0);
	/* Only while it is somebody's. */
	assert_int_equal(PARSE("--css=exec=x"), 0);
	assert_int_equal(PARSE("--css=exec=x", "--exec=/bin/true"), 2);
	assert_string_equal(err.p,
	    "fetchd: --css: \"exec\" is reserved for the result of --exec\n");
}

static void
test_there_are_64_jobs_at_most(void **state)
{
	static char program[] = "fetchd", text[65][24];
	char *argv[66] = { program };
	int i;

	(void)state;
	for (i = 0; i < 65; i++) {
		snprintf(text[i], sizeof(text[i]), "--css=n%d=p", i);
		argv[i + 1] = text[i];
	}
	forget();
	assert_int_equal(opts_parse(&o, 65, argv, &err), 0);
	assert_int_equal(o.njobs, 64);
	expect_job(63, FRAME_JOB_CSS, "n63", "p");
	forget();
	assert_int_equal(opts_parse(&o, 66, argv, &err), 2);
	buf_char(&err, '\0');
	assert_string_equal(err.p, "fetchd: --css: \"n64\" exceeds the limit "
				   "of 64 extracted fields\n");
}

/* What they were not told of would only be found missing in the records. */
static void
test_jobs_fit_into_the_message_that_tells_the_workers(void **state)
{
	static char program[] = "fetchd", text[9][FRAME_CONFIG_MAX / 8 - 63];
	char *argv[10] = { program };
	struct buf config = { 0 };
	size_t i, last;

	(void)state;
	for (i = 0; i < 9; i++) {
		memset(text[i], 'x', sizeof(text[i]) - 1);
		memcpy(text[i], "--css=a=", 8);
		text[i][6] = (char)('a' + i);
		argv[i + 1] = text[i];
	}
	forget();
	assert_int_equal(opts_parse(&o, 9, argv, &err), 0);
	for (i = 0; i < o.njobs; i++)
		frame_put_job(&config, &o.jobs[i]);
	assert_true(config.n < FRAME_CONFIG_MAX);
	/* The ninth fills it to its last byte, or is one too long. */
	last = FRAME_CONFIG_MAX - config.n - FRAME_JOB_BYTES(1, 0);
	text[8][8 + last] = '\0';
	forget();
	assert_int_equal(opts_parse(&o, 10, argv, &err), 0);
	frame_put_job(&config, &o.jobs[8]);
	assert_int_equal(config.n, FRAME_CONFIG_MAX);
	text[8][8 + last] = 'x';
	text[8][8 + last + 1] = '\0';
	forget();
	assert_int_equal(opts_parse(&o, 10, argv, &err), 2);
	buf_char(&err, '\0');
	assert_string_equal(err.p,
	    "fetchd: --css: \"i\" exceeds the limit of 1 MiB for all "
	    "extraction options together\n");
	buf_fini(&config);
}

/* ---- --exec ---- */

static void
expect_argv(const char *const *want)
{
	size_t i;

	assert_non_null(o.exec_argv);
	for (i = 0; want[i] != NULL; i++) {
		assert_non_null(o.exec_argv[i]);
		assert_string_equal(o.exec_argv[i], want[i]);
	}
	assert_null(o.exec_argv[i]);
}

#define ARGV(...) expect_argv((const char *const[]){ __VA_ARGS__, NULL })

static void
test_a_command_is_split_at_blanks_and_quotes_hold(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--exec", "/bin/true"), 0);
	ARGV("/bin/true");
	assert_true(opts_extracts(&o));
	assert_int_equal(PARSE("--exec", " \t/bin/true  a\tb\nc \n"), 0);
	ARGV("/bin/true", "a", "b", "c");
	assert_int_equal(
	    PARSE("--exec", "/bin/true 'a b' \"c  d\" e'f g'\"h i\"j"), 0);
	ARGV("/bin/true", "a b", "c  d", "ef gh ij");
	assert_int_equal(PARSE("--exec", "\"/bin/true\" '\"' \"'\" '\n'"), 0);
	ARGV("/bin/true", "\"", "'", "\n");
	assert_int_equal(PARSE("--exec", "/bin/true '' \"\" x'' ''"), 0);
	ARGV("/bin/true", "", "", "x", "");
	/* No shell. */
	assert_int_equal(
	    PARSE("--exec", "/bin/true $HOME ~ * a\\ b ;|&>x `y` #z"), 0);
	ARGV("/bin/true", "$HOME", "~", "*", "a\\", "b", ";|&>x", "`y`", "#z");
}

static void
test_the_last_command_holds(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--exec=/no/such", "--exec=/bin/true x"), 0);
	ARGV("/bin/true", "x");
}

static void
test_a_command_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "", " ", " \t\n", "'", "\"",
		"/bin/true '", "/bin/true 'a\"", "/bin/true \"a'", "'/bin/true",
		"''", "\"\" x", "/", "/bin", "/bin/", ".", "..",
		"/bin/true/x" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		expect_bad("exec", bad[i]);
	assert_int_equal(PARSE("--exec= "), 2);
	assert_string_equal(
	    err.p, "fetchd: --exec: \" \" contains no command\n");
	assert_int_equal(PARSE("--exec=/bin/true '\x1b"), 2);
	assert_string_equal(err.p, "fetchd: --exec: \"/bin/true '\\x1b\" has "
				   "an unterminated quote\n");
}

static void
test_a_command_has_64_arguments_at_most(void **state)
{
	char text[2 * 65 + 8] = "/bin/true";
	int i;

	(void)state;
	for (i = 1; i < 64; i++)
		strcat(text, " a");
	assert_int_equal(PARSE("--exec", text), 0);
	assert_string_equal(o.exec_argv[63], "a");
	assert_null(o.exec_argv[64]);
	strcat(text, " ");
	assert_int_equal(PARSE("--exec", text), 0);
	strcat(text, "b");
	assert_int_equal(PARSE("--exec", text), 2);
	check_message("exec");
	assert_non_null(strstr(err.p, " has more than 64 arguments\n"));
}

static void
test_a_program_is_found_by_path_and_run_from_there(void **state)
{
	char *saved = mem_strdup(getenv("PATH")), path[64];

	(void)state;
	write_file("data", "#!/bin/sh\n", 10);
	assert_int_equal(chmod(path_of("data"), 0755), 0);
	write_file("secret", "x", 1);
	assert_int_equal(chmod(path_of("secret"), 0644), 0);
	assert_int_equal(PARSE("--exec=data"), 2);
	assert_string_equal(err.p, "fetchd: --exec: \"data\" is not an "
				   "executable file in PATH\n");
	snprintf(path, sizeof(path), "/no/such:%s", dir);
	setenv("PATH", path, 1);
	assert_int_equal(PARSE("--exec=data x"), 0);
	ARGV(path_of("data"), "x");
	assert_int_equal(PARSE("--exec=secret"), 2);
	assert_int_equal(PARSE("--exec=true"), 2);
	assert_int_equal(PARSE("--exec=''"), 2);
	check_message("exec");
	assert_int_equal(PARSE("--exec", path_of("data")), 0);
	assert_int_equal(PARSE("--exec", path_of("secret")), 2);
	assert_int_equal(PARSE("--exec", path_of("list")), 2);
	unsetenv("PATH");
	assert_int_equal(PARSE("--exec=true"), 0);
	ARGV("/bin/true");
	assert_int_equal(PARSE("--exec=data"), 2);
	setenv("PATH", saved, 1);
	free(saved);
}

/* An empty part of PATH is where one stands. */
static void
test_an_empty_part_of_path_is_the_working_directory(void **state)
{
	static const char *const paths[] = { "", ":/no/such",
		"/no/such:", "/no/such::/no/where" };
	char *saved = mem_strdup(getenv("PATH")), *cwd = getcwd(NULL, 0);
	size_t i;

	(void)state;
	write_file("data", "#!/bin/sh\n", 10);
	assert_int_equal(chmod(path_of("data"), 0755), 0);
	assert_int_equal(chdir(dir), 0);
	for (i = 0; i < COUNT(paths); i++) {
		setenv("PATH", paths[i], 1);
		assert_int_equal(PARSE("--exec=data"), 0);
		ARGV("./data");
	}
	setenv("PATH", "/no/such", 1);
	assert_int_equal(PARSE("--exec=data"), 2);
	assert_int_equal(PARSE("--exec=./data"), 0);
	setenv("PATH", saved, 1);
	assert_int_equal(chdir(cwd), 0);
	free(cwd);
	free(saved);
}

/* ---- --workers ---- */

/* Of the cores it may run on, not of all there are. */
static int64_t
workers_of(const cpu_set_t *set)
{
	assert_int_equal(sched_setaffinity(0, sizeof(*set), set), 0);
	assert_int_equal(PARSE("--extract=title"), 0);
	return o.workers;
}

static void
test_by_default_one_core_is_left_to_the_loop(void **state)
{
	cpu_set_t all, some;
	int cpu, n;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&some);
	for (cpu = n = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_SET(cpu, &some);
		n++;
		if (n <= 4)
			assert_int_equal(workers_of(&some), n > 2 ? n - 1 : 1);
	}
	assert_true(workers_of(&all) <= OPT_WORKERS_MAX);
	assert_int_equal(PARSE("--workers=7"), 0);
	assert_int_equal(o.workers, 7);
	forget();
	opts_init(&o);
	assert_true(o.workers >= 1);
}

static void
test_no_workers_extract_nothing_and_that_is_said(void **state)
{
	static const char *const asks[] = { "--extract=title", "--css=a=b",
		"--xpath=a=b", "--regex=a=b", "--exec=/bin/true" };
	static const char *const bad[] = { "-1", "257", "x", "" };
	char message[80];
	size_t i;

	(void)state;
	assert_int_equal(PARSE("--workers=0"), 0);
	assert_int_equal(o.workers, 0);
	for (i = 0; i < COUNT(asks); i++) {
		assert_int_equal(PARSE("--workers=0", asks[i]), 2);
		snprintf(message, sizeof(message),
		    "fetchd: --workers must be at least 1 with %.*s\n",
		    (int)strcspn(asks[i], "="), asks[i]);
		assert_string_equal(err.p, message);
	}
	assert_int_equal(PARSE("--workers=256"), 0);
	for (i = 0; i < COUNT(bad); i++)
		expect_bad("workers", bad[i]);
}

static void
test_limits_of_a_worker_have_their_defaults_and_units(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--extract=title"), 0);
	assert_int_equal(o.worker_mem_bytes, 512 << 20);
	assert_int_equal(o.worker_time_us, 10000000);
	assert_true(o.sandbox);
	assert_int_equal(
	    PARSE("--worker-mem=1G", "--worker-time=250ms", "--no-sandbox"), 0);
	assert_int_equal(o.worker_mem_bytes, 1 << 30);
	assert_int_equal(o.worker_time_us, 250000);
	assert_false(o.sandbox);
	assert_int_equal(PARSE("--worker-mem=0", "--worker-time=0"), 0);
	assert_int_equal(o.worker_mem_bytes + (uint64_t)o.worker_time_us, 0);
}

/* ---- with other options ---- */

static const struct {
	const char *name, *arg;
} asks[] = {
	{ "extract", "--extract=title" },
	{ "css", "--css=a=b" },
	{ "xpath", "--xpath=a=b" },
	{ "regex", "--regex=a=b" },
	{ "exec", "--exec=/bin/true" },
};

static void
test_extraction_does_not_go_together_with_streams_or_other_formats(void **state)
{
	static const struct {
		const char *arg, *what;
	} with[] = {
		{ "--stream", "--stream" },
		{ "--format=text", "--format text" },
		{ "--format=body", "--format body" },
	};
	char want[100];
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(asks); i++)
		for (k = 0; k < COUNT(with); k++) {
			snprintf(want, sizeof(want),
			    "fetchd: --%s: cannot be combined with %s\n",
			    asks[i].name, with[k].what);
			assert_int_equal(PARSE(asks[i].arg, with[k].arg), 2);
			assert_string_equal(err.p, want);
			assert_int_equal(PARSE(with[k].arg, asks[i].arg), 2);
			assert_string_equal(err.p, want);
		}
	assert_int_equal(
	    PARSE("--extract=title", "--stream", "--no-stream"), 0);
	assert_int_equal(
	    PARSE("--extract=title", "--format=text", "--json"), 0);
	assert_int_equal(PARSE("--extract=title", "--body=none", "--keep-order",
			     "--only-ok"),
	    0);
}

static void
test_with_extraction_the_format_is_jsonl_on_a_terminal_too(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(PARSE("x"), 0);
	assert_int_equal(o.format, FORMAT_AUTO);
	assert_int_equal(PARSE("--workers=2"), 0);
	assert_int_equal(o.format, FORMAT_AUTO);
	for (i = 0; i < COUNT(asks); i++) {
		assert_int_equal(PARSE(asks[i].arg), 0);
		assert_int_equal(o.format, FORMAT_JSONL);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(test_nothing_is_extracted_unless_asked_for),
		T(test_words_stand_in_the_order_given_with_blanks_around_them),
		T(test_words_unknown_or_empty_or_twice_are_refused),
		T(test_a_name_and_all_behind_its_equals_sign_is_a_job),
		T(test_a_pair_without_name_or_expression_is_refused),
		T(test_jobs_stand_in_the_order_of_the_command_line),
		T(test_a_name_is_taken_once_over_all_options),
		T(test_there_are_64_jobs_at_most),
		T(test_jobs_fit_into_the_message_that_tells_the_workers),
		T(test_a_command_is_split_at_blanks_and_quotes_hold),
		T(test_the_last_command_holds),
		T(test_a_command_that_is_none_is_refused),
		T(test_a_command_has_64_arguments_at_most),
		T(test_a_program_is_found_by_path_and_run_from_there),
		T(test_an_empty_part_of_path_is_the_working_directory),
		T(test_by_default_one_core_is_left_to_the_loop),
		T(test_no_workers_extract_nothing_and_that_is_said),
		T(test_limits_of_a_worker_have_their_defaults_and_units),
		T(test_extraction_does_not_go_together_with_streams_or_other_formats),
		T(test_with_extraction_the_format_is_jsonl_on_a_terminal_too),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
