/* SPDX-License-Identifier: ISC */
/* All scenarios, one program; each group says its own plan. Arguments name the
 * groups to run. */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static const struct {
	const char *name;
	int (*run)(void);
} groups[] = {
	{ "limits", run_limits },
	{ "faults", run_faults },
	{ "redirects", run_redirects },
	{ "retry", run_retry },
	{ "governor", run_governor },
	{ "silence", run_silence },
	{ "pace", run_pace },
	{ "budgets", run_budgets },
	{ "network", run_network },
	{ "chaos", run_chaos },
	{ "crowd", run_crowds },
	{ "drain", run_drain },
	{ "parsing", run_parsing },
	{ "saving", run_saving },
	{ "capacity", run_capacity },
	{ "jobs", run_jobs },
	{ "seams", run_seams },
	{ "uploads", run_uploads },
	{ "resume", run_resume },
	{ "restore", run_restore },
};

uint64_t
scale(uint64_t n)
{
	const char *s = getenv("SIM_SCALE");

	return s != NULL ? n * strtoull(s, NULL, 10) : n;
}

static int
is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc < 2;
}

int
main(int argc, char **argv)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < COUNT(groups); i++)
		if (is_wanted(groups[i].name, argc, argv))
			failed += groups[i].run();
	return failed > 0;
}
