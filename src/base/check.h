/* SPDX-License-Identifier: ISC */
/*
 * CHECK() states an invariant and aborts the program if it does not hold. It is
 * always compiled in. It must not be used for anything that the network or the
 * input can cause: those faults are values (base/error.h).
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			check_failed(__FILE__, __LINE__, #cond); \
	} while (0)

/* Prints file, line and condition on stderr, runs the reports and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *cond);

/* A resource of the machine is exhausted: prints the message on stderr, runs
 * the reports, exits with 1. */
_Noreturn void
fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A report to print when check_failed or fatalx ends the process. The owner
 * keeps the struct until it has removed it. `print` must not allocate.
 */
struct check_report {
	void (*print)(void *arg);
	void *arg;
	struct check_report *next;
};

void check_add_report(struct check_report *r);
void check_remove_report(struct check_report *r);

#endif
