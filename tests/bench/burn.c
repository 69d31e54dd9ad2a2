/* SPDX-License-Identifier: ISC */
/*
 * burn MS: for --exec. For each line it reads it uses MS milliseconds of CPU,
 * the reading included, and writes a line. Knows nothing of the line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Some microseconds in user space, between two looks at the clock. */
static uint64_t
turn(uint64_t x)
{
	int i;

	for (i = 0; i < 20000; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	return x;
}

int
main(int argc, char **argv)
{
	int64_t each = 1000000 * strtoll(argc > 1 ? argv[1] : "50", NULL, 10);
	int64_t until = cpu_ns();
	uint64_t x = 1;
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		for (until += each; cpu_ns() < until;)
			x = turn(x);
		printf("%d\n", (int)(x >> 60));
		fflush(stdout);
		until = cpu_ns();
	}
	free(line);
	return 0;
}
