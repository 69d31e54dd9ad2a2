/* SPDX-License-Identifier: ISC */
/* A program of the user's own as a parser (--exec). */
#ifndef WORKER_COPROCESS_H
#define WORKER_COPROCESS_H

#include "worker/sandbox.h"

/*
 * Becomes argv[0], with argv for its arguments and never by a shell: its own
 * group, dead when fetchd is, without new privileges, with sb's memory.
 * Returns an exit status only if that failed, having said why on stderr.
 */
int coprocess_run(const struct sandbox *sb, char **argv);

#endif
