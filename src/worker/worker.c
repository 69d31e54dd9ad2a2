/* SPDX-License-Identifier: ISC */
/* Parses the arguments of fetchd-worker and runs the requested mode. */
#include "worker/worker.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "codec/frame.h"
#include "worker/coprocess.h"
#include "worker/sandbox.h"
#include "worker/version.h"

/* Digits only. 0 or -1. */
static int
parse_number(const char *s, uint64_t *v)
{
	uint64_t n = 0;
	unsigned digit;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		digit = (unsigned)(*s - '0');
		if (n > ((uint64_t)INT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*v = n;
	return 0;
}

/* PARENT_PID MEM_BYTES TIME_SECONDS */
static int
parse_common(char **argv, struct sandbox *sb)
{
	uint64_t parent;

	if (parse_number(argv[0], &parent) == -1 || parent == 0 ||
	    parent > INT32_MAX || parse_number(argv[1], &sb->mem_bytes) == -1 ||
	    parse_number(argv[2], &sb->time_s) == -1)
		return -1;
	sb->parent = (pid_t)parent;
	return 0;
}

static int
parse_serve(int argc, char **argv, struct sandbox *sb)
{
	uint64_t on;

	if (argc != 6 || parse_common(argv + 2, sb) == -1 ||
	    parse_number(argv[5], &on) == -1 || on > 1)
		return -1;
	sb->is_on = (int)on;
	return 0;
}

static int
parse_exec(int argc, char **argv, struct sandbox *sb)
{
	return argc >= 7 && strcmp(argv[5], "--") == 0
		   ? parse_common(argv + 2, sb)
		   : -1;
}

static int
show_version(void)
{
	struct buf b = { 0 };
	size_t n;

	version_text(&b);
	n = fwrite(b.p, 1, b.n, stdout);
	n = n == b.n && fflush(stdout) == 0 ? 0 : 3;
	buf_fini(&b);
	return (int)n;
}

static int
usage(void)
{
	fputs("fetchd-worker: this program is started by fetchd to parse "
	      "documents;\n"
	      "fetchd-worker: the only option for direct use is --version\n",
	    stderr);
	return FRAME_EXIT_USAGE;
}

int
worker_main(int argc, char **argv, const struct serve_hooks *hooks)
{
	struct sandbox sb = { 0 };

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return show_version();
	if (argc > 1 && strcmp(argv[1], "--serve") == 0 &&
	    parse_serve(argc, argv, &sb) == 0)
		return serve_run(&sb, hooks);
	if (argc > 1 && strcmp(argv[1], "--exec") == 0 &&
	    parse_exec(argc, argv, &sb) == 0)
		return coprocess_run(&sb, argv + 6);
	return usage();
}
