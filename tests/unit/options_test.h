/* SPDX-License-Identifier: ISC */
/* What the tests of the options share: one result at a time, one folder. */
#ifndef OPTIONS_TEST_H
#define OPTIONS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "options/options_int.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ARGS_MAX 12

static struct opts o;
static struct buf err; /* NUL-terminated after parse() */
static char dir[] = "/tmp/fetchd-options-XXXXXX";

static inline void
forget(void)
{
	opts_fini(&o);
	buf_fini(&err);
}

/* The arguments end with NULL; the former result is forgotten. */
static inline int
parse(const char *const *args)
{
	char *argv[ARGS_MAX + 2] = { NULL };
	int i, status;

	forget();
	argv[0] = mem_strdup("fetchd");
	for (i = 0; args[i] != NULL; i++) {
		assert_true(i < ARGS_MAX);
		argv[i + 1] = mem_strdup(args[i]);
	}
	status = opts_parse(&o, i + 1, argv, &err);
	/* What it keeps is its own copy. */
	for (; i >= 0; i--) {
		memset(argv[i], 'x', strlen(argv[i]));
		free(argv[i]);
	}
	if (status <= 0)
		assert_int_equal(err.n, 0);
	buf_char(&err, '\0');
	return status;
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static inline const char *
path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* "@" and the path; two may be in use at a time. */
static inline const char *
at_file(const char *name)
{
	static char text[2][80];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "@%s", path_of(name));
	return text[turn];
}

static inline void
write_file(const char *name, const char *p, size_t n)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* After the last test of a group. */
static inline int
drop(void **state)
{
	(void)state;
	forget();
	return 0;
}

static inline int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static inline int
remove_dir(void **state)
{
	static const char *const names[] = { "secret", "data", "big", "list",
		"link", "fifo" };
	size_t i;

	(void)state;
	forget();
	for (i = 0; i < COUNT(names); i++)
		unlink(path_of(names[i]));
	return rmdir(dir);
}

#endif
