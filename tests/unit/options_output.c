/* SPDX-License-Identifier: ISC */
/* -o: which names are databases, and what a database excludes. */
#include "options_test.h"

static void
test_a_database_is_known_by_its_name_or_its_prefix(void **state)
{
	static const struct {
		const char *name, *output;
		int kind;
	} t[] = {
		{ "r.db", "r.db", OUTPUT_DATABASE },
		{ "a.b/r.sqlite", "a.b/r.sqlite", OUTPUT_DATABASE },
		{ "r.sqlite3", "r.sqlite3", OUTPUT_DATABASE },
		{ "sqlite:r", "r", OUTPUT_DATABASE },
		{ "sqlite:r.csv", "r.csv", OUTPUT_DATABASE },
		{ "sqlite:/a/sqlite:b", "/a/sqlite:b", OUTPUT_DATABASE },
		{ "r.jsonl", "r.jsonl", OUTPUT_FILE },
		{ "db", "db", OUTPUT_FILE },
		{ "r.db.jsonl", "r.db.jsonl", OUTPUT_FILE },
		{ "r.jsonl.gz", "r.jsonl.gz", OUTPUT_FILE },
		{ "-", "-", OUTPUT_FILE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(PARSE("x", "-o", t[i].name), 0);
		assert_int_equal(o.output_kind, t[i].kind);
		assert_string_equal(o.output, t[i].output);
		if (t[i].kind == OUTPUT_DATABASE)
			assert_int_equal(o.format, FORMAT_JSONL);
	}
	assert_int_equal(PARSE("x", "-o", "r.db", "-j"), 0);
	assert_int_equal(PARSE("x", "-o", "r.db", "--append"), 0);
	assert_int_equal(PARSE("x", "-o", "r.db", "--keep-order"), 0);
	assert_int_equal(PARSE("x", "-o", "r.db", "--fields", "url"), 0);
}

static void
test_what_a_database_cannot_do_is_refused(void **state)
{
	static const struct {
		const char *name, *option, *message;
	} t[] = {
		{ "r.db.gz", "-j",
		    "--output: a database cannot be compressed" },
		{ "r.sqlite.zst", "-j",
		    "--output: a database cannot be compressed" },
		{ "sqlite:x.gz", "-j",
		    "--output: a database cannot be compressed" },
		{ "sqlite:-", "-j",
		    "--output: a database must be a file: sqlite:FILE" },
		{ "sqlite:", "-j",
		    "--output: a database must be a file: sqlite:FILE" },
		{ "r.db", "--format=text",
		    "--format: cannot be combined with a database as the "
		    "output" },
		{ "r.db", "--format=csv",
		    "--format: cannot be combined with a database as the "
		    "output" },
		{ "r.db", "--stream",
		    "--stream: cannot be combined with a database as the "
		    "output" },
		{ "r.db", "--rotate=1M",
		    "--rotate: cannot be combined with a database as the "
		    "output" },
		{ "r.db", "--journal=j",
		    "--journal: is not needed with a database, which has the "
		    "state of its run; --resume continues it" },
		{ "r.db", "--max-filesize=513M",
		    "--max-filesize: must be from 1 to 512M with a database as "
		    "the output, or give --body none" },
		{ "r.db", "--max-filesize=0",
		    "--max-filesize: must be from 1 to 512M with a database as "
		    "the output, or give --body none" },
		{ "r.db", "--fields=url,meta.a",
		    "--fields: \"meta.a\" is a path; a database has a column "
		    "for the whole key, and SQL reads its parts: "
		    "header->>'$.etag[0]'" },
	};
	char message[300];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(PARSE("x", "-o", t[i].name, t[i].option), 2);
		snprintf(
		    message, sizeof(message), "fetchd: %s\n", t[i].message);
		assert_string_equal(err.p, message);
	}
	assert_int_equal(
	    PARSE("x", "-o", "r.db", "--append", "--overwrite"), 2);
	assert_int_equal(
	    PARSE("x", "-o", "r.db", "--max-filesize=0", "--body=none"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_database_is_known_by_its_name_or_its_prefix),
		cmocka_unit_test(test_what_a_database_cannot_do_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
