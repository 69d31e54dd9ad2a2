/* SPDX-License-Identifier: ISC */
/*
 * Our own mistakes. CHECK() states an invariant of this program and ends it
 * when that does not hold; it is always compiled in. It never guards against
 * anything the network or the input can cause: those faults are values
 * (base/error.h).
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			check_failed(__FILE__, __LINE__, #cond); \
	} while (0)

/* Names the place on stderr, makes the reports and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *cond);

/* The machine is out of something: says so on stderr, makes the reports, exit
 * 1. */
_Noreturn void
fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * What else is to be printed when the process ends so. The owner keeps the
 * struct until it has removed it; `print` allocates nothing.
 */
struct check_report {
	void (*print)(void *arg);
	void *arg;
	struct check_report *next;
};

void check_add_report(struct check_report *r);
void check_remove_report(struct check_report *r);

#endif
