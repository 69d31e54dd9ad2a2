/* SPDX-License-Identifier: ISC */
/*
 * Ends the program after an internal error or a fatal shortage.
 *
 * This file holds the only mutable global of the program. CHECK() has no
 * argument that leads to an engine, so reports to print when one fails must be
 * found from the process. The list is read only when the process ends, so
 * engines cannot influence each other through it.
 */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct check_report *reports; /* the newest first */

void
check_add_report(struct check_report *r)
{
	r->next = reports;
	reports = r;
}

void
check_remove_report(struct check_report *r)
{
	struct check_report **at = &reports;

	while (*at != NULL && *at != r)
		at = &(*at)->next;
	if (*at == r)
		*at = r->next;
}

/* Each once, even if one of them fails itself. */
static void
print_reports(void)
{
	struct check_report *r;

	while ((r = reports) != NULL) {
		reports = r->next;
		r->print(r->arg);
	}
}

_Noreturn void
check_failed(const char *file, int line, const char *cond)
{
	fprintf(
	    stderr, "fetchd: %s:%d: internal error: %s\n", file, line, cond);
	print_reports();
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
	print_reports();
	exit(1);
}
