/* SPDX-License-Identifier: ISC */
/* The two ways this program ends itself. Knows nothing of who calls it. */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void
check_failed(const char *file, int line, const char *cond)
{
	fprintf(
	    stderr, "fetchd: %s:%d: internal error: %s\n", file, line, cond);
	abort();
}

_Noreturn void
fatalx(const char *fmt, ...)
{
	va_list ap;

	fputs("fetchd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}
