/* SPDX-License-Identifier: ISC */
/*
 * The options' table: every row in the parser, --help and the man page alike,
 * every bound hit, values as users write them.
 */
#include <inttypes.h>

#include "options_test.h"

static void
each_row(void (*f)(enum opt id, const struct opt_row *row))
{
	int id;

	for (id = 0; id < OPT_COUNT; id++)
		f((enum opt)id, opts_row((enum opt)id));
}

/* ---- the table ---- */

/* A value that the row takes. */
static const char *
sample(enum opt id, const struct opt_row *row)
{
	switch (row->type) {
	case OPT_INT:
	case OPT_SIZE:
	case OPT_DUR:
	case OPT_RATE:
		return "7";
	case OPT_ENUM:
		return row->def;
	case OPT_BOOL:
	case OPT_STR:
	case OPT_LIST:
	case OPT_PATH:
		break;
	}
	if (id == OPT_header || id == OPT_user)
		return "name:value";
	if (id == OPT_budget || id == OPT_form)
		return "name=7";
	if (id == OPT_fields)
		return "seq,url";
	if (id == OPT_base_url)
		return "https://a.test/";
	if (id == OPT_extract)
		return "title";
	if (id == OPT_css || id == OPT_xpath || id == OPT_regex)
		return "name=h1";
	if (id == OPT_exec)
		return "/bin/true";
	if (id == OPT_retry_on || id == OPT_proto_redir)
		return row->def;
	return id == OPT_request ? "PUT" : "value";
}

static int
status_of(enum opt id)
{
	if (id == OPT_help)
		return OPTS_HELP;
	/* These need another option. */
	if (id == OPT_csv_safe || id == OPT_append || id == OPT_resume ||
	    id == OPT_retry_failed || id == OPT_resume_force ||
	    id == OPT_journal_salvage || id == OPT_output_name ||
	    id == OPT_keep_partial || id == OPT_overwrite || id == OPT_rotate)
		return 2;
	return id == OPT_version ? OPTS_VERSION : 0;
}

static void
check_spellings(enum opt id, const struct opt_row *row)
{
	char name[64], joined[128], letter[3] = { '-', row->letter, '\0' };
	const char *value = sample(id, row);

	snprintf(name, sizeof(name), "--%s", row->name);
	if (row->type == OPT_BOOL) {
		assert_int_equal(PARSE(name), status_of(id));
		assert_true(opts_given(&o, id));
		if (row->letter != 0)
			assert_int_equal(PARSE(letter), status_of(id));
		snprintf(joined, sizeof(joined), "--%s=yes", row->name);
		assert_int_equal(PARSE(joined), 2);
		return;
	}
	assert_int_equal(PARSE(name, value), status_of(id));
	assert_true(opts_given(&o, id));
	snprintf(joined, sizeof(joined), "--%s=%s", row->name, value);
	assert_int_equal(PARSE(joined), status_of(id));
	assert_true(opts_given(&o, id));
	assert_int_equal(PARSE(name), 2);
	assert_non_null(strstr(err.p, "needs a value"));
	if (row->letter == 0)
		return;
	assert_int_equal(PARSE(letter, value), 0);
	assert_true(opts_given(&o, id));
	snprintf(joined, sizeof(joined), "-%c%s", row->letter, value);
	assert_int_equal(PARSE(joined), 0);
	assert_true(opts_given(&o, id));
}

static void
test_every_option_is_taken_in_every_spelling(void **state)
{
	(void)state;
	each_row(check_spellings);
}

static void
check_negation(enum opt id, const struct opt_row *row)
{
	char name[64];
	int status;

	snprintf(name, sizeof(name), "--no-%s", row->name);
	status = PARSE(name);
	if (row->type != OPT_BOOL || row->max == 0) {
		assert_int_equal(status, 2);
		assert_non_null(strstr(err.p, "unknown option"));
		return;
	}
	assert_int_equal(status, 0);
	assert_true(opts_given(&o, id));
	assert_int_equal(*(int *)(void *)((char *)&o + row->field), 0);
}

static void
test_no_turns_a_boolean_option_off_and_nothing_else(void **state)
{
	(void)state;
	each_row(check_negation);
}

static void
check_row_is_unique(enum opt id, const struct opt_row *row)
{
	const struct opt_row *other;
	int i;

	for (i = 0; i < (int)id; i++) {
		other = opts_row((enum opt)i);
		assert_string_not_equal(row->name, other->name);
		if (row->letter != 0)
			assert_int_not_equal(row->letter, other->letter);
	}
	assert_int_not_equal(strncmp(row->name, "no-", 3), 0);
	assert_true(strlen(row->help) > 0);
	assert_true(row->type == OPT_BOOL || strlen(row->meta) > 0);
}

static void
test_names_and_letters_are_unique(void **state)
{
	(void)state;
	each_row(check_row_is_unique);
}

static void
test_the_choices_are_in_the_order_of_their_constants(void **state)
{
	static const struct {
		const char *arg;
		int format, body, progress;
	} t[] = {
		{ "--format=auto", FORMAT_AUTO, 0, 0 },
		{ "--format=jsonl", FORMAT_JSONL, 0, 0 },
		{ "--format=text", FORMAT_TEXT, 0, 0 },
		{ "--format=body", FORMAT_BODY, 0, 0 },
		{ "--format=csv", FORMAT_CSV, 0, 0 },
		{ "--format=tsv", FORMAT_TSV, 0, 0 },
		{ "--body=inline", 0, BODY_INLINE, 0 },
		{ "--body=none", 0, BODY_NONE, 0 },
		{ "--body=base64", 0, BODY_BASE64, 0 },
		{ "--body=json", 0, BODY_JSON, 0 },
		{ "--progress=auto", 0, 0, PROGRESS_AUTO },
		{ "--progress=bar", 0, 0, PROGRESS_BAR },
		{ "--progress=none", 0, 0, PROGRESS_NONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(PARSE(t[i].arg), 0);
		assert_int_equal(o.format, t[i].format);
		assert_int_equal(o.body, t[i].body);
		assert_int_equal(o.progress, t[i].progress);
	}
	assert_int_equal(PARSE("--format=json"), 2);
	assert_string_equal(err.p, "fetchd: --format: \"json\" is not one of "
				   "auto|jsonl|text|body|csv|tsv\n");
	assert_int_equal(PARSE("--body="), 2);
	assert_int_equal(PARSE("--net-down=wait"), 0);
	assert_int_equal(o.net_down, NET_DOWN_WAIT);
	assert_int_equal(PARSE("--net-down=fail"), 0);
	assert_int_equal(o.net_down, NET_DOWN_FAIL);
}

/* ---- help and the man page ---- */

static char *help_text;

static void
check_in_help(enum opt id, const struct opt_row *row)
{
	char name[80];

	(void)id;
	snprintf(name, sizeof(name), "%s--%s%s%s\n",
	    row->letter != 0 ? ", " : "      ",
	    strcmp(row->def, "on") == 0 ? "no-" : "", row->name,
	    row->type == OPT_BOOL ? "" : " ");
	name[strlen(name) - 1] = '\0';
	if (strstr(help_text, name) == NULL)
		fail_msg("%s is not in --help", row->name);
}

static void
test_help_has_every_option_and_fits_80_columns(void **state)
{
	struct buf help = { 0 };
	char *line, *next;

	(void)state;
	opts_help(&help);
	buf_char(&help, '\0');
	help_text = help.p;
	each_row(check_in_help);
	for (line = help.p; *line != '\0'; line = next + 1) {
		next = strchr(line, '\n');
		assert_non_null(next);
		assert_true(next - line < 80);
		assert_true(next == line || next[-1] != ' ');
	}
	buf_fini(&help);
}

#ifdef MAN_PAGE
static void
check_in_page(enum opt id, const struct opt_row *row)
{
	char name[80] = " Fl \\-", *end = name + strlen(name);
	const char *p;

	(void)id;
	end += sprintf(end, "%s", strcmp(row->def, "on") == 0 ? "no\\-" : "");
	for (p = row->name; *p != '\0'; p++)
		end += sprintf(end, "%s%c", *p == '-' ? "\\" : "", *p);
	sprintf(end, "%s", row->type == OPT_BOOL ? "\n" : " Ar ");
	if (strstr(help_text, name) == NULL)
		fail_msg("%s is not in the man page", row->name);
}

static void
test_the_man_page_has_every_option_record_key_and_error_code(void **state)
{
	static const char *const codes[] = {
#define KEY(id, name, when, value, type, text) \
	".It Li " name " No (" type ")\n",
#define WIDE(id, name, type, text) ".It Li " name " No (" type ")\n",
#include "codec/record/keys.h"
#undef KEY
#undef WIDE
#define ERR(id, code, phase, retry, exitc, curl, text) ".It Li " code "\n",
#include "base/error_table.h"
#undef ERR
	};
	FILE *f = fopen(MAN_PAGE, "r");
	struct buf page = { 0 };
	size_t i;

	(void)state;
	assert_non_null(f);
	page.n = fread(buf_reserve(&page, 1 << 20), 1, 1 << 20, f);
	fclose(f);
	buf_char(&page, '\0');
	help_text = page.p;
	each_row(check_in_page);
	for (i = 0; i < COUNT(codes); i++)
		if (strstr(page.p, codes[i]) == NULL)
			fail_msg("%s is not in the man page", codes[i]);
	assert_null(strchr(page.p, '@') == NULL ? NULL : strstr(page.p, "\n@"));
	buf_fini(&page);
}
#endif

static void
test_help_and_version_are_met_in_their_place(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-h"), OPTS_HELP);
	assert_int_equal(PARSE("x", "-kVh", "--foz"), OPTS_VERSION);
	assert_int_equal(PARSE("--help", "--foz"), OPTS_HELP);
	assert_int_equal(PARSE("--foz", "--help"), 2);
	assert_int_equal(PARSE("--", "--help"), 0);
}

/* ---- values ---- */

static void
check_bound(const struct opt_row *row, const char *text, int is_ok)
{
	struct buf why = { 0 };
	int64_t v;
	int r = opts_value(row, text, &v, &why);

	if ((r == 0) != is_ok)
		fail_msg("--%s=%s is %s", row->name, text,
		    is_ok ? "refused" : "taken");
	if (r == 0)
		assert_true(v >= row->min && v <= row->max);
	else
		assert_true(why.n > 0);
	buf_fini(&why);
}

static void
check_bounds(enum opt id, const struct opt_row *row)
{
	char text[64];
	uint64_t max = (uint64_t)row->max;

	(void)id;
	if (row->type == OPT_INT || row->type == OPT_SIZE) {
		snprintf(text, sizeof(text), "%" PRIu64, max);
		check_bound(row, text, 1);
		snprintf(text, sizeof(text), "%" PRIu64, max + 1);
		check_bound(row, text, 0);
	} else if (row->type == OPT_DUR) {
		snprintf(text, sizeof(text), "%" PRIu64, max / 1000000);
		check_bound(row, text, 1);
		snprintf(
		    text, sizeof(text), "%" PRIu64 ".000001", max / 1000000);
		check_bound(row, text, 0);
		check_bound(row, "99999999999999999999999h", 0);
		check_bound(row, "5124095576030431h", 0);
	} else {
		return;
	}
	snprintf(text, sizeof(text), "%" PRId64, row->min);
	check_bound(row, text, 1);
	check_bound(row, row->min > 0 ? "0" : "-1", 0);
	check_bound(row, "99999999999G", 0);
	check_bound(row, "18446744073709551616", 0);
	check_bound(row, "18446744073709551615", 0);
	check_bound(row, "9223372036854775808", 0);
	check_bound(row, "", 0);
}

static void
test_every_bound_of_every_option_holds(void **state)
{
	(void)state;
	each_row(check_bounds);
	assert_int_equal(opts_row(OPT_concurrency)->min, 1);
}

struct value {
	const char *text;
	int64_t v; /* -1: refused */
};

static void
check_values(enum opt id, const struct value *t, size_t n)
{
	struct buf why = { 0 };
	int64_t v;
	size_t i;

	for (i = 0; i < n; i++) {
		v = -1;
		opts_value(opts_row(id), t[i].text, &v, &why);
		if (v != t[i].v)
			fail_msg("\"%s\" is %" PRId64, t[i].text, v);
	}
	buf_fini(&why);
}

static void
test_a_duration_has_a_unit_or_is_in_seconds(void **state)
{
	static const struct value t[] = {
		{ "0", 0 },
		{ "5", 5000000 },
		{ "500ms", 500000 },
		{ "30s", 30000000 },
		{ "5m", 300000000 },
		{ "2h", 7200000000 },
		{ "1.5", 1500000 },
		{ "0.25s", 250000 },
		{ ".5m", 30000000 },
		{ "0.0015ms", 2 },
		{ "1.000001", 1000001 },
		/* What is not zero does not become "no limit". */
		{ "0.0000000000000000000000000001", 1 },
		{ "0.000", 0 },
		{ "0h", 0 },
		{ "5x", -1 },
		{ "5.", -1 },
		{ ".", -1 },
		{ "s", -1 },
		{ "+5", -1 },
		{ "-5", -1 },
		{ "5S", -1 },
		{ "1m30s", 90000000 },
		{ "1e3", -1 },
		{ "0x10", -1 },
		{ "5us", -1 },
		{ "5\n", -1 },
		{ "nan", -1 },
	};

	(void)state;
	check_values(OPT_max_time, t, COUNT(t));
	assert_int_equal(PARSE("--max-time", "5x"), 2);
	assert_string_equal(err.p,
	    "fetchd: --max-time: \"5x\" is not a duration (for example 500ms, "
	    "30s, 1m30s)\n");
	assert_int_equal(PARSE("-m9000h"), 2);
	assert_string_equal(
	    err.p, "fetchd: --max-time: \"9000h\" is more than 8760h\n");
}

static void
test_a_size_counts_in_1024s(void **state)
{
	static const struct value t[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "1k", 1024 },
		{ "1K", 1024 },
		{ "16M", 16 << 20 },
		{ "2G", 2LL << 30 },
		{ "1024G", 1LL << 40 },
		{ "1025G", -1 },
		{ "1T", 1LL << 40 },
		{ "10MB", 10 << 20 },
		{ "-1", -1 },
		{ "k", -1 },
		{ "18014398509481985k", -1 },
	};

	(void)state;
	check_values(OPT_max_filesize, t, COUNT(t));
	assert_int_equal(PARSE("--max-filesize=99999999999G"), 2);
	assert_string_equal(err.p,
	    "fetchd: --max-filesize: \"99999999999G\" is more than 1024G\n");
	assert_int_equal(PARSE("--max-header-size=1G"), 0);
	assert_int_equal(PARSE("--max-header-size=2G"), 2);
	assert_string_equal(
	    err.p, "fetchd: --max-header-size: \"2G\" is more than 1G\n");
}

static void
test_a_count_is_a_whole_number(void **state)
{
	static const struct value t[] = {
		{ "1", 1 },
		{ "007", 7 },
		{ "1000000", 1000000 },
		{ "1000001", -1 },
		{ "0", -1 },
		{ "1k", -1 },
		{ "1.0", -1 },
		{ "+1", -1 },
		{ "=100", -1 },
		{ "many", -1 },
	};

	(void)state;
	check_values(OPT_concurrency, t, COUNT(t));
	assert_int_equal(PARSE("-c", "0"), 2);
	assert_string_equal(err.p,
	    "fetchd: --concurrency: \"0\" is not a whole number from 1 to "
	    "1000000\n");
}

static void
test_a_rate_is_by_the_second_minute_or_hour(void **state)
{
	static const struct {
		const char *text;
		double amount;
		int64_t per_us;
	} t[] = {
		{ "10", 10, 1000000 },
		{ "2.5/s", 2.5, 1000000 },
		{ "600/m", 600, 60000000 },
		{ ".5/h", .5, 3600000000 },
		{ "5/min", 5, 60000000 },
		{ "50/sec", 50, 1000000 },
		{ "200000/m", 200000, 60000000 },
		{ "1000000000000/h", 1e12, 3600000000 },
		{ "0", 0, 1000000 },
		{ "0.0/m", 0, 60000000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(PARSE("--rate", t[i].text), 0);
		assert_true(o.rate.amount == t[i].amount);
		assert_int_equal(o.rate.per_us, t[i].per_us);
		assert_true(o.rate_per_host.amount == 0);
	}
	assert_int_equal(PARSE("--rate-per-host=3", "--rate-per-host=4/h"), 0);
	assert_true(o.rate_per_host.amount == 4);
	assert_int_equal(o.rate_per_host.per_us, 3600000000);
	assert_true(o.rate.amount == 0);
}

static void
test_what_is_no_rate_is_refused_and_named(void **state)
{
	static const char *const bad[] = { "", "x", "-1", "+1", "1e3", "inf",
		"nan", "0x10", "1.", ".", "/s", "5/", "5/d", "5/ms", "5/S",
		"5s", "5/s/s", "1/0", "1000000000001",
		"99999999999999999999999", "0.000000001/h",
		"0.0000000000000000000000001" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		if (PARSE("--rate-per-host", bad[i]) != 2)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_ptr_equal(
		    strstr(err.p, "fetchd: --rate-per-host: \""), err.p);
		assert_ptr_equal(strchr(err.p, '\n'), err.p + err.n - 2);
	}
	assert_int_equal(PARSE("--rate=5/d"), 2);
	assert_string_equal(err.p, "fetchd: --rate: \"5/d\" is not a rate (for "
				   "example 10, 2.5/s, 600/min)\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_option_is_taken_in_every_spelling),
		cmocka_unit_test(
		    test_no_turns_a_boolean_option_off_and_nothing_else),
		cmocka_unit_test(test_names_and_letters_are_unique),
		cmocka_unit_test(
		    test_the_choices_are_in_the_order_of_their_constants),
		cmocka_unit_test(
		    test_help_has_every_option_and_fits_80_columns),
#ifdef MAN_PAGE
		cmocka_unit_test(
		    test_the_man_page_has_every_option_record_key_and_error_code),
#endif
		cmocka_unit_test(test_help_and_version_are_met_in_their_place),
		cmocka_unit_test(test_every_bound_of_every_option_holds),
		cmocka_unit_test(test_a_duration_has_a_unit_or_is_in_seconds),
		cmocka_unit_test(test_a_size_counts_in_1024s),
		cmocka_unit_test(test_a_count_is_a_whole_number),
		cmocka_unit_test(test_a_rate_is_by_the_second_minute_or_hour),
		cmocka_unit_test(test_what_is_no_rate_is_refused_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
