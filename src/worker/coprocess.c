/* SPDX-License-Identifier: ISC */
/* Executes the program of --exec with limits. */
#include "worker/coprocess.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec/frame.h"

int
coprocess_run(const struct sandbox *sb, char **argv)
{
	sandbox_begin(sb);
	sandbox_limit_program(sb);
	execv(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	return FRAME_EXIT_EXEC;
}
